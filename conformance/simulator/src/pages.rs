//! The few pages that a person sees. No script (but one that submits a form post), no outside
//! resource, and a policy that says so.

use std::fmt::Write as _;

use axum::body::Body;
use axum::http::{HeaderValue, header};
use url::Url;

use crate::answer::Answer;
use crate::residents::Person;

const STYLE: &str = include_str!("page.css");

pub(crate) struct Consent<'a> {
    pub(crate) nonce: &'a str,
    pub(crate) client: &'a str,
    pub(crate) scope: &'a str,
    pub(crate) people: &'a [Person],
    pub(crate) chosen: Option<&'a Person>,
    /// What `decision=` and `person=` are appended to.
    pub(crate) decide: &'a str,
    /// What `login_hint=` is appended to, to show the page for somebody else.
    pub(crate) choose: &'a str,
    pub(crate) note: &'a str,
}

/// Accept or decline. Both are links, so that no `form-action` policy meets the redirect.
pub(crate) fn consent(page: &Consent<'_>) -> Answer {
    let mut body =
        format!("<h1>{}</h1><p>{}</p><h2>It asks for</h2><ul class=scopes>", escape(page.client), escape(page.note));
    for word in page.scope.split_ascii_whitespace() {
        let _ = write!(body, "<li><code>{}</code></li>", escape(word));
    }
    body.push_str("</ul><h2>Sign in as</h2><ul class=people>");
    for person in page.people {
        let chosen = page.chosen.is_some_and(|chosen| chosen.id == person.id);
        let _ = write!(
            body,
            "<li><a href=\"{}login_hint={}\"{}><b>{}</b><span>{}</span></a></li>",
            escape(page.choose),
            escape(&encode(&person.email)),
            if chosen { " aria-current=true" } else { "" },
            escape(&person.display_name()),
            escape(&person.email),
        );
    }
    body.push_str("</ul><p class=buttons>");
    let id = page.chosen.map(|person| encode(&person.id)).unwrap_or_default();
    for (decision, label) in [("decline", "Decline"), ("accept", "Accept")] {
        let _ = write!(
            body,
            "<a class={decision} id={decision} rel=nofollow href=\"{}decision={decision}&amp;person={}\">{label}</a>",
            escape(page.decide),
            escape(&id),
        );
    }
    body.push_str("</p>");
    html(page.nonce, 200, "Sign in", &body, "'none'").outcome("page")
}

/// The person types the code that the device shows.
pub(crate) fn enter_code(nonce: &str) -> Answer {
    let body = "<h1>Sign in a device</h1><form action=/verify><label for=code>The code on its screen</label>\
        <input id=code name=user_code inputmode=numeric autocomplete=one-time-code maxlength=6 required autofocus>\
        <p class=buttons><button>Next</button></p></form>";
    html(nonce, 200, "Sign in a device", body, "'self'").outcome("page")
}

pub(crate) fn message(nonce: &str, status: u16, title: &str, text: &str) -> Answer {
    let body = format!("<h1>{}</h1><p>{}</p>", escape(title), escape(text));
    html(nonce, status, title, &body, "'none'").outcome(if status < 400 { "page" } else { "error_page" })
}

/// What an app would have been sent.
pub(crate) fn landed(nonce: &str, params: &[(String, String)]) -> Answer {
    let mut body = "<h1>Your app comes next</h1><p>This is what it would be sent:</p>".to_owned();
    for (name, value) in params {
        let _ = write!(body, "<h2>{}</h2><p><code>{}</code></p>", escape(name), escape(value));
    }
    html(nonce, 200, "Your app comes next", &body, "'none'").outcome("page")
}

/// `response_mode=form_post`: the browser posts the answer to the client.
pub(crate) fn form_post(nonce: &str, target: &str, params: &[(String, String)]) -> Answer {
    let mut body = format!("<h1>Back to the app</h1><form id=f method=post action=\"{}\">", escape(target));
    for (name, value) in params {
        let _ = write!(body, "<input type=hidden name=\"{}\" value=\"{}\">", escape(name), escape(value));
    }
    let _ = write!(
        body,
        "<p class=buttons><button>Continue</button></p></form>\
         <script nonce={nonce}>document.getElementById('f').submit()</script>"
    );
    let to = Url::parse(target).map_or("'none'".into(), |url| match url.origin() {
        url::Origin::Tuple(..) => url.origin().ascii_serialization(),
        url::Origin::Opaque(_) => format!("{}:", url.scheme()),
    });
    html(nonce, 200, "Back to the app", &body, &to).outcome("page")
}

/// A page that is read like a report.
pub(crate) fn wide(nonce: &str, title: &str, body: &str) -> Answer {
    html(nonce, 200, title, &format!("<div class=report>{body}</div>"), "'none'").outcome("page")
}

fn html(nonce: &str, status: u16, title: &str, body: &str, form_action: &str) -> Answer {
    let page = format!(
        "<!doctype html><html lang=en><meta charset=utf-8>\
         <meta name=viewport content=\"width=device-width, initial-scale=1\">\
         <title>{} - Webex OAuth simulator</title><style nonce={nonce}>{STYLE}</style>\
         <main>{body}</main><footer>Webex OAuth simulator: nothing here is real.</footer></html>",
        escape(title),
    );
    let policy = format!(
        "default-src 'none'; style-src 'nonce-{nonce}'; script-src 'nonce-{nonce}'; base-uri 'none'; \
         form-action {form_action}; frame-ancestors 'none'"
    );
    let mut answer = Answer::empty(status);
    *answer.response.body_mut() = Body::from(page);
    let headers = answer.response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    answer
}

fn encode(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

pub(crate) fn escape(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut out, char| {
        match char {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            char => out.push(char),
        }
        out
    })
}
