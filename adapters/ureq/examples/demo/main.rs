//! The whole authorization lifecycle against a simulated Webex, explained step by step.
//!
//! `make demo`, or `cargo run -p webex-oauth-ureq --example demo`. Ends with `demo: N steps ok`.

mod grants;
mod lifecycle;
mod stage;

use std::process::ExitCode;

use stage::Stage;

fn main() -> ExitCode {
    println!("A simulated Webex is started on this machine. No account, no network: what you see is the real client");
    println!("talking HTTP to it. Tokens are shown as fingerprints, because this library never prints one.\n");
    match play() {
        Ok(steps) => {
            println!("demo: {steps} steps ok");
            ExitCode::SUCCESS
        }
        Err(problem) => {
            println!("   FAILED: {problem}");
            println!("demo: failed");
            ExitCode::FAILURE
        }
    }
}

fn play() -> stage::Done<u32> {
    let mut stage = Stage::new()?;
    let client = grants::browser(&mut stage)?;
    grants::declined(&mut stage)?;
    lifecycle::call(&mut stage, &client)?;
    lifecycle::ahead_of_expiry(&mut stage, &client)?;
    lifecycle::replay(&mut stage, &client)?;
    lifecycle::two_threads(&mut stage, &client)?;
    lifecycle::rotation(&mut stage, &client)?;
    lifecycle::lost_answer(&mut stage, &client)?;
    lifecycle::slow_down(&mut stage, &client)?;
    lifecycle::foreign_host(&mut stage, &client)?;
    grants::user_token(&mut stage, &client)?;
    lifecycle::restart(&mut stage)?;
    grants::implicit(&mut stage)?;
    grants::device(&mut stage)?;
    grants::guest_jwt(&mut stage)?;
    grants::service_app(&mut stage)?;
    grants::refresh_token_alone(&mut stage)?;
    grants::host(&mut stage)?;
    lifecycle::sign_out(&mut stage, &client)?;
    Ok(stage.steps())
}
