//! How long it takes. `scripts/bench` turns the estimates into a table.

use std::hint::black_box;
use std::time::Duration;

use criterion::Criterion;
use webex_oauth_benches::{NOW, config, floor, lifecycle, peer, peer_lifecycle, restore};

fn main() {
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
        .configure_from_args();
    let (config, peer) = (config(), peer());
    let session = lifecycle(&config);
    let snapshot = session.snapshot();
    criterion.bench_function("lifecycle", |bencher| bencher.iter(|| lifecycle(black_box(&config))));
    criterion.bench_function("lifecycle-oauth2", |bencher| bencher.iter(|| peer_lifecycle(black_box(&peer), false)));
    criterion
        .bench_function("lifecycle-oauth2-stores", |bencher| bencher.iter(|| peer_lifecycle(black_box(&peer), true)));
    criterion.bench_function("lifecycle-floor", |bencher| bencher.iter(floor));
    criterion.bench_function("access", |bencher| bencher.iter(|| black_box(&session).access(black_box(NOW))));
    criterion.bench_function("restore", |bencher| bencher.iter(|| restore(&config, black_box(snapshot.expose()))));
    criterion.final_summary();
}
