//! The work that is measured: the same on both sides, randomness from the same generator included.

use std::convert::Infallible;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use oauth2::basic::BasicClient;
use oauth2::http::Response;
use oauth2::{
    AuthType, AuthUrl, AuthorizationCode, ClientId, ClientSecret, CsrfToken, EndpointNotSet, EndpointSet,
    PkceCodeChallenge, RedirectUrl, TokenResponse, TokenUrl,
};
use rand::RngCore;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use url::Url;
use webex_oauth::{
    Access, Config, ConfigParts, Effect, Entropy, HttpResponse, LoginOptions, Output, Provider, Session, Timestamp,
};

const CLIENT_ID: &str = "C7f2a0c1d9b84e6f3a5d8c0b1e2f4a6978d0c3b2a1f5e4d6c7b8a9f0e1d2c3b4a";
const CLIENT_SECRET: &str = "0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0";
const REDIRECT_URI: &str = "http://127.0.0.1:8080/oauth";
const SCOPES: [&str; 3] = ["spark:kms", "spark:people_read", "spark:rooms_read"];
const CODE: &str = "YjRjMDk4YTQtNmE4Ny00YTFkLWE4_PF84_1eb65fdf-9643-417f-9974-ad72cae0e10f";
const ANSWER: &[u8] = br#"{"scope":"spark:people_read spark:rooms_read spark:kms","expires_in":1209599,"token_type":"Bearer","refresh_token":"MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDEyMzQ1Njc4OTEyMzQ1Njc4OTAxMjM0NTY3ODkw","refresh_token_expires_in":7775999,"access_token":"ZDI3MGEyYzQtNmFlNS00NDNhLWFlNzAtZGVjNjE0MGU1OGZmZWNmZDEwN2ItYTU3_PF84_1eb65fdf-9643-417f-9974-ad72cae0e10f"}"#;

/// How often everything is measured, one after the other: what the machine does beside it then concerns both sides
/// of a ratio, which are measured within seconds.
pub const ROUNDS: usize = 7;

/// Any instant.
pub const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

/// Ours, once per process.
pub fn config() -> Config {
    let mut parts = ConfigParts::new(Provider::webex(), CLIENT_ID);
    parts.client_secret = Some(CLIENT_SECRET.into());
    parts.redirect_uri = Some(REDIRECT_URI.to_owned());
    parts.scope = SCOPES.join(" ").as_str().into();
    parts.build().expect("the configuration is complete")
}

/// For the session and for its login, from the generator that the peer draws from.
fn entropy() -> [Entropy; 2] {
    let mut bytes = [0; 2 * Entropy::LEN];
    rand::thread_rng().fill_bytes(&mut bytes);
    let (first, second) = bytes.split_at(Entropy::LEN);
    [first, second].map(|bytes| Entropy::new(bytes).expect("random bytes differ"))
}

fn callback(state: &str) -> String {
    [REDIRECT_URI, "?code=", CODE, "&state=", state].concat()
}

/// A whole login with the core; what it stores on the way is written as well.
pub fn lifecycle(config: &Config) -> Session {
    let [seed, entropy] = entropy();
    let mut session = Session::new(config.clone(), seed);
    let output = session.begin_login(NOW, LoginOptions::default(), entropy).expect("it is configured");
    let callback = callback(login_state(&output));
    let output = session.complete_login(NOW, callback).expect("never a mistake");
    let Some(Effect::Send { request }) = output.effects.last() else { panic!("{output:?}") };
    let response = HttpResponse { status: 200, headers: Vec::new(), body: ANSWER.to_vec() };
    session.response(NOW, request.id, response).expect("never a mistake");
    let Access::Ready { token, .. } = session.access(NOW) else { panic!("no token") };
    assert!(token.expose_header().starts_with("Bearer "));
    session
}

fn login_state(output: &Output) -> &str {
    let url = output.effects.iter().find_map(|effect| match effect {
        Effect::OpenBrowser { url } => Some(url.expose()),
        _ => None,
    });
    // Where it is and how long it is: looking for it would be no part of a login.
    let rest = url.unwrap_or_default().strip_prefix("https://webexapis.com/v1/authorize?state=");
    rest.and_then(|rest| rest.get(..52)).unwrap_or_default()
}

/// The peer, configured for its use.
pub type Peer = BasicClient<EndpointSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointSet>;

/// The peer, once per process.
pub fn peer() -> Peer {
    BasicClient::new(ClientId::new(CLIENT_ID.to_owned()))
        .set_client_secret(ClientSecret::new(CLIENT_SECRET.to_owned()))
        .set_auth_type(AuthType::RequestBody)
        .set_auth_uri(AuthUrl::new("https://webexapis.com/v1/authorize".to_owned()).expect("a URL"))
        .set_token_uri(TokenUrl::new("https://webexapis.com/v1/access_token".to_owned()).expect("a URL"))
        .set_redirect_uri(RedirectUrl::new(REDIRECT_URI.to_owned()).expect("a URL"))
}

/// The same login with the `oauth2` crate, which stores nothing: with `stores`, what its user has to keep is written as
/// well, the pending login before the browser opens and the tokens at the end.
pub fn peer_lifecycle(peer: &Peer, stores: bool) -> String {
    let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
    let mut request = peer.authorize_url(CsrfToken::new_random).set_pkce_challenge(challenge);
    for scope in SCOPES {
        request = request.add_scope(oauth2::Scope::new(scope.to_owned()));
    }
    let (url, state) = request.url();
    assert!(url.as_str().len() > 100);
    let pending = stores.then(|| serde_json::to_string(&(&state, &verifier)).expect("it is text"));
    assert!(pending.is_none_or(|text| text.len() > 40));

    let callback = Url::parse(&callback(state.secret())).expect("a URL");
    let parameter = |name: &str| {
        let value = callback.query_pairs().find(|(key, _)| key == name);
        value.map(|(_, value)| value.into_owned()).unwrap_or_default()
    };
    assert_eq!(parameter("state"), *state.secret());
    let http = |request: oauth2::HttpRequest| -> Result<oauth2::HttpResponse, Infallible> {
        assert!(request.body().len() > 100);
        let mut response = Response::new(ANSWER.to_vec());
        response.headers_mut().insert("content-type", oauth2::http::HeaderValue::from_static("application/json"));
        Ok(response)
    };
    let code = AuthorizationCode::new(parameter("code"));
    let answer = peer.exchange_code(code).set_pkce_verifier(verifier).request(&http).expect("the answer is fine");
    let stored = stores.then(|| serde_json::to_string(&answer).expect("it is text"));
    assert!(stored.is_none_or(|text| text.len() > 100));
    format!("Bearer {}", answer.access_token().secret())
}

/// A stored session comes back, is asked for its token and is stored again.
pub fn restore(config: &Config, snapshot: &str) -> usize {
    let session = Session::restore(config.clone(), snapshot).expect("it was stored by this version");
    let Access::Ready { token, .. } = session.access(NOW) else { panic!("no token") };
    token.expose_header().len() + session.snapshot().expose().len()
}

/// What no implementation of a login can save: randomness, SHA-256, base64, writing two forms, reading the JSON.
pub fn floor() -> usize {
    #[derive(Deserialize)]
    struct Tokens {
        access_token: String,
        refresh_token: String,
        scope: String,
        expires_in: u64,
    }
    let mut bytes = [0; 48];
    rand::thread_rng().fill_bytes(&mut bytes);
    let (state, verifier) = (URL_SAFE_NO_PAD.encode(&bytes[..16]), URL_SAFE_NO_PAD.encode(&bytes[16..]));
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(&verifier));
    let scope = SCOPES.join("%20");
    let url = format!(
        "https://webexapis.com/v1/authorize?state={state}&code_challenge={challenge}&code_challenge_method=S256\
         &client_id={CLIENT_ID}&redirect_uri={REDIRECT_URI}&scope={scope}&response_type=code"
    );
    let body = format!(
        "grant_type=authorization_code&client_id={CLIENT_ID}&client_secret={CLIENT_SECRET}\
         &redirect_uri={REDIRECT_URI}&code={CODE}&code_verifier={verifier}"
    );
    let answer = ANSWER.to_vec();
    let tokens: Tokens = serde_json::from_slice(&answer).expect("it is JSON");
    let header = format!("Bearer {}", tokens.access_token);
    url.len()
        + body.len()
        + header.len()
        + tokens.refresh_token.len()
        + tokens.scope.len()
        + (tokens.expires_in as usize)
}
