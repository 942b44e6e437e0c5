//! Nothing that is printed contains a secret.

use webex_oauth_simulator::{CLIENT_SECRET, Fault};
use webex_oauth_ureq::webex_oauth::SignOutOptions;

use crate::kit::{builder, handoff, issue, simulator};

#[test]
fn no_debug_no_message_and_no_event_shows_a_secret() {
    let simulator = simulator();
    let client = builder(&simulator).open().unwrap();
    let events = client.events();
    let issued = issue(&simulator);
    let mut seen = vec![format!("{:?} {client:?}", builder(&simulator))];
    client.adopt(handoff(&issued, 0)).unwrap();
    let body = serde_json::json!({"error": "invalid_request", "error_description": issued.refresh_token});
    let mut fault = Fault::status(400);
    if let webex_oauth_simulator::FaultKind::Status { body: told, .. } = &mut fault.kind {
        *told = Some(body);
    }
    simulator.fault(fault.on_grant("refresh_token"));
    let error = client.token().unwrap_err();
    seen.push(format!("{error} {error:?} {client:?} {:?}", client.status()));
    simulator.set_down(true);
    let error = client.get(&simulator.url("/v1/people/me?token=in-the-url-5f3")).unwrap_err();
    seen.push(format!("{error} {error:?}"));
    let error = client.complete_login("http://127.0.0.1/callback?code=the-code-77&state=x").unwrap_err();
    seen.push(format!("{error} {error:?}"));
    let _ = client.sign_out(SignOutOptions::default());
    seen.extend(events.try_iter().map(|event| format!("{event:?}")));
    let text = seen.join("\n");
    for secret in [CLIENT_SECRET, &issued.access_token, &issued.refresh_token, "in-the-url-5f3", "the-code-77"] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
}
