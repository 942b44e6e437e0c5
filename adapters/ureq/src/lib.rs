//! A blocking client on top of [`webex_oauth`]: signs in, keeps the tokens fresh, calls APIs.
//!
//! ```no_run
//! use webex_oauth_ureq::Client;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // WEBEX_CLIENT_ID, WEBEX_CLIENT_SECRET, WEBEX_REDIRECT_URI, WEBEX_SCOPE, WEBEX_SESSION_FILE
//! let client = Client::from_env()?;
//! if !client.status().can_authorize {
//!     client.login_with_browser(Default::default())?;
//! }
//! let answer = client.get("https://webexapis.com/v1/people/me")?;
//! println!("{}", String::from_utf8_lossy(answer.body()));
//! # Ok(())
//! # }
//! ```
//!
//! A [`Client`] is a handle: clone it, share it between threads. One refresh serves all of them, and several processes
//! may share one [`FileStore`].
#![warn(missing_docs, clippy::missing_errors_doc)]
// Which types may grow is decided for each of them: CONTRIBUTING.md.
#![warn(clippy::exhaustive_enums, clippy::exhaustive_structs)]

mod builder;
mod call;
mod client;
mod clients;
mod discover;
mod executor;
mod login;
mod names;
mod services;
mod transport;
mod wire;

pub use builder::ClientBuilder;
pub use call::refresh_error;
pub use client::Client;
pub use clients::{Clients, ClientsBuilder, User, UserKey};
pub use discover::{discover, discover_document};
pub use login::{BrowserLogin, DeviceLogin, Guest};
pub use webex_oauth_driver::{
    ClientError, ClientEvent, FileStore, MemoryStore, Put, Replaces, Saved, SignedIn, Store, StoreError, StoreLock,
};

pub use http;
pub use webex_oauth;

/// The programs in `docs/cookbook.md` compile.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/cookbook.md")]
struct Cookbook;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct FrontPage;

#[cfg(doctest)]
#[doc = include_str!("../../../docs/providers.md")]
struct Providers;
