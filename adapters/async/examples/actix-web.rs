//! Sign in with Webex, in actix-web: `cargo run --example actix-web`; see docs/recipes.md.

use std::{env, error::Error, fmt, sync::Arc, time::Duration};

use actix_web::cookie::{Cookie, SameSite};
use actix_web::http::{StatusCode, header};
use actix_web::web::{Data, resource};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, ResponseError};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use maud::{Markup, html};
use sha2::{Digest as _, Sha256};
use webex_oauth_async::webex_oauth::{Advice, Config, ConfigParts, LoginOptions};
use webex_oauth_async::{ClientError, Clients, User, refresh_error};
use webex_oauth_stores::{AsyncRecords, Key, Postgres, Sqlite, StoreError, Unblock, UserStore};

struct Service {
    config: Config,
    clients: Clients<Key>,
}

impl Service {
    /// Whose browser has this cookie. Who reads the database finds its hash, which opens nothing.
    fn user(&self, cookie: Option<&Cookie<'_>>) -> Result<User<Key>, StoreError> {
        let hash = BASE64.encode(Sha256::digest(cookie.map_or("", Cookie::value)));
        Ok(self.clients.of(Key::new("web", hash)?))
    }

    fn new_cookie(&self) -> Result<Cookie<'static>, Trouble> {
        let (mut bytes, uri) = ([0_u8; 32], self.config.parts().redirect_uri.as_deref());
        getrandom::fill(&mut bytes).map_err(|_| ClientError::Randomness)?;
        let cookie = Cookie::build("session", BASE64.encode(bytes)).path("/").http_only(true);
        let secure = uri.is_some_and(|uri| uri.starts_with("https:"));
        Ok(cookie.same_site(SameSite::Lax).secure(secure).permanent().finish())
    }
}

fn page(status: StatusCode, body: Markup) -> HttpResponse {
    HttpResponse::build(status).content_type("text/html; charset=utf-8").body(body.into_string())
}

fn go(url: &str, cookie: Option<Cookie<'_>>) -> HttpResponse {
    let mut answer = HttpResponse::SeeOther();
    if let Some(cookie) = cookie {
        answer.cookie(cookie);
    }
    answer.insert_header((header::LOCATION, url)).finish()
}

async fn home(service: Data<Service>, request: HttpRequest) -> Result<HttpResponse, Trouble> {
    let base = service.config.provider().api_base.as_deref().unwrap_or("https://webexapis.com/v1");
    let answer = service.user(request.cookie("session").as_ref())?.get(&format!("{base}/people/me")).await;
    // Where the token was refused, and there is no other one.
    let answer = answer.and_then(|answer| refresh_error(&answer).cloned().map_or(Ok(answer), Err));
    let me = match answer {
        Err(ClientError::SignInRequired { .. }) => {
            return Ok(page(StatusCode::OK, html! { a href="/login" { "Sign in with Webex" } }));
        }
        answer => serde_json::from_slice(answer?.body()).unwrap_or(serde_json::Value::Null),
    };
    let name = me["displayName"].as_str().unwrap_or("somebody (Webex does not say who)");
    let form = html! { form method="post" action="/logout" { button { "Sign out" } } };
    Ok(page(StatusCode::OK, html! { p { "You are " (name) "." } (form) }))
}

async fn login(service: Data<Service>, request: HttpRequest) -> Result<HttpResponse, Trouble> {
    let mut cookie = service.new_cookie()?;
    if let Some(kept) = request.cookie("session") {
        cookie.set_value(kept.value().to_owned()); // One for all tabs of this browser.
    }
    let url = service.user(Some(&cookie))?.begin_login(LoginOptions::default()).await?;
    Ok(go(url.expose(), Some(cookie)))
}

async fn callback(service: Data<Service>, request: HttpRequest) -> Result<HttpResponse, Trouble> {
    let (mut visitor, cookie) = (service.user(request.cookie("session").as_ref())?, service.new_cookie()?);
    visitor.complete_login(request.query_string()).await?; // Whichever node began it.
    visitor.rebind(service.user(Some(&cookie))?.key().clone()).await?; // Who knew the old cookie has nothing.
    Ok(go("/", Some(cookie)))
}

async fn logout(service: Data<Service>, request: HttpRequest) -> Result<HttpResponse, Trouble> {
    service.user(request.cookie("session").as_ref())?.delete().await?;
    let mut gone = Cookie::build("session", "").path("/").finish();
    gone.make_removal();
    Ok(go("/", Some(gone)))
}

#[derive(Debug)]
struct Trouble(ClientError);

impl<E: Into<ClientError>> From<E> for Trouble {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl ResponseError for Trouble {
    fn error_response(&self) -> HttpResponse {
        use ClientError::{CallbackIgnored, LoginCancelled, LoginFailed, LoginSuperseded, SignInRequired};
        let (status, text) = match &self.0 {
            LoginFailed { fault } if fault.advice() == Advice::WaitAndRetry => {
                (StatusCode::SERVICE_UNAVAILABLE, fault.to_string())
            }
            LoginFailed { fault } => (StatusCode::FORBIDDEN, fault.to_string()),
            // Not of this browser, or used before: by a second click, for one.
            CallbackIgnored { .. } | LoginCancelled | LoginSuperseded | SignInRequired { .. } => return go("/", None),
            _ => (StatusCode::SERVICE_UNAVAILABLE, "Webex or the database does not answer.".to_owned()),
        };
        page(status, html! { p { (text) } a href="/" { "Back" } })
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
    let service = Data::new(Service { config, clients: clients.clone() });
    let app = move || {
        let (login, callback) = (resource("/login").get(login), resource("/callback").get(callback));
        let app = App::new().app_data(service.clone()).service(resource("/").get(home));
        app.service(login).service(callback).service(resource("/logout").post(logout))
    };
    HttpServer::new(app).bind(("127.0.0.1", env::var("PORT")?.parse()?))?.run().await?; // Until SIGTERM, or Ctrl-C.
    clients.close().await; // What is being renewed is stored before this node ends.
    Ok(())
}
