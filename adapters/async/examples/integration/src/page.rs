//! What people see. Every outcome has a page, in plain words, with one thing to do next.

use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use maud::{DOCTYPE, Markup, html};

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
    pub(crate) has_space: bool,
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
                h1 #name dir="auto" { (person.name) }
                @if let Some(email) = &person.email { p.email dir="auto" { (email) } }
                div.buttons {
                    @if person.has_space { a.button.primary #space href="/space#newest" { "Open the space" } }
                    @if person.can_refresh {
                        form method="post" action="/refresh" { button #refresh { "Refresh now" } }
                    }
                    form method="post" action="/logout" { button #logout { "Sign out" } }
                }
            }
            section.card.quiet {
                h2 { "This session" }
                (scope_list("You allowed", &person.scopes))
                dl {
                    @if let Some(expires) = &person.expires { dt { "Access" } dd { "good for " (expires) } }
                    @if person.can_refresh { dt { "Renewed" } dd #renewed { (times(person.generation)) } }
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
                    dt { "Name" } dd #front-name dir="auto" { "…" }
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

fn scope_list(title: &str, scopes: &[String]) -> Markup {
    html! {
        @if !scopes.is_empty() {
            h2.small { (title) }
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

/// How often a session was renewed: its first tokens came with the sign-in.
fn times(generation: u64) -> String {
    match generation.saturating_sub(1) {
        0 => "not yet".to_owned(),
        1 => "once".to_owned(),
        times => format!("{times} times"),
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
        assert_eq!([1, 2, 3].map(times), ["not yet", "once", "2 times"]);
    }
}
