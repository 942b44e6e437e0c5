//! A connection out of the pool. It goes back only when what was asked of it has been answered: one whose answer nobody
//! awaits any longer would be the next one's to wait for, and one that has failed may not have noticed yet that it is closed.

use deadpool_postgres::{Object, Pool};
use tokio_postgres::error::Severity;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Error, Row};
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
    pub(super) fn done<T>(&mut self, result: Result<T, Error>) -> Result<T, StoreError> {
        self.is_waiting = result.as_ref().is_err_and(|error| !is_refused(error));
        result.map_err(|error| self.place.failure(&error))
    }

    pub(super) async fn query(&mut self, sql: &str, values: Values<'_>) -> Result<Vec<Row>, StoreError> {
        let rows = self.try_query(sql, values).await?;
        self.done(rows)
    }

    /// `None`: the server has refused the statement, and nothing of it has happened.
    pub(super) async fn query_or_nothing(
        &mut self,
        sql: &str,
        values: Values<'_>,
    ) -> Result<Option<Vec<Row>>, StoreError> {
        let rows = self.try_query(sql, values).await?;
        match rows {
            Err(error) if is_refused(&error) => self.done(Ok(None)),
            rows => self.done(rows.map(Some)),
        }
    }

    async fn try_query(&mut self, sql: &str, values: Values<'_>) -> Result<Result<Vec<Row>, Error>, StoreError> {
        let client = self.client()?;
        Ok(match client.prepare_cached(sql).await {
            Ok(statement) => client.query(&statement, values).await,
            Err(error) => Err(error),
        })
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

/// By the server, which has undone the statement and goes on.
fn is_refused(error: &Error) -> bool {
    error.as_db_error().is_some_and(|error| error.parsed_severity() == Some(Severity::Error))
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        if let Some(object) = self.object.take().filter(|_| self.is_waiting) {
            // Out of the pool, and closed.
            drop(Object::take(object));
        }
    }
}
