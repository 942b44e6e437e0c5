//! The listener that a login in the browser comes back to (RFC 8252 section 7.3).

mod page;
mod request;

use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

pub use page::Page;
use request::Request;
use url::Url;

use crate::error::ClientError;

/// Where nothing else is configured.
const DEFAULT_REDIRECT_URI: &str = "http://127.0.0.1/callback";
/// So many free ports are tried for `localhost`, which has two addresses.
const TRIES: usize = 8;
/// So many connections at a time; a browser needs two or three.
const MOST: usize = 32;
/// How often new connections are looked for.
const PAUSE: Duration = Duration::from_millis(15);

/// Listens on the loopback interface for one login.
///
/// Requests that are not the callback (`/favicon.ico`, port scanners, garbage, connections that say nothing) are
/// answered or dropped and change nothing.
#[derive(Debug)]
pub struct Loopback {
    listeners: Vec<TcpListener>,
    redirect_uri: String,
    origin: String,
    path: String,
}

impl Loopback {
    /// Opens the listener for the redirect URI `configured`: on its port, or on a free one where it names none. Without
    /// one it is `http://127.0.0.1:<free port>/callback`.
    ///
    /// Fails where the redirect URI is not http on loopback, or the port is taken.
    pub fn open(configured: Option<&str>) -> Result<Self, ClientError> {
        let text = configured.unwrap_or(DEFAULT_REDIRECT_URI);
        let failed = |kind| ClientError::Listen { address: text.to_owned(), kind };
        let mut url = Url::parse(text).map_err(|_| failed(ErrorKind::InvalidInput))?;
        let named = named_port(text, &url);
        let address = address_of(&url, named).ok_or_else(|| failed(ErrorKind::AddrNotAvailable))?;
        let mut tries = 1..TRIES;
        let (listeners, port) = loop {
            match listen(&url, address) {
                // What was free at one address may be taken at the other: then another one.
                Err(error) if is_taken(&error) && address.port() == 0 && tries.next().is_some() => {}
                result => break result.map_err(|error| failed(error.kind()))?,
            }
        };
        for listener in &listeners {
            listener.set_nonblocking(true).map_err(|error| failed(error.kind()))?;
        }
        let redirect_uri = match named {
            Some(_) => text.to_owned(),
            None => {
                url.set_port(Some(port)).map_err(|()| failed(ErrorKind::InvalidInput))?;
                url.to_string()
            }
        };
        let origin = url.origin().ascii_serialization();
        Ok(Self { listeners, redirect_uri, origin, path: url.path().to_owned() })
    }

    /// What to put into the login: the port is the one that was free.
    pub fn redirect_uri(&self) -> &str {
        &self.redirect_uri
    }

    /// Waits for the callback, `limit` at most and as long as `goes_on` says so; `None` when that is over.
    ///
    /// Each request to the redirect URI goes to `answer`, as the URL or, for a form post, its body; it says which page
    /// the browser gets. [`Page::NotOurs`] goes on waiting, every other page ends it.
    pub fn wait(
        &self,
        limit: Duration,
        goes_on: impl Fn() -> bool,
        mut answer: impl FnMut(&str) -> Page,
    ) -> Option<Page> {
        let begun = Instant::now();
        let (sender, requests) = channel();
        let open = Arc::new(AtomicUsize::new(0));
        while goes_on() && begun.elapsed() < limit {
            self.accept(&sender, &open);
            while let Some((mut stream, request)) = next(&requests) {
                if !request.is_for(&self.path) {
                    page::not_found(&mut stream);
                    continue;
                }
                let callback = request.callback(&self.origin);
                let page = answer(&callback);
                page::show(&mut stream, &page);
                if !matches!(page, Page::NotOurs { .. }) {
                    return Some(page);
                }
            }
        }
        None
    }

    fn accept(&self, sender: &Sender<(TcpStream, Request)>, open: &Arc<AtomicUsize>) {
        for listener in &self.listeners {
            while let Ok((stream, _)) = listener.accept() {
                if open.fetch_add(1, Ordering::Relaxed) >= MOST {
                    open.fetch_sub(1, Ordering::Relaxed);
                    continue;
                }
                let (sender, left) = (sender.clone(), Open(Arc::clone(open)));
                // Where the system gives no thread the connection is dropped, and the browser may try again.
                let _ = std::thread::Builder::new().name("webex-oauth-loopback".to_owned()).spawn(move || {
                    let _left = left;
                    receive(stream, &sender);
                });
            }
        }
    }
}

/// Counts down when a connection is done with.
struct Open(Arc<AtomicUsize>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

fn receive(mut stream: TcpStream, sender: &Sender<(TcpStream, Request)>) {
    match request::read(&mut stream) {
        Ok(Some(request)) => {
            // Nobody listens any more: the login is over.
            let _ = sender.send((stream, request));
        }
        Ok(None) => page::bad_request(&mut stream),
        Err(_) => {}
    }
}

fn next(requests: &Receiver<(TcpStream, Request)>) -> Option<(TcpStream, Request)> {
    requests.recv_timeout(PAUSE).ok()
}

/// Whether what is sent to this URL stays on the machine. Plain http is good enough for it then, and no proxy's business.
pub fn is_loopback(url: &str) -> bool {
    Url::parse(url).is_ok_and(|url| loopback_address(&url).is_some())
}

/// The port that a redirect URI names. What is read of it leaves out the one that http has anyway.
fn named_port(text: &str, url: &Url) -> Option<u16> {
    let authority = text.split(['/', '?', '#']).nth(2).unwrap_or_default();
    url.port().or(authority.ends_with(":80").then_some(80))
}

/// Where to listen for this redirect URI: on that port, or on a free one.
fn address_of(url: &Url, port: Option<u16>) -> Option<SocketAddr> {
    let address = loopback_address(url).filter(|_| url.scheme() == "http")?;
    Some(SocketAddr::new(address, port.unwrap_or(0)))
}

/// At that address and, for `localhost`, at its other one as well: a browser may try either.
fn listen(url: &Url, address: SocketAddr) -> io::Result<(Vec<TcpListener>, u16)> {
    let listener = TcpListener::bind(address)?;
    let port = listener.local_addr()?.port();
    let mut listeners = vec![listener];
    if url.host_str() == Some("localhost") {
        match TcpListener::bind((Ipv6Addr::LOCALHOST, port)) {
            // Another program would get the code of a browser that tries this address first.
            Err(error) if is_taken(&error) => return Err(error),
            // Not every machine has both.
            other => listeners.extend(other),
        }
    }
    Ok((listeners, port))
}

fn is_taken(error: &io::Error) -> bool {
    error.kind() == ErrorKind::AddrInUse
}

fn loopback_address(url: &Url) -> Option<IpAddr> {
    match url.host()? {
        url::Host::Ipv4(address) => Some(address.into()),
        url::Host::Ipv6(address) => Some(address.into()),
        url::Host::Domain("localhost") => Some(Ipv4Addr::LOCALHOST.into()),
        url::Host::Domain(_) => None,
    }
    .filter(IpAddr::is_loopback)
}

/// Writes all of it; what does not get through is the browser's loss.
fn write_all(stream: &mut TcpStream, bytes: &[u8]) -> io::Result<()> {
    use std::io::Write as _;
    stream.set_write_timeout(Some(Duration::from_secs(2)))?;
    stream.write_all(bytes)?;
    stream.flush()?;
    // A close with unread input would reset the connection before the page is read.
    stream.shutdown(std::net::Shutdown::Write)
}
