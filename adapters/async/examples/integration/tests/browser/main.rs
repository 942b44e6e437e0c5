//! The application in a real browser, without its window. Needs chromium and chromedriver: scripts/stages/55-browser.
//! What a person sees is kept in target/screenshots.

mod kit;

use kit::{Browser, Screen, start};
use webex_oauth_simulator::{Endpoint, Fault};

#[tokio::test]
#[ignore = "scripts/stages/55-browser"]
async fn start_accept_refresh_and_sign_out() {
    let app = start().await;
    let browser = Browser::open(&app, Screen::Desktop).await;
    browser.goto("/").await;
    browser.shot("home").await;
    browser.click("#start").await;
    browser.shot("consent").await;
    browser.click("#accept").await;
    assert_eq!(browser.text("#name").await, "Ada Lovelace");
    assert_eq!(browser.path().await, "/", "neither code nor state is left in the address");
    assert!(browser.number("document.querySelector('.picture').naturalWidth").await > 0, "the picture is there");
    browser.shot("signed-in").await;
    assert_eq!(browser.text("#generation").await, "1");
    browser.click("#refresh").await;
    assert_eq!(browser.text("#generation").await, "2");
    assert_eq!(app.simulator().unwrap().counters().refreshes_succeeded, 1);
    browser.click("#logout").await;
    assert_eq!(browser.text("h1").await, "Sign in with Webex");
    browser.goto("/").await;
    assert_eq!(browser.text("h1").await, "Sign in with Webex");
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
    assert_eq!(browser.text("h1").await, "You declined");
    browser.shot("declined").await;
    browser.click("#again").await;
    browser.click("#accept").await;
    assert_eq!(browser.text("#name").await, "Ada Lovelace");
    browser.close().await;
}

#[tokio::test]
#[ignore = "scripts/stages/55-browser"]
async fn a_tampered_state_is_refused_and_the_right_one_still_works() {
    let app = start().await;
    let browser = Browser::open(&app, Screen::Desktop).await;
    browser.goto("/").await;
    browser.click("#start").await;
    let right = browser.url().await;
    let at = right.find("state=").unwrap() + "state=".len();
    browser.visit(&format!("{}AAAA{}", &right[..at], &right[at + 4..])).await;
    browser.click("#accept").await;
    assert_eq!(browser.text("h1").await, "This answer is not for you");
    browser.shot("wrong-state").await;
    browser.goto("/").await;
    assert_eq!(browser.text("h1").await, "Sign in with Webex");
    browser.visit(&right).await;
    browser.click("#accept").await;
    assert_eq!(browser.text("#name").await, "Ada Lovelace");
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
    assert_eq!(browser.text("#name").await, "Ada Lovelace");
    browser.back().await;
    // That page was used up, or it is shown anew: accepting again must not sign anybody in a second time.
    if browser.has("#accept").await {
        browser.click("#accept").await;
    }
    let title = browser.text("h1").await;
    assert!(["Already done", "Too late", "Ada Lovelace"].contains(&title.as_str()), "{title}");
    browser.shot("back-button").await;
    assert_eq!(app.simulator().unwrap().counters().code_replays, 0);
    browser.goto("/").await;
    assert_eq!(browser.text("#name").await, "Ada Lovelace");
    browser.click("#logout").await;
    assert_eq!(browser.text("h1").await, "Sign in with Webex");
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
    grace.follow("Grace Hopper").await;
    grace.click("#accept").await;
    ada.click("#accept").await;
    assert_eq!(ada.text("#name").await, "Ada Lovelace");
    assert_eq!(grace.text("#name").await, "Grace Hopper");
    ada.click("#refresh").await;
    assert_eq!(ada.text("#generation").await, "2");
    grace.goto("/").await;
    assert_eq!((grace.text("#name").await, grace.text("#generation").await), ("Grace Hopper".into(), "1".into()));
    ada.click("#logout").await;
    grace.goto("/").await;
    assert_eq!(grace.text("#name").await, "Grace Hopper");
    ada.goto("/").await;
    assert_eq!(ada.text("h1").await, "Sign in with Webex");
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
    browser.wait_text("#front-status", "The session was handed over.").await;
    assert_eq!(browser.text("#front-name").await, "Ada Lovelace");
    assert_eq!(browser.path().await, "/front", "the token is out of the address");
    browser.shot("front-end").await;
    browser.click("#front-refresh").await;
    browser.wait_text("#front-status", "The token was renewed.").await;
    assert_eq!(app.simulator().unwrap().counters().refreshes_succeeded, 1);
    browser.goto("/front").await;
    browser.wait_text("#front-status", "No session was handed over. Go back and sign in.").await;
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
    browser.wait_text("h1", "You declined").await;
    assert_eq!(browser.path().await, "/oauth");
    browser.goto("/").await;
    browser.click("#start-implicit").await;
    browser.click("#accept").await;
    browser.wait_text("#name", "Ada Lovelace").await;
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
    browser.shot("consent").await;
    browser.follow("Jürgen Groß").await;
    simulator.fault(Fault::error(400, "invalid_grant").at(Endpoint::AccessToken));
    browser.click("#accept").await;
    assert_eq!(browser.text("h1").await, "Webex did not complete the sign-in");
    browser.shot("exchange-failed").await;
    browser.click("#again").await;
    browser.follow("Jürgen Groß").await;
    browser.click("#accept").await;
    assert_eq!(browser.text("#name").await, "Jürgen Groß");
    browser.shot("signed-in").await;
    browser.click("#handoff").await;
    browser.wait_text("#front-status", "The session was handed over.").await;
    browser.shot("front-end").await;
    browser.goto("/oauth").await;
    browser.wait_text("#nothing h1", "Nothing came back").await;
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
    assert_eq!(browser.text("#name").await, "Ada Lovelace");
    browser.shot("signed-in").await;
    browser.close().await;
}
