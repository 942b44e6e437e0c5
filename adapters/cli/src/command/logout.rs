//! `logout` and `revoke`.

use std::sync::Arc;
use std::time::Duration;

use webex_oauth::{Event, Fault, LogoutVia, Phase, Secret, Session, SignOutOptions};
use webex_oauth_driver::{StoreError, is_loopback};
use webex_oauth_ureq::{ClientError, ClientEvent};

use super::profiles;
use crate::app::{App, For, store_without_key};
use crate::args::{Global, LogoutArgs};
use crate::failure::{Exit, Failure};
use crate::handover::{Led, PATIENCE, open_unseen};
use crate::settings::Settings;
use crate::store::Place;
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
    let ended = sign_out(&app, SignOutOptions { revoke: !args.keep_tokens, logout, goto: None })?;
    if let Some(url) = &ended.url {
        in_browser(&app, terminal, url);
    }
    ended.as_stored(&app, args.keep_tokens)?;
    if let Some(fault) = &ended.fault {
        terminal.notice(&format!("The server did not take the tokens back: {}.", at_server(&app, fault)));
    } else if ended.takes_none_back {
        terminal.notice("This server takes no tokens back: they are forgotten here, and live on until they end.");
    }
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
        return app.end(Err(Failure::new(Exit::Settings, "this server takes no tokens back; use webex-oauth logout")));
    }
    let ended = sign_out(&app, SignOutOptions { revoke: true, ..SignOutOptions::default() })?;
    ended.as_stored(&app, false)?;
    if let Some(fault) = &ended.fault {
        let end = tokens.refresh_token_expires_at.or(tokens.expires_at);
        let end = end.map(|at| format!(" until {}", words::date(at))).unwrap_or_default();
        let failure = Failure::of_fault(&format!("the tokens are forgotten here but stay valid{end}"), fault);
        return Err(failure.at(&revocation_endpoint(&app)));
    }
    terminal.done("The server has taken the tokens back.");
    Ok(())
}

/// A fault, with the server that takes tokens back where that could not be reached.
fn at_server(app: &App, fault: &Fault) -> String {
    Failure::told(fault).at(&revocation_endpoint(app)).to_string()
}

fn revocation_endpoint(app: &App) -> String {
    app.client.config().provider().revocation_endpoint.clone().unwrap_or_default()
}

/// What became of a sign-out.
pub(super) struct Ended {
    /// Where the browser signs out as well.
    url: Option<Secret>,
    /// Why the server did not take the tokens back; the first reason, of one or two tokens.
    fault: Option<Arc<Fault>>,
    /// It never does.
    takes_none_back: bool,
    /// Why the tokens are still stored. The server is told in any case: what it has taken back is of use to nobody.
    still_stored: Option<StoreError>,
}

/// Signs out and waits until that is done.
pub(super) fn sign_out(app: &App, options: SignOutOptions) -> Result<Ended, Failure> {
    let tokens = app.client.tokens();
    let events = app.client.events();
    let spinner = app.spin("signing out");
    let signed_out = app.client.sign_out(options);
    app.end_without_store()?;
    drop(spinner);
    let is_over = matches!(app.client.status().phase, Phase::SignedOut { .. });
    let (url, mut still_stored) = match signed_out {
        Ok(url) => (url, app.client.store_error()),
        Err(ClientError::Store(error)) if is_over => (None, Some(error)),
        Err(error) => return Err(error.into()),
    };
    // A disk on which nothing can be written may well let go of a file.
    let is_ours = |stored: &Session| match (stored.tokens(), &tokens) {
        (Some(stored), Some(ours)) => stored.access_token == ours.access_token,
        (_, _) => false,
    };
    if still_stored.is_some() && app.forget_if(is_ours) == Ok(true) {
        still_stored = None;
    }
    let mut ended = Ended { url, fault: None, takes_none_back: false, still_stored };
    for event in events.try_iter() {
        match event {
            ClientEvent::Session(Event::RevokeFailed { fault }) => ended.fault = ended.fault.or(Some(fault)),
            ClientEvent::Session(Event::NotRevoked { .. }) => ended.takes_none_back = true,
            _ => {}
        }
    }
    Ok(ended)
}

impl Ended {
    /// What they are worth now.
    pub(super) fn of_the_tokens(&self, app: &App, keep_tokens: bool) -> String {
        match (&self.fault, self.takes_none_back || keep_tokens) {
            (Some(fault), _) => format!("the server did not take the tokens back ({})", at_server(app, fault)),
            (None, true) => "the tokens live on at the server".to_owned(),
            (None, false) => "the server has taken the tokens back".to_owned(),
        }
    }

    /// Fails where the tokens could not be taken out of the store: it says what they are worth, and where they are.
    fn as_stored(&self, app: &App, keep_tokens: bool) -> Result<(), Failure> {
        let Some(error) = &self.still_stored else { return Ok(()) };
        let revoked = self.of_the_tokens(app, keep_tokens);
        let by_hand = match &app.opened.place {
            Place::File(path) | Place::NoKeyring(path) => format!("delete {} by hand", path.display()),
            Place::Keyring => format!("delete the entry webex-oauth/{} of the key ring by hand", app.settings.profile),
        };
        Err(Failure::new(Exit::Store, format!("{revoked}, but they are still stored here ({error}); {by_hand}")))
    }
}

/// The address carries a token: it is neither for the screen nor for the arguments of a program.
fn in_browser(app: &App, terminal: Terminal, url: &Secret) {
    let opened = || {
        let seconds = PATIENCE.as_secs();
        terminal
            .progress(&format!("The browser is open: waiting for it to come here and be led on, {seconds} s at most."));
    };
    match open_unseen(url, opened) {
        Led::On => {
            let config = app.client.config();
            let back = config.parts().redirect_uri.as_deref().filter(|uri| is_loopback(uri));
            if let (Some(_), Some(back)) = (&config.provider().logout_service, back) {
                terminal.progress(&format!("The browser ends at {back}, where nobody listens now: close that page."));
            }
        }
        Led::Nowhere => terminal.notice("No browser can be opened here: sign out in your browser yourself."),
        Led::NotSeen => terminal.notice("The browser did not come: sign out in it yourself."),
    }
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
    // What cannot be read may be somebody.
    let nobody = store.load().is_ok_and(|stored| stored.is_none_or(|stored| profiles::is_nobody(&settings, &stored)));
    store.delete()?;
    if nobody {
        terminal.done("Nobody was signed in.");
        return Ok(());
    }
    terminal.done("Forgotten here. The tokens stay valid at the server until they end.");
    Ok(())
}
