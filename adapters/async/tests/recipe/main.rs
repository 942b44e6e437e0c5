//! The web recipes in actix-web and axum as people use them, on four processes and one database: several tabs, two clicks at once.
#![cfg(unix)]

mod kit;

use std::thread;
use std::time::Duration;

use kit::{Browser, Service};
use webex_oauth_simulator::Decision;

const ADA: &str = "Ada Lovelace";
const ALAN: &str = "Alan Turing";
/// A sign-out at another node is noticed after a second, and a little later.
const NOTICED: Duration = Duration::from_millis(1300);

fn nobody(pages: &[String]) -> bool {
    pages.iter().all(|page| page.contains("Sign in with Webex") && !page.contains(ADA) && !page.contains(ALAN))
}

fn the_cookie_is_new_when_the_login_is_done(service: &Service) {
    let mut browser = Browser::new(service);
    let callback = browser.begin("ada@example.com", Decision::Accept);
    let before = browser.cookie.clone().unwrap();
    assert_eq!(browser.get(&callback).goes_to.as_deref(), Some("/"));
    let after = browser.cookie.clone().unwrap();
    assert!(before != after && before.len().min(after.len()) >= 43);
    assert!(browser.everywhere().iter().all(|page| page.contains(ADA)));
    // Who knew the first one has nothing, not by the callback either.
    let mut thief = Browser::new(service).with(Some(before));
    thief.get(&callback);
    assert!(nobody(&thief.everywhere()));
}

fn two_tabs(service: &Service) {
    let mut browser = Browser::new(service);
    let first = browser.begin("ada@example.com", Decision::Accept);
    let second = browser.begin("alan@example.com", Decision::Accept);
    browser.get(&second);
    assert!(browser.everywhere().iter().all(|page| page.contains(ALAN)));
    browser.get(&first);
    // At a node that has seen him a moment ago, too.
    assert!(browser.everywhere().iter().all(|page| page.contains(ADA)));
}

/// Two clicks at each node.
fn the_same_callback_twice(service: &Service) {
    let mut browser = Browser::new(service);
    let callback = browser.begin("ada@example.com", Decision::Accept);
    let clicks = thread::scope(|scope| {
        let click = |_| {
            let mut click = Browser::new(service).with(browser.cookie.clone());
            let callback = &callback;
            scope.spawn(move || (click.get(callback), click))
        };
        let clicks: Vec<_> = (0..8).map(click).collect();
        clicks.into_iter().map(|click| click.join().unwrap()).collect::<Vec<_>>()
    });
    for (page, _) in &clicks {
        assert_eq!((page.status, page.goes_to.as_deref()), (303, Some("/")), "{}", page.text);
    }
    let mut new: Vec<_> = clicks.into_iter().map(|(_, click)| click).filter(|click| click.given.is_some()).collect();
    assert_eq!(new.len(), 1);
    assert!(new[0].everywhere().iter().all(|page| page.contains(ADA)));
    // And once more, when it is done.
    assert_eq!(new[0].get(&callback).goes_to.as_deref(), Some("/"));
    assert!(new[0].get("/").text.contains(ADA));
}

fn who_declines_is_told_and_stays_who_he_was(service: &Service) {
    let mut browser = Browser::new(service);
    browser.sign_in("alan@example.com");
    let callback = browser.begin("ada@example.com", Decision::Decline);
    assert_eq!(browser.get(&callback).status, 403);
    assert!(browser.everywhere().iter().all(|page| page.contains(ALAN)));
}

fn what_is_no_cookie_of_ours_is_nobodys(service: &Service) {
    for cookie in ["x".repeat(5000).as_str(), "\"a b\"", "../..", "%00", ""] {
        let mut browser = Browser::new(service).with(Some(cookie.to_owned()));
        assert!(nobody(&[browser.get("/").text]));
    }
    for query in
        ["", "code=x&state=y", "code=%ff&state=%00", "error=%3Cscript%3E", &format!("state={}", "x".repeat(5000))]
    {
        let page = Browser::new(service).get(&format!("/callback?{query}"));
        assert_eq!(page.goes_to.as_deref(), Some("/"), "{query}");
    }
}

fn logout(service: &Service) {
    let mut browser = Browser::new(service);
    browser.sign_in("ada@example.com");
    let mut copy = Browser::new(service).with(browser.cookie.clone());
    assert!(copy.everywhere().iter().all(|page| page.contains(ADA)));
    assert_eq!(browser.get("/logout").status, 405);
    assert!(browser.get("/").text.contains(ADA));
    assert_eq!(browser.post("/logout").goes_to.as_deref(), Some("/"));
    assert!(browser.cookie.is_none() && nobody(&browser.everywhere()));
    thread::sleep(NOTICED);
    assert!(nobody(&copy.everywhere()));
    // Nobody at all may sign out, too.
    assert_eq!(Browser::new(service).post("/logout").goes_to.as_deref(), Some("/"));
}

fn all(service: &Service) {
    the_cookie_is_new_when_the_login_is_done(service);
    two_tabs(service);
    for _ in 0..10 {
        the_same_callback_twice(service);
    }
    who_declines_is_told_and_stays_who_he_was(service);
    what_is_no_cookie_of_ours_is_nobodys(service);
    logout(service);
    let seen = service.simulator.counters();
    assert_eq!((seen.code_replays, seen.reuse_detected), (0, 0));
}

fn four_processes_on_sqlite(recipe: &str) {
    let folder = tempfile::tempdir().unwrap();
    all(&Service::start(recipe, folder.path().join("sessions.db").to_str().unwrap(), false));
}

/// Behind a proxy that does TLS, as services are.
fn four_processes_on_postgres(recipe: &str) {
    all(&Service::start(recipe, &std::env::var("WEBEX_OAUTH_POSTGRES").unwrap(), true));
}

#[test]
fn actix_web_on_sqlite() {
    four_processes_on_sqlite("actix-web");
}

#[test]
fn axum_on_sqlite() {
    four_processes_on_sqlite("axum");
}

#[test]
#[ignore = "scripts/stages/56-stores"]
fn actix_web_on_postgres() {
    four_processes_on_postgres("actix-web");
}

#[test]
#[ignore = "scripts/stages/56-stores"]
fn axum_on_postgres() {
    four_processes_on_postgres("axum");
}
