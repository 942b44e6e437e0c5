//! Counts allocations, reads the times that `cargo bench` left, and prints both beside the peer's. It fails where a
//! goal is missed by the counts, which do not depend on the machine.

use std::alloc::System;
use std::error::Error;
use std::path::PathBuf;

use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use webex_oauth::Session;
use webex_oauth_benches::{NOW, ROUNDS, config, floor, lifecycle, peer, peer_lifecycle, restore};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

fn main() -> Result<(), Box<dyn Error>> {
    let (config, peer) = (config(), peer());
    let session = lifecycle(&config);
    let snapshot = session.snapshot();
    // Once, so that nobody pays for what is set up on first use.
    let _ = (peer_lifecycle(&peer, true), floor());

    let ours = allocations(|| lifecycle(&config));
    let theirs = allocations(|| peer_lifecycle(&peer, false));
    let theirs_stored = allocations(|| peer_lifecycle(&peer, true));
    let (least, asked) = (allocations(floor), allocations(|| session.access(NOW)));
    let restored = allocations(|| restore(&config, snapshot.expose()));
    let idle = held(|| lifecycle(&config));
    let idle_restored = held(|| Session::restore(config.clone(), snapshot.expose()));

    let (ours_times, theirs_times) = (times("lifecycle")?, times("lifecycle-oauth2")?);
    let (theirs_stored_times, least_times) = (times("lifecycle-oauth2-stores")?, times("lifecycle-floor")?);
    let (access_ns, restore_ns) = (median(&times("access")?), median(&times("restore")?));
    println!(
        "| code login, offline, with randomness |        time | allocations | time / oauth2 | allocations / oauth2 |"
    );
    println!(
        "|--------------------------------------|-------------|-------------|---------------|----------------------|"
    );
    for (name, times, count) in [
        ("webex-oauth, which also stores", &ours_times, ours),
        ("oauth2 5.0.0", &theirs_times, theirs),
        ("oauth2 5.0.0, with what one stores", &theirs_stored_times, theirs_stored),
        ("floor", &least_times, least),
    ] {
        let (ns, time_ratio) = (median(times), median(&ratios(times, &theirs_times)));
        let count_ratio = count as f64 / theirs as f64;
        println!("| {name:<36} | {:>8.2} us | {count:>11} | {time_ratio:>13.2} | {count_ratio:>20.2} |", ns / 1000.0);
    }
    println!();
    println!("| webex-oauth alone                      |   measured |           goal |");
    println!("|----------------------------------------|------------|----------------|");
    let by_round = sorted(&ratios(&ours_times, &theirs_times));
    println!("| code login, time / oauth2              | {:>10.2} |       <= 0.50 |", median(&by_round));
    if let [least, .., most] = by_round.as_slice() {
        println!("| the same, least and most of {ROUNDS} rounds   | {least:.2}, {most:.2} |              - |");
    }
    println!("| code login, allocations / oauth2       | {:>10.2} |       <= 0.50 |", ours as f64 / theirs as f64);
    println!("| access on a valid token                | {access_ns:>7.1} ns |       <= 30 ns |");
    println!("| access, allocations                    | {asked:>10} |              0 |");
    println!("| restore + access + snapshot            | {:>7.2} us |        <= 5 us |", restore_ns / 1000.0);
    println!("| restore + access + snapshot, allocations | {restored:>8} |              - |");
    println!("| idle signed-in session, heap           | {idle:>8} B |     <= 1024 B |");
    println!("| the same after restore, heap           | {idle_restored:>8} B |     <= 1024 B |");
    println!("| Session itself, wherever it lives      | {:>8} B |              - |", size_of::<Session>());

    let missed = [
        (2 * ours > theirs, "allocations of a code login"),
        (asked > 0, "allocations of access"),
        (idle > 1024 || idle_restored > 1024, "heap of an idle session"),
    ];
    match missed.iter().find(|(missed, _)| *missed) {
        Some((_, goal)) => Err(format!("the goal is missed: {goal}").into()),
        None => Ok(()),
    }
}

fn allocations<T>(work: impl FnOnce() -> T) -> usize {
    let region = Region::new(ALLOCATOR);
    drop(work());
    let stats = region.change();
    stats.allocations + stats.reallocations
}

/// Bytes that the result keeps.
fn held<T>(work: impl FnOnce() -> T) -> usize {
    let region = Region::new(ALLOCATOR);
    let result = work();
    let stats = region.change();
    drop(result);
    stats.bytes_allocated.saturating_sub(stats.bytes_deallocated)
}

/// The medians that criterion left of each round, in nanoseconds.
fn times(name: &str) -> Result<Vec<f64>, Box<dyn Error>> {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| PathBuf::from("target"), PathBuf::from);
    let time = |round| {
        let path = target.join("criterion").join(format!("round-{round}")).join(name).join("new/estimates.json");
        let text = std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        let estimates: serde_json::Value = serde_json::from_str(&text)?;
        estimates["median"]["point_estimate"].as_f64().ok_or_else(|| "no median".into())
    };
    (1..=ROUNDS).map(time).collect()
}

/// Round by round.
fn ratios(ours: &[f64], theirs: &[f64]) -> Vec<f64> {
    ours.iter().zip(theirs).map(|(ours, theirs)| ours / theirs).collect()
}

fn median(times: &[f64]) -> f64 {
    sorted(times)[times.len() / 2]
}

fn sorted(times: &[f64]) -> Vec<f64> {
    let mut sorted = times.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted
}
