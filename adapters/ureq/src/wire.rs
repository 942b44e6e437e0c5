//! What a clock has to do with a connection: a request that may not be sent any longer is not, and what has arrived is read
//! before a deadline is looked at.
//!
//! A process that slept, or a laptop that was closed, finds its answer in the socket and its deadline passed. ureq looks at
//! the deadline first; the answer, perhaps the only copy of a refresh token, would be thrown away.

use std::cell::Cell;
use std::time::{Duration, Instant};

use ureq::Error;
use ureq::unversioned::transport::time::Duration as Wait;
use ureq::unversioned::transport::{Buffers, ConnectionDetails, Connector, NextTimeout, Transport};
use webex_oauth::coordinator::Tick;
use webex_oauth_driver::tick;

/// After the deadline a read gets this long: what lies in the socket needs less.
const MOMENT: Duration = Duration::from_millis(20);
/// And all reads of a request together this: a server that goes on sending has no answer for us.
const OVERTIME: Duration = Duration::from_secs(1);

thread_local! {
    /// Of the request that this thread sends: ureq does that on the thread that asks for it.
    static NOT_AFTER: Cell<Option<Tick>> = const { Cell::new(None) };
    static DEADLINE: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// Has all reads of `exchange` end by then, whatever ureq gives each of them: of a proxy's answer, byte by byte, each read
/// would get the time of the whole.
pub(crate) fn within<T>(limit: Duration, exchange: impl FnOnce() -> T) -> T {
    DEADLINE.set(Instant::now().checked_add(limit));
    let result = exchange();
    DEADLINE.set(None);
    result
}

/// Has `send` fail as not connected where its first byte would go out later than that: names are looked up and connections
/// made before, and that takes its time.
pub(crate) fn not_later_than<T>(limit: Option<Tick>, send: impl FnOnce() -> T) -> T {
    NOT_AFTER.set(limit);
    let sent = send();
    NOT_AFTER.set(None);
    sent
}

/// Goes on top of a connection.
#[derive(Debug)]
pub(crate) struct OnTheWire;

impl<In: Transport> Connector<In> for OnTheWire {
    type Out = Overtime<In>;

    fn connect(&self, _details: &ConnectionDetails<'_>, chained: Option<In>) -> Result<Option<Self::Out>, Error> {
        Ok(chained.map(|connection| Overtime { connection, began: None }))
    }
}

#[derive(Debug)]
pub(crate) struct Overtime<T> {
    connection: T,
    /// When the deadline was met for the first time.
    began: Option<Instant>,
}

impl<T: Transport> Transport for Overtime<T> {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.connection.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        // What has begun goes on.
        if NOT_AFTER.take().is_some_and(|limit| tick() > limit) {
            return Err(Error::ConnectionFailed);
        }
        self.connection.transmit_output(amount, timeout)
    }

    fn await_input(&mut self, mut timeout: NextTimeout) -> Result<bool, Error> {
        let left = DEADLINE.get().map(|end| Wait::from(end.saturating_duration_since(Instant::now())));
        timeout.after = left.map_or(timeout.after, |left| left.min(timeout.after));
        if !timeout.after.is_zero() {
            self.began = None;
            match self.connection.await_input(timeout) {
                // A read that was interrupted is not begun again once its time is over.
                Err(Error::Timeout(_)) => {}
                result => return result,
            }
        }
        if self.began.get_or_insert_with(Instant::now).elapsed() > OVERTIME {
            return Err(Error::Timeout(timeout.reason));
        }
        timeout.after = Wait::from(MOMENT);
        self.connection.await_input(timeout)
    }

    fn is_open(&mut self) -> bool {
        self.connection.is_open()
    }

    fn is_tls(&self) -> bool {
        self.connection.is_tls()
    }
}
