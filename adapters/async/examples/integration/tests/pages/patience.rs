//! Clients that are slow, or many, do not keep others from being served.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use webex_oauth_integration::{App, Settings};

use crate::kit::{Browser, shows};

fn connect(app: &App) -> TcpStream {
    let stream = TcpStream::connect(app.url().trim_start_matches("http://")).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream
}

/// How long it takes until the connection is closed, and what came before.
fn until_closed(mut stream: TcpStream) -> (Duration, String) {
    let begun = Instant::now();
    let mut text = String::new();
    let _ = stream.read_to_string(&mut text);
    (begun.elapsed(), text)
}

async fn impatient() -> App {
    App::start(Settings { patience: Duration::from_millis(300), ..Settings::simulated() }).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn half_a_head_half_a_body_and_silence_have_a_time_limit() {
    let app = impatient().await;
    let begin = |text: &str| {
        let mut stream = connect(&app);
        stream.write_all(text.as_bytes()).unwrap();
        tokio::task::spawn_blocking(|| until_closed(stream))
    };
    let silent = begin("");
    let half = begin("GET / HTTP/1.1\r\nhost: x\r\nx-");
    let idle = begin("GET /icon.svg HTTP/1.1\r\nhost: x\r\n\r\n");
    let body = begin("POST /logout HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\nhalf");
    let (silent, half, idle, body) =
        (silent.await.unwrap(), half.await.unwrap(), idle.await.unwrap(), body.await.unwrap());
    for (took, text) in [&silent, &half, &idle, &body] {
        assert!((250..10_000).contains(&took.as_millis()), "{took:?}: {text}");
    }
    assert!(idle.1.starts_with("HTTP/1.1 200"), "{}", idle.1);
    assert!(body.1.starts_with("HTTP/1.1 408") && body.1.contains("That took too long"), "{}", body.1);
}

#[tokio::test(flavor = "multi_thread")]
async fn with_1100_half_sent_requests_everybody_is_served() {
    let app = App::start(Settings { patience: Duration::from_secs(60), ..Settings::simulated() }).await.unwrap();
    let browser = Browser::new(&app);
    browser.sign_in(app.simulator().unwrap(), "ada@example.com").await;
    let texts =
        ["GET / HTTP/1.1\r\nhost: x\r\nx-", "POST /logout HTTP/1.1\r\nhost: x\r\ncontent-length: 99\r\n\r\nx", ""];
    let mut half = Vec::new();
    for text in texts.iter().cycle().take(1_100) {
        let mut stream = connect(&app);
        stream.write_all(text.as_bytes()).unwrap();
        half.push(stream);
    }
    // Those who come with a connection of their own, and those who were here before.
    for _ in 0..20 {
        let begun = Instant::now();
        shows(&Browser::new(&app).get("/").await, 200, "Sign in with Webex");
        assert!(browser.get("/").await.text.contains("Ada Lovelace"));
        assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    }
    // The bound is what made room: of the half-sent ones, many are gone.
    let mut gone = 0;
    for stream in &mut half {
        stream.set_nonblocking(true).unwrap();
        gone +=
            usize::from(!matches!(stream.read(&mut [0]), Err(error) if error.kind() == std::io::ErrorKind::WouldBlock));
    }
    assert!(gone >= 1_100 - 512, "{gone} are gone");
}
