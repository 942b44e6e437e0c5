//! `guest` and `client-credentials`: sign-ins without a browser.

use std::path::Path;

use webex_oauth::protocol::jwt::{GuestJwt, Lifetime};
use webex_oauth::{ConfigError, Secret};
use webex_oauth_ureq::Guest;

use super::outcome;
use crate::app::{App, For};
use crate::args::{Global, GuestArgs};
use crate::failure::Failure;
use crate::settings::read_secret;
use crate::terminal::Terminal;

/// As long as the token that Webex answers.
const LIFETIME: &str = "6h";

pub(crate) fn run(global: &Global, terminal: Terminal, args: &GuestArgs) -> Result<(), Failure> {
    let app = App::open(global, terminal, For::Guest)?;
    let result = sign_in(&app, args);
    outcome::end_for_person(&app, result)
}

/// Signs in as the client itself.
pub(crate) fn client_credentials(global: &Global, terminal: Terminal) -> Result<(), Failure> {
    let app = App::open(global, terminal, For::SignIn)?;
    let spinner = app.spin("signing in");
    let result = app.client.sign_in_with_client_credentials(None);
    drop(spinner);
    outcome::end(&app, result.map_err(Failure::from))
}

fn sign_in(app: &App, args: &GuestArgs) -> Result<(), Failure> {
    let result = match (&args.jwt_file, &args.service_token_file) {
        (Some(file), _) => {
            let jwt = read_secret(file, "the JWT")?;
            let _spinner = app.spin("signing in");
            app.client.sign_in_with_jwt(jwt)
        }
        (None, Some(file)) => {
            let subject = args.subject.clone().unwrap_or_default();
            let guest = Guest {
                service_token: read_secret(file, "the service token")?,
                display_name: args.name.clone().unwrap_or_else(|| subject.clone()),
                subject,
            };
            let _spinner = app.spin("signing in");
            app.client.sign_in_as_guest(guest)
        }
        (None, None) => {
            let guest = issued_guest(app, args)?;
            let jwt = app.client.guest_jwt(&guest)?;
            let _spinner = app.spin("signing in");
            app.client.sign_in_with_jwt(jwt)
        }
    };
    result.map_err(|error| {
        let mut failure = Failure::from(error);
        if args.service_token_file.is_none() && failure.exit.is_refusal() {
            failure.check_also("that the clock of this machine is right: a JWT is valid from now on");
        }
        failure
    })
}

fn issued_guest(app: &App, args: &GuestArgs) -> Result<GuestJwt, Failure> {
    let missing = |field| Failure::from(ConfigError::missing(field));
    let issuer = args.guest_issuer.clone().or_else(|| app.settings.guest_issuer.clone());
    let secret =
        args.guest_issuer_secret_file.as_deref().map(|file: &Path| read_secret(file, "the guest issuer's secret"));
    let secret: Option<Secret> = secret.transpose()?.or_else(|| app.settings.guest_issuer_secret.clone());
    Ok(GuestJwt {
        subject: args.subject.clone(),
        display_name: args.name.clone(),
        issuer: issuer.ok_or_else(|| missing("guest_issuer"))?,
        secret: secret.ok_or_else(|| missing("guest_issuer_secret"))?,
        lifetime: Lifetime::Text(args.lifetime.clone().unwrap_or_else(|| LIFETIME.to_owned())),
    })
}
