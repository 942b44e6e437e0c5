//! Two or three coordinators over one store and one server, two clocks each. Everything that may happen is a [`Step`].

mod asked;
mod browser;
mod device;
mod io;
mod rest;
mod rules;
mod step;
mod time;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

pub(crate) use self::step::{Browser, Device, How, Setting, Step};
use super::server::{Server, number_after};
use crate::coordinator::{
    Call, ClientEvent, Coordinator, Credential, Done, Failure, JobId, Next, Now, Of, Op, Options, Output, Reply, Spent,
    StoreFault, StoreFaultKind, StoreTraits, Tick, Ticket,
};
use crate::http::{HttpResponse, Purpose};
use crate::{
    Config, ConfigParts, Entropy, Event, Provider, Secret, SendFault, SignOutOptions, Timestamp, snapshot_revision,
};

/// T, of every request.
const REQUEST: Duration = Duration::from_secs(30);

#[derive(Debug, Clone)]
struct Out {
    op: Op,
    since: u64,
    /// What the server has answered.
    mail: Option<Done>,
    refresh: Option<u32>,
    /// The login whose code it redeems.
    code: Option<usize>,
    stopped: bool,
}

impl Out {
    /// It spends what can be spent once.
    fn spends(&self) -> bool {
        self.refresh.is_some() || self.code.is_some()
    }
}

#[derive(Debug, Clone)]
struct Waiting {
    call: Step,
    /// Loads that had begun before.
    loads: u64,
}

#[derive(Debug, Clone)]
pub(crate) struct Node {
    coordinator: Coordinator,
    jobs: BTreeMap<JobId, Out>,
    last_job: u64,
    tickets: BTreeMap<u64, Waiting>,
    /// Generations of tokens that this node knows to be stored.
    stored: BTreeSet<u32>,
    loads: u64,
    loads_ended: u64,
    published: Option<u32>,
    suspended: bool,
    /// Suspended for so long with something at stake.
    slept: u64,
    closing: Option<u64>,
    /// Sign-ins that were signed out here.
    signed_out: BTreeSet<u32>,
    /// Logins whose callback was answered with a failure that ends them.
    refused: BTreeSet<usize>,
    /// Sign-ins of which the store has said that it cannot take them.
    unsaved: BTreeSet<u32>,
    skew: i64,
    /// An event of a renewal was told in this step.
    told: bool,
}

#[derive(Debug, Clone)]
pub(crate) struct World {
    pub(crate) setting: Setting,
    config: Config,
    now: u64,
    row: Option<Secret>,
    /// What it held before: a replica may lack the last write.
    before: Option<Secret>,
    deleted: BTreeSet<u32>,
    /// Sign-ins that have been in the store.
    kept: BTreeSet<u32>,
    /// Somebody signed out, or deleted what was stored.
    ended: bool,
    delayed: Vec<(Secret, u64)>,
    down: bool,
    lock: Option<usize>,
    pub(crate) server: Server,
    nodes: Vec<Option<Node>>,
    last_ticket: u64,
    seeds: u64,
    pub(crate) resolved: u64,
    pub(crate) aloud: bool,
}

/// The next write may get the number of the lost one: who knows that one takes the two for the same.
const LOST_WRITE: &str = "the store lost its last write";
const SIGN_IN_UNKNOWN: &str = "the save of a sign-in had an unknown outcome";

/// How tokens are written in a snapshot.
const RT: &str = "token\":\"RT";
const AT: &str = "token\":\"AT";

type Checked = Result<(), String>;

pub(crate) fn config() -> Config {
    let mut provider = Provider::custom("https://as.example/authorize", "https://as.example/token");
    provider.revocation_endpoint = Some("https://as.example/revoke".to_owned());
    provider.device_authorization_endpoint = Some("https://as.example/device_authorization".to_owned());
    let mut parts = ConfigParts::new(provider, "C1");
    parts.redirect_uri = Some("https://app.example/cb".to_owned());
    parts.request_timeout = REQUEST;
    parts.build().unwrap()
}

/// Different in every part: states, verifiers and numbers are made of different ones.
fn entropy(number: u64) -> Entropy {
    let parts = (0..8_u64).flat_map(|at| (number * 8 + at).wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes());
    Entropy::new(&parts.collect::<Vec<_>>()).unwrap()
}

fn fault() -> StoreFault {
    StoreFault { kind: StoreFaultKind::Unavailable, problem: "down".into() }
}

impl World {
    pub(crate) fn new(setting: Setting) -> Self {
        let mut world = Self {
            setting: Setting { broken: None, ..setting },
            config: config(),
            now: 0,
            row: None,
            before: None,
            deleted: BTreeSet::new(),
            kept: BTreeSet::new(),
            ended: false,
            delayed: Vec::new(),
            down: false,
            lock: None,
            server: Server::new(setting.policy),
            nodes: vec![None; setting.nodes],
            last_ticket: 0,
            seeds: 0,
            resolved: 0,
            aloud: false,
        };
        // Somebody has signed in before.
        world.start(0);
        world.step(Step::SignIn(0)).unwrap();
        world.run_jobs(0);
        world.nodes[0] = None;
        world.setting = setting;
        for node in 0..setting.nodes {
            world.start(node);
        }
        world
    }

    fn run_jobs(&mut self, node: usize) {
        while self.jobs(node) > 0 {
            self.step(Step::Job(node, 0, How::Ok)).unwrap();
        }
    }

    fn options(&self) -> Options {
        let lock_domain = self.setting.lock.then(|| "machine".to_owned());
        Options::new(&self.config, Some(StoreTraits { lock_domain }))
    }

    fn start(&mut self, node: usize) {
        self.seeds += 1;
        let opened =
            Coordinator::open(self.config.clone(), self.row.as_ref(), entropy(self.seeds), self.options()).unwrap();
        let mut coordinator = opened;
        coordinator.broken = self.setting.broken;
        let stored = self.row.iter().filter_map(|row| number_after(row.expose(), AT)).collect();
        self.nodes[node] = Some(Node {
            coordinator,
            jobs: BTreeMap::new(),
            last_job: 0,
            tickets: BTreeMap::new(),
            stored,
            loads: 0,
            loads_ended: 0,
            published: None,
            suspended: false,
            slept: 0,
            closing: None,
            signed_out: BTreeSet::new(),
            refused: BTreeSet::new(),
            unsaved: BTreeSet::new(),
            skew: 0,
            told: false,
        });
    }

    // ------------------------------------------------------------------ steps

    pub(crate) fn step(&mut self, step: Step) -> Checked {
        match step {
            Step::Token(n) => self.call(n, step, Call::Token { of: Of::Session, within: None }),
            Step::Refresh(n) => self.call(n, step, Call::Refresh { within: None }),
            Step::Rejected(n) => {
                let generation = self.node(n).coordinator.session().status(Timestamp::default()).generation;
                let spent = Spent::default();
                self.call(n, step, Call::Answered { generation, status: 401, retry_after: None, spent })
            }
            Step::SignIn(n) => {
                self.family_at(n).into_iter().for_each(|had| self.server.replace(had));
                let tokens = Secret::new(self.server.sign_in());
                self.call(n, step, Call::SignIn { credential: Credential::Tokens { tokens }, within: None })
            }
            Step::Browser(n, what) => self.browser(n, what),
            Step::Device(n, what) => self.device(n, what),
            Step::SignOut(n) => {
                self.ended = true;
                let tokens = self.node(n).coordinator.session().tokens().cloned();
                let refresh = tokens.and_then(|tokens| number_after(tokens.refresh_token?.expose(), "RT"));
                let family = refresh.and_then(|refresh| self.server.family(refresh));
                self.node(n).signed_out.extend(family);
                self.call(n, step, Call::SignOut { options: SignOutOptions::default() })
            }
            Step::Look(n) => self.call(n, step, Call::Look),
            Step::Close(n) => {
                self.call(n, step, Call::Close { within: None })?;
                let now = self.now;
                self.node(n).closing.get_or_insert(now);
                Ok(())
            }
            Step::GiveUp(n) => {
                let ticket = self.node(n).tickets.pop_first();
                if let Some((ticket, _)) = ticket {
                    self.node(n).coordinator.give_up(Ticket(ticket));
                }
                self.drain(n)
            }
            Step::Job(n, at, how) => self.end_job(n, at, how),
            Step::Crash(n) => self.crash(n),
            Step::Start(n) => {
                self.start(n);
                Ok(())
            }
            Step::Fork(n) => {
                self.lose_requests(n, "forked");
                self.seeds += 1;
                let (seed, now) = (entropy(self.seeds), self.clock(n));
                self.node(n).jobs.clear();
                if self.lock == Some(n) {
                    self.lock = None;
                }
                self.node(n).coordinator.restarted(now, &seed);
                self.drain(n)
            }
            Step::Suspend(n) => {
                self.node(n).suspended = true;
                self.node(n).slept = 0;
                Ok(())
            }
            Step::Resume(n) => {
                self.node(n).suspended = false;
                self.wake(n)
            }
            Step::Pass => self.pass(),
            Step::Expire if self.is_quiet() => self.advance(3_700_000),
            Step::Expire => self.pass(),
            Step::SetClock(n, forward) => {
                self.node(n).skew += if forward { 3_600_000 } else { -3_600_000 };
                self.wake(n)
            }
            Step::Delayed => {
                if let Some((snapshot, replaces)) = self.delayed.pop() {
                    self.swap(snapshot, replaces)?;
                }
                Ok(())
            }
            Step::Delete => {
                self.ended = true;
                let family = self.row_refresh().and_then(|refresh| self.server.family(refresh));
                self.deleted.extend(family);
                self.row = None;
                Ok(())
            }
            Step::StoreDown => {
                self.down = true;
                Ok(())
            }
            Step::StoreUp => {
                self.down = false;
                Ok(())
            }
            Step::FailOver => {
                self.fail_over();
                Ok(())
            }
        }
    }

    fn node(&mut self, node: usize) -> &mut Node {
        self.nodes[node].as_mut().unwrap()
    }

    fn call(&mut self, n: usize, step: Step, call: Call) -> Checked {
        self.last_ticket += 1;
        let (ticket, now) = (self.last_ticket, self.clock(n));
        let loads = self.node(n).loads;
        self.node(n).tickets.insert(ticket, Waiting { call: step, loads });
        if self.node(n).coordinator.call(now, Ticket(ticket), call).is_err() {
            self.node(n).tickets.remove(&ticket);
        }
        self.drain(n)
    }

    fn wake(&mut self, n: usize) -> Checked {
        let now = self.clock(n);
        self.node(n).coordinator.wake(now);
        self.drain(n)
    }

    fn crash(&mut self, n: usize) -> Checked {
        self.lose_requests(n, "crashed");
        self.nodes[n] = None;
        if self.lock == Some(n) {
            self.lock = None;
        }
        Ok(())
    }

    /// What is under way at this node loses its receiver.
    fn lose_requests(&mut self, n: usize, why: &'static str) {
        let node = self.nodes[n].as_ref().unwrap();
        let spends = node.jobs.values().any(|out| out.refresh.is_some());
        self.server.lose_codes_of(n);
        let unsaved =
            node.jobs.values().any(|out| matches!(out.op, Op::Save { .. })) || node.coordinator.store_fault().is_some();
        if spends || unsaved {
            self.server.excuse(why);
        }
    }
}
