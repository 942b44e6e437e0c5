//! The core for Kotlin and Swift, translated by uniffi; nothing is decided here.
//!
//! Types cross as the core has them where they can (`words.rs`), the others by a mirror (`mirror.rs`). Either way every variant and
//! every field is spelled, so that a change of the core which is not followed here does not compile.
#![warn(missing_docs)]

mod access;
mod config;
mod coordinator;
mod effect;
mod error;
mod event;
mod functions;
mod http;
mod input;
mod mirror;
mod provider;
mod secret;
mod services;
mod session;
mod store;
mod target_uri;
mod tokens;
mod words;

pub use access::{Access, FreshToken, SignInReason, Status, Verdict};
pub use config::{Config, ConfigParts, RefreshPolicy, RetryAfterBounds};
pub use coordinator::{
    CallFailure, Clocks, Coordinator, CoordinatorCall, CoordinatorEvent, CoordinatorOptions, CoordinatorOutput,
    CoordinatorReply, Credential, IntentTimes, JobOp, JobResult, NextStep, OpenError, PublishedToken, RefusedError,
    Spent, TokenOf, WakeAt, monotonic_ms,
};
pub use effect::{DevicePrompt, Effect, Output, Task, TokenAsk};
pub use error::{
    AdoptError, ConfigError, EntropyError, Fault, JwtError, MisuseError, OrgIdError, RestoreError, StateError,
};
pub use event::Event;
pub use functions::{AuthorizeRequest, Callback, CallbackOutcome, ExpectedCallback, GuestJwt, Lifetime, TokenAnswer};
pub use http::{HttpHeader, HttpRequest, HttpResponse, ResponseHeader};
pub use input::{Input, LoginOptions, LoginState, Parameter};
pub use secret::{AccessToken, Entropy, Secret};
pub use services::{Service, Services};
pub use session::Session;
pub use store::{SavedFile, SessionFile, SessionFileError, SessionFileLock};
pub use target_uri::{JudgedUrl, TargetUri};
pub use tokens::{ReadTokens, TokenSet};

uniffi::setup_scaffolding!("webex_oauth");

/// Whole milliseconds, as many as fit.
fn ms(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}
