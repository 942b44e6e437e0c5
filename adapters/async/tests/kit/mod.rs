//! A host without network, clock and executor: each test says what happens when.
#![allow(dead_code, reason = "each test program uses its part")]

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use webex_oauth_async::webex_oauth::coordinator::Tick;
use webex_oauth_async::webex_oauth::{Config, ConfigParts, Provider, SendFault, Timestamp, TransportHints};
use webex_oauth_async::{AsyncHttp, BoxFuture, Client, ClientBuilder, Request, Response, SendError};

pub(crate) const BASE: &str = "http://127.0.0.1:9";

type Answer = Result<Response, SendError>;
type Script = Box<dyn FnMut(&Request) -> Answer + Send>;

/// HTTP and time as the test has them. Every answer and every blocking call takes so many polls.
#[derive(Clone)]
pub(crate) struct Fake(Arc<Inner>);

struct Inner {
    now: AtomicI64,
    polls: AtomicUsize,
    sends: AtomicUsize,
    spawns: AtomicUsize,
    /// Answers are held back until it is set.
    open: AtomicBool,
    bodies: Mutex<Vec<String>>,
    script: Mutex<Script>,
    sleepers: Mutex<VecDeque<(i64, Arc<AtomicBool>, Waker)>>,
    held: Mutex<Vec<Waker>>,
}

impl Fake {
    pub(crate) fn new(polls: usize, script: impl FnMut(&Request) -> Answer + Send + 'static) -> Self {
        Self(Arc::new(Inner {
            now: AtomicI64::new(1_700_000_000_000),
            polls: AtomicUsize::new(polls),
            sends: AtomicUsize::new(0),
            spawns: AtomicUsize::new(0),
            open: AtomicBool::new(true),
            bodies: Mutex::default(),
            script: Mutex::new(Box::new(script)),
            sleepers: Mutex::default(),
            held: Mutex::default(),
        }))
    }

    /// Each request of tokens brings the next ones: a1 and r1, a2 and r2, …
    pub(crate) fn rotating(polls: usize) -> Self {
        let mut number = 0;
        Self::new(polls, move |_| {
            number += 1;
            Ok(tokens(&format!("a{number}"), &format!("r{number}"), 3600))
        })
    }

    pub(crate) fn sends(&self) -> usize {
        self.0.sends.load(Ordering::SeqCst)
    }

    /// How often it was asked to carry on. It never does.
    pub(crate) fn spawns(&self) -> usize {
        self.0.spawns.load(Ordering::SeqCst)
    }

    /// The bodies of all requests so far.
    pub(crate) fn bodies(&self) -> Vec<String> {
        self.0.bodies.lock().unwrap().clone()
    }

    pub(crate) fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.now.load(Ordering::SeqCst))
    }

    /// Sets the clock forward; sleepers whose time has come wake.
    pub(crate) fn advance(&self, time: Duration) {
        let now = self.0.now.fetch_add(time.as_millis() as i64, Ordering::SeqCst) + time.as_millis() as i64;
        self.0.sleepers.lock().unwrap().retain(|(at, over, waker)| {
            let is_over = *at <= now;
            if is_over {
                over.store(true, Ordering::SeqCst);
                waker.wake_by_ref();
            }
            !is_over
        });
    }

    /// Holds answers back, or lets them come.
    pub(crate) fn hold(&self, hold: bool) {
        self.0.open.store(!hold, Ordering::SeqCst);
        if !hold {
            self.0.held.lock().unwrap().drain(..).for_each(Waker::wake);
        }
    }

    pub(crate) fn builder(&self) -> ClientBuilder {
        self.builder_with(config())
    }

    pub(crate) fn builder_with(&self, config: Config) -> ClientBuilder {
        let fake = self.clone();
        let other = self.clone();
        let tick = move || Tick::from_millis(other.now().as_millis().unsigned_abs());
        Client::builder(config).http(self.clone()).clock(move || fake.now()).monotonic_clock(tick)
    }

    /// A client whose access token has just expired.
    pub(crate) fn expired(&self) -> Client {
        self.with_expired(self.builder())
    }

    pub(crate) fn with_expired(&self, builder: ClientBuilder) -> Client {
        let client = block_on(builder.open()).unwrap();
        block_on(client.adopt(r#"{"access_token":"a0","refresh_token":"r0","expires_in":3600,"scope":"x y"}"#))
            .unwrap();
        self.advance(Duration::from_secs(3600));
        client
    }
}

impl AsyncHttp for Fake {
    fn send(&self, request: Request, _hints: TransportHints) -> BoxFuture<'static, Answer> {
        let inner = Arc::clone(&self.0);
        Box::pin(async move {
            inner.sends.fetch_add(1, Ordering::SeqCst);
            inner.bodies.lock().unwrap().push(String::from_utf8_lossy(request.body()).into_owned());
            Yield(inner.polls.load(Ordering::SeqCst)).await;
            std::future::poll_fn(|cx| {
                if inner.open.load(Ordering::SeqCst) {
                    return Poll::Ready(());
                }
                inner.held.lock().unwrap().push(cx.waker().clone());
                Poll::Pending
            })
            .await;
            // A script may panic and go on.
            (inner.script.lock().unwrap_or_else(PoisonError::into_inner))(&request)
        })
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        let inner = Arc::clone(&self.0);
        let at = inner.now.load(Ordering::SeqCst) + duration.as_millis() as i64;
        let over = Arc::new(AtomicBool::new(false));
        Box::pin(std::future::poll_fn(move |cx| {
            if over.load(Ordering::SeqCst) || inner.now.load(Ordering::SeqCst) >= at {
                return Poll::Ready(());
            }
            inner.sleepers.lock().unwrap().push_back((at, Arc::clone(&over), cx.waker().clone()));
            Poll::Pending
        }))
    }

    fn unblock(&self, work: Box<dyn FnOnce() + Send>) -> BoxFuture<'static, ()> {
        let polls = self.0.polls.load(Ordering::SeqCst);
        Box::pin(async move {
            Yield(polls).await;
            work();
            Yield(polls).await;
        })
    }

    fn spawn(&self, work: BoxFuture<'static, ()>) {
        self.0.spawns.fetch_add(1, Ordering::SeqCst);
        drop(work);
    }
}

/// Pending so many times, and awake again at once.
pub(crate) struct Yield(usize);

impl Yield {
    pub(crate) fn times(times: usize) -> Self {
        Self(times)
    }
}

impl Future for Yield {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.0 == 0 {
            return Poll::Ready(());
        }
        self.0 -= 1;
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

pub(crate) fn config() -> Config {
    parts().build().unwrap()
}

pub(crate) fn parts() -> ConfigParts {
    parts_at(BASE, "client")
}

pub(crate) fn parts_at(base: &str, client_id: &str) -> ConfigParts {
    let mut parts = ConfigParts::new(Provider::webex_at(base), client_id);
    parts.client_secret = Some("secret".into());
    parts.redirect_uri = Some("http://127.0.0.1/callback".to_owned());
    parts
}

pub(crate) fn tokens(access: &str, refresh: &str, expires_in: u64) -> Response {
    let body = format!(
        r#"{{"access_token":"{access}","refresh_token":"{refresh}","token_type":"Bearer","expires_in":{expires_in}}}"#
    );
    json(200, &body)
}

pub(crate) fn json(status: u16, body: &str) -> Response {
    let builder = webex_oauth_async::http::Response::builder().status(status);
    builder.header("content-type", "application/json").body(body.as_bytes().to_vec()).unwrap()
}

pub(crate) fn lost() -> Answer {
    Err(SendError::new(SendFault::Lost, "cut"))
}

/// An executor of which every step is the test's.
pub(crate) struct Tasks<T> {
    tasks: Vec<Task<T>>,
}

struct Task<T> {
    future: Option<Pin<Box<dyn Future<Output = T>>>>,
    woken: Arc<Flag>,
    result: Option<T>,
    stuck: bool,
}

struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

impl<T> Tasks<T> {
    pub(crate) fn new() -> Self {
        Self { tasks: Vec::new() }
    }

    pub(crate) fn spawn(&mut self, future: impl Future<Output = T> + 'static) -> usize {
        let woken = Arc::new(Flag(AtomicBool::new(true)));
        self.tasks.push(Task { future: Some(Box::pin(future)), woken, result: None, stuck: false });
        self.tasks.len() - 1
    }

    /// Polls one task, if it is awake. Answers whether it was.
    pub(crate) fn poll(&mut self, at: usize) -> bool {
        let task = &mut self.tasks[at];
        let Some(future) = &mut task.future else { return false };
        if task.stuck || !task.woken.0.swap(false, Ordering::SeqCst) {
            return false;
        }
        let waker = Waker::from(Arc::clone(&task.woken));
        if let Poll::Ready(result) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            task.result = Some(result);
            task.future = None;
        }
        true
    }

    /// Polls until nobody is awake; `limit` polls at most.
    pub(crate) fn run(&mut self, limit: usize) {
        let mut polls = 0;
        while (0..self.tasks.len()).filter(|at| self.poll(*at)).count() > 0 {
            polls += 1;
            assert!(polls < limit, "does not come to rest");
        }
    }

    pub(crate) fn drop_task(&mut self, at: usize) {
        self.tasks[at].future = None;
    }

    /// Alive, and never polled again.
    pub(crate) fn freeze(&mut self, at: usize) {
        self.tasks[at].stuck = true;
    }

    pub(crate) fn result(&self, at: usize) -> Option<&T> {
        self.tasks[at].result.as_ref()
    }
}

/// Runs one future that needs nobody else.
pub(crate) fn block_on<T: 'static>(future: impl Future<Output = T>) -> T {
    let flag = Arc::new(Flag(AtomicBool::new(true)));
    let waker = Waker::from(Arc::clone(&flag));
    let mut future = std::pin::pin!(future);
    while flag.0.swap(false, Ordering::SeqCst) {
        if let Poll::Ready(result) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return result;
        }
    }
    panic!("nobody wakes it");
}
