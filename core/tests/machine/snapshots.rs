//! Stored bytes are for ever: the frozen snapshots in `tests/snapshots` restore to the same facts with every version.

use webex_oauth::{
    Access, Effect, Event, Output, Phase, RestoreError, ReturnTo, SendFault, Session, SignInReason, SignOutOptions,
    SignedOutReason, StaleWhy, Status, Timestamp, Via, WhichLogin,
};

use crate::kit::{self, START};

const ACCESS_TOKEN: &str =
    "ZDI3MGEyYzQtNmFlNS00NDNhLWFlNzAtZGVjNjE0MGU1OGZmZWNmZDEwN2ItYTU3_PF84_1eb65fdf-9643-417f-9974-ad72cae0e10f";

macro_rules! snapshot {
    ($name:literal) => {
        include_str!(concat!("../snapshots/v1-", $name, ".json"))
    };
}

macro_rules! of_version_2 {
    ($name:literal) => {
        include_str!(concat!("../snapshots/v2-", $name, ".json"))
    };
}

/// What this version writes.
const ALL: [&str; 3] = [of_version_2!("signed-in"), of_version_2!("three-logins"), of_version_2!("unknown-members")];

const OF_VERSION_1: [&str; 13] = [
    snapshot!("backing-off"),
    snapshot!("code-login"),
    snapshot!("custom-members"),
    snapshot!("device-login"),
    snapshot!("grant-ended"),
    snapshot!("implicit-login"),
    snapshot!("login-over-session"),
    snapshot!("never-signed-in"),
    snapshot!("refresh-token-only"),
    snapshot!("refreshed-once"),
    snapshot!("signed-in"),
    snapshot!("signed-out-by-user"),
    snapshot!("unknown-members"),
];

fn restore(snapshot: &str) -> Session {
    Session::restore(kit::config(0), snapshot).unwrap()
}

fn ready(session: &Session, now: Timestamp) -> (String, u64) {
    match session.access(now) {
        Access::Ready { token, generation, .. } => (token.expose_header().to_owned(), generation),
        other => panic!("{other:?}"),
    }
}

/// Facts of the status that most snapshots share.
fn facts(session: &Session, now: Timestamp) -> (Phase, u64, u64, Option<Via>) {
    let Status { phase, generation, via, .. } = session.status(now);
    (phase, session.revision(), generation, via)
}

fn files(prefix: &str) -> usize {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/snapshots");
    let names = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.starts_with(prefix)).count()
}

#[test]
fn every_frozen_snapshot_of_this_version_is_written_back_unchanged() {
    assert_eq!(files("v2-"), ALL.len(), "a snapshot is not tested");
    for snapshot in ALL {
        // This one was written when tokens of other types were handed out: it is read without its token.
        let snapshot = snapshot.replace(r#""access_token":"AT","token_type":"MAC","#, "");
        assert_eq!(restore(&snapshot).snapshot().expose(), snapshot);
    }
}

#[test]
fn what_version_1_stored_is_written_in_the_new_form_and_is_the_same_then() {
    // `v1-least` has a test of its own.
    assert_eq!(files("v1-"), OF_VERSION_1.len() + 1, "a snapshot is not tested");
    for snapshot in OF_VERSION_1 {
        // One was written when tokens of other types were handed out: it is read without its token.
        let snapshot = snapshot.replace(r#""access_token":"AT","token_type":"MAC","#, "");
        let written = restore(&snapshot).snapshot();
        let mut expected: serde_json::Value = serde_json::from_str(&snapshot).unwrap();
        expected["webex_oauth"] = 2.into();
        let members = expected.as_object_mut().unwrap();
        if let Some(mut login) = members.remove("login") {
            // Version 1 left out what followed from the lifetime of a login, ten minutes.
            let begun = login["expires_at"].as_i64().unwrap() - 600_000;
            login.as_object_mut().unwrap().entry("since").or_insert(begun.into());
            match login.get("flow") {
                Some(_) => members.insert("logins".into(), [login].into_iter().collect()),
                None => members.insert("login".into(), login),
            };
        }
        assert_eq!(serde_json::from_str::<serde_json::Value>(written.expose()).unwrap(), expected);
        assert_eq!(restore(written.expose()).snapshot(), written);
    }
}

#[test]
fn three_logins_can_be_completed_after_a_restart() {
    for (state, verifier) in [
        ("eyJjc3JmX3Rva2VuIjoib3Nmc0VUWmJnS1hLN3hRNVhvT296USJ9", "AidMcZa74AUqT3SZvuMILVJ3nMHmCzBVep_E6Q4zWH0"),
        ("CiscoDevNet", "BidMcZa74AUqT3SZvuMILVJ3nMHmCzBVep_E6Q4zWH0"),
    ] {
        let mut session = restore(of_version_2!("three-logins"));
        // Left open by the sign-in that is there.
        assert_eq!(session.phase(), Phase::SigningIn { via: Via::Implicit, return_to: ReturnTo::SignedIn });
        let output = session.complete_login(START, format!("{}?code=abc&state={state}", kit::REDIRECT_URI)).unwrap();
        let [Effect::Persist { .. }, Effect::Send { request }] = &output.effects[..] else { panic!("{output:?}") };
        assert_eq!(kit::body_parameter(request, "code_verifier").as_deref(), Some(verifier));
    }
    let mut session = restore(of_version_2!("three-logins"));
    let done = format!("{}?code=abc&state=done-already", kit::REDIRECT_URI);
    let output = session.complete_login(START, done).unwrap();
    let reason = webex_oauth::CallbackIgnored::AlreadyCompleted;
    assert_eq!(output.effects, [Effect::Notify { event: Event::CallbackIgnored { reason } }]);
}

#[test]
fn a_signed_in_session_goes_on() {
    let session = restore(snapshot!("signed-in"));
    assert_eq!(facts(&session, START), (Phase::SignedIn, 1, 1, Some(Via::Code)));
    assert_eq!(ready(&session, START), (format!("Bearer {ACCESS_TOKEN}"), 1));
    let status = session.status(START);
    assert_eq!(status.scope.unwrap().as_str(), "spark:kms spark:people_read");
    assert_eq!(status.expires_at, Some(Timestamp::from_millis(1_801_209_599_250)));
    assert_eq!(status.sign_in_again_by, Some(Timestamp::from_millis(1_807_776_000_250)));
    assert_eq!(status.org_id.as_deref(), Some("1eb65fdf-9643-417f-9974-ad72cae0e10f"));
    // The line between 60 and 90 % of the lifetime that was drawn when the token came.
    assert_eq!(status.refresh_at, session.wake_at());
    assert_eq!(session.wake_at(), Some(Timestamp::from_millis(1_800_887_845_916)));
}

#[test]
fn a_refreshed_session_revokes_the_token_before_last_at_the_next_refresh() {
    let mut session = restore(snapshot!("refreshed-once"));
    assert_eq!(ready(&session, Timestamp::from_millis(1_800_090_000_000)), ("Bearer AT-2".to_owned(), 2));
    let output = session.refresh(Timestamp::from_millis(1_800_090_000_000)).unwrap();
    let Some(Effect::Send { request }) = output.effects.last() else { panic!("{output:?}") };
    assert_eq!(kit::body_parameter(request, "refresh_token").as_deref(), Some("RT-2"));
    let output = session.response(Timestamp::from_millis(1_800_090_000_100), request.id, kit::tokens(3)).unwrap();
    let revoked = output.effects.iter().find_map(|effect| match effect {
        Effect::Send { request } => kit::body_parameter(request, "token"),
        _ => None,
    });
    assert_eq!(revoked.as_deref(), Some(ACCESS_TOKEN));
}

#[test]
fn a_backoff_outlives_the_process() {
    let mut session = restore(snapshot!("backing-off"));
    let (before, retry_at) = (Timestamp::from_millis(1_800_172_801_000), Timestamp::from_millis(1_800_172_830_500));
    assert_eq!(facts(&session, before), (Phase::SignedIn, 3, 2, Some(Via::Code)));
    let fault = session.status(before).last_fault.unwrap();
    assert_eq!((fault.status, fault.tracking_id.as_deref()), (Some(429), Some("ROUTER_5F3A")));
    // The server named the wait, so even a caller who insists waits for it.
    assert_eq!(session.refresh(before).unwrap().effects, []);
    assert_eq!(session.wake_at(), Some(retry_at));
    assert!(matches!(session.tick(retry_at).unwrap().effects[..], [Effect::Send { .. }]));
}

#[test]
fn a_login_in_the_browser_can_be_completed_after_a_restart() {
    let mut session = restore(snapshot!("code-login"));
    let phase = Phase::SigningIn { via: Via::Code, return_to: ReturnTo::SignedOut };
    assert_eq!(facts(&session, START), (phase, 1, 0, None));
    assert_eq!(session.wake_at(), Some(Timestamp::from_millis(1_800_000_600_000)));
    let state = "eyJwYWdlIjoiL3Jvb21zIiwiY3NyZl90b2tlbiI6Im9zZnNFVFpiZ0tYSzd4UTVYb09velEifQ";
    let output = session.complete_login(START, format!("{}?code=abc&state={state}", kit::REDIRECT_URI)).unwrap();
    let [Effect::Persist { .. }, Effect::Send { request }] = &output.effects[..] else { panic!("{output:?}") };
    let verifier = "AidMcZa74AUqT3SZvuMILVJ3nMHmCzBVep_E6Q4zWH0";
    assert_eq!(kit::body_parameter(request, "code_verifier").as_deref(), Some(verifier));
    let output = session.response(START, request.id, kit::tokens(1)).unwrap();
    let Some(Effect::Notify { event: Event::SignedIn { state, .. } }) =
        output.effects.iter().find(|effect| matches!(effect, Effect::Notify { event: Event::SignedIn { .. } }))
    else {
        panic!("{output:?}")
    };
    assert_eq!(state.as_deref(), Some(r#"{"page":"/rooms"}"#));
}

#[test]
fn an_implicit_login_can_be_completed_after_a_restart() {
    let mut session = restore(snapshot!("implicit-login"));
    let state = "eyJjc3JmX3Rva2VuIjoib3Nmc0VUWmJnS1hLN3hRNVhvT296USJ9";
    let callback = format!("{}#access_token=IT&expires_in=3600&token_type=Bearer&state={state}", kit::REDIRECT_URI);
    session.complete_login(START, callback).unwrap();
    assert_eq!(facts(&session, START), (Phase::SignedIn, 2, 1, Some(Via::Implicit)));
    assert_eq!(ready(&session, START), ("Bearer IT".to_owned(), 1));
}

#[test]
fn a_device_login_polls_on_after_a_restart() {
    let mut session = restore(snapshot!("device-login"));
    let phase = Phase::SigningIn { via: Via::Device, return_to: ReturnTo::SignedOut };
    assert_eq!(facts(&session, START), (phase, 1, 0, None));
    let poll_at = Timestamp::from_millis(1_800_000_002_000);
    assert_eq!(session.wake_at(), Some(poll_at));
    let output = session.tick(poll_at).unwrap();
    let [Effect::Send { request }] = &output.effects[..] else { panic!("{output:?}") };
    assert_eq!(kit::body_parameter(request, "device_code").as_deref(), Some("5f1b2c7e-device"));
    session.send_failed(poll_at, request.id, SendFault::NotSent).unwrap();
    assert!(session.wake_at() > Some(poll_at));
}

#[test]
fn a_login_over_a_session_leads_back_to_it() {
    let mut session = restore(snapshot!("login-over-session"));
    let now = Timestamp::from_millis(1_800_000_060_000);
    let phase = Phase::SigningIn { via: Via::Code, return_to: ReturnTo::SignedIn };
    assert_eq!(facts(&session, now), (phase, 2, 1, Some(Via::Code)));
    assert_eq!(ready(&session, now).1, 1);
    session.cancel_login(now, WhichLogin::All).unwrap();
    assert_eq!(session.phase(), Phase::SignedIn);
    assert_eq!(ready(&session, now).0, format!("Bearer {ACCESS_TOKEN}"));
}

#[test]
fn a_bare_refresh_token_waits_for_its_first_use() {
    let mut session = restore(snapshot!("refresh-token-only"));
    assert_eq!(facts(&session, START), (Phase::SignedIn, 1, 0, Some(Via::Adopted)));
    assert_eq!(session.access(START), Access::Stale { why: StaleWhy::NoAccessToken, expires_at: None });
    let output = session.ensure_fresh(START).unwrap();
    let [Effect::Send { request }] = &output.effects[..] else { panic!("{output:?}") };
    assert_eq!(kit::body_parameter(request, "refresh_token").as_deref(), Some("only-a-refresh-token"));
}

#[test]
fn a_session_that_is_over_says_why() {
    for (snapshot, reason) in [
        (snapshot!("never-signed-in"), SignedOutReason::NeverSignedIn),
        (snapshot!("signed-out-by-user"), SignedOutReason::ByUser),
        (snapshot!("grant-ended"), SignedOutReason::GrantEnded),
    ] {
        let session = restore(snapshot);
        assert_eq!(session.phase(), Phase::SignedOut { reason });
        assert_eq!(session.access(START), Access::SignInRequired { reason: SignInReason::SignedOut(reason) });
        assert_eq!((session.wake_at(), session.tokens()), (None, None));
    }
}

#[test]
fn custom_members_are_kept_and_a_token_of_another_type_is_not() {
    let session = restore(snapshot!("custom-members"));
    assert!(matches!(session.access(START), Access::Stale { .. }), "{:?}", session.access(START));
    let tokens = session.tokens().unwrap();
    assert_eq!((&tokens.access_token, tokens.refresh_token.as_ref().unwrap().expose()), (&None, "RT"));
    assert_eq!(tokens.id_token.as_ref().unwrap().expose(), "h.p.s");
    assert_eq!(tokens.custom.0["email"], "ada@example.com");
    assert_eq!(tokens.custom.0["cluster"]["n"], 1.5);
}

#[test]
fn members_of_a_later_version_survive_what_this_version_does() {
    let mut session = restore(snapshot!("unknown-members"));
    let now = Timestamp::from_millis(1_800_000_100_000);
    let output = session.refresh(now).unwrap();
    let Some(Effect::Send { request }) = output.effects.last() else { panic!("{output:?}") };
    session.response(now, request.id, kit::tokens(2)).unwrap();
    let stored: serde_json::Value = serde_json::from_str(session.snapshot().expose()).unwrap();
    assert_eq!(stored["zzz"]["nested"]["list"][1], 2.25);
    assert_eq!(stored["logins"][0]["hint"]["a"][0], true);
    assert_eq!(stored["grant"]["access_token"], "AT-2");
    assert_eq!(stored["grant"]["proof_key"], "later-version");
}

#[test]
fn what_an_older_version_may_have_left_out_has_a_default() {
    let session = restore(snapshot!("least"));
    assert_eq!(facts(&session, START), (Phase::SignedIn, 4, 0, Some(Via::Jwt)));
    assert_eq!(ready(&session, START), ("Bearer AT".to_owned(), 0));
    let again = restore(session.snapshot().expose());
    assert_eq!(again.snapshot().expose(), session.snapshot().expose());
}

#[test]
fn foreign_newer_and_damaged_bytes_are_told_apart() {
    let snapshot = snapshot!("signed-in");
    let refused = |text: &str| Session::restore(kit::config(0), text).err();
    let newer = snapshot.replace("\"webex_oauth\":1", "\"webex_oauth\":3");
    assert_eq!(refused(&newer), Some(RestoreError::NewerVersion { found: 3 }));
    let reshaped = newer.replace("\"revision\":1", "\"revision\":{}");
    assert_eq!(refused(&reshaped), Some(RestoreError::NewerVersion { found: 3 }));
    let foreign = snapshot.replace("C0123", "C9999");
    assert_eq!(refused(&foreign), Some(RestoreError::OtherConfig { field: "client_id" }));
    let elsewhere = snapshot.replace("webexapis.com/v1/access_token", "as.example/token");
    assert_eq!(refused(&elsewhere), Some(RestoreError::OtherConfig { field: "token_endpoint" }));
    for end in 0..snapshot.len() {
        assert_eq!(refused(&snapshot[..end]), Some(RestoreError::Unreadable), "cut at {end}");
    }
}

/// What nobody can use any longer is not kept: neither where somebody signs out, nor where the server calls the grant over, though
/// the access token would live on for days.
#[test]
fn a_session_that_has_ended_leaves_no_token_in_the_store() {
    let stored = |output: &Output| match output.effects.first() {
        Some(Effect::Persist { snapshot, .. }) => snapshot.expose().to_owned(),
        other => panic!("{other:?}"),
    };
    let mut ended = Vec::new();
    for revoke in [false, true] {
        let mut session = restore(of_version_2!("signed-in"));
        ended.push(stored(&session.sign_out(START, SignOutOptions { revoke, ..SignOutOptions::default() }).unwrap()));
    }
    let mut session = restore(of_version_2!("signed-in"));
    let output = session.refresh(START).unwrap();
    let Some(Effect::Send { request }) = output.effects.last() else { panic!("{output:?}") };
    ended.push(stored(&session.response(START, request.id, kit::answer(400, r#"{"error":"invalid_grant"}"#)).unwrap()));
    for (snapshot, reason) in ended.iter().zip(["by_user", "by_user", "grant_ended"]) {
        assert!(snapshot.contains(&format!(r#""signed_out":"{reason}""#)), "{snapshot}");
        assert!(!snapshot.contains(r#"token":"#), "{snapshot}");
        assert!(!snapshot.contains(ACCESS_TOKEN) && !snapshot.contains("MDEyMzQ1Njc4"), "{snapshot}");
    }
}
