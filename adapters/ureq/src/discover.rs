//! Servers by their metadata.

use webex_oauth::{MetadataAnswer, Provider, SendFault, TargetUri};
use webex_oauth_driver::ClientError;
use webex_oauth_driver::settings::{self, METADATA_MOST_BYTES, METADATA_PATIENCE};

use crate::transport::Transport;

/// The server whose issuer this is, by the metadata that it publishes (RFC 8414, OpenID Connect Discovery).
///
/// # Errors
///
/// [`ClientError::Config`], which says where was looked and what was there, or which variable names a proxy that cannot be used.
pub fn discover(issuer: &str) -> Result<Provider, ClientError> {
    Ok(discover_document(issuer)?.0)
}

/// The same with the document, which [`Provider::from_metadata`] reads again: for whoever keeps it to work offline.
///
/// # Errors
///
/// As [`discover`].
pub fn discover_document(issuer: &str) -> Result<(Provider, Vec<u8>), ClientError> {
    let transport = Transport::new(None);
    transport.check_proxy(issuer)?;
    Ok(settings::discover_document(issuer, |url| fetch(&transport, url))?)
}

/// One address of the metadata.
pub(crate) fn fetch(transport: &Transport, url: &str) -> MetadataAnswer {
    let request = http::Request::get(url).header(http::header::ACCEPT, "application/json").body(Vec::new());
    let (Ok(request), Ok(target)) = (request, TargetUri::parse(url)) else {
        return MetadataAnswer::Failed(SendFault::NotSent);
    };
    match transport.call(&request, &target, METADATA_PATIENCE, METADATA_MOST_BYTES) {
        Ok(answer) => MetadataAnswer::Response(webex_oauth::HttpResponse {
            status: answer.status().as_u16(),
            headers: Vec::new(),
            body: answer.into_body(),
        }),
        Err(failure) => MetadataAnswer::Failed(failure.fault),
    }
}
