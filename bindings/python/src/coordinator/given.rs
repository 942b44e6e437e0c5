//! From the classes of `webex_oauth.coordinator`, told by their names, to what the core takes.

use std::time::Duration;

use pyo3::prelude::*;
use pyo3::types::PyString;
use webex_oauth::coordinator::{Call, Credential, Done, Of, Spent, StoreFault, StoreFaultKind, Ticket, Which};
use webex_oauth::{LoginId, Secret, SignOutOptions};

use crate::convert::Span;
use crate::errors::invalid;
use crate::http::HttpResponse;
use crate::login::LoginOptions;
use crate::scope::ScopeText;
use crate::secret::SecretText;
use crate::session::entropy;
use crate::words::{LogoutVia, SendFault};

/// A value of one of these classes.
struct Given<'a, 'py>(&'a Bound<'py, PyAny>);

impl<'py> Given<'_, 'py> {
    fn name(&self) -> PyResult<String> {
        Ok(self.0.get_type().name()?.to_string_lossy().into_owned())
    }

    fn unknown<T>(&self, argument: &str) -> PyResult<T> {
        Err(invalid(self.0.py(), argument, "not one of those in webex_oauth.coordinator"))
    }

    fn member(&self, name: &str) -> PyResult<Bound<'py, PyAny>> {
        self.0.getattr(name)
    }

    fn text(&self, name: &str) -> PyResult<String> {
        self.member(name)?.extract()
    }

    fn secret(&self, name: &str) -> PyResult<Secret> {
        Ok(self.member(name)?.extract::<SecretText>()?.0)
    }

    fn maybe_secret(&self, name: &str) -> PyResult<Option<Secret>> {
        Ok(self.member(name)?.extract::<Option<SecretText>>()?.map(|secret| secret.0))
    }

    fn maybe_scope(&self) -> PyResult<Option<webex_oauth::Scope>> {
        Ok(self.member("scope")?.extract::<Option<ScopeText>>()?.map(|scope| scope.0))
    }

    fn span(&self, name: &str) -> PyResult<Duration> {
        Ok(self.member(name)?.extract::<Span>()?.0)
    }

    fn within(&self) -> PyResult<Option<Duration>> {
        Ok(self.member("within")?.extract::<Option<Span>>()?.map(|span| span.0))
    }
}

pub(super) fn call(given: &Bound<'_, PyAny>) -> PyResult<Call> {
    let given = Given(given);
    Ok(match given.name()?.as_str() {
        "Token" => Call::Token { of: of(&given.member("of")?)?, within: given.within()? },
        "Refresh" => Call::Refresh { within: given.within()? },
        "Answered" => Call::Answered {
            generation: given.member("generation")?.extract()?,
            status: given.member("status")?.extract()?,
            retry_after: given.member("retry_after")?.extract()?,
            spent: spent(&Given(&given.member("spent")?))?,
        },
        "SignIn" => {
            Call::SignIn { credential: credential(&Given(&given.member("credential")?))?, within: given.within()? }
        }
        "CompleteLogin" => Call::CompleteLogin { callback: given.secret("callback")?, within: given.within()? },
        "AwaitLogin" => Call::AwaitLogin { of: login(&given, &given.secret("of")?)?, within: given.within()? },
        "CancelLogin" => {
            let browser = given.maybe_secret("login")?.map(|text| login(&given, &text)).transpose()?;
            let ticket = given.member("of")?.extract::<Option<u64>>()?.map(|ticket| Which::Ticket(Ticket(ticket)));
            Call::CancelLogin { of: browser.map(Which::Browser).or(ticket).unwrap_or(Which::All) }
        }
        "SignOut" => Call::SignOut {
            options: SignOutOptions {
                revoke: given.member("revoke")?.extract()?,
                logout: given.member("logout")?.extract::<LogoutVia>()?.0,
                goto: given.member("goto")?.extract()?,
            },
        },
        "Look" => Call::Look,
        "Flush" => Call::Flush { within: given.within()? },
        "Close" => Call::Close { within: given.within()? },
        _ => return given.unknown("call"),
    })
}

/// By the URL of a login, or its state.
fn login(given: &Given<'_, '_>, text: &Secret) -> PyResult<LoginId> {
    LoginId::of(text.expose()).ok_or_else(|| invalid(given.0.py(), "login", "neither a URL with a state nor a state"))
}

fn of(given: &Bound<'_, PyAny>) -> PyResult<Of> {
    let word = given.cast::<PyString>().ok().map(|word| word.to_string_lossy());
    Ok(match word.as_deref() {
        Some("session") => Of::Session,
        Some("user_default") => Of::UserDefault,
        Some(_) => return Err(invalid(given.py(), "of", "\"session\", \"user_default\" or a Scope")),
        None => Of::User(given.extract::<ScopeText>()?.0),
    })
}

fn spent(given: &Given<'_, '_>) -> PyResult<Spent> {
    Ok(Spent {
        replays: given.member("replays")?.extract()?,
        waited: given.span("waited")?,
        limit: given.span("limit")?,
    })
}

fn credential(given: &Given<'_, '_>) -> PyResult<Credential> {
    Ok(match given.name()?.as_str() {
        "Browser" => Credential::Browser {
            options: given.member("options")?.extract::<LoginOptions>()?.0,
            entropy: entropy(&given.member("entropy")?)?,
        },
        "Code" => Credential::Code { code: given.secret("code")?, verifier: given.maybe_secret("verifier")? },
        "Device" => Credential::Device { scope: given.maybe_scope()? },
        "Jwt" => Credential::Jwt { jwt: given.secret("jwt")? },
        "Guest" => Credential::Guest {
            service_token: given.secret("service_token")?,
            subject: given.text("subject")?,
            display_name: given.text("display_name")?,
        },
        "ClientCredentials" => Credential::Client { scope: given.maybe_scope()? },
        "Tokens" => Credential::Tokens { tokens: given.secret("tokens")? },
        _ => return given.unknown("credential"),
    })
}

pub(super) fn done(given: &Bound<'_, PyAny>) -> PyResult<Done> {
    let given = Given(given);
    Ok(match given.name()?.as_str() {
        "Loaded" => Done::Loaded(given.maybe_secret("snapshot")?),
        "Saved" => Done::Saved,
        "Conflict" => Done::Conflict(given.maybe_secret("snapshot")?),
        "StoreFailed" => Done::StoreFailed(store_fault(&Given(&given.member("fault")?))?),
        "Locked" => Done::Locked,
        "LockBusy" => Done::LockBusy,
        "Unlocked" => Done::Unlocked,
        "Response" => Done::Response(given.member("response")?.extract::<HttpResponse>()?.0),
        "SendFailed" => Done::SendFailed(given.member("fault")?.extract::<SendFault>()?.0),
        "Answer" => Done::Answer(given.secret("secret")?),
        "HostFailed" => Done::HostFailed(given.text("reason")?),
        _ => return given.unknown("result"),
    })
}

fn store_fault(given: &Given<'_, '_>) -> PyResult<StoreFault> {
    let kind = match given.text("kind")?.as_str() {
        "unavailable" => StoreFaultKind::Unavailable,
        "denied" => StoreFaultKind::Denied,
        "full" => StoreFaultKind::Full,
        "damaged" => StoreFaultKind::Damaged,
        "other" => StoreFaultKind::Other,
        _ => return given.unknown("kind"),
    };
    Ok(StoreFault { kind, problem: given.text("problem")? })
}
