//! Webex's user tokens: less scope, kept and renewed beside the session's own.

use serde_json::{Value, json};
use webex_oauth_simulator::{Endpoint, Fault, TokenKind};

use super::{Scenario, scenario};
use crate::stage::{A, Done, Stage, all_fail, check, one_token, same, token};

pub(super) const SCENARIOS: &[Scenario] = &[
    scenario!("user-token-many-callers", "10 callers for one narrow token: one request, kept", many_callers),
    scenario!("user-token-renewed", "after a refresh the narrow token is another one too", renewed),
    scenario!("user-token-refused", "where it cannot be had, nobody gets the wide token instead", refused),
    scenario!("user-token-not-granted", "scope that was never granted: told, without a request", not_granted),
    scenario!("user-token-expired", "an expired session token is refreshed first", expired),
];

fn narrow(times: u32) -> Value {
    json!({ "client": "a", "scope": "spark:people_read", "times": times })
}

fn reductions(stage: &Stage<'_>) -> usize {
    let is_reduction = |grant: &Option<String>| grant.as_deref().is_some_and(|name| name.ends_with("scope-reduction"));
    stage.simulator.log().iter().filter(|entry| is_reduction(&entry.grant_type)).count()
}

fn many_callers(stage: &mut Stage<'_>) -> Done {
    let mut harness = stage.signed_in(3600)?;
    let first = one_token(&harness.ask("user_token", narrow(10))?)?;
    same(one_token(&harness.ask("user_token", narrow(1))?)?, first.clone(), "the token kept")?;
    check(first != token(&mut harness)?, "it is the session's own token")?;
    stage.keep_secret(&first);
    stage.end(harness);
    same(reductions(stage), 1, "requests for less scope")
}

fn renewed(stage: &mut Stage<'_>) -> Done {
    let mut harness = stage.signed_in(3600)?;
    let first = one_token(&harness.ask("user_token", narrow(1))?)?;
    harness.ask("refresh", A)?;
    check(one_token(&harness.ask("user_token", narrow(5))?)? != first, "the old one is still given out")?;
    stage.end(harness);
    same(reductions(stage), 2, "requests for less scope")
}

fn refused(stage: &mut Stage<'_>) -> Done {
    let mut harness = stage.signed_in(3600)?;
    stage.simulator.fault(Fault::error(400, "invalid_scope").at(Endpoint::AccessToken).always());
    all_fail(&harness.ask("user_token", narrow(3))?, "unavailable")?;
    all_fail(&harness.ask("user_token", narrow(1))?, "unavailable")?;
    token(&mut harness)?;
    stage.end(harness);
    same(reductions(stage), 1, "requests for less scope")
}

fn not_granted(stage: &mut Stage<'_>) -> Done {
    let mut harness = stage.signed_in(3600)?;
    let wide = json!({ "client": "a", "scope": "spark:people_read spark:kms" });
    all_fail(&harness.ask("user_token", wide)?, "sign_in_required")?;
    stage.end(harness);
    same(stage.counters().requests, 0, "requests")
}

fn expired(stage: &mut Stage<'_>) -> Done {
    let mut harness = stage.signed_in(0)?;
    one_token(&harness.ask("user_token", narrow(5))?)?;
    stage.end(harness);
    let log = stage.simulator.log();
    let presented = log.iter().filter_map(|entry| entry.presented.as_ref()).map(|token| token.kind);
    same(presented.collect::<Vec<_>>(), vec![TokenKind::Refresh, TokenKind::Access], "what was presented")
}
