//! The members of a snapshot, for reading and for writing.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub(super) type Extra<'a> = Cow<'a, Map<String, Value>>;
pub(super) type Text<'a> = Cow<'a, str>;

#[derive(Serialize, Deserialize)]
pub(super) struct Record<'a> {
    #[serde(rename = "webex_oauth")]
    pub(super) version: u32,
    pub(super) revision: u64,
    #[serde(borrow)]
    pub(super) client_id: Text<'a>,
    #[serde(borrow)]
    pub(super) token_endpoint: Text<'a>,
    #[serde(default)]
    pub(super) seed: u64,
    #[serde(default)]
    pub(super) generation: u64,
    pub(super) saved_at: i64,
    #[serde(default)]
    pub(super) changed_at: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) signed_out: Option<Text<'a>>,
    #[serde(default, borrow, skip_serializing_if = "str::is_empty")]
    pub(super) ended_logins: Text<'a>,
    #[serde(default, borrow, skip_serializing_if = "Option::is_none")]
    pub(super) intent: Option<IntentRecord<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) ended_after: Option<u64>,
    /// The server has replaced a refresh token.
    #[serde(default, skip_serializing_if = "is_default")]
    pub(super) rotates: bool,
    /// Those that wait for their browser, the oldest first.
    #[serde(default, borrow, skip_serializing_if = "Vec::is_empty")]
    pub(super) logins: Vec<LoginRecord<'a>>,
    /// The one on a device; in version 1 also one that waited for its browser.
    #[serde(default, borrow, skip_serializing_if = "Option::is_none")]
    pub(super) login: Option<LoginRecord<'a>>,
    #[serde(default, borrow, skip_serializing_if = "Option::is_none")]
    pub(super) grant: Option<GrantRecord<'a>>,
    #[serde(flatten)]
    pub(super) extra: Extra<'a>,
}

/// Who means to renew the tokens. Its numbers are hexadecimal.
#[derive(Serialize, Deserialize)]
pub(super) struct IntentRecord<'a> {
    #[serde(borrow)]
    pub(super) id: Text<'a>,
    #[serde(borrow)]
    pub(super) grant: Text<'a>,
    pub(super) generation: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) domain: Option<Text<'a>>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct GrantRecord<'a> {
    #[serde(borrow)]
    pub(super) via: Text<'a>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) grant_id: Option<Text<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) access_token: Option<Text<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) token_type: Option<Text<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) refresh_token: Option<Text<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) id_token: Option<Text<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) scope: Option<Text<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) requested_scope: Option<Text<'a>>,
    pub(super) received_at: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) expires_at: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) refresh_token_expires_at: Option<i64>,
    #[serde(default)]
    pub(super) generation: u64,
    /// The login in a browser that brought it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) login: Option<Text<'a>>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub(super) renewals: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) renewed_at: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) superseded_token: Option<Text<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) retry: Option<RetryRecord<'a>>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub(super) told_relogin: bool,
    #[serde(default, skip_serializing_if = "is_empty")]
    pub(super) custom: Extra<'a>,
    #[serde(flatten)]
    pub(super) extra: Extra<'a>,
}

/// A failed renewal: what is needed to go on waiting, and to say why.
#[derive(Serialize, Deserialize)]
pub(super) struct RetryRecord<'a> {
    pub(super) failures: u32,
    pub(super) at: i64,
    #[serde(default)]
    pub(super) by_server: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) status: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) code: Option<Text<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) tracking_id: Option<Text<'a>>,
}

/// A login that a browser or a device will finish. Others do not outlive their process: the host begins them again.
#[derive(Serialize, Deserialize)]
pub(super) struct LoginRecord<'a> {
    /// Version 1 left it out where it followed from the lifetime of a login.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) since: Option<i64>,
    pub(super) expires_at: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) requested_scope: Option<Text<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) flow: Option<Text<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) state: Option<Text<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) verifier: Option<Text<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) redirect_uri: Option<Text<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) caller_state: Option<Text<'a>>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub(super) left_open: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) device_code: Option<Text<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) interval: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) poll_at: Option<i64>,
    #[serde(flatten)]
    pub(super) extra: Extra<'a>,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

fn is_empty(members: &Map<String, Value>) -> bool {
    members.is_empty()
}
