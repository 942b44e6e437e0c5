//! What holds for every record.

use proptest::prelude::*;
use webex_oauth::sealed::{Keys, MasterKey, OpenError, Owner, Unopened, open, seal};
use webex_oauth::{SealedHeader, Secret, snapshot_revision};

const NONCE: [u8; 12] = [9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 1, 2];
const U1: Owner<'_> = Owner { tenant: "acme", user: "u1" };

fn keys() -> Keys {
    let bytes: Vec<u8> = (1..=32).collect();
    Keys::new(MasterKey::new("k1", &bytes).unwrap())
}

fn snapshot() -> Secret {
    Secret::new(r#"{"webex_oauth":2,"revision":7,"access_token":"AT1-secret"}"#)
}

#[test]
fn every_bit_that_is_flipped_is_noticed() {
    let keys = keys();
    let record = seal(&keys, U1, &snapshot(), NONCE).unwrap();
    let bytes = record.expose().as_bytes();
    for at in 0..bytes.len() {
        for bit in 0..7 {
            let mut changed = bytes.to_vec();
            changed[at] ^= 1 << bit;
            let changed = String::from_utf8(changed).unwrap();
            assert!(open(&keys, U1, &changed).is_err(), "byte {at}, bit {bit}");
        }
    }
}

#[test]
fn every_cut_and_every_addition_is_noticed() {
    let keys = keys();
    let record = seal(&keys, U1, &snapshot(), NONCE).unwrap();
    for at in 0..record.expose().len() {
        assert!(open(&keys, U1, &record.expose()[..at]).is_err(), "cut at {at}");
    }
    for more in [" ", "\n", ".", "A", "="] {
        assert!(open(&keys, U1, &format!("{}{more}", record.expose())).is_err(), "{more:?} behind it");
        assert!(open(&keys, U1, &format!("{more}{}", record.expose())).is_err(), "{more:?} before it");
    }
}

#[test]
fn nothing_that_is_printed_has_a_key_a_name_or_a_token() {
    let bytes: Vec<u8> = (1..=32).collect();
    let master = MasterKey::new("k1", &bytes).unwrap();
    let secrets = [master.to_text().expose()[3..].to_owned(), "AT1-secret".into(), "acme".into(), "u1".into()];
    let record = seal(&keys(), U1, &snapshot(), NONCE).unwrap();
    let wrong = Keys::new(MasterKey::new("k1", &[bytes.as_slice(), &[0]].concat()[1..]).unwrap());
    let error = open(&wrong, U1, record.expose()).unwrap_err();
    let printed = format!("{master:?} {:?} {:?} {U1:?} {error:?} {error}", keys(), master.content_key(U1));
    for secret in secrets {
        assert!(!printed.contains(&secret), "{printed}");
    }
    assert!(printed.contains("k1"));
}

#[test]
fn a_key_that_was_written_is_read_again() {
    let text = keys().first().to_text();
    assert_eq!(Keys::read(text.expose()), Ok(keys()));
}

#[test]
fn the_same_session_is_another_text_for_each_user_and_each_nonce() {
    let text = |owner, nonce| seal(&keys(), owner, &snapshot(), nonce).unwrap();
    let other = Owner { tenant: "acme", user: "u2" };
    assert_ne!(text(U1, NONCE), text(other, NONCE));
    assert_ne!(text(U1, NONCE), text(U1, [0; 12]));
}

proptest! {
    #[test]
    fn what_was_sealed_opens_for_its_owner_alone(
        tenant in ".{0,12}", user in ".{0,12}", other_tenant in ".{0,12}", other_user in ".{0,12}",
        revision in 0..1_u64 << 48, note in ".{0,200}", nonce in any::<[u8; 12]>(),
    ) {
        let owner = Owner { tenant: &tenant, user: &user };
        let json = serde_json::json!({"webex_oauth": 2, "revision": revision, "note": note}).to_string();
        let snapshot = Secret::new(json);
        let record = seal(&keys(), owner, &snapshot, nonce).unwrap();
        prop_assert_eq!(open(&keys(), owner, record.expose()), Ok(snapshot));
        prop_assert_eq!(snapshot_revision(record.expose()), Ok(revision));
        prop_assert_eq!(SealedHeader::read(record.expose()).map(|header| header.key_id), Some("k1".to_owned()));

        let other = Owner { tenant: &other_tenant, user: &other_user };
        if other != owner {
            let refused = OpenError::Sealed { key_id: "k1".into(), why: Unopened::Refused };
            prop_assert_eq!(open(&keys(), other, record.expose()), Err(refused));
        }
    }

    #[test]
    fn no_text_brings_it_down(text in ".{0,300}") {
        let _ = open(&keys(), U1, &text);
        let _ = SealedHeader::read(&text);
        let _ = Keys::read(&text);
    }
}
