//! What happens to every request: it is written down, it may meet a fault, and only then it
//! reaches its endpoint. A request that arrived is handled to its end, also when the client has
//! gone away meanwhile: as with a real server, its effects stay.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State as Shared};
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use tokio::sync::watch;

use crate::answer::{Answer, Refusal};
use crate::call::Call;
use crate::damage::{damage, instead};
use crate::fault_kind::FaultKind;
use crate::faults;
use crate::log::{Entry, Note};
use crate::world::World;

const BODY_LIMIT: usize = 1024 * 1024;
const TRACKING_ID: HeaderName = HeaderName::from_static("trackingid");

/// Marks a response that is never sent: the connection is closed in its place.
#[derive(Clone, Copy)]
pub(crate) struct Cut;

pub(crate) fn cut() -> Response {
    let mut response = Response::new(Body::empty());
    response.extensions_mut().insert(Cut);
    response
}

pub(crate) async fn observe(Shared(world): Shared<Arc<World>>, request: Request, next: Next) -> Response {
    // The control API and the page about the simulator are no part of what it simulates.
    if request.uri().path().starts_with("/_sim") || request.uri().path() == "/" {
        return next.run(request).await;
    }
    let tracking_id = {
        let mut state = world.state();
        if state.down {
            state.log.counters.refused_while_down += 1;
            return cut();
        }
        state.dice.tracking_id()
    };
    let (parts, body) = request.into_parts();
    let (body, too_large) = match to_bytes(body, BODY_LIMIT).await {
        Ok(body) => (body, false),
        Err(_) => (Vec::new().into(), true),
    };
    let call = Arc::new(Call::new(&parts, body.clone(), tracking_id.clone()));
    let visit = Visit::begin(world, call);
    let mut request = Request::from_parts(parts, Body::from(body));
    request.extensions_mut().insert(visit.call.clone());
    let handled = tokio::spawn(async move { visit.run(request, next, too_large).await }).await;
    let mut response = handled.unwrap_or_else(|_| Answer::empty(500).into_response());
    if let Ok(value) = HeaderValue::from_str(&tracking_id) {
        response.headers_mut().insert(TRACKING_ID, value);
    }
    response
}

/// One request between its arrival and its answer.
struct Visit {
    world: Arc<World>,
    call: Arc<Call>,
    seq: u64,
    fault: Option<FaultKind>,
    /// Tells of a release since the arrival, so that none is missed.
    released: watch::Receiver<u64>,
}

impl Visit {
    fn begin(world: Arc<World>, call: Arc<Call>) -> Self {
        let mut state = world.state();
        let grant_type = call.form.filled("grant_type");
        let fault = faults::take(&mut state.faults, call.endpoint, grant_type);
        let names = if call.form.0.is_empty() { call.query.names() } else { call.form.names() };
        let entry = Entry {
            seq: 0,
            at_ms: state.now(),
            done_ms: None,
            endpoint: call.endpoint,
            method: call.method.to_string(),
            path: call.path.clone(),
            grant_type: grant_type.map(Into::into),
            fields: names,
            client_auth: call.client_auth(),
            client_id: call.client_id(),
            presented: None,
            issued: Vec::new(),
            outcome: "pending".into(),
            fault: fault.as_ref().map(|kind| kind.name().into()),
            status: None,
            tracking_id: call.tracking_id.clone(),
        };
        let seq = state.log.arrive(entry);
        let released = world.releases.subscribe();
        drop(state);
        Self { world, call, seq, fault, released }
    }

    async fn run(self, request: Request, next: Next, too_large: bool) -> Response {
        let response = match &self.fault {
            _ if too_large => Refusal::new(413, "invalid_request", "The body is too large.")
                .answer(&self.call, &self.world.state().options)
                .into_response(),
            None => self.handle(request, next).await,
            Some(kind) if kind.after() => {
                let response = self.handle(request, next).await;
                self.wait(kind).await;
                damage(response, kind, &self.call, &self.world).await
            }
            Some(kind) => {
                self.wait(kind).await;
                match instead(kind, &self.call, &self.world) {
                    Some(response) => response,
                    None => self.handle(request, next).await,
                }
            }
        };
        let mut state = self.world.state();
        // A server that goes down takes the answers along that were on their way.
        let lost = state.down || response.extensions().get::<Cut>().is_some();
        let status = (!lost).then(|| response.status().as_u16());
        let now = state.now();
        state.log.answered(self.seq, now, status);
        if lost { cut() } else { response }
    }

    async fn handle(&self, request: Request, next: Next) -> Response {
        let mut response = next.run(request).await;
        let note = response.extensions_mut().remove::<Note>().unwrap_or_default();
        self.world.state().log.handled(self.seq, note);
        response
    }

    async fn wait(&self, kind: &FaultKind) {
        match kind {
            FaultKind::Slow { ms, .. } => tokio::time::sleep(Duration::from_millis(*ms)).await,
            FaultKind::Hold { .. } => {
                // An error means that the simulator is gone: then there is nothing to wait for.
                let _ = self.released.clone().changed().await;
            }
            _ => {}
        }
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        if self.call.endpoint.is_grant() {
            self.world.state().log.leave();
        }
    }
}
