//! What the scenarios do not see of an executor, for both of them.

use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use webex_oauth::coordinator::{Call, ClientEvent, Coordinator, Credential, Failure, Of, Reply};
use webex_oauth::{ConfigParts, Provider, Renewal, Secret};
use webex_oauth_executors::harness::Front;
use webex_oauth_executors::surroundings::Surroundings;
use webex_oauth_executors::{blocking, tasks};

fn opened(renewal: Renewal, ask: fn() -> Result<Secret, String>) -> (Coordinator, Surroundings) {
    let mut parts = ConfigParts::new(Provider::webex_at("http://127.0.0.1:9"), "client");
    parts.renewal = renewal;
    let config = parts.build().expect("a configuration");
    let (coordinator, stores) = webex_oauth_driver::open(config, None, None, false).expect("a coordinator");
    (coordinator, Surroundings { stores, wall: Box::new(webex_oauth_driver::now), ask: Box::new(ask) })
}

fn start<F: Front>(renewal: Renewal, ask: fn() -> Result<Secret, String>) -> (F, Receiver<ClientEvent>) {
    let (coordinator, surroundings) = opened(renewal, ask);
    F::start(coordinator, surroundings).expect("an executor")
}

async fn a_published_token_needs_no_lock<F: Front>() {
    let (executor, _events) = start::<F>(Renewal::Grant, || Err("nobody asks".to_owned()));
    assert!(executor.published().is_none());
    let credential = Credential::Tokens { tokens: r#"{"access_token": "at-1", "expires_in": 3600}"#.into() };
    let reply = executor.call(Call::SignIn { credential, within: None }).await;
    assert!(matches!(reply, Ok(Reply::SignedIn { .. })), "{reply:?}");
    let (token, _) = executor.with(|_, _| executor.published()).expect("while the coordinator is locked");
    assert_eq!(token.expose(), "at-1");
    let signed_out = executor.call(Call::SignOut { options: webex_oauth::SignOutOptions::default() }).await;
    assert!(signed_out.is_ok());
    assert!(executor.published().is_none());
    executor.close().await;
}

/// The thread, or the task, ends with it, and nobody else gets anything.
async fn a_job_that_panics_is_reported<F: Front>() {
    let (executor, events) = start::<F>(Renewal::HostToken, || panic!("the application's own fault"));
    let begun = Instant::now();
    let reply = executor.call(Call::Token { of: Of::Session, within: None }).await;
    assert!(matches!(reply, Ok(Reply::Failed(Failure::Unavailable { .. }))), "{reply:?}");
    assert!(begun.elapsed() < Duration::from_secs(10), "it was waited for");
    executor.close().await;
    assert!(events.iter().count() > 0, "it is told, and the events end");
}

#[tokio::test(flavor = "multi_thread")]
async fn both_hand_out_a_published_token_while_the_coordinator_is_locked() {
    a_published_token_needs_no_lock::<Arc<blocking::Executor>>().await;
    a_published_token_needs_no_lock::<Arc<tasks::Executor>>().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn both_report_a_job_that_panics() {
    a_job_that_panics_is_reported::<Arc<blocking::Executor>>().await;
    a_job_that_panics_is_reported::<Arc<tasks::Executor>>().await;
}

/// Its timer held it as long as it lived.
async fn nothing_is_left<T>(executor: Arc<T>) {
    let begun = Instant::now();
    while Arc::strong_count(&executor) > 1 {
        assert!(begun.elapsed() < Duration::from_secs(10), "somebody holds a closed executor");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_left_of_an_executor_that_is_closed() {
    let (executor, _events) = start::<Arc<blocking::Executor>>(Renewal::Grant, || Err("nobody asks".to_owned()));
    Front::close(&executor).await;
    nothing_is_left(executor).await;
    let (executor, _events) = start::<Arc<tasks::Executor>>(Renewal::Grant, || Err("nobody asks".to_owned()));
    Front::close(&executor).await;
    nothing_is_left(executor).await;
}
