//! Saves that come at once, which PostgreSQL is given in one statement: each of them is told what became of it, and of it alone.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use tokio::task::JoinHandle;
use tokio_postgres::Client;
use webex_oauth::Secret;
use webex_oauth_stores::{AsyncRecords as _, Key, Postgres, Put, Replaces, Saved, StoreError};

use crate::engine::sealed;
use crate::postgres::{migrated, through_a_proxy};
use crate::proxy::Line;
use crate::suite::{body, key, put};

/// So long nothing hangs in here that does not have to.
const SOON: Duration = Duration::from_secs(3);

type Results = Vec<Result<Saved, StoreError>>;

fn user(number: u64) -> Key {
    key("acme", &format!("u{number:03}"))
}

/// Users with a session of revision 1.
async fn fill(store: &Postgres, users: u64) {
    for number in 0..users {
        assert_eq!(store.save(&user(number), &put(1, 0)).await, Ok(Saved::Stored));
    }
}

fn begin(store: &Postgres, puts: impl IntoIterator<Item = (Key, Put)>) -> Vec<JoinHandle<Result<Saved, StoreError>>> {
    let begin = |(key, put)| {
        let store = store.clone();
        tokio::spawn(async move { store.save(&key, &put).await })
    };
    puts.into_iter().map(begin).collect()
}

async fn end(saves: Vec<JoinHandle<Result<Saved, StoreError>>>) -> Results {
    let mut results = Vec::new();
    for save in saves {
        results.push(save.await.unwrap());
    }
    results
}

/// All of them at once, as nothing can be saved before the last one has come.
async fn save_at_once(admin: &mut Client, store: &Postgres, puts: impl IntoIterator<Item = (Key, Put)>) -> Results {
    let locked = admin.transaction().await.unwrap();
    locked.batch_execute("LOCK TABLE webex_oauth_session IN SHARE MODE").await.unwrap();
    let saves = begin(store, puts);
    until_they_wait(locked.client()).await;
    locked.rollback().await.unwrap();
    end(saves).await
}

const WAITING: &str = "SELECT pid FROM pg_locks WHERE relation = 'webex_oauth_session'::regclass AND NOT granted";

/// Until statements wait for the table, and whoever comes at once has come.
async fn until_they_wait(admin: &Client) {
    let begun = Instant::now();
    while admin.query(WAITING, &[]).await.unwrap().is_empty() {
        assert!(begun.elapsed() < SOON, "nothing waits");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    tokio::time::sleep(Duration::from_millis(150)).await;
}

/// In how many transactions this revision was stored.
async fn transactions(admin: &Client, revision: i64) -> i64 {
    let count = "SELECT count(DISTINCT xmin::text) FROM webex_oauth_session WHERE revision = $1";
    admin.query_one(count, &[&revision]).await.unwrap().get(0)
}

async fn all_have(store: &Postgres, users: u64, revision: u64) {
    for number in 0..users {
        assert_eq!(store.load(&user(number)).await, Ok(Some(body(revision))), "{number}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs servers: scripts/stages/56-stores"]
async fn saves_that_come_at_once_share_a_transaction() {
    let (_, mut admin, store) = migrated().await;
    fill(&store, 50).await;
    let results = save_at_once(&mut admin, &store, (0..50).map(|number| (user(number), put(2, 1)))).await;
    assert!(results.iter().all(|result| *result == Ok(Saved::Stored)), "{results:?}");
    all_have(&store, 50, 2).await;
    let transactions = transactions(&admin, 2).await;
    assert!(transactions <= 5, "{transactions} for 50 saves");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs servers: scripts/stages/56-stores"]
async fn a_save_keeps_all_that_it_says_in_a_batch_too() {
    let (_, mut admin, store) = migrated().await;
    fill(&store, 30).await;
    let full = |number: u64| {
        let mut put = put(2, 1);
        put.due_at = number
            .is_multiple_of(2)
            .then(|| webex_oauth::Timestamp::from_millis(1_000 + i64::try_from(number).unwrap()));
        put.client = Some(format!("client {number}"));
        put.kept_for = number.is_multiple_of(3).then_some(Duration::from_secs(3_600));
        (user(number), put)
    };
    let results = save_at_once(&mut admin, &store, (0..30).map(full)).await;
    assert!(results.iter().all(|result| *result == Ok(Saved::Stored)), "{results:?}");
    let columns = "SELECT user_key, client, (extract(epoch FROM due_at) * 1000)::bigint, key_id,
        expires_at BETWEEN now() + interval '59 minutes' AND now() + interval '1 hour', updated_at > now() - interval '1 minute'
        FROM webex_oauth_session ORDER BY user_key";
    for (number, row) in (0_u64..).zip(admin.query(columns, &[]).await.unwrap()) {
        let due_at = number.is_multiple_of(2).then(|| 1_000 + i64::try_from(number).unwrap());
        assert_eq!(row.get::<_, &str>(0), user(number).user());
        assert_eq!(row.get::<_, &str>(1), format!("client {number}"));
        assert_eq!((row.get::<_, Option<i64>>(2), row.get::<_, &str>(3)), (due_at, ""));
        assert_eq!(row.get::<_, Option<bool>>(4), number.is_multiple_of(3).then_some(true));
        assert!(row.get::<_, bool>(5));
    }
}

/// One of six kinds each, what the last one says being nothing that PostgreSQL stores where `with_nul`.
async fn each_is_told_its_own(with_nul: bool) {
    let (_, mut admin, store) = migrated().await;
    fill(&store, 60).await;
    for number in 0..60 {
        match number % 6 {
            2 => assert_eq!(store.delete(&user(number)).await, Ok(())),
            4 => assert_eq!(store.save(&user(number), &sealed(1, 1)).await, Ok(Saved::Stored)),
            _ => {}
        }
    }
    let one = |number: u64| match number % 6 {
        1 => (user(number), put(2, 7)),
        3 => (user(number + 100), put(2, 1)),
        5 if with_nul => (user(number), Put::new(Secret::new("\0"), 2, Replaces::Revision(1))),
        _ => (user(number), put(2, 1)),
    };
    let results = save_at_once(&mut admin, &store, (0..60).map(one)).await;
    for (number, result) in (0_u64..).zip(results) {
        match (number % 6, result) {
            (0, Ok(Saved::Stored)) => {}
            (1, result) => assert_eq!(result, Ok(Saved::Conflict { found: Some(body(1)) }), "{number}"),
            (2 | 3, result) => assert_eq!(result, Ok(Saved::Conflict { found: None }), "{number}"),
            (4, Err(StoreError::Sealed { key_id, .. })) => assert_eq!(key_id, "2026-11"),
            (5, Err(StoreError::Refused { .. })) if with_nul => {}
            (5, Ok(Saved::Stored)) if !with_nul => {}
            (_, result) => panic!("{number}: {result:?}"),
        }
        let wanted = match number % 6 {
            0 => Some(body(2)),
            5 => Some(body(if with_nul { 1 } else { 2 })),
            1 | 3 => Some(body(1)),
            2 => None,
            _ => Some(sealed(1, 1).snapshot),
        };
        assert_eq!(store.load(&user(number)).await, Ok(wanted), "{number}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs servers: scripts/stages/56-stores"]
async fn conflicts_in_a_batch_are_told_to_those_whose_they_are() {
    each_is_told_its_own(false).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs servers: scripts/stages/56-stores"]
async fn what_cannot_be_stored_is_no_error_of_those_it_came_with() {
    each_is_told_its_own(true).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs servers: scripts/stages/56-stores"]
async fn of_one_key_several_times_one_is_stored() {
    let (_, mut admin, store) = migrated().await;
    fill(&store, 20).await;
    let puts = (0..60).map(|at| (user(at % 20), put(2 + at / 20, 1)));
    let results = save_at_once(&mut admin, &store, puts).await;
    for number in 0..20 {
        let there = store.load(&user(number)).await.unwrap().unwrap();
        for at in [number, number + 20, number + 40] {
            let wanted =
                if there == body(2 + at / 20) { Saved::Stored } else { Saved::Conflict { found: Some(there.clone()) } };
            assert_eq!(results[usize::try_from(at).unwrap()], Ok(wanted), "{at}");
        }
    }
}

/// In opposite orders, again and again: nobody waits for the other one's rows while it holds its own.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs servers: scripts/stages/56-stores"]
async fn two_nodes_that_save_the_same_are_in_nobodys_way() {
    let (url, _, store) = migrated().await;
    let other = Postgres::connect(&url).await.unwrap();
    fill(&store, 40).await;
    for revision in 2..12 {
        let puts = |order: Vec<u64>| order.into_iter().map(move |number| (user(number), put(revision, revision - 1)));
        let (one, two) = (begin(&store, puts((0..40).collect())), begin(&other, puts((0..40).rev().collect())));
        let (one, mut two) = (end(one).await, end(two).await);
        two.reverse();
        for pair in one.into_iter().zip(two) {
            let conflict = Ok(Saved::Conflict { found: Some(body(revision)) });
            assert!(pair == (Ok(Saved::Stored), conflict.clone()) || pair == (conflict, Ok(Saved::Stored)), "{pair:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs servers: scripts/stages/56-stores"]
async fn a_row_that_somebody_holds_keeps_nobody_else_waiting() {
    let (_, mut admin, store) = migrated().await;
    fill(&store, 40).await;
    // Some have their turn before others have come, and one is in the middle of those that go together.
    let held = [0, 1, 2, 3, 4, 20];
    let holding = admin.transaction().await.unwrap();
    let hold = "SELECT FROM webex_oauth_session WHERE user_key = $1 FOR UPDATE";
    for number in held {
        holding.query(hold, &[&user(number).user()]).await.unwrap();
    }
    let begun = Instant::now();
    let mut waiting = Vec::new();
    for (number, save) in (0_u64..).zip(begin(&store, (0..40).map(|number| (user(number), put(2, 1))))) {
        if held.contains(&number) {
            waiting.push(save);
        } else {
            assert_eq!(save.await.unwrap(), Ok(Saved::Stored), "{number}");
        }
    }
    assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
    assert!(waiting.iter().all(|save| !save.is_finished()));
    holding.rollback().await.unwrap();
    assert_eq!(end(waiting).await, vec![Ok(Saved::Stored); held.len()]);
    all_have(&store, 40, 2).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs servers: scripts/stages/56-stores"]
async fn a_long_session_goes_with_short_ones() {
    let (_, mut admin, store) = migrated().await;
    fill(&store, 40).await;
    let long = |number: u64| {
        let bytes = match number {
            10 | 11 => 600 << 10,
            20 => 4 << 20,
            _ => return put(2, 1),
        };
        Put::new(Secret::new("🔑".repeat(bytes / 4)), 2, Replaces::Revision(1))
    };
    let results = save_at_once(&mut admin, &store, (0..40).map(|number| (user(number), long(number)))).await;
    assert!(results.iter().all(|result| *result == Ok(Saved::Stored)), "{results:?}");
    for number in 0..40 {
        assert_eq!(store.load(&user(number)).await, Ok(Some(long(number).snapshot)), "{number}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs servers: scripts/stages/56-stores"]
async fn a_connection_that_is_killed_in_the_middle_of_a_batch_is_told_to_all_of_it() {
    let (_, mut admin, store) = migrated().await;
    fill(&store, 40).await;
    let puts = || (0..40).map(|number| (user(number), put(2, 1)));
    let locked = admin.transaction().await.unwrap();
    locked.batch_execute("LOCK TABLE webex_oauth_session IN SHARE MODE").await.unwrap();
    let saves = begin(&store, puts());
    until_they_wait(locked.client()).await;
    // Again and again, as some may still be on their way.
    let kill = format!("SELECT pg_terminate_backend(pid) FROM ({WAITING}) AS waiting");
    let mut killed = HashSet::new();
    while !saves.iter().all(JoinHandle::is_finished) {
        killed.extend(locked.query(WAITING, &[]).await.unwrap().iter().map(|row| row.get::<_, i32>(0)));
        locked.query(&kill, &[]).await.unwrap();
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!((1..20).contains(&killed.len()), "{killed:?}");
    for result in end(saves).await {
        assert!(matches!(result, Err(StoreError::Unavailable { .. })), "{result:?}");
    }
    locked.rollback().await.unwrap();
    all_have(&store, 40, 1).await;
    assert_eq!(save_at_once(&mut admin, &store, puts()).await, vec![Ok(Saved::Stored); 40]);
}

/// As in a fail-over: the line is cut, and what was under way is carried out all the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs servers: scripts/stages/56-stores"]
async fn what_became_of_a_batch_whose_answer_is_lost_is_not_known() {
    let (url, mut admin, store) = migrated().await;
    fill(&store, 40).await;
    let (proxy, node) = through_a_proxy(&url, 4).await;
    let puts = || (0..40).map(|number| (user(number), put(2, 1)));
    let locked = admin.transaction().await.unwrap();
    locked.batch_execute("LOCK TABLE webex_oauth_session IN SHARE MODE").await.unwrap();
    let saves = begin(&node, puts());
    until_they_wait(locked.client()).await;
    proxy.set(Line::Down);
    for result in end(saves).await {
        assert!(matches!(result, Err(StoreError::Unavailable { .. })), "{result:?}");
    }
    locked.rollback().await.unwrap();
    proxy.set(Line::Up);
    // Whoever saves again finds what there is: its own, or what was there before.
    let begun = Instant::now();
    let mut stored = 0;
    while stored < 40 && begun.elapsed() < SOON {
        stored = 0;
        for result in end(begin(&node, puts())).await {
            match result {
                Ok(Saved::Stored) => stored += 1,
                Ok(Saved::Conflict { found }) => {
                    assert_eq!(found, Some(body(2)));
                    stored += 1;
                }
                // A connection that was cut.
                Err(error) => assert!(matches!(error, StoreError::Unavailable { .. }), "{error:?}"),
            }
        }
    }
    all_have(&node, 40, 2).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs servers: scripts/stages/56-stores"]
async fn a_batch_has_the_time_and_the_connections_of_the_store() {
    let (url, mut admin, store) = migrated().await;
    fill(&store, 40).await;
    let limit = Duration::from_secs(1);
    let small = Postgres::options(&url).unwrap().pool_size(1).time_limit(limit).connect().await.unwrap();
    let locked = admin.transaction().await.unwrap();
    locked.batch_execute("LOCK TABLE webex_oauth_session IN SHARE MODE").await.unwrap();
    let begun = Instant::now();
    let saves = begin(&small, (0..40).map(|number| (user(number), put(2, 1))));
    until_they_wait(locked.client()).await;
    assert_eq!(locked.query(WAITING, &[]).await.unwrap().len(), 1, "a pool of one");
    for result in end(saves).await {
        assert!(matches!(result, Err(StoreError::Unavailable { .. })), "{result:?}");
    }
    assert!(begun.elapsed() < limit * 3, "{:?}", begun.elapsed());
    locked.rollback().await.unwrap();
    // What had been sent may have been carried out.
    for number in 0..40 {
        let there = small.load(&user(number)).await.unwrap().unwrap();
        let revision = if there == body(1) { 1 } else { 2 };
        assert_eq!(small.save(&user(number), &put(3, revision)).await, Ok(Saved::Stored), "{number}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs servers: scripts/stages/56-stores"]
async fn who_goes_away_takes_nobody_along() {
    let (_, mut admin, store) = migrated().await;
    fill(&store, 40).await;
    let locked = admin.transaction().await.unwrap();
    locked.batch_execute("LOCK TABLE webex_oauth_session IN SHARE MODE").await.unwrap();
    let mut staying = Vec::new();
    for (number, save) in (0_u64..).zip(begin(&store, (0..40).map(|number| (user(number), put(2, 1))))) {
        if number % 4 == 3 {
            staying.push((number, save));
        } else {
            let leaves_at = Duration::from_millis(number * 4);
            tokio::spawn(async move {
                tokio::time::sleep(leaves_at).await;
                save.abort();
            });
        }
    }
    until_they_wait(locked.client()).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    locked.rollback().await.unwrap();
    for (number, save) in staying {
        assert_eq!(save.await.unwrap(), Ok(Saved::Stored), "{number}");
    }
    for number in 0..40 {
        let there = store.load(&user(number)).await.unwrap().unwrap();
        assert!(there == body(2) || (there == body(1) && number % 4 != 3), "{number}");
    }
}
