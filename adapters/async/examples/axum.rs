//! Sign in with Webex, in axum: `cargo run --example axum`; see docs/recipes.md.

use std::{env, error::Error, sync::Arc, time::Duration};

use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::{Router, http::StatusCode, routing::get, routing::post};
use axum_extra::extract::cookie::{Cookie, CookieJar, SameSite};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use maud::html;
use sha2::{Digest as _, Sha256};
use webex_oauth_async::webex_oauth::{Advice, Config, ConfigParts, LoginOptions};
use webex_oauth_async::{ClientError, Clients, User, refresh_error};
use webex_oauth_stores::{AsyncRecords, Key, Postgres, Sqlite, StoreError, Unblock, UserStore};

#[derive(Clone)]
struct App {
    config: Config,
    clients: Clients<Key>,
}

impl App {
    /// Whose browser has this cookie. Who reads the database finds its hash, which opens nothing.
    fn user(&self, cookie: Option<&Cookie<'_>>) -> Result<User<Key>, StoreError> {
        let hash = BASE64.encode(Sha256::digest(cookie.map_or("", Cookie::value)));
        Ok(self.clients.of(Key::new("web", hash)?))
    }

    fn new_cookie(&self) -> Result<Cookie<'static>, Trouble> {
        let (mut bytes, uri) = ([0_u8; 32], self.config.parts().redirect_uri.as_deref());
        getrandom::fill(&mut bytes).map_err(|_| ClientError::Randomness)?;
        let cookie = Cookie::build(("session", BASE64.encode(bytes))).path("/").http_only(true);
        let secure = uri.is_some_and(|uri| uri.starts_with("https:"));
        Ok(cookie.same_site(SameSite::Lax).secure(secure).permanent().build())
    }
}

async fn home(State(app): State<App>, jar: CookieJar) -> Result<Response, Trouble> {
    let base = app.config.provider().api_base.as_deref().unwrap_or("https://webexapis.com/v1");
    let answer = app.user(jar.get("session"))?.get(&format!("{base}/people/me")).await;
    // Where the token was refused, and there is no other one.
    let answer = answer.and_then(|answer| refresh_error(&answer).cloned().map_or(Ok(answer), Err));
    let me = match answer {
        Err(ClientError::SignInRequired { .. }) => {
            return Ok(html! { a href="/login" { "Sign in with Webex" } }.into_response());
        }
        answer => serde_json::from_slice(answer?.body()).unwrap_or(serde_json::Value::Null),
    };
    let name = me["displayName"].as_str().unwrap_or("somebody (Webex does not say who)");
    let form = html! { form method="post" action="/logout" { button { "Sign out" } } };
    Ok(html! { p { "You are " (name) "." } (form) }.into_response())
}

async fn login(State(app): State<App>, jar: CookieJar) -> Result<Response, Trouble> {
    let mut cookie = app.new_cookie()?;
    if let Some(kept) = jar.get("session") {
        cookie.set_value(kept.value().to_owned()); // One for all tabs of this browser.
    }
    let url = app.user(Some(&cookie))?.begin_login(LoginOptions::default()).await?;
    Ok((jar.add(cookie), Redirect::to(url.expose())).into_response())
}

async fn callback(State(app): State<App>, jar: CookieJar, RawQuery(query): RawQuery) -> Result<Response, Trouble> {
    let (mut visitor, cookie) = (app.user(jar.get("session"))?, app.new_cookie()?);
    visitor.complete_login(query.unwrap_or_default()).await?; // Whichever node began it.
    visitor.rebind(app.user(Some(&cookie))?.key().clone()).await?; // Who knew the old cookie has nothing.
    Ok((jar.add(cookie), Redirect::to("/")).into_response())
}

async fn logout(State(app): State<App>, jar: CookieJar) -> Result<Response, Trouble> {
    app.user(jar.get("session"))?.delete().await?;
    Ok((jar.remove(Cookie::build("session").path("/")), Redirect::to("/")).into_response())
}

struct Trouble(ClientError);

impl<E: Into<ClientError>> From<E> for Trouble {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl IntoResponse for Trouble {
    fn into_response(self) -> Response {
        use ClientError::{CallbackIgnored, LoginCancelled, LoginFailed, LoginSuperseded, SignInRequired};
        let (status, text) = match self.0 {
            LoginFailed { fault } if fault.advice() == Advice::WaitAndRetry => {
                (StatusCode::SERVICE_UNAVAILABLE, fault.to_string())
            }
            LoginFailed { fault } => (StatusCode::FORBIDDEN, fault.to_string()),
            // Not of this browser, or used before: by a second click, for one.
            CallbackIgnored { .. } | LoginCancelled | LoginSuperseded | SignInRequired { .. } => {
                return Redirect::to("/").into_response();
            }
            _ => (StatusCode::SERVICE_UNAVAILABLE, "Webex or the database does not answer.".to_owned()),
        };
        (status, html! { p { (text) } a href="/" { "Back" } }).into_response()
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let config = ConfigParts::from_variables(|name| env::var(name).ok(), false)?.build_from_variables()?;
    let database = env::var("DATABASE_URL").unwrap_or_else(|_| "sessions.db".to_owned());
    let store: Arc<dyn AsyncRecords> = if database.contains("://") {
        let store = Postgres::connect(&database).await?;
        store.migrate().await?;
        Arc::new(store)
    } else {
        let store = Sqlite::open(database)?;
        store.migrate()?;
        Arc::new(Unblock::new(store))
    };
    let clients = Clients::builder(config.clone()).store(move |key: &Key| UserStore::new(store.clone(), key.clone()));
    let clients = clients.stale_after(Duration::from_secs(1)).build()?;
    let app = Router::new().route("/", get(home)).route("/login", get(login)).route("/callback", get(callback));
    let app = app.route("/logout", post(logout)).with_state(App { config, clients: clients.clone() });
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", env::var("PORT")?.parse()?)).await?;
    let stop = async { drop(tokio::signal::ctrl_c().await) };
    axum::serve(listener, app).with_graceful_shutdown(stop).await?;
    clients.close().await; // What is being renewed is stored before this node ends.
    Ok(())
}
