//! One function per command, one call of the driver per function.

use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::{Map, Value, json};
use webex_oauth_ureq::http::{Request, Response};
use webex_oauth_ureq::webex_oauth::{AccessToken, Flow, LoginOptions, LogoutVia, Scope, Secret, SignOutOptions};
use webex_oauth_ureq::{BrowserLogin, Client, ClientError, Guest, refresh_error};

use crate::config::{open, text};
use crate::{Harness, Opened, report, say};

type Answer = Result<Value, Value>;

pub(crate) fn run(harness: &Harness, command: &Value) -> Answer {
    let name = command["do"].as_str().unwrap_or_default();
    match name {
        "hello" => return Ok(json!({ "driver": "ureq", "protocol": 1 })),
        "clock" => {
            harness.ahead.fetch_add(command["advance"].as_i64().unwrap_or(0), Ordering::SeqCst);
            return Ok(json!({}));
        }
        "open" => {
            let opened = open(harness, command).map_err(|error| report::error(harness, &error))?;
            harness.clients.lock().unwrap().insert(argument(command, "client"), opened);
            return Ok(json!({}));
        }
        _ => {}
    }
    let opened = harness.clients.lock().unwrap().get(&argument(command, "client")).cloned();
    let Some(Opened { client, events }) = opened else {
        // A thread that waits for a condition cannot be taken away from there.
        let kind = if name == "cancel" { "unsupported" } else { "other" };
        return Err(json!({ "kind": kind, "text": format!("{name}: no such client") }));
    };
    let secret = |name: &str| Secret::new(argument(command, name));
    let result = match name {
        "close" => {
            client.close();
            Ok(json!({}))
        }
        "status" => Ok(report::status(&client.status())),
        "events" => {
            let events: Vec<Value> = events.lock().unwrap().try_iter().map(|event| report::event(&event)).collect();
            Ok(json!({ "events": events }))
        }
        "adopt" => done(client.adopt(secret("tokens"))),
        "begin_login" => client.begin_login(options(command)).map(|url| json!({ "url": url.expose() })),
        "complete_login" => done(client.complete_login(secret("callback")).map(drop)),
        "cancel_login" => done(match command.get("of").and_then(Value::as_str) {
            Some(of) => client.cancel_login_of(&Secret::new(of)),
            None => client.cancel_login(),
        }),
        "login_device" => done(client.device_login(scope(command), |_| {})),
        "login_jwt" => done(client.sign_in_with_jwt(secret("jwt"))),
        "login_client_credentials" => done(client.sign_in_with_client_credentials(scope(command))),
        "login_guest" => done(client.sign_in_as_guest(Guest {
            service_token: secret("service_token"),
            subject: argument(command, "subject"),
            display_name: argument(command, "display_name"),
        })),
        "login_browser" => done(login_browser(&client, command)),
        "token" => Ok(many(command, || token(harness, client.token()))),
        "user_token" => {
            let scope = scope(command).unwrap_or_default();
            Ok(many(command, || token(harness, client.user_token(&scope))))
        }
        "call" => Ok(many(command, || call(harness, &client, command))),
        "refresh" => done(client.refresh()),
        "services" => {
            let max_age = Duration::from_millis(command["max_age"].as_u64().unwrap_or_default());
            client.services(max_age).map(|services| report::services(&services))
        }
        "sign_out" => client.sign_out(sign_out_options(command)).map(|url| json!({ "url": url.map(exposed) })),
        _ => return Err(json!({ "kind": "other", "text": format!("no such command: {name}") })),
    };
    result.map_err(|error| report::error(harness, &error))
}

fn argument(command: &Value, name: &str) -> String {
    text(&command[name]).unwrap_or_default()
}

fn scope(command: &Value) -> Option<Scope> {
    command["scope"].as_str().map(Scope::parse)
}

fn exposed(secret: Secret) -> String {
    secret.expose().to_owned()
}

fn done(result: Result<(), ClientError>) -> Result<Value, ClientError> {
    result.map(|()| json!({}))
}

fn options(command: &Value) -> LoginOptions {
    let flow = if command["flow"] == "implicit" { Flow::Implicit } else { Flow::Code };
    LoginOptions {
        flow,
        scope: scope(command),
        redirect_uri: text(&command["redirect_uri"]),
        ..LoginOptions::default()
    }
}

fn sign_out_options(command: &Value) -> SignOutOptions {
    let logout = match command["logout"].as_str() {
        Some("browser") => LogoutVia::Browser,
        Some("post") => LogoutVia::Post,
        _ => LogoutVia::Nothing,
    };
    SignOutOptions { revoke: command["revoke"].as_bool().unwrap_or(true), logout, goto: None }
}

fn login_browser(client: &Client, command: &Value) -> Result<(), ClientError> {
    let id = command["id"].clone();
    client.login_with_browser(BrowserLogin {
        options: options(command),
        limit: Duration::from_millis(command["limit"].as_u64().unwrap_or(20_000)),
        open: Box::new(move |url| say(&json!({ "id": id, "url": url.expose() }))),
    })
}

/// So many callers at the same time.
fn many(command: &Value, caller: impl Fn() -> Value + Sync) -> Value {
    let times = command["times"].as_u64().unwrap_or(1);
    let results: Vec<Value> = std::thread::scope(|scope| {
        let callers: Vec<_> = (0..times).map(|_| scope.spawn(&caller)).collect();
        callers.into_iter().map(|caller| caller.join().expect("a caller does not panic")).collect()
    });
    json!({ "results": results })
}

fn token(harness: &Harness, result: Result<AccessToken, ClientError>) -> Value {
    match result {
        Ok(token) => json!({ "token": token.expose() }),
        Err(error) => json!({ "error": report::error(harness, &error) }),
    }
}

fn call(harness: &Harness, client: &Client, command: &Value) -> Value {
    let mut request = Request::builder().uri(argument(command, "url"));
    request = request.method(command["method"].as_str().unwrap_or("GET"));
    for (name, value) in command["headers"].as_object().unwrap_or(&Map::new()) {
        request = request.header(name, value.as_str().unwrap_or_default());
    }
    let Ok(request) = request.body(argument(command, "body").into_bytes()) else {
        return json!({ "error": { "kind": "misuse", "text": "not a request" } });
    };
    match client.call(request) {
        Ok(answer) => answered(harness, &answer),
        Err(error) => json!({ "error": report::error(harness, &error) }),
    }
}

fn answered(harness: &Harness, answer: &Response<Vec<u8>>) -> Value {
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
