//! `setup`: what is asked, what is refused at once, and what is written.

use crate::kit::World;

/// A machine on which nothing is set but where the server is.
fn world() -> World {
    let mut world = World::new();
    for name in ["WEBEX_CLIENT_ID", "WEBEX_CLIENT_SECRET", "WEBEX_SCOPE"] {
        world.set(name, "");
    }
    world
}

const CONFIG: &str = "config/webex-oauth/config.toml";

#[test]
fn the_server_that_is_in_use_is_written() {
    let mut world = world();
    let base = world.simulator.base_url().to_owned();
    world.write(CONFIG, "issuer = \"https://other.example\" # before\n");
    let mut setup = world.start(&["setup"]);
    for answer in ["simulated-integration", "simulated-secret", "http://127.0.0.1/callback", ""] {
        setup.type_line(answer);
    }
    let ran = setup.end();
    assert!(ran.code == 0 && ran.err.contains("WEBEX_SERVER goes before what was written"), "{ran:?}");
    let written = std::fs::read_to_string(world.path(CONFIG)).unwrap();
    assert!(written.contains(&format!("server = \"{base}\"")) && !written.contains("issuer"), "{written}");
    world.set("WEBEX_SERVER", "");
    world.sign_in();
    // By its issuer, and a file of its own, in a profile each.
    world.set("WEBEX_ISSUER", &base);
    world.set("WEBEX_CLIENT_AUTH", "client_secret_post");
    let mut setup = world.start(&["-p", "issuer", "setup"]);
    (0..4).for_each(|_| setup.type_line(""));
    assert_eq!(setup.end().code, 0);
    let written = std::fs::read_to_string(world.path(CONFIG)).unwrap();
    let (_, profile) = written.split_once("[profile.issuer]").unwrap();
    assert!(profile.contains(&format!("issuer = \"{base}\"")) && profile.contains("client_auth"), "{written}");
}

#[test]
fn an_answer_is_refused_when_it_is_given() {
    for answers in [&["\"half"][..], &["client", "secret", "ftp://x"], &[""]] {
        let world = world();
        let mut setup = world.start(&["setup"]);
        for answer in answers {
            setup.type_line(answer);
        }
        // The input is still open: nobody waits for the next answer.
        let ran = setup.end();
        let field = ["client_id", "client_secret", "redirect_uri"][answers.len() - 1];
        ran.failed(3, &[field]);
        assert!(!ran.err.contains("Scope") && !world.path(CONFIG).exists(), "{ran:?}");
    }
}
