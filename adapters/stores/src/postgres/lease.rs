//! A connection out of the pool. It goes back only when what was asked of it has been answered: one whose answer nobody
//! awaits any longer would be the next one's to wait for.

use deadpool_postgres::{Object, Pool};
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;
use webex_oauth_driver::StoreError;

use super::failure::Place;

pub(super) struct Lease<'a> {
    object: Option<Object>,
    place: &'a Place,
    is_waiting: bool,
}

type Values<'a> = &'a [&'a (dyn ToSql + Sync)];

impl<'a> Lease<'a> {
    pub(super) async fn take(pool: &Pool, place: &'a Place) -> Result<Self, StoreError> {
        let object = pool.get().await.map_err(|error| place.pool_failure(&error))?;
        Ok(Self { object: Some(object), place, is_waiting: false })
    }

    /// For several statements. [`Lease::done`] ends them.
    pub(super) fn client(&mut self) -> Result<&mut Object, StoreError> {
        self.is_waiting = true;
        self.object.as_mut().ok_or_else(|| self.place.gone())
    }

    /// Answered, well or not.
    pub(super) fn done<T>(&mut self, result: Result<T, tokio_postgres::Error>) -> Result<T, StoreError> {
        self.is_waiting = false;
        result.map_err(|error| self.place.failure(&error))
    }

    pub(super) async fn query(&mut self, sql: &str, values: Values<'_>) -> Result<Vec<Row>, StoreError> {
        let client = self.client()?;
        let rows = match client.prepare_cached(sql).await {
            Ok(statement) => client.query(&statement, values).await,
            Err(error) => Err(error),
        };
        self.done(rows)
    }

    pub(super) async fn execute(&mut self, sql: &str, values: Values<'_>) -> Result<u64, StoreError> {
        let client = self.client()?;
        let changed = match client.prepare_cached(sql).await {
            Ok(statement) => client.execute(&statement, values).await,
            Err(error) => Err(error),
        };
        self.done(changed)
    }
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        if let Some(object) = self.object.take().filter(|_| self.is_waiting) {
            // Out of the pool, and closed.
            drop(Object::take(object));
        }
    }
}
