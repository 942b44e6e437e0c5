//! Signing out at the identity provider.

use crate::config::Config;
use crate::protocol::form::Form;
use crate::secret::Secret;

/// Where the browser goes to sign out: Webex's logout page, which then leads to `goto`.
///
/// `None` where the provider has no logout endpoint. The URL carries the token, as Webex wants it: for the browser only.
pub fn logout_url(config: &Config, token: Option<&str>, goto: Option<&str>) -> Option<Secret> {
    let provider = config.provider();
    let endpoint = provider.logout_endpoint.as_deref()?;
    let mark = if endpoint.contains('?') { '&' } else { '?' };
    let mut url = Form::after(format!("{endpoint}{mark}"));
    url.add_some("cisService", provider.logout_service.as_deref());
    url.add_some("goto", goto.or(config.parts().redirect_uri.as_deref()));
    url.add_some("token", token);
    Some(url.into_secret())
}
