//! `--record`: what happened, without secrets, as a file.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::path::Path;

use crate::failure::{Exit, Failure};

/// Replaces the file at `path`. Only its owner can read it: client id and scopes are in there.
pub(crate) fn write(path: &Path, transcript: &str) -> Result<(), Failure> {
    write_file(path, transcript).map_err(|error| {
        let kind = error.kind();
        Failure::new(
            Exit::Other,
            format!("the record cannot be written to {} ({kind}); give another file", path.display()),
        )
    })
}

fn write_file(path: &Path, transcript: &str) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)?.write_all(transcript.as_bytes())
}
