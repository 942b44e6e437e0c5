//! Several logins at once: each call is answered with the end of its own.

use super::bench::{Bench, TOKENS, parts};
use crate::coordinator::{Call, Credential, Failure, Reply, Ticket, Which};
use crate::error::ErrorCode;
use crate::event::CallbackIgnored;
use crate::protocol::authorize::LoginOptions;
use crate::protocol::state_param::LoginState;
use crate::{Entropy, Flow, SignOutOptions};

fn browser(flow: Flow, state: LoginState) -> Credential {
    let options = LoginOptions { flow, state, ..LoginOptions::default() };
    let bytes: Vec<u8> = (1..65).collect();
    Credential::Browser { options, entropy: Entropy::new(&bytes).unwrap() }
}

fn begin(bench: &mut Bench, ticket: u64, state: &str) {
    bench.sign_in(ticket, browser(Flow::Code, LoginState::Opaque(state.into())));
    bench.serve_store();
    assert!(matches!(bench.reply(ticket), Some(Reply::Url(_))), "{:?}", bench.replies);
}

fn come_back(bench: &mut Bench, ticket: u64, query: &str) {
    let callback = format!("https://app.example/cb?{query}").into();
    bench.call(ticket, Call::CompleteLogin { callback, within: None });
    bench.serve_store();
}

fn jwt() -> Credential {
    Credential::Jwt { jwt: "aaa.bbb.ccc".into() }
}

fn failed(bench: &Bench, ticket: u64) -> Option<&Failure> {
    match bench.reply(ticket)? {
        Reply::Failed(failure) => Some(failure),
        _ => None,
    }
}

fn is_signed_in(bench: &Bench, ticket: u64) -> bool {
    matches!(bench.reply(ticket), Some(Reply::SignedIn { .. }))
}

#[test]
fn a_login_on_a_device_is_cancelled_and_the_one_in_a_browser_goes_on() {
    let mut bench = Bench::new(parts(), None);
    begin(&mut bench, 1, "one");
    bench.sign_in(2, Credential::Device { scope: None });
    bench.serve_store();
    bench.call(3, Call::CancelLogin { of: Which::Ticket(Ticket(2)) });
    bench.serve_store();
    assert_eq!(failed(&bench, 2), Some(&Failure::LoginCancelled));
    while bench.requests() > 0 {
        bench.answer(400, r#"{"error":"invalid_request"}"#);
    }
    come_back(&mut bench, 4, "code=C&state=one");
    bench.answer(200, TOKENS);
    bench.serve_store();
    assert!(is_signed_in(&bench, 4), "{:?}", bench.replies);
}

#[test]
fn of_two_logins_in_browsers_one_is_cancelled_by_its_ticket() {
    let mut bench = Bench::new(parts(), None);
    begin(&mut bench, 1, "one");
    begin(&mut bench, 2, "two");
    bench.call(3, Call::CancelLogin { of: Which::Ticket(Ticket(1)) });
    come_back(&mut bench, 4, "code=C&state=one");
    let ignored = Failure::CallbackIgnored { reason: CallbackIgnored::WrongState };
    assert_eq!(failed(&bench, 4), Some(&ignored));
    come_back(&mut bench, 5, "code=C&state=two");
    bench.answer(200, TOKENS);
    bench.serve_store();
    assert!(is_signed_in(&bench, 5), "{:?}", bench.replies);
}

#[test]
fn the_callback_of_a_login_that_is_done_does_not_wait_for_another_login() {
    let mut bench = Bench::new(parts(), None);
    begin(&mut bench, 1, "one");
    come_back(&mut bench, 2, "code=C&state=one");
    bench.answer(200, TOKENS);
    bench.serve_store();
    bench.sign_in(3, jwt());
    bench.serve_store();
    come_back(&mut bench, 4, "code=C&state=one");
    assert!(is_signed_in(&bench, 4), "{:?}", bench.replies);
    assert_eq!(bench.reply(3), None);
}

#[test]
fn the_same_callback_waits_for_what_the_first_one_brings() {
    let mut bench = Bench::new(parts(), None);
    begin(&mut bench, 1, "one");
    come_back(&mut bench, 2, "code=C&state=one");
    come_back(&mut bench, 3, "code=C&state=one");
    assert_eq!((bench.requests(), bench.reply(3)), (1, None));
    bench.answer(200, TOKENS);
    bench.serve_store();
    assert!(is_signed_in(&bench, 2) && is_signed_in(&bench, 3), "{:?}", bench.replies);
    assert_eq!(bench.requests(), 0);
}

#[test]
fn nobody_is_told_how_another_login_ended() {
    let mut bench = Bench::new(parts(), None);
    begin(&mut bench, 1, "old");
    bench.pass(300_000);
    begin(&mut bench, 2, "new");
    // The old one's time is over, and nobody has said so yet.
    bench.sleep(301_000);
    come_back(&mut bench, 3, "error=access_denied&state=new");
    let Some(Failure::LoginFailed { fault }) = failed(&bench, 3) else { panic!("{:?}", bench.replies) };
    assert_eq!(fault.code, Some(ErrorCode::AccessDenied));
}

#[test]
fn who_is_superseded_by_a_browser_that_came_back_is_told_so() {
    let mut bench = Bench::new(parts(), None);
    bench.sign_in(1, browser(Flow::Implicit, LoginState::default()));
    bench.serve_store();
    let Some(Reply::Url(url)) = bench.reply(1) else { panic!("{:?}", bench.replies) };
    let state = url.expose().split(['?', '&']).find_map(|pair| pair.strip_prefix("state=")).unwrap();
    let callback = format!("https://app.example/cb#access_token=AT9&expires_in=3600&token_type=Bearer&state={state}");
    bench.sign_in(2, jwt());
    bench.serve_store();
    bench.call(3, Call::CompleteLogin { callback: callback.into(), within: None });
    bench.serve_store();
    assert!(is_signed_in(&bench, 3), "{:?}", bench.replies);
    assert_eq!(failed(&bench, 2), Some(&Failure::LoginSuperseded));
}

#[test]
fn after_a_sign_out_a_callback_that_comes_again_is_nobodys() {
    let mut bench = Bench::new(parts(), None);
    begin(&mut bench, 1, "one");
    come_back(&mut bench, 2, "code=C&state=one");
    bench.answer(200, TOKENS);
    bench.serve_store();
    bench.call(3, Call::SignOut { options: SignOutOptions { revoke: false, ..SignOutOptions::default() } });
    bench.serve_store();
    come_back(&mut bench, 4, "code=C&state=one");
    let ignored = Failure::CallbackIgnored { reason: CallbackIgnored::NoLoginPending };
    assert_eq!(failed(&bench, 4), Some(&ignored));
}
