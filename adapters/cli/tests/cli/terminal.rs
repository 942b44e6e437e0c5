//! In a pseudo-terminal: what a person sees.

use std::io::{Read as _, Write as _};

use rexpect::session::{PtySession, spawn_command};
use webex_oauth_simulator::{Decision, Options};

use crate::kit::{World, get, left_in};

fn terminal(world: &World, args: &[&str]) -> PtySession {
    let mut command = world.command(args);
    // The terminal takes the place of the pipes.
    command.stdin(std::process::Stdio::inherit()).stdout(std::process::Stdio::inherit());
    command.stderr(std::process::Stdio::inherit());
    spawn_command(command, Some(20_000)).unwrap()
}

/// The first address that is shown.
fn url(session: &mut PtySession) -> String {
    let (_, url) = session.exp_regex(r"http://[^\s]+").unwrap();
    url
}

fn code(session: &mut PtySession) -> i32 {
    session.exp_eof().unwrap();
    match session.process_mut().wait().unwrap() {
        rexpect::process::WaitStatus::Exited(_, code) => code,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_device_login_has_a_picture_and_a_countdown() {
    let world = World::with(Options { device_interval_ms: 1000, ..Options::default() });
    let mut session = terminal(&world, &["login", "--device"]);
    // The code is below the picture, where it stays on the screen.
    let picture = session.exp_string("Point a camera there").unwrap();
    session.exp_string("enter the code").unwrap();
    // A full block, as rexpect reads bytes.
    assert!(picture.contains("\u{e2}\u{96}\u{88}"), "{picture}");
    session.exp_string("waiting for you to confirm, ").unwrap();
    let (_, left) = session.exp_regex("0[45]:[0-9]{2} left").unwrap();
    session.exp_regex("04:5[0-9] left").unwrap();
    assert!(left.ends_with("left"));
    assert!(world.simulator.decide_device(None, Decision::Accept));
    session.exp_string("Signed in").unwrap();
    assert_eq!(code(&mut session), 0);
}

#[test]
fn control_c_takes_everything_back() {
    for way in [&["login", "--no-browser"][..], &["login", "--paste"], &["login", "--device"]] {
        let world = World::new();
        let mut session = terminal(&world, way);
        session.exp_string("Open ").unwrap();
        session.send_control('c').unwrap();
        session.exp_string("interrupted.").unwrap();
        assert_eq!(code(&mut session), 130, "{way:?}");
        assert_eq!(left_in(&world.path("data/webex-oauth")), [""; 0], "{way:?}");
    }
}

#[test]
fn an_address_is_pasted() {
    let world = World::new();
    let mut session = terminal(&world, &["login", "--paste"]);
    let url = url(&mut session);
    session.exp_string("press Enter").unwrap();
    session.send_line(&world.simulator.visit(&url, Decision::Accept).unwrap()).unwrap();
    session.exp_string("Signed in").unwrap();
    assert_eq!(code(&mut session), 0);
}

/// Sets the clipboard, in two ways of writing it, and turns the text after it invisible.
const STEERING: &str = r"\u001b]52;c;eA==\u0007\u009d52;c;eA==\u009c\u001b[8m";

/// What is left of [`STEERING`] does nothing, and our own colours are there. (rexpect reads bytes.)
#[track_caller]
fn steers_nothing(shown: &str) {
    assert!(shown.contains("]52;c;eA=="), "it was to be shown: {shown:?}");
    assert!(!shown.contains("\u{1b}]") && !shown.contains('\u{7}') && !shown.contains("\u{c2}\u{9d}"), "{shown:?}");
    assert!(!shown.contains("\u{1b}[8m") && shown.contains("\u{1b}["), "{shown:?}");
}

#[test]
fn a_server_does_not_steer_the_terminal() {
    let mut world = World::new();
    let server = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    world.set("WEBEX_SERVER", &format!("http://{}", server.local_addr().unwrap()));
    let body = format!(
        r#"{{"device_code":"d","user_code":"A{STEERING}","verification_uri":"https://x.example/{STEERING}","expires_in":300}}"#
    );
    let answering = std::thread::spawn(move || {
        let (mut stream, _) = server.accept().unwrap();
        let mut request = Vec::new();
        while !request.ends_with(b"}") && !request.windows(6).any(|part| part == b"scope=") {
            let mut bytes = [0; 4096];
            let read = stream.read(&mut bytes).unwrap();
            request.extend_from_slice(&bytes[..read]);
        }
        let len = body.len();
        write!(stream, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len}\r\n\r\n{body}")
            .unwrap();
    });
    let mut session = terminal(&world, &["login", "--device"]);
    let shown = session.exp_string("waiting for you to confirm").unwrap();
    answering.join().unwrap();
    session.send_control('c').unwrap();
    assert_eq!(code(&mut session), 130);
    assert!(shown.contains("enter the code"), "{shown:?}");
    steers_nothing(&shown);
}

#[test]
fn a_scope_does_not_steer_the_terminal() {
    let world = World::new();
    let tokens = world.write("tokens", &format!(r#"{{"access_token":"a","expires_in":3600,"scope":"x{STEERING}"}}"#));
    assert_eq!(world.run(&["login", "--token-file", tokens.to_str().unwrap()]).code, 0);
    let mut session = terminal(&world, &["status"]);
    steers_nothing(&session.exp_eof().unwrap());
}

#[test]
fn a_record_does_not_steer_the_terminal() {
    let world = World::new();
    let file = world.path("record").display().to_string();
    let tokens = world.write("tokens", r#"{"access_token":"a","expires_in":3600}"#);
    assert_eq!(world.run(&["--record", &file, "login", "--token-file", tokens.to_str().unwrap()]).code, 0);
    let text = std::fs::read_to_string(&file).unwrap().replace("persist 1", STEERING);
    std::fs::write(&file, text).unwrap();
    let mut session = terminal(&world, &["replay", &file]);
    steers_nothing(&session.exp_eof().unwrap());
}

#[test]
fn colours_are_for_terminals_that_want_them() {
    let mut world = World::new();
    let shown = |world: &World, args: &[&str]| {
        let mut session = terminal(world, args);
        session.exp_eof().unwrap()
    };
    assert!(shown(&world, &["token"]).contains("\u{1b}["));
    assert!(!shown(&world, &["--color", "never", "token"]).contains("\u{1b}[1m"));
    world.set("NO_COLOR", "1");
    assert!(!shown(&world, &["token"]).contains("\u{1b}[31m"));
    assert!(!shown(&world, &["token"]).contains("\u{1b}[1m"));
    // In a pipe it takes a wish.
    assert!(!world.run(&["token"]).err.contains('\u{1b}'));
    world.set("NO_COLOR", "");
    assert!(world.run(&["--color", "always", "token"]).err.contains('\u{1b}'));
}

#[test]
fn quiet_says_only_what_there_is_to_do() {
    let world = World::new();
    let mut session = terminal(&world, &["--quiet", "login", "--no-browser"]);
    let url = url(&mut session);
    get(&world.simulator.visit(&url, Decision::Accept).unwrap());
    let rest = session.exp_eof().unwrap();
    assert_eq!(rest.trim(), "", "{rest:?}");
}

#[test]
fn the_simulator_shows_requests_and_stops_at_control_c() {
    let world = World::new();
    let mut session = terminal(&world, &["simulator", "--auto-accept"]);
    session.exp_string("export WEBEX_SERVER=").unwrap();
    let url = url(&mut session);
    session.exp_string("Ctrl-C stops it").unwrap();
    let answer = get(&format!("{url}/v1/people/me"));
    assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
    session.exp_string("401 GET /v1/people/me").unwrap();
    session.send_control('c').unwrap();
    assert_eq!(code(&mut session), 0);
}

/// A token in a command substitution while a person watches: the spinner is on the terminal, the token is not.
#[test]
fn a_substitution_gets_the_token_alone() {
    let world = World::new();
    world.sign_in();
    let token = world.run(&["token"]).done().to_owned();
    let script = format!("t=$({} token); printf '<%s>' \"$t\" > {}", crate::kit::BINARY, world.path("out").display());
    let mut command = world.program("/bin/sh");
    command.args(["-c", &script]);
    command.stdin(std::process::Stdio::inherit()).stdout(std::process::Stdio::inherit());
    command.stderr(std::process::Stdio::inherit());
    let mut session = spawn_command(command, Some(20_000)).unwrap();
    let seen = session.exp_eof().unwrap();
    assert!(!seen.contains(&token), "{seen:?}");
    let mut out = String::new();
    std::fs::File::open(world.path("out")).unwrap().read_to_string(&mut out).unwrap();
    assert_eq!(out, format!("<{token}>"));
}

/// The settings of the terminal are the shell's again, whoever ends the command.
#[test]
fn a_setup_that_is_ended_gives_the_terminal_its_echo_back() {
    for signal in ["INT", "TERM", "key"] {
        let world = World::new();
        let pid = world.path("pid");
        let script = format!(
            "trap : INT; stty echo; sh -c 'echo $$ > {}; exec {} setup'; code=$?; stty -a; echo the end $code",
            pid.display(),
            crate::kit::BINARY
        );
        let mut command = world.program("/bin/sh");
        command.args(["-c", &script]);
        command.stdin(std::process::Stdio::inherit()).stdout(std::process::Stdio::inherit());
        command.stderr(std::process::Stdio::inherit());
        let mut session = spawn_command(command, Some(20_000)).unwrap();
        session.exp_string("Client ID").unwrap();
        session.send_line("client").unwrap();
        session.exp_string("not shown").unwrap();
        if signal == "key" {
            session.send_control('c').unwrap();
        } else {
            let pid = std::fs::read_to_string(&pid).unwrap();
            let killed = std::process::Command::new("kill").args([&format!("-{signal}"), pid.trim()]).status();
            assert!(killed.unwrap().success());
        }
        session.exp_string("interrupted; nothing was written").unwrap();
        let settings = session.exp_string("the end 130").unwrap();
        assert!(settings.contains(" echo ") && !settings.contains("-echo "), "{signal}: {settings}");
        assert!(!world.path("config/webex-oauth/config.toml").exists());
    }
}

/// A person corrects what is wrong while the question is still there.
#[test]
fn a_setup_asks_once_more() {
    let mut world = World::new();
    world.set("WEBEX_CLIENT_ID", "");
    let mut session = terminal(&world, &["setup"]);
    session.exp_string("Client ID").unwrap();
    session.send_line("").unwrap();
    session.exp_string("client_id is missing. Once more:").unwrap();
    session.send_line("simulated-integration").unwrap();
    session.exp_string("not shown").unwrap();
    session.send_line("").unwrap();
    session.exp_string("Redirect URI").unwrap();
    session.send_line("ftp://x").unwrap();
    session.exp_string("Once more:").unwrap();
    session.send_line("").unwrap();
    session.exp_string("Scope").unwrap();
    session.send_line("").unwrap();
    session.exp_string("Written").unwrap();
    assert_eq!(code(&mut session), 0);
    let written = std::fs::read_to_string(world.path("config/webex-oauth/config.toml")).unwrap();
    assert!(written.contains("simulated-integration") && !written.contains("ftp"), "{written}");
}
