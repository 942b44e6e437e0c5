//! A plain HTTP client, and the few steps that many tests begin with.

#![allow(dead_code)] // not every test file needs every helper

use std::collections::HashMap;

use serde_json::Value;
use ureq::Agent;
use ureq::http::Response;
use webex_oauth_simulator::{CLIENT_ID, CLIENT_SECRET, Decision, Options, Simulator};

pub(crate) const REDIRECT: &str = "http://localhost:8080/oauth";

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Got {
    pub(crate) status: u16,
    pub(crate) headers: HashMap<String, String>,
    pub(crate) text: String,
}

impl Got {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value)
    }

    /// A parameter of the query of `Location`.
    pub(crate) fn landed(&self, name: &str) -> String {
        param(self.header("location"), name)
    }
}

pub(crate) fn agent() -> Agent {
    Agent::config_builder().http_status_as_error(false).max_redirects(0).build().into()
}

pub(crate) fn read(response: Result<Response<ureq::Body>, ureq::Error>) -> Result<Got, ureq::Error> {
    let mut response = response?;
    let headers = response.headers().iter();
    let headers = headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap().into()));
    Ok(Got {
        status: response.status().as_u16(),
        headers: headers.collect(),
        text: response.body_mut().read_to_string()?,
    })
}

pub(crate) fn get(url: &str) -> Got {
    read(agent().get(url).call()).unwrap()
}

pub(crate) fn call(sim: &Simulator, path: &str, token: &str) -> Got {
    try_call(sim, path, token).unwrap()
}

pub(crate) fn try_call(sim: &Simulator, path: &str, token: &str) -> Result<Got, ureq::Error> {
    let bearer = format!("Bearer {token}");
    read(agent().get(sim.url(path)).header("authorization", bearer).call())
}

pub(crate) fn post(url: &str, form: &[(&str, &str)]) -> Got {
    try_post(url, form).unwrap()
}

pub(crate) fn try_post(url: &str, form: &[(&str, &str)]) -> Result<Got, ureq::Error> {
    read(agent().post(url).send_form(form.iter().copied()))
}

/// A form with the usual client's id and secret in it.
pub(crate) fn ask(sim: &Simulator, form: &[(&str, &str)]) -> Got {
    try_ask(sim, form).unwrap()
}

pub(crate) fn try_ask(sim: &Simulator, form: &[(&str, &str)]) -> Result<Got, ureq::Error> {
    let mut form = form.to_vec();
    form.extend([("client_id", CLIENT_ID), ("client_secret", CLIENT_SECRET)]);
    try_post(&sim.url("/v1/access_token"), &form)
}

pub(crate) fn refresh(sim: &Simulator, token: &str) -> Got {
    ask(sim, &[("grant_type", "refresh_token"), ("refresh_token", token)])
}

pub(crate) fn control(sim: &Simulator, path: &str, body: Value) -> Got {
    read(agent().post(sim.url(path)).send(body.to_string())).unwrap()
}

pub(crate) fn start(options: Options) -> Simulator {
    Simulator::start(options).unwrap()
}

pub(crate) fn authorize_url(sim: &Simulator, more: &str) -> String {
    let redirect = encode(REDIRECT);
    sim.url(&format!(
        "/v1/authorize?response_type=code&client_id={CLIENT_ID}&redirect_uri={redirect}\
         &scope=spark%3Aall%20spark%3Akms&state=st{more}"
    ))
}

pub(crate) fn code(sim: &Simulator) -> String {
    param(&sim.visit(&authorize_url(sim, ""), Decision::Accept).unwrap(), "code")
}

pub(crate) fn exchange(sim: &Simulator, code: &str) -> Got {
    ask(sim, &[("grant_type", "authorization_code"), ("code", code), ("redirect_uri", REDIRECT)])
}

/// The tokens of a whole code flow.
pub(crate) fn sign_in(sim: &Simulator) -> Value {
    let got = exchange(sim, &code(sim));
    assert_eq!(got.status, 200, "{}", got.text);
    got.json()
}

pub(crate) fn param(url: &str, name: &str) -> String {
    let query = url.split_once(['?', '#']).map_or("", |(_, query)| query);
    let pairs = url::form_urlencoded::parse(query.as_bytes());
    let mut found = pairs.filter(|(key, _)| key == name);
    found.next().map(|(_, value)| value.into_owned()).unwrap_or_default()
}

pub(crate) fn encode(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

pub(crate) fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_default()
}
