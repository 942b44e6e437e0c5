//! Secrets out, placeholders in: the same one for the same secret.

use serde_json::{Map, Value};

use crate::http::{HttpRequest, HttpResponse};
use crate::logins::LoginId;
use crate::protocol::adopt;
use crate::protocol::answer::object;
use crate::protocol::clean::{clean, without};
use crate::protocol::form::{self, Form};
use crate::protocol::members::Written;
use crate::protocol::request::Carried;
use crate::secret::Secret;

/// Members and parameters that decide something and hold no secret.
const HARMLESS: [&str; 20] = [
    "error",
    "token_type",
    "expires_in",
    "expiresIn",
    "expires",
    "refresh_token_expires_in",
    "refresh_token_expires",
    "scope",
    "interval",
    "verification_uri",
    "iss",
    // Of snapshots:
    "webex_oauth",
    "client_id",
    "token_endpoint",
    "via",
    "flow",
    "redirect_uri",
    "signed_out",
    "requested_scope",
    "code_challenge_method",
];

/// A server's words: kept without what is, or looks like, a secret.
const WORDS: [&str; 6] = ["error_description", "error_uri", "message", "description", "trackingId", "tracking_id"];

#[derive(Default)]
pub(super) struct Redactor {
    known: Vec<(Secret, String)>,
    /// What a server was sent: it may quote it anywhere.
    sent: Vec<Secret>,
    logins: usize,
}

impl Redactor {
    /// The placeholder of a secret.
    pub(super) fn secret(&mut self, secret: &str) -> String {
        if let Some((_, placeholder)) = self.known.iter().find(|(known, _)| known.expose() == secret) {
            return placeholder.clone();
        }
        let number = self.known.len() + 1;
        // A JWT stays one in shape: three parts, an empty payload.
        let placeholder = match secret.split('.').count() {
            3 => format!("redacted-{number}.e30.redacted"),
            _ => format!("redacted-{number}"),
        };
        self.known.push((Secret::new(secret), placeholder.clone()));
        placeholder
    }

    /// The state of the login that has just begun: a replay has another one, and puts it in.
    pub(super) fn know_login_state(&mut self, state: &str) {
        self.logins += 1;
        let state = Secret::new(state);
        self.sent.push(state.clone());
        self.known.push((state, login_placeholder(self.logins)));
    }

    /// What stands for the state of this login; where that is not known, for that of no login.
    pub(super) fn state_of(&mut self, login: LoginId) -> String {
        let is_its = |state: &Secret| LoginId::of_state(state.expose()) == Some(login);
        match self.known.iter().find(|(known, _)| is_its(known)) {
            Some((_, placeholder)) => placeholder.clone(),
            None => self.secret(login.as_str()),
        }
    }

    /// The secrets of a request that goes out.
    pub(super) fn know_sent(&mut self, request: &HttpRequest) {
        for secret in Carried::by(request).secrets() {
            if !self.sent.iter().any(|known| known.expose() == *secret) {
                self.sent.push(Secret::new(secret.as_str()));
            }
        }
    }

    /// A callback as it came: its parameters by name, its frame as it is.
    pub(super) fn callback(&mut self, text: &str) -> String {
        let (rest, fragment) = text.split_once('#').map_or((text, None), |(rest, tail)| (rest, Some(tail)));
        let (base, query) = match rest.split_once('?') {
            Some((base, query)) => (Some(base), Some(query)),
            None if rest.contains("://") => (Some(rest), None),
            None => (None, Some(rest)),
        };
        let mut redacted = base.unwrap_or_default().to_owned();
        if let Some(query) = query {
            if base.is_some() {
                redacted.push('?');
            }
            redacted.push_str(&self.form(query));
        }
        if let Some(fragment) = fragment {
            redacted.push('#');
            redacted.push_str(&self.form(fragment));
        }
        redacted
    }

    fn form(&mut self, text: &str) -> String {
        let mut form = Form::after(String::new());
        for (name, value) in form::parse(text) {
            form.add_extra(&name, &self.text(&name, &value));
        }
        form.into_string()
    }

    /// Tokens in any shape. What is neither JSON nor a form is one secret.
    pub(super) fn tokens(&mut self, text: &str) -> String {
        let trimmed = text.trim();
        match serde_json::from_str::<Value>(trimmed) {
            Ok(Value::Object(object)) => return self.object(object),
            Ok(Value::String(inner)) => return Value::String(self.bare(&inner)).to_string(),
            Ok(_) | Err(_) => {}
        }
        match adopt::form_in(trimmed) {
            Some(form) => self.form(form),
            None => self.bare(trimmed),
        }
    }

    /// `Bearer x` keeps its scheme, and nothing else stays: a token that a mail has wrapped looks like a scheme and a
    /// token. What is refused for what it is stays refused.
    fn bare(&mut self, text: &str) -> String {
        let is_scheme = |word: &str| word.eq_ignore_ascii_case("bearer");
        let words: Vec<&str> = text.split_whitespace().collect();
        match words.as_slice() {
            [] => String::new(),
            [word] if is_scheme(word) => (*word).to_owned(),
            [word] if word.contains("://") => format!("redacted://{}", self.secret(word)),
            [word] if !word.is_ascii() || word.contains(['<', '>', '{', '}', '"', '`']) => "<redacted>".to_owned(),
            [token] => self.secret(token),
            [scheme, token] if is_scheme(scheme) && is_scheme(token) => format!("{scheme} {token}"),
            [scheme, token] if is_scheme(scheme) => format!("{scheme} {}", self.secret(token)),
            [_, ..] => "redacted redacted redacted".to_owned(),
        }
    }

    /// The body of an answer: JSON by member, anything else not at all.
    pub(super) fn body(&mut self, response: &HttpResponse) -> String {
        match object(response) {
            // The way in which it was written decides something: what had to be done to read it is told.
            Some(form) if form.written() == Written::Form => self.form(&String::from_utf8_lossy(&response.body)),
            Some(odd) if odd.written() == Written::OddJson => format!("\u{feff}{}", self.object(odd.into_map())),
            Some(object) => self.object(object.into_map()),
            None if response.body.is_empty() => String::new(),
            None => "(not a JSON object)".to_owned(),
        }
    }

    /// A stored session. Damaged ones are left out.
    pub(super) fn snapshot(&mut self, text: &str) -> String {
        match serde_json::from_str::<Map<String, Value>>(text) {
            Ok(object) => self.object(object),
            Err(_) => "(not a snapshot)".to_owned(),
        }
    }

    fn object(&mut self, object: Map<String, Value>) -> String {
        Value::Object(self.members(object)).to_string()
    }

    fn members(&mut self, object: Map<String, Value>) -> Map<String, Value> {
        object.into_iter().map(|(name, value)| (self.without_sent(&name), self.value(&name, value))).collect()
    }

    fn value(&mut self, name: &str, value: Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.text(name, &text)),
            Value::Object(object) => Value::Object(self.members(object)),
            Value::Array(items) => Value::Array(items.into_iter().map(|item| self.value(name, item)).collect()),
            // Numbers decide; no secret here is one.
            Value::Null | Value::Bool(_) | Value::Number(_) => value,
        }
    }

    fn text(&mut self, name: &str, text: &str) -> String {
        if text.is_empty() {
            return String::new();
        }
        if WORDS.contains(&name) {
            let known = self.known.iter().map(|(secret, _)| secret);
            let secrets: Vec<&str> = known.chain(&self.sent).map(Secret::expose).collect();
            return clean(text, &secrets);
        }
        // Another type is refused, and may be half of a token.
        let is_harmless = HARMLESS.contains(&name) && (name != "token_type" || text.eq_ignore_ascii_case("bearer"));
        if is_harmless && !self.known.iter().any(|(secret, _)| secret.expose() == text) {
            return self.without_sent(text);
        }
        if matches!(name, "access_token" | "supertoken" | "authorization" | "credentials") {
            return self.bare(text);
        }
        self.secret(text)
    }

    /// A text that is harmless unless a server quotes what it was sent.
    pub(super) fn without_sent(&self, text: &str) -> String {
        let secrets: Vec<&str> = self.sent.iter().map(Secret::expose).collect();
        without(text.to_owned(), &secrets)
    }
}

pub(super) fn login_placeholder(number: usize) -> String {
    format!("login-state-{number}")
}
