//! Two or three coordinators over one store and one server, two clocks each. Everything that may happen is a [`Step`].

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::server::{Policy, Server, number_after};
use crate::coordinator::rules::Rule;
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

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Setting {
    pub(crate) nodes: usize,
    pub(crate) policy: Policy,
    /// The store has a lock.
    pub(crate) lock: bool,
    /// A rule that is switched off.
    pub(crate) broken: Option<Rule>,
    /// Steps that excuse the loss of a session do not happen.
    pub(crate) gentle: bool,
}

/// How a job ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum How {
    Ok,
    /// Not done, and said so.
    Fails,
    /// Done, and the answer is lost.
    Lost,
    /// The answer is lost, and it may be done later: a save alone.
    Later,
    /// A body that nobody can read, a result of another kind.
    Garbage,
    /// Reported twice.
    Twice,
    /// The server acts upon it, and the answer lies in the socket.
    Processed,
    /// 503.
    Busy,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    Token(usize),
    Refresh(usize),
    Rejected(usize),
    SignIn(usize),
    SignOut(usize),
    Look(usize),
    Close(usize),
    GiveUp(usize),
    /// The n-th job that is out at this node.
    Job(usize, usize, How),
    Crash(usize),
    Start(usize),
    Fork(usize),
    Suspend(usize),
    Resume(usize),
    /// Until somebody wants to be woken.
    Pass,
    /// An hour and a bit: tokens end.
    Expire,
    /// The wall clock of this node is set by an hour, forward or back.
    SetClock(usize, bool),
    Delayed,
    Delete,
    StoreDown,
    StoreUp,
}

#[derive(Debug, Clone)]
struct Out {
    op: Op,
    since: u64,
    /// What the server has answered.
    mail: Option<Done>,
    refresh: Option<u32>,
    stopped: bool,
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
    deleted: BTreeSet<u32>,
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

const INSERT_UNKNOWN: &str = "an insert had an unknown outcome";

type Checked = Result<(), String>;

pub(crate) fn config() -> Config {
    let mut provider = Provider::custom("https://as.example/authorize", "https://as.example/token");
    provider.revocation_endpoint = Some("https://as.example/revoke".to_owned());
    let mut parts = ConfigParts::new(provider, "C1");
    parts.redirect_uri = Some("https://app.example/cb".to_owned());
    parts.request_timeout = REQUEST;
    parts.build().unwrap()
}

fn entropy(number: u64) -> Entropy {
    let mut bytes = [7_u8; Entropy::LEN];
    bytes[..8].copy_from_slice(&number.to_le_bytes());
    bytes[56..].copy_from_slice(&number.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes());
    Entropy::new(&bytes).unwrap()
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
            deleted: BTreeSet::new(),
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
        let stored = self.row.iter().filter_map(|row| number_after(row.expose(), "\"AT")).collect();
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
            skew: 0,
            told: false,
        });
    }

    pub(crate) fn jobs(&self, node: usize) -> usize {
        self.nodes[node].as_ref().map_or(0, |node| node.jobs.len())
    }

    pub(crate) fn op(&self, node: usize, at: usize) -> Option<&Op> {
        self.nodes[node].as_ref()?.jobs.values().nth(at).map(|out| &out.op)
    }

    pub(crate) fn has_mail(&self, node: usize, at: usize) -> bool {
        self.nodes[node].as_ref().and_then(|node| node.jobs.values().nth(at)).is_some_and(|out| out.mail.is_some())
    }

    /// Whether a step can be taken as things are.
    pub(crate) fn makes_sense(&self, step: Step) -> bool {
        match step {
            Step::Start(n) => !self.is_up(n),
            Step::Resume(n) => self.is_up(n) && !self.is_awake(n),
            Step::Job(n, at, _) => self.is_awake(n) && at < self.jobs(n),
            Step::Token(n)
            | Step::Refresh(n)
            | Step::Rejected(n)
            | Step::SignIn(n)
            | Step::SignOut(n)
            | Step::Look(n)
            | Step::Close(n)
            | Step::GiveUp(n)
            | Step::Crash(n)
            | Step::Fork(n)
            | Step::Suspend(n)
            | Step::SetClock(n, _) => self.is_awake(n),
            Step::Pass | Step::Expire | Step::Delayed | Step::Delete | Step::StoreDown | Step::StoreUp => true,
        }
    }

    pub(crate) fn is_up(&self, node: usize) -> bool {
        self.nodes[node].is_some()
    }

    pub(crate) fn is_awake(&self, node: usize) -> bool {
        self.nodes[node].as_ref().is_some_and(|node| !node.suspended)
    }

    pub(crate) fn is_closing(&self, node: usize) -> bool {
        self.nodes[node].as_ref().is_some_and(|node| node.closing.is_some())
    }

    pub(crate) fn waiting(&self, node: usize) -> usize {
        self.nodes[node].as_ref().map_or(0, |node| node.tickets.len())
    }

    pub(crate) fn is_down(&self) -> bool {
        self.down
    }

    pub(crate) fn has_delayed(&self) -> bool {
        !self.delayed.is_empty()
    }

    fn clock(&self, node: usize) -> Now {
        let skew = self.nodes[node].as_ref().map_or(0, |node| node.skew);
        let wall = Timestamp::from_millis(1_700_000_000_000 + i64::try_from(self.now).unwrap() + skew);
        Now { wall, mono: Tick::from_millis(self.now + 1000 * node as u64) }
    }

    fn row_refresh(&self) -> Option<u32> {
        number_after(self.row.as_ref()?.expose(), "\"RT")
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
                let tokens = Secret::new(self.server.sign_in());
                self.call(n, step, Call::SignIn { credential: Credential::Tokens { tokens }, within: None })
            }
            Step::SignOut(n) => {
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
        let unsaved =
            node.jobs.values().any(|out| matches!(out.op, Op::Save { .. })) || node.coordinator.store_fault().is_some();
        if spends || unsaved {
            self.server.excuse(why);
        }
    }

    // ------------------------------------------------------------------ time

    /// The next moment at which anybody wants to be woken, unless something does not let time pass.
    pub(crate) fn next_moment(&self) -> Option<u64> {
        let mut next: Option<u64> = None;
        let mut at_most = u64::MAX;
        for (n, node) in self.nodes.iter().enumerate() {
            let Some(node) = node else { continue };
            for out in node.jobs.values() {
                // No request is processed later than T after it was sent.
                if out.refresh.is_some() && out.mail.is_none() {
                    at_most = at_most.min(out.since + 30_000);
                }
                // A node that lives reads what has come, and stores it, without delay.
                let prompt = out.mail.is_some() || matches!(out.op, Op::Save { .. }) && !self.down;
                if prompt && !node.suspended {
                    return None;
                }
            }
            if node.suspended {
                continue;
            }
            let wake = node.coordinator.wake_at();
            let wall = wake.wall.map(|at| {
                let ahead = at.millis_since(self.clock(n).wall).max(1);
                self.now + u64::try_from(ahead).unwrap()
            });
            let mono = wake.mono.map(|at| at.as_millis().saturating_sub(1000 * n as u64).max(self.now));
            next = [next, wall, mono].into_iter().flatten().min();
        }
        next.filter(|next| *next <= at_most)
    }

    /// Nothing is out that time must not pass over.
    fn is_quiet(&self) -> bool {
        let busy = |out: &Out| out.refresh.is_some() || matches!(out.op, Op::Save { .. });
        self.nodes.iter().flatten().all(|node| !node.jobs.values().any(busy))
    }

    fn pass(&mut self) -> Checked {
        match self.next_moment() {
            Some(next) => self.advance(next.saturating_sub(self.now).max(1)),
            None => Ok(()),
        }
    }

    fn advance(&mut self, millis: u64) -> Checked {
        self.now += millis;
        for n in 0..self.nodes.len() {
            let Some(node) = &mut self.nodes[n] else { continue };
            if node.suspended {
                let at_stake = node.jobs.values().any(|out| out.refresh.is_some() || matches!(out.op, Op::Save { .. }));
                node.slept += millis;
                if at_stake && node.slept >= 1_000 {
                    self.server.excuse("suspended beyond the margin");
                }
                continue;
            }
            let before = self.nodes[n].as_ref().map(|node| node.coordinator.wake_at());
            self.wake(n)?;
            let now = self.clock(n);
            let after = self.nodes[n].as_ref().map(|node| node.coordinator.wake_at());
            if before == after && after.is_some_and(|at| at.mono.is_some_and(|at| at <= now.mono)) {
                return Err(format!(
                    "node {n} wants to be woken again and again: {after:?} {:?}",
                    self.nodes[n].as_ref().unwrap().coordinator.waits_for()
                ));
            }
        }
        Ok(())
    }

    // ------------------------------------------------------------------ store and server

    fn swap(&mut self, snapshot: Secret, replaces: u64) -> Result<Done, String> {
        let holds = self.row.as_ref().map_or(0, |row| snapshot_revision(row.expose()).unwrap());
        if holds != replaces {
            return Ok(Done::Conflict(self.row.clone()));
        }
        let family = number_after(snapshot.expose(), "\"RT").and_then(|refresh| self.server.family(refresh));
        let known = !self.server.excuse.contains(&INSERT_UNKNOWN);
        if known && family.is_some_and(|family| self.deleted.contains(&family)) {
            return Err("tokens of a session that was signed out or deleted are stored".into());
        }
        let before = self.row_refresh().and_then(|refresh| self.server.family(refresh));
        if let Some(before) = before.filter(|_| before != family && !snapshot.expose().contains("grant_ended")) {
            self.deleted.insert(before);
        }
        self.row = Some(snapshot);
        Ok(Done::Saved)
    }

    fn end_job(&mut self, n: usize, at: usize, how: How) -> Checked {
        let Some((&job, out)) = self.node(n).jobs.iter().nth(at) else { return Ok(()) };
        let out = out.clone();
        let result = match &out.op {
            Op::Load => self.load(how),
            Op::Save { snapshot, replaces, .. } => self.save(how, snapshot.clone(), *replaces)?,
            Op::TryLock => self.try_lock(n, how),
            Op::Unlock => {
                if self.lock == Some(n) {
                    self.lock = None;
                }
                Some(Done::Unlocked)
            }
            Op::Send { .. } => self.answer(n, job, &out, how)?,
            Op::AskForToken { .. } | Op::AskForJwt { .. } => Some(Done::HostFailed("no".into())),
        };
        let Some(result) = result else { return Ok(()) };
        let node = self.node(n);
        node.jobs.remove(&job);
        if matches!(out.op, Op::Load) && !out.stopped {
            node.loads_ended = node.loads;
        }
        let row = match (&out.op, &result) {
            (Op::Save { snapshot, .. }, Done::Saved) => Some(snapshot.clone()),
            (_, Done::Loaded(Some(row)) | Done::Conflict(Some(row))) => Some(row.clone()),
            _ => None,
        };
        node.stored.extend(row.iter().filter_map(|row| number_after(row.expose(), "\"AT")));
        let now = self.clock(n);
        let node = self.node(n);
        node.coordinator.done(now, job, result.clone());
        if how == How::Twice {
            node.coordinator.done(now, job, result);
        }
        self.drain(n)
    }

    fn load(&self, how: How) -> Option<Done> {
        Some(match how {
            _ if self.down => Done::StoreFailed(fault()),
            How::Fails | How::Lost => Done::StoreFailed(fault()),
            How::Garbage => Done::Locked,
            _ => Done::Loaded(self.row.clone()),
        })
    }

    fn save(&mut self, how: How, snapshot: Secret, replaces: u64) -> Result<Option<Done>, String> {
        let failed = Some(Done::StoreFailed(fault()));
        if replaces == 0 && matches!(how, How::Lost | How::Later) {
            // Whoever deletes what it brought cannot be told from one who came before: the sign-in is saved once more.
            self.server.excuse(INSERT_UNKNOWN);
        }
        Ok(match how {
            _ if self.down => failed,
            How::Fails => failed,
            How::Garbage => Some(Done::LockBusy),
            How::Lost => {
                self.swap(snapshot, replaces)?;
                failed
            }
            How::Later => {
                self.delayed.push((snapshot, replaces));
                failed
            }
            _ => Some(self.swap(snapshot, replaces)?),
        })
    }

    fn try_lock(&mut self, n: usize, how: How) -> Option<Done> {
        Some(match how {
            How::Fails | How::Lost => Done::StoreFailed(fault()),
            How::Garbage => Done::Saved,
            _ if self.lock.is_some() => Done::LockBusy,
            _ => {
                self.lock = Some(n);
                Done::Locked
            }
        })
    }

    fn answer(&mut self, n: usize, job: JobId, out: &Out, how: How) -> Result<Option<Done>, String> {
        if let Some(mail) = &out.mail {
            return Ok(Some(mail.clone()));
        }
        let answer = |(status, body): (u16, String)| {
            let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
            Done::Response(HttpResponse { status, headers, body: body.into_bytes() })
        };
        let Op::Send { request, .. } = &out.op else { return Ok(None) };
        let Some(refresh) = out.refresh else {
            if let Some(refresh) = number_after(request.body.expose(), "token=RT") {
                self.server.revoke(refresh);
            }
            return Ok(Some(answer((200, "{}".into()))));
        };
        Ok(Some(match how {
            How::Fails => {
                self.server.not_spent(refresh);
                Done::SendFailed(SendFault::NotSent)
            }
            How::Busy => {
                self.server.not_spent(refresh);
                answer((503, String::new()))
            }
            How::Lost | How::Later | How::Garbage => {
                self.server.excuse("an answer was lost");
                let _ = self.server.refresh(refresh)?;
                if how == How::Garbage { answer((200, "<html>".into())) } else { Done::SendFailed(SendFault::Lost) }
            }
            How::Processed => {
                let mail = answer(self.server.refresh(refresh)?);
                if let Some(out) = self.node(n).jobs.get_mut(&job) {
                    out.mail = Some(mail);
                }
                return Ok(None);
            }
            How::Ok | How::Twice => answer(self.server.refresh(refresh)?),
        }))
    }

    // ------------------------------------------------------------------ outputs, and the rules they keep

    fn drain(&mut self, n: usize) -> Checked {
        if let Some(node) = &mut self.nodes[n] {
            node.told = false;
        }
        loop {
            let Some(node) = self.nodes[n].as_mut() else { return Ok(()) };
            let Some(output) = node.coordinator.poll() else { break };
            self.check(n, output)?;
        }
        // One whose limit has passed counts as failed, whatever its driver still does.
        let saves = self.count(n, |op| matches!(op, Op::Save { .. }));
        let spends = self.count(n, |op| matches!(op, Op::Send { request, .. } if request.purpose == Purpose::Refresh));
        if saves > 1 || spends > 1 {
            return Err(format!("node {n} has {saves} saves and {spends} refreshes out at once"));
        }
        Ok(())
    }

    fn count(&self, n: usize, is: impl Fn(&Op) -> bool) -> usize {
        self.nodes[n].as_ref().map_or(0, |node| {
            node.jobs.values().filter(|out| !out.stopped && out.since + 30_000 > self.now && is(&out.op)).count()
        })
    }

    fn check(&mut self, n: usize, output: Output) -> Checked {
        if self.aloud {
            let mut text = format!("{output:?}");
            if let Output::Do { op: Op::Save { snapshot, .. }, .. } = &output {
                text = format!("{text} {}", snapshot.expose());
            }
            println!("    {} node {n}: {text}", self.now);
        }
        match output {
            Output::Do { job, op } => self.begin(n, job, op),
            Output::Stop { job } => {
                let Some(out) = self.node(n).jobs.get_mut(&job) else { return Ok(()) };
                out.stopped = true;
                match &out.op {
                    Op::Save { .. } | Op::Unlock => Err(format!("node {n} stops {:?}", out.op)),
                    Op::Send { request, .. } if request.purpose.is_grant() => Err(format!("node {n} stops a grant")),
                    Op::TryLock => Ok(()),
                    op => {
                        if matches!(op, Op::Load) {
                            let node = self.node(n);
                            node.loads_ended = node.loads;
                        }
                        self.node(n).jobs.remove(&job);
                        Ok(())
                    }
                }
            }
            Output::Resolve { ticket, reply } => self.check_reply(n, ticket.0, &reply),
            Output::Show { .. } => Ok(()),
            Output::Tell { event } => {
                let renewed = matches!(event, ClientEvent::Session(Event::TokensRefreshed { .. }));
                self.node(n).told |= renewed;
                Ok(())
            }
            Output::Publish { fresh } => {
                let token = fresh.and_then(|fresh| number_after(fresh.token.expose(), "AT"));
                self.node(n).published = token;
                self.check_token(n, token, "publishes")
            }
        }
    }

    fn begin(&mut self, n: usize, job: JobId, op: Op) -> Checked {
        let now = self.now;
        if matches!(op, Op::Unlock) && self.node(n).told {
            return Err(format!("node {n} tells of a renewal before it gives the lock back"));
        }
        if job.0 <= self.node(n).last_job {
            return Err(format!("node {n} uses {job:?} twice"));
        }
        self.node(n).last_job = job.0;
        let mut refresh = None;
        if let Op::Send { request, not_after, .. } = &op
            && request.purpose == Purpose::Refresh
        {
            refresh = number_after(request.body.expose(), "refresh_token=RT");
            let mono = self.clock(n).mono;
            if self.setting.broken.is_none() && not_after.is_none_or(|at| at < mono) {
                return Err(format!("node {n} sends outside of its window"));
            }
            let shows = self.row.as_ref().is_some_and(|row| row.expose().contains("\"intent\""));
            if !shows && self.server.excuse.is_empty() && !self.down && self.row_refresh() == refresh {
                return Err(format!("node {n} spends RT{refresh:?}, and the store has no intent"));
            }
            if let Some(refresh) = refresh {
                let row = self.row_refresh();
                self.server.note_sent(refresh, n, row)?;
            }
        }
        if self.is_closing(n) && !matches!(op, Op::Save { .. } | Op::Unlock) {
            let revokes = matches!(&op, Op::Send { request, .. } if !request.purpose.is_grant());
            if !revokes {
                return Err(format!("node {n} is closing and begins {op:?}"));
            }
        }
        if matches!(op, Op::Load) {
            self.node(n).loads += 1;
        }
        self.node(n).jobs.insert(job, Out { op, since: now, mail: None, refresh, stopped: false });
        Ok(())
    }

    fn check_token(&mut self, n: usize, token: Option<u32>, does: &str) -> Checked {
        let Some(token) = token else { return Ok(()) };
        let family = self.server.family(token);
        let node = self.node(n);
        if family.is_some_and(|family| node.signed_out.contains(&family)) {
            return Err(format!("node {n} {does} AT{token} after its sign-out"));
        }
        if !node.stored.contains(&token) && node.coordinator.store_fault().is_none() {
            return Err(format!("node {n} {does} AT{token}, which is not stored"));
        }
        // From now on the store has said so.
        node.stored.insert(token);
        Ok(())
    }

    fn check_reply(&mut self, n: usize, ticket: u64, reply: &Reply) -> Checked {
        let Some(waiting) = self.node(n).tickets.remove(&ticket) else {
            return Err(format!("node {n} resolves {ticket}, which nobody waits under: {reply:?}"));
        };
        self.resolved += 1;
        match reply {
            Reply::Token { token, .. } | Reply::Api(Next::Again { token, .. }) => {
                self.check_token(n, number_after(token.expose(), "AT"), "hands out")
            }
            Reply::Failed(Failure::SignInRequired { .. } | Failure::Unavailable { .. })
                if !matches!(waiting.call, Step::Refresh(_)) && self.node(n).loads_ended <= waiting.loads =>
            {
                Err(format!("node {n} says no to {:?} on stale knowledge: {reply:?}", waiting.call))
            }
            _ => Ok(()),
        }
    }

    // ------------------------------------------------------------------ the end

    /// From here on nothing fails any more: everybody is answered, and the session is still there.
    pub(crate) fn come_to_rest(&mut self) -> Checked {
        self.down = false;
        self.delayed.clear();
        for n in 0..self.nodes.len() {
            if self.nodes[n].as_ref().is_some_and(|node| node.suspended) {
                self.step(Step::Resume(n))?;
            }
        }
        let begun = self.now;
        for _ in 0..4000 {
            let mut moved = false;
            for n in 0..self.nodes.len() {
                if self.jobs(n) > 0 {
                    self.end_job(n, 0, How::Ok)?;
                    moved = true;
                }
            }
            if moved {
                continue;
            }
            if (0..self.nodes.len()).all(|n| self.waiting(n) == 0) && self.lock.is_none() && self.all_stored() {
                break;
            }
            if self.next_moment().is_none() {
                break;
            }
            self.pass()?;
        }
        for n in 0..self.nodes.len() {
            if let Some((ticket, waiting)) = self.nodes[n].as_ref().and_then(|node| node.tickets.first_key_value()) {
                return Err(format!("node {n} never answers {ticket} ({:?})", waiting.call));
            }
        }
        if self.now - begun > 300_000 {
            return Err(format!("it takes {} ms until all are answered", self.now - begun));
        }
        self.check_the_end()
    }

    fn all_stored(&self) -> bool {
        self.nodes.iter().flatten().all(|node| node.coordinator.store_fault().is_none())
    }

    fn check_the_end(&self) -> Checked {
        if self.lock.is_some_and(|owner| self.nodes[owner].is_some()) {
            return Err("a lock is never given back".into());
        }
        let Some(refresh) = self.row_refresh() else {
            let ended = self.row.as_ref().is_some_and(|row| row.expose().contains("grant_ended"));
            return if ended && self.server.excuse.is_empty() {
                Err("the session has ended, and nothing had happened".into())
            } else {
                Ok(())
            };
        };
        let alive = self.nodes.iter().flatten().any(|node| node.closing.is_none());
        if alive && self.server.excuse.is_empty() && !self.server.honours(refresh) {
            return Err(format!(
                "the store holds RT{refresh}, which the server does not honour, and nothing had happened"
            ));
        }
        Ok(())
    }
}
