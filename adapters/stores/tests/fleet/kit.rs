//! Rows with sessions that are due, and an HTTP client.

use std::time::Duration;

use webex_oauth::coordinator::Tick;
use webex_oauth::{
    ClientAuth, Config, ConfigParts, Effect, Entropy, HttpRequest, HttpResponse, Provider, SendFault, Session,
    Timestamp,
};
use webex_oauth_driver::{entropy, now};
use webex_oauth_simulator::{CLIENT_ID, CLIENT_SECRET, Options, Simulator};
use webex_oauth_stores::{AsyncRecords, BoxFuture, FleetHttp, Key, Put, Replaces, Saved};

pub(crate) fn strict() -> Options {
    Options { rotate: true, reuse_grace_ms: 0, ..Options::default() }
}

pub(crate) fn config(simulator: &Simulator) -> Config {
    let mut provider = Provider::webex_at(simulator.base_url());
    // One that rotates, unlike Webex.
    provider.downscope = false;
    let mut parts = ConfigParts::new(provider, CLIENT_ID);
    parts.client_secret = Some(CLIENT_SECRET.into());
    parts.client_auth = Some(ClientAuth::Body);
    parts.build().unwrap()
}

/// A session whose access token has ended and whose refresh token lives.
pub(crate) fn row(simulator: &Simulator, due_at: Timestamp) -> Put {
    let issued = simulator.issue(CLIENT_ID, "spark:all").unwrap();
    let tokens = format!(
        r#"{{"access_token":"{}","expires_in":1209599,"refresh_token":"{}","refresh_token_expires_in":7775999,"scope":"spark:all"}}"#,
        issued.access_token, issued.refresh_token
    );
    let seed: Entropy = entropy().unwrap();
    let mut session = Session::new(config(simulator), seed);
    let twenty_days_ago = now().plus_millis(-20 * 86_400_000);
    let output = session.adopt(twenty_days_ago, tokens).unwrap();
    let Some(Effect::Persist { snapshot, revision, .. }) = output.effects.into_iter().next() else { panic!() };
    let mut put = Put::new(snapshot, revision, Replaces::Nothing);
    put.due_at = Some(due_at);
    put
}

pub(crate) fn key(number: u64) -> Key {
    Key::new("acme", format!("user {number}")).unwrap()
}

pub(crate) async fn fill(node: &dyn AsyncRecords, simulator: &Simulator, rows: u64) {
    for number in 0..rows {
        let put = row(simulator, now().plus_millis(-60_000));
        assert_eq!(node.save(&key(number), &put).await, Ok(Saved::Stored));
    }
    simulator.clear_log();
}

/// Every row holds a session that the server would renew: none was lost.
pub(crate) async fn all_have_tokens(node: &dyn AsyncRecords, simulator: &Simulator, rows: u64) {
    let live = simulator.live_tokens();
    assert_eq!(u64::try_from(live.iter().filter(|token| is_refresh(token)).count()).unwrap(), rows);
    for number in 0..rows {
        let snapshot = node.load(&key(number)).await.unwrap().unwrap();
        let session = Session::restore(config(simulator), snapshot.expose()).unwrap();
        let refresh_token = session.tokens().and_then(|tokens| tokens.refresh_token.clone()).unwrap();
        let print = webex_oauth_simulator::fingerprint(refresh_token.expose());
        assert!(live.iter().any(|token| token.fingerprint == print), "user {number}");
    }
}

fn is_refresh(token: &webex_oauth_simulator::TokenRef) -> bool {
    token.kind == webex_oauth_simulator::TokenKind::Refresh
}

pub(crate) struct Http(reqwest::Client);

impl Http {
    pub(crate) fn new() -> Self {
        // Other crates of the workspace build reqwest for TLS without saying whose. Whoever was first has said the same.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let builder = reqwest::Client::builder().no_proxy().pool_max_idle_per_host(0);
        Self(builder.redirect(reqwest::redirect::Policy::none()).build().unwrap())
    }
}

impl FleetHttp for Http {
    fn send(
        &self,
        request: HttpRequest,
        _not_after: Option<Tick>,
    ) -> BoxFuture<'static, Result<HttpResponse, SendFault>> {
        let mut call = self.0.post(request.url()).timeout(request.hints.timeout + Duration::from_secs(1));
        for (name, value) in &request.headers {
            call = call.header(*name, value.expose());
        }
        let call = call.body(request.body.expose().to_owned());
        Box::pin(async move {
            let fault = |error: reqwest::Error| if error.is_connect() { SendFault::NotSent } else { SendFault::Lost };
            let answer = call.send().await.map_err(fault)?;
            let text = |value: &reqwest::header::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
            let headers = answer.headers().iter().map(|(name, value)| (name.to_string(), text(value))).collect();
            let (status, body) = (answer.status().as_u16(), answer.bytes().await.map_err(fault)?.to_vec());
            Ok(HttpResponse { status, headers, body })
        })
    }
}
