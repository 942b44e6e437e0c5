//! The contract of a store. `a` and `b` are two nodes that have the same store open.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use webex_oauth::{Secret, Timestamp};
use webex_oauth_stores::{AsyncRecords, Claim, Key, Put, Replaces, Saved, StoreError};

pub(crate) type Node = Arc<dyn AsyncRecords>;

/// Runs all of it, each as a test of its own: `contract! { open }`, `open().await` being two nodes and the tenant of the test.
macro_rules! contract {
    ($open:ident) => {
        contract! { each one_test $open }
    };
    (needs_servers $open:ident) => {
        contract! { each one_test_with_servers $open }
    };
    (each $one:ident $open:ident) => {
        $one! { $open suite what_is_saved_is_loaded_by_every_node }
        $one! { $open suite a_save_replaces_what_it_says_and_nothing_else }
        $one! { $open suite of_many_saves_at_once_one_is_stored }
        $one! { $open suite an_insert_needs_that_there_is_nothing }
        $one! { $open suite what_was_deleted_stays_deleted }
        $one! { $open suite a_deleted_record_may_be_followed_by_another }
        $one! { $open suite revisions_are_not_used_again }
        $one! { $open suite long_sessions_come_back_whole }
        $one! { $open suite keys_may_be_anything }
        $one! { $open suite what_is_no_revision_or_too_long_is_refused }
        $one! { $open suite what_is_due_is_claimed_once }
        $one! { $open suite what_was_saved_is_due_when_it_says }
        $one! { $open suite a_claim_takes_the_oldest }
        $one! { $open suite a_claim_is_that_of_one_client }
        $one! { $open suite what_is_over_is_deleted_for_good }
        $one! { $open suite a_login_stays_for_its_week_whatever_time_it_is_where_it_was_begun }
        $one! { $open suite nothing_that_is_printed_names_a_user }
    };
}

/// The same, and what the engines promise that have no other store behind them.
macro_rules! engine_contract {
    ($open:ident) => {
        contract! { $open }
        engine_contract! { each one_test $open }
    };
    (needs_servers $open:ident) => {
        contract! { needs_servers $open }
        engine_contract! { each one_test_with_servers $open }
        one_test_with_servers! { $open engine who_is_ahead_of_the_database_claims_nothing }
    };
    (each $one:ident $open:ident) => {
        $one! { $open engine what_is_sealed_is_not_replaced_by_what_is_not }
        $one! { $open engine a_scan_sees_all_that_is_there }
        $one! { $open engine a_rewrite_leaves_when_it_is_due }
        #[cfg(feature = "sealed")]
        $one! { $open engine keys_are_changed_beside_nodes_that_save }
    };
}

macro_rules! one_test {
    ($open:ident $suite:ident $name:ident) => {
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            let (a, b, tenant) = $open().await;
            crate::$suite::$name(a, b, &tenant).await;
        }
    };
}

macro_rules! one_test_with_servers {
    ($open:ident $suite:ident $name:ident) => {
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        #[ignore = "needs servers: scripts/stages/56-stores"]
        async fn $name() {
            let (a, b, tenant) = $open().await;
            crate::$suite::$name(a, b, &tenant).await;
        }
    };
}

/// The tenant of one test, and what its store lives in.
pub(crate) struct Tenant {
    name: String,
    /// What is over goes by itself, as in Redis.
    is_swept_by_the_database: bool,
    _place: Option<Box<dyn Send>>,
}

impl Tenant {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        Self { name: format!("tenant {}-{number}", std::process::id()), is_swept_by_the_database: false, _place: None }
    }

    /// Of a store that ends with `place`.
    pub(crate) fn at(place: impl Send + 'static) -> Self {
        Self { _place: Some(Box::new(place)), ..Self::new() }
    }

    #[cfg(feature = "redis")]
    pub(crate) fn swept_by_the_database(self) -> Self {
        Self { is_swept_by_the_database: true, ..self }
    }
}

impl std::ops::Deref for Tenant {
    type Target = str;

    fn deref(&self) -> &str {
        &self.name
    }
}

pub(crate) fn key(tenant: &str, user: &str) -> Key {
    Key::new(tenant, user).unwrap()
}

/// A snapshot as stores see it.
pub(crate) fn body(revision: u64) -> Secret {
    Secret::new(format!(r#"{{"webex_oauth":2,"revision":{revision},"access_token":"AT-secret"}}"#))
}

pub(crate) fn put(revision: u64, replaces: u64) -> Put {
    Put::new(body(revision), revision, Replaces::from(replaces))
}

pub(crate) fn due(revision: u64, replaces: u64, at: i64) -> Put {
    let mut put = put(revision, replaces);
    put.due_at = Some(Timestamp::from_millis(at));
    put
}

pub(crate) async fn what_is_saved_is_loaded_by_every_node(a: Node, b: Node, tenant: &str) {
    let u1 = key(tenant, "u1");
    assert_eq!(a.load(&u1).await, Ok(None));
    assert_eq!(a.save(&u1, &put(1, 0)).await, Ok(Saved::Stored));
    assert_eq!(b.load(&u1).await, Ok(Some(body(1))));
    assert_eq!(b.save(&u1, &put(2, 1)).await, Ok(Saved::Stored));
    assert_eq!(a.load(&u1).await, Ok(Some(body(2))));
    assert_eq!(a.load(&key(tenant, "u2")).await, Ok(None));
    assert_eq!(a.load(&key(&format!("{tenant}u"), "1")).await, Ok(None));
}

pub(crate) async fn a_save_replaces_what_it_says_and_nothing_else(a: Node, b: Node, tenant: &str) {
    let u1 = key(tenant, "u1");
    assert_eq!(a.save(&u1, &put(10, 0)).await, Ok(Saved::Stored));
    assert_eq!(b.save(&u1, &put(12, 10)).await, Ok(Saved::Stored));
    for stale in [10, 11, 13] {
        let conflict = Saved::Conflict { found: Some(body(12)) };
        assert_eq!(a.save(&u1, &put(20, stale)).await, Ok(conflict), "{stale}");
    }
    assert_eq!(a.load(&u1).await, Ok(Some(body(12))));
    // The greatest that there is, and back: revisions need not grow.
    let greatest = (1 << 48) - 1;
    assert_eq!(a.save(&u1, &put(greatest, 12)).await, Ok(Saved::Stored));
    assert_eq!(a.save(&u1, &put(3, greatest)).await, Ok(Saved::Stored));
    assert_eq!(b.load(&u1).await, Ok(Some(body(3))));
}

pub(crate) async fn of_many_saves_at_once_one_is_stored(a: Node, b: Node, tenant: &str) {
    let u1 = key(tenant, "u1");
    for (round, replaces) in [0, 100, 200, 300].into_iter().enumerate() {
        let mut saves = Vec::new();
        for number in 0..8_u64 {
            let (node, key) = (if number % 2 == 0 { a.clone() } else { b.clone() }, u1.clone());
            // One of them gets the number that the next round replaces.
            let put = put((u64::try_from(round).unwrap() + 1) * 100, replaces);
            saves.push(tokio::spawn(async move { node.save(&key, &put).await }));
        }
        let mut stored = 0;
        for save in saves {
            match save.await.unwrap() {
                Ok(Saved::Stored) => stored += 1,
                Ok(Saved::Conflict { found }) => assert!(found.is_some()),
                Err(error) => panic!("{error}"),
            }
        }
        assert_eq!(stored, 1, "round {round}");
    }
}

pub(crate) async fn an_insert_needs_that_there_is_nothing(a: Node, b: Node, tenant: &str) {
    let u1 = key(tenant, "u1");
    assert_eq!(a.save(&u1, &put(1, 0)).await, Ok(Saved::Stored));
    assert_eq!(b.save(&u1, &put(5, 0)).await, Ok(Saved::Conflict { found: Some(body(1)) }));
    // And the other way round: a save that replaces something does not insert.
    let u2 = key(tenant, "u2");
    assert_eq!(a.save(&u2, &put(5, 4)).await, Ok(Saved::Conflict { found: None }));
    assert_eq!(b.load(&u2).await, Ok(None));
}

pub(crate) async fn what_was_deleted_stays_deleted(a: Node, b: Node, tenant: &str) {
    let u1 = key(tenant, "u1");
    assert_eq!(a.save(&u1, &due(1, 0, 1)).await, Ok(Saved::Stored));
    assert_eq!(b.delete(&u1).await, Ok(()));
    assert_eq!(a.load(&u1).await, Ok(None));
    assert_eq!(a.save(&u1, &put(2, 1)).await, Ok(Saved::Conflict { found: None }));
    assert_eq!(b.load(&u1).await, Ok(None));
    assert_eq!(b.delete(&u1).await, Ok(()), "again");
    assert_eq!(b.delete(&key(tenant, "u2")).await, Ok(()), "nothing there");
    assert_eq!(claimed(&a, tenant, 1_000, 2_000).await, Vec::<String>::new(), "nor is it due");
}

pub(crate) async fn a_deleted_record_may_be_followed_by_another(a: Node, b: Node, tenant: &str) {
    let (u1, next) = (key(tenant, "u1"), 77 << 24 | 1);
    assert_eq!(a.save(&u1, &put(5 << 24 | 9, 0)).await, Ok(Saved::Stored));
    assert_eq!(a.delete(&u1).await, Ok(()));
    // Another session, whose upper half was drawn anew, be it lower or higher.
    assert_eq!(b.save(&u1, &put(next, 0)).await, Ok(Saved::Stored));
    assert_eq!(a.load(&u1).await, Ok(Some(body(next))));
    assert_eq!(a.delete(&u1).await, Ok(()));
    assert_eq!(b.save(&u1, &put(3 << 24 | 1, 0)).await, Ok(Saved::Stored));
    // Who has the one before it in memory does not take this one for it.
    assert_eq!(a.save(&u1, &put(next + 1, next)).await, Ok(Saved::Conflict { found: Some(body(3 << 24 | 1)) }));
}

pub(crate) async fn revisions_are_not_used_again(a: Node, b: Node, tenant: &str) {
    let (u1, draw) = (key(tenant, "u1"), 5 << 24);
    assert_eq!(a.save(&u1, &put(draw | 7, 0)).await, Ok(Saved::Stored));
    assert_eq!(a.delete(&u1).await, Ok(()));
    for used in [draw | 7, draw | 6, draw | 1] {
        let refused = b.save(&u1, &put(used, 0)).await;
        assert!(matches!(refused, Err(StoreError::Refused { .. })), "{refused:?}");
    }
    assert_eq!(b.load(&u1).await, Ok(None));
    assert_eq!(b.save(&u1, &put(draw | 8, 0)).await, Ok(Saved::Stored), "the session itself goes on");
}

pub(crate) async fn long_sessions_come_back_whole(a: Node, b: Node, tenant: &str) {
    let u1 = key(tenant, "u1");
    let long = |revision: u64, text: &str| {
        Secret::new(format!(r#"{{"webex_oauth":2,"revision":{revision},"x":"{}"}}"#, text.repeat(1 << 18)))
    };
    // A megabyte: of one byte each, of four, and of what has a meaning in SQL and Lua.
    for (number, text) in ["abcd", "🔑", r"'\\$"].into_iter().enumerate() {
        let number = u64::try_from(number).unwrap();
        let put = Put::new(long(number + 1, text), number + 1, Replaces::from(number));
        assert_eq!(a.save(&u1, &put).await, Ok(Saved::Stored));
        assert_eq!(b.load(&u1).await, Ok(Some(long(number + 1, text))));
    }
}

pub(crate) async fn keys_may_be_anything(a: Node, b: Node, tenant: &str) {
    let longest = "k".repeat(Key::MAX_LEN);
    let names = [
        "",
        " ",
        "u1",
        "U1",
        "u1 ",
        "it's",
        "\"",
        "'; DROP TABLE webex_oauth_session; --",
        "%",
        "_",
        "*",
        "{u}",
        "a:b",
        "Zoë",
        "Zoe\u{308}",
        "用户",
        "🔑",
        "\u{202e}u",
        "\r\n\t\u{1}",
        "\u{feff}",
        "\\",
        "$1",
        "NULL",
        &longest,
    ];
    // An incompressible one, which is as long in an index as it is here.
    let mixed: String =
        (0..Key::MAX_LEN).map(|at| char::from(b'!' + u8::try_from(at * at * 7 % 94).unwrap())).collect();
    for (number, name) in names.iter().copied().chain([mixed.as_str()]).enumerate() {
        let revision = u64::try_from(number).unwrap() + 1;
        assert_eq!(a.save(&key(tenant, name), &put(revision, 0)).await, Ok(Saved::Stored), "{name:?}");
        let hostile_tenant = format!("{tenant}/{name}");
        if let Ok(key) = Key::new(hostile_tenant, name) {
            assert_eq!(a.save(&key, &due(1000 + revision, 0, 5)).await, Ok(Saved::Stored), "{name:?}");
            assert_eq!(b.load(&key).await, Ok(Some(body(1000 + revision))), "{name:?}");
            assert_eq!(b.delete(&key).await, Ok(()));
        }
    }
    for (number, name) in names.iter().copied().chain([mixed.as_str()]).enumerate() {
        let revision = u64::try_from(number).unwrap() + 1;
        assert_eq!(b.load(&key(tenant, name)).await, Ok(Some(body(revision))), "{name:?}");
    }
}

pub(crate) async fn what_is_no_revision_or_too_long_is_refused(a: Node, _b: Node, tenant: &str) {
    let u1 = key(tenant, "u1");
    let too_long = Put::new(Secret::new("x".repeat((4 << 20) + 1)), 1, Replaces::Nothing);
    let refused = a.save(&u1, &too_long).await;
    assert!(matches!(refused, Err(StoreError::Refused { .. })), "{refused:?}");
    assert_eq!(a.load(&u1).await, Ok(None));
}

/// Of sessions whose client nobody has said, as those of these tests.
pub(crate) fn claim(now: i64, until: i64, most: u32) -> Claim {
    let (now, until) = (Timestamp::from_millis(now), Timestamp::from_millis(until));
    Claim { client: String::new(), now, until, most }
}

/// The users of this tenant that a claim brings.
pub(crate) async fn claimed(node: &Node, tenant: &str, now: i64, until: i64) -> Vec<String> {
    claimed_of(node, tenant, "", now, until).await
}

/// The same, of a client.
async fn claimed_of(node: &Node, tenant: &str, client: &str, now: i64, until: i64) -> Vec<String> {
    let claim = Claim { client: client.to_owned(), ..claim(now, until, 10_000) };
    let all = node.claim_due(claim).await.unwrap();
    let mut users: Vec<String> =
        all.iter().filter(|one| one.key.tenant() == tenant).map(|one| one.key.user().to_owned()).collect();
    users.sort();
    users
}

pub(crate) async fn what_is_due_is_claimed_once(a: Node, b: Node, tenant: &str) {
    // Far apart from the times of the other tests.
    let base = 1_000_000_000_000;
    for number in 0..60_u64 {
        let user = format!("u{number:02}");
        let at = base + i64::try_from(number).unwrap();
        assert_eq!(a.save(&key(tenant, &user), &due(number + 1, 0, at)).await, Ok(Saved::Stored));
    }
    let mut claims = Vec::new();
    for number in 0..8 {
        let node = if number % 2 == 0 { a.clone() } else { b.clone() };
        let claim = claim(base + 39, base + 1_000_000, 7);
        claims.push(tokio::spawn(async move { node.claim_due(claim).await.unwrap() }));
    }
    let mut users = Vec::new();
    for claim in claims {
        for one in claim.await.unwrap().into_iter().filter(|one| one.key.tenant() == tenant) {
            let number: u64 = one.key.user()[1..].parse().unwrap();
            assert_eq!(one.snapshot, Ok(body(number + 1)), "with what is stored");
            users.push(one.key.user().to_owned());
        }
    }
    users.extend(claimed(&a, tenant, base + 39, base + 1_000_000).await);
    users.sort();
    let wanted: Vec<String> = (0..40).map(|number| format!("u{number:02}")).collect();
    assert_eq!(users, wanted, "each of those that are due, once");
    assert_eq!(claimed(&b, tenant, base + 39, base + 1_000_000).await, Vec::<String>::new());
    // Whoever claimed them has crashed: they are due again.
    assert_eq!(claimed(&b, tenant, base + 1_000_000, base + 2_000_000).await.len(), 60);
}

pub(crate) async fn what_was_saved_is_due_when_it_says(a: Node, b: Node, tenant: &str) {
    let (base, u1) = (900_000_000_000, key(tenant, "u1"));
    assert_eq!(a.save(&u1, &due(1, 0, base)).await, Ok(Saved::Stored));
    assert_eq!(claimed(&b, tenant, base - 1, base + 100).await, Vec::<String>::new(), "not yet");
    assert_eq!(claimed(&b, tenant, base, base + 100).await, ["u1"]);
    // Its new revision is stored under the claim, and says when it is due.
    assert_eq!(b.save(&u1, &due(2, 1, base + 50)).await, Ok(Saved::Stored));
    assert_eq!(claimed(&a, tenant, base + 49, base + 100).await, Vec::<String>::new());
    assert_eq!(claimed(&a, tenant, base + 50, base + 100).await, ["u1"]);
    assert_eq!(b.save(&u1, &put(3, 2)).await, Ok(Saved::Stored));
    assert_eq!(claimed(&a, tenant, base + 10_000, base + 20_000).await, Vec::<String>::new(), "nothing to be done");
    // A save that changes nothing leaves it as it is.
    assert!(matches!(b.save(&u1, &due(9, 8, base)).await, Ok(Saved::Conflict { .. })));
    assert_eq!(claimed(&a, tenant, base + 10_000, base + 20_000).await, Vec::<String>::new());
}

pub(crate) async fn a_claim_takes_the_oldest(a: Node, b: Node, tenant: &str) {
    // Older than what any other test has due.
    let base = -5_000;
    for number in [3_i64, 1, 4, 2, 5] {
        let revision = u64::try_from(number).unwrap();
        let user = format!("u{number}");
        assert_eq!(a.save(&key(tenant, &user), &due(revision, 0, base + number)).await, Ok(Saved::Stored));
    }
    let first = b.claim_due(claim(base + 90, base + 100, 0)).await.unwrap();
    assert!(first.is_empty(), "none was asked for");
    let all = b.claim_due(claim(base + 90, base + 100, 5)).await.unwrap();
    assert_eq!(all.iter().filter(|one| one.key.tenant() == tenant).count(), 5);
    assert_eq!(claimed(&a, tenant, base + 99, base + 100).await, Vec::<String>::new());
    assert_eq!(claimed(&a, tenant, base + 100, 5_000_000_000_000).await.len(), 5);
}

pub(crate) async fn what_is_over_is_deleted_for_good(a: Node, b: Node, tenant: &Tenant) {
    let (over, stays, completed) = (key(tenant, "over"), key(tenant, "stays"), key(tenant, "completed"));
    let of = |revision: u64, replaces: u64, kept_for: Duration| {
        let mut put = put(revision, replaces);
        put.kept_for = Some(kept_for);
        put
    };
    let (now, later) = (Duration::ZERO, Duration::from_secs(33_000_000_000));
    assert_eq!(a.save(&stays, &of(7, 0, later)).await, Ok(Saved::Stored));
    assert_eq!(a.save(&completed, &of(7, 0, later)).await, Ok(Saved::Stored));
    // Somebody has signed in meanwhile: that has no end.
    assert_eq!(b.save(&completed, &put(8, 7)).await, Ok(Saved::Stored));
    assert_eq!(b.delete_expired(100).await, Ok(0));
    for user in 0..5 {
        assert_eq!(a.save(&key(tenant, &format!("over {user}")), &of(7, 0, now)).await, Ok(Saved::Stored));
    }
    assert_eq!(a.save(&over, &of(7, 0, later)).await, Ok(Saved::Stored));
    assert_eq!(a.save(&over, &of(8, 7, now)).await, Ok(Saved::Stored));
    let mut deleted = Vec::new();
    for _ in 0..4 {
        deleted.push(b.delete_expired(3).await.unwrap());
    }
    assert_eq!(deleted, if tenant.is_swept_by_the_database { [0; 4] } else { [3, 3, 0, 0] });
    assert_eq!(a.load(&over).await, Ok(None));
    assert_eq!(a.save(&over, &put(9, 8)).await, Ok(Saved::Conflict { found: None }), "nor does it come back");
    // No mark is left: any revision may follow.
    assert_eq!(a.save(&over, &put(7, 0)).await, Ok(Saved::Stored));
    // The mark of what was deleted a moment ago stays.
    assert_eq!(a.delete(&stays).await, Ok(()));
    assert_eq!(b.delete_expired(100).await, Ok(0));
    assert!(matches!(a.save(&stays, &put(7, 0)).await, Err(StoreError::Refused { .. })));
    assert_eq!(b.load(&completed).await, Ok(Some(body(8))));
}

/// By the clock of the store, and not by that of the client, which is behind by years here.
pub(crate) async fn a_login_stays_for_its_week_whatever_time_it_is_where_it_was_begun(a: Node, b: Node, tenant: &str) {
    let (u1, begun) = (key(tenant, "u1"), 1_000_000);
    let login = |revision: u64| {
        let logins = format!(r#"[{{"expires_at":{}}}]"#, begun + 600_000);
        Secret::new(format!(r#"{{"webex_oauth":2,"revision":{revision},"saved_at":{begun},"logins":{logins}}}"#))
    };
    assert_eq!(a.save(&u1, &Put::new(login(7), 7, Replaces::Nothing)).await, Ok(Saved::Stored));
    assert_eq!(b.delete_expired(100).await, Ok(0));
    assert_eq!(b.load(&u1).await, Ok(Some(login(7))));
    assert_eq!(b.save(&u1, &Put::new(login(8), 8, Replaces::Revision(7))).await, Ok(Saved::Stored));
    assert_eq!(a.delete_expired(100).await, Ok(0));
    assert_eq!(a.load(&u1).await, Ok(Some(login(8))));
}

fn of_client(client_id: &str, revision: u64, replaces: u64, at: i64) -> Put {
    let snapshot = format!(
        r#"{{"webex_oauth":2,"revision":{revision},"client_id":"{client_id}","token_endpoint":"https://h/token"}}"#
    );
    let mut put = Put::new(Secret::new(snapshot), revision, Replaces::from(replaces));
    put.due_at = Some(Timestamp::from_millis(at));
    put
}

pub(crate) async fn a_claim_is_that_of_one_client(a: Node, b: Node, tenant: &str) {
    let base = 600_000_000_000;
    let (u1, u2, later) = (key(tenant, "u1"), key(tenant, "u2"), base + 1_000);
    let one = of_client("C1", 7, 0, base).client_tag().unwrap();
    // As those say it that have encrypted the snapshot.
    let mut said = of_client("C1", 7, 0, base);
    said.client = Some("another".to_owned());
    assert_eq!(a.save(&u1, &of_client("C1", 7, 0, base)).await, Ok(Saved::Stored));
    assert_eq!(a.save(&u2, &said).await, Ok(Saved::Stored));
    for stranger in ["", "C1", "anothe"] {
        assert_eq!(claimed_of(&b, tenant, stranger, base, later).await, Vec::<String>::new(), "{stranger}");
    }
    assert_eq!(b.oldest_due(&one).await, Ok(Some(Timestamp::from_millis(base))));
    assert_eq!(claimed_of(&b, tenant, &one, base, later).await, ["u1"]);
    assert_eq!(b.oldest_due(&one).await, Ok(Some(Timestamp::from_millis(later))), "it was put off");
    assert_eq!(claimed_of(&b, tenant, "another", base, later).await, ["u2"]);
    // The user has signed in again, with another client.
    let two = of_client("C2", 8, 7, base);
    assert_eq!(b.save(&u1, &two).await, Ok(Saved::Stored));
    assert_eq!(claimed_of(&a, tenant, &one, base + 90_000, base + 99_000).await, Vec::<String>::new());
    assert_eq!(claimed_of(&a, tenant, &two.client_tag().unwrap(), base, later).await, ["u1"]);
    // Nothing to be done, and signed out.
    let mut idle = of_client("C2", 9, 8, base);
    idle.due_at = None;
    assert_eq!(a.save(&u1, &idle).await, Ok(Saved::Stored));
    assert_eq!(a.delete(&u2).await, Ok(()));
    for client in [one, two.client_tag().unwrap(), "another".to_owned()] {
        assert_eq!(claimed_of(&a, tenant, &client, base + 90_000, base + 99_000).await, Vec::<String>::new());
        assert_eq!(b.oldest_due(&client).await, Ok(None));
    }
}

pub(crate) async fn nothing_that_is_printed_names_a_user(a: Node, _b: Node, tenant: &str) {
    let u1 = key(tenant, "zoe@example.com");
    assert_eq!(a.save(&u1, &put(7, 0)).await, Ok(Saved::Stored));
    let conflict = a.save(&u1, &put(9, 8)).await;
    a.delete(&u1).await.unwrap();
    let refused = a.save(&u1, &put(7, 0)).await.unwrap_err();
    let claim = claim(-1, 0, 1);
    let printed = format!("{a:?} {u1:?} {conflict:?} {refused:?} {refused} {:?}", a.claim_due(claim).await);
    for secret in [tenant, "zoe", "AT-secret"] {
        assert!(!printed.contains(secret), "{printed}");
    }
}
