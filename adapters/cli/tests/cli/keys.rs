//! Tokens that are encrypted where they are kept.

use std::os::unix::fs::PermissionsExt as _;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use crate::kit::World;

/// A machine with a key.
fn world() -> World {
    let mut world = World::new();
    let file = world.path("keys").display().to_string();
    assert_eq!(world.run(&["key", "new", &file]).code, 0);
    world.set("WEBEX_KEY_FILE", &file);
    world
}

fn stored(world: &World) -> String {
    std::fs::read_to_string(world.session_file()).unwrap()
}

/// The key that the stored session names.
fn key_id(world: &World) -> String {
    let header = URL_SAFE_NO_PAD.decode(stored(world).split('.').next().unwrap()).unwrap();
    serde_json::from_slice::<Value>(&header).unwrap()["kid"].as_str().unwrap().to_owned()
}

fn names(world: &World, file: &str) -> Vec<String> {
    world.run(&["key", "list", &world.path(file).display().to_string()]).done().lines().map(str::to_owned).collect()
}

#[test]
fn a_key_file_is_yours_and_is_never_overwritten() {
    let world = World::new();
    let path = world.path("keys");
    let file = path.display().to_string();
    let ran = world.run(&["key", "new", &file]);
    assert_eq!((ran.code, ran.out.as_str()), (0, ""));
    assert!(ran.err.contains("only you can read") && ran.err.contains("Keep a copy"), "{ran:?}");
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let before = std::fs::read(&path).unwrap();
    world.run(&["key", "new", &file]).failed(3, &["there is a file already", "never overwritten"]);
    assert_eq!(std::fs::read(&path).unwrap(), before);
    assert_eq!(names(&world, "keys").len(), 1);
    let nowhere = world.path("none/keys").display().to_string();
    world.run(&["key", "new", &nowhere]).failed(3, &["none: there is no such folder", "make it first"]);
    world.run(&["key", "add", &nowhere]).failed(3, &["there is no such key file"]);
    // What is wrong with a name is no fault of the file.
    let other = world.path("other").display().to_string();
    let [name] = &names(&world, "keys")[..] else { panic!("one key") };
    for (args, word) in [
        (["key", "new", &other, "--name", "a b"], "\"a b\" is no name for a key"),
        (["key", "add", &file, "--name", "a b"], "\"a b\" is no name for a key"),
        (["key", "add", &file, "--name", ""], "no name for a key"),
        (["key", "add", &file, "--name", name], "already"),
    ] {
        let ran = world.run(&args);
        ran.failed(3, &[word, "choose another --name"]);
        assert!(!ran.err.contains("not a key file"), "{ran:?}");
    }
    assert!(!world.path("other").exists());
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[test]
fn what_is_stored_is_encrypted_and_every_command_opens_it() {
    let world = world();
    world.sign_in();
    assert_eq!(vec![key_id(&world)], names(&world, "keys"));
    let token = world.run(&["token"]).done().to_owned();
    assert!(token.len() > 32 && !stored(&world).contains(&token[..16]));
    assert_eq!(world.run(&["refresh"]).code, 0);
    assert_ne!(world.run(&["token"]).done(), token);
    assert!(world.run(&["status"]).done().contains("spark:people_read"));
    assert!(world.run(&["profiles"]).done().contains("default.session"));
    assert_eq!(vec![key_id(&world)], names(&world, "keys"));
    assert_eq!(world.run(&["logout"]).code, 0);
    world.run(&["token"]).failed(4, &["sign in"]);
}

#[test]
fn who_has_no_key_is_told_so_and_nothing_is_overwritten() {
    let mut world = world();
    world.sign_in();
    let before = stored(&world);
    let key = key_id(&world);
    world.set("WEBEX_KEY_FILE", "");
    for command in ["token", "refresh", "status", "login", "logout", "revoke", "client-credentials"] {
        world.run(&[command]).failed(7, &["sealed with key", &key, "no key was given", "--key-file"]);
        assert_eq!(stored(&world), before, "{command}");
    }
    // The wrong one, and another one of the same name.
    let other = world.path("other-keys").display().to_string();
    for name in ["another", &key] {
        assert_eq!(world.run(&["key", "new", &other, "--name", name]).code, 0);
        for command in ["token", "status", "login", "logout", "reseal"] {
            world.run(&["--key-file", &other, command]).failed(7, &["sealed with key", &key]);
            assert_eq!(stored(&world), before, "{command}");
        }
        std::fs::remove_file(&other).unwrap();
    }
    // What cannot be opened can be forgotten.
    assert_eq!(world.run(&["logout", "--force"]).code, 0);
    assert!(!world.session_file().exists());
}

#[test]
fn what_was_not_encrypted_is_sealed_when_that_is_asked_for() {
    let mut world = World::new();
    world.sign_in();
    let before = stored(&world);
    let token = world.run(&["token"]).done().to_owned();
    world.run(&["reseal"]).failed(3, &["there is no key", "--key-file"]);
    let file = world.path("keys").display().to_string();
    assert_eq!(world.run(&["key", "new", &file]).code, 0);
    world.set("WEBEX_KEY_FILE", &file);
    for command in ["token", "login", "status", "logout"] {
        world.run(&[command]).failed(7, &["not a sealed session", "webex-oauth reseal"]);
        assert_eq!(stored(&world), before, "{command}");
    }
    let ran = world.run(&["reseal"]);
    assert!(ran.code == 0 && ran.err.contains("Sealed with key"), "{ran:?}");
    assert_eq!(world.run(&["token"]).done(), token);
    let sealed = stored(&world);
    assert!(world.run(&["reseal"]).err.contains("nothing to be done"));
    assert_eq!(stored(&world), sealed);
}

#[test]
fn a_key_is_changed_without_signing_in_again() {
    let world = world();
    world.sign_in();
    let (old, token) = (key_id(&world), world.run(&["token"]).done().to_owned());
    let file = world.path("keys").display().to_string();
    assert_eq!(world.run(&["key", "add", &file]).code, 0);
    let both = names(&world, "keys");
    assert_eq!((both.len(), &both[1]), (2, &old));
    assert_eq!(world.run(&["token"]).done(), token);
    assert_eq!(world.run(&["reseal"]).code, 0);
    assert_eq!(key_id(&world), both[0]);
    // The old one is taken out.
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.lines().next().unwrap()).unwrap();
    assert_eq!(world.run(&["token"]).done(), token);
}

#[test]
fn what_is_no_key_file_is_told_in_a_sentence() {
    let mut world = world();
    world.sign_in();
    let before = stored(&world);
    let good = std::fs::read_to_string(world.path("keys")).unwrap();
    let bytes = good.trim().split_once(':').unwrap().1.to_owned();
    let bad = world.write("other-keys", "");
    let give = |text: &str, mode: u32| {
        std::fs::write(&bad, text).unwrap();
        std::fs::set_permissions(&bad, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    world.set("WEBEX_KEY_FILE", &bad.display().to_string());
    for (text, mode, words) in [
        (good.as_str(), 0o644, ["others than you", "chmod 600"]),
        (good.as_str(), 0o660, ["others than you", "chmod 600"]),
        ("", 0o600, ["not a key file", "there is no key"]),
        (&bytes, 0o600, ["not a key file", "NAME:BYTES"]),
        (&format!("{bytes}:old"), 0o600, ["not a key file", "NAME:BYTES"]),
        (&format!("old:{}", &bytes[..30]), 0o600, ["not a key file", "32 bytes"]),
        (&format!("old:{bytes} {bytes}"), 0o600, ["not a key file", "NAME:BYTES"]),
        (&format!("{good}{good}"), 0o600, ["not a key file", "twice"]),
    ] {
        give(text, mode);
        for command in ["token", "status", "login", "reseal"] {
            world.run(&[command]).failed(3, &words);
        }
        assert_eq!(stored(&world), before);
    }
    std::fs::remove_file(&bad).unwrap();
    world.run(&["token"]).failed(3, &["there is no such key file", "webex-oauth key new"]);
    world.set("WEBEX_KEY_FILE", &world.home.path().display().to_string());
    world.run(&["token"]).failed(3, &["is a directory"]);
}

/// Its login was begun when nothing was encrypted yet.
#[test]
fn a_program_without_the_key_does_not_save_over_what_was_sealed_meanwhile() {
    let world = World::new();
    world.sign_in();
    let mut login = world.start(&["login", "--no-browser"]);
    let url = login.url();
    let file = world.path("keys").display().to_string();
    assert_eq!(world.run(&["key", "new", &file]).code, 0);
    assert_eq!(world.run(&["--key-file", &file, "reseal"]).code, 0);
    let sealed = stored(&world);
    world.accept(&url);
    login.end().failed(7, &["sealed with key", "no key was given"]);
    assert_eq!(stored(&world), sealed);
    assert!(world.run(&["--key-file", &file, "token"]).done().len() > 32);
}
