//! The list. An id is never used for anything else again.

mod calls;
mod closing;
mod elsewhere;
mod killed;
mod logins;
mod odd;
mod proxies;
mod races;
mod refresh;
mod services;
mod sign_out;
mod stores;
mod tabs;
mod urls;
mod user_tokens;
mod wire;
mod wire_table;

use crate::stage::{Done, Stage};

/// One scenario.
#[derive(Clone, Copy)]
pub(crate) struct Scenario {
    /// `group-what`.
    pub(crate) id: &'static str,
    /// What has to be true.
    pub(crate) about: &'static str,
    pub(crate) run: fn(&mut Stage<'_>) -> Done,
}

const SCENARIOS: &[&[Scenario]] = &[
    refresh::SCENARIOS,
    odd::SCENARIOS,
    calls::SCENARIOS,
    user_tokens::SCENARIOS,
    stores::SCENARIOS,
    killed::SCENARIOS,
    logins::SCENARIOS,
    tabs::SCENARIOS,
    sign_out::SCENARIOS,
    closing::SCENARIOS,
    races::SCENARIOS,
    elsewhere::SCENARIOS,
    services::SCENARIOS,
    urls::SCENARIOS,
    proxies::SCENARIOS,
];

pub(crate) fn all() -> Vec<Scenario> {
    SCENARIOS.iter().copied().flatten().copied().chain(wire::scenarios()).collect()
}

/// A scenario, written as a function whose comment is the other half.
macro_rules! scenario {
    ($id:literal, $about:literal, $run:path) => {
        $crate::scenarios::Scenario { id: $id, about: $about, run: $run }
    };
}
pub(crate) use scenario;
