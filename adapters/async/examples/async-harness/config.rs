//! From `open` to a client.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::Value;
use webex_oauth_async::webex_oauth::{ConfigParts, Provider, Renewal, Scope, Secret};
use webex_oauth_async::{Client, ClientBuilder, ClientError, FileStore};

use crate::{Harness, Opened};

fn duration(value: &Value) -> Option<Duration> {
    value.as_u64().map(Duration::from_millis)
}

/// Sets `target` where the member is there.
fn set(target: &mut Duration, value: &Value) {
    if let Some(given) = duration(value) {
        *target = given;
    }
}

pub(crate) fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

fn parts(config: &Value) -> ConfigParts {
    let provider = Provider::webex_at(config["base_url"].as_str().unwrap_or_default());
    let mut parts = ConfigParts::new(provider, config["client_id"].as_str().unwrap_or_default());
    parts.client_secret = text(&config["client_secret"]).map(Secret::new);
    parts.redirect_uri = text(&config["redirect_uri"]);
    parts.scope = Scope::parse(config["scope"].as_str().unwrap_or_default());
    parts.renewal = match config["renewal"].as_str() {
        Some("host_token") => Renewal::HostToken,
        Some("host_jwt") => Renewal::HostJwt,
        _ => Renewal::Grant,
    };
    set(&mut parts.request_timeout, &config["request_timeout"]);
    set(&mut parts.login_lifetime, &config["login_lifetime"]);
    let refresh = &config["refresh"];
    if let (Some(low), Some(high)) = (refresh["soon_permille"][0].as_u64(), refresh["soon_permille"][1].as_u64()) {
        let permille = |number: u64| u16::try_from(number).unwrap_or(u16::MAX);
        parts.refresh.soon_permille = (permille(low), permille(high));
    }
    set(&mut parts.refresh.margin, &refresh["margin"]);
    set(&mut parts.refresh.min_interval, &refresh["min_interval"]);
    set(&mut parts.refresh.backoff, &refresh["backoff"]);
    set(&mut parts.refresh.max_backoff, &refresh["max_backoff"]);
    if let Some(proactive) = refresh["proactive"].as_bool() {
        parts.refresh.proactive = proactive;
    }
    let bounds = &config["retry_after"];
    set(&mut parts.retry_after.missing, &bounds["missing"]);
    set(&mut parts.retry_after.zero, &bounds["zero"]);
    set(&mut parts.retry_after.minimum, &bounds["minimum"]);
    set(&mut parts.retry_after.maximum, &bounds["maximum"]);
    parts
}

fn with_store(harness: &Harness, builder: ClientBuilder, store: &Value) -> ClientBuilder {
    if let Some(path) = store["file"].as_str() {
        return builder.store(FileStore::new(path));
    }
    match store["memory"].as_str() {
        Some(name) => builder.store(harness.memories.lock().unwrap().entry(name.to_owned()).or_default().clone()),
        None => builder,
    }
}

/// The host's answers, one after the other, the last one again and again.
fn host(answers: &Value) -> impl Fn() -> std::future::Ready<Result<Secret, String>> + Send + Sync + use<> {
    let mut answers: Vec<Value> = answers.as_array().cloned().unwrap_or_default();
    answers.reverse();
    let answers = Mutex::new(answers);
    move || {
        let mut answers = answers.lock().unwrap();
        let answer = if answers.len() > 1 { answers.pop() } else { answers.first().cloned() };
        let answer = answer.as_ref().and_then(Value::as_str).map(Secret::new);
        std::future::ready(answer.ok_or_else(|| "the host has none".to_owned()))
    }
}

pub(crate) async fn open(harness: &Harness, command: &Value) -> Result<Opened, ClientError> {
    let ahead = Arc::clone(&harness.ahead);
    let clock = move || webex_oauth_driver::now().plus_millis(ahead.load(Ordering::SeqCst));
    let (tokens, jwts) = (host(&command["host"]), host(&command["host"]));
    let mut builder = Client::builder(parts(&command["config"]).build()?)
        .clock(clock)
        .ask_for_token(move |_| tokens())
        .ask_for_jwt(jwts);
    if let Some(patience) = duration(&command["patience"]) {
        builder = builder.patience(patience);
    }
    if let Some(max_wait) = duration(&command["max_wait"]) {
        builder = builder.max_wait(max_wait);
    }
    let client = with_store(harness, builder, &command["store"]).open().await?;
    let events = Arc::new(Mutex::new(client.events()));
    let running = client.clone();
    tokio::spawn(async move { running.run().await });
    Ok(Opened { client, events })
}
