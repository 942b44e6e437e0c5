//! Two workers that renew what is due, beside claim and save alone.

use std::error::Error;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use tokio::task::JoinSet;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Statement};
use webex_oauth::coordinator::Tick;
use webex_oauth::{HttpRequest, HttpResponse, SendFault, snapshot_revision};
use webex_oauth_driver::now;
use webex_oauth_stores::{
    AsyncRecords as _, BoxFuture, Claim, Claimed, Fleet, FleetHttp, Postgres, Put, Replaces, Saved, StoreError,
};

use crate::rows::{Table, UPDATE};
use crate::{Line, ROUNDS, median};

const WORKERS: u32 = 2;
const AT_ONCE: usize = 32;
/// The store of both workers has as many.
const CONNECTIONS: usize = 10;

const CLAIM: &str = "WITH due AS MATERIALIZED (
        SELECT tenant, user_key FROM webex_oauth_session WHERE client = $1 AND due_at <= now() AND deleted_at IS NULL
        ORDER BY due_at LIMIT $2 FOR UPDATE SKIP LOCKED)
    UPDATE webex_oauth_session AS session SET due_at = now() + interval '1 hour'
    FROM due WHERE session.tenant = due.tenant AND session.user_key = due.user_key
    RETURNING session.user_key, session.body, session.revision";

/// A token endpoint that answers at once.
#[derive(Clone, Default)]
struct Endpoint(Arc<AtomicU64>);

impl FleetHttp for Endpoint {
    fn send(&self, _: HttpRequest, _: Option<Tick>) -> BoxFuture<'static, Result<HttpResponse, SendFault>> {
        let number = self.0.fetch_add(1, Ordering::Relaxed);
        let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
        let token = format!(
            "MmZlN2Q5YTYtNDU2Yy00Y2U4LWJmODUtMTFhOWQ1YzY0ODJkYjk0YmQ2MDEt{number:08x}_P0A1_1eb65fdf-9643-417f-9974-ad72cae0e10f"
        );
        let body = format!(
            r#"{{"access_token":"{token}","expires_in":1209599,"refresh_token":"{token}R","refresh_token_expires_in":7775999,"token_type":"Bearer"}}"#
        );
        Box::pin(async move { Ok(HttpResponse { status: 200, headers, body: body.into_bytes() }) })
    }
}

pub(crate) async fn measure(table: &Table, due: u32) -> Result<[Line; 2], Box<dyn Error>> {
    let (mut bare, mut saves, mut ours) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        table.make_due(due).await?;
        bare.push(bare_saves(table, due).await?);
        table.make_due(due).await?;
        saves.push(claims_and_saves(table, due).await?);
        table.make_due(due).await?;
        ours.push(renewals(table, due).await?);
    }
    let rate = |times: Vec<Duration>| f64::from(due) / median(times).as_secs_f64();
    let (bare, saves, ours) = (rate(bare), rate(saves), rate(ours));
    let beside = |what: &str, ours: f64| format!("{ours:.0} a second, {what} {bare:.0}: {:.2}", ours / bare);
    Ok([
        Line { what: "claim and save of a store", figures: beside("bare", saves), goal: ">= 0.80" },
        Line {
            what: "fleet: two workers, intent counted in",
            figures: beside("bare claim and save", ours),
            goal: ">= 0.60",
        },
    ])
}

/// Claims and saves as anybody would write them, with as many connections as the store has, and a statement for each save.
async fn bare_saves(table: &Table, due: u32) -> Result<Duration, Box<dyn Error>> {
    let mut connections = Vec::new();
    for _ in 0..CONNECTIONS {
        let client = table.connect().await?;
        let update = client.prepare(UPDATE).await?;
        connections.push((Arc::new(client), update));
    }
    let begun = Instant::now();
    let mut workers = JoinSet::new();
    for connections in connections.chunks(CONNECTIONS / WORKERS as usize) {
        workers.spawn(claim_and_save_bare(connections.to_vec(), table.config.client_tag()));
    }
    let mut saved = 0;
    while let Some(done) = workers.join_next().await {
        saved += done??;
    }
    assert_eq!(saved, due);
    Ok(begun.elapsed())
}

async fn claim_and_save_bare(
    connections: Vec<(Arc<Client>, Statement)>,
    client_tag: String,
) -> Result<u32, tokio_postgres::Error> {
    let due_at = SystemTime::now() + Duration::from_secs(864_000);
    let claim = connections[0].0.prepare(CLAIM).await?;
    let mut saved = 0;
    loop {
        let claimed = connections[0].0.query(&claim, &[&client_tag, &i64::try_from(AT_ONCE).unwrap_or(32)]).await?;
        if claimed.is_empty() {
            return Ok(saved);
        }
        let claimed = Arc::new(Mutex::new(claimed));
        let mut savers = JoinSet::new();
        for (client, update) in &connections {
            let (client, update, claimed) = (Arc::clone(client), update.clone(), Arc::clone(&claimed));
            let next = move || claimed.lock().unwrap_or_else(PoisonError::into_inner).pop();
            savers.spawn(async move {
                let mut saved = 0;
                while let Some(row) = next() {
                    let (user, body, revision): (String, String, i64) = (row.get(0), row.get(1), row.get(2));
                    let values: [&(dyn ToSql + Sync); 7] = [&"", &user, &revision, &revision, &body, &"", &due_at];
                    saved += u32::try_from(client.execute(&update, &values).await?).unwrap_or(0);
                }
                Ok::<_, tokio_postgres::Error>(saved)
            });
        }
        for done in savers.join_all().await {
            saved += done?;
        }
    }
}

async fn claims_and_saves(table: &Table, due: u32) -> Result<Duration, Box<dyn Error>> {
    let begun = Instant::now();
    let mut workers = JoinSet::new();
    for _ in 0..WORKERS {
        workers.spawn(claim_and_save(table.store.clone(), table.config.client_tag()));
    }
    let mut saved = 0;
    while let Some(done) = workers.join_next().await {
        saved += done??;
    }
    assert_eq!(saved, due);
    Ok(begun.elapsed())
}

async fn claim_and_save(store: Postgres, client: String) -> Result<u32, StoreError> {
    let mut saved = 0;
    loop {
        let (client, most) = (client.clone(), u32::try_from(AT_ONCE).unwrap_or(32));
        let claim = Claim { client, now: now(), until: now().plus_millis(3_600_000), most };
        let claimed = store.claim_due(claim).await?;
        if claimed.is_empty() {
            return Ok(saved);
        }
        let mut saves = JoinSet::new();
        for row in claimed {
            let store = store.clone();
            saves.spawn(async move { save(&store, row).await });
        }
        for done in saves.join_all().await {
            done?;
            saved += 1;
        }
    }
}

async fn save(store: &Postgres, row: Claimed) -> Result<(), StoreError> {
    let body = row.snapshot?;
    let revision = snapshot_revision(body.expose()).unwrap_or_default();
    let mut put = Put::new(body, revision, Replaces::Revision(revision));
    put.due_at = Some(now().plus_millis(864_000_000));
    assert_eq!(store.save(&row.key, &put).await?, Saved::Stored);
    Ok(())
}

async fn renewals(table: &Table, due: u32) -> Result<Duration, Box<dyn Error>> {
    let endpoint = Endpoint::default();
    let (_stop, stopped) = tokio::sync::watch::channel(false);
    let begun = Instant::now();
    let mut workers = JoinSet::new();
    for _ in 0..WORKERS {
        let fleet = Fleet::new(table.store.clone(), table.config.clone(), endpoint.clone());
        workers.spawn(fleet.concurrency(AT_ONCE).per_second(1e6).once().run(stopped.clone()));
    }
    let mut renewed = 0;
    while let Some(report) = workers.join_next().await {
        renewed += report?.renewed;
    }
    let took = begun.elapsed();
    // Each of them once, and each of them asked for once.
    assert_eq!((renewed, endpoint.0.load(Ordering::Relaxed)), (u64::from(due), u64::from(due)));
    let left = "SELECT count(*) FROM webex_oauth_session WHERE due_at <= now() AND deleted_at IS NULL";
    assert_eq!(table.bare.query_one(left, &[]).await?.get::<_, i64>(0), 0);
    Ok(took)
}
