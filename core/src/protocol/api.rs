//! What an API's answer means for the token it was called with.

use crate::access::Verdict;
use crate::config::Config;
use crate::protocol::retry_after::retry_after;
use crate::time::Timestamp;

/// Judges the answer of an API by its status and its `Retry-After`.
pub fn judge(config: &Config, status: u16, retry_after_header: Option<&str>, now: Timestamp) -> Verdict {
    match status {
        401 => Verdict::Rejected,
        423 | 429 => Verdict::Wait { wait: retry_after(retry_after_header, now, &config.parts().retry_after) },
        451 => Verdict::Embargoed,
        _ => Verdict::Pass,
    }
}
