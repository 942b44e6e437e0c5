//! Fleets at a strict server: each refresh retires the refresh token, and one that comes back ends its whole sign-in.

#![cfg(feature = "fleet")]

mod kit;
mod others;
mod trouble;

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::watch;
use webex_oauth::Timestamp;
use webex_oauth_simulator::{Fault, Simulator};
use webex_oauth_stores::{AsyncRecords, Fleet, FleetReport, Key, Memory, Saved, StoreError, Unblock};

use self::kit::{Http, config, fill, strict};

type Node = Arc<dyn AsyncRecords>;

fn fleet(node: Node, simulator: &Simulator) -> Fleet {
    Fleet::new(node, config(simulator), Http::new()).per_second(1e6).poll(Duration::from_millis(20))
}

/// Until so many renewals have been carried out, or it takes too long.
async fn until_renewed(simulator: &Simulator, rows: u64) {
    let begun = Instant::now();
    while simulator.counters().refreshes_succeeded < rows && begun.elapsed() < Duration::from_secs(60) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Two workers on one store, until everything is renewed; then they look around for a while, and find nothing.
async fn two_workers_renew_each_session_once(a: Node, b: Node) {
    const ROWS: u64 = 300;
    let simulator = Simulator::start(strict()).unwrap();
    fill(&*a, &simulator, ROWS).await;
    let (stop, stopped) = watch::channel(false);
    let workers = [a.clone(), b].map(|node| tokio::spawn(fleet(node, &simulator).run(stopped.clone())));
    until_renewed(&simulator, ROWS).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    stop.send(true).unwrap();
    let mut reports = Vec::new();
    for worker in workers {
        reports.push(worker.await.unwrap());
    }
    let seen = simulator.counters();
    assert_eq!((seen.refreshes_attempted, seen.refreshes_succeeded), (ROWS, ROWS), "{reports:?}");
    assert_eq!(seen.reuse_detected, 0);
    let sum = |of: fn(&FleetReport) -> u64| reports.iter().map(of).sum::<u64>();
    assert_eq!(sum(|report| report.renewed), ROWS, "{reports:?}");
    assert_eq!(sum(|report| report.store_errors), 0, "{reports:?}");
    assert!(reports.iter().all(|report| report.renewed > 0), "both have worked: {reports:?}");
    kit::all_have_tokens(&*a, &simulator, ROWS).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_memory_two_workers_renew_each_session_once() {
    let store = Unblock::new(Memory::new());
    two_workers_renew_each_session_once(Arc::new(store.clone()), Arc::new(store)).await;
}

#[cfg(feature = "sqlite")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_sqlite_two_workers_renew_each_session_once() {
    use webex_oauth_stores::Sqlite;
    let folder = tempfile::tempdir().unwrap();
    let open = || {
        let store = Sqlite::open(folder.path().join("s.db")).unwrap();
        store.migrate().unwrap();
        Arc::new(Unblock::new(store))
    };
    two_workers_renew_each_session_once(open(), open()).await;
}

#[cfg(feature = "postgres")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs servers: scripts/stages/56-stores"]
async fn on_postgres_two_workers_renew_each_session_once_and_leave_others_alone() {
    use webex_oauth_stores::Postgres;
    let url = std::env::var("WEBEX_OAUTH_POSTGRES").expect("scripts/databases sets WEBEX_OAUTH_POSTGRES");
    let open = || async {
        // A password costs a tenth of a second to prove in a program that is not optimized, and more beside others.
        let options = Postgres::options(&url).unwrap().pool_size(4).time_limit(Duration::from_secs(30));
        let store = options.connect().await.unwrap();
        store.migrate().await.unwrap();
        Arc::new(store)
    };
    two_workers_renew_each_session_once(open().await, open().await).await;
    others::are_left_to_their_own_worker(open().await).await;
}

#[cfg(feature = "redis")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs servers: scripts/stages/56-stores"]
async fn on_redis_two_workers_renew_each_session_once_and_leave_others_alone() {
    use webex_oauth_stores::Redis;
    let url = std::env::var("WEBEX_OAUTH_REDIS").expect("scripts/databases sets WEBEX_OAUTH_REDIS");
    let open = || async { Arc::new(Redis::connect(&url).await.unwrap()) };
    two_workers_renew_each_session_once(open().await, open().await).await;
    others::are_left_to_their_own_worker(open().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_429_slows_the_whole_worker() {
    const ROWS: u64 = 6;
    let simulator = Simulator::start(strict()).unwrap();
    let node: Node = Arc::new(Unblock::new(Memory::new()));
    fill(&*node, &simulator, ROWS).await;
    simulator.fault(Fault::retry_after(429, "2").on_grant("refresh_token"));
    let (stop, stopped) = watch::channel(false);
    let worker = tokio::spawn(fleet(node.clone(), &simulator).concurrency(1).run(stopped));
    until_renewed(&simulator, ROWS - 1).await;
    stop.send(true).unwrap();
    worker.await.unwrap();
    let log = simulator.log();
    let at: Vec<u64> = log.iter().map(|entry| entry.at_ms).collect();
    assert!(at[1] - at[0] >= 1_950, "the others keep the pause that one was told: {at:?}");
    assert_eq!(simulator.counters().reuse_detected, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_is_stopped_stores_what_it_has_begun_and_begins_nothing() {
    const ROWS: u64 = 20;
    let simulator = Simulator::start(strict()).unwrap();
    let node: Node = Arc::new(Unblock::new(Memory::new()));
    fill(&*node, &simulator, ROWS).await;
    simulator.fault(Fault::hold().on_grant("refresh_token").times(4));
    let (stop, stopped) = watch::channel(false);
    let worker = tokio::spawn(fleet(node.clone(), &simulator).concurrency(4).run(stopped));
    let are_held = |log: &[webex_oauth_simulator::Entry]| log.len() == 4;
    assert!(simulator.wait_for(Duration::from_secs(10), are_held));
    stop.send(true).unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(!worker.is_finished(), "four answers are still to come");
    simulator.release();
    let report = worker.await.unwrap();
    assert_eq!((report.claimed, report.renewed, report.not_begun), (4, 4, 0), "{report:?}");
    assert_eq!(simulator.counters().refreshes_attempted, 4);
    kit::all_have_tokens(&*node, &simulator, ROWS).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ended_grants_and_sessions_of_newer_versions_are_counted_and_left_alone() {
    let simulator = Simulator::start(strict()).unwrap();
    let node: Node = Arc::new(Unblock::new(Memory::new()));
    fill(&*node, &simulator, 3).await;
    assert!(simulator.revoke_all() > 0);
    let mut newer = kit::row(&simulator, Timestamp::from_millis(1));
    newer.client = newer.client_tag();
    newer.snapshot = newer.snapshot.expose().replacen(r#""webex_oauth":2"#, r#""webex_oauth":99"#, 1).into();
    let key = Key::new("acme", "newer").unwrap();
    assert_eq!(node.save(&key, &newer).await, Ok(Saved::Stored));
    let (stop, stopped) = watch::channel(false);
    let worker = tokio::spawn(fleet(node.clone(), &simulator).run(stopped));
    let begun = Instant::now();
    while simulator.counters().refreshes_attempted < 3 && begun.elapsed() < Duration::from_secs(20) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    tokio::time::sleep(Duration::from_millis(200)).await;
    stop.send(true).unwrap();
    let report = worker.await.unwrap();
    assert_eq!((report.ended, report.not_ours, report.renewed), (3, 1, 0), "{report:?}");
    assert_eq!(node.load(&key).await, Ok(Some(newer.snapshot)), "its bytes are as they were");
    assert_eq!(report.last_store_error, None::<StoreError>);
}

/// Two workers that have both keys renew, while a third program exchanges the keys.
#[cfg(all(feature = "sealed", feature = "sqlite"))]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_are_changed_beside_workers_that_renew() {
    use webex_oauth::SealedHeader;
    use webex_oauth::sealed::Keys;
    use webex_oauth_stores::{Reseal, Sealed, Sqlite};

    const ROWS: u64 = 150;
    let folder = tempfile::tempdir().unwrap();
    let open = || {
        let store = Sqlite::open(folder.path().join("s.db")).unwrap();
        store.migrate().unwrap();
        Unblock::new(store)
    };
    let keys = |order: [&str; 2]| {
        let bytes = |name: &str| {
            if name == "k1" {
                "uwfbCQ1BTdJOgfP6C8F4AHzmHRXBbEFUWCzcmHIl0xs"
            } else {
                "MDEyMzQ1Njc4OTo7PD0-P0BBQkNERUZHSElKS0xNTk8"
            }
        };
        Keys::read(&order.map(|name| format!("{name}:{}", bytes(name))).join(" ")).unwrap()
    };
    let simulator = Simulator::start(strict()).unwrap();
    fill(&Sealed::new(open(), keys(["k1", "k2"])), &simulator, ROWS).await;
    let (stop, stopped) = watch::channel(false);
    let workers = [(); 2].map(|()| {
        let node: Node = Arc::new(Sealed::new(open(), keys(["k2", "k1"])));
        // Slow enough that there is something left to exchange.
        tokio::spawn(fleet(node, &simulator).concurrency(4).per_second(100.0).run(stopped.clone()))
    });
    let done = Reseal::new(keys(["k2", "k1"])).batch(10).run(&open()).await.unwrap();
    until_renewed(&simulator, ROWS).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    stop.send(true).unwrap();
    for worker in workers {
        let report = worker.await.unwrap();
        assert_eq!(report.store_errors, 0, "{report:?}");
    }
    assert!(done.left == 0 && done.resealed > 0, "{done:?}");
    let seen = simulator.counters();
    assert_eq!((seen.refreshes_attempted, seen.refreshes_succeeded, seen.reuse_detected), (ROWS, ROWS, 0));
    for number in 0..ROWS {
        let record = open().load(&kit::key(number)).await.unwrap().unwrap();
        assert_eq!(SealedHeader::read(record.expose()).unwrap().key_id, "k2", "user {number}");
    }
    kit::all_have_tokens(&Sealed::new(open(), keys(["k2", "k1"])), &simulator, ROWS).await;
}
