//! Answers to questions: may I have a token, where is the session, how does it stand.

use pyo3::prelude::*;
use pyo3::types::PyTuple;

use crate::convert::{Span, Time, described, millis};
use crate::errors::{Fault, reduced};
use crate::scope::Scope;
use crate::secret::AccessToken;
use crate::words::{ReturnTo, SignedOutReason, StaleWhy, Via};

/// Why only the user can help.
#[pyclass(frozen, eq, from_py_object, module = "webex_oauth")]
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SignInReason {
    /// The session is signed out.
    SignedOut { reason: SignedOutReason },
    /// A login is under way; its outcome decides.
    LoginPending {},
    /// The access token has expired and nothing is there to renew it with.
    Expired {},
    /// The refresh token has expired.
    RefreshTokenExpired {},
    /// An API refuses the token and nothing is there to renew it with.
    Rejected {},
    /// The tokens do not cover this scope: sign in with more.
    ScopeNotGranted { missing: Scope },
}

#[pymethods]
impl SignInReason {
    /// For `pickle`.
    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyTuple>)> {
        let names: &[&str] = match slf.get() {
            Self::SignedOut { .. } => &["reason"],
            Self::ScopeNotGranted { .. } => &["missing"],
            Self::LoginPending {} | Self::Expired {} | Self::RefreshTokenExpired {} | Self::Rejected {} => &[],
        };
        reduced(slf.as_any(), names)
    }

    fn __str__(&self) -> &'static str {
        match self {
            Self::SignedOut { reason } => match reason.0 {
                webex_oauth::SignedOutReason::NeverSignedIn => "nobody has signed in yet",
                webex_oauth::SignedOutReason::ByUser => "the user signed out",
                webex_oauth::SignedOutReason::GrantEnded => "the server ended the session",
                webex_oauth::SignedOutReason::Embargoed => "the service is not available to this organization",
            },
            Self::LoginPending {} => "a login is under way",
            Self::Expired {} => "the access token has expired and cannot be renewed",
            Self::RefreshTokenExpired {} => "the refresh token has expired",
            Self::Rejected {} => "the access token is refused and cannot be renewed",
            Self::ScopeNotGranted { .. } => "the scope was not granted",
        }
    }
}

impl From<webex_oauth::SignInReason> for SignInReason {
    fn from(reason: webex_oauth::SignInReason) -> Self {
        use webex_oauth::SignInReason as Core;
        match reason {
            Core::SignedOut(reason) => Self::SignedOut { reason: reason.into() },
            Core::LoginPending => Self::LoginPending {},
            Core::Expired => Self::Expired {},
            Core::RefreshTokenExpired => Self::RefreshTokenExpired {},
            Core::Rejected => Self::Rejected {},
            Core::ScopeNotGranted { missing } => Self::ScopeNotGranted { missing: Scope(missing) },
        }
    }
}

impl From<SignInReason> for webex_oauth::SignInReason {
    fn from(reason: SignInReason) -> Self {
        match reason {
            SignInReason::SignedOut { reason } => Self::SignedOut(reason.0),
            SignInReason::LoginPending {} => Self::LoginPending,
            SignInReason::Expired {} => Self::Expired,
            SignInReason::RefreshTokenExpired {} => Self::RefreshTokenExpired,
            SignInReason::Rejected {} => Self::Rejected,
            SignInReason::ScopeNotGranted { missing } => Self::ScopeNotGranted { missing: missing.0 },
        }
    }
}

/// The answer to "may I have a token now?", with the figures that led to it.
#[pyclass(frozen, eq, from_py_object, module = "webex_oauth")]
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Access {
    /// Use this token. `generation` goes into `token_rejected` when an API answers 401; with `refresh_soon`, call
    /// `ensure_fresh` and use the token meanwhile.
    Ready { token: AccessToken, generation: u64, expires_at: Option<Time>, refresh_soon: bool },
    /// Call `ensure_fresh` (or `downscope`), then ask again.
    Stale { why: StaleWhy, expires_at: Option<Time> },
    /// Wait for this request.
    Refreshing { id: u64 },
    /// The last attempt failed. Nothing to do before `retry_at`.
    BackingOff { fault: Fault, retry_at: Time },
    /// Only the user can help.
    SignInRequired { reason: SignInReason },
}

#[pymethods]
impl Access {
    /// `expires_at` or `retry_at` in milliseconds since 1970, exactly, also where no calendar reaches.
    #[getter]
    fn at_ms(&self) -> Option<i64> {
        match self {
            Self::Ready { expires_at, .. } | Self::Stale { expires_at, .. } => millis(*expires_at),
            Self::BackingOff { retry_at, .. } => millis(Some(*retry_at)),
            Self::Refreshing { .. } | Self::SignInRequired { .. } => None,
        }
    }
}

impl From<webex_oauth::Access> for Access {
    fn from(access: webex_oauth::Access) -> Self {
        use webex_oauth::Access as Core;
        match access {
            Core::Ready { token, generation, expires_at, refresh_soon } => {
                Self::Ready { token: AccessToken(token), generation, expires_at: expires_at.map(Time), refresh_soon }
            }
            Core::Stale { why, expires_at } => Self::Stale { why: why.into(), expires_at: expires_at.map(Time) },
            Core::Refreshing { id } => Self::Refreshing { id: id.0 },
            Core::BackingOff { fault, retry_at } => Self::BackingOff { fault: fault.into(), retry_at: Time(retry_at) },
            Core::SignInRequired { reason } => Self::SignInRequired { reason: reason.into() },
        }
    }
}

/// Where a session is.
#[pyclass(frozen, eq, from_py_object, module = "webex_oauth")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// No tokens.
    SignedOut { reason: SignedOutReason },
    /// A login is under way; `return_to` says where a failed or cancelled one leads back to.
    SigningIn { via: Via, return_to: ReturnTo },
    /// Tokens are there. They may be stale: see `Access`.
    SignedIn {},
}

impl From<webex_oauth::Phase> for Phase {
    fn from(phase: webex_oauth::Phase) -> Self {
        use webex_oauth::Phase as Core;
        match phase {
            Core::SignedOut { reason } => Self::SignedOut { reason: reason.into() },
            Core::SigningIn { via, return_to } => Self::SigningIn { via: via.into(), return_to: return_to.into() },
            Core::SignedIn => Self::SignedIn {},
        }
    }
}

/// What the answer of an API means for the token that it was called with.
#[pyclass(frozen, eq, from_py_object, module = "webex_oauth")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Nothing to do with authorization.
    Pass {},
    /// 401: tell `token_rejected`, and call once more if the generation has changed then.
    Rejected {},
    /// 429 or 423: call again after this wait.
    Wait { wait: Span },
    /// 451: tell `embargoed`.
    Embargoed {},
}

impl From<webex_oauth::Verdict> for Verdict {
    fn from(verdict: webex_oauth::Verdict) -> Self {
        use webex_oauth::Verdict as Core;
        match verdict {
            Core::Pass => Self::Pass {},
            Core::Rejected => Self::Rejected {},
            Core::Wait { wait } => Self::Wait { wait: Span(wait) },
            Core::Embargoed => Self::Embargoed {},
        }
    }
}

/// A summary for people and user interfaces, free of secrets.
#[pyclass(frozen, eq, module = "webex_oauth")]
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Status(webex_oauth::Status);

#[pymethods]
impl Status {
    /// Where the session is.
    #[getter]
    fn phase(&self) -> Phase {
        self.0.phase.into()
    }

    /// A token can be had without the user.
    #[getter]
    fn can_authorize(&self) -> bool {
        self.0.can_authorize
    }

    /// The tokens can be renewed without the user.
    #[getter]
    fn can_refresh(&self) -> bool {
        self.0.can_refresh
    }

    /// User tokens with less scope can be had.
    #[getter]
    fn can_downscope(&self) -> bool {
        self.0.can_downscope
    }

    /// A refresh is under way.
    #[getter]
    fn is_refreshing(&self) -> bool {
        self.0.is_refreshing
    }

    /// How the tokens came about.
    #[getter]
    fn via(&self) -> Option<Via> {
        self.0.via.map(Via)
    }

    /// The generation of the access token; 0 before the first.
    #[getter]
    fn generation(&self) -> u64 {
        self.0.generation
    }

    /// What the tokens may do, if known.
    #[getter]
    fn scope(&self) -> Option<Scope> {
        self.0.scope.clone().map(Scope)
    }

    /// When the access token ends, if known.
    #[getter]
    fn expires_at(&self) -> Option<Time> {
        self.0.expires_at.map(Time)
    }

    /// `expires_at` in milliseconds since 1970, exactly.
    #[getter]
    fn expires_at_ms(&self) -> Option<i64> {
        millis(self.expires_at())
    }

    /// When the session means to refresh, if it does.
    #[getter]
    fn refresh_at(&self) -> Option<Time> {
        self.0.refresh_at.map(Time)
    }

    /// `refresh_at` in milliseconds since 1970, exactly.
    #[getter]
    fn refresh_at_ms(&self) -> Option<i64> {
        millis(self.refresh_at())
    }

    /// When the user has to sign in again at the latest, if known: the end of the refresh token.
    #[getter]
    fn sign_in_again_by(&self) -> Option<Time> {
        self.0.sign_in_again_by.map(Time)
    }

    /// `sign_in_again_by` in milliseconds since 1970, exactly.
    #[getter]
    fn sign_in_again_by_ms(&self) -> Option<i64> {
        millis(self.sign_in_again_by())
    }

    /// Webex: the organization of the user, read from the token. A hint, not verified.
    #[getter]
    fn org_id(&self) -> Option<&str> {
        self.0.org_id.as_deref()
    }

    /// Webex: the token says it is a guest's. A hint, not verified.
    #[getter]
    fn is_guest(&self) -> bool {
        self.0.is_guest
    }

    /// The last failed attempt to renew, until one succeeds.
    #[getter]
    fn last_fault(&self) -> Option<Fault> {
        self.0.last_fault.clone().map(Fault)
    }

    fn __repr__(slf: &Bound<'_, Self>) -> PyResult<String> {
        const SHOWN: [&str; 6] = ["phase", "can_authorize", "via", "generation", "expires_at", "sign_in_again_by"];
        let shown = SHOWN.map(|name| Ok::<_, PyErr>(format!("{name}={}", slf.getattr(name)?.repr()?)));
        Ok(format!("Status({})", shown.into_iter().collect::<PyResult<Vec<_>>>()?.join(", ")))
    }
}

impl From<webex_oauth::Status> for Status {
    fn from(status: webex_oauth::Status) -> Self {
        Self(status)
    }
}

described!(SignInReason, Access, Phase, Verdict);
