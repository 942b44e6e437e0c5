//! One user on a node that keeps nothing: reading a session, and storing it.

use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};

use webex_oauth::coordinator::{Now, Output};
use webex_oauth::{Secret, snapshot_revision};
use webex_oauth_driver::{AsyncStoreJobs, now, tick};
use webex_oauth_stores::{AsyncRecords as _, Put, Replaces, Saved, UserStore};

use crate::rows::{Table, UPDATE, key};
use crate::{Line, ROUNDS, median, ratio};

const READS: u32 = 2_000;
const SAVES: u32 = 500;

pub(crate) async fn measure(table: &Table) -> Result<[Line; 2], Box<dyn Error>> {
    let (mut bare, mut ours) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        bare.push(bare_reads(table, round).await? / READS);
        ours.push(reads(table, round).await? / READS);
    }
    let read = ratio(median(bare), median(ours));
    let (mut bare, mut ours) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        bare.push(bare_saves(table, round).await? / SAVES);
        ours.push(saves(table, round).await? / SAVES);
    }
    let save = ratio(median(bare), median(ours));
    Ok([
        Line { what: "cold read: load, restore, a token", figures: read, goal: ">= 0.85" },
        Line { what: "save by compare-and-swap", figures: save, goal: ">= 0.80" },
    ])
}

/// Other rows in every round, spread over the table.
fn number(table: &Table, round: usize, at: u32) -> u32 {
    let at = u64::from(at) + 10_000 * u64::try_from(round).unwrap_or(0);
    u32::try_from(at * 7919 % u64::from(table.rows)).unwrap_or(0) + 1
}

async fn bare_reads(table: &Table, round: usize) -> Result<Duration, Box<dyn Error>> {
    let select = "SELECT body FROM webex_oauth_session WHERE tenant = $1 AND user_key = $2 AND deleted_at IS NULL";
    let select = table.bare.prepare(select).await?;
    let begun = Instant::now();
    for at in 0..READS {
        let user = format!("user {}", number(table, round, at));
        let row = table.bare.query_one(&select, &[&"", &user]).await?;
        std::hint::black_box(row.get::<_, String>(0));
    }
    Ok(begun.elapsed())
}

/// As a stateless node does it, to the token that it hands out.
async fn reads(table: &Table, round: usize) -> Result<Duration, Box<dyn Error>> {
    let begun = Instant::now();
    for at in 0..READS {
        let store = UserStore::new(table.store.clone(), key(number(table, round, at))?);
        let opened = AsyncStoreJobs::open(table.config.clone(), Some(Arc::new(store)), None, false).await?;
        let (mut coordinator, _) = opened;
        coordinator.wake(Now { wall: now(), mono: tick() });
        let published = std::iter::from_fn(|| coordinator.poll()).find_map(|output| match output {
            Output::Publish { fresh } => fresh,
            _ => None,
        });
        std::hint::black_box(published.ok_or("no token")?.token.expose());
    }
    Ok(begun.elapsed())
}

async fn bodies(table: &Table, round: usize) -> Result<Vec<(u32, Secret, u64)>, Box<dyn Error>> {
    let mut bodies = Vec::new();
    for at in 0..SAVES {
        let number = number(table, round, at + 5_000);
        let body = table.store.load(&key(number)?).await?.ok_or("no row")?;
        let revision = snapshot_revision(body.expose())?;
        bodies.push((number, body, revision));
    }
    Ok(bodies)
}

async fn bare_saves(table: &Table, round: usize) -> Result<Duration, Box<dyn Error>> {
    let (bodies, update) = (bodies(table, round).await?, table.bare.prepare(UPDATE).await?);
    let due_at = std::time::SystemTime::now() + Duration::from_secs(864_000);
    let begun = Instant::now();
    for (number, body, revision) in bodies {
        let (user, revision) = (format!("user {number}"), i64::try_from(revision)?);
        let changed =
            table.bare.execute(&update, &[&"", &user, &revision, &revision, &body.expose(), &"", &due_at]).await?;
        assert_eq!(changed, 1);
    }
    Ok(begun.elapsed())
}

async fn saves(table: &Table, round: usize) -> Result<Duration, Box<dyn Error>> {
    let bodies = bodies(table, round).await?;
    let begun = Instant::now();
    for (number, body, revision) in bodies {
        let mut put = Put::new(body, revision, Replaces::Revision(revision));
        put.due_at = Some(now().plus_millis(864_000_000));
        assert_eq!(table.store.save(&key(number)?, &put).await?, Saved::Stored);
    }
    Ok(begun.elapsed())
}
