//! Enumerations without data are words in Python: `Literal["code", "implicit", ...]`, checked by mypy, ready for JSON.

use pyo3::prelude::*;
use pyo3::types::PyString;

use crate::errors::invalid;

/// `words! { Name(core type) "what it is called in errors" { Variant = "word", ... } }`: both directions, the first one
/// exhaustive.
macro_rules! words {
    ($($name:ident($core:ty) $argument:literal { $($variant:ident = $word:literal),+ $(,)? })+) => {$(
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) struct $name(pub(crate) $core);

        impl $name {
            pub(crate) const fn word(self) -> &'static str {
                match self.0 {
                    $(<$core>::$variant => $word,)+
                }
            }
        }

        impl From<$core> for $name {
            fn from(value: $core) -> Self {
                Self(value)
            }
        }

        impl<'py> IntoPyObject<'py> for $name {
            type Target = PyString;
            type Output = Bound<'py, PyString>;
            type Error = std::convert::Infallible;

            fn into_pyobject(self, py: Python<'py>) -> Result<Self::Output, Self::Error> {
                Ok(PyString::intern(py, self.word()))
            }
        }

        impl FromPyObject<'_, '_> for $name {
            type Error = PyErr;

            fn extract(object: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
                let py = object.py();
                let expected = concat!("expected one of", $(" \"", $word, "\"",)+);
                let word: &Bound<'_, PyString> =
                    &object.cast::<PyString>().map_err(|_| invalid(py, $argument, expected))?.to_owned();
                match word.to_string_lossy().as_ref() {
                    $($word => Ok(Self(<$core>::$variant)),)+
                    _ => Err(invalid(py, $argument, expected)),
                }
            }
        }
    )+};
}

words! {
    Via(webex_oauth::Via) "via" {
        Code = "code", Implicit = "implicit", Device = "device", Jwt = "jwt", Guest = "guest",
        ClientCredentials = "client_credentials", Adopted = "adopted", Host = "host",
    }
    SignedOutReason(webex_oauth::SignedOutReason) "reason" {
        NeverSignedIn = "never_signed_in", ByUser = "by_user", GrantEnded = "grant_ended", Embargoed = "embargoed",
    }
    StaleWhy(webex_oauth::StaleWhy) "why" {
        NoAccessToken = "no_access_token", Expired = "expired", Rejected = "rejected",
        ClockWentBack = "clock_went_back", NotAskedYet = "not_asked_yet",
    }
    ReturnTo(webex_oauth::ReturnTo) "return_to" { SignedOut = "signed_out", SignedIn = "signed_in" }
    IgnoredCallback(webex_oauth::CallbackIgnored) "reason" {
        NoLoginPending = "no_login_pending", AlreadyCompleted = "already_completed", OtherUrl = "other_url", NotACallback = "not_a_callback",
        WrongState = "wrong_state", DuplicateParameter = "duplicate_parameter", WrongIssuer = "wrong_issuer",
        Incomplete = "incomplete", TooLong = "too_long",
    }
    IgnoredStore(webex_oauth::StoreIgnored) "reason" {
        Unreadable = "unreadable", NewerVersion = "newer_version", OtherConfig = "other_config",
        Sealed = "sealed",
    }
    NotRevokedWhy(webex_oauth::NotRevoked) "why" { NoEndpoint = "no_endpoint", NoSecret = "no_secret" }
    WithheldWhy(webex_oauth::Withheld) "why" { NotInTokenHosts = "not_in_token_hosts", NotHttps = "not_https" }
    Deviation(webex_oauth::Deviation) "deviation" {
        MissingTokenType = "missing_token_type",
        MissingExpiresIn = "missing_expires_in", NumberAsText = "number_as_text", NumberAsFloat = "number_as_float",
        UnusualStatus = "unusual_status", ErrorWithSuccessStatus = "error_with_success_status",
        ErrorAsObject = "error_as_object", ScopeAsList = "scope_as_list", ScopeWithCommas = "scope_with_commas",
        FormEncoded = "form_encoded", OddJson = "odd_json", UnreadableMember = "unreadable_member",
    }
    Purpose(webex_oauth::Purpose) "purpose" {
        RedeemCode = "redeem_code", Refresh = "refresh", ClientCredentials = "client_credentials",
        JwtLogin = "jwt_login", GuestToken = "guest_token", DeviceAuthorization = "device_authorization",
        DeviceToken = "device_token", Downscope = "downscope", Revoke = "revoke", Logout = "logout",
    }
    FaultKind(webex_oauth::FaultKind) "kind" {
        Refused = "refused", Unauthorized = "unauthorized", RateLimited = "rate_limited",
        Unavailable = "unavailable", Unexpected = "unexpected", Malformed = "malformed", Network = "network",
        Expired = "expired", Host = "host",
    }
    Blame(webex_oauth::Blame) "blame" {
        Integration = "integration", User = "user", Server = "server", Network = "network", Grant = "grant",
        Host = "host",
    }
    Advice(webex_oauth::Advice) "advice" {
        WaitAndRetry = "wait_and_retry", SignInAgain = "sign_in_again", FixConfiguration = "fix_configuration",
        TryBasicRaw = "try_basic_raw", WaitOrSignIn = "wait_or_sign_in",
    }
    SendFault(webex_oauth::SendFault) "fault" { NotSent = "not_sent", Untrusted = "untrusted", Lost = "lost", TooLarge = "too_large" }
    LogoutVia(webex_oauth::LogoutVia) "logout" { Nothing = "nothing", Browser = "browser", Post = "post" }
    Flow(webex_oauth::Flow) "flow" { Code = "code", Implicit = "implicit" }
    ResponseMode(webex_oauth::ResponseMode) "response_mode" {
        Query = "query", Fragment = "fragment", FormPost = "form_post",
    }
    Renewal(webex_oauth::Renewal) "renewal" { Grant = "grant", HostToken = "host_token", HostJwt = "host_jwt" }
    DownscopeFailure(webex_oauth::DownscopeFailure) "downscope_failure" {
        Refuse = "refuse", UseFullToken = "use_full_token",
    }
    ClientAuth(webex_oauth::ClientAuth) "client_auth" {
        BasicFormEncoded = "basic_form_encoded", BasicRaw = "basic_raw", Body = "body", None = "none",
    }
    Leniency(webex_oauth::Leniency) "leniency" { Lenient = "lenient", Strict = "strict" }
    JwtScheme(webex_oauth::JwtScheme) "jwt_scheme" { Bearer = "bearer", Raw = "raw" }
}
