//! The application in a process of its own.

use std::process::{Child, Command, Stdio};

use webex_oauth_simulator::{CLIENT_ID, CLIENT_SECRET, Simulator};

/// In a process of its own, so that its memory can be looked at.
pub(crate) struct App(Child);

impl App {
    pub(crate) fn start(simulator: &Simulator, port: u16) -> Self {
        let binary = std::env::current_exe().expect("a path");
        let binary = binary.ancestors().nth(2).expect("beside the examples").join("webex-oauth-integration");
        let child = Command::new(binary)
            .env("PORT", port.to_string())
            .env("CLIENT_ID", CLIENT_ID)
            .env("CLIENT_SECRET", CLIENT_SECRET)
            .env("PROVIDER_URL", simulator.base_url())
            // glibc keeps freed memory for each thread: with one arena the figure is what the application holds.
            .env("MALLOC_ARENA_MAX", "1")
            .stdout(Stdio::null())
            .spawn();
        Self(child.expect("the application is built: scripts/load"))
    }

    /// Resident memory in KiB, where the system tells.
    pub(crate) fn memory(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.0.id())).ok()?;
        let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
        line.split_whitespace().nth(1)?.parse().ok()
    }
}

impl Drop for App {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
