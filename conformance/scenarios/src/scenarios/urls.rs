//! Hostile spellings of URLs: `{A}` is where the token may go, `{B}` a stranger, who must see nothing at all.

use serde_json::{Value, json};

use super::{Scenario, scenario};
use crate::harness::Harness;
use crate::raw::{Answer, RawServer, Step};
use crate::scenarios::logins::jwt;
use crate::scenarios::wire_table::GOOD;
use crate::stage::{CALLBACK, Done, Stage, begin_login, check, complete, results};

pub(super) const SCENARIOS: &[Scenario] = &[
    scenario!("urls-calls", "a call goes where the URL was judged to go, or nowhere", calls),
    scenario!("urls-calls-without-token", "the same for calls without the token", calls_without_token),
    scenario!("urls-empty-query", "the question mark of an empty query stays", empty_query),
    scenario!("urls-endpoints", "endpoints that may mean another host are refused before anything is sent", endpoints),
    scenario!("urls-grants", "every request of a session goes to the normal form of its endpoint", grants),
    scenario!("urls-proxy", "loopback goes through no proxy, however it is spelled", proxy),
];

/// Read in more than one way: nothing is sent.
const HOSTILE: [&str; 62] = [
    "http://{A}\\@{B}/x",
    "http://{B}\\@{A}/x",
    "http://{A}\\.{B}/x",
    "http://{A}\\{B}/x",
    "http:\\\\{A}\\x",
    "http:/\\{B}/x",
    "http:\\/{B}/x",
    "http://\\{B}/x",
    "http://{A}@{B}/x",
    "http://{B}@{A}/x",
    "http://user@{A}/x",
    "http://user:password@{A}/x",
    "http://@{A}/x",
    "http://:@{A}/x",
    "http://{A}:{PB}@{B}/x",
    "http://{A}%40{B}/x",
    "http://{A}@@{B}/x",
    "http://a@{A}@{B}/x",
    "http://127.1:{PA}/x",
    "http://127.0.1:{PA}/x",
    "http://2130706433:{PA}/x",
    "http://0x7f000001:{PA}/x",
    "http://0x7f.1:{PA}/x",
    "http://0X7F.0.0.1:{PA}/x",
    "http://0177.0.0.1:{PA}/x",
    "http://017700000001:{PA}/x",
    "http://127.000.000.001:{PA}/x",
    "http://127.0.0.01:{PA}/x",
    "http://127.0.0.1.:{PA}/x",
    "http://127.0.0.1..:{PA}/x",
    "http://[::ffff:127.0.0.1]:{PA}/x",
    "http://[::ffff:7f00:1]:{PA}/x",
    "http://[::1%25lo]:{PA}/x",
    "http://[127.0.0.1]:{PA}/x",
    "http://%31%32%37.0.0.1:{PA}/x",
    "http://127%2e0%2e0%2e1:{PA}/x",
    "http://127.0.0.1%00.evil.example:{PA}/x",
    "http://127.0.0.1%2f:{PA}/x",
    "http://127.0.0.1%3a{PA}/x",
    "http://127.0.0.1%09:{PA}/x",
    "http://１２７.0.0.1:{PA}/x",
    "http://127。0。0。1:{PA}/x",
    "http://127．0．0．1:{PA}/x",
    "http://ｌocalhost:{PA}/x",
    "http://loca\u{ad}lhost:{PA}/x",
    "http://local\u{200b}host:{PA}/x",
    "http://127.0.0.1\t:{PA}/x",
    "http://127.0.0.1\n:{PA}/x",
    "http://127.0.0.1 :{PA}/x",
    "http://{A}\t@{B}/x",
    "http://{A}\r\n@{B}/x",
    "ht\ttp://{A}/x",
    " http://{A}/x",
    "http://{A}/x ",
    "http://{A}/x\r\nHost: {B}",
    "http://{A}/\\..\\{B}",
    "http:{A}/x",
    "http:/{A}/x",
    "http:///{A}/x",
    "http:////{B}/x",
    "http://127.0.0.1:{PA}:{PB}/x",
    "//{B}/x",
];

/// Read in one way by everybody: they go to A, with exactly this request target.
const HARMLESS: [(&str, &str); 13] = [
    ("http://{A}/x", "/x"),
    ("HTTP://{A}/x", "/x"),
    ("http://LOCALHOST:{PA}/x", "/x"),
    ("http://{A}", "/"),
    ("http://{A}?@{B}", "/?@{B}"),
    ("http://{A}/@{B}", "/@{B}"),
    ("http://{A}//{B}/x", "//{B}/x"),
    ("http://{A}/a/../x", "/x"),
    ("http://{A}/a/%2e%2e/x", "/x"),
    ("http://{A}/x?to=http://{B}/", "/x?to=http://{B}/"),
    ("http://{A}/%2f%e2", "/%2F%E2"),
    ("http://{A}/[a]|?[b]", "/%5Ba%5D%7C?%5Bb%5D"),
    ("http://{A}/50%", "/50%25"),
];

struct Two {
    a: RawServer,
    b: RawServer,
}

impl Two {
    fn start() -> Result<Self, String> {
        let start = || RawServer::start(Answer::Steps(GOOD()));
        Ok(Self { a: start()?, b: start()? })
    }

    fn fill(&self, template: &str) -> String {
        let host = |server: &RawServer| format!("127.0.0.1:{}", server.port());
        let text = template.replace("{A}", &host(&self.a)).replace("{B}", &host(&self.b));
        text.replace("{PA}", &self.a.port().to_string()).replace("{PB}", &self.b.port().to_string())
    }

    /// What B saw is said with the spelling that led there.
    fn stranger_saw_nothing(&self, text: &str) -> Result<(), String> {
        if self.b.connections() == 0 { Ok(()) } else { Err(format!("{text:?} led to the stranger")) }
    }
}

/// Of all spellings those that went wrong.
fn none_wrong(wrong: &[String]) -> Done {
    check(wrong.is_empty(), &format!("{} of the spellings: {}", wrong.len(), wrong.join("; ")))
}

fn one_call(harness: &mut Harness, two: &Two, text: &str, headers: &Value) -> Done<Value> {
    let command = json!({ "client": "a", "url": two.fill(text), "headers": headers });
    Ok(results(&harness.ask("call", command)?)?.remove(0))
}

fn every_spelling(stage: &mut Stage<'_>, config_base: fn(&Two) -> String, headers: &Value, with_token: bool) -> Done {
    const TOKEN: &str = "at-that-only-a-may-see";
    let two = Two::start()?;
    let mut open = stage.open("a");
    open["config"]["base_url"] = json!(config_base(&two));
    let mut harness = stage.ready(open)?;
    harness.ask("adopt", json!({ "client": "a", "tokens": TOKEN }))?;
    stage.keep_secret(TOKEN);
    let mut wrong = Vec::new();
    for text in HOSTILE {
        let before = two.a.connections();
        let result = one_call(&mut harness, &two, text, headers)?;
        if result["error"]["kind"] != "misuse" {
            wrong.push(format!("{text:?} was not refused: {}", brief(&result)));
        }
        if two.a.connections() != before {
            wrong.push(format!("{text:?} was sent"));
        }
        wrong.extend(two.stranger_saw_nothing(text).err());
    }
    for (text, target) in HARMLESS {
        let before = two.a.requests().len();
        let result = one_call(&mut harness, &two, text, headers)?;
        let requests = two.a.requests();
        let line = format!("GET {} HTTP/1.1\r\n", two.fill(target));
        let request = requests.get(before).cloned().unwrap_or_default();
        if requests.len() != before + 1
            || !request.starts_with(&line)
            || request.contains(TOKEN) != (with_token && text.contains("{A}"))
        {
            wrong.push(format!("{text:?} did not become {target:?}: {}", brief(&result)));
        }
        wrong.extend(two.stranger_saw_nothing(text).err());
    }
    stage.end(harness);
    none_wrong(&wrong)
}

fn brief(result: &Value) -> String {
    result.to_string().chars().take(160).collect()
}

fn calls(stage: &mut Stage<'_>) -> Done {
    // `localhost` is another host than the configured one, and gets no token: it is tried by the other scenario.
    every_spelling(stage, |two| format!("http://127.0.0.1:{}", two.a.port()), &json!({}), true)
}

fn calls_without_token(stage: &mut Stage<'_>) -> Done {
    every_spelling(stage, |_| "http://127.0.0.1:9".to_owned(), &json!({}), false)
}

fn empty_query(stage: &mut Stage<'_>) -> Done {
    let two = Two::start()?;
    let mut open = stage.open("a");
    open["config"]["base_url"] = json!(two.a.base());
    let mut harness = stage.ready(open)?;
    harness.ask("adopt", json!({ "client": "a", "tokens": "at-x" }))?;
    one_call(&mut harness, &two, "http://{A}/%2f%e2?", &json!({}))?;
    let requests = two.a.requests();
    let is_whole =
        requests.len() == 1 && requests.iter().all(|request| request.starts_with("GET /%2F%E2? HTTP/1.1\r\n"));
    stage.end(harness);
    check(is_whole, &format!("{requests:?}"))
}

fn endpoints(stage: &mut Stage<'_>) -> Done {
    let two = Two::start()?;
    let mut harness = stage.start()?;
    let mut wrong = Vec::new();
    // Space at the end of a base is in the middle of its endpoints, and escaped there.
    for text in HOSTILE.into_iter().filter(|text| !text.ends_with(' ')) {
        let mut open = stage.open("a");
        open["config"]["base_url"] = json!(two.fill(text));
        let error = harness.give("open", open)?.progress()?["error"].clone();
        if error["kind"] != "config" {
            wrong.push(format!("{text:?} was not refused: {}", brief(&error)));
        }
    }
    check(two.a.connections() == 0 && two.b.connections() == 0, "something was sent")?;
    stage.end(harness);
    none_wrong(&wrong)
}

/// The answer to every request of a session: tokens, a device's code, a catalog.
const ANSWER: &str = r#"{"access_token":"at-x","refresh_token":"rt-x","expires_in":3600,"token_type":"Bearer","device_code":"d",
    "user_code":"u","verification_uri":"https://x.example/v","interval":1,"serviceLinks":{"a":"https://a.example"}}"#;

/// What each request of a session asks for at a server with Webex's paths, and how often here, at least.
const REQUESTS: [(&str, usize); 7] = [
    // Client credentials, less scope, a refresh, a code.
    ("POST {path}/v1/access_token HTTP/1.1", 4),
    ("POST {path}/v1/jwt/login HTTP/1.1", 1),
    ("POST {path}/v1/guests/token HTTP/1.1", 1),
    ("POST {path}/v1/device/authorize HTTP/1.1", 1),
    ("POST {path}/v1/device/token HTTP/1.1", 1),
    // Both tokens.
    ("POST {path}/idb/oauth2/v1/revoke HTTP/1.1", 2),
    ("GET {path}/u2c/api/v1/catalog?format=hostmap HTTP/1.1", 1),
];

fn grants(stage: &mut Stage<'_>) -> Done {
    let two = Two::start()?;
    let head = format!("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", ANSWER.len());
    two.a.answer_from_now_on(Answer::Steps(vec![Step::Send(format!("{head}{ANSWER}").into_bytes())]));
    let spellings = ["HTTP://{A}", "http://LocalHost:{PA}", "http://{A}/a/..", "http://{A}/@{B}", "http://{A}//{B}"];
    let paths = ["", "", "", "/@{B}", "//{B}"];
    for (text, path) in spellings.into_iter().zip(paths) {
        let before = two.a.requests().len();
        let mut open = stage.open("a");
        open["config"]["base_url"] = json!(two.fill(text));
        let mut harness = stage.ready(open)?;
        every_grant(&mut harness)?;
        stage.end(harness);
        two.stranger_saw_nothing(text)?;
        let sent = two.a.requests();
        let mut lines: Vec<&str> = sent.iter().skip(before).filter_map(|request| request.lines().next()).collect();
        for (line, times) in REQUESTS {
            let line = two.fill(&line.replace("{path}", path));
            let found = lines.iter().filter(|sent| **sent == line).count();
            check(found >= times, &format!("{text:?}: {line:?} was expected {times} times: {lines:?}"))?;
            lines.retain(|sent| **sent != line);
        }
        check(lines.is_empty(), &format!("{text:?}: nobody expected {lines:?}"))?;
    }
    Ok(())
}

/// Each request that a session makes, whatever becomes of its answer.
fn every_grant(harness: &mut Harness) -> Done {
    harness.ask("login_client_credentials", json!({ "client": "a" }))?;
    let tokens =
        r#"{"access_token":"at-0","refresh_token":"rt-0","expires_in":3600,"scope":"spark:kms spark:people_read"}"#;
    harness.ask("adopt", json!({ "client": "a", "tokens": tokens }))?;
    harness.ask("user_token", json!({ "client": "a", "scope": "spark:people_read" }))?;
    harness.ask("refresh", json!({ "client": "a" }))?;
    harness.ask("login_jwt", json!({ "client": "a", "jwt": jwt("visitor")? }))?;
    let guest = json!({ "client": "a", "service_token": "st", "subject": "g", "display_name": "G" });
    harness.ask("login_guest", guest)?;
    harness.ask("login_device", json!({ "client": "a" }))?;
    let url = begin_login(harness)?;
    let state = url.split("state=").nth(1).and_then(|rest| rest.split('&').next()).ok_or("no state")?;
    harness.ask("complete_login", complete(&format!("{CALLBACK}?code=c&state={state}")))?;
    harness.ask("services", json!({ "client": "a", "max_age": 0 }))?;
    harness.ask("sign_out", json!({ "client": "a" }))?;
    Ok(())
}

fn proxy(stage: &mut Stage<'_>) -> Done {
    let two = Two::start()?;
    let listener = RawServer::start(Answer::Steps(GOOD()))?;
    let through = listener.base();
    let variables = ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"]
        .map(|name| (name, &*through));
    let mut harness = stage.start_with(&variables)?;
    let mut open = stage.open("a");
    open["config"]["base_url"] = json!(two.a.base());
    harness.ask("open", open)?;
    harness.ask("login_client_credentials", json!({ "client": "a" }))?;
    let spellings = HOSTILE.into_iter().chain(HARMLESS.map(|(text, _)| text));
    for text in spellings.clone() {
        one_call(&mut harness, &two, text, &json!({}))?;
        two.stranger_saw_nothing(text)?;
        check(listener.connections() == 0, &format!("{text:?} went through the proxy"))?;
    }
    crate::stage::same(two.a.requests().len(), HARMLESS.len() + 1, "requests that arrived")?;
    stage.end(harness);
    Ok(())
}
