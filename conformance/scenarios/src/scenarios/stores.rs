//! Stores: shared by processes, failing, damaged.

use std::fs;

use serde_json::{Value, json};
use webex_oauth_driver::{FileStore, Store as _};
use webex_oauth_simulator::{CLIENT_ID, Endpoint, Fault};

use super::{Scenario, scenario};
use crate::stage::{
    A, B, Done, REFRESH, Stage, Trouble, advance, all_status, callers, check, event, is_kind, no_token, one_token,
    same, token,
};

pub(super) const SCENARIOS: &[Scenario] = &[
    scenario!("stores-reopen", "a session survives its process, and nothing is asked for", reopen),
    scenario!("stores-two-processes", "two processes, expired token, ten callers each: one refresh", two_processes),
    scenario!("stores-two-clients", "two clients on one store in one process: one refresh", two_clients),
    scenario!("stores-storm-of-two", "401 in two processes at once: one refresh", storm_of_two),
    scenario!("stores-other-refreshed", "what another process renewed is used, not renewed again", other_refreshed),
    scenario!("stores-other-signed-in", "a sign-in elsewhere is noticed", other_signed_in),
    scenario!("stores-other-signed-out", "a sign-out elsewhere is noticed before a refresh", other_signed_out),
    scenario!("stores-begun-anew", "a sign-in to a store that was begun anew is noticed", begun_anew),
    scenario!("stores-begun-anew-alike", "also where as much was stored as before", begun_anew_alike),
    scenario!("stores-lock-held", "a lock held elsewhere holds up a refresh, and no token that lives", lock_held),
    scenario!("stores-lock-taken", "during a refresh the lock is held, in the way of every language", lock_taken),
    scenario!("stores-lock-broken", "a lock that does not work is told, and nobody goes without a token", lock_broken),
    scenario!("stores-failing", "a store that fails loses no tokens, is told, and is caught up with", failing),
    scenario!("stores-damaged", "a damaged file is refused and left alone", damaged),
    scenario!("stores-newer-version", "a file of a newer version is refused and left alone", newer_version),
    scenario!("stores-other-client", "another client's session is refused and left alone", other_client),
    scenario!("stores-not-ours", "what another client or version stores meanwhile is left alone, and told", not_ours),
    scenario!("stores-cleared", "a store that was cleared stays so, whoever still has its session in memory", cleared),
    scenario!("stores-file", "the file is the snapshot, readable by its owner only; nothing else lies around", file),
];

fn reopen(stage: &mut Stage<'_>) -> Done {
    let store = stage.file();
    let mut first = stage.signed_in_with(stage.open_on("a", &store), 3600)?;
    let old = token(&mut first)?;
    stage.end(first);
    let mut second = stage.ready(stage.open_on("a", &store))?;
    same(token(&mut second)?, old, "the token")?;
    stage.end(second);
    same(stage.counters().requests, 0, "requests")
}

fn two_processes(stage: &mut Stage<'_>) -> Done {
    let store = stage.file();
    stage.prepare(&store, 0)?;
    let mut one = stage.ready(stage.open_on("a", &store))?;
    let mut two = stage.ready(stage.open_on("a", &store))?;
    stage.simulator.fault(Fault::slow(200).on_grant(REFRESH));
    let (first, second) = (callers(&mut one, 10)?, callers(&mut two, 10)?);
    same(one_token(&first.ok()?)?, one_token(&second.ok()?)?, "the token of both")?;
    stage.end(one);
    stage.end(two);
    stage.refreshes(1)
}

fn two_clients(stage: &mut Stage<'_>) -> Done {
    let store = json!({ "memory": "shared" });
    let mut harness = stage.signed_in_with(stage.open_on("a", &store), 0)?;
    harness.ask("open", stage.open_on("b", &store))?;
    let first = harness.give("token", r#"{"client":"a","times":5}"#)?;
    let second = harness.give("token", r#"{"client":"b","times":5}"#)?;
    same(one_token(&first.ok()?)?, one_token(&second.ok()?)?, "the token of both")?;
    stage.end(harness);
    stage.refreshes(1)
}

fn storm_of_two(stage: &mut Stage<'_>) -> Done {
    let store = stage.file();
    stage.prepare(&store, 3600)?;
    let mut one = stage.ready(stage.open_on("a", &store))?;
    let mut two = stage.ready(stage.open_on("a", &store))?;
    stage.simulator.expire_access_tokens();
    let mut call = stage.call("/v1/people/me");
    call["times"] = json!(8);
    let (first, second) = (one.give("call", call.clone())?, two.give("call", call)?);
    all_status(&first.ok()?, 200)?;
    all_status(&second.ok()?, 200)?;
    stage.end(one);
    stage.end(two);
    stage.refreshes(1)
}

fn other_refreshed(stage: &mut Stage<'_>) -> Done {
    let store = stage.file();
    stage.prepare(&store, 0)?;
    let mut one = stage.ready(stage.open_on("a", &store))?;
    let mut two = stage.ready(stage.open_on("a", &store))?;
    let new = token(&mut one)?;
    same(token(&mut two)?, new, "the token of the other")?;
    event(&mut two, "token:refresh")?;
    stage.end(one);
    stage.end(two);
    stage.refreshes(1)
}

fn other_signed_in(stage: &mut Stage<'_>) -> Done {
    let store = stage.file();
    let mut late = stage.ready(stage.open_on("a", &store))?;
    no_token(&mut late, "sign_in_required")?;
    let mut early = stage.signed_in_with(stage.open_on("a", &store), 3600)?;
    same(token(&mut late)?, token(&mut early)?, "the token")?;
    stage.end(late);
    stage.end(early);
    same(stage.counters().requests, 0, "requests")
}

fn other_signed_out(stage: &mut Stage<'_>) -> Done {
    let store = stage.file();
    stage.prepare(&store, 0)?;
    let mut one = stage.ready(stage.open_on("a", &store))?;
    let mut two = stage.ready(stage.open_on("a", &store))?;
    one.ask("sign_out", r#"{"client":"a","revoke":false}"#)?;
    no_token(&mut two, "sign_in_required")?;
    stage.end(one);
    stage.end(two);
    same(stage.counters().refreshes_attempted, 0, "refreshes")
}

fn begun_anew(stage: &mut Stage<'_>) -> Done {
    let store = stage.file();
    let mut one = stage.signed_in_with(stage.open_on("a", &store), 3600)?;
    for _ in 0..3 {
        advance(&mut one, 60)?;
        one.ask("refresh", A)?;
    }
    one.ask("sign_out", r#"{"client":"a","revoke":false}"#)?;
    fs::remove_file(stage.path("session.json")).map_err(|error| error.to_string())?;
    let mut two = stage.ready(stage.open_on("a", &store))?;
    for harness in [&mut one, &mut two] {
        advance(harness, 600)?;
    }
    two.ask("adopt", stage.adopt("a", 3600)?)?;
    // It counts from another beginning.
    same(token(&mut one)?, token(&mut two)?, "the token")?;
    stage.end(one);
    stage.end(two);
    stage.refreshes(3)
}

fn begun_anew_alike(stage: &mut Stage<'_>) -> Done {
    let store = stage.file();
    let mut one = stage.signed_in_with(stage.open_on("a", &store), 3600)?;
    fs::remove_file(stage.path("session.json")).map_err(|error| error.to_string())?;
    let mut two = stage.ready(stage.open_on("a", &store))?;
    for harness in [&mut one, &mut two] {
        advance(harness, 600)?;
    }
    two.ask("adopt", stage.adopt("a", 3600)?)?;
    for harness in [&mut one, &mut two] {
        advance(harness, 3600)?;
    }
    // The refresh of the first one is one of the later session.
    same(token(&mut one)?, token(&mut two)?, "the token")?;
    stage.end(one);
    stage.end(two);
    stage.refreshes(1)
}

fn lock_held(stage: &mut Stage<'_>) -> Done {
    let store = stage.file();
    let ours = FileStore::new(stage.path("session.json"));
    // The clock jumps during the refresh: not beyond its time, after which it would be taken for lost.
    let mut open = stage.open_on("a", &store);
    open["config"]["request_timeout"] = json!(600_000);
    let mut harness = stage.signed_in_with(open, 1000)?;
    let old = token(&mut harness)?;
    let held = ours.try_lock().map_err(|error| error.to_string())?;
    check(held.is_some(), "the lock is not free")?;
    advance(&mut harness, 901)?;
    same(token(&mut harness)?, old.clone(), "the token while it lives")?;
    advance(&mut harness, 100)?;
    let waiting = callers(&mut harness, 3)?;
    std::thread::sleep(std::time::Duration::from_millis(400));
    same(stage.counters().refreshes_attempted, 0, "refreshes while the lock is held elsewhere")?;
    drop(held);
    check(one_token(&waiting.ok()?)? != old, "the old token")?;
    stage.end(harness);
    stage.refreshes(1)
}

fn lock_taken(stage: &mut Stage<'_>) -> Done {
    let store = stage.file();
    let ours = FileStore::new(stage.path("session.json"));
    let mut harness = stage.signed_in_with(stage.open_on("a", &store), 0)?;
    stage.simulator.fault(Fault::hold().on_grant(REFRESH));
    let waiting = callers(&mut harness, 1)?;
    stage.seen(Endpoint::AccessToken, 1)?;
    let held = ours.try_lock().map_err(|error| error.to_string())?;
    check(held.is_none(), "the lock is free during a refresh")?;
    stage.simulator.release();
    waiting.ok()?;
    let free = ours.lock(crate::stage::LONG);
    check(free.is_ok(), "the lock is still held after the refresh")?;
    stage.end(harness);
    stage.refreshes(1)
}

fn lock_broken(stage: &mut Stage<'_>) -> Done {
    let store = stage.file();
    fs::create_dir(stage.path("session.json.refresh-lock")).map_err(|error| error.to_string())?;
    let mut harness = stage.signed_in_with(stage.open_on("a", &store), 0)?;
    let new = one_token(&callers(&mut harness, 3)?.ok()?)?;
    event(&mut harness, "store:error")?;
    stage.end(harness);
    let mut again = stage.ready(stage.open_on("a", &store))?;
    same(token(&mut again)?, new, "the token in the store")?;
    stage.end(again);
    stage.refreshes(1)
}

fn failing(stage: &mut Stage<'_>) -> Done {
    let folder = stage.path("folder");
    let store = json!({ "file": folder.join("session.json") });
    let mut harness = stage.signed_in_with(stage.open_on("a", &store), 0)?;
    // A file stands where the folder was: nothing can be written there, not even by root.
    let aside = stage.path("aside");
    let renamed = fs::rename(&folder, &aside).and_then(|()| fs::write(&folder, b""));
    renamed.map_err(|error| format!("no harm could be done: {error}"))?;
    let new = token(&mut harness)?;
    event(&mut harness, "store:error")?;
    fs::remove_file(&folder).and_then(|()| fs::rename(&aside, &folder)).map_err(|error| error.to_string())?;
    advance(&mut harness, 60)?;
    harness.ask("refresh", A)?;
    let newer = token(&mut harness)?;
    check(new != newer, "the same token")?;
    stage.end(harness);
    let mut again = stage.ready(stage.open_on("a", &store))?;
    same(token(&mut again)?, newer, "the token in the store")?;
    stage.end(again);
    stage.refreshes(2)
}

/// `open` fails, and the file is what it was.
fn refused(stage: &mut Stage<'_>, bytes: &[u8]) -> Done {
    let path = stage.path("session.json");
    fs::write(&path, bytes).map_err(|error| error.to_string())?;
    let mut harness = stage.start()?;
    is_kind(&harness.fail("open", stage.open_on("a", &stage.file()))?, "store")?;
    stage.end(harness);
    check(fs::read(&path).is_ok_and(|found| found == bytes), "the file was changed")
}

fn damaged(stage: &mut Stage<'_>) -> Done {
    for bytes in [&b"{"[..], b"[]", b"\xff\xfe\x00", b"{\"webex_oauth\":1,\"revision\":4"] {
        refused(stage, bytes)?;
    }
    Ok(())
}

fn newer_version(stage: &mut Stage<'_>) -> Done {
    refused(stage, br#"{"webex_oauth":99,"revision":4,"anything":true}"#)
}

fn other_client(stage: &mut Stage<'_>) -> Done {
    let store = stage.file();
    stage.prepare(&store, 3600)?;
    let path = stage.path("session.json");
    let text = fs::read_to_string(&path).map_err(|error| error.to_string())?;
    refused(stage, text.replace(CLIENT_ID, "somebody-else").as_bytes())
}

fn not_ours(stage: &mut Stage<'_>) -> Done {
    left_alone(stage, "client_id", "somebody-else".into())?;
    left_alone(stage, "webex_oauth", 99.into())?;
    stage.refreshes(2)
}

/// Somebody else's session, told by one member, comes in place of the stored one.
fn left_alone(stage: &mut Stage<'_>, member: &str, value: Value) -> Done {
    let store = stage.file();
    let mut harness = stage.signed_in_with(stage.open_on("a", &store), 3600)?;
    let path = stage.path("session.json");
    let text = fs::read_to_string(&path).map_err(|error| error.to_string())?;
    let mut theirs: Value = serde_json::from_str(&text).map_err(|_| "the file is not the snapshot")?;
    (theirs[member], theirs["revision"]) = (value, 70.into());
    let theirs = theirs.to_string();
    fs::write(&path, &theirs).map_err(|error| error.to_string())?;
    // When the token has ended, a new one is had and kept in memory.
    for _ in 0..2 {
        advance(&mut harness, 3600)?;
        token(&mut harness)?;
    }
    event(&mut harness, "store:error")?;
    check(fs::read_to_string(&path).is_ok_and(|found| found == theirs), "the file was changed")?;
    // What is newest is not stored. A close that can fail says so; the others have told it by the event.
    match harness.ask("close", A) {
        Err(Trouble::Failed(why)) if why.contains("\"kind\":\"store\"") => {}
        closed => drop(closed?),
    }
    stage.end(harness);
    check(fs::read_to_string(&path).is_ok_and(|found| found == theirs), "the file was changed at the end")?;
    fs::remove_file(&path).map_err(|error| error.to_string().into())
}

/// Who clears a store ends its session, also for those who hold a copy of it in memory.
fn cleared(stage: &mut Stage<'_>) -> Done {
    let store = stage.file();
    let mut harness = stage.signed_in_with(stage.open_on("a", &store), 3600)?;
    let path = stage.path("session.json");
    fs::remove_file(&path).map_err(|error| error.to_string())?;
    is_kind(&harness.fail("refresh", A)?, "sign_in_required")?;
    no_token(&mut harness, "sign_in_required")?;
    check(!path.exists(), "the session was written into the store again")?;
    harness.ask("adopt", stage.adopt("a", 3600)?)?;
    let new = token(&mut harness)?;
    stage.end(harness);
    let mut again = stage.ready(stage.open_on("a", &store))?;
    same(token(&mut again)?, new, "the token of the new sign-in")?;
    stage.end(again);
    same(stage.counters().refreshes_attempted, 0, "refreshes")
}

fn file(stage: &mut Stage<'_>) -> Done {
    let store = json!({ "file": stage.path("new/session.json") });
    stage.prepare(&store, 3600)?;
    let folder = stage.path("new");
    let text = fs::read_to_string(folder.join("session.json")).map_err(|error| error.to_string())?;
    let snapshot: Value = serde_json::from_str(&text).map_err(|_| "the file is not the snapshot")?;
    check(snapshot["webex_oauth"] == 2 && snapshot["client_id"] == CLIENT_ID, "the file is not the snapshot")?;
    same(webex_oauth::snapshot_revision(&text).ok(), snapshot["revision"].as_u64(), "the revision")?;
    let mut names = Vec::new();
    for entry in fs::read_dir(&folder).map_err(|error| error.to_string())? {
        let entry = entry.map_err(|error| error.to_string())?;
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = entry.metadata().map_err(|error| error.to_string())?.permissions().mode() & 0o777;
            same(mode, 0o600, &format!("the mode of {:?}", entry.file_name()))?;
        }
        names.extend(entry.file_name().into_string());
    }
    names.retain(|name| !["session.json", "session.json.lock", "session.json.refresh-lock"].contains(&name.as_str()));
    same(names, Vec::new(), "what else lies there")?;
    let mut harness = stage.ready(stage.open_on("b", &store))?;
    one_token(&harness.ask("token", B)?)?;
    stage.end(harness);
    Ok(())
}
