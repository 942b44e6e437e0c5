//! A database with the sessions of many users.

use std::sync::Arc;

use tokio::runtime::{Builder, Runtime};
use webex_oauth::Secret;
use webex_oauth::sealed::Keys;
use webex_oauth_stores::{AsyncRecords, Postgres, Redis, Reseal, Sqlite, StoreError, Unblock};

use crate::failure::{Exit, Failure};
use crate::terminal::Terminal;

/// Opens the one at this URL, which is not quoted anywhere: there may be a password in it.
pub(super) async fn open(url: &Secret, migrate: bool) -> Result<Arc<dyn AsyncRecords>, Failure> {
    let text = url.expose();
    let (scheme, path) = text.split_once(':').unwrap_or_default();
    let opened: Result<Arc<dyn AsyncRecords>, StoreError> = match &*scheme.to_ascii_lowercase() {
        "sqlite" => in_sqlite(path.strip_prefix("//").unwrap_or(path), migrate),
        "postgres" | "postgresql" => in_postgres(text, migrate).await,
        "redis" | "rediss" => in_redis(text, migrate).await,
        _ => {
            let sentence = "this is no store for a fleet; give postgres://..., redis://... or sqlite:FILE";
            return Err(Failure::new(Exit::Settings, sentence));
        }
    };
    opened.map_err(failure)
}

fn in_sqlite(path: &str, migrate: bool) -> Result<Arc<dyn AsyncRecords>, StoreError> {
    if !migrate && !std::path::Path::new(path).exists() {
        // Opening it would make an empty one.
        let what = format!("{path}: there is no such database: --migrate makes one");
        return Err(StoreError::Refused { what });
    }
    let store = Sqlite::open(path)?;
    if migrate {
        store.migrate()?;
    }
    Ok(Arc::new(Unblock::new(store)))
}

async fn in_postgres(url: &str, migrate: bool) -> Result<Arc<dyn AsyncRecords>, StoreError> {
    let store = Postgres::connect(url).await?;
    if migrate {
        store.migrate().await?;
    }
    Ok(Arc::new(store))
}

async fn in_redis(url: &str, migrate: bool) -> Result<Arc<dyn AsyncRecords>, StoreError> {
    let store = Redis::connect(url).await?;
    if migrate {
        store.migrate().await?;
    }
    Ok(Arc::new(store))
}

/// The advice for a file of tokens is none for a database.
pub(super) fn failure(error: StoreError) -> Failure {
    let advice = match &error {
        StoreError::Denied { .. } => "; check user, password and permissions",
        StoreError::Unavailable { .. } => "; check the URL, and that it runs",
        StoreError::Sealed { .. } => "; bring the key that it is sealed with",
        _ => "",
    };
    Failure::new(Exit::Store, format!("{error}{advice}"))
}

pub(super) fn runtime() -> Result<Runtime, Failure> {
    // For names to be looked up, and for SQLite: one read at a time, and one write.
    let built = Builder::new_multi_thread().worker_threads(2).max_blocking_threads(4).enable_all().build();
    built.map_err(|error| Failure::new(Exit::Other, format!("no thread can be started ({})", error.kind())))
}

/// Seals all sessions there with the first key, those that are not encrypted as well where it is said so.
pub(super) fn reseal(terminal: Terminal, url: &Secret, keys: Keys, and_plain: bool) -> Result<(), Failure> {
    let name = keys.first().id().to_owned();
    let count = |count: u64| format!("{count} session{}", if count == 1 { "" } else { "s" });
    let done = runtime()?.block_on(async {
        let records = open(url, false).await?;
        let reseal = Reseal::new(keys);
        let reseal = if and_plain { reseal.and_plain() } else { reseal };
        reseal.run(&*records).await.map_err(|failed| {
            let sentence =
                format!("{} sealed anew with key {name}, then {}", count(failed.done.resealed), failure(failed.error));
            Failure::new(Exit::Store, format!("{sentence}; run it again for the rest"))
        })
    })?;
    match done.first_left {
        None => {
            terminal.done(&format!("{} sealed anew; all are under key {name}.", count(done.resealed)));
            Ok(())
        }
        Some((_, why)) => {
            let (sealed, left) = (count(done.resealed), count(done.left));
            let sentence =
                format!("{sealed} sealed anew with key {name}, {left} left as they are, of the first: {why}");
            Err(Failure::new(Exit::Store, sentence))
        }
    }
}
