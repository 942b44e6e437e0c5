//! A session gets another key while somebody uses it.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use webex_oauth_simulator::{CLIENT_ID, Endpoint, Fault, Simulator};
use webex_oauth_ureq::webex_oauth::coordinator::{
    Call, Coordinator, Done, Now, Op, Options, Output, StoreTraits, Tick, Ticket,
};
use webex_oauth_ureq::webex_oauth::{
    Config, ConfigParts, Entropy, LogoutVia, Secret, SignOutOptions, Timestamp, snapshot_revision,
};
use webex_oauth_ureq::{Put, Replaces, Saved, Store as _};

use super::{Nodes, parts, simulator};

fn sent(simulator: &Simulator, endpoint: Endpoint) -> bool {
    simulator.wait_for(Duration::from_secs(20), |log| log.iter().any(|entry| entry.endpoint == endpoint))
}

fn issue(simulator: &Simulator) -> String {
    let issued = simulator.issue(CLIENT_ID, "spark:people_read").unwrap();
    let (access, refresh) = (issued.access_token, issued.refresh_token);
    format!(r#"{{"access_token":"{access}","refresh_token":"{refresh}","expires_in":3600}}"#)
}

/// What a request may take decides how long others wait for whoever has sent one.
fn quick(simulator: &Simulator) -> ConfigParts {
    let mut parts = parts(simulator.base_url());
    parts.request_timeout = Duration::from_secs(1);
    parts
}

#[test]
fn the_renewal_of_another_node_is_waited_for() {
    let (nodes, simulator) = (Nodes::default(), Arc::new(simulator()));
    let (other, clients) = (nodes.builder(parts(simulator.base_url())), nodes.builder(parts(simulator.base_url())));
    let (other, clients) = (other.build().unwrap(), clients.build().unwrap());
    other.of("cookie".to_owned()).client().unwrap().adopt(issue(&simulator)).unwrap();
    simulator.fault(Fault::hold().at(Endpoint::AccessToken));
    let renewing = thread::spawn(move || other.of("cookie".to_owned()).client().unwrap().refresh());
    assert!(sent(&simulator, Endpoint::AccessToken));
    let rebinding = clients.clone();
    let rebinding = thread::spawn(move || rebinding.rebind(&"cookie".to_owned(), &"zoe".to_owned()));
    thread::sleep(Duration::from_millis(300));
    simulator.release();
    rebinding.join().unwrap().unwrap();
    renewing.join().unwrap().unwrap();
    assert!(clients.of("zoe".to_owned()).token().is_ok());
    assert_eq!((simulator.counters().refreshes_succeeded, simulator.counters().reuse_detected), (1, 0));
}

/// What the store has when a node has ended right after it stored what it was about to do.
fn intent_of_nobody(config: Config, stored: &Secret) -> Secret {
    let seed = Entropy::new(&(1..=u8::MAX).take(Entropy::LEN).collect::<Vec<_>>()).unwrap();
    let options = Options::new(&config, Some(StoreTraits::default()));
    let mut coordinator = Coordinator::open(config, Some(stored), seed, options).unwrap();
    let now = Now { wall: Timestamp::from_millis(2_000), mono: Tick::from_millis(0) };
    coordinator.call(now, Ticket(1), Call::Refresh { within: None }).unwrap();
    let mut saved = None;
    while let Some(output) = coordinator.poll() {
        match output {
            Output::Do { job, op: Op::Load } => coordinator.done(now, job, Done::Loaded(Some(stored.clone()))),
            Output::Do { op: Op::Save { snapshot, .. }, .. } => saved = Some(snapshot),
            _ => {}
        }
    }
    saved.expect("an intent")
}

#[test]
fn the_intent_of_a_node_that_is_no_more_ends() {
    let (nodes, simulator) = (Nodes::default(), simulator());
    let clients = nodes.builder(quick(&simulator)).build().unwrap();
    clients.of("cookie".to_owned()).client().unwrap().adopt(issue(&simulator)).unwrap();
    let store = nodes.store("cookie");
    let stored = store.load().unwrap().unwrap();
    let intent = intent_of_nobody(quick(&simulator).build().unwrap(), &stored);
    let replaces = Replaces::Revision(snapshot_revision(stored.expose()).unwrap());
    assert_eq!(store.save(&Put::of(intent, replaces).unwrap()), Ok(Saved::Stored));
    clients.rebind(&"cookie".to_owned(), &"zoe".to_owned()).unwrap();
    assert!(clients.of("zoe".to_owned()).token().is_ok());
    // A renewal is what shows that it is nobody's.
    assert_eq!(simulator.counters().refreshes_succeeded, 1);
}

#[test]
fn a_sign_out_that_is_under_way_answers_with_its_url() {
    let (nodes, simulator) = (Nodes::default(), simulator());
    let clients = nodes.builder(parts(simulator.base_url())).build().unwrap();
    let (zoe, cookie) = (|| "zoe".to_owned(), || "cookie".to_owned());
    for user in [zoe(), cookie()] {
        clients.of(user).client().unwrap().adopt(issue(&simulator)).unwrap();
    }
    simulator.fault(Fault::slow(1_000).at(Endpoint::Revoke));
    let leaving = clients.of(zoe());
    let options = SignOutOptions { logout: LogoutVia::Browser, ..SignOutOptions::default() };
    let leaving = thread::spawn(move || leaving.sign_out(options));
    assert!(sent(&simulator, Endpoint::Revoke));
    clients.rebind(&cookie(), &zoe()).unwrap();
    assert!(leaving.join().unwrap().unwrap().is_some());
    assert!(clients.of(zoe()).token().is_ok());
}

#[test]
fn an_api_that_lets_wait_is_called_again() {
    let (nodes, simulator) = (Nodes::default(), simulator());
    let clients = nodes.builder(parts(simulator.base_url())).build().unwrap();
    clients.of("cookie".to_owned()).client().unwrap().adopt(issue(&simulator)).unwrap();
    simulator.fault(Fault::retry_after(429, "1").at(Endpoint::PeopleMe));
    let (calling, url) = (clients.of("cookie".to_owned()), format!("{}/v1/people/me", simulator.base_url()));
    let calling = thread::spawn(move || calling.get(&url));
    assert!(sent(&simulator, Endpoint::PeopleMe));
    clients.rebind(&"cookie".to_owned(), &"zoe".to_owned()).unwrap();
    assert_eq!(calling.join().unwrap().unwrap().status(), 200);
}
