//! Every grant of the token endpoint, asked for over plain HTTP.

mod common;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use common::*;
use serde_json::Value;
use webex_oauth_simulator::*;

const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256";

#[test]
fn a_code_becomes_tokens_in_the_shape_of_webex() {
    let sim = start(Options::default());
    let tokens = sign_in(&sim);
    assert_eq!(tokens["expires_in"], 1_209_599);
    assert_eq!(tokens["refresh_token_expires_in"], 7_775_999);
    assert_eq!(tokens["token_type"], "Bearer");
    assert_eq!(tokens["scope"], "spark:all spark:kms");
    let sections: Vec<_> = text(&tokens, "access_token").split('_').collect();
    assert_eq!((sections.len(), sections[1], sections[2]), (3, "PF84", ORG_ID));
    assert_eq!(call(&sim, "/v1/people/me", text(&tokens, "access_token")).status, 200);
}

#[test]
fn a_code_that_comes_back_ends_its_tokens() {
    let sim = start(Options::default());
    let code = code(&sim);
    let tokens = exchange(&sim, &code).json();
    let again = exchange(&sim, &code);
    assert_eq!((again.status, again.json()["message"].as_str()), (400, Some("invalid_grant")));
    assert_eq!(call(&sim, "/v1/people/me", text(&tokens, "access_token")).status, 401);
    assert_eq!(sim.counters().code_replays, 1);
}

#[test]
fn a_code_is_bound_to_its_redirect_uri_and_to_its_time() {
    let sim = start(Options::default());
    let code = code(&sim);
    let mut form = vec![("grant_type", "authorization_code"), ("code", code.as_str())];
    assert_eq!(ask(&sim, &form).json()["message"], "invalid_grant");
    form.push(("redirect_uri", REDIRECT));
    sim.advance(std::time::Duration::from_secs(601));
    assert_eq!(ask(&sim, &form).json()["message"], "invalid_grant");
}

#[test]
fn a_challenge_wants_its_verifier() {
    let sim = start(Options::default());
    let landed = sim.visit(&authorize_url(&sim, CHALLENGE), Decision::Accept).unwrap();
    let code = param(&landed, "code");
    let base = [("grant_type", "authorization_code"), ("code", &code), ("redirect_uri", REDIRECT)];
    let other = VERIFIER.replace('d', "e");
    let with = |verifier: &str| ask(&sim, &[base.as_slice(), &[("code_verifier", verifier)]].concat());
    assert_eq!(ask(&sim, &base).json()["message"], "invalid_grant");
    assert_eq!(with("too-short").json()["message"], "invalid_request");
    assert_eq!(with(&other).json()["message"], "invalid_grant");
    assert_eq!(with(VERIFIER).status, 200);
}

#[test]
fn a_verifier_without_a_challenge_is_a_downgrade() {
    let sim = start(Options::default());
    let code = code(&sim);
    let form = [
        ("grant_type", "authorization_code"),
        ("code", &code),
        ("redirect_uri", REDIRECT),
        ("code_verifier", VERIFIER),
    ];
    assert_eq!(ask(&sim, &form).json()["message"], "invalid_grant");
}

#[test]
fn basic_is_taken_raw_and_form_encoded_and_a_wrong_secret_is_401() {
    let sim = start(Options::default());
    sim.register(Client {
        id: "id with/odd".into(),
        secret: Some("s+e%c:r".into()),
        name: String::new(),
        redirect_uris: vec![],
        scopes: vec![],
    });
    let basic = |id: &str, secret: &str| {
        let value = format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")));
        let request = agent().post(sim.url("/v1/access_token")).header("authorization", value);
        read(request.send_form([("grant_type", "client_credentials"), ("scope", "a")])).unwrap()
    };
    assert_eq!(basic("id with/odd", "s+e%c:r").status, 200);
    assert_eq!(basic(&encode("id with/odd"), &encode("s+e%c:r")).status, 200);
    let wrong = basic("id with/odd", "guess");
    assert_eq!((wrong.status, wrong.json()["message"].as_str()), (401, Some("invalid_client")));
    assert!(wrong.header("www-authenticate").starts_with("Basic"));
    assert_eq!(wrong.header("trackingid"), text(&wrong.json(), "trackingId"));
    assert_eq!(basic("nobody", "x").status, 401);
}

#[test]
fn a_public_client_needs_no_secret_and_a_confidential_one_does() {
    let sim = start(Options::default());
    let url = sim.url("/v1/access_token");
    let of = |client_id| {
        let issued = sim.issue(client_id, "spark:all").unwrap();
        let form = [
            ("grant_type", "refresh_token"),
            ("refresh_token", issued.refresh_token.as_str()),
            ("client_id", client_id),
        ];
        post(&url, &form).status
    };
    assert_eq!(of(PUBLIC_CLIENT_ID), 200);
    assert_eq!(of(CLIENT_ID), 401);
}

#[test]
fn errors_look_like_webex_or_like_oauth_by_path_and_by_option() {
    let sim = start(Options::default());
    let form = [("grant_type", "refresh_token"), ("refresh_token", "x"), ("client_id", PUBLIC_CLIENT_ID)];
    let webex = post(&sim.url("/v1/access_token"), &form).json();
    assert_eq!(webex["message"], "invalid_grant");
    assert_eq!(webex["errors"][0]["description"], "The refresh token is not known.");
    let oauth = post(&sim.url("/idb/oauth2/v1/access_token"), &form).json();
    assert_eq!(oauth["error"], "invalid_grant");
    sim.configure(|options| options.error_style = ErrorStyle::WebexProse);
    let prose = post(&sim.url("/v1/access_token"), &form);
    assert!(!prose.text.contains("invalid_grant"));
}

#[test]
fn unknown_missing_and_repeated_fields_are_refused() {
    let sim = start(Options::default());
    let message = |form: &[(&str, &str)]| text(&ask(&sim, form).json(), "message").to_owned();
    assert_eq!(message(&[("grant_type", "password")]), "unsupported_grant_type");
    assert_eq!(message(&[]), "invalid_request");
    assert_eq!(message(&[("grant_type", "refresh_token")]), "invalid_request");
    assert_eq!(message(&[("grant_type", "refresh_token"), ("grant_type", "x")]), "invalid_request");
    assert_eq!(get(&sim.url("/v1/access_token")).status, 405);
    assert_eq!(get(&sim.url("/v1/nothing")).status, 404);
}

#[test]
fn without_rotation_a_refresh_keeps_the_refresh_token_and_its_end() {
    let sim = start(Options::default());
    let first = sign_in(&sim);
    sim.advance(std::time::Duration::from_secs(1000));
    let second = refresh(&sim, text(&first, "refresh_token")).json();
    assert_eq!(second["refresh_token"], first["refresh_token"]);
    let left = second["refresh_token_expires_in"].as_u64().unwrap();
    assert!((7_774_990..=7_774_999).contains(&left), "{left}");
    assert_ne!(second["access_token"], first["access_token"]);
    sim.configure(|options| {
        options.extend_refresh_lifetime = true;
        options.omit_unchanged_refresh_token = false;
    });
    let third = refresh(&sim, text(&first, "refresh_token")).json();
    assert_eq!(third["refresh_token_expires_in"], 7_775_999);
    sim.configure(|options| options.omit_unchanged_refresh_token = true);
    assert!(refresh(&sim, text(&first, "refresh_token")).json().get("refresh_token").is_none());
}

#[test]
fn with_rotation_a_retired_refresh_token_ends_the_sign_in() {
    let sim = start(Options { rotate: true, ..Options::default() });
    let first = sign_in(&sim);
    let second = refresh(&sim, text(&first, "refresh_token")).json();
    assert_ne!(second["refresh_token"], first["refresh_token"]);
    let reused = refresh(&sim, text(&first, "refresh_token"));
    assert_eq!((reused.status, reused.json()["message"].as_str()), (400, Some("invalid_grant")));
    assert_eq!(refresh(&sim, text(&second, "refresh_token")).status, 400);
    assert_eq!(call(&sim, "/v1/people/me", text(&second, "access_token")).status, 401);
    let counters = sim.counters();
    assert_eq!((counters.reuse_detected, counters.live_access_tokens, counters.live_refresh_tokens), (1, 0, 0));
}

#[test]
fn within_the_grace_a_retired_refresh_token_still_works() {
    let sim = start(Options { rotate: true, reuse_grace_ms: 10_000, ..Options::default() });
    let first = sign_in(&sim);
    let token = text(&first, "refresh_token");
    assert_eq!(refresh(&sim, token).status, 200);
    assert_eq!(refresh(&sim, token).status, 200);
    sim.advance(std::time::Duration::from_secs(11));
    assert_eq!(refresh(&sim, token).status, 400);
    assert_eq!(sim.counters().reuse_detected, 1);
}

#[test]
fn an_early_refresh_may_answer_the_same_access_token() {
    let sim = start(Options { same_token_within_ms: 86_400_000, ..Options::default() });
    let first = sign_in(&sim);
    let token = text(&first, "refresh_token");
    sim.advance(std::time::Duration::from_secs(3600));
    let second = refresh(&sim, token).json();
    assert_eq!(second["access_token"], first["access_token"]);
    assert!(second["expires_in"].as_u64() < first["expires_in"].as_u64());
    sim.advance(std::time::Duration::from_secs(86_400));
    assert_ne!(refresh(&sim, token).json()["access_token"], first["access_token"]);
}

#[test]
fn expired_and_revoked_refresh_tokens_are_refused() {
    let sim = start(Options::default());
    let message = |tokens: &Value| text(&refresh(&sim, text(tokens, "refresh_token")).json(), "message").to_owned();
    let tokens = sign_in(&sim);
    assert_eq!(sim.expire_refresh_tokens(), 1);
    assert_eq!(message(&tokens), "invalid_grant");
    let tokens = sign_in(&sim);
    assert_eq!(sim.revoke(text(&tokens, "refresh_token")), 2);
    assert_eq!(message(&tokens), "invalid_grant");
}

#[test]
fn a_refresh_may_retire_older_access_tokens() {
    let sim = start(Options { revoke_access_on_refresh: true, ..Options::default() });
    let first = sign_in(&sim);
    let second = refresh(&sim, text(&first, "refresh_token")).json();
    assert_eq!(call(&sim, "/v1/people/me", text(&first, "access_token")).status, 401);
    assert_eq!(call(&sim, "/v1/people/me", text(&second, "access_token")).status, 200);
}

#[test]
fn self_contained_tokens_carry_the_claims_of_webex() {
    let sim = start(Options::default());
    let code = code(&sim);
    let form = [
        ("grant_type", "authorization_code"),
        ("code", &code),
        ("redirect_uri", REDIRECT),
        ("self_contained_token", "true"),
    ];
    let tokens = ask(&sim, &form).json();
    let claims = claims(text(&tokens, "access_token"));
    assert_eq!(claims["realm"], ORG_ID);
    assert_eq!(claims["user_type"], "user");
    assert_eq!(claims["client_id"], CLIENT_ID);
    assert!(claims["expiry_time"].as_u64().unwrap() > sim.now_ms());
    sim.configure(|options| options.token_style = TokenStyle::Jwt);
    assert_eq!(text(&sign_in(&sim), "access_token").split('.').count(), 3);
}

#[test]
fn client_credentials_give_a_token_of_the_client_and_no_refresh_token() {
    let sim = start(Options::default());
    let tokens = ask(&sim, &[("grant_type", "client_credentials"), ("scope", "spark:people_read")]).json();
    assert!(tokens.get("refresh_token").is_none());
    let me = call(&sim, "/v1/people/me", text(&tokens, "access_token")).json();
    assert_eq!(me["type"], "bot");
    let refused = ask(&sim, &[("grant_type", "client_credentials"), ("scope", "other")]);
    assert_eq!(refused.json()["message"], "invalid_scope");
    let form = [("grant_type", "client_credentials"), ("scope", "spark:all"), ("client_id", PUBLIC_CLIENT_ID)];
    assert_eq!(post(&sim.url("/v1/access_token"), &form).json()["message"], "unauthorized_client");
}

#[test]
fn a_token_can_be_made_into_one_with_less_scope() {
    let sim = start(Options::default());
    let tokens = sign_in(&sim);
    let parent = text(&tokens, "access_token");
    let reduce = |scope| {
        let form = [
            ("grant_type", "urn:cisco:oauth:grant-type:scope-reduction"),
            ("token", parent),
            ("scope", scope),
            ("client_id", CLIENT_ID),
        ];
        post(&sim.url("/idb/oauth2/v1/access_token"), &form)
    };
    let child = reduce("spark:kms").json();
    assert_eq!(child["scope"], "spark:kms");
    let echoed = call(&sim, "/v1/echo", text(&child, "access_token")).json();
    assert_eq!(echoed["token"]["kind"], "downscoped");
    assert_eq!(reduce("spark:rooms_read").json()["error"], "invalid_scope");
    sim.revoke(text(&tokens, "refresh_token"));
    assert_eq!(call(&sim, "/v1/echo", text(&child, "access_token")).status, 401);
    assert_eq!(reduce("spark:kms").json()["error"], "invalid_grant");
}

#[test]
fn token_type_may_be_left_out() {
    let sim = start(Options { omit_token_type: true, ..Options::default() });
    assert!(sign_in(&sim).get("token_type").is_none());
}

fn claims(jwt: &str) -> Value {
    let part = jwt.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}
