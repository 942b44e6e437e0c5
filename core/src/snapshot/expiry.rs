//! How long a store keeps what is no session any longer, or not yet.

use std::time::Duration;

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::VERSION;

/// How long a store keeps what is over, [`kept_for`] and the marks of what was deleted: a week. A callback comes within minutes, and
/// whoever has an older copy of the session in memory has looked by then.
pub const KEPT_FOR: Duration = Duration::from_secs(7 * 86_400);

/// How long a store keeps these bytes, from when it stores them and by its own clock: nobody is signed in there, and they may go
/// [`KEPT_FOR`] later, or so long after the last login that waits there for its browser. `None`: they stay, as somebody is signed
/// in, or it cannot be told.
///
/// A span, as the clock of whoever saves may be wrong by more than that.
pub fn kept_for(snapshot: &str) -> Option<Duration> {
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
    let waits = |login: &Login| u64::try_from(login.expires_at.saturating_sub(kept.saved_at)).unwrap_or(0);
    let longest = kept.logins.iter().chain(&kept.login).map(waits).max();
    Some(KEPT_FOR.saturating_add(Duration::from_millis(longest.unwrap_or(0))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_signed_in_stays_and_what_is_over_or_never_completed_goes_after_a_week() {
        let after = |ms: u64| Some(Duration::from_millis(ms + 7 * 86_400_000));
        for (members, wanted) in [
            (r#""saved_at":5,"grant":{"via":"code"}"#, None),
            (r#""saved_at":5,"signed_out":"by_user""#, after(0)),
            (r#""saved_at":5,"logins":[{"expires_at":9},{"expires_at":7}]"#, after(4)),
            (r#""saved_at":5,"login":{"expires_at":8}"#, after(3)),
            (r#""saved_at":5,"login":{"expires_at":2}"#, after(0)),
            (r#""saved_at":5,"grant":null"#, after(0)),
            (r#""revision":5"#, None),
        ] {
            assert_eq!(kept_for(&format!(r#"{{"webex_oauth":2,{members}}}"#)), wanted, "{members}");
        }
        assert_eq!(kept_for(r#"{"webex_oauth":99,"saved_at":5}"#), None, "who knows what is in there");
        assert_eq!(kept_for("eyJhbGciOiJkaXIifQ..a.b.c"), None);
    }

    #[test]
    fn no_number_is_too_large() {
        let login = format!(r#"{{"expires_at":{}}}"#, i64::MAX);
        let snapshot = format!(r#"{{"webex_oauth":2,"saved_at":{},"login":{login}}}"#, i64::MIN);
        assert_eq!(kept_for(&snapshot), Some(KEPT_FOR + Duration::from_millis(i64::MAX.unsigned_abs())));
    }
}
