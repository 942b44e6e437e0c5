//! The application: its parts and its routes.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::header;
use axum::middleware;
use axum::routing::{get, post};
use axum_extra::extract::cookie::Key;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use webex_oauth_async::Reqwest;
use webex_oauth_async::webex_oauth::{Config, ConfigParts, Provider};
use webex_oauth_simulator::{CLIENT_ID, CLIENT_SECRET, Options, Simulator};

use crate::logins::Logins;
use crate::serve::Connections;
use crate::sessions::Sessions;
use crate::settings::{Problem, Settings, unusable};
use crate::space::Space;
use crate::{cookies, front, guard, login, person, space, store};

/// What the routes share.
#[derive(Clone)]
pub(crate) struct Shared {
    pub(crate) sessions: Arc<Sessions>,
    pub(crate) logins: Arc<Logins>,
    /// The demo space of the widget sample, where there is one.
    pub(crate) space: Option<Arc<Space>>,
    pub(crate) config: Config,
    pub(crate) http: Reqwest,
    pub(crate) key: Key,
    /// Cookies for https only.
    pub(crate) secure: bool,
    pub(crate) simulated: bool,
    /// Handed to the server with every login and expected back.
    pub(crate) state: Option<String>,
    /// What a client may take for a body.
    pub(crate) patience: Duration,
    pub(crate) debug: bool,
}

/// The running application. It stops when dropped.
pub struct App {
    url: String,
    told: Vec<String>,
    sessions: Arc<Sessions>,
    connections: Connections,
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
        let scope = settings.asked_scope();
        let (store, cookie_key, is_shared) =
            (store::open(&settings).await?, settings.cookie_key(), settings.database.is_some());
        let (simulator, mut parts) = match settings.client {
            Some(parts) => (None, parts),
            None => {
                let (simulator, parts) = simulate()?;
                (Some(simulator), parts)
            }
        };
        parts.scope = scope;
        parts.redirect_uri.get_or_insert_with(|| format!("{url}/oauth"));
        let config = parts.build().map_err(|error| unusable(&error))?;
        let no_key = |error| Problem(format!("The key for the cookies cannot be read or kept: {error}."));
        let key = cookies::key(cookie_key.as_deref()).map_err(no_key)?;
        let http = Reqwest::new().map_err(|error| Problem(format!("No HTTP client: {error}.")))?;
        let sessions = Sessions::new(config.clone(), http.clone(), store, settings.debug);
        let sessions = Arc::new(sessions.map_err(|error| Problem(format!("Sessions cannot be kept: {error}.")))?);
        let logins = Arc::new(Logins::new(config.clone(), http.clone()));
        let space = match settings.widget {
            None => None,
            Some(widget) => Some(Arc::new(Space::new(&config, &http, widget).await?)),
        };
        let secure = config.parts().redirect_uri.as_deref().is_some_and(|uri| uri.starts_with("https:"));
        let (state, patience, debug) = (settings.state, settings.patience, settings.debug);
        let shared = Shared {
            sessions: Arc::clone(&sessions),
            logins: Arc::clone(&logins),
            space,
            config,
            http,
            key,
            secure,
            simulated,
            state,
            patience,
            debug,
        };
        let connections = Connections::default();
        let tasks = vec![
            tokio::spawn(connections.clone().serve(listener, routes(shared), patience)),
            tokio::spawn(sweep(logins)),
        ];
        let mut told = Vec::new();
        if is_shared && cookie_key.is_none() {
            told.push("Cookies end with this process: set COOKIE_KEY_FILE, to the same file on every node.".to_owned());
        }
        if moved {
            told.push(format!("Port {} is occupied, so this is port {port}.", settings.port));
        }
        Ok(Self { url, told, sessions, connections, tasks, simulator })
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

    /// How many sessions are in memory.
    pub fn users(&self) -> usize {
        self.sessions.count()
    }

    /// Finishes what is under way.
    pub async fn stop(mut self) {
        self.tasks.drain(..).for_each(|task| task.abort());
        self.connections.close();
        self.sessions.close().await;
    }
}

impl Drop for App {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
        self.connections.close();
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

fn simulate() -> Result<(Simulator, ConfigParts), Problem> {
    let options = Options { rotate: true, require_pkce: true, ..Options::default() };
    let simulator =
        Simulator::start(options).map_err(|error| Problem(format!("The simulated Webex does not start: {error}.")))?;
    let mut parts = ConfigParts::new(Provider::webex_at(simulator.base_url()), CLIENT_ID);
    parts.client_secret = Some(CLIENT_SECRET.into());
    Ok((simulator, parts))
}

async fn sweep(logins: Arc<Logins>) {
    loop {
        tokio::time::sleep(Duration::from_secs(60)).await;
        logins.sweep();
    }
}

fn routes(shared: Shared) -> Router {
    Router::new()
        .route("/", get(person::home))
        .route("/picture", get(person::picture))
        .route("/login", get(login::begin))
        .route("/oauth", get(login::callback).post(login::callback_form))
        .route("/outcome", get(login::outcome))
        .route("/oauth/refresh", post(front::refresh))
        .route("/refresh", post(person::refresh))
        .route("/logout", post(login::logout))
        .route("/handoff", get(front::handoff))
        .route("/front", get(front::page))
        .route("/front/me", get(front::me))
        .route("/space", get(space::page).post(space::post))
        .route("/space/token", post(space::token))
        .route("/style.css", asset("text/css", include_str!("../assets/style.css")))
        .route("/icon.svg", asset("image/svg+xml", include_str!("../assets/icon.svg")))
        .route("/front.js", asset("text/javascript", include_str!("../assets/front.js")))
        .route("/fragment.js", asset("text/javascript", include_str!("../assets/fragment.js")))
        .route("/widget.js", asset("text/javascript", include_str!("../assets/widget.js")))
        .fallback(guard::not_found)
        .method_not_allowed_fallback(guard::wrong_method)
        .layer(middleware::from_fn_with_state(shared.clone(), guard::guard))
        .with_state(shared)
}

fn asset(kind: &'static str, text: &'static str) -> axum::routing::MethodRouter<Shared> {
    let headers = [(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "max-age=3600")];
    get(move || std::future::ready((headers, text)))
}
