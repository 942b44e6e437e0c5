//! Client authentication at the token endpoint (RFC 6749 section 2.3.1).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::config::Config;
use crate::http::HeaderValue;
use crate::protocol::form::{Form, form_encode};
use crate::provider::ClientAuth;
use crate::secret::Secret;

/// The `Authorization` header of the Basic methods; `None` for the others.
pub(crate) fn basic(method: ClientAuth, client_id: &str, secret: &Secret) -> Option<HeaderValue> {
    let pair = match method {
        ClientAuth::BasicFormEncoded => format!("{}:{}", form_encode(client_id), form_encode(secret.expose())),
        ClientAuth::BasicRaw => format!("{client_id}:{}", secret.expose()),
        ClientAuth::Body | ClientAuth::None => return None,
    };
    let header = format!("Basic {}", STANDARD.encode(&pair));
    crate::secret::wipe(pair);
    Some(HeaderValue::Secret(Secret::new(header)))
}

/// Whether the header shows something else than id and secret, since form-encoding changes them.
pub(crate) fn is_encoded(method: ClientAuth, client_id: &str, secret: &Secret) -> bool {
    method == ClientAuth::BasicFormEncoded
        && basic(method, client_id, secret) != basic(ClientAuth::BasicRaw, client_id, secret)
}

/// What the method puts into the body; `None` where that is nothing.
pub(crate) fn in_body(method: ClientAuth, client_id: &str, secret: Option<&Secret>) -> Option<Secret> {
    let secret = match method {
        ClientAuth::BasicFormEncoded | ClientAuth::BasicRaw => return None,
        ClientAuth::Body => secret,
        ClientAuth::None => None,
    };
    let mut form = Form::after(String::with_capacity(256));
    form.add("client_id", client_id);
    form.add_some("client_secret", secret.map(Secret::expose));
    Some(form.into_secret())
}

/// Adds what the method puts into the body.
pub(crate) fn add_to_body(config: &Config, form: &mut Form) {
    if let Some(parameters) = config.in_body() {
        form.add_written(parameters.expose());
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
