//! The programs that a page shows are those that are compiled and put through the scenarios.

const PAGE: &str = include_str!("../../../docs/drivers.md");

#[test]
fn the_page_shows_the_executor_as_it_is_compiled() {
    for (name, text) in [
        ("blocking.rs", include_str!("../src/blocking.rs")),
        ("blocking/connection.rs", include_str!("../src/blocking/connection.rs")),
    ] {
        assert!(PAGE.contains(&format!("```rust,ignore\n{text}```\n")), "docs/drivers.md shows another {name}");
    }
}
