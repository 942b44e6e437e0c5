//! `make load`: the application under load. A thousand people are signed in, two hundred requests are in flight, and one
//! answer of Webex in twenty is a fault. Nobody may see somebody else, nobody may be signed out, and memory stays flat.
//! Figures are printed; only correctness is asserted.

mod person;
mod tally;
mod trouble;

use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use person::{Person, Seen};
use tally::Tally;
use webex_oauth_simulator::{CLIENT_ID, CLIENT_SECRET, Options, Simulator};

fn setting(name: &str, usual: usize) -> usize {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

/// The application in a process of its own, so that its memory can be looked at.
struct App(Child);

impl App {
    fn start(simulator: &Simulator, port: u16) -> Self {
        let binary = std::env::current_exe().expect("a path");
        let binary = binary.ancestors().nth(2).expect("beside the examples").join("webex-oauth-integration");
        let child = Command::new(binary)
            .env("PORT", port.to_string())
            .env("CLIENT_ID", CLIENT_ID)
            .env("CLIENT_SECRET", CLIENT_SECRET)
            .env("PROVIDER_URL", simulator.base_url())
            // glibc keeps freed memory for each thread: with one arena the figure is what the application holds.
            .env("MALLOC_ARENA_MAX", "1")
            .stdout(Stdio::null())
            .spawn();
        Self(child.expect("the application is built: scripts/load"))
    }

    /// Resident memory in KiB, where the system tells.
    fn memory(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.0.id())).ok()?;
        let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
        line.split_whitespace().nth(1)?.parse().ok()
    }
}

impl Drop for App {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
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
    let port = std::net::TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a port").port();
    let app = App::start(&simulator, port);
    let _ = rustls::crypto::ring::default_provider().install_default();
    let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build();
    let http = http.expect("a client");
    person::wait_for(&http, port).await;

    let begun = Instant::now();
    let people = person::sign_in_all(&http, port, &simulator, users, in_flight).await;
    println!("{users} people signed in within {:.1} s", begun.elapsed().as_secs_f32());

    let tally = Arc::new(Tally::default());
    let over = Arc::new(AtomicBool::new(false));
    let faults = tokio::spawn(trouble::make(Arc::clone(&simulator), Arc::clone(&over)));
    let workers: Vec<_> = (0..in_flight)
        .map(|number| tokio::spawn(visit(number, http.clone(), people.clone(), Arc::clone(&tally), Arc::clone(&over))))
        .collect();
    let begun = Instant::now();
    let mut memory = Vec::new();
    while begun.elapsed() < length {
        tokio::time::sleep(Duration::from_secs(1)).await;
        memory.extend(app.memory());
    }
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
    match tally.verdict(&after, users, &memory) {
        Ok(()) => {
            println!("load: ok");
            ExitCode::SUCCESS
        }
        Err(problems) => {
            println!("load: failed: {}", problems.join("; "));
            ExitCode::FAILURE
        }
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
