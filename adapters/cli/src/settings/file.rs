//! The configuration file.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

use super::bounded;
use super::layer::{Layer, Name};
use crate::failure::{Exit, Failure};
use crate::places::{Places, Profile};

/// What the file says, for every profile and for each.
#[derive(Debug, Default)]
pub(super) struct ConfigFile {
    pub(super) top: Layer,
    pub(super) notices: Vec<String>,
    /// Where it is, or would be.
    pub(super) path: PathBuf,
    profiles: BTreeMap<String, Layer>,
    none: Layer,
}

/// A configuration file that is named and is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Missing {
    IsRefused,
    /// By whoever reads.
    IsMade,
}

impl ConfigFile {
    /// Reads the named file, or the platform's, which need not be there.
    pub(super) fn read(named: Option<&Path>, places: &Places, missing: Missing) -> Result<Self, Failure> {
        let path = named.map_or_else(|| places.config_file(), Path::to_owned);
        let text = match bounded::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound && (named.is_none() || missing == Missing::IsMade) => {
                return Ok(Self { path, ..Self::default() });
            }
            Err(error) => {
                let kind = error.kind();
                return Err(broken(&path, &format!("cannot be read ({kind})"), "give another one with --config"));
            }
        };
        let mut file = Self::parse(&text).map_err(|problem| broken(&path, &problem, "correct it"))?;
        if file.has_secret() && is_open_to_others(&path) {
            file.notices.push(format!("{} holds a secret and others can read it: chmod 600 it", path.display()));
        }
        file.path = path;
        Ok(file)
    }

    /// The profiles that it speaks of.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.profiles.keys().map(String::as_str)
    }

    /// The part of one profile; an empty one where there is none.
    pub(super) fn profile(&self, profile: &Profile) -> &Layer {
        self.profiles.get(profile.as_str()).unwrap_or(&self.none)
    }

    /// The problem never quotes a value: it may be a secret.
    fn parse(text: &str) -> Result<Self, String> {
        let table: Table = text.parse().map_err(|error: toml::de::Error| {
            let line = error.span().and_then(|span| text.get(..span.start)).map(|before| before.split('\n').count());
            match line {
                Some(line) => format!("is not TOML in line {line}"),
                None => "is not TOML".to_owned(),
            }
        })?;
        let mut file = Self::default();
        for (key, value) in &table {
            match (key.as_str(), value) {
                ("profile", Value::Table(profiles)) => {
                    for (name, value) in profiles {
                        let Value::Table(settings) = value else {
                            return Err(format!("says [profile] and then {name}: write [profile.{name}]"));
                        };
                        file.profiles.insert(name.clone(), layer(settings, false)?);
                    }
                }
                ("default_profile", Value::String(name)) => file.top.set(Name::Profile, Some(name.clone())),
                _ => {}
            }
        }
        let rest = table.into_iter().filter(|(key, _)| !matches!(key.as_str(), "profile" | "default_profile"));
        let settings = layer(&rest.collect(), true)?;
        let profile = file.top.get(Name::Profile).map(str::to_owned);
        file.top = settings;
        file.top.set(Name::Profile, profile);
        Ok(file)
    }

    fn has_secret(&self) -> bool {
        let secret =
            |layer: &Layer| layer.get(Name::ClientSecret).is_some() || layer.get(Name::GuestIssuerSecret).is_some();
        secret(&self.top) || self.profiles.values().any(secret)
    }
}

fn layer(settings: &Table, top: bool) -> Result<Layer, String> {
    let mut layer = Layer::default();
    for (key, value) in settings {
        let name = Name::ALL.into_iter().find(|name| name.key() == key.as_str());
        let name = name.filter(|name| !matches!(name, Name::Config | Name::Profile)).ok_or_else(|| {
            let place = if top { "" } else { " in a profile" };
            format!("has the setting {key:?}{place}, which there is not{}", meant(key))
        })?;
        let text = match value {
            Value::String(text) => Some(text.clone()),
            Value::Array(list) if name == Name::Scope => {
                let tokens: Option<Vec<&str>> = list.iter().map(Value::as_str).collect();
                tokens.map(|tokens| tokens.join(" "))
            }
            _ => None,
        };
        let text = text.ok_or_else(|| format!("has no text in quotes for {key}"))?;
        layer.set(name, Some(text).filter(|text| !text.is_empty()));
    }
    Ok(layer)
}

/// The setting whose name is so like it that it may be meant.
fn meant(key: &str) -> String {
    let like = |name: Name| (strsim::jaro(name.key(), key), name.key());
    let nearest = Name::ALL.into_iter().filter(|name| !matches!(name, Name::Config | Name::Profile)).map(like);
    let nearest = nearest.filter(|(likeness, _)| *likeness > 0.8).max_by(|one, other| one.0.total_cmp(&other.0));
    nearest.map(|(_, name)| format!(" (did you mean {name}?)")).unwrap_or_default()
}

pub(super) fn broken(path: &Path, problem: &str, advice: &str) -> Failure {
    Failure::new(Exit::Settings, format!("the configuration file {} {problem}; {advice}", path.display()))
}

#[cfg(unix)]
fn is_open_to_others(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(path).is_ok_and(|metadata| metadata.permissions().mode() & 0o077 != 0)
}

#[cfg(not(unix))]
fn is_open_to_others(_path: &Path) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(text: &str) -> String {
        ConfigFile::parse(text).unwrap_err()
    }

    #[test]
    fn a_profile_has_settings_of_its_own() {
        let text = "client_id = \"a\"\ndefault_profile = \"w\"\n[profile.w]\nclient_id = \"b\"\nscope = [\"x\", \"y\"]";
        let file = ConfigFile::parse(text).unwrap();
        assert_eq!(file.top.get(Name::ClientId), Some("a"));
        assert_eq!(file.top.get(Name::Profile), Some("w"));
        let profile = file.profile(&Profile::parse("w").unwrap());
        assert_eq!((profile.get(Name::ClientId), profile.get(Name::Scope)), (Some("b"), Some("x y")));
    }

    #[test]
    fn a_broken_file_is_told_without_its_values() {
        assert_eq!(problem("a = 1\nclient_secret = \"s3cret"), "is not TOML in line 2");
        assert_eq!(problem("client_secret = 12345"), "has no text in quotes for client_secret");
        assert_eq!(problem("colour = \"s3cret\""), "has the setting \"colour\", which there is not");
        assert_eq!(problem("[profile.w]\ncolour = 1"), "has the setting \"colour\" in a profile, which there is not");
        assert_eq!(
            problem("clientid = \"s3cret\""),
            "has the setting \"clientid\", which there is not (did you mean client_id?)"
        );
        assert_eq!(problem("[profile]\nw = 1"), "says [profile] and then w: write [profile.w]");
        assert_eq!(problem("config = \"x\""), "has the setting \"config\", which there is not");
    }
}
