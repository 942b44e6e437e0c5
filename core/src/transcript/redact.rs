//! Secrets out, placeholders in: the same one for the same secret.

use serde_json::{Map, Value};

use super::names::{INSTANTS, NAMES, WORDS as STORED, is_instant};
use crate::access::Via;
use crate::config::Config;
use crate::error::ErrorCode;
use crate::http::{HttpRequest, HttpResponse};
use crate::intent::{GrantId, from_hex, hex};
use crate::logins::{LoginId, LoginMark};
use crate::protocol::adopt;
use crate::protocol::answer::object;
use crate::protocol::clean::{clean, is_tracking_id, shown_url, without};
use crate::protocol::form::{self, Form};
use crate::protocol::members::{Members, Written};
use crate::protocol::request::Carried;
use crate::secret::Secret;

/// A server's words: kept without what is, or looks like, a secret.
const WORDS: [&str; 4] = ["error_description", "error_uri", "message", "description"];

#[derive(Default)]
pub(super) struct Redactor {
    known: Vec<(Secret, String)>,
    /// What a server was sent: it may quote it anywhere.
    sent: Vec<Secret>,
    /// Ids of sign-ins, and what they are written as.
    grants: Vec<(u64, u64)>,
    /// The marks of the logins that have begun, in their order.
    logins: Vec<Option<LoginMark>>,
    /// Words of scopes, names of clients and servers that the configuration knows.
    ours: Vec<String>,
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

    /// What a configuration says is no secret, wherever it comes back.
    pub(super) fn of(config: &Config) -> Self {
        let provider = config.provider();
        let mut ours = vec![config.client_id().to_owned(), provider.token_endpoint.clone()];
        ours.extend(provider.issuer.clone());
        let scopes = [config.scope().as_str(), provider.reserved_scope.as_deref().unwrap_or_default()];
        ours.extend(scopes.iter().flat_map(|scope| scope.split(' ')).map(str::to_owned));
        Self { ours, ..Self::default() }
    }

    /// The login that has just begun: a replay has another one, and puts its state, its verifier and their hashes in.
    pub(super) fn know_login(&mut self, login: &BegunLogin) {
        self.logins.push(login.mark);
        let state = Secret::new(login.state.as_str());
        self.sent.push(state.clone());
        self.known.push((state, placeholder(LoginPart::State, self.logins.len())));
    }

    /// What stands for the mark of a login (see [`LoginMark`]).
    pub(super) fn mark(&mut self, text: &str) -> String {
        let mark = LoginMark::read(text);
        if let Some(at) = self.logins.iter().position(|own| own.is_some() && *own == mark) {
            return placeholder(LoginPart::Mark, at + 1);
        }
        let its = |secret: &Secret| LoginMark::of(secret.expose()) == mark;
        let placeholder = match self.known.iter().find(|(known, _)| its(known)) {
            Some((_, placeholder)) => placeholder.clone(),
            None => self.secret(text),
        };
        LoginMark::of(&placeholder).map_or(placeholder, |mark| mark.as_str().to_owned())
    }

    /// What stands for the id of a login, which is made of its state.
    fn login_id(&mut self, text: &str) -> String {
        let Some(login) = LoginId::read(text) else { return self.secret(text) };
        let state = self.state_of(login);
        match state.strip_prefix(LoginPart::State.name()).and_then(|number| number.parse().ok()) {
            Some(number) => placeholder(LoginPart::Id, number),
            None => LoginId::of_state(&state).map_or(state, |login| login.as_str().to_owned()),
        }
    }

    /// Words that the configuration knows, and what stands for the others.
    pub(super) fn scope(&mut self, text: &str) -> String {
        let is_between = |c: char| c == ',' || c.is_whitespace();
        let words = text.split_inclusive(is_between).map(|piece| {
            let word = piece.trim_end_matches(is_between);
            let kept = word.is_empty() || self.ours.iter().any(|own| own == word);
            let word_written = if kept { word.to_owned() } else { self.secret(word) };
            word_written + piece.get(word.len()..).unwrap_or_default()
        });
        words.collect()
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
        let mut form = Form::new();
        for (name, value) in form::parse(text) {
            let (name, value) = (self.name(&name), self.text(&name, &value));
            form.add_other(&name, &value);
        }
        form.into_string()
    }

    /// Tokens in any shape. What is neither JSON nor a form is one secret.
    pub(super) fn tokens(&mut self, text: &str) -> String {
        let trimmed = text.trim();
        if let Some(members) = Members::parse(trimmed.as_bytes()) {
            let is_odd = members.written() == Written::OddJson;
            let object = self.object(members.into_map());
            // Odd as well, in a way that is no text.
            return if is_odd { object.replacen('{', "{\"\":,", 1) } else { object };
        }
        if let Ok(Value::String(inner)) = serde_json::from_str::<Value>(trimmed) {
            return Value::String(self.bare(&inner)).to_string();
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
        object.into_iter().map(|(name, value)| (self.name(&name), self.value(&name, value))).collect()
    }

    /// A name that is none of ours is a text like any other.
    fn name(&mut self, name: &str) -> String {
        if name.is_empty() || NAMES.contains(&name) { name.to_owned() } else { self.secret(name) }
    }

    fn value(&mut self, name: &str, value: Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.text(name, &text)),
            Value::Object(mut object) if name == "intent" => {
                let id = object.remove("id").filter(|id| id.as_str().and_then(from_hex).is_some());
                let mut object = self.members(object);
                object.extend(id.map(|id| ("id".to_owned(), id)));
                Value::Object(object)
            }
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
        if let Some(id) = from_hex(text).filter(|_| matches!(name, "grant" | "grant_id")) {
            return hex(self.grant_id(id));
        }
        if matches!(name, "trackingId" | "tracking_id") {
            return self.header(name, text);
        }
        if WORDS.contains(&name) {
            let known = self.known.iter().map(|(secret, _)| secret);
            let secrets: Vec<&str> = known.chain(&self.sent).map(Secret::expose).collect();
            return clean(text, &secrets);
        }
        if self.known.iter().any(|(secret, _)| secret.expose() == text) {
            return self.secret(text);
        }
        match name {
            "scope" | "scopes" | "requested_scope" => return self.scope(text),
            "error" | "code" if ErrorCode::known(text).is_some() => return text.to_owned(),
            // An unknown code stays one, and what is none stays none.
            "error" if !is_code(text) => return "(not a code)".to_owned(),
            "verification_uri" | "verification_url" if shown_url(text).is_some() => {
                return "https://redacted.example/".to_owned();
            }
            "ended_logins" => return self.ended_logins(text),
            "verifier" => {
                let mark = LoginMark::of(text);
                if let Some(at) = self.logins.iter().position(|own| own.is_some() && *own == mark) {
                    return placeholder(LoginPart::Verifier, at + 1);
                }
            }
            "login" => return self.login_id(text),
            "redirect_uri" => return self.without_sent(text),
            _ if INSTANTS.contains(&name) => {
                return if is_instant(text) { text.to_owned() } else { "(unreadable)".to_owned() };
            }
            "via" | "flow" | "signed_out" | "code_challenge_method" | "credential_type"
                if STORED.contains(&text) || Via::named(text).is_some() =>
            {
                return text.to_owned();
            }
            "token_type" | "tokenType" if text.eq_ignore_ascii_case("bearer") => return text.to_owned(),
            "iss" | "client_id" | "token_endpoint" if self.ours.iter().any(|own| own == text) => {
                return text.to_owned();
            }
            _ => {}
        }
        if matches!(name, "access_token" | "supertoken" | "authorization" | "credentials") {
            return self.bare(text);
        }
        self.secret(text)
    }

    /// A sign-in is named after its first token: in a replay, after the placeholder of that.
    fn grant_id(&mut self, id: u64) -> u64 {
        if let Some((_, written)) = self.grants.iter().find(|(own, _)| *own == id) {
            return *written;
        }
        let of = |token: &str| GrantId::of_token(token).map(|id| id.0);
        let token = self.known.iter().find(|(secret, _)| of(secret.expose()) == Some(id));
        let written = token.and_then(|(_, placeholder)| of(placeholder)).unwrap_or(id);
        self.grants.push((id, written));
        written
    }

    /// Marks, instants, and the names of coordinators.
    fn ended_logins(&mut self, text: &str) -> String {
        let entries = text.split(' ').filter_map(|entry| entry.split_once(':'));
        let entries = entries.map(|(mark, end)| {
            let (at, by) = end.split_once(':').unwrap_or((end, ""));
            let by: String = by.chars().filter(char::is_ascii_hexdigit).take(8).collect();
            let by = if by.is_empty() { by } else { format!(":{by}") };
            format!("{}:{}{by}", self.mark(mark), digits(at))
        });
        let entries: Vec<String> = entries.collect();
        entries.join(" ")
    }

    /// A header that decides, or that people quote.
    pub(super) fn header(&mut self, name: &str, text: &str) -> String {
        if INSTANTS.contains(&name) {
            return if is_instant(text) { text.to_owned() } else { "(unreadable)".to_owned() };
        }
        let known = self.known.iter().map(|(secret, _)| secret);
        let secrets: Vec<&str> = known.chain(&self.sent).map(Secret::expose).collect();
        if is_tracking_id(text) { without(text.to_owned(), &secrets) } else { "(unreadable)".to_owned() }
    }

    /// A text that is harmless unless a server quotes what it was sent.
    pub(super) fn without_sent(&self, text: &str) -> String {
        let secrets: Vec<&str> = self.sent.iter().map(Secret::expose).collect();
        without(text.to_owned(), &secrets)
    }
}

/// As a token answer's `error` has it.
fn is_code(text: &str) -> bool {
    text.len() <= 64 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.:".contains(&byte))
}

fn digits(text: &str) -> &str {
    if text.trim_start_matches('-').bytes().all(|byte| byte.is_ascii_digit()) { text } else { "" }
}

/// What of a login a replay puts in.
#[derive(Debug, Clone, Copy)]
pub(super) enum LoginPart {
    State,
    Verifier,
    Mark,
    Id,
}

impl LoginPart {
    const fn name(self) -> &'static str {
        match self {
            Self::State => "login-state-",
            Self::Verifier => "login-verifier-",
            Self::Mark => "login-mark-",
            Self::Id => "login-id-",
        }
    }
}

pub(super) fn placeholder(part: LoginPart, number: usize) -> String {
    format!("{}{number}", part.name())
}

/// A login as its URL shows it.
pub(super) struct BegunLogin {
    pub(super) state: String,
    /// The beginning of its challenge, or made of its state where it has none.
    pub(super) mark: Option<LoginMark>,
}
