//! A worker that renews the sessions of a database.

use std::path::Path;
use std::time::Duration;

use webex_oauth::sealed::Keys;
use webex_oauth::{Config, ConfigParts, Effect, Provider, Session};
use webex_oauth_driver::{entropy, now};
use webex_oauth_simulator::{CLIENT_ID, CLIENT_SECRET, Fault, Options};
use webex_oauth_stores::{AsyncRecords, Blocking, Key, Postgres, Put, Records, Redis, Replaces, Saved, Sealed, Sqlite};

use crate::kit::{World, get};

const ROWS: u64 = 6;

fn world() -> World {
    World::with(Options { rotate: true, reuse_grace_ms: 0, ..Options::default() })
}

fn config(world: &World) -> Config {
    let mut parts = ConfigParts::new(Provider::webex_at(world.simulator.base_url()), CLIENT_ID);
    parts.client_secret = Some(CLIENT_SECRET.into());
    parts.build().unwrap()
}

/// Sessions whose access tokens have ended, and which are due.
fn fill(world: &World, store: &dyn Records) {
    for number in 0..ROWS {
        let issued = world.simulator.issue(CLIENT_ID, "spark:all").unwrap();
        let tokens = format!(
            r#"{{"access_token":"{}","expires_in":1209599,"refresh_token":"{}","refresh_token_expires_in":7775999,"scope":"spark:all"}}"#,
            issued.access_token, issued.refresh_token
        );
        let mut session = Session::new(config(world), entropy().unwrap());
        let output = session.adopt(now().plus_millis(-20 * 86_400_000), tokens).unwrap();
        let Some(Effect::Persist { snapshot, revision, .. }) = output.effects.into_iter().next() else { panic!() };
        let mut put = Put::new(snapshot, revision, Replaces::Nothing);
        put.due_at = Some(now().plus_millis(-60_000));
        assert_eq!(store.save(&key(number), &put), Ok(Saved::Stored));
    }
    world.simulator.clear_log();
}

fn key(number: u64) -> Key {
    Key::new("acme", format!("zoe-{number}@example.com")).unwrap()
}

fn migrated(path: &Path) -> Sqlite {
    let store = Sqlite::open(path).unwrap();
    store.migrate().unwrap();
    store
}

/// Every row holds a token that the server takes.
fn all_are_renewed(world: &World, store: &dyn Records) {
    let live = world.simulator.live_tokens();
    for number in 0..ROWS {
        let snapshot = store.load(&key(number)).unwrap().unwrap();
        let session = Session::restore(config(world), snapshot.expose()).unwrap();
        let token = session.tokens().and_then(|tokens| tokens.refresh_token.clone()).unwrap();
        let print = webex_oauth_simulator::fingerprint(token.expose());
        assert!(live.iter().any(|token| token.fingerprint == print), "row {number}");
    }
    let seen = world.simulator.counters();
    assert_eq!((seen.refreshes_attempted, seen.refreshes_succeeded, seen.reuse_detected), (ROWS, ROWS, 0));
}

/// A sealed database of SQLite, and the arguments for it.
fn sealed(world: &World) -> (Sealed<Sqlite>, Vec<String>) {
    let (path, file) = (world.path("sessions.db"), world.path("keys").display().to_string());
    assert_eq!(world.run(&["key", "new", &file]).code, 0);
    let keys = Keys::read(&std::fs::read_to_string(&file).unwrap()).unwrap();
    let store = Sealed::new(migrated(&path), keys);
    let store_url = format!("sqlite:{}", path.display());
    (store, vec!["--store".to_owned(), store_url, "--key-file".to_owned(), file])
}

fn with<'a>(args: &'a [String], more: &[&'a str]) -> Vec<&'a str> {
    args.iter().map(String::as_str).chain(more.iter().copied()).collect()
}

#[test]
fn what_is_due_is_renewed_once_and_stays_sealed() {
    let world = world();
    let (store, args) = sealed(&world);
    fill(&world, &store);
    let ran = world.run(&with(&args, &["fleet", "--once"]));
    assert!(ran.code == 0 && ran.err.contains("6 renewed"), "{ran:?}");
    assert!(!ran.err.contains("zoe") && !ran.err.contains("acme"), "{ran:?}");
    all_are_renewed(&world, &store);
    let again = world.run(&with(&args, &["fleet", "--once"]));
    assert!(again.code == 0 && again.err.contains("0 renewed"), "{again:?}");
    all_are_renewed(&world, &store);
}

#[test]
fn asked_to_stop_it_stores_what_it_has_begun_and_ends_well() {
    for signal in ["TERM", "INT"] {
        let world = world();
        let (store, args) = sealed(&world);
        fill(&world, &store);
        world.simulator.fault(Fault::hold().on_grant("refresh_token").times(u32::try_from(ROWS).unwrap()));
        let worker = world.start(&with(&args, &["fleet"]));
        assert!(world.simulator.wait_for(Duration::from_secs(20), |log| log.len() == 6));
        worker.signal(signal);
        std::thread::sleep(Duration::from_millis(200));
        world.simulator.release();
        let ran = worker.end();
        assert!(ran.code == 0 && ran.err.contains("6 renewed"), "{ran:?}");
        all_are_renewed(&world, &store);
    }
}

#[test]
fn two_workers_share_the_work() {
    let world = world();
    let (store, args) = sealed(&world);
    fill(&world, &store);
    let workers = [(); 2].map(|()| world.start(&with(&args, &["fleet", "--once", "--concurrency", "1"])));
    for worker in workers {
        assert_eq!(worker.end().code, 0);
    }
    all_are_renewed(&world, &store);
}

#[test]
fn figures_are_shown_on_this_machine() {
    let world = world();
    let (store, args) = sealed(&world);
    fill(&world, &store);
    let mut worker = world.start(&with(&args, &["fleet", "--metrics", "0"]));
    let line = worker.line_with("Figures are at ");
    let url = line.trim().rsplit(' ').next().unwrap().trim_end_matches('.').to_owned();
    assert!(url.starts_with("http://127.0.0.1:"), "{url}");
    let renewed = r#"webex_oauth_fleet_sessions_total{result="renewed"} 6"#;
    let begun = std::time::Instant::now();
    while !get(&url).contains(renewed) {
        assert!(begun.elapsed() < Duration::from_secs(20), "{}", get(&url));
        std::thread::sleep(Duration::from_millis(50));
    }
    let text = get(&url);
    assert!(text.contains("# TYPE webex_oauth_fleet_sessions_total counter"), "{text}");
    assert!(!text.contains("zoe") && !text.contains("acme"), "{text}");
    // Nothing is due any longer, and everything is under the one key that there is.
    let key_id = args[3].as_str();
    let key_id = std::fs::read_to_string(key_id).unwrap().split_once(':').unwrap().0.to_owned();
    for line in [
        "webex_oauth_fleet_lag_seconds 0.000".to_owned(),
        format!("webex_oauth_fleet_key_info{{key_id=\"{key_id}\"}} 1"),
    ] {
        assert!(text.contains(&format!("{line}\n")), "{line} in {text}");
    }
    for name in [
        "unanswered_total",
        "abandoned_total",
        "rotations_lost_total",
        "failures_total",
        "removal_errors_total",
        "store_errors_total",
    ] {
        assert!(
            text.contains(&format!("# TYPE webex_oauth_fleet_{name} counter\nwebex_oauth_fleet_{name} 0\n")),
            "{text}"
        );
    }
    worker.signal("TERM");
    assert_eq!(worker.end().code, 0);
}

/// A server that refuses everything, and a worker that can do one a second: the others are late, and ever more so.
#[test]
fn how_late_it_is_is_shown() {
    let world = world();
    let (store, args) = sealed(&world);
    fill(&world, &store);
    world.simulator.fault(Fault::cut_after().on_grant("refresh_token").always());
    let slow = ["fleet", "--metrics", "0", "--concurrency", "1", "--per-second", "1"];
    let mut worker = world.start(&with(&args, &slow));
    let line = worker.line_with("Figures are at ");
    let url = line.trim().rsplit(' ').next().unwrap().trim_end_matches('.').to_owned();
    let figure = |name: &str| -> f64 {
        let text = get(&url);
        let line = text.lines().find(|line| line.starts_with(&format!("webex_oauth_fleet_{name} "))).expect("{name}");
        line.rsplit(' ').next().unwrap().parse().unwrap()
    };
    // Due a minute before they were stored.
    assert!((60.0..120.0).contains(&figure("lag_seconds")), "{}", figure("lag_seconds"));
    let begun = std::time::Instant::now();
    while figure("unanswered_total") < 2.0 {
        assert!(begun.elapsed() < Duration::from_secs(20), "{}", get(&url));
        std::thread::sleep(Duration::from_millis(50));
    }
    worker.signal("TERM");
    assert_eq!(worker.end().code, 0);
}

#[test]
fn the_wrong_key_leaves_everything_as_it_is() {
    let world = world();
    let (store, args) = sealed(&world);
    fill(&world, &store);
    let other = world.path("other-keys").display().to_string();
    assert_eq!(world.run(&["key", "new", &other]).code, 0);
    world.run(&["--store", &args[1], "--key-file", &other, "fleet", "--once"]).failed(7, &["sealed with key"]);
    // Without any they are none that could be read.
    let ran = world.run(&["--store", &args[1], "fleet", "--once"]);
    assert!(ran.err.contains("0 renewed"), "{ran:?}");
    assert_eq!(world.simulator.counters().refreshes_attempted, 0);
    for number in 0..ROWS {
        assert!(store.load(&key(number)).unwrap().is_some());
    }
}

#[test]
fn a_whole_database_is_sealed_anew() {
    let world = world();
    let (store, args) = sealed(&world);
    fill(&world, &store);
    assert_eq!(world.run(&["key", "add", &args[3]]).code, 0);
    let ran = world.run(&with(&args, &["reseal"]));
    assert!(ran.code == 0 && ran.err.contains("6 sessions sealed anew"), "{ran:?}");
    assert!(world.run(&with(&args, &["reseal"])).err.contains("0 sessions sealed anew"));
    let text = std::fs::read_to_string(&args[3]).unwrap();
    std::fs::write(&args[3], text.lines().next().unwrap()).unwrap();
    let ran = world.run(&with(&args, &["fleet", "--once"]));
    assert!(ran.code == 0 && ran.err.contains("6 renewed"), "{ran:?}");
    // One that nobody has the key of.
    let other = world.path("other-keys").display().to_string();
    assert_eq!(world.run(&["key", "new", &other]).code, 0);
    world.run(&["--store", &args[1], "--key-file", &other, "reseal"]).failed(7, &["6 sessions left as they are"]);
}

#[test]
fn what_is_wrong_is_told_in_a_sentence_and_no_password_with_it() {
    let mut world = world();
    world.run(&["fleet"]).failed(3, &["there is no database", "--store"]);
    world.run(&["--store", "file", "fleet"]).failed(3, &["there is no database"]);
    world.run(&["--store", "mysql://zoe:hunter2@h/db", "fleet"]).failed(3, &["postgres://"]);
    world.run(&["--store", "postgres:hunter2@h", "token"]).failed(3, &["store is none of"]);
    world.run(&["--store", "sqlite:nowhere.db", "token"]).failed(3, &["many users"]);
    let missing = format!("sqlite:{}", world.path("none.db").display());
    world.run(&["--store", &missing, "fleet"]).failed(7, &["there is no such database"]);
    assert!(!world.path("none.db").exists());
    let empty = world.write("empty.db", "");
    let empty = format!("sqlite:{}", empty.display());
    world.run(&["--store", &empty, "fleet", "--once"]).failed(7, &["there are no tables", "migrate"]);
    assert_eq!(world.run(&["--store", &empty, "fleet", "--once", "--migrate"]).code, 0);
    let garbage = format!("sqlite:{}", world.write("garbage.db", &"no database ".repeat(100)).display());
    world.run(&["--store", &garbage, "fleet", "--once"]).failed(7, &["damaged"]);
    for url in ["postgres://zoe:hunter2@127.0.0.1:1/db", "redis://zoe:hunter2@127.0.0.1:1"] {
        world.set("WEBEX_STORE", url);
        let ran = world.run(&["fleet", "--once"]);
        ran.failed(7, &["127.0.0.1:1", "not available"]);
        assert!(!ran.err.contains("hunter2") && !ran.err.contains("zoe"), "{ran:?}");
    }
}

/// Nothing is renewed, and nobody is left in the belief that it was.
#[test]
fn what_the_server_refuses_is_told() {
    let mut world = world();
    let path = world.path("s.db");
    let store = migrated(&path);
    fill(&world, &store);
    world.set("WEBEX_STORE", &format!("sqlite:{}", path.display()));
    world.run(&["--record", "r.jsonl", "fleet", "--once"]).failed(2, &["--record"]);
    let wrong = world.write("secret", "WRONG-secret-that-nobody-may-see\n").display().to_string();
    let ran = world.run(&["--client-secret-file", &wrong, "fleet", "--once"]);
    ran.failed(3, &["nothing was renewed", "invalid_client", "check client id and client secret"]);
    assert!(ran.err.contains("6 attempts failed") && !ran.err.contains("WRONG-secret"), "{ran:?}");
    // Another store, whose sessions have not been refused.
    let again = world.path("again.db");
    let store = migrated(&again);
    fill(&world, &store);
    world.set("WEBEX_STORE", &format!("sqlite:{}", again.display()));
    world.simulator.set_down(true);
    world.run(&["fleet", "--once"]).failed(6, &["nothing was renewed", "127.0.0.1"]);
    world.simulator.set_down(false);
}

fn on_a_server(url_variable: &str, connect: impl FnOnce(String) -> Box<dyn Records>) {
    let url = std::env::var(url_variable).expect("scripts/databases sets it");
    let mut world = world();
    world.set("WEBEX_STORE", &url);
    assert_eq!(world.run(&["fleet", "--once", "--migrate"]).code, 0);
    let store = connect(url.clone());
    fill(&world, &*store);
    let workers = [(); 2].map(|()| world.start(&["fleet", "--once", "--concurrency", "2"]));
    for worker in workers {
        let ran = worker.end();
        assert_eq!(ran.code, 0, "{ran:?}");
        let password = url.split_once('@').unwrap().0.rsplit(':').next().unwrap();
        assert!(!ran.err.contains(password), "{ran:?}");
    }
    all_are_renewed(&world, &*store);
    world.set("WEBEX_STORE", &url.replacen('@', "wrong@", 1));
    world.run(&["fleet", "--once"]).failed(7, &["user or password"]);
}

fn blocking<R: AsyncRecords + 'static>(store: Blocking<R>) -> Box<dyn Records> {
    Box::new(store)
}

#[test]
#[ignore = "needs servers: scripts/stages/56-stores"]
fn on_postgres() {
    on_a_server("WEBEX_OAUTH_POSTGRES", |url| {
        blocking(Blocking::connect(|| async move { Postgres::connect(&url).await }).unwrap())
    });
}

#[test]
#[ignore = "needs servers: scripts/stages/56-stores"]
fn on_redis() {
    on_a_server("WEBEX_OAUTH_REDIS", |url| {
        blocking(Blocking::connect(|| async move { Redis::connect(&url).await }).unwrap())
    });
}
