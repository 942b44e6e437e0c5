//! Schedules with device logins.

use super::{Dice, ways};
use crate::coordinator::simulation::world::{Device, Step, World};

/// An eighth of all schedules, none of which has logins in browsers.
pub(super) fn has_some(seed: u64) -> bool {
    seed / 60 % 8 == 3
}

/// `None`: something else.
pub(super) fn draw(world: &World, dice: &mut Dice) -> Option<Step> {
    let n = dice.roll(world.setting.nodes);
    if !world.is_awake(n) {
        return None;
    }
    let devices = world.server.devices();
    match dice.roll(100) {
        0..8 => Some(Step::Device(n, Device::Begin)),
        8..14 if devices > 0 => Some(Step::Device(n, Device::Agree(dice.roll(devices)))),
        14 if devices > 0 => Some(Step::Device(n, Device::Refuse(dice.roll(devices)))),
        // A poll is due five seconds after the last one.
        15..30 => Some(Step::Pass),
        30..50 if world.jobs(n) > 0 => {
            let at = dice.roll(world.jobs(n));
            let ways = ways(world, n, at);
            Some(Step::Job(n, at, ways[dice.roll(ways.len())]))
        }
        _ => None,
    }
}
