//! When many clients do the same: spread, and within the lines that the policy draws.

use std::collections::BTreeSet;

use webex_oauth::{Effect, Purpose, Session, Timestamp};

use crate::kit::{START, answer, config, entropy, tokens};

const LIFETIME: i64 = 3_600_000;

fn signed_in(number: u8) -> Session {
    let mut session = Session::new(config(0), entropy(number));
    let tokens = r#"{"access_token":"AT","expires_in":3600,"refresh_token":"RT","token_type":"Bearer"}"#;
    session.adopt(START, tokens).unwrap();
    session
}

/// Sends the refresh that is due and lets it fail; returns how long the session waits then.
fn fail(session: &mut Session, now: Timestamp) -> i64 {
    let output = session.ensure_fresh(now).unwrap();
    let Some(Effect::Send { request }) = output.effects.last() else { panic!("{output:?}") };
    session.response(now, request.id, answer(503, "")).unwrap();
    session.wake_at().unwrap().millis_since(now)
}

#[test]
fn refreshes_ahead_of_expiry_lie_between_the_two_lines_and_spread() {
    let delays: BTreeSet<i64> =
        (0..128).map(|number| signed_in(number).status(START).refresh_at.unwrap().millis_since(START)).collect();
    assert!(delays.iter().all(|delay| (LIFETIME * 6 / 10..=LIFETIME * 9 / 10).contains(delay)), "{delays:?}");
    assert!(delays.len() > 64, "{} of 128", delays.len());
    let (first, last) = (delays.first().unwrap(), delays.last().unwrap());
    assert!(last - first > LIFETIME / 5, "{first} to {last}");
}

#[test]
fn the_same_client_draws_anew_for_each_token_and_the_same_for_the_same_one() {
    let mut session = signed_in(1);
    let mut delays = BTreeSet::new();
    for generation in 2..34 {
        let now = session.status(START).expires_at.unwrap();
        let output = session.refresh(now).unwrap();
        let refresh = output.effects.iter().find_map(|effect| match effect {
            Effect::Send { request } if request.purpose == Purpose::Refresh => Some(request.id),
            _ => None,
        });
        session.response(now, refresh.unwrap(), tokens(generation)).unwrap();
        let delay = session.status(now).refresh_at.unwrap().millis_since(now);
        assert_eq!(session.status(now).refresh_at.unwrap().millis_since(now), delay);
        delays.insert(delay);
        let restored = Session::restore(config(0), session.snapshot().expose()).unwrap();
        assert_eq!(restored.status(now).refresh_at, session.status(now).refresh_at);
    }
    assert!(delays.len() > 24, "{delays:?}");
}

#[test]
fn waits_after_failures_double_up_to_the_longest_and_spread_over_half_of_it() {
    let mut shortest = [i64::MAX; 12];
    let mut longest = [0; 12];
    for number in 0..64 {
        let mut session = signed_in(number);
        let mut now = START.plus_millis(LIFETIME);
        for failures in 0..12 {
            let wait = fail(&mut session, now);
            let ceiling = (2000 << failures).min(300_000);
            assert!((ceiling / 2..=ceiling).contains(&wait), "{wait} after failure {failures}");
            shortest[failures] = shortest[failures].min(wait);
            longest[failures] = longest[failures].max(wait);
            now = now.plus_millis(wait);
        }
    }
    for (shortest, longest) in shortest.into_iter().zip(longest) {
        assert!((longest - shortest) * 3 > longest, "{shortest} to {longest}");
    }
}
