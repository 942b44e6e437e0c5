//! What engines promise to those in front of them: [`webex_oauth_stores::Sealed`], [`webex_oauth_stores::Reseal`].

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use webex_oauth::Secret;
use webex_oauth_driver::now;
use webex_oauth_stores::{Put, Replaces, Saved, Scan, StoreError};

use crate::suite::{Node, body, claim, claimed, due, key, put};

/// As somebody with a key has stored it.
pub(crate) fn sealed(revision: u64, replaces: u64) -> Put {
    let header = format!(r#"{{"alg":"dir","enc":"A256GCM","kid":"2026-11","typ":"webex-oauth","rev":{revision}}}"#);
    let record = format!("{}..AAAAAAAAAAAAAAAA.AAAA.AAAAAAAAAAAAAAAAAAAAAA", URL_SAFE_NO_PAD.encode(header));
    // Without `key_id`: what is in the record counts.
    Put::new(Secret::new(record), revision, Replaces::from(replaces))
}

/// A node that has been given no key, beside one that has.
pub(crate) async fn what_is_sealed_is_not_replaced_by_what_is_not(a: Node, b: Node, tenant: &str) {
    let u1 = key(tenant, "u1");
    assert_eq!(a.save(&u1, &put(7, 0)).await, Ok(Saved::Stored));
    assert_eq!(b.save(&u1, &sealed(7, 7)).await, Ok(Saved::Stored));
    let stored = Some(sealed(7, 7).snapshot);
    for replaces in [0, 6, 7, 8] {
        match a.save(&u1, &due(8, replaces, 5)).await {
            Err(StoreError::Sealed { key_id, .. }) => assert_eq!(key_id, "2026-11"),
            other => panic!("{replaces}: {other:?}"),
        }
        assert_eq!(a.load(&u1).await, Ok(stored.clone()), "{replaces}");
    }
    assert_eq!(b.save(&u1, &sealed(9, 8)).await, Ok(Saved::Conflict { found: stored }));
    assert_eq!(b.save(&u1, &sealed(8, 7)).await, Ok(Saved::Stored), "who has a key goes on");
    assert_eq!(a.delete(&u1).await, Ok(()), "signing out needs no key");
    assert_eq!(a.save(&u1, &put(9 << 24, 0)).await, Ok(Saved::Stored));
}

/// What a scan finds of this tenant, by user.
async fn all_of(node: &Node, tenant: &str, most: u32, but_sealed_with: Option<&str>) -> BTreeMap<String, Secret> {
    let mut found = BTreeMap::new();
    let mut scan = Scan { after: None, most, but_sealed_with: but_sealed_with.map(str::to_owned) };
    for _ in 0..10_000 {
        let scanned = node.scan(&scan).await.unwrap();
        for (key, record) in scanned.rows.into_iter().filter(|(key, _)| key.tenant() == tenant) {
            found.insert(key.user().to_owned(), record);
        }
        match scanned.next {
            Some(next) => scan.after = Some(next),
            None => return found,
        }
    }
    panic!("it does not come to an end");
}

pub(crate) async fn a_scan_sees_all_that_is_there(a: Node, b: Node, tenant: &str) {
    let mut wanted = BTreeMap::new();
    for number in 1..=57_u64 {
        // In another order than they are saved, and one that no collation has.
        let user = format!("{}-{number}", ["u", "U", "ü", "", "'"][usize::try_from(number).unwrap() % 5]);
        assert_eq!(a.save(&key(tenant, &user), &put(number, 0)).await, Ok(Saved::Stored));
        if number % 9 == 0 {
            assert_eq!(a.delete(&key(tenant, &user)).await, Ok(()));
        } else {
            wanted.insert(user, body(number));
        }
    }
    for most in [1, 2, 10, 1000] {
        assert_eq!(all_of(&b, tenant, most, None).await, wanted, "{most} at once");
    }
    assert_eq!(b.save(&key(tenant, "u-45"), &put(99, 45)).await, Ok(Saved::Conflict { found: None }));
    assert_eq!(b.save(&key(tenant, "sealed"), &sealed(7, 0)).await, Ok(Saved::Stored));
    assert_eq!(all_of(&a, tenant, 10, Some("2026-11")).await, wanted);
    wanted.insert("sealed".to_owned(), sealed(7, 0).snapshot);
    assert_eq!(all_of(&a, tenant, 10, Some("other")).await, wanted);
}

pub(crate) async fn a_rewrite_leaves_when_it_is_due(a: Node, b: Node, tenant: &str) {
    let (u1, base) = (key(tenant, "u1"), 800_000_000_000);
    assert_eq!(a.save(&u1, &due(7, 0, base)).await, Ok(Saved::Stored));
    // Whatever is said of that.
    let mut other = sealed(7, 7);
    other.due_at = due(1, 0, base + 777).due_at;
    assert_eq!(b.rewrite(&u1, &other).await, Ok(Saved::Stored));
    assert_eq!(a.load(&u1).await, Ok(Some(sealed(7, 7).snapshot)));
    assert_eq!(claimed(&a, tenant, base - 1, base + 5_000).await, Vec::<String>::new());
    assert_eq!(claimed(&a, tenant, base, base + 5_000).await, ["u1"]);
    // It is put off now, and stays so.
    assert_eq!(b.rewrite(&u1, &sealed(7, 7)).await, Ok(Saved::Stored));
    assert_eq!(claimed(&a, tenant, base + 4_999, base + 9_000).await, Vec::<String>::new());
    assert_eq!(claimed(&a, tenant, base + 5_000, base + 9_000).await, ["u1"]);
    // By compare-and-swap, and nothing is brought back.
    let found = Some(sealed(7, 7).snapshot);
    for replaces in [0, 6, 8] {
        let conflict = Saved::Conflict { found: found.clone() };
        assert_eq!(b.rewrite(&u1, &sealed(9, replaces)).await, Ok(conflict), "{replaces}");
    }
    assert!(matches!(b.rewrite(&u1, &put(7, 7)).await, Err(StoreError::Sealed { .. })));
    assert_eq!(a.delete(&u1).await, Ok(()));
    assert_eq!(b.rewrite(&u1, &sealed(7, 7)).await, Ok(Saved::Conflict { found: None }));
    assert_eq!(b.rewrite(&key(tenant, "u2"), &sealed(7, 7)).await, Ok(Saved::Conflict { found: None }));
    assert_eq!(a.load(&u1).await, Ok(None));
}

/// Two nodes that have both keys save, while a third one exchanges the keys.
#[cfg(feature = "sealed")]
pub(crate) async fn keys_are_changed_beside_nodes_that_save(a: Node, b: Node, tenant: &str) {
    use webex_oauth::SealedHeader;
    use webex_oauth::sealed::Keys;
    use webex_oauth_stores::{AsyncRecords as _, Reseal, Sealed};

    const ROWS: u64 = 120;
    let (k1, k2) = ("k1:uwfbCQ1BTdJOgfP6C8F4AHzmHRXBbEFUWCzcmHIl0xs", "k2:MDEyMzQ1Njc4OTo7PD0-P0BBQkNERUZHSElKS0xNTk8");
    let keys = |texts: [&str; 2]| Keys::read(&texts.join(" ")).unwrap();
    let user = |number: u64| key(tenant, &format!("u{number}"));
    let old = Sealed::new(a.clone(), keys([k1, k2]));
    let base = 700_000_000_000;
    for number in 0..ROWS {
        assert_eq!(old.save(&user(number), &due(10, 0, base)).await, Ok(Saved::Stored));
    }
    // One that nobody has the key of, and one that is not encrypted.
    assert_eq!(a.save(&key(tenant, "strange"), &sealed(7, 0)).await, Ok(Saved::Stored));
    assert_eq!(a.save(&key(tenant, "plain"), &put(7, 0)).await, Ok(Saved::Stored));

    let savers = [(a.clone(), [k1, k2], 0), (b.clone(), [k2, k1], 1)].map(|(node, order, odd)| {
        let (store, tenant) = (Sealed::new(node, keys(order)), tenant.to_owned());
        tokio::spawn(async move {
            for number in (odd..ROWS).step_by(4) {
                let saved = store.save(&key(&tenant, &format!("u{number}")), &due(11, 10, base)).await;
                assert_eq!(saved, Ok(Saved::Stored), "nobody is in the way of a node");
            }
        })
    });
    let reseal = Reseal::new(keys([k2, k1])).batch(7);
    let first = reseal.run(&*b).await.unwrap();
    for saver in savers {
        saver.await.unwrap();
    }
    // A node that still sealed with the old key has come after it: once more.
    let again = reseal.run(&*a).await.unwrap();
    assert!(first.resealed > 0 && first.left >= 2 && again.left >= 2, "{first:?} {again:?}");
    let new = Sealed::new(b.clone(), keys([k2, k1]));
    for number in 0..ROWS {
        let record = b.load(&user(number)).await.unwrap().unwrap();
        assert_eq!(SealedHeader::read(record.expose()).unwrap().key_id, "k2", "{number}");
        let revision = if number % 4 < 2 { 11 } else { 10 };
        assert_eq!(new.load(&user(number)).await, Ok(Some(body(revision))), "{number}");
    }
    assert_eq!(a.load(&key(tenant, "strange")).await, Ok(Some(sealed(7, 0).snapshot)), "left as it is");
    assert_eq!(a.load(&key(tenant, "plain")).await, Ok(Some(body(7))), "nor is it taken for one of ours");
    let is_of_this = |record: &Option<(webex_oauth_stores::Key, StoreError)>| {
        record
            .as_ref()
            .is_some_and(|(_, error)| matches!(error, StoreError::Sealed { .. } | StoreError::Refused { .. }))
    };
    assert!(is_of_this(&again.first_left), "{again:?}");
    assert_eq!(
        claimed(&a, tenant, base, base + 1_000_000).await.len(),
        usize::try_from(ROWS).unwrap(),
        "due as before"
    );
}

/// On a database with a clock of its own.
pub(crate) async fn who_is_ahead_of_the_database_claims_nothing(a: Node, b: Node, tenant: &str) {
    let (now, u1) = (now().as_millis(), key(tenant, "u1"));
    let claim = |ahead: i64| claim(now + ahead, now + ahead + 45_000, 10_000);
    assert_eq!(a.save(&u1, &due(1, 0, now)).await, Ok(Saved::Stored));
    for (node, ahead) in [(&a, 365 * 86_400_000), (&b, 60_000)] {
        match node.claim_due(claim(ahead)).await {
            Err(StoreError::Refused { what }) => assert!(what.contains("clock"), "{what}"),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(claimed(&b, tenant, now, now + 45_000).await, ["u1"], "nor was it put off");
}
