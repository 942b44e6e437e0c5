//! What the core does not have and the machine has: clocks, a random generator, and a name.

use std::sync::OnceLock;
use std::time::{SystemTime, UNIX_EPOCH};

use sha2::{Digest as _, Sha256};
use webex_oauth::coordinator::Tick;
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

/// The reading of a clock that only goes forward, and goes on while the machine sleeps.
#[cfg(unix)]
pub fn tick() -> Tick {
    use nix::time::{ClockId, clock_gettime};
    #[cfg(any(target_os = "linux", target_os = "android"))]
    const CLOCK: ClockId = ClockId::CLOCK_BOOTTIME;
    // Where it is Apple's, it counts sleep.
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    const CLOCK: ClockId = ClockId::CLOCK_MONOTONIC;
    // These clocks are always there.
    let read = clock_gettime(CLOCK).map(std::time::Duration::from).unwrap_or_default();
    Tick::from_millis(u64::try_from(read.as_millis()).unwrap_or(u64::MAX))
}

/// The same. Where there is no such clock in nix, the one of std counts sleep.
#[cfg(not(unix))]
pub fn tick() -> Tick {
    static BEGINNING: OnceLock<std::time::Instant> = OnceLock::new();
    let since = BEGINNING.get_or_init(std::time::Instant::now).elapsed();
    Tick::from_millis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

/// A name for the lock of a file that all processes of this machine come to, and no other machine. Where the system does not
/// tell which machine it is, only this process comes to it: whoever holds the lock is waited for, and that nobody holds it
/// says nothing about what was sent.
pub(crate) fn lock_domain(file: &[u8]) -> String {
    match std::fs::read("/proc/sys/kernel/random/boot_id") {
        Ok(boot) if !boot.is_empty() => hash(&boot, file),
        Ok(_) | Err(_) => lock_domain_here(file),
    }
}

/// A name for a lock of this process.
pub(crate) fn lock_domain_here(place: &[u8]) -> String {
    static PROCESS: OnceLock<[u8; 16]> = OnceLock::new();
    let process = PROCESS.get_or_init(|| {
        let mut bytes = [0; 16];
        // Without randomness the number of the process has to do.
        if getrandom::fill(&mut bytes).is_err() {
            bytes[..4].copy_from_slice(&std::process::id().to_ne_bytes());
        }
        bytes
    });
    hash(process, place)
}

fn hash(machine: &[u8], place: &[u8]) -> String {
    let hash = Sha256::new().chain_update(machine).chain_update([0]).chain_update(place).finalize();
    hash.iter().take(12).map(|byte| format!("{byte:02x}")).collect()
}

/// Bytes from the operating system's random generator, for one login or one session.
///
/// # Errors
///
/// [`ClientError::Randomness`] where it does not work.
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

    #[test]
    fn the_other_clock_goes_forward_by_milliseconds() {
        let before = tick();
        std::thread::sleep(std::time::Duration::from_millis(20));
        let passed = tick().since(before).as_millis();
        assert!((19..2_000).contains(&passed), "{passed}");
    }

    #[test]
    fn a_lock_has_one_name_on_this_machine_and_another_one_elsewhere() {
        assert_eq!(lock_domain(b"/a"), lock_domain(b"/a"));
        assert_ne!(lock_domain(b"/a"), lock_domain(b"/b"));
        assert_ne!(lock_domain(b"/a"), hash(b"another machine", b"/a"));
        assert_eq!(lock_domain_here(b"/a"), lock_domain_here(b"/a"));
        assert_ne!(lock_domain_here(b"/a"), lock_domain(b"/a"));
    }
}
