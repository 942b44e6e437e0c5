//! Which client asks, and whether it can prove it (RFC 6749, 2.3).

use crate::answer::Refusal;
use crate::call::{Call, decode};
use crate::log::ClientAuth;
use crate::options::Options;
use crate::residents::Client;

/// The client of a request to a token endpoint.
pub(crate) fn authenticate(call: &Call, options: &Options) -> Result<Client, Refusal> {
    let refused = |why: &str| Refusal::new(401, "invalid_client", why);
    match call.client_auth() {
        ClientAuth::Both => Err(Refusal::bad_request("The client authenticates in more than one way.")),
        ClientAuth::Basic => {
            let (id, secret) = call.basic().unwrap_or_default();
            // Raw as many clients send it, or form-encoded as the RFC wants it.
            let client = options.client(&id).or_else(|| options.client(&decode(&id)));
            let client = client.ok_or_else(|| refused("The client is not known."))?;
            let expected = client.secret.as_deref().unwrap_or_default();
            if secret == expected || decode(&secret) == expected {
                Ok(client.clone())
            } else {
                Err(refused("The client secret is wrong."))
            }
        }
        ClientAuth::Body => {
            let client = named(call, options)?;
            if call.form.get("client_secret") == client.secret.as_deref() {
                Ok(client)
            } else {
                Err(refused("The client secret is wrong."))
            }
        }
        ClientAuth::Id => {
            let client = named(call, options)?;
            if client.secret.is_none() {
                Ok(client)
            } else {
                Err(refused("The client has a secret and did not show it."))
            }
        }
        ClientAuth::None | ClientAuth::Bearer => Err(refused("The client did not say who it is.")),
    }
}

/// The client that the form names, not authenticated.
pub(crate) fn named(call: &Call, options: &Options) -> Result<Client, Refusal> {
    let id = call.form.filled("client_id").ok_or_else(|| Refusal::bad_request("client_id is missing."))?;
    options.client(id).cloned().ok_or_else(|| Refusal::new(401, "invalid_client", "The client is not known."))
}
