//! Every way to sign in, and every way in which that ends otherwise.

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;

use webex_oauth_simulator::{
    Decision, GUEST_ISSUER_ID, GUEST_ISSUER_SECRET, Options, SERVICE_APP_ID, SERVICE_APP_SECRET,
};

use crate::kit::{World, eventually, get, left_in};

#[test]
fn through_the_browser_that_the_system_opens() {
    let mut world = World::new();
    // A browser that only says where it was sent.
    let visited = world.path("visited");
    let browser = world.write("browser", &format!("#!/bin/sh\nprintf %s \"$1\" > {}\n", visited.display()));
    std::fs::set_permissions(&browser, PermissionsExt::from_mode(0o755)).unwrap();
    world.set("BROWSER", &browser.display().to_string());
    let login = world.start(&["login"]);
    eventually("the browser is opened", || std::fs::read_to_string(&visited).is_ok_and(|url| url.contains("state=")));
    let page = world.accept(&std::fs::read_to_string(&visited).unwrap());
    assert!(page.starts_with("HTTP/1.1 200"), "{page}");
    let ran = login.end();
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.err.contains("There is no key ring here") && ran.err.contains("Signed in"), "{ran:?}");
    assert!(ran.err.contains("Ada Lovelace <ada@example.com>"), "it does not say who signed in: {ran:?}");
    assert!(ran.err.contains("state="), "the browser may have ended with an error: {ran:?}");
    let mode = std::fs::metadata(world.session_file()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn without_a_browser_the_address_is_shown() {
    let mut world = World::new();
    world.set("PATH", "/nowhere");
    let mut login = world.start(&["login"]);
    login.line_with("No browser can be opened here");
    let url = login.url();
    world.accept(&url);
    let ran = login.end();
    assert!(ran.code == 0 && ran.err.contains("Signed in") && ran.err.contains(": Ada Lovelace"), "{ran:?}");
    assert!(world.run(&["whoami"]).done().starts_with("Ada Lovelace <ada@example.com>"));
}

#[test]
fn strangers_at_the_listener_change_nothing() {
    let world = World::new();
    let mut login = world.start(&["login", "--no-browser"]);
    let url = login.url();
    let redirect = world.simulator.visit(&url, Decision::Accept).unwrap();
    let (base, _) = redirect.split_once('?').unwrap();
    get(&format!("{base}?code=evil&state=evil"));
    get(&base.replace("/callback", "/favicon.ico"));
    get(&redirect);
    assert_eq!(login.end().code, 0);
    assert_eq!(world.simulator.counters().grants_attempted, 1);
}

#[test]
fn a_person_who_declines() {
    let world = World::new();
    let mut login = world.start(&["login", "--no-browser"]);
    let url = login.url();
    world.decline(&url);
    login.end().failed(5, &["declined", "run it again and accept"]);
    assert_eq!(left_in(&world.path("data/webex-oauth")), [""; 0]);
}

#[test]
fn a_person_who_does_not_come() {
    let world = World::new();
    world.run(&["login", "--no-browser", "--timeout", "1s"]).failed(5, &["longer than 1 s", "--timeout"]);
    assert_eq!(left_in(&world.path("data/webex-oauth")), [""; 0]);
}

#[test]
fn an_interrupted_sign_in_leaves_no_trace() {
    for signal in ["INT", "TERM"] {
        for way in [&["login", "--no-browser"][..], &["login", "--device"], &["login", "--paste"]] {
            let world = World::new();
            let mut login = world.start(way);
            login.asked();
            login.signal(signal);
            login.end().failed(130, &["interrupted"]);
            assert_eq!(left_in(&world.path("data/webex-oauth")), [""; 0], "{way:?}");
            assert_eq!(world.simulator.counters().access_tokens_issued, 0);
            world.run(&["status"]).failed(4, &["nobody is signed in"]);
        }
    }
}

#[test]
fn an_interrupted_second_sign_in_leaves_the_first() {
    let world = World::new();
    world.sign_in();
    let token = world.run(&["token"]).done().to_owned();
    let mut login = world.start(&["login", "--no-browser"]);
    login.url();
    login.signal("INT");
    login.end().failed(130, &["interrupted"]);
    assert_eq!(world.run(&["token"]).done(), token);
    assert!(!world.run(&["status"]).done().contains("under way"));
}

#[test]
fn an_interrupted_sign_in_leaves_the_one_in_another_terminal() {
    let world = World::new();
    let mut first = world.start(&["login", "--no-browser"]);
    let url = first.url();
    let mut second = world.start(&["login", "--no-browser"]);
    second.url();
    second.signal("INT");
    second.end().failed(130, &["interrupted"]);
    world.accept(&url);
    assert_eq!(first.end().code, 0);
    world.run(&["whoami"]).done();
}

#[test]
fn a_failed_sign_in_leaves_that_of_another_process() {
    for signal in [None, Some("INT")] {
        let world = World::new();
        // It has looked into the store when it opens this, and then it waits.
        let tokens = world.path("tokens");
        assert!(world.program("mkfifo").arg(&tokens).status().unwrap().success());
        let login = world.start(&["login", "--token-file", tokens.to_str().unwrap()]);
        let nothing = std::fs::File::create(&tokens).unwrap();
        world.sign_in();
        match signal {
            None => drop(nothing),
            Some(signal) => login.signal(signal),
        }
        login.end().failed(if signal.is_none() { 3 } else { 130 }, &[]);
        assert!(world.run(&["status"]).done().contains("signed in"));
    }
}

#[test]
fn an_occupied_port() {
    let mut world = World::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    world.set("WEBEX_REDIRECT_URI", &format!("http://{}/callback", taken.local_addr().unwrap()));
    world.run(&["login"]).failed(5, &["port of http://127.0.0.1", "in use", "--paste"]);
    assert_eq!(left_in(&world.path("data/webex-oauth")), [""; 0]);
}

#[test]
fn a_redirect_uri_that_no_listener_can_have() {
    let mut world = World::new();
    world.set("WEBEX_REDIRECT_URI", "https://app.example/callback");
    world.run(&["login"]).failed(5, &["no browser can come back", "--paste"]);
}

#[test]
fn by_hand() {
    let world = World::new();
    let mut login = world.start(&["login", "--paste"]);
    let url = login.url();
    let redirect = world.simulator.visit(&url, Decision::Accept).unwrap();
    login.type_line("https://example.com/");
    login.line_with("Paste the address again");
    login.type_line(&redirect);
    let ran = login.end();
    assert_eq!(ran.code, 0, "{ran:?}");
    let code = redirect.split("code=").nth(1).unwrap().split('&').next().unwrap();
    assert!(!ran.err.contains(code), "{ran:?}");
    assert!(world.run(&["whoami"]).done().contains("Ada"));
}

#[test]
fn by_hand_and_nobody_comes() {
    let world = World::new();
    let mut login = world.start(&["login", "--paste", "--timeout", "1s"]);
    login.url();
    login.end().failed(5, &["longer than 1 s", "--timeout"]);
    assert_eq!(left_in(&world.path("data/webex-oauth")), [""; 0]);
}

#[test]
fn by_hand_and_nothing_is_pasted() {
    let world = World::new();
    let mut login = world.start(&["login", "--paste"]);
    login.url();
    login.close_input();
    login.end().failed(5, &["no address was pasted"]);
    assert_eq!(left_in(&world.path("data/webex-oauth")), [""; 0]);
}

fn impatient() -> Options {
    Options { device_interval_ms: 1000, ..Options::default() }
}

#[test]
fn on_another_device() {
    let world = World::with(impatient());
    let mut login = world.start(&["login", "--device"]);
    let code = login.code();
    assert!(world.simulator.decide_device(Some(&code), Decision::Accept));
    let ran = login.end();
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(!ran.err.contains('█'), "a picture in a pipe: {ran:?}");
    assert!(world.run(&["status"]).done().contains("device"));
}

#[test]
fn on_another_device_and_declined() {
    let world = World::with(impatient());
    let mut login = world.start(&["login", "--device"]);
    let code = login.code();
    assert!(world.simulator.decide_device(Some(&code), Decision::Decline));
    login.end().failed(5, &["declined"]);
    assert_eq!(left_in(&world.path("data/webex-oauth")), [""; 0]);
}

#[test]
fn with_tokens_from_elsewhere() {
    let mut world = World::new();
    let issued = world.simulator.issue("simulated-integration", "spark:people_read").unwrap();
    for name in ["WEBEX_CLIENT_ID", "WEBEX_CLIENT_SECRET", "WEBEX_SCOPE"] {
        world.set(name, "");
    }
    let file = world.write("token", &format!("{}\n", issued.access_token)).display().to_string();
    assert_eq!(world.run(&["login", "--token-file", &file]).code, 0);
    assert_eq!(world.run(&["token"]).done(), issued.access_token);
    assert!(world.run(&["whoami"]).done().contains("Ada"));
    let nonsense = world.write("token", "{\"no\": \"token\"}").display().to_string();
    world.run(&["-p", "other", "login", "--token-file", &nonsense]).failed(2, &["tokens"]);
}

#[test]
fn as_a_guest_who_needs_no_client() {
    let mut world = World::new();
    for name in ["WEBEX_CLIENT_ID", "WEBEX_CLIENT_SECRET", "WEBEX_SCOPE"] {
        world.set(name, "");
    }
    let args = ["guest", "--guest-issuer", GUEST_ISSUER_ID, "--name", "Gus", "--subject", "gus"];
    world.run(&args).failed(3, &["guest_issuer_secret is missing", "WEBEX_GUEST_ISSUER_SECRET"]);
    world.set("WEBEX_GUEST_ISSUER_SECRET", GUEST_ISSUER_SECRET);
    assert_eq!(world.run(&args).code, 0);
    assert!(world.run(&["whoami"]).done().contains("Gus"));
    assert!(world.run(&["status"]).done().contains("jwt"));
    world.run(&["refresh"]).failed(4, &["cannot be refreshed"]);
    assert_eq!(world.run(&["logout"]).code, 0);
    world.run(&["token"]).failed(4, &["the user signed out"]);
}

#[test]
fn as_a_guest_of_a_service_app() {
    let mut world = World::new();
    world.set("WEBEX_CLIENT_ID", SERVICE_APP_ID);
    world.set("WEBEX_CLIENT_SECRET", SERVICE_APP_SECRET);
    world.set("WEBEX_SCOPE", "guest-issuer:write");
    assert_eq!(world.run(&["client-credentials"]).code, 0);
    let token = world.run(&["token"]).done().to_owned();
    let file = world.write("service-token", &token);
    let file = file.display().to_string();
    let args = ["-p", "guest", "guest", "--service-token-file", &file, "--subject", "ada", "--name", "Ada"];
    assert_eq!(world.run(&args).code, 0);
    assert_ne!(world.run(&["-p", "guest", "token"]).done(), token);
    world.run(&["guest", "--service-token-file", &file]).usage_error("--subject");
}

#[test]
fn as_a_guest_on_a_machine_whose_clock_is_a_day_behind() {
    let mut world = World::new();
    world.set("WEBEX_GUEST_ISSUER_SECRET", GUEST_ISSUER_SECRET);
    world.simulator.advance(std::time::Duration::from_secs(86_400));
    let ran = world.run(&["guest", "--guest-issuer", GUEST_ISSUER_ID]);
    ran.failed(ran.code, &["clock of this machine"]);
    assert!([3, 4, 5].contains(&ran.code), "{ran:?}");
}

/// As they stand in a chat, a table or a script.
#[test]
fn a_pasted_address_may_be_in_quotes() {
    for quote in ["'", "\""] {
        let world = World::new();
        let mut login = world.start(&["login", "--paste"]);
        let url = login.url();
        let redirect = world.simulator.visit(&url, Decision::Accept).unwrap();
        login.type_line(&format!(" {quote}{redirect}{quote} "));
        let ran = login.end();
        assert_eq!(ran.code, 0, "{ran:?}");
    }
}
