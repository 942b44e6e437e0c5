//! `logout` and `revoke`.

use std::time::Duration;

use webex_oauth::{Event, LogoutVia, Phase, SignOutOptions};
use webex_oauth_driver::{StoreError, open_browser};
use webex_oauth_ureq::ClientEvent;

use crate::app::{App, For, store_without_key};
use crate::args::{Global, LogoutArgs};
use crate::failure::{Exit, Failure};
use crate::settings::Settings;
use crate::terminal::Terminal;
use crate::words;

/// A refresh takes no longer: half a minute for the request, and a little to store what it brought.
const LOCK_PATIENCE: Duration = Duration::from_secs(40);

pub(crate) fn run(global: &Global, terminal: Terminal, args: &LogoutArgs) -> Result<(), Failure> {
    if args.force {
        return forget(global, terminal);
    }
    let app = App::open(global, terminal, For::Tokens)?;
    let was_signed_in = app.client.tokens().is_some();
    let is_blank = matches!(app.client.status().phase, Phase::SignedOut { .. });
    if is_blank && !args.browser {
        // Nothing to forget, and nothing to store.
        app.end(Ok(()))?;
        terminal.done("Nobody was signed in.");
        return Ok(());
    }
    let logout = if args.browser { LogoutVia::Browser } else { LogoutVia::Nothing };
    let options = SignOutOptions { revoke: !args.keep_tokens, logout, goto: None };
    let events = app.client.events();
    let spinner = app.spin("signing out");
    let signed_out = app.client.sign_out(options);
    drop(spinner);
    if matches!(&signed_out, Ok(Some(url)) if !open_browser(url)) {
        // The address carries a token: it is not for the screen.
        terminal.notice("No browser can be opened here: sign out in your browser yourself.");
    }
    for event in events.try_iter() {
        match event {
            ClientEvent::Session(Event::RevokeFailed { fault }) => {
                terminal.notice(&format!("The server did not take the tokens back: {fault}."));
            }
            ClientEvent::Session(Event::NotRevoked { .. }) => {
                terminal
                    .notice("This server takes no tokens back: they are forgotten here, and live on until they end.");
            }
            _ => {}
        }
    }
    app.end(signed_out.map(drop).map_err(Failure::from))?;
    terminal.done(if was_signed_in { "Signed out." } else { "Nobody was signed in." });
    Ok(())
}

/// The exit status says whether the server took the tokens back.
pub(crate) fn revoke(global: &Global, terminal: Terminal) -> Result<(), Failure> {
    let app = App::open(global, terminal, For::Tokens)?;
    let Some(tokens) = app.client.tokens() else {
        return app.end(Err(Failure::new(Exit::NotSignedIn, "nobody is signed in; there is nothing to take back")));
    };
    if app.client.config().provider().revocation_endpoint.is_none() {
        return app.end(Err(Failure::new(Exit::Settings, "this server takes no tokens back; use logout")));
    }
    let events = app.client.events();
    let spinner = app.spin("revoking");
    let signed_out = app.client.sign_out(SignOutOptions { revoke: true, ..SignOutOptions::default() });
    app.client.close();
    drop(spinner);
    let fault = events.try_iter().find_map(|event| match event {
        ClientEvent::Session(Event::RevokeFailed { fault }) => Some(fault),
        _ => None,
    });
    let end = tokens.refresh_token_expires_at.or(tokens.expires_at);
    let end = end.map(|at| format!(" until {}", words::date(at))).unwrap_or_default();
    app.end(match (signed_out, fault) {
        (Err(error), _) => Err(error.into()),
        (Ok(_), Some(fault)) => {
            Err(Failure::of_fault(&format!("the tokens are forgotten here but stay valid{end}"), &fault))
        }
        (Ok(_), None) => Ok(()),
    })?;
    terminal.done("The server has taken the tokens back.");
    Ok(())
}

/// Deletes what is stored, readable or not.
fn forget(global: &Global, terminal: Terminal) -> Result<(), Failure> {
    let settings = Settings::read(global, terminal)?;
    let store = store_without_key(&settings)?.store;
    let spinner = terminal.spinner("waiting for another process");
    let locked = store.lock(LOCK_PATIENCE);
    spinner.clear();
    // A refresh that is under way would bring everything back. A lock that does not work is no reason to keep anything.
    if let Err(error @ StoreError::Busy { .. }) = locked {
        return Err(error.into());
    }
    store.delete()?;
    terminal.done("Forgotten here. The tokens stay valid at the server until they end.");
    Ok(())
}
