//! The wire: what is sent and how answers are read. Pure functions; nothing here knows the session's state.

pub mod adopt;
pub(crate) mod answer;
pub mod api;
pub mod authorize;
pub mod callback;
pub mod clean;
pub(crate) mod client_auth;
pub mod device;
pub(crate) mod form;
pub(crate) mod handoff;
pub(crate) mod instant;
pub mod jwt;
pub mod logout;
pub(crate) mod members;
pub(crate) mod odd_json;
pub mod org;
pub mod pkce;
pub mod request;
pub mod retry_after;
pub mod scope;
pub(crate) mod shapes;
pub mod state_param;
pub(crate) mod target;
pub mod token;
