//! The drivers that there are: executables in `drivers/`.

use std::path::PathBuf;
use std::process::{Command, Stdio};

pub(crate) struct Driver {
    pub(crate) name: String,
    path: PathBuf,
}

/// The root of the repository.
fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// All drivers, or those that are named; a name that does not exist becomes a column that fails.
pub(crate) fn find(names: &[String]) -> Vec<Driver> {
    let folder = root().join("conformance/scenarios/drivers");
    let mut all: Vec<String> = std::fs::read_dir(&folder)
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| !name.starts_with('.'))
        .collect();
    all.sort();
    let names = if names.is_empty() { &all } else { names };
    names.iter().map(|name| Driver { name: name.clone(), path: folder.join(name) }).collect()
}

impl Driver {
    /// Whether its file says, in a line `# lacks: NAME ...`, that this scenario, or group of them, is still to come.
    pub(crate) fn lacks(&self, wanted: &str) -> bool {
        self.says("# lacks:").iter().any(|names| names.split_whitespace().any(|name| name == wanted))
    }

    /// How many scenarios run at a time: as many as a line `# lanes: N` in its file says.
    pub(crate) fn lanes(&self) -> usize {
        const LANES: usize = 3;
        self.says("# lanes:").iter().find_map(|number| number.trim().parse().ok()).unwrap_or(LANES)
    }

    /// What stands behind this in its file.
    fn says(&self, what: &str) -> Vec<String> {
        let text = std::fs::read_to_string(&self.path).unwrap_or_default();
        text.lines().filter_map(|line| line.strip_prefix(what)).map(str::to_owned).collect()
    }

    /// The harness, ready to be spawned.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(&self.path);
        command.current_dir(root());
        command
    }

    /// Prepares it; `Err` says why it cannot run.
    pub(crate) fn build(&self) -> Result<(), String> {
        let status = self.command().arg("build").stdin(Stdio::null()).status();
        match status.map(|status| status.code()) {
            Ok(Some(0)) => Ok(()),
            Ok(Some(77)) => Err("not run: the toolchain is missing".to_owned()),
            Ok(code) => Err(format!("the build failed with status {code:?}")),
            Err(error) => Err(format!("{}: {error}", self.path.display())),
        }
    }
}
