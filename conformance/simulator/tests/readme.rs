//! The commands of the README do what it says.

#![cfg(unix)]

use std::process::Command;

use webex_oauth_simulator::{Options, Simulator};

#[test]
fn the_commands_of_the_readme_run() {
    let readme = include_str!("../README.md");
    let blocks = readme.split("```sh\n").skip(1);
    let script: String = blocks.map(|block| block.split("```").next().unwrap()).collect();
    assert!(script.matches("curl").count() > 10);
    let simulator = Simulator::start(Options::default()).unwrap();
    let ran = Command::new("bash")
        .args(["-euo", "pipefail", "-c", &script])
        .env("SIM", simulator.base_url())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{}\n{said}", String::from_utf8_lossy(&ran.stdout));
    let counters = simulator.counters();
    assert_eq!((counters.refreshes_attempted, counters.refreshes_succeeded), (3, 2));
    assert!(counters.max_concurrent_grants > 0);
}
