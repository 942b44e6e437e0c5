//! What a server, or whoever answers in its place, may publish as its metadata: the issuer in one line, then the document.
#![no_main]

#[allow(dead_code)]
#[path = "../../tests/machine/kit.rs"]
mod kit;

use libfuzzer_sys::fuzz_target;
use webex_oauth::{ConfigParts, HttpResponse, MetadataAnswer, MetadataStep, Provider, Session, metadata_step};

fuzz_target!(|data: &[u8]| {
    let end = data.iter().position(|byte| *byte == b'\n').unwrap_or(0);
    let (issuer, document) = data.split_at(end);
    let issuer = String::from_utf8_lossy(issuer);
    let document = document.strip_prefix(b"\n").unwrap_or(document);
    let found = Provider::from_metadata(document, &issuer);
    if let Ok(provider) = &found {
        assert_eq!(provider.issuer.as_deref(), Some(&*issuer), "a document of another issuer");
        assert_eq!(Provider::from_own_metadata(document).as_ref(), Ok(provider));
    }
    let response = HttpResponse { status: 200, headers: Vec::new(), body: document.to_vec() };
    if let Ok(MetadataStep::Fetch { url }) = metadata_step(&issuer, &[]) {
        assert!(url.starts_with("https://") || url.starts_with("http://"), "{url}");
        if let Ok(MetadataStep::Found { provider }) = metadata_step(&issuer, &[MetadataAnswer::Response(response)]) {
            assert_eq!(Ok(*provider), found);
        }
    }
    let Ok(provider) = found.or_else(|_| Provider::from_own_metadata(document)) else { return };
    let Ok(config) = ConfigParts::new(provider, "C").build() else { return };
    assert!(!config.may_carry_token("http://evil.example/"));
    let mut session = Session::new(config, kit::entropy(1));
    let _ = session.begin_device_login(kit::START, None);
    let _ = session.redeem_code(kit::START, "c", None);
    let _ = session.snapshot();
});
