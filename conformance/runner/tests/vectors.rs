//! The Rust column as a test: what the table of the core forgets, a vector notices.

use std::path::Path;

use webex_oauth_verifier::{Arguments, verify};

#[test]
fn every_vector_passes() {
    let suite = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let registry = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_rust-runner"), registry.path().join("rust")).unwrap();
    let arguments = Arguments {
        vectors: suite.join("vectors"),
        bindings: Vec::new(),
        registry: registry.path().to_owned(),
        canaries: suite.join("canary"),
        ci: Some("true".to_owned()),
    };
    let (passed, failed) = verify(&arguments).unwrap();
    assert!(passed > 0);
    assert_eq!(failed, 0);
}
