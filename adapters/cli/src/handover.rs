//! An address with a secret in it, brought to the browser so that no other user of the machine sees it among the arguments of
//! a program.

use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use webex_oauth::Secret;
use webex_oauth_driver::open_browser;

/// A browser that has to be started first takes seconds.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
/// One that has connected has something to say.
const REQUEST_PATIENCE: Duration = Duration::from_secs(2);
/// No request of a browser for this page is longer.
const MOST: usize = 16 * 1024;

/// What became of the browser.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Led {
    On,
    /// It was opened, and did not come here in time.
    NotSeen,
    /// There is none.
    Nowhere,
}

/// Opens a page of our own that leads to `url`, once; `opened` is called when the browser is open and is waited for.
pub(crate) fn open_unseen(url: &Secret, opened: impl FnOnce()) -> Led {
    let open = |page: &Secret| {
        let is_open = open_browser(page);
        if is_open {
            opened();
        }
        is_open
    };
    begin(url, open).unwrap_or(Led::Nowhere)
}

fn begin(url: &Secret, open: impl FnOnce(&Secret) -> bool) -> io::Result<Led> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    listener.set_nonblocking(true)?;
    let mut drawn = [0; 16];
    getrandom::fill(&mut drawn).map_err(|_| io::ErrorKind::Other)?;
    let path: String = drawn.iter().map(|byte| format!("{byte:02x}")).collect();
    let begun = Instant::now();
    if !open(&Secret::new(format!("http://{}/{path}", listener.local_addr()?))) {
        return Ok(Led::Nowhere);
    }
    while begun.elapsed() < PATIENCE {
        match listener.accept() {
            // Who comes with another path, or says nothing, was somebody else.
            Ok((stream, _)) if lead(&stream, &path, url).unwrap_or(false) => return Ok(Led::On),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => std::thread::sleep(Duration::from_millis(20)),
            Err(error) => return Err(error),
        }
    }
    Ok(Led::NotSeen)
}

/// Whether it was the browser.
fn lead(mut stream: &TcpStream, path: &str, url: &Secret) -> io::Result<bool> {
    stream.set_nonblocking(false)?;
    stream.set_read_timeout(Some(REQUEST_PATIENCE))?;
    let mut request = Vec::new();
    while !request.windows(4).any(|end| end == b"\r\n\r\n") && request.len() < MOST {
        let mut some = [0; 1024];
        match stream.read(&mut some)? {
            0 => return Ok(false),
            read => request.extend_from_slice(some.get(..read).unwrap_or_default()),
        }
    }
    let is_browser = request.starts_with(format!("GET /{path} ").as_bytes());
    let head = if is_browser {
        format!("HTTP/1.1 302 Found\r\nLocation: {}\r\nReferrer-Policy: no-referrer\r\n", url.expose())
    } else {
        "HTTP/1.1 404 Not Found\r\n".to_owned()
    };
    let answer =
        Secret::new(format!("{head}Cache-Control: no-store\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"));
    stream.write_all(answer.expose().as_bytes())?;
    Ok(is_browser)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn get(address: &str, path: &str) -> String {
        let mut stream = TcpStream::connect(address).unwrap();
        write!(stream, "GET /{path} HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    #[test]
    fn the_browser_is_led_on_and_nobody_else() {
        let url = Secret::from("https://idbroker.example/logout?token=S3CRET");
        let (shown, seen) = std::sync::mpsc::channel();
        let browser = std::thread::spawn(move || {
            let shown: String = seen.recv().unwrap();
            let (address, path) = shown.strip_prefix("http://").unwrap().split_once('/').unwrap();
            assert!(!shown.contains("S3CRET") && path.len() == 32);
            let stranger = get(address, "other");
            (stranger, get(address, path))
        });
        let led = begin(&url, |page| shown.send(page.expose().to_owned()).is_ok());
        assert_eq!(led.unwrap(), Led::On);
        let (stranger, browser) = browser.join().unwrap();
        assert!(stranger.starts_with("HTTP/1.1 404") && !stranger.contains("S3CRET"), "{stranger}");
        assert!(
            browser.starts_with("HTTP/1.1 302")
                && browser.contains("\r\nLocation: https://idbroker.example/logout?token=S3CRET\r\n")
        );
        assert_eq!(begin(&url, |_| false).unwrap(), Led::Nowhere);
    }
}
