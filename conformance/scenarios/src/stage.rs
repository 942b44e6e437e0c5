//! What a scenario has at hand: a simulator, a folder, the driver's harnesses, and questions to ask.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use webex_oauth_simulator::{CLIENT_ID, CLIENT_SECRET, Counters, Endpoint, Entry, Issued, Options, Simulator};

use crate::driver::Driver;
use crate::harness::{Harness, Pending};
use crate::scenarios::Scenario;

/// Why a scenario did not pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Trouble {
    Failed(String),
    /// The driver lacks a command that it may lack, or a whole group for now.
    Unsupported(String),
}

impl From<String> for Trouble {
    fn from(why: String) -> Self {
        Self::Failed(why)
    }
}

impl From<&str> for Trouble {
    fn from(why: &str) -> Self {
        Self::Failed(why.to_owned())
    }
}

pub(crate) type Done<T = ()> = Result<T, Trouble>;

pub(crate) const SCOPE: &str = "spark:people_read spark:rooms_read";
pub(crate) const REFRESH: &str = "refresh_token";
pub(crate) const A: &str = r#"{"client":"a"}"#;
pub(crate) const B: &str = r#"{"client":"b"}"#;
/// The longest that anything here takes.
pub(crate) const LONG: Duration = Duration::from_secs(20);

pub(crate) struct Stage<'a> {
    /// Of the scenario.
    pub(crate) id: &'static str,
    pub(crate) simulator: Arc<Simulator>,
    driver: &'a Driver,
    folder: tempfile::TempDir,
    /// What nobody may say.
    secrets: Vec<String>,
    said: String,
}

impl<'a> Stage<'a> {
    /// Runs one scenario from the beginning.
    pub(crate) fn run(driver: &'a Driver, scenario: &Scenario) -> Done {
        let group = scenario.id.split('-').next().unwrap_or_default();
        if let Some(lacking) = [group, scenario.id].into_iter().find(|name| driver.lacks(name)) {
            return Err(Trouble::Unsupported(lacking.to_owned()));
        }
        let options = Options { rotate: true, device_interval_ms: 1000, ..Options::default() };
        let simulator = Simulator::start(options).map_err(|error| format!("no simulator: {error}"))?;
        let folder = tempfile::tempdir().map_err(|error| format!("no folder: {error}"))?;
        let simulator = Arc::new(simulator);
        let secrets = vec![CLIENT_SECRET.to_owned()];
        let mut stage = Self { id: scenario.id, simulator, driver, folder, secrets, said: String::new() };
        (scenario.run)(&mut stage)?;
        match stage.secrets.iter().any(|secret| stage.said.contains(secret.as_str())) {
            true => Err("an error, an event or a diagnostic line contains a secret".into()),
            false => Ok(()),
        }
    }

    /// A new process of the driver.
    pub(crate) fn start(&self) -> Done<Harness> {
        Harness::start(self.driver)
    }

    /// The same with these variables in its environment.
    pub(crate) fn start_with(&self, variables: &[(&str, &str)]) -> Done<Harness> {
        Harness::start_with(self.driver, variables)
    }

    /// The end of a process: what it said is kept for the search.
    pub(crate) fn end(&mut self, mut harness: Harness) {
        self.said.push_str(&harness.end());
    }

    /// Not to be said by anybody.
    pub(crate) fn keep_secret(&mut self, text: &str) {
        self.secrets.push(text.to_owned());
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn file(&self) -> Value {
        json!({ "file": self.path("session.json") })
    }

    /// Nothing happens behind the back, and after a failure nothing for so long that a busy machine does not notice.
    pub(crate) fn config(&self) -> Value {
        json!({
            "base_url": self.simulator.base_url(),
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
            "redirect_uri": "http://127.0.0.1/callback",
            "scope": SCOPE,
            "request_timeout": 8000,
            "refresh": { "proactive": false, "backoff": 9000 },
        })
    }

    /// `open` with the usual configuration.
    pub(crate) fn open(&self, client: &str) -> Value {
        json!({ "client": client, "config": self.config() })
    }

    pub(crate) fn open_on(&self, client: &str, store: &Value) -> Value {
        let mut open = self.open(client);
        open["store"] = store.clone();
        open
    }

    /// A process with client `a` open.
    pub(crate) fn ready(&self, open: Value) -> Done<Harness> {
        let mut harness = self.start()?;
        harness.ask("open", open)?;
        Ok(harness)
    }

    pub(crate) fn issue(&mut self) -> Done<Issued> {
        let issued = self.simulator.issue(CLIENT_ID, SCOPE).ok_or("the simulator issues nothing")?;
        self.secrets.extend([issued.access_token.clone(), issued.refresh_token.clone()]);
        Ok(issued)
    }

    /// `adopt` with fresh tokens whose life is `expires_in` seconds.
    pub(crate) fn adopt(&mut self, client: &str, expires_in: i64) -> Done<Value> {
        let issued = self.issue()?;
        let tokens = json!({
            "access_token": issued.access_token,
            "refresh_token": issued.refresh_token,
            "expires_in": expires_in,
            "scope": issued.scope,
        });
        Ok(json!({ "client": client, "tokens": tokens.to_string() }))
    }

    /// A process with client `a`, signed in with a token of that life.
    pub(crate) fn signed_in(&mut self, expires_in: i64) -> Done<Harness> {
        let open = self.open("a");
        self.signed_in_with(open, expires_in)
    }

    pub(crate) fn signed_in_with(&mut self, open: Value, expires_in: i64) -> Done<Harness> {
        let mut harness = self.ready(open)?;
        let adopt = self.adopt("a", expires_in)?;
        harness.ask("adopt", adopt)?;
        Ok(harness)
    }

    /// Leaves a session in the store whose access token has that life.
    pub(crate) fn prepare(&mut self, store: &Value, expires_in: i64) -> Done {
        let mut harness = self.signed_in_with(self.open_on("a", store), expires_in)?;
        harness.ask("close", A)?;
        self.end(harness);
        Ok(())
    }

    pub(crate) fn counters(&self) -> Counters {
        self.simulator.counters()
    }

    pub(crate) fn url(&self, path: &str) -> String {
        self.simulator.url(path)
    }

    /// `call` of client `a`.
    pub(crate) fn call(&self, path: &str) -> Value {
        json!({ "client": "a", "url": self.url(path) })
    }

    /// Waits until the server has seen so many requests at that endpoint.
    pub(crate) fn seen(&self, endpoint: Endpoint, count: usize) -> Done {
        let enough = |log: &[Entry]| requests_at(endpoint, log) >= count;
        check(
            self.simulator.wait_for(LONG, enough),
            &format!("the server did not see {count} requests at {endpoint:?}"),
        )
    }

    /// How many requests the server has seen at that endpoint.
    pub(crate) fn requests_at(&self, endpoint: Endpoint) -> usize {
        requests_at(endpoint, &self.simulator.log())
    }

    /// So many refreshes were tried, and no retired token came back.
    pub(crate) fn refreshes(&self, attempted: u64) -> Done {
        let counters = self.counters();
        same(counters.refreshes_attempted, attempted, "refreshes")?;
        same(counters.max_concurrent_grants.max(1), 1, "grant requests at a time")?;
        same(counters.reuse_detected, 0, "retired refresh tokens that came back")
    }
}

fn requests_at(endpoint: Endpoint, log: &[Entry]) -> usize {
    log.iter().filter(|entry| entry.endpoint == endpoint).count()
}

/// Fails the scenario unless `holds`.
pub(crate) fn check(holds: bool, what: &str) -> Done {
    if holds { Ok(()) } else { Err(what.into()) }
}

pub(crate) fn same<T: PartialEq + std::fmt::Debug>(found: T, wanted: T, what: &str) -> Done {
    if found == wanted { Ok(()) } else { Err(format!("{what}: {found:?} instead of {wanted:?}").into()) }
}

/// The results of `token`, `user_token` or `call`.
pub(crate) fn results(answer: &Value) -> Done<Vec<Value>> {
    let results = answer["results"].as_array().filter(|results| !results.is_empty());
    results.cloned().ok_or_else(|| format!("no results in {answer}").into())
}

/// The only token among the results: all callers got the same.
pub(crate) fn one_token(answer: &Value) -> Done<String> {
    let results = results(answer)?;
    let text = |result: &Value| result["token"].as_str().map(str::to_owned);
    let first = results.first().and_then(text).ok_or_else(|| format!("no token: {answer}"))?;
    match results.iter().all(|result| text(result).as_ref() == Some(&first)) {
        true => Ok(first),
        false => Err("the callers got different tokens, or errors".into()),
    }
}

/// All results are errors of this kind; the first one is returned.
pub(crate) fn all_fail(answer: &Value, kind: &str) -> Done<Value> {
    let results = results(answer)?;
    let error = results.first().map(|result| result["error"].clone()).unwrap_or_default();
    match results.iter().all(|result| result["error"]["kind"] == kind) {
        true => Ok(error),
        false => Err(format!("`{kind}` was expected: {answer}").into()),
    }
}

/// All results of `call` have this status.
pub(crate) fn all_status(answer: &Value, status: u16) -> Done<Value> {
    let results = results(answer)?;
    match results.iter().all(|result| result["status"] == status) {
        true => Ok(results.first().cloned().unwrap_or_default()),
        false => Err(format!("status {status} was expected: {answer}").into()),
    }
}

pub(crate) fn is_kind(error: &Value, kind: &str) -> Done {
    check(error["kind"] == kind, &format!("`{kind}` was expected: {error}"))
}

/// Client `a` has a token now.
pub(crate) fn token(harness: &mut Harness) -> Done<String> {
    one_token(&harness.ask("token", A)?)
}

/// Client `a` has none, for this reason.
pub(crate) fn no_token(harness: &mut Harness, kind: &str) -> Done<Value> {
    all_fail(&harness.ask("token", A)?, kind)
}

/// Where a browser comes back to.
pub(crate) const CALLBACK: &str = "http://localhost/oauth";

/// Begins a login in a browser of client `a`: the URL that the browser is sent to.
pub(crate) fn begin_login(harness: &mut Harness) -> Done<String> {
    let begun = harness.ask("begin_login", json!({ "client": "a", "redirect_uri": CALLBACK }))?;
    begun["url"].as_str().map(str::to_owned).ok_or_else(|| "no URL".into())
}

/// `complete_login` of client `a`: what the browser came back with.
pub(crate) fn complete(callback: &str) -> Value {
    json!({ "client": "a", "callback": callback })
}

/// Nothing tells that a command has been taken in.
pub(crate) fn taken_in() {
    std::thread::sleep(Duration::from_millis(500));
}

/// Many callers at once, under way.
pub(crate) fn callers(harness: &mut Harness, times: u32) -> Done<Pending> {
    harness.give("token", json!({ "client": "a", "times": times }))
}

/// Waits for an event of this name of client `a`; returns the names of all until then.
pub(crate) fn event(harness: &mut Harness, name: &str) -> Done<Vec<String>> {
    let begun = std::time::Instant::now();
    let mut names = Vec::new();
    while begun.elapsed() < LONG {
        let answer = harness.ask("events", A)?;
        let events = answer["events"].as_array().cloned().unwrap_or_default();
        names.extend(events.iter().filter_map(|event| event["name"].as_str().map(str::to_owned)));
        if names.iter().any(|seen| seen == name) {
            return Ok(names);
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    Err(format!("no event `{name}`, only {names:?}").into())
}

pub(crate) fn advance(harness: &mut Harness, seconds: i64) -> Done {
    harness.ask("clock", json!({ "advance": seconds * 1000 })).map(|_| ())
}

pub(crate) fn phase(harness: &mut Harness, wanted: &str) -> Done {
    let status = harness.ask("status", A)?;
    check(status["phase"] == wanted, &format!("{wanted} was expected: {status}"))
}
