//! The authorization endpoint: the page, the decision, and where the answer goes.

mod common;

use common::*;
use webex_oauth_simulator::*;

fn link(page: &str, id: &str) -> String {
    let tag = page.split("<a ").find(|tag| tag.contains(&format!("id={id}"))).unwrap();
    let href = tag.split("href=\"").nth(1).unwrap().split('"').next().unwrap();
    href.replace("&amp;", "&")
}

#[test]
fn a_person_accepts_on_the_page() {
    let sim = start(Options::default());
    let page = get(&authorize_url(&sim, "&login_hint=grace%40example.com"));
    assert_eq!(page.status, 200);
    assert!(page.text.contains("Simulated Integration") && page.text.contains("spark:kms"));
    let policy = page.header("content-security-policy");
    assert!(policy.starts_with("default-src 'none'") && policy.contains("form-action 'none'"));
    let landed = get(&sim.url(&link(&page.text, "accept")));
    assert_eq!(landed.status, 302);
    assert!(landed.header("location").starts_with(REDIRECT));
    assert_eq!(landed.landed("state"), "st");
    let tokens = exchange(&sim, &landed.landed("code")).json();
    let me = call(&sim, "/v1/people/me", text(&tokens, "access_token")).json();
    assert_eq!(me["displayName"], "Grace Hopper");
}

#[test]
fn a_person_declines_and_the_page_is_good_once() {
    let sim = start(Options::default());
    let page = get(&authorize_url(&sim, ""));
    let decline = sim.url(&link(&page.text, "decline"));
    let landed = get(&decline);
    assert_eq!((landed.landed("error").as_str(), landed.landed("state").as_str()), ("access_denied", "st"));
    assert_eq!(get(&decline).status, 400);
    let late = sim.url(&link(&get(&authorize_url(&sim, "")).text, "accept"));
    sim.advance(std::time::Duration::from_secs(601));
    assert_eq!(get(&late).status, 400);
}

#[test]
fn the_page_offers_other_people() {
    let sim = start(Options::default());
    let page = get(&authorize_url(&sim, "")).text;
    let other = page.split("href=\"").find(|href| href.contains("alan%40example.com")).unwrap();
    let other = other.split('"').next().unwrap().replace("&amp;", "&");
    let page = get(&sim.url(&other)).text;
    let chosen = page.split("aria-current").last().unwrap();
    assert!(chosen.starts_with("=true><b>Alan Turing"));
    assert!(link(&page, "accept").contains("person-alan"));
}

#[test]
fn without_a_person_the_query_the_header_or_the_option_decides() {
    let sim = start(Options::default());
    assert!(!get(&authorize_url(&sim, "&auto=accept")).landed("code").is_empty());
    let by_header = agent().get(authorize_url(&sim, "")).header("x-sim-decision", "decline").call();
    assert_eq!(read(by_header).unwrap().landed("error"), "access_denied");
    sim.configure(|options| options.auto_decision = Some(Decision::Accept));
    assert!(!get(&authorize_url(&sim, "")).landed("code").is_empty());
}

#[test]
fn an_implicit_answer_is_in_the_fragment_and_has_no_refresh_token() {
    let sim = start(Options::default());
    let url = authorize_url(&sim, "").replace("response_type=code", "response_type=token");
    let landed = sim.visit(&url, Decision::Accept).unwrap();
    assert!(landed.starts_with(&format!("{REDIRECT}#")));
    assert_eq!(param(&landed, "expires_in"), "1209599");
    assert_eq!(param(&landed, "refresh_token"), "");
    assert_eq!(call(&sim, "/v1/people/me", &param(&landed, "access_token")).status, 200);
    let refused = sim.visit(&url, Decision::Decline).unwrap();
    assert!(refused.starts_with(&format!("{REDIRECT}#error=access_denied")));
}

#[test]
fn what_the_client_may_know_is_told_by_redirect() {
    let sim = start(Options::default());
    let error = |url: String| get(&url).landed("error");
    assert_eq!(error(authorize_url(&sim, "&prompt=none")), "login_required");
    let url = authorize_url(&sim, "");
    assert_eq!(error(url.replace("response_type=code", "response_type=id_token")), "unsupported_response_type");
    assert_eq!(error(url.replace("spark%3Akms", "unheard")), "invalid_scope");
    assert_eq!(error(url.replace("&scope=", "&nope=")), "invalid_scope");
    assert_eq!(error(authorize_url(&sim, "&code_challenge=x&code_challenge_method=S512")), "invalid_request");
    sim.configure(|options| options.require_pkce = true);
    assert_eq!(error(url), "invalid_request");
}

#[test]
fn a_redirect_uri_that_is_not_registered_gets_nothing() {
    let sim = start(Options::default());
    let good = authorize_url(&sim, "&auto=accept");
    for bad in [
        good.replace("localhost%3A8080", "evil.example"),
        good.replace("%2Foauth", "%2Foauth%23x"),
        good.replace("client_id=simulated", "client_id=unknown"),
        format!("{good}&state=twice"),
    ] {
        let page = get(&bad);
        assert_eq!((page.status, page.header("location")), (400, ""), "{bad}");
    }
    sim.configure(|options| options.allow_any_redirect_uri = true);
    assert_eq!(get(&good.replace("localhost%3A8080", "evil.example")).status, 302);
}

#[test]
fn what_comes_from_outside_is_escaped() {
    let sim = start(Options::default());
    sim.configure(|options| options.clients[0].scopes.clear());
    let page = get(&authorize_url(&sim, "&x=%22%3E%3Cscript%3E").replace("spark%3Akms", "%3Cscript%3E"));
    assert_eq!(page.status, 200);
    assert!(!page.text.contains("<script") && page.text.contains("&lt;script&gt;"));
}

#[test]
fn a_form_post_answer_is_a_page_that_posts() {
    let sim = start(Options::default());
    let page = get(&authorize_url(&sim, "&auto=accept&response_mode=form_post"));
    assert_eq!(page.status, 200);
    assert!(page.text.contains("method=post action=\"http://localhost:8080/oauth\""));
    assert!(page.text.contains("name=\"code\""));
    assert!(page.header("content-security-policy").contains("form-action http://localhost:8080"));
}

#[test]
fn the_issuer_is_named_on_request() {
    let sim = start(Options { send_issuer: true, ..Options::default() });
    let landed = sim.visit(&authorize_url(&sim, ""), Decision::Accept).unwrap();
    assert_eq!(param(&landed, "iss"), sim.base_url());
}

#[test]
fn the_idbroker_twin_asks_the_same() {
    let sim = start(Options::default());
    let url = authorize_url(&sim, "&auto=accept").replace("/v1/authorize", "/idb/oauth2/v1/authorize");
    assert!(get(&url).landed("code").contains("_PF84_"));
}
