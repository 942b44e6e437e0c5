//! What the drivers of [`webex_oauth`] share: stores, settings, errors for callers, the loopback page of a login.
//!
//! No HTTP client and no async runtime is in here. Applications use `webex-oauth-ureq` or `webex-oauth-async`.
#![warn(missing_docs)]

mod store;

pub use store::{FileStore, MemoryStore, Saved, Store, StoreError, StoreLock};
