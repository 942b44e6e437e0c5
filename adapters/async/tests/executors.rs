//! A thousand tasks on one expired token: one refresh. On tokio with reqwest, and on the executor of smol with ureq.

mod smol;

use std::time::Duration;

use serde_json::json;
use webex_oauth_async::webex_oauth::{Config, ConfigParts, Provider, Secret};
use webex_oauth_async::{Client, ClientBuilder};
use webex_oauth_simulator::{CLIENT_ID, CLIENT_SECRET, Fault, Options, Simulator};

const TASKS: usize = 1000;
/// Nobody gives up because the machine is busy.
const PATIENCE: Duration = Duration::from_secs(600);

fn simulator() -> Simulator {
    let simulator = Simulator::start(Options { rotate: true, ..Options::default() }).unwrap();
    // Time for all of them to come while the refresh is under way.
    simulator.fault(Fault::slow(300).on_grant("refresh_token"));
    simulator
}

fn config(simulator: &Simulator) -> Config {
    let mut parts = ConfigParts::new(Provider::webex_at(simulator.base_url()), CLIENT_ID);
    parts.client_secret = Some(CLIENT_SECRET.into());
    parts.request_timeout = PATIENCE;
    parts.build().unwrap()
}

fn builder(simulator: &Simulator) -> ClientBuilder {
    Client::builder(config(simulator)).patience(PATIENCE)
}

/// Tokens of which the first has just expired.
fn expired(simulator: &Simulator) -> Secret {
    let issued = simulator.issue(CLIENT_ID, "spark:people_read").unwrap();
    let tokens = json!({
        "access_token": issued.access_token,
        "refresh_token": issued.refresh_token,
        "expires_in": 0,
    });
    tokens.to_string().into()
}

/// All got the same new token, by one request.
fn judge(simulator: &Simulator, got: &[String]) {
    assert_eq!(got.len(), TASKS);
    assert!(got.iter().all(|token| token == &got[0]), "one token for all");
    let counters = simulator.counters();
    assert_eq!((counters.refreshes_attempted, counters.refreshes_succeeded), (1, 1));
    assert_eq!(counters.reuse_detected, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn on_tokio() {
    let simulator = simulator();
    let client = builder(&simulator).open().await.unwrap();
    client.adopt(expired(&simulator)).await.unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..TASKS {
        let client = client.clone();
        tasks.spawn(async move { client.token().await.unwrap().expose().to_owned() });
    }
    let got = tasks.join_all().await;
    judge(&simulator, &got);
    assert_eq!(client.get(&simulator.url("/v1/people/me")).await.unwrap().status(), 200);
}

#[test]
fn on_smol() {
    let simulator = simulator();
    let got = smol::run(|executor| async move {
        let client = builder(&simulator).http(smol::Threads::default()).open().await.unwrap();
        client.adopt(expired(&simulator)).await.unwrap();
        let runner = executor.spawn({
            let client = client.clone();
            async move { client.run().await }
        });
        let tasks: Vec<_> = (0..TASKS)
            .map(|_| {
                let client = client.clone();
                executor.spawn(async move { client.token().await.unwrap().expose().to_owned() })
            })
            .collect();
        let mut got = Vec::new();
        for task in tasks {
            got.push(task.await);
        }
        let me = client.get(&simulator.url("/v1/people/me")).await.unwrap();
        assert_eq!(me.status(), 200);
        client.close().await;
        runner.await;
        judge(&simulator, &got);
        got
    });
    assert_eq!(got.len(), TASKS);
}
