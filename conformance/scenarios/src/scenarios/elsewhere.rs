//! What another process does meanwhile, on the same store.

use serde_json::json;
use webex_oauth_simulator::{Decision, Endpoint, Fault};

use super::{Scenario, scenario};
use crate::harness::Harness;
use crate::stage::{
    A, Done, REFRESH, Stage, advance, all_fail, all_status, begin_login, callers, check, complete, no_token, one_token,
    phase, same, token,
};

pub(super) const SCENARIOS: &[Scenario] = &[
    scenario!("elsewhere-herd", "20 callers after a sign-in elsewhere: its token for all, without a request", herd),
    scenario!("elsewhere-refresh", "refresh() after a sign-in elsewhere: its tokens, and then others", refresh),
    scenario!("elsewhere-user-token", "a narrow token after a sign-in elsewhere: of that session", user_token),
    scenario!("elsewhere-good-token", "down here, renewed there: the token from there, not `unavailable`", good_token),
    scenario!("elsewhere-renewed-before-401", "refused here, renewed there: the token from there", renewed_before_401),
    scenario!("elsewhere-signed-out", "a sign-out there during a renewal here: it does not come back", signed_out),
    scenario!("elsewhere-signed-in", "a sign-in there during a renewal here: it stays", signed_in),
    scenario!("elsewhere-callbacks-crossed", "two logins of two processes, each completed by the other", crossed),
    scenario!("elsewhere-killed", "killed at four moments of a renewal: the next process goes on", killed),
];

fn herd(stage: &mut Stage<'_>) -> Done {
    let store = stage.file();
    let mut late = stage.ready(stage.open_on("a", &store))?;
    let mut early = stage.signed_in_with(stage.open_on("a", &store), 3600)?;
    same(one_token(&callers(&mut late, 20)?.ok()?)?, token(&mut early)?, "the token")?;
    stage.end(late);
    stage.end(early);
    same(stage.counters().requests, 0, "requests")
}

fn refresh(stage: &mut Stage<'_>) -> Done {
    let store = stage.file();
    let mut late = stage.ready(stage.open_on("a", &store))?;
    let mut early = stage.signed_in_with(stage.open_on("a", &store), 3600)?;
    let theirs = token(&mut early)?;
    // Other tokens than this one had are what was asked for.
    late.ask("refresh", A)?;
    same(token(&mut late)?, theirs.clone(), "the token")?;
    late.ask("refresh", A)?;
    check(token(&mut late)? != theirs, "the old token after a second refresh()")?;
    stage.end(late);
    stage.end(early);
    stage.refreshes(1)
}

fn user_token(stage: &mut Stage<'_>) -> Done {
    let store = stage.file();
    let mut late = stage.ready(stage.open_on("a", &store))?;
    let mut early = stage.signed_in_with(stage.open_on("a", &store), 3600)?;
    let narrow = json!({ "client": "a", "scope": "spark:people_read", "times": 5 });
    let found = one_token(&late.ask("user_token", narrow)?)?;
    check(found != token(&mut early)?, "the wide token")?;
    stage.keep_secret(&found);
    stage.end(late);
    stage.end(early);
    same(stage.counters().requests, 1, "requests")
}

fn good_token(stage: &mut Stage<'_>) -> Done {
    let store = stage.file();
    stage.prepare(&store, 0)?;
    let mut one = stage.ready(stage.open_on("a", &store))?;
    stage.simulator.fault(Fault::status(503).on_grant(REFRESH));
    no_token(&mut one, "unavailable")?;
    let mut two = stage.ready(stage.open_on("a", &store))?;
    // The backoff of the one was stored: the other comes after it.
    advance(&mut two, 60)?;
    let good = token(&mut two)?;
    same(token(&mut one)?, good, "the token")?;
    stage.end(one);
    stage.end(two);
    stage.refreshes(2)
}

fn renewed_before_401(stage: &mut Stage<'_>) -> Done {
    let store = stage.file();
    stage.prepare(&store, 3600)?;
    let mut one = stage.ready(stage.open_on("a", &store))?;
    let mut two = stage.ready(stage.open_on("a", &store))?;
    let old = token(&mut one)?;
    two.ask("refresh", A)?;
    let new = token(&mut two)?;
    // To the one the old token still looks good: the server refuses it.
    stage.simulator.revoke(&old);
    all_status(&one.ask("call", stage.call("/v1/people/me"))?, 200)?;
    same(token(&mut one)?, new, "the token")?;
    stage.end(one);
    stage.end(two);
    stage.refreshes(1)
}

/// A renewal that is out at the one process, and another process.
fn out_at_one(stage: &mut Stage<'_>) -> Done<(Harness, crate::harness::Pending, Harness)> {
    let store = stage.file();
    stage.prepare(&store, 0)?;
    let mut one = stage.ready(stage.open_on("a", &store))?;
    let two = stage.ready(stage.open_on("a", &store))?;
    stage.simulator.fault(Fault::hold().on_grant(REFRESH));
    let waiting = callers(&mut one, 3)?;
    stage.seen(Endpoint::AccessToken, 1)?;
    Ok((one, waiting, two))
}

fn signed_out(stage: &mut Stage<'_>) -> Done {
    let (mut one, waiting, mut two) = out_at_one(stage)?;
    two.ask("sign_out", r#"{"client":"a","revoke":false}"#)?;
    stage.simulator.release();
    all_fail(&waiting.ok()?, "sign_in_required")?;
    no_token(&mut one, "sign_in_required")?;
    no_token(&mut two, "sign_in_required")?;
    stage.end(one);
    stage.end(two);
    let mut next = stage.ready(stage.open_on("a", &stage.file()))?;
    phase(&mut next, "signed_out")?;
    stage.end(next);
    stage.refreshes(1)
}

fn signed_in(stage: &mut Stage<'_>) -> Done {
    let (mut one, waiting, mut two) = out_at_one(stage)?;
    two.ask("adopt", stage.adopt("a", 3600)?)?;
    let theirs = token(&mut two)?;
    stage.simulator.release();
    same(one_token(&waiting.ok()?)?, theirs.clone(), "the token of those who waited")?;
    same(token(&mut one)?, theirs.clone(), "the token of the one")?;
    stage.end(one);
    stage.end(two);
    let mut next = stage.ready(stage.open_on("a", &stage.file()))?;
    same(token(&mut next)?, theirs, "the token in the store")?;
    stage.end(next);
    stage.refreshes(1)
}

fn crossed(stage: &mut Stage<'_>) -> Done {
    let store = stage.file();
    let mut one = stage.ready(stage.open_on("a", &store))?;
    let mut two = stage.ready(stage.open_on("a", &store))?;
    let (first, second) = (begin_login(&mut one)?, begin_login(&mut two)?);
    let first = stage.simulator.visit(&first, Decision::Accept)?;
    let second = stage.simulator.visit(&second, Decision::Accept)?;
    two.ask("complete_login", complete(&first))?;
    one.ask("complete_login", complete(&second))?;
    let last = token(&mut one)?;
    check(token(&mut two)? != last, "the token of the one that was completed first lives on where it was handed out")?;
    stage.end(one);
    stage.end(two);
    let mut next = stage.ready(stage.open_on("a", &store))?;
    same(token(&mut next)?, last, "the token in the store")?;
    stage.end(next);
    same(stage.counters().grants_succeeded, 2, "grants")
}

/// At a server that takes a refresh token that is spent once more for a minute, as those have to that rotate at all: of a
/// process that dies between the server's rotation and its own disk nothing else can be said.
fn killed(stage: &mut Stage<'_>) -> Done {
    stage.simulator.configure(|options| options.reuse_grace_ms = 60_000);
    let store = stage.file();
    stage.prepare(&store, 0)?;
    // Who comes after a process that was killed waits for as long as its request may still be under way.
    let mut open = stage.open_on("a", &store);
    open["config"]["request_timeout"] = json!(1000);
    let mut ahead = 0;
    for millis in [1, 8, 20, 60] {
        let mut first = stage.ready(open.clone())?;
        advance(&mut first, ahead)?;
        callers(&mut first, 3)?;
        std::thread::sleep(std::time::Duration::from_millis(millis));
        first.kill();
        let mut second = stage.ready(open.clone())?;
        advance(&mut second, ahead)?;
        one_token(&callers(&mut second, 3)?.ok()?)?;
        all_status(&second.ask("call", stage.call("/v1/people/me"))?, 200)?;
        stage.end(second);
        ahead += 15 * 86_400;
    }
    same(stage.counters().reuse_detected, 0, "retired refresh tokens that came back")
}
