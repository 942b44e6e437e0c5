//! Answers of a rotating server with members that nobody should write: none of its refresh tokens is lost.

use webex_oauth_simulator::{Fault, FaultKind, Raw};

use super::{Scenario, scenario};
use crate::stage::{A, Done, REFRESH, Stage, advance, event, token};

pub(super) const SCENARIOS: &[Scenario] =
    &[scenario!("refresh-odd-members", "odd members, also such as are no JSON: no refresh token is lost", odd_members)];

/// Members that nobody needs, and what stands in place of their values.
const ODD: [(&str, &str); 12] = [
    ("expires_in", "3599.5"),
    ("expires_in", "-1"),
    ("expires_in", "-"),
    ("expires_in", "\"never\""),
    ("expires_in", ""),
    ("refresh_token_expires_in", "01"),
    ("refresh_token_expires_in", "\"\""),
    ("scope", "None"),
    ("token_type", "undefined"),
    ("error", "null"),
    ("extra", "1e400"),
    ("extra", "\"\\ud800\""),
];

fn odd_members(stage: &mut Stage<'_>) -> Done {
    let mut harness = stage.signed_in(0)?;
    for (name, value) in ODD {
        let raw = Raw(value.as_bytes().to_vec());
        let kind = FaultKind::Member { name: name.to_owned(), raw, beside: false };
        stage.simulator.fault(Fault::new(kind).on_grant(REFRESH));
        advance(&mut harness, 60)?;
        harness.ask("refresh", A)?;
        token(&mut harness)?;
    }
    event(&mut harness, "response:lenient")?;
    // The last one is by the book, and goes with the refresh token that came with the odd ones.
    advance(&mut harness, 60)?;
    harness.ask("refresh", A)?;
    token(&mut harness)?;
    stage.end(harness);
    // `refreshes` sees to it that none in between was spent twice.
    stage.refreshes(ODD.len() as u64 + 1)
}
