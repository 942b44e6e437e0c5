//! What the drivers of [`webex_oauth`] share: stores, the desk where a session meets its store, settings, errors for
//! callers, the loopback page of a login.
//!
//! No HTTP client and no async runtime is in here. Applications use `webex-oauth-ureq` or `webex-oauth-async`.
#![warn(missing_docs)]

mod browser;
mod desk;
mod error;
mod event;
mod logins;
mod loopback;
mod machine;
pub mod settings;
mod store;

pub use browser::open_browser;
pub use desk::Desk;
pub use error::{ClientError, may_be_elsewhere};
pub use event::ClientEvent;
pub use logins::{LoginTicket, Logins, SignIn};
pub use loopback::{Loopback, Page, is_loopback};
pub use machine::{entropy, now};
pub use store::{FileStore, MemoryStore, Saved, Store, StoreError, StoreLock, key_ring_locks, prove};
