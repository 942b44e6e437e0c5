//! Schedules with logins in browsers.

use super::{Dice, ways};
use crate::coordinator::simulation::world::{Browser, Step, World};

/// How often, of a hundred steps. Half of all schedules have none.
pub(super) fn often(seed: u64) -> Option<usize> {
    match seed / 60 % 8 {
        0..4 => None,
        // More logins at once than may wait.
        7 => Some(60),
        _ => Some(25),
    }
}

/// `None`: something else.
pub(in crate::coordinator::simulation) fn draw(world: &World, dice: &mut Dice, often: usize) -> Option<Step> {
    let n = dice.roll(world.setting.nodes);
    if !world.is_awake(n) {
        return None;
    }
    let pages = world.server.pages();
    match dice.roll(100) {
        at if at < often && pages == 0 => Some(Step::Browser(n, Browser::Begin)),
        at if at < often => {
            let k = if dice.roll(2) == 0 { pages - 1 } else { dice.roll(pages) };
            let begins = if often > 50 { 6 } else { 2 };
            let what = match dice.roll(16) {
                roll if roll < begins => Browser::Begin,
                12 => Browser::Denied(k),
                13 => Browser::GiveUp(k),
                14 => Browser::Await(k),
                _ => Browser::Back(k),
            };
            Some(Step::Browser(n, what))
        }
        // A login takes four jobs: without more of them, few would end.
        at if at < often + 15 && world.jobs(n) > 0 => {
            let at = dice.roll(world.jobs(n));
            let ways = ways(world, n, at);
            Some(Step::Job(n, at, ways[dice.roll(ways.len())]))
        }
        _ => None,
    }
}
