//! `make load`: the application under load. A thousand people are signed in, two hundred requests are in flight, and one
//! answer of Webex in twenty is a fault. Nobody may see somebody else, nobody may be signed out, and memory stays flat.
//! Figures are printed; only correctness is asserted.
//!
//! With `CLUSTER=1` it is three nodes behind a proxy, on one database, and they are killed while it goes on.

mod person;
#[path = "../cluster/processes.rs"]
mod processes;
mod single;
mod tally;
mod trouble;
mod under_test;

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use person::{Person, Seen};
use tally::Tally;
use under_test::UnderTest;
use webex_oauth_simulator::{Options, Simulator};

fn setting(name: &str, usual: usize) -> usize {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

#[tokio::main]
async fn main() -> ExitCode {
    let (users, in_flight) = (setting("USERS", 1000), setting("IN_FLIGHT", 200));
    let length = Duration::from_secs(setting("SECONDS_LONG", 60) as u64);
    let simulator = Simulator::start(Options {
        people: (0..users).map(person::of_number).collect(),
        // Everybody's token ends several times. A lost answer may be asked for again.
        access_lifetime_ms: 20_000,
        rotate: true,
        reuse_grace_ms: 600_000,
        ..Options::default()
    });
    let simulator = Arc::new(simulator.expect("a simulator"));
    let (mut app, port) = UnderTest::start(&simulator);
    let _ = rustls::crypto::ring::default_provider().install_default();
    let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build();
    let http = http.expect("a client");
    person::wait_for(&http, port).await;

    let begun = Instant::now();
    let people = person::sign_in_all(&http, port, &simulator, users, in_flight).await;
    println!("{users} people signed in within {:.1} s", begun.elapsed().as_secs_f32());

    let tally = Arc::new(Tally::default());
    let over = Arc::new(AtomicBool::new(false));
    // So many answers in a hundred.
    let share = setting("FAULTS", 5) as u64;
    let faults = tokio::spawn(trouble::make(Arc::clone(&simulator), Arc::clone(&over), share));
    let workers: Vec<_> = (0..in_flight)
        .map(|number| tokio::spawn(visit(number, http.clone(), people.clone(), Arc::clone(&tally), Arc::clone(&over))))
        .collect();
    let begun = Instant::now();
    let memory = app.pass(length, setting("KILLS", 6)).await;
    over.store(true, Ordering::SeqCst);
    let took = begun.elapsed();
    for worker in workers {
        worker.await.expect("a worker does not panic");
    }
    let served = faults.await.expect("no panic");
    simulator.clear_faults();

    // Afterwards everybody is still there.
    let after = person::all_are_there(&http, &people, in_flight).await;
    tally.print(took, &simulator.counters(), served, &memory);
    println!("{} of {users} people are still signed in, and see themselves", after.right);
    let mut problems = tally.verdict(&after, users, &memory, app.is_cluster());
    problems.extend(app.fallen());
    let reused = simulator.counters().reuse_detected;
    if reused > 0 {
        problems.push(format!("{reused} refresh tokens were used twice"));
    }
    if problems.is_empty() {
        println!("load: ok");
        ExitCode::SUCCESS
    } else {
        println!("load: failed: {}", problems.join("; "));
        ExitCode::FAILURE
    }
}

/// One visitor after the other, until it is over.
async fn visit(
    number: usize,
    http: reqwest::Client,
    people: Arc<Vec<Person>>,
    tally: Arc<Tally>,
    over: Arc<AtomicBool>,
) {
    let mut dice = number as u64 + 1;
    while !over.load(Ordering::SeqCst) {
        // Every run visits the same people in the same order.
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let index = usize::try_from(dice >> 33).unwrap_or(0);
        let person = &people[index % people.len()];
        let refreshes = index % 100 == 0;
        let begun = Instant::now();
        let seen = if refreshes { person.refresh(&http).await } else { person.visit(&http).await };
        tally.count(seen, begun.elapsed());
        if seen == Seen::Nothing {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}
