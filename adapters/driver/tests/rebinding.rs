//! A session gets another key: whoever else does the same at that moment finds nobody signed in.

use std::sync::{Arc, Mutex};

use webex_oauth::coordinator::{Call, Coordinator, Done, Now, Op, Options, Output, StoreTraits, Tick, Ticket};
use webex_oauth::{
    Config, ConfigParts, Entropy, HttpResponse, Provider, Secret, Session, Timestamp, snapshot_revision,
};
use webex_oauth_driver::{ClientError, MemoryStore, Put, Replaces, Saved, Store, StoreError, StoreLock, rebind};

fn config() -> Config {
    let mut parts = ConfigParts::new(Provider::webex(), "C1");
    parts.client_secret = Some("s3cret".into());
    parts.redirect_uri = Some("https://app.example/oauth".to_owned());
    parts.build().unwrap()
}

fn signed_in() -> Secret {
    let seed: Vec<u8> = (1..=u8::MAX).take(Entropy::LEN).collect();
    let mut session = Session::new(config(), Entropy::new(&seed).unwrap());
    let tokens = r#"{"access_token":"AT1","refresh_token":"RT1","expires_in":3600}"#;
    session.adopt(Timestamp::from_millis(1_000), tokens).unwrap();
    session.snapshot()
}

fn holding(snapshot: Secret) -> Arc<MemoryStore> {
    let store = Arc::new(MemoryStore::default());
    assert_eq!(store.save(&Put::of(snapshot, Replaces::Nothing).unwrap()), Ok(Saved::Stored));
    store
}

fn is_signed_in(store: &dyn Store) -> bool {
    let found = store.load().unwrap();
    found.is_some_and(|found| Session::restore(config(), found.expose()).unwrap().tokens().is_some())
}

/// Has something else happen when it has been read for the first time.
#[derive(Clone)]
struct Then(Arc<MemoryStore>, Arc<Mutex<Option<Something>>>);

type Something = Box<dyn FnOnce() + Send>;

impl std::fmt::Debug for Then {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Then")
    }
}

impl Store for Then {
    fn load(&self) -> Result<Option<Secret>, StoreError> {
        let found = self.0.load();
        if let Some(then) = self.1.lock().unwrap().take() {
            then();
        }
        found
    }
    fn save(&self, put: &Put) -> Result<Saved, StoreError> {
        self.0.save(put)
    }
    fn delete(&self) -> Result<(), StoreError> {
        self.0.delete()
    }
    fn try_lock(&self) -> Result<Option<StoreLock>, StoreError> {
        self.0.try_lock()
    }
}

#[test]
fn the_session_leaves_its_key_and_takes_the_place_of_what_is_there() {
    let (from, to) = (holding(signed_in()), holding(signed_in()));
    rebind(&config(), &from, &to).unwrap();
    assert_eq!((from.load().unwrap(), is_signed_in(&to)), (None, true));
}

#[test]
fn of_two_nodes_one_takes_the_session_to_another_key() {
    let (from, to, elsewhere) =
        (holding(signed_in()), Arc::new(MemoryStore::default()), Arc::new(MemoryStore::default()));
    let (other, there) = (Arc::clone(&from), Arc::clone(&elsewhere));
    let faster = move || rebind(&config(), &other, &there).unwrap();
    let slower = Then(Arc::clone(&from), Arc::new(Mutex::new(Some(Box::new(faster)))));
    let error = rebind(&config(), &slower, &to).unwrap_err();
    assert!(matches!(error, ClientError::SignInRequired { .. }), "{error:?}");
    assert_eq!([is_signed_in(&to), is_signed_in(&elsewhere), is_signed_in(&from)], [false, true, false]);
}

#[test]
fn what_another_node_renewed_meanwhile_is_what_moves() {
    let (from, to) = (holding(signed_in()), Arc::new(MemoryStore::default()));
    let other = Arc::clone(&from);
    let renews = move || {
        let mut session = Session::restore(config(), other.load().unwrap().unwrap().expose()).unwrap();
        let before = session.revision();
        let now = Timestamp::from_millis(2_000);
        let output = session.refresh(now).unwrap();
        let id = output.effects.iter().find_map(|effect| match effect {
            webex_oauth::Effect::Send { request } => Some(request.id),
            _ => None,
        });
        let body = r#"{"access_token":"AT2","refresh_token":"RT2","expires_in":3600}"#;
        session
            .response(now, id.unwrap(), HttpResponse { status: 200, headers: Vec::new(), body: body.into() })
            .unwrap();
        let put = Put::of(session.snapshot(), Replaces::Revision(before)).unwrap();
        assert_eq!(other.save(&put), Ok(Saved::Stored));
    };
    let store = Then(Arc::clone(&from), Arc::new(Mutex::new(Some(Box::new(renews)))));
    rebind(&config(), &store, &to).unwrap();
    assert!(to.load().unwrap().unwrap().expose().contains("RT2"));
}

#[test]
fn a_key_that_is_both_keeps_its_session() {
    let store = holding(signed_in());
    rebind(&config(), &store, &store).unwrap();
    assert!(is_signed_in(&store));
}

#[test]
fn nobody_has_nothing_to_move() {
    let (from, to) = (Arc::new(MemoryStore::default()), holding(signed_in()));
    assert!(matches!(rebind(&config(), &from, &to), Err(ClientError::SignInRequired { .. })));
    assert!(is_signed_in(&to));
}

/// As the store has it while somebody renews the session.
fn being_renewed(snapshot: Secret) -> Secret {
    let seed = Entropy::new(&(1..=u8::MAX).rev().take(Entropy::LEN).collect::<Vec<_>>()).unwrap();
    let options = Options::new(&config(), Some(StoreTraits::default()));
    let mut coordinator = Coordinator::open(config(), Some(&snapshot), seed, options).unwrap();
    let now = Now { wall: Timestamp::from_millis(2_000), mono: Tick::from_millis(0) };
    coordinator.call(now, Ticket(1), Call::Refresh { within: None }).unwrap();
    let mut found = snapshot.clone();
    while let Some(output) = coordinator.poll() {
        match output {
            Output::Do { job, op: Op::Load } => coordinator.done(now, job, Done::Loaded(Some(snapshot.clone()))),
            Output::Do { op: Op::Save { snapshot, .. }, .. } => found = snapshot,
            _ => {}
        }
    }
    assert_ne!(found, snapshot, "the intent is saved");
    found
}

#[test]
fn what_another_node_renews_now_stays_where_it_is() {
    let (from, to) = (holding(being_renewed(signed_in())), Arc::new(MemoryStore::default()));
    let before = from.load().unwrap();
    let error = rebind(&config(), &from, &to).unwrap_err();
    assert!(matches!(error, ClientError::Store(StoreError::Busy { .. })), "{error:?}");
    assert_eq!((from.load().unwrap(), to.load().unwrap()), (before, None));
}

#[test]
fn a_session_that_returns_has_a_number_that_its_first_key_has_not_seen() {
    let (from, to) = (holding(signed_in()), Arc::new(MemoryStore::default()));
    // So that what is left stays.
    rebind(&config(), &Fails { store: Arc::clone(&from), at: "delete" }, &to).unwrap();
    let [left, moved] = [from, to].map(|store| snapshot_revision(store.load().unwrap().unwrap().expose()).unwrap());
    assert!(snapshot_revision(signed_in().expose()).unwrap() < left && left < moved);
}

/// Fails where it is told to, after it has done what was asked.
#[derive(Debug)]
struct Fails {
    store: Arc<MemoryStore>,
    at: &'static str,
}

impl Fails {
    fn unless(&self, at: &str) -> Result<(), StoreError> {
        if self.at == at { Err(StoreError::Other { problem: "no answer".to_owned() }) } else { Ok(()) }
    }
}

impl Store for Fails {
    fn load(&self) -> Result<Option<Secret>, StoreError> {
        self.store.load()
    }
    fn save(&self, put: &Put) -> Result<Saved, StoreError> {
        let saved = self.store.save(put)?;
        self.unless("save").map(|()| saved)
    }
    fn delete(&self) -> Result<(), StoreError> {
        if self.at != "delete" {
            self.store.delete()?;
        }
        self.unless("delete")
    }
    fn try_lock(&self) -> Result<Option<StoreLock>, StoreError> {
        self.store.try_lock()
    }
}

#[test]
fn what_is_left_of_the_old_key_may_stay() {
    let (from, to) = (holding(signed_in()), Arc::new(MemoryStore::default()));
    rebind(&config(), &Fails { store: Arc::clone(&from), at: "delete" }, &to).unwrap();
    assert_eq!([is_signed_in(&from), is_signed_in(&to)], [false, true]);
}

#[test]
fn nobody_has_a_session_whose_key_nobody_was_given() {
    let (from, to) = (holding(signed_in()), Arc::new(MemoryStore::default()));
    rebind(&config(), &from, &Fails { store: Arc::clone(&to), at: "save" }).unwrap_err();
    assert_eq!([is_signed_in(&from), is_signed_in(&to)], [false, false]);
}

#[test]
fn what_was_stored_under_the_old_key_although_the_store_said_no_goes_on() {
    let (from, to) = (holding(signed_in()), Arc::new(MemoryStore::default()));
    rebind(&config(), &Fails { store: Arc::clone(&from), at: "save" }, &to).unwrap();
    assert_eq!([is_signed_in(&from), is_signed_in(&to)], [false, true]);
}
