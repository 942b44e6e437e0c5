//! Faults of bodies and of the wire, as bytes.

mod common;

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use common::*;
use serde_json::json;
use webex_oauth_simulator::*;

/// Everything that comes back to a call with this token, and how long it took.
fn raw(sim: &Simulator, path: &str, token: &str) -> (Vec<u8>, Duration) {
    let begun = Instant::now();
    let mut stream = TcpStream::connect(sim.base_url().trim_start_matches("http://")).unwrap();
    let head = format!("GET {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\nconnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes);
    (bytes, begun.elapsed())
}

fn after(sim: &Simulator, fault: FaultKind) -> String {
    let tokens = sim.issue(CLIENT_ID, "spark:all").unwrap();
    sim.fault(Fault::new(fault).at(Endpoint::PeopleMe));
    String::from_utf8_lossy(&raw(sim, "/v1/people/me", &tokens.access_token).0).into_owned()
}

#[test]
fn one_member_is_any_bytes_added_replaced_or_there_twice() {
    let sim = start(Options::default());
    let tokens = sign_in(&sim);
    let member = |raw: Raw, beside| {
        sim.fault(Fault::new(FaultKind::Member { name: "expires_in".into(), raw, beside }));
        let got = agent().post(sim.url("/v1/access_token")).send_form([
            ("grant_type", "refresh_token"),
            ("refresh_token", text(&tokens, "refresh_token")),
            ("client_id", CLIENT_ID),
            ("client_secret", CLIENT_SECRET),
        ]);
        got.unwrap().body_mut().read_to_vec().unwrap()
    };
    let odd = member("1e400".into(), false);
    assert!(odd.starts_with(b"{\"access_token\":") && odd.ends_with(b",\"expires_in\":1e400}"));
    assert!(member(Raw(b"\"\xff\"".to_vec()), false).ends_with(b",\"expires_in\":\"\xff\"}"));
    let twice = String::from_utf8(member("-1".into(), true)).unwrap();
    assert!(twice.contains("\"expires_in\":1209599,") && twice.ends_with(",\"expires_in\":-1}"), "{twice}");
    assert_eq!(sim.counters().refreshes_succeeded, 3);
    sim.fault(Fault::new(FaultKind::Member { name: "issuer".into(), raw: "[]".into(), beside: false }));
    assert_eq!(get(&sim.url("/.well-known/oauth-authorization-server")).json()["issuer"], json!([]));
}

#[test]
fn a_body_is_marked_replaced_or_written_as_a_form() {
    let sim = start(Options::default());
    let tokens = sign_in(&sim);
    let body = |kind| {
        sim.fault(Fault::new(kind));
        refresh(&sim, text(&tokens, "refresh_token")).text
    };
    assert!(body(FaultKind::Bom).starts_with("\u{feff}{\"access_token\""));
    assert_eq!(body(FaultKind::Body { raw: "{".into() }), "{");
    let form = format!("http://x/?{}", body(FaultKind::FormEncoded));
    assert_eq!(param(&form, "expires_in"), "1209599");
    assert_eq!(param(&form, "scope"), "spark:all spark:kms");
    assert_eq!(sim.counters().refreshes_succeeded, 3);
}

#[test]
fn an_answer_ends_within_its_head_or_within_its_body() {
    let sim = start(Options::default());
    assert_eq!(after(&sim, FaultKind::CutHead { bytes: 0 }), "");
    assert_eq!(after(&sim, FaultKind::CutHead { bytes: 17 }), "HTTP/1.1 200 OK\r\n");
    let whole = after(&sim, FaultKind::CutHead { bytes: 1_000 });
    assert!(whole.ends_with("\r\n\r\n"), "{whole}");
    let half = after(&sim, FaultKind::CutBody { bytes: 7 });
    let (head, body) = half.split_once("\r\n\r\n").unwrap();
    assert_eq!(body.len(), 7);
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
    assert!(length.parse::<usize>().unwrap() > 7);
}

#[test]
fn informational_answers_come_first() {
    let sim = start(Options::default());
    let seen = after(&sim, FaultKind::Interim { statuses: vec![103, 100] });
    let statuses: Vec<_> = seen.lines().filter(|line| line.starts_with("HTTP/1.1")).collect();
    assert_eq!(statuses, ["HTTP/1.1 103 Early Hints", "HTTP/1.1 100 Continue", "HTTP/1.1 200 OK"]);
    assert!(seen.contains("Ada"));
}

#[test]
fn an_answer_drips_in_the_part_that_was_named() {
    let sim = start(Options::default());
    let tokens = sim.issue(CLIENT_ID, "spark:all").unwrap();
    let (usual, _) = raw(&sim, "/v1/people/me", &tokens.access_token);
    let head = usual.windows(4).position(|end| end == b"\r\n\r\n").unwrap() + 4;
    for (part, pieces) in
        [(Part::Head, head / 50), (Part::Body, (usual.len() - head) / 50), (Part::Whole, usual.len() / 50)]
    {
        sim.fault(Fault::new(FaultKind::Drip { bytes: 50, every_ms: 20, part }));
        let (dripped, took) = raw(&sim, "/v1/people/me", &tokens.access_token);
        assert_eq!(dripped.len(), usual.len());
        let least = Duration::from_millis(20) * u32::try_from(pieces.saturating_sub(1)).unwrap();
        assert!(pieces > 2 && took >= least, "{part:?}: {took:?} for {pieces} pieces");
    }
}

#[test]
fn a_connection_goes_on_as_usual_after_a_fault_of_one_answer() {
    let sim = start(Options::default());
    let tokens = sim.issue(CLIENT_ID, "spark:all").unwrap();
    sim.fault(Fault::new(FaultKind::Interim { statuses: vec![100] }));
    let mut stream = TcpStream::connect(sim.base_url().trim_start_matches("http://")).unwrap();
    for closing in ["keep-alive", "close"] {
        let token = &tokens.access_token;
        let head = format!(
            "GET /v1/echo HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\nconnection: {closing}\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).unwrap();
    }
    let mut seen = String::new();
    stream.read_to_string(&mut seen).unwrap();
    assert_eq!(seen.matches("HTTP/1.1 100 ").count(), 1, "{seen}");
    assert_eq!(seen.matches("HTTP/1.1 200 ").count(), 2, "{seen}");
}

#[test]
fn the_faults_are_written_in_json() {
    let sim = start(Options::default());
    let all = json!([
        {"fault": "member", "name": "scope", "raw": {"hex": "22ff22"}, "skip": 0, "times": 1},
        {"fault": "body", "raw": "x", "endpoint": "metadata", "skip": 0, "times": 1},
        {"fault": "cut_head", "bytes": 5, "skip": 0, "times": 1},
        {"fault": "cut_body", "bytes": 5, "skip": 0, "times": 1},
        {"fault": "drip", "bytes": 1, "every_ms": 100, "part": "head", "skip": 0, "times": null},
        {"fault": "interim", "statuses": [103], "skip": 0, "times": 1},
        {"fault": "bom", "skip": 0, "times": 1},
        {"fault": "form_encoded", "skip": 0, "times": 1},
    ]);
    let mut listed = control(&sim, "/_sim/faults", all.clone()).json()["faults"].clone();
    assert_eq!(listed[0].as_object_mut().unwrap().remove("beside"), Some(json!(false)));
    assert_eq!(listed, all);
    for wrong in [json!({"fault": "member", "name": "x", "raw": {"hex": "f"}}), json!({"fault": "drip", "bytes": 1})] {
        assert_eq!(control(&sim, "/_sim/faults", wrong).status, 400);
    }
}
