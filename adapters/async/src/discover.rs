//! Servers by their metadata.

use http::header::{ACCEPT, HeaderValue};
use webex_oauth::{MetadataAnswer, MetadataStep, Provider, SendFault, TargetUri, TransportHints, metadata_step};
use webex_oauth_driver::ClientError;
use webex_oauth_driver::settings::{METADATA_MOST_BYTES, METADATA_PATIENCE};

use crate::transport::{AsyncHttp, Request, from_wire, send_in_time};

/// The server whose issuer this is, by the metadata that it publishes (RFC 8414, OpenID Connect Discovery).
///
/// # Errors
///
/// [`ClientError::Config`], which says where was looked and what was there.
pub async fn discover(http: &dyn AsyncHttp, issuer: &str) -> Result<Provider, ClientError> {
    let mut answers = Vec::new();
    loop {
        match metadata_step(issuer, &answers)? {
            MetadataStep::Fetch { url } => answers.push(fetch(http, &url).await),
            MetadataStep::Found { provider } => return Ok(*provider),
        }
    }
}

/// One address of the metadata.
async fn fetch(http: &dyn AsyncHttp, url: &str) -> MetadataAnswer {
    let Some(request) = request(url) else { return MetadataAnswer::Failed(SendFault::NotSent) };
    let hints = TransportHints {
        timeout: METADATA_PATIENCE,
        max_response_bytes: METADATA_MOST_BYTES,
        follow_redirects: false,
        idempotent: true,
    };
    match send_in_time(http, request, hints).await {
        Ok(response) => MetadataAnswer::Response(from_wire(response)),
        Err(error) => MetadataAnswer::Failed(error.fault),
    }
}

/// To what the core reads in the address, and nowhere else.
fn request(url: &str) -> Option<Request> {
    let mut request = Request::new(Vec::new());
    *request.uri_mut() = TargetUri::parse(url).ok()?.url().parse().ok()?;
    request.headers_mut().insert(ACCEPT, HeaderValue::from_static("application/json"));
    Some(request)
}
