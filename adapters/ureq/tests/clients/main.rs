//! The clients of many users, for programs that block.

mod rebinding;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use webex_oauth_simulator::{CLIENT_ID, CLIENT_SECRET, Decision, Endpoint, Fault, Options, Simulator};
use webex_oauth_ureq::webex_oauth::{ConfigParts, LoginOptions, Provider, Scope, Secret, SignOutOptions};
use webex_oauth_ureq::{ClientError, Clients, ClientsBuilder, MemoryStore, Put, Replaces, Saved, Store as _};

/// The database of all nodes.
#[derive(Clone, Default)]
struct Nodes(Arc<Mutex<HashMap<String, MemoryStore>>>);

impl Nodes {
    fn builder(&self, parts: ConfigParts) -> ClientsBuilder<String> {
        let nodes = self.clone();
        Clients::builder(parts.build().unwrap()).store(move |key: &String| nodes.store(key))
    }

    fn store(&self, key: &str) -> MemoryStore {
        self.0.lock().unwrap().entry(key.to_owned()).or_default().clone()
    }
}

fn simulator() -> Simulator {
    Simulator::start(Options { rotate: true, ..Options::default() }).unwrap()
}

fn parts(base: &str) -> ConfigParts {
    let mut parts = ConfigParts::new(Provider::webex_at(base), CLIENT_ID);
    parts.client_secret = Some(CLIENT_SECRET.into());
    parts.redirect_uri = Some("http://127.0.0.1/callback".to_owned());
    parts.scope = Scope::parse("spark:people_read");
    parts
}

const NOWHERE: &str = "http://127.0.0.1:9";
const TOKENS: &str = r#"{"access_token":"AT0","refresh_token":"RT0","expires_in":3600}"#;

/// Signed in, and the access token is over.
fn expired(clients: &Clients<String>, simulator: &Simulator, user: &str) {
    let issued = simulator.issue(CLIENT_ID, "spark:people_read").unwrap();
    let tokens = format!(r#"{{"refresh_token":"{}"}}"#, issued.refresh_token);
    clients.of(user.to_owned()).client().unwrap().adopt(tokens).unwrap();
}

#[cfg(target_os = "linux")]
fn threads() -> usize {
    std::fs::read_dir("/proc/self/task").unwrap().count()
}

#[test]
fn a_user_costs_nothing_and_no_more_are_kept_than_there_is_room_for() {
    let nodes = Nodes::default();
    let clients = nodes.builder(parts(NOWHERE)).capacity(5).build().unwrap();
    let users: Vec<_> = (0..50).map(|number| clients.of(format!("u{number}"))).collect();
    assert_eq!((clients.kept(), nodes.0.lock().unwrap().len()), (0, 0));
    for user in &users {
        let tokens = format!(r#"{{"access_token":"AT-{}","expires_in":3600}}"#, user.key());
        user.client().unwrap().adopt(tokens).unwrap();
    }
    assert_eq!(clients.kept(), 5);
    for user in &users {
        assert_eq!(user.token().unwrap().expose(), format!("AT-{}", user.key()));
    }
    assert!(clients.kept() == 5 && !format!("{clients:?}").contains("u1"));
}

#[test]
fn requests_that_hang_do_not_stop_other_users_and_all_are_closed_at_once() {
    let (nodes, simulator) = (Nodes::default(), simulator());
    let clients = nodes.builder(parts(simulator.base_url())).build().unwrap();
    simulator.fault(Fault::hold().at(Endpoint::AccessToken).times(8));
    let hung: Vec<_> = (0..8)
        .map(|number| {
            let clients = clients.clone();
            let user = format!("u{number}");
            expired(&clients, &simulator, &user);
            std::thread::spawn(move || clients.of(user).token())
        })
        .collect();
    assert!(simulator.wait_for(Duration::from_secs(20), |log| log.len() >= 8));
    expired(&clients, &simulator, "free");
    assert!(clients.of("free".to_owned()).token().is_ok());
    let closing = clients.clone();
    let closing = std::thread::spawn(move || closing.close());
    // One after the other, only the first one would be told while its request is out.
    for user in hung {
        assert_eq!(user.join().unwrap().unwrap_err(), ClientError::Closed);
    }
    assert!(!closing.is_finished());
    simulator.release();
    closing.join().unwrap();
    // What was sent is stored: the next one takes it from there.
    let next = nodes.builder(parts(simulator.base_url())).build().unwrap();
    for number in 0..8 {
        assert!(next.of(format!("u{number}")).token().is_ok());
    }
    assert_eq!(simulator.counters().reuse_detected, 0);
    assert_eq!(clients.of("u1".to_owned()).token().unwrap_err(), ClientError::Closed);
}

/// At once, whatever its own request is waiting for.
#[test]
fn who_waits_for_a_session_whose_place_is_taken_is_given_the_new_one() {
    let (nodes, simulator) = (Nodes::default(), simulator());
    let clients = nodes.builder(parts(simulator.base_url())).build().unwrap();
    // Held from the first request on, whoever makes it.
    simulator.fault(Fault::hold().at(Endpoint::AccessToken));
    expired(&clients, &simulator, "zoe");
    let waiting = clients.clone();
    let waiting = std::thread::spawn(move || waiting.of("zoe".to_owned()).token());
    assert!(simulator.wait_for(Duration::from_secs(20), |log| !log.is_empty()));
    let mut visitor = clients.of("cookie".to_owned());
    visitor.client().unwrap().adopt(TOKENS).unwrap();
    let rebinding = std::thread::spawn(move || visitor.rebind("zoe".to_owned()));
    assert_eq!(waiting.join().unwrap().unwrap().expose(), "AT0");
    simulator.release();
    rebinding.join().unwrap().unwrap();
}

#[test]
fn a_login_is_completed_on_any_node_and_its_key_is_worth_nothing_afterwards() {
    let (nodes, simulator) = (Nodes::default(), simulator());
    let node = || nodes.builder(parts(simulator.base_url())).build().unwrap();
    let (a, b) = (node(), node());
    let cookie = || "cookie".to_owned();
    let url = a.of(cookie()).begin_login(LoginOptions::default()).unwrap();
    let callback = simulator.visit(url.expose(), Decision::Accept).unwrap();
    let mut user = b.of(cookie());
    user.complete_login(callback.clone()).unwrap();
    user.rebind("zoe".to_owned()).unwrap();
    let token = user.token().unwrap();
    assert_eq!(a.of("zoe".to_owned()).token().unwrap().expose(), token.expose());
    assert!(nodes.store("cookie").load().unwrap().is_none());
    for node in [&a, &b] {
        let error = node.of(cookie()).complete_login(callback.clone()).unwrap_err();
        assert!(matches!(error, ClientError::CallbackIgnored { .. }), "{error}");
        let error = node.rebind(&cookie(), &"mallory".to_owned()).unwrap_err();
        assert!(matches!(error, ClientError::SignInRequired { .. }), "{error}");
    }
    assert_eq!(simulator.counters().code_replays, 0);
}

#[test]
fn a_sign_out_on_another_node_is_noticed_and_events_say_whose_they_are() {
    let (nodes, simulator) = (Nodes::default(), simulator());
    let told = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&told);
    let a = nodes.builder(parts(simulator.base_url())).stale_after(Duration::ZERO).build().unwrap();
    let b = nodes.builder(parts(simulator.base_url()));
    let b = b.on_event(move |key: &String, event| seen.lock().unwrap().push(format!("{key} {}", event.name())));
    let b = b.build().unwrap();
    let zoe = || "zoe".to_owned();
    a.of(zoe()).client().unwrap().adopt(TOKENS).unwrap();
    assert_eq!(b.of(zoe()).token().unwrap().expose(), "AT0");
    b.of(zoe()).sign_out(SignOutOptions::default()).unwrap();
    let error = a.of(zoe()).token().unwrap_err();
    assert!(matches!(error, ClientError::SignInRequired { .. }), "{error}");
    let begun = Instant::now();
    while told.lock().unwrap().is_empty() && begun.elapsed() < Duration::from_secs(20) {
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(told.lock().unwrap().iter().all(|line| line.starts_with("zoe ")) && !told.lock().unwrap().is_empty());
}

#[test]
fn who_is_deleted_is_gone_on_every_node_and_at_the_server() {
    let (nodes, simulator) = (Nodes::default(), simulator());
    let [a, b] =
        [(); 2].map(|()| nodes.builder(parts(simulator.base_url())).stale_after(Duration::ZERO).build().unwrap());
    let zoe = "zoe".to_owned();
    for _ in 0..2 {
        let issued = simulator.issue(CLIENT_ID, "spark:people_read").unwrap();
        let tokens = format!(
            r#"{{"access_token":"{}","refresh_token":"{}","expires_in":3600}}"#,
            issued.access_token, issued.refresh_token
        );
        a.of(zoe.clone()).client().unwrap().adopt(tokens).unwrap();
        assert_eq!(b.of(zoe.clone()).token().unwrap().expose(), issued.access_token);
        a.of(zoe.clone()).delete().unwrap();
        assert_eq!(nodes.store("zoe").load(), Ok(None));
        assert!(simulator.live_tokens().is_empty(), "they are revoked");
        let error = b.of(zoe.clone()).token().unwrap_err();
        assert!(matches!(error, ClientError::SignInRequired { .. }), "{error}");
        assert_eq!((a.kept(), nodes.store("zoe").load()), (0, Ok(None)), "nor does it come back");
        // Nobody there.
        b.delete(&zoe).unwrap();
    }
    // What no client can open goes, too.
    for stored in [r#"{"webex_oauth":99,"revision":7}"#, "no session"] {
        let put = Put::new(Secret::new(stored), 7, Replaces::Nothing);
        assert_eq!(nodes.store("bob").save(&put), Ok(Saved::Stored));
        a.of("bob".to_owned()).delete().unwrap();
        assert_eq!(nodes.store("bob").load(), Ok(None));
    }
    // Another client's stays.
    a.of("ann".to_owned()).client().unwrap().adopt(TOKENS).unwrap();
    let mut other = parts(simulator.base_url());
    other.client_id = "C2".to_owned();
    let other = nodes.builder(other).build().unwrap();
    assert!(matches!(other.delete(&"ann".to_owned()), Err(ClientError::Restore(_))));
    assert!(nodes.store("ann").load().unwrap().is_some());
    a.close();
    assert!(matches!(a.delete(&zoe), Err(ClientError::Closed)));
}

/// One for the time, and those that work at a moment: none for each user. Other tests run beside this one.
#[cfg(target_os = "linux")]
#[test]
fn three_thousand_users_need_no_thread_of_their_own() {
    let nodes = Nodes::default();
    let clients = nodes.builder(parts(NOWHERE)).build().unwrap();
    for number in 0..3_000 {
        clients.of(format!("u{number}")).client().unwrap().adopt(TOKENS).unwrap();
    }
    assert_eq!(clients.kept(), 3_000);
    assert!(threads() < 100, "{}", threads());
    drop(clients);
}
