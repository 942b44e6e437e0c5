//! A session gets another key: each step and what may come of it. Whole stores are in the driver's tests.

use webex_oauth::coordinator::{
    Done, RebindFailed, RebindKey, RebindOp, RebindStep, Rebinding, StoreFault, StoreFaultKind,
};
use webex_oauth::{Config, ConfigParts, Entropy, Provider, Secret, Session, Timestamp, snapshot_revision};

fn config() -> Config {
    let mut parts = ConfigParts::new(Provider::webex(), "C1");
    parts.client_secret = Some("s3cret".into());
    parts.redirect_uri = Some("https://app.example/oauth".to_owned());
    parts.build().unwrap()
}

fn session() -> Session {
    let seed: Vec<u8> = (1..=u8::MAX).take(Entropy::LEN).collect();
    Session::new(config(), Entropy::new(&seed).unwrap())
}

fn signed_in() -> Secret {
    let mut session = session();
    let tokens = r#"{"access_token":"AT1","refresh_token":"RT1","expires_in":3600}"#;
    session.adopt(Timestamp::from_millis(1_000), tokens).unwrap();
    session.snapshot()
}

fn is_signed_in(snapshot: &Secret) -> bool {
    Session::restore(config(), snapshot.expose()).unwrap().tokens().is_some()
}

fn revision(snapshot: &Secret) -> u64 {
    snapshot_revision(snapshot.expose()).unwrap()
}

fn failed() -> Done {
    Done::StoreFailed(StoreFault { kind: StoreFaultKind::Other, problem: "no answer".to_owned() })
}

/// Takes these results in, and answers which steps they were for, the one after them included.
fn walk(rebinding: &mut Rebinding, results: impl IntoIterator<Item = Done>) -> Vec<String> {
    let mut steps = vec![name(&rebinding.step())];
    for result in results {
        rebinding.done(result);
        steps.push(name(&rebinding.step()));
    }
    steps
}

fn name(step: &RebindStep) -> String {
    match step {
        RebindStep::Do { at, op } => {
            let what = match op {
                RebindOp::Load => "load",
                RebindOp::Save { snapshot, .. } if is_signed_in(snapshot) => "save the session",
                RebindOp::Save { .. } => "save what is left",
                RebindOp::Delete => "delete",
            };
            format!("{what} {}", if *at == RebindKey::From { "there" } else { "here" })
        }
        RebindStep::End(Ok(())) => "done".to_owned(),
        RebindStep::End(Err(failed)) => failed.to_string(),
    }
}

/// What the step would store, and in place of which revision.
fn saved(rebinding: &Rebinding) -> (Secret, u64) {
    match rebinding.step() {
        RebindStep::Do { op: RebindOp::Save { snapshot, revision: number, replaces, .. }, .. } => {
            assert_eq!(revision(&snapshot), number);
            (snapshot, replaces)
        }
        step => panic!("{step:?}"),
    }
}

#[test]
fn it_leaves_its_old_key_and_takes_the_place_of_what_is_under_the_new_one() {
    let (mut rebinding, there) = (Rebinding::new(config()), session().snapshot());
    let steps = walk(&mut rebinding, [Done::Loaded(Some(signed_in())), Done::Loaded(Some(there.clone()))]);
    assert_eq!(steps, ["load there", "load here", "save what is left there"]);
    let (left, replaces) = saved(&rebinding);
    assert_eq!(replaces, revision(&signed_in()));
    rebinding.done(Done::Saved);
    let (moved, replaces) = saved(&rebinding);
    assert!(is_signed_in(&moved) && replaces == revision(&there) && revision(&moved) > revision(&left));
    let steps = walk(&mut rebinding, [Done::Saved, Done::Loaded(Some(left)), Done::Saved]);
    assert_eq!(steps, ["save the session here", "load there", "delete there", "done"]);
}

#[test]
fn what_another_one_stored_under_the_old_key_meanwhile_stays() {
    let mut rebinding = Rebinding::new(config());
    let login = session().snapshot();
    walk(&mut rebinding, [Done::Loaded(Some(signed_in())), Done::Loaded(None), Done::Saved, Done::Saved]);
    assert_eq!(walk(&mut rebinding, [Done::Loaded(Some(login))]), ["load there", "done"]);
}

#[test]
fn whether_it_has_left_is_looked_at_where_the_store_did_not_say() {
    let begun = || {
        let mut rebinding = Rebinding::new(config());
        walk(&mut rebinding, [Done::Loaded(Some(signed_in())), Done::Loaded(None)]);
        let left = saved(&rebinding).0;
        rebinding.done(failed());
        (rebinding, left)
    };
    let (mut stored, left) = begun();
    assert_eq!(walk(&mut stored, [Done::Loaded(Some(left))]), ["load there", "save the session here"]);
    for found in [Done::Loaded(Some(signed_in())), Done::Loaded(None), failed()] {
        let (mut not_stored, _) = begun();
        assert_eq!(walk(&mut not_stored, [found]), ["load there", "the store failed"]);
    }
}

#[test]
fn nobody_has_a_session_whose_key_nobody_was_given() {
    let mut rebinding = Rebinding::new(config());
    walk(&mut rebinding, [Done::Loaded(Some(signed_in())), Done::Loaded(None), Done::Saved]);
    let moved = saved(&rebinding).0;
    let steps = walk(&mut rebinding, [failed(), Done::Loaded(Some(moved)), Done::Saved]);
    assert_eq!(steps, ["save the session here", "load here", "delete here", "the store failed"]);
}

#[test]
fn who_is_always_slower_gives_up() {
    for before in [vec![], vec![Done::Saved]] {
        let mut rebinding = Rebinding::new(config());
        walk(&mut rebinding, [Done::Loaded(Some(signed_in())), Done::Loaded(None)]);
        walk(&mut rebinding, before);
        let rounds = (1..).take_while(|_| {
            rebinding.done(Done::Conflict(Some(signed_in())));
            !matches!(rebinding.step(), RebindStep::End(_))
        });
        assert_eq!(rounds.count(), 7);
        assert_eq!(rebinding.step(), RebindStep::End(Err(RebindFailed::Contended)));
    }
}

#[test]
fn nobody_and_what_cannot_be_read_change_nothing() {
    for nobody in [None, Some(session().snapshot())] {
        let steps = walk(&mut Rebinding::new(config()), [Done::Loaded(nobody), Done::Loaded(None)]);
        assert_eq!(steps, ["load there", "load here", "nobody is signed in"]);
    }
    for (old, new) in [("{}".into(), signed_in()), (signed_in(), "{}".into())] {
        let mut rebinding = Rebinding::new(config());
        walk(&mut rebinding, [Done::Loaded(Some(old)), Done::Loaded(Some(new))]);
        assert!(matches!(rebinding.step(), RebindStep::End(Err(RebindFailed::Restore(_)))));
    }
}

#[test]
fn a_result_of_another_kind_is_a_failure_of_the_store() {
    let at = |results: Vec<Done>| walk(&mut Rebinding::new(config()), results).pop().unwrap();
    let (found, nothing) = (|| Done::Loaded(Some(signed_in())), || Done::Loaded(None));
    assert_eq!(at(vec![Done::Saved]), "the store failed");
    assert_eq!(at(vec![found(), Done::Locked]), "the store failed");
    assert_eq!(at(vec![found(), nothing(), Done::Unlocked]), "load there");
    assert_eq!(at(vec![found(), nothing(), Done::Saved, Done::Unlocked]), "load here");
    assert_eq!(at(vec![found(), nothing(), Done::Saved, Done::Saved, Done::Locked]), "done");
    assert_eq!(at(vec![Done::Saved, Done::Saved]), "the store failed");
}
