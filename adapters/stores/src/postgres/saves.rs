//! Saves that come while others are under way go together, in one statement: a database that is busy has one commit for many of
//! them. A save that comes alone goes alone, at once.
//!
//! Such a statement is all or nothing, and waits for nobody: a row that another transaction holds is left out. What it has not
//! stored, for whatever reason, has its caller do by itself, and so it is told what is the matter with that one.

use std::collections::{HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::time::timeout;
use tokio_postgres::types::ToSql;
use webex_oauth::Secret;
use webex_oauth_driver::{Put, StoreError};

use super::lease::Lease;
use super::{Inner, millis, signed, span};
use crate::Key;
use crate::unblock::within;

/// So many saves of a store are under way before others begin to wait for each other.
const TURNS: usize = 2;
/// Nobody waits longer than this for a turn: what takes longer waits for a lock, or for a server that is gone.
const PATIENCE: Duration = Duration::from_millis(10);
/// So many in one statement at most, and of so many bytes together, unless one alone has more.
const MOST: usize = 64;
const MOST_BYTES: usize = 1 << 20;

/// As `REPLACE`, for many.
const REPLACE_MANY: &str = "WITH put AS (
        SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::text[], $6::text[], $7::bigint[],
            $8::text[], $9::bigint[]) WITH ORDINALITY
        AS put (tenant, user_key, replaces, revision, body, key_id, due_at, client, kept_for, number)),
    held AS MATERIALIZED (
        SELECT put.* FROM put JOIN webex_oauth_session AS session USING (tenant, user_key)
        WHERE session.revision = put.replaces AND session.deleted_at IS NULL AND (session.key_id = '' OR put.key_id <> '')
        FOR NO KEY UPDATE OF session SKIP LOCKED)
    UPDATE webex_oauth_session AS session
    SET revision = held.revision, body = held.body, key_id = held.key_id, client = held.client,
        due_at = 'epoch'::timestamptz + held.due_at * interval '1 millisecond',
        expires_at = now() + held.kept_for * interval '1 millisecond', updated_at = now()
    FROM held WHERE session.tenant = held.tenant AND session.user_key = held.user_key
    RETURNING held.number";

/// One save, as the database has it.
#[derive(Clone)]
pub(super) struct Row {
    pub(super) key: Key,
    pub(super) revision: i64,
    pub(super) body: Secret,
    pub(super) key_id: String,
    pub(super) due_at: Option<i64>,
    pub(super) client: String,
    pub(super) kept_for: Option<i64>,
}

impl Row {
    pub(super) fn of(key: &Key, put: &Put) -> Result<Self, StoreError> {
        Ok(Self {
            key: key.clone(),
            revision: signed(put.revision)?,
            body: put.snapshot.clone(),
            key_id: put.sealed_with().unwrap_or_default(),
            due_at: millis(put.due_at),
            client: put.client_tag().unwrap_or_default(),
            kept_for: put.may_go_after().map(span),
        })
    }
}

/// A save that waits for the next statement.
struct Waiting {
    row: Row,
    replaces: i64,
    answer: oneshot::Sender<Result<bool, StoreError>>,
}

/// What is under way at a store, and what waits.
pub(super) struct Saves {
    turns: Arc<Semaphore>,
    waiting: Mutex<VecDeque<Waiting>>,
}

impl Saves {
    pub(super) fn new() -> Self {
        Self { turns: Arc::new(Semaphore::new(TURNS)), waiting: Mutex::default() }
    }

    /// `None`: so many are under way that this one had better go together with others.
    pub(super) fn turn(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.turns).try_acquire_owned().ok()
    }

    async fn next_turn(&self) -> Option<OwnedSemaphorePermit> {
        timeout(PATIENCE, Arc::clone(&self.turns).acquire_owned()).await.ok()?.ok()
    }

    fn waiting(&self) -> MutexGuard<'_, VecDeque<Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Those that go together, in the order in which they came; a second one of the same key waits for the next statement. Whose
    /// caller has gone is not begun any more.
    fn take(&self) -> Vec<Waiting> {
        let (mut taken, mut left, mut keys, mut bytes) = (Vec::new(), VecDeque::new(), HashSet::new(), 0);
        let mut waiting = self.waiting();
        while taken.len() < MOST
            && let Some(one) = waiting.pop_front()
        {
            if one.answer.is_closed() {
                continue;
            }
            let len = one.row.body.expose().len();
            if (taken.is_empty() || bytes + len <= MOST_BYTES) && keys.insert(one.row.key.clone()) {
                bytes += len;
                taken.push(one);
            } else {
                left.push_back(one);
            }
        }
        left.append(&mut waiting);
        *waiting = left;
        taken
    }
}

impl Inner {
    /// Saves this row with others; whether it is stored. Where it is not, nothing of it has happened.
    ///
    /// Whoever waits and has a turn begins a statement for all that wait, which goes on also when that caller has gone.
    pub(super) async fn save_together(self: &Arc<Self>, row: &Row, replaces: i64) -> Result<bool, StoreError> {
        let (answer, mut answered) = oneshot::channel();
        self.saves.waiting().push_back(Waiting { row: row.clone(), replaces, answer });
        loop {
            tokio::select! {
                biased;
                answered = &mut answered => return answered.unwrap_or_else(|_| Err(self.place.gone())),
                turn = self.saves.next_turn() => {
                    let batch = self.saves.take();
                    if batch.is_empty() {
                        // All of them are under way, this one too.
                        drop(turn);
                        return answered.await.unwrap_or_else(|_| Err(self.place.gone()));
                    }
                    let inner = Arc::clone(self);
                    tokio::spawn(async move {
                        inner.save_all(batch).await;
                        drop(turn);
                    });
                }
            }
        }
    }

    async fn save_all(&self, batch: Vec<Waiting>) {
        let stored = within(self.limit, &self.place, self.replace_many(&batch)).await;
        for (at, one) in batch.into_iter().enumerate() {
            let told = stored.as_ref().map(|stored| stored.contains(&at)).map_err(Clone::clone);
            // Its caller may have gone.
            let _ = one.answer.send(told);
        }
    }

    /// Which of them are stored.
    async fn replace_many(&self, batch: &[Waiting]) -> Result<HashSet<usize>, StoreError> {
        fn column<'a, T>(batch: &'a [Waiting], of: impl Fn(&'a Waiting) -> T) -> Vec<T> {
            batch.iter().map(of).collect()
        }
        let values: [&(dyn ToSql + Sync); 9] = [
            &column(batch, |one| one.row.key.tenant()),
            &column(batch, |one| one.row.key.user()),
            &column(batch, |one| one.replaces),
            &column(batch, |one| one.row.revision),
            &column(batch, |one| one.row.body.expose()),
            &column(batch, |one| one.row.key_id.as_str()),
            &column(batch, |one| one.row.due_at),
            &column(batch, |one| one.row.client.as_str()),
            &column(batch, |one| one.row.kept_for),
        ];
        let mut lease = Lease::take(&self.pool, &self.place).await?;
        let Some(rows) = lease.query_or_nothing(REPLACE_MANY, &values).await? else { return Ok(HashSet::new()) };
        let number = |row: &tokio_postgres::Row| {
            row.try_get::<_, i64>(0).ok().and_then(|number| usize::try_from(number - 1).ok())
        };
        Ok(rows.iter().filter_map(number).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Answered = oneshot::Receiver<Result<bool, StoreError>>;

    /// Saves of these users, with so many bytes each, as they wait.
    fn waiting(users: &[(&str, usize)]) -> (Saves, Vec<Answered>) {
        let (saves, mut callers) = (Saves::new(), Vec::new());
        for (user, bytes) in users {
            let put = Put::new(Secret::new("x".repeat(*bytes)), 2, webex_oauth_driver::Replaces::Revision(1));
            let (row, (answer, answered)) = (Row::of(&Key::new("", *user).unwrap(), &put).unwrap(), oneshot::channel());
            saves.waiting().push_back(Waiting { row, replaces: 1, answer });
            callers.push(answered);
        }
        (saves, callers)
    }

    fn take(saves: &Saves) -> Vec<String> {
        saves.take().into_iter().map(|one| one.row.key.user().to_owned()).collect()
    }

    #[test]
    fn a_key_is_in_a_batch_once_and_in_the_order_of_its_saves() {
        let (saves, _callers) = waiting(&[("a", 1), ("b", 2), ("a", 3), ("c", 4), ("a", 5)]);
        let lens = |batch: Vec<Waiting>| batch.iter().map(|one| one.row.body.expose().len()).collect::<Vec<_>>();
        assert_eq!(lens(saves.take()), [1, 2, 4]);
        assert_eq!(lens(saves.take()), [3]);
        assert_eq!(lens(saves.take()), [5]);
        assert!(saves.take().is_empty());
    }

    #[test]
    fn a_batch_has_its_limits_and_what_is_longer_goes_alone() {
        let (saves, _callers) = waiting(&[("a", MOST_BYTES + 1), ("b", MOST_BYTES), ("c", 1), ("d", MOST_BYTES - 1)]);
        assert_eq!(take(&saves), ["a"]);
        assert_eq!(take(&saves), ["b"]);
        assert_eq!(take(&saves), ["c", "d"]);
        let names: Vec<String> = (0..MOST + 3).map(|number| number.to_string()).collect();
        let (saves, _callers) = waiting(&names.iter().map(|name| (name.as_str(), 1)).collect::<Vec<_>>());
        assert_eq!(take(&saves), names[..MOST]);
        assert_eq!(take(&saves), names[MOST..]);
    }

    #[test]
    fn who_has_gone_before_is_not_begun() {
        let (saves, mut callers) = waiting(&[("a", 1), ("b", 1), ("c", 1)]);
        drop(callers.remove(1));
        assert_eq!(take(&saves), ["a", "c"]);
    }
}
