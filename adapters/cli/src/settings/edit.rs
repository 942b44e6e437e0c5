//! Changing the configuration file: what else is in it stays, comments as well.

use std::fs;
use std::io::{self, ErrorKind, Write as _};
use std::path::Path;

use toml_edit::{DocumentMut, Item, Table, value};
use webex_oauth::Secret;
use webex_oauth_driver::keep_owner;

use super::layer::Name;
use crate::failure::{Exit, Failure};
use crate::places::Profile;

/// Writes settings of a profile: those of the default one at the top.
pub(crate) fn write(path: &Path, profile: &Profile, settings: &[(Name, Secret)]) -> Result<(), Failure> {
    change(path, |document| {
        let table = if profile.is_default() { Some(document.as_table_mut()) } else { table_of(document, profile) };
        let table = table.ok_or("has a profile that is no table")?;
        // One server takes the place of another, in whatever way that was named.
        let says = |name: Name| settings.iter().any(|(said, _)| *said == name);
        const SERVER: [Name; 3] = [Name::Server, Name::Issuer, Name::Metadata];
        if SERVER.into_iter().any(says) {
            SERVER.into_iter().filter(|name| !says(*name)).for_each(|name| drop(table.remove(name.key())));
        }
        for (name, setting) in settings {
            put(table, name.key(), setting.expose());
        }
        Ok(())
    })
}

/// Makes a profile the default one.
pub(crate) fn set_default(path: &Path, profile: &Profile) -> Result<(), Failure> {
    change(path, |document| {
        put(document.as_table_mut(), "default_profile", profile.as_str());
        Ok(())
    })
}

fn table_of<'a>(document: &'a mut DocumentMut, profile: &Profile) -> Option<&'a mut Table> {
    let profiles = document.entry("profile").or_insert_with(|| {
        let mut profiles = Table::new();
        profiles.set_implicit(true);
        Item::Table(profiles)
    });
    profiles.as_table_mut()?.entry(profile.as_str()).or_insert_with(|| Item::Table(Table::new())).as_table_mut()
}

/// What stands around a value that is there stays.
fn put(table: &mut Table, key: &str, text: &str) {
    match table.get_mut(key).and_then(Item::as_value_mut) {
        Some(known) => {
            let around = known.decor().clone();
            *known = text.into();
            *known.decor_mut() = around;
        }
        None => drop(table.insert(key, value(text))),
    }
}

fn change(path: &Path, change: impl FnOnce(&mut DocumentMut) -> Result<(), &'static str>) -> Result<(), Failure> {
    let broken = |problem: &str| super::file::broken(path, problem, "correct it, or give another one with --config");
    // Where it is a link, what it leads to is changed.
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let text = match super::bounded::read_to_string(&target) {
        Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
        text => text.map_err(|error| broken(&format!("cannot be read ({})", error.kind())))?,
    };
    let mut document: DocumentMut = text.parse().map_err(|_| broken("is not TOML"))?;
    change(&mut document).map_err(broken)?;
    let text = Secret::new(document.to_string());
    replace(&target, &text).map_err(|error| {
        Failure::new(Exit::Other, format!("{} cannot be written ({})", target.display(), error.kind()))
    })
}

/// In one step, readable by the user alone: there may be a secret in it.
fn replace(path: &Path, text: &Secret) -> io::Result<()> {
    let folder = path.parent().ok_or(ErrorKind::InvalidInput)?;
    fs::create_dir_all(folder)?;
    let mut file = tempfile::Builder::new().prefix(".config").tempfile_in(folder)?;
    keep_owner(path, file.as_file());
    file.write_all(text.expose().as_bytes())?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_else_is_in_the_file_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sub/config.toml");
        fs::create_dir(folder.path().join("sub")).unwrap();
        fs::write(&path, "# mine\nclient_id = \"a\" # first\n\n[profile.home]\nclient_id = \"h\"\n").unwrap();
        let work = Profile::parse("work").unwrap();
        write(&path, &work, &[(Name::ClientId, "w".into()), (Name::Scope, "x y".into())]).unwrap();
        write(&path, &Profile::parse("default").unwrap(), &[(Name::ClientId, "b".into())]).unwrap();
        set_default(&path, &work).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(
            text,
            "# mine\nclient_id = \"b\" # first\ndefault_profile = \"work\"\n\n[profile.home]\nclient_id = \"h\"\n\n\
             [profile.work]\nclient_id = \"w\"\nscope = \"x y\"\n"
        );
    }
}
