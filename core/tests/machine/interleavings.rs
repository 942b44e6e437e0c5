//! Every interleaving of three callers, a server that rotates its refresh tokens, faults and crashes, to a fixed depth.
//!
//! A session cannot be cloned, so every state is reached by its path from the start: what is proven on the way is that
//! paths are repeatable, too. States that look the same from outside are visited once.
//!
//! `INTERLEAVINGS_DEPTH` goes deeper than the default.

use std::collections::HashSet;
use std::io::Write as _;

use serde_json::Value;
use webex_oauth::{
    Access, Config, Effect, HttpResponse, Output, Phase, RequestId, Secret, SendFault, Session, SignedOutReason,
    Timestamp,
};

use crate::kit::{self, answer, with_header};

const CALLERS: usize = 3;
const LIFETIME: i64 = 600;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Act {
    /// A caller wants a token: it takes the one that is ready, or asks for a fresh one.
    Need(usize),
    /// The API answers 401 to the token that this caller holds.
    Reject(usize),
    /// The next instant at which the session wants to be woken.
    Tick,
    /// The process ends and begins again with what is stored.
    Crash,
    /// What comes of the grant request that is out.
    Outcome(Outcome),
    /// The answer to a request that was taken for lost.
    Late(After),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Ok(After),
    /// The server acts, and its answer takes longer than anybody waits.
    Hang,
    /// The connection is cut before the server has seen the request, or after it has acted.
    LostBefore,
    LostAfter,
    Unauthorized,
    TooMany,
    /// The user's grant is revoked.
    InvalidGrant,
}

/// What happens to the effects of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum After {
    AllDone,
    CrashBeforePersist,
    CrashAfterPersist,
}

const AFTER: [After; 3] = [After::AllDone, After::CrashBeforePersist, After::CrashAfterPersist];

/// Which refresh tokens the server takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rotation {
    /// Only the newest: the answer that brings it must not be lost.
    Strict,
    /// The one before as well, as long as the newest has not been used.
    Grace,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Server {
    rotation: Rotation,
    newest: u64,
    newest_used: bool,
    revoked: bool,
}

impl Server {
    fn honours(&self, number: u64) -> bool {
        let previous = self.rotation == Rotation::Grace && !self.newest_used && number + 1 == self.newest;
        !self.revoked && (number == self.newest || previous)
    }

    /// Takes a refresh request. `None`: refused.
    fn refresh(&mut self, number: u64) -> Option<u64> {
        if !self.honours(number) {
            return None;
        }
        if number == self.newest {
            self.newest += 1;
        }
        self.newest_used = false;
        Some(self.newest)
    }

    fn reply(issued: Option<u64>) -> HttpResponse {
        match issued {
            Some(number) => answer(
                200,
                format!(
                    r#"{{"access_token":"AT-{number}","token_type":"Bearer","expires_in":{LIFETIME},
                        "refresh_token":"RT-{number}"}}"#
                ),
            ),
            None => answer(400, r#"{"error":"invalid_grant"}"#),
        }
    }
}

/// A grant request on its way, or an answer that nobody waits for any longer.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Request {
    id: RequestId,
    deadline: Timestamp,
    /// The refresh token in it.
    number: u64,
    /// The server has acted, and this is what it answered.
    acted: Option<Option<u64>>,
}

struct World {
    config: Config,
    session: Session,
    now: Timestamp,
    server: Server,
    stored: Secret,
    out: Option<Request>,
    late: Vec<Request>,
    /// The generation that a caller holds.
    held: [Option<u64>; CALLERS],
    /// The newest refresh token that reached the running process, or was stored by the one before.
    reached: Option<u64>,
    /// So often the API refused the current token.
    rejections: u32,
}

impl World {
    /// Signed in, and the token has just expired.
    fn new(rotation: Rotation) -> Self {
        let config = kit::config(0);
        let mut session = Session::new(config.clone(), kit::entropy(1));
        let tokens = format!(r#"{{"access_token":"AT-0","refresh_token":"RT-0","expires_in":{LIFETIME}}}"#);
        let output = session.adopt(kit::START, tokens).unwrap();
        let Some(Effect::Persist { snapshot, .. }) = output.effects.first() else { panic!("{output:?}") };
        Self {
            config,
            session,
            now: kit::START.plus_millis(LIFETIME * 1000),
            server: Server { rotation, newest: 0, newest_used: false, revoked: false },
            stored: snapshot.clone(),
            out: None,
            late: Vec::new(),
            held: [None; CALLERS],
            reached: Some(0),
            rejections: 0,
        }
    }

    fn reach(rotation: Rotation, path: &[Act]) -> Self {
        let mut world = Self::new(rotation);
        for act in path {
            world.act(*act);
        }
        world
    }

    /// What can happen now. Callers in the same position are interchangeable.
    fn choices(&self) -> Vec<Act> {
        let mut acts = vec![Act::Crash];
        for (caller, held) in self.held.iter().enumerate() {
            if self.held.iter().position(|other| other == held) == Some(caller) {
                acts.push(Act::Need(caller));
                if held.is_some() {
                    acts.push(Act::Reject(caller));
                }
            }
        }
        if self.session.wake_at().is_some() {
            acts.push(Act::Tick);
        }
        if self.out.as_ref().is_some_and(|request| request.acted.is_none()) {
            acts.extend(AFTER.map(Outcome::Ok).map(Act::Outcome));
            let faults = [
                Outcome::Hang,
                Outcome::LostBefore,
                Outcome::LostAfter,
                Outcome::Unauthorized,
                Outcome::TooMany,
                Outcome::InvalidGrant,
            ];
            acts.extend(faults.map(Act::Outcome));
        }
        if !self.late.is_empty() {
            acts.extend(AFTER.map(Act::Late));
        }
        acts
    }

    fn act(&mut self, act: Act) {
        match act {
            Act::Need(caller) => match self.session.access(self.now) {
                Access::Ready { generation, refresh_soon, .. } => {
                    self.held[caller] = Some(generation);
                    if refresh_soon {
                        let output = self.session.ensure_fresh(self.now).unwrap();
                        self.run(output, After::AllDone);
                    }
                }
                _ => {
                    let output = self.session.ensure_fresh(self.now).unwrap();
                    self.run(output, After::AllDone);
                }
            },
            Act::Reject(caller) => {
                if let Some(generation) = self.held[caller].take() {
                    self.rejections += u32::from(generation == self.session.status(self.now).generation);
                    let output = self.session.token_rejected(self.now, generation).unwrap();
                    self.run(output, After::AllDone);
                }
            }
            Act::Tick => {
                if let Some(at) = self.session.wake_at() {
                    self.now = self.now.max(at);
                }
                if let Some(request) = self.out.take_if(|request| request.deadline <= self.now) {
                    self.late.push(request);
                }
                let output = self.session.tick(self.now).unwrap();
                self.run(output, After::AllDone);
            }
            Act::Crash => self.crash(),
            Act::Outcome(outcome) => {
                if let Some(request) = self.out.take() {
                    self.outcome(request, outcome);
                }
            }
            Act::Late(after) => {
                let mut request = self.late.remove(0);
                let issued = *request.acted.get_or_insert_with(|| self.server.refresh(request.number));
                self.deliver(request.id, issued, after);
            }
        }
        self.check();
    }

    fn outcome(&mut self, mut request: Request, outcome: Outcome) {
        let id = request.id;
        let fault = match outcome {
            Outcome::Ok(after) => {
                let issued = self.server.refresh(request.number);
                return self.deliver(id, issued, after);
            }
            Outcome::Hang => {
                request.acted = Some(self.server.refresh(request.number));
                self.out = Some(request);
                return;
            }
            Outcome::LostAfter => {
                self.server.refresh(request.number);
                self.session.send_failed(self.now, id, SendFault::Lost)
            }
            Outcome::LostBefore => self.session.send_failed(self.now, id, SendFault::Lost),
            Outcome::Unauthorized => self.session.response(self.now, id, answer(401, r#"{"message":"no"}"#)),
            Outcome::TooMany => self.session.response(self.now, id, with_header(answer(429, ""), "retry-after", "30")),
            Outcome::InvalidGrant => {
                self.server.revoked = true;
                self.session.response(self.now, id, Server::reply(None))
            }
        };
        self.run(fault.unwrap(), After::AllDone);
    }

    fn deliver(&mut self, id: RequestId, issued: Option<u64>, after: After) {
        if let Some(number) = issued {
            self.reached = self.reached.max(Some(number));
        }
        let output = self.session.response(self.now, id, Server::reply(issued)).unwrap();
        self.run(output, after);
    }

    fn run(&mut self, output: Output, after: After) {
        if after == After::CrashBeforePersist {
            return self.crash();
        }
        for effect in output.effects {
            match effect {
                Effect::Persist { snapshot, .. } => {
                    self.stored = snapshot;
                    if after == After::CrashAfterPersist {
                        return self.crash();
                    }
                }
                Effect::Send { request } if request.purpose.is_grant() => {
                    assert!(self.out.is_none(), "two grant requests are out");
                    let number = refresh_token_number(&kit::body_parameter(&request, "refresh_token").unwrap());
                    if self.server.honours(number) && number == self.server.newest {
                        self.server.newest_used = true;
                    }
                    self.out = Some(Request {
                        id: request.id,
                        deadline: self.now.plus(request.hints.timeout).plus_millis(15_000),
                        number,
                        acted: None,
                    });
                }
                _ => {}
            }
        }
        if after == After::CrashAfterPersist {
            self.crash();
        }
    }

    fn crash(&mut self) {
        self.session = Session::restore(self.config.clone(), self.stored.expose()).unwrap();
        self.out = None;
        self.late.clear();
        self.held = [None; CALLERS];
        self.rejections = 0;
        // What reached the process that died, and was not stored, is gone with it: that much no client can help.
        let stored: Value = serde_json::from_str(self.stored.expose()).unwrap();
        self.reached = stored["grant"]["refresh_token"].as_str().map(refresh_token_number);
    }

    fn could_refresh(&self) -> bool {
        self.reached.is_some_and(|number| self.server.honours(number))
    }

    /// No refresh token is lost that the server still takes.
    fn check(&self) {
        match (self.session.tokens(), self.session.phase()) {
            (Some(tokens), _) => {
                let own = tokens.refresh_token.as_ref().map(|token| refresh_token_number(token.expose()));
                assert_eq!(own, self.reached, "it is not the newest refresh token that came");
                let stored: Value = serde_json::from_str(self.stored.expose()).unwrap();
                assert_eq!(
                    stored["grant"]["refresh_token"].as_str().map(refresh_token_number),
                    own,
                    "the newest refresh token is not stored"
                );
            }
            (None, Phase::SignedOut { reason: SignedOutReason::GrantEnded }) => {
                assert!(!self.could_refresh(), "signed out with a refresh token that the server takes");
            }
            (None, phase) => panic!("no tokens in {phase:?}"),
        }
    }

    /// From here on nothing fails any more: then a token comes, or the server really refuses what there is.
    fn heal(mut self) {
        for _ in 0..24 {
            match self.session.access(self.now) {
                Access::Ready { .. } => return,
                Access::SignInRequired { .. } => {
                    assert!(!self.could_refresh(), "a sign-in is wanted, and the server would take the token");
                    return;
                }
                Access::Stale { .. } => self.act(Act::Need(0)),
                Access::Refreshing { .. } if self.out.as_ref().is_some_and(|request| request.acted.is_none()) => {
                    self.act(Act::Outcome(Outcome::Ok(After::AllDone)));
                }
                Access::Refreshing { .. } | Access::BackingOff { .. } => {
                    assert!(self.session.wake_at().is_some(), "nothing would ever happen again");
                    self.act(Act::Tick);
                }
            }
        }
        panic!("it comes to no end: {:?}", self.session.access(self.now));
    }

    /// Everything that can be seen from outside.
    fn key(&self) -> String {
        let stored = |text: &str| {
            let mut value: Value = serde_json::from_str(text).unwrap();
            value["revision"] = 0.into();
            value
        };
        format!(
            "{:?}",
            (
                (stored(self.session.snapshot().expose()), stored(self.stored.expose())),
                (self.session.access(self.now), self.session.wake_at(), self.session.status(self.now)),
                (self.now, &self.server, &self.out, &self.late),
                (self.held, self.reached, self.rejections),
            )
        )
    }
}

fn refresh_token_number(token: &str) -> u64 {
    token.strip_prefix("RT-").unwrap().parse().unwrap()
}

/// Breadth first; returns how many states and steps there were.
fn explore(rotation: Rotation, depth: usize) -> (usize, usize) {
    let (mut seen, mut steps) = (HashSet::new(), 0);
    let mut frontier: Vec<Vec<Act>> = vec![Vec::new()];
    for level in 0..=depth {
        let mut next = Vec::new();
        for path in frontier {
            let _told = Told(&path);
            let world = World::reach(rotation, &path);
            if seen.insert(world.key()) {
                let choices = if level < depth { world.choices() } else { Vec::new() };
                steps += choices.len();
                next.extend(choices.into_iter().map(|act| path.iter().copied().chain([act]).collect()));
                world.heal();
            }
        }
        frontier = next;
    }
    (seen.len(), steps)
}

/// Names the path on which a promise was broken.
struct Told<'a>(&'a [Act]);

impl Drop for Told<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("after {:?}", self.0);
        }
    }
}

fn depth() -> usize {
    std::env::var("INTERLEAVINGS_DEPTH").ok().and_then(|text| text.parse().ok()).unwrap_or(7)
}

fn all_of(rotation: Rotation) {
    let depth = depth();
    let (states, steps) = explore(rotation, depth);
    // Past the test harness, which would swallow it.
    let _ = writeln!(std::io::stdout(), "{rotation:?} rotation, depth {depth}: {states} states, {steps} steps");
    assert!(states > 1000, "only {states} states: the model is too small to say anything");
}

#[test]
fn no_interleaving_loses_a_token_of_a_server_that_rotates_strictly() {
    all_of(Rotation::Strict);
}

#[test]
fn no_interleaving_loses_a_token_of_a_server_with_a_grace_period() {
    all_of(Rotation::Grace);
}
