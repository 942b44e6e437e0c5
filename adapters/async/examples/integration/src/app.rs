//! The application: its parts, its routes, and the headers of every answer.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{FromRef, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::{get, post};
use axum_extra::extract::cookie::Key;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use webex_oauth_async::Reqwest;
use webex_oauth_async::webex_oauth::{Config, ConfigParts, Provider, Scope};
use webex_oauth_simulator::{CLIENT_ID, CLIENT_SECRET, Options, Simulator};

use crate::page::Notice;
use crate::settings::{DEFAULT_SCOPES, Problem, Settings, unusable};
use crate::users::Users;
use crate::{cookies, front, login, person};

/// What the routes share.
#[derive(Clone)]
pub(crate) struct Shared {
    pub(crate) users: Arc<Users>,
    pub(crate) config: Config,
    pub(crate) http: Reqwest,
    pub(crate) key: Key,
    /// Cookies for https only.
    pub(crate) secure: bool,
    pub(crate) simulated: bool,
    /// Handed to the server with every login and expected back.
    pub(crate) state: Option<String>,
    debug: bool,
}

impl FromRef<Shared> for Key {
    fn from_ref(shared: &Shared) -> Self {
        shared.key.clone()
    }
}

/// The running application. It stops when dropped.
pub struct App {
    url: String,
    told: Vec<String>,
    users: Arc<Users>,
    tasks: Vec<JoinHandle<()>>,
    simulator: Option<Simulator>,
}

impl App {
    /// Starts to serve on loopback.
    pub async fn start(settings: Settings) -> Result<Self, Problem> {
        let (listener, moved) = listen(&settings).await?;
        let port = listener.local_addr().map_err(|error| no_socket(&error))?.port();
        let url = format!("http://localhost:{port}");
        let simulated = settings.client.is_none();
        let (simulator, mut parts) = match settings.client {
            Some(parts) => (None, parts),
            None => {
                let (simulator, parts) = simulate(settings.scope)?;
                (Some(simulator), parts)
            }
        };
        parts.redirect_uri.get_or_insert_with(|| format!("{url}/oauth"));
        let config = parts.build().map_err(|error| unusable(&error))?;
        let no_key = |error| Problem(format!("The key for the cookies cannot be kept in SESSIONS_DIR: {error}."));
        let key = cookies::key(settings.sessions.as_deref()).map_err(no_key)?;
        let http = Reqwest::new().map_err(|error| Problem(format!("No HTTP client: {error}.")))?;
        let users = Users::new(config.clone(), http.clone(), settings.sessions, settings.debug);
        let users = Arc::new(users);
        let secure = config.parts().redirect_uri.as_deref().is_some_and(|uri| uri.starts_with("https:"));
        let (state, debug) = (settings.state, settings.debug);
        let shared = Shared { users: Arc::clone(&users), config, http, key, secure, simulated, state, debug };
        let router = routes(shared);
        let tasks = vec![
            tokio::spawn(async move {
                // Ends with the listener only.
                let _ = axum::serve(listener, router).await;
            }),
            tokio::spawn(sweep(Arc::clone(&users))),
        ];
        let mut told = Vec::new();
        if moved {
            told.push(format!("Port {} is occupied, so this is port {port}.", settings.port));
        }
        Ok(Self { url, told, users, tasks, simulator })
    }

    /// Where it is: `http://localhost:8080`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// What to tell the person who started it.
    pub fn welcome(&self) -> Vec<String> {
        let mut lines = self.told.clone();
        if let Some(simulator) = &self.simulator {
            lines.push(format!("No CLIENT_ID is set, so a simulated Webex answers at {}.", simulator.base_url()));
        }
        lines.push(format!("Open {} in a browser. Ctrl-C stops.", self.url));
        lines
    }

    /// The simulated Webex, where there is one.
    pub fn simulator(&self) -> Option<&Simulator> {
        self.simulator.as_ref()
    }

    /// How many sessions and unfinished logins are in memory.
    pub fn users(&self) -> usize {
        self.users.count()
    }

    /// Finishes what is under way.
    pub async fn stop(mut self) {
        self.tasks.drain(..).for_each(|task| task.abort());
        self.users.close().await;
    }
}

impl Drop for App {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

/// A port of ours: the one that was asked for, or a free one where nothing depends on it.
async fn listen(settings: &Settings) -> Result<(TcpListener, bool), Problem> {
    let at = |port: u16| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let port = settings.port;
    match TcpListener::bind(at(port)).await {
        Ok(listener) => Ok((listener, false)),
        // The redirect URI is registered with its port.
        Err(_) if settings.client.is_some() => Err(Problem(format!(
            "Port {port} is occupied. Set PORT to a free one, and register its redirect URI on the developer portal."
        ))),
        Err(_) if settings.fixed_redirect => {
            Err(Problem(format!("Port {port} is occupied, and REDIRECT_URI names it. Set both to a free one.")))
        }
        Err(_) => TcpListener::bind(at(0)).await.map(|listener| (listener, true)).map_err(|error| no_socket(&error)),
    }
}

fn no_socket(error: &std::io::Error) -> Problem {
    Problem(format!("No port can be opened: {error}."))
}

fn simulate(scope: Option<Scope>) -> Result<(Simulator, ConfigParts), Problem> {
    let options = Options { rotate: true, require_pkce: true, ..Options::default() };
    let simulator =
        Simulator::start(options).map_err(|error| Problem(format!("The simulated Webex does not start: {error}.")))?;
    let mut parts = ConfigParts::new(Provider::webex_at(simulator.base_url()), CLIENT_ID);
    parts.client_secret = Some(CLIENT_SECRET.into());
    parts.scope = scope.unwrap_or_else(|| Scope::parse(DEFAULT_SCOPES));
    Ok((simulator, parts))
}

async fn sweep(users: Arc<Users>) {
    loop {
        tokio::time::sleep(Duration::from_secs(60)).await;
        users.sweep();
    }
}

fn routes(shared: Shared) -> Router {
    Router::new()
        .route("/", get(person::home))
        .route("/picture", get(person::picture))
        .route("/login", get(login::begin))
        .route("/oauth", get(login::callback).post(login::callback_form))
        .route("/oauth/refresh", post(front::refresh))
        .route("/refresh", post(person::refresh))
        .route("/logout", post(login::logout))
        .route("/handoff", get(front::handoff))
        .route("/front", get(front::page))
        .route("/front/me", get(front::me))
        .route("/style.css", asset("text/css", include_str!("../assets/style.css")))
        .route("/icon.svg", asset("image/svg+xml", include_str!("../assets/icon.svg")))
        .route("/front.js", asset("text/javascript", include_str!("../assets/front.js")))
        .route("/fragment.js", asset("text/javascript", include_str!("../assets/fragment.js")))
        .fallback(not_found)
        .layer(middleware::from_fn_with_state(shared.clone(), guard))
        .with_state(shared)
}

fn asset(kind: &'static str, text: &'static str) -> axum::routing::MethodRouter<Shared> {
    let headers = [(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "max-age=3600")];
    get(move || std::future::ready((headers, text)))
}

async fn not_found() -> Response {
    let mut notice = Notice::new(StatusCode::NOT_FOUND, "There is nothing here", "This address leads nowhere.");
    notice.again = None;
    notice.into_response()
}

/// Refuses what other sites make a browser post, and gives every answer its policy.
async fn guard(State(shared): State<Shared>, request: Request, next: Next) -> Response {
    let line = shared.debug.then(|| format!("{} {}", request.method(), request.uri().path()));
    let mut response = if request.method() == "POST" && is_foreign(&request) {
        let text = "This request came from another site, so nothing was done.";
        Notice::new(StatusCode::FORBIDDEN, "Not from here", text).into_response()
    } else {
        next.run(request).await
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
