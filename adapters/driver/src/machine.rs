//! What the core does not have and the machine has: a clock and a random generator.

use std::time::{SystemTime, UNIX_EPOCH};

use webex_oauth::{Entropy, Timestamp};

use crate::error::ClientError;

/// The wall clock's reading.
pub fn now() -> Timestamp {
    let millis = |duration: std::time::Duration| i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
    Timestamp::from_millis(match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(since) => millis(since),
        Err(before) => -millis(before.duration()),
    })
}

/// Bytes from the operating system's random generator, for one login or one session.
pub fn entropy() -> Result<Entropy, ClientError> {
    let mut bytes = [0; Entropy::LEN];
    let entropy = getrandom::fill(&mut bytes).ok().and_then(|()| Entropy::new(&bytes).ok());
    bytes.fill(0);
    entropy.ok_or(ClientError::Randomness)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_reads_this_century_and_entropy_is_there() {
        assert!(now() > Timestamp::from_secs(1_700_000_000));
        assert!(entropy().is_ok());
    }
}
