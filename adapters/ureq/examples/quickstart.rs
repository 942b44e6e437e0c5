//! Signs in through the browser and prints the person's name.
//!
//! ```text
//! export WEBEX_CLIENT_ID=... WEBEX_CLIENT_SECRET=... WEBEX_REDIRECT_URI=http://localhost:8080/oauth
//! export WEBEX_SCOPE=spark:people_read
//! cargo run -p webex-oauth-ureq --example quickstart
//! ```

use webex_oauth_ureq::Client;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let client = Client::from_env()?;
    if !client.status().can_authorize {
        client.login_with_browser(Default::default())?;
    }
    let api = client.config().provider().api_base.clone().ok_or("this server has no API")?;
    let answer = client.get(&format!("{api}/people/me"))?;
    let person: serde_json::Value = serde_json::from_slice(answer.body())?;
    println!("Hello, {}!", person["displayName"].as_str().unwrap_or("whoever you are"));
    Ok(())
}
