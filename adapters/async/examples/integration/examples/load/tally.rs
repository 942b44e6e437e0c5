//! Counts what was seen, prints figures, and says whether all is well.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use webex_oauth_simulator::Counters;

use crate::person::{After, Seen};

#[derive(Default)]
pub(crate) struct Tally {
    right: AtomicU64,
    trouble: AtomicU64,
    wrong: AtomicU64,
    signed_out: AtomicU64,
    nothing: AtomicU64,
    /// Microseconds of the visits that went well.
    times: Mutex<Vec<u32>>,
}

impl Tally {
    pub(crate) fn count(&self, seen: Seen, took: Duration) {
        let counter = match seen {
            Seen::Right => &self.right,
            Seen::Trouble => &self.trouble,
            Seen::Wrong => &self.wrong,
            Seen::SignedOut => &self.signed_out,
            Seen::Nothing => &self.nothing,
        };
        counter.fetch_add(1, Ordering::Relaxed);
        if seen == Seen::Right {
            self.times.lock().unwrap().push(u32::try_from(took.as_micros()).unwrap_or(u32::MAX));
        }
    }

    pub(crate) fn print(&self, took: Duration, counters: &Counters, faults: u64, memory: &[u64]) {
        let (right, trouble) = (self.right.load(Ordering::Relaxed), self.trouble.load(Ordering::Relaxed));
        let nothing = self.nothing.load(Ordering::Relaxed);
        let all = right + trouble + nothing;
        println!("{all} visits in {:.0} s, {:.0} a second", took.as_secs_f32(), all as f32 / took.as_secs_f32());
        println!("{right} saw themselves, {trouble} saw a page about trouble at Webex, {nothing} had no answer");
        println!("{} showed somebody else or nobody", self.wrong.load(Ordering::Relaxed));
        println!("{} found the person signed out", self.signed_out.load(Ordering::Relaxed));
        let reused = counters.reuse_detected;
        println!("{faults} faults, {} refreshes, {reused} tokens used twice", counters.refreshes_succeeded);
        let mut times = self.times.lock().unwrap();
        times.sort_unstable();
        let at = |percent: usize| {
            let index = (times.len() * percent / 100).min(times.len().saturating_sub(1));
            times.get(index).copied().unwrap_or(0) as f32 / 1000.0
        };
        println!("visits took {:.1} ms (half), {:.1} ms (95 %), {:.1} ms (99 %)", at(50), at(95), at(99));
        if !memory.is_empty() {
            let [first, middle, end] = thirds(memory).map(|kib| kib >> 10);
            println!("memory in each third of the time: {first}, {middle}, {end} MiB");
        }
    }

    /// What is wrong: nobody saw somebody else, nobody was lost, and memory is flat. Of a cluster nodes are killed, with the
    /// answers that they were about to give.
    pub(crate) fn verdict(&self, after: &After, users: usize, memory: &[u64], is_cluster: bool) -> Vec<String> {
        let mut problems = Vec::new();
        let mut check = |fine: bool, problem: String| {
            if !fine {
                problems.push(problem);
            }
        };
        let (wrong, signed_out) = (self.wrong.load(Ordering::Relaxed), self.signed_out.load(Ordering::Relaxed));
        let (right, nothing) = (self.right.load(Ordering::Relaxed), self.nothing.load(Ordering::Relaxed));
        check(right > 0, "nobody saw anything".to_owned());
        check(wrong == 0, format!("{wrong} visits showed somebody else or nobody"));
        check(signed_out == 0, format!("{signed_out} visits found the person signed out"));
        let allowed = if is_cluster { right / 50 } else { 0 };
        check(nothing <= allowed, format!("{nothing} visits had no answer"));
        check(after.right == users, format!("afterwards: {:?}", after.others));
        // The first third warms caches and connections up.
        let [_, middle, end] = thirds(memory);
        check(end <= middle + middle / 5 + 8192, format!("memory grew from {} to {} MiB", middle >> 10, end >> 10));
        problems
    }
}

/// What was usual in each third of the time, in KiB.
fn thirds(memory: &[u64]) -> [u64; 3] {
    let third = memory.len() / 3;
    [0, 1, 2].map(|number| median(memory.get(number * third..(number + 1) * third).unwrap_or_default()))
}

fn median(numbers: &[u64]) -> u64 {
    let mut sorted = numbers.to_vec();
    sorted.sort_unstable();
    sorted.get(sorted.len() / 2).copied().unwrap_or(0)
}
