//! A connection that is used once, with one deadline over everything that is done on it.

use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::time::Duration;

use webex_oauth::coordinator::Tick;
use webex_oauth::{HttpResponse, SendFault, TargetUri};
use webex_oauth_driver::tick;

use crate::http1::{Exchange, PIECE};

/// After the deadline a read gets this long: a process that slept finds its answer in the socket.
const MOMENT: Duration = Duration::from_millis(20);
/// And all of them together this.
const OVERTIME: Duration = Duration::from_secs(1);

/// For one exchange.
pub struct Connection {
    stream: TcpStream,
    deadline: Tick,
    /// When the deadline was first found to be over.
    late: Option<Tick>,
}

impl Connection {
    /// Connects. Nothing has been sent where that fails.
    pub fn open(target: &TargetUri, within: Duration) -> Result<Self, SendFault> {
        let deadline = tick().plus(within);
        let mut addresses = (target.host(), target.port()).to_socket_addrs().map_err(|_| SendFault::NotSent)?;
        let connect = |address| TcpStream::connect_timeout(&address, deadline.since(tick()).max(MOMENT)).ok();
        let stream = addresses.find_map(connect).ok_or(SendFault::NotSent)?;
        Ok(Self { stream, deadline, late: None })
    }

    /// By which somebody else can end it.
    pub fn handle(&self) -> Option<TcpStream> {
        self.stream.try_clone().ok()
    }

    /// The whole exchange. From the first byte on, what brings no whole answer is lost.
    pub fn run(mut self, mut exchange: Exchange, not_after: Option<Tick>) -> Result<HttpResponse, SendFault> {
        if not_after.is_some_and(|limit| tick() > limit) {
            return Err(SendFault::NotSent);
        }
        self.write_all(exchange.request()).map_err(|_| SendFault::Lost)?;
        let mut buffer = vec![0; PIECE];
        loop {
            let read = self.read(&mut buffer).map_err(|_| SendFault::Lost)?;
            let come = buffer.get(..read).unwrap_or_default();
            if let Some(answer) = exchange.take(come)? {
                return Ok(answer);
            }
        }
    }

    fn left(&mut self) -> io::Result<Duration> {
        let left = self.deadline.since(tick());
        if left.is_zero() && tick().since(*self.late.get_or_insert_with(tick)) > OVERTIME {
            return Err(io::ErrorKind::TimedOut.into());
        }
        Ok(left.max(MOMENT))
    }
}

impl Read for Connection {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let left = self.left()?;
            self.stream.set_read_timeout(Some(left))?;
            match self.stream.read(buffer) {
                // By a signal: the process was stopped, perhaps.
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => return result,
            }
        }
    }
}

impl Write for Connection {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let left = self.left()?;
        self.stream.set_write_timeout(Some(left))?;
        self.stream.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}
