//! When tokens are renewed, and who waits for it.

mod kit;

use std::time::Duration;

use kit::{Fake, Tasks, block_on};

const TOKENS: &str = r#"{"access_token":"a0","refresh_token":"r0","expires_in":1000}"#;

#[test]
fn past_soon_the_caller_gets_the_old_token_and_run_renews_it() {
    let fake = Fake::rotating(1);
    let mut parts = kit::parts();
    parts.refresh.proactive = false;
    let client = block_on(fake.builder_with(parts.build().unwrap()).open()).unwrap();
    block_on(client.adopt(TOKENS)).unwrap();
    let mut tasks = Tasks::new();
    let running = client.clone();
    tasks.spawn(async move { running.run().await });
    tasks.run(100);
    fake.hold(true);
    fake.advance(Duration::from_secs(901));
    assert_eq!(block_on(client.token()).unwrap().expose(), "a0");
    tasks.run(100);
    assert_eq!(fake.sends(), 1);
    assert_eq!(block_on(client.token()).unwrap().expose(), "a0");
    fake.hold(false);
    tasks.run(100);
    assert_eq!(block_on(client.token()).unwrap().expose(), "a1");
}

#[test]
fn what_a_caller_noticed_is_done_when_somebody_runs_the_client() {
    let fake = Fake::rotating(1);
    let mut parts = kit::parts();
    parts.refresh.proactive = false;
    let client = block_on(fake.builder_with(parts.build().unwrap()).open()).unwrap();
    block_on(client.adopt(TOKENS)).unwrap();
    fake.advance(Duration::from_secs(901));
    assert_eq!(block_on(client.token()).unwrap().expose(), "a0");
    assert_eq!(fake.sends(), 0);
    let mut tasks = Tasks::new();
    let running = client.clone();
    tasks.spawn(async move { running.run().await });
    tasks.run(100);
    assert_eq!(fake.sends(), 1);
    assert_eq!(block_on(client.token()).unwrap().expose(), "a1");
}
