//! Ways to sign in.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use webex_oauth_simulator::{
    Decision, Endpoint, Fault, GUEST_ISSUER_ID, GUEST_ISSUER_SECRET, SERVICE_APP_ID, SERVICE_APP_SECRET, Simulator,
};
use webex_oauth_ureq::webex_oauth::protocol::jwt::{GuestJwt, Lifetime};
use webex_oauth_ureq::webex_oauth::{
    CallbackIgnored, ErrorCode, LoginOptions, LoginState, LogoutVia, Phase, Secret, SignInReason, SignOutOptions,
};
use webex_oauth_ureq::{BrowserLogin, Client, ClientError, Guest, MemoryStore, SignedIn};

use crate::kit::{builder, handoff, issue, parts, simulator};

fn options(redirect_uri: &str) -> LoginOptions {
    LoginOptions { redirect_uri: Some(redirect_uri.to_owned()), ..Default::default() }
}

fn visit(url: &str) -> String {
    let (host, path) = url.strip_prefix("http://").unwrap().split_once('/').unwrap();
    let mut stream = TcpStream::connect(host).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    write!(stream, "GET /{path} HTTP/1.1\r\nhost: {host}\r\n\r\n").unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text
}

/// A login in the browser of somebody who decides so; returns the last page as well.
fn in_browser(simulator: &Arc<Simulator>, client: &Client, decision: Decision) -> (Result<(), ClientError>, String) {
    let (sender, page) = std::sync::mpsc::channel();
    let simulator = Arc::clone(simulator);
    let open = move |url: &Secret| {
        let landed = simulator.visit(url.expose(), decision).unwrap();
        std::thread::spawn(move || {
            let base = landed.split('?').next().unwrap();
            let favicon = format!("{}/favicon.ico", base.rsplit_once('/').unwrap().0);
            assert!(visit(&favicon).starts_with("HTTP/1.1 404"));
            assert!(visit(&format!("{base}?code=x&state=forged")).contains("Nothing to do here"));
            sender.send(visit(&landed)).unwrap();
        });
    };
    let login = BrowserLogin { limit: Duration::from_secs(20), open: Box::new(open), ..BrowserLogin::default() };
    let result = client.login_with_browser(login);
    (result, page.recv().unwrap_or_default())
}

#[test]
fn a_login_in_the_browser_ends_in_a_token_and_a_page() {
    let simulator = Arc::new(simulator());
    let client = builder(&simulator).open().unwrap();
    let (result, page) = in_browser(&simulator, &client, Decision::Accept);
    assert_eq!(result, Ok(()));
    assert!(page.contains("You are signed in"), "{page}");
    client.token().unwrap();
}

#[test]
fn a_browser_in_the_terminal_is_waited_for_by_whoever_started_it() {
    let simulator = Arc::new(simulator());
    let client = builder(&simulator).open().unwrap();
    let (sender, page) = std::sync::mpsc::channel();
    let open = move |url: &Secret| {
        let landed = simulator.visit(url.expose(), Decision::Accept).unwrap();
        sender.send(visit(&landed)).unwrap();
    };
    let login = BrowserLogin { limit: Duration::from_secs(20), open: Box::new(open), ..BrowserLogin::default() };
    assert_eq!(client.login_with_browser(login), Ok(()));
    assert!(page.try_recv().unwrap().contains("You are signed in"), "it has ended before");
}

#[test]
fn who_declines_is_told_so() {
    let simulator = Arc::new(simulator());
    let client = builder(&simulator).open().unwrap();
    let (result, page) = in_browser(&simulator, &client, Decision::Decline);
    let Err(ClientError::LoginFailed { fault }) = result else { panic!("{result:?}") };
    assert_eq!(fault.code, Some(ErrorCode::AccessDenied));
    assert!(page.contains("You declined"), "{page}");
}

#[test]
fn an_exchange_that_fails_is_on_the_page_too() {
    let simulator = Arc::new(simulator());
    let client = builder(&simulator).open().unwrap();
    simulator.fault(Fault::error(400, "invalid_grant").at(Endpoint::AccessToken));
    let (result, page) = in_browser(&simulator, &client, Decision::Accept);
    assert!(matches!(result, Err(ClientError::LoginFailed { .. })), "{result:?}");
    assert!(page.contains("Signing in did not work") && page.contains("invalid_grant"), "{page}");
}

#[test]
fn an_abandoned_login_ends_in_time_and_leaves_the_session_alone() {
    let simulator = simulator();
    let client = crate::kit::signed_in(&simulator, builder(&simulator), 3600);
    let login = BrowserLogin { limit: Duration::from_millis(50), open: Box::new(|_| {}), ..BrowserLogin::default() };
    assert!(matches!(client.login_with_browser(login), Err(ClientError::Timeout { .. })));
    assert_eq!(client.status().phase, Phase::SignedIn);
    client.token().unwrap();
}

#[test]
fn a_taken_port_is_told() {
    let simulator = simulator();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let uri = format!("http://127.0.0.1:{}/callback", taken.local_addr().unwrap().port());
    let client = builder(&simulator).open().unwrap();
    let login = BrowserLogin { options: options(&uri), open: Box::new(|_| {}), ..BrowserLogin::default() };
    assert!(matches!(client.login_with_browser(login), Err(ClientError::Listen { .. })));
    assert!(matches!(client.status().phase, Phase::SignedOut { .. }), "nothing was begun");
}

#[test]
fn a_login_goes_on_in_another_process() {
    let simulator = simulator();
    let store = MemoryStore::new();
    let uri = "http://localhost/oauth";
    let asked = LoginOptions { state: LoginState::Json(r#"{"return_to":"/reports"}"#.to_owned()), ..options(uri) };
    let url = builder(&simulator).store(store.clone()).open().unwrap().begin_login(asked).unwrap();
    let landed = simulator.visit(url.expose(), Decision::Accept).unwrap();
    let client = builder(&simulator).store(store).open().unwrap();
    let done = client.complete_login(landed.as_str()).unwrap();
    client.token().unwrap();
    // What its caller wanted to find again has come along, to whoever completes it.
    assert_eq!(done.state.as_deref(), Some(r#"{"return_to":"/reports"}"#));
    assert_eq!(done.cleaned_url.as_deref().map(|url| url.starts_with(uri) && !url.contains("code=")), Some(true));
    // Done already, until the user has signed out.
    assert_eq!(client.complete_login(landed.as_str()), Ok(SignedIn::default()));
    client.sign_out(SignOutOptions::default()).unwrap();
    let again = client.complete_login(landed.as_str());
    assert_eq!(again, Err(ClientError::CallbackIgnored { reason: CallbackIgnored::NoLoginPending }));
}

#[test]
fn a_forged_callback_leaves_the_login_pending() {
    let simulator = simulator();
    let client = builder(&simulator).open().unwrap();
    let url = client.begin_login(options("http://localhost/oauth")).unwrap();
    let forged = client.complete_login("http://localhost/oauth?code=c&state=forged");
    assert_eq!(forged, Err(ClientError::CallbackIgnored { reason: CallbackIgnored::WrongState }));
    let landed = simulator.visit(url.expose(), Decision::Accept).unwrap();
    assert!(client.complete_login(landed.as_str()).is_ok());
}

#[test]
fn of_two_logins_each_caller_gets_his_own_result() {
    let simulator = simulator();
    let client = builder(&simulator).open().unwrap();
    let jwt = |name: &str| {
        let (issuer, secret) = (GUEST_ISSUER_ID.to_owned(), Secret::new(GUEST_ISSUER_SECRET));
        let subject = Some(name.to_owned());
        let lifetime = Lifetime::Text("1h".into());
        client.guest_jwt(&GuestJwt { subject, display_name: None, issuer, secret, lifetime }).unwrap()
    };
    simulator.fault(Fault::hold().at(Endpoint::JwtLogin));
    std::thread::scope(|scope| {
        let first = scope.spawn(|| client.sign_in_with_jwt(jwt("one")));
        assert!(simulator.wait_for(Duration::from_secs(10), |log| log.len() == 1));
        let second = scope.spawn(|| client.sign_in_with_jwt(jwt("two")));
        assert_eq!(first.join().unwrap(), Err(ClientError::LoginSuperseded));
        simulator.release();
        assert_eq!(second.join().unwrap(), Ok(()));
    });
    assert!(client.status().via.is_some());
}

#[test]
fn tokens_from_elsewhere_do_not_cancel_the_login_that_comes_after_them() {
    let simulator = simulator();
    let tokens = handoff(&issue(&simulator), 3600);
    let client = builder(&simulator).open().unwrap();
    for _ in 0..200 {
        std::thread::scope(|scope| {
            scope.spawn(|| (0..10).for_each(|_| client.adopt(tokens.as_str()).unwrap()));
            let result = client.sign_in_with_client_credentials(None);
            assert!(matches!(result, Ok(()) | Err(ClientError::LoginSuperseded)), "{result:?}");
        });
    }
}

#[test]
fn a_device_is_signed_in_elsewhere() {
    let simulator = simulator();
    simulator.configure(|options| options.device_interval_ms = 1000);
    let client = builder(&simulator).open().unwrap();
    let login = client.begin_device_login(None).unwrap();
    assert!(simulator.decide_device(Some(login.prompt().user_code.expose()), Decision::Accept));
    login.wait().unwrap();
    client.token().unwrap();
    let declined = client.device_login(None, |_| assert!(simulator.decide_device(None, Decision::Decline)));
    assert!(matches!(declined, Err(ClientError::LoginFailed { .. })));
    client.token().unwrap();
}

#[test]
fn a_service_app_signs_in_and_brings_guests() {
    let simulator = simulator();
    let mut parts = parts(&simulator);
    (parts.client_id, parts.client_secret) = (SERVICE_APP_ID.into(), Some(SERVICE_APP_SECRET.into()));
    parts.scope = "guest-issuer:write".into();
    let config = parts.build().unwrap();
    let app = Client::builder(config.clone()).open().unwrap();
    app.sign_in_with_client_credentials(None).unwrap();
    let guest = Client::builder(config).open().unwrap();
    let service_token = Secret::new(app.token().unwrap().expose());
    guest.sign_in_as_guest(Guest { service_token, subject: "g1".into(), display_name: "G".into() }).unwrap();
    assert_ne!(guest.token().unwrap(), app.token().unwrap());
}

#[test]
fn signing_out_revokes_and_names_the_logout_page() {
    let simulator = simulator();
    let client = crate::kit::signed_in(&simulator, builder(&simulator), 3600);
    let url = client.sign_out(SignOutOptions { logout: LogoutVia::Browser, ..SignOutOptions::default() }).unwrap();
    assert!(url.unwrap().expose().contains("/logout?"));
    let counters = simulator.counters();
    assert_eq!((counters.live_access_tokens, counters.live_refresh_tokens), (0, 0));
    let Err(ClientError::SignInRequired { reason: SignInReason::SignedOut(_) }) = client.token() else { panic!() };
    assert_eq!(client.sign_out(SignOutOptions::default()), Ok(None), "once more does nothing");
}
