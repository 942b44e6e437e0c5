//! The application as an HTTP client meets it: every outcome its page, users that never mix, nothing secret shown.

mod cookies;
mod kit;
mod nodes;
mod patience;
mod space;

use std::time::Duration;

use kit::{Browser, app, path_of, shows};
use serde_json::{Value, json};
use webex_oauth_async::webex_oauth::{ConfigParts, Provider, Scope};
use webex_oauth_integration::{App, Settings};
use webex_oauth_simulator::{CLIENT_ID, CLIENT_SECRET, Decision, Endpoint, Fault, FaultKind, Options, Simulator};

#[tokio::test]
async fn who_accepts_sees_the_own_name_and_picture() {
    let app = app().await;
    let browser = Browser::new(&app);
    shows(&browser.get("/").await, 200, "Sign in with Webex");
    let landed = browser.sign_in(app.simulator().unwrap(), "ada@example.com").await;
    assert_eq!((landed.status, landed.location.as_deref()), (303, Some("/")));
    let me = browser.get("/").await;
    assert!(me.text.contains("Ada Lovelace") && me.text.contains("spark:people_read"), "{}", me.text);
    assert!(me.text.contains("14 days"), "{}", me.text);
    // What ends the session is not what the page leads to; and how often it was renewed is said in words.
    assert!(me.text.contains("<button id=\"logout\">Sign out</button>"), "{}", me.text);
    assert!(me.text.contains("<dd id=\"renewed\">not yet</dd>"), "{}", me.text);
    let picture = browser.get("/picture").await;
    assert_eq!(picture.status, 200);
    assert!(picture.text.contains("<svg") && picture.policy.contains("sandbox"));
    // No token in any page: theirs have a part that nothing else has.
    assert!(!me.text.contains("_PF84_"));
}

#[tokio::test]
async fn every_way_a_login_can_end_has_its_page() {
    let app = app().await;
    let simulator = app.simulator().unwrap();
    let browser = Browser::new(&app);

    let url = browser.start("/login").await;
    let declined = simulator.visit(&url, Decision::Decline).unwrap();
    shows(&browser.land(path_of(&declined)).await, 403, "You declined");

    let url = browser.start("/login").await;
    let callback = simulator.visit(&url, Decision::Accept).unwrap();
    let state = callback.split("state=").nth(1).unwrap().split('&').next().unwrap().to_owned();
    for (answer, status, title) in [
        ("error=invalid_scope", 400, "The permissions do not fit"),
        ("error=server_error", 502, "Webex has a problem"),
        ("error=unauthorized_client", 400, "The sign-in failed"),
    ] {
        let url = browser.start("/login").await;
        let state = url.split("state=").nth(1).unwrap().split('&').next().unwrap();
        shows(&browser.land(&format!("/oauth?{answer}&state={state}")).await, status, title);
    }

    let url = browser.start("/login").await;
    shows(&browser.land(&format!("/oauth?code=c&state={state}")).await, 400, "This answer is not for you");
    shows(&browser.land("/oauth?code=c").await, 400, "This answer is not for you");
    let own = url.split("state=").nth(1).unwrap().split('&').next().unwrap();
    shows(&browser.land(&format!("/oauth?state={own}")).await, 400, "Nothing came back");
    shows(&browser.land(&format!("/oauth?code=1&code=2&state={own}")).await, 400, "This answer cannot be read");
    shows(&browser.get("/oauth").await, 400, "Nothing came back");
    // After all of these the login still waits.
    let callback = simulator.visit(&url, Decision::Accept).unwrap();
    assert_eq!(browser.get(path_of(&callback)).await.status, 303);

    let url = browser.start("/login").await;
    let callback = simulator.visit(&url, Decision::Accept).unwrap();
    simulator.fault(Fault::error(400, "invalid_grant").at(Endpoint::AccessToken));
    shows(&browser.land(path_of(&callback)).await, 502, "Webex did not complete the sign-in");
    // Who was signed in before still is.
    assert!(browser.get("/").await.text.contains("Ada Lovelace"));
    shows(&browser.get("/nowhere").await, 404, "There is nothing here");
}

#[tokio::test]
async fn a_second_callback_changes_nothing() {
    let app = app().await;
    let browser = Browser::new(&app);
    let url = browser.start("/login").await;
    let callback = app.simulator().unwrap().visit(&url, Decision::Accept).unwrap();
    assert_eq!(browser.get(path_of(&callback)).await.status, 303);
    shows(&browser.land(path_of(&callback)).await, 200, "Already done");
    assert!(!browser.get("/outcome").await.text.contains("card notice"), "nothing went wrong");
    assert!(browser.get("/").await.text.contains("Ada Lovelace"));
    assert_eq!(app.simulator().unwrap().counters().code_replays, 0);
}

#[tokio::test]
async fn a_callback_to_somebody_elses_session_is_refused() {
    let app = app().await;
    let simulator = app.simulator().unwrap();
    let (victim, attacker) = (Browser::new(&app), Browser::new(&app));
    let url = attacker.start("/login").await;
    let callback = simulator.visit_as("grace@example.com", &url, Decision::Accept).unwrap();
    shows(&victim.land(path_of(&callback)).await, 400, "No sign-in is under way here");
    victim.start("/login").await;
    shows(&victim.land(path_of(&callback)).await, 400, "This answer is not for you");
    victim.sign_in(simulator, "ada@example.com").await;
    shows(&victim.land(path_of(&callback)).await, 200, "Already done");
    assert!(victim.get("/").await.text.contains("Ada Lovelace"));
}

#[tokio::test]
async fn a_cookie_that_we_did_not_sign_is_no_cookie() {
    let app = app().await;
    let browser = Browser::new(&app);
    browser.sign_in(app.simulator().unwrap(), "ada@example.com").await;
    let stranger = Browser::new(&app);
    for cookie in ["session=0123456789abcdef0123456789abcdef", "session=../../etc/passwd", "session="] {
        let request = stranger.http.get(format!("{}/", app.url())).header("cookie", cookie);
        shows(&stranger.send(request).await, 200, "Sign in with Webex");
    }
}

#[tokio::test]
async fn many_users_at_once_see_themselves_only() {
    let app = app().await;
    let simulator = app.simulator().unwrap();
    let people = [("ada@", "Ada Lovelace"), ("grace@", "Grace Hopper"), ("alan@", "Alan Turing")];
    let mut browsers = Vec::new();
    for number in 0..30 {
        let (login, name) = people[number % people.len()];
        let browser = Browser::new(&app);
        let url = browser.start("/login").await;
        browsers.push((browser, url, format!("{login}example.com"), name));
    }
    // Those who began last come back first.
    for (browser, url, person, _) in browsers.iter().rev() {
        let callback = simulator.visit_as(person, url, Decision::Accept).unwrap();
        assert_eq!(browser.get(path_of(&callback)).await.status, 303);
    }
    let visits = browsers.iter().map(|(browser, _, _, name)| async move {
        for _ in 0..3 {
            assert!(browser.get("/").await.text.contains(name));
        }
    });
    futures_util::future::join_all(visits).await;
}

#[tokio::test]
async fn signing_out_ends_the_session_here_and_at_webex() {
    let app = app().await;
    let simulator = app.simulator().unwrap();
    let browser = Browser::new(&app);
    browser.sign_in(simulator, "ada@example.com").await;
    assert_eq!(simulator.live_tokens().len(), 2);
    assert_eq!(browser.post("/logout", "").await.location.as_deref(), Some("/"));
    shows(&browser.get("/").await, 200, "Sign in with Webex");
    for _ in 0..100 {
        if simulator.live_tokens().is_empty() && app.users() == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{} tokens and {} users are left", simulator.live_tokens().len(), app.users());
}

#[tokio::test]
async fn another_site_cannot_post_here() {
    let app = app().await;
    let browser = Browser::new(&app);
    browser.sign_in(app.simulator().unwrap(), "ada@example.com").await;
    for path in ["/logout", "/refresh", "/oauth/refresh"] {
        for (header, value) in
            [("origin", "https://evil.example"), ("origin", "null"), ("sec-fetch-site", "cross-site")]
        {
            let request = browser.http.post(format!("{}{path}", app.url())).header(header, value);
            shows(&browser.send(request).await, 403, "Not from here");
        }
    }
    assert!(browser.get("/").await.text.contains("Ada Lovelace"));
}

#[tokio::test]
async fn a_front_end_gets_tokens_by_fragment_and_renews_them() {
    let app = app().await;
    let simulator = app.simulator().unwrap();
    let browser = Browser::new(&app);
    let url = browser.start("/login?to=front").await;
    let callback = simulator.visit(&url, Decision::Accept).unwrap();
    let handed = browser.get(path_of(&callback)).await.location.unwrap();
    assert!(handed.starts_with("/front#access_token=") && !handed.contains("refresh_token="), "{handed}");

    let renewed: Value = serde_json::from_str(&browser.post("/oauth/refresh", "{}").await.text).unwrap();
    assert!(renewed["access_token"].is_string() && renewed.get("refresh_token").is_none(), "{renewed}");
    let token = renewed["access_token"].as_str().unwrap();
    let me = browser.http.get(format!("{}/front/me", app.url())).bearer_auth(token);
    assert_eq!(browser.send(me).await.text, r#"{"displayName":"Ada Lovelace"}"#);

    // A front end that keeps its own refresh token.
    let issued = simulator.issue(CLIENT_ID, "spark:all").unwrap();
    let stranger = Browser::new(&app);
    let body = json!({ "refresh_token": issued.refresh_token }).to_string();
    let renewed: Value = serde_json::from_str(&stranger.post("/oauth/refresh", &body).await.text).unwrap();
    assert!(renewed["access_token"].is_string() && renewed["refresh_token"].is_string());

    for (body, status) in [
        ("{}", 401),
        ("", 400),
        ("[]", 400),
        (r#"{"refresh_token": 7}"#, 400),
        (r#"{"refresh_token": "no such token"}"#, 401),
        (r#"{"refresh_token": ""}"#, 400),
    ] {
        assert_eq!(stranger.post("/oauth/refresh", body).await.status, status, "{body}");
    }
}

#[tokio::test]
async fn the_implicit_flow_ends_in_a_session_that_cannot_be_renewed() {
    let app = app().await;
    let browser = Browser::new(&app);
    let url = browser.start("/login?flow=implicit").await;
    let callback = app.simulator().unwrap().visit(&url, Decision::Accept).unwrap();
    let fragment = callback.split_once('#').unwrap().1;
    let answer = browser.post("/oauth", fragment).await;
    assert_eq!((answer.status, answer.text.as_str()), (200, r#"{"next":"/"}"#));
    let me = browser.get("/").await.text;
    assert!(me.contains("Ada Lovelace") && me.contains("not possible"), "{me}");
    // What nothing renews and Webex no longer takes leads to the sign-in, and out.
    app.simulator().unwrap().expire_access_tokens();
    let page = browser.get("/").await;
    shows(&page, 401, "Please sign in again");
    assert!(page.text.contains("href=\"/login\"") && page.text.contains("action=\"/logout\""), "{}", page.text);
}

#[tokio::test]
async fn trouble_at_webex_is_a_page_and_the_session_stays() {
    let app = app().await;
    let simulator = app.simulator().unwrap();
    let browser = Browser::new(&app);
    browser.sign_in(simulator, "ada@example.com").await;
    simulator.fault(Fault::status(500).at(Endpoint::PeopleMe));
    shows(&browser.get("/").await, 502, "Webex does not answer");
    simulator.fault(Fault::retry_after(429, "3600").at(Endpoint::PeopleMe));
    shows(&browser.get("/").await, 503, "Webex asks us to wait");
    simulator.set_down(true);
    shows(&browser.get("/").await, 502, "Webex does not answer");
    let page = browser.post("/refresh", "").await;
    shows(&page, 502, "Webex does not answer");
    assert!(page.text.contains("still signed in") && page.text.contains("action=\"/logout\""), "{}", page.text);
    simulator.set_down(false);
    assert!(browser.get("/").await.text.contains("Ada Lovelace"));
}

/// HTML lets through what turns the direction of a text, and what nobody sees.
#[tokio::test]
async fn a_name_does_not_turn_the_page_around() {
    let app = app().await;
    let browser = Browser::new(&app);
    browser.sign_in(app.simulator().unwrap(), "ada@example.com").await;
    let person = json!({ "displayName": "Ada \u{202e}Love\u{200b}lace\u{7}", "emails": ["ada\u{2066}@example.com"] });
    let set = person.as_object().unwrap().clone();
    app.simulator().unwrap().fault(Fault::new(FaultKind::Rewrite { set, remove: Vec::new() }).at(Endpoint::PeopleMe));
    let page = browser.get("/").await.text;
    assert!(page.contains("Ada Lovelace") && page.contains("ada@example.com"), "{page}");
    assert!(!page.contains(['\u{202e}', '\u{200b}', '\u{7}', '\u{2066}']), "{page}");
}

#[tokio::test]
async fn who_is_revoked_is_asked_to_sign_in_again() {
    let app = app().await;
    let simulator = app.simulator().unwrap();
    let browser = Browser::new(&app);
    browser.sign_in(simulator, "ada@example.com").await;
    simulator.revoke_all();
    shows(&browser.get("/").await, 401, "Please sign in again");
    shows(&browser.get("/").await, 200, "Sign in with Webex");
}

#[tokio::test]
async fn a_refused_token_is_renewed_without_anybody_noticing() {
    let app = app().await;
    let simulator = app.simulator().unwrap();
    let browser = Browser::new(&app);
    browser.sign_in(simulator, "ada@example.com").await;
    simulator.expire_access_tokens();
    assert!(browser.get("/").await.text.contains("Ada Lovelace"));
    assert_eq!(simulator.counters().refreshes_succeeded, 1);
}

#[tokio::test]
async fn an_occupied_port_is_one_plain_sentence() {
    let first = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = first.local_addr().unwrap().port();
    let simulated = App::start(Settings { port, ..Settings::simulated() }).await.unwrap();
    assert!(simulated.welcome()[0].starts_with(&format!("Port {port} is occupied")));

    let mut settings = Settings { port, ..Settings::simulated() };
    let mut parts = ConfigParts::new(Provider::webex(), "C1");
    parts.client_secret = Some("s3cret".into());
    settings.client = Some(parts);
    let problem = App::start(settings).await.err().unwrap().to_string();
    assert!(problem.contains("occupied") && problem.contains("PORT"), "{problem}");
}

#[tokio::test]
async fn sessions_and_logins_under_way_survive_a_restart() {
    let simulator = Simulator::start(Options::default()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let settings = || {
        let mut parts = ConfigParts::new(Provider::webex_at(simulator.base_url()), CLIENT_ID);
        parts.client_secret = Some(CLIENT_SECRET.into());
        parts.scope = Scope::parse("spark:people_read");
        let sessions = Some(folder.path().to_owned());
        Settings { port, client: Some(parts), sessions, ..Settings::simulated() }
    };
    let first = App::start(settings()).await.unwrap();
    let (here, on_the_way) = (Browser::new(&first), Browser::new(&first));
    here.sign_in(&simulator, "ada@example.com").await;
    let url = on_the_way.start("/login").await;
    first.stop().await;
    let second = loop {
        // The port is free again as soon as the last connection is gone.
        match App::start(settings()).await {
            Ok(app) => break app,
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    };
    assert!(here.get("/").await.text.contains("Ada Lovelace"));
    let callback = simulator.visit_as("grace@example.com", &url, Decision::Accept).unwrap();
    assert_eq!(on_the_way.get(path_of(&callback)).await.status, 303);
    assert!(on_the_way.get("/").await.text.contains("Grace Hopper"));
    // A folder that fails in the middle: signed in users go on, nothing is lost.
    std::fs::remove_dir_all(folder.path()).unwrap();
    std::fs::write(folder.path(), "no folder").unwrap();
    simulator.expire_access_tokens();
    assert!(here.get("/").await.text.contains("Ada Lovelace"));
    let page = Browser::new(&second).get("/login").await;
    assert!(page.status == 303 || page.text.contains("Sessions cannot be kept"), "{}", page.text);
    std::fs::remove_file(folder.path()).unwrap();
    second.stop().await;
}

#[tokio::test]
async fn the_state_of_the_environment_goes_along_and_comes_back() {
    let app = App::start(Settings { state: Some("CiscoDevNet".to_owned()), ..Settings::simulated() }).await.unwrap();
    let browser = Browser::new(&app);
    let url = browser.start("/login").await;
    let state = url.split("state=").nth(1).unwrap().split('&').next().unwrap();
    let caller = webex_oauth_async::webex_oauth::protocol::state_param::caller_part(state);
    assert_eq!(caller.as_deref(), Some(r#"{"state":"CiscoDevNet"}"#));
}

#[tokio::test]
async fn who_declines_while_signed_in_reads_as_whom() {
    let app = app().await;
    let browser = Browser::new(&app);
    browser.sign_in(app.simulator().unwrap(), "grace@example.com").await;
    let url = browser.start("/login").await;
    let declined = app.simulator().unwrap().visit(&url, Decision::Decline).unwrap();
    let page = browser.land(path_of(&declined)).await;
    shows(&page, 403, "You declined");
    assert!(page.text.contains("You are still signed in as Grace Hopper"), "{}", page.text);
    assert!(browser.get("/").await.text.contains("Grace Hopper"));
}

#[tokio::test]
async fn neither_code_nor_state_stays_in_the_address() {
    let app = app().await;
    let browser = Browser::new(&app);
    browser.start("/login").await;
    let page = browser.get("/oauth?error=access_denied&error_description=x&state=wrong").await;
    assert_eq!((page.status, page.location.as_deref()), (303, Some("/outcome")));
    shows(&browser.get("/outcome").await, 400, "This answer is not for you");
    // Who never had a login has no outcome.
    let stranger = Browser::new(&app);
    assert_eq!(stranger.get("/outcome").await.location.as_deref(), Some("/"));
}

#[tokio::test]
async fn every_other_method_and_path_has_a_kind_page() {
    let app = app().await;
    let browser = Browser::new(&app);
    for (method, path, allow) in [
        ("GET", "/logout", "POST"),
        ("GET", "/refresh", "POST"),
        ("GET", "/oauth/refresh", "POST"),
        ("GET", "/space/token", "POST"),
        ("PUT", "/", "GET,HEAD"),
        ("DELETE", "/oauth", "GET,HEAD,POST"),
        ("PATCH", "/style.css", "GET,HEAD"),
        ("BREW", "/login", "GET,HEAD"),
    ] {
        let request = browser.http.request(method.parse().unwrap(), format!("{}{path}", app.url()));
        let page = browser.send(request).await;
        shows(&page, 405, "Not like this");
        assert_eq!(page.allow, allow, "{method} {path}");
    }
    for path in ["/nowhere", "/oauth/", "/%ff", "/login/../x", "/space/x?y=%"] {
        shows(&browser.get(path).await, 404, "There is nothing here");
    }
    assert_eq!(browser.get("/login?to=%ff&to=x&=").await.status, 303);
    let long = "x".repeat(100_000);
    shows(&browser.post("/oauth", &long).await, 413, "That is too much");
}
