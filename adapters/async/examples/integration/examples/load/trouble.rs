//! Some answers of Webex are faults: of its API, and of its token endpoint.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use webex_oauth_simulator::{Counters, Endpoint, Fault, Simulator};

const REFRESH: &str = "refresh_token";

/// Every kind of trouble that a session has to survive, for calls.
fn of_calls() -> Vec<Fault> {
    let faults = [
        Fault::status(500),
        Fault::cut_before(),
        Fault::status(401),
        Fault::html(502),
        Fault::retry_after(429, "1"),
        Fault::slow(300),
    ];
    faults.map(|fault| fault.at(Endpoint::PeopleMe)).to_vec()
}

/// And for refreshes.
fn of_refreshes() -> Vec<Fault> {
    let faults = [
        Fault::cut_after(),
        Fault::status(503),
        Fault::cut_before(),
        Fault::retry_after(429, "1"),
        Fault::html(502),
        Fault::slow(300),
    ];
    faults.map(|fault| fault.on_grant(REFRESH)).to_vec()
}

/// Requests of one kind, and the faults for them: each has its share of its own traffic.
struct Share {
    faults: Vec<Fault>,
    seen: fn(&Counters) -> u64,
    before: u64,
    given: u64,
}

impl Share {
    fn new(faults: Vec<Fault>, seen: fn(&Counters) -> u64, now: &Counters) -> Self {
        Self { faults, seen, before: seen(now), given: 0 }
    }

    fn give(&mut self, simulator: &Simulator, now: &Counters, percent: u64) {
        let wanted = (self.seen)(now).saturating_sub(self.before) * percent / 100;
        while self.given < wanted {
            let at = usize::try_from(self.given).unwrap_or(0) % self.faults.len();
            simulator.fault(self.faults[at].clone());
            self.given += 1;
        }
    }
}

/// Makes trouble until it is over; answers how many faults were served.
pub(crate) async fn make(simulator: Arc<Simulator>, over: Arc<AtomicBool>, percent: u64) -> u64 {
    let before = simulator.counters();
    let mut calls = Share::new(of_calls(), |now| now.api_calls, &before);
    let mut refreshes = Share::new(of_refreshes(), |now| now.refreshes_attempted, &before);
    while !over.load(Ordering::SeqCst) {
        tokio::time::sleep(Duration::from_millis(20)).await;
        let now = simulator.counters();
        calls.give(&simulator, &now, percent);
        refreshes.give(&simulator, &now, percent);
    }
    simulator.counters().faults_served - before.faults_served
}
