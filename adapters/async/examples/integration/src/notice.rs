//! Something is to be said: what happened, in plain words, and one thing to do next.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use maud::html;
use serde_json::{Value, json};
use webex_oauth_async::ClientError;
use webex_oauth_async::webex_oauth::{CallbackIgnored, ErrorCode, Fault};

use crate::page::page;

pub(crate) struct Notice {
    pub(crate) status: StatusCode,
    pub(crate) title: String,
    pub(crate) text: String,
    /// For a developer or for support: a code, a tracking id.
    pub(crate) detail: Option<String>,
    /// The label of the link that begins a login; none leads home only.
    pub(crate) again: Option<String>,
    /// For somebody who is signed in, and may want to end that.
    pub(crate) may_leave: bool,
}

impl Notice {
    pub(crate) fn new(status: StatusCode, title: &str, text: impl Into<String>) -> Self {
        let again = Some("Try again".to_owned());
        Self { status, title: title.to_owned(), text: text.into(), detail: None, again, may_leave: false }
    }

    /// One with no other way than home.
    pub(crate) fn home(status: StatusCode, title: &str, text: impl Into<String>) -> Self {
        Self { again: None, ..Self::new(status, title, text) }
    }

    /// As a text that a cookie can carry.
    pub(crate) fn to_text(&self) -> String {
        let Self { status, title, text, detail, again, may_leave: _ } = self;
        json!([status.as_u16(), title, text, detail, again]).to_string()
    }

    pub(crate) fn from_text(text: &str) -> Option<Self> {
        let parts: Value = serde_json::from_str(text).ok()?;
        let part = |at: usize| parts[at].as_str().map(str::to_owned);
        let status = StatusCode::from_u16(u16::try_from(parts[0].as_u64()?).ok()?).ok()?;
        let notice = Self::new(status, &part(1)?, part(2)?);
        Some(Self { detail: part(3), again: part(4), ..notice })
    }
}

impl IntoResponse for Notice {
    fn into_response(self) -> Response {
        // Only what went wrong looks like it.
        let wrong = self.status.is_client_error() || self.status.is_server_error();
        let body = page(
            &self.title,
            &html! {
                section.card.notice[wrong] {
                    h1 { (self.title) }
                    p dir="auto" { (self.text) }
                    @if let Some(detail) = &self.detail { p.detail { (detail) } }
                    div.buttons {
                        a.button.primary[self.again.is_none()] href="/" { "Back to the start" }
                        @if let Some(again) = &self.again { a.button.primary #again href="/login" { (again) } }
                        @if self.may_leave {
                            form method="post" action="/logout" { button #logout { "Sign out" } }
                        }
                    }
                }
            },
        );
        (self.status, body).into_response()
    }
}

/// A login that the person or the server ended.
pub(crate) fn login_failed(fault: &Fault) -> Notice {
    let from_exchange = fault.status.is_some() || fault.send.is_some();
    let mut notice = match &fault.code {
        _ if from_exchange => Notice::new(
            StatusCode::BAD_GATEWAY,
            "Webex did not complete the sign-in",
            "You accepted, but Webex did not give out the access. Nothing was stored.",
        ),
        Some(ErrorCode::AccessDenied) => Notice::new(
            StatusCode::FORBIDDEN,
            "You declined",
            "No access was given, and nothing was stored. You can change your mind at any time.",
        ),
        Some(ErrorCode::InvalidScope) => Notice::new(
            StatusCode::BAD_REQUEST,
            "The permissions do not fit",
            "This integration asks for a permission that it is not registered for. Its SCOPES have to be a part of \
             those chosen on the developer portal.",
        ),
        Some(ErrorCode::ServerError | ErrorCode::TemporarilyUnavailable) => Notice::new(
            StatusCode::BAD_GATEWAY,
            "Webex has a problem",
            "Webex could not handle the request. It usually helps to try again in a few minutes.",
        ),
        Some(_) | None => Notice::new(StatusCode::BAD_REQUEST, "The sign-in failed", "Webex ended the sign-in."),
    };
    notice.detail = Some(fault.to_string());
    notice
}

/// A callback that is not the answer to the login of this browser.
pub(crate) fn callback_ignored(reason: CallbackIgnored, signed_in: bool) -> Notice {
    let bad = StatusCode::BAD_REQUEST;
    let done = || Notice::home(StatusCode::OK, "Already done", "This sign-in is finished. You are signed in.");
    match reason {
        CallbackIgnored::AlreadyCompleted => done(),
        CallbackIgnored::NoLoginPending if signed_in => done(),
        CallbackIgnored::NoLoginPending => Notice::new(
            bad,
            "No sign-in is under way here",
            "It was finished before, it took too long, or it was begun in another browser.",
        ),
        CallbackIgnored::WrongState | CallbackIgnored::WrongIssuer | CallbackIgnored::OtherUrl => Notice::new(
            bad,
            "This answer is not for you",
            "It does not belong to the sign-in that was begun in this browser, so it was not used. Somebody may have \
             sent you this link.",
        ),
        CallbackIgnored::Incomplete | CallbackIgnored::NotACallback => {
            Notice::new(bad, "Nothing came back", "The answer of Webex is missing from the address of this page.")
        }
        CallbackIgnored::DuplicateParameter | CallbackIgnored::TooLong => Notice::new(
            bad,
            "This answer cannot be read",
            "The address of this page is not what Webex sends, so it was not used.",
        ),
    }
}

/// The page for what nobody planned for.
pub(crate) fn unexpected(error: &ClientError) -> Notice {
    let mut notice = match error {
        ClientError::SignInRequired { .. } => {
            Notice::new(StatusCode::UNAUTHORIZED, "Please sign in again", "Your session with Webex has ended.")
        }
        ClientError::Store(_) | ClientError::Restore(_) => Notice::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "Sessions cannot be kept right now",
            "The place where this integration keeps its sessions does not work.",
        ),
        ClientError::Unavailable { .. } | ClientError::Timeout { .. } | ClientError::Call { .. } => {
            Notice::new(StatusCode::BAD_GATEWAY, "Webex does not answer", "It usually helps to try again in a moment.")
        }
        _ => Notice::new(StatusCode::INTERNAL_SERVER_ERROR, "This did not work", "Nothing was changed."),
    };
    notice.detail = Some(error.to_string());
    notice
}

/// The same for somebody who is signed in, which it does not change.
pub(crate) fn for_user(error: &ClientError) -> Notice {
    let notice = unexpected(error);
    match error {
        ClientError::Unavailable { .. } | ClientError::Timeout { .. } | ClientError::Call { .. } => {
            Notice { text: format!("You are still signed in. {}", notice.text), again: None, may_leave: true, ..notice }
        }
        _ => notice,
    }
}

/// Webex answered a call for somebody who is signed in with this status.
pub(crate) fn refused(what: &str, status: u16) -> Notice {
    let mut notice = match status {
        // Refused with a fresh token as well, or with one that cannot be renewed.
        401 => Notice::new(
            StatusCode::UNAUTHORIZED,
            "Please sign in again",
            "Webex does not accept this session any longer.",
        ),
        429 => Notice::home(
            StatusCode::SERVICE_UNAVAILABLE,
            "Webex asks us to wait",
            "You are still signed in. There were too many requests; it helps to come back in a few minutes.",
        ),
        _ => Notice::home(
            StatusCode::BAD_GATEWAY,
            "Webex does not answer",
            "You are still signed in. It usually helps to try again in a moment.",
        ),
    };
    notice.detail = Some(format!("{what} answered {status}"));
    notice.again = notice.again.map(|_| "Sign in".to_owned());
    notice.may_leave = true;
    notice
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_server_says_is_text_and_never_markup() {
        let mut fault = Fault::new(webex_oauth_async::webex_oauth::FaultKind::Refused);
        fault.description = Some("<script>alert(1)</script>".to_owned());
        let notice = login_failed(&fault);
        let shown = html! { (notice.detail.unwrap_or_default()) }.into_string();
        assert!(!shown.contains("<script>"), "{shown}");
    }

    #[test]
    fn a_notice_survives_its_cookie_and_nonsense_does_not() {
        let notice = Notice::home(StatusCode::FORBIDDEN, "You declined", "ä \"quoted\"");
        let read = Notice::from_text(&notice.to_text()).unwrap();
        assert_eq!((read.status, read.text, read.detail, read.again), (notice.status, notice.text, None, None));
        for text in ["", "[]", "[9999,\"a\",\"b\"]", "{}"] {
            assert!(Notice::from_text(text).is_none(), "{text}");
        }
    }
}
