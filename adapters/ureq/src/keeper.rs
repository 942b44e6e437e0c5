//! The thread that keeps a session going: it refreshes ahead of expiry and notices deadlines.

use std::sync::Arc;
use std::time::Duration;

use webex_oauth::Input;

use crate::shared::Shared;

/// A machine that slept does not notice: look at the clock this often at least.
const LONGEST: Duration = Duration::from_secs(30);
/// An instant that stays past although it was told is told again ever more seldom.
const SHORTEST: Duration = Duration::from_millis(10);

/// Runs until the client is closed.
pub(crate) fn keep(shared: &Arc<Shared>) {
    let mut in_vain = 0;
    loop {
        let mut inner = shared.lock();
        if inner.closed {
            return;
        }
        let now = shared.now();
        let wake_at = inner.desk.wake_at();
        let due = inner.desk.is_due(now);
        let soon = std::mem::take(&mut inner.refresh_soon);
        if !due && !soon {
            let left = wake_at.map_or(LONGEST, |at| Duration::from_millis(at.millis_since(now).unsigned_abs()));
            drop(shared.wait(inner, left.clamp(Duration::from_millis(1), LONGEST)));
            continue;
        }
        drop(inner);
        // Neither can be a mistake.
        let _ = shared.drive(if soon { Input::EnsureFresh } else { Input::Tick });
        let inner = shared.lock();
        if inner.desk.wake_at().is_some_and(|at| at <= now) && !inner.closed {
            drop(shared.wait(inner, SHORTEST * (1 << in_vain)));
            in_vain = (in_vain + 1).min(8);
        } else {
            in_vain = 0;
        }
    }
}
