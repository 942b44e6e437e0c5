//! What the executors of [`webex_oauth::coordinator`] share: stores and the jobs there, settings, clocks, errors for callers,
//! the loopback page of a login.
//!
//! No HTTP client and no async runtime is in here. Applications use `webex-oauth-ureq` or `webex-oauth-async`.
#![warn(missing_docs, clippy::missing_errors_doc)]
// Which types may grow is decided for each of them: CONTRIBUTING.md.
#![warn(clippy::exhaustive_enums, clippy::exhaustive_structs)]

mod browser;
mod error;
mod event;
mod jobs;
mod kept;
mod loopback;
mod machine;
mod proxies;
mod rebind;
mod services;
pub mod settings;
mod signed_in;
mod store;

pub use browser::open_browser;
pub use error::ClientError;
pub use event::ClientEvent;
pub use jobs::{AsyncStoreJobs, LastError, StoreJobs, client_error, client_event, host_answer, open, store_error};
pub use kept::{Keepable, Kept};
pub use loopback::{Loopback, Page, is_loopback};
pub use machine::{entropy, now, tick};
pub use proxies::Proxies;
pub use rebind::{rebind, rebind_async};
pub use services::KnownServices;
pub use signed_in::SignedIn;
pub use store::{
    AsyncStore, BoxFuture, FileStore, MemoryStore, Put, Replaces, Saved, Store, StoreError, StoreLock, conflict,
    has_revision, keep_owner, key_ring_locks, sync_folder,
};
