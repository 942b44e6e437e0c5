//! Who is signed in: name and picture from Webex, and a refresh by hand.

use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse as _, Redirect, Response};
use serde_json::Value;
use webex_oauth_async::Client;
use webex_oauth_async::webex_oauth::protocol::clean::seen;

use crate::app::Shared;
use crate::cookies::Cookies;
use crate::login::user;
use crate::notice::{Notice, for_user, refused};
use crate::page::{self, Person, in_words};

/// Pictures are small.
const MAX_PICTURE: usize = 2 * 1024 * 1024;

/// The start, or the person.
pub(crate) async fn home(State(shared): State<Shared>, cookies: Cookies) -> Result<Response, Notice> {
    let scopes = |scope: &str| scope.split_whitespace().map(seen).collect::<Vec<_>>();
    let Some(client) = user(&shared, &cookies).await? else {
        return Ok(page::home(&scopes(shared.config.scope().as_str()), shared.simulated).into_response());
    };
    let profile = profile(&client).await?;
    let status = client.status();
    let left = |at: Option<webex_oauth_async::webex_oauth::Timestamp>| {
        at.map(|at| in_words(at.millis_since(webex_oauth_driver::now())))
    };
    let person = Person {
        name: name(&profile).unwrap_or_else(|| "a person without a name".to_owned()),
        email: profile["emails"][0].as_str().map(seen),
        has_picture: picture_url(&shared, &profile).is_some(),
        scopes: scopes(status.scope.as_ref().map_or("", |scope| scope.as_str())),
        expires: left(status.expires_at),
        sign_in_again: left(status.sign_in_again_by),
        generation: status.generation,
        can_refresh: status.can_refresh,
        has_space: shared.space.is_some(),
        simulated: shared.simulated,
    };
    Ok(page::me(&person).into_response())
}

/// The person's picture, fetched by us: pages load nothing from elsewhere.
pub(crate) async fn picture(State(shared): State<Shared>, cookies: Cookies) -> Response {
    let none = || axum::http::StatusCode::NOT_FOUND.into_response();
    let Ok(Some(client)) = user(&shared, &cookies).await else {
        return none();
    };
    let Ok(profile) = profile(&client).await else {
        return none();
    };
    let Some(url) = picture_url(&shared, &profile) else {
        return none();
    };
    let Ok(answer) = client.get(&url).await else {
        return none();
    };
    let kind = answer.headers().get(header::CONTENT_TYPE).cloned();
    let is_image = kind.as_ref().and_then(|kind| kind.to_str().ok()).is_some_and(|kind| kind.starts_with("image/"));
    if answer.status() != 200 || !is_image || answer.body().len() > MAX_PICTURE {
        return none();
    }
    let policy = HeaderValue::from_static("default-src 'none'; style-src 'unsafe-inline'; sandbox");
    let headers = [
        (header::CONTENT_TYPE, kind.unwrap_or_else(|| HeaderValue::from_static("application/octet-stream"))),
        // A picture may be a drawing, and a drawing may be a document.
        (header::CONTENT_SECURITY_POLICY, policy),
        (header::CACHE_CONTROL, HeaderValue::from_static("private, max-age=300")),
    ];
    (headers, answer.into_body()).into_response()
}

/// Renews the tokens because the person wants it.
pub(crate) async fn refresh(State(shared): State<Shared>, cookies: Cookies) -> Result<Redirect, Notice> {
    if let Some(client) = user(&shared, &cookies).await? {
        client.refresh().await.map_err(|error| for_user(&error))?;
    }
    Ok(Redirect::to("/"))
}

/// `people/me` with the person's own token.
pub(crate) async fn profile(client: &Client) -> Result<Value, Notice> {
    let url = me_url(client);
    let answer = client.get(&url).await.map_err(|error| for_user(&error))?;
    match answer.status().as_u16() {
        200 => serde_json::from_slice(answer.body()).map_err(|_| refused("people/me", answer.status().as_u16())),
        // One API's opinion does not end a session.
        status => Err(webex_oauth_async::refresh_error(&answer).map_or_else(|| refused("people/me", status), for_user)),
    }
}

/// What the person is called.
pub(crate) fn name(profile: &Value) -> Option<String> {
    let name = profile["displayName"].as_str().map(seen).filter(|text| !text.trim().is_empty());
    name.map(|name| name.chars().take(200).collect())
}

pub(crate) fn me_url(client: &Client) -> String {
    api_url(client, "/people/me")
}

pub(crate) fn api_url(client: &Client, path: &str) -> String {
    format!("{}{path}", client.config().provider().api_base.as_deref().unwrap_or("https://webexapis.com/v1"))
}

/// Where the picture is: https, or the simulated Webex.
fn picture_url(shared: &Shared, profile: &Value) -> Option<String> {
    let url = profile["avatar"].as_str()?;
    (url.starts_with("https://") || shared.simulated && shared.config.may_carry_token(url)).then(|| url.to_owned())
}
