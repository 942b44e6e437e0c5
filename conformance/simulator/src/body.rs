//! What becomes of the body of an answer.

use axum::body::{Body, Bytes, to_bytes};
use axum::http::{HeaderValue, header};
use axum::response::Response;
use serde_json::{Map, Value};

use crate::fault_kind::FaultKind;

const ANSWER_LIMIT: usize = 1024 * 1024;
const BOM: &[u8] = b"\xef\xbb\xbf";

/// The answer with the body that the fault leaves it.
pub(crate) async fn respoken(response: Response, kind: &FaultKind) -> Response {
    match kind {
        FaultKind::EmptyBody => with_body(response, |_| Bytes::new()).await,
        FaultKind::Truncated => with_body(response, |body| body.slice(..body.len() / 2)).await,
        FaultKind::Bom => with_body(response, |body| [BOM, body.as_ref()].concat().into()).await,
        FaultKind::Body { raw } => with_body(response, |_| raw.0.clone().into()).await,
        FaultKind::Rewrite { set, remove } => {
            with_object(response, |mut object| {
                for name in remove {
                    object.remove(name);
                }
                object.extend(set.clone());
                Value::Object(object).to_string().into()
            })
            .await
        }
        FaultKind::StringExpiresIn => {
            with_object(response, |mut object| {
                for name in ["expires_in", "expiresIn"] {
                    if let Some(value) = object.get_mut(name) {
                        *value = Value::String(value.to_string());
                    }
                }
                Value::Object(object).to_string().into()
            })
            .await
        }
        FaultKind::Member { name, raw, beside } => {
            with_object(response, |object| spliced(object, name, &raw.0, *beside).into()).await
        }
        FaultKind::FormEncoded => {
            let mut response = with_object(response, |object| form(&object).into()).await;
            let kind = HeaderValue::from_static("application/x-www-form-urlencoded");
            response.headers_mut().insert(header::CONTENT_TYPE, kind);
            response
        }
        _ => response,
    }
}

/// The object as text, one member of it as it was given. The odd member comes last: what reads the object from its
/// beginning has seen all others by then.
fn spliced(mut object: Map<String, Value>, name: &str, raw: &[u8], beside: bool) -> Vec<u8> {
    if !beside {
        object.remove(name);
    }
    let mut text = Value::Object(object).to_string().into_bytes();
    text.pop();
    if text.len() > 1 {
        text.push(b',');
    }
    text.extend(Value::from(name).to_string().into_bytes());
    text.push(b':');
    text.extend(raw);
    text.push(b'}');
    text
}

fn form(object: &Map<String, Value>) -> String {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let pairs = object.iter().map(|(name, value)| (name, text(value)));
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

async fn with_body(response: Response, change: impl FnOnce(Bytes) -> Bytes) -> Response {
    let (mut parts, body) = response.into_parts();
    let body = to_bytes(body, ANSWER_LIMIT).await.unwrap_or_default();
    parts.headers.remove(header::CONTENT_LENGTH);
    Response::from_parts(parts, Body::from(change(body)))
}

/// Answers that are no JSON object stay as they are.
async fn with_object(response: Response, change: impl FnOnce(Map<String, Value>) -> Bytes) -> Response {
    with_body(response, |body| match serde_json::from_slice(&body) {
        Ok(Value::Object(object)) => change(object),
        _ => body,
    })
    .await
}
