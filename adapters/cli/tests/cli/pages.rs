//! What is made from the command line's own description.

use crate::kit::World;

const COMMANDS: [&str; 17] = [
    "login",
    "setup",
    "profiles",
    "services",
    "token",
    "whoami",
    "status",
    "refresh",
    "guest",
    "client-credentials",
    "user-token",
    "revoke",
    "logout",
    "replay",
    "simulator",
    "completions",
    "man",
];

#[test]
fn help_names_every_command_and_exit_status() {
    let world = World::new();
    let help = world.run(&["--help"]);
    for command in COMMANDS {
        assert!(help.done().contains(&format!("\n  {command} ")), "{command}");
        let own = world.run(&[command, "--help"]);
        assert!(own.done().contains("Usage: webex-oauth"), "{own:?}");
        // What all commands take is said in one place.
        assert!(!own.out.contains("--client-secret-file") && own.out.contains("--help-settings"), "{own:?}");
    }
    for words in ["Examples:", "Exit status:", "WEBEX_CLIENT_ID", "130  interrupted"] {
        assert!(help.out.contains(words), "{words}");
    }
}

#[test]
fn the_settings_have_a_page() {
    let world = World::new();
    for args in [&["--help-settings"][..], &["login", "--help-settings"], &["--help"]] {
        let page = world.run(args);
        for flag in ["--client-id", "--client-secret-file", "--issuer", "--profile", "--store"] {
            assert!(page.done().contains(flag), "{flag} is not in {page:?}");
        }
    }
}

#[test]
fn completions_for_every_shell() {
    let world = World::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        assert!(world.run(&["completions", shell]).done().contains("client-credentials"), "{shell}");
    }
}

#[test]
fn manual_pages() {
    let world = World::new();
    let page = world.run(&["man"]);
    assert!(page.done().contains(".TH webex-oauth 1") && page.out.contains("Exit status"), "{page:?}");
    let folder = world.path("man").display().to_string();
    assert_eq!(world.run(&["man", &folder]).code, 0);
    for command in COMMANDS {
        assert!(world.path(&format!("man/webex-oauth-{command}.1")).exists(), "{command}");
    }
}

#[test]
fn nonsense_is_exit_status_two() {
    let world = World::new();
    for args in [&["frobnicate"][..], &[], &["login", "--device", "--paste"], &["login", "--timeout", "2h"]] {
        assert_eq!(world.run(args).code, 2, "{args:?}");
    }
}

#[test]
fn a_simulator_whose_port_is_taken() {
    let world = World::new();
    let port = world.simulator.base_url().rsplit(':').next().unwrap();
    world.run(&["simulator", "--port", port]).failed(1, &["in use", "--port"]);
}
