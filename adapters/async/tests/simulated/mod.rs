//! A client that is signed in at the simulator.

use webex_oauth_async::webex_oauth::{ConfigParts, Provider};
use webex_oauth_async::{Client, MemoryStore};
use webex_oauth_simulator::{CLIENT_ID, CLIENT_SECRET, Simulator};

/// And an address of the API there.
pub(crate) async fn signed_in(simulator: &Simulator) -> (Client, String) {
    let mut parts = ConfigParts::new(Provider::webex_at(simulator.base_url()), CLIENT_ID);
    parts.client_secret = Some(CLIENT_SECRET.into());
    let client = Client::builder(parts.build().unwrap()).store(MemoryStore::new()).open().await.unwrap();
    let issued = simulator.issue(CLIENT_ID, "spark:people_read").unwrap();
    let (access, refresh) = (&issued.access_token, &issued.refresh_token);
    client
        .adopt(format!(r#"{{"access_token":"{access}","refresh_token":"{refresh}","expires_in":3600}}"#))
        .await
        .unwrap();
    (client, format!("{}/v1/people/me", simulator.base_url()))
}
