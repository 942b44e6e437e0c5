//! What the environment has: which variables are read, which are not and look as if they should be.

use std::ffi::OsString;
use std::path::PathBuf;

use strsim::osa_distance;
use webex_oauth_driver::settings::{SESSION_FILE, path_of};

use super::layer::Name;
use crate::args::Global;

/// Read by the libraries of this project, and not by the command.
const OTHERS: [&str; 3] = ["WEBEX_ACCESS_TOKEN", "WEBEX_AUTHORIZE_URL", "WEBEX_OAUTH_SIMULATOR"];

/// The variable of a setting that is set, and what it says.
pub(crate) fn in_environment(name: Name) -> Option<(&'static str, OsString)> {
    name.variables().iter().find_map(|variable| Some((*variable, set(variable)?)))
}

/// The variables of a setting that are set.
pub(super) fn variables_set(name: Name) -> Vec<&'static str> {
    name.variables().iter().copied().filter(|variable| set(variable).is_some()).collect()
}

/// The file that the environment names for the tokens, where that counts: what the command line asks for goes before it.
pub(crate) fn session_file(global: &Global) -> Option<PathBuf> {
    set(SESSION_FILE).filter(|_| global.store.is_none() && global.profile.is_none()).map(path_of)
}

/// What people should know about their variables. No value is told.
pub(super) fn notices(global: &Global) -> Vec<String> {
    let mut notices = misspelt(std::env::vars_os().filter_map(|(name, _)| name.into_string().ok()));
    let flag = [("--profile", global.profile.is_some()), ("--store", global.store.is_some())];
    match (set(SESSION_FILE), flag.iter().find(|(_, given)| *given)) {
        (Some(_), Some((flag, _))) => notices.push(format!("{SESSION_FILE} is left aside: {flag} goes before it.")),
        (Some(_), None) if in_environment(Name::Profile).is_some() => {
            notices.push(format!(
                "The tokens are in {SESSION_FILE}, which goes before WEBEX_PROFILE; --profile would not."
            ));
        }
        (_, _) => {}
    }
    notices
}

fn set(variable: &str) -> Option<OsString> {
    std::env::var_os(variable).filter(|value| !value.is_empty())
}

fn misspelt(names: impl Iterator<Item = String>) -> Vec<String> {
    let mut names: Vec<String> = names.collect();
    names.sort();
    let told =
        |name: &String| meant(name).map(|known| format!("Nothing reads the variable {name}: did you mean {known}?"));
    names.iter().filter_map(told).collect()
}

/// The variable whose name is so like this one that it may be meant.
fn meant(name: &str) -> Option<&'static str> {
    let known = || Name::ALL.into_iter().flat_map(|name| name.variables().iter().copied()).chain([SESSION_FILE]);
    let upper = name.to_ascii_uppercase();
    // Windows does not tell capital letters from small ones.
    let is_read = |known: &str| known == name || cfg!(windows) && known == upper;
    if known().chain(OTHERS).any(is_read) {
        return None;
    }
    // One slip, and in a long name two: beyond that it is another program's.
    let near = |known: &&'static str| osa_distance(known, &upper) <= 1 + known.len() / 18;
    known().filter(near).min_by_key(|known| osa_distance(known, &upper))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_noticed() {
        for (slip, known) in [
            ("WEBEX_CLIENTID", "WEBEX_CLIENT_ID"),
            ("WEBX_CLIENT_ID", "WEBEX_CLIENT_ID"),
            ("WEBEX_CLIENT_SCERET", "WEBEX_CLIENT_SECRET"),
            ("WEBEX_KEYFILE", "WEBEX_KEY_FILE"),
            ("WEBEX_SCPOE", "WEBEX_SCOPE"),
            ("WEBEX_SESION_FIL", "WEBEX_SESSION_FILE"),
            ("WEBEX_REDIRECT_URL", "WEBEX_REDIRECT_URI"),
        ] {
            assert_eq!(meant(slip), Some(known), "{slip}");
        }
        assert_eq!(meant("webex_scope"), (!cfg!(windows)).then_some("WEBEX_SCOPE"));
    }

    #[test]
    fn the_variables_of_others_are_theirs() {
        for other in [
            "WEBEX_ACCESS_TOKEN",
            "WEBEX_TOKEN",
            "WEBEX_BOT_TOKEN",
            "WEBEX_ROOM_ID",
            "WEBEX_ORG_ID",
            "WEBEX_SPACE",
            "WEBEX_STATE",
            "WEBEX_SITE",
            "WEBEX_SECRET",
            "WEBEX_CODE",
            "WEBEX_API_KEY",
            "WEBEX_TEAMS_ACCESS_TOKEN",
            "WEBEX_CLIENT_ID",
            "WEBEX_SCOPES",
            "PATH",
            "CLIENT_ID",
            "SCOPE",
            "",
        ] {
            assert_eq!(meant(other), None, "{other}");
        }
    }
}
