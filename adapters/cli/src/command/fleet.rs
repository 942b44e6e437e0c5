//! `fleet`: renews the sessions of a database.

mod metrics;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use webex_oauth::coordinator::Tick;
use webex_oauth::{HttpRequest, HttpResponse, SendFault};
use webex_oauth_async::{GrantHttp, Reqwest};
use webex_oauth_stores::{AsyncRecords, BoxFuture, Fleet, FleetHttp, FleetProgress, FleetReport, Sealed, StoreError};

use super::database;
use crate::args::{FleetArgs, Global};
use crate::failure::{Exit, Failure};
use crate::interrupt;
use crate::settings::Settings;
use crate::terminal::Terminal;

/// Between two lines that say how it goes, where anything has happened.
const TELL_EVERY: Duration = Duration::from_secs(10);

pub(crate) fn run(global: &Global, terminal: Terminal, args: &FleetArgs) -> Result<(), Failure> {
    if global.record.is_some() {
        return Err(Failure::new(Exit::Usage, "--record writes down one session, and this is many; leave it out"));
    }
    let settings = Settings::read(global, terminal)?;
    let Some(url) = &settings.database else {
        let sentence = "there is no database; give its URL with --store, WEBEX_STORE";
        return Err(Failure::new(Exit::Settings, sentence));
    };
    let config = settings.config_for_sign_in()?;
    let token_endpoint = config.provider().token_endpoint.clone();
    let keys = settings.keys()?;
    let (stop, stopped) = watch::channel(false);
    let mut signals = 0;
    interrupt::on_signal(move || {
        signals += 1;
        if signals > 1 {
            // Twice means now.
            std::process::exit(i32::from(Exit::Interrupted as u8));
        }
        let _ = stop.send(true);
    })?;
    database::runtime()?.block_on(async {
        let records = database::open(url, args.migrate).await?;
        let place = format!("{records:?}");
        let key_id = keys.as_ref().map(|keys| keys.first().id().to_owned());
        let records: Arc<dyn AsyncRecords> = match keys {
            Some(keys) => Arc::new(Sealed::new(records, keys)),
            None => records,
        };
        let no_tls = |error| Failure::new(Exit::Other, format!("{error}; check the certificates of this system"));
        let http = Http(GrantHttp::new(Reqwest::new().map_err(no_tls)?));
        let mut fleet = Fleet::new(records, config, http)
            .concurrency(usize::from(args.concurrency))
            .per_second(f64::from(args.per_second));
        if args.once {
            fleet = fleet.once();
        }
        if let Some(address) = args.metrics {
            let at = metrics::serve(address, fleet.progress(), key_id).await?;
            terminal.progress(&format!("Figures are at http://{at}/metrics."));
        }
        terminal.progress(&format!("Renewing what is due in {place}."));
        let teller = tokio::spawn(tell(terminal, fleet.progress()));
        let report = fleet.run(stopped).await;
        teller.abort();
        ended(terminal, report, args.once.then_some(&token_endpoint))
    })
}

/// What has been done. Once means all of it: a store that failed has kept something back, and so has a server from which nothing
/// came.
fn ended(terminal: Terminal, report: FleetReport, once: Option<&String>) -> Result<(), Failure> {
    if let Some(error) = &report.last_removal_error {
        terminal.notice(&not_deleted(error));
    }
    terminal.done(&in_words(&report));
    let Some(token_endpoint) = once else { return Ok(()) };
    match (report.last_store_error, report.last_failure) {
        (Some(error), _) => Err(database::failure(error)),
        (None, Some(fault)) if report.renewed == 0 => {
            Err(Failure::of_fault("nothing was renewed", &fault).at(token_endpoint))
        }
        _ => Ok(()),
    }
}

/// A line now and then, with the last failure of the store and of the server where there were any since the line before.
async fn tell(terminal: Terminal, progress: FleetProgress) {
    let mut told = FleetReport::default();
    loop {
        tokio::time::sleep(TELL_EVERY).await;
        let report = progress.report();
        if report == told {
            continue;
        }
        if let Some(error) = report.last_store_error.as_ref().filter(|_| report.store_errors > told.store_errors) {
            terminal.notice(&format!("{error}."));
        }
        if let Some(error) = report.last_removal_error.as_ref().filter(|_| report.removal_errors > told.removal_errors)
        {
            terminal.notice(&not_deleted(error));
        }
        if let Some(fault) = report.last_failure.as_ref().filter(|_| report.failures > told.failures) {
            terminal.notice(&format!("{}.", Failure::of_fault("a renewal failed", fault)));
        }
        terminal.progress(&in_words(&report));
        told = report;
    }
}

fn not_deleted(error: &StoreError) -> String {
    format!("{error}. Logins and sign-outs that are a week old were not deleted; renewals go on.")
}

fn in_words(report: &FleetReport) -> String {
    let FleetReport { renewed, ended, left, not_ours, failures, store_errors, .. } = report;
    format!(
        "{renewed} renewed, {ended} ended, {left} left for later, {not_ours} of a newer version, {failures} attempts failed, \
         {store_errors} failures of the store."
    )
}

/// No thread waits for an answer.
struct Http(GrantHttp);

impl FleetHttp for Http {
    fn send(
        &self,
        request: HttpRequest,
        not_after: Option<Tick>,
    ) -> BoxFuture<'static, Result<HttpResponse, SendFault>> {
        let within = request.hints.timeout;
        self.0.send(request, within, not_after)
    }
}
