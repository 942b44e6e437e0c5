//! One client and more than one tokio runtime: a façade that blocks, `#[tokio::test]` with a client that is shared.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::Poll;

use tokio::runtime::{Builder, Runtime};
use webex_oauth_async::webex_oauth::{ConfigParts, LoginOptions, Provider};
use webex_oauth_async::{Client, MemoryStore};
use webex_oauth_simulator::{CLIENT_ID, CLIENT_SECRET, Decision, Options, Simulator};

fn client(simulator: &Simulator) -> Client {
    let mut parts = ConfigParts::new(Provider::webex_at(simulator.base_url()), CLIENT_ID);
    parts.client_secret = Some(CLIENT_SECRET.into());
    parts.redirect_uri = Some("http://127.0.0.1/callback".to_owned());
    parts.scope = "spark:people_read".into();
    once(Client::builder(parts.build().unwrap()).store(MemoryStore::new()).open()).unwrap()
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// In a runtime that ends with it.
fn once<T>(future: impl Future<Output = T>) -> T {
    runtime().block_on(future)
}

#[test]
fn each_call_may_have_a_runtime_of_its_own() {
    let simulator = Simulator::start(Options { rotate: true, ..Options::default() }).unwrap();
    let client = client(&simulator);
    let url = once(client.begin_login(LoginOptions::default())).unwrap();
    let back = simulator.visit(url.expose(), Decision::Accept).unwrap();
    once(client.complete_login(back)).unwrap();
    once(client.refresh()).unwrap();
    once(client.token()).unwrap();
    assert_eq!(once(client.get(&simulator.url("/v1/people/me"))).unwrap().status(), 200);
    once(client.close());
}

#[test]
fn a_runtime_that_ends_while_another_one_waits() {
    let simulator = Simulator::start(Options::default()).unwrap();
    let client = client(&simulator);
    let (first, second) = (runtime(), runtime());
    // The timers are those of the first that waits.
    first.block_on(client.begin_login(LoginOptions::default())).unwrap();
    let mut in_first = pin!(client.run());
    let mut in_second = pin!(client.run());
    first.block_on(polled_once(in_first.as_mut()));
    second.block_on(polled_once(in_second.as_mut()));
    drop(first);
    let url = second.block_on(client.begin_login(LoginOptions::default())).unwrap();
    let back = simulator.visit(url.expose(), Decision::Accept).unwrap();
    second.block_on(client.complete_login(back)).unwrap();
    second.block_on(client.close());
    second.block_on(in_second);
}

async fn polled_once(mut future: Pin<&mut impl Future<Output = ()>>) {
    let polled = poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx))).await;
    assert!(polled.is_pending());
}
