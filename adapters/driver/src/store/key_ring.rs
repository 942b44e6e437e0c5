//! Where the lock of an entry of the key ring is: a key ring has none.

use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

/// The place of the lock files of an entry of the operating system's key ring, the same for the command and for every
/// language: a [`FileStore`](crate::FileStore) on it has the locks of the entry, its `.lock` for the save and its
/// `.refresh-lock` for requests. `None` where the user has no home folder.
///
/// It is `webex-oauth/locks/HASH` in `$XDG_STATE_HOME` where that is an absolute path, else in `~/.local/state`; on
/// Windows in `%LOCALAPPDATA%`. HASH is the first 32 hexadecimal digits of SHA-256 over service, a zero byte, account.
/// Folders that are missing are made with mode 0700: where others can write, anybody could hold the lock for ever.
pub fn key_ring_locks(service: &str, account: &str) -> Option<PathBuf> {
    Some(locks_in(&state_folder()?, service, account))
}

fn state_folder() -> Option<PathBuf> {
    let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    if cfg!(windows) {
        return absolute("LOCALAPPDATA");
    }
    let home = || std::env::home_dir().filter(|home| home.is_absolute());
    absolute("XDG_STATE_HOME").or_else(|| Some(home()?.join(".local/state")))
}

fn locks_in(state: &Path, service: &str, account: &str) -> PathBuf {
    let hash = Sha256::new().chain_update(service).chain_update([0]).chain_update(account).finalize();
    let name: String = hash.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    state.join("webex-oauth").join("locks").join(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Other languages have to come to the same name.
    #[test]
    fn the_name_of_an_entry_is_fixed() {
        let of = |service, account| locks_in(Path::new("/s"), service, account);
        assert_eq!(of("webex-oauth", "default"), Path::new("/s/webex-oauth/locks/62deea35b7b33e5f21891cb4224d8cac"));
        assert_eq!(of("webex-oauth", "wörk/2"), Path::new("/s/webex-oauth/locks/206248ba4dbf4d006ef080ca6f4f49e9"));
        assert_ne!(of("a", "bc"), of("ab", "c"));
    }
}
