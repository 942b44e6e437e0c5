//! The redirect back (RFC 6749 sections 4.1.2 and 4.2.2): state, then issuer, then error, then code or token.

use std::borrow::Cow;
use std::fmt;

use crate::error::{ErrorCode, Fault, FaultKind};
use crate::event::{CallbackIgnored, Deviation};
use crate::protocol::authorize::Flow;
use crate::protocol::clean::{clean, shown_url};
use crate::protocol::form;
use crate::protocol::members::Members;
use crate::protocol::state_param;
use crate::protocol::target::{is_path_of, is_same_target};
use crate::protocol::token::read_object;
use crate::secret::{Secret, is_same};
use crate::time::Timestamp;
use crate::tokens::ReadTokens;

/// No callback is longer; a fragment with three self-contained tokens has a few thousand characters.
pub(crate) const MAX_LEN: usize = 64 * 1024;

/// What the pending login expects.
#[derive(Clone)]
pub struct Expected<'a> {
    /// The flow that was begun.
    pub flow: Flow,
    /// The redirect URI that was sent.
    pub redirect_uri: &'a str,
    /// The `state` that was sent.
    pub state: &'a str,
    /// The server's issuer, where known.
    pub issuer: Option<&'a str>,
    /// The server promised to send `iss` (RFC 9207 section 3).
    pub issuer_required: bool,
}

/// Without the state.
impl fmt::Debug for Expected<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Expected")
            .field("flow", &self.flow)
            .field("redirect_uri", &self.redirect_uri)
            .field("issuer", &self.issuer)
            .field("issuer_required", &self.issuer_required)
            .finish_non_exhaustive()
    }
}

/// What a callback brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// A code to redeem.
    Code(Secret),
    /// Tokens, in the implicit flow.
    Tokens(Box<ReadTokens>),
    /// The server's refusal, or tokens that cannot be used.
    Failed(Fault),
}

/// A callback that belongs to the pending login.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Callback {
    /// What it brought.
    pub outcome: Outcome,
    /// The URL without what is the protocol's, where the callback was a whole URL.
    pub cleaned_url: Option<String>,
}

/// Parameters that are the protocol's. They occur at most once; twice is an attack or an accident (RFC 6749 section 3.1).
#[derive(Clone, Copy, PartialEq, Eq)]
enum Name {
    State,
    Issuer,
    Error,
    ErrorDescription,
    ErrorUri,
    Code,
    AccessToken,
    TokenType,
    ExpiresIn,
    Expires,
    RefreshToken,
    RefreshTokenExpiresIn,
    RefreshTokenExpires,
    IdToken,
    Scope,
}

impl Name {
    fn of(text: &str) -> Option<Self> {
        Some(match text {
            "state" => Self::State,
            "iss" => Self::Issuer,
            "error" => Self::Error,
            "error_description" => Self::ErrorDescription,
            "error_uri" => Self::ErrorUri,
            "code" => Self::Code,
            "access_token" => Self::AccessToken,
            "token_type" => Self::TokenType,
            "expires_in" => Self::ExpiresIn,
            "expires" => Self::Expires,
            "refresh_token" => Self::RefreshToken,
            "refresh_token_expires_in" => Self::RefreshTokenExpiresIn,
            "refresh_token_expires" => Self::RefreshTokenExpires,
            "id_token" => Self::IdToken,
            "scope" => Self::Scope,
            _ => return None,
        })
    }
}

/// Reads a callback: a whole URL, a path with query, a query, a fragment, or the body of a form post.
///
/// What there is of the redirect URI that was sent is compared with it: of a whole URL the scheme, user, host, port and
/// path; of a path that it is the redirect URI's, or the end of it, since a proxy or a router may take away the beginning
/// and leave `/`. The redirect URI's own parameters are in the query of either, and in a query that begins with `?`,
/// with the same values; in a fragment or a form body they need not be. A server adds its own (RFC 6749 section 3.1.2).
///
/// # Errors
///
/// Each of them means that it is not the answer to the pending login, which goes on waiting: [`CallbackIgnored::TooLong`] for
/// more than 64 KiB, [`CallbackIgnored::OtherUrl`], [`CallbackIgnored::NotACallback`] where no parameter is the protocol's,
/// [`CallbackIgnored::DuplicateParameter`], [`CallbackIgnored::WrongState`], [`CallbackIgnored::WrongIssuer`],
/// [`CallbackIgnored::Incomplete`]. That the server declined is [`Outcome::Failed`].
pub fn read(text: &str, expected: &Expected<'_>, now: Timestamp) -> Result<Callback, CallbackIgnored> {
    Incoming::new(text)?.read(expected, state_param::caller_part, now)
}

/// A callback that has not been matched to a login yet.
pub(crate) struct Incoming<'a> {
    parts: Parts<'a>,
    params: Params<'a>,
}

impl<'a> Incoming<'a> {
    pub(crate) fn new(text: &'a str) -> Result<Self, CallbackIgnored> {
        let text = text.trim();
        if text.len() > MAX_LEN {
            return Err(CallbackIgnored::TooLong);
        }
        let parts = Parts::split(text);
        let params = Params::read(&parts);
        Ok(Self { parts, params })
    }

    /// The `state`, which tells whose it is.
    pub(crate) fn state(&self) -> Option<&str> {
        self.params.get(Name::State)
    }

    /// Reads it as the answer to a login. The caller's own part of the state may be known.
    pub(crate) fn read(
        &self,
        expected: &Expected<'_>,
        caller_part: impl Fn(&str) -> Option<String>,
        now: Timestamp,
    ) -> Result<Callback, CallbackIgnored> {
        let Self { parts, params } = self;
        let with_scheme = parts.address.and_then(|address| {
            let (scheme, _) = expected.redirect_uri.split_once("://")?;
            Some([scheme, "://", address].concat())
        });
        if parts.base.or(with_scheme.as_deref()).is_some_and(|base| !is_same_target(base, expected.redirect_uri)) {
            return Err(CallbackIgnored::OtherUrl);
        }
        params.check_once()?;
        let is_our_path = parts.path.is_none_or(|path| is_path_of(path, expected.redirect_uri));
        if !is_our_path || !params.have_query_of(expected.redirect_uri, parts.has_whole_query) {
            return Err(CallbackIgnored::OtherUrl);
        }
        let state = self.state().ok_or(CallbackIgnored::WrongState)?;
        if !is_same(state, expected.state) {
            return Err(CallbackIgnored::WrongState);
        }
        check_issuer(params.get(Name::Issuer), expected)?;
        let outcome = params.outcome(expected, now)?;
        let cleaned_url = parts.base.map(|base| params.cleaned(base, caller_part));
        Ok(Callback { outcome, cleaned_url })
    }
}

/// The `state` in a login's URL or in a callback of any shape.
pub(crate) fn state_in(text: &str) -> Option<String> {
    Incoming::new(text).ok()?.state().map(str::to_owned)
}

/// Removes what is the protocol's from a URL; of `state`, the caller's own part stays.
pub fn clean_url(url: &str) -> String {
    let parts = Parts::split(url);
    Params::read(&parts).cleaned(parts.base.unwrap_or_default(), state_param::caller_part)
}

/// RFC 6749 appendix A.11: one or more characters of visible ASCII or space. Anything else was damaged on its way.
fn is_code(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| (b' '..=b'~').contains(&byte))
}

/// RFC 9207 section 2.4.
fn check_issuer(issuer: Option<&str>, expected: &Expected<'_>) -> Result<(), CallbackIgnored> {
    match (issuer, expected.issuer) {
        (Some(found), Some(own)) if found != own => Err(CallbackIgnored::WrongIssuer),
        (None, Some(_)) if expected.issuer_required => Err(CallbackIgnored::WrongIssuer),
        (_, _) => Ok(()),
    }
}

/// A callback cut into its parts; the base is there where it was a whole URL, the path where it was no more than that.
struct Parts<'a> {
    base: Option<&'a str>,
    path: Option<&'a str>,
    /// Host, port and path without the scheme, as some address bars show them.
    address: Option<&'a str>,
    /// It is the query of a URL, and not perhaps a form body.
    has_whole_query: bool,
    query: Option<&'a str>,
    fragment: Option<&'a str>,
}

impl<'a> Parts<'a> {
    fn split(text: &'a str) -> Self {
        let (rest, fragment) = match text.split_once('#') {
            Some((rest, fragment)) => (rest, Some(fragment)),
            None => (text, None),
        };
        let (base, query) = rest.split_once('?').map_or((rest, None), |(base, query)| (base, Some(query)));
        let is_address = is_host_and_port(base);
        let (is_url, is_path) = (has_scheme(base) && !is_address, base.starts_with('/'));
        let (query, has_whole_query) = match query {
            // An address without its scheme is what some address bars show.
            Some(_) if is_url || is_path || !base.contains('=') => (query, true),
            None if is_url || is_path || is_address => (None, true),
            // The query or the form body itself: it may have question marks of its own (RFC 3986 section 3.4).
            Some(_) | None => (Some(rest), false),
        };
        let (path, address) = (is_path.then_some(base), is_address.then_some(base));
        Self { base: is_url.then_some(base), path, address, has_whole_query, query, fragment }
    }
}

/// The parameter `state` with the caller's own part alone.
fn state_of(caller_part: &str) -> Option<Cow<'static, str>> {
    let encoded = state_param::encode(caller_part).ok()??;
    Some(Cow::Owned(["state=", &encoded].concat()))
}

/// A parameter, and how it was written.
struct Param<'a> {
    /// What it stands behind: `?` or `#`.
    mark: char,
    written: &'a str,
    name: Cow<'a, str>,
    /// What it means, if it is the protocol's.
    known: Option<Name>,
    value: Cow<'a, str>,
}

/// The parameters of query and fragment together: servers put `iss` into one and the token into the other.
struct Params<'a>(Vec<Param<'a>>);

impl<'a> Params<'a> {
    fn read(parts: &Parts<'a>) -> Self {
        let mut params = Vec::with_capacity(4);
        for (mark, part) in [('?', parts.query), ('#', parts.fragment)] {
            for written in part.unwrap_or_default().split('&') {
                if let Some((name, value)) = form::parse(written).next() {
                    params.push(Param { mark, written, known: Name::of(&name), name, value });
                }
            }
        }
        Self(params)
    }

    /// Some are the protocol's, and none of these comes twice.
    fn check_once(&self) -> Result<(), CallbackIgnored> {
        let mut seen = 0_u32;
        for name in self.0.iter().filter_map(|param| param.known) {
            let this = 1 << name as u32;
            if seen & this != 0 {
                return Err(CallbackIgnored::DuplicateParameter);
            }
            seen |= this;
        }
        if seen == 0 { Err(CallbackIgnored::NotACallback) } else { Ok(()) }
    }

    /// The redirect URI's own parameters have their values, and are there where the callback shows its query.
    fn have_query_of(&self, redirect_uri: &str, has_whole_query: bool) -> bool {
        let query = redirect_uri.split_once('?').map_or("", |(_, query)| query);
        let own: Vec<_> = form::parse(query).collect();
        let in_query = || self.0.iter().filter(|param| param.mark == '?');
        let is_other = |param: &Param<'_>| {
            let mut values = own.iter().filter(|(name, _)| *name == param.name).map(|(_, value)| value).peekable();
            values.peek().is_some() && !values.any(|value| *value == param.value)
        };
        let is_there = |(name, value): &_| in_query().any(|param| param.name == *name && param.value == *value);
        !in_query().any(is_other) && (!has_whole_query || own.iter().all(is_there))
    }

    fn get(&self, name: Name) -> Option<&str> {
        self.0.iter().find(|param| param.known == Some(name)).map(|param| &*param.value)
    }

    /// What it brings, once it is known whose it is.
    fn outcome(&self, expected: &Expected<'_>, now: Timestamp) -> Result<Outcome, CallbackIgnored> {
        let error = self.get(Name::Error);
        let brought = match expected.flow {
            Flow::Code => self.get(Name::Code).filter(|code| is_code(code)),
            Flow::Implicit => self.get(Name::AccessToken).filter(|token| !token.is_empty()),
        };
        match (error, brought) {
            (Some(error), _) if !error.is_empty() => Ok(Outcome::Failed(self.error(expected.state))),
            // An error without a name beside what was asked for is none.
            (Some(_), None) => Ok(Outcome::Failed(self.error(expected.state))),
            (None, None) => Err(CallbackIgnored::Incomplete),
            (_, Some(brought)) => Ok(match expected.flow {
                Flow::Code => Outcome::Code(Secret::new(brought)),
                Flow::Implicit => self.tokens(now),
            }),
        }
    }

    /// The URL without what is the protocol's; of `state`, the caller's own part stays. A scope beside something else of an
    /// answer is the answer's (RFC 6749 sections 4.2.2 and 5.1), and goes with it; any other is the page's own, and stays.
    fn cleaned(&self, base: &str, caller_part: impl Fn(&str) -> Option<String>) -> String {
        let mut url = String::with_capacity(base.len() + 64);
        url.push_str(base);
        let mut last = None;
        let is_answer = |param: &Param<'_>| param.known.is_some_and(|name| name != Name::Scope);
        let answers = |mark| self.0.iter().any(|param| param.mark == mark && is_answer(param));
        for param in &self.0 {
            let kept = match param.known {
                Some(Name::State) => caller_part(&param.value).and_then(|part| state_of(&part)),
                Some(Name::Scope) if answers(param.mark) => None,
                Some(Name::Scope) | None => Some(Cow::Borrowed(param.written)),
                Some(_) => None,
            };
            if let Some(kept) = kept {
                url.push(if last == Some(param.mark) { '&' } else { param.mark });
                url.push_str(&kept);
                last = Some(param.mark);
            }
        }
        url
    }

    fn error(&self, state: &str) -> Fault {
        // The server may quote what it was asked, or what it gives along with the error.
        let given = [Name::Code, Name::AccessToken, Name::RefreshToken, Name::IdToken];
        let secrets: Vec<&str> = given.into_iter().filter_map(|name| self.get(name)).chain([state]).collect();
        let cleaned = |name| self.get(name).map(|text| clean(text, &secrets));
        Fault {
            code: cleaned(Name::Error).map(|code| ErrorCode::parse(&code)),
            description: cleaned(Name::ErrorDescription),
            uri: cleaned(Name::ErrorUri).filter(|url| shown_url(url).is_some()),
            ..Fault::new(FaultKind::Refused)
        }
    }

    fn tokens(&self, now: Timestamp) -> Outcome {
        let is_of_tokens = |name| !matches!(name, Name::State | Name::Issuer);
        let own = self.0.iter().filter(|param| param.known.is_some_and(is_of_tokens));
        let texts = own.map(|param| (Cow::Borrowed(&*param.name), Cow::Borrowed(&*param.value)));
        let object = Members::from_texts(texts);
        let mut deviations = Vec::new();
        match read_object(object, now, &mut deviations) {
            Ok(tokens) => {
                // In a fragment everything is text.
                deviations.retain(|deviation| *deviation != Deviation::NumberAsText);
                deviations.sort_unstable();
                Outcome::Tokens(Box::new(ReadTokens { tokens, deviations }))
            }
            Err(what) => Outcome::Failed(Fault::described(FaultKind::Malformed, what)),
        }
    }
}

/// `localhost:8080/cb`: what stands before the colon is a host and no scheme, since a port follows.
fn is_host_and_port(text: &str) -> bool {
    let port = text.split_once(':').map(|(_, rest)| rest.split('/').next().unwrap_or_default());
    port.is_some_and(|port| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()))
}

/// `scheme:` at the start. A query cannot look like it: `=` is no part of a scheme.
fn has_scheme(text: &str) -> bool {
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || b"+-.".contains(byte);
    text.starts_with(|c: char| c.is_ascii_alphabetic()) && text.bytes().find(|byte| !is_part(byte)) == Some(b':')
}
