//! What cookies hold, and what they cannot be made to do.

use std::path::Path;

use webex_oauth_async::webex_oauth::{ConfigParts, Provider, Scope};
use webex_oauth_integration::{App, Settings};
use webex_oauth_simulator::{CLIENT_ID, CLIENT_SECRET, Decision, Options, Simulator};

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

fn files(folder: &Path) -> usize {
    std::fs::read_dir(folder).unwrap().count()
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
    let before = files(folder.path());
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
    assert_eq!((files(folder.path()), app.users()), (before, 0));
    assert_eq!(before, 1, "the key of the cookies");
}

#[tokio::test]
async fn a_session_leaves_its_folder_with_its_user_and_old_ones_are_swept_at_the_start() {
    let simulator = Simulator::start(Options::default()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let old = folder.path().join(format!("{}.json", "a".repeat(32)));
    let (others, young) = (folder.path().join("notes.txt"), folder.path().join(format!("{}.json", "b".repeat(32))));
    let long_ago = std::time::SystemTime::now() - std::time::Duration::from_secs(100 * 24 * 3600);
    for (path, at) in [(&old, Some(long_ago)), (&others, Some(long_ago)), (&young, None)] {
        let file = std::fs::File::create(path).unwrap();
        if let Some(at) = at {
            file.set_modified(at).unwrap();
        }
    }
    let app = App::start(settings(&simulator, folder.path())).await.unwrap();
    let browser = Browser::new(&app);
    browser.sign_in(&simulator, "ada@example.com").await;
    assert_eq!((old.exists(), others.exists(), young.exists()), (false, true, true));
    let with_a_session = files(folder.path());
    browser.post("/logout", "").await;
    for _ in 0..200 {
        if app.users() == 0 && files(folder.path()) < with_a_session {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("{} files are left of {with_a_session}", files(folder.path()));
}
