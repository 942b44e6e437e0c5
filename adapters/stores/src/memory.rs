//! Records that end with their process: for tests, and for a service that begins.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use webex_oauth::{SNAPSHOT_KEPT_FOR, Secret, Timestamp};
use webex_oauth_driver::{Put, Replaces, Saved, StoreError, now};

use crate::revisions::{may_follow, reused};
use crate::{Claim, Claimed, Cursor, Key, Records, Scan, Scanned};

/// Keeps records in memory.
#[derive(Default)]
pub struct Memory {
    rows: Mutex<BTreeMap<Key, Row>>,
}

struct Row {
    revision: u64,
    /// `None`: deleted.
    body: Option<Secret>,
    key_id: Option<String>,
    client: String,
    due_at: Option<Timestamp>,
    expires_at: Option<Timestamp>,
}

#[derive(Default)]
struct Times {
    due_at: Option<Timestamp>,
    expires_at: Option<Timestamp>,
}

impl Memory {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    fn rows(&self) -> MutexGuard<'_, BTreeMap<Key, Row>> {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(&self, key: &Key, put: &Put, times: impl FnOnce(Option<&Row>) -> Times) -> Result<Saved, StoreError> {
        crate::limits::check_body(put.snapshot.expose())?;
        let mut rows = self.rows();
        let found = rows.get(key);
        let body = found.and_then(|row| row.body.clone());
        let is_as_expected = match (put.replaces, found) {
            (Replaces::Nothing, Some(row)) if body.is_none() && !may_follow(put.revision, row.revision) => {
                return Err(reused());
            }
            (Replaces::Nothing, _) => body.is_none(),
            (Replaces::Revision(revision), Some(row)) => body.is_some() && row.revision == revision,
            (Replaces::Revision(_), None) => false,
        };
        let conflict = put.conflict(body)?;
        if !is_as_expected {
            return Ok(conflict);
        }
        let Times { due_at, expires_at } = times(found);
        let (body, key_id) = (Some(put.snapshot.clone()), put.sealed_with());
        let row = Row {
            revision: put.revision,
            body,
            key_id,
            client: put.client_tag().unwrap_or_default(),
            due_at,
            expires_at,
        };
        rows.insert(key.clone(), row);
        Ok(Saved::Stored)
    }
}

impl Records for Memory {
    fn load(&self, key: &Key) -> Result<Option<Secret>, StoreError> {
        Ok(self.rows().get(key).and_then(|row| row.body.clone()))
    }

    fn save(&self, key: &Key, put: &Put) -> Result<Saved, StoreError> {
        let expires_at = put.may_go_after().map(|span| now().plus(span));
        self.put(key, put, |_| Times { due_at: put.due_at, expires_at })
    }

    fn delete(&self, key: &Key) -> Result<(), StoreError> {
        if let Some(row) = self.rows().get_mut(key).filter(|row| row.body.is_some()) {
            (row.body, row.due_at, row.expires_at) = (None, None, Some(now().plus(SNAPSHOT_KEPT_FOR)));
        }
        Ok(())
    }

    fn claim_due(&self, claim: Claim) -> Result<Vec<Claimed>, StoreError> {
        let mut rows = self.rows();
        let mut due: Vec<(Timestamp, Key)> = rows
            .iter()
            .filter(|(_, row)| row.client == claim.client)
            .filter_map(|(key, row)| row.due_at.filter(|at| *at <= claim.now).map(|at| (at, key.clone())))
            .collect();
        due.sort();
        due.truncate(usize::try_from(claim.most).unwrap_or(usize::MAX));
        let mut claimed = Vec::with_capacity(due.len());
        for (_, key) in due {
            if let Some(row) = rows.get_mut(&key) {
                row.due_at = Some(claim.until);
                let body = row.body.clone();
                claimed.extend(body.map(|snapshot| Claimed { key, snapshot: Ok(snapshot) }));
            }
        }
        Ok(claimed)
    }

    fn delete_expired(&self, most: u32) -> Result<u64, StoreError> {
        let (now, mut rows) = (now(), self.rows());
        let expired = rows.iter().filter(|(_, row)| row.expires_at.is_some_and(|at| at <= now));
        let expired: Vec<Key> =
            expired.map(|(key, _)| key.clone()).take(usize::try_from(most).unwrap_or(usize::MAX)).collect();
        for key in &expired {
            rows.remove(key);
        }
        Ok(expired.len() as u64)
    }

    fn oldest_due(&self, client: &str) -> Result<Option<Timestamp>, StoreError> {
        Ok(self.rows().values().filter(|row| row.client == client).filter_map(|row| row.due_at).min())
    }

    fn scan(&self, scan: &Scan) -> Result<Scanned, StoreError> {
        let most = usize::try_from(scan.most).unwrap_or(usize::MAX).max(2);
        let rows = self.rows();
        let mut found: Vec<_> = rows.range(scan.from()?..).take(most).collect();
        let next = found.last().filter(|_| found.len() == most).map(|(key, _)| Cursor::at(key));
        let but = scan.but_sealed_with.as_deref();
        found.retain(|(_, row)| but.is_none() || row.key_id.as_deref() != but);
        let rows = found.into_iter().filter_map(|(key, row)| Some((key.clone(), row.body.clone()?))).collect();
        Ok(Scanned { rows, next })
    }

    fn rewrite(&self, key: &Key, put: &Put) -> Result<Saved, StoreError> {
        let same = |row: &Row| Times { due_at: row.due_at, expires_at: row.expires_at };
        self.put(key, put, |found| found.map(same).unwrap_or_default())
    }
}

/// Nothing of what is in it.
impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Memory")
    }
}
