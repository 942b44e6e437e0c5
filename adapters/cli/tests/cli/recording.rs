//! `--record` and `replay`: a bug report is a file.

use crate::kit::World;

fn recorded(world: &World) -> String {
    let file = world.path("record.jsonl").display().to_string();
    let mut login = world.start(&["--record", &file, "login", "--no-browser"]);
    let url = login.url();
    world.accept(&url);
    assert_eq!(login.end().code, 0);
    file
}

#[test]
fn a_record_holds_no_secret_and_replays() {
    let world = World::new();
    let file = recorded(&world);
    let token = world.run(&["token"]).done().to_owned();
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(!text.contains(&token) && !text.contains("simulated-secret"), "{text}");
    let ran = world.run(&["replay", &file]);
    for words in ["begin_login", "complete_login", "send 1 redeem_code", "→ signed in"] {
        assert!(ran.done().contains(words), "{words:?} is not in {ran:?}");
    }
    assert!(ran.err.contains("all as recorded"), "{ran:?}");
    assert_eq!(world.run(&["replay", "--differences", &file]).done(), "");
}

#[test]
fn a_failure_is_recorded_as_well() {
    let world = World::new();
    let file = world.path("record.jsonl").display().to_string();
    let mut login = world.start(&["--record", &file, "login", "--no-browser"]);
    let url = login.url();
    world.decline(&url);
    assert_eq!(login.end().code, 5);
    assert!(world.run(&["replay", &file]).done().contains("access_denied"));
}

#[test]
fn a_changed_record_is_told_apart() {
    let world = World::new();
    let file = recorded(&world);
    let text = std::fs::read_to_string(&file).unwrap().replace("\"status\":200", "\"status\":503");
    std::fs::write(&file, text).unwrap();
    let ran = world.run(&["replay", &file]);
    ran.failed(8, &["came out differently"]);
    assert!(ran.out.contains("recorded") && ran.out.contains("now"), "{ran:?}");
}

#[test]
fn nothing_but_an_older_record_is_replaced() {
    let world = World::new();
    let keys = world.write("keys", "not a record").display().to_string();
    world.run(&["--record", &keys, "login", "--device"]).failed(2, &["would replace", "give another file"]);
    assert_eq!(std::fs::read(&keys).unwrap(), b"not a record");
    // The session that this very command stores.
    let tokens = world.write("tokens", r#"{"access_token":"a","refresh_token":"r","expires_in":3600}"#);
    let session = world.session_file().display().to_string();
    let adopted = ["--record", &session, "login", "--token-file", &tokens.display().to_string()];
    world.run(&adopted).failed(2, &["would replace"]);
    assert_eq!(world.run(&["token"]).done().trim(), "a");
    let record = world.path("older").display().to_string();
    for _ in 0..2 {
        world.run(&["--record", &record, "token"]).done();
    }
}

#[test]
fn files_that_are_no_record() {
    let world = World::new();
    let file = world.write("nonsense", "hello").display().to_string();
    world.run(&["replay", &file]).failed(1, &["line 1 is not one of a transcript"]);
    world.run(&["replay", "/nowhere"]).failed(1, &["cannot be read"]);
    world.run(&["--record", "/nowhere/x", "token"]).failed(1, &["the record cannot be written"]);
}
