//! Whether sessions may be kept in this server.

use redis::aio::ConnectionManager;
use webex_oauth_driver::StoreError;

use super::failure::Place;
use super::names;
use crate::limits::check_version;

/// One that may throw records away, or forgets everything when it ends, signs users out and tells nobody.
pub(super) async fn keeps_what_it_is_given(
    place: &Place,
    connection: &mut ConnectionManager,
    accepts_loss: bool,
) -> Result<(), StoreError> {
    let info: String = redis::cmd("INFO").query_async(connection).await.map_err(|error| place.failure(&error))?;
    let says = |name: &str| {
        info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim).unwrap_or_default()
    };
    if says("cluster_enabled") == "1" {
        return Err(place.refused("it is a node of a cluster"));
    }
    if accepts_loss {
        return Ok(());
    }
    if says("maxmemory_policy").starts_with("allkeys") {
        return Err(place.refused("its maxmemory-policy may throw sessions away: noeviction does not"));
    }
    if says("aof_enabled") != "1" {
        return Err(place.refused("it does not write what it is given to the disk: appendonly yes does"));
    }
    Ok(())
}

/// Whether the records are of a version that is known here.
pub(super) async fn version(place: &Place, connection: &mut ConnectionManager) -> Result<(), StoreError> {
    let found: Result<Option<i64>, _> = redis::cmd("GET").arg(names::SCHEMA).query_async(connection).await;
    let Some(found) = found.map_err(|error| place.failure(&error))? else { return Ok(()) };
    check_version(found, "records", "all that begins with webex_oauth:").map_err(|why| place.refused(&why))
}
