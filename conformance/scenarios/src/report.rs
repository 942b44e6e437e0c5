//! The matrix, and the sum.

use std::process::ExitCode;

use crate::driver::Driver;
use crate::scenarios::Scenario;
use crate::stage::Trouble;

pub(crate) struct Column {
    name: String,
    not_run: Option<String>,
    results: Vec<Result<(), Trouble>>,
}

impl Column {
    pub(crate) fn of(driver: &Driver, results: Vec<Result<(), Trouble>>) -> Self {
        Self { name: driver.name.clone(), not_run: None, results }
    }

    pub(crate) fn not_run(driver: &Driver, why: String) -> Self {
        Self { name: driver.name.clone(), not_run: Some(why), results: Vec::new() }
    }

    fn cell(&self, at: impl Iterator<Item = usize>) -> String {
        let (mut passed, mut failed, mut lacking) = (0, 0, 0);
        for result in at.filter_map(|index| self.results.get(index)) {
            match result {
                Ok(()) => passed += 1,
                Err(Trouble::Unsupported(_)) => lacking += 1,
                Err(Trouble::Failed(_)) => failed += 1,
            }
        }
        match (failed, lacking) {
            _ if self.not_run.is_some() => "-".to_owned(),
            (0, 0) => format!("{passed}"),
            (0, lacking) => format!("{passed} +{lacking} n/a"),
            (failed, _) => format!("{passed} ({failed} failed)"),
        }
    }
}

fn group(scenario: &Scenario) -> &str {
    scenario.id.split('-').next().unwrap_or_default()
}

/// Prints everything; succeeds where nothing failed.
pub(crate) fn matrix(chosen: &[&Scenario], columns: &[Column]) -> ExitCode {
    let mut groups: Vec<&str> = chosen.iter().map(|scenario| group(scenario)).collect();
    groups.dedup();
    print!("\n{:<14}", "");
    columns.iter().for_each(|column| print!(" {:>16}", column.name));
    println!();
    for name in groups {
        let within = || chosen.iter().enumerate().filter(|(_, one)| group(one) == name).map(|(index, _)| index);
        print!("{:<14}", format!("{name} ({})", within().count()));
        columns.iter().for_each(|column| print!(" {:>16}", column.cell(within())));
        println!();
    }
    println!();
    let (mut passed, mut failed) = (0, 0);
    let in_ci = std::env::var_os("CI").is_some();
    for column in columns {
        if let Some(why) = &column.not_run {
            println!("{}: {why}", column.name);
            failed += usize::from(in_ci || !why.starts_with("not run"));
        }
        for (scenario, result) in chosen.iter().zip(&column.results) {
            match result {
                Ok(()) => passed += 1,
                Err(Trouble::Failed(_)) => failed += 1,
                Err(Trouble::Unsupported(command)) => {
                    println!("{}: {} n/a, there is no `{command}`", column.name, scenario.id);
                }
            }
        }
    }
    println!("\n{passed} passed, {failed} failed");
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
