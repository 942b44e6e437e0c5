//! How long a store keeps what is no session any longer, or not yet.

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::VERSION;
use crate::time::Timestamp;

/// A week: a callback comes within minutes, and whoever has an older copy of the session in memory has looked by then.
const KEPT_FOR_MS: i64 = 7 * 86_400_000;

/// When a store may delete these bytes, as nobody is signed in there: a week after they were stored, or after the last login that
/// waits there for its browser. `None`: not at all, as somebody is signed in, or it cannot be told.
pub fn expires_at(snapshot: &str) -> Option<Timestamp> {
    #[derive(Deserialize)]
    struct Kept {
        #[serde(rename = "webex_oauth")]
        version: u32,
        saved_at: i64,
        grant: Option<IgnoredAny>,
        login: Option<Login>,
        #[serde(default)]
        logins: Vec<Login>,
    }
    #[derive(Deserialize)]
    struct Login {
        expires_at: i64,
    }
    let kept: Kept = serde_json::from_str(snapshot).ok()?;
    if kept.version > VERSION || kept.grant.is_some() {
        return None;
    }
    let logins = kept.logins.iter().chain(&kept.login).map(|login| login.expires_at);
    let last = logins.fold(kept.saved_at, i64::max);
    Some(Timestamp::from_millis(last).plus_millis(KEPT_FOR_MS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_signed_in_stays_and_what_is_over_or_never_completed_goes_after_a_week() {
        let after = |ms: i64| Some(Timestamp::from_millis(ms + 7 * 86_400_000));
        for (members, wanted) in [
            (r#""saved_at":5,"grant":{"via":"code"}"#, None),
            (r#""saved_at":5,"signed_out":"by_user""#, after(5)),
            (r#""saved_at":5,"logins":[{"expires_at":9},{"expires_at":7}]"#, after(9)),
            (r#""saved_at":5,"login":{"expires_at":8}"#, after(8)),
            (r#""saved_at":5,"grant":null"#, after(5)),
            (r#""revision":5"#, None),
        ] {
            assert_eq!(expires_at(&format!(r#"{{"webex_oauth":2,{members}}}"#)), wanted, "{members}");
        }
        assert_eq!(expires_at(r#"{"webex_oauth":99,"saved_at":5}"#), None, "who knows what is in there");
        assert_eq!(expires_at("eyJhbGciOiJkaXIifQ..a.b.c"), None);
    }
}
