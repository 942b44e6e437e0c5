//! The command: its last line is `N passed, M failed`.

use std::process::ExitCode;

use clap::Parser;
use webex_oauth_verifier::{Arguments, verify};

fn main() -> ExitCode {
    match verify(&Arguments::parse()) {
        Ok((passed, failed)) => {
            println!("{passed} passed, {failed} failed");
            if failed == 0 && passed > 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(problem) => {
            eprintln!("conformance: {problem}");
            println!("0 passed, 1 failed");
            ExitCode::FAILURE
        }
    }
}
