//! Where sessions are: in memory, in a file of SQLite, in a database that several nodes share. Sealed, where there are keys.

use std::path::Path;
use std::sync::Arc;

use webex_oauth_stores::{AsyncRecords, Memory, Postgres, Redis, Sealed, Sqlite, StoreError, Unblock, read_key_file};

use crate::settings::{Problem, Settings};

/// What all users share.
pub(crate) type Store = Arc<dyn AsyncRecords>;

/// Opens what `DATABASE_URL` or `SESSIONS_DIR` name, and makes its tables where there are none.
pub(crate) async fn open(settings: &Settings) -> Result<Store, Problem> {
    let database = settings.database.as_ref().map(|url| url.expose());
    let store = match (database, &settings.sessions) {
        (Some(url), _) => at(url).await.map_err(|error| Problem(format!("DATABASE_URL: {error}.")))?,
        (None, Some(folder)) => {
            let problem = |error: &dyn std::fmt::Display| Problem(format!("SESSIONS_DIR: {error}."));
            std::fs::create_dir_all(folder).map_err(|error| problem(&error))?;
            in_sqlite(&folder.join("sessions.db")).map_err(|error| problem(&error))?
        }
        (None, None) => Arc::new(Unblock::new(Memory::new())),
    };
    let Some(file) = &settings.key_file else {
        return Ok(store);
    };
    let keys = read_key_file(file).map_err(|error| Problem(format!("KEY_FILE: {error}.")))?;
    Ok(Arc::new(Sealed::new(store, keys)))
}

async fn at(url: &str) -> Result<Store, StoreError> {
    match url.split_once(':') {
        Some(("sqlite", path)) => in_sqlite(Path::new(path.strip_prefix("//").unwrap_or(path))),
        Some(("postgres" | "postgresql", _)) => {
            let store = Postgres::connect(url).await?;
            store.migrate().await?;
            Ok(Arc::new(store))
        }
        Some(("redis" | "rediss", _)) => {
            let store = Redis::connect(url).await?;
            store.migrate().await?;
            Ok(Arc::new(store))
        }
        // Not quoted: there may be a password in it.
        _ => Err(StoreError::Refused { what: "give postgres://..., redis://... or sqlite:FILE".to_owned() }),
    }
}

fn in_sqlite(path: &Path) -> Result<Store, StoreError> {
    let store = Sqlite::open(path)?;
    store.migrate()?;
    Ok(Arc::new(Unblock::new(store)))
}
