//! The listener of a login: what it takes for the callback, and what it does with everything else.

use std::collections::VecDeque;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use webex_oauth_driver::{ClientError, Loopback, Page, is_loopback};

const LIMIT: Duration = Duration::from_secs(20);

fn send(loopback: &Loopback, bytes: &[u8]) -> TcpStream {
    let address = loopback.redirect_uri().split('/').nth(2).unwrap().replace("localhost", "127.0.0.1");
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(bytes).unwrap();
    stream
}

fn answer(mut stream: TcpStream) -> String {
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text
}

fn get(loopback: &Loopback, target: &str) -> String {
    answer(send(loopback, format!("GET {target} HTTP/1.1\r\nhost: x\r\n\r\n").as_bytes()))
}

/// Runs the listener beside `browser`; returns what it took for callbacks and the page it ended with.
fn listen(loopback: &Loopback, limit: Duration, browser: impl FnOnce() + Send) -> (Vec<String>, Option<Page>) {
    let mut seen = Vec::new();
    let page = std::thread::scope(|scope| {
        scope.spawn(browser);
        loopback.wait(
            limit,
            || true,
            |callback| {
                seen.push(callback.to_owned());
                if callback.contains("code=") { Page::SignedIn } else { Page::NotOurs { problem: "<no>".to_owned() } }
            },
        )
    });
    (seen, page)
}

#[test]
fn the_callback_comes_through_as_a_whole_url() {
    let loopback = Loopback::open(None).unwrap();
    let (seen, page) = listen(&loopback, LIMIT, || {
        let text = get(&loopback, "/callback?code=a%20b&state=c");
        assert!(text.starts_with("HTTP/1.1 200 OK\r\n"), "{text}");
        assert!(text.contains("content-security-policy: default-src 'none'; style-src 'sha256-"));
        assert!(text.contains("You are signed in"));
        assert!(!text.contains("a%20b"), "the page does not repeat the code");
    });
    assert_eq!(seen, [format!("{}?code=a%20b&state=c", loopback.redirect_uri())]);
    assert_eq!(page, Some(Page::SignedIn));
}

#[test]
fn a_form_post_comes_through_as_its_body() {
    let loopback = Loopback::open(Some("http://localhost/oauth")).unwrap();
    let (seen, _) = listen(&loopback, LIMIT, || {
        let request = b"POST /oauth HTTP/1.1\r\nContent-Length: 14\r\n\r\ncode=x&state=y";
        assert!(answer(send(&loopback, request)).starts_with("HTTP/1.1 200"));
    });
    assert_eq!(seen, ["code=x&state=y"]);
}

#[test]
fn strays_change_nothing() {
    let loopback = Loopback::open(Some("http://127.0.0.1/oauth")).unwrap();
    let (seen, page) = listen(&loopback, LIMIT, || {
        let silent = send(&loopback, b"");
        let slow = send(&loopback, b"GET /oau");
        assert!(get(&loopback, "/favicon.ico").starts_with("HTTP/1.1 404"));
        assert!(get(&loopback, "/oauth/deeper?code=x").starts_with("HTTP/1.1 404"));
        assert!(answer(send(&loopback, b"\x16\x03\x01\x02\x00\r\n\r\n")).starts_with("HTTP/1.1 400"));
        assert!(answer(send(&loopback, b"HEAD /oauth?code=x HTTP/1.1\r\n\r\n")).starts_with("HTTP/1.1 404"));
        let mut long = b"GET /oauth?code=".to_vec();
        long.resize(80_000, b'x');
        drop(send(&loopback, &long));
        drop(send(&loopback, b"GET /oauth?code=gone HTTP/1.1\r\n"));
        let plain = get(&loopback, "/oauth");
        assert!(plain.starts_with("HTTP/1.1 400") && plain.contains("&lt;no&gt;"), "{plain}");
        assert!(get(&loopback, "/oauth?code=1").starts_with("HTTP/1.1 200"));
        drop((silent, slow));
    });
    assert_eq!(seen.len(), 2, "{seen:?}");
    assert_eq!(page, Some(Page::SignedIn));
}

/// A port scanner, another program's health checks, an attacker: they may be many, and say nothing.
#[test]
fn idle_connections_do_not_hold_up_the_callback() {
    let loopback = Loopback::open(None).unwrap();
    let (seen, page) = listen(&loopback, LIMIT, || {
        let mut idle: Vec<_> = (0..64).map(|_| send(&loopback, b"")).collect();
        idle.extend((0..64).map(|_| send(&loopback, b"GET /callback?code=half HTTP/1.1\r\n")));
        std::thread::sleep(Duration::from_millis(100));
        let begun = Instant::now();
        assert!(get(&loopback, "/callback?code=1").starts_with("HTTP/1.1 200"));
        assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
        drop(idle);
    });
    assert_eq!((seen.len(), page), (1, Some(Page::SignedIn)));
}

#[test]
fn a_stream_of_connections_does_not_push_out_the_callback() {
    let loopback = Loopback::open(None).unwrap();
    let over = AtomicBool::new(false);
    let (seen, page) = listen(&loopback, LIMIT, || {
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let mut idle = VecDeque::new();
                while !over.load(Ordering::Relaxed) {
                    idle.push_back(send(&loopback, b""));
                    idle.drain(..idle.len().saturating_sub(300));
                    std::thread::sleep(Duration::from_millis(1));
                }
            });
            std::thread::sleep(Duration::from_millis(300));
            // The head comes in two pieces, as it may.
            let mut stream = send(&loopback, b"GET /callback?code=1 HT");
            std::thread::sleep(Duration::from_millis(10));
            stream.write_all(b"TP/1.1\r\n\r\n").unwrap();
            let text = answer(stream);
            over.store(true, Ordering::Relaxed);
            assert!(text.starts_with("HTTP/1.1 200"), "{text}");
        });
    });
    assert_eq!((seen.len(), page), (1, Some(Page::SignedIn)));
}

/// Cookies are for a host, not for a port: those of other programs on this machine come along.
#[test]
fn headers_may_hold_any_bytes() {
    let loopback = Loopback::open(None).unwrap();
    let (seen, _) = listen(&loopback, LIMIT, || {
        let mut request = b"GET /callback?code=1 HTTP/1.1\r\nCookie: name=J\xf6rg; odd=\x01\r\nX: ".to_vec();
        request.resize(100_000, b'c');
        request.extend(b"\r\n\r\n");
        assert!(answer(send(&loopback, &request)).starts_with("HTTP/1.1 200"));
    });
    assert_eq!(seen, [format!("{}?code=1", loopback.redirect_uri())]);
}

#[test]
fn a_browser_that_asks_ahead_does_not_use_up_the_callback() {
    let loopback = Loopback::open(None).unwrap();
    let (seen, page) = listen(&loopback, LIMIT, || {
        for header in
            ["Sec-Purpose: prefetch", "sec-purpose: prefetch;prerender", "Purpose: prefetch", "X-Moz: prefetch"]
        {
            let request = format!("GET /callback?code=1 HTTP/1.1\r\n{header}\r\n\r\n");
            let text = answer(send(&loopback, request.as_bytes()));
            assert!(text.starts_with("HTTP/1.1 204 ") && text.contains("cache-control: no-store"), "{text}");
        }
        assert!(get(&loopback, "/callback?code=1").starts_with("HTTP/1.1 200"));
    });
    assert_eq!((seen.len(), page), (1, Some(Page::SignedIn)));
}

#[test]
fn the_same_callback_again_gets_the_same_page() {
    let loopback = Loopback::open(None).unwrap();
    let (seen, page) = listen(&loopback, LIMIT, || {
        // The second one is there before the first is answered.
        let both = [(); 2].map(|()| send(&loopback, b"GET /callback?code=1 HTTP/1.1\r\n\r\n"));
        let pages = both.map(answer);
        assert!(pages[0].contains("You are signed in"), "{pages:?}");
        assert_eq!(pages[0], pages[1]);
        std::thread::sleep(Duration::from_millis(100));
        assert_eq!(get(&loopback, "/callback?code=1"), pages[0], "nor is one that comes a little later reset");
        assert!(get(&loopback, "/callback?code=2").starts_with("HTTP/1.1 400"), "another one is not its twin");
        assert!(get(&loopback, "/favicon.ico").starts_with("HTTP/1.1 404"));
    });
    assert_eq!((seen.len(), page), (1, Some(Page::SignedIn)), "it is redeemed once");
}

#[test]
fn who_says_nothing_or_too_little_is_not_waited_for() {
    let loopback = Loopback::open(None).unwrap();
    listen(&loopback, LIMIT, || {
        let begun = Instant::now();
        let mut silent = send(&loopback, b"GET /callback?");
        let mut slow = send(&loopback, b"GET /callback?");
        let mut cut = None;
        while slow.write_all(b"x").is_ok() && begun.elapsed() < LIMIT {
            std::thread::sleep(Duration::from_millis(200));
            if cut.is_none() && begun.elapsed() > Duration::from_secs(6) {
                assert_eq!(silent.read(&mut [0; 8]).unwrap_or(0), 0, "silence ends it");
                cut = Some(begun.elapsed());
            }
        }
        assert!(cut.is_some());
        assert!(begun.elapsed() < Duration::from_secs(12), "{:?}", begun.elapsed());
        get(&loopback, "/callback?code=1");
    });
}

#[test]
fn it_ends_at_its_limit_and_when_told_so() {
    let loopback = Loopback::open(None).unwrap();
    let (seen, page) = listen(&loopback, Duration::from_millis(60), || {});
    assert_eq!((seen.len(), page), (0, None));
    let begun = Instant::now();
    assert_eq!(loopback.wait(LIMIT, || false, |_| Page::SignedIn), None);
    assert!(begun.elapsed() < LIMIT);
}

#[test]
fn the_port_of_the_redirect_uri_is_kept() {
    let free = Loopback::open(Some("http://127.0.0.1/callback")).unwrap();
    let taken = free.redirect_uri().to_owned();
    assert!(matches!(Loopback::open(Some(&taken)), Err(ClientError::Listen { .. })), "the port is taken");
    drop(free);
    assert_eq!(Loopback::open(Some(&taken)).unwrap().redirect_uri(), taken);
}

#[test]
fn a_free_port_is_announced_and_the_rest_stays() {
    for uri in ["http://127.0.0.1:0/cb?app=a%20b", "http://localhost:0/cb?app=a%20b", "http://localhost/cb?app=a%20b"] {
        let loopback = Loopback::open(Some(uri)).unwrap();
        let announced = loopback.redirect_uri().to_owned();
        let port: u16 = announced.split([':', '/']).nth(4).unwrap().parse().unwrap();
        assert_ne!(port, 0, "{announced}");
        assert!(announced.ends_with("/cb?app=a%20b"), "{announced}");
        let (seen, _) = listen(&loopback, LIMIT, || {
            get(&loopback, "/cb?app=a%20b&code=1");
        });
        assert_eq!(seen, [format!("{announced}&code=1")]);
    }
}

#[test]
fn localhost_is_listened_for_at_both_addresses() {
    if TcpListener::bind("[::1]:0").is_err() {
        return eprintln!("no IPv6 here");
    }
    for family in ["127.0.0.1", "[::1]"] {
        let loopback = Loopback::open(Some("http://localhost/cb")).unwrap();
        let port = loopback.redirect_uri().split([':', '/']).nth(4).unwrap();
        let (seen, _) = listen(&loopback, LIMIT, || {
            let mut stream = TcpStream::connect(format!("{family}:{port}")).unwrap();
            stream.write_all(b"GET /cb?code=1 HTTP/1.1\r\n\r\n").unwrap();
            assert!(answer(stream).starts_with("HTTP/1.1 200"));
        });
        assert_eq!(seen, [format!("{}?code=1", loopback.redirect_uri())]);
    }
}

/// RFC 3986 section 6.2.2.2: the browser and the server may spell it differently than the settings.
#[test]
fn a_path_is_the_same_however_it_is_spelled() {
    let loopback = Loopback::open(Some("http://127.0.0.1/a%7Eb/c")).unwrap();
    let (seen, _) = listen(&loopback, LIMIT, || {
        assert!(get(&loopback, "/a~b/%63?code=1").starts_with("HTTP/1.1 200"));
    });
    assert_eq!(seen.len(), 1);
}

/// Who may not listen there, or finds it taken, is told: another port would not be the registered one.
#[test]
fn port_80_is_a_port_like_another_where_it_is_named() {
    for uri in ["http://127.0.0.1:80/callback", "http://localhost:80", "http://[::1]:80?a=b"] {
        match Loopback::open(Some(uri)) {
            Ok(loopback) => assert_eq!(loopback.redirect_uri(), uri),
            Err(error) => assert!(matches!(&error, ClientError::Listen { address, .. } if address == uri), "{error}"),
        }
    }
}

#[test]
fn a_port_that_is_taken_at_one_address_of_localhost_is_taken() {
    let Ok(other) = TcpListener::bind("[::1]:0") else { return eprintln!("no IPv6 here") };
    let uri = format!("http://localhost:{}/oauth", other.local_addr().unwrap().port());
    let kind = std::io::ErrorKind::AddrInUse;
    assert_eq!(Loopback::open(Some(&uri)).unwrap_err(), ClientError::Listen { address: uri, kind });
}

#[test]
fn only_plain_http_on_loopback_can_be_listened_for() {
    for uri in ["https://localhost/cb", "http://example.com/cb", "com.example:/cb", "nonsense"] {
        assert!(matches!(Loopback::open(Some(uri)), Err(ClientError::Listen { .. })), "{uri}");
    }
}

#[test]
fn what_stays_on_the_machine_is_known_by_its_host() {
    for url in ["http://127.0.0.1:8080/a", "https://localhost", "http://LOCALHOST/", "http://[::1]:1"] {
        assert!(is_loopback(url), "{url}");
    }
    // Loopback to some and a name to others: nothing is sent there.
    assert!(!is_loopback("http://127.1/"));
    for url in ["http://127.0.0.1.example/", "http://localhost.example/", "http://10.0.0.1/", "http://u@e.example", "x"]
    {
        assert!(!is_loopback(url), "{url}");
    }
}
