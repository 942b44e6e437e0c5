//! From `open` to an executor.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use webex_oauth::{ConfigParts, Provider, Renewal, Scope, Secret};
use webex_oauth_driver::{ClientError, FileStore, Store};

use super::Harness;
use super::client::Client;
use super::front::Front;
use crate::surroundings::Surroundings;

/// Where the command names none, as the clients have it.
const MAX_WAIT: Duration = Duration::from_secs(60);

fn duration(value: &Value) -> Option<Duration> {
    value.as_u64().map(Duration::from_millis)
}

/// Sets `target` where the member is there.
fn set(target: &mut Duration, value: &Value) {
    if let Some(given) = duration(value) {
        *target = given;
    }
}

pub(super) fn text(value: &Value) -> Option<String> {
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

fn store<F>(harness: &Harness<F>, store: &Value) -> Option<Box<dyn Store>> {
    if let Some(path) = store["file"].as_str() {
        return Some(Box::new(FileStore::new(path)));
    }
    let name = store["memory"].as_str()?;
    Some(Box::new(harness.memories.lock().unwrap().entry(name.to_owned()).or_default().clone()))
}

/// The host's answers, one after the other, the last one again and again.
fn host(answers: &Value) -> impl Fn() -> Result<Secret, String> + Send + Sync + use<> {
    let mut answers: Vec<Value> = answers.as_array().cloned().unwrap_or_default();
    answers.reverse();
    let answers = Mutex::new(answers);
    move || {
        let mut answers = answers.lock().unwrap();
        let answer = if answers.len() > 1 { answers.pop() } else { answers.first().cloned() };
        answer.as_ref().and_then(Value::as_str).map(Secret::new).ok_or_else(|| "the host has none".to_owned())
    }
}

pub(super) fn open<F: Front>(harness: &Harness<F>, command: &Value) -> Result<Client<F>, ClientError> {
    let config = parts(&command["config"]).build()?;
    let store = store(harness, &command["store"]);
    let patience = duration(&command["patience"]);
    let (coordinator, stores) = webex_oauth_driver::open(config, store, patience, false)?;
    let ahead = Arc::clone(&harness.ahead);
    let wall = Box::new(move || webex_oauth_driver::now().plus_millis(ahead.load(Ordering::SeqCst)));
    let surroundings = Surroundings { stores, wall, ask: Box::new(host(&command["host"])) };
    let started = F::start(coordinator, surroundings);
    let (front, events) = started.map_err(|error| ClientError::Thread { kind: error.kind() })?;
    let max_wait = duration(&command["max_wait"]).unwrap_or(MAX_WAIT);
    Ok(Client { front, events: Arc::new(Mutex::new(events)), services: Arc::default(), max_wait })
}
