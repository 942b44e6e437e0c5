//! Signing out at the identity provider.

use crate::config::Config;
use crate::protocol::form::Form;
use crate::secret::Secret;

/// Where the browser goes to sign out, and which page it then comes back to.
///
/// `None` where the provider has no logout endpoint. Webex's page ([`logout_service`](crate::Provider::logout_service))
/// wants a token, so its URL is for the browser only, and leads to `goto` or else to the redirect URI.
///
/// Every other server gets the request of OpenID Connect RP-Initiated Logout 1.0 section 2, and never a token: a browser
/// keeps its URLs, and a server its log. It leads to `goto`, which has to be registered with the server, or ends at the
/// server's own page. No `id_token_hint` is sent, since an ID token says who the user is: the server may ask the user.
pub fn logout_url(config: &Config, token: Option<&str>, goto: Option<&str>) -> Option<Secret> {
    let provider = config.provider();
    let endpoint = provider.logout_endpoint.as_deref()?;
    let mut url = Form::after(endpoint);
    match provider.logout_service.as_deref() {
        Some(service) => {
            url.add("cisService", service);
            url.add_some("goto", goto.or(config.parts().redirect_uri.as_deref()));
            url.add_some("token", token);
        }
        None => {
            url.add("client_id", config.client_id());
            url.add_some("post_logout_redirect_uri", goto);
        }
    }
    Some(url.into_secret())
}
