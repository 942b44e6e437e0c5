//! The tables.

use deadpool_postgres::Object;
use tokio_postgres::Error;

const TABLES: &str = "
    CREATE TABLE webex_oauth_schema (version integer NOT NULL);
    CREATE TABLE webex_oauth_session (
        tenant text NOT NULL, user_key text NOT NULL,
        revision bigint NOT NULL, body text NOT NULL, key_id text NOT NULL, client text NOT NULL,
        due_at timestamptz, expires_at timestamptz, deleted_at timestamptz, updated_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (tenant, user_key)) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.01);
    CREATE INDEX webex_oauth_session_due ON webex_oauth_session (client, due_at)
        WHERE due_at IS NOT NULL AND deleted_at IS NULL;
    CREATE INDEX webex_oauth_session_key ON webex_oauth_session (key_id);
    CREATE INDEX webex_oauth_session_expires ON webex_oauth_session (expires_at) WHERE expires_at IS NOT NULL;
    INSERT INTO webex_oauth_schema VALUES (2);
";

/// Any number; the same for all that make these tables.
const ONE_AT_A_TIME: &str = "SELECT pg_advisory_xact_lock(7305513812)";

/// Asked of the catalog itself: `to_regclass` may answer from what this connection knew before another node made the tables.
const IS_THERE: &str = "SELECT EXISTS (SELECT FROM pg_catalog.pg_class
    WHERE relname = 'webex_oauth_schema' AND pg_catalog.pg_table_is_visible(oid))";

/// The version of the tables that are there; `None`: there are none.
pub(super) async fn version(client: &Object) -> Result<Option<i32>, Error> {
    let row = client.query_one(IS_THERE, &[]).await?;
    if !row.try_get::<_, bool>(0)? {
        return Ok(None);
    }
    client.query_one("SELECT max(version) FROM webex_oauth_schema", &[]).await?.try_get(0)
}

/// Makes the tables where there are none. The version of those that are there.
pub(super) async fn migrate(client: &mut Object) -> Result<Option<i32>, Error> {
    if let Some(found) = version(client).await? {
        return Ok(Some(found));
    }
    let transaction = client.transaction().await?;
    transaction.batch_execute(ONE_AT_A_TIME).await?;
    // Another node may have been faster.
    let row = transaction.query_one(IS_THERE, &[]).await?;
    if !row.try_get::<_, bool>(0)? {
        transaction.batch_execute(TABLES).await?;
    }
    transaction.commit().await?;
    version(client).await
}
