//! Sessions of many users, in one database that all nodes of a service share.
//!
//! A store keeps one record for each ([tenant, user](Key)) and has three operations: load, save by compare-and-swap, delete.
//! [`Records`] is the blocking face, [`AsyncRecords`] the async one; `Blocking` and `Unblock` (feature `tokio`) turn one into the
//! other, and [`UserStore`] is the session of one user as the clients of `webex-oauth-ureq` and `webex-oauth-async` take it.
#![warn(missing_docs, clippy::missing_errors_doc)]
// Which types may grow is decided for each of them: CONTRIBUTING.md.
#![warn(clippy::exhaustive_enums, clippy::exhaustive_structs)]

#[cfg(feature = "fleet")]
mod fleet;
mod key;
mod limits;
mod memory;
#[cfg(feature = "postgres")]
mod postgres;
mod records;
#[cfg(feature = "redis")]
mod redis;
mod revisions;
mod scan;
#[cfg(feature = "sealed")]
mod sealed;
#[cfg(feature = "sqlite")]
mod sqlite;
#[cfg(feature = "tls")]
mod tls;
#[cfg(feature = "tokio")]
mod unblock;
mod user;

#[cfg(feature = "fleet")]
pub use fleet::{Fleet, FleetHttp, FleetProgress, FleetReport};
pub use key::Key;
pub use memory::Memory;
#[cfg(feature = "postgres")]
pub use postgres::{Postgres, PostgresOptions};
pub use records::{AsyncRecords, Claim, Claimed, Records};
#[cfg(feature = "redis")]
pub use redis::{Redis, RedisOptions};
pub use scan::{Cursor, Scan, Scanned};
#[cfg(feature = "sealed")]
pub use sealed::{
    KeyFileError, Reseal, ResealFailed, Resealed, Sealed, SealedUser, add_key, new_key_file, read_key_file,
};
#[cfg(feature = "sqlite")]
pub use sqlite::Sqlite;
#[cfg(feature = "tls")]
pub use tls::Tls;
#[cfg(feature = "tokio")]
pub use unblock::{Blocking, Unblock};
pub use user::UserStore;
pub use webex_oauth_driver::{AsyncStore, BoxFuture, Put, Replaces, Saved, Store, StoreError};

/// The programs in the README compile.
#[cfg(all(
    doctest,
    feature = "fleet",
    feature = "postgres",
    feature = "redis",
    feature = "sealed",
    feature = "sqlite"
))]
#[doc = include_str!("../README.md")]
struct Readme;
