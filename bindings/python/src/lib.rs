//! `webex_oauth._core`: the core's types and the session as Python sees them.
//!
//! Everything here translates and nothing decides. Each enum of the core is matched without a wildcard, so that a new
//! variant there does not compile here until Python knows it too.

mod access;
mod config;
mod convert;
mod coordinator;
mod effect;
mod errors;
mod event;
mod http;
mod login;
mod metadata;
mod protocol;
mod provider;
mod scope;
mod sealed;
mod secret;
mod services;
mod session;
mod target_uri;
mod tokens;
mod transcript;
mod variables;
mod words;

/// The native part of webex_oauth. Its public names are those of the package.
#[pyo3::pymodule(gil_used = true)]
mod _core {
    #[pymodule_export]
    use super::access::{Access, Phase, SignInReason, Status, Verdict};
    #[pymodule_export]
    use super::config::{Config, RefreshPolicy, RetryAfterBounds};
    #[pymodule_export]
    use super::coordinator::{Coordinator, Rebinding};
    #[pymodule_export]
    use super::effect::{Effect, Output, TokenAsk};
    #[pymodule_export]
    use super::errors::Fault;
    #[pymodule_export]
    use super::event::Event;
    #[pymodule_export]
    use super::http::{HttpRequest, HttpResponse, TransportHints};
    #[pymodule_export]
    use super::login::{DevicePrompt, LoginOptions};
    #[pymodule_export]
    use super::metadata::{MetadataSource, metadata_step};
    #[pymodule_export]
    use super::protocol::{
        Callback, adopt_tokens, authorize_url, clean_text, clean_url, email_hash, encode_state, guest_jwt, is_guest,
        is_pkce_verifier, jwt_claims, lifetime_seconds, login_id, org_id_of_code, org_id_of_token, pkce_challenge,
        read_callback, read_state, read_token_response, retry_after, shown_url, webex_qr_url,
    };
    #[pymodule_export]
    use super::provider::Provider;
    #[pymodule_export]
    use super::scope::{Scope, ScopeDelta};
    #[pymodule_export]
    use super::sealed::SealingKeys;
    #[pymodule_export]
    use super::secret::{AccessToken, Secret};
    #[pymodule_export]
    use super::services::Services;
    #[pymodule_export]
    use super::session::{Session, snapshot_client_tag, snapshot_kept_for, snapshot_key_id, snapshot_revision};
    #[pymodule_export]
    use super::target_uri::{JudgedUrl, TargetUri};
    #[pymodule_export]
    use super::tokens::{ReadTokens, TokenSet};
    #[pymodule_export]
    use super::transcript::{ReplayStep, replay};

    /// How many random bytes `Session` and `begin_login` take: `os.urandom(ENTROPY_LEN)`.
    #[pymodule_export]
    const ENTROPY_LEN: usize = webex_oauth::Entropy::LEN;

    /// How many milliseconds a store keeps what is over: `snapshot_kept_for`, and marks of what was deleted.
    #[pymodule_export]
    const SNAPSHOT_KEPT_FOR_MS: u64 = webex_oauth::SNAPSHOT_KEPT_FOR.as_secs() * 1000;

    #[pymodule_export]
    #[allow(non_upper_case_globals, reason = "Python's name for it")]
    const __version__: &str = env!("CARGO_PKG_VERSION");
}
