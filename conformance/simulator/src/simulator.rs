//! A running simulator, and everything a test may do to it.

use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

use crate::account::Account;
use crate::authorize::{End, visit};
use crate::call::Params;
use crate::device;
use crate::faults::Fault;
use crate::log::{Counters, Entry};
use crate::options::{Client, Decision, Options};
use crate::server::serve;
use crate::token_ref::TokenRef;
use crate::world::World;

/// A simulated server on a loopback port. It runs on a thread of its own and stops when dropped.
#[derive(Debug)]
pub struct Simulator {
    world: Arc<World>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// The tokens of a sign-in that took no detour through an authorization page.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Issued {
    /// The access token.
    pub access_token: String,
    /// The refresh token, unless it is a token of the client itself.
    pub refresh_token: String,
    /// The life of the access token in seconds.
    pub expires_in: u64,
    /// The life of the refresh token in seconds.
    pub refresh_token_expires_in: u64,
    /// What was granted.
    pub scope: String,
    /// The sign-in, as the log numbers it.
    pub family: u64,
}

impl std::fmt::Debug for Issued {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Issued").field("family", &self.family).field("scope", &self.scope).finish_non_exhaustive()
    }
}

impl Simulator {
    /// Starts on `127.0.0.1`. Fails when the port is taken, or when the system gives no
    /// randomness, no runtime or no thread.
    pub fn start(options: Options) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, options.port))?;
        listener.set_nonblocking(true)?;
        let base_url = format!("http://{}", listener.local_addr()?);
        let world = Arc::new(World::new(base_url, options)?);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let listener = {
            let _inside = runtime.enter();
            tokio::net::TcpListener::from_std(listener)?
        };
        let (stop, stopped) = oneshot::channel();
        let served = world.clone();
        let thread = std::thread::Builder::new()
            .name("webex-oauth-simulator".into())
            .spawn(move || runtime.block_on(serve(listener, served, stopped)))?;
        Ok(Self { world, stop: Some(stop), thread: Some(thread) })
    }

    /// `http://127.0.0.1:<port>`, without a slash at the end.
    #[must_use]
    pub fn base_url(&self) -> &str {
        &self.world.base_url
    }

    /// The base URL with a path behind it, which begins with a slash.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.world.base_url)
    }

    /// What is in force now.
    #[must_use]
    pub fn options(&self) -> Options {
        self.world.state().options.clone()
    }

    /// Changes the options; the port stays.
    pub fn configure(&self, change: impl FnOnce(&mut Options)) {
        change(&mut self.world.state().options);
    }

    /// Adds a client, in place of the one with the same id.
    pub fn register(&self, client: Client) {
        let mut state = self.world.state();
        state.options.clients.retain(|known| known.id != client.id);
        state.options.clients.push(client);
    }

    /// Puts a fault at the end of the queue.
    pub fn fault(&self, fault: Fault) {
        self.world.state().faults.push(fault);
    }

    /// The faults that have not been spent.
    #[must_use]
    pub fn faults(&self) -> Vec<Fault> {
        self.world.state().faults.clone()
    }

    /// Empties the queue of faults.
    pub fn clear_faults(&self) {
        self.world.state().faults.clear();
    }

    /// Lets go the answers that [`FaultKind::Hold`](crate::FaultKind::Hold) keeps back now.
    pub fn release(&self) {
        self.world.release();
    }

    /// While it is down, every connection is closed without an answer. The control API goes on.
    pub fn set_down(&self, down: bool) {
        self.world.state().down = down;
    }

    /// As after the start: options, tokens, faults, clock and log.
    pub fn reset(&self) {
        self.world.reset();
    }

    /// Unix milliseconds of the simulator's clock.
    #[must_use]
    pub fn now_ms(&self) -> u64 {
        self.world.state().now()
    }

    /// Sets the simulator's clock forward. Clients do not notice.
    pub fn advance(&self, time: Duration) {
        let ms = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        self.world.state().advance(ms);
    }

    /// Ends the life of every access token now. Answers how many were live.
    pub fn expire_access_tokens(&self) -> u64 {
        self.world.expire(true, false)
    }

    /// Ends the life of every refresh token now. Answers how many were live.
    pub fn expire_refresh_tokens(&self) -> u64 {
        self.world.expire(false, true)
    }

    /// Takes a token back: an access token alone, a refresh token with its whole sign-in.
    /// Answers how many were live.
    pub fn revoke(&self, token: &str) -> u64 {
        let mut state = self.world.state();
        let now = state.now();
        state.ledger.revoke(token, now)
    }

    /// Takes every token of a sign-in back. Answers how many were live.
    pub fn revoke_family(&self, family: u64) -> u64 {
        let mut state = self.world.state();
        let now = state.now();
        state.ledger.revoke_family(family, now)
    }

    /// Takes every token back. Answers how many were live.
    pub fn revoke_all(&self) -> u64 {
        let mut state = self.world.state();
        let now = state.now();
        state.ledger.revoke_all(now)
    }

    /// The person opens this authorization URL and decides. Answers the URL of the redirect, as the
    /// browser would arrive there; `Err` is the text of the page that is shown when the request
    /// is not even worth a redirect.
    pub fn visit(&self, authorize_url: &str, decision: Decision) -> Result<String, String> {
        self.world.visit(authorize_url, decision, None)
    }

    /// The person with this id or e-mail address opens this authorization URL and decides.
    pub fn visit_as(&self, person: &str, authorize_url: &str, decision: Decision) -> Result<String, String> {
        self.world.visit(authorize_url, decision, Some(person))
    }

    /// The person types the user code and decides. Without a code: about the device that asked
    /// last. Answers whether there was one that waits.
    pub fn decide_device(&self, user_code: Option<&str>, decision: Decision) -> bool {
        device::decide(&mut self.world.state(), user_code, decision, None)
    }

    /// Signs the first person in without any page. `None` when there is nobody.
    #[must_use]
    pub fn issue(&self, client_id: &str, scope: &str) -> Option<Issued> {
        self.world.issue(client_id, scope, None)
    }

    /// Everything that was seen, in the order of arrival.
    #[must_use]
    pub fn log(&self) -> Vec<Entry> {
        self.world.state().log.entries.clone()
    }

    /// Sums over everything that was seen.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.world.state().counters()
    }

    /// Forgets what was seen; tokens and faults stay.
    pub fn clear_log(&self) {
        self.world.state().clear_log();
    }

    /// Every token that is accepted now.
    #[must_use]
    pub fn live_tokens(&self) -> Vec<TokenRef> {
        let state = self.world.state();
        state.ledger.live(state.now())
    }

    /// Waits in real time until the log looks as wanted. Answers whether it did in time.
    pub fn wait_for(&self, limit: Duration, wanted: impl Fn(&[Entry]) -> bool) -> bool {
        let begun = Instant::now();
        loop {
            if wanted(&self.world.state().log.entries) {
                return true;
            }
            if begun.elapsed() >= limit {
                return false;
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic of the server thread has been printed; there is nothing to add here.
            let _ = thread.join();
        }
    }
}

impl std::fmt::Debug for World {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("World").field("base_url", &self.base_url).finish_non_exhaustive()
    }
}

impl World {
    pub(crate) fn reset(&self) {
        self.state().reset();
        self.release();
    }

    pub(crate) fn expire(&self, access: bool, refresh: bool) -> u64 {
        let mut state = self.state();
        let now = state.now();
        state.ledger.expire(refresh, access, now)
    }

    pub(crate) fn visit(&self, url: &str, decision: Decision, person: Option<&str>) -> Result<String, String> {
        let query = url.split_once('?').map_or("", |(_, query)| query);
        let query = query.split('#').next().unwrap_or_default();
        let query = Params::parse(query.as_bytes());
        match visit(&mut self.state(), &query, &self.base_url, decision, person) {
            End::Landed(landing) => Ok(landing.url()),
            End::Refused(why) => Err(why),
        }
    }

    pub(crate) fn issue(&self, client_id: &str, scope: &str, person: Option<&str>) -> Option<Issued> {
        let mut state = self.state();
        let person = match person {
            Some(hint) => state.options.person(hint),
            None => state.options.people.first(),
        };
        let account = person.map(Account::person)?;
        let now = state.now();
        let life = state.options.access_lifetime_ms;
        let refresh_life = state.options.refresh_lifetime_ms;
        let fresh = state.fresh(false, &account, client_id, now.saturating_add(life));
        let family = state.ledger.open(client_id, account, scope, now);
        let until = now.saturating_add(refresh_life);
        let issued = state.ledger.issue(family, fresh, now, life, Some(until))?;
        Some(Issued {
            access_token: issued.access,
            refresh_token: issued.refresh.map(|(text, _)| text).unwrap_or_default(),
            expires_in: life / 1000,
            refresh_token_expires_in: refresh_life / 1000,
            scope: issued.scope,
            family,
        })
    }
}
