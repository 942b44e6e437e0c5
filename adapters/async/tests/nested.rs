//! A callback of the host that asks the client itself, for what only its own answer can bring.

mod kit;

use std::sync::{Arc, OnceLock, mpsc};
use std::thread;
use std::time::Duration;

use kit::{Fake, Tasks, block_on};
use webex_oauth_async::webex_oauth::{Renewal, Secret};
use webex_oauth_async::{Client, ClientError};

const PATIENCE: Duration = Duration::from_secs(2);

/// A client that asks itself for a token, from within its question for one.
fn client_that_asks_itself(fake: &Fake) -> Client {
    let mut parts = kit::parts();
    parts.renewal = Renewal::HostToken;
    let itself: Arc<OnceLock<Client>> = Arc::default();
    let asked = Arc::clone(&itself);
    let builder = fake.builder_with(parts.build().unwrap()).patience(PATIENCE).ask_for_token(move |_| {
        let client = asked.get().unwrap().clone();
        async move {
            let token = client.token().await.map_err(|error| error.to_string())?;
            Ok(Secret::from(token.expose()))
        }
    });
    let client = block_on(builder.open()).unwrap();
    block_on(client.adopt(r#"{"access_token":"a0","expires_in":0}"#)).unwrap();
    let _ = itself.set(client.clone());
    client
}

#[test]
fn a_callback_that_waits_for_itself_gives_up_when_its_patience_ends() {
    let (sender, ended) = mpsc::channel();
    // On a thread of its own: were it to spin, it would do so for ever, within one poll.
    thread::spawn(move || {
        let fake = Fake::rotating(0);
        let client = client_that_asks_itself(&fake);
        let mut tasks = Tasks::new();
        let caller = tasks.spawn(async move { client.token().await });
        tasks.run(100);
        assert!(tasks.result(caller).is_none(), "its patience has not ended");
        fake.advance(PATIENCE);
        tasks.run(100);
        sender.send(tasks.result(caller).cloned()).unwrap();
    });
    let got = ended.recv_timeout(Duration::from_secs(60)).expect("it comes to rest");
    assert!(matches!(got, Some(Err(ClientError::Timeout { .. } | ClientError::Unavailable { .. }))), "{got:?}");
}

/// A question to the host that is never answered is not waited for at the end.
#[test]
fn a_callback_that_is_left_waiting_does_not_hold_up_the_end() {
    let fake = Fake::rotating(3);
    let client = client_that_asks_itself(&fake);
    let mut tasks = Tasks::new();
    let asking = client.clone();
    let caller = tasks.spawn(async move { asking.token().await.map(drop) });
    tasks.run(100);
    tasks.drop_task(caller);
    let closing = client.clone();
    let end = tasks.spawn(async move {
        closing.close().await;
        Ok(())
    });
    tasks.run(100);
    assert_eq!(tasks.result(end), Some(&Ok(())));
}
