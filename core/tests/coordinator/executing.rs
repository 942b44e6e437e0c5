//! What the first executors found missing.

use std::time::Duration;

use super::bench::{Bench, TOKENS, parts};
use crate::coordinator::{
    Call, ClientEvent, Credential, Done, Failure, Next, Now, Of, Op, Reply, Spent, StoreFault, StoreFaultKind,
    StoreTraits, Tick, Ticket, WakeAt, Which,
};
use crate::transcript::replay;
use crate::{Entropy, LoginId, LoginOptions, SendFault, Timestamp};

const DEVICE: &str =
    r#"{"device_code":"D","user_code":"U","verification_uri":"https://as.example/d","expires_in":900}"#;

fn jwt() -> Credential {
    Credential::Jwt { jwt: "aaa.bbb.ccc".into() }
}

/// Begins a login in a browser; returns its name and a callback, less what the server says.
fn browser(bench: &mut Bench, ticket: u64) -> (LoginId, String) {
    let bytes: Vec<u8> = (0..64).map(|i: u8| i.wrapping_mul(3).wrapping_add(ticket as u8)).collect();
    let entropy = Entropy::new(&bytes).unwrap();
    bench.sign_in(ticket, Credential::Browser { options: LoginOptions::default(), entropy });
    bench.serve_store();
    let Some(Reply::Url(url)) = bench.reply(ticket) else { panic!("{:?}", bench.replies) };
    let state = url.expose().split("state=").nth(1).unwrap().split('&').next().unwrap();
    (LoginId::of(url.expose()).unwrap(), format!("https://app.example/cb?state={state}"))
}

fn complete(bench: &mut Bench, ticket: u64, callback: String) {
    bench.call(ticket, Call::CompleteLogin { callback: callback.into(), within: None });
    bench.serve_store();
}

fn awaits(bench: &mut Bench, ticket: u64, of: LoginId) {
    bench.call(ticket, Call::AwaitLogin { of, within: Some(Duration::from_secs(300)) });
}

fn failure(bench: &Bench, ticket: u64) -> Option<&Failure> {
    match bench.reply(ticket)? {
        Reply::Failed(failure) => Some(failure),
        _ => None,
    }
}

#[test]
fn who_waits_for_a_login_in_a_browser_gets_its_end_whoever_completes_it() {
    let mut bench = Bench::new(parts(), None);
    let ((first, one), (second, two)) = (browser(&mut bench, 1), browser(&mut bench, 2));
    awaits(&mut bench, 3, first);
    awaits(&mut bench, 4, second);
    complete(&mut bench, 5, format!("{one}&error=access_denied"));
    assert!(matches!(failure(&bench, 3), Some(Failure::LoginFailed { .. })), "{:?}", bench.replies);
    assert_eq!(bench.reply(4), None);
    complete(&mut bench, 6, format!("{two}&code=C"));
    assert_eq!(bench.reply(4), None);
    bench.answer(200, TOKENS);
    assert!(matches!(bench.reply(4), Some(Reply::SignedIn { cleaned_url: Some(_), .. })), "{:?}", bench.replies);
    assert_eq!(bench.reply(6), bench.reply(4));
    awaits(&mut bench, 7, second);
    assert_eq!(bench.reply(7), bench.reply(4), "also afterwards");
}

#[test]
fn a_login_in_a_browser_that_is_given_up_or_too_old_ends_for_who_waits() {
    let mut bench = Bench::new(parts(), None);
    let ((first, _), (second, _)) = (browser(&mut bench, 1), browser(&mut bench, 2));
    awaits(&mut bench, 3, first);
    awaits(&mut bench, 4, second);
    bench.call(5, Call::CancelLogin { of: Which::Browser(first) });
    bench.serve_store();
    assert_eq!((failure(&bench, 3), bench.reply(4)), (Some(&Failure::LoginCancelled), None));
    bench.call(6, Call::AwaitLogin { of: second, within: Some(Duration::from_secs(50_000)) });
    bench.pass(49_000_000);
    bench.serve_store();
    assert!(matches!(failure(&bench, 6), Some(Failure::LoginFailed { .. })), "{:?}", bench.replies);
}

/// The user declines in the browser while the program signs in by itself.
#[test]
fn a_callback_gets_its_own_end_and_not_that_of_the_login_beside_it() {
    let mut bench = Bench::new(parts(), None);
    let (_, callback) = browser(&mut bench, 1);
    bench.sign_in(2, jwt());
    complete(&mut bench, 3, format!("{callback}&error=access_denied"));
    assert!(matches!(failure(&bench, 3), Some(Failure::LoginFailed { .. })), "{:?}", bench.replies);
    assert_eq!(bench.reply(2), None);
    bench.answer(200, TOKENS);
    assert!(matches!(bench.reply(2), Some(Reply::SignedIn { .. })));
}

#[test]
fn giving_up_ones_own_login_leaves_those_that_wait_for_their_browser() {
    let mut bench = Bench::new(parts(), None);
    let (id, callback) = browser(&mut bench, 1);
    bench.sign_in(2, Credential::Device { scope: None });
    bench.call(3, Call::CancelLogin { of: Which::Ticket(Ticket(2)) });
    bench.serve_store();
    assert_eq!(failure(&bench, 2), Some(&Failure::LoginCancelled));
    awaits(&mut bench, 4, id);
    assert_eq!(bench.reply(4), None);
    // The request is answered to nobody.
    bench.answer(200, DEVICE);
    complete(&mut bench, 5, format!("{callback}&code=C"));
    bench.answer(200, TOKENS);
    assert!(matches!(bench.reply(4), Some(Reply::SignedIn { .. })), "{:?}", bench.replies);
}

/// People take their time on another device, and the code has an end of its own.
#[test]
fn a_device_login_ends_with_its_code_and_not_with_the_usual_patience() {
    let mut bench = Bench::new(parts(), None);
    bench.call(1, Call::SignIn { credential: Credential::Device { scope: None }, within: None });
    bench.serve_store();
    bench.answer(200, DEVICE);
    bench.pass(200_000);
    assert_eq!(bench.reply(1), None);
    bench.pass(701_000);
    bench.serve_store();
    assert!(matches!(failure(&bench, 1), Some(Failure::LoginFailed { .. })), "{:?}", bench.replies);
}

fn answered(bench: &mut Bench, ticket: u64, status: u16, retry_after: &str) {
    let spent = Spent { limit: Duration::from_secs(3600), ..Spent::default() };
    let retry_after = Some(retry_after.to_owned());
    bench.call(ticket, Call::Answered { generation: 1, status, retry_after, spent });
}

/// The wait is the API's and within the caller's limit for it; patience is for what comes then.
#[test]
fn a_wait_that_an_api_asks_for_may_be_longer_than_patience() {
    let mut bench = Bench::signed_in(parts(), None);
    answered(&mut bench, 2, 429, "900");
    bench.pass(899_000);
    assert_eq!(bench.reply(2), None);
    bench.pass(1_000);
    assert!(matches!(bench.reply(2), Some(Reply::Api(Next::Again { .. }))), "{:?}", bench.replies);
}

/// An answer that has come is the caller's, also at the end.
#[test]
fn at_closing_an_answer_of_the_api_is_handed_over() {
    let returned = |why| Some(Reply::Api(Next::Return { why }));
    let mut bench = Bench::signed_in(parts(), None);
    answered(&mut bench, 2, 401, "0");
    bench.call(3, Call::Close { within: None });
    assert_eq!(bench.reply(2).cloned(), returned(Some(Failure::Closed)));
    answered(&mut bench, 4, 401, "0");
    answered(&mut bench, 5, 200, "0");
    answered(&mut bench, 6, 429, "1");
    assert_eq!(bench.reply(4).cloned(), returned(Some(Failure::Closed)));
    assert_eq!((bench.reply(5).cloned(), bench.reply(6).cloned()), (returned(None), returned(None)));
    assert_eq!(bench.requests(), 0);
}

#[test]
fn a_lock_that_does_not_work_is_told_once_and_nobody_goes_without_a_token() {
    let lock_domain = Some("machine".to_owned());
    let mut bench = Bench::signed_in_with(|options| options.store = Some(StoreTraits { lock_domain }));
    let fault = StoreFault { kind: StoreFaultKind::Denied, problem: "no locks here".to_owned() };
    for round in 0..2 {
        bench.pass(40_000);
        bench.call(10 + round, Call::Refresh { within: None });
        let (job, op) = bench.jobs.remove(0);
        assert_eq!(op, Op::TryLock);
        bench.done(job, Done::StoreFailed(fault.clone()));
        bench.serve_store();
        bench.answer(200, &TOKENS.replace("T1", &format!("T{}", 2 + round)));
        assert_eq!(bench.reply(10 + round), Some(&Reply::Done));
    }
    let told = bench.told.iter().filter(|event| **event == ClientEvent::StoreFailed(fault.clone())).count();
    assert_eq!(told, 1);
}

/// A disk that was full a moment ago may have room now.
#[test]
fn that_a_store_fails_is_told_after_a_try_that_began_after_the_call() {
    let mut bench = Bench::signed_in(parts(), None);
    let full = || Done::StoreFailed(StoreFault { kind: StoreFaultKind::Full, problem: "full".to_owned() });
    bench.call(2, Call::Refresh { within: None });
    let (load, _) = bench.jobs.remove(0);
    bench.done(load, Done::Loaded(bench.row.clone()));
    let (save, _) = bench.jobs.remove(0);
    bench.done(save, full());
    assert!(matches!(failure(&bench, 2), Some(Failure::Store(_))), "{:?}", bench.replies);
    bench.call(3, Call::Refresh { within: None });
    bench.call(4, Call::Refresh { within: None });
    assert_eq!((bench.reply(3), bench.jobs.len()), (None, 1), "tried at once, for both");
    let (save, _) = bench.jobs.remove(0);
    bench.done(save, full());
    assert!(matches!(failure(&bench, 3), Some(Failure::Store(_))), "{:?}", bench.replies);
    assert_eq!(bench.reply(4), None, "it came when that try was under way");
    let (save, _) = bench.jobs.remove(0);
    bench.done(save, full());
    assert!(matches!(failure(&bench, 4), Some(Failure::Store(_))), "{:?}", bench.replies);
    bench.call(5, Call::Refresh { within: None });
    bench.serve_store();
    bench.answer(200, &TOKENS.replace("T1", "T2"));
    assert_eq!(bench.reply(5), Some(&Reply::Done));
}

/// Fails all that the store is asked.
fn fail_store(bench: &mut Bench) {
    while let Some(at) = bench.jobs.iter().position(|(_, op)| matches!(op, Op::Load | Op::Save { .. })) {
        let (job, _) = bench.jobs.remove(at);
        bench.done(job, Done::StoreFailed(StoreFault { kind: StoreFaultKind::Damaged, problem: "damaged".to_owned() }));
    }
}

/// Where the refresh token stays as it is, a store that fails for good costs nobody a token. One that lives is good enough.
#[test]
fn without_rotation_one_renewal_follows_another_although_nothing_can_be_stored() {
    let mut bench = Bench::signed_in_with(|options| options.rotates = false);
    for number in 2..5 {
        bench.call(10 + number, Call::Refresh { within: None });
        bench.pass(2_000);
        fail_store(&mut bench);
        assert!(matches!(failure(&bench, 10 + number), Some(Failure::Store(_))), "{:?}", bench.replies);
        assert_eq!(bench.requests(), 0);
        bench.pass(3_700_000);
        bench.call(number, Call::Token { of: Of::Session, within: None });
        fail_store(&mut bench);
        let job = bench.request().unwrap();
        bench.done(job, super::bench::response(200, &TOKENS.replace("AT1", &format!("AT{number}"))));
        // Its turn to fail comes with the next try.
        bench.pass(2_000);
        fail_store(&mut bench);
        assert!(matches!(bench.reply(number), Some(Reply::Token { .. })), "{:?}", bench.replies);
        // What revokes the token before.
        while let Some(job) = bench.request() {
            bench.done(job, super::bench::response(200, "{}"));
        }
    }
}

/// With rotation the next one begins when the last one is stored, and whoever asks is told why not.
#[test]
fn with_rotation_a_renewal_waits_until_the_last_one_is_stored() {
    let mut bench = Bench::signed_in(parts(), None);
    bench.call(2, Call::Refresh { within: None });
    bench.serve_store();
    let job = bench.request().unwrap();
    bench.done(job, super::bench::response(200, &TOKENS.replace("T1", "T2")));
    fail_store(&mut bench);
    assert_eq!(bench.reply(2), Some(&Reply::Done), "it has new tokens");
    bench.pass(60_000);
    fail_store(&mut bench);
    bench.call(3, Call::Refresh { within: None });
    fail_store(&mut bench);
    assert!(matches!(failure(&bench, 3), Some(Failure::Store(_))), "{:?}", bench.replies);
    assert_eq!(bench.requests(), 0);
}

#[test]
fn a_job_that_is_not_done_is_reported_in_its_own_kind() {
    let fault = |done| matches!(done, Done::StoreFailed(StoreFault { problem, .. }) if problem == "no thread");
    for op in [Op::Load, Op::TryLock, Op::Unlock] {
        assert!(fault(op.failed(SendFault::NotSent, "no thread")), "{op:?}");
    }
    let ask = Op::AskForJwt { within: Duration::ZERO };
    assert_eq!(ask.failed(SendFault::NotSent, "no thread"), Done::HostFailed("no thread".to_owned()));
    let mut bench = Bench::signed_in(parts(), None);
    bench.call(2, Call::Refresh { within: None });
    bench.serve_store();
    let (_, send) = bench.jobs.remove(0);
    assert_eq!(send.failed(SendFault::Lost, ""), Done::SendFailed(SendFault::Lost));
}

#[test]
fn a_sleep_ends_at_the_first_of_both_clocks_and_is_neither_long_nor_nothing() {
    let now = Now { wall: Timestamp::from_millis(5_000), mono: Tick::from_millis(9_000) };
    let pause = |wall: Option<i64>, mono: Option<u64>| {
        let at = WakeAt { wall: wall.map(Timestamp::from_millis), mono: mono.map(Tick::from_millis) };
        at.pause(&now).as_millis()
    };
    assert_eq!(pause(Some(5_700), Some(9_800)), 700);
    assert_eq!(pause(Some(5_900), Some(9_800)), 800);
    assert_eq!((pause(None, None), pause(Some(i64::MAX), Some(u64::MAX))), (30_000, 30_000));
    assert_eq!((pause(Some(5_000), None), pause(Some(i64::MIN), None), pause(None, Some(0))), (1, 1, 1));
}

/// A clock that is set back between a step and the sleep after it: by that clock everything is an hour away.
#[test]
fn nobody_sleeps_by_a_clock_that_was_set_back() {
    let bench = Bench::signed_in(parts(), None);
    let now = bench.clock();
    let back = Now { wall: now.wall.plus_millis(-3_600_000), ..now };
    assert_eq!(bench.coordinator.pause(&back).as_millis(), 1);
    assert_eq!(bench.coordinator.pause(&now).as_millis(), 30_000);
}

/// Signs in, renews, meets another's session in the store, and signs out.
#[test]
fn a_transcript_of_a_coordinator_holds_no_secret_and_replays() {
    let mut bench = Bench::new(parts(), None);
    bench.coordinator.start_recording();
    let (_, callback) = browser(&mut bench, 1);
    complete(&mut bench, 2, format!("{callback}&code=SECRET-C"));
    let tokens =
        |number: u32| TOKENS.replace("AT1", &format!("SECRET-A{number}")).replace("RT1", &format!("SECRET-R{number}"));
    bench.answer(200, &tokens(1));
    let stored = bench.row.clone();
    for number in 2..4 {
        bench.pass(40_000);
        bench.call(10 + u64::from(number), Call::Refresh { within: None });
        bench.serve_store();
        bench.answer(200, &tokens(number));
        assert_eq!(bench.reply(10 + u64::from(number)), Some(&Reply::Done));
    }
    // The store was put back: ours is the newer one of the same sign-in.
    bench.row = stored;
    bench.call(20, Call::Look);
    bench.serve_store();
    bench.row = None;
    bench.call(21, Call::Look);
    bench.serve_store();
    let transcript = bench.coordinator.session().transcript().unwrap();
    assert!(!transcript.contains("SECRET") && !transcript.contains("C1-secret"), "{transcript}");
    for words in ["begin_grant", "claim", "skip_revisions", "deleted"] {
        assert!(transcript.contains(words), "{words} is not in {transcript}");
    }
    let replay = replay(transcript).unwrap();
    let wrong: Vec<_> = replay.steps.iter().filter(|step| !step.is_faithful()).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Takes the save that is out.
fn save(bench: &mut Bench) -> crate::coordinator::JobId {
    let at = bench.jobs.iter().position(|(_, op)| matches!(op, Op::Save { .. })).unwrap();
    bench.jobs.remove(at).0
}

#[test]
fn whoever_closes_again_gives_a_store_that_failed_one_more_chance() {
    let mut bench = Bench::signed_in(parts(), None);
    bench.call(2, Call::SignOut { options: crate::SignOutOptions::default() });
    let fault = || Done::StoreFailed(StoreFault { kind: StoreFaultKind::Full, problem: "full".to_owned() });
    let job = save(&mut bench);
    bench.done(job, fault());
    bench.call(3, Call::Close { within: None });
    let job = save(&mut bench);
    bench.done(job, fault());
    bench.pass(60_000);
    assert_eq!(bench.reply(3), Some(&Reply::Done));
    let job = save(&mut bench);
    bench.done(job, fault());
    bench.call(4, Call::Close { within: None });
    assert_eq!(bench.reply(4), None, "it is tried first");
    bench.serve_store();
    assert_eq!(bench.reply(4), Some(&Reply::Done));
    assert_eq!(bench.coordinator.store_fault(), None);
}

#[test]
fn whoever_looks_for_nobody_is_at_rest_and_whoever_renews_or_stores_is_not() {
    let mut bench = Bench::signed_in(parts(), None);
    assert!(bench.coordinator.is_at_rest());
    bench.call(2, Call::Look);
    assert!(!bench.coordinator.is_at_rest(), "somebody waits");
    bench.coordinator.give_up(Ticket(2));
    assert!(bench.coordinator.is_at_rest());
    bench.serve_store();
    bench.call(3, Call::Refresh { within: None });
    bench.coordinator.give_up(Ticket(3));
    assert!(!bench.coordinator.is_at_rest(), "it looks for the renewal that goes on");
    bench.serve_store();
    assert!(!bench.coordinator.is_at_rest(), "the request is out");
    bench.answer(200, &TOKENS.replace("AT1", "AT2").replace("RT1", "RT2"));
    bench.serve_store();
    assert!(bench.coordinator.is_at_rest());
}
