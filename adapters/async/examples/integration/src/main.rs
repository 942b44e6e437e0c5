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
    asked_to_stop().await;
    app.stop().await;
    Ok(())
}

/// Ctrl-C, or what a supervisor sends.
#[cfg(unix)]
async fn asked_to_stop() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else {
        // Without signals there is nothing to wait for but the end.
        return std::future::pending().await;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
}

#[cfg(not(unix))]
async fn asked_to_stop() {
    // Without Ctrl-C there is nothing to wait for but the end.
    let _ = tokio::signal::ctrl_c().await;
}
