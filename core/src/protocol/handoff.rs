//! What a front end gets: the tokens in a shape that it takes over unchanged.

use serde_json::{Map, Value};

use crate::protocol::form::Form;
use crate::secret::Secret;
use crate::time::Timestamp;
use crate::tokens::TokenSet;

impl TokenSet {
    /// The members by which a front end takes the tokens over: those of the server's answer and the absolute instants
    /// in milliseconds. Custom fields are left out. Without `refresh_token` where it must stay at the server.
    pub fn to_handoff_json(&self, now: Timestamp, with_refresh_token: bool) -> Secret {
        let mut members = Map::new();
        for (name, value) in self.handoff(now, with_refresh_token) {
            let number = value.parse::<i64>().ok().filter(|_| name.contains("expires"));
            members.insert(name.to_owned(), number.map_or(Value::String(value), Value::from));
        }
        Secret::new(Value::Object(members).to_string())
    }

    /// The same as a query string, to follow the `#` of a redirect.
    pub fn to_handoff_query(&self, now: Timestamp, with_refresh_token: bool) -> Secret {
        let mut form = Form::new();
        for (name, value) in self.handoff(now, with_refresh_token) {
            form.add(name, &value);
        }
        form.into_secret()
    }

    fn handoff(&self, now: Timestamp, with_refresh_token: bool) -> Vec<(&'static str, String)> {
        let mut members = Vec::with_capacity(8);
        let lifetime = |end: Timestamp| (end.millis_since(now) / 1000).max(0).to_string();
        if let Some(token) = &self.access_token {
            members.push(("access_token", token.expose().to_owned()));
            members.push(("token_type", token.token_type().to_owned()));
        }
        if let Some(end) = self.expires_at {
            members.push(("expires_in", lifetime(end)));
            members.push(("expires", end.as_millis().to_string()));
        }
        if let Some(token) = self.refresh_token.as_ref().filter(|_| with_refresh_token) {
            members.push(("refresh_token", token.expose().to_owned()));
            if let Some(end) = self.refresh_token_expires_at {
                members.push(("refresh_token_expires_in", lifetime(end)));
                members.push(("refresh_token_expires", end.as_millis().to_string()));
            }
        }
        if let Some(scope) = &self.scope {
            members.push(("scope", scope.as_str().to_owned()));
        }
        members
    }
}
