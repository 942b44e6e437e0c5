//! Wrong and missing settings: one sentence that says what to do, and nothing happens.

use webex_oauth_simulator::{ClientAuth, Endpoint, PUBLIC_CLIENT_ID};

use crate::kit::World;

#[test]
fn missing_settings_are_named() {
    let mut world = World::new();
    world.set("WEBEX_CLIENT_SECRET", "");
    world.run(&["login"]).failed(3, &["client_secret is missing", "--client-secret-file, WEBEX_CLIENT_SECRET"]);
    world.set("WEBEX_CLIENT_ID", "");
    world.run(&["login"]).failed(3, &["client_id is missing", "--client-id"]);
    world.run(&["client-credentials"]).failed(3, &["client_id is missing"]);
    world.run(&["token"]).failed(4, &["nobody is signed in yet"]);
}

#[test]
fn a_real_server_wants_a_registered_redirect_uri() {
    let mut world = World::new();
    world.set("WEBEX_SERVER", "webex");
    world.run(&["login"]).failed(3, &["redirect_uri is missing", "--redirect-uri"]);
}

#[test]
fn wrong_settings_are_named() {
    let world = World::new();
    world.run(&["--server", "nonsense", "login"]).failed(3, &["server is none of"]);
    world.run(&["--server", "http://example.com", "login"]).failed(3, &["plain http is allowed on loopback only"]);
    world.run(&["--redirect-uri", "nonsense", "login"]).failed(3, &["redirect_uri"]);
    world.run(&["--client-secret-file", "/nowhere", "login"]).failed(3, &["/nowhere", "not found"]);
    world.run(&["--authorization-url", "x", "login"]).failed(3, &["authorization_url", "absolute"]);
    world.run(&["--client-id", "\"half", "login"]).failed(3, &["client_id", "quote"]);
}

#[test]
fn a_wrong_secret_is_told_as_such() {
    let world = World::new();
    let secret = world.write("secret", "WRONG-secret-that-nobody-may-see\n").display().to_string();
    let mut login = world.start(&["--client-secret-file", &secret, "login", "--no-browser"]);
    let url = login.url();
    world.accept(&url);
    let ran = login.end();
    ran.failed(3, &["invalid_client", "check client id and client secret"]);
    assert!(!ran.err.contains("WRONG-secret"), "{ran:?}");
}

#[test]
fn a_secret_that_was_corrected_is_tried_at_once() {
    let world = World::new();
    world.simulator.configure(|options| options.access_lifetime_ms = 1000);
    world.sign_in();
    world.simulator.configure(|options| options.access_lifetime_ms = 1_209_600_000);
    std::thread::sleep(std::time::Duration::from_millis(1100));
    let wrong = world.write("secret", "WRONG-secret-that-nobody-may-see\n").display().to_string();
    world.run(&["--client-secret-file", &wrong, "token"]).failed(3, &["invalid_client"]);
    assert!(!world.run(&["token"]).done().is_empty());
}

/// To sign in again would need it, too.
#[test]
fn a_secret_that_a_renewal_lacks_is_named() {
    let mut world = World::new();
    world.simulator.configure(|options| options.access_lifetime_ms = 1000);
    world.sign_in();
    std::thread::sleep(std::time::Duration::from_millis(1100));
    world.set("WEBEX_CLIENT_SECRET", "");
    for command in ["token", "whoami", "refresh"] {
        world.run(&[command]).failed(3, &["client_secret is missing", "WEBEX_CLIENT_SECRET"]);
    }
}

#[test]
fn another_client_does_not_inherit_a_secret() {
    let world = World::new();
    world.run(&["--client-id", "another", "login"]).failed(3, &["client_secret is missing"]);
}

#[test]
fn flags_go_before_variables_before_the_file() {
    let mut world = World::new();
    world.write("config/webex-oauth/config.toml", "scope = \"spark:rooms_read\"\nstore = \"file\"\n");
    world.sign_in();
    assert!(world.run(&["status"]).done().contains("spark:people_read"));
    world.sign_in_with(&["--scope", "spark:all"]);
    assert!(world.run(&["status"]).done().contains("spark:all"));
    world.set("WEBEX_SCOPE", "");
    world.sign_in();
    assert!(world.run(&["status"]).done().contains("spark:rooms_read"));
}

#[test]
fn the_portals_address_holds_everything_but_the_secret() {
    let mut world = World::new();
    let url = format!(
        "{}/v1/authorize?client_id=simulated-integration&response_type=code&redirect_uri=http%3A%2F%2F127.0.0.1%2Foauth\
         &scope=spark%3Arooms_read&state=set_state_here",
        world.simulator.base_url()
    );
    for name in ["WEBEX_SERVER", "WEBEX_CLIENT_ID", "WEBEX_SCOPE"] {
        world.set(name, "");
    }
    world.set("WEBEX_AUTHORIZATION_STRING", &url);
    world.set("WEBEX_CLIENT_SECRET", "simulated-secret");
    world.sign_in();
    assert!(world.run(&["status"]).done().contains("spark:rooms_read"));
}

#[test]
fn a_broken_configuration_file_is_one_sentence_without_its_secrets() {
    let world = World::new();
    for (text, words) in [
        ("client_secret = \"S3CRET\nx = 1", "is not TOML in line 1"),
        ("client_secret = 5353", "has no text in quotes for client_secret"),
        ("colour = \"S3CRET\"", "has the setting \"colour\""),
        ("store = \"cloud\"", "store is none of"),
    ] {
        world.write("config/webex-oauth/config.toml", text);
        let ran = world.run(&["token"]);
        ran.failed(3, &[words]);
        assert!(!ran.err.contains("S3CRET") && !ran.err.contains("5353"), "{ran:?}");
    }
    world.run(&["--config", "/nowhere.toml", "token"]).failed(3, &["/nowhere.toml", "cannot be read"]);
    // What has no end.
    if cfg!(target_os = "linux") {
        world.run(&["--config", "/dev/zero", "token"]).failed(3, &["/dev/zero", "cannot be read (file too large)"]);
        world.run(&["--metadata", "/dev/zero", "login"]).failed(3, &["file too large"]);
    }
}

#[test]
fn somebody_elses_session_is_left_alone() {
    let world = World::new();
    world.sign_in();
    let before = std::fs::read(world.session_file()).unwrap();
    let secret = world.write("secret", "x").display().to_string();
    let other = ["--client-id", "another", "--client-secret-file", &secret, "login"];
    world.run(&other).failed(3, &["another client id", "--profile"]);
    world.run(&["--server", "webex", "token"]).failed(3, &["another server"]);
    assert_eq!(std::fs::read(world.session_file()).unwrap(), before);
}

#[test]
fn any_server_is_named_by_its_issuer() {
    let mut world = World::new();
    let issuer = world.simulator.base_url().to_owned();
    world.set("WEBEX_SERVER", "");
    world.set("WEBEX_ISSUER", &issuer);
    world.sign_in();
    let token = world.run(&["token"]).done().to_owned();
    // What the server said about itself is remembered: a token that is good needs nobody.
    world.simulator = webex_oauth_simulator::Simulator::start(webex_oauth_simulator::Options::default()).unwrap();
    assert_eq!(world.run(&["token"]).done(), token);
    assert!(world.run(&["status"]).done().contains("spark:people_read"));
    world.run(&["login"]).failed(6, &["issuer", "has not said", "could not be reached", "try again"]);
    // Another server's word is not taken for this one's.
    world.set("WEBEX_ISSUER", "http://127.0.0.1:1");
    world.run(&["token"]).failed(6, &["issuer", "http://127.0.0.1:1", "could not be reached"]);
}

#[test]
fn a_server_is_described_by_a_file() {
    let mut world = World::new();
    let base = world.simulator.base_url().to_owned();
    let document = format!(
        r#"{{"issuer":"{base}","authorization_endpoint":"{base}/v1/authorize","token_endpoint":"{base}/v1/access_token"}}"#
    );
    let file = world.write("server.json", &document).display().to_string();
    world.set("WEBEX_SERVER", "");
    world.sign_in_with(&["--metadata", &file, "--client-auth", "client_secret_post"]);
    assert!(!world.run(&["--metadata", &file, "token"]).done().is_empty());
    // It names no endpoint for revocations: whoever signs out is told that the tokens live on.
    let left = world.run(&["--metadata", &file, "logout"]);
    assert!(left.code == 0 && left.err.contains("takes no tokens back") && left.err.contains("live on"), "{left:?}");
    assert_eq!(world.simulator.live_tokens().len(), 2);
    let other = ["--metadata", &file, "--issuer", "https://other.example", "login"];
    world.run(&other).failed(3, &["issuer", &base, "https://other.example"]);
    world.run(&["--metadata", "/nowhere", "login"]).failed(3, &["metadata", "cannot be read"]);
    world.write("server.json", "[]");
    world.run(&["--metadata", &file, "login"]).failed(3, &["metadata", "not a JSON object"]);
}

#[test]
fn a_public_client_needs_no_secret() {
    let mut world = World::new();
    world.set("WEBEX_SERVER", "");
    world.set("WEBEX_CLIENT_SECRET", "");
    world.set("WEBEX_ISSUER", world.simulator.base_url().to_owned().as_str());
    world.run(&["--client-auth", "nonsense", "login"]).failed(3, &["client_auth", "none of client_secret_basic"]);
    world.run(&["--token-hosts", "https://x.example/path?", "login"]).failed(3, &["token_hosts"]);
    world.run(&["--resource", "no-uri", "login"]).failed(3, &["resource"]);
    world.set("WEBEX_CLIENT_ID", PUBLIC_CLIENT_ID);
    world.set("WEBEX_RESOURCE", "https://api.example/v1");
    world.sign_in();
    assert!(world.run(&["whoami"]).done().starts_with("Ada Lovelace"));
    assert_eq!(world.run(&["refresh"]).code, 0);
    let log = world.simulator.log();
    let tokens: Vec<_> = log.iter().filter(|entry| entry.endpoint == Endpoint::AccessToken).collect();
    assert_eq!(tokens.len(), 2, "a code and a refresh");
    for entry in tokens {
        assert_eq!(entry.client_auth, ClientAuth::Id, "{entry:?}");
        assert!(entry.fields.iter().any(|name| name == "resource"), "{entry:?}");
    }
}

/// Half of the servers compare the secret as it stands in Basic, and say `invalid_client` to one that was form-encoded.
#[test]
fn a_secret_that_basic_changes_is_told_with_the_setting_that_may_help() {
    let mut world = World::new();
    world.set("WEBEX_CLIENT_AUTH", "client_secret_basic");
    world.set("WEBEX_CLIENT_SECRET", "not/the=secret");
    let tokens = world.write("tokens", r#"{"access_token":"a","refresh_token":"r","expires_in":3600}"#);
    assert_eq!(world.run(&["login", "--token-file", tokens.to_str().unwrap()]).code, 0);
    world.run(&["refresh"]).failed(3, &["invalid_client", "WEBEX_CLIENT_AUTH=basic_raw"]);
    // Where the encoding changes nothing, this is not what is wrong.
    world.set("WEBEX_CLIENT_SECRET", "wrong-secret");
    let refused = world.run(&["refresh"]);
    assert!(refused.code == 3 && !refused.err.contains("basic_raw"), "{refused:?}");
}

#[test]
fn a_server_is_named_once() {
    let world = World::new();
    let issuer = world.simulator.base_url().to_owned();
    // A flag goes before the variable, which names another server.
    world.run(&["--issuer", &issuer, "token"]).failed(4, &["nobody is signed in yet"]);
    let mut world = World::new();
    world.set("WEBEX_ISSUER", &issuer);
    world.run(&["token"]).failed(3, &["server is set and so is issuer or metadata"]);
}

#[test]
fn where_no_client_is_set_that_is_told_and_not_that_it_is_another() {
    let mut world = World::new();
    world.sign_in();
    world.set("WEBEX_CLIENT_ID", "");
    world.set("WEBEX_CLIENT_SECRET", "");
    for command in ["token", "status"] {
        world.run(&[command]).failed(3, &["client_id is missing"]);
    }
}
