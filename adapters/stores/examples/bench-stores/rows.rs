//! A table with many sessions in it.

use std::error::Error;

use tokio_postgres::{Client, NoTls};
use webex_oauth::{Config, ConfigParts, Effect, Provider, Secret, Session, Timestamp};
use webex_oauth_driver::{entropy, now};
use webex_oauth_stores::{Key, Postgres};

/// A save by compare-and-swap as anybody would write it.
pub(crate) const UPDATE: &str = "UPDATE webex_oauth_session
    SET revision = $4, body = $5, key_id = $6, due_at = $7::timestamptz, updated_at = now()
    WHERE tenant = $1 AND user_key = $2 AND revision = $3 AND deleted_at IS NULL";

pub(crate) struct Table {
    url: String,
    /// The database as anybody would use it.
    pub(crate) bare: Client,
    pub(crate) store: Postgres,
    pub(crate) config: Config,
    pub(crate) rows: u32,
}

impl Table {
    pub(crate) async fn fill(url: &str, rows: u32) -> Result<Self, Box<dyn Error>> {
        let store = Postgres::options(url)?.pool_size(10).connect().await?;
        store.migrate().await?;
        let bare = connect(url).await?;
        let config = config()?;
        let (body, revision) = snapshot(&config)?;
        let fill = "INSERT INTO webex_oauth_session (tenant, user_key, revision, body, key_id, client, due_at)
            SELECT '', 'user ' || number, $1, $2, '', $4, now() + interval '10 days'
            FROM generate_series(1, $3::bigint) AS number";
        bare.execute(fill, &[&i64::try_from(revision)?, &body.expose(), &i64::from(rows), &config.client_tag()])
            .await?;
        bare.batch_execute("VACUUM ANALYZE webex_oauth_session").await?;
        Ok(Self { url: url.to_owned(), bare, store, config, rows })
    }

    /// Another connection.
    pub(crate) async fn connect(&self) -> Result<Client, Box<dyn Error>> {
        connect(&self.url).await
    }

    /// Makes so many sessions due.
    pub(crate) async fn make_due(&self, count: u32) -> Result<(), Box<dyn Error>> {
        self.make_due_of(count, &self.config, &snapshot(&self.config)?).await
    }

    /// The same, as sessions of this client.
    pub(crate) async fn make_due_of(
        &self,
        count: u32,
        config: &Config,
        (body, revision): &(Secret, u64),
    ) -> Result<(), Box<dyn Error>> {
        let update = "UPDATE webex_oauth_session
            SET revision = $1, body = $2, client = $4, due_at = now() - interval '1 hour' - number * interval '1 millisecond'
            FROM generate_series(1, $3::bigint) AS number WHERE tenant = '' AND user_key = 'user ' || number";
        let (revision, client) = (i64::try_from(*revision)?, config.client_tag());
        self.bare.execute(update, &[&revision, &body.expose(), &i64::from(count), &client]).await?;
        self.bare.batch_execute("VACUUM ANALYZE webex_oauth_session").await?;
        self.bare.batch_execute("CHECKPOINT").await?;
        Ok(())
    }
}

async fn connect(url: &str) -> Result<Client, Box<dyn Error>> {
    let (bare, connection) = tokio_postgres::connect(&format!("{url}?sslmode=disable"), NoTls).await?;
    tokio::spawn(connection);
    Ok(bare)
}

pub(crate) fn key(number: u32) -> Result<Key, webex_oauth_stores::StoreError> {
    Key::new("", format!("user {number}"))
}

pub(crate) fn config() -> Result<Config, Box<dyn Error>> {
    config_of(Provider::webex_at("http://127.0.0.1:9"), "client", "secret")
}

pub(crate) fn config_of(provider: Provider, id: &str, secret: &str) -> Result<Config, Box<dyn Error>> {
    let mut parts = ConfigParts::new(provider, id);
    parts.client_secret = Some(secret.into());
    Ok(parts.build()?)
}

/// A session that Webex gave out 13 days ago: its access token is good, and past the line at which it is renewed.
pub(crate) fn snapshot(config: &Config) -> Result<(Secret, u64), Box<dyn Error>> {
    snapshot_at(config, now().plus_millis(-13 * 86_400_000))
}

/// The same, given out at that moment.
pub(crate) fn snapshot_at(config: &Config, at: Timestamp) -> Result<(Secret, u64), Box<dyn Error>> {
    let token =
        "MmZlN2Q5YTYtNDU2Yy00Y2U4LWJmODUtMTFhOWQ1YzY0ODJkYjk0YmQ2MDEtZDM0_P0A1_1eb65fdf-9643-417f-9974-ad72cae0e10f";
    snapshot_of(config, token, token, at)
}

/// One with these tokens, which the server gave out at that moment.
pub(crate) fn snapshot_of(
    config: &Config,
    access: &str,
    refresh: &str,
    at: Timestamp,
) -> Result<(Secret, u64), Box<dyn Error>> {
    let tokens = format!(
        r#"{{"access_token":"{access}","expires_in":1209599,"refresh_token":"{refresh}","refresh_token_expires_in":7775999,"scope":"spark:all"}}"#
    );
    let mut session = Session::new(config.clone(), entropy()?);
    let output = session.adopt(at, tokens)?;
    match output.effects.into_iter().next() {
        Some(Effect::Persist { snapshot, revision, .. }) => Ok((snapshot, revision)),
        _ => Err("nothing to store".into()),
    }
}
