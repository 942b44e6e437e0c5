//! Servers by the metadata that they publish.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;

use webex_oauth_ureq::{ClientError, discover};

/// Publishes the metadata of the issuer `/t` where OpenID Connect has it, and nothing else. Answers the issuer's base.
fn publish() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let origin = base.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let head: Vec<String> =
                BufReader::new(&stream).lines().map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
            let found = head.first().is_some_and(|line| line.starts_with("GET /t/.well-known/openid-configuration "));
            let (status, body) = match found {
                true => ("200 OK", format!(r#"{{"issuer":"{origin}/t","token_endpoint":"{origin}/token"}}"#)),
                false => ("404 Not Found", "nothing".to_owned()),
            };
            let length = body.len();
            let _ = write!(stream, "HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}");
        }
    });
    base
}

#[test]
fn a_server_is_found_by_its_issuer() {
    let base = publish();
    let provider = discover(&format!("{base}/t")).unwrap();
    assert_eq!(provider.token_endpoint, format!("{base}/token"));
}

#[test]
fn where_nothing_is_published_every_place_is_named() {
    let base = publish();
    let Err(ClientError::Config(error)) = discover(&base) else { panic!() };
    let expected = format!(
        "issuer: publishes no metadata; {base}/.well-known/oauth-authorization-server: HTTP 404; \
         {base}/.well-known/openid-configuration: HTTP 404"
    );
    assert_eq!(error.to_string(), expected);
}
