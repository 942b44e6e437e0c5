//! The transport of grants by itself, for a worker that has its own coordinators.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use webex_oauth::coordinator::Tick;
use webex_oauth::{HttpRequest, HttpResponse, SendFault, TransportHints};
use webex_oauth_driver::{BoxFuture, tick};

use crate::transport::{AsyncHttp, GrantRequest, from_wire, send_in_time, to_wire};

/// Sends the requests of a session as [`Client`](crate::Client) does: each once, over a connection of its own. Clones share it.
#[derive(Clone)]
pub struct GrantHttp(Arc<dyn AsyncHttp>);

impl GrantHttp {
    /// Over this HTTP stack.
    pub fn new(http: impl AsyncHttp) -> Self {
        Self(Arc::new(http))
    }

    /// Sends it and answers what came, whatever its status, within this time. Nothing goes out later than `not_after` of
    /// [`tick`].
    ///
    /// # Errors
    ///
    /// [`SendFault::NotSent`] where the server cannot have seen it, [`SendFault::Lost`] where it may have acted upon it,
    /// [`SendFault::TooLarge`] where the answer is longer than the request's hints allow.
    pub fn send(
        &self,
        request: HttpRequest,
        within: Duration,
        not_after: Option<Tick>,
    ) -> BoxFuture<'static, Result<HttpResponse, SendFault>> {
        let http = Arc::clone(&self.0);
        let in_time = move || not_after.is_none_or(|limit| tick() <= limit);
        Box::pin(async move { send(&*http, &request, within, true, in_time).await })
    }
}

/// `in_time`: whether it may still go out.
pub(crate) async fn send(
    http: &dyn AsyncHttp,
    request: &HttpRequest,
    within: Duration,
    is_grant: bool,
    in_time: impl Fn() -> bool + Send + Sync + 'static,
) -> Result<HttpResponse, SendFault> {
    let mut wire = to_wire(request).map_err(|error| error.fault)?;
    if !in_time() {
        return Err(SendFault::NotSent);
    }
    if is_grant {
        wire.extensions_mut().insert(GrantRequest::new(in_time));
    }
    let hints = TransportHints { timeout: within, ..request.hints };
    send_in_time(http, wire, hints).await.map(from_wire).map_err(|error| error.fault)
}

impl fmt::Debug for GrantHttp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("GrantHttp")
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use webex_oauth::{Config, ConfigParts, Effect, Provider, Session, Timestamp};

    use super::*;
    use crate::transport::{Request, Response, SendError};

    /// Counts what goes out, and says no.
    #[derive(Clone, Default)]
    struct Counts(Arc<AtomicUsize>);

    impl AsyncHttp for Counts {
        fn send(&self, request: Request, hints: TransportHints) -> BoxFuture<'static, Result<Response, SendError>> {
            let grant = request.extensions().get::<GrantRequest>().expect("a connection of its own");
            assert!(grant.is_in_time() && hints.timeout == Duration::from_secs(5));
            self.0.fetch_add(1, Ordering::SeqCst);
            let mut answer = Response::new(b"no".to_vec());
            *answer.status_mut() = http::StatusCode::BAD_REQUEST;
            Box::pin(std::future::ready(Ok(answer)))
        }

        fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
            Box::pin(tokio::time::sleep(duration))
        }
    }

    fn refresh() -> HttpRequest {
        let mut parts = ConfigParts::new(Provider::webex_at("http://127.0.0.1:9"), "client");
        parts.client_secret = Some("secret".into());
        let config: Config = parts.build().unwrap();
        let mut session = Session::new(config, webex_oauth_driver::entropy().unwrap());
        let tokens = r#"{"access_token":"AT","refresh_token":"RT","expires_in":0}"#;
        session.adopt(Timestamp::from_millis(0), tokens).unwrap();
        let output = session.refresh(Timestamp::from_millis(1)).unwrap();
        let request = output.effects.into_iter().find_map(|effect| match effect {
            Effect::Send { request } => Some(request),
            _ => None,
        });
        request.expect("it renews what is over")
    }

    #[tokio::test]
    async fn what_is_late_does_not_go_out() {
        let counts = Counts::default();
        let http = GrantHttp::new(counts.clone());
        let within = Duration::from_secs(5);
        let late = Tick::from_millis(tick().as_millis().saturating_sub(1));
        assert_eq!(http.send(refresh(), within, Some(late)).await, Err(SendFault::NotSent));
        assert_eq!(counts.0.load(Ordering::SeqCst), 0);
        for not_after in [None, Some(Tick::from_millis(tick().as_millis() + 60_000))] {
            assert_eq!(http.send(refresh(), within, not_after).await.map(|answer| answer.status), Ok(400));
        }
        assert_eq!(counts.0.load(Ordering::SeqCst), 2);
    }
}
