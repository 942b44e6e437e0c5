//! Foreign servers, and the person at the browser.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use webex_oauth_ureq::webex_oauth::{ClientAuth, ConfigParts, LoginOptions, Provider};
use webex_oauth_ureq::{Client, ClientError};

pub(crate) const REDIRECT_URI: &str = "http://127.0.0.1:9/callback";

const SERVERS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../conformance/servers");

/// A running server; it ends with its standard input.
pub(crate) struct Server {
    child: Child,
    pub(crate) issuer: String,
    metadata: String,
    /// How many odd answers it knows, with `--odd`.
    pub(crate) oddities: u64,
}

impl Server {
    pub(crate) fn start(name: &str, flags: &[&str]) -> Self {
        let mut command = Command::new(format!("{SERVERS}/start"));
        command.arg(name).args(flags).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit());
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let told: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("{name} did not start: {line}"));
        let text = |member: &str| told[member].as_str().unwrap().to_owned();
        let oddities = told["oddities"].as_u64().unwrap_or(0);
        Self { child, issuer: text("issuer"), metadata: text("metadata"), oddities }
    }

    pub(crate) fn api(&self) -> String {
        format!("{}/api/me", self.issuer)
    }

    /// The configuration, as the server's own metadata describes it.
    pub(crate) fn parts(&self, client_id: &str, auth: ClientAuth, secret: Option<&str>) -> ConfigParts {
        let document = ureq::get(&self.metadata).call().unwrap().body_mut().read_to_vec().unwrap();
        let mut provider = Provider::from_metadata(&document, &self.issuer).unwrap();
        provider.token_hosts = vec![self.issuer.trim_start_matches("http://").to_owned()];
        let mut parts = ConfigParts::new(provider, client_id);
        parts.client_auth = Some(auth).filter(|_| secret.is_some());
        parts.client_secret = secret.map(Into::into);
        parts.redirect_uri = Some(REDIRECT_URI.into());
        parts.scope = "read".into();
        parts.refresh.min_interval = Duration::ZERO;
        parts
    }

    pub(crate) fn public(&self) -> Client {
        open(self.parts("public", ClientAuth::None, None))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

pub(crate) fn open(parts: ConfigParts) -> Client {
    Client::builder(parts.build().unwrap()).open().unwrap()
}

/// The person opens the URL, logs in and decides. Answers what leaves the server: the callback URL, and the body of a
/// form post.
pub(crate) fn approve(url: &str, flags: &[&str]) -> Vec<String> {
    let output = Command::new(format!("{SERVERS}/approve")).args(flags).arg(url).stderr(Stdio::inherit()).output();
    let output = output.unwrap();
    assert!(output.status.success(), "the server shows an error page");
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

/// A whole login through the browser.
pub(crate) fn login(client: &Client, options: LoginOptions, flags: &[&str]) -> Result<(), ClientError> {
    let url = client.begin_login(options).unwrap();
    let callback = approve(url.expose(), flags);
    client.complete_login(callback.last().unwrap().as_str()).map(drop)
}

/// What the server's API says about the client's token.
pub(crate) fn me(client: &Client, server: &Server) -> Value {
    let answer = client.get(&server.api()).unwrap();
    assert_eq!(answer.status(), 200);
    serde_json::from_slice(answer.body()).unwrap()
}

/// Whether the server still takes this token.
pub(crate) fn is_alive(server: &Server, token: &str) -> bool {
    ureq::get(server.api()).header("authorization", format!("Bearer {token}")).call().is_ok()
}
