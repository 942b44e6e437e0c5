//! A connection that can be cut, or be made to hang, between a store and its server.

use std::sync::Arc;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Line {
    Up,
    /// Nothing goes on, and nothing is closed.
    Hangs,
    /// Every connection is closed, new ones at once.
    Down,
}

pub(crate) struct Proxy {
    pub(crate) port: u16,
    line: Arc<watch::Sender<Line>>,
}

impl Proxy {
    pub(crate) async fn start(to: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let line = Arc::new(watch::Sender::new(Line::Up));
        let watched = line.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (to, line) = (to.clone(), watched.subscribe());
                tokio::spawn(async move {
                    if let Ok(server) = TcpStream::connect(to).await {
                        forward(client, server, line).await;
                    }
                });
            }
        });
        Self { port, line }
    }

    pub(crate) fn set(&self, line: Line) {
        self.line.send_replace(line);
    }
}

async fn forward(mut client: TcpStream, mut server: TcpStream, mut line: watch::Receiver<Line>) {
    loop {
        let state = *line.borrow_and_update();
        match state {
            Line::Down => return,
            Line::Hangs => {
                if line.changed().await.is_err() {
                    return;
                }
            }
            Line::Up => tokio::select! {
                _ = copy_bidirectional(&mut client, &mut server) => return,
                changed = line.changed() => if changed.is_err() { return },
            },
        }
    }
}
