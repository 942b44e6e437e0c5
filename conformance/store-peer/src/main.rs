//! A store of Rust, for tests that put it beside those of another language.
//!
//! usage: `webex-oauth-store-peer URL [KEYS]`, with `sqlite:PATH`, `postgres://...` or `redis://...` for the URL
//!
//! One JSON object a line on standard input, one on standard output for each: what the store answered. It decides nothing and
//! checks nothing.

use std::error::Error;
use std::io::{BufRead as _, Write as _};

use serde::Deserialize;
use serde_json::{Value, json};
use webex_oauth::sealed::Keys;
use webex_oauth::{Secret, Timestamp};
use webex_oauth_stores::{
    Blocking, Claim, Claimed, Key, Postgres, Put, Records, Redis, Replaces, Saved, Sealed, Sqlite, StoreError,
};

#[derive(Deserialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
enum Command {
    Load { tenant: String, user: String },
    Save { tenant: String, user: String, body: String, revision: u64, replaces: u64, due_at: Option<i64> },
    Delete { tenant: String, user: String },
    Claim { client: String, now: i64, until: i64, most: u32 },
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let url = arguments.next().ok_or("usage: webex-oauth-store-peer URL [KEYS]")?;
    let keys = arguments.next().map(|text| Keys::read(&text)).transpose()?;
    match url.split_once(':') {
        Some(("sqlite", path)) => {
            let store = Sqlite::open(path)?;
            store.migrate()?;
            serve_sealed(store, keys)
        }
        Some(("redis", _)) => serve_sealed(
            Blocking::connect(|| async move {
                let store = Redis::connect(&url).await?;
                store.migrate().await?;
                Ok::<_, StoreError>(store)
            })?,
            keys,
        ),
        _ => serve_sealed(
            Blocking::connect(|| async move {
                let store = Postgres::connect(&url).await?;
                store.migrate().await?;
                Ok::<_, StoreError>(store)
            })?,
            keys,
        ),
    }
}

fn serve_sealed(store: impl Records, keys: Option<Keys>) -> Result<(), Box<dyn Error>> {
    match keys {
        Some(keys) => serve(&Sealed::new(store, keys)),
        None => serve(&store),
    }
}

fn serve(store: &dyn Records) -> Result<(), Box<dyn Error>> {
    let mut out = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let answer =
            answer(store, serde_json::from_str(&line?)?).unwrap_or_else(|error| json!({"error": name(&error)}));
        writeln!(out, "{answer}")?;
        out.flush()?;
    }
    Ok(())
}

fn answer(store: &dyn Records, command: Command) -> Result<Value, StoreError> {
    Ok(match command {
        Command::Load { tenant, user } => json!({"found": text(store.load(&Key::new(tenant, user)?)?)}),
        Command::Save { tenant, user, body, revision, replaces, due_at } => {
            let mut put = Put::new(Secret::new(body), revision, Replaces::from(replaces));
            put.due_at = due_at.map(Timestamp::from_millis);
            match store.save(&Key::new(tenant, user)?, &put)? {
                Saved::Stored => json!({"stored": true}),
                Saved::Conflict { found } => json!({"stored": false, "found": text(found)}),
            }
        }
        Command::Delete { tenant, user } => {
            store.delete(&Key::new(tenant, user)?)?;
            json!({})
        }
        Command::Claim { client, now, until, most } => {
            let (now, until) = (Timestamp::from_millis(now), Timestamp::from_millis(until));
            let claimed = store.claim_due(Claim { client, now, until, most })?;
            json!({"claimed": claimed.into_iter().map(shown).collect::<Vec<_>>()})
        }
    })
}

fn shown(one: Claimed) -> Value {
    let body = one.snapshot.map_or_else(|error| json!({"error": name(&error)}), |body| body.expose().into());
    json!([one.key.tenant(), one.key.user(), body])
}

fn text(body: Option<Secret>) -> Option<String> {
    body.map(|body| body.expose().to_owned())
}

/// In the words of Python's `StoreError.kind`.
fn name(error: &StoreError) -> &'static str {
    match error {
        StoreError::Denied { .. } => "denied",
        StoreError::Full { .. } => "full",
        StoreError::Unavailable { .. } => "unavailable",
        StoreError::Sealed { .. } => "sealed",
        StoreError::Refused { .. } => "refused",
        StoreError::Busy { .. } => "busy",
        StoreError::Damaged { .. } => "damaged",
        StoreError::Lock { .. } | StoreError::Io { .. } | StoreError::Other { .. } => "other",
    }
}
