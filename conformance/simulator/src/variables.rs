//! What to put into the environment so that programs find the simulator.

use crate::home::sign_in_path;
use crate::simulator::Simulator;

impl Simulator {
    /// The variables that the command, the bindings' `from_env` and the samples read, with values that work here.
    #[must_use]
    pub fn variables(&self) -> Vec<(&'static str, String)> {
        let options = self.options();
        let mut variables = vec![("WEBEX_SERVER", self.base_url().to_owned())];
        if let Some(client) = options.clients.first() {
            variables.push(("WEBEX_CLIENT_ID", client.id.clone()));
            variables.extend(client.secret.clone().map(|secret| ("WEBEX_CLIENT_SECRET", secret)));
            variables.extend(redirect_uri(&client.redirect_uris).map(|uri| ("WEBEX_REDIRECT_URI", uri)));
            let scope = match client.scopes.as_slice() {
                scopes if scopes.is_empty() || scopes.iter().any(|scope| scope == "spark:people_read") => {
                    "spark:people_read spark:kms".into()
                }
                scopes => scopes.join(" "),
            };
            variables.push(("WEBEX_SCOPE", scope));
        }
        if let Some(issuer) = options.guest_issuers.first() {
            variables.push(("WEBEX_GUEST_ISSUER", issuer.id.clone()));
            variables.push(("WEBEX_GUEST_ISSUER_SECRET", issuer.secret.clone()));
        }
        let first = options.bots.first();
        let spaces = &options.spaces;
        let shown =
            first.and_then(|bot| spaces.iter().find(|space| space.members.contains(&bot.id)).map(|at| (bot, at)));
        if let Some((bot, space)) = shown {
            variables.push(("BOT_TOKEN", bot.token.clone()));
            variables.push(("SPACE_ID", space.id.clone()));
        }
        variables
    }

    /// The variables as commands for a POSIX shell, one a line.
    #[must_use]
    pub fn exports(&self) -> String {
        let commands = self.variables().into_iter().map(|(name, value)| format!("export {name}={}\n", quoted(&value)));
        commands.collect()
    }

    /// An authorization URL to begin with, where any client can be sent an answer. The simulator itself plays the app
    /// where it may: its `/callback` shows what an app would be sent.
    #[must_use]
    pub fn sign_in_url(&self) -> Option<String> {
        sign_in_path(&self.options(), self.base_url(), None).map(|path| self.url(&path))
    }
}

/// The one that the documentation uses, where it is registered; else the first.
fn redirect_uri(registered: &[String]) -> Option<String> {
    if registered.iter().any(|uri| uri == "http://localhost/oauth") {
        return Some("http://localhost:8080/oauth".into());
    }
    registered.first().cloned()
}

/// As a POSIX shell reads it back.
fn quoted(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:=@%+,".contains(&byte);
    if !text.is_empty() && text.bytes().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_reads_back_what_was_quoted() {
        assert_eq!(quoted("http://127.0.0.1:1/v1"), "http://127.0.0.1:1/v1");
        assert_eq!(quoted("spark:people_read spark:kms"), "'spark:people_read spark:kms'");
        assert_eq!(quoted("it's $(this)"), r"'it'\''s $(this)'");
        assert_eq!(quoted(""), "''");
    }
}
