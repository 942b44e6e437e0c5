//! A connection that is used once, with one deadline over everything that is done on it.

use std::pin::pin;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout, timeout_at};
use webex_oauth::coordinator::Tick;
use webex_oauth::{HttpResponse, SendFault, TargetUri};
use webex_oauth_driver::tick;

use crate::http1::{Exchange, PIECE};

/// After the deadline it gets this long: a process that slept finds its answer in the socket.
const MOMENT: Duration = Duration::from_millis(100);

/// The whole exchange. Nothing has been sent where no connection comes about; from the first byte on, what brings no whole
/// answer is lost.
pub async fn exchange(
    target: &TargetUri,
    exchange: Exchange,
    within: Duration,
    not_after: Option<Tick>,
) -> Result<HttpResponse, SendFault> {
    let deadline = Instant::now() + within;
    let connected = timeout_at(deadline, TcpStream::connect((target.host(), target.port()))).await;
    let stream = connected.ok().and_then(Result::ok).ok_or(SendFault::NotSent)?;
    if not_after.is_some_and(|limit| tick() > limit) {
        return Err(SendFault::NotSent);
    }
    let mut answer = pin!(converse(stream, exchange));
    match timeout_at(deadline, &mut answer).await {
        Ok(answer) => answer,
        Err(_) => timeout(MOMENT, answer).await.unwrap_or(Err(SendFault::Lost)),
    }
}

async fn converse(mut stream: TcpStream, mut exchange: Exchange) -> Result<HttpResponse, SendFault> {
    stream.write_all(exchange.request()).await.map_err(|_| SendFault::Lost)?;
    let mut buffer = vec![0; PIECE];
    loop {
        let read = stream.read(&mut buffer).await.map_err(|_| SendFault::Lost)?;
        if let Some(answer) = exchange.take(buffer.get(..read).unwrap_or_default())? {
            return Ok(answer);
        }
    }
}
