//! A machine of its own for each test: home folder, simulator, environment. No run may print a secret.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;
use webex_oauth::sealed::{self, Keys, Owner};
use webex_oauth_simulator::{CLIENT_ID, CLIENT_SECRET, Options, Simulator};

pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_webex-oauth");

/// One machine and one server.
pub(crate) struct World {
    pub(crate) simulator: Simulator,
    pub(crate) home: TempDir,
    environment: Vec<(String, String)>,
    secrets: Mutex<BTreeSet<String>>,
}

/// What a run of the command came to.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(Options::default())
    }

    pub(crate) fn with(options: Options) -> Self {
        let simulator = Simulator::start(options).unwrap();
        let home = TempDir::new().unwrap();
        let at = |name: &str| home.path().join(name).display().to_string();
        let environment = [
            ("HOME", at("")),
            ("XDG_CONFIG_HOME", at("config")),
            ("XDG_DATA_HOME", at("data")),
            // No key ring, whatever the machine that runs the tests has.
            ("DBUS_SESSION_BUS_ADDRESS", format!("unix:path={}", at("no-bus"))),
            ("PATH", "/usr/bin:/bin".to_owned()),
            ("TERM", "xterm".to_owned()),
            ("WEBEX_SERVER", simulator.base_url().to_owned()),
            ("WEBEX_CLIENT_ID", CLIENT_ID.to_owned()),
            ("WEBEX_CLIENT_SECRET", CLIENT_SECRET.to_owned()),
            ("WEBEX_SCOPE", "spark:people_read spark:kms".to_owned()),
        ];
        let environment = environment.map(|(name, value)| (name.to_owned(), value)).into();
        Self { simulator, home, environment, secrets: Mutex::default() }
    }

    /// Changes a variable for every run that follows; an empty value takes it away.
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.environment.retain(|(known, _)| known != name);
        if !value.is_empty() {
            self.environment.push((name.to_owned(), value.to_owned()));
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        path
    }

    pub(crate) fn session_file(&self) -> PathBuf {
        self.path("data/webex-oauth/default.session")
    }

    /// Any program, in this environment.
    pub(crate) fn program(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.env_clear().envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = self.program(BINARY);
        command.args(args);
        command
    }

    pub(crate) fn run(&self, args: &[&str]) -> Ran {
        self.finish(&mut self.command(args))
    }

    /// Runs to the end. Nothing secret may be on standard error, and on standard output only what was asked for.
    pub(crate) fn finish(&self, command: &mut Command) -> Ran {
        self.collect_secrets();
        let output = command.output().unwrap();
        self.judge(output.status.code(), &output.stdout, &output.stderr)
    }

    fn judge(&self, code: Option<i32>, out: &[u8], err: &[u8]) -> Ran {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let ran = Ran { code: code.unwrap_or(-1), out: text(out), err: text(err) };
        self.collect_secrets();
        for secret in self.secrets.lock().unwrap().iter() {
            assert!(!ran.err.contains(secret), "a secret on standard error: {ran:?}");
            // What `token` prints, alone, as a header or as JSON.
            let out = ran.out.trim();
            let is_asked_for = out == *secret
                || out == format!("Authorization: Bearer {secret}")
                || out.starts_with(&format!(r#"{{"access_token":"{secret}","#));
            assert!(!out.contains(secret) || is_asked_for, "a secret on standard output: {ran:?}");
        }
        ran
    }

    /// Signs in as the browser would, with a person who accepts.
    pub(crate) fn sign_in(&self) {
        self.sign_in_with(&[]);
    }

    pub(crate) fn sign_in_with(&self, args: &[&str]) {
        let mut args = args.to_vec();
        args.extend(["login", "--no-browser"]);
        let mut login = self.start(&args);
        let url = login.url();
        self.accept(&url);
        let ran = login.end();
        assert_eq!(ran.code, 0, "{ran:?}");
        // The client's, an access token and a refresh token: else the search for secrets would find nothing.
        assert!(self.secrets.lock().unwrap().len() >= 3);
    }

    /// The person accepts, and the browser follows the redirect.
    pub(crate) fn accept(&self, url: &str) -> String {
        let redirect = self.simulator.visit(url, webex_oauth_simulator::Decision::Accept).unwrap();
        get(&redirect)
    }

    pub(crate) fn decline(&self, url: &str) -> String {
        let redirect = self.simulator.visit(url, webex_oauth_simulator::Decision::Decline).unwrap();
        get(&redirect)
    }

    /// Starts the command and goes on.
    pub(crate) fn start(&self, args: &[&str]) -> Running<'_> {
        let mut command = self.command(args);
        command.stdin(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let err = BufReader::new(child.stderr.take().unwrap());
        Running { world: self, child, err, seen: String::new() }
    }

    /// What is in an encrypted session, where its key is in `keys`.
    fn opened(&self, stored: String) -> String {
        let keys = Keys::read(&std::fs::read_to_string(self.path("keys")).unwrap_or_default());
        let owner = Owner { tenant: "", user: "default" };
        let opened = keys.ok().and_then(|keys| sealed::open(&keys, owner, &stored).ok());
        opened.map_or(stored, |session| session.expose().to_owned())
    }

    /// Every token that is stored now or was before, and the client's secret.
    fn collect_secrets(&self) {
        let mut secrets = self.secrets.lock().unwrap();
        secrets.insert(CLIENT_SECRET.to_owned());
        for file in ["keys", "other-keys"] {
            let text = std::fs::read_to_string(self.path(file)).unwrap_or_default();
            let bytes = text.split([':', '\n']).filter(|part| part.len() >= 32);
            secrets.extend(bytes.map(str::to_owned));
        }
        let stored = std::fs::read_dir(self.path("data/webex-oauth")).into_iter().flatten().flatten();
        for path in stored.map(|entry| entry.path()).chain([self.path("shared")]) {
            let text = self.opened(std::fs::read_to_string(path).unwrap_or_default());
            if let Ok(Value::Object(session)) = serde_json::from_str(&text) {
                collect(session.get("grant").unwrap_or(&Value::Null), &mut secrets);
                collect(session.get("login").unwrap_or(&Value::Null), &mut secrets);
            }
        }
    }
}

/// Long texts without spaces that are no address: tokens, codes, verifiers. The state is in the address that is shown, and
/// a tracking id is for people.
fn collect(value: &Value, secrets: &mut BTreeSet<String>) {
    match value {
        Value::String(text) if text.len() >= 32 && !text.contains([' ', '/']) && !text.starts_with("eyJjc3Jm") => {
            secrets.insert(text.clone());
        }
        Value::Array(list) => list.iter().for_each(|value| collect(value, secrets)),
        Value::Object(members) => {
            members
                .iter()
                .filter(|(name, _)| !["state", "csrf", "tracking_id"].contains(&name.as_str()))
                .for_each(|(_, value)| collect(value, secrets));
        }
        _ => {}
    }
}

/// A command that has not ended.
pub(crate) struct Running<'a> {
    world: &'a World,
    child: Child,
    err: BufReader<std::process::ChildStderr>,
    seen: String,
}

impl Running<'_> {
    /// The first address that is shown.
    pub(crate) fn url(&mut self) -> String {
        self.line_with("  http").trim().to_owned()
    }

    /// The code of a device login.
    pub(crate) fn code(&mut self) -> String {
        self.line_with("enter the code");
        self.line_with("  ").trim().to_owned()
    }

    /// Waits until the user is asked for something.
    pub(crate) fn asked(&mut self) {
        self.line_with("Open ");
    }

    /// The next line of standard error that holds `text`.
    pub(crate) fn line_with(&mut self, text: &str) -> String {
        loop {
            let mut line = String::new();
            let read = self.err.read_line(&mut line).unwrap();
            assert!(read > 0, "{text:?} is not in {:?}", self.seen);
            self.seen.push_str(&line);
            if line.contains(text) {
                return line;
            }
        }
    }

    pub(crate) fn type_line(&mut self, line: &str) {
        writeln!(self.child.stdin.as_mut().unwrap(), "{line}").unwrap();
    }

    pub(crate) fn close_input(&mut self) {
        drop(self.child.stdin.take());
    }

    pub(crate) fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args([format!("-{name}"), id]).status().unwrap().success());
    }

    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    pub(crate) fn end(mut self) -> Ran {
        let (mut out, mut err) = (Vec::new(), self.seen.clone().into_bytes());
        self.err.read_to_end(&mut err).unwrap();
        self.child.stdout.take().unwrap().read_to_end(&mut out).unwrap();
        let code = self.child.wait().unwrap().code();
        self.world.judge(code, &out, &err)
    }
}

impl Ran {
    /// Failed with this exit status and one plain sentence: one line, a full stop, what to do.
    #[track_caller]
    pub(crate) fn failed(&self, code: i32, words: &[&str]) {
        assert_eq!(self.code, code, "{self:?}");
        let sentence = self.err.lines().last().unwrap_or_default();
        assert!(sentence.starts_with("webex-oauth: ") && sentence.ends_with('.'), "{self:?}");
        assert_eq!(self.err.lines().filter(|line| line.starts_with("webex-oauth: ")).count(), 1, "{self:?}");
        assert!(!self.err.contains("panicked") && !self.err.contains('\u{1b}'), "{self:?}");
        for word in words {
            assert!(sentence.contains(word), "{word:?} is not in {self:?}");
        }
    }

    /// Refused by the argument parser.
    #[track_caller]
    pub(crate) fn usage_error(&self, word: &str) {
        assert_eq!(self.code, 2, "{self:?}");
        assert!(self.err.contains(word), "{self:?}");
    }

    #[track_caller]
    pub(crate) fn done(&self) -> &str {
        assert_eq!(self.code, 0, "{self:?}");
        self.out.trim_end()
    }
}

/// A browser's GET; the body of the answer.
pub(crate) fn get(url: &str) -> String {
    let rest = url.strip_prefix("http://").unwrap();
    let (host, path) = rest.split_once('/').unwrap();
    let mut stream = TcpStream::connect(host).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    write!(stream, "GET /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

/// Waits until it is so.
#[track_caller]
pub(crate) fn eventually(what: &str, mut done: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !done() {
        assert!(begun.elapsed() < Duration::from_secs(10), "{what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// What is in a folder, without the lock files, which stay.
pub(crate) fn left_in(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
    names.filter(|name| !name.ends_with("lock")).collect()
}
