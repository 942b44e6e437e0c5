//! PostgreSQL: many nodes.

mod failure;
mod lease;
mod options;
mod saves;
mod schema;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::Pool;
use tokio_postgres::types::ToSql;
use webex_oauth::{SNAPSHOT_KEPT_FOR, Secret, Timestamp};
use webex_oauth_driver::{Put, Replaces, Saved, StoreError};

use self::failure::Place;
use self::lease::Lease;
pub use self::options::PostgresOptions;
use self::saves::{Row, Saves};
use crate::limits::{check_body, millis, signed, span};
use crate::revisions::{COUNT_BITS, reused};
use crate::unblock::within;
use crate::{AsyncRecords, BoxFuture, Claim, Claimed, Key, Scan, Scanned};

const LOAD: &str = "SELECT body FROM webex_oauth_session WHERE tenant = $1 AND user_key = $2 AND deleted_at IS NULL";

/// What is not encrypted does not take the place of what is.
const REPLACE: &str = "UPDATE webex_oauth_session
    SET revision = $4, body = $5, key_id = $6, due_at = 'epoch'::timestamptz + $7::bigint * interval '1 millisecond',
        client = $8, expires_at = now() + $9::bigint * interval '1 millisecond', updated_at = now()
    WHERE tenant = $1 AND user_key = $2 AND revision = $3 AND deleted_at IS NULL
        AND (key_id = '' OR $6 <> '')";

/// `$7`: how many bits of a revision are counted; `$9`: for how long it is kept.
const INSERT: &str =
    "INSERT INTO webex_oauth_session AS found (tenant, user_key, revision, body, key_id, due_at, client, expires_at)
    VALUES ($1, $2, $3, $4, $5, 'epoch'::timestamptz + $6::bigint * interval '1 millisecond', $8,
        now() + $9::bigint * interval '1 millisecond')
    ON CONFLICT (tenant, user_key) DO UPDATE
    SET revision = excluded.revision, body = excluded.body, key_id = excluded.key_id, due_at = excluded.due_at,
        client = excluded.client, expires_at = excluded.expires_at, updated_at = now(), deleted_at = NULL
    WHERE found.deleted_at IS NOT NULL
        AND (excluded.revision > found.revision OR excluded.revision >> $7::int <> found.revision >> $7::int)";

const DELETE: &str = "UPDATE webex_oauth_session
    SET body = '', key_id = '', due_at = NULL, deleted_at = now(), updated_at = now(),
        expires_at = now() + $3::bigint * interval '1 millisecond'
    WHERE tenant = $1 AND user_key = $2 AND deleted_at IS NULL";

/// The same session in other bytes: it is due when it was.
const REWRITE: &str = "UPDATE webex_oauth_session SET revision = $4, body = $5, key_id = $6, updated_at = now()
    WHERE tenant = $1 AND user_key = $2 AND revision = $3 AND deleted_at IS NULL AND (key_id = '' OR $6 <> '')";

/// In the order of the primary key, so that a batch looks at so many rows and no more. No key comes before the empty one, and
/// a batch that begins with the one where the last has ended repeats that.
const SCAN: &str = "SELECT tenant, user_key,
        CASE WHEN deleted_at IS NULL AND key_id IS DISTINCT FROM $3::text THEN body END
    FROM webex_oauth_session WHERE (tenant, user_key) >= ($1, $2) ORDER BY tenant, user_key LIMIT $4";

/// What is locked is being saved: it stays for the next time.
const DELETE_EXPIRED: &str = "DELETE FROM webex_oauth_session WHERE (tenant, user_key) IN (
    SELECT tenant, user_key FROM webex_oauth_session WHERE expires_at <= now() LIMIT $1 FOR UPDATE SKIP LOCKED)";

const OLDEST_DUE: &str = "SELECT (extract(epoch FROM due_at) * 1000)::bigint FROM webex_oauth_session
    WHERE client = $1 AND due_at IS NOT NULL AND deleted_at IS NULL ORDER BY due_at LIMIT 1";

/// What another node is claiming, or saving, at this moment is left to it. Where the database's clock says less than `$5` nothing
/// is claimed; in any case there is a row, with what it says.
const CLAIM: &str = "WITH clock AS MATERIALIZED (SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS millis),
    due AS MATERIALIZED (
        SELECT tenant, user_key FROM webex_oauth_session
        WHERE client = $4 AND due_at <= 'epoch'::timestamptz + $1::bigint * interval '1 millisecond' AND deleted_at IS NULL
            AND (SELECT millis FROM clock) >= $5
        ORDER BY due_at LIMIT $3 FOR UPDATE SKIP LOCKED),
    claimed AS (
        UPDATE webex_oauth_session AS session SET due_at = 'epoch'::timestamptz + $2::bigint * interval '1 millisecond'
        FROM due WHERE session.tenant = due.tenant AND session.user_key = due.user_key
        RETURNING session.tenant, session.user_key, session.body)
    SELECT clock.millis, claimed.* FROM clock LEFT JOIN claimed ON true";

/// Records in a database of PostgreSQL that all nodes share. Clones share one pool of connections; needs a tokio runtime.
///
/// Saves are durable when they answer, as far as the server's `synchronous_commit` goes.
#[derive(Clone)]
pub struct Postgres {
    inner: Arc<Inner>,
}

struct Inner {
    place: Place,
    pool: Pool,
    limit: Duration,
    saves: Saves,
}

impl Postgres {
    /// Options for the database at this URL: `postgres://user:password@host:5432/database`, or the other form of libpq,
    /// `host=... dbname=...`.
    ///
    /// # Errors
    ///
    /// [`StoreError::Refused`] where this is no such URL. Nothing of it is quoted.
    pub fn options(url: &str) -> Result<PostgresOptions, StoreError> {
        PostgresOptions::new(url)
    }

    /// Connects, with the options as they are.
    ///
    /// # Errors
    ///
    /// As [`Postgres::options`] and [`PostgresOptions::connect`].
    pub async fn connect(url: &str) -> Result<Self, StoreError> {
        Self::options(url)?.connect().await
    }

    /// Makes the tables where there are none. What is up to date stays as it is; several nodes may do it at once. Nothing else makes
    /// tables.
    ///
    /// # Errors
    ///
    /// [`StoreError::Refused`] where the tables are of another version, [`StoreError::Denied`] where this user may not make
    /// any, [`StoreError::Unavailable`]. Tables are made in one transaction: all of them, or none.
    pub async fn migrate(&self) -> Result<(), StoreError> {
        self.within(async {
            let mut lease = self.lease().await?;
            let found = schema::migrate(lease.client()?).await;
            self.inner.place.check_version(lease.done(found)?)
        })
        .await
    }

    async fn check_version(&self) -> Result<(), StoreError> {
        self.within(async {
            let mut lease = self.lease().await?;
            let found = schema::version(lease.client()?).await;
            self.inner.place.check_version(lease.done(found)?)
        })
        .await
    }

    async fn lease(&self) -> Result<Lease<'_>, StoreError> {
        Lease::take(&self.inner.pool, &self.inner.place).await
    }

    /// The whole of it, the wait for a connection included.
    async fn within<T>(&self, work: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
        within(self.inner.limit, self, work).await
    }

    async fn find(&self, key: &Key) -> Result<Option<Secret>, StoreError> {
        let mut lease = self.lease().await?;
        let found = lease.query(LOAD, &[&key.tenant(), &key.user()]).await?;
        found.first().map(|row| row.try_get::<_, String>(0).map(Secret::new)).transpose().map_err(|_| self.damaged())
    }

    fn damaged(&self) -> StoreError {
        StoreError::Damaged { what: self.inner.place.to_string() }
    }

    async fn put(&self, key: &Key, put: &Put) -> Result<Saved, StoreError> {
        check_body(put.snapshot.expose())?;
        let row = Row::of(key, put)?;
        let is_stored = match put.replaces {
            Replaces::Nothing => self.insert(&row).await?,
            Replaces::Revision(replaces) => self.replace(row, signed(replaces)?).await?,
        };
        if is_stored {
            return Ok(Saved::Stored);
        }
        match (self.find(key).await?, put.replaces) {
            (None, Replaces::Nothing) => Err(reused()),
            (found, _) => put.conflict(found),
        }
    }

    async fn insert(&self, row: &Row) -> Result<bool, StoreError> {
        let Row { key, revision, body, key_id, due_at, client, kept_for } = row;
        let bits = i32::try_from(COUNT_BITS).unwrap_or_default();
        let values: [&(dyn ToSql + Sync); 9] =
            [&key.tenant(), &key.user(), revision, &body.expose(), key_id, due_at, &bits, client, kept_for];
        Ok(self.lease().await?.execute(INSERT, &values).await? == 1)
    }

    /// Alone, or with others that come at the same time.
    async fn replace(&self, row: Row, replaces: i64) -> Result<bool, StoreError> {
        if let Some(_turn) = self.inner.saves.turn() {
            return self.replace_alone(&row, replaces).await;
        }
        Ok(self.inner.save_together(&row, replaces).await? || self.replace_alone(&row, replaces).await?)
    }

    async fn replace_alone(&self, row: &Row, replaces: i64) -> Result<bool, StoreError> {
        let Row { key, revision, body, key_id, due_at, client, kept_for } = row;
        let values: [&(dyn ToSql + Sync); 9] =
            [&key.tenant(), &key.user(), &replaces, revision, &body.expose(), key_id, due_at, client, kept_for];
        Ok(self.lease().await?.execute(REPLACE, &values).await? == 1)
    }

    async fn claim(&self, claim: Claim) -> Result<Vec<Claimed>, StoreError> {
        let (now, until) = (millis(Some(claim.now)), millis(Some(claim.until)));
        let (most, clock) = (i64::from(claim.most), millis(Some(claim.least_clock())));
        let mut lease = self.lease().await?;
        let rows = lease.query(CLAIM, &[&now, &until, &most, &claim.client, &clock]).await?;
        if let Some(millis) = rows.first().and_then(|row| row.try_get(0).ok()) {
            claim.check_clock(self, Timestamp::from_millis(millis))?;
        }
        let is_claimed = |row: &&tokio_postgres::Row| !matches!(row.try_get::<_, Option<&str>>(1), Ok(None));
        let read = |row: &tokio_postgres::Row| {
            let text = |at: usize| row.try_get::<_, String>(at).map_err(|_| self.damaged());
            Ok(Claimed { key: Key::new(text(1)?, text(2)?)?, snapshot: text(3).map(Secret::new) })
        };
        Claimed::usable(rows.iter().filter(is_claimed).map(read))
    }

    async fn find_oldest_due(&self, client: &str) -> Result<Option<Timestamp>, StoreError> {
        let mut lease = self.lease().await?;
        let rows = lease.query(OLDEST_DUE, &[&client]).await?;
        let millis = rows.first().map(|row| row.try_get(0)).transpose().map_err(|_| self.damaged())?;
        Ok(millis.map(Timestamp::from_millis))
    }

    async fn list(&self, scan: &Scan) -> Result<Scanned, StoreError> {
        let (from, most) = (scan.from()?, scan.most.max(2));
        let mut lease = self.lease().await?;
        let values: [&(dyn ToSql + Sync); 4] = [&from.tenant(), &from.user(), &scan.but_sealed_with, &i64::from(most)];
        let rows = lease.query(SCAN, &values).await?;
        let read = |row: &tokio_postgres::Row| Ok((row.try_get(0)?, row.try_get(1)?, row.try_get(2)?));
        let rows = rows.iter().map(read).collect::<Result<_, tokio_postgres::Error>>();
        Scanned::of_rows(rows.map_err(|_| self.damaged())?, most)
    }

    async fn put_other_bytes(&self, key: &Key, put: &Put) -> Result<Saved, StoreError> {
        let (body, key_id) = (put.snapshot.expose(), put.sealed_with().unwrap_or_default());
        check_body(body)?;
        let Replaces::Revision(replaces) = put.replaces else { return put.conflict(self.find(key).await?) };
        let (revision, replaces) = (signed(put.revision)?, signed(replaces)?);
        let mut lease = self.lease().await?;
        let values: [&(dyn ToSql + Sync); 6] = [&key.tenant(), &key.user(), &replaces, &revision, &body, &key_id];
        let stored = lease.execute(REWRITE, &values).await?;
        drop(lease);
        if stored == 1 { Ok(Saved::Stored) } else { put.conflict(self.find(key).await?) }
    }
}

impl AsyncRecords for Postgres {
    fn load<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, Result<Option<Secret>, StoreError>> {
        Box::pin(self.within(self.find(key)))
    }

    fn save<'a>(&'a self, key: &'a Key, put: &'a Put) -> BoxFuture<'a, Result<Saved, StoreError>> {
        Box::pin(self.within(self.put(key, put)))
    }

    fn delete<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(self.within(async move {
            let mut lease = self.lease().await?;
            lease.execute(DELETE, &[&key.tenant(), &key.user(), &span(SNAPSHOT_KEPT_FOR)]).await.map(drop)
        }))
    }

    fn claim_due(&self, claim: Claim) -> BoxFuture<'_, Result<Vec<Claimed>, StoreError>> {
        Box::pin(self.within(self.claim(claim)))
    }

    fn delete_expired(&self, most: u32) -> BoxFuture<'_, Result<u64, StoreError>> {
        Box::pin(self.within(async move { self.lease().await?.execute(DELETE_EXPIRED, &[&i64::from(most)]).await }))
    }

    fn oldest_due<'a>(&'a self, client: &'a str) -> BoxFuture<'a, Result<Option<Timestamp>, StoreError>> {
        Box::pin(self.within(self.find_oldest_due(client)))
    }

    fn scan<'a>(&'a self, scan: &'a Scan) -> BoxFuture<'a, Result<Scanned, StoreError>> {
        Box::pin(self.within(self.list(scan)))
    }

    fn rewrite<'a>(&'a self, key: &'a Key, put: &'a Put) -> BoxFuture<'a, Result<Saved, StoreError>> {
        Box::pin(self.within(self.put_other_bytes(key, put)))
    }
}

/// Host and database.
impl fmt::Debug for Postgres {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.place.fmt(f)
    }
}
