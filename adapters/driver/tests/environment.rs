//! What the environment says, each time in a process of its own.
#![cfg(unix)]

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::process::Command;

use webex_oauth_driver::settings;

const NOT_UTF_8: &[u8] = b"caf\xe9";

/// What a process reads whose environment has these beside a client id.
fn read(variables: &[(&str, &[u8])]) -> String {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--ignored", "--exact", "child", "--nocapture"]).env_clear().env("WEBEX_CLIENT_ID", "C1");
    command.envs(variables.iter().map(|(name, value)| (name, OsStr::from_bytes(value))));
    let output = command.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
#[ignore = "is run by the others"]
fn child() {
    let server = settings::config().map(|config| config.provider().token_endpoint.clone());
    println!("server {server:?}");
    println!("store {:?}", settings::store().map_err(|error| error.to_string()));
}

#[test]
fn a_text_that_is_not_unicode_is_an_error_that_names_it() {
    for name in ["WEBEX_SERVER", "WEBEX_SCOPE", "WEBEX_ISSUER", "WEBEX_CLIENT_SECRET", "WEBEX_PROFILE", "SCOPE"] {
        let read = read(&[(name, NOT_UTF_8)]);
        assert!(read.contains(&format!("{name} is not UTF-8")) && !read.contains("caf"), "{read}");
    }
    // Nobody looks at these: another one goes before it, or it is none of ours.
    let unseen: [&[(&str, &[u8])]; 3] = [
        &[("LESSOPEN", NOT_UTF_8)],
        &[("CISCOSPARK_CLIENT_ID", NOT_UTF_8)],
        &[("SCOPE", NOT_UTF_8), ("WEBEX_SCOPE", b"spark:all")],
    ];
    for variables in unseen {
        assert!(
            read(variables).contains(r#"server Ok("https://webexapis.com/v1/access_token")"#),
            "{}",
            read(variables)
        );
    }
}

#[test]
fn a_path_may_be_any_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &[u8]| folder.path().join(OsStr::from_bytes(name));
    let (metadata, session) = (path(b"m\xe9ta"), path(b"s\xe9ssion"));
    let document = r#"{"issuer":"https://auth.example","token_endpoint":"https://auth.example/token"}"#;
    std::fs::write(&metadata, document).unwrap();
    let read = read(&[
        ("WEBEX_METADATA", metadata.as_os_str().as_bytes()),
        ("WEBEX_SESSION_FILE", session.as_os_str().as_bytes()),
    ]);
    assert!(read.contains(r#"server Ok("https://auth.example/token")"#), "{read}");
    assert!(read.contains("store Ok(Some(FileStore("), "{read}");
}

#[test]
fn keys_that_nothing_here_uses_are_not_overlooked() {
    let refused = read(&[("WEBEX_SESSION_FILE", b"/tmp/s"), ("WEBEX_KEY_FILE", b"/tmp/k")]);
    assert!(refused.contains("store Err(\"WEBEX_KEY_FILE is set, and nothing here encrypts"), "{refused}");
    // Nothing is stored, or nothing is asked for.
    assert!(read(&[("WEBEX_KEY_FILE", b"/tmp/k")]).contains("store Ok(None)"));
    assert!(read(&[("WEBEX_SESSION_FILE", b"/tmp/s"), ("WEBEX_KEY_FILE", b"")]).contains("store Ok(Some("));
}

/// A service manager, a container or a file of settings has no shell that would do it.
#[test]
fn a_tilde_is_the_home_folder() {
    let home = tempfile::tempdir().unwrap();
    let home = std::fs::canonicalize(home.path()).unwrap();
    let document = r#"{"issuer":"https://auth.example","token_endpoint":"https://auth.example/token"}"#;
    std::fs::create_dir_all(home.join("in")).unwrap();
    std::fs::write(home.join("in/metadata"), document).unwrap();
    let home_variable = ("HOME", home.as_os_str().as_bytes());
    let read_at = |file: &str| read(&[home_variable, ("WEBEX_SESSION_FILE", file.as_bytes())]);
    let expected = format!("store Ok(Some(FileStore({})))", home.join("in/session").display());
    assert!(read_at("~/in/session").contains(&expected), "{}", read_at("~/in/session"));
    let metadata = read(&[home_variable, ("WEBEX_METADATA", b"~/in/metadata")]);
    assert!(metadata.contains(r#"server Ok("https://auth.example/token")"#), "{metadata}");
    // Names like others.
    for name in ["~x/session", "x/~/session", "session~"] {
        assert!(read_at(name).contains(&format!("{name})))")), "{}", read_at(name));
    }
}
