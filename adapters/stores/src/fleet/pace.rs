//! How fast a worker goes: a limit, which an answer 429 lowers.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// It is not slowed to less than this part of the limit.
const SLOWEST: f64 = 1.0 / 64.0;

pub(super) struct Pace {
    limit: f64,
    state: Mutex<State>,
}

struct State {
    per_second: f64,
    /// The next turn.
    next: Instant,
    /// No turn before this.
    paused_until: Instant,
}

impl Pace {
    pub(super) fn new(per_second: f64) -> Self {
        let limit = if per_second.is_finite() { per_second.clamp(0.001, 1e6) } else { 1e6 };
        let now = Instant::now();
        Self { limit, state: Mutex::new(State { per_second: limit, next: now, paused_until: now }) }
    }

    /// How many turns there are in this time, where nothing makes it slower.
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "neither negative nor beyond what an integer has"
    )]
    pub(super) fn turns_within(&self, time: Duration) -> usize {
        (self.limit * time.as_secs_f64()) as usize
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a turn. One that nobody waits for any longer is lost, and does no harm.
    pub(super) async fn turn(&self) {
        loop {
            let at = self.next_turn();
            sleep_until(at).await;
            // A pause may have begun meanwhile.
            if self.state().paused_until <= Instant::now() {
                return;
            }
        }
    }

    fn next_turn(&self) -> Instant {
        let mut state = self.state();
        let at = state.next.max(state.paused_until).max(Instant::now());
        state.next = at + Duration::from_secs_f64(1.0 / state.per_second);
        at
    }

    /// The server has asked for a pause.
    pub(super) fn too_fast(&self, pause: Duration) {
        let mut state = self.state();
        state.per_second = (state.per_second / 2.0).max(self.limit * SLOWEST);
        state.paused_until = state.paused_until.max(Instant::now() + pause);
    }

    /// It takes some fifty of them to be twice as fast again.
    pub(super) fn went_well(&self) {
        let mut state = self.state();
        state.per_second = (state.per_second * 1.015).min(self.limit);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_worker_takes_no_more_than_it_can_do() {
        let lease = Duration::from_secs(45);
        assert_eq!([0.001, 1.0, 100.0].map(|limit| Pace::new(limit).turns_within(lease / 4)), [0, 11, 1125]);
    }

    #[tokio::test(start_paused = true)]
    async fn turns_are_spaced() {
        let (pace, begun) = (Pace::new(10.0), Instant::now());
        for _ in 0..21 {
            pace.turn().await;
        }
        let passed = begun.elapsed().as_millis();
        assert!((2_000..=2_050).contains(&passed), "{passed}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_is_kept_by_all_and_what_follows_is_slower_until_it_goes_well() {
        let (pace, begun) = (Pace::new(10.0), Instant::now());
        pace.turn().await;
        pace.too_fast(Duration::from_secs(30));
        pace.turn().await;
        assert!(begun.elapsed() >= Duration::from_secs(30));
        pace.turn().await;
        pace.turn().await;
        assert!(begun.elapsed() >= Duration::from_millis(30_390), "half as fast");
        for _ in 0..100 {
            pace.went_well();
        }
        let again = Instant::now();
        pace.turn().await;
        pace.turn().await;
        pace.turn().await;
        assert!(again.elapsed() <= Duration::from_millis(410), "{:?}", again.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn who_already_waits_keeps_a_pause_too() {
        let pace = std::sync::Arc::new(Pace::new(1.0));
        pace.turn().await;
        let (waiting, begun) = (pace.clone(), Instant::now());
        let waiting = tokio::spawn(async move { waiting.turn().await });
        tokio::time::sleep(Duration::from_millis(10)).await;
        pace.too_fast(Duration::from_secs(9));
        waiting.await.unwrap();
        assert!(begun.elapsed() >= Duration::from_secs(9));
    }
}
