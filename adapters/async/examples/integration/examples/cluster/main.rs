//! `scripts/cluster`: the application as a service of several nodes, until Ctrl-C.

mod processes;

use std::process::ExitCode;

use processes::Cluster;
use webex_oauth_simulator::{CLIENT_ID, CLIENT_SECRET, Options, Simulator};

#[tokio::main]
async fn main() -> ExitCode {
    let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let Some(database) = set("DATABASE_URL") else {
        eprintln!("DATABASE_URL is not set; scripts/cluster sets it.");
        return ExitCode::FAILURE;
    };
    let simulator = match set("CLIENT_ID") {
        Some(_) => None,
        None => Some(Simulator::start(Options { rotate: true, reuse_grace_ms: 600_000, ..Options::default() })),
    };
    let client = match &simulator {
        None => ["CLIENT_ID", "CLIENT_SECRET", "PROVIDER_URL"]
            .into_iter()
            .filter_map(|name| Some((name, set(name)?)))
            .collect(),
        Some(Ok(simulator)) => client_of(simulator),
        Some(Err(error)) => {
            eprintln!("The simulated Webex does not start: {error}.");
            return ExitCode::FAILURE;
        }
    };
    let port = set("PORT").and_then(|port| port.parse().ok()).unwrap_or(8080);
    let cluster = Cluster::start(database, Some(port), client);
    println!("Three nodes, two workers that renew, and a proxy: open http://localhost:{} in a browser.", cluster.port);
    println!("Kill any of the nodes while you are signed in. Ctrl-C stops all of them.");
    let _ = tokio::signal::ctrl_c().await;
    ExitCode::SUCCESS
}

fn client_of(simulator: &Simulator) -> Vec<(&'static str, String)> {
    let base = simulator.base_url().to_owned();
    vec![("CLIENT_ID", CLIENT_ID.to_owned()), ("CLIENT_SECRET", CLIENT_SECRET.to_owned()), ("PROVIDER_URL", base)]
}
