//! What holds for every request: whole bodies, nothing posted by other sites, a policy, and a page for what is no address.

use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use crate::app::Shared;
use crate::notice::Notice;
use crate::serve::Place;

pub(crate) async fn not_found() -> Response {
    Notice::home(StatusCode::NOT_FOUND, "There is nothing here", "This address leads nowhere.").into_response()
}

pub(crate) async fn wrong_method() -> Response {
    let text = "This address is no page: it belongs to a button or to a script. Nothing was done.";
    Notice::home(StatusCode::METHOD_NOT_ALLOWED, "Not like this", text).into_response()
}

/// Refuses what other sites make a browser post, and gives every answer its policy.
pub(crate) async fn guard(State(shared): State<Shared>, request: Request, next: Next) -> Response {
    let line = shared.debug.then(|| format!("{} {}", request.method(), request.uri().path()));
    let mut response = if request.method() == "POST" && is_foreign(&request) {
        let text = "This request came from another site, so nothing was done.";
        Notice::new(StatusCode::FORBIDDEN, "Not from here", text).into_response()
    } else {
        match whole(request, shared.patience).await {
            Ok(request) => next.run(request).await,
            Err(notice) => notice.into_response(),
        }
    };
    if let Some(line) = line {
        eprintln!("oauth: {line} {}", response.status().as_u16());
    }
    let headers = response.headers_mut();
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(HeaderValue::from_static(POLICY));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    // Not `no-referrer`: with that, forms of our own would come from nowhere.
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert("cross-origin-opener-policy", HeaderValue::from_static("same-origin"));
    response
}

/// A body is no longer: ours are a few fields.
const LONGEST_BODY: usize = 64 * 1024;

/// The request with all of its body. Only then its connection counts as busy: who sends a body drop by drop is idle.
async fn whole(request: Request, patience: Duration) -> Result<Request, Notice> {
    let (parts, body) = request.into_parts();
    let Ok(read) = tokio::time::timeout(patience, to_bytes(body, LONGEST_BODY)).await else {
        let text = "The request did not arrive in time, so nothing was done.";
        return Err(Notice::home(StatusCode::REQUEST_TIMEOUT, "That took too long", text));
    };
    let Ok(body) = read else {
        let text = "What was sent is more than this integration takes, so nothing was done.";
        return Err(Notice::home(StatusCode::PAYLOAD_TOO_LARGE, "That is too much", text));
    };
    if let Some(place) = parts.extensions.get::<Place>() {
        place.busy();
    }
    Ok(Request::from_parts(parts, Body::from(body)))
}

/// Nothing from elsewhere, nothing inline.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; \
                      form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// The browser says where a request comes from; who says nothing is no browser.
fn is_foreign(request: &Request) -> bool {
    let text = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok());
    if let Some(site) = text("sec-fetch-site") {
        return site != "same-origin";
    }
    match (text("origin"), text("host")) {
        (None, _) => false,
        (Some(origin), Some(host)) => origin.split_once("://").is_none_or(|(_, origin)| origin != host),
        (Some(_), None) => true,
    }
}
