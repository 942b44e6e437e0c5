//! The application in a real browser, without its window. Needs chromium and chromedriver: scripts/stages/55-browser.
//! What a person sees is kept in target/screenshots.

mod kit;

use kit::{Browser, Screen, start, with_space};
use webex_oauth_simulator::{Endpoint, Fault};

#[tokio::test]
#[ignore = "scripts/stages/55-browser"]
async fn start_accept_refresh_and_sign_out() {
    let app = start().await;
    let browser = Browser::open(&app, Screen::Desktop).await;
    browser.goto("/").await;
    browser.shot("home").await;
    browser.click("#start").await;
    browser.waits_for("#accept").await;
    browser.shot("consent").await;
    browser.click("#accept").await;
    browser.reads("#name", "Ada Lovelace").await;
    assert_eq!(browser.path().await, "/", "neither code nor state is left in the address");
    browser.counts("document.querySelector('.picture').naturalWidth").await;
    browser.shot("signed-in").await;
    browser.reads("#renewed", "not yet").await;
    browser.click("#refresh").await;
    browser.reads("#renewed", "once").await;
    assert_eq!(app.simulator().unwrap().counters().refreshes_succeeded, 1);
    browser.click("#logout").await;
    browser.reads("h1", "Sign in with Webex").await;
    browser.goto("/").await;
    browser.reads("h1", "Sign in with Webex").await;
    browser.close().await;
}

#[tokio::test]
#[ignore = "scripts/stages/55-browser"]
async fn who_declines_may_change_the_mind() {
    let app = start().await;
    let browser = Browser::open(&app, Screen::Desktop).await;
    browser.goto("/").await;
    browser.click("#start").await;
    browser.click("#decline").await;
    browser.reads("h1", "You declined").await;
    assert_eq!(browser.path().await, "/outcome", "neither code nor state is left in the address");
    browser.shot("declined").await;
    browser.click("#again").await;
    browser.click("#accept").await;
    browser.reads("#name", "Ada Lovelace").await;
    browser.goto("/login").await;
    browser.click("#decline").await;
    browser.reads("h1", "You declined").await;
    browser.shot("declined-signed-in").await;
    assert!(browser.source().await.contains("still signed in as Ada Lovelace"));
    browser.goto("/oauth?code=1&state=2").await;
    browser.reads("h1", "Already done").await;
    browser.shot("already-done").await;
    browser.goto("/logout").await;
    browser.reads("h1", "Not like this").await;
    browser.shot("wrong-method").await;
    browser.close().await;
}

#[tokio::test]
#[ignore = "scripts/stages/55-browser"]
async fn a_tampered_state_is_refused_and_the_right_one_still_works() {
    let app = start().await;
    let browser = Browser::open(&app, Screen::Desktop).await;
    browser.goto("/").await;
    browser.click("#start").await;
    browser.waits_for("#accept").await;
    let right = browser.url().await;
    let at = right.find("state=").unwrap() + "state=".len();
    browser.visit(&format!("{}AAAA{}", &right[..at], &right[at + 4..])).await;
    browser.click("#accept").await;
    browser.reads("h1", "This answer is not for you").await;
    browser.shot("wrong-state").await;
    browser.goto("/").await;
    browser.reads("h1", "Sign in with Webex").await;
    browser.visit(&right).await;
    browser.click("#accept").await;
    browser.reads("#name", "Ada Lovelace").await;
    browser.close().await;
}

#[tokio::test]
#[ignore = "scripts/stages/55-browser"]
async fn the_back_button_does_no_harm() {
    let app = start().await;
    let browser = Browser::open(&app, Screen::Desktop).await;
    browser.goto("/").await;
    browser.click("#start").await;
    browser.click("#accept").await;
    browser.reads("#name", "Ada Lovelace").await;
    browser.back().await;
    // That page was used up, or it is shown anew: accepting again must not sign anybody in a second time.
    if browser.has("#accept").await {
        browser.click("#accept").await;
    }
    browser.reads_one_of("h1", &["Already done", "Too late", "Ada Lovelace"]).await;
    browser.shot("back-button").await;
    assert_eq!(app.simulator().unwrap().counters().code_replays, 0);
    browser.goto("/").await;
    browser.reads("#name", "Ada Lovelace").await;
    browser.click("#logout").await;
    browser.reads("h1", "Sign in with Webex").await;
    browser.back().await;
    assert!(!browser.source().await.contains("Ada Lovelace"), "nobody reads over the shoulder of the last user");
    browser.close().await;
}

#[tokio::test]
#[ignore = "scripts/stages/55-browser"]
async fn two_people_in_two_profiles_do_not_meet() {
    let app = start().await;
    let ada = Browser::open(&app, Screen::Desktop).await;
    let grace = Browser::open(&app, Screen::Desktop).await;
    for browser in [&ada, &grace] {
        browser.goto("/").await;
        browser.click("#start").await;
    }
    grace.choose("Grace Hopper").await;
    grace.click("#accept").await;
    ada.click("#accept").await;
    ada.reads("#name", "Ada Lovelace").await;
    grace.reads("#name", "Grace Hopper").await;
    ada.click("#refresh").await;
    ada.reads("#renewed", "once").await;
    grace.goto("/").await;
    grace.reads("#name", "Grace Hopper").await;
    grace.reads("#renewed", "not yet").await;
    ada.click("#logout").await;
    ada.reads("h1", "Sign in with Webex").await;
    grace.goto("/").await;
    grace.reads("#name", "Grace Hopper").await;
    ada.goto("/").await;
    ada.reads("h1", "Sign in with Webex").await;
    ada.close().await;
    grace.close().await;
}

#[tokio::test]
#[ignore = "scripts/stages/55-browser"]
async fn a_front_end_takes_over_and_renews() {
    let app = start().await;
    let browser = Browser::open(&app, Screen::Desktop).await;
    browser.goto("/").await;
    browser.click("#start-front").await;
    browser.click("#accept").await;
    browser.reads("#front-status", "The session was handed over.").await;
    browser.reads("#front-name", "Ada Lovelace").await;
    assert_eq!(browser.path().await, "/front", "the token is out of the address");
    browser.shot("front-end").await;
    browser.click("#front-refresh").await;
    browser.reads("#front-status", "The token was renewed.").await;
    assert_eq!(app.simulator().unwrap().counters().refreshes_succeeded, 1);
    browser.goto("/front").await;
    browser.reads("#front-status", "No session was handed over. Go back and sign in.").await;
    browser.close().await;
}

#[tokio::test]
#[ignore = "scripts/stages/55-browser"]
async fn the_implicit_flow_works_and_may_be_declined() {
    let app = start().await;
    let browser = Browser::open(&app, Screen::Desktop).await;
    browser.goto("/").await;
    browser.click("#start-implicit").await;
    browser.click("#decline").await;
    browser.reads("h1", "You declined").await;
    assert_eq!(browser.path().await, "/oauth");
    browser.goto("/").await;
    browser.click("#start-implicit").await;
    browser.click("#accept").await;
    browser.reads("#name", "Ada Lovelace").await;
    assert_eq!(browser.path().await, "/");
    assert!(!browser.has("#refresh").await, "there is nothing to renew it with");
    browser.close().await;
}

#[tokio::test]
#[ignore = "scripts/stages/55-browser"]
async fn on_a_phone_everything_fits() {
    let app = start().await;
    let simulator = app.simulator().unwrap();
    let browser = Browser::open(&app, Screen::Phone).await;
    browser.goto("/").await;
    browser.shot("home").await;
    browser.click("#start").await;
    browser.waits_for("#accept").await;
    browser.shot("consent").await;
    browser.choose("Jürgen Groß").await;
    simulator.fault(Fault::error(400, "invalid_grant").at(Endpoint::AccessToken));
    browser.click("#accept").await;
    browser.reads("h1", "Webex did not complete the sign-in").await;
    browser.shot("exchange-failed").await;
    browser.click("#again").await;
    browser.choose("Jürgen Groß").await;
    browser.click("#accept").await;
    browser.reads("#name", "Jürgen Groß").await;
    browser.shot("signed-in").await;
    browser.click("#handoff").await;
    browser.reads("#front-status", "The session was handed over.").await;
    browser.shot("front-end").await;
    browser.goto("/oauth").await;
    browser.reads("#nothing h1", "Nothing came back").await;
    browser.shot("nothing-came-back").await;
    browser.goto("/oauth?code=1&state=2").await;
    browser.shot("already-done").await;
    browser.close().await;
}

#[tokio::test]
#[ignore = "scripts/stages/55-browser"]
async fn in_the_dark_everything_can_be_read() {
    let app = start().await;
    let browser = Browser::open(&app, Screen::Dark).await;
    browser.goto("/").await;
    browser.shot("home").await;
    browser.click("#start").await;
    browser.click("#accept").await;
    browser.reads("#name", "Ada Lovelace").await;
    browser.shot("signed-in").await;
    browser.close().await;
}

#[tokio::test]
#[ignore = "scripts/stages/55-browser"]
async fn a_person_joins_the_space_and_speaks() {
    for screen in [Screen::Desktop, Screen::Phone, Screen::Dark] {
        let app = with_space(None).await;
        let browser = Browser::open(&app, screen).await;
        browser.goto("/").await;
        browser.click("#start").await;
        browser.click("#accept").await;
        browser.reads("#space-title", "Simulated Space").await;
        browser.shot("space-empty").await;
        browser.types("#text", "Hello, everybody").await;
        browser.click("#send").await;
        browser.reads("#newest .text", "Hello, everybody").await;
        browser.shot("space").await;
        browser.goto("/").await;
        browser.reads("#space", "Open the space").await;
        browser.shot("signed-in-with-space").await;
        browser.close().await;
    }
}

/// Instead of Webex's own widget, a script that has its interface and says what it was given.
#[tokio::test]
#[ignore = "scripts/stages/55-browser"]
async fn the_widget_is_started_with_a_token_and_the_space() {
    let script = "window.webex = { widget: (element) => ({ spaceWidget: (given) => { element.textContent = \
                  `${given.destinationType} ${given.destinationId} ${given.accessToken.includes('_PF84_')}`; } }) };";
    let asset = |kind, text: &'static str| {
        axum::routing::get(move || std::future::ready(([(axum::http::header::CONTENT_TYPE, kind)], text)))
    };
    let router = axum::Router::new()
        .route("/space/bundle.js", asset("text/javascript", script))
        .route("/space/main.css", asset("text/css", "#widget { font-weight: 600 }"));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/space/bundle.js", listener.local_addr().unwrap());
    let server = tokio::spawn(async move { axum::serve(listener, router).await });
    let app = with_space(Some(url)).await;
    let browser = Browser::open(&app, Screen::Desktop).await;
    browser.goto("/").await;
    browser.click("#start").await;
    browser.click("#accept").await;
    browser.reads("#widget", "spaceId simulated-space true").await;
    browser.shot("widget").await;
    browser.close().await;
    server.abort();
}
