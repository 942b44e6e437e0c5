//! `simulator`: a Webex-like server on this machine.

use std::io::ErrorKind;
use std::time::Duration;

use webex_oauth_simulator::{Decision, Entry, Options, Simulator};

use crate::args::SimulatorArgs;
use crate::failure::{Exit, Failure};
use crate::interrupt;
use crate::terminal::{DIM, STRONG, Terminal};

pub(crate) fn run(terminal: Terminal, args: &SimulatorArgs) -> Result<(), Failure> {
    let simulator = Simulator::start(options(args)).map_err(|error| match error.kind() {
        ErrorKind::AddrInUse => Failure::new(
            Exit::Other,
            format!("port {} is in use; give another --port, or none for a free one", args.port),
        ),
        kind => Failure::new(Exit::Other, format!("the simulator cannot be started ({kind})")),
    })?;
    let stop = interrupt::wait_for_signal()?;
    terminal.result(&welcome(&simulator))?;
    let mut seen = 0;
    while stop.recv_timeout(Duration::from_millis(100)).is_err() {
        for entry in simulator.log() {
            // In order: a request that is still being handled holds the later ones back.
            if entry.seq > seen && entry.done_ms.is_none() {
                break;
            }
            if entry.seq > seen {
                seen = entry.seq;
                terminal.progress(&line(&entry));
            }
        }
    }
    Ok(())
}

fn options(args: &SimulatorArgs) -> Options {
    let mut options = Options { port: args.port, rotate: args.rotate, ..Options::default() };
    let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    if let Some(time) = args.access_lifetime {
        options.access_lifetime_ms = millis(time);
    }
    if let Some(time) = args.refresh_lifetime {
        options.refresh_lifetime_ms = millis(time);
    }
    options.auto_decision = match (args.auto_accept, args.auto_decline) {
        (true, _) => Some(Decision::Accept),
        (_, true) => Some(Decision::Decline),
        (false, false) => None,
    };
    options
}

/// The lines that can be copied are commands of a shell; the others are comments of one.
fn welcome(simulator: &Simulator) -> String {
    let (base, exports) = (simulator.base_url(), simulator.exports());
    format!(
        "# A simulated Webex listens on {base}. Copy this into another terminal:\n\
         {exports}\
         export WEBEX_PROFILE=simulator\n\
         # and then: {STRONG}webex-oauth login && webex-oauth whoami{STRONG:#}\n\
         # curl -H \"Authorization: Bearer $(webex-oauth token)\" {base}/v1/people/me\n\
         # Ctrl-C stops it."
    )
}

/// One request: no secret and no whole token is in it.
fn line(entry: &Entry) -> String {
    let status = entry.status.map_or_else(|| "cut".to_owned(), |status| status.to_string());
    let grant = entry.grant_type.as_deref().map(|grant| format!(" {DIM}{grant}{DIM:#}")).unwrap_or_default();
    format!("{:>4} {status} {} {}{grant} {}", entry.seq, entry.method, entry.path, entry.outcome)
}
