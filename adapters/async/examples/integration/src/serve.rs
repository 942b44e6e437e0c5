//! The loop that accepts connections. Whoever is slow to say something makes room for others: a head, a body and a pause
//! have a time limit, and where there are too many connections, the one that has been idle for longest goes.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::AbortHandle;

/// So many connections at once: half of the files that a process may usually open.
const MOST: usize = 512;
/// A head of a request is no larger.
const LARGEST_HEAD: usize = 64 * 1024;

/// Everybody who is connected.
#[derive(Clone, Default)]
pub(crate) struct Connections(Arc<Inner>);

#[derive(Default)]
struct Inner {
    table: Mutex<Table>,
    left: Notify,
}

#[derive(Default)]
struct Table {
    next: u64,
    open: HashMap<u64, Connection>,
}

struct Connection {
    /// Since when it has been idle; `None` while a request of it is being handled.
    idle: Option<Instant>,
    task: Option<AbortHandle>,
}

/// The connection that a request came by.
#[derive(Clone)]
pub(crate) struct Place {
    connections: Connections,
    number: u64,
}

impl Place {
    /// The whole request is here: from now on the connection is not idle.
    pub(crate) fn busy(&self) {
        self.set(None);
    }

    fn set(&self, idle: Option<Instant>) {
        if let Some(connection) = self.connections.lock().open.get_mut(&self.number) {
            connection.idle = idle;
        }
    }
}

/// Leaves the table when the connection ends, however it ends.
struct Leaving(Place);

impl Drop for Leaving {
    fn drop(&mut self) {
        self.0.connections.lock().open.remove(&self.0.number);
        self.0.connections.0.left.notify_one();
    }
}

impl Connections {
    /// Serves until it is dropped. `patience` is what a client may take for a head, and between two requests.
    pub(crate) async fn serve(self, listener: TcpListener, router: Router, patience: Duration) {
        loop {
            self.room().await;
            match listener.accept().await {
                Ok((stream, _)) => self.open(stream, router.clone(), patience),
                // Out of file descriptors, most likely: who is idle gives one back.
                Err(_) => {
                    self.evict();
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            }
        }
    }

    /// Ends every connection.
    pub(crate) fn close(&self) {
        let open: Vec<_> = self.lock().open.values_mut().filter_map(|connection| connection.task.take()).collect();
        open.iter().for_each(AbortHandle::abort);
    }

    fn open(&self, stream: TcpStream, router: Router, patience: Duration) {
        let number = {
            let mut table = self.lock();
            table.next += 1;
            let number = table.next;
            table.open.insert(number, Connection { idle: Some(Instant::now()), task: None });
            number
        };
        let place = Place { connections: self.clone(), number };
        let leaving = Leaving(place.clone());
        let task = tokio::spawn(async move {
            let _leaving = leaving;
            converse(stream, router, place, patience).await;
        });
        if let Some(connection) = self.lock().open.get_mut(&number) {
            connection.task = Some(task.abort_handle());
        }
    }

    /// Waits until there is room for one more.
    async fn room(&self) {
        while self.lock().open.len() >= MOST {
            if !self.evict() {
                self.0.left.notified().await;
            }
        }
    }

    /// Ends the connection that has been idle for longest. Answers whether there was one.
    fn evict(&self) -> bool {
        let mut table = self.lock();
        let idle = table.open.iter().filter_map(|(number, connection)| Some((connection.idle?, *number)));
        let longest = idle.min().map(|(_, number)| number);
        let evicted = longest.and_then(|number| table.open.remove(&number));
        if let Some(task) = evicted.as_ref().and_then(|connection| connection.task.as_ref()) {
            task.abort();
        }
        evicted.is_some()
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.0.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn converse(stream: TcpStream, router: Router, place: Place, patience: Duration) {
    let _ = stream.set_nodelay(true);
    let inner = TowerToHyperService::new(router);
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(place.clone());
        let answer = hyper::service::Service::call(&inner, request.map(Body::new));
        let place = place.clone();
        async move {
            let answer = answer.await;
            place.set(Some(Instant::now()));
            answer
        }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(patience)
        .max_buf_size(LARGEST_HEAD)
        .serve_connection(TokioIo::new(stream), service);
    // How a connection ended is the client's to judge.
    let _: Result<(), hyper::Error> = served.await;
}
