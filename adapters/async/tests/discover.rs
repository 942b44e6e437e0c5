//! Servers by the metadata that they publish.

use webex_oauth_async::webex_oauth::ConfigParts;
use webex_oauth_async::{Client, ClientError, Reqwest, discover};
use webex_oauth_simulator::{Options, Simulator};

#[tokio::test]
async fn a_server_is_found_by_its_issuer() {
    let simulator = Simulator::start(Options::default()).unwrap();
    let issuer = simulator.base_url();
    let http = Reqwest::new().unwrap();
    let provider = discover(&http, issuer).await.unwrap();
    assert_eq!(provider.issuer.as_deref(), Some(issuer));
    assert_eq!(provider.token_endpoint, format!("{issuer}/v1/access_token"));
    let config = ConfigParts::new(provider, "C1").build().unwrap();
    assert!(Client::builder(config).http(http).open().await.is_ok());
}

#[tokio::test]
async fn where_nothing_is_published_every_place_is_named() {
    let simulator = Simulator::start(Options::default()).unwrap();
    let issuer = format!("{}/nobody", simulator.base_url());
    let error = discover(&Reqwest::new().unwrap(), &issuer).await.unwrap_err();
    assert!(matches!(error, ClientError::Config(_)), "{error}");
    let text = error.to_string();
    for place in ["oauth-authorization-server/nobody", "nobody/.well-known/openid-configuration", "HTTP 404"] {
        assert!(text.contains(place), "{text}");
    }
}
