//! The command on Windows: where its files are, a sign-in over loopback, processes that share a file. `scripts/windows` runs this.
#![cfg(windows)]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Output, Stdio};

use tempfile::TempDir;
use webex_oauth_simulator::{CLIENT_ID, CLIENT_SECRET, Decision, Options, Simulator};

struct World {
    simulator: Simulator,
    home: TempDir,
}

impl World {
    fn new(options: Options) -> Self {
        Self { simulator: Simulator::start(options).unwrap(), home: TempDir::new().unwrap() }
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_webex-oauth"));
        command.args(args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        for (name, folder) in [("USERPROFILE", ""), ("APPDATA", "Roaming"), ("LOCALAPPDATA", "Local")] {
            command.env(name, self.home.path().join(folder));
        }
        command.env("WEBEX_STORE", "file").env("WEBEX_SERVER", self.simulator.base_url());
        command.env("WEBEX_CLIENT_ID", CLIENT_ID).env("WEBEX_CLIENT_SECRET", CLIENT_SECRET);
        command.env("WEBEX_SCOPE", "spark:people_read").env("WEBEX_REDIRECT_URI", "http://127.0.0.1/callback");
        command
    }

    fn run(&self, args: &[&str]) -> String {
        let output = self.command(args).output().unwrap();
        done(&output)
    }

    /// Through the listener of the command, with a person who accepts.
    fn sign_in(&self) {
        let mut login: Child = self.command(&["login", "--no-browser"]).spawn().unwrap();
        let mut said = BufReader::new(login.stderr.take().unwrap());
        let mut all = String::new();
        let url = loop {
            let mut line = String::new();
            assert!(said.read_line(&mut line).unwrap() > 0, "no address: {all}");
            all.push_str(&line);
            if let Some(at) = line.find("http://127.0.0.1") {
                break line[at..].trim().to_owned();
            }
        };
        let redirect = self.simulator.visit(&url, Decision::Accept).unwrap();
        assert!(get(&redirect).starts_with("HTTP/1.1 200"), "{redirect}");
        said.read_to_string(&mut all).unwrap();
        assert!(login.wait().unwrap().success(), "{all}");
    }
}

fn done(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// What the browser does with the address that it is sent to.
fn get(url: &str) -> String {
    let (host, path) = url.strip_prefix("http://").unwrap().split_once('/').unwrap();
    let mut stream = TcpStream::connect(host).unwrap();
    write!(stream, "GET /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn a_sign_in_over_loopback_says_who_that_is() {
    let world = World::new(Options::default());
    world.sign_in();
    assert!(world.run(&["whoami"]).contains("Ada Lovelace"));
}

#[test]
fn the_tokens_are_below_appdata_and_go_with_a_sign_out() {
    let world = World::new(Options::default());
    world.sign_in();
    let file = world.home.path().join(r"Roaming\webex-oauth\webex-oauth\data\default.session");
    assert!(file.is_file(), "{}", file.display());
    let token = world.run(&["token"]);
    world.run(&["logout"]);
    assert!(!std::fs::read_to_string(&file).unwrap().contains(token.trim()));
    assert_eq!(world.command(&["token"]).output().unwrap().status.code(), Some(4));
    world.run(&["logout", "--force"]);
    assert!(!file.exists());
}

#[test]
fn processes_on_one_file_refresh_once() {
    let world = World::new(Options { access_lifetime_ms: 1000, rotate: true, ..Options::default() });
    world.sign_in();
    world.simulator.configure(|options| options.access_lifetime_ms = 1_209_600_000);
    std::thread::sleep(std::time::Duration::from_millis(1100));
    let children: Vec<Child> = (0..4).map(|_| world.command(&["token"]).spawn().unwrap()).collect();
    let mut tokens: Vec<String> = children.into_iter().map(|child| done(&child.wait_with_output().unwrap())).collect();
    tokens.sort_unstable();
    tokens.dedup();
    let counters = world.simulator.counters();
    assert_eq!((tokens.len(), counters.refreshes_attempted, counters.reuse_detected), (1, 1, 0));
}
