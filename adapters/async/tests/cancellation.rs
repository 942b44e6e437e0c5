//! Whoever waits may be dropped, or never polled again, at any await point: the others get what they wait for, by one
//! request, and nothing is lost.

mod kit;

use kit::{Fake, Tasks, block_on};
use webex_oauth_async::{Client, ClientError, MemoryStore, Store};

const WAITERS: usize = 3;
/// Answers and saves take so many polls: each one is a point at which somebody may go.
const POLLS: usize = 3;

type Got = Result<String, ClientError>;

fn spawn_waiters(tasks: &mut Tasks<Got>, client: &Client, count: usize) {
    for _ in 0..count {
        let client = client.clone();
        tasks.spawn(async move { client.token().await.map(|token| token.expose().to_owned()) });
    }
}

/// Polls `before` times in turn, starting with the victim so that it is the one who drives.
fn some_polls(tasks: &mut Tasks<Got>, victim: usize, before: usize) -> bool {
    (0..before).fold(true, |_, step| tasks.poll((victim + step) % WAITERS))
}

/// What may happen to a task.
#[derive(Clone, Copy, Debug)]
enum Fate {
    Dropped,
    NeverPolledAgain,
}

fn one_is_lost(fate: Fate, with_store: bool) {
    let mut cases = 0;
    for victim in 0..WAITERS {
        for before in 0..60 {
            let fake = Fake::rotating(POLLS);
            let store = MemoryStore::new();
            let builder = if with_store { fake.builder().store(store.clone()) } else { fake.builder() };
            let client = fake.with_expired(builder);
            let mut tasks = Tasks::new();
            spawn_waiters(&mut tasks, &client, WAITERS);
            some_polls(&mut tasks, victim, before);
            match fate {
                Fate::Dropped => tasks.drop_task(victim),
                Fate::NeverPolledAgain => tasks.freeze(victim),
            }
            tasks.run(10_000);
            for other in (0..WAITERS).filter(|other| *other != victim) {
                assert_eq!(tasks.result(other), Some(&Ok("a1".to_owned())), "{fate:?} {victim} after {before}");
            }
            assert_eq!(fake.sends(), 1, "{fate:?} {victim} after {before}");
            if with_store {
                let stored = store.load().unwrap().unwrap();
                assert!(stored.expose().contains("r1"), "the new refresh token is stored");
                assert!(store.try_lock().unwrap().is_some(), "the lock is free again");
            }
            cases += 1;
        }
    }
    assert_eq!(cases, WAITERS * 60);
}

#[test]
fn a_waiter_dropped_at_any_point_changes_nothing_for_the_others() {
    one_is_lost(Fate::Dropped, false);
    one_is_lost(Fate::Dropped, true);
}

#[test]
fn a_waiter_that_is_never_polled_again_changes_nothing_for_the_others() {
    one_is_lost(Fate::NeverPolledAgain, false);
    one_is_lost(Fate::NeverPolledAgain, true);
}

#[test]
fn all_may_go_at_any_point_and_the_next_one_carries_on() {
    for before in 0..60 {
        let fake = Fake::rotating(POLLS);
        let store = MemoryStore::new();
        let client = fake.with_expired(fake.builder().store(store.clone()));
        let mut tasks = Tasks::new();
        spawn_waiters(&mut tasks, &client, WAITERS);
        some_polls(&mut tasks, 0, before);
        (0..WAITERS).for_each(|waiter| tasks.drop_task(waiter));
        let mut tasks = Tasks::new();
        spawn_waiters(&mut tasks, &client, 1);
        tasks.run(10_000);
        assert_eq!(tasks.result(0), Some(&Ok("a1".to_owned())), "after {before}");
        assert_eq!(fake.sends(), 1, "after {before}");
    }
}

#[test]
fn run_carries_on_what_everybody_has_dropped() {
    for before in 0..40 {
        let fake = Fake::rotating(POLLS);
        let store = MemoryStore::new();
        let client = fake.with_expired(fake.builder().store(store.clone()));
        let mut tasks = Tasks::new();
        spawn_waiters(&mut tasks, &client, WAITERS);
        some_polls(&mut tasks, 0, before);
        (0..WAITERS).for_each(|waiter| tasks.drop_task(waiter));
        let running = client.clone();
        tasks.spawn(async move {
            running.run().await;
            Ok(String::new())
        });
        tasks.run(10_000);
        let begun = fake.sends();
        assert_eq!(begun, 1, "the token is past its line, so run() refreshes if nobody did: after {before}");
        assert!(store.load().unwrap().unwrap().expose().contains("r1"));
        let got = block_on(async { client.token().await.map(|token| token.expose().to_owned()) });
        assert_eq!(got, Ok("a1".to_owned()));
    }
}

#[test]
fn a_login_dropped_at_any_point_is_finished_by_others() {
    for before in 0..60 {
        let fake = Fake::rotating(POLLS);
        let client = block_on(fake.builder().store(MemoryStore::new()).open()).unwrap();
        let mut tasks = Tasks::new();
        let login = client.clone();
        tasks.spawn(async move { login.sign_in_with_jwt("h.p.s").await.map(|()| String::new()) });
        let begun = (0..before).filter(|_| tasks.poll(0)).count() > 0;
        tasks.drop_task(0);
        let mut tasks = Tasks::new();
        spawn_waiters(&mut tasks, &client, 2);
        tasks.run(10_000);
        let expected = begun.then_some("a1");
        for waiter in 0..2 {
            assert_eq!(tasks.result(waiter).unwrap().as_deref().ok(), expected, "after {before}");
        }
        assert_eq!(fake.sends(), usize::from(begun), "after {before}");
    }
}
