//! All short schedules: few kinds of steps to a good depth, all kinds of them to a smaller one.

use super::server::Policy;
use super::walk::ways;
use super::world::{Browser, How, Setting, Step, World};

/// A node that is down starts; one with something under way gets on with it, or crashes.
fn of_its_work(world: &World, n: usize) -> Vec<Step> {
    if !world.is_up(n) {
        return vec![Step::Start(n)];
    }
    if world.jobs(n) == 0 {
        return Vec::new();
    }
    vec![Step::Job(n, 0, How::Ok), Step::Job(n, 0, How::Lost), Step::Crash(n)]
}

/// What may come next, of the steps that matter to who spends a refresh token.
fn narrow(world: &World) -> Vec<Step> {
    let mut steps = vec![Step::Pass];
    for n in 0..world.setting.nodes {
        steps.extend(of_its_work(world, n));
        if world.is_up(n) && world.waiting(n) == 0 {
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

/// What may come next, of the steps that matter to who redeems a code: one callback at any node, and again.
fn logins(world: &World) -> Vec<Step> {
    let mut steps = vec![Step::Pass];
    for n in 0..world.setting.nodes {
        steps.extend(of_its_work(world, n));
        if world.is_up(n) && world.waiting(n) < 2 {
            steps.push(Step::Browser(n, Browser::Back(0)));
        }
    }
    steps.push(Step::Browser(1, Browser::GiveUp(0)));
    steps.into_iter().filter(|step| world.makes_sense(*step)).collect()
}

/// The schedules that are looked at.
struct Steps {
    first: Vec<Step>,
    next: fn(&World) -> Vec<Step>,
    come_to_rest: bool,
    lock: bool,
}

/// All schedules of this length. The number of them.
fn all_from(world: &World, of: &Steps, depth: u32, taken: &mut Vec<Step>) -> Result<u64, String> {
    if depth == 0 {
        if of.come_to_rest {
            world.clone().come_to_rest().map_err(|problem| format!("{taken:?}, at rest: {problem}"))?;
        }
        return Ok(1);
    }
    let mut schedules = 0;
    for step in (of.next)(world) {
        let mut next = world.clone();
        taken.push(step);
        next.step(step).map_err(|problem| format!("{taken:?}: {problem}"))?;
        schedules += all_from(&next, of, depth - 1, taken)?;
        taken.pop();
    }
    Ok(schedules)
}

/// The servers on a thread each, from where these steps lead.
fn all_keep_every_rule(steps: &Steps, depth: u32) {
    let all_at = |policy| {
        let mut world = World::new(Setting { nodes: 2, policy, lock: steps.lock, broken: None, gentle: false });
        steps.first.iter().for_each(|step| world.step(*step).unwrap());
        all_from(&world, steps, depth, &mut Vec::new())
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

fn where_the_token_has_expired(next: fn(&World) -> Vec<Step>, lock: bool) -> Steps {
    Steps { first: vec![Step::Expire], next, come_to_rest: false, lock }
}

#[test]
fn all_short_schedules_keep_every_rule() {
    all_keep_every_rule(&where_the_token_has_expired(narrow, false), variable("DEPTH", 5));
}

#[test]
fn all_short_schedules_of_everything_keep_every_rule() {
    let depth = variable("WIDE_DEPTH", 3);
    all_keep_every_rule(&where_the_token_has_expired(wide, false), depth);
    all_keep_every_rule(&where_the_token_has_expired(wide, true), depth);
}

/// The page of a login is open, and both nodes know of it or only one.
#[test]
fn all_short_schedules_of_a_login_keep_every_rule() {
    let depth = variable("LOGIN_DEPTH", 4);
    let open = vec![Step::Browser(0, Browser::Begin), Step::Job(0, 0, How::Ok)];
    let seen = [&open[..], &[Step::Look(1), Step::Job(1, 0, How::Ok)]].concat();
    for first in [open, seen] {
        all_keep_every_rule(&Steps { first, next: logins, come_to_rest: true, lock: false }, depth);
    }
}
