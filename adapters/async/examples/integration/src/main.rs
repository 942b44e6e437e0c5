//! `make integration`.

use std::process::ExitCode;

use webex_oauth_integration::{App, Problem, Settings};

#[tokio::main]
async fn main() -> ExitCode {
    match serve().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("{problem}");
            ExitCode::FAILURE
        }
    }
}

async fn serve() -> Result<(), Problem> {
    let app = App::start(Settings::from_env()?).await?;
    for line in app.welcome() {
        println!("{line}");
    }
    // Without Ctrl-C there is nothing to wait for but the end.
    let _ = tokio::signal::ctrl_c().await;
    app.stop().await;
    Ok(())
}
