//! Small promises that no walk and no vector looks at.

use std::collections::BTreeSet;

use webex_oauth::{
    Access, Effect, Input, LoginOptions, Misuse, Output, Purpose, RequestId, Session, SignOutOptions, Timestamp,
    WhichLogin,
};

use crate::kit::{START, answer, config, entropy, tokens, webex};

type Call = fn(&mut Session, Timestamp) -> Result<Output, Misuse>;

const ID: RequestId = RequestId(1);
const TOKENS: &str = r#"{"access_token":"AT","token_type":"Bearer","expires_in":3600,"refresh_token":"RT"}"#;
const JWT: &str = "e30.e30.e30";

/// Signed in, and its refresh is under way as request 1.
fn refreshing(configuration: u8) -> Session {
    let mut session = Session::new(config(configuration), entropy(1));
    session.adopt(START, TOKENS).unwrap();
    session.refresh(START).unwrap();
    session
}

#[test]
fn every_method_is_its_input() {
    let code = || Input::RedeemCode { code: "c".into(), verifier: None };
    let guest =
        || Input::SignInAsGuest { service_token: "s".into(), subject: "me".to_owned(), display_name: "Me".to_owned() };
    let login = || Input::BeginLogin { options: LoginOptions::default(), entropy: entropy(2) };
    let snapshot = refreshing(0).snapshot();
    let reload = Input::Reload { snapshot: snapshot.clone() };
    let pairs: [(Call, Input); 21] = [
        (|session, now| session.begin_login(now, LoginOptions::default(), entropy(2)), login()),
        (|session, now| session.complete_login(now, "?code=c"), Input::CompleteLogin { callback: "?code=c".into() }),
        (|session, now| session.cancel_login(now, WhichLogin::All), Input::CancelLogin { which: WhichLogin::All }),
        (|session, now| session.redeem_code(now, "c", None), code()),
        (|session, now| session.begin_device_login(now, None), Input::BeginDeviceLogin { scope: None }),
        (|session, now| session.sign_in_with_jwt(now, JWT), Input::SignInWithJwt { jwt: JWT.into() }),
        (|session, now| session.sign_in_as_guest(now, "s", "me", "Me"), guest()),
        (
            |session, now| session.sign_in_with_client_credentials(now, None),
            Input::SignInWithClientCredentials { scope: None },
        ),
        (|session, now| session.adopt(now, TOKENS), Input::Adopt { tokens: TOKENS.into() }),
        (|session, now| session.reload(now, refreshing(0).snapshot()), reload),
        (|session, now| session.ensure_fresh(now), Input::EnsureFresh),
        (|session, now| session.refresh(now), Input::Refresh),
        (|session, now| session.token_rejected(now, 1), Input::TokenRejected { generation: 1 }),
        (|session, now| session.embargoed(now), Input::Embargoed),
        (
            |session, now| session.called_without_token(now, "https://a.example/"),
            Input::CalledWithoutToken { url: "https://a.example/".into() },
        ),
        (
            |session, now| session.downscope(now, "spark:people_read".into()),
            Input::Downscope { scope: "spark:people_read".into() },
        ),
        (|session, now| session.provide_token(now, ID, "T"), Input::ProvideToken { id: ID, tokens: "T".into() }),
        (|session, now| session.provide_jwt(now, ID, JWT), Input::ProvideJwt { id: ID, jwt: JWT.into() }),
        (|session, now| session.host_failed(now, ID, "no"), Input::HostFailed { id: ID, reason: "no".to_owned() }),
        (
            |session, now| session.sign_out(now, SignOutOptions::default()),
            Input::SignOut { options: SignOutOptions::default() },
        ),
        (|session, now| session.tick(now), Input::Tick),
    ];
    let later = START.plus_millis(1000);
    for (call, input) in pairs {
        let (mut one, mut other) = (refreshing(2), refreshing(2));
        let name = format!("{input:?}");
        assert_eq!(call(&mut one, later), other.handle(later, input), "{name}");
        assert_eq!(one.snapshot(), other.snapshot(), "{name}");
    }
}

#[test]
fn a_session_of_a_refresh_token_alone_uses_it_as_soon_as_it_is_back() {
    let mut session = Session::new(config(0), entropy(1));
    let output = session.adopt(START, r#"{"refresh_token":"RT"}"#).unwrap();
    let stored = output.effects.iter().find_map(|effect| match effect {
        Effect::Persist { snapshot, .. } => Some(snapshot.clone()),
        _ => None,
    });
    let mut restored = Session::restore(config(0), stored.unwrap().expose()).unwrap();
    let output = restored.tick(START).unwrap();
    assert!(output.effects.iter().any(|effect| matches!(effect, Effect::Send { .. })), "{output:?}");
}

#[test]
fn clients_that_failed_together_do_not_come_back_together() {
    let mut instants = BTreeSet::new();
    for number in 0..32 {
        let mut session = Session::new(config(0), entropy(number));
        session.adopt(START, TOKENS).unwrap();
        session.refresh(START).unwrap();
        session.response(START, ID, answer(503, "")).unwrap();
        instants.insert(session.wake_at());
    }
    assert!(instants.len() > 16, "{instants:?}");
}

#[test]
fn headers_are_found_by_their_name() {
    let mut session = Session::new(config(0), entropy(1));
    session.adopt(START, TOKENS).unwrap();
    let output = session.refresh(START).unwrap();
    let Some(Effect::Send { request }) = output.effects.last() else { panic!("{output:?}") };
    assert_eq!(request.header("accept"), Some("application/json"));
    assert_eq!(request.header("content-type"), Some("application/x-www-form-urlencoded"));
    assert_eq!(request.header("cookie"), None);
    session.response(START, request.id, tokens(1)).unwrap();
    assert!(matches!(session.access(START), Access::Ready { generation: 2, .. }));
}

#[test]
fn a_token_at_its_last_instant_is_renewed_before_it_is_reduced() {
    let mut session = Session::new(config(0), entropy(1));
    session.adopt(START, TOKENS.replace('}', r#","scope":"a b"}"#)).unwrap();
    // A minute before its end, by the default margin.
    let output = session.downscope(START.plus_millis(3_540_000), "a".into()).unwrap();
    let Some(Effect::Send { request }) = output.effects.last() else { panic!("{output:?}") };
    assert_eq!(request.purpose, Purpose::Refresh);
}

#[test]
fn a_question_to_the_host_holds_up_no_login() {
    let mut session = refreshing(1);
    let output = session.sign_in_with_jwt(START, JWT).unwrap();
    let Some(Effect::Send { request }) = output.effects.last() else { panic!("{output:?}") };
    assert_eq!(request.purpose, Purpose::JwtLogin);
}

#[test]
fn the_line_behind_which_a_token_is_not_used_asks_for_a_refresh_as_well() {
    let mut parts = webex();
    parts.refresh.soon_permille = (1000, 1000);
    let mut session = Session::new(parts.build().unwrap(), entropy(1));
    session.adopt(START, TOKENS).unwrap();
    let output = session.ensure_fresh(START.plus_millis(3_540_000)).unwrap();
    assert!(matches!(output.effects.last(), Some(Effect::Send { .. })), "{output:?}");
}

#[test]
fn the_scheme_of_a_bearer_token_is_written_as_in_the_rfc() {
    for text in ["bearer  T", "BEARER T", "BearerT", "T"] {
        let mut session = Session::new(config(0), entropy(1));
        session.adopt(START, text).unwrap();
        let Access::Ready { token, .. } = session.access(START) else { panic!("{text}") };
        assert_eq!(token.expose_header(), "Bearer T");
    }
}

#[test]
fn of_two_ends_of_one_token_the_own_one_counts() {
    // Each process reckons with its own clock, unless the other one has renewed the token.
    for (stored, expected) in [(3_500_000, 3_600_000), (3_700_000, 3_600_000)] {
        let mut session = Session::new(config(0), entropy(1));
        session.adopt(START, TOKENS).unwrap();
        let end = |millis| START.plus_millis(millis).as_millis().to_string();
        let theirs = session.snapshot().expose().replace(&end(3_600_000), &end(stored));
        session.reload(START, theirs.replacen(r#""revision":"#, r#""revision":9"#, 1)).unwrap();
        let tokens = session.tokens().unwrap();
        assert_eq!(tokens.expires_at, Some(START.plus_millis(expected)), "{stored}");
    }
}
