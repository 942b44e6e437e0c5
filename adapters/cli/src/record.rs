//! `--record`: what happened, without secrets, as a file.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::Path;

use crate::failure::{Exit, Failure};

/// How each begins.
const FIRST: &[u8] = br#"{"webex_oauth_transcript""#;

/// Nothing else than an older record is replaced: not the file of keys, the session, or the configuration.
pub(crate) fn check(path: &Path) -> Result<(), Failure> {
    let mut begin = Vec::new();
    // What cannot be read may still be written, as a pipe.
    let read = std::fs::metadata(path).and_then(|found| {
        if found.is_file() { File::open(path)?.take(FIRST.len() as u64).read_to_end(&mut begin) } else { Ok(0) }
    });
    if read.is_ok() && !begin.is_empty() && begin != FIRST {
        let sentence = format!("--record would replace {}, which is no record; give another file", path.display());
        return Err(Failure::new(Exit::Usage, sentence));
    }
    Ok(())
}

/// Replaces the file at `path`. Only its owner can read it: client id and scopes are in there.
pub(crate) fn write(path: &Path, transcript: &str) -> Result<(), Failure> {
    // By now the session may be there.
    check(path)?;
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
