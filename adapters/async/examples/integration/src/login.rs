//! Signing in and out: `/login`, `/oauth`, `/logout`.

use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use serde_json::{Map, Value, json};
use webex_oauth_async::webex_oauth::{CallbackIgnored, ErrorCode, Fault, Flow, LoginOptions, LoginState};
use webex_oauth_async::{Client, ClientError};

use crate::app::Shared;
use crate::cookies::{Cookies, Kind};
use crate::logins::Ended;
use crate::notice::{Notice, callback_ignored, for_user, login_failed, unexpected};
use crate::{front, page, person};

/// Begins a login beside whoever is signed in: that session stays until the login has worked out.
pub(crate) async fn begin(
    State(shared): State<Shared>,
    cookies: Cookies,
    RawQuery(query): RawQuery,
) -> Result<Response, Response> {
    // Where it leads to, and by which flow: `?to=front`, `?flow=implicit`.
    let query = query.unwrap_or_default();
    let wishes = |name: &str, value: &str| {
        url::form_urlencoded::parse(query.as_bytes()).any(|pair| pair == (name.into(), value.into()))
    };
    let mut state = Map::new();
    if let Some(text) = &shared.state {
        state.insert("state".to_owned(), text.as_str().into());
    }
    if wishes("to", "front") {
        state.insert("to".to_owned(), "front".into());
    }
    let options = LoginOptions {
        flow: if wishes("flow", "implicit") { Flow::Implicit } else { Flow::Code },
        state: LoginState::Json(Value::Object(state).to_string()),
        ..LoginOptions::default()
    };
    let (url, login) = shared.logins.begin(options).await.map_err(|error| unexpected(&error).into_response())?;
    Ok((cookies.set(Kind::Login, login), Redirect::to(url.expose())).into_response())
}

/// The browser came back with an answer in the query, or with one in the fragment, which we do not see. Whatever comes
/// of it is another page, so that code and state do not stay in the address.
pub(crate) async fn callback(State(shared): State<Shared>, cookies: Cookies, RawQuery(query): RawQuery) -> Response {
    match query.filter(|query| !query.is_empty()) {
        None => page::fragment(),
        Some(query) => match complete(&shared, cookies, query).await {
            (cookies, Ok(next)) => (cookies, Redirect::to(&next)).into_response(),
            (cookies, Err(notice)) => {
                (cookies.set(Kind::Outcome, notice.to_text()), Redirect::to("/outcome")).into_response()
            }
        },
    }
}

/// The same, posted by the page that has read the fragment: it asks where to go on.
pub(crate) async fn callback_form(State(shared): State<Shared>, cookies: Cookies, body: Bytes) -> Response {
    match complete(&shared, cookies, String::from_utf8_lossy(&body).into_owned()).await {
        (cookies, Ok(next)) => (cookies, axum::Json(json!({ "next": next }))).into_response(),
        (cookies, Err(notice)) => (cookies, notice.into_response()).into_response(),
    }
}

/// How the last login of this browser ended.
pub(crate) async fn outcome(cookies: Cookies) -> Response {
    match cookies.get(Kind::Outcome).as_deref().and_then(Notice::from_text) {
        Some(notice) => notice.into_response(),
        None => Redirect::to("/").into_response(),
    }
}

/// Ends the login of this browser, and makes it the session if it worked out. Answers where to go on.
async fn complete(shared: &Shared, cookies: Cookies, callback: String) -> (Cookies, Result<String, Notice>) {
    let before = match user(shared, &cookies).await {
        Ok(before) => before,
        Err(notice) => return (cookies, Err(notice)),
    };
    let Some(login) = cookies.get(Kind::Login) else {
        let notice = callback_ignored(CallbackIgnored::NoLoginPending, before.is_some());
        return (cookies, Err(notice));
    };
    match shared.logins.complete(&shared.sessions, &login, callback).await {
        Ok(Ended { session, client, to_front }) => {
            let handed = if to_front { front::handoff_url(&client) } else { None };
            let start = if shared.space.is_some() { "/space" } else { "/" };
            if let Some(before) = cookies.get(Kind::Session).filter(|before| *before != session) {
                leave(shared.clone(), before);
            }
            let cookies = cookies.clear(Kind::Login).clear(Kind::Outcome).set(Kind::Session, session);
            (cookies, Ok(handed.unwrap_or_else(|| start.to_owned())))
        }
        // That login still waits, unless there is none.
        Err(ClientError::CallbackIgnored { reason }) => (cookies, Err(callback_ignored(reason, before.is_some()))),
        Err(ClientError::LoginFailed { fault }) => {
            (cookies.clear(Kind::Login), Err(with_who_stays(login_failed(&fault), &fault, before).await))
        }
        Err(error) => (cookies.clear(Kind::Login), Err(unexpected(&error))),
    }
}

/// Somebody may be signed in still: who declined wants to know as whom.
async fn with_who_stays(mut notice: Notice, fault: &Fault, before: Option<Client>) -> Notice {
    let Some(client) = before else {
        return notice;
    };
    let name = person::profile(&client).await.ok().and_then(|profile| person::name(&profile));
    let who =
        name.map_or_else(|| "You are still signed in".to_owned(), |name| format!("You are still signed in as {name}"));
    if fault.code == Some(ErrorCode::AccessDenied) {
        notice.text = format!("No new access was given. {who}, with what you allowed before.");
    } else {
        notice.text = format!("{} {who}.", notice.text);
    }
    notice
}

pub(crate) async fn logout(State(shared): State<Shared>, cookies: Cookies) -> Response {
    if let Some(key) = cookies.get(Kind::Session) {
        leave(shared, key);
    }
    (cookies.clear(Kind::Session).clear(Kind::Outcome), Redirect::to("/")).into_response()
}

/// Signs a user out for good. The browser does not wait for the revocation.
fn leave(shared: Shared, session: String) {
    tokio::spawn(async move {
        if let Err(error) = shared.sessions.leave(&session).await {
            eprintln!("a sign-out is not complete: {error}");
        }
    });
}

/// The user of this browser, if somebody is signed in.
pub(crate) async fn user(shared: &Shared, cookies: &Cookies) -> Result<Option<Client>, Notice> {
    match cookies.get(Kind::Session) {
        Some(session) => shared.sessions.get(&session).await.map_err(|error| for_user(&error)),
        None => Ok(None),
    }
}
