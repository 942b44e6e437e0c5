//! Encryption at rest.

use std::time::Instant;

use webex_oauth::sealed::{Keys, Owner, open, seal};

use crate::{Line, ROUNDS, median, micros, rows};

const TIMES: u32 = 20_000;

pub(crate) fn measure() -> Line {
    let figures = || -> Result<String, Box<dyn std::error::Error>> {
        let keys = Keys::read("2026-11:uwfbCQ1BTdJOgfP6C8F4AHzmHRXBbEFUWCzcmHIl0xs=")?;
        let owner = Owner { tenant: "acme", user: "zoe@example.com" };
        let (snapshot, _) = rows::snapshot(&rows::config()?)?;
        let (mut seals, mut opens) = (Vec::new(), Vec::new());
        let mut record = seal(&keys, owner, &snapshot, [7; 12])?;
        for _ in 0..ROUNDS {
            let begun = Instant::now();
            for _ in 0..TIMES {
                record = std::hint::black_box(seal(&keys, owner, &snapshot, [7; 12])?);
            }
            seals.push(begun.elapsed() / TIMES);
            let begun = Instant::now();
            for _ in 0..TIMES {
                std::hint::black_box(open(&keys, owner, record.expose())?);
            }
            opens.push(begun.elapsed() / TIMES);
        }
        let (plain, sealed) = (snapshot.expose().len(), record.expose().len());
        let (seals, opens) = (micros(median(seals)), micros(median(opens)));
        Ok(format!("{seals:.1} us, opened {opens:.1} us; {plain} -> {sealed} bytes"))
    };
    let figures = figures().unwrap_or_else(|error| error.to_string());
    Line { what: "sealing a session", figures, goal: "<= 5 us a save" }
}
