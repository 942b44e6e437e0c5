//! Foreign servers, and the person at the browser.

use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use webex_oauth_async::webex_oauth::{ClientAuth, ConfigParts, LoginOptions, Provider};
use webex_oauth_async::{Client, ClientError, SignedIn};

const SERVERS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../conformance/servers");

/// A running server; it ends with its standard input.
pub(crate) struct Server {
    _child: Child,
    pub(crate) issuer: String,
    metadata: String,
}

impl Server {
    pub(crate) async fn start(name: &str, flags: &[&str]) -> Self {
        let mut command = Command::new(format!("{SERVERS}/start"));
        command.arg(name).args(flags).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit());
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).await.unwrap();
        let told: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("{name} did not start: {line}"));
        let text = |member: &str| told[member].as_str().unwrap().to_owned();
        Self { _child: child, issuer: text("issuer"), metadata: text("metadata") }
    }

    pub(crate) fn api(&self) -> String {
        format!("{}/api/me", self.issuer)
    }

    /// The configuration, as the server's own metadata describes it.
    pub(crate) async fn parts(&self, client_id: &str, auth: ClientAuth, secret: Option<&str>) -> ConfigParts {
        let anybody = Client::new(ConfigParts::new(Provider::webex(), "nobody").build().unwrap()).await.unwrap();
        let document = anybody.get(&self.metadata).await.unwrap();
        let mut provider = Provider::from_metadata(document.body(), &self.issuer).unwrap();
        provider.token_hosts = vec![self.issuer.trim_start_matches("http://").to_owned()];
        let mut parts = ConfigParts::new(provider, client_id);
        parts.client_auth = Some(auth).filter(|_| secret.is_some());
        parts.client_secret = secret.map(Into::into);
        parts.redirect_uri = Some("http://127.0.0.1:9/callback".into());
        parts.scope = "read".into();
        parts.refresh.min_interval = Duration::ZERO;
        parts
    }

    pub(crate) async fn public(&self) -> Client {
        open(self.parts("public", ClientAuth::None, None).await).await
    }
}

pub(crate) async fn open(parts: ConfigParts) -> Client {
    Client::new(parts.build().unwrap()).await.unwrap()
}

/// The person opens the URL, logs in and decides. Answers what leaves the server: the callback URL, or the body of a
/// form post.
pub(crate) async fn approve(url: &str, flags: &[&str]) -> String {
    let output = Command::new(format!("{SERVERS}/approve")).args(flags).arg(url).stderr(Stdio::inherit()).output();
    let output = output.await.unwrap();
    assert!(output.status.success(), "the server shows an error page");
    String::from_utf8(output.stdout).unwrap().lines().last().unwrap_or_default().to_owned()
}

/// A whole login through the browser.
pub(crate) async fn login(client: &Client, options: LoginOptions, flags: &[&str]) -> Result<SignedIn, ClientError> {
    let url = client.begin_login(options).await.unwrap();
    client.complete_login(approve(url.expose(), flags).await).await
}

/// What the server's API says about the client's token.
pub(crate) async fn me(client: &Client, server: &Server) -> Value {
    let answer = client.get(&server.api()).await.unwrap();
    assert_eq!(answer.status(), 200);
    serde_json::from_slice(answer.body()).unwrap()
}
