//! What is printed: for people, and in place of secrets.

use webex_oauth::protocol::authorize::AuthorizeRequest;
use webex_oauth::protocol::callback::Expected;
use webex_oauth::{
    AccessToken, Config, ConfigError, ErrorCode, Fault, HeaderValue, HttpResponse, LoginOptions, Provider,
    RestoreError, Secret, SendFault, Session, Timestamp, TokenSet,
};

use crate::kit::{START, answer, config, entropy, webex, with_header};

/// The fault that an answer to a refresh leads to.
fn fault(response: HttpResponse) -> Fault {
    let mut session = Session::new(config(0), entropy(1));
    session.adopt(START, r#"{"access_token":"AT","expires_in":3600,"refresh_token":"RT"}"#).unwrap();
    session.refresh(START).unwrap();
    session.response(START, webex_oauth::RequestId(1), response).unwrap();
    (*session.status(START).last_fault.unwrap()).clone()
}

#[test]
fn a_fault_says_what_happened_and_whom_to_ask() {
    let body = r#"{"error":"server_error","error_description":"try later"}"#;
    let refused = fault(with_header(answer(500, body), "trackingid", "NA_1"));
    assert_eq!(refused.to_string(), "the server refused (HTTP 500): server_error: try later [trackingId NA_1]");
    for (status, text) in [
        (401, "the server does not accept the client's credentials (HTTP 401)"),
        (429, "too many requests (HTTP 429)"),
        (503, "the service is unavailable (HTTP 503)"),
        (404, "the server answered unexpectedly (HTTP 404)"),
        (200, "the answer carries no usable token (HTTP 200): the body is not a JSON object"),
    ] {
        assert_eq!(fault(answer(status, "")).to_string(), text);
    }
    assert_eq!(ErrorCode::parse("slow_down").to_string(), "slow_down");
}

#[test]
fn what_will_pass_is_told_from_what_will_not() {
    assert!(fault(answer(503, "")).is_transient());
    assert!(!fault(answer(401, r#"{"error":"invalid_client"}"#)).is_transient());
}

#[test]
fn requests_that_were_not_answered_are_told_apart() {
    for (send, text) in [
        (SendFault::NotSent, "the request could not be sent"),
        (SendFault::Lost, "no complete answer came back"),
        (SendFault::TooLarge, "the answer was too large"),
        (SendFault::Untrusted, "the server's certificate is not trusted"),
    ] {
        let mut session = Session::new(config(0), entropy(1));
        session.adopt(START, r#"{"access_token":"AT","expires_in":3600,"refresh_token":"RT"}"#).unwrap();
        session.refresh(START).unwrap();
        session.send_failed(START, webex_oauth::RequestId(1), send).unwrap();
        assert_eq!(session.status(START).last_fault.unwrap().to_string(), text);
    }
}

#[test]
fn something_else_stands_where_a_secret_is() {
    assert_eq!(format!("{:?}", Secret::new("x")), "Secret(redacted)");
    assert_eq!(format!("{:?}", AccessToken::bearer("x")), "AccessToken(Bearer, redacted)");
    assert_eq!(format!("{:?}", entropy(1)), "Entropy(redacted)");
    assert_eq!(format!("{:?}", HeaderValue::Plain("x/y")), "\"x/y\"");
    assert_eq!(format!("{:?}", HeaderValue::Secret("x".into())), "Secret(redacted)");
    let response = with_header(answer(200, "abc"), "a", "b");
    assert_eq!(format!("{response:?}"), "HttpResponse { status: 200, headers: 1, body_bytes: 3 }");
    let mut session = Session::new(config(0), entropy(1));
    session.adopt(START, r#"{"access_token":"AT","user":"me"}"#).unwrap();
    let outline = format!("Session {{ phase: SignedIn, revision: {}, .. }}", session.revision());
    assert_eq!(format!("{session:?}"), outline);
    let TokenSet { access_token, custom, .. } = session.tokens().unwrap();
    assert_eq!(format!("{:?} {custom:?}", access_token.as_ref().unwrap()), "AccessToken(Bearer, redacted) {\"user\"}");
}

#[test]
fn an_instant_is_printed_as_a_date_or_the_nearest_one() {
    assert_eq!(START.to_string(), "2027-01-15T08:00:00Z");
    assert_eq!(Timestamp::from_secs(-62_135_596_801).to_string(), "0000-12-31T23:59:59Z");
    assert_eq!(Timestamp::from_secs(-62_167_219_201).to_string(), "0000-01-01T00:00:00Z", "before the year 0");
    assert_eq!(Timestamp::from_millis(i64::MAX).to_string(), "9999-12-31T23:59:59Z");
}

#[test]
fn a_refused_configuration_names_its_field() {
    let build = |change: fn(&mut webex_oauth::ConfigParts)| -> Result<Config, ConfigError> {
        let mut parts = webex();
        change(&mut parts);
        parts.build()
    };
    for (change, field) in [
        ((|parts| parts.client_id.clear()) as fn(&mut webex_oauth::ConfigParts), "client_id"),
        (|parts| parts.client_id.push('\u{7}'), "client_id"),
        (|parts| parts.client_id.push(' '), "client_id"),
        (|parts| parts.client_id.insert(0, '"'), "client_id"),
        (|parts| parts.client_id.push('\''), "client_id"),
        (|parts| parts.redirect_uri = Some("'http://localhost/".to_owned()), "redirect_uri"),
        (|parts| parts.redirect_uri = Some("http://localhost/'".to_owned()), "redirect_uri"),
        (|parts| parts.provider.token_endpoint = "https://user@as.example/token".to_owned(), "token_endpoint"),
        (|parts| parts.provider.token_endpoint = "https://:word@as.example/token".to_owned(), "token_endpoint"),
        (|parts| parts.provider.revocation_endpoint = Some("http://as.example/".to_owned()), "revocation_endpoint"),
    ] {
        assert_eq!(build(change).unwrap_err().field(), field);
    }
    let other = Session::new(config(3), entropy(1)).snapshot();
    let refused = Session::restore(config(0), other.expose()).unwrap_err();
    assert!(matches!(refused, RestoreError::OtherConfig { .. }), "{refused}");
}

#[test]
fn a_pasted_url_tells_its_provider_by_its_host() {
    let provider = |url: &str| webex_oauth::ConfigParts::from_authorization_url(url).unwrap().provider;
    for (host, expected) in [
        ("webexapis.com", Provider::webex()),
        ("api.ciscospark.com", Provider::ciscospark()),
        ("api-usgov.webex.com", Provider::webex_fedramp()),
        ("as.example", Provider::webex()),
    ] {
        let url = format!("https://{host}/another/authorize");
        let expected = Provider { authorization_endpoint: url.clone(), ..expected };
        assert_eq!(provider(&format!("{url}?client_id=C")), expected);
    }
    assert_eq!(provider("https://webexapis.com/v1/authorize?client_id=C"), Provider::webex());
    assert_eq!(provider("https://a.b/v1/authorize?client_id=C").token_endpoint, "https://a.b/v1/access_token");
    let moved = provider("https://as.example:8443/v1/authorize?client_id=C");
    assert_eq!(moved.token_endpoint, "https://as.example:8443/v1/access_token");
}

#[test]
fn of_a_login_its_outline_is_printed() {
    let options = LoginOptions {
        login_hint: Some("me".to_owned()),
        extra: vec![("audience".to_owned(), "secret".to_owned())],
        ..LoginOptions::default()
    };
    let outline = "LoginOptions { flow: Code, scope: None, state: Json(\"\"), prompt: None, login_hint: true, \
                   email: false, redirect_uri: None, response_mode: None, extra: [\"audience\"] }";
    assert_eq!(format!("{options:?}"), outline);
    let request =
        AuthorizeRequest { endpoint: "https://as.example", state: Some("secret"), ..AuthorizeRequest::default() };
    let outline = "AuthorizeRequest { endpoint: \"https://as.example\", client_id: \"\", redirect_uri: \"\", \
                   scope: \"\", options: None, .. }";
    assert_eq!(format!("{request:?}"), outline);
    let expected =
        Expected { flow: options.flow, redirect_uri: "r", state: "secret", issuer: None, issuer_required: true };
    let outline = "Expected { flow: Code, redirect_uri: \"r\", issuer: None, issuer_required: true, .. }";
    assert_eq!(format!("{expected:?}"), outline);
}
