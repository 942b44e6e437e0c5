//! Files that people name: what has no end is read to a limit.

use std::fs::File;
use std::io::{Error, ErrorKind, Read as _, Result};
use std::path::Path;

/// More than any of them has.
const MOST: u64 = 4 * 1024 * 1024;

/// The whole of a file. [`ErrorKind::FileTooLarge`] beyond four mebibytes: a device, or something else than was meant.
pub(super) fn read(path: impl AsRef<Path>) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(MOST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MOST {
        return Err(Error::from(ErrorKind::FileTooLarge));
    }
    Ok(bytes)
}

/// The same, of a text.
pub(super) fn read_to_string(path: impl AsRef<Path>) -> Result<String> {
    String::from_utf8(read(path)?).map_err(|_| Error::from(ErrorKind::InvalidData))
}
