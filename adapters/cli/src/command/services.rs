//! `services`: where each service of the server is, by its catalog.

use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use webex_oauth::Services;

use crate::app::{App, For};
use crate::args::{Global, ServicesArgs};
use crate::failure::{Exit, Failure};
use crate::places::keep;
use crate::terminal::{Terminal, plain};

/// What the catalog said last, and which catalog that was: the server of a profile may change.
#[derive(Serialize, Deserialize)]
struct Kept {
    catalog: String,
    services: String,
}

pub(crate) fn run(global: &Global, terminal: Terminal, args: &ServicesArgs) -> Result<(), Failure> {
    let app = App::open(global, terminal, For::Tokens)?;
    let spinner = app.spin("asking the server");
    let services = find(&app, args.refresh);
    drop(spinner);
    let printed = services.and_then(|services| print(terminal, args, &services));
    app.end(printed)
}

fn find(app: &App, refresh: bool) -> Result<std::sync::Arc<Services>, Failure> {
    let catalog = app.client.config().catalog_url()?;
    let file = app.settings.places.services_file(&app.settings.profile);
    if let Some(known) = read(&file, &catalog) {
        app.client.use_services(known);
    }
    let max_age = if refresh { Duration::ZERO } else { Services::DEFAULT_MAX_AGE };
    let services = app.client.services(max_age).map_err(|error| Failure::of_call(error, &catalog))?;
    let kept = Kept { catalog, services: services.to_json() };
    // Without it the next command asks again.
    let _ = serde_json::to_vec(&kept).map(|text| keep(&file, &text));
    Ok(services)
}

fn read(file: &Path, catalog: &str) -> Option<Services> {
    let kept: Kept = serde_json::from_slice(&std::fs::read(file).ok()?).ok()?;
    Services::restore(&kept.services).ok().filter(|_| kept.catalog == catalog)
}

fn print(terminal: Terminal, args: &ServicesArgs, services: &Services) -> Result<(), Failure> {
    if let Some(name) = &args.name {
        let unknown = || Failure::new(Exit::Usage, "the server has no service of this name; run webex-oauth services");
        return terminal.result(services.url(name).ok_or_else(unknown)?);
    }
    if args.json {
        let urls = services.iter().map(|(name, service)| (name.to_owned(), Value::from(service.url.as_str())));
        return terminal.json(&Value::Object(urls.collect::<Map<_, _>>()));
    }
    let width = services.iter().map(|(name, _)| name.chars().count()).max().unwrap_or_default();
    let line = |(name, service): (&str, &webex_oauth::Service)| format!("{:<width$}  {}", plain(name), service.url);
    terminal.result(&services.iter().map(line).collect::<Vec<_>>().join("\n"))
}
