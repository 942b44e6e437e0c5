//! Figures in the text format of Prometheus. No user and no key is a label.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;
use tokio::net::TcpListener;
use webex_oauth_stores::{FleetProgress, FleetReport};

use crate::failure::{Exit, Failure};

/// Serves them as long as the program lives; where. `key_id` is the name of the key that seals.
pub(super) async fn serve(
    address: SocketAddr,
    progress: FleetProgress,
    key_id: Option<String>,
) -> Result<SocketAddr, Failure> {
    let failed = |error: std::io::Error| {
        Failure::new(Exit::Other, format!("cannot listen on {address} ({}); choose another port", error.kind()))
    };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let at = listener.local_addr().map_err(failed)?;
    let answer = move || async move {
        // A store that does not answer leaves it out.
        let lag = progress.lag().await.ok();
        ([(CONTENT_TYPE, "text/plain; version=0.0.4")], text(&progress.report(), lag, key_id.as_deref()))
    };
    let app = Router::new().route("/metrics", get(answer));
    tokio::spawn(async move { axum::serve(listener, app).await });
    Ok(at)
}

fn text(report: &FleetReport, lag: Option<Duration>, key_id: Option<&str>) -> String {
    let mut text = String::new();
    let mut family = |kind: &str, name: &str, help: &str, samples: &[(String, String)]| {
        // Writing to a text cannot fail.
        let _ = writeln!(text, "# HELP webex_oauth_fleet_{name} {help}\n# TYPE webex_oauth_fleet_{name} {kind}");
        for (labels, value) in samples {
            let _ = writeln!(text, "webex_oauth_fleet_{name}{labels} {value}");
        }
    };
    let results = [
        ("renewed", report.renewed),
        ("ended", report.ended),
        ("left", report.left),
        ("not_begun", report.not_begun),
        ("not_ours", report.not_ours),
    ];
    let results = results.map(|(result, count)| (format!("{{result=\"{result}\"}}"), count.to_string()));
    family("counter", "sessions_total", "What became of the sessions that were claimed.", &results);
    let counters = [
        ("claimed_total", "Sessions that were claimed.", report.claimed),
        ("failures_total", "Attempts that the server refused, or did not answer.", report.failures),
        ("unanswered_total", "Attempts to which no complete answer came.", report.unanswered),
        ("abandoned_total", "Sessions found with an attempt whose process is no more.", report.abandoned),
        ("rotations_lost_total", "Sessions found so whose grant has ended.", report.lost),
        ("removed_total", "Marks and logins that were over, and are deleted.", report.removed),
        ("removal_errors_total", "How often they could not be deleted.", report.removal_errors),
        ("store_errors_total", "Failures of the store.", report.store_errors),
    ];
    for (name, help, count) in counters {
        family("counter", name, help, &[(String::new(), count.to_string())]);
    }
    if let Some(lag) = lag {
        let seconds = format!("{:.3}", lag.as_secs_f64());
        family("gauge", "lag_seconds", "How late the oldest session is that is due.", &[(String::new(), seconds)]);
    }
    if let Some(key_id) = key_id {
        let sample = (format!("{{key_id=\"{key_id}\"}}"), "1".to_owned());
        family("gauge", "key_info", "The key that seals what is stored.", &[sample]);
    }
    text
}
