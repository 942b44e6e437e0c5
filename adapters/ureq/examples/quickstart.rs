//! The program of the repository's README: signs in through the browser and prints who that is.
//!
//! ```text
//! export WEBEX_CLIENT_ID=... WEBEX_CLIENT_SECRET=... WEBEX_REDIRECT_URI=http://localhost:8080/oauth
//! export WEBEX_SCOPE=spark:people_read
//! cargo run -p webex-oauth-ureq --example quickstart
//! ```

use anyhow::Context as _;
use webex_oauth_ureq::Client;

fn main() -> anyhow::Result<()> {
    let client = Client::from_env()?;
    if !client.status().can_authorize {
        client.login_with_browser(Default::default())?;
    }
    let api = client.config().provider().api_base.clone().context("this server has no API")?;
    let me = client.get(&format!("{api}/people/me"))?;
    println!("{}", String::from_utf8_lossy(me.body()));
    Ok(())
}
