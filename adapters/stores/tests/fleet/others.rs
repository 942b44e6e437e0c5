//! Several integrations in one store: a worker of one leaves the sessions of the others to theirs.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::timeout;
use webex_oauth::Config;
use webex_oauth_simulator::Simulator;
use webex_oauth_stores::{Fleet, FleetReport, Memory, Unblock};

use crate::Node;
use crate::kit::{self, Http, config, fill, strict};

const ROWS: u64 = 8;

async fn once(node: &Node, config: Config) -> FleetReport {
    let (_stop, stopped) = watch::channel(false);
    let fleet = Fleet::new(node.clone(), config, Http::new()).per_second(1e6).once();
    timeout(Duration::from_secs(60), fleet.run(stopped)).await.expect("once ends")
}

fn with_another_id(simulator: &Simulator) -> Config {
    let mut parts = config(simulator).parts().clone();
    "another".clone_into(&mut parts.client_id);
    parts.build().unwrap()
}

/// What is not claimed is not put off: their own worker, which comes right after, finds all of them due.
pub(crate) async fn are_left_to_their_own_worker(node: Node) {
    let (simulator, another_server) = (Simulator::start(strict()).unwrap(), Simulator::start(strict()).unwrap());
    for number in 0..ROWS {
        // Of a test before this one, where the server is shared.
        assert_eq!(node.delete(&kit::key(number)).await, Ok(()));
    }
    fill(&*node, &simulator, ROWS).await;
    for stranger in [with_another_id(&simulator), config(&another_server)] {
        let report = once(&node, stranger).await;
        assert_eq!((report.claimed, report.not_ours, report.store_errors), (0, 0, 0), "{report:?}");
    }
    let report = once(&node, config(&simulator)).await;
    assert_eq!((report.claimed, report.renewed, report.not_ours), (ROWS, ROWS, 0), "{report:?}");
    assert_eq!(another_server.counters().refreshes_attempted, 0);
    kit::all_have_tokens(&*node, &simulator, ROWS).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_memory_they_are_left_to_their_own_worker() {
    are_left_to_their_own_worker(Arc::new(Unblock::new(Memory::new()))).await;
}

#[cfg(all(feature = "sealed", feature = "sqlite"))]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sealed_on_sqlite_they_are_left_to_their_own_worker() {
    use webex_oauth::sealed::Keys;
    use webex_oauth_stores::{Sealed, Sqlite};
    let folder = tempfile::tempdir().unwrap();
    let store = Sqlite::open(folder.path().join("s.db")).unwrap();
    store.migrate().unwrap();
    let keys = Keys::read("k1:uwfbCQ1BTdJOgfP6C8F4AHzmHRXBbEFUWCzcmHIl0xs").unwrap();
    are_left_to_their_own_worker(Arc::new(Sealed::new(Unblock::new(store), keys))).await;
}
