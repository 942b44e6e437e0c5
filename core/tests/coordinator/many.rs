//! Fifty nodes on one session: clocks that differ by up to an hour, a store that delays, fails and fails over.

use super::server::Policy;
use super::walk::{Dice, aloud, browsers, wander, ways};
use super::world::{Setting, Step, World};

const NODES: usize = 50;
const STEPS: usize = 2_000;

/// A service in its work: jobs end in any order, callers come everywhere, and now and then something breaks.
fn draw(world: &World, dice: &mut Dice) -> Step {
    let n = dice.roll(NODES);
    if !world.is_up(n) {
        return Step::Start(n);
    }
    if !world.is_awake(n) {
        return Step::Resume(n);
    }
    let busy: Vec<usize> = (0..NODES).filter(|n| world.is_awake(*n) && world.jobs(*n) > 0).collect();
    match dice.roll(1_000) {
        0..700 if !busy.is_empty() => {
            let n = busy[dice.roll(busy.len())];
            let at = dice.roll(world.jobs(n));
            let ways = ways(world, n, at);
            Step::Job(n, at, ways[dice.roll(ways.len())])
        }
        700..800 => Step::Token(n),
        800..830 => Step::Refresh(n),
        830..850 => Step::Rejected(n),
        850..870 => Step::Expire,
        870..875 if !world.setting.gentle => Step::FailOver,
        875..880 if !world.is_down() => Step::StoreDown,
        875..910 if world.is_down() => Step::StoreUp,
        910..915 => Step::SetClock(n, dice.roll(2) == 0),
        915..920 if !world.setting.gentle => Step::Crash(n),
        920..923 if !world.setting.gentle => Step::Suspend(n),
        923..926 if !world.setting.gentle => Step::Fork(n),
        926 => Step::SignIn(n),
        927 if dice.roll(4) == 0 => Step::SignOut(n),
        928 if world.has_delayed() => Step::Delayed,
        _ if !world.is_signed_in() && dice.roll(20) == 0 => Step::SignIn(n),
        _ => Step::Pass,
    }
}

#[test]
fn fifty_nodes_on_one_session_keep_every_rule() {
    let schedules: u64 = std::env::var("MANY").ok().and_then(|text| text.parse().ok()).unwrap_or(20);
    let (mut resolved, mut rotations, mut logins) = (0, 0, 0);
    let first: u64 = std::env::var("SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(0);
    for seed in first..first + schedules {
        let policy = if seed.is_multiple_of(2) { Policy::Strict } else { Policy::Grace };
        let lock = seed.is_multiple_of(3);
        let mut world = World::new(Setting { nodes: NODES, policy, lock, broken: None, gentle: seed % 4 < 2 });
        world.spread_clocks();
        world.aloud = aloud();
        // Every other one has logins in browsers, ten of a hundred steps.
        let has_logins = seed / 2 % 2 == 1;
        let draw = |world: &World, dice: &mut Dice| {
            let login = if has_logins { browsers::draw(world, dice, 10) } else { None };
            login.unwrap_or_else(|| draw(world, dice))
        };
        match wander(world, seed, STEPS, draw) {
            Ok(mut world) => {
                world.come_to_rest().unwrap_or_else(|problem| panic!("seed {seed}, at rest: {problem}"));
                resolved += world.resolved;
                rotations += world.server.rotations;
                logins += world.logins();
            }
            Err((steps, problem)) => panic!("seed {seed}, after {} steps: {problem}", steps.len()),
        }
    }
    println!(
        "{schedules} schedules of {STEPS} steps, {NODES} nodes: {resolved} calls answered, {rotations} rotations, {logins} logins in browsers"
    );
    let enough = resolved > 100 * schedules && rotations > 5 * schedules && logins > schedules / 4;
    assert!(enough, "they do too little: {resolved}, {rotations}, {logins}");
}
