//! Many long schedules, drawn by seeds.

pub(super) mod browsers;
mod devices;

use super::server::Policy;
use super::world::{How, Setting, Step, World};
use crate::coordinator::Op;

/// Xorshift: a seed is a schedule.
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from((self.0 >> 20) % sides as u64).unwrap()
    }
}

/// How a job may end.
pub(super) fn ways(world: &World, n: usize, at: usize) -> &'static [How] {
    let gentle = world.setting.gentle;
    if world.has_mail(n, at) {
        return &[How::Ok];
    }
    match world.op(n, at) {
        Some(Op::Save { .. }) => &[How::Ok, How::Ok, How::Fails, How::Lost, How::Later, How::Garbage, How::Twice],
        Some(Op::Load) => &[How::Ok, How::Ok, How::Ok, How::Fails, How::Garbage, How::Twice],
        Some(Op::TryLock) => &[How::Ok, How::Ok, How::Fails, How::Garbage],
        Some(Op::Send { .. }) if gentle => &[How::Ok, How::Ok, How::Processed, How::Fails, How::Busy, How::Twice],
        Some(Op::Send { .. }) => &[How::Ok, How::Processed, How::Fails, How::Lost, How::Busy, How::Garbage],
        Some(_) | None => &[How::Ok],
    }
}

fn draw(world: &World, dice: &mut Dice) -> Step {
    let n = dice.roll(world.setting.nodes);
    let gentle = world.setting.gentle;
    if !world.is_up(n) {
        return Step::Start(n);
    }
    if !world.is_awake(n) {
        return if dice.roll(3) == 0 { Step::Resume(n) } else { Step::Pass };
    }
    let jobs = world.jobs(n);
    match dice.roll(100) {
        0..45 if jobs > 0 => {
            let at = dice.roll(jobs);
            let ways = ways(world, n, at);
            Step::Job(n, at, ways[dice.roll(ways.len())])
        }
        0..62 => Step::Pass,
        62..70 => Step::Token(n),
        70..75 => Step::Refresh(n),
        75..79 => Step::Rejected(n),
        79..82 => Step::Expire,
        82 => Step::Look(n),
        83 => Step::SignIn(n),
        84 => Step::SignOut(n),
        85 => Step::Close(n),
        86 => Step::GiveUp(n),
        87 | 88 if !gentle => Step::Crash(n),
        89 if !gentle => Step::Fork(n),
        90 if !gentle => Step::Suspend(n),
        91 => Step::SetClock(n, dice.roll(2) == 0),
        92 | 93 if world.has_delayed() => Step::Delayed,
        94 => Step::Delete,
        95 | 96 => {
            if world.is_down() {
                Step::StoreUp
            } else {
                Step::StoreDown
            }
        }
        97..100 if world.is_down() => Step::StoreUp,
        _ => Step::Token(n),
    }
}

fn setting(seed: u64) -> Setting {
    Setting {
        nodes: if seed.is_multiple_of(3) { 3 } else { 2 },
        policy: if seed.is_multiple_of(2) { Policy::Strict } else { Policy::Grace },
        lock: seed.is_multiple_of(5),
        broken: None,
        gentle: seed % 4 < 2,
    }
}

/// A world as it begins: made once for each setting.
fn beginning(worlds: &mut Vec<World>, setting: Setting) -> World {
    if let Some(world) = worlds.iter().find(|world| world.setting == setting) {
        return world.clone();
    }
    worlds.push(World::new(setting));
    World::new(setting)
}

/// One schedule. `Err`: the steps, and what they broke.
fn walk(worlds: &mut Vec<World>, seed: u64, steps: usize) -> Result<World, (Vec<Step>, String)> {
    let world = beginning(worlds, setting(seed));
    match browsers::often(seed) {
        None if devices::has_some(seed) => {
            wander(world, seed, steps, |world, dice| devices::draw(world, dice).unwrap_or_else(|| draw(world, dice)))
        }
        None => wander(world, seed, steps, draw),
        Some(often) => wander(world, seed, steps, |world, dice| {
            browsers::draw(world, dice, often).unwrap_or_else(|| draw(world, dice))
        }),
    }
}

/// So many steps from there. `Err`: the steps, and what they broke.
pub(super) fn wander(
    mut world: World,
    seed: u64,
    steps: usize,
    draw: impl Fn(&World, &mut Dice) -> Step,
) -> Result<World, (Vec<Step>, String)> {
    let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let mut taken = Vec::with_capacity(steps);
    for _ in 0..steps {
        let step = draw(&world, &mut dice);
        taken.push(step);
        if world.aloud {
            println!("{step:?}");
        }
        if let Err(problem) = world.step(step) {
            return Err((taken, problem));
        }
    }
    let has_logins = browsers::often(seed).is_some() || devices::has_some(seed);
    if (seed.is_multiple_of(4) || seed % 4 == 3 && has_logins)
        && let Err(problem) = world.come_to_rest()
    {
        return Err((taken, format!("at rest: {problem}")));
    }
    Ok(world)
}

/// With `ALOUD=1` what comes out of each step is printed.
pub(super) fn aloud() -> bool {
    std::env::var("ALOUD").is_ok()
}

/// A program of steps. Steps that make no sense any longer are left out.
pub(super) fn play(setting: Setting, steps: &[Step], rest: bool) -> Result<World, String> {
    let mut world = World::new(setting);
    world.aloud = aloud();
    for step in steps {
        if world.makes_sense(*step) {
            if world.aloud {
                println!("{step:?}");
            }
            world.step(*step)?;
        }
    }
    if rest {
        world.come_to_rest()?;
    }
    Ok(world)
}

/// The same schedule with all steps left out that the fault does not need.
fn shrink(setting: Setting, mut steps: Vec<Step>) -> (Vec<Step>, String) {
    let mut problem = play(setting, &steps, true).err().unwrap_or_default();
    let mut at = steps.len();
    while at > 0 {
        at -= 1;
        let mut fewer = steps.clone();
        fewer.remove(at);
        if let Err(still) = play(setting, &fewer, true) {
            (steps, problem) = (fewer, still);
        }
    }
    (steps, problem)
}

/// Calls answered, renewals, and logins in browsers and on devices that ended well.
type Walked = Result<[u64; 4], (Vec<Step>, String)>;

fn add(sums: &mut [u64; 4], more: [u64; 4]) {
    sums.iter_mut().zip(more).for_each(|(sum, more)| *sum += more);
}

/// Walks them on two threads: sums of those that went well, and the first that did not.
fn all(seeds: std::ops::Range<u64>) -> Vec<(u64, Walked)> {
    const THREADS: u64 = 2;
    let part = |seeds: std::ops::Range<u64>, of: u64| {
        let (mut sums, mut worlds) = ([0; 4], Vec::new());
        for seed in seeds.clone().filter(|seed| seed % THREADS == of) {
            match walk(&mut worlds, seed, 40) {
                Ok(world) => {
                    let logins = [world.logins(), world.device_logins()];
                    add(&mut sums, [world.resolved, world.server.rotations, logins[0], logins[1]]);
                }
                Err(failure) => return (seed, Err(failure)),
            }
        }
        (seeds.end, Ok(sums))
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|of| {
                let seeds = seeds.clone();
                scope.spawn(move || part(seeds, of))
            })
            .collect();
        threads.into_iter().filter_map(|thread| thread.join().ok()).collect()
    })
}

#[test]
fn many_random_schedules_keep_every_rule() {
    let seeds: u64 = std::env::var("SCHEDULES").ok().and_then(|text| text.parse().ok()).unwrap_or(4_000);
    let first: u64 = std::env::var("SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(0);
    let mut sums = [0; 4];
    for (seed, walked) in all(first..first + seeds) {
        match walked {
            Ok(more) => add(&mut sums, more),
            Err((steps, problem)) => {
                let (steps, why) = shrink(setting(seed), steps);
                if aloud() {
                    println!("-----");
                    let _ = play(setting(seed), &steps, true);
                }
                let program: Vec<String> = steps.iter().map(|step| format!("    Step::{step:?},")).collect();
                panic!(
                    "seed {seed} ({:?}):\n{}\n=> {problem}",
                    setting(seed),
                    program.join("\n") + &format!("\n=> {why}\nbefore it was shortened")
                );
            }
        }
    }
    let [resolved, rotations, logins, devices] = sums;
    println!(
        "{seeds} schedules of 40 steps: {resolved} calls answered, {rotations} rotations, {logins} logins in browsers, \
         {devices} on devices, every rule kept"
    );
    let enough = resolved > seeds && rotations > seeds / 4 && logins > seeds / 20 && devices > seeds / 200;
    assert!(enough, "the schedules do too little: {resolved}, {rotations}, {logins}, {devices}");
}

/// Looks for the shortest program that a coordinator without a rule fails at: for `named.rs`.
#[test]
#[ignore = "a tool: RULES=20000 cargo test -p webex-oauth --lib find_programs -- --ignored --nocapture"]
fn find_programs() {
    use crate::coordinator::rules::Rule;
    let most: u64 = std::env::var("RULES").ok().and_then(|text| text.parse().ok()).unwrap_or(20_000);
    for rule in [
        Rule::StoredBeforeUsed,
        Rule::DeletedStaysDeleted,
        Rule::ResultIsSavedAgain,
        Rule::JobsHaveLimits,
        Rule::UnbrokenObservation,
        Rule::SendWindow,
        Rule::CloseAwaitsWhatWasSent,
        Rule::RenewalsAreSpaced,
    ] {
        let mut worlds = Vec::new();
        let found = (0..most).find_map(|seed| {
            let setting = Setting { broken: Some(rule), ..setting(seed) };
            let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
            let mut world = beginning(&mut worlds, setting);
            let mut taken = Vec::new();
            for _ in 0..40 {
                let step = draw(&world, &mut dice);
                taken.push(step);
                if world.step(step).is_err() {
                    return Some((setting, taken));
                }
            }
            world.come_to_rest().is_err().then_some((setting, taken))
        });
        match found {
            Some((setting, steps)) => {
                let (steps, why) = shrink(setting, steps);
                let sound = play(Setting { broken: None, ..setting }, &steps, true).err();
                println!("FOUND {rule:?} {setting:?}\n  {steps:?}\n  {why}\n  sound: {sound:?}");
            }
            None => println!("FOUND nothing for {rule:?}"),
        }
    }
}
