//! A server that writes what it is told to, byte by byte: what no HTTP library would write.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// One thing that the server does with a connection. At the end it closes it.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    Send(Vec<u8>),
    /// As fast as it is taken, until the other side goes away.
    Flood(Vec<u8>),
    /// One byte a second, until the other side goes away or the last byte has been sent.
    Drip(Vec<u8>),
    Wait(Duration),
}

/// What the server answers, whatever it is asked.
#[derive(Debug, Clone)]
pub(crate) enum Answer {
    Steps(Vec<Step>),
    /// Closes before the request has been read, which resets the connection.
    Reset,
}

pub(crate) struct RawServer {
    address: SocketAddr,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    answer: Mutex<Answer>,
    /// Heads and bodies of what was asked, in their order.
    requests: Mutex<Vec<String>>,
    connections: AtomicUsize,
    is_over: AtomicBool,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl RawServer {
    pub(crate) fn start(answer: Answer) -> Result<Self, String> {
        let listener = TcpListener::bind("127.0.0.1:0").map_err(|error| format!("no listener: {error}"))?;
        let address = listener.local_addr().map_err(|error| format!("no listener: {error}"))?;
        let shared = Arc::new(Shared {
            answer: Mutex::new(answer),
            requests: Mutex::default(),
            connections: AtomicUsize::new(0),
            is_over: AtomicBool::new(false),
        });
        let for_thread = Arc::clone(&shared);
        let thread = std::thread::spawn(move || serve(&listener, &for_thread));
        Ok(Self { address, shared, thread: Some(thread) })
    }

    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    pub(crate) fn base(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn answer_from_now_on(&self, answer: Answer) {
        *lock(&self.shared.answer) = answer;
    }

    pub(crate) fn requests(&self) -> Vec<String> {
        lock(&self.shared.requests).clone()
    }

    /// Also of those that asked nothing.
    pub(crate) fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::SeqCst)
    }

    /// Waits until so many requests have been read.
    pub(crate) fn wait_for(&self, count: usize, limit: Duration) -> bool {
        let begun = Instant::now();
        while begun.elapsed() < limit {
            if lock(&self.shared.requests).len() >= count {
                return true;
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        false
    }
}

impl Drop for RawServer {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::SeqCst);
        // Wakes the listener.
        drop(TcpStream::connect(self.address));
        if let Some(thread) = self.thread.take() {
            // A panic there has been printed.
            let _ = thread.join();
        }
    }
}

fn serve(listener: &TcpListener, shared: &Arc<Shared>) {
    for stream in listener.incoming() {
        if shared.is_over.load(Ordering::SeqCst) {
            return;
        }
        shared.connections.fetch_add(1, Ordering::SeqCst);
        let (Ok(stream), shared) = (stream, Arc::clone(shared)) else {
            continue;
        };
        // Ends with the connection, or soon after the server.
        std::thread::spawn(move || converse(stream, &shared));
    }
}

fn converse(mut stream: TcpStream, shared: &Shared) {
    let answer = lock(&shared.answer).clone();
    // One that sends nothing, and one that takes nothing, is left alone after a while.
    let _ = stream.set_read_timeout(Some(Duration::from_secs(10)));
    let _ = stream.set_write_timeout(Some(Duration::from_secs(10)));
    let steps = match answer {
        Answer::Steps(steps) => steps,
        Answer::Reset => {
            // What has come in and was not read makes the system reset the connection.
            if stream.peek(&mut [0]).is_ok_and(|read| read > 0) {
                lock(&shared.requests).push(String::new());
            }
            return;
        }
    };
    let Some(request) = read_request(&mut stream) else {
        return;
    };
    lock(&shared.requests).push(request);
    for step in steps {
        if carry_out(&mut stream, step, shared).is_none() {
            break;
        }
    }
    let _ = stream.shutdown(Shutdown::Both);
}

/// `None` once the other side is gone.
fn carry_out(stream: &mut TcpStream, step: Step, shared: &Shared) -> Option<()> {
    match step {
        Step::Send(bytes) => stream.write_all(&bytes).ok(),
        Step::Wait(pause) => {
            std::thread::sleep(pause);
            Some(())
        }
        Step::Flood(bytes) => loop {
            if shared.is_over.load(Ordering::SeqCst) {
                return None;
            }
            stream.write_all(&bytes).ok()?;
        },
        Step::Drip(bytes) => {
            for byte in bytes {
                stream.write_all(&[byte]).ok()?;
                for _ in 0..20 {
                    if shared.is_over.load(Ordering::SeqCst) {
                        return None;
                    }
                    std::thread::sleep(Duration::from_millis(50));
                }
            }
            Some(())
        }
    }
}

/// Head and body.
fn read_request(stream: &mut TcpStream) -> Option<String> {
    let (mut bytes, mut buffer) = (Vec::new(), [0; 4096]);
    loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(bytes.get(..end)?).to_ascii_lowercase();
            let announced = head.lines().find_map(|line| line.strip_prefix("content-length:"));
            let length: usize = announced.and_then(|text| text.trim().parse().ok()).unwrap_or(0);
            if bytes.len() >= end + 4 + length {
                return Some(String::from_utf8_lossy(&bytes).into_owned());
            }
        }
        match stream.read(&mut buffer) {
            Ok(read) if read > 0 && bytes.len() < 1 << 20 => bytes.extend_from_slice(buffer.get(..read)?),
            _ => return None,
        }
    }
}
