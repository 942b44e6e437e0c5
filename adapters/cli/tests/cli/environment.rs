//! Variables: what they may be, which of them count, and what is said of those that do not.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;

use crate::kit::{Ran, World, left_in};

/// Latin-1, as an old file system or an old program leaves it.
const NOT_UTF_8: &[u8] = b"caf\xe9";

fn with(world: &World, variable: &str, value: &[u8], args: &[&str]) -> Ran {
    world.finish(world.command(args).env(variable, OsStr::from_bytes(value)))
}

#[test]
fn a_text_that_is_not_unicode_is_named_and_nothing_is_done() {
    let world = World::new();
    for variable in [
        "WEBEX_SERVER",
        "WEBEX_PROFILE",
        "WEBEX_STORE",
        "WEBEX_ISSUER",
        "WEBEX_AUTHORIZATION_STRING",
        "WEBEX_CLIENT_ID",
        "WEBEX_CLIENT_SECRET",
        "WEBEX_CLIENT_AUTH",
        "WEBEX_REDIRECT_URI",
        "WEBEX_SCOPE",
        "WEBEX_TOKEN_HOSTS",
        "WEBEX_RESOURCE",
        "WEBEX_GUEST_ISSUER",
        "WEBEX_GUEST_ISSUER_SECRET",
    ] {
        for command in ["login", "token", "status", "profiles", "client-credentials"] {
            let ran = with(&world, variable, NOT_UTF_8, &[command]);
            ran.failed(3, &[variable, "not UTF-8"]);
            assert!(!ran.err.contains("caf"), "{ran:?}");
        }
    }
    assert_eq!(world.simulator.log().len(), 0);
    assert_eq!(left_in(&world.path("data/webex-oauth")).len(), 0);
    // What nobody reads may be anything.
    for variable in ["WEBEX_ACCESS_TOKEN", "CISCOSPARK_CLIENT_ID", "CLIENT_ID", "LESSOPEN"] {
        with(&world, variable, NOT_UTF_8, &["token"]).failed(4, &["nobody is signed in"]);
    }
}

#[test]
fn a_path_may_be_any_bytes() {
    let world = World::new();
    let path = |name: &[u8]| world.home.path().join(OsStr::from_bytes(name));
    // Keys: what is stored is sealed with them, or nothing is stored.
    let keys = path(b"k\xe9ys");
    with(&world, "WEBEX_KEY_FILE", keys.as_os_str().as_bytes(), &["client-credentials"])
        .failed(3, &["there is no such key file"]);
    assert_eq!(left_in(&world.path("data/webex-oauth")).len(), 0);
    assert_eq!(world.finish(world.command(&["key", "new"]).arg(&keys)).code, 0);
    for sealed in [
        with(&world, "WEBEX_KEY_FILE", keys.as_os_str().as_bytes(), &["client-credentials"]),
        world.finish(world.command(&["client-credentials", "--profile", "flag", "--key-file"]).arg(&keys)),
    ] {
        assert_eq!(sealed.code, 0, "{sealed:?}");
    }
    for profile in ["default", "flag"] {
        let stored = std::fs::read_to_string(world.path(&format!("data/webex-oauth/{profile}.session"))).unwrap();
        assert!(stored.starts_with("ey") && !stored.contains("grant"), "sealed");
    }
    // Metadata, the configuration file, a session.
    let base = world.simulator.base_url();
    let metadata = path(b"m\xe9ta");
    let document = format!(r#"{{"issuer":"{base}","token_endpoint":"{base}/v1/access_token"}}"#);
    std::fs::write(&metadata, document).unwrap();
    let mut elsewhere = world.command(&["-p", "m", "client-credentials"]);
    elsewhere.env_remove("WEBEX_SERVER").env("WEBEX_METADATA", &metadata);
    assert_eq!(world.finish(&mut elsewhere).code, 0);
    let config = path(b"c\xe9nfig");
    std::fs::write(&config, "default_profile = \"flag\"\n").unwrap();
    let listed = with(&world, "WEBEX_CONFIG", config.as_os_str().as_bytes(), &["profiles"]);
    assert!(listed.done().contains("* flag"), "{listed:?}");
    let session = path(b"s\xe9ssion");
    let signed_in = with(&world, "WEBEX_SESSION_FILE", session.as_os_str().as_bytes(), &["client-credentials"]);
    assert!(signed_in.code == 0 && session.exists(), "{signed_in:?}");
}

#[test]
fn a_slip_in_a_name_is_told_and_its_value_is_not() {
    let mut world = World::new();
    world.set("WEBEX_CLIENT_SCERET", "S3CRET-value");
    world.set("WEBEX_ROOM_ID", "mine");
    let ran = world.run(&["token"]);
    assert!(ran.err.contains("WEBEX_CLIENT_SCERET: did you mean WEBEX_CLIENT_SECRET?"), "{ran:?}");
    assert_eq!(ran.err.matches("did you mean").count(), 1, "{ran:?}");
    assert!(!ran.err.contains("S3CRET") && ran.out.is_empty(), "{ran:?}");
    assert!(!world.run(&["--quiet", "token"]).err.contains("did you mean"));
}

#[test]
fn what_is_wrong_with_the_server_names_where_it_is_said() {
    let mut world = World::new();
    let base = world.simulator.base_url().to_owned();
    for (server, words) in [
        (format!("{base}/?x=1"), "query"),
        (format!("{base}/#x"), "fragment"),
        ("http://example.com".to_owned(), "plain http"),
        ("https://".to_owned(), ""),
        ("https://a@example.com".to_owned(), ""),
        ("nonsense".to_owned(), "none of webex"),
    ] {
        world.set("WEBEX_SERVER", &server);
        let ran = world.run(&["login", "--no-browser"]);
        ran.failed(3, &["WEBEX_SERVER", words]);
        assert!(!ran.err.contains("authorization_endpoint"), "{ran:?}");
        world.set("WEBEX_SERVER", "");
        world.run(&["--server", &server, "token"]).failed(3, &["--server", words]);
        world.write("config/webex-oauth/config.toml", &format!("server = \"{server}\"\n"));
        world.run(&["token"]).failed(3, &["the setting server", words]);
        world.write("config/webex-oauth/config.toml", "");
    }
}

#[test]
fn the_file_of_a_variable_and_a_profile() {
    let mut world = World::new();
    let file = world.path("shared");
    world.set("WEBEX_SESSION_FILE", &file.display().to_string());
    world.set("WEBEX_PROFILE", "work");
    // Both are variables: the file is the more particular one.
    let ran = world.run(&["client-credentials"]);
    assert!(ran.code == 0 && file.exists(), "{ran:?}");
    assert!(ran.err.contains("WEBEX_SESSION_FILE, which goes before WEBEX_PROFILE"), "{ran:?}");
    // What the command line says goes before both.
    let ran = world.run(&["--profile", "home", "token"]);
    ran.failed(4, &["nobody is signed in", "webex-oauth --profile home login"]);
    assert!(ran.err.contains("WEBEX_SESSION_FILE is left aside: --profile goes before it"), "{ran:?}");
    let ran = world.run(&["--store", "file", "token"]);
    assert!(ran.code == 4 && ran.err.contains("left aside: --store goes before it"), "{ran:?}");
}

#[test]
fn tokens_that_others_may_use_are_told_until_they_are_saved_anew() {
    let world = World::new();
    world.sign_in();
    let file = world.session_file();
    for (mode, told) in [(0o666, "mode 0666"), (0o640, "mode 0640")] {
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
        for command in ["token", "status"] {
            let ran = world.run(&[command]);
            assert!(ran.code == 0 && ran.err.contains(told) && ran.err.contains("chmod 600"), "{ran:?}");
        }
    }
    assert_eq!(world.run(&["refresh"]).code, 0);
    let ran = world.run(&["token"]);
    assert!(!ran.err.contains("chmod"), "{ran:?}");
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn the_address_of_the_api_and_capitals_name_the_same_server() {
    let mut world = World::new();
    let base = world.simulator.base_url().to_owned();
    let rest = base.strip_prefix("http://").unwrap();
    let localhost = rest.replace("127.0.0.1", "LocalHost");
    let servers = [
        format!("{base}/v1"),
        format!("{base}/v1/"),
        format!("HTTP://{rest}"),
        format!("Http://{localhost}/v1"),
        format!("\"{base}\""),
        format!("'{base}/'"),
    ];
    for (number, server) in servers.iter().enumerate() {
        world.set("WEBEX_SERVER", server);
        let ran = world.run(&["client-credentials", "-p", &format!("p{number}")]);
        assert_eq!(ran.code, 0, "{server}: {ran:?}");
    }
    world.set("WEBEX_SERVER", "");
    for name in ["WEBEX", "FedRAMP", "IdBroker"] {
        world.run(&["--server", name, "token"]).failed(4, &["nobody is signed in"]);
        world.set("WEBEX_PROVIDER", name);
        world.run(&["token"]).failed(4, &["nobody is signed in"]);
        world.set("WEBEX_PROVIDER", "");
    }
}

#[test]
fn two_variables_for_the_server_are_a_mistake_that_names_both() {
    let mut world = World::new();
    world.set("WEBEX_PROVIDER", "fedramp");
    for command in ["token", "login", "status"] {
        world.run(&[command]).failed(3, &["WEBEX_SERVER", "WEBEX_PROVIDER", "keep one of them"]);
    }
    // A flag goes before both.
    world.run(&["--server", "webex", "token"]).failed(4, &["nobody is signed in"]);
}

/// Where no shell has put the home folder in its place.
#[test]
fn a_tilde_is_the_home_folder() {
    let mut world = World::new();
    std::fs::create_dir_all(world.path("in")).unwrap();
    assert_eq!(world.run(&["key", "new", &world.path("in/keys").display().to_string()]).code, 0);
    world.set("WEBEX_SESSION_FILE", "~/in/session");
    world.set("WEBEX_KEY_FILE", "~/in/keys");
    let mut command = world.command(&["client-credentials"]);
    let ran = world.finish(command.current_dir(world.home.path()));
    assert!(ran.code == 0 && world.path("in/session").exists() && !world.path("~").exists(), "{ran:?}");
    // The same in the configuration file, and in a flag as `--key-file=~/...` leaves it.
    world.set("WEBEX_SESSION_FILE", "");
    world.set("WEBEX_KEY_FILE", "");
    world.write("config/webex-oauth/config.toml", "key_file = \"~/in/keys\"\n");
    assert_eq!(world.run(&["client-credentials"]).code, 0);
    let secret = world.write("in/secret", "simulated-secret\n");
    assert!(secret.exists());
    let flags = ["--key-file=~/in/keys", "--client-secret-file=~/in/secret", "client-credentials"];
    assert_eq!(world.run(&flags).code, 0);
    assert!(std::fs::read_to_string(world.session_file()).unwrap().starts_with("ey"), "sealed");
}
