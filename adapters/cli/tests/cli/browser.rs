//! What the browser gets to see, and what is said where there is none.

use crate::kit::World;

/// A browser that ends with an error shows nothing.
#[test]
fn a_browser_that_fails_is_none() {
    let mut world = World::new();
    world.set("BROWSER", "/bin/false");
    let mut login = world.start(&["login"]);
    login.line_with("No browser can be opened here");
    let url = login.url();
    world.accept(&url);
    assert_eq!(login.end().code, 0);
    let ran = world.run(&["logout", "--browser"]);
    assert!(ran.code == 0 && ran.err.contains("sign out in your browser yourself"), "{ran:?}");
    // The next one of several is asked; one that goes on running shows the page.
    let visited = world.path("visited");
    world.write("browser", &format!("printf %s \"$1\" > {}; sleep 2\n", visited.display()));
    world.set("BROWSER", &format!("/bin/false:/bin/sh {} %s", world.path("browser").display()));
    let mut login = world.start(&["login"]);
    login.line_with("The browser is open");
    world.accept(&std::fs::read_to_string(&visited).unwrap());
    assert_eq!(login.end().code, 0);
}

/// Arguments of programs are there for every user of the machine to see.
#[test]
fn no_token_is_among_the_arguments_of_the_browser() {
    let mut world = World::new();
    world.sign_in();
    let visited = world.path("visited");
    let script = format!(
        "printf %s \"$1\" > {}; exec curl -sS -D {}.head -o /dev/null \"$1\"\n",
        visited.display(),
        visited.display()
    );
    world.write("browser", &script);
    world.set("BROWSER", &format!("/bin/sh {}", world.path("browser").display()));
    let ran = world.run(&["logout", "--browser", "--keep-tokens"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let shown = std::fs::read_to_string(&visited).unwrap();
    assert!(shown.starts_with("http://127.0.0.1:") && !shown.contains("token"), "{shown}");
    let base = world.simulator.base_url().to_owned();
    crate::kit::eventually("the browser was led on", || {
        std::fs::read_to_string(world.path("visited.head"))
            .is_ok_and(|head| head.contains(&format!("Location: {base}")))
    });
}

/// What a browser starts is nobody's to know, nor what that starts.
#[test]
fn no_setting_is_in_the_environment_of_the_browser() {
    let mut world = World::new();
    let seen = world.path("seen");
    world.write("browser", &format!("env > {}\n", seen.display()));
    world.set("BROWSER", &format!("/bin/sh {}", world.path("browser").display()));
    for name in ["WEBEX_GUEST_ISSUER_SECRET", "WEBEX_ACCESS_TOKEN", "COMMON_IDENTITY_CLIENT_SECRET", "CLIENT_SECRET"] {
        world.set(name, "S3CRET");
    }
    let mut login = world.start(&["login"]);
    let url = login.url();
    world.accept(&url);
    assert_eq!(login.end().code, 0);
    let seen = std::fs::read_to_string(seen).unwrap();
    assert!(seen.contains("HOME=") && seen.contains("TERM=xterm"), "{seen}");
    for word in ["S3CRET", webex_oauth_simulator::CLIENT_SECRET, "WEBEX_"] {
        assert!(!seen.contains(word), "{seen}");
    }
}

/// Who sees nothing for half a minute thinks that nothing goes on.
#[test]
fn a_logout_says_at_once_that_it_waits_for_the_browser() {
    let mut world = World::new();
    world.sign_in();
    world.set("BROWSER", "/bin/true");
    let mut logout = world.start(&["logout", "--browser"]);
    logout.line_with("waiting for it");
    assert!(!logout.has_ended());
    logout.signal("KILL");
    logout.end();
}
