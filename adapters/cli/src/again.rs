//! Advice that names a command to run: it has to lead to the session that this run was about, and to no other.

use std::path::Path;

use webex_oauth_driver::settings::SESSION_FILE;

use crate::args::{Global, StoreKind};
use crate::places::Places;
use crate::settings::{Name, in_environment, session_file};

/// Stands for the configuration file in advice.
pub(crate) const CONFIG_FILE: &str = "{configuration file}";
/// The commands that are about a session, or about its settings.
const OF_A_SESSION: [&str; 8] = ["login", "logout", "refresh", "reseal", "services", "setup", "token", "whoami"];

/// How the command is run again with the same session.
#[derive(Debug, Clone)]
pub(crate) struct Again {
    /// What stands for `webex-oauth` and its options.
    call: String,
    config_file: String,
}

impl Again {
    pub(crate) fn of(global: &Global) -> Self {
        let quoted = |text: &str| shlex::try_quote(text).map_or_else(|_| text.to_owned(), |quoted| quoted.into_owned());
        let path = |path: &Path| quoted(&path.to_string_lossy());
        let file = session_file(global);
        let variable = |name| in_environment(name).and_then(|(_, value)| value.into_string().ok());
        let profile = global.profile.clone().or_else(|| variable(Name::Profile));
        let mut call = String::new();
        match &file {
            // No shell of Windows takes variables in front of a command; there they are still set.
            Some(file) if cfg!(unix) => {
                call += &profile.as_deref().map(|name| format!("WEBEX_PROFILE={} ", quoted(name))).unwrap_or_default();
                call += &format!("{SESSION_FILE}={} ", path(file));
            }
            Some(_) | None => {}
        }
        call += "webex-oauth";
        if let (Some(profile), None) = (&profile, &file) {
            call += &format!(" --profile {}", quoted(profile));
        }
        // Another one may have a password in it, and no session of this command.
        let kind =
            global.store.as_deref().filter(|store| <StoreKind as clap::ValueEnum>::from_str(store, true).is_ok());
        call += &kind.map(|kind| format!(" --store {kind}")).unwrap_or_default();
        for (option, value) in [("--config", &global.config), ("--key-file", &global.key_file)] {
            call += &value.as_deref().map(|value| format!(" {option} {}", path(value))).unwrap_or_default();
        }
        let named = global.config.clone().or_else(|| in_environment(Name::Config).map(|(_, value)| value.into()));
        let config_file = named.or_else(|| Places::find().ok().map(|places| places.config_file()));
        let config_file = config_file.map(|path| path.display().to_string());
        Self { call, config_file: config_file.unwrap_or_else(|| "the configuration file".to_owned()) }
    }

    /// A text with the commands that it names as they are to be run.
    pub(crate) fn complete(&self, text: &str) -> String {
        let mut parts = text.split("webex-oauth ");
        let mut completed = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let command = part.split(|char: char| !char.is_ascii_lowercase()).next().unwrap_or_default();
            completed += if OF_A_SESSION.contains(&command) { &self.call } else { "webex-oauth" };
            completed.push(' ');
            completed += part;
        }
        completed.replace(CONFIG_FILE, &self.config_file)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_about_a_session_names_it() {
        let again = Again { call: "webex-oauth --profile work".to_owned(), config_file: "/c".to_owned() };
        let completed = again
            .complete("run webex-oauth logout --force, webex-oauth key new or webex-oauth login; {configuration file}");
        assert_eq!(
            completed,
            "run webex-oauth --profile work logout --force, webex-oauth key new or webex-oauth --profile work login; /c"
        );
        assert_eq!(again.complete(&completed), completed, "and once is enough");
    }
}
