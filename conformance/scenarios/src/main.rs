//! Puts drivers through scenarios. See the README.

mod driver;
mod harness;
mod raw;
mod report;
mod scenarios;
mod stage;
mod tls;

use std::process::ExitCode;

use driver::Driver;
use scenarios::Scenario;
use stage::Stage;

/// What the command line says.
#[derive(Default)]
struct Arguments {
    drivers: Vec<String>,
    only: Vec<String>,
    list: bool,
}

fn main() -> ExitCode {
    let Some(arguments) = arguments() else {
        eprintln!("usage: scenarios [--list] [--driver NAME]... [--only ID or BEGINNING*]...");
        return ExitCode::from(2);
    };
    let all = scenarios::all();
    let chosen: Vec<&Scenario> = all.iter().filter(|one| is_chosen(one, &arguments.only)).collect();
    if arguments.list {
        chosen.iter().for_each(|scenario| println!("{:<38} {}", scenario.id, scenario.about));
        return ExitCode::SUCCESS;
    }
    let drivers = driver::find(&arguments.drivers);
    if chosen.is_empty() || drivers.is_empty() {
        println!("0 passed, 1 failed");
        return ExitCode::FAILURE;
    }
    let columns = drivers.iter().map(|driver| column(driver, &chosen)).collect::<Vec<_>>();
    report::matrix(&chosen, &columns)
}

fn arguments() -> Option<Arguments> {
    let mut arguments = Arguments::default();
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        match word.as_str() {
            "--driver" => arguments.drivers.push(words.next()?),
            "--only" => arguments.only.push(words.next()?),
            "--list" => arguments.list = true,
            _ => return None,
        }
    }
    Some(arguments)
}

fn is_chosen(scenario: &Scenario, only: &[String]) -> bool {
    only.is_empty()
        || only.iter().any(|wanted| match wanted.strip_suffix('*') {
            Some(beginning) => scenario.id.starts_with(beginning),
            None => scenario.id == wanted,
        })
}

/// Everything one driver did, in the order of the scenarios.
fn column(driver: &Driver, chosen: &[&Scenario]) -> report::Column {
    println!("== {}", driver.name);
    if let Err(why) = driver.build() {
        println!("   {why}");
        return report::Column::not_run(driver, why);
    }
    let results = side_by_side(driver.lanes(), chosen, |scenario| {
        let result = Stage::run(driver, scenario);
        if let Err(stage::Trouble::Failed(why)) = &result {
            println!("   FAILED {} ({}): {why}", scenario.id, scenario.about);
        }
        result
    });
    report::Column::of(driver, results)
}

/// Scenarios wait more than they work: so many at a time.
fn side_by_side<T: Send>(lanes: usize, chosen: &[&Scenario], run: impl Fn(&Scenario) -> T + Sync) -> Vec<T> {
    let next = std::sync::atomic::AtomicUsize::new(0);
    let results: Vec<std::sync::Mutex<Option<T>>> = chosen.iter().map(|_| std::sync::Mutex::default()).collect();
    std::thread::scope(|scope| {
        for _ in 0..lanes {
            scope.spawn(|| {
                while let Some((scenario, slot)) = {
                    let at = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                    chosen.get(at).zip(results.get(at))
                } {
                    let result = run(scenario);
                    *slot.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(result);
                }
            });
        }
    });
    let slots = results.into_iter();
    slots.filter_map(|slot| slot.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner)).collect()
}
