//! `token`, `user-token` and `refresh`.

use webex_oauth::Scope;
use webex_oauth_driver::now;

use crate::app::{App, For};
use crate::args::Global;
use crate::failure::{Exit, Failure};
use crate::terminal::Terminal;
use crate::words;

/// Prints the access token and nothing else.
pub(crate) fn token(global: &Global, terminal: Terminal) -> Result<(), Failure> {
    let app = App::open(global, terminal, For::Tokens)?;
    let spinner = app.spin("getting a token");
    let token = app.client.token();
    drop(spinner);
    let printed = token.map_err(Failure::from).and_then(|token| terminal.result(token.expose()));
    app.end(printed)
}

/// Prints a token with less scope and nothing else.
pub(crate) fn user_token(global: &Global, terminal: Terminal, scope: &str) -> Result<(), Failure> {
    let scope = Scope::parse(scope);
    if scope.is_empty() {
        return Err(Failure::new(Exit::Usage, "the scope is empty; name a part of what was granted"));
    }
    let app = App::open(global, terminal, For::Tokens)?;
    let spinner = app.spin("getting a token");
    // What it is cut from has to be there first.
    let token = app.client.token().and_then(|_| app.client.user_token(&scope));
    drop(spinner);
    let printed = token.map_err(Failure::from).and_then(|token| terminal.result(token.expose()));
    app.end(printed)
}

/// Renews the tokens now.
pub(crate) fn refresh(global: &Global, terminal: Terminal) -> Result<(), Failure> {
    let app = App::open(global, terminal, For::Tokens)?;
    let spinner = app.spin("refreshing");
    let result = app.client.refresh();
    drop(spinner);
    app.end(result.map_err(Failure::from))?;
    terminal.done(&match app.client.status().expires_at {
        Some(at) => format!("Refreshed: the token is valid until {}, {}.", words::date(at), words::relative(at, now())),
        None => "Refreshed.".to_owned(),
    });
    Ok(())
}
