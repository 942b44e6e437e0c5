//! `make bench-stores`: what a store costs beside the bare database, in one run; medians of five.
//!
//! It needs an empty PostgreSQL (`scripts/databases` starts one). `ROWS` are in the table all the while, `DUE` of them are renewed.
//! `WEBEX_OAUTH_COMMAND` is the program whose `fleet` is measured as a process of its own.

mod claims;
mod fleet;
mod memory;
mod reads;
mod rows;
mod sealing;
mod worker;

use std::time::Duration;

use rows::Table;

/// Measured so often.
const ROUNDS: usize = 5;

/// One line of the table.
struct Line {
    what: &'static str,
    figures: String,
    goal: &'static str,
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

fn setting(name: &str, usual: u32) -> u32 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

/// So many times as fast as the bare database.
fn ratio(bare: Duration, ours: Duration) -> String {
    format!("{:.0} us, bare {:.0} us: {:.2}", micros(ours), micros(bare), bare.as_secs_f64() / ours.as_secs_f64())
}

#[tokio::main(worker_threads = 2)]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (rows, due) = (setting("ROWS", 1_000_000), setting("DUE", 20_000));
    let mut lines = vec![sealing::measure(), memory::measure().await?];
    let url = std::env::var("WEBEX_OAUTH_POSTGRES")?;
    let table = Table::fill(&url, rows).await?;
    lines.extend(reads::measure(&table).await?);
    lines.push(claims::measure(&table).await?);
    lines.extend(fleet::measure(&table, due.min(rows)).await?);
    if let Some(command) = std::env::var_os("WEBEX_OAUTH_COMMAND") {
        lines.push(worker::measure(&table, due.min(rows), command.as_ref(), &url).await?);
    }
    println!("PostgreSQL, {rows} rows, medians of {ROUNDS}\n");
    for Line { what, figures, goal } in lines {
        println!("{what:<44} {figures:<58} goal {goal}");
    }
    Ok(())
}
