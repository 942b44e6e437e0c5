//! Proxies of the environment: what goes to the network goes through them, or nowhere.
//!
//! `0.0.0.0` is this machine to the system, and another host to core: a request that goes around its proxy is seen.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{Scenario, scenario};
use crate::harness::Harness;
use crate::raw::{Answer, RawServer, Step};
use crate::scenarios::wire_table::GOOD;
use crate::stage::{A, Done, Stage, check, is_kind, one_token, results, same};

pub(super) const SCENARIOS: &[Scenario] = &[
    scenario!(
        "proxies-used",
        "without a scheme, and the scheme's own one before the one for all: asked, never gone around",
        used
    ),
    scenario!("proxies-refusing", "a proxy that refuses, breaks off or drips: not sent, and in time", refusing),
    scenario!("proxies-unusable", "one that cannot be used is an error, and nothing is sent", unusable),
    scenario!("proxies-exempt", "what no_proxy names goes directly", exempt),
];

const TOKEN: &str = "at-that-no-proxy-may-see";
const PASSWORD: &str = "pw-that-nobody-may-say";
const REFUSED: &[u8] = b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
const TIMEOUT: Duration = Duration::from_millis(1500);
const LATE: Duration = Duration::from_secs(9);

/// For both schemes; the one for all others is of a kind that not every client can use, as it is often set. The JVM reads
/// properties in place of variables, and leaves out `0.0.0.0` by itself.
fn named(scheme: &str, proxy: &RawServer, exempt: &str) -> Vec<(&'static str, String)> {
    let (own, all) = (format!("{scheme}127.0.0.1:{}", proxy.port()), "socks5://127.0.0.1:1".to_owned());
    let of = |of: &str| format!("-D{of}.proxyHost=127.0.0.1 -D{of}.proxyPort={}", proxy.port());
    let properties = format!("{} {} -Dhttp.nonProxyHosts={exempt}", of("http"), of("https"));
    let mut variables: Vec<_> = ["http_proxy", "https_proxy", "HTTPS_PROXY"].map(|name| (name, own.clone())).into();
    variables.extend(["all_proxy", "ALL_PROXY"].map(|name| (name, all.clone())));
    variables.extend(["no_proxy", "NO_PROXY"].map(|name| (name, exempt.to_owned())));
    variables.push(("JAVA_TOOL_OPTIONS", properties));
    variables
}

/// A client that is signed in at a server on the network, in a process with these variables.
fn signed_in(stage: &mut Stage<'_>, base: &str, variables: &[(&'static str, String)]) -> Done<Harness> {
    let variables: Vec<(&str, &str)> = variables.iter().map(|(name, value)| (*name, &**value)).collect();
    let mut harness = stage.start_with(&variables)?;
    let mut open = stage.open("a");
    open["config"]["base_url"] = json!(base);
    open["config"]["request_timeout"] = json!(TIMEOUT.as_millis());
    stage.keep_secret(TOKEN);
    stage.keep_secret(PASSWORD);
    harness.ask("open", open)?;
    let tokens = json!({ "access_token": TOKEN, "refresh_token": format!("rt-{TOKEN}"), "expires_in": 3600 });
    harness.ask("adopt", json!({ "client": "a", "tokens": tokens.to_string() }))?;
    Ok(harness)
}

fn call(harness: &mut Harness, url: &str) -> Done<Value> {
    let answer = harness.ask("call", json!({ "client": "a", "url": url }))?;
    Ok(results(&answer)?.remove(0))
}

fn here(server: &RawServer, scheme: &str) -> String {
    format!("{scheme}://0.0.0.0:{}", server.port())
}

fn used(stage: &mut Stage<'_>) -> Done {
    let (server, proxy) =
        (RawServer::start(Answer::Steps(GOOD()))?, RawServer::start(Answer::Steps(vec![Step::Send(REFUSED.into())]))?);
    let mut harness = signed_in(stage, "https://as.example", &named("", &proxy, ""))?;
    let result = call(&mut harness, "https://as.example/v1/x")?;
    check(result["error"]["kind"] == "call", &format!("a refusal of the proxy is no answer: {result}"))?;
    let asked = proxy.requests();
    same(asked.len(), 1, "requests to the proxy")?;
    check(
        asked.iter().all(|request| request.starts_with("CONNECT as.example:443 HTTP/1.1\r\n")),
        &format!("{asked:?}"),
    )?;
    // A grant goes there as well, and keeps the tokens.
    is_kind(&harness.fail("refresh", A)?, "unavailable")?;
    same(one_token(&harness.ask("token", A)?)?.as_str(), TOKEN, "the token that lives")?;
    for scheme in ["http", "https"] {
        let before = proxy.connections();
        call(&mut harness, &format!("{}/x", here(&server, scheme)))?;
        check(proxy.connections() > before, &format!("{scheme} did not go through the proxy"))?;
    }
    same(server.connections(), 0, "requests that went around the proxy")?;
    check(!proxy.requests().iter().any(|request| request.contains(TOKEN)), "the proxy saw a token")?;
    stage.end(harness);
    Ok(())
}

fn refusing(stage: &mut Stage<'_>) -> Done {
    let proxy = RawServer::start(Answer::Steps(Vec::new()))?;
    let mut harness =
        signed_in(stage, "https://as.example", &named(&format!("http://somebody:{PASSWORD}@"), &proxy, ""))?;
    let send = |text: &str| Answer::Steps(vec![Step::Send(text.into())]);
    for (what, answer) in [
        ("closed", Answer::Steps(Vec::new())),
        ("502", send("HTTP/1.1 502 No\r\nContent-Length: 0\r\n\r\n")),
        ("302", send("HTTP/1.1 302 X\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n")),
        ("cut", send("HTTP/1.1 2")),
        ("no HTTP", send("hello\r\n\r\n")),
        ("a tunnel to nowhere", send("HTTP/1.1 200 OK\r\n\r\n")),
        ("no TLS within", send("HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200 OK\r\n\r\n")),
        ("a drip", Answer::Steps(vec![Step::Drip(REFUSED.into())])),
        ("silence", Answer::Steps(vec![Step::Drip(Vec::new()), Step::Wait(Duration::from_secs(12))])),
    ] {
        proxy.answer_from_now_on(answer);
        let begun = Instant::now();
        let result = call(&mut harness, "https://as.example/v1/x")?;
        check(begun.elapsed() < LATE, &format!("{what}: no deadline"))?;
        let fault = result["error"]["fault"].as_str();
        check(matches!(fault, Some("not_sent" | "lost")), &format!("{what} is no answer of the server: {result}"))?;
    }
    check(!proxy.requests().iter().any(|request| request.contains(TOKEN)), "the proxy saw a token")?;
    stage.end(harness);
    Ok(())
}

fn unusable(stage: &mut Stage<'_>) -> Done {
    let server = RawServer::start(Answer::Steps(GOOD()))?;
    let with_password = |rest: &str| rest.replace("PW", PASSWORD);
    for text in ["quic://somebody:PW@127.0.0.1:1", "http://", "http://somebody:PW@127.0.0.1:port"].map(with_password) {
        let set = ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"];
        let mut harness = signed_in(stage, &here(&server, "https"), &set.map(|name| (name, text.clone())))?;
        for scheme in ["http", "https"] {
            let result = call(&mut harness, &format!("{}/x", here(&server, scheme)))?;
            let is_told = result["error"]["fault"] == "not_sent";
            check(is_told, &format!("{text:?}, {scheme}: not sent was expected: {result}"))?;
        }
        is_kind(&harness.fail("refresh", A)?, "unavailable")?;
        same(one_token(&harness.ask("token", A)?)?.as_str(), TOKEN, "the token that lives")?;
        same(server.connections(), 0, &format!("{text:?}: requests that went around the proxy"))?;
        stage.end(harness);
    }
    Ok(())
}

fn exempt(stage: &mut Stage<'_>) -> Done {
    let server = RawServer::start(Answer::Steps(GOOD()))?;
    let proxy = RawServer::start(Answer::Steps(vec![Step::Send(REFUSED.into())]))?;
    for entry in ["0.0.0.0", "*"] {
        let mut harness = signed_in(stage, "https://as.example", &named("http://", &proxy, entry))?;
        let result = call(&mut harness, &format!("{}/x", here(&server, "http")))?;
        same(result["status"].as_u64(), Some(200), "the status")?;
        stage.end(harness);
    }
    same(proxy.connections(), 0, "connections to the proxy")?;
    same(server.connections(), 2, "connections to the server")
}
