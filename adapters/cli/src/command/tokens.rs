//! `token`, `user-token` and `refresh`.

use serde_json::json;
use webex_oauth::{Scope, SignInReason};
use webex_oauth_driver::now;
use webex_oauth_ureq::ClientError;

use crate::app::{App, For};
use crate::args::{Global, TokenArgs};
use crate::failure::{Exit, Failure};
use crate::terminal::{Terminal, plain};
use crate::words;

/// Prints the access token and nothing else.
pub(crate) fn token(global: &Global, terminal: Terminal, args: &TokenArgs) -> Result<(), Failure> {
    let app = App::open(global, terminal, For::Tokens)?;
    let spinner = app.spin("getting a token");
    let token = app.client.token();
    drop(spinner);
    let printed = token.map_err(Failure::from).and_then(|token| match args {
        TokenArgs { json: true, .. } => {
            let status = app.client.status();
            terminal.json(&json!({
                "access_token": token.expose(),
                "token_type": "Bearer",
                "expires_at": status.expires_at.map(|at| at.to_string()),
                "scopes": status.scope.as_ref().map(|scope| scope.tokens().collect::<Vec<_>>()),
            }))
        }
        TokenArgs { header: true, .. } => terminal.result(&format!("Authorization: {}", token.expose_header())),
        TokenArgs { .. } => terminal.result(token.expose()),
    });
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
    let printed = match token {
        Err(ClientError::SignInRequired { reason: SignInReason::ScopeNotGranted { missing } }) => {
            Err(beyond(&app, &missing))
        }
        token => token.map_err(Failure::from).and_then(|token| terminal.result(token.expose())),
    };
    app.end(printed)
}

/// What was not granted cannot be a part of it: the sign-in has to ask for more.
fn beyond(app: &App, missing: &Scope) -> Failure {
    let granted = app.client.status().scope.unwrap_or_default();
    let sentence = format!(
        "the tokens do not cover {}; sign in with more: webex-oauth login --scope \"{}\"",
        plain(missing.as_str()),
        plain(granted.union(missing).as_str())
    );
    Failure::new(Exit::NotSignedIn, sentence)
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
