//! Client authentication at the token endpoint (RFC 6749 section 2.3.1).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use crate::config::Config;
use crate::http::HeaderValue;
use crate::protocol::form::{Form, form_encode};
use crate::provider::ClientAuth;
use crate::secret::Secret;

/// The `Authorization` header of a client that authenticates by HTTP Basic; `None` of any other.
pub(crate) fn header(config: &Config) -> Option<HeaderValue> {
    basic(config.client_auth(), config.client_id(), config.client_secret()?)
}

/// The same for any method.
pub(crate) fn basic(method: ClientAuth, client_id: &str, secret: &Secret) -> Option<HeaderValue> {
    let pair = match method {
        ClientAuth::BasicFormEncoded => [&form_encode(client_id), ":", &form_encode(secret.expose())].concat(),
        ClientAuth::BasicRaw => [client_id, ":", secret.expose()].concat(),
        ClientAuth::Body | ClientAuth::None => return None,
    };
    let encoded = Zeroizing::new(STANDARD.encode(&*Zeroizing::new(pair)));
    Some(HeaderValue::Secret(Secret::new(["Basic ", &encoded].concat())))
}

/// Whether the header shows something else than id and secret, since form-encoding changes them.
pub(crate) fn is_encoded(config: &Config) -> bool {
    let changes = |text: &str| *form_encode(text) != text;
    match config.client_auth() {
        ClientAuth::BasicFormEncoded => {
            changes(config.client_id()) || config.client_secret().is_some_and(|secret| changes(secret.expose()))
        }
        ClientAuth::BasicRaw | ClientAuth::Body | ClientAuth::None => false,
    }
}

/// Adds what the method puts into the body.
pub(crate) fn add_to_body(config: &Config, form: &mut Form) {
    match config.client_auth() {
        ClientAuth::BasicFormEncoded | ClientAuth::BasicRaw => {}
        ClientAuth::Body => {
            form.add("client_id", config.client_id());
            form.add_some("client_secret", config.client_secret().map(Secret::expose));
        }
        ClientAuth::None => form.add("client_id", config.client_id()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reserved_characters_are_form_encoded_or_raw_as_configured() {
        let header = |method| basic(method, "a:b", &"c d%".into()).map(|value| value.expose().to_owned());
        assert_eq!(header(ClientAuth::BasicFormEncoded), Some(format!("Basic {}", STANDARD.encode("a%3Ab:c+d%25"))));
        assert_eq!(header(ClientAuth::BasicRaw), Some(format!("Basic {}", STANDARD.encode("a:b:c d%"))));
        assert_eq!(header(ClientAuth::Body), None);
    }
}
