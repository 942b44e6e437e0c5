//! What is told after a sign-in.

use webex_oauth::SignOutOptions;
use webex_oauth_driver::{StoreError, now};

use super::{logout, whoami};
use crate::app::App;
use crate::failure::Failure;
use crate::words;

/// Ends a sign-in and tells of it.
pub(crate) fn end(app: &App, result: Result<(), Failure>) -> Result<(), Failure> {
    end_grant(app, result)?;
    tell(app, None);
    Ok(())
}

/// The same with tokens from elsewhere: what cannot be stored is still where it came from.
pub(crate) fn end_adopted(app: &App, result: Result<(), Failure>) -> Result<(), Failure> {
    if let Some(error) = unstored(app, &result) {
        let failure = Failure::from(error);
        // It would say that they are lost.
        let _ = app.end(Ok(()));
        let sentence = format!("the tokens were not stored, and are still where they came from: {failure}");
        return Err(Failure::new(failure.exit, sentence));
    }
    app.end_sign_in(result)?;
    tell(app, None);
    Ok(())
}

/// The same for a person, whose name the server is asked for. Where it does not say it, nothing is missing: the scope need
/// not reach so far.
pub(crate) fn end_for_person(app: &App, result: Result<(), Failure>) -> Result<(), Failure> {
    let name = if result.is_ok() {
        let _spinning = app.spin("asking the server who you are");
        whoami::name(app)
    } else {
        None
    };
    end_grant(app, result)?;
    tell(app, name);
    Ok(())
}

fn end_grant(app: &App, result: Result<(), Failure>) -> Result<(), Failure> {
    match unstored(app, &result) {
        None => app.end_sign_in(result),
        Some(error) => Err(given_back(app, error)),
    }
}

/// Why the store has not what a sign-in has brought.
fn unstored(app: &App, result: &Result<(), Failure>) -> Option<StoreError> {
    result.is_ok().then(|| app.unstored_sign_in()).flatten()
}

/// Tokens that cannot be kept are of use to nobody but to whoever finds them: the server is to take them back.
fn given_back(app: &App, error: StoreError) -> Failure {
    let failure = Failure::from(error);
    let became = match logout::sign_out(app, SignOutOptions { revoke: true, ..SignOutOptions::default() }) {
        Ok(ended) => ended.of_the_tokens(app, false),
        Err(failure) => format!("the server was not asked to take them back ({failure})"),
    };
    Failure::new(failure.exit, format!("the new tokens could not be stored and are lost, {became}: {failure}"))
}

fn tell(app: &App, name: Option<String>) {
    let profile = &app.settings.profile;
    let as_profile = if profile.is_default() { String::new() } else { format!(" as profile {profile}") };
    let who = name.map(|name| format!(": {name}")).unwrap_or_default();
    app.tell_place();
    let status = app.client.status();
    let until = status.expires_at.map(|at| format!("; the token is valid for {}", words::span_until(at, now())));
    app.terminal.done(&format!("Signed in{as_profile}{who}{}.", until.unwrap_or_default()));
}
