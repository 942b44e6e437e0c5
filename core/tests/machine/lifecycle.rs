//! One pass through the code flow, as a newcomer would write it.

use webex_oauth::{
    Access, ConfigParts, Effect, Entropy, Event, HttpResponse, LoginOptions, Provider, Session, Timestamp,
};

fn entropy(start: u8) -> Entropy {
    let bytes: Vec<u8> = (0..64).map(|i: u8| start.wrapping_add(i)).collect();
    Entropy::new(&bytes).unwrap()
}

#[test]
fn a_code_login_ends_in_a_token() {
    let mut parts = ConfigParts::new(Provider::webex(), "cid");
    parts.client_secret = Some("sec".into());
    parts.redirect_uri = Some("http://localhost:8080/oauth".into());
    parts.scope = "spark:all".into();
    let mut session = Session::new(parts.build().unwrap(), entropy(0));
    let now = Timestamp::from_secs(1_700_000_000);

    let output = session.begin_login(now, LoginOptions::default(), entropy(1)).unwrap();
    let [Effect::Persist { .. }, Effect::OpenBrowser { url }] = &output.effects[..] else { panic!("{output:?}") };
    let state = url.expose().split("state=").nth(1).unwrap().split('&').next().unwrap();

    let callback = format!("http://localhost:8080/oauth?code=abc&state={state}");
    let output = session.complete_login(now, callback).unwrap();
    let [Effect::Persist { .. }, Effect::Send { request }] = &output.effects[..] else { panic!("{output:?}") };
    assert!(request.body.expose().starts_with("grant_type=authorization_code&client_id=cid&client_secret=sec"));

    let body = br#"{"access_token":"AT","expires_in":1209599,"refresh_token":"RT"}"#.to_vec();
    let response = HttpResponse { status: 200, headers: vec![], body };
    let output = session.response(now, request.id, response).unwrap();
    let Some(Effect::Notify { event: Event::SignedIn { generation: 1, .. } }) = output.effects.last() else {
        panic!("{output:?}")
    };
    let Access::Ready { token, .. } = session.access(now) else { panic!() };
    assert_eq!(token.expose_header(), "Bearer AT");

    let snapshot = session.snapshot();
    let restored = Session::restore(session.config().clone(), snapshot.expose()).unwrap();
    assert_eq!(restored.snapshot(), snapshot);
    assert_eq!(restored.access(now), session.access(now));
}
