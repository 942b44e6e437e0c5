//! Any sequence of moves, four bytes each; see `tests/machine/walk.rs` for what is checked after each.
#![no_main]

#[allow(dead_code)]
#[path = "../../tests/machine/kit.rs"]
mod kit;
#[path = "../../tests/machine/walk.rs"]
mod walk;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((config, moves)) = data.split_first() else { return };
    let moves: Vec<walk::Move> = moves.chunks_exact(4).take(100).filter_map(|chunk| chunk.try_into().ok()).collect();
    walk::walk(*config, &moves);
});
