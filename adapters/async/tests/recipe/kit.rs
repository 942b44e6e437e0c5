//! Four processes of a recipe, and browsers that come to them in turn.

use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use webex_oauth_simulator::{CLIENT_ID, CLIENT_SECRET, Decision, Options, Simulator};

const NODES: usize = 4;

pub(crate) struct Service {
    pub(crate) simulator: Simulator,
    pub(crate) is_https: bool,
    nodes: Vec<(u16, Child)>,
    next: AtomicUsize,
}

impl Service {
    /// `recipe`: the name of the example.
    pub(crate) fn start(recipe: &str, database: &str, is_https: bool) -> Self {
        let options = Options { rotate: true, allow_any_redirect_uri: true, ..Options::default() };
        let simulator = Simulator::start(options).unwrap();
        let scheme = if is_https { "https" } else { "http" };
        let nodes = (0..NODES).map(|_| {
            // Free a moment ago.
            let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
            let mut node = Command::new(example(recipe));
            node.env("PORT", port.to_string()).env("DATABASE_URL", database).env("WEBEX_SERVER", simulator.base_url());
            node.env("WEBEX_CLIENT_ID", CLIENT_ID).env("WEBEX_CLIENT_SECRET", CLIENT_SECRET);
            node.env("WEBEX_REDIRECT_URI", format!("{scheme}://127.0.0.1:1/callback"));
            node.env("WEBEX_SCOPE", "spark:people_read");
            (port, node.spawn().unwrap())
        });
        let nodes = nodes.collect();
        let mut service = Self { simulator, is_https, nodes, next: AtomicUsize::new(0) };
        let patience = Instant::now() + Duration::from_secs(60);
        for (port, node) in &mut service.nodes {
            while TcpStream::connect(("127.0.0.1", *port)).is_err() {
                assert!(node.try_wait().unwrap().is_none() && Instant::now() < patience, "it does not start");
                thread::sleep(Duration::from_millis(20));
            }
        }
        service
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        for (_, node) in &self.nodes {
            let _ = Command::new("kill").args(["-INT", &node.id().to_string()]).status();
        }
        for (_, node) in &mut self.nodes {
            let ended = node.wait();
            // What has failed already is told by who panics.
            assert!(thread::panicking() || ended.unwrap().success(), "a node does not end well");
        }
    }
}

/// `cargo test` has built it, unless it was told to build this test alone.
fn example(name: &str) -> PathBuf {
    let mut path = std::env::current_exe().unwrap();
    path.pop();
    path.pop();
    path.extend(["examples", name]);
    assert!(path.exists(), "cargo build -p webex-oauth-async --all-features --example {name}");
    path
}

pub(crate) struct Page {
    pub(crate) status: u16,
    pub(crate) text: String,
    pub(crate) goes_to: Option<String>,
}

/// A cookie, and which service it is for.
pub(crate) struct Browser<'a> {
    pub(crate) cookie: Option<String>,
    /// The last one, with all that was said about it.
    pub(crate) given: Option<String>,
    service: &'a Service,
    agent: ureq::Agent,
}

impl<'a> Browser<'a> {
    pub(crate) fn new(service: &'a Service) -> Self {
        let config = ureq::Agent::config_builder().http_status_as_error(false).max_redirects(0).proxy(None);
        Self { cookie: None, given: None, service, agent: config.build().into() }
    }

    /// One that has this cookie.
    pub(crate) fn with(self, cookie: Option<String>) -> Self {
        Self { cookie, ..self }
    }

    pub(crate) fn get(&mut self, path: &str) -> Page {
        let request = self.agent.get(self.url(path));
        let request = match &self.cookie {
            Some(cookie) => request.header("cookie", format!("session={cookie}")),
            None => request,
        };
        self.read(request.call().unwrap())
    }

    pub(crate) fn post(&mut self, path: &str) -> Page {
        let request = self.agent.post(self.url(path));
        let request = match &self.cookie {
            Some(cookie) => request.header("cookie", format!("session={cookie}")),
            None => request,
        };
        self.read(request.send_empty().unwrap())
    }

    /// At the next node.
    fn url(&self, path: &str) -> String {
        let number = self.service.next.fetch_add(1, Ordering::Relaxed) % NODES;
        format!("http://127.0.0.1:{}{path}", self.service.nodes[number].0)
    }

    fn read(&mut self, answer: ureq::http::Response<ureq::Body>) -> Page {
        let header = |name: &str| Some(answer.headers().get(name)?.to_str().unwrap().to_owned());
        if let Some(given) = header("set-cookie") {
            let value = given.strip_prefix("session=").unwrap().split(';').next().unwrap();
            self.cookie = (!value.is_empty()).then(|| value.to_owned());
            if self.cookie.is_some() {
                let is_whole =
                    ["HttpOnly", "SameSite=Lax", "Path=/", "Max-Age="].iter().all(|part| given.contains(part));
                assert!(is_whole && given.contains("Secure") == self.service.is_https, "{given}");
            }
            self.given = Some(given);
        }
        let goes_to = header("location");
        let status = answer.status().as_u16();
        Page { status, goes_to, text: answer.into_body().read_to_string().unwrap() }
    }

    /// To Webex, and through it. Answers the path of the callback.
    pub(crate) fn begin(&mut self, person: &str, decision: Decision) -> String {
        let url = self.get("/login").goes_to.unwrap();
        let callback = self.service.simulator.visit_as(person, &url, decision).unwrap();
        callback[callback.find("/callback").unwrap()..].to_owned()
    }

    pub(crate) fn sign_in(&mut self, person: &str) {
        let callback = self.begin(person, Decision::Accept);
        let page = self.get(&callback);
        assert_eq!(page.goes_to.as_deref(), Some("/"), "{}", page.text);
    }

    /// The start page of every node.
    pub(crate) fn everywhere(&mut self) -> Vec<String> {
        let pages = (0..NODES).map(|_| self.get("/"));
        pages.inspect(|page| assert_eq!(page.status, 200, "{}", page.text)).map(|page| page.text).collect()
    }
}
