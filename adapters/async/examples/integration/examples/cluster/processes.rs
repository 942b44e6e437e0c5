//! Three nodes of the application, two workers that renew, and a proxy that takes turns, on loopback and on one database.
#![allow(dead_code, reason = "one of the examples kills nodes")]

use std::io::Write as _;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use webex_oauth_stores::new_key_file;

const NODES: usize = 3;
const WORKERS: usize = 2;

/// Everything that was started; it stops when dropped.
pub(crate) struct Cluster {
    folder: tempfile::TempDir,
    database: String,
    client: Vec<(&'static str, String)>,
    /// Where people come.
    pub(crate) port: u16,
    ports: Vec<u16>,
    nodes: Vec<Process>,
    workers: Vec<Process>,
    _proxy: Process,
}

/// A process of ours.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Cluster {
    /// On this database, for this integration: `CLIENT_ID`, `CLIENT_SECRET`, and `PROVIDER_URL` where it is not Webex's.
    pub(crate) fn start(database: String, port: Option<u16>, client: Vec<(&'static str, String)>) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        new_key_file(folder.path().join("keys"), "cluster").expect("a key");
        let ports: Vec<u16> = free_ports(NODES + 1);
        let port = port.unwrap_or(ports[NODES]);
        let proxy = start_proxy(folder.path(), port, &ports[..NODES]);
        let (nodes, workers) = (Vec::new(), Vec::new());
        let mut cluster = Self { folder, database, client, port, ports, nodes, workers, _proxy: proxy };
        cluster.nodes = (0..NODES).map(|number| cluster.node(number)).collect();
        cluster.workers = (0..WORKERS).map(|_| cluster.worker()).collect();
        cluster
    }

    /// `kill -9`, as a machine that fails.
    pub(crate) fn kill(&mut self, number: usize) {
        let node = &mut self.nodes[number % NODES];
        node.0.kill().expect("it runs");
        let _ = node.0.wait();
    }

    /// The same for a worker, which is started again at once.
    pub(crate) fn replace_worker(&mut self, number: usize) {
        self.workers[number % WORKERS] = self.worker();
    }

    pub(crate) fn start_again(&mut self, number: usize) {
        self.nodes[number % NODES] = self.node(number % NODES);
    }

    /// Those that ended although nobody has killed them.
    pub(crate) fn fallen(&mut self) -> Vec<String> {
        let nodes = self.nodes.iter_mut().map(|node| ("a node", node));
        let workers = self.workers.iter_mut().map(|worker| ("a worker", worker));
        let ended = |(what, process): (&str, &mut Process)| {
            process.0.try_wait().ok().flatten().map(|status| format!("{what} has ended by itself: {status}"))
        };
        nodes.chain(workers).filter_map(ended).collect()
    }

    fn node(&self, number: usize) -> Process {
        let mut command = Command::new(beside("webex-oauth-integration"));
        command.envs(self.client.iter().map(|(name, value)| (*name, value)));
        command
            .env("PORT", self.ports[number].to_string())
            .env("REDIRECT_URI", format!("http://localhost:{}/oauth", self.port))
            .env("DATABASE_URL", &self.database)
            .env("KEY_FILE", self.folder.path().join("keys"))
            .env("COOKIE_KEY_FILE", self.folder.path().join("cookie.key"));
        spawn(command.stdout(Stdio::null()))
    }

    fn worker(&self) -> Process {
        let mut command = Command::new(beside("webex-oauth"));
        for (name, value) in &self.client {
            let name = if *name == "PROVIDER_URL" { "WEBEX_SERVER".to_owned() } else { format!("WEBEX_{name}") };
            command.env(name, value);
        }
        command
            .env("WEBEX_STORE", &self.database)
            .env("WEBEX_KEY_FILE", self.folder.path().join("keys"))
            .args(["fleet", "--migrate"]);
        spawn(command.stdout(Stdio::null()).stderr(Stdio::null()))
    }
}

fn start_proxy(folder: &Path, port: u16, nodes: &[u16]) -> Process {
    let path = folder.join("haproxy.cfg");
    let mut file = std::fs::File::create(&path).expect("a file");
    let common = "timeout connect 1s\n  timeout check 5s\n  timeout client 120s\n  timeout server 120s\n  retries 3\n  option redispatch 1\n";
    write!(file, "defaults\n  mode http\n  {common}  retry-on conn-failure\n").expect("written");
    write!(file, "frontend people\n  bind 127.0.0.1:{port}\n  default_backend nodes\n").expect("written");
    writeln!(file, "backend nodes\n  balance roundrobin\n  option httpchk GET /icon.svg").expect("written");
    for (number, port) in nodes.iter().enumerate() {
        writeln!(file, "  server node{number} 127.0.0.1:{port} check inter 200ms fall 1 rise 1").expect("written");
    }
    drop(file);
    let mut command = Command::new("haproxy");
    // It says at every check that a node is not there.
    spawn(command.arg("-db").arg("-f").arg(path).stdout(Stdio::null()).stderr(Stdio::null()))
}

fn spawn(command: &mut Command) -> Process {
    let name = command.get_program().to_owned();
    Process(command.spawn().unwrap_or_else(|error| panic!("{} does not start: {error}", name.display())))
}

/// A program of the same build.
fn beside(name: &str) -> PathBuf {
    let own = std::env::current_exe().expect("a path");
    own.ancestors().nth(2).expect("beside the examples").join(name)
}

/// All at once, so that no two of them are the same.
fn free_ports(count: usize) -> Vec<u16> {
    let listeners: Vec<_> = (0..count).map(|_| TcpListener::bind("127.0.0.1:0").expect("a port")).collect();
    listeners.iter().map(|listener| listener.local_addr().expect("bound").port()).collect()
}
