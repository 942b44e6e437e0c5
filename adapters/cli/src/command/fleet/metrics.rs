//! Figures in the text format of Prometheus. No user and no key is a label.

use std::fmt::Write as _;
use std::net::SocketAddr;

use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;
use tokio::net::TcpListener;
use webex_oauth_stores::{FleetProgress, FleetReport};

use crate::failure::{Exit, Failure};

/// Serves them as long as the program lives; where.
pub(super) async fn serve(address: SocketAddr, progress: FleetProgress) -> Result<SocketAddr, Failure> {
    let failed = |error: std::io::Error| {
        Failure::new(Exit::Other, format!("cannot listen on {address} ({}); choose another port", error.kind()))
    };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let at = listener.local_addr().map_err(failed)?;
    let answer = move || async move { ([(CONTENT_TYPE, "text/plain; version=0.0.4")], text(&progress.report())) };
    let app = Router::new().route("/metrics", get(answer));
    tokio::spawn(async move { axum::serve(listener, app).await });
    Ok(at)
}

fn text(report: &FleetReport) -> String {
    let mut text = String::new();
    let mut family = |name: &str, help: &str, samples: &[(&str, u64)]| {
        // Writing to a text cannot fail.
        let _ = writeln!(text, "# HELP webex_oauth_fleet_{name} {help}\n# TYPE webex_oauth_fleet_{name} counter");
        for (labels, value) in samples {
            let _ = writeln!(text, "webex_oauth_fleet_{name}{labels} {value}");
        }
    };
    family("claimed_total", "Sessions that were claimed.", &[("", report.claimed)]);
    let sessions = [
        ("{result=\"renewed\"}", report.renewed),
        ("{result=\"ended\"}", report.ended),
        ("{result=\"left\"}", report.left),
        ("{result=\"not_begun\"}", report.not_begun),
        ("{result=\"not_ours\"}", report.not_ours),
    ];
    family("sessions_total", "What became of them.", &sessions);
    family("failures_total", "Attempts that the server refused, or did not answer.", &[("", report.failures)]);
    family("store_errors_total", "Failures of the store.", &[("", report.store_errors)]);
    text
}
