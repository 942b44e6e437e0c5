//! `login`: through the browser, on another device, or by hand.

use std::io::{self, BufRead as _};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use webex_oauth::{LoginOptions, Secret};
use webex_oauth_driver::open_browser;
use webex_oauth_ureq::{BrowserLogin, ClientError};

use super::device;
use crate::app::{App, Begun, For};
use crate::args::{Global, LoginArgs};
use crate::command::outcome;
use crate::failure::{Exit, Failure};
use crate::settings::read_secret;
use crate::terminal::{STRONG, Terminal};
use crate::words::unquoted;

/// An address that is not the callback may be pasted this often.
const TRIES: usize = 5;

pub(crate) fn run(global: &Global, terminal: Terminal, args: &LoginArgs) -> Result<(), Failure> {
    // Tokens from elsewhere need no client as long as they live.
    let purpose = if args.token_file.is_some() { For::Guest } else { For::SignIn };
    let app = App::open(global, terminal, purpose)?;
    let result = match args {
        LoginArgs { token_file: Some(file), .. } => {
            read_secret(file, "the token").and_then(|tokens| Ok(app.client.adopt(tokens)?))
        }
        LoginArgs { device: true, .. } => device::login(&app),
        LoginArgs { paste: true, .. } => by_hand(&app, args),
        LoginArgs { .. } => in_browser(&app, args),
    };
    match args.token_file {
        // It may be a token that is not for asking about people.
        Some(_) => outcome::end_adopted(&app, result),
        None => outcome::end_for_person(&app, result),
    }
}

fn options(app: &App, args: &LoginArgs) -> Result<LoginOptions, Failure> {
    Ok(LoginOptions {
        prompt: args.select_account.then(|| "select_account".to_owned()),
        email: args.email.clone(),
        redirect_uri: Some(app.settings.redirect_uri(app.client.config().provider())?.to_owned()),
        ..LoginOptions::default()
    })
}

fn in_browser(app: &App, args: &LoginArgs) -> Result<(), Failure> {
    let no_browser = args.no_browser;
    let shown = app.clone();
    let open = move |url: &Secret| {
        shown.began(Begun::InBrowser(url.clone()));
        if shown.client.store_error().is_some() {
            // Before the user has done anything in vain.
            let _ = shown.client.cancel_login_of(url);
            return;
        }
        if no_browser || !open_browser(url) {
            let why = if no_browser { "" } else { "No browser can be opened here. " };
            shown
                .terminal
                .ask(&format!("{why}Open this address in a browser on this machine:\n\n  {}\n", url.expose()));
            shown.terminal.progress("No browser on this machine? Press Ctrl-C and use --device or --paste.");
        } else {
            shown.terminal.progress(&format!(
                "The browser is open: sign in there. If you cannot see it, or it ended with an error, open this address:\n\n  {}\n",
                url.expose()
            ));
        }
        shown.show(shown.terminal.spinner("waiting for the browser"));
    };
    let login = BrowserLogin { options: options(app, args)?, limit: args.timeout, open: Box::new(open) };
    let result = app.client.login_with_browser(login);
    app.stop_spinning();
    result.map_err(Failure::from)
}

fn by_hand(app: &App, args: &LoginArgs) -> Result<(), Failure> {
    let url = app.client.begin_login(options(app, args)?)?;
    app.began(Begun::InBrowser(url.clone()));
    if let Some(error) = app.client.store_error() {
        return Err(error.into());
    }
    app.terminal.ask(&format!(
        "{STRONG}1.{STRONG:#} Open this address in a browser on any machine and sign in:\n\n  {}\n\n\
         {STRONG}2.{STRONG:#} The browser then goes to a page that it may not be able to show. \
         Copy the address of that page, paste it here and press Enter:\n",
        url.expose()
    ));
    let lines = Lines::read(args.timeout);
    for _ in 0..TRIES {
        let Some(callback) = lines.next()? else {
            return Err(Failure::new(Exit::SignIn, "no address was pasted; run it again and paste the address"));
        };
        if callback.is_empty() {
            continue;
        }
        let spinner = app.spin("getting the tokens");
        let result = app.client.complete_login(callback);
        drop(spinner);
        match result {
            Err(error @ ClientError::CallbackIgnored { .. }) => {
                app.terminal.ask(&format!("This is {error}. Paste the address again:"));
            }
            result => return Ok(result.map(drop)?),
        }
    }
    Err(Failure::new(Exit::SignIn, "none of the addresses belongs to this sign-in; run it again"))
}

/// What is typed, as long as there is time. Reading cannot be interrupted: it goes on until the process ends.
struct Lines {
    lines: Receiver<io::Result<Secret>>,
    begun: Instant,
    limit: Duration,
}

impl Lines {
    fn read(limit: Duration) -> Self {
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            while let Some(line) = read_line().transpose() {
                let is_last = line.is_err();
                if sender.send(line).is_err() || is_last {
                    return;
                }
            }
        });
        Self { lines, begun: Instant::now(), limit }
    }

    /// The next line; `None` where the input has ended.
    fn next(&self) -> Result<Option<Secret>, Failure> {
        match self.lines.recv_timeout(self.limit.saturating_sub(self.begun.elapsed())) {
            Ok(Ok(line)) => Ok(Some(line)),
            Ok(Err(error)) => {
                Err(Failure::new(Exit::SignIn, format!("standard input cannot be read ({})", error.kind())))
            }
            Err(RecvTimeoutError::Disconnected) => Ok(None),
            Err(RecvTimeoutError::Timeout) => {
                Err(ClientError::Timeout { what: "the pasted address", limit: self.limit }.into())
            }
        }
    }
}

/// The whole line, which is longer than a person would type. `None` where the input has ended.
fn read_line() -> io::Result<Option<Secret>> {
    let mut line = String::with_capacity(16 * 1024);
    let read = io::stdin().lock().read_line(&mut line)?;
    Ok((read > 0).then(|| Secret::from(unquoted(&line))))
}
