//! What cookies hold, and what they cannot be made to do.

use std::path::Path;

use webex_oauth_async::webex_oauth::{ConfigParts, Provider, Scope};
use webex_oauth_integration::{App, Settings};
use webex_oauth_simulator::{CLIENT_ID, CLIENT_SECRET, Decision, Options, Simulator};
use webex_oauth_stores::{Records as _, Scan, Sqlite};

use crate::kit::{Browser, app, path_of, shows};

/// `name=value` of a cookie that was set.
fn pair(cookies: &[String], name: &str) -> String {
    let found = cookies.iter().find(|cookie| cookie.starts_with(&format!("{name}=")));
    found.unwrap_or_else(|| panic!("no {name} in {cookies:?}")).split(';').next().unwrap().to_owned()
}

#[tokio::test]
async fn the_login_of_an_attacker_does_not_become_a_session_that_the_attacker_knows() {
    let app = app().await;
    let simulator = app.simulator().unwrap();
    // The attacker begins a login, and plants its cookie in the browser of the victim, who completes it.
    let attacker = Browser::new(&app);
    let begun = attacker.get("/login").await;
    let planted = pair(&begun.cookies, "login");
    let callback = simulator.visit_as("ada@example.com", &begun.location.unwrap(), Decision::Accept).unwrap();
    let victim = Browser::new(&app);
    let request = victim.http.get(format!("{}{}", app.url(), path_of(&callback))).header("cookie", &planted);
    let landed = victim.send(request).await;
    assert_eq!(landed.location.as_deref(), Some("/"));
    let session = pair(&landed.cookies, "session");
    // The attacker still has the login, under either name, and even the state: none of it opens the session.
    let known = planted.split_once('=').unwrap().1;
    assert_ne!(session.split_once('=').unwrap().1, known);
    for cookie in [format!("session={known}"), format!("login={known}"), format!("session={known}; login={known}")] {
        let request = attacker.http.get(format!("{}/", app.url())).header("cookie", cookie);
        shows(&attacker.send(request).await, 200, "Sign in with Webex");
    }
    let state = callback.split("state=").nth(1).unwrap().split('&').next().unwrap();
    let replay = attacker.land(&format!("/oauth?code=guessed&state={state}")).await;
    shows(&replay, 400, "No sign-in is under way here");
    assert_eq!(simulator.counters().code_replays, 0);
}

#[tokio::test]
async fn a_session_does_not_pass_for_another_cookie() {
    let app = app().await;
    let browser = Browser::new(&app);
    let landed = browser.sign_in(app.simulator().unwrap(), "ada@example.com").await;
    let value = pair(&landed.cookies, "session").split_once('=').unwrap().1.to_owned();
    let stranger = Browser::new(&app);
    for name in ["login", "outcome", "__Host-session"] {
        let request = stranger.http.get(format!("{}/", app.url())).header("cookie", format!("{name}={value}"));
        shows(&stranger.send(request).await, 200, "Sign in with Webex");
    }
}

#[tokio::test]
async fn the_same_callback_twice_at_once_is_used_once_and_leads_to_one_session() {
    let app = app().await;
    let simulator = app.simulator().unwrap();
    let browser = Browser::new(&app);
    let begun = browser.get("/login").await;
    let login = pair(&begun.cookies, "login");
    let callback = simulator.visit(&begun.location.unwrap(), Decision::Accept).unwrap();
    let twice = [0, 1].map(|_| {
        let tab = Browser::new(&app);
        let request = tab.http.get(format!("{}{}", app.url(), path_of(&callback))).header("cookie", &login);
        async move { tab.send(request).await.location }
    });
    let both = futures_util::future::join_all(twice).await;
    assert_eq!(both, [Some("/".to_owned()), Some("/".to_owned())]);
    assert_eq!((simulator.counters().code_replays, app.users()), (0, 1));
}

#[tokio::test]
async fn with_https_cookies_are_of_this_host_alone() {
    for (redirect, prefix) in [("https://app.example/oauth", "__Host-"), ("http://localhost:9/oauth", "")] {
        let mut parts = ConfigParts::new(Provider::webex(), CLIENT_ID);
        parts.client_secret = Some(CLIENT_SECRET.into());
        parts.redirect_uri = Some(redirect.to_owned());
        let app = App::start(Settings { client: Some(parts), ..Settings::simulated() }).await.unwrap();
        let cookies = Browser::new(&app).get("/login").await.cookies;
        let login = &cookies[0];
        assert!(login.starts_with(&format!("{prefix}login=")), "{login}");
        assert_eq!(login.contains("; Secure"), !prefix.is_empty(), "{login}");
        assert!(login.contains("; Path=/;") && login.contains("; HttpOnly") && !login.contains("Domain"), "{login}");
        assert!(login.len() < 4096, "{} bytes", login.len());
    }
}

/// How many sessions and logins are in the store.
fn rows(folder: &Path) -> usize {
    let store = Sqlite::open(folder.join("sessions.db")).unwrap();
    store.scan(&Scan { after: None, most: 100_000, but_sealed_with: None }).unwrap().rows.len()
}

fn settings(simulator: &Simulator, folder: &Path) -> Settings {
    let mut parts = ConfigParts::new(Provider::webex_at(simulator.base_url()), CLIENT_ID);
    parts.client_secret = Some(CLIENT_SECRET.into());
    Settings {
        client: Some(parts),
        sessions: Some(folder.to_owned()),
        scope: Some(Scope::parse("spark:people_read")),
        ..Settings::simulated()
    }
}

#[tokio::test]
async fn visitors_who_never_sign_in_leave_nothing() {
    let simulator = Simulator::start(Options::default()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let app = App::start(settings(&simulator, folder.path())).await.unwrap();
    let visitor = Browser::new(&app);
    let mut cookies = Vec::new();
    for _ in 0..2_000 {
        let page = visitor.get("/login").await;
        assert_eq!(page.status, 303);
        cookies.push(pair(&page.cookies, "login"));
    }
    // Replayed, as logins and as sessions.
    for cookie in &cookies {
        let value = cookie.split_once('=').unwrap().1;
        let request =
            visitor.http.get(format!("{}/", app.url())).header("cookie", format!("{cookie}; session={value}"));
        assert_eq!(visitor.send(request).await.status, 200);
    }
    // Nor do callbacks that bring nothing to redeem.
    for wrong in ["error=access_denied&state=OWN", "code=c&state=x", "state=OWN", "code=1&code=2&state=OWN"] {
        let url = visitor.start("/login").await;
        let own = url.split("state=").nth(1).unwrap().split('&').next().unwrap();
        assert!(visitor.land(&format!("/oauth?{}", wrong.replace("OWN", own))).await.status >= 400);
    }
    assert_eq!((rows(folder.path()), app.users()), (0, 0));
}

#[tokio::test]
async fn a_session_leaves_the_store_with_its_user() {
    let simulator = Simulator::start(Options::default()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let app = App::start(settings(&simulator, folder.path())).await.unwrap();
    let browser = Browser::new(&app);
    browser.sign_in(&simulator, "ada@example.com").await;
    assert_eq!(rows(folder.path()), 1, "of the login nothing is left");
    browser.post("/logout", "").await;
    for _ in 0..200 {
        if rows(folder.path()) == 0 {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("{} are left", rows(folder.path()));
}
