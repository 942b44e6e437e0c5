//! `status`: how things stand, from the store and the clock alone. No request is made.

use serde_json::{Value, json};
use webex_oauth::{Phase, Session, Status, Timestamp};
use webex_oauth_driver::now;

use crate::app::{For, config, not_restored, open_store};
use crate::args::Global;
use crate::failure::{Exit, Failure};
use crate::settings::Settings;
use crate::store::Opened;
use crate::terminal::{DIM, STRONG, Terminal, plain};
use crate::words;

/// A clock that is this much behind is wrong.
const CLOCK_BEHIND: i64 = 120_000;

pub(crate) fn run(global: &Global, terminal: Terminal, json: bool) -> Result<(), Failure> {
    let settings = Settings::read(global, terminal)?;
    let opened = open_store(&settings, terminal)?;
    let session = match opened.load()? {
        Some(snapshot) => {
            let restored = Session::restore(config(&settings, For::Tokens)?, snapshot.expose());
            Some(restored.map_err(|error| not_restored(&settings, error))?)
        }
        None => None,
    };
    let now = now();
    let status = session.as_ref().map(|session| session.status(now));
    if json {
        terminal.json(&as_json(&settings, &opened, session.as_ref(), status.as_ref()))?;
    }
    let (Some(session), Some(status)) = (session, status.filter(|status| status.via.is_some())) else {
        let profile = &settings.profile;
        return Err(Failure::new(
            Exit::NotSignedIn,
            format!("nobody is signed in as profile {profile}; run webex-oauth login"),
        ));
    };
    if !json {
        terminal.result(&in_words(&settings, &opened, &session, &status, now))?;
    }
    let ahead = session.tokens().map_or(0, |tokens| tokens.received_at.millis_since(now));
    if ahead > CLOCK_BEHIND {
        let behind = words::span_until(Timestamp::default().plus_millis(ahead), Timestamp::default());
        terminal.notice(&format!("The clock of this machine is {behind} behind what it was at sign-in: set it right."));
    }
    if status.can_authorize {
        return Ok(());
    }
    Err(Failure::new(Exit::NotSignedIn, "the tokens have ended; run webex-oauth login"))
}

fn in_words(settings: &Settings, opened: &Opened, session: &Session, status: &Status, now: Timestamp) -> String {
    let when = |at: Timestamp| format!("{} ({})", words::relative(at, now), words::date(at));
    let scopes =
        status.scope.as_ref().map(|scope| scope.tokens().map(plain).collect::<Vec<_>>().join("\n               "));
    let token = match status.expires_at {
        None => "valid, for how long is not known".to_owned(),
        Some(at) if at > now => format!("ends {}", when(at)),
        Some(at) => format!("ended {}{}", when(at), if status.can_refresh { ", is renewed when needed" } else { "" }),
    };
    let again = match (status.sign_in_again_by, status.can_refresh, status.expires_at) {
        (Some(at), true, _) => format!("by {}, {}", words::date(at), words::relative(at, now)),
        (None, true, _) => "not as long as it is used".to_owned(),
        (_, false, Some(at)) if at > now => format!("by {}, {}", words::date(at), words::relative(at, now)),
        // A bot's token, for example.
        (_, false, None) if status.can_authorize => "when the server refuses the token".to_owned(),
        (_, false, _) => "now".to_owned(),
    };
    let mut lines = vec![
        ("profile", settings.profile.to_string()),
        ("signed in", status.via.map_or("", |via| via.as_str()).replace('_', " ")),
        ("client", session.config().client_id().to_owned()),
        ("server", session.config().provider().token_endpoint.clone()),
        ("organization", plain(status.org_id.as_deref().unwrap_or_default())),
        ("scopes", scopes.unwrap_or_else(|| "not told by the server".to_owned())),
        ("access token", token),
        ("next refresh", status.refresh_at.map(when).unwrap_or_default()),
        ("sign in again", again),
        ("kept in", opened.place.to_string()),
    ];
    if let Phase::SigningIn { via, .. } = status.phase {
        lines.push(("under way", format!("another sign-in ({})", via.as_str())));
    }
    if let Some(fault) = &status.last_fault {
        lines.push(("last problem", fault.to_string()));
    }
    let lines = lines.iter().filter(|(_, value)| !value.is_empty());
    let lines = lines.map(|(name, value)| match *name {
        "sign in again" => format!("{DIM}{name:<13}{DIM:#}  {STRONG}{value}{STRONG:#}"),
        _ => format!("{DIM}{name:<13}{DIM:#}  {value}"),
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// The members are a promise: new ones may come, none goes.
fn as_json(settings: &Settings, opened: &Opened, session: Option<&Session>, status: Option<&Status>) -> Value {
    let time = |at: Option<Timestamp>| at.map(|at| at.to_string());
    let status_of = |pick: fn(&Status) -> bool| status.is_some_and(pick);
    json!({
        "profile": settings.profile.as_str(),
        "signed_in": status_of(|status| status.via.is_some()),
        "usable": status_of(|status| status.can_authorize),
        "can_refresh": status_of(|status| status.can_refresh),
        "via": status.and_then(|status| status.via).map(|via| via.as_str()),
        "client_id": session.map(|session| session.config().client_id()),
        "server": session.map(|session| session.config().provider().token_endpoint.as_str()),
        "scopes": status.and_then(|status| status.scope.as_ref()).map(|scope| scope.tokens().collect::<Vec<_>>()),
        "expires_at": time(status.and_then(|status| status.expires_at)),
        "refresh_at": time(status.and_then(|status| status.refresh_at)),
        "sign_in_again_by": time(status.and_then(|status| status.sign_in_again_by)),
        "org_id": status.and_then(|status| status.org_id.as_deref()),
        "is_guest": status_of(|status| status.is_guest),
        "last_problem": status.and_then(|status| status.last_fault.as_ref()).map(|fault| fault.to_string()),
        "kept_in": opened.place.to_string(),
    })
}
