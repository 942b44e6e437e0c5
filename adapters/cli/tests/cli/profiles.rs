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

#[test]
fn profiles_are_listed_and_one_is_the_default() {
    let mut world = World::new();
    world.set("WEBEX_PROFILE", "");
    let file = world.write("config/webex-oauth/config.toml", "# mine\n[profile.work]\nscope = \"spark:people_read\"\n");
    world.sign_in_with(&["-p", "home"]);
    let ran = world.run(&["profiles"]);
    let lines: Vec<&str> = ran.done().lines().map(str::trim_end).collect();
    assert_eq!(lines.len(), 3, "{ran:?}");
    assert!(
        lines[0].starts_with("* default") && lines[1].starts_with("  home") && lines[2].starts_with("  work"),
        "{ran:?}"
    );
    assert!(lines[0].ends_with("no tokens") && lines[1].ends_with("home.session"), "{ran:?}");
    assert_eq!(world.run(&["profiles", "--set-default", "home"]).code, 0);
    assert!(std::fs::read_to_string(file).unwrap().contains("# mine\n"));
    assert!(world.run(&["whoami"]).done().contains("Ada"));
    let json = world.run(&["profiles", "--json"]);
    assert!(json.done().contains(r#""current":true,"kept_in":"/"#), "{json:?}");
    world.run(&["profiles", "--set-default", "../x"]).failed(2, &["no name for a profile"]);
    let before = std::fs::read_to_string(world.path("config/webex-oauth/config.toml")).unwrap();
    let ran = world.run(&["profiles", "--set-default", "nope"]);
    ran.failed(3, &["there is no profile nope", "webex-oauth --profile nope setup"]);
    assert!(!ran.err.contains('✓'), "{ran:?}");
    assert_eq!(std::fs::read_to_string(world.path("config/webex-oauth/config.toml")).unwrap(), before);
}

#[test]
fn who_has_signed_out_has_no_tokens() {
    let world = World::new();
    let listed = |args: &[&str]| world.run(&[&["profiles"], args].concat()).done().to_owned();
    let file = world.path("keys").display().to_string();
    assert_eq!(world.run(&["key", "new", &file]).code, 0);
    world.sign_in();
    world.sign_in_with(&["-p", "sealed", "--key-file", &file]);
    assert!(listed(&[]).contains("tokens in ") && listed(&[]).contains("encrypted in "), "{}", listed(&[]));
    assert_eq!(listed(&["--key-file", &file]).matches(".session").count(), 2);
    assert_eq!(listed(&["--key-file", &file]).matches("tokens in ").count(), 2);
    assert_eq!(world.run(&["logout"]).code, 0);
    assert_eq!(world.run(&["-p", "sealed", "--key-file", &file, "logout"]).code, 0);
    let left = listed(&["--key-file", &file]);
    assert_eq!(left.matches("no tokens").count(), 2, "{left}");
    assert!(!listed(&["--key-file", &file, "--json"]).contains(".session"));
    // A login that waits has brought nothing yet.
    let mut login = world.start(&["login", "--no-browser"]);
    login.url();
    assert!(listed(&[]).contains("no tokens"), "{}", listed(&[]));
    login.signal("INT");
    assert_eq!(login.end().code, 130);
}

#[test]
fn a_setup_makes_the_file_that_is_named_and_tells_what_goes_before_it() {
    let mut world = World::new();
    let secret = "simulated-secret";
    for name in ["WEBEX_CLIENT_ID", "WEBEX_CLIENT_SECRET"] {
        world.set(name, "");
    }
    let file = world.path("new/config.toml");
    let named = file.display().to_string();
    let answer = |world: &World, args: &[&str]| {
        let mut setup = world.start(args);
        for (question, answer) in
            [("Client ID", "simulated-integration"), ("Client secret", secret), ("Redirect URI", ""), ("Scope", "")]
        {
            setup.line_with(question);
            setup.type_line(answer);
        }
        setup.end()
    };
    let ran = answer(&world, &["--config", &named, "setup"]);
    assert!(ran.code == 0 && ran.err.contains(&format!("webex-oauth --config {named} login")), "{ran:?}");
    assert!(
        ran.err.contains("WEBEX_SCOPE, WEBEX_SERVER go before what was written as long as they are set"),
        "{ran:?}"
    );
    assert!(std::fs::read_to_string(&file).unwrap().contains("simulated-integration"));
    world.sign_in_with(&["--config", &named]);
    // The same by a variable, and in a profile; where nothing goes before, nothing is said.
    world.set("WEBEX_SCOPE", "");
    world.set("WEBEX_SERVER", "");
    let other = world.path("other.toml");
    world.set("WEBEX_CONFIG", &other.display().to_string());
    let ran = answer(&world, &["-p", "work", "setup"]);
    assert!(ran.code == 0 && !ran.err.contains("goes before") && other.exists(), "{ran:?}");
    // The others go on asking for a file that is there.
    world.run(&["--config", "/nowhere.toml", "token"]).failed(3, &["/nowhere.toml", "cannot be read"]);
}

#[test]
fn a_setup_asks_and_what_it_writes_signs_in() {
    let mut world = World::new();
    let secret = "simulated-secret";
    for name in ["WEBEX_CLIENT_ID", "WEBEX_CLIENT_SECRET", "WEBEX_REDIRECT_URI", "WEBEX_SCOPE", "WEBEX_SERVER"] {
        world.set(name, "");
    }
    let server = world.simulator.base_url().to_owned();
    let mut setup = world.start(&["--profile", "work", "--server", &server, "setup"]);
    for (question, answer) in [
        ("Client ID", "simulated-integration"),
        ("Client secret", secret),
        ("Redirect URI", "http://127.0.0.1/callback"),
        ("Scope", ""),
    ] {
        setup.line_with(question);
        setup.type_line(answer);
    }
    let ran = setup.end();
    assert!(ran.code == 0 && ran.err.contains("webex-oauth --profile work login"), "{ran:?}");
    let file = world.path("config/webex-oauth/config.toml");
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&file).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
    world.sign_in_with(&["-p", "work"]);
    assert!(world.run(&["-p", "work", "whoami"]).done().contains("Ada"));
    // Enter keeps what is there; what is no client is not written.
    let before = std::fs::read_to_string(&file).unwrap();
    let mut again = world.start(&["-p", "work", "setup"]);
    for (question, answer) in [("Client ID", ""), ("Client secret", ""), ("Redirect URI", "ftp://x")] {
        again.line_with(question);
        again.type_line(answer);
    }
    again.end().failed(3, &["redirect_uri"]);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), before);
    assert_eq!(before.matches(secret).count(), 1);
}
