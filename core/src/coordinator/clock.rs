//! Two clocks, and the times of the protocol.

use std::time::Duration;

use crate::time::Timestamp;

/// A reading of a clock that only goes forward and counts sleep (`CLOCK_BOOTTIME`, `mach_continuous_time`), in
/// milliseconds from any beginning. Patience, leases and limits are reckoned with it: a clock that is set ends nobody's wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Tick(u64);

impl Tick {
    /// From milliseconds.
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// Milliseconds.
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// `self` later by `duration`, saturating.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)))
    }

    /// From `earlier` to `self`; nothing where `earlier` is later.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

/// What both clocks read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Now {
    /// The wall's: tokens live by it.
    pub wall: Timestamp,
    /// The monotonic one.
    pub mono: Tick,
}

/// When to call [`Coordinator::wake`](crate::coordinator::Coordinator::wake) if nothing else happens before: at whichever comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct WakeAt {
    /// By the wall clock.
    pub wall: Option<Timestamp>,
    /// By the monotonic clock.
    pub mono: Option<Tick>,
}

/// Clocks are set and machines sleep without telling a timer: none is trusted for longer.
const LONGEST: Duration = Duration::from_secs(30);
/// A moment that stays past is no loop.
pub(super) const SHORTEST: Duration = Duration::from_millis(1);

impl WakeAt {
    pub(super) fn pause(&self, now: &Now) -> Duration {
        let until = |at: Timestamp| Duration::from_millis(u64::try_from(at.millis_since(now.wall)).unwrap_or(0));
        let by_wall = self.wall.map(until);
        let by_mono = self.mono.map(|at| at.since(now.mono));
        by_wall.into_iter().chain(by_mono).min().unwrap_or(LONGEST).clamp(SHORTEST, LONGEST)
    }
}

/// The times of the intent protocol. Coordinators that share a store must agree on them.
///
/// `lease() >= request + 2 margin` and `margin >= poll_gap + resave`: a holder sends only within `margin` of the moment at which
/// it began to save its intent, so that its request is over, and its result saved or being saved, before anybody else may
/// take the intent for abandoned. Within that time the store has to take the intent, and a connection has to come about: a
/// network on which that takes longer renews nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Times {
    /// T: no request is processed by a server later than this after it was sent.
    pub request: Duration,
    /// m: what clocks, saves and polls may be late.
    pub margin: Duration,
    /// g: the longest pause between two looks at somebody's intent that still counts as unbroken.
    pub poll_gap: Duration,
    /// r: the longest pause before a result is saved again.
    pub resave: Duration,
}

impl Times {
    /// For requests with this limit. A quarter of it is for connecting, 2 s at least and 10 s at most.
    pub fn of(request: Duration) -> Self {
        let margin = (request / 4).clamp(Duration::from_secs(2), Duration::from_secs(10));
        Self { request, margin, poll_gap: Duration::from_secs(1), resave: Duration::from_millis(500) }
    }

    /// L: so long an intent keeps others from spending the same refresh token.
    pub const fn lease(&self) -> Duration {
        self.request.saturating_add(self.margin.saturating_mul(2))
    }

    /// L - T - m: the holder sends within this of the moment at which the save of its intent began.
    pub const fn send_window(&self) -> Duration {
        self.margin
    }
}
