//! The clients of many users.

mod kit;

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use kit::{Nodes, TOKENS, Waits, parts, simulator, tokens_of, until};
use webex_oauth_async::webex_oauth::{LoginOptions, Secret, SignOutOptions};
use webex_oauth_async::{ClientError, Clients, Put, Replaces, Reqwest, Saved, Store as _};
use webex_oauth_simulator::{CLIENT_ID, Decision};

#[tokio::test]
async fn a_user_costs_nothing_and_no_more_are_kept_than_there_is_room_for() {
    let nodes = Nodes::default();
    let clients = nodes.builder(parts("http://127.0.0.1:9")).capacity(5).http(Waits::default()).build().unwrap();
    let users: Vec<_> = (0..50).map(|number| clients.of(format!("u{number}"))).collect();
    assert_eq!((clients.kept(), nodes.opened()), (0, 0));
    for user in &users {
        user.client().await.unwrap().adopt(tokens_of(user.key())).await.unwrap();
    }
    assert_eq!(clients.kept(), 5);
    // Who is not kept is found in the store.
    for user in &users {
        assert_eq!(user.token().await.unwrap().expose(), format!("AT-{}", user.key()));
    }
    assert_eq!(clients.kept(), 5);
    assert!(!format!("{clients:?} {:?}", users[1]).contains("u1"));
}

#[tokio::test]
async fn who_is_deleted_is_gone_on_every_node_and_at_the_server() {
    let (nodes, simulator) = (Nodes::default(), simulator());
    let [a, b] =
        [(); 2].map(|()| nodes.builder(parts(simulator.base_url())).stale_after(Duration::ZERO).build().unwrap());
    let zoe = "zoe".to_owned();
    for _ in 0..2 {
        let issued = simulator.issue(CLIENT_ID, "spark:people_read").unwrap();
        let tokens = format!(
            r#"{{"access_token":"{}","refresh_token":"{}","expires_in":3600}}"#,
            issued.access_token, issued.refresh_token
        );
        a.of(zoe.clone()).client().await.unwrap().adopt(tokens).await.unwrap();
        assert_eq!(b.of(zoe.clone()).token().await.unwrap().expose(), issued.access_token);
        a.of(zoe.clone()).delete().await.unwrap();
        assert_eq!(nodes.store("zoe").load(), Ok(None));
        assert!(simulator.live_tokens().is_empty(), "they are revoked");
        let error = b.of(zoe.clone()).token().await.unwrap_err();
        assert!(matches!(error, ClientError::SignInRequired { .. }), "{error}");
        assert_eq!((a.kept(), nodes.store("zoe").load()), (0, Ok(None)), "nor does it come back");
        // Nobody there.
        b.delete(&zoe).await.unwrap();
    }
    // What no client can open goes, too.
    for stored in [r#"{"webex_oauth":99,"revision":7}"#, "no session"] {
        let put = Put::new(Secret::new(stored), 7, Replaces::Nothing);
        assert_eq!(nodes.store("bob").save(&put), Ok(Saved::Stored));
        a.of("bob".to_owned()).delete().await.unwrap();
        assert_eq!(nodes.store("bob").load(), Ok(None));
    }
    // Another client's stays.
    a.of("ann".to_owned()).client().await.unwrap().adopt(TOKENS).await.unwrap();
    let mut other = parts(simulator.base_url());
    other.client_id = "C2".to_owned();
    let other = nodes.builder(other).build().unwrap();
    assert!(matches!(other.delete(&"ann".to_owned()).await, Err(ClientError::Restore(_))));
    assert!(nodes.store("ann").load().unwrap().is_some());
    a.close().await;
    assert!(matches!(a.delete(&zoe).await, Err(ClientError::Closed)));
}

#[tokio::test]
async fn who_waits_for_a_request_is_not_evicted() {
    let (nodes, http) = (Nodes::default(), Waits::default());
    let clients = nodes.builder(parts("http://127.0.0.1:9")).capacity(1).http(http.clone()).build().unwrap();
    http.hold.store(true, Ordering::SeqCst);
    nodes.expired(&clients, "u0").await;
    let waiting = clients.of("u0".to_owned());
    let waiting = tokio::spawn(async move { waiting.token().await });
    http.until_sent(1).await;
    for number in 1..20 {
        clients.of(format!("u{number}")).client().await.unwrap();
    }
    assert_eq!(clients.kept(), 2, "the one that waits, and the newest");
    http.release();
    assert_eq!(waiting.await.unwrap().unwrap().expose(), "AT1");
}

#[tokio::test]
async fn requests_that_hang_do_not_stop_other_users() {
    let (nodes, http) = (Nodes::default(), Waits::default());
    let clients = nodes.builder(parts("http://127.0.0.1:9")).http(http.clone()).build().unwrap();
    http.hold.store(true, Ordering::SeqCst);
    for user in ["u0", "u1"] {
        nodes.expired(&clients, user).await;
    }
    let hung = ["u0", "u1"].map(|user| clients.of(user.to_owned()));
    let hung = hung.map(|user| tokio::spawn(async move { user.token().await }));
    http.until_sent(2).await;
    http.hold.store(false, Ordering::SeqCst);
    nodes.expired(&clients, "u2").await;
    assert!(clients.of("u2".to_owned()).token().await.is_ok());
    assert!(hung.iter().all(|task| !task.is_finished()));
    http.release();
    for task in hung {
        task.await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn all_are_closed_at_once_and_what_was_sent_is_stored() {
    let (nodes, http) = (Nodes::default(), Waits::default());
    let clients = nodes.builder(parts("http://127.0.0.1:9")).http(http.clone()).build().unwrap();
    http.hold.store(true, Ordering::SeqCst);
    for number in 0..20 {
        nodes.expired(&clients, &format!("u{number}")).await;
    }
    let waiting = (0..20).map(|number| clients.of(format!("u{number}")));
    let waiting: Vec<_> = waiting.map(|user| tokio::spawn(async move { user.token().await })).collect();
    http.until_sent(20).await;
    let closing = clients.clone();
    let closing = tokio::spawn(async move { closing.close().await });
    // One after the other, only the first one would be told while its request is out.
    for task in waiting {
        assert_eq!(task.await.unwrap().unwrap_err(), ClientError::Closed);
    }
    assert!(!closing.is_finished());
    http.release();
    closing.await.unwrap();
    for number in 0..20 {
        assert!(nodes.store(&format!("u{number}")).load().unwrap().unwrap().expose().contains("RT1"));
    }
    assert_eq!(clients.of("u1".to_owned()).token().await.unwrap_err(), ClientError::Closed);
}

#[tokio::test]
async fn a_login_is_completed_on_any_node_and_its_key_is_worth_nothing_afterwards() {
    let (nodes, simulator) = (Nodes::default(), simulator());
    let node = || nodes.builder(parts(simulator.base_url())).http(Reqwest::new().unwrap()).build().unwrap();
    let (a, b) = (node(), node());
    let cookie = || "cookie".to_owned();
    let url = a.of(cookie()).begin_login(LoginOptions::default()).await.unwrap();
    let callback = simulator.visit(url.expose(), Decision::Accept).unwrap();
    let mut user = b.of(cookie());
    user.complete_login(callback.clone()).await.unwrap();
    user.rebind("zoe".to_owned()).await.unwrap();
    assert_eq!(user.key(), "zoe");
    let token = user.token().await.unwrap();
    assert_eq!(a.of("zoe".to_owned()).token().await.unwrap().expose(), token.expose());
    assert!(nodes.store("cookie").load().unwrap().is_none());
    for node in [&a, &b] {
        let error = node.of(cookie()).token().await.unwrap_err();
        assert!(matches!(error, ClientError::SignInRequired { .. }), "{error}");
        let error = node.of(cookie()).complete_login(callback.clone()).await.unwrap_err();
        assert!(matches!(error, ClientError::CallbackIgnored { .. }), "{error}");
    }
    assert_eq!(simulator.counters().code_replays, 0);
    // Where somebody is signed in under that key already, the newer one counts.
    let second = a.of("cookie2".to_owned());
    let url = second.begin_login(LoginOptions::default()).await.unwrap();
    second.complete_login(simulator.visit(url.expose(), Decision::Accept).unwrap()).await.unwrap();
    a.rebind(&"cookie2".to_owned(), &"zoe".to_owned()).await.unwrap();
    let newer = a.of("zoe".to_owned()).token().await.unwrap();
    assert_ne!(newer.expose(), token.expose());
    // It is renewed when it is due, as if it had been stored there from the start.
    assert!(nodes.due("zoe").is_some());
}

/// At once, whatever its own request is waiting for.
#[tokio::test]
async fn who_waits_for_a_session_whose_place_is_taken_is_given_the_new_one() {
    let (nodes, http) = (Nodes::default(), Waits::default());
    let clients = nodes.builder(parts("http://127.0.0.1:9")).http(http.clone()).build().unwrap();
    http.hold.store(true, Ordering::SeqCst);
    nodes.expired(&clients, "zoe").await;
    let waiting = clients.of("zoe".to_owned());
    let waiting = tokio::spawn(async move { waiting.token().await });
    http.until_sent(1).await;
    let mut visitor = clients.of("cookie".to_owned());
    visitor.client().await.unwrap().adopt(tokens_of("newer")).await.unwrap();
    let rebinding = tokio::spawn(async move { visitor.rebind("zoe".to_owned()).await });
    assert_eq!(waiting.await.unwrap().unwrap().expose(), "AT-newer");
    http.release();
    rebinding.await.unwrap().unwrap();
}

/// The browser goes away, and the framework drops the handler: the session has left its key, and nobody would have it.
#[tokio::test]
async fn what_is_under_way_to_another_key_gets_there_although_the_caller_has_gone() {
    let nodes = Nodes::default();
    let clients = nodes.builder(parts("http://127.0.0.1:9")).http(Waits::default()).build().unwrap();
    let mut visitor = clients.of("cookie".to_owned());
    visitor.client().await.unwrap().adopt(TOKENS).await.unwrap();
    let held = nodes.writable.hold().await;
    let rebinding = tokio::spawn(async move { visitor.rebind("zoe".to_owned()).await });
    nodes.writable.until_one_waits().await;
    rebinding.abort();
    assert!(rebinding.await.unwrap_err().is_cancelled());
    drop(held);
    until(|| nodes.store("zoe").load().unwrap().is_some() && nodes.store("cookie").load().unwrap().is_none()).await;
    assert_eq!(clients.of("zoe".to_owned()).token().await.unwrap().expose(), "AT0");
}

#[tokio::test]
async fn who_is_being_deleted_is_gone_although_the_caller_has_gone() {
    let nodes = Nodes::default();
    let clients = nodes.builder(parts("http://127.0.0.1:9")).http(Waits::default()).build().unwrap();
    clients.of("zoe".to_owned()).client().await.unwrap().adopt(TOKENS).await.unwrap();
    let held = nodes.writable.hold().await;
    let caller = clients.clone();
    let deleting = tokio::spawn(async move { caller.delete(&"zoe".to_owned()).await });
    nodes.writable.until_one_waits().await;
    deleting.abort();
    assert!(deleting.await.unwrap_err().is_cancelled());
    drop(held);
    until(|| nodes.store("zoe").load().unwrap().is_none()).await;
}

#[tokio::test]
async fn nobody_signed_in_is_not_rebound_and_what_is_there_stays() {
    let nodes = Nodes::default();
    let clients = nodes.builder(parts("http://127.0.0.1:9")).http(Waits::default()).build().unwrap();
    clients.of("zoe".to_owned()).client().await.unwrap().adopt(TOKENS).await.unwrap();
    let error = clients.rebind(&"nobody".to_owned(), &"zoe".to_owned()).await.unwrap_err();
    assert!(matches!(error, ClientError::SignInRequired { .. }), "{error}");
    assert_eq!(clients.of("zoe".to_owned()).token().await.unwrap().expose(), "AT0");
}

#[tokio::test]
async fn a_sign_out_on_another_node_is_noticed() {
    let (nodes, simulator) = (Nodes::default(), simulator());
    let node = |stale| {
        let builder = nodes.builder(parts(simulator.base_url())).http(Reqwest::new().unwrap());
        builder.stale_after(stale).build().unwrap()
    };
    let (a, b) = (node(Duration::ZERO), node(Duration::from_secs(3600)));
    let zoe = || "zoe".to_owned();
    a.of(zoe()).client().await.unwrap().adopt(TOKENS).await.unwrap();
    assert_eq!(b.of(zoe()).token().await.unwrap().expose(), "AT0");
    b.of(zoe()).sign_out(SignOutOptions::default()).await.unwrap();
    let error = a.of(zoe()).token().await.unwrap_err();
    assert!(matches!(error, ClientError::SignInRequired { .. }), "{error}");
}

#[tokio::test]
async fn events_say_whose_they_are_and_a_configured_token_is_nobodys() {
    let (nodes, told) = (Nodes::default(), Arc::new(Mutex::new(Vec::new())));
    let mut parts = parts("http://127.0.0.1:9");
    parts.access_token = Some("one person's".into());
    let seen = Arc::clone(&told);
    let clients: Clients<String> = nodes
        .builder(parts)
        .http(Waits::default())
        .on_event(move |key: &String, event| seen.lock().unwrap().push(format!("{key} {}", event.name())))
        .build()
        .unwrap();
    assert!(clients.of("zoe".to_owned()).token().await.is_err());
    clients.of("ada".to_owned()).client().await.unwrap().adopt(TOKENS).await.unwrap();
    assert_eq!(*told.lock().unwrap(), ["ada response:lenient", "ada ready"]);
}

#[tokio::test]
async fn without_a_store_there_are_no_clients() {
    let error = Clients::<String>::builder(parts("http://127.0.0.1:9").build().unwrap()).build().unwrap_err();
    assert!(error.to_string().contains("a store for each user"), "{error}");
}

/// One thread of tokio's, and those that it has for what blocks: none for each user.
#[cfg(target_os = "linux")]
#[test]
fn three_thousand_users_need_no_thread_of_their_own() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().max_blocking_threads(4).build().unwrap();
    runtime.block_on(async {
        let nodes = Nodes::default();
        let clients = nodes.builder(parts("http://127.0.0.1:9")).capacity(20_000).http(Waits::default());
        let clients = clients.build().unwrap();
        let threads = || std::fs::read_dir("/proc/self/task").unwrap().count();
        let before = threads();
        for number in 0..3_000 {
            let user = clients.of(format!("u{number}"));
            user.client().await.unwrap().adopt(TOKENS).await.unwrap();
        }
        assert_eq!(clients.kept(), 3_000);
        // Other tests run beside this one.
        assert!(threads() <= before + 4 + 24, "{before} threads became {}", threads());
        clients.close().await;
        assert_eq!(clients.kept(), 0);
    });
}
