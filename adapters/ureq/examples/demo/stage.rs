//! The simulator, and how the demo tells its story.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use webex_oauth_simulator::{CLIENT_ID, CLIENT_SECRET, Options, Simulator, fingerprint};
use webex_oauth_ureq::webex_oauth::{AccessToken, ConfigParts, Provider};
use webex_oauth_ureq::{Client, ClientBuilder};

pub(crate) type Done<T = ()> = Result<T, Box<dyn Error>>;

pub(crate) struct Stage {
    pub(crate) simulator: Arc<Simulator>,
    steps: u32,
}

impl Stage {
    pub(crate) fn new() -> Done<Self> {
        let options = Options { rotate: true, device_interval_ms: 1000, ..Options::default() };
        Ok(Self { simulator: Arc::new(Simulator::start(options)?), steps: 0 })
    }

    pub(crate) fn steps(&self) -> u32 {
        self.steps
    }

    /// A new step: the server starts with an empty log.
    pub(crate) fn begin(&mut self, title: &str) {
        self.steps += 1;
        self.simulator.clear_faults();
        self.simulator.clear_log();
        println!("{:>2} {title}", self.steps);
    }

    /// How the integration is configured.
    pub(crate) fn parts(&self) -> ConfigParts {
        let mut parts = ConfigParts::new(Provider::webex_at(self.simulator.base_url()), CLIENT_ID);
        parts.client_secret = Some(CLIENT_SECRET.into());
        parts.redirect_uri = Some("http://127.0.0.1/callback".into());
        parts.scope = "spark:people_read spark:rooms_read".into();
        // A demo does not wait for half a minute.
        parts.refresh.min_interval = Duration::ZERO;
        parts.refresh.backoff = Duration::from_millis(400);
        parts
    }

    pub(crate) fn builder(&self) -> Done<ClientBuilder> {
        Ok(Client::builder(self.parts().build()?))
    }

    /// What the server saw, in a line each.
    pub(crate) fn show_log(&self) {
        for entry in self.simulator.log().into_iter().filter(|entry| entry.done_ms.is_some()) {
            let status = entry.status.map_or("no answer".to_owned(), |status| status.to_string());
            let grant = entry.grant_type.as_deref().map_or(String::new(), |grant| format!(" {grant}"));
            let token = entry.presented.map_or(String::new(), |token| {
                format!(" with {:?} token {}, generation {}", token.kind, token.fingerprint, token.generation)
            });
            say(&format!("the server saw: {} {}{grant}{token} -> {status}", entry.method, entry.path));
        }
    }
}

/// A line of explanation.
pub(crate) fn say(text: &str) {
    println!("   {text}");
}

/// The end of a step.
pub(crate) fn ok(text: &str) {
    println!("   ok: {text}\n");
}

/// Fails the step unless `holds`.
pub(crate) fn check(holds: bool, what: &str) -> Done {
    if holds { Ok(()) } else { Err(what.into()) }
}

pub(crate) fn name(token: &AccessToken) -> String {
    fingerprint(token.expose())
}
