//! What tokens are good for: the API, guests, revocation, logout, authorizations, metadata.

mod common;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use common::*;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;
use webex_oauth_simulator::*;

fn guest_jwt(claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(&json!({"alg": "HS256", "typ": "JWT"})), part(claims));
    let mut mac = Hmac::<Sha256>::new_from_slice(b"simulated-guest-issuer-secret-32").unwrap();
    mac.update(signed.as_bytes());
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
}

fn post_with(sim: &Simulator, path: &str, authorization: &str, body: &str) -> Got {
    let request = agent().post(sim.url(path)).header("authorization", authorization);
    read(request.send(body)).unwrap()
}

#[test]
fn people_me_tells_who_signed_in_and_serves_the_avatar() {
    let sim = start(Options::default());
    let me = call(&sim, "/v1/people/me", text(&sign_in(&sim), "access_token")).json();
    assert_eq!(me["displayName"], "Ada Lovelace");
    assert_eq!(me["emails"], json!(["ada@example.com"]));
    assert_eq!((me["orgId"].as_str(), me["type"].as_str()), (Some(ORG_ID), Some("person")));
    let avatar = get(text(&me, "avatar"));
    assert_eq!(avatar.header("content-type"), "image/svg+xml");
    assert!(avatar.text.contains(">AL<"));
}

#[test]
fn missing_expired_revoked_and_foreign_tokens_are_refused_in_the_words_of_webex() {
    let sim = start(Options::default());
    let refused = |got: Got| {
        assert_eq!(got.status, 401);
        assert!(text(&got.json(), "message").starts_with("The request requires a valid access token"));
        assert_eq!(got.header("trackingid"), text(&got.json(), "trackingId"));
    };
    refused(get(&sim.url("/v1/people/me")));
    refused(call(&sim, "/v1/people/me", "nonsense"));
    let tokens = sign_in(&sim);
    refused(call(&sim, "/v1/people/me", text(&tokens, "refresh_token")));
    assert_eq!(sim.expire_access_tokens(), 1);
    refused(call(&sim, "/v1/people/me", text(&tokens, "access_token")));
    let tokens = sign_in(&sim);
    assert_eq!(sim.revoke(text(&tokens, "access_token")), 1);
    refused(call(&sim, "/v1/people/me", text(&tokens, "access_token")));
    let tokens = sign_in(&sim);
    sim.advance(std::time::Duration::from_secs(1_209_599));
    refused(call(&sim, "/v1/people/me", text(&tokens, "access_token")));
}

#[test]
fn the_echo_tells_which_generation_of_the_token_came() {
    let sim = start(Options::default());
    let first = sign_in(&sim);
    let second = refresh(&sim, text(&first, "refresh_token")).json();
    let authorization = format!("Bearer {}", text(&second, "access_token"));
    let echoed = post_with(&sim, "/v1/echo/rooms/7?max=2", &authorization, "hello").json();
    assert_eq!((echoed["method"].as_str(), echoed["path"].as_str()), (Some("POST"), Some("/v1/echo/rooms/7")));
    assert_eq!((echoed["query"]["max"].as_str(), echoed["body"].as_str()), (Some("2"), Some("hello")));
    assert_eq!(echoed["token"]["generation"], 2);
    assert_eq!(echoed["token"]["fingerprint"], fingerprint(text(&second, "access_token")));
    call(&sim, "/v1/echo", text(&first, "access_token"));
    call(&sim, "/v1/echo", "nonsense");
    let counters = sim.counters();
    assert_eq!(counters.api_calls_by_generation.into_iter().collect::<Vec<_>>(), [(0, 1), (1, 1), (2, 1)]);
    assert_eq!((counters.api_calls, counters.api_calls_refused), (3, 1));
}

#[test]
fn a_guest_jwt_becomes_a_token() {
    let sim = start(Options::default());
    let exp = sim.now_ms() / 1000 + 60;
    let jwt = guest_jwt(&json!({"sub": "visitor", "name": "Vi", "iss": GUEST_ISSUER_ID, "exp": exp}));
    for authorization in [jwt.clone(), format!("Bearer {jwt}")] {
        let got = post_with(&sim, "/v1/jwt/login", &authorization, "");
        assert_eq!((got.status, got.json()["expiresIn"].as_u64()), (200, Some(21_599)));
        let me = call(&sim, "/v1/people/me", text(&got.json(), "token")).json();
        assert_eq!((me["displayName"].as_str(), me["type"].as_str()), (Some("Vi"), Some("appuser")));
    }
}

#[test]
fn a_bad_guest_jwt_is_401() {
    let sim = start(Options::default());
    let exp = sim.now_ms() / 1000;
    let good = json!({"sub": "visitor", "iss": GUEST_ISSUER_ID, "exp": exp + 60});
    let but = |name: &str, value: Value| {
        let mut claims = good.clone();
        claims[name] = value;
        guest_jwt(&claims)
    };
    let tampered = guest_jwt(&good).replace("eyJhbGci", "eyJhbGcj");
    let cases = [
        but("exp", json!(exp - 1)),
        but("iss", json!("nobody")),
        but("sub", json!("")),
        but("exp", json!("soon")),
        tampered,
        "nonsense".into(),
        String::new(),
    ];
    for jwt in cases {
        assert_eq!(post_with(&sim, "/v1/jwt/login", &jwt, "").status, 401, "{jwt}");
    }
}

#[test]
fn a_service_app_gets_tokens_for_guests() {
    let sim = start(Options::default());
    let service = |scope: &str| {
        let form = [
            ("grant_type", "client_credentials"),
            ("scope", scope),
            ("client_id", SERVICE_APP_ID),
            ("client_secret", SERVICE_APP_SECRET),
        ];
        let tokens = post(&sim.url("/v1/access_token"), &form).json();
        format!("Bearer {}", text(&tokens, "access_token"))
    };
    let body = json!({"subject": "s1", "displayName": "Guest One"}).to_string();
    let path = "/v1/guests/token";
    let guest = post_with(&sim, path, &service("guest-issuer:read guest-issuer:write"), &body).json();
    assert_eq!((guest["expiresIn"].as_u64(), guest["subject"].as_str()), (Some(64_799), Some("s1")));
    let me = call(&sim, "/v1/people/me", text(&guest, "accessToken")).json();
    assert_eq!(me["id"], guest["id"]);
    assert_eq!(post_with(&sim, path, &service("spark:people_read"), &body).status, 403);
    assert_eq!(post_with(&sim, path, &service("guest-issuer:write"), "{}").status, 400);
    assert_eq!(post_with(&sim, path, "Bearer x", &body).status, 401);
}

#[test]
fn revocation_takes_an_access_token_alone_and_a_refresh_token_with_all() {
    let sim = start(Options::default());
    let tokens = sign_in(&sim);
    let revoke = |token: &str, secret: &str| {
        let form = [("token", token), ("client_id", CLIENT_ID), ("client_secret", secret)];
        post(&sim.url("/idb/oauth2/v1/revoke"), &form)
    };
    let got = revoke(text(&tokens, "access_token"), "wrong");
    assert_eq!((got.status, got.json()["error"].as_str()), (401, Some("invalid_client")));
    assert_eq!(revoke(text(&tokens, "access_token"), CLIENT_SECRET).status, 200);
    assert_eq!(call(&sim, "/v1/people/me", text(&tokens, "access_token")).status, 401);
    let next = refresh(&sim, text(&tokens, "refresh_token")).json();
    assert_eq!(revoke(text(&tokens, "refresh_token"), CLIENT_SECRET).status, 200);
    assert_eq!(call(&sim, "/v1/people/me", text(&next, "access_token")).status, 401);
    assert_eq!(revoke("never seen", CLIENT_SECRET).status, 200);
    let foreign = sim.issue(PUBLIC_CLIENT_ID, "spark:all").unwrap();
    assert_eq!(revoke(&foreign.access_token, CLIENT_SECRET).status, 400);
    assert_eq!(sim.counters().tokens_revoked, 3);
}

#[test]
fn logout_ends_the_sign_in_and_goes_on_to_registered_places_only() {
    let sim = start(Options::default());
    let logout = |goto: &str| {
        let token = sign_in(&sim)["access_token"].as_str().unwrap().to_owned();
        let query = format!("?cisService=webex&goto={}&token={token}", encode(goto));
        let got = get(&sim.url(&format!("/idb/oauth2/v1/logout{query}")));
        assert_eq!(call(&sim, "/v1/people/me", &token).status, 401);
        got
    };
    assert_eq!(logout("http://localhost:8080/bye").header("location"), "http://localhost:8080/bye");
    assert_eq!(logout("webex-oauth://callback").status, 302);
    assert_eq!(logout("https://evil.example/").status, 400);
    let body = json!({"token": sign_in(&sim)["refresh_token"], "cisService": "webex"}).to_string();
    let url = sim.url("/idb/oauth2/v1/logout");
    let posted = agent().post(url).content_type("application/json").send(body);
    assert_eq!(read(posted).unwrap().status, 204);
    assert_eq!(sim.live_tokens(), []);
}

#[test]
fn authorizations_are_listed_and_deleted() {
    let sim = start(Options::default());
    let first = sign_in(&sim);
    let second = sign_in(&sim);
    let token = text(&second, "access_token");
    let items = call(&sim, "/v1/authorizations", token).json()["items"].clone();
    assert_eq!(items.as_array().unwrap().len(), 2);
    assert_eq!(items[0]["clientId"], CLIENT_ID);
    let delete = |path: &str| {
        let request = agent().delete(sim.url(path)).header("authorization", format!("Bearer {token}"));
        read(request.call()).unwrap().status
    };
    let id = text(&items[0], "id");
    assert_eq!(delete(&format!("/v1/authorizations/{id}")), 204);
    assert_eq!(delete(&format!("/v1/authorizations/{id}")), 404);
    assert_eq!(call(&sim, "/v1/people/me", text(&first, "access_token")).status, 401);
    let exp = call(&sim, "/v1/authorizations/tokenExpiry", token).json()["exp"].as_u64().unwrap();
    assert!(exp > sim.now_ms());
    assert_eq!(delete(&format!("/v1/authorizations?clientId={CLIENT_ID}")), 204);
    assert_eq!(call(&sim, "/v1/people/me", token).status, 401);
}

#[test]
fn metadata_names_every_endpoint() {
    let sim = start(Options::default());
    let metadata = get(&sim.url("/.well-known/oauth-authorization-server")).json();
    assert_eq!(metadata["issuer"], sim.base_url());
    assert_eq!(metadata["token_endpoint"], sim.url("/v1/access_token"));
    assert_eq!(get(&sim.url("/.well-known/openid-configuration")).json(), metadata);
}
