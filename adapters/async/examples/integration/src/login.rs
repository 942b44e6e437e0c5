//! Signing in and out: `/login`, `/oauth`, `/logout`.

use axum::extract::{Query, RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};
use axum_extra::extract::cookie::SignedCookieJar;
use serde_json::{Map, Value, json};
use webex_oauth_async::webex_oauth::{CallbackIgnored, Flow, LoginOptions, LoginState, SignOutOptions};
use webex_oauth_async::{Client, ClientError};

use crate::app::Shared;
use crate::cookies::{self, LOGIN, SESSION};
use crate::front;
use crate::page::{self, Notice};
use crate::users::is_signed_in;

/// Where a login leads to, and by which flow: `?to=front`, `?flow=implicit`.
type Wishes = std::collections::HashMap<String, String>;

/// Begins a login in a room of its own, so that whoever is signed in stays so until it has worked out.
pub(crate) async fn begin(
    State(shared): State<Shared>,
    jar: SignedCookieJar,
    Query(wishes): Query<Wishes>,
) -> Result<Response, Response> {
    let (key, client) = shared.users.create().map_err(|error| trouble(&error))?;
    let mut state = Map::new();
    if let Some(text) = &shared.state {
        state.insert("state".to_owned(), text.as_str().into());
    }
    if wishes.get("to").is_some_and(|to| to == "front") {
        state.insert("to".to_owned(), "front".into());
    }
    let implicit = wishes.get("flow").is_some_and(|flow| flow == "implicit");
    let options = LoginOptions {
        flow: if implicit { Flow::Implicit } else { Flow::Code },
        state: LoginState::Json(Value::Object(state).to_string()),
        ..LoginOptions::default()
    };
    let url = match client.begin_login(options).await {
        Ok(url) => url,
        Err(error) => {
            shared.users.forget(&key);
            return Err(trouble(&error));
        }
    };
    Ok((cookies::with(jar, LOGIN, key, shared.secure), Redirect::to(url.expose())).into_response())
}

/// The browser came back with an answer in the query, or with one in the fragment, which we do not see.
pub(crate) async fn callback(
    State(shared): State<Shared>,
    jar: SignedCookieJar,
    RawQuery(query): RawQuery,
) -> Response {
    match query.filter(|query| !query.is_empty()) {
        None => page::fragment(),
        Some(query) => match complete(&shared, &jar, query).await {
            Ok((jar, next)) => (jar, Redirect::to(&next)).into_response(),
            Err((jar, notice)) => (jar, notice.into_response()).into_response(),
        },
    }
}

/// The same, posted by the page that has read the fragment: it asks where to go on.
pub(crate) async fn callback_form(State(shared): State<Shared>, jar: SignedCookieJar, body: String) -> Response {
    match complete(&shared, &jar, body).await {
        Ok((jar, next)) => (jar, axum::Json(json!({ "next": next }))).into_response(),
        Err((jar, notice)) => (jar, notice.into_response()).into_response(),
    }
}

/// Ends the login of this browser, and makes it the session if it worked out. Answers where to go on.
async fn complete(
    shared: &Shared,
    jar: &SignedCookieJar,
    callback: String,
) -> Result<(SignedCookieJar, String), (SignedCookieJar, Notice)> {
    let before = cookies::read(jar, SESSION);
    let signed_in = before.as_deref().and_then(|key| shared.users.get(key)).is_some_and(|user| is_signed_in(&user));
    let login = cookies::read(jar, LOGIN).and_then(|key| Some((shared.users.get(&key)?, key)));
    let Some((client, key)) = login else {
        return Err((jar.clone(), page::callback_ignored(CallbackIgnored::NoLoginPending, signed_in)));
    };
    let (forgets, notice) = match client.complete_login(callback).await {
        Ok(done) => {
            let state: Value = done.state.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
            let next = if state["to"] == "front" { front::handoff_url(&client) } else { None };
            let jar = cookies::with(cookies::without(jar.clone(), LOGIN), SESSION, key.clone(), shared.secure);
            if let Some(before) = before.filter(|before| *before != key) {
                leave(shared.clone(), before);
            }
            return Ok((jar, next.unwrap_or_else(|| "/".to_owned())));
        }
        Err(ClientError::LoginFailed { fault }) => (true, page::login_failed(&fault)),
        // That login still waits, unless there is none.
        Err(ClientError::CallbackIgnored { reason }) => (false, page::callback_ignored(reason, signed_in)),
        Err(error) => (false, unexpected(&error)),
    };
    if !forgets {
        return Err((jar.clone(), notice));
    }
    shared.users.forget(&key);
    Err((cookies::without(jar.clone(), LOGIN), notice))
}

pub(crate) async fn logout(State(shared): State<Shared>, jar: SignedCookieJar) -> Response {
    if let Some(key) = cookies::read(&jar, SESSION) {
        leave(shared, key);
    }
    (cookies::without(jar, SESSION), Redirect::to("/")).into_response()
}

/// Signs a user out for good. The browser does not wait for the revocation.
fn leave(shared: Shared, key: String) {
    let Some(client) = shared.users.get(&key) else {
        return;
    };
    tokio::spawn(async move {
        // Here it is complete at once, whatever the server says.
        let _ = client.sign_out(SignOutOptions::default()).await;
        shared.users.forget(&key);
    });
}

/// The user of this browser, if somebody is signed in.
pub(crate) fn user(shared: &Shared, jar: &SignedCookieJar) -> Option<Client> {
    let key = cookies::read(jar, SESSION)?;
    shared.users.get(&key).filter(is_signed_in)
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
        ClientError::Unavailable { .. } | ClientError::Timeout { .. } | ClientError::Call { .. } => Notice::new(
            StatusCode::BAD_GATEWAY,
            "Webex does not answer",
            "You are still signed in. It usually helps to try again in a moment.",
        ),
        _ => Notice::new(StatusCode::INTERNAL_SERVER_ERROR, "This did not work", "Nothing was changed."),
    };
    notice.detail = Some(error.to_string());
    notice
}

fn trouble(error: &ClientError) -> Response {
    unexpected(error).into_response()
}
