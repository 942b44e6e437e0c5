//! For a single-page front end: it gets an access token by fragment, and new ones from `/oauth/refresh`. The refresh
//! token stays here.

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Redirect, Response};
use serde_json::{Value, json};
use webex_oauth_async::webex_oauth::Secret;
use webex_oauth_async::{Client, ClientError};

use crate::app::Shared;
use crate::cookies::Cookies;
use crate::login::user;
use crate::notice::Notice;
use crate::page;
use crate::person::me_url;

/// The front end itself.
pub(crate) async fn page() -> Response {
    page::front().into_response()
}

/// Hands the session of this browser over to the front end.
pub(crate) async fn handoff(State(shared): State<Shared>, cookies: Cookies) -> Result<Response, Notice> {
    let Some(client) = user(&shared, &cookies).await? else {
        return Ok(Redirect::to("/").into_response());
    };
    // A fresh one, if it should be due. Where that fails, the front end finds out what to do.
    let _ = client.token().await;
    Ok(Redirect::to(handoff_url(&client).as_deref().unwrap_or("/front")).into_response())
}

/// The front end with the tokens behind its `#`: there they reach no server and no log.
pub(crate) fn handoff_url(client: &Client) -> Option<String> {
    let tokens = client.tokens()?;
    Some(format!("/front#{}", tokens.to_handoff_query(webex_oauth_driver::now(), false).expose()))
}

/// Renews tokens for a front end, which has no client secret. Those of its own, if it sends a `refresh_token` as JSON;
/// otherwise those of the session of this browser, without showing their refresh token.
pub(crate) async fn refresh(
    State(shared): State<Shared>,
    cookies: Cookies,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let Ok(wish) = serde_json::from_slice::<Value>(&body) else {
        return refuse(StatusCode::BAD_REQUEST, "invalid_request", "The body has to be a JSON object.");
    };
    if !kind.starts_with("application/json") || !wish.is_object() {
        return refuse(StatusCode::BAD_REQUEST, "invalid_request", "The body has to be a JSON object.");
    }
    let Ok(user) = user(&shared, &cookies).await else {
        return refuse(
            StatusCode::SERVICE_UNAVAILABLE,
            "temporarily_unavailable",
            "Sessions cannot be read. Try again.",
        );
    };
    let renewed = match (wish.get("refresh_token"), user) {
        (Some(Value::String(token)), _) => renew_for(&shared, token).await,
        (Some(_), _) => return refuse(StatusCode::BAD_REQUEST, "invalid_request", "refresh_token has to be a text."),
        (None, Some(client)) => client.refresh().await.map(|()| handoff_json(&client, false)),
        (None, None) => return refuse(StatusCode::UNAUTHORIZED, "login_required", "Nobody is signed in."),
    };
    match renewed {
        Ok(Some(tokens)) => ([(header::CONTENT_TYPE, "application/json")], tokens.expose().to_owned()).into_response(),
        Ok(None) => refuse(StatusCode::UNAUTHORIZED, "login_required", "Nobody is signed in."),
        Err(ClientError::Unavailable { fault, .. }) if fault.is_transient() => {
            refuse(StatusCode::SERVICE_UNAVAILABLE, "temporarily_unavailable", "Webex does not answer. Try again.")
        }
        Err(ClientError::SignInRequired { .. }) => {
            refuse(StatusCode::UNAUTHORIZED, "login_required", "The session has ended. Sign in again.")
        }
        Err(ClientError::Misuse(_)) => {
            refuse(StatusCode::BAD_REQUEST, "invalid_request", "These tokens cannot be renewed.")
        }
        Err(_) => refuse(StatusCode::BAD_GATEWAY, "server_error", "The tokens could not be renewed."),
    }
}

/// A client of nobody's, for one refresh.
async fn renew_for(shared: &Shared, refresh_token: &str) -> Result<Option<Secret>, ClientError> {
    let client = Client::builder(shared.config.clone()).http(shared.http.clone()).open().await?;
    client.adopt(json!({ "refresh_token": refresh_token }).to_string()).await?;
    client.token().await?;
    Ok(handoff_json(&client, true))
}

fn handoff_json(client: &Client, with_refresh_token: bool) -> Option<Secret> {
    Some(client.tokens()?.to_handoff_json(webex_oauth_driver::now(), with_refresh_token))
}

/// `people/me` for the front end, with the front end's own token: a browser may not call every API by itself.
pub(crate) async fn me(State(shared): State<Shared>, headers: HeaderMap) -> Response {
    let unanswered = || refuse(StatusCode::BAD_GATEWAY, "server_error", "Webex does not answer.");
    let Some(authorization) = headers.get(header::AUTHORIZATION) else {
        return refuse(StatusCode::UNAUTHORIZED, "invalid_token", "The front end has to send its token.");
    };
    let Ok(client) = Client::builder(shared.config.clone()).http(shared.http.clone()).open().await else {
        return unanswered();
    };
    let request = axum::http::Request::builder().uri(me_url(&client)).header(header::AUTHORIZATION, authorization);
    let Ok(request) = request.body(Vec::new()) else {
        return unanswered();
    };
    let Ok(answer) = client.call(request).await else {
        return unanswered();
    };
    let profile: Value = serde_json::from_slice(answer.body()).unwrap_or_default();
    match answer.status().as_u16() {
        200 => axum::Json(json!({ "displayName": profile["displayName"] })).into_response(),
        401 => refuse(StatusCode::UNAUTHORIZED, "invalid_token", "Webex does not accept this token."),
        _ => unanswered(),
    }
}

fn refuse(status: StatusCode, error: &str, description: &str) -> Response {
    (status, axum::Json(json!({ "error": error, "error_description": description }))).into_response()
}
