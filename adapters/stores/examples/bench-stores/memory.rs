//! What a user costs who is kept in memory.

use std::error::Error;
use std::time::Duration;

use webex_oauth_async::{AsyncHttp, BoxFuture, Clients, Request, Response, SendError};
use webex_oauth_driver::now;
use webex_oauth_stores::{Key, Memory, UserStore};

use crate::{Line, rows};

const USERS: u32 = 10_000;

/// Nothing is sent.
struct Nowhere;

impl AsyncHttp for Nowhere {
    fn send(&self, _: Request, _: webex_oauth::TransportHints) -> BoxFuture<'static, Result<Response, SendError>> {
        Box::pin(async { Err(SendError::new(webex_oauth::SendFault::NotSent, "there is no network")) })
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(duration))
    }
}

pub(crate) async fn measure() -> Result<Line, Box<dyn Error>> {
    let config = rows::config()?;
    let records = std::sync::Arc::new(webex_oauth_stores::Unblock::new(Memory::new()));
    for number in 0..USERS {
        use webex_oauth_stores::{AsyncRecords as _, Put, Replaces};
        let (snapshot, _) = rows::snapshot_at(&config, now())?;
        let _stored = records.save(&rows::key(number)?, &Put::of(snapshot, Replaces::Nothing)?).await?;
    }
    let shared = records.clone();
    let clients = Clients::builder(config).capacity(20_000).stale_after(Duration::ZERO).http(Nowhere);
    let clients = clients.store(move |key: &Key| UserStore::new(shared.clone(), key.clone())).build()?;
    // What is known and not kept is the caller's name of it.
    let known: Vec<_> =
        (0..USERS).map(|number| rows::key(number).map(|key| clients.of(key))).collect::<Result<_, _>>()?;
    assert_eq!(clients.kept(), 0);
    let before = resident_kib();
    for user in &known {
        user.client().await?;
        // Who comes again has another look at the store.
        user.token().await?;
    }
    let each = (resident_kib() - before) as f64 / f64::from(USERS);
    assert_eq!(clients.kept(), 10_000);
    Ok(Line {
        what: "a kept user in memory; known and not kept: 0",
        figures: format!("{each:.1} KiB"),
        goal: "<= 2.0 KiB",
    })
}

/// Where the system tells.
fn resident_kib() -> i64 {
    figure(&std::fs::read_to_string("/proc/self/status").unwrap_or_default(), "VmRSS:")
}

/// Of what `/proc` says of a process; 0 where it does not say it.
pub(crate) fn figure(status: &str, name: &str) -> i64 {
    let line = status.lines().find(|line| line.starts_with(name));
    line.and_then(|line| line.split_whitespace().nth(1)?.parse().ok()).unwrap_or(0)
}
