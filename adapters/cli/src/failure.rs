//! What goes wrong, as one plain sentence and an exit status.

use std::fmt;
use std::process::ExitCode;

use webex_oauth::{Advice, ConfigError, ErrorCode, Fault, FaultKind, Misuse, RestoreError, SendFault, TargetUri};
use webex_oauth_driver::{ClientError, Proxies, StoreError, now};
use webex_oauth_stores::KeyFileError;

use crate::again::CONFIG_FILE;
use crate::words;

const AGAIN_LATER: &str = "try again later";
const CHECK_NETWORK: &str = "check the network and try again";
const CHECK_TRUST: &str = "check this machine's clock, the certificates that it trusts, and the network's proxy";
const FORGET: &str = "run webex-oauth logout --force and sign in again";

/// The exit status. The numbers are a promise: they are in `--help` and in the README.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// None of the others.
    Other = 1,
    /// As clap's own.
    Usage = 2,
    /// A setting, or the registration of the client.
    Settings = 3,
    /// Sign in first.
    NotSignedIn = 4,
    /// The sign-in did not come to its end.
    SignIn = 5,
    /// Network or server.
    TryLater = 6,
    /// The tokens cannot be read or stored.
    Store = 7,
    /// A replay came out differently.
    Replay = 8,
    /// As a shell reports a signal.
    Interrupted = 130,
}

impl Exit {
    /// Somebody said no, as opposed to somebody not answering.
    pub(crate) fn is_refusal(self) -> bool {
        matches!(self, Self::Settings | Self::NotSignedIn | Self::SignIn)
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// A failure to be told and to end with. Free of secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    /// What happened.
    what: String,
    /// A server could not be reached, and which one is not said yet.
    lacks_server: bool,
    /// What to do, where that is not said with what happened.
    advice: String,
}

impl Failure {
    /// What happened, a semicolon, what to do. No full stop.
    pub(crate) fn new(exit: Exit, sentence: impl Into<String>) -> Self {
        Self::advising(exit, sentence, "")
    }

    /// The same in two parts.
    pub(crate) fn advising(exit: Exit, what: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { exit, what: what.into(), lacks_server: false, advice: advice.into() }
    }

    /// There is more to be looked at.
    pub(crate) fn check_also(&mut self, more: &str) {
        self.advice += if self.advice.is_empty() { "check " } else { "; check also " };
        self.advice += more;
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)?;
        if self.advice.is_empty() { Ok(()) } else { write!(f, "; {}", self.advice) }
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        match error {
            ClientError::SignInRequired { .. } => {
                Self::new(Exit::NotSignedIn, format!("{error}; run webex-oauth login"))
            }
            ClientError::Unavailable { fault, retry_at } => {
                let mut failure = Self::of_fault("no token at the moment", &fault);
                let wait = words::span_until(retry_at.plus_millis(999), now());
                failure.advice = match failure.advice.as_str() {
                    CHECK_NETWORK => format!("check the network and try again in {wait}"),
                    AGAIN_LATER => format!("try again in {wait}"),
                    _ => failure.advice,
                };
                failure
            }
            ClientError::LoginFailed { fault } => Self::of_login(&fault),
            ClientError::CallbackIgnored { .. } => {
                Self::new(Exit::SignIn, format!("{error}; sign in again and use the address of that sign-in"))
            }
            ClientError::LoginCancelled | ClientError::LoginSuperseded => Self::new(Exit::SignIn, error.to_string()),
            ClientError::Timeout { .. } => {
                Self::new(Exit::SignIn, format!("{error}; try again, or give more time with --timeout"))
            }
            ClientError::Misuse(misuse) => misuse.into(),
            ClientError::Config(error) => error.into(),
            ClientError::Jwt(error) => Self::new(Exit::Settings, error.to_string()),
            ClientError::Store(error) => error.into(),
            ClientError::Restore(error) => error.into(),
            ClientError::Call { fault, .. } => {
                let advice = if fault == SendFault::Untrusted { CHECK_TRUST } else { CHECK_NETWORK };
                Self { lacks_server: true, ..Self::advising(Exit::TryLater, error.to_string(), advice) }
            }
            ClientError::Listen { ref address, kind } => Self::of_listener(address, kind),
            _ => Self::new(Exit::Other, error.to_string()),
        }
    }
}

impl From<Misuse> for Failure {
    fn from(misuse: Misuse) -> Self {
        let text = misuse.to_string();
        match misuse {
            Misuse::NotConfigured { what, needed_by } => {
                Self::new(Exit::Settings, format!("{what} is missing, which {needed_by} needs; {}", where_to_set(what)))
            }
            Misuse::InvalidArgument { .. } | Misuse::ScopeNotReducible { .. } => Self::new(Exit::Usage, text),
            Misuse::NotSignedIn { .. } => Self::new(Exit::NotSignedIn, "nobody is signed in; run webex-oauth login"),
            Misuse::CannotRefresh { .. } => {
                Self::new(Exit::NotSignedIn, format!("{text}; sign in again when they end"))
            }
        }
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        let (exit, advice) = match &error {
            ConfigError::Missing { field, .. } => (Exit::Settings, where_to_set(field)),
            ConfigError::Invalid { .. } | ConfigError::Insecure { .. } => {
                (Exit::Settings, "correct that setting".to_owned())
            }
            ConfigError::Unanswered { .. } => {
                (Exit::TryLater, "check the address and the network, and try again".to_owned())
            }
        };
        Self::new(exit, format!("{error}; {advice}"))
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let advice = match &error {
            StoreError::Denied { .. } => {
                "give yourself the permission, or keep the tokens elsewhere with WEBEX_SESSION_FILE"
            }
            StoreError::Full { .. } => "make room and try again",
            StoreError::Busy { .. } => "wait for the other process and try again",
            StoreError::Damaged { .. } => FORGET,
            StoreError::Lock { .. } | StoreError::Io { .. } => "keep the tokens elsewhere with WEBEX_SESSION_FILE",
            StoreError::Unavailable { .. } => "try again when it answers",
            StoreError::Sealed { .. } => "bring the key that it is sealed with",
            StoreError::Refused { .. } => "choose another store",
            StoreError::Other { .. } => "unlock it, or keep the tokens in a file with --store file",
        };
        Self::new(Exit::Store, format!("{error}; {advice}"))
    }
}

impl From<KeyFileError> for Failure {
    fn from(error: KeyFileError) -> Self {
        let advice = match &error {
            KeyFileError::Missing { .. } => "; make one with webex-oauth key new",
            KeyFileError::NoFolder { .. } => "; make it first, or name a file elsewhere",
            KeyFileError::Name { .. } | KeyFileError::Taken { .. } => "; choose another --name",
            KeyFileError::Exists { .. } => "; choose another name, or use webex-oauth key add",
            _ => "",
        };
        Self::new(Exit::Settings, format!("{error}{advice}"))
    }
}

impl From<RestoreError> for Failure {
    fn from(error: RestoreError) -> Self {
        match error {
            RestoreError::Unreadable => Self::new(Exit::Store, format!("{error}; {FORGET}")),
            RestoreError::NewerVersion { .. } => Self::new(Exit::Store, format!("{error}; use the newer webex-oauth")),
            RestoreError::OtherConfig { field } => {
                let what = if field == "client_id" { "another client id" } else { "another server" };
                let advice =
                    "use another --profile, correct the settings, or forget it with webex-oauth logout --force";
                Self::new(Exit::Settings, format!("this profile is signed in with {what}; {advice}"))
            }
            RestoreError::Sealed { .. } => {
                Self::new(Exit::Store, format!("{error}; give its file with --key-file, WEBEX_KEY_FILE"))
            }
        }
    }
}

impl Failure {
    /// A login that failed: declined, timed out, or for one of the reasons of [`Failure::of_fault`].
    fn of_login(fault: &Fault) -> Self {
        match (fault.kind, &fault.code) {
            (_, Some(ErrorCode::AccessDenied)) => {
                Self::new(Exit::SignIn, format!("the sign-in was declined ({fault}); run it again and accept"))
            }
            (FaultKind::Expired, _) | (_, Some(ErrorCode::ExpiredToken)) => {
                Self::new(Exit::SignIn, "the sign-in ran out of time; run it again")
            }
            (_, _) if fault.ends_grant() => {
                Self::new(Exit::SignIn, format!("the sign-in failed: {fault}; run it again"))
            }
            (_, _) => Self::of_fault("the sign-in failed", fault),
        }
    }

    /// A fault of somebody else, behind what came of it.
    pub(crate) fn of_fault(what: &str, fault: &Fault) -> Self {
        let (exit, advice) = match fault.advice() {
            Advice::FixConfiguration => (Exit::Settings, fix(fault)),
            Advice::TryBasicRaw => (Exit::Settings, "set WEBEX_CLIENT_AUTH=basic_raw"),
            Advice::SignInAgain => (Exit::NotSignedIn, "run webex-oauth login"),
            Advice::WaitAndRetry if fault.send == Some(SendFault::Untrusted) => (Exit::TryLater, CHECK_TRUST),
            Advice::WaitAndRetry if fault.kind == FaultKind::Network => (Exit::TryLater, CHECK_NETWORK),
            Advice::WaitAndRetry => (Exit::TryLater, AGAIN_LATER),
            Advice::WaitOrSignIn => (Exit::TryLater, "try again later, and sign in again if it lasts"),
        };
        let told = Self::told(fault);
        Self { exit, what: format!("{what}: {}", told.what), advice: advice.to_owned(), ..told }
    }

    /// A fault alone.
    pub(crate) fn told(fault: &Fault) -> Self {
        Self { lacks_server: fault.kind == FaultKind::Network, ..Self::new(Exit::TryLater, fault.to_string()) }
    }

    /// Of a call of the API at this URL. What else may fail on the way to it fails at another server.
    pub(crate) fn of_call(error: ClientError, url: &str) -> Self {
        match error {
            ClientError::Call { .. } => Self::from(error).at(url),
            error => error.into(),
        }
    }

    /// Names the server of this URL by host and port, and the proxy on the way to it, where the failure is that it could not be
    /// reached.
    pub(crate) fn at(mut self, url: &str) -> Self {
        let Some(target) = TargetUri::parse(url).ok().filter(|_| self.lacks_server) else { return self };
        let proxies = Proxies::of_environment();
        let through = match proxies.for_target(&target) {
            // That is why: nothing was sent.
            Err(problem) => return Self::advising(Exit::Settings, problem, "correct it, or unset it"),
            Ok(proxy) => proxy.map(proxy_address).unwrap_or_default(),
        };
        self.what += &format!(" ({}{through})", target.authority());
        self.lacks_server = false;
        self
    }

    fn of_listener(address: &str, kind: std::io::ErrorKind) -> Self {
        use std::io::ErrorKind;
        let sentence = match kind {
            ErrorKind::AddrInUse => format!(
                "the port of {address} is in use; stop the program that has it, or sign in with --paste or --device"
            ),
            ErrorKind::PermissionDenied => {
                format!(
                    "the port of {address} is reserved by the system; register a redirect URI with a port above 1023"
                )
            }
            ErrorKind::AddrNotAvailable | ErrorKind::InvalidInput => {
                format!(
                    "no browser can come back to {address} here; use --paste, or register one like http://localhost:8080/oauth"
                )
            }
            _ => format!("cannot listen on {address} ({kind}); sign in with --paste or --device"),
        };
        Self::new(Exit::SignIn, sentence)
    }
}

fn fix(fault: &Fault) -> &'static str {
    match fault.code {
        Some(ErrorCode::InvalidScope) => "correct the scope (--scope, WEBEX_SCOPE)",
        _ => "check client id and client secret, and that the integration still exists",
    }
}

/// How a missing setting is given.
fn where_to_set(field: &str) -> String {
    let given = match field {
        "client_id" => "--client-id, WEBEX_CLIENT_ID",
        "client_secret" => "--client-secret-file, WEBEX_CLIENT_SECRET",
        "redirect_uri" => "--redirect-uri, WEBEX_REDIRECT_URI",
        "scope" => "--scope, WEBEX_SCOPE",
        "guest_issuer" => "--guest-issuer",
        "guest_issuer_secret" => "--guest-issuer-secret-file, WEBEX_GUEST_ISSUER_SECRET",
        _ => return "choose another --server".to_owned(),
    };
    format!("give {given}, or {field} in {CONFIG_FILE}, which webex-oauth setup writes")
}

/// Without its user and password.
fn proxy_address(proxy: &url::Url) -> String {
    let port = proxy.port_or_known_default().map(|port| format!(":{port}")).unwrap_or_default();
    format!(", through the proxy {}{port}", proxy.host_str().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_failure_is_one_sentence_with_an_exit_status() {
        let missing = Failure::from(ConfigError::missing("client_id"));
        assert_eq!(missing.exit, Exit::Settings);
        let whole = format!(
            "client_id is missing; give --client-id, WEBEX_CLIENT_ID, or client_id in {CONFIG_FILE}, which webex-oauth setup writes"
        );
        assert_eq!(missing.to_string(), whole);
        let mut fault = Fault::new(FaultKind::Refused);
        fault.code = Some(ErrorCode::InvalidClient);
        assert_eq!(Failure::of_fault("no token at the moment", &fault).exit, Exit::Settings);
        fault.code = Some(ErrorCode::AccessDenied);
        assert_eq!(Failure::of_login(&fault).exit, Exit::SignIn);
        assert_eq!(Failure::of_fault("x", &Fault::new(FaultKind::Unavailable)).exit, Exit::TryLater);
    }
}
