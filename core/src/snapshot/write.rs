//! Writing a snapshot: by hand, since it happens at every step, and every copy of a secret less is one less to wipe.

use serde::Serialize;
use serde_json::{Map, Value};

use super::{VERSION, begun_at};
use crate::access::SignedOutReason;
use crate::config::Config;
use crate::error::{Fault, SendFault};
use crate::intent::{Intent, hex};
use crate::logins::EndedLogins;
use crate::protocol::authorize::Flow;
use crate::protocol::bytes::all_bytes;
use crate::protocol::scope::Scope;
use crate::secret::{AccessToken, Secret};
use crate::state::{Before, BrowserLogin, DeviceLogin, Grant, Phase, Renew, SigningIn, Stage, State};
use crate::time::Timestamp;

/// The name of a member as it is written. A name of ours has nothing to escape.
macro_rules! name {
    ($name:literal) => {
        concat!(",\"", $name, "\":")
    };
}

/// Names, numbers and punctuation of a snapshot take less.
const FRAME: usize = 512;

pub(crate) fn write(config: &Config, state: &State) -> Secret {
    let owner = config.snapshot_owner();
    let mut json = Json(Vec::with_capacity(FRAME + owner.len() + texts(state)));
    json.braced(|json| {
        json.count(name!("webex_oauth"), VERSION.into());
        json.count(name!("revision"), state.revision);
        json.raw(owner);
        json.raw(name!("seed"));
        json.number(state.seed);
        json.count(name!("generation"), state.generation);
        json.instant(name!("saved_at"), state.latest);
        json.instant(name!("changed_at"), state.changed_at);
        if let Some(reason) = signed_out(&state.phase) {
            json.word(name!("signed_out"), reason.as_str());
        }
        write_ended_logins(json, &state.ended_logins);
        if let Some(Intent { id, grant, generation, domain }) = &state.intent {
            json.object(name!("intent"), |json| {
                json.text(name!("id"), &hex(*id));
                json.text(name!("grant"), &hex(grant.0));
                json.count(name!("generation"), *generation);
                json.some_text(name!("domain"), domain.as_deref());
            });
        }
        if let Some(renewals) = state.ended_after {
            json.count(name!("ended_after"), renewals);
        }
        if let Phase::SigningIn(login) = &state.phase {
            write_login(json, login, config);
        }
        if let Some(grant) = state.grant() {
            json.object(name!("grant"), |json| write_grant(json, grant));
        }
        json.members(&state.extra);
    });
    Secret::new(json.into_text())
}

/// The members that say whose snapshot it is, the same in all of a configuration.
pub(crate) fn owner(client_id: &str, token_endpoint: &str) -> String {
    let mut json = Json(Vec::with_capacity(128));
    json.text(name!("client_id"), client_id);
    json.text(name!("token_endpoint"), token_endpoint);
    json.into_text()
}

/// So does the mark of a login with its instant.
const ENDED: usize = 32;

/// The length of the longer texts, so that the buffer need not grow and leave a copy behind.
fn texts(state: &State) -> usize {
    let secret = |text: Option<&Secret>| text.map_or(0, |text| text.expose().len());
    let token = |token: Option<&AccessToken>| token.map_or(0, |token| token.expose().len());
    let scope = |scope: Option<&Scope>| scope.map_or(0, |scope| scope.as_str().len());
    let grant = state.grant().map_or(0, |grant| {
        let tokens = &grant.tokens;
        let own = secret(tokens.refresh_token.as_ref()) + secret(tokens.id_token.as_ref());
        own + token(tokens.access_token.as_ref())
            + token(grant.previous.as_ref())
            + scope(tokens.scope.as_ref())
            + scope(grant.requested.as_ref())
    });
    let login = match &state.phase {
        Phase::SigningIn(login) => {
            let requested = scope(login.requested.as_ref());
            requested
                + match &login.stage {
                    Stage::Browser(browser) => {
                        let (state, verifier) = (browser.state.expose().len(), secret(browser.verifier.as_ref()));
                        state
                            + verifier
                            + browser.redirect_uri.len()
                            + browser.caller_state.as_ref().map_or(0, String::len)
                    }
                    Stage::Device(device) => device.device_code.expose().len(),
                    _ => 0,
                }
        }
        Phase::SignedOut(_) | Phase::SignedIn(_) => 0,
    };
    grant + login + ENDED * state.ended_logins.iter().count()
}

fn signed_out(phase: &Phase) -> Option<SignedOutReason> {
    match phase {
        Phase::SignedOut(reason) => Some(*reason),
        Phase::SigningIn(login) => match &login.before {
            Before::SignedOut(reason) => Some(*reason),
            Before::SignedIn(_) => None,
        },
        Phase::SignedIn(_) => None,
    }
}

fn write_ended_logins(json: &mut Json, ended: &EndedLogins) {
    let mut before = concat!(name!("ended_logins"), "\"");
    for (mark, at) in ended.iter() {
        json.raw(before);
        json.0.extend_from_slice(mark.as_bytes());
        json.raw(":");
        json.millis(at);
        before = " ";
    }
    if before == " " {
        json.raw("\"");
    }
}

/// Only what a browser or a device will finish: other logins do not outlive their process.
fn write_login(json: &mut Json, login: &SigningIn, config: &Config) {
    let head = |json: &mut Json| {
        if login.since != begun_at(config, login.expires_at) {
            json.instant(name!("since"), login.since);
        }
        json.instant(name!("expires_at"), login.expires_at);
        json.some_text(name!("requested_scope"), login.requested.as_ref().map(Scope::as_str));
    };
    match &login.stage {
        Stage::Browser(BrowserLogin { flow, state, verifier, redirect_uri, caller_state, state_is_ours: _ }) => {
            json.object(name!("login"), |json| {
                head(json);
                json.word(name!("flow"), if *flow == Flow::Code { "code" } else { "implicit" });
                json.text(name!("state"), state.expose());
                json.some_text(name!("verifier"), verifier.as_ref().map(Secret::expose));
                json.text(name!("redirect_uri"), redirect_uri);
                json.some_text(name!("caller_state"), caller_state.as_deref());
                json.members(&login.extra);
            });
        }
        Stage::Device(DeviceLogin { device_code, interval }) => json.object(name!("login"), |json| {
            head(json);
            json.text(name!("device_code"), device_code.expose());
            json.plain(name!("interval"), interval);
            json.instant(name!("poll_at"), login.send_at);
            json.members(&login.extra);
        }),
        Stage::Redeem { .. }
        | Stage::DeviceStart
        | Stage::Jwt { .. }
        | Stage::Guest { .. }
        | Stage::ClientCredentials
        | Stage::AskJwt
        | Stage::AskToken => {}
    }
}

fn write_grant(json: &mut Json, grant: &Grant) {
    let tokens = &grant.tokens;
    let access = tokens.access_token.as_ref();
    json.word(name!("via"), grant.via.as_str());
    json.some_text(name!("grant_id"), grant.grant_id.map(|id| hex(id.0)).as_deref());
    json.some_text(name!("access_token"), access.map(AccessToken::expose));
    json.some_text(name!("token_type"), access.map(AccessToken::token_type).filter(|word| *word != "Bearer"));
    json.some_text(name!("refresh_token"), tokens.refresh_token.as_ref().map(Secret::expose));
    json.some_text(name!("id_token"), tokens.id_token.as_ref().map(Secret::expose));
    json.some_text(name!("scope"), tokens.scope.as_ref().map(Scope::as_str));
    json.some_text(name!("requested_scope"), grant.requested.as_ref().map(Scope::as_str));
    json.instant(name!("received_at"), tokens.received_at);
    json.some_instant(name!("expires_at"), tokens.expires_at);
    json.some_instant(name!("refresh_token_expires_at"), tokens.refresh_token_expires_at);
    json.count(name!("generation"), grant.generation);
    if grant.renewals > 0 {
        json.count(name!("renewals"), grant.renewals);
    }
    json.some_instant(name!("renewed_at"), grant.renew.last);
    json.some_text(name!("superseded_token"), grant.previous.as_ref().map(AccessToken::expose));
    let not_sent = |fault: &Fault| fault.send == Some(SendFault::NotSent);
    if let Some(at) = grant.renew.retry_at.filter(|_| !grant.renew.fault.as_deref().is_some_and(not_sent)) {
        json.object(name!("retry"), |json| write_retry(json, &grant.renew, at));
    }
    if grant.told_relogin {
        json.plain(name!("told_relogin"), true);
    }
    if !tokens.custom.0.is_empty() {
        json.object(name!("custom"), |json| json.members(&tokens.custom.0));
    }
    json.members(&grant.extra);
}

fn write_retry(json: &mut Json, renew: &Renew, at: Timestamp) {
    let fault = renew.fault.as_deref();
    json.plain(name!("failures"), renew.failures);
    json.instant(name!("at"), at);
    json.plain(name!("by_server"), renew.retry_is_servers);
    if let Some(status) = fault.and_then(|fault| fault.status) {
        json.plain(name!("status"), status);
    }
    json.some_text(name!("code"), fault.and_then(|fault| fault.code.as_ref()).map(|code| code.as_str()));
    json.some_text(name!("tracking_id"), fault.and_then(|fault| fault.tracking_id.as_deref()));
}

/// JSON in the making. Each member is written with a comma before it; the first one's becomes the opening brace.
struct Json(Vec<u8>);

impl Json {
    fn into_text(self) -> String {
        // It is made of texts.
        String::from_utf8(self.0).unwrap_or_default()
    }

    #[inline]
    fn raw(&mut self, json: &str) {
        self.0.extend_from_slice(json.as_bytes());
    }

    #[inline]
    fn text(&mut self, name: &'static str, text: &str) {
        self.raw(name);
        self.quoted(text);
    }

    #[inline(never)]
    fn quoted(&mut self, text: &str) {
        if !all_bytes(text, |byte| (byte >= b' ') & (byte != b'"') & (byte != b'\\')) {
            return self.value(text);
        }
        self.0.push(b'"');
        self.raw(text);
        self.0.push(b'"');
    }

    /// A text of ours has nothing to escape, like a name.
    #[inline]
    fn word(&mut self, name: &'static str, word: &'static str) {
        self.raw(name);
        self.0.push(b'"');
        self.raw(word);
        self.0.push(b'"');
    }

    #[inline]
    fn some_text(&mut self, name: &'static str, text: Option<&str>) {
        if let Some(text) = text {
            self.text(name, text);
        }
    }

    /// A number that nearly always has one digit.
    #[inline]
    fn count(&mut self, name: &'static str, count: u64) {
        self.raw(name);
        match u8::try_from(count) {
            Ok(digit @ ..=9) => self.0.push(b'0' + digit),
            _ => self.number(count),
        }
    }

    /// A number or a truth value.
    #[inline]
    fn plain(&mut self, name: &'static str, value: impl Serialize) {
        self.raw(name);
        self.value(&value);
    }

    #[inline(never)]
    fn number(&mut self, number: u64) {
        self.value(&number);
    }

    fn value(&mut self, value: &(impl Serialize + ?Sized)) {
        // Writing to memory cannot fail, and what is written here always serializes.
        let _ = serde_json::to_writer(&mut self.0, value);
    }

    #[inline]
    fn instant(&mut self, name: &'static str, at: Timestamp) {
        self.raw(name);
        self.millis(at);
    }

    #[inline(never)]
    fn millis(&mut self, at: Timestamp) {
        self.value(&at.as_millis());
    }

    #[inline]
    fn some_instant(&mut self, name: &'static str, at: Option<Timestamp>) {
        if let Some(at) = at {
            self.instant(name, at);
        }
    }

    fn object(&mut self, name: &'static str, write: impl FnOnce(&mut Self)) {
        self.raw(name);
        self.braced(write);
    }

    fn braced(&mut self, write: impl FnOnce(&mut Self)) {
        let start = self.0.len();
        write(self);
        match self.0.get_mut(start) {
            Some(first) => *first = b'{',
            None => self.0.push(b'{'),
        }
        self.0.push(b'}');
    }

    /// Members that are kept as they were read.
    fn members(&mut self, members: &Map<String, Value>) {
        for (name, value) in members {
            self.0.push(b',');
            self.value(name);
            self.0.push(b':');
            self.value(value);
        }
    }
}
