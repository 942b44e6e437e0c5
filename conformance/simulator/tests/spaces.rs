//! Spaces, their members and messages; the service catalog; the page about the simulator.

mod common;

use common::*;
use serde_json::{Value, json};
use webex_oauth_simulator::*;

fn send(sim: &Simulator, path: &str, token: &str, body: &Value) -> Got {
    let request = agent().post(sim.url(path)).header("authorization", format!("Bearer {token}"));
    read(request.send(body.to_string())).unwrap()
}

fn token(sim: &Simulator, scope: &str) -> String {
    sim.issue(CLIENT_ID, scope).unwrap().access_token
}

#[test]
fn a_bot_adds_a_person_once_and_a_second_time_is_a_conflict() {
    let sim = start(Options::default());
    let ada = token(&sim, "spark:all");
    let room = format!("/v1/rooms/{SPACE_ID}");
    assert_eq!(call(&sim, &room, &ada).status, 404);
    let wanted = json!({"roomId": SPACE_ID, "personEmail": "ada@example.com"});
    let added = send(&sim, "/v1/memberships", BOT_TOKEN, &wanted);
    assert_eq!((added.status, &added.json()["personId"]), (200, &json!("person-ada")));
    let again = send(&sim, "/v1/memberships", BOT_TOKEN, &wanted);
    assert_eq!((again.status, text(&again.json(), "message")), (409, "conflict"));
    assert_eq!(call(&sim, &room, &ada).json()["title"], "Simulated Space");
    let members = call(&sim, &format!("/v1/memberships?roomId={SPACE_ID}"), &ada).json();
    let names: Vec<_> = members["items"].as_array().unwrap().iter().map(|item| text(item, "personId")).collect();
    assert_eq!(names, ["bot-simulated", "person-grace", "person-ada"]);
    sim.reset();
    assert_eq!(send(&sim, "/v1/memberships", BOT_TOKEN, &wanted).status, 200);
}

#[test]
fn members_talk_and_others_do_not_hear_them() {
    let sim = start(Options::default());
    let ada = token(&sim, "spark:all");
    let path = format!("/v1/messages?roomId={SPACE_ID}");
    assert_eq!(call(&sim, &path, &ada).status, 404);
    assert_eq!(send(&sim, "/v1/messages", &ada, &json!({"roomId": SPACE_ID, "text": "?"})).status, 404);
    send(&sim, "/v1/memberships", BOT_TOKEN, &json!({"roomId": SPACE_ID, "personId": "person-ada"}));
    for said in ["one", "two"] {
        let got = send(&sim, "/v1/messages", &ada, &json!({"roomId": SPACE_ID, "text": said}));
        assert_eq!((got.status, &got.json()["personEmail"]), (200, &json!("ada@example.com")));
    }
    let heard = call(&sim, &path, &ada).json();
    let texts: Vec<_> = heard["items"].as_array().unwrap().iter().map(|item| text(item, "text")).collect();
    assert_eq!(texts, ["two", "one"]);
    assert_eq!(call(&sim, &format!("{path}&max=1"), BOT_TOKEN).json()["items"].as_array().unwrap().len(), 1);
    for (body, status) in [(json!({"roomId": SPACE_ID}), 400), (json!({"text": "x"}), 400), (json!("x"), 400)] {
        assert_eq!(send(&sim, "/v1/messages", &ada, &body).status, status);
    }
    let long = json!({"roomId": SPACE_ID, "text": "x".repeat(7_440)});
    assert_eq!(send(&sim, "/v1/messages", &ada, &long).status, 400);
}

#[test]
fn a_space_needs_its_scope_and_a_good_token() {
    let sim = start(Options::default());
    let narrow = token(&sim, "spark:people_read");
    let refused = call(&sim, "/v1/rooms", &narrow);
    assert_eq!(refused.status, 403);
    assert!(text(&refused.json()["errors"][0], "description").contains("spark:rooms_read"));
    assert_eq!(call(&sim, "/v1/rooms", &token(&sim, "spark:rooms_read")).json(), json!({"items": []}));
    assert_eq!(call(&sim, "/v1/rooms", "unknown").status, 401);
    sim.fault(Fault::status(401).at(Endpoint::Messages));
    assert_eq!(call(&sim, &format!("/v1/messages?roomId={SPACE_ID}"), BOT_TOKEN).status, 401);
    assert_eq!(call(&sim, "/v1/people/me", BOT_TOKEN).json()["type"], "bot");
}

#[test]
fn the_catalog_names_hosts_and_urls_by_service() {
    let sim = start(Options::default());
    let full = "/u2c/api/v1/catalog?format=hostmap";
    assert_eq!(get(&sim.url(full)).status, 401);
    let catalog = call(&sim, full, &token(&sim, "spark:all")).json();
    assert_eq!(catalog["format"], "hostmap");
    assert_eq!(catalog["serviceLinks"]["hydra"], sim.url("/v1"));
    assert_eq!(catalog["serviceLinks"]["idbroker"], sim.base_url());
    assert_eq!(catalog["hostCatalog"]["127.0.0.1"][0]["host"], "127.0.0.1");
    assert!(catalog["serviceLinks"].get("conversation").is_some());
    let limited = get(&sim.url("/u2c/api/v1/limited/catalog?format=hostmap&emailhash=00")).json();
    assert_eq!(limited["serviceLinks"]["u2c"], sim.url("/u2c/api/v1"));
    assert!(limited["serviceLinks"].get("conversation").is_none());
    assert_eq!(get(&sim.url("/u2c/api/v1/limited/catalog")).status, 400);
    sim.fault(Fault::new(FaultKind::Body { raw: "<html>".into() }).at(Endpoint::Catalog));
    assert_eq!(get(&sim.url("/u2c/api/v1/limited/catalog?format=hostmap")).text, "<html>");
}

#[test]
fn the_first_page_shows_what_there_is_and_no_secret_of_what_was_seen() {
    let sim = start(Options { rotate: true, ..Options::default() });
    let tokens = sign_in(&sim);
    sim.fault(Fault::hold().at(Endpoint::Echo));
    let page = get(&sim.url("/"));
    assert_eq!((page.status, page.header("content-type")), (200, "text/html; charset=utf-8"));
    for wanted in
        ["ada@example.com", CLIENT_ID, "/verify", "&quot;hold&quot;", "/v1/access_token", "authorization_code"]
    {
        assert!(page.text.contains(wanted), "{wanted}: {}", page.text);
    }
    for name in ["access_token", "refresh_token"] {
        assert!(!page.text.contains(text(&tokens, name)));
    }
    assert_eq!(sim.log().len(), 1, "the page itself is not what was seen");
    let rebound = agent().get(sim.url("/")).header("host", "evil.example").call();
    assert_eq!(read(rebound).unwrap().status, 403);
    sim.set_down(true);
    assert!(get(&sim.url("/")).text.contains("It is down"));
}

#[test]
fn the_links_of_the_first_page_lead_somewhere() {
    let sim = start(Options::default());
    let page = get(&sim.url("/")).text;
    let links: Vec<_> = page.split("href=\"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    assert!(links.len() > 10);
    for link in links {
        assert_eq!(get(&sim.url(&link.replace("&amp;", "&"))).status, 200, "{link}");
    }
}

#[test]
fn variables_name_what_works() {
    let sim = start(Options::default());
    let variables = sim.variables();
    let value = |name: &str| variables.iter().find(|(known, _)| *known == name).unwrap().1.clone();
    let redirect = value("WEBEX_REDIRECT_URI");
    let (id, secret, scope) = (value("WEBEX_CLIENT_ID"), value("WEBEX_CLIENT_SECRET"), value("WEBEX_SCOPE"));
    let url = format!(
        "{}/v1/authorize?response_type=code&client_id={id}&redirect_uri={}&scope={}&state=s",
        value("WEBEX_SERVER"),
        encode(&redirect),
        encode(&scope),
    );
    let code = param(&sim.visit(&url, Decision::Accept).unwrap(), "code");
    let form = [
        ("grant_type", "authorization_code"),
        ("code", &code),
        ("redirect_uri", &redirect),
        ("client_id", &id),
        ("client_secret", &secret),
    ];
    assert_eq!(post(&sim.url("/v1/access_token"), &form).status, 200);
    assert_eq!(
        (value("WEBEX_GUEST_ISSUER"), value("WEBEX_GUEST_ISSUER_SECRET")),
        (GUEST_ISSUER_ID.into(), GUEST_ISSUER_SECRET.into())
    );
    let messages = format!("/v1/messages?roomId={}", value("SPACE_ID"));
    assert_eq!(call(&sim, &messages, &value("BOT_TOKEN")).status, 200);
}

#[test]
fn tracking_ids_are_those_of_webex_routers() {
    let sim = start(Options::default());
    let got = get(&sim.url("/v1/people/me"));
    let id = got.header("trackingid").strip_prefix("ROUTER_").unwrap();
    assert!(id.split('-').map(str::len).eq([8, 4, 4, 4, 12]), "{id}");
    assert!(id.bytes().all(|byte| byte == b'-' || byte.is_ascii_digit() || (b'A'..=b'F').contains(&byte)), "{id}");
    assert_eq!(text(&got.json(), "trackingId"), got.header("trackingid"));
}
