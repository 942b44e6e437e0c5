//! The whole OAuth 2.0 authorization lifecycle of a Cisco Webex integration, and of any RFC 6749 server, as one sans-IO
//! state machine.
//!
//! A [`Session`] takes [`Input`]s and returns [`Effect`]s: requests to send, snapshots to store, URLs to open, events to
//! tell. It has no clock, no random generator, no socket, no thread: time and randomness are arguments, so that the
//! same inputs give the same effects on every platform and in every language.
//!
//! ```
//! use webex_oauth::{Config, ConfigParts, Effect, Entropy, LoginOptions, Session, Timestamp};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let portal_url = "https://webexapis.com/v1/authorize?client_id=C1&response_type=code\
//!     &redirect_uri=https%3A%2F%2Fapp.example%2Foauth&scope=spark%3Apeople_read&state=set_state_here";
//! let mut parts = ConfigParts::from_authorization_url(portal_url)?;
//! parts.client_secret = Some("from the portal".into());
//! let config: Config = parts.build()?;
//!
//! // The host's random generator fills these 64 bytes; the host's clock tells the time.
//! let random: Vec<u8> = (0..64).collect();
//! let now = Timestamp::from_secs(1_700_000_000);
//! let mut session = Session::new(config, Entropy::new(&random)?);
//!
//! let output = session.begin_login(now, LoginOptions::default(), Entropy::new(&random)?)?;
//! let [Effect::Persist { .. }, Effect::OpenBrowser { url }] = output.effects.as_slice() else { panic!() };
//! assert!(url.expose().starts_with("https://webexapis.com/v1/authorize?state="));
//! # Ok(())
//! # }
//! ```
//!
//! Ready-made drivers do the sending and storing: `webex-oauth-ureq` (blocking) and `webex-oauth-async`.
#![warn(missing_docs, clippy::missing_errors_doc)]

mod access;
mod action;
mod config;
pub mod coordinator;
mod effect;
mod error;
mod event;
mod http;
mod input;
mod intent;
mod logins;
pub mod protocol;
mod provider;
mod schedule;
#[cfg(feature = "sealed")]
pub mod sealed;
mod secret;
mod services;
mod session;
mod snapshot;
mod state;
mod step;
mod target_uri;
mod time;
mod tokens;
pub mod transcript;
mod variable_names;

pub use access::{Access, Phase, ReturnTo, SignInReason, SignedOutReason, StaleWhy, Status, Verdict, Via};
pub use config::{
    Config, ConfigError, ConfigParts, DownscopeFailure, JudgedUrl, MetadataSource, RefreshPolicy, Renewal,
};
pub use effect::{Effect, Output, TokenAsk};
pub use error::{Advice, Blame, ErrorCode, Fault, FaultKind, Misuse, SendFault};
pub use event::{CallbackIgnored, Deviation, Event, NotRevoked, StoreIgnored, Withheld};
pub use http::{HeaderValue, HttpRequest, HttpResponse, Purpose, RequestId, TransportHints};
pub use input::{Input, LogoutVia, SignOutOptions};
pub use logins::{LoginId, WhichLogin};
pub use protocol::authorize::{Flow, LoginOptions, ResponseMode};
pub use protocol::device::DevicePrompt;
pub use protocol::retry_after::RetryAfterBounds;
pub use protocol::scope::{Scope, ScopeDelta};
pub use protocol::state_param::LoginState;
pub use provider::{ClientAuth, JwtScheme, Leniency, MetadataAnswer, MetadataStep, Provider, metadata_step};
pub use secret::{AccessToken, Entropy, EntropyError, Secret};
pub use services::{Service, Services};
pub use session::Session;
pub use snapshot::{
    KEPT_FOR as SNAPSHOT_KEPT_FOR, RestoreError, SealedHeader, client_tag as snapshot_client_tag,
    kept_for as snapshot_kept_for, revision as snapshot_revision,
};
pub use target_uri::{TargetUri, UrlError};
pub use time::Timestamp;
pub use tokens::{Custom, ReadTokens, TokenSet};
pub use variable_names::variable_of;
