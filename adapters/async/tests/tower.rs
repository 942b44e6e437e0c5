//! The client as a service, with layers of tower's around it.

#![cfg(all(feature = "tower", feature = "reqwest"))]

use tower::{Service as _, ServiceBuilder, ServiceExt as _};
use webex_oauth_async::webex_oauth::{ConfigParts, Provider};
use webex_oauth_async::{Client, ClientError, MemoryStore, http};
use webex_oauth_simulator::{CLIENT_ID, CLIENT_SECRET, Options, Simulator};

#[tokio::test]
async fn a_request_through_a_layer_has_the_token_and_a_refused_one_is_replaced() {
    let simulator = Simulator::start(Options::default()).unwrap();
    let mut parts = ConfigParts::new(Provider::webex_at(simulator.base_url()), CLIENT_ID);
    parts.client_secret = Some(CLIENT_SECRET.into());
    let client = Client::builder(parts.build().unwrap()).store(MemoryStore::new()).open().await.unwrap();
    let issued = simulator.issue(CLIENT_ID, "spark:people_read").unwrap();
    let tokens = format!(
        r#"{{"access_token":"{}","refresh_token":"{}","expires_in":3600}}"#,
        issued.access_token, issued.refresh_token
    );
    client.adopt(tokens).await.unwrap();
    let url = format!("{}/v1/people/me", simulator.base_url());
    let with_path = move |path: &'static str| http::Request::get(format!("{url}{path}")).body(Vec::new()).unwrap();
    let mut service = ServiceBuilder::new().concurrency_limit(4).map_request(with_path).service(client.clone());
    assert_eq!(service.ready().await.unwrap().call("").await.unwrap().status(), 200);
    simulator.expire_access_tokens();
    assert_eq!(service.ready().await.unwrap().call("?again").await.unwrap().status(), 200);
    assert_eq!(simulator.counters().refreshes_attempted, 1);
    client.close().await;
    assert_eq!(service.ready().await.unwrap().call("").await.unwrap_err(), ClientError::Closed);
}
