//! Two clocks: the machine's, or the host's own.

use std::panic::{AssertUnwindSafe, catch_unwind};

use webex_oauth::Timestamp;
use webex_oauth::coordinator::{Now, Tick};
use webex_oauth_driver::{now, tick};

/// `None`: the machine's.
#[derive(Default)]
pub(crate) struct Clocks {
    pub(crate) wall: Option<Box<dyn Fn() -> Timestamp + Send + Sync>>,
    pub(crate) mono: Option<Box<dyn Fn() -> Tick + Send + Sync>>,
}

impl Clocks {
    pub(crate) fn wall(&self) -> Timestamp {
        read(self.wall.as_deref(), now)
    }

    pub(crate) fn mono(&self) -> Tick {
        read(self.mono.as_deref(), tick)
    }

    pub(crate) fn now(&self) -> Now {
        Now { wall: self.wall(), mono: self.mono() }
    }
}

/// A clock that panics is as good as none.
fn read<T>(given: Option<&(dyn Fn() -> T + Send + Sync)>, machine: fn() -> T) -> T {
    given.map_or_else(machine, |clock| catch_unwind(AssertUnwindSafe(clock)).unwrap_or_else(|_| machine()))
}
