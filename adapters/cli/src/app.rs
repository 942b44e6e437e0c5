//! A command at work: its settings, its store and its client; what is left behind when it ends or is interrupted.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use webex_oauth::sealed::Keys;
use webex_oauth::{Config, ConfigError, Phase, RestoreError, Secret, Session, TokenSet, snapshot_revision};
use webex_oauth_driver::StoreError;
use webex_oauth_ureq::{Client, ClientError, DeviceLogin};

use crate::args::Global;
use crate::failure::{Exit, Failure};
use crate::interrupt;
use crate::record;
use crate::settings::Settings;
use crate::store::{self, Opened, Place, Wanted};
use crate::terminal::{Spinner, Terminal};

/// What stands for a client where guests are all there is.
const GUESTS_ONLY: &str = "guests-only";

/// What a command needs of the settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum For {
    /// A sign-in of the client or of somebody through it.
    SignIn,
    /// A sign-in that needs no client.
    Guest,
    /// What is signed in already.
    Tokens,
}

/// A login that waits for its user.
pub(crate) enum Begun {
    /// With this address.
    InBrowser(Secret),
    OnDevice(Arc<DeviceLogin>),
}

/// A command at work. Clones are handles to the same.
#[derive(Clone)]
pub(crate) struct App {
    pub(crate) terminal: Terminal,
    pub(crate) settings: Arc<Settings>,
    pub(crate) opened: Opened,
    pub(crate) client: Client,
    record: Option<PathBuf>,
    /// The login that this command began. Other processes may have begun others.
    begun: Arc<Mutex<Option<Begun>>>,
    /// Nothing was stored for this profile before.
    is_new: bool,
    /// What it had then.
    before: Option<TokenSet>,
    spinner: Arc<Mutex<Option<Spinner>>>,
    interrupted: Arc<AtomicBool>,
}

impl App {
    pub(crate) fn open(global: &Global, terminal: Terminal, purpose: For) -> Result<Self, Failure> {
        global.record.as_deref().map_or(Ok(()), record::check)?;
        let settings = Settings::read(global, terminal)?;
        let opened = open_store(&settings, terminal)?;
        let is_new = opened.load()?.is_none();
        let config = config(&settings, purpose)?;
        let mut builder = Client::builder(config)
            .store(Arc::clone(&opened.store))
            .user_agent(concat!("webex-oauth-cli/", env!("CARGO_PKG_VERSION")));
        if global.record.is_some() {
            builder = builder.record();
        }
        let client = builder.open().map_err(|error| match error {
            ClientError::Restore(error) => not_restored(&settings, error),
            error => Failure::from(error),
        })?;
        let app = Self {
            before: client.tokens(),
            terminal,
            settings: Arc::new(settings),
            opened,
            client,
            record: global.record.clone(),
            begun: Arc::default(),
            is_new,
            spinner: Arc::default(),
            interrupted: Arc::default(),
        };
        app.handle_signals()?;
        Ok(app)
    }

    /// Shows that something is waited for, until the guard is dropped.
    #[must_use]
    pub(crate) fn spin(&self, text: &str) -> Spinning<'_> {
        self.show(self.terminal.spinner(text));
        Spinning(self)
    }

    /// The same until [`App::stop_spinning`].
    pub(crate) fn show(&self, spinner: Spinner) {
        *self.spinner.lock().unwrap_or_else(PoisonError::into_inner) = Some(spinner);
    }

    pub(crate) fn stop_spinning(&self) {
        if let Some(spinner) = self.spinner.lock().unwrap_or_else(PoisonError::into_inner).take() {
            spinner.clear();
        }
    }

    /// Remembers the login that this command began.
    pub(crate) fn began(&self, login: Begun) {
        *self.begun.lock().unwrap_or_else(PoisonError::into_inner) = Some(login);
    }

    /// Ends a sign-in: a failed one leaves nothing behind, a successful one is in the store.
    pub(crate) fn end_sign_in(&self, result: Result<(), Failure>) -> Result<(), Failure> {
        match result {
            Ok(()) => self.end(Ok(())),
            Err(failure) => {
                self.give_way_to_interrupt();
                self.leave_no_trace();
                // Of the two the store is to blame: without it the sign-in was given up.
                let failure = self.client.store_error().map_or(failure, Failure::from);
                self.end(Err(failure))
            }
        }
    }

    /// Why what a sign-in has just brought is not stored, where that is so: the client tries it again and again, and a lock
    /// that is held for a moment costs nobody a sign-in.
    pub(crate) fn unstored_sign_in(&self) -> Option<StoreError> {
        const GRACE: Duration = Duration::from_secs(2);
        const PAUSE: Duration = Duration::from_millis(20);
        let begun = Instant::now();
        while self.client.store_error().is_some() && begun.elapsed() < GRACE {
            std::thread::sleep(PAUSE);
        }
        let access_token = |tokens: &TokenSet| tokens.access_token.clone();
        let now = self.client.tokens()?;
        let is_new = self.before.as_ref().map(access_token) != Some(access_token(&now));
        self.client.store_error().filter(|_| is_new)
    }

    fn token_endpoint(&self) -> String {
        self.client.config().provider().token_endpoint.clone()
    }

    /// There is something to renew the tokens with, and no secret to do it.
    fn lacks_secret(&self) -> bool {
        let config = self.client.config();
        let needs_one = config.provider().secret_required && config.parts().client_secret.is_none();
        needs_one && self.client.tokens().is_some_and(|tokens| tokens.refresh_token.is_some())
    }

    /// Ends a command: what a client could not store is lost with this process, and that is to be told.
    pub(crate) fn end(&self, result: Result<(), Failure>) -> Result<(), Failure> {
        if result.is_err() {
            self.give_way_to_interrupt();
        }
        self.client.close();
        self.write_record()?;
        result.map_err(|failure| match failure.exit {
            Exit::NotSignedIn if self.lacks_secret() => ConfigError::missing("client_secret").into(),
            _ => failure.at(&self.token_endpoint()),
        })?;
        match self.client.store_error() {
            None => Ok(()),
            Some(error) => {
                let failure = Failure::from(error);
                Err(Failure::new(failure.exit, format!("the new tokens could not be stored and are lost: {failure}")))
            }
        }
    }

    /// Tells where the tokens are, where that is not what people would expect.
    pub(crate) fn tell_place(&self) {
        if let Place::NoKeyring(path) = &self.opened.place {
            let path = path.display();
            self.terminal
                .notice(&format!("There is no key ring here: the tokens are in {path}, which only you can read."));
        }
    }

    /// The same where the caller tells of the store.
    pub(crate) fn end_without_store(&self) -> Result<(), Failure> {
        self.give_way_to_interrupt();
        self.client.close();
        self.write_record()
    }

    fn write_record(&self) -> Result<(), Failure> {
        match (&self.record, self.client.transcript()) {
            (Some(path), Some(transcript)) => record::write(path, &transcript),
            (_, _) => Ok(()),
        }
    }

    /// Takes away a login that did not come to its end, where there was nothing before. Closes the client: what comes to
    /// the store afterwards would be a trace.
    fn leave_no_trace(&self) {
        // Cancelling and deleting are never worth a failure of their own.
        match self.begun.lock().unwrap_or_else(PoisonError::into_inner).take() {
            Some(Begun::InBrowser(url)) => drop(self.client.cancel_login_of(&url)),
            Some(Begun::OnDevice(login)) => login.cancel(),
            None => {}
        }
        // The answer of a request that is under way may carry the only refresh token that still counts.
        self.client.close();
        if self.is_new {
            let _ = self.forget_blank();
        }
    }

    /// Deletes what is stored where it says nothing. What another process has stored since it was looked at stays.
    fn forget_blank(&self) -> Result<(), Failure> {
        self.forget_if(|session| matches!(session.phase(), Phase::SignedOut { .. })).map(drop)
    }

    /// Deletes what is stored if it is this, and answers whether it did.
    pub(crate) fn forget_if(&self, is_it: impl FnOnce(&Session) -> bool) -> Result<bool, Failure> {
        let store = &self.opened.store;
        let Some(found) = store.load()? else { return Ok(false) };
        let session = Session::restore(self.client.config(), found.expose())?;
        Ok(is_it(&session) && store.delete_revision(snapshot_revision(found.expose())?)?)
    }

    fn handle_signals(&self) -> Result<(), Failure> {
        let app = self.clone();
        interrupt::on_signal(move || {
            if app.interrupted.swap(true, Ordering::SeqCst) {
                // Twice means now.
                std::process::exit(i32::from(Exit::Interrupted as u8));
            }
            let app = app.clone();
            std::thread::spawn(move || app.interrupt());
        })
    }

    fn interrupt(&self) {
        self.stop_spinning();
        self.leave_no_trace();
        let _ = self.write_record();
        self.terminal.problem(&Failure::new(Exit::Interrupted, "interrupted"));
        std::process::exit(i32::from(Exit::Interrupted as u8));
    }

    /// After a signal its thread ends the process, and must not be outrun.
    fn give_way_to_interrupt(&self) {
        while self.interrupted.load(Ordering::SeqCst) {
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

/// A spinner that stops turning when it is dropped.
pub(crate) struct Spinning<'a>(&'a App);

impl Drop for Spinning<'_> {
    fn drop(&mut self) {
        self.0.stop_spinning();
    }
}

/// The store of the profile.
pub(crate) fn open_store(settings: &Settings, terminal: Terminal) -> Result<Opened, Failure> {
    let opened = open_store_with(settings, settings.keys()?)?;
    if let Some(notice) = opened.place.open_to_others() {
        terminal.notice(&notice);
    }
    Ok(opened)
}

/// The same as it is, encrypted or not: for whoever need not open what is in there.
pub(crate) fn store_without_key(settings: &Settings) -> Result<Opened, Failure> {
    open_store_with(settings, None)
}

fn open_store_with(settings: &Settings, keys: Option<Keys>) -> Result<Opened, Failure> {
    if settings.database.is_some() {
        let sentence =
            "a database has the sessions of many users; only fleet and reseal take one as --store, WEBEX_STORE";
        return Err(Failure::new(Exit::Settings, sentence));
    }
    store::open(&Wanted {
        kind: settings.store,
        profile: &settings.profile,
        places: &settings.places,
        session_file: settings.session_file.clone(),
        keys,
    })
}

/// Why what is stored cannot be opened.
pub(crate) fn not_restored(settings: &Settings, error: RestoreError) -> Failure {
    match error {
        // The settings say nothing of a client, and it is not a guest who is signed in.
        RestoreError::OtherConfig { .. } if settings.has_no_client() => ConfigError::missing("client_id").into(),
        error => error.into(),
    }
}

/// The configuration; that of a guest where no client is set.
pub(crate) fn config(settings: &Settings, purpose: For) -> Result<Config, Failure> {
    match purpose {
        For::SignIn => settings.config_for_sign_in(),
        For::Guest | For::Tokens => settings.config_or_of(GUESTS_ONLY),
    }
}
