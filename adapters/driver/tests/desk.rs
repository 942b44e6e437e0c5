//! The desk: what a conflict, a failed save and a slow one mean.

use webex_oauth::{
    Access, ConfigParts, Effect, Event, HttpResponse, Input, Phase, Provider, Secret, Session, SignOutOptions,
    Timestamp, WhichLogin,
};
use webex_oauth_driver::old::Desk;
use webex_oauth_driver::{ClientEvent, MemoryStore, Put, Saved, Store, StoreError};

const START: Timestamp = Timestamp::from_secs(1_700_000_000);

fn at(seconds: i64) -> Timestamp {
    START.plus_millis(seconds * 1000)
}

fn desk(store: &MemoryStore) -> Desk {
    let mut parts = ConfigParts::new(Provider::webex(), "client");
    parts.client_secret = Some("secret".into());
    Desk::open(parts.build().unwrap(), store.load().unwrap().as_ref()).unwrap()
}

fn adopt(tokens: &str) -> Input {
    Input::Adopt { tokens: Secret::new(tokens) }
}

const TOKENS: &str = r#"{"access_token":"A1","refresh_token":"R1","expires_in":1000}"#;

fn put(snapshot: &Secret, replaces: u64) -> Put {
    Put::of(snapshot.clone(), replaces.into()).unwrap()
}

fn failure() -> StoreError {
    StoreError::Other { problem: "broken".to_owned() }
}

/// Does everything; requests and events are returned.
fn run(desk: &mut Desk, store: &MemoryStore, now: Timestamp) -> Vec<Effect> {
    let mut rest = Vec::new();
    while let Some(effect) = desk.next(now) {
        match effect {
            Effect::Persist { snapshot, replaces, .. } => {
                let saved = store.save(&put(&snapshot, replaces));
                assert!(!matches!(desk.saved(now, saved), Some(Err(_))));
            }
            other => rest.push(other),
        }
    }
    assert!(desk.is_free());
    rest
}

fn signed_in(store: &MemoryStore) -> Desk {
    let mut desk = desk(store);
    desk.input(START, adopt(TOKENS)).unwrap();
    run(&mut desk, store, START);
    desk
}

fn token(desk: &Desk, now: Timestamp) -> Option<String> {
    match desk.access(now)? {
        Access::Ready { token, .. } => Some(token.expose().to_owned()),
        _ => None,
    }
}

fn answer(token: &str) -> HttpResponse {
    let body = format!(r#"{{"access_token":"{token}","refresh_token":"R{token}","expires_in":1000}}"#);
    HttpResponse { status: 200, headers: Vec::new(), body: body.into_bytes() }
}

fn sent(effects: &[Effect]) -> webex_oauth::RequestId {
    let ids: Vec<_> = effects
        .iter()
        .filter_map(|effect| if let Effect::Send { request } = effect { Some(request.id) } else { None })
        .collect();
    assert_eq!(ids.len(), 1, "{effects:?}");
    ids[0]
}

#[test]
fn a_new_token_is_given_out_once_it_is_saved() {
    let store = MemoryStore::new();
    let mut desk = desk(&store);
    desk.input(START, adopt(TOKENS)).unwrap();
    let Some(Effect::Persist { snapshot, replaces: 0, .. }) = desk.next(START) else { panic!() };
    assert_eq!(desk.access(START), None, "not yet");
    assert!(!desk.is_free());
    assert_eq!(desk.next(START), None);
    assert_eq!(desk.saved(START, store.save(&put(&snapshot, 0))), None);
    assert_eq!(token(&desk, START).as_deref(), Some("A1"));
    assert!(matches!(desk.next(START), Some(Effect::Notify { .. })));
}

#[test]
fn the_old_token_serves_while_the_new_one_is_saved() {
    let store = MemoryStore::new();
    let mut desk = signed_in(&store);
    desk.input(at(950), Input::Refresh).unwrap();
    let id = sent(&run(&mut desk, &store, at(950)));
    desk.input(at(950), Input::Response { id, response: answer("A2") }).unwrap();
    let Some(Effect::Persist { .. }) = desk.next(at(950)) else { panic!() };
    let before = token(&desk, at(950));
    assert_eq!(desk.saved(at(950), Ok(Saved::Stored)), None);
    assert_eq!((before.as_deref(), token(&desk, at(950)).as_deref()), (None, Some("A2")), "past the must line");
}

#[test]
fn a_failed_save_keeps_the_tokens_and_is_tried_again() {
    let store = MemoryStore::new();
    let mut desk = desk(&store);
    desk.input(START, adopt(TOKENS)).unwrap();
    let Some(Effect::Persist { .. }) = desk.next(START) else { panic!() };
    assert_eq!(desk.saved(START, Err(failure())), Some(Err(failure())));
    assert_eq!(token(&desk, START).as_deref(), Some("A1"), "in memory");
    assert!(matches!(desk.next(START), Some(Effect::Notify { .. })), "what follows is done all the same");
    run(&mut desk, &store, START);
    assert_eq!(desk.wake_at(), Some(at(10)));
    let due = [-7200, 0, 9, 10].map(|seconds| desk.is_due(at(seconds)));
    assert_eq!(due, [true, false, false, true], "also where the clock was set back");

    desk.input(at(10), Input::Tick).unwrap();
    let Some(Effect::Persist { snapshot, replaces: 0, .. }) = desk.next(at(10)) else { panic!() };
    assert_eq!(desk.saved(at(10), store.save(&put(&snapshot, 0))), Some(Ok(())), "recovered");
    assert!(!desk.is_unsaved());
    assert_eq!(token(&signed_in_elsewhere(&store), at(10)).as_deref(), Some("A1"));
}

fn signed_in_elsewhere(store: &MemoryStore) -> Desk {
    desk(store)
}

#[test]
fn a_process_that_was_slower_takes_over_what_the_faster_one_got() {
    let store = MemoryStore::new();
    let mut slow = signed_in(&store);
    let mut fast = signed_in_elsewhere(&store);
    for desk in [&mut slow, &mut fast] {
        desk.input(at(960), Input::EnsureFresh).unwrap();
    }
    let (slow_id, fast_id) = (sent(&run(&mut slow, &store, at(960))), sent(&run(&mut fast, &store, at(960))));
    fast.input(at(961), Input::Response { id: fast_id, response: answer("A2") }).unwrap();
    run(&mut fast, &store, at(961));

    let found = store.load().unwrap().unwrap();
    assert_eq!(slow.is_news(&found), Ok(true));
    slow.input(at(961), Input::Reload { snapshot: found }).unwrap();
    let effects = run(&mut slow, &store, at(961));
    assert!(matches!(&effects[..], [Effect::Notify { event: Event::TokensRefreshed { .. } }]), "{effects:?}");
    assert!(!slow.session().awaits(slow_id), "nobody needs the second refresh");
    assert_eq!(token(&slow, at(961)).as_deref(), Some("A2"));
}

#[test]
fn after_failed_saves_the_newer_tokens_of_another_process_win() {
    let store = MemoryStore::new();
    let mut ours = signed_in(&store);
    let mut theirs = signed_in_elsewhere(&store);
    // Ours wants to save twice and cannot: its revision runs ahead.
    for _ in 0..3 {
        ours.input(at(1), Input::BeginDeviceLogin { scope: None }).unwrap();
        ours.input(at(1), Input::CancelLogin { which: WhichLogin::All }).unwrap();
        while let Some(effect) = ours.next(at(1)) {
            if matches!(effect, Effect::Persist { .. }) {
                assert!(ours.saved(at(1), Err(failure())).is_some());
            }
        }
    }
    theirs.input(at(960), Input::EnsureFresh).unwrap();
    let id = sent(&run(&mut theirs, &store, at(960)));
    theirs.input(at(960), Input::Response { id, response: answer("A2") }).unwrap();
    run(&mut theirs, &store, at(960));
    assert_eq!(ours.is_news(&store.load().unwrap().unwrap()), Ok(true), "though its number is lower");

    ours.input(at(961), Input::Tick).unwrap();
    run(&mut ours, &store, at(961));
    assert_eq!(token(&ours, at(961)).as_deref(), Some("A2"));
    let stored = store.load().unwrap().unwrap();
    assert!(stored.expose().contains("RA2") && !stored.expose().contains(r#""R1""#), "nothing was overwritten");
    assert!(!ours.is_unsaved());
}

#[test]
fn a_store_works_again_also_where_it_holds_what_another_process_stored_meanwhile() {
    let store = MemoryStore::new();
    let mut ours = signed_in(&store);
    let mut theirs = signed_in_elsewhere(&store);
    ours.input(at(1), adopt(r#"{"access_token":"A2","refresh_token":"R2","expires_in":1000}"#)).unwrap();
    let Some(Effect::Persist { .. }) = ours.next(at(1)) else { panic!() };
    assert!(ours.saved(at(1), Err(failure())).is_some());
    run(&mut ours, &store, at(1));
    for token in ["A3", "A4"] {
        theirs.input(at(2), adopt(&format!(r#"{{"access_token":"{token}","expires_in":1000}}"#))).unwrap();
        run(&mut theirs, &store, at(2));
    }

    ours.input(at(11), Input::Tick).unwrap();
    let Some(Effect::Persist { snapshot, replaces, .. }) = ours.next(at(11)) else { panic!() };
    assert_eq!(ours.saved(at(11), store.save(&put(&snapshot, replaces))), Some(Ok(())));
    assert!(!ours.is_unsaved());
    run(&mut ours, &store, at(11));
    assert_eq!(token(&ours, at(11)).as_deref(), Some("A4"));
}

#[test]
fn a_store_that_was_begun_anew_is_news_although_it_counts_from_the_beginning() {
    let store = MemoryStore::new();
    let mut ours = signed_in(&store);
    for _ in 0..3 {
        ours.input(at(1), Input::BeginDeviceLogin { scope: None }).unwrap();
        ours.input(at(1), Input::CancelLogin { which: WhichLogin::All }).unwrap();
        run(&mut ours, &store, at(1));
    }
    assert_eq!(ours.is_news(&store.load().unwrap().unwrap()), Ok(false), "just what was stored");
    store.delete().unwrap();
    let mut theirs = desk(&store);
    theirs.input(at(2), adopt(r#"{"access_token":"B1","refresh_token":"RB1","expires_in":1000}"#)).unwrap();
    run(&mut theirs, &store, at(2));

    let found = store.load().unwrap().unwrap();
    assert_eq!(ours.is_news(&found), Ok(true));
    ours.input(at(3), Input::Reload { snapshot: found }).unwrap();
    run(&mut ours, &store, at(3));
    assert_eq!(token(&ours, at(3)).as_deref(), Some("B1"));
    assert_eq!(token(&desk(&store), at(3)).as_deref(), Some("B1"));
    assert_eq!(ours.is_news(&store.load().unwrap().unwrap()), Ok(false));
    // An old state that was put back is behind: ours gets there once more.
    store.delete().unwrap();
    signed_in(&store);
    ours.input(at(4), Input::Reload { snapshot: store.load().unwrap().unwrap() }).unwrap();
    run(&mut ours, &store, at(4));
    assert_eq!(token(&desk(&store), at(4)).as_deref(), Some("B1"));
}

#[test]
fn a_sign_out_that_could_not_be_saved_wins_over_an_older_state() {
    let store = MemoryStore::new();
    let mut ours = signed_in(&store);
    let mut theirs = signed_in_elsewhere(&store);
    ours.input(at(100), Input::SignOut { options: SignOutOptions { revoke: false, ..Default::default() } }).unwrap();
    let Some(Effect::Persist { .. }) = ours.next(at(100)) else { panic!() };
    assert!(ours.saved(at(100), Err(failure())).is_some());
    run(&mut ours, &store, at(100));
    theirs.input(at(50), Input::BeginDeviceLogin { scope: None }).unwrap();
    theirs.input(at(50), Input::CancelLogin { which: WhichLogin::All }).unwrap();
    run(&mut theirs, &store, at(50));

    ours.input(at(111), Input::Tick).unwrap();
    run(&mut ours, &store, at(111));
    assert!(matches!(desk(&store).session().phase(), Phase::SignedOut { .. }));
}

#[test]
fn nothing_secret_is_printed() {
    let store = MemoryStore::new();
    let desk = signed_in(&store);
    let text = format!("{desk:?} {store:?} {:?}", ClientEvent::StoreFailed(failure()));
    assert!(!text.contains("A1") && !text.contains("R1") && !text.contains("secret"), "{text}");
    let restored = Session::restore(desk.session().config().clone(), store.load().unwrap().unwrap().expose());
    assert!(restored.is_ok());
}

#[test]
fn what_another_version_or_client_has_stored_is_left_alone() {
    let by_others = |name: &str, value: serde_json::Value| {
        let mut snapshot: serde_json::Value =
            serde_json::from_str(signed_in(&MemoryStore::new()).session().snapshot().expose()).unwrap();
        snapshot["revision"] = 7.into();
        snapshot[name] = value;
        Secret::new(snapshot.to_string())
    };
    for theirs in [by_others("webex_oauth", 99.into()), by_others("client_id", "other".into())] {
        let store = MemoryStore::new();
        let mut desk = signed_in(&store);
        store.delete().unwrap();
        assert_eq!(store.save(&put(&theirs, 0)), Ok(Saved::Stored));
        for now in [at(1), at(20)] {
            desk.input(now, adopt(r#"{"access_token":"A2","refresh_token":"R2","expires_in":1000}"#)).unwrap();
            let mut told = Vec::new();
            while let Some(effect) = desk.next(now) {
                if let Effect::Persist { snapshot, replaces, .. } = effect {
                    told.extend(desk.saved(now, store.save(&put(&snapshot, replaces))));
                }
            }
            assert!(matches!(told[..], [Err(StoreError::Other { .. })]), "{told:?}");
            assert_eq!(store.load().unwrap().as_ref(), Some(&theirs));
            assert_eq!(token(&desk, now).as_deref(), Some("A2"), "in memory");
        }
        store.delete().unwrap();
        desk.input(at(40), Input::Tick).unwrap();
        run(&mut desk, &store, at(40));
        assert!(store.load().unwrap().unwrap().expose().contains("R2"), "there is room now");
    }
}

#[test]
fn a_store_whose_conflicts_make_no_sense_has_failed() {
    let store = MemoryStore::default();
    signed_in(&store);
    for found in [store.load().unwrap().unwrap(), Secret::new("not a session")] {
        let mut desk = desk(&store);
        desk.input(START, adopt(r#"{"access_token":"A2","refresh_token":"R2","expires_in":1000}"#)).unwrap();
        let Some(Effect::Persist { .. }) = desk.next(START) else { panic!("nothing to store") };
        let told = desk.saved(START, Ok(Saved::Conflict { found: Some(found) }));
        assert!(matches!(told, Some(Err(StoreError::Damaged { .. }))), "{told:?}");
        while let Some(effect) = desk.next(START) {
            assert!(!matches!(effect, Effect::Persist { .. }), "at once, and so for ever");
        }
        assert_eq!(token(&desk, START).as_deref(), Some("A2"));
        // Later, the store may have come to its senses.
        desk.input(at(60), Input::Tick).unwrap();
        run(&mut desk, &store, at(60));
    }
}

#[test]
fn a_clock_that_was_set_back_is_told_to_the_session() {
    let store = MemoryStore::new();
    let mut desk = signed_in(&store);
    let (wake_at, back) = (desk.wake_at().unwrap(), at(-3600));
    assert!(!desk.is_due(START) && desk.is_due(wake_at));
    assert!(desk.is_due(back));
    desk.input(back, Input::Tick).unwrap();
    assert!(run(&mut desk, &store, back).is_empty());
    assert!(!desk.is_due(back));
    assert_eq!(desk.wake_at(), Some(wake_at.plus_millis(-3_600_000)));
}

#[test]
fn a_desk_that_waits_for_nothing_does_not_mind_the_clock() {
    let mut desk = desk(&MemoryStore::new());
    desk.input(START, Input::Tick).unwrap();
    assert!(!desk.is_due(at(-3600)) && !desk.is_due(at(3600)));
}
