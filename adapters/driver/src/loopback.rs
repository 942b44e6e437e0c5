//! The listener that a login in the browser comes back to (RFC 8252 section 7.3).

mod address;
mod connection;
mod page;
mod request;

use std::io::ErrorKind;
use std::net::TcpListener;
use std::time::{Duration, Instant};

use percent_encoding::percent_decode_str;
use url::Url;
use webex_oauth::Secret;

pub use address::is_loopback;
use connection::{Connections, Visit};
pub use page::Page;
use request::Request;

use crate::error::ClientError;

/// Where nothing else is configured.
const DEFAULT_REDIRECT_URI: &str = "http://127.0.0.1/callback";
/// How often is looked for something new.
const PAUSE: Duration = Duration::from_millis(15);
/// The listener stays for so long after its login's end: browsers ask twice, and want an answer to both.
const AFTERWARDS: Duration = Duration::from_millis(500);

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
    /// Opens the listener for the redirect URI `configured`: on its port, or on a free one where it names none, or 0.
    /// Without one it is `http://127.0.0.1:<free port>/callback`. For `localhost` it listens on 127.0.0.1 and on ::1.
    ///
    /// # Errors
    ///
    /// [`ClientError::Listen`] where the redirect URI is not http on loopback, or its port is taken at one of its addresses,
    /// or the system allows no listener there.
    pub fn open(configured: Option<&str>) -> Result<Self, ClientError> {
        let text = configured.unwrap_or(DEFAULT_REDIRECT_URI);
        let failed = |kind| ClientError::Listen { address: text.to_owned(), kind };
        let mut url = Url::parse(text).map_err(|_| failed(ErrorKind::InvalidInput))?;
        let named = address::named_port(text, &url);
        let (listeners, port) = address::listen(&url, named).map_err(|error| failed(error.kind()))?;
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
    /// the browser gets. [`Page::NotOurs`] goes on waiting, every other page ends it: after a moment, in which a browser
    /// that asks once more gets the same page.
    pub fn wait(
        &self,
        limit: Duration,
        goes_on: impl Fn() -> bool,
        mut answer: impl FnMut(&str) -> Page,
    ) -> Option<Page> {
        let begun = Instant::now();
        let mut connections = Connections::default();
        while goes_on() && begun.elapsed() < limit {
            let mut last = None;
            self.serve(&mut connections, &mut |callback| {
                let page = match &last {
                    Some((ended_by, page)) => again(ended_by, page, callback),
                    None => answer(callback),
                };
                if last.is_none() && !matches!(page, Page::NotOurs { .. }) {
                    last = Some((Secret::from(callback), page.clone()));
                }
                page
            });
            if let Some((ended_by, page)) = last {
                self.linger(&mut connections, &ended_by, &page);
                return Some(page);
            }
            std::thread::sleep(PAUSE);
        }
        None
    }

    /// Answers what still comes from the browser that has brought the callback.
    fn linger(&self, connections: &mut Connections, ended_by: &Secret, page: &Page) {
        let ended = Instant::now();
        while ended.elapsed() < AFTERWARDS {
            self.serve(connections, &mut |callback| again(ended_by, page, callback));
            std::thread::sleep(PAUSE);
        }
    }

    /// Takes in what has come since the last time and answers it.
    fn serve(&self, connections: &mut Connections, answer: &mut dyn FnMut(&str) -> Page) {
        for listener in &self.listeners {
            while let Ok((stream, _)) = listener.accept() {
                // At once: whoever comes with many connections must not push out one that has something to say.
                connections.take_in(stream, &mut |visit| self.respond(visit, answer));
            }
        }
        connections.go_on(&mut |visit| self.respond(visit, answer));
    }

    fn respond(&self, visit: Visit, answer: &mut dyn FnMut(&str) -> Page) -> Vec<u8> {
        match visit {
            Visit::Garbage => page::bad_request(),
            Visit::Request(request) if !self.is_meant_by(&request) => page::not_found(),
            // The browser guesses where its user goes next. A callback is good for one answer, and this is not it.
            Visit::Request(request) if request.is_prefetch() => page::nothing(),
            Visit::Request(request) => page::html(&answer(&request.callback(&self.origin))),
        }
    }

    /// Whether the request is for the redirect URI, however its path is spelled: the session looks at it once more.
    fn is_meant_by(&self, request: &Request) -> bool {
        request.is_page() && percent_decode_str(request.path()).eq(percent_decode_str(&self.path))
    }
}

fn again(ended_by: &Secret, page: &Page, callback: &str) -> Page {
    if ended_by.expose() == callback { page.clone() } else { Page::NotOurs { problem: "the login is over".to_owned() } }
}
