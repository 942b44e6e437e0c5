//! Proxies of the environment are for the network: what goes to this machine is in plain http, and holds secrets.

use std::env;
use std::io::ErrorKind;
use std::net::TcpListener;
use std::process::Command;

use webex_oauth_async::Client;
use webex_oauth_async::webex_oauth::{ConfigParts, Provider};
use webex_oauth_simulator::{CLIENT_ID, CLIENT_SECRET, Options, Simulator};

/// Set in the process that has the proxy.
const PROXIED: &str = "WEBEX_OAUTH_TEST_PROXIED";

#[test]
fn a_server_on_this_machine_is_reached_without_a_proxy() {
    if env::var_os(PROXIED).is_some() {
        return sign_in();
    }
    let proxy = TcpListener::bind("127.0.0.1:0").unwrap();
    proxy.set_nonblocking(true).unwrap();
    let url = format!("http://{}", proxy.local_addr().unwrap());
    // The environment is that of a whole process: this test again, in one of its own.
    let mut again = Command::new(env::current_exe().unwrap());
    again.args(["--exact", "a_server_on_this_machine_is_reached_without_a_proxy"]).env(PROXIED, "1");
    again.env_remove("NO_PROXY").env_remove("no_proxy");
    let output = again.env("http_proxy", &url).env("HTTP_PROXY", &url).env("ALL_PROXY", &url).output().unwrap();
    assert_eq!(proxy.accept().map_err(|error| error.kind()).err(), Some(ErrorKind::WouldBlock), "the proxy was asked");
    assert!(output.status.success(), "{output:?}");
}

fn sign_in() {
    let simulator = Simulator::start(Options::default()).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    for base in [simulator.base_url().to_owned(), simulator.base_url().replace("127.0.0.1", "localhost")] {
        let mut parts = ConfigParts::new(Provider::webex_at(&base), CLIENT_ID);
        parts.client_secret = Some(CLIENT_SECRET.into());
        parts.scope = "spark:people_read".into();
        let client = runtime.block_on(Client::new(parts.build().unwrap())).unwrap();
        runtime.block_on(client.sign_in_with_client_credentials(None)).unwrap();
    }
}
