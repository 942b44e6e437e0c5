//! Answers that no server should give: the same outcome of a transport in every language.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::Scenario;
use super::wire_table::{BODY, GOOD, Outcome, ROWS, Row, TOKEN};
use crate::harness::Harness;
use crate::raw::{Answer, RawServer};
use crate::stage::{A, Done, LONG, Stage, advance, check, is_kind, one_token, phase, results, same};
use crate::tls::SelfSigned;

/// Of every request here that has to wait for it.
const TIMEOUT: Duration = Duration::from_millis(1500);
/// A request that has not ended by now has no deadline. The slowest answer of the table takes half a minute.
const LATE: Duration = Duration::from_secs(9);
const ACCESS_TOKEN: &str = "at-0-that-nobody-may-say";
const REFRESH_TOKEN: &str = "rt-0-that-nobody-may-say";

pub(super) fn scenarios() -> Vec<Scenario> {
    let rows = ROWS.iter().map(|row| Scenario { id: row.id, about: row.about, run: meet });
    let stopped = Scenario { id: "wire-stopped", about: "what arrived while the process slept is read", run: stopped };
    let refused = Scenario { id: "wire-refused", about: "nobody listens: not sent", run: refused };
    let untrusted = Scenario {
        id: "wire-untrusted",
        about: "a certificate of nobody: told so, and not a byte sent",
        run: untrusted,
    };
    rows.chain([stopped, refused, untrusted]).collect()
}

/// A client `a` that is signed in at `base`, on a file.
fn signed_in(stage: &mut Stage<'_>, base: &str, timeout: Duration) -> Done<Harness> {
    let mut open = stage.open_on("a", &stage.file());
    open["config"]["base_url"] = json!(base);
    open["config"]["request_timeout"] = json!(timeout.as_millis());
    stage.keep_secret(ACCESS_TOKEN);
    stage.keep_secret(REFRESH_TOKEN);
    let tokens = json!({ "access_token": ACCESS_TOKEN, "refresh_token": REFRESH_TOKEN, "expires_in": 3600 });
    let mut harness = stage.ready(open)?;
    harness.ask("adopt", json!({ "client": "a", "tokens": tokens.to_string() }))?;
    Ok(harness)
}

fn meet(stage: &mut Stage<'_>) -> Done {
    let row = ROWS.iter().find(|row| row.id == stage.id).ok_or("no such row")?;
    let (other, server) = (RawServer::start(Answer::Steps(GOOD()))?, RawServer::start(Answer::Steps(GOOD()))?);
    // More than the client reads is no matter of time, and takes some where others work, too.
    let timeout = if matches!(row.call, Outcome::TooLarge) { 3 * TIMEOUT } else { TIMEOUT };
    let mut harness = signed_in(stage, &server.base(), timeout)?;
    server.answer_from_now_on((row.answer)(&other.base()));
    call(row, &mut harness, &server)?;
    refresh(row, &mut harness, &server)?;
    same(other.connections(), 0, "connections to another server")?;
    // Neither a thread nor a lock is left behind.
    let begun = Instant::now();
    harness.ask("close", A)?;
    check(begun.elapsed() < LATE, "close waited for more than the request's deadline")?;
    stage.end(harness);
    Ok(())
}

fn call(row: &Row, harness: &mut Harness, server: &RawServer) -> Done {
    let begun = Instant::now();
    let answer = harness.ask("call", json!({ "client": "a", "url": format!("{}/v1/x?y=%2F", server.base()) }))?;
    check(begun.elapsed() < LATE, "the call had no deadline")?;
    let result = results(&answer)?.remove(0);
    judge(row.call, &result).map_err(|why| format!("a call: {why}"))?;
    let requests = server.requests();
    same(requests.len(), 1, "requests for one call")?;
    let head = requests.first().map_or("", String::as_str);
    check(
        head.is_empty() || head.starts_with("GET /v1/x?y=%2F HTTP/1.1\r\n"),
        "the request target is not the judged one",
    )?;
    phase(harness, "signed_in")
}

fn judge(outcome: Outcome, result: &Value) -> Result<(), String> {
    let fault = result["error"]["fault"].as_str();
    let holds = match outcome {
        Outcome::Whole => result["status"] == 200 && result["body"] == BODY,
        Outcome::Status(status) => result["status"] == status,
        Outcome::Lost => fault == Some("lost"),
        Outcome::TooLarge => fault == Some("too_large"),
        Outcome::WholeOrLost => (result["status"] == 200 && result["body"] == BODY) || fault == Some("lost"),
    };
    let cut: String = result.to_string().chars().take(300).collect();
    if holds { Ok(()) } else { Err(format!("{outcome:?} was expected: {cut}")) }
}

/// A grant that brought nothing is told, keeps the tokens, and is made once: never again by the transport.
fn refresh(row: &Row, harness: &mut Harness, server: &RawServer) -> Done {
    let begun = Instant::now();
    let pending = harness.give("refresh", A)?;
    let line = pending.progress()?;
    check(begun.elapsed() < LATE, "the refresh had no deadline")?;
    same(server.requests().len(), 2, "requests after one call and one refresh")?;
    let must_work = matches!(row.grant, Outcome::Whole);
    let may_work = must_work || matches!(row.grant, Outcome::WholeOrLost);
    if line.get("ok").is_some() {
        check(may_work, "the refresh had to fail")?;
        return same(one_token(&harness.ask("token", A)?)?.as_str(), TOKEN, "the token");
    }
    check(!must_work, &format!("the refresh had to work: {line}"))?;
    is_kind(&line["error"], "unavailable")?;
    same(one_token(&harness.ask("token", A)?)?.as_str(), ACCESS_TOKEN, "the token that lives")?;
    server.answer_from_now_on(Answer::Steps(GOOD()));
    advance(harness, 5000)?;
    same(one_token(&harness.ask("token", A)?)?.as_str(), TOKEN, "the token after the next refresh")?;
    let requests = server.requests();
    same(requests.len(), 3, "requests in all")?;
    check(requests.last().is_some_and(|last| last.contains(REFRESH_TOKEN)), "the refresh token was not kept")
}

/// SIGSTOP until long after the deadline, while the answer lies in the socket.
fn stopped(stage: &mut Stage<'_>) -> Done {
    let late = || {
        let mut steps = vec![crate::raw::Step::Wait(Duration::from_millis(400))];
        steps.extend(GOOD());
        Answer::Steps(steps)
    };
    let server = RawServer::start(late())?;
    let mut harness = signed_in(stage, &server.base(), TIMEOUT)?;
    for (count, name) in [(1, "call"), (2, "refresh")] {
        let mut command = json!({ "client": "a" });
        if name == "call" {
            command["url"] = json!(format!("{}/v1/x", server.base()));
        }
        let pending = harness.give(name, command)?;
        check(server.wait_for(count, LONG), "no request came")?;
        harness.signal("STOP")?;
        std::thread::sleep(TIMEOUT + Duration::from_millis(1500));
        harness.signal("CONT")?;
        let answer = pending.ok()?;
        if name == "call" {
            judge(Outcome::Whole, &results(&answer)?.remove(0))?;
        }
    }
    same(one_token(&harness.ask("token", A)?)?.as_str(), TOKEN, "the token")?;
    same(server.requests().len(), 2, "requests")?;
    stage.end(harness);
    Ok(())
}

fn refused(stage: &mut Stage<'_>) -> Done {
    let gone = RawServer::start(Answer::Steps(GOOD()))?;
    let base = gone.base();
    drop(gone);
    let mut harness = signed_in(stage, &base, TIMEOUT)?;
    let answer = harness.ask("call", json!({ "client": "a", "url": format!("{base}/v1/x") }))?;
    let result = results(&answer)?.remove(0);
    same(result["error"]["fault"].as_str(), Some("not_sent"), "the fault")?;
    is_kind(&harness.fail("refresh", A)?, "unavailable")?;
    same(one_token(&harness.ask("token", A)?)?.as_str(), ACCESS_TOKEN, "the token that lives")?;
    stage.end(harness);
    Ok(())
}

fn untrusted(stage: &mut Stage<'_>) -> Done {
    let server = SelfSigned::start()?;
    let mut harness = signed_in(stage, &server.base(), TIMEOUT)?;
    let answer = harness.ask("call", json!({ "client": "a", "url": format!("{}/v1/x", server.base()) }))?;
    let result = results(&answer)?.remove(0);
    same(result["error"]["fault"].as_str(), Some("untrusted"), "the fault")?;
    let failed = harness.fail("refresh", A)?;
    is_kind(&failed, "unavailable")?;
    let text = failed["text"].as_str().unwrap_or_default();
    check(text.contains("certificate is not trusted"), &format!("it is not said why: {text}"))?;
    same(one_token(&harness.ask("token", A)?)?.as_str(), ACCESS_TOKEN, "the token that lives")?;
    stage.end(harness);
    same(server.heard(), 0, "requests")
}
