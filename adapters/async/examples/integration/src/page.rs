//! What people see. Every outcome has a page, in plain words, with one thing to do next.

use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use maud::{DOCTYPE, Markup, html};
use webex_oauth_async::webex_oauth::{CallbackIgnored, ErrorCode, Fault};

/// A whole page around `body`.
pub(crate) fn page(title: &str, body: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) " · Webex integration" }
                link rel="stylesheet" href="/style.css";
                link rel="icon" href="/icon.svg" type="image/svg+xml";
            }
            body {
                header { a href="/" { span.mark aria-hidden="true" {} "Webex integration" } }
                main { (body) }
            }
        }
    }
}

/// The way in.
pub(crate) fn home(scopes: &[String], simulated: bool) -> Markup {
    page(
        "Sign in",
        &html! {
            section.card {
                h1 { "Sign in with Webex" }
                p { "Start, choose who you are, and accept. This page then shows your name, read from Webex with the
                     permission that you gave." }
                (scope_list("It will ask for", scopes))
                div.buttons { a.button.primary #start href="/login" { "Start" } }
            }
            section.card.quiet {
                h2 { "Other ways" }
                ul.links {
                    li { a #start-front href="/login?to=front" { "Sign in and hand over to a single-page front end" } }
                    li { a #start-implicit href="/login?flow=implicit" { "Sign in with the implicit flow" } }
                }
            }
            @if simulated { (simulated_note()) }
        },
    )
}

/// Who is signed in.
pub(crate) struct Person {
    pub(crate) name: String,
    pub(crate) email: Option<String>,
    pub(crate) has_picture: bool,
    pub(crate) scopes: Vec<String>,
    pub(crate) expires: Option<String>,
    pub(crate) sign_in_again: Option<String>,
    pub(crate) generation: u64,
    pub(crate) can_refresh: bool,
    pub(crate) simulated: bool,
}

pub(crate) fn me(person: &Person) -> Markup {
    page(
        &person.name,
        &html! {
            section.card.person {
                @if person.has_picture { img.picture src="/picture" width="96" height="96" alt=""; }
                @else { span.picture aria-hidden="true" { (initials(&person.name)) } }
                p.greeting { "You are signed in as" }
                h1 #name { (person.name) }
                @if let Some(email) = &person.email { p.email { (email) } }
                div.buttons {
                    @if person.can_refresh {
                        form method="post" action="/refresh" { button #refresh { "Refresh now" } }
                    }
                    form method="post" action="/logout" { button.primary #logout { "Sign out" } }
                }
            }
            section.card.quiet {
                h2 { "This session" }
                (scope_list("You allowed", &person.scopes))
                dl {
                    dt { "Access token" }
                    dd { "number " span #generation { (person.generation) }
                         @if let Some(expires) = &person.expires { ", good for " (expires) } }
                    @if let Some(again) = &person.sign_in_again { dt { "Sign in again" } dd { "within " (again) } }
                    @if !person.can_refresh { dt { "Renewal" } dd { "not possible: the implicit flow has none" } }
                }
                ul.links { li { a #handoff href="/handoff" { "Hand over to the single-page front end" } } }
            }
            @if person.simulated { (simulated_note()) }
        },
    )
}

/// The single-page front end: its script does the rest.
pub(crate) fn front() -> Markup {
    page(
        "Front end",
        &html! {
            section.card {
                h1 { "Front end" }
                p #front-status role="status" { "Looking for a session …" }
                dl #front-facts hidden {
                    dt { "Name" } dd #front-name { "…" }
                    dt { "Token" } dd #front-token {}
                }
                div.buttons {
                    button #front-refresh hidden { "Refresh" }
                    a.button href="/" { "Back" }
                }
            }
            script src="/front.js" {}
        },
    )
}

/// The browser came back without a query: an answer may be in the fragment, which only the browser sees.
pub(crate) fn fragment() -> Response {
    let body = page(
        "Sign-in",
        &html! {
            section.card #waiting hidden { h1 { "One moment" } p role="status" { "Finishing the sign-in …" } }
            section.card.notice #nothing {
                h1 { "Nothing came back" }
                p { "This page is where Webex sends you after you have decided. Its answer is missing." }
                div.buttons { a.button.primary href="/" { "Back to the start" } }
            }
            script src="/fragment.js" {}
        },
    );
    (StatusCode::BAD_REQUEST, body).into_response()
}

/// Something did not work out: what happened, and what to do.
pub(crate) struct Notice {
    pub(crate) status: StatusCode,
    pub(crate) title: &'static str,
    pub(crate) text: String,
    /// For a developer or for support: a code, a tracking id.
    pub(crate) detail: Option<String>,
    /// The label of the link that begins a login; none leads home only.
    pub(crate) again: Option<&'static str>,
}

impl Notice {
    pub(crate) fn new(status: StatusCode, title: &'static str, text: impl Into<String>) -> Self {
        Self { status, title, text: text.into(), detail: None, again: Some("Try again") }
    }

    pub(crate) fn into_response(self) -> Response {
        let body = page(
            self.title,
            &html! {
                section.card.notice {
                    h1 { (self.title) }
                    p { (self.text) }
                    @if let Some(detail) = &self.detail { p.detail { (detail) } }
                    div.buttons {
                        a.button.primary[self.again.is_none()] href="/" { "Back to the start" }
                        @if let Some(again) = self.again { a.button.primary #again href="/login" { (again) } }
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
    match reason {
        CallbackIgnored::NoLoginPending if signed_in => {
            let mut notice = Notice::new(bad, "Already done", "This sign-in is finished. You are signed in.");
            notice.again = None;
            notice
        }
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

fn scope_list(title: &str, scopes: &[String]) -> Markup {
    html! {
        @if !scopes.is_empty() {
            h3 { (title) }
            ul.scopes { @for scope in scopes { li { code { (scope) } } } }
        }
    }
}

fn simulated_note() -> Markup {
    html! {
        p.note { "There are no credentials, so a simulated Webex answers. Set " code { "CLIENT_ID" } " and "
                 code { "CLIENT_SECRET" } " to use the real one." }
    }
}

fn initials(name: &str) -> String {
    name.split_whitespace().filter_map(|word| word.chars().next()).take(2).collect()
}

/// `14 days`, `59 minutes`, `5 seconds`: rounded, for a token is a moment old when people see it.
pub(crate) fn in_words(millis: i64) -> String {
    let seconds = (millis / 1000).max(0);
    let (length, unit) = match seconds {
        172_800.. => (86_400, "day"),
        7200.. => (3600, "hour"),
        120.. => (60, "minute"),
        _ => (1, "second"),
    };
    let number = (seconds + length / 2) / length;
    format!("{number} {unit}{}", if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_like_speech() {
        assert_eq!(in_words(1_209_599_000), "14 days");
        assert_eq!(in_words(1_166_000_000), "13 days");
        assert_eq!(in_words(7_200_000), "2 hours");
        assert_eq!(in_words(3_600_000), "60 minutes");
        assert_eq!(in_words(1000), "1 second");
        assert_eq!(in_words(-5), "0 seconds");
    }

    #[test]
    fn what_a_server_says_is_text_and_never_markup() {
        let mut fault = Fault::new(webex_oauth_async::webex_oauth::FaultKind::Refused);
        fault.description = Some("<script>alert(1)</script>".to_owned());
        let notice = login_failed(&fault);
        let shown = html! { (notice.detail.unwrap_or_default()) }.into_string();
        assert!(!shown.contains("<script>"), "{shown}");
    }
}
