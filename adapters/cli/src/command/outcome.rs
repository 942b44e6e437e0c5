//! What is told after a sign-in.

use webex_oauth_driver::now;

use super::whoami;
use crate::app::App;
use crate::failure::Failure;
use crate::words;

/// Ends a sign-in and tells of it.
pub(crate) fn end(app: &App, result: Result<(), Failure>) -> Result<(), Failure> {
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
    app.end_sign_in(result)?;
    tell(app, name);
    Ok(())
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
