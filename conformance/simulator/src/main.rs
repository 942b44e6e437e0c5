//! The command `webex-oauth-simulator`.

mod cli;

use std::error::Error;
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::process::ExitCode;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use clap::Parser as _;
use serde_json::json;
use webex_oauth_simulator::{Entry, Simulator};

use crate::cli::Args;

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "webex-oauth-simulator: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args) -> Result<(), Box<dyn Error>> {
    let options = args.options()?;
    let port = options.port;
    let simulator = Simulator::start(options).map_err(|error| not_started(port, &error))?;
    for fault in args.faults()? {
        simulator.fault(fault);
    }
    let stop = stop_signal(args.stop_with_stdin)?;
    let mut out = io::stdout();
    let told = if args.json { json_line(&simulator) } else { welcome(&simulator) };
    writeln!(out, "{told}")?;
    out.flush()?;
    follow(&simulator, &stop, args.quiet || args.json);
    Ok(())
}

/// One sentence, with what to do.
fn not_started(port: u16, error: &io::Error) -> String {
    match error.kind() {
        ErrorKind::AddrInUse => format!("port {port} is in use; give another --port, or none for a free one"),
        ErrorKind::PermissionDenied => format!("port {port} is reserved by the system; give a --port above 1023"),
        _ => format!("it cannot listen on 127.0.0.1 ({error})"),
    }
}

/// A message arrives when it is time to stop: Ctrl-C, a polite kill, or the end of the input.
fn stop_signal(with_stdin: bool) -> io::Result<Receiver<()>> {
    let (stop, stopped) = channel();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let asked = stop.clone();
    std::thread::Builder::new().spawn(move || {
        let _ = runtime.block_on(interrupted());
        let _ = asked.send(());
    })?;
    if with_stdin {
        std::thread::Builder::new().spawn(move || {
            let _ = io::stdin().read_to_end(&mut Vec::new());
            let _ = stop.send(());
        })?;
    }
    Ok(stopped)
}

#[cfg(unix)]
async fn interrupted() -> io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminated = signal(SignalKind::terminate())?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted,
        _ = terminated.recv() => Ok(()),
    }
}

#[cfg(not(unix))]
async fn interrupted() -> io::Result<()> {
    tokio::signal::ctrl_c().await
}

/// Prints each request when it is answered, until it is time to stop.
fn follow(simulator: &Simulator, stop: &Receiver<()>, quiet: bool) {
    let mut seen = 0;
    while stop.recv_timeout(Duration::from_millis(100)) == Err(RecvTimeoutError::Timeout) {
        if quiet {
            continue;
        }
        for entry in simulator.log() {
            // In order: a request that is still being handled holds the later ones back.
            if entry.seq > seen && entry.done_ms.is_none() {
                break;
            }
            if entry.seq > seen {
                seen = entry.seq;
                let _ = writeln!(io::stderr(), "{}", line(&entry));
            }
        }
    }
}

fn line(entry: &Entry) -> String {
    let status = entry.status.map_or_else(|| "cut".into(), |status| status.to_string());
    let mut line = format!("{:>4} {status} {} {}", entry.seq, entry.method, entry.path);
    let mut add = |name: &str, value: &str| {
        line.push_str("  ");
        line.push_str(name);
        line.push_str(value);
    };
    add("", &entry.outcome);
    if let Some(grant) = &entry.grant_type {
        add("grant ", grant);
    }
    if let Some(token) = &entry.presented {
        add("with token ", &format!("{} (generation {})", token.fingerprint, token.generation));
    }
    for token in &entry.issued {
        add("issued ", &format!("{} (generation {})", token.fingerprint, token.generation));
    }
    if let Some(fault) = &entry.fault {
        add("fault ", fault);
    }
    line
}

fn json_line(simulator: &Simulator) -> String {
    let options = simulator.options();
    let client = options.clients.first();
    json!({
        "base_url": simulator.base_url(),
        "control_url": simulator.url("/_sim"),
        "authorize_url": simulator.sign_in_url(),
        "client_id": client.map(|client| &client.id),
        "client_secret": client.and_then(|client| client.secret.as_ref()),
        "redirect_uris": client.map(|client| &client.redirect_uris),
        "clients": options.clients,
        "people": options.people,
        "guest_issuers": options.guest_issuers,
        "bots": options.bots,
        "spaces": options.spaces,
        "variables": simulator.variables().into_iter().collect::<std::collections::BTreeMap<_, _>>(),
    })
    .to_string()
}

/// The lines that can be copied are commands of a shell; the others are comments of one.
fn welcome(simulator: &Simulator) -> String {
    let mut lines = vec![
        format!("# A simulated Webex listens on {}. Open that in a browser, or copy this into", simulator.base_url()),
        "# another terminal:".into(),
        simulator.exports(),
    ];
    if let Some(url) = simulator.sign_in_url() {
        lines.push(format!("# Sign in:     {url}"));
    }
    lines.push(format!("# Device code: {}", simulator.url("/verify")));
    lines.push(format!("# Metadata:    {}", simulator.url("/.well-known/oauth-authorization-server")));
    lines.push(format!("# Control:     {}", simulator.url("/_sim")));
    lines.push("# Every request is shown below. Ctrl-C stops.".into());
    lines.join("\n")
}
