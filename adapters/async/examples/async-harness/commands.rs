//! One function per command, one call of the driver per function.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::{Map, Value, json};
use tokio::task::JoinSet;
use webex_oauth_async::webex_oauth::{
    AccessToken, Flow, LoginOptions, LogoutVia, Misuse, Scope, Secret, SignOutOptions,
};
use webex_oauth_async::{Client, ClientError, Guest, Request, Response, refresh_error};

use crate::config::{open, text};
use crate::{Harness, Opened, report};

type Answer = Result<Value, Value>;

pub(crate) async fn run(harness: &Arc<Harness>, command: &Value) -> Answer {
    let name = command["do"].as_str().unwrap_or_default();
    match name {
        "hello" => return Ok(json!({ "driver": "async", "protocol": 1 })),
        "clock" => {
            harness.ahead.fetch_add(command["advance"].as_i64().unwrap_or(0), Ordering::SeqCst);
            return Ok(json!({}));
        }
        "open" => {
            let opened = open(harness, command).await.map_err(|error| report::error(harness, &error))?;
            harness.clients.lock().unwrap().insert(argument(command, "client"), opened);
            return Ok(json!({}));
        }
        "cancel" => return cancel(harness, &command["of"]),
        "login_browser" => return Err(json!({ "kind": "unsupported", "text": "there is no listener of its own" })),
        _ => {}
    }
    let opened = harness.clients.lock().unwrap().get(&argument(command, "client")).cloned();
    let Some(Opened { client, events }) = opened else {
        return Err(json!({ "kind": "other", "text": format!("{name}: no such client") }));
    };
    let secret = |name: &str| Secret::new(argument(command, name));
    let result = match name {
        "close" => {
            client.close().await;
            Ok(json!({}))
        }
        "status" => Ok(report::status(&client.status())),
        "events" => {
            let mut events = events.lock().unwrap();
            let events: Vec<Value> =
                std::iter::from_fn(|| events.try_next()).map(|event| report::event(&event)).collect();
            Ok(json!({ "events": events }))
        }
        "adopt" => done(client.adopt(secret("tokens")).await),
        "begin_login" => client.begin_login(options(command)).await.map(|url| json!({ "url": url.expose() })),
        "complete_login" => done(client.complete_login(secret("callback")).await.map(drop)),
        "cancel_login" => done(match command.get("of").and_then(Value::as_str) {
            Some(of) => client.cancel_login_of(&Secret::new(of)).await,
            None => client.cancel_login().await,
        }),
        "login_device" => done(client.device_login(scope(command), |_| {}).await),
        "login_jwt" => done(client.sign_in_with_jwt(secret("jwt")).await),
        "login_client_credentials" => done(client.sign_in_with_client_credentials(scope(command)).await),
        "login_guest" => {
            let (subject, display_name) = (argument(command, "subject"), argument(command, "display_name"));
            let guest = Guest { service_token: secret("service_token"), subject, display_name };
            done(client.sign_in_as_guest(guest).await)
        }
        "token" => Ok(many(harness, command, &client, |client, _| async move { client.token().await }, token).await),
        "user_token" => {
            let user_token = |client: Client, command: Value| async move {
                client.user_token(&scope(&command).unwrap_or_default()).await
            };
            Ok(many(harness, command, &client, user_token, token).await)
        }
        "call" => {
            let call = |client: Client, command: Value| async move { client.call(request(&command)?).await };
            Ok(many(harness, command, &client, call, |answer| answered(harness, &answer)).await)
        }
        "services" => {
            let max_age = Duration::from_millis(command["max_age"].as_u64().unwrap_or_default());
            client.services(max_age).await.map(|services| report::services(&services))
        }
        "refresh" => done(client.refresh().await),
        "sign_out" => {
            let url = client.sign_out(sign_out_options(command)).await;
            url.map(|url| json!({ "url": url.map(|url| url.expose().to_owned()) }))
        }
        _ => return Err(json!({ "kind": "other", "text": format!("no such command: {name}") })),
    };
    result.map_err(|error| report::error(harness, &error))
}

/// The task is dropped wherever it waits.
fn cancel(harness: &Harness, of: &Value) -> Answer {
    let running = harness.running.lock().unwrap().remove(&of.to_string());
    let Some(running) = running else {
        return Err(json!({ "kind": "other", "text": "nothing waits under that id" }));
    };
    running.abort();
    crate::answer(of, Err(json!({ "kind": "cancelled", "text": "cancelled" })));
    Ok(json!({}))
}

fn argument(command: &Value, name: &str) -> String {
    text(&command[name]).unwrap_or_default()
}

fn scope(command: &Value) -> Option<Scope> {
    command["scope"].as_str().map(Scope::parse)
}

fn done(result: Result<(), ClientError>) -> Result<Value, ClientError> {
    result.map(|()| json!({}))
}

fn options(command: &Value) -> LoginOptions {
    let flow = if command["flow"] == "implicit" { Flow::Implicit } else { Flow::Code };
    let redirect_uri = text(&command["redirect_uri"]);
    LoginOptions { flow, scope: scope(command), redirect_uri, ..LoginOptions::default() }
}

fn sign_out_options(command: &Value) -> SignOutOptions {
    let logout = match command["logout"].as_str() {
        Some("browser") => LogoutVia::Browser,
        Some("post") => LogoutVia::Post,
        _ => LogoutVia::Nothing,
    };
    SignOutOptions { revoke: command["revoke"].as_bool().unwrap_or(true), logout, goto: None }
}

/// So many callers at the same time, each a task of its own. They go when this is dropped.
async fn many<T, F>(
    harness: &Harness,
    command: &Value,
    client: &Client,
    caller: impl Fn(Client, Value) -> F,
    line: impl Fn(T) -> Value,
) -> Value
where
    T: Send + 'static,
    F: Future<Output = Result<T, ClientError>> + Send + 'static,
{
    let mut callers = JoinSet::new();
    for _ in 0..command["times"].as_u64().unwrap_or(1) {
        callers.spawn(caller(client.clone(), command.clone()));
    }
    let results = callers.join_all().await.into_iter().map(|result| match result {
        Ok(got) => line(got),
        Err(error) => json!({ "error": report::error(harness, &error) }),
    });
    json!({ "results": results.collect::<Vec<Value>>() })
}

fn token(token: AccessToken) -> Value {
    json!({ "token": token.expose() })
}

fn request(command: &Value) -> Result<Request, ClientError> {
    let mut request = webex_oauth_async::http::Request::builder().uri(argument(command, "url"));
    request = request.method(command["method"].as_str().unwrap_or("GET"));
    for (name, value) in command["headers"].as_object().unwrap_or(&Map::new()) {
        request = request.header(name, value.as_str().unwrap_or_default());
    }
    let unusable = |_| Misuse::InvalidArgument { argument: "url", problem: "not a request".to_owned() };
    Ok(request.body(argument(command, "body").into_bytes()).map_err(unusable)?)
}

fn answered(harness: &Harness, answer: &Response) -> Value {
    let headers: Map<String, Value> = answer
        .headers()
        .iter()
        .map(|(name, value)| (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into()))
        .collect();
    let mut line = json!({
        "status": answer.status().as_u16(),
        "headers": headers,
        "body": String::from_utf8_lossy(answer.body()),
    });
    if let Some(error) = refresh_error(answer) {
        line["refresh_error"] = report::error(harness, error);
    }
    line
}
