//! What a driver tells a coordinator about its surroundings, and numbers nobody else draws.

use std::time::Duration;

use sha2::{Digest, Sha256};

use super::clock::Times;
use crate::config::Config;
use crate::secret::Entropy;

/// What a coordinator has to know about its surroundings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// `None`: the session lives in memory alone.
    pub store: Option<StoreTraits>,
    /// Whether the server replaces the refresh token at every use. Where it is known not to (Webex), a renewal of a token that
    /// has ended is sent even if the store cannot take the intent, and nobody waits for the space between two renewals. One that
    /// has done so once does, whatever is said here.
    pub rotates: bool,
    /// The patience of a caller that names none.
    pub patience: Duration,
    /// How long the host may take for a question. It is not waited for at the end.
    pub host_limit: Duration,
    /// How long revocations and a store are waited for where nothing depends on them.
    pub farewell: Duration,
    /// The times of the intent protocol.
    pub times: Times,
}

/// What kind of store it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StoreTraits {
    /// Where it has a lock of the operating system: which. Processes that name the same domain see the same lock: a machine
    /// and a file. It makes waiting shorter; what is safe does not rest on it.
    pub lock_domain: Option<String>,
}

impl Options {
    /// For this configuration: with a store or without, the rest as usual.
    pub fn new(config: &Config, store: Option<StoreTraits>) -> Self {
        let request = config.parts().request_timeout;
        Self {
            store,
            // Webex's profiles are those with scope reduction: its refresh token stays the same.
            rotates: !config.provider().downscope,
            patience: request.saturating_add(Duration::from_secs(30)),
            // Shorter than the session's own limit, which makes another failure of it.
            host_limit: Duration::from_secs(300),
            farewell: Duration::from_secs(5),
            times: Times::of(request),
        }
    }
}

/// Numbers for intents: of this start of the program, each drawn once.
#[cfg_attr(test, derive(Clone))]
pub(super) struct Random {
    seed: [u8; 32],
    drawn: u64,
}

impl Random {
    pub(super) fn of(seed: &Entropy) -> Self {
        Self { seed: Sha256::digest(seed.all_bytes()).into(), drawn: 0 }
    }

    pub(super) fn next(&mut self) -> u64 {
        self.drawn = self.drawn.saturating_add(1);
        self.number(self.drawn)
    }

    /// The same as often as it is asked for: what nobody counts to.
    pub(super) fn name(&self) -> u32 {
        (self.number(0) >> 32) as u32
    }

    fn number(&self, number: u64) -> u64 {
        let hash = Sha256::new().chain_update(self.seed).chain_update(number.to_be_bytes()).finalize();
        hash.first_chunk().map_or(number, |bytes| u64::from_be_bytes(*bytes))
    }
}
