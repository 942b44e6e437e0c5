//! Redis, Valkey: many nodes that have it, and sessions that one may lose.

mod check;
mod failure;
mod names;
mod options;
mod scripts;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use redis::aio::ConnectionManager;
use webex_oauth::{Secret, Timestamp};
use webex_oauth_driver::{Put, Saved, StoreError};

use self::failure::Place;
pub use self::options::RedisOptions;
use self::scripts::{Due, Found, Scripts};
use crate::limits::{VERSION, check_body};
use crate::revisions::reused;
use crate::unblock::within;
use crate::{AsyncRecords, BoxFuture, Claim, Claimed, Cursor, Key, Scan, Scanned};

/// Records in a Redis that all nodes share. Clones share one connection, which carries many requests at once and is made anew
/// when it breaks; needs a tokio runtime.
#[derive(Clone)]
pub struct Redis {
    inner: Arc<Inner>,
}

struct Inner {
    place: Place,
    connection: ConnectionManager,
    scripts: Scripts,
    limit: Duration,
}

impl Redis {
    /// Options for the server at this URL: `redis://:password@host:6379/0`; `rediss://` is TLS.
    ///
    /// # Errors
    ///
    /// [`StoreError::Refused`] where this is no such URL. Nothing of it is quoted.
    pub fn options(url: &str) -> Result<RedisOptions, StoreError> {
        RedisOptions::new(url)
    }

    /// Connects, with the options as they are.
    ///
    /// # Errors
    ///
    /// As [`Redis::options`] and [`RedisOptions::connect`].
    pub async fn connect(url: &str) -> Result<Self, StoreError> {
        Self::options(url)?.connect().await
    }

    /// Notes the version of the records.
    ///
    /// # Errors
    ///
    /// [`StoreError::Refused`] where the records are of another version: they are left alone. [`StoreError::Denied`] where
    /// this user may not write, [`StoreError::Unavailable`].
    pub async fn migrate(&self) -> Result<(), StoreError> {
        self.within(async {
            check::version(&self.inner.place, &mut self.connection()).await?;
            let set = redis::cmd("SET").arg(names::SCHEMA).arg(VERSION).query_async(&mut self.connection()).await;
            set.map_err(|error| self.inner.place.failure(&error))
        })
        .await
    }

    fn connection(&self) -> ConnectionManager {
        self.inner.connection.clone()
    }

    async fn within<T>(&self, work: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
        within(self.inner.limit, self, work).await
    }

    async fn find(&self, key: &Key) -> Result<Option<Secret>, StoreError> {
        let found: Result<Option<String>, _> =
            redis::cmd("HGET").arg(names::record(key)).arg("body").query_async(&mut self.connection()).await;
        found.map(|body| body.map(Secret::new)).map_err(|error| self.inner.place.failure(&error))
    }

    async fn put(&self, key: &Key, put: &Put, due: Due) -> Result<Saved, StoreError> {
        check_body(put.snapshot.expose())?;
        let found = self.inner.scripts.save(&mut self.connection(), key, put, due).await;
        match found.map_err(|error| self.inner.place.failure(&error))? {
            Found::AsExpected => Ok(Saved::Stored),
            Found::Other(found) => put.conflict(found.map(Secret::new)),
            Found::Used => Err(reused()),
            Found::Nonsense => Err(self.inner.place.damaged()),
        }
    }

    /// Shard by shard, those first in which something has been due longest.
    async fn claim(&self, claim: Claim) -> Result<Vec<Claimed>, StoreError> {
        let failed = |error: redis::RedisError| self.inner.place.failure(&error);
        let mut connection = self.connection();
        let (clock, oldest) = self.look(&mut connection, &claim.client).await.map_err(failed)?;
        claim.check_clock(self, clock)?;
        let mut shards: Vec<(f64, u8)> =
            oldest.filter_map(|(shard, first)| first.first().map(|(_, score)| (*score, shard))).collect();
        shards.retain(|(score, _)| names::instant(*score) <= claim.now);
        shards.sort_by(|one, other| one.0.total_cmp(&other.0));
        let mut claimed = Vec::new();
        for (_, shard) in shards {
            let left = u64::from(claim.most).saturating_sub(u64::try_from(claimed.len()).unwrap_or(u64::MAX));
            if left == 0 {
                break;
            }
            let rows = self.inner.scripts.claim(&mut connection, shard, &claim, left).await.map_err(failed)?;
            for (member, body) in rows {
                let key = Key::of_text(&member).ok_or_else(|| self.inner.place.damaged());
                let snapshot = body.map(Secret::new).ok_or_else(|| self.inner.place.damaged());
                claimed.push(key.map(|key| Claimed { key, snapshot }));
            }
        }
        Claimed::usable(claimed)
    }

    /// Before a claim, in one trip: what time it is there, and what has been due longest of a client, shard by shard.
    async fn look(
        &self,
        connection: &mut ConnectionManager,
        client: &str,
    ) -> redis::RedisResult<(Timestamp, impl Iterator<Item = (u8, Vec<(String, f64)>)> + use<>)> {
        let mut pipe = redis::pipe();
        pipe.cmd("TIME");
        for shard in 0..=u8::MAX {
            pipe.cmd("ZRANGE").arg(names::due(shard, client)).arg(0).arg(0).arg("WITHSCORES");
        }
        let mut answers: Vec<redis::Value> = pipe.query_async(connection).await?;
        let oldest = answers.split_off(1);
        let (seconds, micros): (i64, i64) = redis::from_redis_value(answers.remove(0))?;
        let clock = Timestamp::from_millis(seconds.saturating_mul(1000).saturating_add(micros / 1000));
        let oldest = oldest.into_iter().map(redis::from_redis_value).collect::<Result<Vec<_>, _>>()?;
        Ok((clock, (0..=u8::MAX).zip(oldest)))
    }

    /// All of the server's keys are gone through: what is not a record is passed over.
    async fn list(&self, scan: &Scan) -> Result<Scanned, StoreError> {
        let failed = |error: redis::RedisError| self.inner.place.failure(&error);
        let mut connection = self.connection();
        let at: u64 = scan.after.as_ref().map_or(Ok(0), |at| at.0.parse().map_err(|_| Cursor::refused()))?;
        let mut command = redis::cmd("SCAN");
        command.arg(at).arg("MATCH").arg(names::ALL).arg("COUNT").arg(scan.most.max(1));
        let (next, names): (u64, Vec<String>) = command.query_async(&mut connection).await.map_err(failed)?;
        let mut pipe = redis::pipe();
        for name in &names {
            pipe.cmd("HMGET").arg(name).arg("body").arg("key_id");
        }
        let found: Vec<(Option<String>, Option<String>)> = match names.is_empty() {
            true => Vec::new(),
            false => pipe.query_async(&mut connection).await.map_err(failed)?,
        };
        let mut rows = Vec::with_capacity(names.len());
        for (name, (body, key_id)) in names.iter().zip(found) {
            let is_wanted = scan.but_sealed_with.is_none() || key_id != scan.but_sealed_with;
            if let (Some(body), true) = (body, is_wanted) {
                rows.push((names::key_of(name).ok_or_else(|| self.inner.place.damaged())?, Secret::new(body)));
            }
        }
        Ok(Scanned { rows, next: (next != 0).then(|| Cursor(next.to_string())) })
    }
}

impl AsyncRecords for Redis {
    fn load<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, Result<Option<Secret>, StoreError>> {
        Box::pin(self.within(self.find(key)))
    }

    fn save<'a>(&'a self, key: &'a Key, put: &'a Put) -> BoxFuture<'a, Result<Saved, StoreError>> {
        Box::pin(self.within(self.put(key, put, Due::AsItSays)))
    }

    fn delete<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(self.within(async move {
            let deleted = self.inner.scripts.delete(&mut self.connection(), key).await;
            deleted.map_err(|error| self.inner.place.failure(&error))
        }))
    }

    fn claim_due(&self, claim: Claim) -> BoxFuture<'_, Result<Vec<Claimed>, StoreError>> {
        Box::pin(self.within(self.claim(claim)))
    }

    fn oldest_due<'a>(&'a self, client: &'a str) -> BoxFuture<'a, Result<Option<Timestamp>, StoreError>> {
        Box::pin(self.within(async move {
            let looked = self.look(&mut self.connection(), client).await;
            let (_, oldest) = looked.map_err(|error| self.inner.place.failure(&error))?;
            let scores = oldest.filter_map(|(_, first)| first.first().map(|(_, score)| *score));
            Ok(scores.min_by(f64::total_cmp).map(names::instant))
        }))
    }

    fn scan<'a>(&'a self, scan: &'a Scan) -> BoxFuture<'a, Result<Scanned, StoreError>> {
        Box::pin(self.within(self.list(scan)))
    }

    fn rewrite<'a>(&'a self, key: &'a Key, put: &'a Put) -> BoxFuture<'a, Result<Saved, StoreError>> {
        Box::pin(self.within(self.put(key, put, Due::AsItIs)))
    }
}

/// The address.
impl fmt::Debug for Redis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.place.fmt(f)
    }
}
