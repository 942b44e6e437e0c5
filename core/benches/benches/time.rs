//! How long it takes. `scripts/bench` turns the estimates into a table.

use std::hint::black_box;
use std::time::Duration;

use criterion::Criterion;
use webex_oauth_benches::{NOW, ROUNDS, config, floor, lifecycle, peer, peer_lifecycle, restore};

fn main() {
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_millis(100))
        .measurement_time(Duration::from_millis(400))
        .configure_from_args();
    let (config, peer) = (config(), peer());
    let session = lifecycle(&config);
    let snapshot = session.snapshot();
    for round in 1..=ROUNDS {
        let mut round = criterion.benchmark_group(format!("round-{round}"));
        round.bench_function("lifecycle", |bencher| bencher.iter(|| lifecycle(black_box(&config))));
        round.bench_function("lifecycle-oauth2", |bencher| bencher.iter(|| peer_lifecycle(black_box(&peer), false)));
        round.bench_function("lifecycle-oauth2-stores", |bencher| {
            bencher.iter(|| peer_lifecycle(black_box(&peer), true));
        });
        round.bench_function("lifecycle-floor", |bencher| bencher.iter(floor));
        round.bench_function("access", |bencher| bencher.iter(|| black_box(&session).access(black_box(NOW))));
        round.bench_function("restore", |bencher| bencher.iter(|| restore(&config, black_box(snapshot.expose()))));
        round.finish();
    }
    criterion.final_summary();
}
