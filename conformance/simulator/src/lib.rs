//! A Webex-like authorization server and API on a loopback port, with faults on demand.
//!
//! ```
//! use webex_oauth_simulator::{Decision, Fault, Options, Simulator};
//!
//! # fn main() -> std::io::Result<()> {
//! let simulator = Simulator::start(Options { rotate: true, ..Options::default() })?;
//! let authorize = simulator.url(
//!     "/v1/authorize?response_type=code&client_id=simulated-integration\
//!      &redirect_uri=http://localhost:8080/oauth&scope=spark:all&state=abc",
//! );
//! let redirect = simulator.visit(&authorize, Decision::Accept).unwrap_or_default();
//! assert!(redirect.starts_with("http://localhost:8080/oauth?code="));
//!
//! simulator.fault(Fault::cut_after().on_grant("refresh_token"));
//! assert_eq!(simulator.counters().refreshes_attempted, 0);
//! # Ok(())
//! # }
//! ```
//!
//! Nothing in it is secret and nothing in it is secure: it is for tests, for demonstrations and
//! for trying out an integration.

// An error here is an answer, made once per request: its size is that of the answers anyway.
#![allow(clippy::result_large_err)]
#![warn(missing_docs)]

mod account;
mod answer;
mod api;
mod authorize;
mod body;
mod call;
mod catalog;
mod client_auth;
mod codes;
mod control;
mod damage;
mod device;
mod endpoint;
mod fault_kind;
mod faults;
mod guest;
mod home;
mod landing;
mod ledger;
mod log;
mod metadata;
mod options;
mod pages;
mod pipeline;
mod play;
mod raw;
mod residents;
mod revoke;
mod scope;
mod server;
mod simulator;
mod space_api;
mod spaces;
mod token_endpoint;
mod token_ref;
mod tokens;
mod variables;
mod wire;
mod world;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

pub use endpoint::Endpoint;
pub use fault_kind::{FaultKind, Part};
pub use faults::Fault;
pub use log::{ClientAuth, Counters, Entry};
pub use options::{Decision, ErrorStyle, ORG_ID, Options, TokenStyle};
pub use play::Issued;
pub use raw::Raw;
pub use residents::{
    BOT_TOKEN, Bot, CLIENT_ID, CLIENT_SECRET, Client, GUEST_ISSUER_ID, GUEST_ISSUER_SECRET, GuestIssuer,
    PUBLIC_CLIENT_ID, Person, SERVICE_APP_ID, SERVICE_APP_SECRET, SPACE_ID, Space,
};
pub use simulator::Simulator;
pub use token_ref::{TokenKind, TokenRef, TokenState};
pub use tokens::fingerprint;
