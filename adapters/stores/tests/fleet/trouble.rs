//! Rows, servers and clocks that are not as they should be: what a worker does, and that it comes to an end.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio::time::timeout;
use webex_oauth::coordinator::Tick;
use webex_oauth::{Effect, HttpRequest, HttpResponse, Secret, SendFault, Session, SignOutOptions};
use webex_oauth_driver::{StoreError, entropy, now};
use webex_oauth_simulator::{CLIENT_SECRET, Fault, Simulator};
use webex_oauth_stores::{
    AsyncRecords as _, BoxFuture, Claim, Claimed, Fleet, FleetHttp, FleetReport, Key, Memory, Put, Records, Replaces,
    Saved, Unblock,
};

use crate::kit::{Http, config, fill, key, strict};
use crate::{Node, fleet};

/// What is due when it begins, once each.
async fn once(fleet: Fleet) -> FleetReport {
    let (_stop, stopped) = watch::channel(false);
    let progress = fleet.progress();
    let ended = timeout(Duration::from_secs(60), fleet.once().run(stopped)).await;
    ended.unwrap_or_else(|_| panic!("once does not end: {:?}", progress.report()))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_fails_for_ever_is_told_and_tried_again_after_a_while() {
    for fault in [Fault::status(500), Fault::retry_after(429, "0"), Fault::cut_before()] {
        let simulator = Simulator::start(strict()).unwrap();
        let node: Node = Arc::new(Unblock::new(Memory::new()));
        fill(&*node, &simulator, 5).await;
        simulator.fault(fault.on_grant("refresh_token").always());
        let report = once(fleet(node.clone(), &simulator)).await;
        assert_eq!((report.claimed, report.renewed, report.left, report.failures), (5, 0, 5, 5), "{report:?}");
        assert!(report.last_failure.is_some() && !report.is_client_refused(), "{report:?}");
        // In a moment, and not when the token ends in some days.
        let client = config(&simulator).client_tag();
        let soon = Claim { client, now: now().plus_millis(120_000), until: now().plus_millis(240_000), most: 10 };
        assert_eq!(node.claim_due(soon).await.unwrap().len(), 5);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_not_there_is_no_busy_loop() {
    let simulator = Simulator::start(strict()).unwrap();
    let node: Node = Arc::new(Unblock::new(Memory::new()));
    fill(&*node, &simulator, 5).await;
    let begun = fleet(node, &simulator);
    drop(simulator);
    let report = once(begun).await;
    assert_eq!((report.claimed, report.left, report.failures), (5, 5, 5), "{report:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_secret_is_told() {
    let simulator = Simulator::start(strict()).unwrap();
    let node: Node = Arc::new(Unblock::new(Memory::new()));
    fill(&*node, &simulator, 2).await;
    let mut parts = config(&simulator).parts().clone();
    parts.client_secret = Some(format!("{CLIENT_SECRET}-wrong").into());
    let report = once(Fleet::new(node, parts.build().unwrap(), Http::new()).per_second(1e6)).await;
    assert!(report.is_client_refused() && report.renewed == 0 && report.failures == 2, "{report:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn damaged_and_sealed_rows_are_failures_of_the_store_and_hold_up_no_other() {
    let simulator = Simulator::start(strict()).unwrap();
    let node: Node = Arc::new(Unblock::new(Memory::new()));
    fill(&*node, &simulator, 3).await;
    // {"alg":"dir","enc":"A256GCM","kid":"k1","rev":1}
    let sealed = "eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIiwia2lkIjoiazEiLCJyZXYiOjF9..AAAA.AAAA.AAAA";
    for (number, body) in [(10, "{}"), (11, ""), (12, sealed)] {
        let mut put = Put::new(Secret::new(body), 1, Replaces::Nothing);
        put.due_at = Some(now().plus_millis(-60_000));
        put.client = Some(config(&simulator).client_tag());
        assert_eq!(node.save(&key(number), &put).await, Ok(Saved::Stored));
    }
    let report = once(fleet(node, &simulator)).await;
    assert_eq!((report.renewed, report.not_ours, report.store_errors), (3, 0, 3), "{report:?}");
    assert!(report.last_store_error.is_some());
}

/// The server has renewed, and nobody is there any longer to be told.
struct Silent(Http);

impl FleetHttp for Silent {
    fn send(&self, request: HttpRequest, until: Option<Tick>) -> BoxFuture<'static, Result<HttpResponse, SendFault>> {
        let sent = self.0.send(request, until);
        Box::pin(async move {
            let _ = sent.await;
            std::future::pending().await
        })
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_worker_that_died_has_taken_with_it_is_counted() {
    let simulator = Simulator::start(strict()).unwrap();
    let node: Node = Arc::new(Unblock::new(Memory::new()));
    fill(&*node, &simulator, 2).await;
    let mut parts = config(&simulator).parts().clone();
    // Its leases are short.
    parts.request_timeout = Duration::from_secs(1);
    let (config, (_stop, stopped)) = (parts.build().unwrap(), watch::channel(false));
    let dies = tokio::spawn(Fleet::new(node.clone(), config.clone(), Silent(Http::new())).per_second(1e6).run(stopped));
    let (begun, at_most) = (Instant::now(), Duration::from_secs(60));
    while simulator.counters().refreshes_succeeded < 2 {
        assert!(begun.elapsed() < at_most, "{:?}", simulator.counters());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    dies.abort();
    assert!(dies.await.unwrap_err().is_cancelled());
    let (begun, mut reports) = (Instant::now(), Vec::new());
    while reports.iter().map(|report: &FleetReport| report.abandoned).sum::<u64>() < 2 {
        assert!(begun.elapsed() < at_most, "{reports:?}");
        tokio::time::sleep(Duration::from_millis(200)).await;
        reports.push(once(Fleet::new(node.clone(), config.clone(), Http::new()).per_second(1e6)).await);
    }
    let sum = |of: fn(&FleetReport) -> u64| reports.iter().map(of).sum::<u64>();
    // At a strict server they are gone for good.
    assert_eq!((sum(|report| report.abandoned), sum(|report| report.lost)), (2, 2), "{reports:?}");
    assert_eq!((sum(|report| report.ended), sum(|report| report.unanswered)), (2, 0), "{reports:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_does_not_come_is_counted_and_so_is_how_late_it_gets() {
    let simulator = Simulator::start(strict()).unwrap();
    let node: Node = Arc::new(Unblock::new(Memory::new()));
    fill(&*node, &simulator, 3).await;
    simulator.fault(Fault::cut_before().on_grant("refresh_token").always());
    let fleet = fleet(node, &simulator);
    let progress = fleet.progress();
    // They have been due for a minute.
    let lag = progress.lag().await.unwrap();
    assert!((60..90).contains(&lag.as_secs()), "{lag:?}");
    let report = once(fleet).await;
    assert_eq!((report.failures, report.unanswered, report.abandoned, report.lost), (3, 3, 0, 0), "{report:?}");
    let lag = progress.lag().await.unwrap();
    assert!(lag.as_secs() < 30, "put off, for a second or two: {lag:?}");
}

/// Logins that nobody has completed, and the session of somebody who is signed in.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_over_is_deleted_on_the_way() {
    let simulator = Simulator::start(strict()).unwrap();
    let node: Node = Arc::new(Unblock::new(Memory::new()));
    fill(&*node, &simulator, 2).await;
    for (number, is_over) in [(10, true), (11, true), (12, false)] {
        let mut session = Session::new(config(&simulator), entropy().unwrap());
        let output = session.sign_out(now(), SignOutOptions::default());
        let Some(Effect::Persist { snapshot, revision, .. }) = output.unwrap().effects.into_iter().next() else {
            panic!()
        };
        let mut put = Put::new(snapshot, revision, Replaces::Nothing);
        // A week ago.
        put.kept_for = is_over.then_some(Duration::ZERO);
        assert_eq!(node.save(&key(number), &put).await, Ok(Saved::Stored));
    }
    let report = once(fleet(node.clone(), &simulator)).await;
    assert_eq!((report.removed, report.renewed, report.store_errors), (2, 2, 0), "{report:?}");
    let left = [0, 1, 10, 11, 12].map(key);
    let mut there = Vec::new();
    for key in &left {
        there.push(node.load(key).await.unwrap().is_some());
    }
    assert_eq!(there, [true, true, false, false, true]);
}

/// A store in which so much is over, and what was asked of it; with `None` it deletes nothing, as for a role that may not.
#[derive(Debug)]
struct Backlog {
    store: Memory,
    left: Option<AtomicU64>,
    asked: Mutex<Vec<&'static str>>,
}

impl Backlog {
    fn new(left: Option<u64>) -> Arc<Self> {
        Arc::new(Self { store: Memory::new(), left: left.map(AtomicU64::new), asked: Mutex::default() })
    }
}

impl Records for Backlog {
    fn load(&self, key: &Key) -> Result<Option<Secret>, StoreError> {
        self.store.load(key)
    }

    fn save(&self, key: &Key, put: &Put) -> Result<Saved, StoreError> {
        self.store.save(key, put)
    }

    fn delete(&self, key: &Key) -> Result<(), StoreError> {
        self.store.delete(key)
    }

    fn claim_due(&self, claim: Claim) -> Result<Vec<Claimed>, StoreError> {
        self.asked.lock().unwrap().push("claim");
        self.store.claim_due(claim)
    }

    fn delete_expired(&self, most: u32) -> Result<u64, StoreError> {
        self.asked.lock().unwrap().push("delete");
        let Some(left) = &self.left else { return Err(StoreError::Denied { what: "DELETE".to_owned() }) };
        let count = left.load(Ordering::Relaxed).min(most.into());
        left.fetch_sub(count, Ordering::Relaxed);
        Ok(count)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_backlog_of_what_is_over_holds_up_no_claim() {
    let simulator = Simulator::start(strict()).unwrap();
    let store = Backlog::new(Some(50_000));
    let node: Node = Arc::new(Unblock::new(store.clone()));
    fill(&*node, &simulator, 3).await;
    let report = once(fleet(node, &simulator)).await;
    assert_eq!((report.renewed, report.removed), (3, 50_000), "{report:?}");
    let asked = store.asked.lock().unwrap();
    let claim = asked.iter().position(|asked| *asked == "claim").unwrap();
    assert!(claim <= 1, "a batch of them goes first, at most: {asked:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_deleted_is_told_and_is_no_failure_of_renewals() {
    let simulator = Simulator::start(strict()).unwrap();
    let store = Backlog::new(None);
    let node: Node = Arc::new(Unblock::new(store.clone()));
    fill(&*node, &simulator, 3).await;
    let report = once(fleet(node, &simulator)).await;
    assert_eq!((report.renewed, report.store_errors, report.removal_errors), (3, 0, 1), "{report:?}");
    assert!(matches!(report.last_removal_error, Some(StoreError::Denied { .. })), "{report:?}");
    let deletes = store.asked.lock().unwrap().iter().filter(|asked| **asked == "delete").count();
    assert_eq!(deletes, 1, "it is tried again in a minute");
}

/// A row that cannot be anybody's, in the middle of those that can.
#[cfg(feature = "sqlite")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_without_a_key_holds_up_no_other() {
    use webex_oauth_stores::Sqlite;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s.db");
    let store = Sqlite::open(&path).unwrap();
    store.migrate().unwrap();
    let simulator = Simulator::start(strict()).unwrap();
    let node: Node = Arc::new(Unblock::new(store));
    fill(&*node, &simulator, 12).await;
    let database = rusqlite::Connection::open(&path).unwrap();
    for (column, number) in [("user_key", 3), ("body", 5)] {
        let damage = format!("UPDATE webex_oauth_session SET {column} = cast(x'ff41' AS text) WHERE user_key = ?1");
        assert_eq!(database.execute(&damage, [format!("user {number}")]).unwrap(), 1);
    }
    drop(database);
    let report = once(fleet(node, &simulator)).await;
    assert_eq!((report.renewed, report.store_errors), (10, 1), "{report:?}");
    assert!(matches!(report.last_store_error, Some(StoreError::Damaged { .. })), "{report:?}");
}
