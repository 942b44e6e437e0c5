//! The README's examples are run, and what it promises is what the command says.

use crate::kit::{BINARY, World};

const README: &str = include_str!("../../README.md");
const GUIDE: &str = include_str!("../../../../docs/guide.md");

/// The commands of every `console` block, in order; a line that ends in a backslash goes on.
fn commands(text: &str) -> Vec<String> {
    let mut commands: Vec<String> = Vec::new();
    let (mut inside, mut goes_on) = (false, false);
    for line in text.lines() {
        match line {
            "```console" => inside = true,
            "```" => inside = false,
            _ if inside && goes_on => commands.last_mut().unwrap().push_str(&format!("\n{line}")),
            _ if inside && line.starts_with("$ ") => commands.push(line[2..].to_owned()),
            _ => {}
        }
        goes_on = inside && line.ends_with('\\');
    }
    commands
}

#[test]
fn every_example_runs() {
    let mut world = World::with(webex_oauth_simulator::Options {
        auto_decision: Some(webex_oauth_simulator::Decision::Accept),
        device_interval_ms: 1000,
        ..Default::default()
    });
    world.set("WEBEX_GUEST_ISSUER_SECRET", webex_oauth_simulator::GUEST_ISSUER_SECRET);
    // The browser follows redirects, and the server accepts.
    let browser = world.write("browser", "#!/bin/sh\nexec curl -sSL -o /dev/null \"$1\"\n");
    std::fs::set_permissions(&browser, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    world.set("BROWSER", &browser.display().to_string());
    world.set("API", &format!("{}/v1", world.simulator.base_url()));
    let folder = std::path::Path::new(BINARY).parent().unwrap().display().to_string();
    world.set("PATH", &format!("{folder}:/usr/bin:/bin"));
    // scripts/stages/56-stores has a server, which serves as well.
    let database = std::env::var("WEBEX_OAUTH_POSTGRES").unwrap_or_else(|_| "sqlite:service.db".to_owned());
    world.set("DATABASE_URL", &database);
    let (mut commands, mut guide) = (commands(README), commands(GUIDE));
    assert!(commands.len() >= 15 && guide.len() >= 7, "{commands:?} {guide:?}");
    // What is for databases is there with that feature only.
    guide.retain(|command| cfg!(feature = "fleet") || !command.contains("--store"));
    commands.extend(guide);
    for command in commands {
        // The real server is not called by tests.
        let command = command.replace("https://webexapis.com/v1", "$API");
        let mut shell = world.program("/bin/sh");
        shell.args(["-c", &command]).current_dir(world.home.path());
        let output = shell.output().unwrap();
        assert!(output.status.success(), "{command}\n{}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn the_exit_statuses_are_those_of_the_help() {
    let help = World::new().run(&["--help"]);
    let statuses = help.done().lines().skip_while(|line| *line != "Exit status:").skip(1);
    for line in statuses {
        let (number, meaning) = line.trim().split_once(' ').unwrap();
        let row = README.lines().find(|line| line.starts_with(&format!("| {number} |")));
        assert!(row.is_some_and(|row| row.contains(meaning.trim())), "{line:?} is not in the README");
    }
}
