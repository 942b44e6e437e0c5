//! PostgreSQL: two pools on one schema, which is each test's own.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use webex_oauth_stores::{AsyncRecords as _, Claim, Postgres, Saved, StoreError, Tls};

use crate::proxy::{Line, Proxy};
use crate::suite::{Node, Tenant, body, claim, due, key, put};

const NEEDS: &str = "WEBEX_OAUTH_POSTGRES is not set: scripts/databases does it";

fn url() -> String {
    std::env::var("WEBEX_OAUTH_POSTGRES").expect(NEEDS)
}

/// A connection to look behind the scenes with.
async fn admin(url: &str) -> tokio_postgres::Client {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

/// The URL of a schema that is empty.
async fn schema() -> (String, tokio_postgres::Client) {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let name = format!("t{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    admin(&url()).await.batch_execute(&format!("CREATE SCHEMA {name}")).await.unwrap();
    let url = format!("{}?options=-c%20search_path%3D{name}", url());
    let admin = admin(&url).await;
    (url, admin)
}

pub(crate) async fn migrated() -> (String, tokio_postgres::Client, Postgres) {
    let (url, admin) = schema().await;
    let store = Postgres::connect(&url).await.unwrap();
    store.migrate().await.unwrap();
    (url, admin, store)
}

async fn open() -> (Node, Node, Tenant) {
    let (url, _, store) = migrated().await;
    let other = Postgres::options(&url).unwrap().pool_size(3).connect().await.unwrap();
    (Arc::new(store), Arc::new(other), Tenant::new())
}

engine_contract! { needs_servers open }

/// The same URL, with something in it replaced.
fn changed(url: &str, part: &str, by: &str) -> String {
    assert!(url.contains(part), "{part}");
    url.replacen(part, by, 1)
}

/// The database over a line that can be cut.
pub(crate) async fn through_a_proxy(url: &str, pool_size: usize) -> (Proxy, Postgres) {
    let address = url.split_once('@').unwrap().1.split_once('/').unwrap().0.to_owned();
    let proxy = Proxy::start(address.replace("localhost", "127.0.0.1")).await;
    let through = changed(url, &address, &format!("localhost:{}", proxy.port));
    let limit = Duration::from_millis(1500);
    let node = Postgres::options(&through).unwrap().pool_size(pool_size).time_limit(limit).connect().await.unwrap();
    (proxy, node)
}

fn password() -> String {
    let url = url();
    url.split_once("webex:").unwrap().1.split_once('@').unwrap().0.to_owned()
}

#[tokio::test]
#[ignore = "needs servers: scripts/stages/56-stores"]
async fn a_wrong_password_is_denied_and_not_told() {
    let wrong = changed(&url(), &password(), "hunter2");
    let error = Postgres::connect(&wrong).await.unwrap_err();
    assert!(matches!(error, StoreError::Denied { .. }), "{error:?}");
    assert!(!format!("{error} {error:?}").contains("hunter2"));
}

#[tokio::test]
#[ignore = "needs servers: scripts/stages/56-stores"]
async fn a_database_that_is_not_there_is_refused() {
    let error = Postgres::connect(&changed(&url(), "/postgres", "/nothing")).await.unwrap_err();
    assert!(matches!(error, StoreError::Refused { .. }), "{error:?}");
}

#[tokio::test]
#[ignore = "needs servers: scripts/stages/56-stores"]
async fn where_nobody_listens_it_is_not_available() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = format!("postgres://webex:{}@{nobody}/postgres", password());
    let error = Postgres::connect(&url).await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable { .. }), "{error:?}");
    assert!(error.to_string().contains(&nobody.to_string()), "{error}");
    assert!(!error.to_string().contains(&password()));
}

#[tokio::test]
#[ignore = "needs servers: scripts/stages/56-stores"]
async fn without_tables_it_says_what_to_do() {
    let (url, _) = schema().await;
    let store = Postgres::connect(&url).await.unwrap();
    let u1 = key("acme", "u1");
    for error in [store.load(&u1).await.unwrap_err(), store.save(&u1, &put(1, 0)).await.unwrap_err()] {
        assert!(matches!(error, StoreError::Refused { .. }) && error.to_string().contains("migrate"), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs servers: scripts/stages/56-stores"]
async fn many_nodes_may_migrate_at_once() {
    let (url, admin) = schema().await;
    let mut nodes = Vec::new();
    for _ in 0..6 {
        let store = Postgres::connect(&url).await.unwrap();
        nodes.push(tokio::spawn(async move { store.migrate().await }));
    }
    for node in nodes {
        assert_eq!(node.await.unwrap(), Ok(()));
    }
    let rows = admin.query("SELECT version FROM webex_oauth_schema", &[]).await.unwrap();
    assert_eq!(rows.len(), 1);
}

#[tokio::test]
#[ignore = "needs servers: scripts/stages/56-stores"]
async fn tables_of_a_newer_version_are_left_alone() {
    let (url, admin, store) = migrated().await;
    admin.batch_execute("INSERT INTO webex_oauth_schema VALUES (99)").await.unwrap();
    for refused in [Postgres::connect(&url).await.map(drop), store.migrate().await] {
        let error = refused.unwrap_err();
        assert!(matches!(error, StoreError::Refused { .. }) && error.to_string().contains("99"), "{error}");
    }
}

#[tokio::test]
#[ignore = "needs servers: scripts/stages/56-stores"]
async fn tables_from_before_the_first_release_are_told() {
    let (url, admin) = schema().await;
    let store = Postgres::connect(&url).await.unwrap();
    let old = "CREATE TABLE webex_oauth_schema (version integer NOT NULL);
        CREATE TABLE webex_oauth_session (tenant text NOT NULL, user_key text NOT NULL, revision bigint NOT NULL);
        INSERT INTO webex_oauth_schema VALUES (1)";
    admin.batch_execute(old).await.unwrap();
    for refused in [Postgres::connect(&url).await.map(drop), store.migrate().await] {
        let error = refused.unwrap_err().to_string();
        assert!(error.contains("version 1, this library reads 2: they are from before the first release"), "{error}");
    }
}

/// As `docs/scale.md` says it.
#[tokio::test]
#[ignore = "needs servers: scripts/stages/56-stores"]
async fn a_role_needs_these_privileges() {
    let (url, admin, _) = migrated().await;
    let schema = url.rsplit_once("%3D").unwrap().1;
    let as_role = |role: String| changed(&url, &format!("webex:{}", password()), &format!("{role}:hunter2"));
    let mut nodes = Vec::new();
    for (name, privileges) in
        [("app", "SELECT, INSERT, UPDATE, DELETE"), ("worker", "SELECT, UPDATE, DELETE"), ("keeps", "SELECT, UPDATE")]
    {
        let role = format!("{name}_{schema}");
        let granted = format!(
            "CREATE ROLE {role} LOGIN PASSWORD 'hunter2'; GRANT USAGE ON SCHEMA {schema} TO {role};
             GRANT SELECT ON webex_oauth_schema TO {role}; GRANT {privileges} ON webex_oauth_session TO {role}"
        );
        admin.batch_execute(&granted).await.unwrap();
        nodes.push(Postgres::connect(&as_role(role)).await.unwrap());
    }
    let [app, worker, keeps] = nodes.as_slice() else { panic!() };
    assert_eq!(app.migrate().await, Ok(()), "the tables are there");
    let u1 = key("acme", "u1");
    assert_eq!(app.save(&u1, &due(1, 0, 5)).await, Ok(Saved::Stored));
    for (revision, node) in [(2, app), (3, worker), (4, keeps)] {
        assert_eq!(node.claim_due(claim(9, 99, 5)).await.unwrap().len(), 1, "{revision}");
        assert_eq!(node.save(&u1, &due(revision, revision - 1, 5)).await, Ok(Saved::Stored));
        assert_eq!(node.rewrite(&u1, &put(revision, revision)).await, Ok(Saved::Stored));
    }
    assert_eq!(keeps.delete(&u1).await, Ok(()));
    let mut over = put(1 << 24, 0);
    over.kept_for = Some(Duration::ZERO);
    assert_eq!(app.save(&u1, &over).await, Ok(Saved::Stored));
    let denied = keeps.delete_expired(5).await;
    assert!(matches!(denied, Err(StoreError::Denied { .. })), "{denied:?}");
    assert_eq!(worker.delete_expired(5).await, Ok(1));
}

#[tokio::test]
#[ignore = "needs servers: scripts/stages/56-stores"]
async fn a_replica_can_be_read_and_not_written() {
    let (url, _, store) = migrated().await;
    let u1 = key("acme", "u1");
    assert_eq!(store.save(&u1, &put(1, 0)).await, Ok(Saved::Stored));
    let replica = Postgres::connect(&format!("{url}%20-c%20default_transaction_read_only%3Don")).await.unwrap();
    assert_eq!(replica.load(&u1).await, Ok(Some(body(1))));
    let error = replica.save(&u1, &put(2, 1)).await.unwrap_err();
    assert!(matches!(error, StoreError::Denied { .. }), "{error:?}");
    assert_eq!(store.load(&u1).await, Ok(Some(body(1))));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs servers: scripts/stages/56-stores"]
async fn a_pool_that_is_exhausted_says_so_and_recovers() {
    let (url, mut admin, store) = migrated().await;
    let u1 = key("acme", "u1");
    assert_eq!(store.save(&u1, &put(1, 0)).await, Ok(Saved::Stored));
    let limit = Duration::from_secs(2);
    let small = Postgres::options(&url).unwrap().pool_size(1).time_limit(limit).connect().await.unwrap();
    let locked = admin.transaction().await.unwrap();
    locked.batch_execute("LOCK TABLE webex_oauth_session").await.unwrap();
    let waiting = {
        let (small, u1) = (small.clone(), u1.clone());
        tokio::spawn(async move { small.load(&u1).await })
    };
    tokio::time::sleep(Duration::from_millis(30)).await;
    let begun = Instant::now();
    let second = small.load(&u1).await;
    for error in [waiting.await.unwrap().unwrap_err(), second.unwrap_err()] {
        assert!(matches!(error, StoreError::Unavailable { .. }), "{error:?}");
    }
    assert!(begun.elapsed() < limit * 3, "{:?}", begun.elapsed());
    locked.rollback().await.unwrap();
    assert_eq!(small.load(&u1).await, Ok(Some(body(1))), "and the connection that hung is not used again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs servers: scripts/stages/56-stores"]
async fn a_server_that_is_gone_in_the_middle_is_told_and_comes_back() {
    let (url, _, store) = migrated().await;
    let (proxy, node) = through_a_proxy(&url, 2).await;
    let u1 = key("acme", "u1");
    assert_eq!(node.save(&u1, &put(1, 0)).await, Ok(Saved::Stored));
    for line in [Line::Down, Line::Hangs] {
        proxy.set(line);
        for _ in 0..2 {
            let error = node.save(&u1, &put(2, 1)).await.unwrap_err();
            assert!(matches!(error, StoreError::Unavailable { .. }), "{line:?}: {error:?}");
        }
        proxy.set(Line::Up);
        tokio::time::sleep(Duration::from_millis(50)).await;
        // A connection may still be one that was cut.
        let mut loaded = node.load(&u1).await;
        for _ in 0..3 {
            if loaded.is_err() {
                loaded = node.load(&u1).await;
            }
        }
        assert!(loaded.is_ok(), "{line:?}: {loaded:?}");
    }
    // What hung may have got through: the answer is either.
    let there = store.load(&u1).await.unwrap().unwrap();
    assert!(there == body(1) || there == body(2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs servers: scripts/stages/56-stores"]
async fn a_restart_of_the_server_breaks_one_call_at_most() {
    let (url, admin, store) = migrated().await;
    let u1 = key("acme", "u1");
    assert_eq!(store.save(&u1, &put(1, 0)).await, Ok(Saved::Stored));
    let schema = url.rsplit_once("%3D").unwrap().1;
    let ended = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'webex-oauth' \
        AND query LIKE '%webex_oauth_session%' AND pid <> pg_backend_pid()";
    assert!(!admin.query(ended, &[]).await.unwrap().is_empty(), "{schema}");
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(store.load(&u1).await, Ok(Some(body(1))));
}

#[tokio::test]
#[ignore = "needs servers: scripts/stages/56-stores"]
async fn tls_is_checked_against_the_roots_that_are_given() {
    let roots = std::fs::read(std::env::var("WEBEX_OAUTH_DATABASE_CA").expect(NEEDS)).unwrap();
    let encrypted = format!("{}?sslmode=require", url());
    let options = |tls| Postgres::options(&encrypted).unwrap().tls(tls);
    let store = options(Tls::Roots(roots.clone())).connect().await.unwrap();
    store.load(&key("acme", "u1")).await.unwrap_err();

    let error = options(Tls::Platform).connect().await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable { .. }), "a stranger's certificate: {error:?}");
    let other_name = changed(&encrypted, "localhost", "127.0.0.1");
    let error = Postgres::options(&other_name).unwrap().tls(Tls::Roots(roots)).connect().await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable { .. }), "another name: {error:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs servers: scripts/stages/56-stores"]
async fn a_claim_uses_the_index_of_what_is_due() {
    let (_, admin, store) = migrated().await;
    let now = webex_oauth_driver::now().as_millis();
    admin
        .batch_execute(
            "INSERT INTO webex_oauth_session (tenant, user_key, revision, body, key_id, client, due_at)
             SELECT 't', n::text, 1, '{}', '', 'c' || n % 2, now() - n * interval '1 second'
             FROM generate_series(1, 200000) AS n;
             ANALYZE webex_oauth_session",
        )
        .await
        .unwrap();
    let claimed = store.claim_due(Claim { client: "c1".to_owned(), ..claim(now, now + 45_000, 100) }).await.unwrap();
    assert_eq!(claimed.len(), 100);
    // It says what it has used when its connections are closed, if not before.
    drop(store);
    let used = "SELECT i.idx_scan, i.idx_tup_read, t.seq_tup_read
        FROM pg_stat_user_indexes AS i JOIN pg_stat_user_tables AS t USING (relid)
        WHERE i.indexrelname = 'webex_oauth_session_due' AND i.schemaname = current_schema()";
    let mut scans = [0; 3];
    for _ in 0..100 {
        let row = admin.query_one(used, &[]).await.unwrap();
        scans = [0, 1, 2].map(|at| row.get::<_, i64>(at));
        if scans[0] > 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let [by_the_index, entries, rows] = scans;
    assert!(by_the_index == 1 && entries <= 101 && rows == 0, "{scans:?}");
}

#[test]
#[ignore = "needs servers: scripts/stages/56-stores"]
fn blocking_programs_have_it_too() {
    use webex_oauth_stores::{Blocking, Records as _};
    let setting_up = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (url, _admin) = setting_up.block_on(schema());
    let store = Blocking::connect(|| async move {
        let store = Postgres::connect(&url).await?;
        store.migrate().await?;
        Ok::<_, StoreError>(store)
    })
    .unwrap();
    let u1 = key("acme", "u1");
    assert_eq!(store.save(&u1, &put(1, 0)), Ok(Saved::Stored));
    // Inside of another runtime it neither panics nor waits for ever.
    setting_up.block_on(async { assert_eq!(store.load(&u1), Ok(Some(body(1)))) });
    setting_up.block_on(async { drop(store) });
}
