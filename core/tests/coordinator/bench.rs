//! One coordinator at a bench: calls go in, jobs are answered by hand.

use std::time::Duration;

use crate::coordinator::rules::Rule;
use crate::coordinator::{
    Call, ClientEvent, Coordinator, Credential, Done, JobId, Now, Op, Options, Output, Reply, StoreTraits, Tick,
    Ticket, Times,
};
use crate::http::HttpResponse;
use crate::{Config, ConfigParts, Entropy, Provider, Secret, SendFault, Timestamp};

pub(crate) struct Bench {
    pub(crate) coordinator: Coordinator,
    wall: u64,
    mono: u64,
    pub(crate) jobs: Vec<(JobId, Op)>,
    pub(crate) replies: Vec<(u64, Reply)>,
    pub(crate) told: Vec<ClientEvent>,
    pub(crate) stopped: usize,
    /// What was published last: a generation, or nothing.
    pub(crate) published: Option<u64>,
    /// What was published when this ticket was answered.
    pub(crate) published_at: Vec<(u64, Option<u64>)>,
    /// How often the store was read.
    pub(crate) loads: usize,
    /// What the store holds.
    pub(crate) row: Option<Secret>,
}

/// A client of Webex, at an address of its own.
pub(crate) fn parts() -> ConfigParts {
    let mut parts = ConfigParts::new(Provider::webex_at("https://as.example"), "C1");
    parts.client_secret = Some("secret".into());
    parts.redirect_uri = Some("https://app.example/cb".to_owned());
    parts
}

pub(crate) const TOKENS: &str =
    r#"{"access_token":"AT1","token_type":"Bearer","expires_in":3600,"refresh_token":"RT1","scope":"a b"}"#;

/// The server rotates; the protocol's times are those that the tests here are written with.
fn usual(config: &Config) -> Options {
    let options = Options::new(config, Some(StoreTraits::default()));
    let times = Times { margin: Duration::from_secs(2), ..options.times };
    Options { rotates: true, times, ..options }
}

impl Bench {
    pub(crate) fn new(parts: ConfigParts, broken: Option<Rule>) -> Self {
        Self::open(parts, broken, |_| {})
    }

    fn open(parts: ConfigParts, broken: Option<Rule>, set: impl FnOnce(&mut Options)) -> Self {
        let config: Config = parts.build().unwrap();
        let mut options = usual(&config);
        set(&mut options);
        let bytes: Vec<u8> = (0..64).collect();
        let mut coordinator = Coordinator::open(config, None, Entropy::new(&bytes).unwrap(), options).unwrap();
        coordinator.broken = broken;
        Self {
            coordinator,
            wall: 1_000,
            mono: 1_000,
            jobs: Vec::new(),
            replies: Vec::new(),
            told: Vec::new(),
            stopped: 0,
            published: None,
            published_at: Vec::new(),
            loads: 0,
            row: None,
        }
    }

    /// With somebody signed in, and other options.
    pub(crate) fn signed_in_with(set: impl FnOnce(&mut Options)) -> Self {
        let mut bench = Self::open(parts(), None, set);
        bench.sign_in(1, Credential::Tokens { tokens: TOKENS.into() });
        bench.serve_store();
        bench
    }

    /// With somebody signed in.
    pub(crate) fn signed_in(parts: ConfigParts, broken: Option<Rule>) -> Self {
        let mut bench = Self::new(parts, broken);
        bench.sign_in(1, Credential::Tokens { tokens: TOKENS.into() });
        bench.serve_store();
        bench.replies.clear();
        bench
    }

    /// Another process opens what is stored; its clock is this much behind.
    pub(crate) fn reopen_behind(&mut self, millis: u64) {
        self.wall -= millis;
        let config: Config = parts().build().unwrap();
        let options = usual(&config);
        let bytes: Vec<u8> = (1..65).collect();
        let seed = Entropy::new(&bytes).unwrap();
        self.coordinator = Coordinator::open(config, self.row.as_ref(), seed, options).unwrap();
        self.jobs.clear();
    }

    pub(crate) fn clock(&self) -> Now {
        let wall = Timestamp::from_millis(1_700_000_000_000 + i64::try_from(self.wall).unwrap());
        Now { wall, mono: Tick::from_millis(self.mono) }
    }

    pub(crate) fn call(&mut self, ticket: u64, call: Call) {
        self.coordinator.call(self.clock(), Ticket(ticket), call).unwrap();
        self.drain();
    }

    pub(crate) fn sign_in(&mut self, ticket: u64, credential: Credential) {
        self.call(ticket, Call::SignIn { credential, within: Some(Duration::from_secs(5000)) });
    }

    pub(crate) fn pass(&mut self, millis: u64) {
        self.wall += millis;
        self.wait(millis);
    }

    /// Time passes, and the wall clock stands.
    pub(crate) fn wait(&mut self, millis: u64) {
        self.mono += millis;
        self.coordinator.wake(self.clock());
        self.drain();
    }

    /// Time passes, and nobody wakes the coordinator.
    pub(crate) fn sleep(&mut self, millis: u64) {
        self.wall += millis;
        self.mono += millis;
    }

    pub(crate) fn done(&mut self, job: JobId, result: Done) {
        self.coordinator.done(self.clock(), job, result);
        self.drain();
    }

    fn drain(&mut self) {
        while let Some(output) = self.coordinator.poll() {
            match output {
                Output::Do { job, op } => self.jobs.push((job, op)),
                Output::Stop { job } => {
                    self.stopped += 1;
                    self.jobs.retain(|(open, _)| *open != job);
                }
                Output::Resolve { ticket, reply } => {
                    self.published_at.push((ticket.0, self.published));
                    self.replies.push((ticket.0, reply));
                }
                Output::Tell { event } => self.told.push(event),
                Output::Publish { fresh } => self.published = fresh.map(|fresh| fresh.generation),
                Output::Show { .. } => {}
            }
        }
    }

    /// Answers all that the store is asked, as a store does.
    pub(crate) fn serve_store(&mut self) {
        while let Some(at) = self.jobs.iter().position(|(_, op)| matches!(op, Op::Load | Op::Save { .. })) {
            let (job, op) = self.jobs.remove(at);
            let result = match op {
                Op::Save { snapshot, .. } => {
                    self.row = Some(snapshot);
                    Done::Saved
                }
                _ => {
                    self.loads += 1;
                    Done::Loaded(self.row.clone())
                }
            };
            self.done(job, result);
        }
    }

    /// Takes the only request that is out.
    pub(crate) fn request(&mut self) -> Option<JobId> {
        let at = self.jobs.iter().position(|(_, op)| matches!(op, Op::Send { .. }))?;
        Some(self.jobs.remove(at).0)
    }

    pub(crate) fn requests(&self) -> usize {
        self.jobs.iter().filter(|(_, op)| matches!(op, Op::Send { .. })).count()
    }

    pub(crate) fn answer(&mut self, status: u16, body: &str) {
        let job = self.request().unwrap();
        self.done(job, response(status, body));
        self.serve_store();
    }

    /// The only request that is out has left, and no answer came.
    pub(crate) fn lose(&mut self) {
        let job = self.request().unwrap();
        self.done(job, Done::SendFailed(SendFault::Lost));
        self.serve_store();
    }

    pub(crate) fn reply(&self, ticket: u64) -> Option<&Reply> {
        self.replies.iter().find(|(of, _)| *of == ticket).map(|(_, reply)| reply)
    }
}

pub(crate) fn response(status: u16, body: &str) -> Done {
    let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
    Done::Response(HttpResponse { status, headers, body: body.as_bytes().to_vec() })
}
