//! Several accounts side by side.

use crate::kit::{World, get};

#[test]
fn each_profile_is_somebody() {
    let world = World::new();
    for (profile, person) in [("ada", "ada@example.com"), ("grace", "grace@example.com")] {
        let mut login = world.start(&["--profile", profile, "login", "--no-browser"]);
        let url = login.url();
        get(&world.simulator.visit_as(person, &url, webex_oauth_simulator::Decision::Accept).unwrap());
        let ran = login.end();
        assert!(ran.err.contains(&format!("as profile {profile}")), "{ran:?}");
    }
    assert!(world.run(&["-p", "ada", "whoami"]).done().contains("Ada"));
    assert!(world.run(&["whoami", "-p", "grace"]).done().contains("Grace"));
    world.run(&["whoami"]).failed(4, &["nobody is signed in"]);
    assert_eq!(world.run(&["-p", "ada", "logout"]).code, 0);
    assert!(world.run(&["-p", "grace", "whoami"]).done().contains("Grace"));
    world.run(&["-p", "ada", "token"]).failed(4, &["webex-oauth --profile ada login"]);
}

#[test]
fn a_profile_has_its_own_settings() {
    let mut world = World::new();
    for name in ["WEBEX_CLIENT_ID", "WEBEX_CLIENT_SECRET", "WEBEX_SCOPE", "WEBEX_SERVER"] {
        world.set(name, "");
    }
    let server = world.simulator.base_url();
    let text = format!(
        "default_profile = \"work\"\nclient_id = \"another\"\n[profile.work]\nserver = \"{server}\"\n\
         client_id = \"simulated-integration\"\nclient_secret = \"simulated-secret\"\nscope = [\"spark:people_read\"]\n"
    );
    world.write("config/webex-oauth/config.toml", &text);
    world.sign_in();
    let ran = world.run(&["status"]);
    assert!(ran.done().contains("simulated-integration") && ran.out.contains("spark:people_read"), "{ran:?}");
    assert!(ran.err.contains("holds a secret and others can read it"), "{ran:?}");
    world.run(&["-p", "default", "login"]).failed(3, &["client_secret is missing"]);
}

#[test]
fn a_file_of_ones_own_choosing_is_for_the_default_profile() {
    let mut world = World::new();
    world.set("WEBEX_SESSION_FILE", &world.path("shared").display().to_string());
    world.sign_in();
    assert!(world.path("shared").exists() && !world.session_file().exists());
    world.run(&["-p", "work", "token"]).failed(4, &["nobody is signed in"]);
}

#[test]
fn a_name_that_is_a_path_is_refused() {
    World::new().run(&["-p", "../../etc/x", "token"]).failed(2, &["no name for a profile"]);
}
