//! One answer of Webex in twenty is a fault.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use webex_oauth_simulator::{Endpoint, Fault, Simulator};

/// One in so many.
const ONE_IN: u64 = 20;

const REFRESH: &str = "refresh_token";

/// Every kind of trouble that a session has to survive.
fn kinds() -> Vec<Fault> {
    vec![
        Fault::status(500).at(Endpoint::PeopleMe),
        Fault::cut_before().at(Endpoint::PeopleMe),
        Fault::cut_after().on_grant(REFRESH),
        Fault::status(401).at(Endpoint::PeopleMe),
        Fault::html(502).at(Endpoint::PeopleMe),
        Fault::status(503).on_grant(REFRESH),
        Fault::retry_after(429, "1").at(Endpoint::PeopleMe),
        Fault::slow(300).at(Endpoint::PeopleMe),
        Fault::cut_before().on_grant(REFRESH),
        Fault::status(401).at(Endpoint::PeopleMe),
        Fault::retry_after(429, "1").on_grant(REFRESH),
        Fault::html(502).on_grant(REFRESH),
    ]
}

/// Makes trouble until it is over; answers how many faults were served.
pub(crate) async fn make(simulator: Arc<Simulator>, over: Arc<AtomicBool>) -> u64 {
    let kinds = kinds();
    let before = simulator.counters();
    let mut given = 0_u64;
    while !over.load(Ordering::SeqCst) {
        tokio::time::sleep(Duration::from_millis(20)).await;
        let wanted = (simulator.counters().requests - before.requests) / ONE_IN;
        // What waits for a rare request must not keep the others from having their share.
        let waiting = simulator.faults().len() as u64;
        for _ in (given - waiting.min(given))..wanted {
            simulator.fault(kinds[usize::try_from(given).unwrap_or(0) % kinds.len()].clone());
            given += 1;
        }
        if waiting > 200 {
            simulator.clear_faults();
        }
    }
    simulator.counters().faults_served - before.faults_served
}
