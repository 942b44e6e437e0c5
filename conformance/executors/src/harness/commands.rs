//! One arm per command, one call of the coordinator per arm.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::{Map, Value, json};
use tokio::task::JoinSet;
use webex_oauth::coordinator::{Call, Credential, Of, Reply, Which};
use webex_oauth::{Flow, HttpResponse, LoginId, LoginOptions, LogoutVia, Misuse, Scope, Secret, SignOutOptions};
use webex_oauth_driver::{ClientError, client_event, entropy};

use super::client::Client;
use super::front::Front;
use super::open::{open, text};
use super::{Harness, report};

pub(super) async fn run<F: Front>(harness: &Arc<Harness<F>>, command: &Value) -> Result<Value, Value> {
    let name = command["do"].as_str().unwrap_or_default();
    match name {
        "hello" => return Ok(json!({ "driver": F::NAME, "protocol": 1 })),
        "clock" => {
            harness.ahead.fetch_add(command["advance"].as_i64().unwrap_or(0), Ordering::SeqCst);
            return Ok(json!({}));
        }
        "open" => {
            let client = open(harness, command).map_err(|error| report::error(harness, &error))?;
            harness.clients.lock().unwrap().insert(argument(command, "client"), client);
            return Ok(json!({}));
        }
        "cancel" => return cancel(harness, &command["of"]),
        "login_browser" => return Err(json!({ "kind": "unsupported", "text": "there is no listener" })),
        _ => {}
    }
    let client = harness.clients.lock().unwrap().get(&argument(command, "client")).cloned();
    let Some(client) = client else {
        return Err(json!({ "kind": "other", "text": format!("{name}: no such client") }));
    };
    let result = match name {
        "token" | "user_token" | "call" => Ok(many(harness, name, command, &client).await),
        "begin_login" | "adopt" | "login_device" | "login_jwt" | "login_client_credentials" | "login_guest" => {
            sign_in(name, command, &client).await
        }
        _ => once(harness, name, command, &client).await,
    };
    result.map_err(|error| report::error(harness, &error))
}

async fn once<F: Front>(
    harness: &Harness<F>,
    name: &str,
    command: &Value,
    client: &Client<F>,
) -> Result<Value, ClientError> {
    let call = match name {
        "complete_login" => Call::CompleteLogin { callback: secret(command, "callback"), within: None },
        "cancel_login" => Call::CancelLogin { of: which(command) },
        "refresh" => Call::Refresh { within: None },
        "sign_out" => Call::SignOut { options: sign_out_options(command) },
        "close" => {
            client.front.close().await;
            return Ok(json!({}));
        }
        "status" => {
            let now = harness.now();
            return Ok(client.front.with(|coordinator, _| report::status(&coordinator.session().status(now))));
        }
        "events" => {
            let events = client.events.lock().unwrap();
            let events: Vec<Value> = events.try_iter().map(|event| report::event(&client_event(event, None))).collect();
            return Ok(json!({ "events": events }));
        }
        "services" => {
            let max_age = Duration::from_millis(command["max_age"].as_u64().unwrap_or_default());
            return Ok(report::services(&client.services(harness.now(), max_age).await?));
        }
        _ => {
            let problem = format!("no such command: {name}");
            return Err(Misuse::InvalidArgument { argument: "do", problem }.into());
        }
    };
    match client.call(call).await? {
        Reply::Url(url) => Ok(json!({ "url": url.expose() })),
        _ => Ok(json!({})),
    }
}

async fn sign_in<F: Front>(name: &str, command: &Value, client: &Client<F>) -> Result<Value, ClientError> {
    let credential = match name {
        "begin_login" => Credential::Browser { options: options(command), entropy: entropy()? },
        "login_device" => Credential::Device { scope: scope(command) },
        "login_jwt" => Credential::Jwt { jwt: secret(command, "jwt") },
        "login_client_credentials" => Credential::Client { scope: scope(command) },
        "login_guest" => Credential::Guest {
            service_token: secret(command, "service_token"),
            subject: argument(command, "subject"),
            display_name: argument(command, "display_name"),
        },
        _ => Credential::Tokens { tokens: secret(command, "tokens") },
    };
    let url = client.sign_in(credential).await?;
    Ok(url.map_or_else(|| json!({}), |url| json!({ "url": url.expose() })))
}

/// So many callers at the same time, each a task of its own. They go when this is dropped.
async fn many<F: Front>(harness: &Arc<Harness<F>>, name: &str, command: &Value, client: &Client<F>) -> Value {
    let mut callers = JoinSet::new();
    for _ in 0..command["times"].as_u64().unwrap_or(1) {
        match name {
            "call" => callers.spawn(caller(harness, call(client.clone(), command.clone()))),
            "token" => callers.spawn(caller(harness, token(client.clone(), Of::Session))),
            _ => {
                let of = Of::User(scope(command).unwrap_or_default());
                callers.spawn(caller(harness, token(client.clone(), of)))
            }
        };
    }
    json!({ "results": callers.join_all().await })
}

/// A line for what came, or for the error.
fn caller<F: Front, C>(harness: &Arc<Harness<F>>, caller: C) -> impl Future<Output = Value> + Send + use<F, C>
where
    C: Future<Output = Result<(Value, Option<ClientError>), ClientError>> + Send,
{
    let harness = Arc::clone(harness);
    async move {
        match caller.await {
            Ok((line, None)) => line,
            Ok((mut line, Some(error))) => {
                line["refresh_error"] = report::error(&harness, &error);
                line
            }
            Err(error) => json!({ "error": report::error(&harness, &error) }),
        }
    }
}

async fn token<F: Front>(client: Client<F>, of: Of) -> Result<(Value, Option<ClientError>), ClientError> {
    client.token(of).await.map(|(token, _)| (json!({ "token": token.expose() }), None))
}

async fn call<F: Front>(client: Client<F>, command: Value) -> Result<(Value, Option<ClientError>), ClientError> {
    let mut request = http::Request::builder().uri(argument(&command, "url"));
    request = request.method(command["method"].as_str().unwrap_or("GET"));
    for (name, value) in command["headers"].as_object().unwrap_or(&Map::new()) {
        request = request.header(name, value.as_str().unwrap_or_default());
    }
    let unusable = |_| Misuse::InvalidArgument { argument: "url", problem: "not a request".to_owned() };
    let request = request.body(argument(&command, "body").into_bytes()).map_err(unusable)?;
    client.call_api(request).await.map(|(answer, why)| (answered(&answer), why))
}

fn answered(answer: &HttpResponse) -> Value {
    let headers = answer.headers.iter().map(|(name, value)| (name.to_ascii_lowercase(), value.clone().into()));
    json!({
        "status": answer.status,
        "headers": headers.collect::<Map<String, Value>>(),
        "body": String::from_utf8_lossy(&answer.body),
    })
}

/// The task is dropped wherever it waits, if its executor can do that.
fn cancel<F: Front>(harness: &Harness<F>, of: &Value) -> Result<Value, Value> {
    if !F::CANCELS {
        return Err(json!({ "kind": "unsupported", "text": "a thread that waits cannot be taken away" }));
    }
    let running = harness.running.lock().unwrap().remove(&of.to_string());
    let Some(running) = running else {
        return Err(json!({ "kind": "other", "text": "nothing waits under that id" }));
    };
    running.abort();
    super::answer(of, Err(json!({ "kind": "cancelled", "text": "cancelled" })));
    Ok(json!({}))
}

fn argument(command: &Value, name: &str) -> String {
    text(&command[name]).unwrap_or_default()
}

fn secret(command: &Value, name: &str) -> Secret {
    Secret::new(argument(command, name))
}

fn scope(command: &Value) -> Option<Scope> {
    command["scope"].as_str().map(Scope::parse)
}

fn which(command: &Value) -> Which {
    command["of"].as_str().and_then(LoginId::of).map_or(Which::All, Which::Browser)
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
