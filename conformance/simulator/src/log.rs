//! What the simulator saw, in order. Tests judge a client by it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::endpoint::Endpoint;
use crate::token_ref::TokenRef;

/// One request. No secret and no whole token is in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Counts from 1 in the order of arrival.
    pub seq: u64,
    /// When it arrived, Unix milliseconds of the simulator's clock.
    pub at_ms: u64,
    /// When its answer was ready; none while it is being handled.
    pub done_ms: Option<u64>,
    /// Which endpoint, whatever the path it was reached by.
    pub endpoint: Endpoint,
    /// The HTTP method.
    pub method: String,
    /// The path, without the query.
    pub path: String,
    /// `grant_type`, where the form has one.
    pub grant_type: Option<String>,
    /// The names of the form fields, or of the query parameters when there is no form.
    pub fields: Vec<String>,
    /// How the client said who it is.
    pub client_auth: ClientAuth,
    /// The client it said it is.
    pub client_id: Option<String>,
    /// The token it came with: bearer, refresh token, token to downscope or to revoke.
    pub presented: Option<TokenRef>,
    /// The tokens that were issued to it (also when the answer was then lost).
    pub issued: Vec<TokenRef>,
    /// `ok`, `page`, `redirect`, an OAuth error code, `unauthorized`, `not_found`, or `fault` when a
    /// fault kept the request from being handled; `pending` while it is being handled.
    pub outcome: String,
    /// The kind of the fault that befell it.
    pub fault: Option<String>,
    /// The HTTP status that was answered; none when the connection was cut.
    pub status: Option<u16>,
    /// The `trackingId` of the answer.
    pub tracking_id: String,
}

/// How a client said who it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientAuth {
    /// Not at all.
    #[default]
    None,
    /// `client_id` alone.
    Id,
    /// `client_id` and `client_secret` in the body.
    Body,
    /// HTTP Basic.
    Basic,
    /// Basic and a secret in the body: refused, RFC 6749 section 2.3 allows one.
    Both,
    /// A bearer token.
    Bearer,
}

/// Sums over everything since the start, the last reset or the last clearing of the log.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Counters {
    /// Requests of every kind, the control API excepted.
    pub requests: u64,
    /// Requests to endpoints that answer tokens.
    pub grants_attempted: u64,
    /// Those that were granted, also when the answer was then lost.
    pub grants_succeeded: u64,
    /// Refresh grants that arrived, also those that a fault kept from being handled.
    pub refreshes_attempted: u64,
    /// Refresh grants that were carried out, also when the answer was then lost.
    pub refreshes_succeeded: u64,
    /// Access tokens issued.
    pub access_tokens_issued: u64,
    /// Refresh tokens issued.
    pub refresh_tokens_issued: u64,
    /// Tokens that were live when they were revoked.
    pub tokens_revoked: u64,
    /// Retired refresh tokens that came back.
    pub reuse_detected: u64,
    /// Authorization codes that came back.
    pub code_replays: u64,
    /// Calls of the API.
    pub api_calls: u64,
    /// Those whose token was not accepted.
    pub api_calls_refused: u64,
    /// Calls of the API by the generation of the token they came with; 0 stands for unknown tokens.
    pub api_calls_by_generation: BTreeMap<u32, u64>,
    /// The most requests to token endpoints that were ever handled at the same time.
    pub max_concurrent_grants: u64,
    /// Faults that befell a request.
    pub faults_served: u64,
    /// Requests and connections that were refused while the simulator was down.
    pub refused_while_down: u64,
    /// Access tokens that are accepted now.
    pub live_access_tokens: u64,
    /// Refresh tokens that are accepted now.
    pub live_refresh_tokens: u64,
}

/// What a handler tells the log about the request it answered.
#[derive(Clone, Debug, Default)]
pub(crate) struct Note {
    pub(crate) outcome: String,
    pub(crate) presented: Option<TokenRef>,
    pub(crate) issued: Vec<TokenRef>,
}

#[derive(Default)]
pub(crate) struct Log {
    pub(crate) entries: Vec<Entry>,
    next_seq: u64,
    in_flight_grants: u64,
    pub(crate) counters: Counters,
}

impl Log {
    /// Writes down an arrival and answers its number.
    pub(crate) fn arrive(&mut self, mut entry: Entry) -> u64 {
        self.next_seq += 1;
        entry.seq = self.next_seq;
        let counters = &mut self.counters;
        counters.requests += 1;
        counters.api_calls += u64::from(entry.endpoint.is_api());
        counters.faults_served += u64::from(entry.fault.is_some());
        if entry.endpoint.is_grant() {
            counters.grants_attempted += 1;
            counters.refreshes_attempted += u64::from(is_refresh(&entry));
            self.in_flight_grants += 1;
            counters.max_concurrent_grants = counters.max_concurrent_grants.max(self.in_flight_grants);
        }
        self.entries.push(entry);
        self.next_seq
    }

    /// A token endpoint is done with a request.
    pub(crate) fn leave(&mut self) {
        self.in_flight_grants = self.in_flight_grants.saturating_sub(1);
    }

    /// What the handler made of a request, as soon as it is known.
    pub(crate) fn handled(&mut self, seq: u64, note: Note) {
        let Some(entry) = self.entries.iter_mut().rev().find(|entry| entry.seq == seq) else {
            return;
        };
        let counters = &mut self.counters;
        let ok = note.outcome == "ok";
        counters.grants_succeeded += u64::from(ok && entry.endpoint.is_grant());
        counters.refreshes_succeeded += u64::from(ok && is_refresh(entry));
        if entry.endpoint.is_api() {
            let generation = note.presented.as_ref().map_or(0, |token| token.generation);
            *counters.api_calls_by_generation.entry(generation).or_default() += 1;
            counters.api_calls_refused += u64::from(note.outcome == "unauthorized");
        }
        entry.outcome = note.outcome;
        entry.presented = note.presented;
        entry.issued = note.issued;
    }

    /// The answer is on its way, or lost.
    pub(crate) fn answered(&mut self, seq: u64, now: u64, status: Option<u16>) {
        if let Some(entry) = self.entries.iter_mut().rev().find(|entry| entry.seq == seq) {
            if entry.outcome == "pending" {
                entry.outcome = "fault".into();
            }
            entry.done_ms = Some(now);
            entry.status = status;
        }
    }

    /// Forgets entries and counts; the numbering goes on.
    pub(crate) fn clear(&mut self) {
        self.entries.clear();
        self.counters = Counters::default();
    }
}

fn is_refresh(entry: &Entry) -> bool {
    entry.endpoint == Endpoint::AccessToken && entry.grant_type.as_deref() == Some("refresh_token")
}
