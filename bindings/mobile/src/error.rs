//! Errors and faults. Neither ever quotes a secret.

use webex_oauth::protocol::jwt;
use webex_oauth::protocol::org;
use webex_oauth::{Advice, Blame, FaultKind, SendFault};

use crate::mirror::mirror;
use crate::{count, ms};

mirror! {
    /// The caller's own mistake. The session is unchanged.
    #[derive(Debug, thiserror::Error, uniffi::Error)]
    #[uniffi::export(Display)]
    pub enum MisuseError from webex_oauth::Misuse {
        /// The configuration lacks what this call needs.
        #[error("the configuration lacks {what}, which {needed_by} needs{}", to_be_set(what))]
        NotConfigured {
            /// The missing piece.
            what: String,
            /// The call that needs it.
            needed_by: String,
        },
        /// An argument cannot be used.
        #[error("{argument}: {problem}")]
        InvalidArgument {
            /// Which one.
            argument: String,
            /// What is wrong with it.
            problem: String,
        },
        /// The call needs a signed-in session.
        #[error("{call} needs a signed-in session")]
        NotSignedIn {
            /// The call.
            call: String,
        },
        /// Nothing is there to renew the tokens with.
        #[error("these tokens cannot be refreshed: {why}")]
        CannotRefresh {
            /// The missing ingredient.
            why: String,
        },
        /// The scope of a downscoped token must be a proper, non-empty part of the granted scope.
        #[error("scope cannot be reduced to {requested:?}: {problem}")]
        ScopeNotReducible {
            /// What was asked for.
            requested: String,
            /// Why not.
            problem: String,
        },
    }
}

fn to_be_set(what: &str) -> String {
    let variable = webex_oauth::variable_of(what);
    variable.map_or_else(String::new, |variable| format!(": set it, or the variable {variable}"))
}

mirror! {
    /// A configuration that was refused; names the field.
    #[derive(Debug, thiserror::Error, uniffi::Error)]
    #[uniffi::export(Display)]
    pub enum ConfigError from webex_oauth::ConfigError {
        /// A field that is needed is absent or empty.
        #[error("{field} is missing{}", .variable.as_deref().map(|name| format!(", set {name}")).unwrap_or_default())]
        Missing {
            /// Which field.
            field: String,
            /// The variable that would set it, where the configuration comes from variables.
            variable: Option<String>,
        },
        /// A field cannot be used.
        #[error("{}: {problem}", named(field, variable.as_deref()))]
        Invalid {
            /// Which field.
            field: String,
            /// The variable that it comes from.
            variable: Option<String>,
            /// What is wrong with it.
            problem: String,
        },
        /// Plain http is for loopback only.
        #[error("{}: plain http is allowed on loopback only, use https", named(field, variable.as_deref()))]
        Insecure {
            /// Which field.
            field: String,
            /// The variable that it comes from.
            variable: Option<String>,
        },
        /// The server that a field names could not be asked, or failed: try again later.
        #[error("{}: {problem}", named(field, variable.as_deref()))]
        Unanswered {
            /// Which field.
            field: String,
            /// The variable that it comes from.
            variable: Option<String>,
            /// What came of asking.
            problem: String,
        },
    }
}

fn named(field: &str, variable: Option<&str>) -> String {
    variable.map_or_else(|| field.to_owned(), |variable| format!("{field} ({variable})"))
}

mirror! {
    /// Why stored bytes cannot be used.
    #[derive(Debug, thiserror::Error, uniffi::Error)]
    #[uniffi::export(Display)]
    pub enum RestoreError from webex_oauth::RestoreError {
        /// Not a snapshot, or a damaged one.
        #[error("the stored session is damaged or not one")]
        Unreadable,
        /// Written by a newer version of this library.
        #[error("the stored session is of version {found}, newer than this library")]
        NewerVersion {
            /// The version found.
            found: u32,
        },
        /// Of another client, or for another server.
        #[error("the stored session belongs to another {field}")]
        OtherConfig {
            /// `client_id` or `token_endpoint`.
            field: String,
        },
        /// Encrypted, and there is no key.
        #[error("the stored session is sealed with key {key_id}, and no key was given")]
        Sealed {
            /// The key that it names.
            key_id: String,
        },
    }
}

/// Why bytes were refused as entropy.
#[derive(Debug, thiserror::Error, uniffi::Error)]
pub enum EntropyError {
    /// The number of bytes is not 64.
    #[error("entropy must be 64 bytes from the system's random generator, got {found}")]
    Length {
        /// How many there were.
        found: u64,
    },
    /// All bytes are equal.
    #[error("entropy was never filled: all bytes are equal")]
    Unfilled,
    /// It has served already.
    #[error("entropy serves only once")]
    Used,
}

impl From<webex_oauth::EntropyError> for EntropyError {
    fn from(error: webex_oauth::EntropyError) -> Self {
        use webex_oauth::EntropyError;
        match error {
            EntropyError::Length { found } => Self::Length { found: count(found) },
            EntropyError::Unfilled => Self::Unfilled,
        }
    }
}

/// Why no guest JWT could be made.
#[derive(Debug, thiserror::Error, uniffi::Error)]
#[uniffi::export(Display)]
pub enum JwtError {
    /// The issuer is empty.
    #[error("issuer is missing: the guest issuer's id from the developer portal")]
    MissingIssuer,
    /// The secret is empty.
    #[error("the guest issuer's secret is missing")]
    MissingSecret,
    /// The secret is not base64.
    #[error("the guest issuer's secret is not base64")]
    InvalidSecret,
    /// The lifetime cannot be read, or is not positive.
    #[error("the lifetime must be positive: whole seconds, or a number with a unit such as 12h")]
    InvalidLifetime,
    /// The entropy has served already.
    #[error("entropy serves only once")]
    UsedEntropy,
}

impl From<jwt::JwtError> for JwtError {
    fn from(error: jwt::JwtError) -> Self {
        match error {
            jwt::JwtError::MissingIssuer => Self::MissingIssuer,
            jwt::JwtError::MissingSecret => Self::MissingSecret,
            jwt::JwtError::InvalidSecret => Self::InvalidSecret,
            jwt::JwtError::InvalidLifetime => Self::InvalidLifetime,
        }
    }
}

mirror! {
    /// Why a token names no organization.
    #[derive(Debug, thiserror::Error, uniffi::Error)]
    pub enum OrgIdError from org::OrgIdError {
        /// A JWT whose payload cannot be read.
        #[error("the token looks like a JWT but cannot be read")]
        UnreadableJwt,
        /// A JWT without `realm`.
        #[error("the JWT names no organization")]
        NoRealm,
        /// An opaque token in another form than `<token>_<cluster>_<org>`.
        #[error("the token has {sections} sections where three are expected")]
        Sections {
            /// How many there are.
            sections: u64,
        },
    }
}

/// A text in which no tokens could be found.
#[derive(Debug, thiserror::Error, uniffi::Error)]
pub enum AdoptError {
    /// No tokens.
    #[error("{problem}")]
    NoTokens {
        /// Why. Never quotes the text.
        problem: String,
    },
}

/// A login state that is not a JSON object.
#[derive(Debug, thiserror::Error, uniffi::Error)]
pub enum StateError {
    /// Not a JSON object.
    #[error("state: not a JSON object")]
    NotAJsonObject,
}

/// A failure that is not the caller's: typed, and free of secrets.
#[derive(Debug, uniffi::Record)]
pub struct Fault {
    /// What kind of failure.
    pub kind: FaultKind,
    /// The OAuth error code, if there is one: `invalid_grant`, ...
    pub code: Option<String>,
    /// What the server said.
    pub description: Option<String>,
    /// `error_uri`.
    pub uri: Option<String>,
    /// HTTP status, if an answer came.
    pub status: Option<u16>,
    /// Webex's `trackingId`: quote it to support.
    pub tracking_id: Option<String>,
    /// How long the server asks to wait, in milliseconds.
    pub retry_after_ms: Option<u64>,
    /// How sending failed, where that is what happened.
    pub send: Option<SendFault>,
    /// Whose fault it is.
    pub blame: Blame,
    /// What to do about it.
    pub advice: Advice,
    /// The grant is over: only a new sign-in helps.
    pub ends_grant: bool,
    /// Trying again may work without anybody changing anything.
    pub is_transient: bool,
    /// The whole in one sentence.
    pub summary: String,
}

impl From<webex_oauth::Fault> for Fault {
    fn from(fault: webex_oauth::Fault) -> Self {
        let (blame, advice) = (fault.blame(), fault.advice());
        let (ends_grant, is_transient, summary) = (fault.ends_grant(), fault.is_transient(), fault.to_string());
        let webex_oauth::Fault { kind, code, description, uri, status, tracking_id, retry_after, send, .. } = fault;
        Self {
            kind,
            code: code.map(|code| code.as_str().to_owned()),
            description,
            uri,
            status,
            tracking_id,
            retry_after_ms: retry_after.map(ms),
            send,
            blame,
            advice,
            ends_grant,
            is_transient,
            summary,
        }
    }
}
