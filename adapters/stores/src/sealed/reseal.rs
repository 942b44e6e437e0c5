//! Another key for what is stored already.

use webex_oauth::sealed::{Keys, open};
use webex_oauth::{SealedHeader, Secret, snapshot_revision};
use webex_oauth_driver::{Put, Replaces, Saved, Store, StoreError};

use super::{SealedUser, not_opened, owner, sealed_put};
use crate::{AsyncRecords, Cursor, Key, Records, Scan};

/// Seals all records of a store with the first of the keys, those that another one of them has sealed until now, a batch at a
/// time. The store is the one behind [`Sealed`](crate::Sealed).
///
/// Nodes and fleets may go on meanwhile: a record is exchanged for itself by compare-and-swap, and is due when it was. What has
/// been done is passed over, so that it may be stopped at any time and begun again.
#[derive(Debug, Clone)]
pub struct Reseal {
    keys: Keys,
    batch: u32,
    takes_plain: bool,
}

/// The store has failed: what was done until then. Begin again at [`Resealed::next`], or from the beginning, which passes over what
/// is done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{error}; {} records were sealed anew before that", done.resealed)]
#[non_exhaustive]
pub struct ResealFailed {
    /// What was done; its `next` is where the batch begins that has failed.
    pub done: Box<Resealed>,
    /// How the store has failed.
    pub error: StoreError,
}

impl From<ResealFailed> for StoreError {
    fn from(failed: ResealFailed) -> Self {
        failed.error
    }
}

/// What has become of a batch, or of all of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Resealed {
    /// Records that are sealed with the first key now, and were not before.
    pub resealed: u64,
    /// Those that stay as they are, for they cannot be opened, or are not encrypted.
    pub left: u64,
    /// The first of these, and why.
    pub first_left: Option<(Key, StoreError)>,
    /// Where the next batch begins; `None`: there is nothing more, or it was the first one that has failed.
    pub next: Option<Cursor>,
}

impl Reseal {
    /// With the first of these keys; the others open what is there.
    pub fn new(keys: Keys) -> Self {
        Self { keys, batch: 200, takes_plain: false }
    }

    /// So many records at once, 200 unless said otherwise.
    #[must_use]
    pub fn batch(mut self, records: u32) -> Self {
        self.batch = records.max(1);
        self
    }

    /// Seals what is not encrypted, too, once, when a service begins to encrypt. Not later: whoever can write to the database
    /// could bring in a session of his own like this, which [`Sealed`](crate::Sealed) refuses.
    #[must_use]
    pub fn and_plain(mut self) -> Self {
        self.takes_plain = true;
        self
    }

    /// One batch.
    ///
    /// # Errors
    ///
    /// [`ResealFailed`], as [`AsyncRecords::scan`] and [`AsyncRecords::rewrite`] fail. Records that were done before are done: begin
    /// again at the same cursor. One that cannot be opened is no error: [`Resealed::left`].
    pub async fn step(&self, records: &dyn AsyncRecords, after: Option<Cursor>) -> Result<Resealed, ResealFailed> {
        let mut batch = Batch::new(self, after);
        let scanned = records.scan(&batch.scan).await.map_err(|error| batch.failed(error))?;
        for (key, record) in scanned.rows {
            let mut exchange = Exchange::new(self, key, record);
            while let Some(put) = &exchange.put {
                let saved = records.rewrite(&exchange.key, put).await.map_err(|error| batch.failed(error))?;
                exchange.saved(saved);
            }
            batch.done.count(exchange);
        }
        Ok(batch.ended(scanned.next))
    }

    /// The same where calls block.
    ///
    /// # Errors
    ///
    /// As [`Reseal::step`].
    pub fn step_blocking(&self, records: &dyn Records, after: Option<Cursor>) -> Result<Resealed, ResealFailed> {
        let mut batch = Batch::new(self, after);
        let scanned = records.scan(&batch.scan).map_err(|error| batch.failed(error))?;
        for (key, record) in scanned.rows {
            let mut exchange = Exchange::new(self, key, record);
            while let Some(put) = &exchange.put {
                let saved = records.rewrite(&exchange.key, put).map_err(|error| batch.failed(error))?;
                exchange.saved(saved);
            }
            batch.done.count(exchange);
        }
        Ok(batch.ended(scanned.next))
    }

    /// All batches. Whoever has to see how far it is uses [`Reseal::step`].
    ///
    /// # Errors
    ///
    /// As [`Reseal::step`], with what was done in all batches. Begun again it passes over what is done.
    pub async fn run(&self, records: &dyn AsyncRecords) -> Result<Resealed, ResealFailed> {
        let mut all = self.step(records, None).await?;
        while let Some(next) = all.next.take() {
            all.add(self.step(records, Some(next)).await)?;
        }
        Ok(all)
    }

    /// The same where calls block.
    ///
    /// # Errors
    ///
    /// As [`Reseal::run`].
    pub fn run_blocking(&self, records: &dyn Records) -> Result<Resealed, ResealFailed> {
        let mut all = self.step_blocking(records, None)?;
        while let Some(next) = all.next.take() {
            all.add(self.step_blocking(records, Some(next)))?;
        }
        Ok(all)
    }

    /// What takes the place of a record; nothing where that is as it should be.
    fn other_bytes(&self, key: &Key, record: &Secret) -> Result<Option<Put>, StoreError> {
        let header = SealedHeader::read(record.expose());
        let plain = match &header {
            None if self.takes_plain => record.clone(),
            Some(_) | None => open(&self.keys, owner(key), record.expose()).map_err(not_opened)?,
        };
        if header.is_some_and(|header| header.key_id == self.keys.first().id()) {
            return Ok(None);
        }
        let no_session = |_| StoreError::Damaged { what: "a record".to_owned() };
        let revision = snapshot_revision(plain.expose()).map_err(no_session)?;
        let put = Put::new(plain, revision, Replaces::Revision(revision));
        sealed_put(&self.keys, key, &put).map(Some)
    }
}

/// A batch that is being worked at.
struct Batch {
    scan: Scan,
    done: Resealed,
}

impl Batch {
    fn new(reseal: &Reseal, after: Option<Cursor>) -> Self {
        let but_sealed_with = Some(reseal.keys.first().id().to_owned());
        Self { scan: Scan { after, most: reseal.batch, but_sealed_with }, done: Resealed::default() }
    }

    fn failed(&self, error: StoreError) -> ResealFailed {
        ResealFailed { done: Box::new(Resealed { next: self.scan.after.clone(), ..self.done.clone() }), error }
    }

    fn ended(self, next: Option<Cursor>) -> Resealed {
        Resealed { next, ..self.done }
    }
}

/// One record, until it is what it should be, or stays as it is.
struct Exchange<'a> {
    reseal: &'a Reseal,
    key: Key,
    /// What is to be saved.
    put: Option<Put>,
    tries: u32,
    ended: Option<Result<(), StoreError>>,
}

impl<'a> Exchange<'a> {
    /// Each try that fails is somebody else's save. More of them than this are a store that contradicts itself.
    const MOST_TRIES: u32 = 16;

    fn new(reseal: &'a Reseal, key: Key, record: Secret) -> Self {
        let mut exchange = Self { reseal, key, put: None, tries: 0, ended: None };
        exchange.found(&record);
        exchange
    }

    fn found(&mut self, record: &Secret) {
        match self.reseal.other_bytes(&self.key, record) {
            Ok(put) => self.put = put,
            Err(why) => self.end(Some(Err(why))),
        }
    }

    fn saved(&mut self, saved: Saved) {
        self.tries += 1;
        match saved {
            Saved::Stored => self.end(Some(Ok(()))),
            Saved::Conflict { found: None } => self.end(None),
            Saved::Conflict { .. } if self.tries >= Self::MOST_TRIES => {
                self.end(Some(Err(StoreError::Busy { what: "a record".to_owned() })));
            }
            Saved::Conflict { found: Some(found) } => self.found(&found),
        }
    }

    fn end(&mut self, ended: Option<Result<(), StoreError>>) {
        (self.put, self.ended) = (None, ended);
    }
}

impl Resealed {
    fn count(&mut self, exchange: Exchange<'_>) {
        match exchange.ended {
            Some(Ok(())) => self.resealed += 1,
            Some(Err(why)) => {
                self.left += 1;
                self.first_left.get_or_insert((exchange.key, why));
            }
            None => {}
        }
    }

    /// What became of the next batch; where that has failed, with what was done before.
    fn add(&mut self, step: Result<Self, ResealFailed>) -> Result<(), ResealFailed> {
        let (more, error) = match step {
            Ok(more) => (more, None),
            Err(failed) => (*failed.done, Some(failed.error)),
        };
        self.resealed += more.resealed;
        self.left += more.left;
        self.first_left = self.first_left.take().or(more.first_left);
        self.next = more.next;
        error.map_or(Ok(()), |error| Err(ResealFailed { done: Box::new(self.clone()), error }))
    }
}

impl<S: Store> SealedUser<S> {
    /// Seals what is stored with the first of the keys, as [`Reseal`] does, also what is not encrypted. Whether anything had to
    /// be done.
    ///
    /// # Errors
    ///
    /// [`StoreError::Sealed`] where it does not open, [`StoreError::Damaged`] where it is no session, [`StoreError::Busy`]
    /// where others save again and again: it stays as it is. Otherwise as [`Store::load`] and [`Store::save`].
    pub fn reseal(&self) -> Result<bool, StoreError> {
        let reseal = Reseal::new((*self.sealed.keys).clone()).and_plain();
        let Some(record) = self.sealed.store.load()? else { return Ok(false) };
        let mut exchange = Exchange::new(&reseal, self.key.clone(), record);
        while let Some(put) = &exchange.put {
            let saved = self.sealed.store.save(put)?;
            exchange.saved(saved);
        }
        exchange.ended.transpose().map(|ended| ended.is_some())
    }
}
