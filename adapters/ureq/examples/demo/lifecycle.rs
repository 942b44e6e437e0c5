//! What happens to tokens after a sign-in.

use std::time::Duration;

use webex_oauth_simulator::{Endpoint, Fault, Options, Simulator};
use webex_oauth_ureq::webex_oauth::{Event, SignOutOptions};
use webex_oauth_ureq::{Client, ClientError, ClientEvent, FileStore};

use crate::stage::{Done, Stage, check, name, ok, say};

pub(crate) fn call(stage: &mut Stage, client: &Client) -> Done {
    stage.begin("Call an API");
    let answer = client.get(&stage.simulator.url("/v1/people/me"))?;
    let person: serde_json::Value = serde_json::from_slice(answer.body())?;
    stage.show_log();
    ok(&format!("it is {}", person["displayName"].as_str().ok_or("nobody")?));
    Ok(())
}

pub(crate) fn ahead_of_expiry(stage: &mut Stage, client: &Client) -> Done {
    stage.begin("A refresh ahead of expiry, which nobody waits for");
    let events = client.events();
    stage.simulator.configure(|options| options.access_lifetime_ms = 2000);
    client.refresh()?;
    let short = client.token()?;
    stage.simulator.configure(|options| options.access_lifetime_ms = Options::default().access_lifetime_ms);
    say(&format!("the server gives out {}, good for two seconds", name(&short)));
    say("the client waits for 60 to 90 % of that, then renews it by itself");
    let mut refreshed = 0;
    while refreshed < 2 {
        let event = events.recv_timeout(Duration::from_secs(10)).map_err(|_| "no refresh came")?;
        refreshed += u32::from(matches!(event, ClientEvent::Session(Event::TokensRefreshed { .. })));
    }
    stage.show_log();
    ok(&format!("nobody asked, and there is {}", name(&client.token()?)));
    Ok(())
}

pub(crate) fn replay(stage: &mut Stage, client: &Client) -> Done {
    stage.begin("An API answers 401: one refresh, one replay");
    stage.simulator.expire_access_tokens();
    say("the server has ended the token behind the client's back");
    let answer = client.get(&stage.simulator.url("/v1/people/me"))?;
    stage.show_log();
    check(answer.status() == 200, "the replay did not help")?;
    ok("the caller sees 200");
    Ok(())
}

pub(crate) fn two_threads(stage: &mut Stage, client: &Client) -> Done {
    stage.begin("Two threads at once meet a dead token");
    stage.simulator.expire_access_tokens();
    let url = stage.simulator.url("/v1/echo");
    let call = || client.get(&url).map(|answer| answer.status().as_u16());
    let (a, b) = std::thread::scope(|scope| {
        let (a, b) = (scope.spawn(call), scope.spawn(call));
        (a.join(), b.join())
    });
    let statuses = (a.map_err(|_| "a thread died")??, b.map_err(|_| "a thread died")??);
    stage.show_log();
    let refreshes = stage.simulator.counters().refreshes_attempted;
    check(statuses == (200, 200) && refreshes == 1, "not one refresh for both")?;
    ok("both got their answer, by one refresh");
    Ok(())
}

pub(crate) fn rotation(stage: &mut Stage, client: &Client) -> Done {
    stage.begin("Rotation: every refresh retires its refresh token");
    let refresh_token = || client.tokens().and_then(|tokens| tokens.refresh_token);
    let before = refresh_token();
    client.refresh()?;
    check(refresh_token() != before, "the refresh token did not change")?;
    stage.show_log();
    ok("the new refresh token is stored before the new access token is used");
    Ok(())
}

pub(crate) fn lost_answer(stage: &mut Stage, client: &Client) -> Done {
    stage.begin("The answer to a refresh is lost after the server has rotated");
    stage.simulator.configure(|options| options.reuse_grace_ms = 30_000);
    stage.simulator.fault(Fault::cut_after().on_grant("refresh_token"));
    let events = client.events();
    match client.refresh() {
        Err(error @ ClientError::Unavailable { .. }) => say(&format!("the caller is told: {error}")),
        other => return Err(format!("the answer was lost, and yet: {other:?}").into()),
    }
    say("lost is not failed: the client asks again, with the same refresh token");
    loop {
        let event = events.recv_timeout(Duration::from_secs(10)).map_err(|_| "it did not ask again")?;
        if matches!(event, ClientEvent::Session(Event::TokensRefreshed { .. })) {
            break;
        }
    }
    stage.show_log();
    check(stage.simulator.counters().reuse_detected == 0, "the server took it for theft")?;
    stage.simulator.configure(|options| options.reuse_grace_ms = 0);
    ok(&format!("nothing was lost, there is {}", name(&client.token()?)));
    Ok(())
}

pub(crate) fn slow_down(stage: &mut Stage, client: &Client) -> Done {
    stage.begin("An API asks to slow down: 429 with Retry-After");
    stage.simulator.fault(Fault::retry_after(429, "1").at(Endpoint::PeopleMe));
    let answer = client.get(&stage.simulator.url("/v1/people/me"))?;
    stage.show_log();
    check(answer.status() == 200, "the wait did not help")?;
    ok("the call waited for a second and was made again");
    Ok(())
}

pub(crate) fn foreign_host(stage: &mut Stage, client: &Client) -> Done {
    stage.begin("A host that must not see the token does not see it");
    let stranger = Simulator::start(Options::default())?;
    let answer = client.get(&stranger.url("/v1/people/me"))?;
    check(answer.status() == 401 && stranger.log().iter().all(|entry| entry.presented.is_none()), "it saw a token")?;
    ok("the call was made without any Authorization");
    Ok(())
}

pub(crate) fn restart(stage: &mut Stage) -> Done {
    stage.begin("A restart: the session is in a file, which only its owner may read");
    let folder = std::env::temp_dir().join(format!("webex-oauth-demo-{}", std::process::id()));
    let store = FileStore::new(folder.join("session.json"));
    let first = stage.builder()?.store(store.clone()).open()?;
    let issued = stage.simulator.issue(webex_oauth_simulator::CLIENT_ID, "spark:people_read").ok_or("no tokens")?;
    first.adopt(format!(
        r#"{{"access_token":"{}","refresh_token":"{}","expires_in":3600}}"#,
        issued.access_token, issued.refresh_token
    ))?;
    let token = first.token()?;
    drop(first);
    say("the program ends; another one begins");
    let second = stage.builder()?.store(store).open()?;
    let same = second.token()? == token;
    drop(second);
    std::fs::remove_dir_all(&folder)?;
    check(same && stage.simulator.log().is_empty(), "it did not come back as it was")?;
    ok(&format!("{} is still good, and the server was not even asked", name(&token)));
    Ok(())
}

pub(crate) fn sign_out(stage: &mut Stage, client: &Client) -> Done {
    stage.begin("Sign out");
    let before = stage.simulator.counters().live_refresh_tokens;
    client.sign_out(SignOutOptions::default())?;
    stage.show_log();
    let Err(error) = client.token() else { return Err("a token after the sign-out".into()) };
    check(stage.simulator.counters().live_refresh_tokens < before, "nothing was revoked")?;
    ok(&format!("revoked at the server and forgotten here; who asks for a token is told: {error}"));
    Ok(())
}
