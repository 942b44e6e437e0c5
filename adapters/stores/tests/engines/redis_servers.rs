//! Redis: a server of its own for each test.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;
use webex_oauth::Timestamp;
use webex_oauth_stores::{AsyncRecords as _, Redis, Saved, StoreError, Tls};

use crate::proxy::{Line, Proxy};
use crate::suite::{Node, Tenant, body, claim, due, key, put};

const SAFE: &[&str] = &["--appendonly", "yes", "--appendfsync", "always"];

/// A server that ends with its test.
struct Server {
    child: Child,
    port: u16,
    folder: TempDir,
}

impl Server {
    async fn start(settings: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let port = free_port();
        let child = run(folder.path(), port, settings);
        let server = Self { child, port, folder };
        server.wait().await;
        server
    }

    /// Until it answers.
    async fn wait(&self) {
        for _ in 0..200 {
            if tokio::net::TcpStream::connect(("127.0.0.1", self.port)).await.is_ok() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("redis-server does not start");
    }

    fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Behind the scenes.
    fn admin(&self) -> redis::Connection {
        redis::Client::open(self.url()).unwrap().get_connection().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn run(folder: &Path, port: u16, settings: &[&str]) -> Child {
    let program = std::env::var("WEBEX_OAUTH_REDIS_SERVER").expect("scripts/databases sets WEBEX_OAUTH_REDIS_SERVER");
    let mut command = Command::new(program);
    command.args(["--bind", "127.0.0.1", "--port", &port.to_string(), "--save", "", "--dir"]).arg(folder);
    command.args(settings).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::inherit()).spawn().unwrap()
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

async fn open() -> (Node, Node, Tenant) {
    let server = Server::start(SAFE).await;
    let (a, b) = (Redis::connect(&server.url()).await.unwrap(), Redis::connect(&server.url()).await.unwrap());
    a.migrate().await.unwrap();
    (Arc::new(a), Arc::new(b), Tenant::at(server).swept_by_the_database())
}

engine_contract! { needs_servers open }

fn is_refused<T: std::fmt::Debug>(result: Result<T, StoreError>, why: &str) {
    let error = result.unwrap_err();
    assert!(matches!(error, StoreError::Refused { .. }) && error.to_string().contains(why), "{error:?}");
}

#[tokio::test]
#[ignore = "needs servers: scripts/stages/56-stores"]
async fn a_server_that_may_lose_sessions_is_refused_unless_that_is_accepted() {
    let evicts = ["--appendonly", "yes", "--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru"];
    for (settings, why) in [(evicts.as_slice(), "maxmemory-policy"), (&["--appendonly", "no"], "appendonly")] {
        let server = Server::start(settings).await;
        is_refused(Redis::connect(&server.url()).await, why);
        let store = Redis::options(&server.url()).unwrap().accept_loss().connect().await.unwrap();
        assert_eq!(store.save(&key("acme", "u1"), &put(1, 0)).await, Ok(Saved::Stored));
    }
    // A policy for what has a time to live: sessions have none.
    let server = Server::start(&["--appendonly", "yes", "--maxmemory-policy", "volatile-lru"]).await;
    assert!(Redis::connect(&server.url()).await.is_ok());
}

#[tokio::test]
#[ignore = "needs servers: scripts/stages/56-stores"]
async fn a_node_of_a_cluster_is_refused() {
    let server = Server::start(&["--appendonly", "yes", "--cluster-enabled", "yes"]).await;
    is_refused(Redis::connect(&server.url()).await, "cluster");
}

#[tokio::test]
#[ignore = "needs servers: scripts/stages/56-stores"]
async fn a_wrong_password_is_denied_and_not_told() {
    let server = Server::start(&["--appendonly", "yes", "--requirepass", "right"]).await;
    for url in [format!("redis://:hunter2@127.0.0.1:{}", server.port), server.url()] {
        let error = Redis::connect(&url).await.unwrap_err();
        assert!(matches!(error, StoreError::Denied { .. }), "{error:?}");
        assert!(!format!("{error} {error:?}").contains("hunter2"));
    }
    assert!(Redis::connect(&format!("redis://:right@127.0.0.1:{}", server.port)).await.is_ok());
}

#[tokio::test]
#[ignore = "needs servers: scripts/stages/56-stores"]
async fn where_nobody_listens_it_is_not_available() {
    let error = Redis::connect(&format!("redis://:hunter2@127.0.0.1:{}", free_port())).await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable { .. }), "{error:?}");
    assert!(!format!("{error} {error:?}").contains("hunter2"));
}

#[tokio::test]
#[ignore = "needs servers: scripts/stages/56-stores"]
async fn records_of_a_newer_version_are_left_alone() {
    let server = Server::start(SAFE).await;
    let store = Redis::connect(&server.url()).await.unwrap();
    store.migrate().await.unwrap();
    redis::cmd("SET").arg("webex_oauth:schema").arg(99).exec(&mut server.admin()).unwrap();
    is_refused(Redis::connect(&server.url()).await, "99");
    is_refused(store.migrate().await, "99");
}

#[tokio::test]
#[ignore = "needs servers: scripts/stages/56-stores"]
async fn records_from_before_the_first_release_are_told() {
    let server = Server::start(SAFE).await;
    let store = Redis::connect(&server.url()).await.unwrap();
    redis::cmd("SET").arg("webex_oauth:schema").arg(1).exec(&mut server.admin()).unwrap();
    for refused in [Redis::connect(&server.url()).await.map(drop), store.migrate().await] {
        is_refused(refused, "version 1, this library reads 2: they are from before the first release");
    }
}

#[tokio::test]
#[ignore = "needs servers: scripts/stages/56-stores"]
async fn a_value_of_another_type_under_the_key_is_damaged_and_left_alone() {
    let server = Server::start(SAFE).await;
    let store = Redis::connect(&server.url()).await.unwrap();
    let u1 = key("acme", "u1");
    let mut first = put(1, 0);
    first.due_at = Some(Timestamp::from_millis(5));
    assert_eq!(store.save(&u1, &first).await, Ok(Saved::Stored));
    let mut admin = server.admin();
    let names: Vec<String> = redis::cmd("KEYS").arg("webex_oauth:*:session:*").query(&mut admin).unwrap();
    let [name] = names.as_slice() else { panic!("{names:?}") };
    redis::cmd("SET").arg(name).arg("something else").exec(&mut admin).unwrap();
    for result in
        [store.load(&u1).await.map(drop), store.save(&u1, &put(2, 1)).await.map(drop), store.delete(&u1).await]
    {
        let error = result.unwrap_err();
        assert!(matches!(error, StoreError::Damaged { .. }), "{error:?}");
        assert!(!error.to_string().contains("u1") && !error.to_string().contains("acme"), "{error}");
    }
    let claimed = store.claim_due(claim(9, 99, 5)).await.unwrap();
    assert!(matches!(claimed[0].snapshot, Err(StoreError::Damaged { .. })), "{claimed:?}");
    let there: String = redis::cmd("GET").arg(name).query(&mut admin).unwrap();
    assert_eq!(there, "something else");
}

/// As those whose time to live was over. More of them than are claimed at once, and in front of what is there.
#[tokio::test]
#[ignore = "needs servers: scripts/stages/56-stores"]
async fn what_is_due_and_there_no_longer_is_forgotten_and_holds_up_no_other() {
    let server = Server::start(SAFE).await;
    let store = Redis::connect(&server.url()).await.unwrap();
    for number in 0..40 {
        let saved = store.save(&key("acme", &format!("gone {number}")), &due(1, 0, 5)).await;
        assert_eq!(saved, Ok(Saved::Stored));
    }
    let mut admin = server.admin();
    let names: Vec<String> = redis::cmd("KEYS").arg("webex_oauth:*:session:*").query(&mut admin).unwrap();
    redis::cmd("DEL").arg(&names).exec(&mut admin).unwrap();
    assert_eq!(store.save(&key("acme", "there"), &due(1, 0, 6)).await, Ok(Saved::Stored));
    let claimed = store.claim_due(claim(9, 99, 1)).await.unwrap();
    let users: Vec<_> = claimed.iter().map(|one| (one.key.user(), one.snapshot.clone())).collect();
    assert_eq!(users, [("there", Ok(body(1)))]);
    assert_eq!(store.claim_due(claim(9, 99, 100)).await, Ok(Vec::new()));
    assert_eq!(
        store.oldest_due("").await,
        Ok(Some(Timestamp::from_millis(99))),
        "what is left is the one that is there"
    );
    let sets: Vec<String> = redis::cmd("KEYS").arg("webex_oauth:*:due:*").query(&mut admin).unwrap();
    assert_eq!(sets.len(), 1, "{sets:?}");
}

#[tokio::test]
#[ignore = "needs servers: scripts/stages/56-stores"]
async fn a_replica_and_a_full_server_say_what_they_are() {
    let nobody = free_port().to_string();
    let replica = Server::start(&["--appendonly", "yes", "--replicaof", "127.0.0.1", &nobody]).await;
    let store = Redis::connect(&replica.url()).await.unwrap();
    assert_eq!(store.load(&key("acme", "u1")).await, Ok(None));
    let error = store.save(&key("acme", "u1"), &put(1, 0)).await.unwrap_err();
    assert!(matches!(error, StoreError::Denied { .. }), "{error:?}");

    let full = Server::start(&["--appendonly", "yes", "--maxmemory", "1"]).await;
    let store = Redis::connect(&full.url()).await.unwrap();
    let error = store.save(&key("acme", "u1"), &put(1, 0)).await.unwrap_err();
    assert!(matches!(error, StoreError::Full { .. }), "{error:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs servers: scripts/stages/56-stores"]
async fn a_line_that_is_cut_or_hangs_is_told_and_comes_back() {
    let server = Server::start(SAFE).await;
    let proxy = Proxy::start(format!("127.0.0.1:{}", server.port)).await;
    let options = Redis::options(&format!("redis://127.0.0.1:{}", proxy.port)).unwrap();
    let node = options.time_limit(Duration::from_millis(600)).connect().await.unwrap();
    let u1 = key("acme", "u1");
    assert_eq!(node.save(&u1, &put(1, 0)).await, Ok(Saved::Stored));
    for line in [Line::Down, Line::Hangs] {
        proxy.set(line);
        for _ in 0..2 {
            let error = node.save(&u1, &put(2, 1)).await.unwrap_err();
            assert!(matches!(error, StoreError::Unavailable { .. }), "{line:?}: {error:?}");
        }
        proxy.set(Line::Up);
        let mut loaded = node.load(&u1).await;
        for _ in 0..20 {
            if loaded.is_err() {
                tokio::time::sleep(Duration::from_millis(50)).await;
                loaded = node.load(&u1).await;
            }
        }
        // What hung may have got through: the answer is either.
        let there = loaded.unwrap().unwrap();
        assert!(there == body(1) || there == body(2), "{line:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs servers: scripts/stages/56-stores"]
async fn what_was_saved_is_there_after_the_server_was_killed() {
    let mut server = Server::start(SAFE).await;
    let store = Redis::connect(&server.url()).await.unwrap();
    let u1 = key("acme", "u1");
    assert_eq!(store.save(&u1, &put(1, 0)).await, Ok(Saved::Stored));
    server.kill();
    assert!(matches!(store.load(&u1).await, Err(StoreError::Unavailable { .. })));
    server.child = run(server.folder.path(), server.port, SAFE);
    server.wait().await;
    let mut loaded = store.load(&u1).await;
    for _ in 0..40 {
        if loaded.is_err() {
            tokio::time::sleep(Duration::from_millis(50)).await;
            loaded = store.load(&u1).await;
        }
    }
    assert_eq!(loaded, Ok(Some(body(1))));
    assert_eq!(store.save(&u1, &put(2, 1)).await, Ok(Saved::Stored), "the scripts are there again, too");
}

#[tokio::test]
#[ignore = "needs servers: scripts/stages/56-stores"]
async fn tls_is_checked_against_the_roots_that_are_given() {
    let folder = tempfile::tempdir().unwrap();
    let (certificate, private) = (folder.path().join("c.pem"), folder.path().join("k.pem"));
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "30"])
        .args(["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"])
        .args(["-addext", "basicConstraints=critical,CA:FALSE", "-keyout"])
        .arg(&private)
        .arg("-out")
        .arg(&certificate)
        .stderr(Stdio::null())
        .status();
    assert!(made.unwrap().success());
    let port = free_port().to_string();
    let (file, key_file) = (certificate.to_str().unwrap(), private.to_str().unwrap());
    let tls = ["--tls-port", &port, "--tls-cert-file", file, "--tls-key-file", key_file, "--tls-auth-clients", "no"];
    let _server = Server::start(&[SAFE, &tls].concat()).await;
    let options = |host: &str| Redis::options(&format!("rediss://{host}:{port}")).unwrap();
    let roots = Tls::Roots(std::fs::read(&certificate).unwrap());

    let store = options("localhost").tls(roots.clone()).connect().await.unwrap();
    assert_eq!(store.save(&key("acme", "u1"), &put(1, 0)).await, Ok(Saved::Stored));
    let limit = Duration::from_secs(2);
    let stranger = options("localhost").time_limit(limit).connect().await.unwrap_err();
    assert!(matches!(stranger, StoreError::Unavailable { .. }), "a stranger's certificate: {stranger:?}");
    let other_name = options("127.0.0.1").tls(roots).time_limit(limit).connect().await.unwrap_err();
    assert!(matches!(other_name, StoreError::Unavailable { .. }), "another name: {other_name:?}");
}
