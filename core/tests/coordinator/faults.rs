//! What five drivers got wrong, each as a test: with the rule it holds, without the rule it does not.

use std::time::Duration;

use super::bench::{Bench, TOKENS, parts};
use crate::coordinator::rules::Rule;
use crate::coordinator::{Call, Credential, Done, Failure, Next, Of, Op, Reply, Spent, Ticket, Which};
use crate::{Renewal, SendFault, SignOutOptions};

const LONG: Option<Duration> = Some(Duration::from_secs(5000));

/// Holds with the rule, and not without it.
fn rests_on(rule: Rule, holds: impl Fn(Option<Rule>) -> bool) {
    assert!(holds(None), "does not hold");
    assert!(!holds(Some(rule)), "holds without {rule:?}: the test cannot see it");
}

fn token(of: Of) -> Call {
    Call::Token { of, within: LONG }
}

fn jwt() -> Credential {
    Credential::Jwt { jwt: "aaa.bbb.ccc".into() }
}

fn guest(display_name: &str) -> Credential {
    let (subject, display_name) = ("s1".to_owned(), display_name.to_owned());
    Credential::Guest { service_token: "SA1".into(), subject, display_name }
}

fn failed(bench: &Bench, ticket: u64) -> Option<&Failure> {
    match bench.reply(ticket)? {
        Reply::Failed(failure) => Some(failure),
        _ => None,
    }
}

fn refresh_answer(number: u32) -> String {
    TOKENS.replace("AT1", &format!("AT{number}")).replace("RT1", &format!("RT{number}"))
}

#[test]
fn b2_a_user_token_without_a_scope_is_never_the_full_token() {
    rests_on(Rule::UserScopeIsKnown, |broken| {
        let mut bench = Bench::new(parts(), broken);
        bench.sign_in(1, Credential::Tokens { tokens: TOKENS.replace(r#","scope":"a b""#, "").into() });
        bench.serve_store();
        bench.call(2, token(Of::UserDefault));
        failed(&bench, 2) == Some(&Failure::ScopeUnknown)
    });
}

#[test]
fn b4_adopting_supersedes_the_login_under_way() {
    rests_on(Rule::AdoptSupersedes, |broken| {
        let mut bench = Bench::new(parts(), broken);
        bench.sign_in(1, jwt());
        bench.sign_in(2, Credential::Tokens { tokens: TOKENS.into() });
        bench.serve_store();
        assert!(matches!(bench.reply(2), Some(Reply::SignedIn { .. })), "{:?}", bench.replies);
        failed(&bench, 1) == Some(&Failure::LoginSuperseded)
    });
}

#[test]
fn b5_a_request_that_no_thread_could_be_had_for_ends_as_not_sent() {
    let mut bench = Bench::signed_in(parts(), None);
    bench.call(2, Call::Refresh { within: LONG });
    bench.serve_store();
    let job = bench.request().unwrap();
    bench.done(job, Done::SendFailed(SendFault::NotSent));
    bench.serve_store();
    assert!(matches!(failed(&bench, 2), Some(Failure::Unavailable { .. })), "{:?}", bench.replies);
}

#[test]
fn b9_a_device_is_polled_while_a_question_to_the_host_is_out() {
    let mut parts = parts();
    parts.renewal = Renewal::HostToken;
    let mut bench = Bench::signed_in(parts, None);
    bench.call(2, Call::Refresh { within: LONG });
    bench.serve_store();
    assert!(bench.jobs.iter().any(|(_, op)| matches!(op, Op::AskForToken { .. })), "{:?}", bench.jobs);
    bench.sign_in(3, Credential::Device { scope: None });
    let device = r#"{"device_code":"D","user_code":"U","verification_uri":"https://as.example/d","expires_in":300,"interval":5}"#;
    bench.answer(200, device);
    assert_eq!(bench.requests(), 0);
    // Whoever drives it is told to wake it then, although the renewal that waits for the host has been due for long.
    let poll_at = bench.clock().wall.plus(Duration::from_secs(5));
    assert_eq!(bench.coordinator.wake_at().wall, Some(poll_at));
    bench.pass(5_000);
    assert_eq!(bench.requests(), 1, "{:?}", bench.jobs);
}

#[test]
fn b11_closing_ends_the_wait_that_an_api_asked_for_and_its_answer_is_the_callers() {
    rests_on(Rule::ClosingEndsWaits, |broken| {
        let mut bench = Bench::signed_in(parts(), broken);
        let spent = Spent { limit: Duration::from_secs(60), ..Spent::default() };
        let retry_after = Some("30".to_owned());
        bench.call(2, Call::Answered { generation: 1, status: 429, retry_after, spent });
        assert_eq!(bench.reply(2), None);
        bench.call(3, Call::Close { within: None });
        bench.reply(2) == Some(&Reply::Api(Next::Return { why: Some(Failure::Closed) }))
    });
}

#[test]
fn b12_the_same_sign_in_joins_the_one_under_way() {
    rests_on(Rule::SameSignInJoins, |broken| {
        let mut bench = Bench::new(parts(), broken);
        (1..=6).for_each(|ticket| bench.sign_in(ticket, jwt()));
        bench.serve_store();
        while bench.requests() > 0 {
            bench.answer(200, TOKENS);
        }
        (1..=6).all(|ticket| matches!(bench.reply(ticket), Some(Reply::SignedIn { .. })))
    });
}

#[test]
fn b13_a_refresh_is_one_that_begins_after_the_call() {
    rests_on(Rule::RefreshWaitsForItsOwn, |broken| {
        let mut bench = Bench::signed_in(parts(), broken);
        bench.call(2, Call::Refresh { within: LONG });
        bench.serve_store();
        bench.answer(200, &refresh_answer(2));
        assert_eq!(bench.reply(2), Some(&Reply::Done));
        bench.pass(40_000);
        bench.call(3, Call::Refresh { within: LONG });
        bench.serve_store();
        bench.reply(3).is_none() && bench.requests() == 1
    });
}

#[test]
fn b13_a_refresh_waits_while_a_device_is_polled_and_is_then_made() {
    let mut bench = Bench::signed_in(parts(), None);
    bench.sign_in(2, Credential::Device { scope: None });
    bench.call(3, Call::Refresh { within: LONG });
    bench.serve_store();
    assert_eq!((bench.requests(), bench.reply(3)), (1, None));
    bench.answer(
        200,
        r#"{"device_code":"D","user_code":"U","verification_uri":"https://as.example/d","expires_in":300}"#,
    );
    assert_eq!((bench.requests(), bench.reply(3)), (1, None));
    bench.answer(200, &refresh_answer(2));
    assert_eq!(bench.reply(3), Some(&Reply::Done));
}

#[test]
fn c6_the_second_401_is_the_answer_of_the_api() {
    rests_on(Rule::OneReplay, |broken| {
        let mut bench = Bench::signed_in(parts(), broken);
        let spent = Spent { replays: 1, ..Spent::default() };
        bench.call(2, Call::Answered { generation: 1, status: 401, retry_after: None, spent });
        bench.reply(2) == Some(&Reply::Api(Next::Return { why: None })) && bench.jobs.is_empty()
    });
}

#[test]
fn c13_a_question_to_the_host_has_a_limit() {
    rests_on(Rule::JobsHaveLimits, |broken| {
        let mut parts = parts();
        parts.renewal = Renewal::HostToken;
        let mut bench = Bench::signed_in(parts, broken);
        bench.call(2, Call::Refresh { within: LONG });
        bench.serve_store();
        bench.wait(331_000);
        bench.serve_store();
        matches!(failed(&bench, 2), Some(Failure::Unavailable { .. }))
    });
}

#[test]
fn c21_cancelling_one_login_cancels_no_other() {
    rests_on(Rule::CancelIsForOne, |broken| {
        let mut bench = Bench::new(parts(), broken);
        bench.sign_in(1, jwt());
        bench.call(2, Call::CancelLogin { of: Which::Ticket(Ticket(77)) });
        bench.serve_store();
        assert_eq!(bench.reply(2), Some(&Reply::Done));
        bench.reply(1).is_none()
    });
}

#[test]
fn c21_a_login_is_cancelled_by_its_own_ticket() {
    let mut bench = Bench::new(parts(), None);
    bench.sign_in(1, jwt());
    bench.call(2, Call::CancelLogin { of: Which::Ticket(Ticket(1)) });
    bench.serve_store();
    assert_eq!(failed(&bench, 1), Some(&Failure::LoginCancelled));
}

#[test]
fn d1_guests_with_other_names_are_other_sign_ins() {
    let mut bench = Bench::new(parts(), None);
    bench.sign_in(1, guest("Ada"));
    bench.sign_in(2, guest("Ada"));
    bench.sign_in(3, guest("Bea"));
    bench.serve_store();
    assert_eq!(failed(&bench, 1), Some(&Failure::LoginSuperseded));
    assert_eq!(failed(&bench, 2), Some(&Failure::LoginSuperseded));
    assert_eq!(bench.reply(3), None);
}

#[test]
fn d2_nothing_is_handed_out_while_a_sign_out_is_being_stored() {
    let mut bench = Bench::signed_in(parts(), None);
    bench.call(2, Call::SignOut { options: SignOutOptions::default() });
    bench.call(3, token(Of::Session));
    assert_eq!(bench.reply(3), None);
    bench.serve_store();
    assert!(matches!(failed(&bench, 3), Some(Failure::SignInRequired { .. })), "{:?}", bench.replies);
}

#[test]
fn d2_signing_out_ends_the_published_token() {
    let mut bench = Bench::signed_in(parts(), None);
    assert!(bench.published.is_some());
    bench.call(2, Call::SignOut { options: SignOutOptions::default() });
    // Nothing is stored yet.
    assert_eq!(bench.published, None);
}

/// Else `refresh` and `token`, one after the other, bring the token that was replaced.
#[test]
fn what_an_answer_stands_for_is_published_before_it() {
    let mut bench = Bench::signed_in(parts(), None);
    bench.call(2, Call::Refresh { within: None });
    bench.serve_store();
    bench.answer(200, r#"{"access_token":"AT2","token_type":"Bearer","expires_in":3600,"refresh_token":"RT2"}"#);
    assert!(bench.published_at.contains(&(2, Some(2))), "{:?}", bench.published_at);
}

/// A clock that reads earlier than the session was stored makes a token good that had seemed to be over, without a request.
#[test]
fn a_clock_that_is_behind_what_is_stored_keeps_nobody_waiting() {
    for behind in [1_000, 60_000, 3_000_000, 7_000_000, 86_400_000] {
        let mut bench = Bench::new(parts(), None);
        bench.sleep(100_000_000);
        bench.sign_in(1, Credential::Tokens { tokens: TOKENS.into() });
        bench.serve_store();
        bench.reopen_behind(behind);
        bench.call(2, token(Of::Session));
        bench.serve_store();
        assert!(matches!(bench.reply(2), Some(Reply::Token { .. })), "{behind}: {:?} {:?}", bench.replies, bench.jobs);
    }
}

#[test]
fn d4_what_was_not_sent_is_not_stored_as_a_failure() {
    let mut bench = Bench::signed_in(parts(), None);
    bench.call(2, Call::Refresh { within: LONG });
    bench.serve_store();
    assert!(bench.row.as_ref().unwrap().expose().contains("\"intent\""));
    let job = bench.request().unwrap();
    bench.done(job, Done::SendFailed(SendFault::NotSent));
    bench.serve_store();
    let row = bench.row.as_ref().unwrap().expose();
    assert!(!row.contains("\"retry\"") && !row.contains("\"intent\""), "{row}");
}

#[test]
fn d5_twenty_callers_without_a_sign_in_are_two_loads_at_most() {
    let mut bench = Bench::new(parts(), None);
    (1..=20).for_each(|ticket| bench.call(ticket, token(Of::Session)));
    bench.serve_store();
    assert_eq!((bench.loads, bench.replies.len()), (2, 20));
}

#[test]
fn c11_a_sign_out_ends_although_no_revocation_is_answered() {
    let mut bench = Bench::signed_in(parts(), None);
    bench.call(2, Call::SignOut { options: SignOutOptions::default() });
    bench.serve_store();
    assert_eq!((bench.requests() > 0, bench.reply(2)), (true, None));
    bench.pass(4_999);
    assert_eq!(bench.reply(2), None);
    bench.pass(1);
    assert_eq!(bench.reply(2), Some(&Reply::Done));
}

#[test]
fn a_sign_out_waits_for_each_revocation() {
    let mut bench = Bench::signed_in(parts(), None);
    bench.call(2, Call::SignOut { options: SignOutOptions::default() });
    bench.serve_store();
    let mut revoked = 0;
    while bench.requests() > 0 {
        assert_eq!((bench.requests(), bench.reply(2)), (1, None), "one at a time");
        revoked += 1;
        bench.answer(200, "");
    }
    assert_eq!((revoked, bench.reply(2)), (2, Some(&Reply::Done)));
}

#[test]
fn a_holder_that_is_late_takes_a_new_intent() {
    rests_on(Rule::SendWindow, |broken| {
        let mut bench = Bench::signed_in(parts(), broken);
        bench.call(2, Call::Refresh { within: LONG });
        let (load, _) = bench.jobs.remove(0);
        bench.done(load, Done::Loaded(bench.row.clone()));
        // The save of the intent takes longer than the margin.
        bench.wait(2_001);
        let (save, Op::Save { snapshot, .. }) = bench.jobs.remove(0) else { return false };
        bench.row = Some(snapshot);
        bench.done(save, Done::Saved);
        bench.requests() == 0
    });
}

#[test]
fn a_renewal_does_not_follow_one_with_a_lost_request_within_a_lease() {
    rests_on(Rule::RenewalsAreSpaced, |broken| {
        let mut bench = Bench::signed_in(parts(), broken);
        bench.call(2, Call::Refresh { within: LONG });
        bench.serve_store();
        bench.lose();
        bench.pass(10_000);
        bench.serve_store();
        bench.answer(200, &refresh_answer(2));
        bench.call(3, Call::Refresh { within: LONG });
        bench.serve_store();
        let waits = bench.requests() == 0;
        bench.pass(34_000);
        bench.serve_store();
        assert_eq!(bench.requests(), 1);
        waits
    });
}

#[test]
fn a_renewal_follows_at_once_where_every_request_was_answered() {
    let mut bench = Bench::signed_in(parts(), None);
    for number in 2..4_u32 {
        bench.call(number.into(), Call::Refresh { within: LONG });
        bench.serve_store();
        bench.answer(200, &refresh_answer(number));
        bench.serve_store();
        assert_eq!(bench.reply(number.into()), Some(&Reply::Done), "{number}");
    }
}

#[test]
fn closing_awaits_the_answer_to_what_was_sent_and_stores_it() {
    rests_on(Rule::CloseAwaitsWhatWasSent, |broken| {
        let mut bench = Bench::signed_in(parts(), broken);
        bench.call(2, Call::Refresh { within: LONG });
        bench.serve_store();
        bench.call(3, Call::Close { within: None });
        assert_eq!(failed(&bench, 2), Some(&Failure::Closed));
        let waits = bench.reply(3).is_none();
        bench.answer(200, &refresh_answer(2));
        assert!(bench.row.as_ref().unwrap().expose().contains("RT2"));
        waits && bench.reply(3) == Some(&Reply::Done)
    });
}

#[test]
fn closing_ends_although_the_answer_never_comes() {
    let mut bench = Bench::signed_in(parts(), None);
    bench.call(2, Call::Refresh { within: LONG });
    bench.serve_store();
    bench.call(3, Call::Close { within: None });
    bench.pass(37_000);
    bench.serve_store();
    assert_eq!(bench.reply(3), Some(&Reply::Done));
}

#[test]
fn results_of_another_kind_are_failures_and_unknown_ones_are_nothing() {
    let mut bench = Bench::signed_in(parts(), None);
    bench.call(2, Call::Refresh { within: LONG });
    let (job, _) = bench.jobs.remove(0);
    bench.done(job, Done::Locked);
    assert!(matches!(failed(&bench, 2), Some(Failure::Store(_))), "{:?}", bench.replies);
    bench.done(job, Done::Saved);
    bench.done(crate::coordinator::JobId(u64::MAX), Done::Saved);
    assert_eq!(bench.replies.len(), 1);
}

#[test]
fn a_ticket_that_is_open_is_no_other_calls() {
    let mut bench = Bench::new(parts(), None);
    bench.sign_in(1, jwt());
    let again = bench.coordinator.call(crate::coordinator::Now::default(), Ticket(1), token(Of::Session));
    assert_eq!(again, Err(crate::coordinator::Refused::TicketInUse));
}
