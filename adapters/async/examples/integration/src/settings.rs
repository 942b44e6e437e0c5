//! Who this integration is, from the environment. Nothing set: a simulated one.

use std::path::PathBuf;
use std::time::Duration;

use webex_oauth_async::webex_oauth::{ConfigError, ConfigParts, Provider, Scope, Secret, TargetUri};

/// Why the application does not start: one sentence for people.
#[derive(Debug)]
pub struct Problem(pub String);

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Problem {}

/// What the environment says.
pub struct Settings {
    /// `PORT`, 8080 unless set. Another one is taken where it is occupied and nothing depends on it.
    pub port: u16,
    /// `CLIENT_ID`, `CLIENT_SECRET`, `REDIRECT_URI`, `SCOPES` and their relatives; `None` without a client id: then a
    /// simulated Webex is started.
    pub client: Option<ConfigParts>,
    /// Whether `REDIRECT_URI` was set: it is registered, so the port is not ours to choose.
    pub fixed_redirect: bool,
    /// `STATE`: handed to the server with every login and expected back.
    pub state: Option<String>,
    /// `SESSIONS_DIR`: sessions survive a restart there; else they live in memory, or in the database.
    pub sessions: Option<PathBuf>,
    /// `DATABASE_URL`: `postgres://...`, `redis://...` or `sqlite:FILE`, which several nodes may share.
    pub database: Option<Secret>,
    /// `KEY_FILE`: what `webex-oauth key new` has made. Sessions are stored encrypted.
    pub key_file: Option<PathBuf>,
    /// `COOKIE_KEY_FILE`: of all nodes that share a database.
    pub cookie_key_file: Option<PathBuf>,
    /// `SCOPES`, also for the simulated integration.
    pub scope: Option<Scope>,
    /// `DEBUG=oauth*`: requests and events on standard error. Never a token.
    pub debug: bool,
    /// `BOT_TOKEN` and `SPACE_ID`: the widget sample.
    pub widget: Option<WidgetSettings>,
    /// What a client may take for a head, for a body, and between two requests.
    pub patience: Duration,
}

/// The demo space that people are added to and see.
pub struct WidgetSettings {
    /// `BOT_TOKEN`: of a bot that is in the space.
    pub bot_token: Secret,
    /// `SPACE_ID`.
    pub space_id: String,
    /// `WIDGET_SCRIPT`: where the widget of Webex is. `None`: a plain view of our own.
    pub script: Option<String>,
}

/// Where Webex publishes the widget.
const WEBEX_WIDGET: &str = "https://code.s4d.io/widget-space/production/bundle.js";
/// Long enough for a person on a bad line, and short enough for everybody else.
const PATIENCE: Duration = Duration::from_secs(10);

impl Settings {
    /// From the environment of the process.
    pub fn from_env() -> Result<Self, Problem> {
        Self::from_variables(|name| std::env::var(name).ok())
    }

    /// From any variables.
    pub fn from_variables(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, Problem> {
        let set = |name: &str| lookup(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty());
        let mut parts = ConfigParts::from_variables(&lookup, false).map_err(|error| unusable(&error))?;
        let port = match set("PORT") {
            // Where the browser is sent back to.
            None => parts.redirect_uri.as_deref().and_then(port_on_loopback).unwrap_or(8080),
            Some(text) => text
                .trim_matches('"')
                .parse()
                .map_err(|_| Problem(format!("PORT is {text:?}, which is not a port number between 1 and 65535.")))?,
        };
        let scope = Some(parts.scope.clone()).filter(|scope| !scope.is_empty());
        if let Some(base) = set("PROVIDER_URL") {
            parts.provider = Provider::webex_at(&base);
        }
        let widget = widget(&set, !parts.client_id.is_empty() && set("PROVIDER_URL").is_none())?;
        let fixed_redirect = parts.redirect_uri.is_some();
        let client = if parts.client_id.is_empty() {
            if parts.client_secret.is_some() {
                return Err(half_set(&set, "CLIENT_SECRET", "CLIENT_ID"));
            }
            None
        } else {
            if parts.client_secret.is_none() {
                return Err(half_set(&set, "CLIENT_ID", "CLIENT_SECRET"));
            }
            Some(parts)
        };
        Ok(Self {
            port,
            client,
            fixed_redirect,
            state: set("STATE"),
            sessions: set("SESSIONS_DIR").map(PathBuf::from),
            database: set("DATABASE_URL").map(Secret::from),
            key_file: set("KEY_FILE").map(PathBuf::from),
            cookie_key_file: set("COOKIE_KEY_FILE").map(PathBuf::from),
            scope,
            debug: set("DEBUG").is_some_and(|text| text.contains("oauth") || text == "*"),
            widget,
            patience: PATIENCE,
        })
    }

    /// The simulated integration on a free port, sessions in memory.
    pub fn simulated() -> Self {
        Self {
            port: 0,
            client: None,
            fixed_redirect: false,
            state: None,
            sessions: None,
            database: None,
            key_file: None,
            cookie_key_file: None,
            scope: None,
            debug: false,
            widget: None,
            patience: PATIENCE,
        }
    }

    /// Where the key of the cookies is kept.
    pub(crate) fn cookie_key(&self) -> Option<PathBuf> {
        let beside = self.sessions.as_ref().map(|folder| folder.join("cookie.key"));
        self.cookie_key_file.clone().or(beside)
    }

    /// What people are asked for: enough for a name and a picture, and for a first look around. The widget wants all.
    pub(crate) fn asked_scope(&self) -> Scope {
        let wanted = self.scope.as_ref().map_or("", |scope| scope.as_str());
        match (&self.widget, wanted) {
            (Some(_), wanted) => Scope::parse(&format!("{wanted} {WIDGET_SCOPE}")),
            (None, "") => Scope::parse(DEFAULT_SCOPES),
            (None, wanted) => Scope::parse(wanted),
        }
    }
}

/// One of two that go together is missing; told by the names that were used.
fn half_set(set: &impl Fn(&str) -> Option<String>, there: &str, missing: &str) -> Problem {
    let prefix = if set(there).is_some() { "" } else { "WEBEX_" };
    Problem(format!("{prefix}{there} is set and {prefix}{missing} is not. Set both, or none."))
}

/// The port that a redirect URI names, where this machine listens on it.
fn port_on_loopback(redirect_uri: &str) -> Option<u16> {
    let target =
        TargetUri::parse(redirect_uri).ok().filter(|target| target.is_loopback() && target.scheme() == "http")?;
    Some(target.port()).filter(|port| *port != 80)
}

/// Both variables, or none. `real` is Webex itself, which has a widget.
fn widget(set: &impl Fn(&str) -> Option<String>, real: bool) -> Result<Option<WidgetSettings>, Problem> {
    match (set("BOT_TOKEN"), set("SPACE_ID")) {
        (None, None) => Ok(None),
        (Some(token), Some(space_id)) => {
            let script = set("WIDGET_SCRIPT").or_else(|| real.then(|| WEBEX_WIDGET.to_owned()));
            Ok(Some(WidgetSettings { bot_token: Secret::new(token), space_id, script }))
        }
        (Some(_), None) => Err(Problem("BOT_TOKEN is set and SPACE_ID is not. Set both, or none.".to_owned())),
        (None, Some(_)) => Err(Problem("SPACE_ID is set and BOT_TOKEN is not. Set both, or none.".to_owned())),
    }
}

const DEFAULT_SCOPES: &str = "spark:people_read spark:rooms_read";
const WIDGET_SCOPE: &str = "spark:all";

pub(crate) fn unusable(error: &ConfigError) -> Problem {
    Problem(format!("These settings cannot be used: {error}."))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(variables: &[(&str, &str)]) -> Result<Settings, Problem> {
        let variables: Vec<(String, String)> =
            variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Settings::from_variables(move |name| {
            variables.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
        })
    }

    #[test]
    fn nothing_set_means_simulated_on_8080() {
        let settings = with(&[]).unwrap();
        assert!(settings.client.is_none());
        assert_eq!(settings.port, 8080);
    }

    #[test]
    fn the_names_of_the_original_sample_are_honoured() {
        let settings = with(&[
            ("PORT", "9090"),
            ("REDIRECT_URI", "\"http://localhost:9090/oauth\""),
            ("CLIENT_ID", "C1"),
            ("CLIENT_SECRET", "s3"),
            ("SCOPES", "spark:all"),
            ("STATE", "CiscoDevNet"),
        ]);
        let settings = settings.unwrap();
        let client = settings.client.unwrap();
        assert_eq!((settings.port, settings.fixed_redirect), (9090, true));
        assert_eq!(client.redirect_uri.as_deref(), Some("http://localhost:9090/oauth"));
        assert_eq!((client.client_id.as_str(), client.scope.as_str()), ("C1", "spark:all"));
        assert_eq!(settings.state.as_deref(), Some("CiscoDevNet"));
    }

    #[test]
    fn the_widget_asks_for_everything_and_knows_where_webex_has_it() {
        let both = [("BOT_TOKEN", "b"), ("SPACE_ID", "S1")];
        let real = with(&[both.as_slice(), &[("CLIENT_ID", "C1"), ("CLIENT_SECRET", "s3")]].concat()).unwrap();
        assert_eq!(real.asked_scope().as_str(), "spark:all");
        assert_eq!(real.widget.unwrap().script.as_deref(), Some(WEBEX_WIDGET));
        let simulated = with(&[both.as_slice(), &[("SCOPES", "spark:people_read")]].concat()).unwrap();
        assert_eq!(simulated.asked_scope(), Scope::parse("spark:people_read spark:all"));
        assert!(simulated.widget.unwrap().script.is_none());
        let elsewhere = with(&[both.as_slice(), &[("WIDGET_SCRIPT", "https://cdn.example/w.js")]].concat()).unwrap();
        assert_eq!(elsewhere.widget.unwrap().script.as_deref(), Some("https://cdn.example/w.js"));
        assert_eq!(with(&[]).unwrap().asked_scope(), Scope::parse(DEFAULT_SCOPES));
    }

    #[test]
    fn a_half_configured_client_is_one_plain_sentence() {
        for (variables, missing) in [
            (("CLIENT_ID", "C1"), "CLIENT_SECRET"),
            (("CLIENT_SECRET", "s3cret"), "CLIENT_ID"),
            (("PORT", "x"), "PORT"),
            (("BOT_TOKEN", "s3cret"), "SPACE_ID"),
            (("SPACE_ID", "S1"), "BOT_TOKEN"),
        ] {
            let problem = with(&[variables]).err().unwrap().to_string();
            assert!(problem.contains(missing) && problem.ends_with('.') && !problem.contains("s3cret"), "{problem}");
        }
    }
}
