//! What is told after a sign-in.

use webex_oauth_driver::now;

use crate::app::App;
use crate::failure::Failure;
use crate::words;

pub(crate) fn signed_in(app: &App) -> Result<(), Failure> {
    let profile = &app.settings.profile;
    let as_profile = if profile.is_default() { String::new() } else { format!(" as profile {profile}") };
    app.tell_place();
    let status = app.client.status();
    let until = status.expires_at.map(|at| format!("; the token is valid for {}", words::span_until(at, now())));
    app.terminal.done(&format!("Signed in{as_profile}{}.", until.unwrap_or_default()));
    Ok(())
}
