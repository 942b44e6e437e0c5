//! A running simulator, and everything a test may do to it.

use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use crate::faults::Fault;
use crate::log::{Counters, Entry};
use crate::options::Options;
use crate::residents::Client;
use crate::server::serve;
use crate::token_ref::TokenRef;
use crate::world::World;

/// A simulated server on a loopback port. It runs on a thread of its own and stops when dropped.
#[derive(Debug)]
pub struct Simulator {
    pub(crate) world: Arc<World>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
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
}
