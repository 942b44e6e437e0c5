//! Where to listen for a redirect URI.

use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, TcpListener};

use url::{Host, Url};
use webex_oauth::TargetUri;

/// So many free ports are tried for `localhost`, which has two addresses.
const TRIES: usize = 8;

/// Whether what is sent to this URL stays on the machine. Plain http is good enough for it then, and no proxy's business.
pub fn is_loopback(url: &str) -> bool {
    TargetUri::parse(url).is_ok_and(|target| target.is_loopback())
}

/// The port that a redirect URI names; 0 names none. What is read of it leaves out the one that http has anyway.
pub(super) fn named_port(text: &str, url: &Url) -> Option<u16> {
    let authority = text.split(['/', '?', '#']).nth(2).unwrap_or_default();
    url.port().or(authority.ends_with(":80").then_some(80)).filter(|port| *port != 0)
}

/// At the address of the URL and, for `localhost`, at its other one as well: a browser may try either. On `port`, or on
/// one that is free at both.
pub(super) fn listen(url: &Url, port: Option<u16>) -> io::Result<(Vec<TcpListener>, u16)> {
    let address = loopback_address(url).filter(|_| url.scheme() == "http").ok_or(ErrorKind::AddrNotAvailable)?;
    let has_both = url.host_str() == Some("localhost");
    let mut tries = 1..TRIES;
    loop {
        match bind(address, has_both, port.unwrap_or(0)) {
            // What was free at one address may be taken at the other: then another one.
            Err(error) if is_taken(&error) && port.is_none() && tries.next().is_some() => {}
            result => return result,
        }
    }
}

fn bind(address: IpAddr, has_both: bool, port: u16) -> io::Result<(Vec<TcpListener>, u16)> {
    let listener = TcpListener::bind((address, port))?;
    let port = listener.local_addr()?.port();
    let mut listeners = vec![listener];
    if has_both {
        match TcpListener::bind((Ipv6Addr::LOCALHOST, port)) {
            // Another program would get the code of a browser that tries this address first.
            Err(error) if is_taken(&error) => return Err(error),
            // Not every machine has both.
            other => listeners.extend(other),
        }
    }
    listeners.iter().try_for_each(|listener| listener.set_nonblocking(true))?;
    Ok((listeners, port))
}

fn is_taken(error: &io::Error) -> bool {
    error.kind() == ErrorKind::AddrInUse
}

fn loopback_address(url: &Url) -> Option<IpAddr> {
    match url.host()? {
        Host::Ipv4(address) => Some(address.into()),
        Host::Ipv6(address) => Some(address.into()),
        Host::Domain("localhost") => Some(Ipv4Addr::LOCALHOST.into()),
        Host::Domain(_) => None,
    }
    .filter(IpAddr::is_loopback)
}
