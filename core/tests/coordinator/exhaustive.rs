//! All short schedules: few kinds of steps to a good depth, all kinds of them to a smaller one.

use super::server::Policy;
use super::walk::ways;
use super::world::{How, Setting, Step, World};

/// What may come next, of the steps that matter to who spends a refresh token.
fn narrow(world: &World) -> Vec<Step> {
    let mut steps = vec![Step::Pass];
    for n in 0..world.setting.nodes {
        if !world.is_up(n) {
            steps.push(Step::Start(n));
            continue;
        }
        if world.jobs(n) > 0 {
            steps.extend([How::Ok, How::Lost].map(|how| Step::Job(n, 0, how)));
            steps.push(Step::Crash(n));
        }
        if world.waiting(n) == 0 {
            steps.push(Step::Refresh(n));
        }
    }
    steps
}

/// What may come next: every end of every job, and everything that a caller or a process does.
fn wide(world: &World) -> Vec<Step> {
    let mut steps = vec![Step::Pass];
    for n in 0..world.setting.nodes {
        if !world.is_up(n) {
            steps.push(Step::Start(n));
            continue;
        }
        for at in 0..world.jobs(n) {
            let mut ends = ways(world, n, at).to_vec();
            ends.dedup();
            steps.extend(ends.into_iter().map(|how| Step::Job(n, at, how)));
        }
        steps.extend([Step::Token(n), Step::Close(n), Step::Crash(n)]);
        steps.push(if world.waiting(n) == 0 { Step::Refresh(n) } else { Step::GiveUp(n) });
    }
    if world.has_delayed() {
        steps.push(Step::Delayed);
    }
    steps
}

/// All schedules of this length. The number of them.
fn all_from(world: &World, of: fn(&World) -> Vec<Step>, depth: u32, taken: &mut Vec<Step>) -> Result<u64, String> {
    if depth == 0 {
        return Ok(1);
    }
    let mut schedules = 0;
    for step in of(world) {
        let mut next = world.clone();
        taken.push(step);
        next.step(step).map_err(|problem| format!("{taken:?}: {problem}"))?;
        schedules += all_from(&next, of, depth - 1, taken)?;
        taken.pop();
    }
    Ok(schedules)
}

/// The servers on a thread each, from where the token has expired.
fn all_keep_every_rule(of: fn(&World) -> Vec<Step>, lock: bool, depth: u32) {
    let all_at = |policy| {
        let mut world = World::new(Setting { nodes: 2, policy, lock, broken: None, gentle: false });
        world.step(Step::Expire).unwrap();
        all_from(&world, of, depth, &mut Vec::new())
    };
    let found = std::thread::scope(|scope| {
        let threads = [Policy::Strict, Policy::Grace].map(|policy| (policy, scope.spawn(move || all_at(policy))));
        threads.map(|(policy, thread)| (policy, thread.join().unwrap()))
    });
    for (policy, schedules) in found {
        let schedules = schedules.unwrap_or_else(|broken| panic!("{policy:?}: {broken}"));
        println!("{policy:?}: {schedules} schedules of {depth} steps, every rule kept");
        assert!(schedules > 1_000);
    }
}

fn variable(name: &str, default: u32) -> u32 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

#[test]
fn all_short_schedules_keep_every_rule() {
    all_keep_every_rule(narrow, false, variable("DEPTH", 5));
}

#[test]
fn all_short_schedules_of_everything_keep_every_rule() {
    let depth = variable("WIDE_DEPTH", 3);
    all_keep_every_rule(wide, false, depth);
    all_keep_every_rule(wide, true, depth);
}
