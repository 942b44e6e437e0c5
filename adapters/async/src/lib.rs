//! An async client on top of [`webex_oauth`]: signs in, keeps the tokens fresh, calls APIs. On any executor.
//!
#![doc = include_str!("../README.md")]
#![warn(missing_docs, clippy::missing_errors_doc)]
// Which types may grow is decided for each of them: CONTRIBUTING.md.
#![warn(clippy::exhaustive_enums, clippy::exhaustive_structs)]

mod builder;
mod call;
mod client;
mod clients;
mod discover;
mod events;
mod executor;
mod grants;
mod host;
mod login;
#[cfg(feature = "reqwest")]
mod reqwest;
mod services;
mod store;
#[cfg(feature = "tower")]
mod tower;
mod transport;

pub use builder::ClientBuilder;
pub use call::refresh_error;
pub use client::Client;
pub use clients::{Clients, ClientsBuilder, User, UserKey};
pub use discover::discover;
pub use events::Events;
pub use login::{DeviceLogin, Guest};
pub use webex_oauth_driver::{
    AsyncStore, BoxFuture, ClientError, ClientEvent, FileStore, MemoryStore, Put, Replaces, Saved, SignedIn, Store,
    StoreError, StoreLock,
};

pub use crate::grants::GrantHttp;
#[cfg(feature = "reqwest")]
pub use crate::reqwest::Reqwest;
#[cfg(feature = "reqwest-middleware")]
pub use crate::reqwest::{AuthorizationMiddleware, refused_why};
#[cfg(feature = "tower")]
pub use crate::tower::{AuthorizationLayer, Authorized, Cloned, Copies, Once};
pub use crate::transport::{AsyncHttp, GrantRequest, Request, Response, SendError};

pub use ::http;
pub use webex_oauth;

/// The programs in `docs/guide.md` compile.
#[cfg(all(doctest, feature = "reqwest"))]
#[doc = include_str!("../../../docs/guide.md")]
struct Guide;
