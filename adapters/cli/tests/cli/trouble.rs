//! Stores, key rings, clocks, servers and clients that fail.

use std::io::{Read as _, Write as _};
use std::time::Duration;

use serde_json::Value;
use webex_oauth_simulator::{Endpoint, Fault, GUEST_ISSUER_ID, GUEST_ISSUER_SECRET, Options};

use crate::kit::{BINARY, Ran, World};

fn expired(world: &World) {
    world.simulator.configure(|options| options.access_lifetime_ms = 1000);
    world.sign_in();
    world.simulator.configure(|options| options.access_lifetime_ms = 1_209_600_000);
    std::thread::sleep(Duration::from_millis(1100));
}

/// Runs the command where no file can grow.
fn on_a_full_disk(world: &World, args: &[&str]) -> Ran {
    let mut command = world.program("/bin/sh");
    command.args(["-c", "trap '' XFSZ; ulimit -f 0; exec \"$@\"", "sh", BINARY]).args(args);
    world.finish(&mut command)
}

/// Runs the command where nothing in the folder of the sessions can be made, changed or taken away.
fn on_a_read_only_disk(world: &World, args: &[&str]) -> Ran {
    let folder = world.path("data");
    let mut command = world.program("/bin/sh");
    // Permissions are nothing to root; a mount of its own is.
    let script = "if [ $(id -u) = 0 ]; then \
         exec unshare -m sh -c 'mount --bind \"$0\" \"$0\" && mount -o remount,ro,bind \"$0\" && exec \"$@\"' \"$0\" \"$@\"; \
         fi; chmod -R a-w \"$0\"; \"$@\"; status=$?; chmod -R u+w \"$0\"; exit $status";
    command.arg("-c").arg(script).arg(folder).arg(BINARY).args(args);
    world.finish(&mut command)
}

/// The server has taken back what still stands in the file: whoever finds it there must not take it for a token.
#[test]
fn a_logout_that_cannot_change_what_is_stored() {
    for command in ["logout", "revoke"] {
        let world = World::new();
        world.sign_in();
        let before = std::fs::read(world.session_file()).unwrap();
        let ran = on_a_read_only_disk(&world, &[command]);
        let by_hand = format!("delete {} by hand", world.session_file().display());
        ran.failed(7, &["the server has taken the tokens back, but they are still stored here", "read-only", &by_hand]);
        assert!(!ran.err.contains('✓'), "{ran:?}");
        assert_eq!(world.simulator.counters().tokens_revoked, 2);
        assert_eq!(std::fs::read(world.session_file()).unwrap(), before);
        // What nobody could revoke is told as such.
        let world = World::new();
        world.sign_in();
        world.simulator.set_down(true);
        on_a_read_only_disk(&world, &[command])
            .failed(7, &["the server did not take the tokens back (", &by_hand[..6]]);
    }
    let world = World::new();
    world.sign_in();
    on_a_read_only_disk(&world, &["logout", "--keep-tokens"]).failed(7, &["the tokens live on at the server"]);
    assert_eq!(world.simulator.counters().tokens_revoked, 0);
}

#[test]
fn a_full_disk_lets_go_of_what_was_revoked() {
    for command in ["logout", "revoke"] {
        let world = World::new();
        world.sign_in();
        let ran = on_a_full_disk(&world, &[command]);
        assert_eq!(ran.code, 0, "{ran:?}");
        assert_eq!(world.simulator.counters().tokens_revoked, 2);
        assert!(!world.session_file().exists());
        world.run(&["token"]).failed(4, &["nobody is signed in"]);
    }
}

#[test]
fn a_logout_that_the_server_does_not_hear_is_told_once() {
    let world = World::new();
    world.sign_in();
    world.simulator.set_down(true);
    let ran = world.run(&["logout"]);
    assert_eq!((ran.code, ran.err.matches("did not take the tokens back").count()), (0, 1), "{ran:?}");
}

#[test]
fn no_key_ring() {
    let world = World::new();
    world.run(&["--store", "keyring", "token"]).failed(7, &["key ring", "--store file"]);
    world.sign_in();
    assert!(world.run(&["status"]).done().contains("default.session"));
}

#[test]
fn a_key_ring_that_has_gone_is_not_taken_for_an_empty_one() {
    let world = World::new();
    world.write("data/webex-oauth/default.keyring.used", "");
    world.run(&["token"]).failed(7, &["key ring", "--store file"]);
    world.run(&["--store", "file", "token"]).failed(4, &["nobody is signed in"]);
}

#[test]
fn a_full_disk_is_told_before_the_browser_is_opened() {
    let world = World::new();
    let ran = on_a_full_disk(&world, &["login", "--no-browser"]);
    ran.failed(7, &["the disk is full", "make room"]);
    assert!(!ran.err.contains("Open this address"), "{ran:?}");
    on_a_full_disk(&world, &["login", "--device"]).failed(7, &["the disk is full"]);
    on_a_full_disk(&world, &["login", "--paste"]).failed(7, &["the disk is full"]);
}

#[test]
fn tokens_from_elsewhere_are_not_lost_where_the_disk_is_full() {
    let world = World::new();
    let tokens = world.write("tokens.json", r#"{"access_token":"AT","refresh_token":"RT","expires_in":3600}"#);
    let ran = on_a_full_disk(&world, &["login", "--token-file", tokens.to_str().unwrap()]);
    ran.failed(7, &["not stored", "still where they came from", "the disk is full"]);
    assert!(!ran.err.contains("lost") && !world.session_file().exists(), "{ran:?}");
}

#[test]
fn a_disk_that_fills_up_before_a_refresh() {
    let world = World::new();
    expired(&world);
    let before = std::fs::read(world.session_file()).unwrap();
    let ran = on_a_full_disk(&world, &["token"]);
    ran.failed(7, &["could not be stored", "the disk is full"]);
    assert_eq!(std::fs::read(world.session_file()).unwrap(), before);
    // The script has its token, and the next one gets another.
    assert!(ran.out.len() > 32);
    assert!(world.run(&["token"]).done().len() > 32);
}

/// The old token lives, and what would come could not be kept: nobody's refresh token is spent for that.
#[test]
fn a_refresh_that_cannot_be_stored_is_not_sent() {
    let world = World::with(Options { rotate: true, ..Options::default() });
    world.sign_in();
    let before = std::fs::read(world.session_file()).unwrap();
    on_a_full_disk(&world, &["refresh"]).failed(7, &["the disk is full", "make room"]);
    assert_eq!(world.simulator.counters().refreshes_attempted, 0);
    assert_eq!(std::fs::read(world.session_file()).unwrap(), before);
    assert_eq!(world.run(&["refresh"]).code, 0);
}

#[test]
fn a_store_that_fails_in_the_middle_of_a_sign_in() {
    let world = World::new();
    let mut login = world.start(&["login", "--no-browser"]);
    let url = login.url();
    std::fs::rename(world.path("data/webex-oauth"), world.path("moved")).unwrap();
    world.write("data/webex-oauth", "in the way");
    world.accept(&url);
    let words = ["could not be stored and are lost", "the server has taken the tokens back", "data/webex-oauth"];
    login.end().failed(7, &words);
    assert_eq!(world.simulator.live_tokens(), []);
}

/// The server has granted them, and nobody has them. (Our server takes back no tokens of a guest: they are another client's.)
#[test]
fn tokens_that_cannot_be_stored_are_given_back() {
    let guest = ["guest", "--guest-issuer", GUEST_ISSUER_ID, "--guest-issuer-secret-file", "-"];
    for (args, endpoint, takes_back) in [
        (&["client-credentials"][..], Endpoint::AccessToken, true),
        (&["client-credentials"], Endpoint::AccessToken, false),
        (&guest, Endpoint::JwtLogin, false),
    ] {
        let world = World::new();
        world.simulator.fault(Fault::hold().at(endpoint));
        let mut running = world.start(args);
        running.type_line(GUEST_ISSUER_SECRET);
        running.close_input();
        assert!(world.simulator.wait_for(Duration::from_secs(10), |log| !log.is_empty()));
        let _ = std::fs::rename(world.path("data/webex-oauth"), world.path("moved"));
        world.write("data/webex-oauth", "in the way");
        if !takes_back {
            world.simulator.fault(Fault::status(500).at(Endpoint::Revoke).always());
        }
        world.simulator.release();
        let became = if takes_back {
            "the server has taken the tokens back"
        } else {
            "the server did not take the tokens back ("
        };
        running.end().failed(7, &["could not be stored and are lost", became, "data/webex-oauth"]);
        assert_eq!(world.simulator.live_tokens().is_empty(), takes_back, "{args:?}");
        assert!(world.simulator.log().iter().any(|entry| entry.path == "/idb/oauth2/v1/revoke"), "it was asked");
    }
}

#[test]
fn a_store_that_fails_for_a_moment_costs_no_sign_in() {
    let world = World::new();
    world.simulator.fault(Fault::hold().at(Endpoint::AccessToken));
    let running = world.start(&["client-credentials"]);
    assert!(world.simulator.wait_for(Duration::from_secs(10), |log| !log.is_empty()));
    let was_there = std::fs::rename(world.path("data/webex-oauth"), world.path("moved")).is_ok();
    world.write("data/webex-oauth", "in the way");
    world.simulator.release();
    std::thread::sleep(Duration::from_millis(300));
    std::fs::remove_file(world.path("data/webex-oauth")).unwrap();
    if was_there {
        std::fs::rename(world.path("moved"), world.path("data/webex-oauth")).unwrap();
    }
    running.end().done();
    assert!(!world.simulator.live_tokens().is_empty());
}

/// What is no file has no tokens in it, and gets none.
#[test]
fn what_is_no_file_is_called_what_it_is() {
    let mut world = World::new();
    let _socket = std::os::unix::net::UnixListener::bind(world.path("socket")).unwrap();
    std::fs::create_dir(world.path("folder")).unwrap();
    for (path, what) in
        [(world.path("socket"), "a socket"), (world.path("folder"), "a folder"), ("/dev/null".into(), "a device")]
    {
        world.set("WEBEX_SESSION_FILE", &path.display().to_string());
        for command in ["token", "client-credentials"] {
            world.run(&[command]).failed(7, &[&format!("{}: {what}, not a file", path.display())]);
        }
    }
}

/// Nothing listens there any more.
#[test]
fn a_proxy_that_cannot_be_used_or_reached_is_named() {
    let mut world = World::new();
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    world.set("WEBEX_SERVER", "https://as.example");
    for (proxy, exit, said) in [
        ("quic://user:hush@proxy", 3, "the variable https_proxy cannot be used".to_owned()),
        (&*format!("http://user:hush@{gone}"), 6, format!("(as.example, through the proxy {gone})")),
    ] {
        world.set("https_proxy", proxy);
        for args in [&["login", "--device"][..], &["client-credentials"]] {
            let ran = world.run(args);
            ran.failed(exit, &[&said]);
            assert!(!ran.err.contains("hush"), "{ran:?}");
        }
    }
    world.set("WEBEX_SERVER", "");
    world.set("https_proxy", "socks5://proxy");
    world.run(&["--issuer", "https://as.example", "login"]).failed(3, &["the variable https_proxy cannot be used"]);
}

#[test]
fn a_server_that_cannot_be_reached_is_named() {
    let mut world = World::new();
    expired(&world);
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let file = world.session_file();
    let moved = std::fs::read_to_string(&file).unwrap().replace(&world.simulator.base_url()["http://".len()..], &gone);
    std::fs::write(&file, moved).unwrap();
    world.set("WEBEX_SERVER", &format!("http://{gone}/"));
    let named = format!("({gone})");
    for args in [&["token"][..], &["refresh"], &["login", "--device"], &["client-credentials"]] {
        let ran = world.run(args);
        ran.failed(6, &[&named, "check the network"]);
        assert!(!ran.err.contains("/v1") && !ran.err.contains("{server}"), "{ran:?}");
    }
    let tokens = world.write("tokens", r#"{"access_token":"a","refresh_token":"r","expires_in":3600}"#);
    assert_eq!(world.run(&["login", "--token-file", tokens.to_str().unwrap()]).code, 0);
    world.run(&["whoami"]).failed(6, &[&named, "check the network"]);
    let ran = world.run(&["logout"]);
    assert!(ran.code == 0 && ran.err.contains("did not take the tokens back: ") && ran.err.contains(&named), "{ran:?}");
}

#[test]
fn a_damaged_file_is_left_alone_until_it_is_forced() {
    let world = World::new();
    let path = world.write("data/webex-oauth/default.session", "{\"not\": \"a session\"");
    world.run(&["token"]).failed(7, &["damaged", "logout --force"]);
    world.run(&["login"]).failed(7, &["damaged"]);
    assert!(path.exists());
    assert_eq!(world.run(&["logout", "--force"]).code, 0);
    assert!(!path.exists());
    world.sign_in();
}

#[test]
fn a_folder_that_is_a_file() {
    let mut world = World::new();
    let file = world.write("file", "");
    world.set("WEBEX_SESSION_FILE", &file.join("session").display().to_string());
    let ran = world.run(&["login"]);
    ran.failed(7, &["WEBEX_SESSION_FILE"]);
}

/// An answer of 200 that is about nobody, and one that says the token back.
#[test]
fn a_server_that_does_not_say_who_is_signed_in() {
    let mut world = World::new();
    let server = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    world.set("WEBEX_SERVER", &format!("http://{}", server.local_addr().unwrap()));
    let token = "NWYxMzk0ZjctZjA0Ni00YjI3AAAA1111";
    let tokens = world.write("tokens", &format!(r#"{{"access_token":"{token}","expires_in":3600}}"#));
    assert_eq!(world.run(&["login", "--token-file", tokens.to_str().unwrap()]).code, 0);
    let answers = [
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}".to_owned(),
        format!("HTTP/1.1 500 x\r\nTrackingId: {token}\r\nContent-Length: 2\r\n\r\n{{}}"),
    ];
    let answering = std::thread::spawn(move || {
        for answer in answers {
            let (mut stream, _) = server.accept().unwrap();
            let _ = stream.read(&mut [0; 4096]).unwrap();
            stream.write_all(answer.as_bytes()).unwrap();
        }
    });
    world.run(&["whoami"]).failed(6, &["not about a person"]);
    // World::run looks for the token in what is shown.
    world.run(&["whoami"]).failed(6, &["answered 500", "[trackingId …]"]);
    answering.join().unwrap();
}

#[test]
fn a_client_that_was_deleted() {
    let world = World::new();
    expired(&world);
    world.simulator.configure(|options| options.clients.clear());
    world.run(&["token"]).failed(3, &["invalid_client", "the integration still exists"]);
    world.run(&["refresh"]).failed(3, &["invalid_client"]);
}

#[test]
fn a_sign_in_that_the_server_has_ended() {
    let world = World::new();
    expired(&world);
    world.simulator.revoke_all();
    world.run(&["token"]).failed(4, &["webex-oauth login"]);
    world.run(&["status"]).failed(4, &["nobody is signed in"]);
}

#[test]
fn a_server_that_is_down_or_busy() {
    let world = World::new();
    expired(&world);
    world.simulator.set_down(true);
    world.run(&["token"]).failed(6, &["try again in "]);
    world.simulator.set_down(false);
    std::thread::sleep(Duration::from_millis(2500));
    assert!(world.run(&["token"]).done().len() > 32, "nothing was lost");
    world.simulator.set_down(true);
    world.run(&["whoami"]).failed(6, &["check the network"]);
}

#[test]
fn an_answer_that_is_cut_after_the_tokens_were_rotated() {
    let world = World::with(Options { reuse_grace_ms: 60_000, rotate: true, ..Options::default() });
    expired(&world);
    world.simulator.fault(Fault::cut_after().on_grant("refresh_token"));
    world.run(&["token"]).failed(6, &["try again"]);
    std::thread::sleep(Duration::from_millis(2500));
    assert!(world.run(&["token"]).done().len() > 32);
}

/// Moves every instant in a stored session.
fn shift(value: &mut Value, by: i64) {
    match value {
        Value::Number(number) => {
            if let Some(at) = number.as_i64().filter(|at| (1_500_000_000_000..4_000_000_000_000).contains(at)) {
                *value = (at + by).into();
            }
        }
        Value::Array(list) => list.iter_mut().for_each(|value| shift(value, by)),
        Value::Object(members) => members.values_mut().for_each(|value| shift(value, by)),
        _ => {}
    }
}

#[test]
fn a_clock_that_is_a_day_behind_is_told_and_loses_nothing() {
    let world = World::new();
    world.sign_in();
    let text = std::fs::read_to_string(world.session_file()).unwrap();
    let mut session: Value = serde_json::from_str(&text).unwrap();
    shift(&mut session, 86_400_000);
    std::fs::write(world.session_file(), session.to_string()).unwrap();
    let ran = world.run(&["status"]);
    assert!(ran.err.contains("The clock of this machine is 23 hours 59 minutes behind"), "{ran:?}");
    assert!(world.run(&["token"]).done().len() > 32);
    assert!(world.run(&["whoami"]).done().contains("Ada"));
}

#[test]
fn a_clock_that_is_a_day_ahead_costs_a_refresh() {
    let world = World::with(Options { access_lifetime_ms: 43_200_000, ..Options::default() });
    world.sign_in();
    let text = std::fs::read_to_string(world.session_file()).unwrap();
    let mut session: Value = serde_json::from_str(&text).unwrap();
    shift(&mut session, -86_400_000);
    std::fs::write(world.session_file(), session.to_string()).unwrap();
    assert!(world.run(&["whoami"]).done().contains("Ada"));
    assert_eq!(world.simulator.counters().refreshes_attempted, 1);
}

#[test]
fn an_interrupted_refresh_is_waited_for() {
    let world = World::with(Options { rotate: true, ..Options::default() });
    expired(&world);
    world.simulator.fault(Fault::hold().on_grant("refresh_token"));
    let running = world.start(&["token"]);
    assert!(world.simulator.wait_for(Duration::from_secs(10), |log| {
        log.last().is_some_and(|entry| entry.grant_type.as_deref() == Some("refresh_token"))
    }));
    running.signal("INT");
    std::thread::sleep(Duration::from_millis(200));
    world.simulator.release();
    assert_eq!(running.end().code, 130);
    assert!(world.run(&["token"]).done().len() > 32, "the rotated token was stored");
    assert_eq!(world.simulator.counters().refreshes_attempted, 1);
}
