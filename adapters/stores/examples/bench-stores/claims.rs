//! Taking what is due out of a large table.

use std::error::Error;
use std::time::Instant;

use webex_oauth_driver::now;
use webex_oauth_stores::{AsyncRecords as _, Claim};

use crate::rows::Table;
use crate::{Line, ROUNDS, median, micros};

const MOST: u32 = 100;

pub(crate) async fn measure(table: &Table) -> Result<Line, Box<dyn Error>> {
    table.make_due(MOST * 10).await?;
    let mut times = Vec::new();
    for _ in 0..ROUNDS {
        let client = table.config.client_tag();
        let claim = Claim { client, now: now(), until: now().plus_millis(3_600_000), most: MOST };
        let begun = Instant::now();
        let claimed = table.store.claim_due(claim).await?;
        times.push(begun.elapsed());
        assert_eq!(claimed.len(), usize::try_from(MOST)?);
    }
    let explain = format!(
        "EXPLAIN SELECT tenant, user_key FROM webex_oauth_session
         WHERE client = '{}' AND due_at <= now() AND deleted_at IS NULL
         ORDER BY due_at LIMIT 100 FOR UPDATE SKIP LOCKED",
        table.config.client_tag()
    );
    let plan = table.bare.query(&explain, &[]).await?;
    let plan: Vec<String> = plan.iter().map(|row| row.get(0)).collect();
    let index = plan.iter().find(|line| line.contains("Index Scan")).ok_or("the index is not used")?;
    let index = index.split(" on ").next().unwrap_or_default().trim_start_matches([' ', '-', '>']);
    let figures = format!("{:.2} ms; {index}", micros(median(times)) / 1000.0);
    Ok(Line { what: "claim of 100", figures, goal: "<= 5 ms, by the index" })
}
