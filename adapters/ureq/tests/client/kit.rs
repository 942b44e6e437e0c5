//! A simulator and clients for it.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::mpsc::Receiver;
use std::time::Duration;

use webex_oauth_simulator::{CLIENT_ID, CLIENT_SECRET, Issued, Options, Simulator};
use webex_oauth_ureq::webex_oauth::{ConfigParts, Event, Provider, Timestamp};
use webex_oauth_ureq::{Client, ClientBuilder, ClientEvent, Store};

pub(crate) const SCOPE: &str = "spark:people_read spark:rooms_read";

pub(crate) fn simulator() -> Simulator {
    Simulator::start(Options { rotate: true, ..Options::default() }).unwrap()
}

pub(crate) fn parts(simulator: &Simulator) -> ConfigParts {
    let mut parts = ConfigParts::new(Provider::webex_at(simulator.base_url()), CLIENT_ID);
    parts.client_secret = Some(CLIENT_SECRET.into());
    parts.redirect_uri = Some("http://127.0.0.1/callback".into());
    parts.scope = SCOPE.into();
    parts.request_timeout = Duration::from_secs(10);
    parts
}

/// The same server as one that is not Webex's, and may replace the refresh token at every use.
pub(crate) fn rotating(simulator: &Simulator) -> ConfigParts {
    let (authorize, token) = (simulator.url("/v1/authorize"), simulator.url("/v1/access_token"));
    ConfigParts { provider: Provider::custom(&authorize, &token), ..parts(simulator) }
}

pub(crate) fn builder(simulator: &Simulator) -> ClientBuilder {
    Client::builder(parts(simulator).build().unwrap())
}

pub(crate) fn issue(simulator: &Simulator) -> Issued {
    simulator.issue(CLIENT_ID, SCOPE).unwrap()
}

/// The tokens as text, with a life of `expires_in` seconds.
pub(crate) fn handoff(issued: &Issued, expires_in: i64) -> String {
    format!(
        r#"{{"access_token":"{}","refresh_token":"{}","expires_in":{expires_in},"scope":"{}"}}"#,
        issued.access_token, issued.refresh_token, issued.scope
    )
}

/// Signed in with a token of that life.
pub(crate) fn signed_in(simulator: &Simulator, builder: ClientBuilder, expires_in: i64) -> Client {
    let client = builder.open().unwrap();
    client.adopt(handoff(&issue(simulator), expires_in)).unwrap();
    client
}

/// A clock that runs, and that can be set.
#[derive(Clone, Default)]
pub(crate) struct Clock(Arc<AtomicI64>);

impl Clock {
    pub(crate) fn advance(&self, seconds: i64) {
        self.0.fetch_add(seconds * 1000, Ordering::SeqCst);
    }

    pub(crate) fn read(&self) -> impl Fn() -> Timestamp + Send + Sync + use<> {
        let ahead = Arc::clone(&self.0);
        move || webex_oauth_driver::now().plus_millis(ahead.load(Ordering::SeqCst))
    }
}

/// Waits for an event.
pub(crate) fn wait_for(events: &Receiver<ClientEvent>, wanted: impl Fn(&ClientEvent) -> bool) -> ClientEvent {
    loop {
        let event = events.recv_timeout(Duration::from_secs(20)).expect("the event");
        if wanted(&event) {
            return event;
        }
    }
}

pub(crate) fn is_refreshed(event: &ClientEvent) -> bool {
    matches!(event, ClientEvent::Session(Event::TokensRefreshed { .. }))
}

/// Leaves a session with an expired access token in the store.
pub(crate) fn prepare(simulator: &Simulator, store: impl Store + 'static) {
    let mut parts = parts(simulator);
    parts.refresh.proactive = false;
    drop(signed_in(simulator, Client::builder(parts.build().unwrap()).store(store), 0));
    assert_eq!(simulator.counters().refreshes_attempted, 0);
}

/// A server that says this to everybody, whatever it is asked; the URL to call it at.
pub(crate) fn says(answer: Vec<u8>) -> String {
    serve(answer, |_| {})
}

/// A server that refuses everything; the URL to call it at, and the first lines of what it was asked.
pub(crate) fn hears() -> (String, Receiver<String>) {
    let (sender, seen) = std::sync::mpsc::channel();
    let refusal = b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".to_vec();
    let hear = move |line: &str| drop(sender.send(line.to_owned()));
    (serve(refusal, hear), seen)
}

fn serve(answer: Vec<u8>, hear: impl Fn(&str) + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut head = BufReader::new(&stream).lines().map_while(Result::ok).take_while(|line| !line.is_empty());
            hear(&head.next().unwrap_or_default());
            head.for_each(drop);
            // Who has heard enough hangs up.
            let _ = stream.write_all(&answer);
        }
    });
    url
}
