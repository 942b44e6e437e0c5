//! Advice that is taken literally: it is about the session that the command was about, and about no other.

use crate::kit::{Ran, World};

/// Runs what a sentence says, as a person would copy it.
fn follow(world: &World, ran: &Ran, ending: &str) -> Ran {
    let sentence = ran.err.lines().last().unwrap();
    let begin = ["WEBEX_PROFILE=", "WEBEX_SESSION_FILE=", "webex-oauth --", "webex-oauth logout"];
    let begin = begin.iter().filter_map(|word| sentence.find(word)).min().unwrap();
    let end = begin + sentence[begin..].find(ending).unwrap() + ending.len();
    let line = sentence[begin..end].replace("webex-oauth ", &format!("{} ", crate::kit::BINARY));
    let mut command = world.program("/bin/sh");
    command.env_remove("WEBEX_SESSION_FILE").env_remove("WEBEX_PROFILE").env_remove("WEBEX_CONFIG");
    world.finish(command.args(["-c", &line]))
}

#[test]
fn a_damaged_session_is_forgotten_and_nobody_elses() {
    let mut world = World::new();
    world.sign_in();
    let good = std::fs::read(world.session_file()).unwrap();
    let damage = |path: &std::path::Path| std::fs::write(path, "{\"not\": \"a session\"").unwrap();
    let work = world.path("data/webex-oauth/work.session");
    damage(&work);
    let ran = world.run(&["--profile", "work", "token"]);
    ran.failed(7, &["damaged", "webex-oauth --profile work logout --force"]);
    assert_eq!(follow(&world, &ran, "logout --force").code, 0);
    assert!(!work.exists());
    // By a variable, which need not be set where the advice is taken.
    damage(&work);
    world.set("WEBEX_PROFILE", "work");
    let ran = world.run(&["login"]);
    ran.failed(7, &["webex-oauth --profile work logout --force"]);
    assert_eq!(follow(&world, &ran, "logout --force").code, 0);
    assert!(!work.exists());
    world.set("WEBEX_PROFILE", "");
    // In a file of its own.
    let shared = world.path("my session");
    damage(&shared);
    world.set("WEBEX_SESSION_FILE", &shared.display().to_string());
    let ran = world.run(&["status"]);
    ran.failed(7, &["WEBEX_SESSION_FILE=", "logout --force"]);
    assert_eq!(follow(&world, &ran, "logout --force").code, 0);
    assert!(!shared.exists());
    assert_eq!(std::fs::read(world.session_file()).unwrap(), good);
}

#[test]
fn every_advice_names_the_options_that_were_given() {
    let world = World::new();
    let config = world.write("my config.toml", "").display().to_string();
    let options = ["--profile", "work", "--store", "file", "--config", &config];
    let call = format!("webex-oauth --profile work --store file --config '{config}'");
    let run = |args: &[&str]| world.run(&[&options[..], args].concat());
    run(&["token"]).failed(4, &[&format!("{call} login")]);
    run(&["status"]).failed(4, &[&format!("{call} login")]);
    world.sign_in_with(&options);
    run(&["user-token", "spark:all"]).failed(4, &[&format!("{call} login --scope")]);
    run(&["services", "nope"]).failed(2, &[&format!("{call} services")]);
    // Settings are missed in the file that was named.
    let mut world = World::new();
    world.set("WEBEX_CLIENT_ID", "");
    let config = world.write("mine.toml", "").display().to_string();
    let ran = world.run(&["--config", &config, "login"]);
    ran.failed(3, &[&format!("client_id in {config}, which webex-oauth --config {config} setup writes")]);
}
