//! The program of the repository's README: signs in, with an address that is pasted, and prints who that is.
//!
//! ```text
//! export WEBEX_CLIENT_ID=... WEBEX_CLIENT_SECRET=... WEBEX_REDIRECT_URI=http://localhost:8080/oauth
//! export WEBEX_SCOPE=spark:people_read
//! cargo run -p webex-oauth-async --example quickstart-async
//! ```

use anyhow::Context as _;
use webex_oauth_async::{Client, webex_oauth::LoginOptions};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let client = Client::from_env().await?;
    let url = client.begin_login(LoginOptions::default()).await?; // a service redirects the browser to it
    println!("Open this page, and paste the address where the browser ends:\n{}", url.expose());
    let mut callback = String::new();
    std::io::stdin().read_line(&mut callback)?;
    client.complete_login(callback).await?;
    let api = client.config().provider().api_base.clone().context("this server has no API")?;
    let me = client.get(&format!("{api}/people/me")).await?;
    println!("{}", String::from_utf8_lossy(me.body()));
    Ok(())
}
