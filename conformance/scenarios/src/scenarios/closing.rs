//! The end of a client, and of those who wait for it.

use serde_json::json;
use webex_oauth_simulator::{Endpoint, Fault};

use super::{Scenario, scenario};
use crate::stage::{A, Done, REFRESH, Stage, all_fail, callers, check, is_kind, one_token, phase, same, token};

pub(super) const SCENARIOS: &[Scenario] = &[
    scenario!("closing-waiters", "who waits for a token is told that the client is closed", waiters),
    scenario!("closing-keeps-the-answer", "a refresh under way is still stored", keeps_the_answer),
    scenario!("closing-for-good", "a closed client gives out nothing and asks for nothing", for_good),
    scenario!("closing-patience", "a caller waits no longer than it was told to; the refresh goes on", patience),
    scenario!("closing-cancel-one", "one caller that gives up changes nothing for the others", cancel_one),
];

fn waiters(stage: &mut Stage<'_>) -> Done {
    let mut harness = stage.signed_in(0)?;
    stage.simulator.fault(Fault::hold().on_grant(REFRESH));
    let waiting = callers(&mut harness, 5)?;
    stage.seen(Endpoint::AccessToken, 1)?;
    let closing = harness.give("close", A)?;
    all_fail(&waiting.ok()?, "closed")?;
    stage.simulator.release();
    closing.ok()?;
    stage.end(harness);
    stage.refreshes(1)
}

fn keeps_the_answer(stage: &mut Stage<'_>) -> Done {
    let store = stage.file();
    let mut first = stage.signed_in_with(stage.open_on("a", &store), 0)?;
    stage.simulator.fault(Fault::hold().on_grant(REFRESH));
    callers(&mut first, 1)?;
    stage.seen(Endpoint::AccessToken, 1)?;
    let closing = first.give("close", A)?;
    stage.simulator.release();
    closing.ok()?;
    stage.end(first);
    let mut second = stage.ready(stage.open_on("a", &store))?;
    token(&mut second)?;
    stage.end(second);
    stage.refreshes(1)
}

fn for_good(stage: &mut Stage<'_>) -> Done {
    let mut harness = stage.signed_in(0)?;
    harness.ask("close", A)?;
    all_fail(&harness.ask("token", A)?, "closed")?;
    all_fail(&harness.ask("call", stage.call("/v1/people/me"))?, "closed")?;
    is_kind(&harness.fail("refresh", A)?, "closed")?;
    is_kind(&harness.fail("login_device", A)?, "closed")?;
    harness.ask("close", A)?;
    stage.end(harness);
    same(stage.counters().requests, 0, "requests")
}

fn patience(stage: &mut Stage<'_>) -> Done {
    let mut open = stage.open("a");
    open["patience"] = json!(1000);
    let mut harness = stage.signed_in_with(open, 0)?;
    stage.simulator.fault(Fault::hold().on_grant(REFRESH));
    all_fail(&callers(&mut harness, 5)?.ok()?, "timeout")?;
    // On a busy machine a patience may end before the request has arrived: then there is nothing to release.
    stage.seen(Endpoint::AccessToken, 1)?;
    stage.simulator.release();
    crate::stage::event(&mut harness, "token:refresh")?;
    token(&mut harness)?;
    phase(&mut harness, "signed_in")?;
    stage.end(harness);
    stage.refreshes(1)
}

fn cancel_one(stage: &mut Stage<'_>) -> Done {
    let mut harness = stage.signed_in(0)?;
    stage.simulator.fault(Fault::hold().on_grant(REFRESH));
    let first = callers(&mut harness, 1)?;
    stage.seen(Endpoint::AccessToken, 1)?;
    let others = callers(&mut harness, 5)?;
    harness.ask("cancel", json!({ "of": first.id }))?;
    is_kind(&first.error()?, "cancelled")?;
    stage.simulator.release();
    one_token(&others.ok()?)?;
    stage.end(harness);
    check(stage.counters().refreshes_attempted == 1, "the refresh was given up with the caller")
}
