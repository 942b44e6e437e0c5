//! First and last instants: what holds up to a moment, and what from it on.

use webex_oauth::{
    Access, CallbackIgnored, Effect, Event, HttpRequest, Output, Purpose, RequestId, Session, StaleWhy, Timestamp,
};

use crate::kit::{START, answer, config, entropy, webex, with_header};

const ID: RequestId = RequestId(1);
const TOKENS: &str = r#"{"access_token":"AT","expires_in":3600,"refresh_token":"RT","token_type":"Bearer"}"#;

fn at(millis: i64) -> Timestamp {
    START.plus_millis(millis)
}

fn signed_in(configuration: webex_oauth::Config) -> Session {
    let mut session = Session::new(configuration, entropy(1));
    session.adopt(START, TOKENS).unwrap();
    session
}

fn sent(output: &Output) -> Option<&HttpRequest> {
    output.effects.iter().find_map(|effect| match effect {
        Effect::Send { request } => Some(request),
        _ => None,
    })
}

/// Answers the refresh that is sent, with tokens that live for `seconds`.
fn renew(session: &mut Session, now: Timestamp, output: &Output, seconds: u32) {
    let id = sent(output).unwrap_or_else(|| panic!("{output:?}")).id;
    let number = id.0;
    let body = format!(r#"{{"access_token":"AT{number}","expires_in":{seconds},"token_type":"Bearer"}}"#);
    session.response(now, id, answer(200, body)).unwrap();
}

#[test]
fn a_lifetime_is_divided_to_the_millisecond() {
    let mut parts = webex();
    parts.refresh.soon_permille = (500, 500);
    let mut session = Session::new(parts.build().unwrap(), entropy(1));
    let end = at(3_001_999).as_millis();
    session.adopt(START, format!(r#"{{"access_token":"AT","refresh_token":"RT","expires":{end}}}"#)).unwrap();
    assert_eq!(session.status(START).refresh_at, Some(at(1_500_999)));
}

#[test]
fn a_short_token_is_renewed_again_after_half_its_life() {
    let mut parts = webex();
    parts.refresh.soon_permille = (0, 0);
    let mut session = signed_in(parts.build().unwrap());
    let output = session.refresh(START).unwrap();
    renew(&mut session, START, &output, 20);
    assert!(sent(&session.ensure_fresh(at(9_999)).unwrap()).is_none());
    assert!(sent(&session.ensure_fresh(at(10_000)).unwrap()).is_some());
}

#[test]
fn the_third_fresh_token_that_is_refused_is_believed_after_the_minimum_interval() {
    for (millis, is_believed) in [(29_999, false), (30_000, true)] {
        let mut session = signed_in(config(0));
        for generation in 1..=2 {
            let output = session.token_rejected(START, generation).unwrap();
            renew(&mut session, START, &output, 3600);
        }
        let output = session.token_rejected(at(millis), 3).unwrap();
        assert_eq!(sent(&output).is_some(), is_believed, "{millis}");
    }
}

#[test]
fn waits_after_failures_are_the_same_in_every_version() {
    let mut session = signed_in(config(0));
    let mut now = at(3_600_000);
    let mut waits = Vec::new();
    for _ in 0..4 {
        let output = session.ensure_fresh(now).unwrap();
        session.response(now, sent(&output).unwrap().id, answer(503, "")).unwrap();
        let wake = session.wake_at().unwrap();
        waits.push(wake.millis_since(now));
        now = wake;
    }
    assert_eq!(waits, [1353, 3263, 5737, 9545]);
}

#[test]
fn a_clock_that_is_a_minute_behind_is_ordinary() {
    let session = signed_in(config(0));
    assert!(matches!(session.access(at(-60_000)), Access::Ready { .. }));
    let access = session.access(at(-60_001));
    assert!(matches!(access, Access::Stale { why: StaleWhy::ClockWentBack, .. }), "{access:?}");
}

#[test]
fn a_failed_refresh_is_waited_for_until_its_time_has_come() {
    let mut session = signed_in(config(0));
    let now = at(3_600_000);
    let output = session.ensure_fresh(now).unwrap();
    session.response(now, sent(&output).unwrap().id, answer(503, "")).unwrap();
    let wake = session.wake_at().unwrap();
    let before = session.access(wake.plus_millis(-1));
    assert!(matches!(before, Access::BackingOff { retry_at, .. } if retry_at == wake), "{before:?}");
    let then = session.access(wake);
    assert!(matches!(then, Access::Stale { why: StaleWhy::Expired, .. }), "{then:?}");
}

#[test]
fn only_a_refresh_that_is_wanted_is_one() {
    let mut session = signed_in(config(0));
    session.refresh(START).unwrap();
    assert!(session.status(START).is_refreshing);
    session.begin_login(START, webex_oauth::LoginOptions::default(), entropy(2)).unwrap();
    assert!(session.status(START).is_refreshing, "a login does not end it");
    let mut session = signed_in(config(0));
    session.redeem_code(START, "c", None).unwrap();
    assert!(!session.status(START).is_refreshing, "a code is redeemed");
}

#[test]
fn a_host_that_has_jwts_is_asked_where_nothing_else_renews() {
    let purpose = |tokens: &str| {
        let mut session = Session::new(config(2), entropy(1));
        session.adopt(START, tokens).unwrap();
        let output = session.refresh(START).unwrap();
        sent(&output).map(|request| request.purpose)
    };
    assert_eq!(purpose(TOKENS), Some(Purpose::Refresh));
    assert_eq!(purpose(r#"{"access_token":"AT","expires_in":3600}"#), None);
    let mut session = Session::new(config(2), entropy(1));
    session.sign_in_with_jwt(START, "e30.e30.e30").unwrap();
    session.response(START, ID, answer(200, TOKENS)).unwrap();
    let output = session.refresh(START).unwrap();
    assert!(matches!(output.effects.last(), Some(Effect::AskForJwt { .. })), "{output:?}");
}

#[test]
fn a_reason_has_a_thousand_bytes_at_most() {
    let mut session = signed_in(config(1));
    session.refresh(START).unwrap();
    assert!(session.host_failed(START, ID, &"x".repeat(1001)).is_err());
    assert!(session.host_failed(START, ID, &"x".repeat(1000)).is_ok());
    assert!(session.status(START).last_fault.is_some());
}

#[test]
fn a_refusal_after_the_minimum_interval_begins_a_new_count() {
    let mut session = signed_in(config(0));
    for (generation, millis) in [(1, 0), (2, 30_000), (3, 30_000)] {
        let output = session.token_rejected(at(millis), generation).unwrap();
        renew(&mut session, at(millis), &output, 3600);
    }
    assert!(sent(&session.token_rejected(at(30_000), 4).unwrap()).is_none());
}

#[test]
fn a_login_is_not_waited_for_beyond_its_end() {
    for (seconds, fails) in [("599", false), ("600", true)] {
        let mut session = Session::new(config(0), entropy(1));
        session.redeem_code(START, "c", None).unwrap();
        let output = session.response(START, ID, with_header(answer(429, ""), "retry-after", seconds)).unwrap();
        let told = |effect: &Effect| matches!(effect, Effect::Notify { event: Event::LoginFailed { .. } });
        assert_eq!(output.effects.iter().any(told), fails, "{seconds}");
    }
}

#[test]
fn a_refresh_token_alone_is_tried_again_when_somebody_asks() {
    let mut session = Session::new(config(0), entropy(1));
    session.adopt(START, r#"{"refresh_token":"RT"}"#).unwrap();
    session.response(START, ID, answer(503, "")).unwrap();
    assert!(sent(&session.ensure_fresh(at(600_000)).unwrap()).is_some());
}

#[test]
fn an_answer_has_a_mebibyte_at_most() {
    let read = |len: usize| {
        let mut body = br#"{"access_token":"AT","token_type":"Bearer"}"#.to_vec();
        body.resize(len, b' ');
        webex_oauth::protocol::token::read_answer(&answer(200, body), START, false)
    };
    assert!(read(1 << 20).is_ok());
    assert!(read((1 << 20) + 1).is_err());
    for (len, ends) in [(1 << 20, true), ((1 << 20) + 1, false)] {
        let mut session = signed_in(config(0));
        session.refresh(START).unwrap();
        let mut body = br#"{"error":"invalid_grant"}"#.to_vec();
        body.resize(len, b' ');
        session.response(START, ID, answer(400, body)).unwrap();
        assert_eq!(session.tokens().is_none(), ends, "{len}");
    }
}

#[test]
fn a_bare_token_came_now_and_may_be_any_word_but_its_scheme() {
    let mut session = Session::new(config(0), entropy(1));
    session.adopt(at(5), "Bearer").unwrap_err();
    session.adopt(at(5), "Bearers").unwrap();
    let tokens = session.tokens().unwrap();
    assert_eq!(tokens.received_at, at(5));
    assert_eq!(tokens.access_token.as_ref().unwrap().expose_header(), "Bearer s");
}

#[test]
fn tokens_and_callbacks_have_a_length() {
    let mut session = Session::new(config(0), entropy(1));
    assert!(session.adopt(START, "T".repeat((1 << 20) + 1)).is_err());
    assert!(session.adopt(START, "T".repeat(1 << 20)).is_ok());
    session.begin_login(START, webex_oauth::LoginOptions::default(), entropy(2)).unwrap();
    for (len, reason) in [(1 << 16, CallbackIgnored::WrongState), ((1 << 16) + 1, CallbackIgnored::TooLong)] {
        let mut callback = "?code=c&state=x&y=".to_owned();
        callback.push_str(&"z".repeat(len - callback.len()));
        let output = session.complete_login(START, callback).unwrap();
        assert_eq!(output.effects, [Effect::Notify { event: Event::CallbackIgnored { reason } }]);
    }
}

#[test]
fn whoever_looks_after_a_session_comes_back_when_the_next_attempt_is_due() {
    let day = 86_400_000;
    let mut session = Session::new(webex().build().unwrap(), entropy(1));
    session.adopt(START, r#"{"access_token":"AT","expires_in":1209600,"refresh_token":"RT"}"#).unwrap();
    let due = session.due_at().unwrap();
    assert!((at(8 * day)..at(13 * day)).contains(&due), "{due:?}");
    let output = session.refresh(at(9 * day)).unwrap();
    let id = sent(&output).unwrap().id;
    let output = session.response(at(9 * day), id, answer(500, "")).unwrap();
    let retry_at = output.effects.iter().find_map(|effect| match effect {
        Effect::Notify { event: Event::RefreshFailed { retry_at, .. } } => Some(*retry_at),
        _ => None,
    });
    assert_eq!((session.due_at(), retry_at.is_some()), (retry_at, true));
    // Also where nothing was sent, of which nothing is stored.
    let output = session.tick(retry_at.unwrap()).unwrap();
    let id = sent(&output).unwrap().id;
    session.send_failed(retry_at.unwrap(), id, webex_oauth::SendFault::NotSent).unwrap();
    assert!(session.due_at() > retry_at);
    // Once it has gone well it is as before.
    let later = session.due_at().unwrap();
    let output = session.tick(later).unwrap();
    renew(&mut session, later, &output, 1_209_600);
    assert!(session.due_at().unwrap() > later.plus_millis(8 * day));
}

#[test]
fn who_cannot_renew_is_not_looked_after() {
    let mut session = Session::new(webex().build().unwrap(), entropy(1));
    session.adopt(START, r#"{"access_token":"AT","expires_in":3600}"#).unwrap();
    assert_eq!(session.due_at(), None);
}

#[test]
fn a_refresh_token_that_ends_first_is_used_before() {
    let tokens = r#"{"access_token":"AT","expires_in":1209600,"refresh_token":"RT","refresh_token_expires_in":86400}"#;
    let mut session = Session::new(webex().build().unwrap(), entropy(1));
    session.adopt(START, tokens).unwrap();
    assert_eq!(session.due_at(), Some(at(86_400_000 - 60_000)));
    assert!(sent(&session.tick(at(86_400_000 - 60_000)).unwrap()).is_some());
}

#[test]
fn a_token_that_came_while_the_clock_was_ahead_does_not_live_anew_with_each_start() {
    let (day, config) = (86_400_000, webex().build().unwrap());
    let mut session = Session::new(config.clone(), entropy(1));
    session.adopt(at(20 * day), r#"{"access_token":"AT","expires_in":1209600,"refresh_token":"RT"}"#).unwrap();
    let mut stored = session.snapshot();
    for start in 0..3 {
        let mut session = Session::restore(config.clone(), stored.expose()).unwrap();
        let output = session.tick(at(start * day)).unwrap();
        if let Some(Effect::Persist { snapshot, .. }) = output.effects.first() {
            stored = snapshot.clone();
        }
        assert_eq!(session.tokens().unwrap().expires_at, Some(at(14 * day)), "start {start}");
    }
}
