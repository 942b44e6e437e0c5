//! What a recording must not hold, and what it replays to all the same.
#![allow(clippy::disallowed_methods, reason = "tests are not the core")]

use webex_oauth::transcript::replay;
use webex_oauth::{
    ConfigParts, Effect, Entropy, HttpResponse, LoginOptions, LoginState, Output, Provider, Purpose, RequestId, Scope,
    Session, SignOutOptions, Timestamp, WhichLogin,
};

fn entropy(number: u8) -> Entropy {
    let bytes: Vec<u8> = (0..64).map(|index: u8| index.wrapping_mul(7).wrapping_add(number)).collect();
    Entropy::new(&bytes).unwrap()
}

fn at(secs: i64) -> Timestamp {
    Timestamp::from_secs(1_700_000_000 + secs)
}

fn session(scope: &str) -> Session {
    let mut parts = ConfigParts::new(Provider::webex(), "cid");
    parts.redirect_uri = Some("http://localhost:8080/oauth".into());
    parts.client_secret = Some("MARKED-client-secret".into());
    parts.scope = Scope::parse(scope);
    let mut session = Session::new(parts.build().unwrap(), entropy(7));
    session.start_recording();
    session
}

fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> HttpResponse {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    HttpResponse { status, headers, body: body.as_bytes().to_vec() }
}

fn sent(output: &Output) -> RequestId {
    let request = output.effects.iter().find_map(|effect| match effect {
        Effect::Send { request } if request.purpose != Purpose::Revoke => Some(request.id),
        _ => None,
    });
    request.unwrap()
}

fn url(output: &Output) -> String {
    let url = output.effects.iter().find_map(|effect| match effect {
        Effect::OpenBrowser { url } => Some(url.expose().to_owned()),
        _ => None,
    });
    url.unwrap()
}

fn parameter(url: &str, name: &str) -> String {
    let (_, query) = url.split_once('?').unwrap();
    let value = query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
    value.unwrap().to_owned()
}

/// It holds no secret and replays to what happened.
fn holds(session: &Session) {
    let text = session.transcript().unwrap();
    assert!(!text.contains("MARKED"), "{text}");
    for step in &replay(text).unwrap().steps {
        assert_eq!(step.recorded, step.replayed, "{} at {}", step.input, step.at);
    }
}

#[test]
fn a_mistake_in_an_argument_is_one_again() {
    let mut session = session("a");
    for options in [
        LoginOptions { email: Some(" ".into()), ..LoginOptions::default() },
        LoginOptions { state: LoginState::Json("MARKED-no-json".into()), ..LoginOptions::default() },
        LoginOptions { state: LoginState::Json("[1]".into()), ..LoginOptions::default() },
        LoginOptions { redirect_uri: Some("javascript:alert(1)".into()), ..LoginOptions::default() },
    ] {
        let _ = session.begin_login(at(1), options, entropy(1));
    }
    session.redeem_code(at(2), " ", None).unwrap_err();
    session.sign_in_with_jwt(at(3), "MARKED-no-jwt").unwrap_err();
    session.sign_in_as_guest(at(4), "MARKED token", "s", "n").unwrap_err();
    session.sign_in_as_guest(at(5), "MARKED-token", " ", "n").unwrap_err();
    session.adopt(at(6), "MARKED half").unwrap_err();
    session.host_failed(at(7), RequestId(1), &"MARKED".repeat(1000)).unwrap_err();
    session.called_without_token(at(8), "https://MARKED@a.example/").unwrap_err();
    session.called_without_token(at(9), "https://a.example/MARKED?MARKED#MARKED").unwrap();
    let text = session.transcript().unwrap();
    let refused = text.lines().filter(|line| line.contains("\"error\":\"invalid_argument\"")).count();
    assert!(refused >= 8, "{text}");
    holds(&session);
}

#[test]
fn two_guests_are_two_and_one_jwt_is_one() {
    let mut session = session("a");
    session.sign_in_as_guest(at(1), "MARKED-token", "MARKED-one", "MARKED One").unwrap();
    session.sign_in_as_guest(at(2), "MARKED-token", "MARKED-one", "MARKED One").unwrap();
    session.sign_in_as_guest(at(3), "MARKED-token", "MARKED-two", "MARKED Two").unwrap();
    session.response(at(4), RequestId(1), answer(200, &[], r#"{"accessToken":"MARKED-at1","expiresIn":60}"#)).unwrap();
    session.cancel_login(at(5), WhichLogin::All).unwrap();
    session.sign_in_with_jwt(at(6), "Bearer MARKED.MARKED.MARKED").unwrap();
    session.sign_in_with_jwt(at(7), "MARKED.MARKED.MARKED").unwrap();
    holds(&session);
}

#[test]
fn what_a_server_hides_in_names_scopes_codes_headers_and_addresses_is_not_there() {
    let mut session = session("a b");
    session
        .adopt(at(0), r#"{"access_token":"MARKED-0","refresh_token":"MARKED-R0","expires_in":60,"scope":"a b"}"#)
        .unwrap();
    for (secs, body) in (1..).zip([
        r#"{"access_token":"MARKED-1","refresh_token":"MARKED-R1","expires_in":60,"scope":"a MARKED-scope","MARKED-name":1}"#,
        r#"{"access_token":"MARKED-2","refresh_token":"MARKED-R2","expires_in":"MARKED","scope":"a,MARKED-scope"}"#,
        r#"{"access_token":"MARKED-3","expires_in":60,"scope":["b","MARKED-other"],"MARKED":{"MARKED":"MARKED","scope":"MARKED"}}"#,
        r#"{"access_token":"MARKED-4","expires_in":-,"refresh_token":"MARKED-R4","MARKED":None}"#,
        r#"{"error":"MARKED-code","error_description":"MARKED-4 was wrong"}"#,
        r#"{"error":"MARKED no code"}"#,
        "access_token=MARKED-5&MARKED-name=MARKED&scope=MARKED-scope&expires_in=60&token_type=bearer",
    ]) {
        let request = sent(&session.refresh(at(secs * 10_000)).unwrap());
        let status = if body.contains("error") { 400 } else { 200 };
        let headers = [("Retry-After", "MARKED"), ("TrackingID", "MARKED-4")];
        session.response(at(secs * 10_000 + 1), request, answer(status, &headers, body)).unwrap();
    }
    let _ = session.downscope(at(80_000), "a".into());
    let _ = session.downscope(at(80_001), "b".into());
    let device = sent(&session.begin_device_login(at(90_000), Some("a MARKED-asked".into())).unwrap());
    let body = r#"{"device_code":"MARKED-d","user_code":"MARKED-u","verification_uri":"https://as.example/MARKED","interval":"5"}"#;
    session.response(at(90_001), device, answer(200, &[], body)).unwrap();
    session.tick(at(90_006)).unwrap();
    holds(&session);
}

#[test]
fn what_another_process_stored_about_our_logins_replays() {
    let mut session = session("a");
    let first = url(&session.begin_login(at(1), LoginOptions::default(), entropy(1)).unwrap());
    let second = session.begin_login(at(2), LoginOptions::default(), entropy(2)).unwrap();
    let stored = session.snapshot();
    // The other process completes the first login and stores that.
    let mut other = Session::restore(session.config().clone(), stored.expose()).unwrap();
    let callback = format!("http://localhost:8080/oauth?code=MARKED-code&state={}", parameter(&first, "state"));
    let request = sent(&other.complete_login(at(3), callback.clone()).unwrap());
    let tokens = r#"{"access_token":"MARKED-at","refresh_token":"MARKED-rt","expires_in":60,"token_type":"Bearer"}"#;
    other.response(at(4), request, answer(200, &[], tokens)).unwrap();
    session.reload(at(5), other.snapshot()).unwrap();
    // What is over there is over here, too, and the second one is not.
    session.complete_login(at(6), callback).unwrap();
    let late = format!("http://localhost:8080/oauth?code=MARKED-late&state={}", parameter(&url(&second), "state"));
    session.complete_login(at(7), late).unwrap();
    session.sign_out(at(8), SignOutOptions::default()).unwrap();
    session.reload(at(9), other.snapshot()).unwrap();
    holds(&session);
}
