//! Every way to come by tokens.

use std::sync::Arc;
use std::time::Duration;

use webex_oauth_simulator::{
    CLIENT_ID, Decision, GUEST_ISSUER_ID, GUEST_ISSUER_SECRET, SERVICE_APP_ID, SERVICE_APP_SECRET, Simulator,
};
use webex_oauth_ureq::webex_oauth::protocol::jwt::{GuestJwt, Lifetime};
use webex_oauth_ureq::webex_oauth::{Flow, LoginOptions, Renewal, Scope, Secret};
use webex_oauth_ureq::{BrowserLogin, Client, ClientError, Guest};

use crate::stage::{Done, Stage, check, name, ok, say};

/// A person at a browser: reads the page, decides, and follows the redirect to where the app listens.
fn person(simulator: &Arc<Simulator>, decision: Decision) -> BrowserLogin {
    let simulator = Arc::clone(simulator);
    let open = move |url: &Secret| {
        say(&format!("the app opens the browser at {}...", url.expose().split('?').next().unwrap_or_default()));
        let Ok(landed) = simulator.visit(url.expose(), decision) else {
            return say("the server shows an error page");
        };
        say(&format!("the browser comes back to {}", landed.split('?').next().unwrap_or_default()));
        std::thread::spawn(move || drop(ureq::get(landed).call()));
    };
    BrowserLogin { limit: Duration::from_secs(20), open: Box::new(open), ..BrowserLogin::default() }
}

pub(crate) fn browser(stage: &mut Stage) -> Done<Client> {
    stage.begin("Sign in through the browser: authorization code with PKCE");
    let client = stage.builder()?.open()?;
    client.login_with_browser(person(&stage.simulator, Decision::Accept))?;
    stage.show_log();
    ok(&format!("signed in, access token {}", name(&client.token()?)));
    Ok(client)
}

pub(crate) fn declined(stage: &mut Stage) -> Done {
    stage.begin("The same, and the person declines");
    let client = stage.builder()?.open()?;
    match client.login_with_browser(person(&stage.simulator, Decision::Decline)) {
        Err(error @ ClientError::LoginFailed { .. }) => ok(&format!("the app is told: {error}")),
        other => return Err(format!("declined, and yet: {other:?}").into()),
    }
    Ok(())
}

pub(crate) fn implicit(stage: &mut Stage) -> Done {
    stage.begin("Implicit grant: the token comes in the URL's fragment");
    let client = stage.builder()?.open()?;
    let options = LoginOptions {
        flow: Flow::Implicit,
        redirect_uri: Some("http://localhost/callback".into()),
        ..LoginOptions::default()
    };
    let url = client.begin_login(options)?;
    let landed = stage.simulator.visit(url.expose(), Decision::Accept)?;
    client.complete_login(landed.as_str())?;
    check(!client.status().can_refresh, "an implicit grant has no refresh token")?;
    ok(&format!("access token {}, and nothing to renew it with", name(&client.token()?)));
    Ok(())
}

pub(crate) fn device(stage: &mut Stage) -> Done {
    stage.begin("Device grant: a machine without a browser");
    let client = stage.builder()?.open()?;
    let simulator = Arc::clone(&stage.simulator);
    client.device_login(None, |prompt| {
        say(&format!("the device shows: go to {}, enter {}", prompt.verification_uri, prompt.user_code.expose()));
        say("the person does, on a phone; the device polls meanwhile");
        simulator.decide_device(Some(prompt.user_code.expose()), Decision::Accept);
    })?;
    stage.show_log();
    ok(&format!("access token {}", name(&client.token()?)));
    Ok(())
}

pub(crate) fn guest_jwt(stage: &mut Stage) -> Done {
    stage.begin("Guest: a JWT signed by a guest issuer is exchanged for a token");
    let client = stage.builder()?.open()?;
    let jwt = client.guest_jwt(&GuestJwt {
        subject: Some("visitor-17".into()),
        display_name: Some("Visitor".into()),
        issuer: GUEST_ISSUER_ID.into(),
        secret: GUEST_ISSUER_SECRET.into(),
        lifetime: Lifetime::Text("12h".into()),
    })?;
    client.sign_in_with_jwt(jwt)?;
    stage.show_log();
    ok(&format!("access token {}", name(&client.token()?)));
    Ok(())
}

pub(crate) fn service_app(stage: &mut Stage) -> Done {
    stage.begin("Client credentials: a service signs in as itself, and brings a guest along");
    let mut parts = stage.parts();
    parts.client_id = SERVICE_APP_ID.into();
    parts.client_secret = Some(SERVICE_APP_SECRET.into());
    parts.scope = "guest-issuer:write".into();
    let config = parts.build()?;
    let service = Client::builder(config.clone()).open()?;
    service.sign_in_with_client_credentials(None)?;
    let guest = Client::builder(config).open()?;
    guest.sign_in_as_guest(Guest {
        service_token: Secret::new(service.token()?.expose()),
        subject: "visitor-18".into(),
        display_name: "Visitor".into(),
    })?;
    stage.show_log();
    ok(&format!("the service has {}, its guest {}", name(&service.token()?), name(&guest.token()?)));
    Ok(())
}

pub(crate) fn refresh_token_alone(stage: &mut Stage) -> Done {
    stage.begin("A refresh token from elsewhere is enough");
    let issued = stage.simulator.issue(CLIENT_ID, "spark:people_read").ok_or("no tokens")?;
    let client = stage.builder()?.open()?;
    client.adopt(format!(r#"{{"refresh_token":"{}"}}"#, issued.refresh_token))?;
    let token = client.token()?;
    stage.show_log();
    ok(&format!("access token {}", name(&token)));
    Ok(())
}

pub(crate) fn host(stage: &mut Stage) -> Done {
    stage.begin("The app's own server renews the tokens: a callback");
    let mut parts = stage.parts();
    parts.renewal = Renewal::HostToken;
    let simulator = Arc::clone(&stage.simulator);
    let client = Client::builder(parts.build()?).ask_for_token(move |_| {
        say("the client asks its host for a token");
        let issued = simulator.issue(CLIENT_ID, "spark:people_read").ok_or("the host has none")?;
        Ok(Secret::new(format!("Bearer {}", issued.access_token)))
    });
    let client = client.open()?;
    ok(&format!("access token {}", name(&client.token()?)));
    Ok(())
}

pub(crate) fn user_token(stage: &mut Stage, client: &Client) -> Done {
    stage.begin("A token with less scope, to hand to somebody who needs no more");
    let scope = Scope::parse("spark:people_read");
    let narrow = client.user_token(&scope)?;
    check(narrow == client.user_token(&scope)?, "it is kept for the next time")?;
    stage.show_log();
    ok(&format!("{} may do `{}` only; the session's own is {}", name(&narrow), scope.as_str(), name(&client.token()?)));
    Ok(())
}
