//! Everybody leaves in the middle of a refresh, and nobody runs the client. It is finished all the same: half a refresh
//! holds the lock of the store, and its answer may carry the only refresh token that still counts.

use std::time::Duration;

use serde_json::json;
use webex_oauth_async::webex_oauth::{ConfigParts, Provider};
use webex_oauth_async::{Client, ClientError, MemoryStore, Store as _};
use webex_oauth_simulator::{CLIENT_ID, CLIENT_SECRET, Endpoint, Fault, FaultKind, Options, Simulator};

/// Nobody gives up because the machine is busy.
const PATIENCE: Duration = Duration::from_secs(600);

struct World {
    simulator: Simulator,
    store: MemoryStore,
}

impl World {
    /// A client in the middle of a refresh for which nobody waits any longer.
    async fn left() -> (Self, Client) {
        let simulator = Simulator::start(Options { rotate: true, ..Options::default() }).unwrap();
        let world = Self { simulator, store: MemoryStore::new() };
        let client = world.client().await;
        let issued = world.simulator.issue(CLIENT_ID, "spark:people_read").unwrap();
        let tokens = json!({
            "access_token": issued.access_token,
            "refresh_token": issued.refresh_token,
            "expires_in": 0,
        });
        client.adopt(tokens.to_string()).await.unwrap();
        // The server has rotated when the caller leaves.
        world.simulator.fault(Fault::new(FaultKind::Hold { after: true }).on_grant("refresh_token"));
        let waiting = client.clone();
        let caller = tokio::spawn(async move { waiting.token().await });
        let came =
            |log: &[webex_oauth_simulator::Entry]| log.iter().any(|entry| entry.endpoint == Endpoint::AccessToken);
        assert!(world.simulator.wait_for(PATIENCE, came));
        caller.abort();
        assert!(caller.await.unwrap_err().is_cancelled());
        (world, client)
    }

    /// As another process has it.
    async fn client(&self) -> Client {
        let mut parts = ConfigParts::new(Provider::webex_at(self.simulator.base_url()), CLIENT_ID);
        parts.client_secret = Some(CLIENT_SECRET.into());
        parts.request_timeout = PATIENCE;
        parts.refresh.proactive = false;
        Client::builder(parts.build().unwrap()).store(self.store.clone()).patience(PATIENCE).open().await.unwrap()
    }

    async fn judge(&self) {
        self.simulator.release();
        self.client().await.token().await.unwrap();
        let counters = self.simulator.counters();
        assert_eq!((counters.refreshes_attempted, counters.reuse_detected), (1, 0));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_processes_are_not_locked_out() {
    let (world, client) = World::left().await;
    world.judge().await;
    drop(client);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_handle_may_go_as_well() {
    let (world, client) = World::left().await;
    drop(client);
    world.judge().await;
}

#[test]
fn a_runtime_may_end_in_the_middle() {
    let runtime = || tokio::runtime::Runtime::new().unwrap();
    let first = runtime();
    let (world, client) = first.block_on(World::left());
    drop(first);
    // What was under way broke with the first runtime: a failure like any other, and the lock is free again.
    let second = runtime();
    let got = second.block_on(client.token());
    assert!(matches!(got, Err(ClientError::Unavailable { .. })), "{got:?}");
    second.block_on(client.close());
    assert!(world.store.try_lock().unwrap().is_some());
    world.simulator.release();
}
