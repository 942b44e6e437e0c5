//! Several nodes of the application on one store.

use std::path::Path;

use webex_oauth_async::webex_oauth::{ConfigParts, Provider, Scope};
use webex_oauth_integration::{App, Settings};
use webex_oauth_simulator::{CLIENT_ID, CLIENT_SECRET, Decision, Options, Simulator};
use webex_oauth_stores::new_key_file;

use crate::kit::{Browser, path_of, shows};

fn simulator() -> Simulator {
    Simulator::start(Options { rotate: true, ..Options::default() }).unwrap()
}

/// A node of the service with this database; `folder` holds the keys of all nodes.
fn settings(simulator: &Simulator, database: &str, folder: &Path) -> Settings {
    let mut parts = ConfigParts::new(Provider::webex_at(simulator.base_url()), CLIENT_ID);
    parts.client_secret = Some(CLIENT_SECRET.into());
    // Whichever node the browser comes back to.
    parts.redirect_uri = Some("http://localhost:1/oauth".to_owned());
    let keys = folder.join("keys");
    if !keys.exists() {
        new_key_file(&keys, "2026-11").unwrap();
    }
    Settings {
        client: Some(parts),
        scope: Some(Scope::parse("spark:people_read")),
        database: Some(database.into()),
        key_file: Some(keys),
        cookie_key_file: Some(folder.join("cookie.key")),
        ..Settings::simulated()
    }
}

/// Browsers do not tell ports apart: it is the same person at both nodes.
async fn a_person_moves_between_nodes(database: &str) {
    let (simulator, folder) = (simulator(), tempfile::tempdir().unwrap());
    let start = async || App::start(settings(&simulator, database, folder.path())).await.unwrap();
    let (a, b) = (start().await, start().await);
    let mut browser = Browser::new(&a);
    let url = browser.start("/login").await;
    let callback = simulator.visit_as("ada@example.com", &url, Decision::Accept).unwrap();
    // Begun at the one, completed at the other, seen at both.
    b.url().clone_into(&mut browser.app);
    assert_eq!(browser.get(path_of(&callback)).await.location.as_deref(), Some("/"));
    for node in [&a, &b] {
        node.url().clone_into(&mut browser.app);
        assert!(browser.get("/").await.text.contains("Ada Lovelace"));
        // The same callback again is no second use of the code, wherever it comes to.
        shows(&browser.land(path_of(&callback)).await, 200, "Already done");
    }
    // A node that dies takes nothing with it.
    a.stop().await;
    simulator.expire_access_tokens();
    let c = start().await;
    c.url().clone_into(&mut browser.app);
    assert!(browser.get("/").await.text.contains("Ada Lovelace"));
    browser.post("/logout", "").await;
    shows(&browser.get("/").await, 200, "Sign in with Webex");
    let seen = simulator.counters();
    assert_eq!((seen.code_replays, seen.reuse_detected), (0, 0));
}

#[tokio::test]
async fn a_person_moves_between_nodes_on_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("shared.db");
    a_person_moves_between_nodes(&format!("sqlite:{}", file.display())).await;
    let bytes = std::fs::read(&file).unwrap();
    let wal = std::fs::read(folder.path().join("shared.db-wal")).unwrap_or_default();
    // Everything of the simulator's has a part that nothing else has.
    assert!(!String::from_utf8_lossy(&[bytes, wal].concat()).contains("_PF84_"), "sessions are sealed");
}

#[tokio::test]
#[ignore = "scripts/stages/56-stores"]
async fn a_person_moves_between_nodes_on_servers() {
    for name in ["WEBEX_OAUTH_POSTGRES", "WEBEX_OAUTH_REDIS"] {
        let url = std::env::var(name).unwrap();
        a_person_moves_between_nodes(&url).await;
    }
}

#[tokio::test]
async fn a_database_that_cannot_be_used_is_one_plain_sentence() {
    let (simulator, folder) = (simulator(), tempfile::tempdir().unwrap());
    for database in ["mysql://app:s3cret@db/x", "postgres://app:s3cret@127.0.0.1:1/x", "redis://:s3cret@127.0.0.1:1"] {
        let problem = App::start(settings(&simulator, database, folder.path())).await.err().unwrap().to_string();
        assert!(problem.starts_with("DATABASE_URL: ") && problem.ends_with('.'), "{problem}");
        assert!(!problem.contains("s3cret"), "{problem}");
    }
    let mut unkeyed = settings(&simulator, "sqlite:/nowhere/at/all.db", folder.path());
    unkeyed.key_file = Some(folder.path().join("missing"));
    unkeyed.database = None;
    let problem = App::start(unkeyed).await.err().unwrap().to_string();
    assert!(problem.starts_with("KEY_FILE: "), "{problem}");
}
