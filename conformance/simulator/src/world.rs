//! The state behind all endpoints, and the clock it lives by.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use tokio::sync::watch;

use crate::account::Account;
use crate::authorize::Ticket;
use crate::codes::Code;
use crate::device::Device;
use crate::faults::Fault;
use crate::ledger::{Fresh, Ledger, Tally};
use crate::log::{Counters, Log};
use crate::options::{ORG_ID, Options, TokenStyle};
use crate::spaces::Spaces;
use crate::token_ref::TokenKind;
use crate::tokens::{self, Dice};

pub(crate) struct World {
    pub(crate) base_url: String,
    /// How often held answers were let go.
    pub(crate) releases: watch::Sender<u64>,
    state: Mutex<State>,
}

pub(crate) struct State {
    pub(crate) options: Options,
    first_options: Options,
    pub(crate) ledger: Ledger,
    pub(crate) codes: HashMap<String, Code>,
    pub(crate) tickets: HashMap<String, Ticket>,
    pub(crate) devices: Vec<Device>,
    pub(crate) spaces: Spaces,
    pub(crate) faults: Vec<Fault>,
    pub(crate) log: Log,
    pub(crate) down: bool,
    pub(crate) dice: Dice,
    ahead_ms: u64,
}

impl World {
    pub(crate) fn new(base_url: String, options: Options) -> std::io::Result<Self> {
        let mut state = State {
            first_options: options.clone(),
            options,
            ledger: Ledger::default(),
            codes: HashMap::new(),
            tickets: HashMap::new(),
            devices: Vec::new(),
            spaces: Spaces::default(),
            faults: Vec::new(),
            log: Log::default(),
            down: false,
            dice: Dice::from_os()?,
            ahead_ms: 0,
        };
        state.spaces = Spaces::new(&state.options, state.now());
        Ok(Self { base_url, releases: watch::Sender::new(0), state: Mutex::new(state) })
    }

    /// Lets go what a fault holds back now.
    pub(crate) fn release(&self) {
        self.releases.send_modify(|releases| *releases += 1);
    }

    /// The state. A panic elsewhere while it was held does not make it unusable: no invariant of
    /// it spans two statements that could panic.
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Unix milliseconds of the simulator's clock.
    pub(crate) fn now(&self) -> u64 {
        let real = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        u64::try_from(real.as_millis()).unwrap_or(u64::MAX).saturating_add(self.ahead_ms)
    }

    pub(crate) fn advance(&mut self, ms: u64) {
        self.ahead_ms = self.ahead_ms.saturating_add(ms);
    }

    /// As after the start, except that the numbering of the log goes on.
    pub(crate) fn reset(&mut self) {
        self.options = self.first_options.clone();
        self.ledger = Ledger::default();
        self.codes.clear();
        self.tickets.clear();
        self.devices.clear();
        self.faults.clear();
        self.log.clear();
        self.down = false;
        self.ahead_ms = 0;
        self.spaces = Spaces::new(&self.options, self.now());
    }

    pub(crate) fn clear_log(&mut self) {
        self.log.clear();
        self.ledger.tally = Tally::default();
    }

    pub(crate) fn counters(&self) -> Counters {
        let live = self.ledger.live(self.now());
        let refresh = live.iter().filter(|token| token.kind == TokenKind::Refresh).count() as u64;
        let tally = self.ledger.tally;
        Counters {
            access_tokens_issued: tally.access_issued,
            refresh_tokens_issued: tally.refresh_issued,
            tokens_revoked: tally.revoked,
            reuse_detected: tally.reuse_detected,
            code_replays: tally.code_replays,
            live_access_tokens: live.len() as u64 - refresh,
            live_refresh_tokens: refresh,
            ..self.log.counters.clone()
        }
    }

    /// The text of a new access token.
    pub(crate) fn mint(&mut self, jwt: bool, account: &Account, client_id: &str, expires_ms: u64) -> String {
        if !jwt && self.options.token_style == TokenStyle::Opaque {
            return self.dice.opaque(ORG_ID);
        }
        let claims = serde_json::json!({
            "cluster": "SIM1",
            "private": self.dice.hex(32),
            "reference_id": self.dice.hex(32),
            "token_id": self.dice.hex(32),
            "iss": format!("simulator/{ORG_ID}"),
            "token_type": "Bearer",
            "realm": ORG_ID,
            "cis_uuid": account.id,
            "user_type": account.kind.user_type(),
            "client_id": client_id,
            "expiry_time": expires_ms,
        });
        tokens::sign(&self.dice.key(), &claims)
    }

    /// An access token and a refresh token that the ledger may take.
    pub(crate) fn fresh(&mut self, jwt: bool, account: &Account, client_id: &str, expires_ms: u64) -> Fresh {
        Fresh { access: self.mint(jwt, account, client_id, expires_ms), refresh: self.dice.opaque(ORG_ID) }
    }
}
