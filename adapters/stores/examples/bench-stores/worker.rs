//! A worker alone: the command `webex-oauth fleet` as it is installed, against a token endpoint over HTTP.

use std::error::Error;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use webex_oauth::{Config, Provider};
use webex_oauth_driver::now;
use webex_oauth_simulator::{CLIENT_ID, CLIENT_SECRET, Options, Simulator};

use crate::Line;
use crate::rows::{Table, config_of, snapshot_of};

/// Between two looks at the process.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// `command`: where the program is.
pub(crate) async fn measure(table: &Table, due: u32, command: &Path, url: &str) -> Result<Line, Box<dyn Error>> {
    // As Webex: a refresh token is good more than once, so that one is enough for all of the rows.
    let simulator = Simulator::start(Options { rotate: false, ..Options::default() })?;
    let issued = simulator.issue(CLIENT_ID, "spark:all").ok_or("nothing was issued")?;
    let config = config_of(Provider::webex_at(simulator.base_url()), CLIENT_ID, CLIENT_SECRET)?;
    let issued_at = now().plus_millis(-13 * 86_400_000);
    let snapshot = snapshot_of(&config, &issued.access_token, &issued.refresh_token, issued_at)?;
    table.make_due_of(due, &config, &snapshot).await?;

    let begun = Instant::now();
    let child = start(command, url, &simulator, &config)?;
    let (peak, threads) =
        tokio::task::spawn_blocking(move || watch(child).map_err(|error| error.to_string())).await??;
    let rate = f64::from(due) / begun.elapsed().as_secs_f64();
    let left = "SELECT count(*) FROM webex_oauth_session WHERE client = $1 AND due_at <= now() AND deleted_at IS NULL";
    assert_eq!(table.bare.query_one(left, &[&config.client_tag()]).await?.get::<_, i64>(0), 0);
    assert_eq!(simulator.counters().refreshes_succeeded, u64::from(due));
    Ok(Line {
        what: "webex-oauth fleet, a process of its own",
        figures: format!("{:.1} MiB at most, {threads} threads, {rate:.0} a second", peak as f64 / 1024.0),
        goal: "<= 32 MiB, <= 8",
    })
}

fn start(command: &Path, url: &str, simulator: &Simulator, config: &Config) -> Result<Child, Box<dyn Error>> {
    let mut worker = Command::new(command);
    // Nothing of the user's own: not a session, not a setting.
    worker.env_clear().env("HOME", "/nonexistent").env("WEBEX_STORE", format!("{url}?sslmode=disable"));
    worker.env("WEBEX_SERVER", simulator.base_url()).env("WEBEX_CLIENT_ID", config.client_id());
    worker.env("WEBEX_CLIENT_SECRET", CLIENT_SECRET);
    worker.args(["fleet", "--once", "--per-second", "1000000", "--metrics", "0"]);
    Ok(worker.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?)
}

/// The most memory that it had resident, in KiB, and the most threads, until it has ended well.
fn watch(mut child: Child) -> Result<(i64, i64), Box<dyn Error>> {
    let status = format!("/proc/{}/status", child.id());
    let (mut peak, mut threads) = (0, 0);
    loop {
        if let Ok(text) = std::fs::read_to_string(&status) {
            let figure = |name: &str| crate::memory::figure(&text, name);
            (peak, threads) = (peak.max(figure("VmHWM:")), threads.max(figure("Threads:")));
        }
        if let Some(ended) = child.try_wait()? {
            return if ended.success() { Ok((peak, threads)) } else { Err(format!("the worker: {ended}").into()) };
        }
        std::thread::sleep(LOOK_EVERY);
    }
}
