//! `key` and `reseal`: encryption of what is stored.

use std::path::Path;

use webex_oauth::sealed::MasterKey;
use webex_oauth_driver::now;
use webex_oauth_stores::{KeyFileError, add_key, new_key_file, read_key_file};

use crate::app::store_without_key;
use crate::args::{Global, KeyArgs, KeyCommand};
use crate::failure::{Exit, Failure};
use crate::settings::Settings;
use crate::store;
use crate::terminal::Terminal;

pub(crate) fn run(terminal: Terminal, command: &KeyCommand) -> Result<(), Failure> {
    match command {
        KeyCommand::New(args) => {
            let key = make(args, |file, name| new_key_file(file, name))?;
            let file = args.file.display();
            terminal.done(&format!("Key {} is in {file}, which only you can read.", key.id()));
            terminal.notice("Keep a copy elsewhere: without it nobody opens what it seals.");
            Ok(())
        }
        KeyCommand::Add(args) => {
            let key = make(args, |file, name| add_key(file, name))?;
            terminal.done(&format!("Key {} seals from now on; the others go on opening.", key.id()));
            Ok(())
        }
        KeyCommand::List { file } => {
            let keys = read_key_file(file)?;
            terminal.result(&keys.names().collect::<Vec<_>>().join("\n"))
        }
    }
}

fn make(
    args: &KeyArgs,
    make: impl FnOnce(&Path, &str) -> Result<MasterKey, KeyFileError>,
) -> Result<MasterKey, Failure> {
    let name = match &args.name {
        Some(name) => name.clone(),
        None => name_of_today()?,
    };
    Ok(make(&args.file, &name)?)
}

/// The day, and something that tells two keys of one day apart.
fn name_of_today() -> Result<String, Failure> {
    let mut drawn = [0; 2];
    let no_randomness = |_| Failure::from(KeyFileError::NoRandomness);
    getrandom::fill(&mut drawn).map_err(no_randomness)?;
    let day = now().to_string();
    Ok(format!("{}-{:02x}{:02x}", day.get(..10).unwrap_or_default(), drawn[0], drawn[1]))
}

/// Encrypts what the profile has stored with the first key.
pub(crate) fn reseal(global: &Global, terminal: Terminal, and_plain: bool) -> Result<(), Failure> {
    let settings = Settings::read(global, terminal)?;
    let Some(keys) = settings.keys()? else {
        let sentence =
            "there is no key to seal with; give --key-file, WEBEX_KEY_FILE, or make one with webex-oauth key new";
        return Err(Failure::new(Exit::Settings, sentence));
    };
    #[cfg(feature = "fleet")]
    if let Some(url) = &settings.database {
        return super::database::reseal(terminal, url, keys, and_plain);
    }
    if and_plain {
        return Err(Failure::new(Exit::Usage, "--and-plain is for a database; leave it out"));
    }
    let name = keys.first().id().to_owned();
    let opened = store_without_key(&settings)?;
    let store = store::sealed(&settings.profile, opened.store, keys)?;
    if store.reseal()? {
        terminal.done(&format!("Sealed with key {name}: what is in {}.", opened.place));
    } else {
        terminal.done(&format!("There is nothing to be done for key {name}."));
    }
    Ok(())
}
