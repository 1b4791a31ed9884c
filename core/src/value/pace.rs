//! A minimum rate for bytes from or to a peer: a bound on time that a peer cannot extend by moving a byte now and then. Pure: time
//! is an argument.

use std::time::Duration;

use tokio::time::Instant;

/// The minimum rate at which bytes have to move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeastRate {
    /// Bytes per second, on average. 0: no rate is required, and any byte within `window` is enough.
    pub bytes_per_second: u64,
    /// How long a peer may move nothing. However fast it was before, it may not pause for longer than this.
    pub window: Duration,
}

impl LeastRate {
    /// The default in bytes per second. A slow mobile network is faster; a deliberate drip is not.
    pub const USUAL: u64 = 500;
}

/// Checks that a peer keeps to a [`LeastRate`]. Only the time counts during which this side waits for the peer.
///
/// The peer has a credit of time, which starts at `window`. Waiting reduces it. Each byte adds the time that it may take at the
/// rate, up to `window`. When the credit is used up, the peer is too slow.
///
/// So a peer that keeps to the rate on average is never cut off, and nothing that happened before counts for more than one window.
#[derive(Clone, Debug)]
pub struct Pace {
    rate: LeastRate,
    credit: Duration,
    waiting_since: Option<Instant>,
}

/// A time that no timer reaches, for a window that is longer than the clock.
const NEVER: Duration = Duration::from_secs(30 * 365 * 24 * 3600);

impl Pace {
    /// The start: nothing has moved yet, and this side does not wait.
    #[must_use]
    pub fn new(rate: LeastRate) -> Self {
        Self {
            rate,
            credit: rate.window,
            waiting_since: None,
        }
    }

    /// The minimum rate.
    #[must_use]
    pub fn rate(&self) -> LeastRate {
        self.rate
    }

    /// Starts to wait for the peer, or continues. Returns the time at which the peer is too slow, unless bytes move before.
    pub fn wait(&mut self, now: Instant) -> Instant {
        let since = *self.waiting_since.get_or_insert(now);
        since.checked_add(self.credit).unwrap_or_else(|| now + NEVER)
    }

    /// Ends the wait, because this number of bytes has moved.
    pub fn moved(&mut self, bytes: u64, now: Instant) {
        if let Some(since) = self.waiting_since.take() {
            self.credit = self.credit.saturating_sub(now.saturating_duration_since(since));
        }
        let gained = match bytes {
            0 => Duration::ZERO,
            _ => self.time_for(bytes),
        };
        self.credit = self.credit.saturating_add(gained).min(self.rate.window);
    }

    /// How long this number of bytes may take.
    fn time_for(&self, bytes: u64) -> Duration {
        const NANOS: u128 = 1_000_000_000;
        let nanos = (u128::from(bytes) * NANOS).checked_div(u128::from(self.rate.bytes_per_second));
        let nanos = nanos.and_then(|nanos| u64::try_from(nanos).ok());
        nanos.map_or(self.rate.window, Duration::from_nanos)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const RATE: LeastRate = LeastRate {
        bytes_per_second: 500,
        window: Duration::from_secs(30),
    };

    /// Repeats these steps, each a pause and then some bytes, for an hour at most. Returns the seconds after which the peer was
    /// too slow.
    fn end_of(rate: LeastRate, steps: &[(f64, u64)]) -> Option<f64> {
        let (began, mut pace) = (Instant::now(), Pace::new(rate));
        let mut now = began;
        for (pause, bytes) in steps.iter().cycle().copied() {
            if now - began > Duration::from_secs(3600) {
                return None;
            }
            let (end, next) = (pace.wait(now), now + Duration::from_secs_f64(pause));
            if end <= next {
                return Some((end - began).as_secs_f64());
            }
            now = next;
            pace.moved(bytes, now);
        }
        None
    }

    #[test]
    fn a_slow_and_steady_peer_passes() {
        for (what, steps) in [
            ("a byte of many, all the time", &[(0.001, 1)][..]),
            ("1 KiB a second", &[(1.0, 1024)]),
            (
                "2 KiB a second for ten seconds, and a pause of twenty",
                &[(1.0, 2048); 10],
            ),
            ("a packet every other second", &[(2.0, 1460)]),
            ("16 KiB every 29 seconds", &[(29.0, 16 * 1024)]),
        ] {
            let mut steps = steps.to_vec();
            if what.contains("a pause of twenty") {
                steps.push((20.0, 2048));
            }
            assert_eq!(end_of(RATE, &steps), None, "{what}");
        }
    }

    #[test]
    fn a_peer_below_the_rate_is_cut_off_after_about_a_window() {
        for (what, steps, seconds) in [
            ("silence", &[(1e4, 0)][..], 30.0),
            ("a byte every 19 seconds", &[(19.0, 1)], 30.1),
            ("a byte every 10 milliseconds", &[(0.01, 1)], 37.6),
            ("nothing, again and again", &[(1.0, 0)], 30.1),
        ] {
            let end = end_of(RATE, steps).unwrap_or_else(|| panic!("{what} went on for an hour"));
            assert!(end <= seconds, "{what} went on for {end} seconds");
        }
    }

    #[test]
    fn bytes_that_moved_fast_earn_at_most_one_window() {
        let (began, mut pace) = (Instant::now(), Pace::new(RATE));
        pace.moved(1 << 40, began);
        assert_eq!(pace.wait(began) - began, RATE.window);
    }

    #[test]
    fn time_without_a_wait_does_not_count() {
        let (began, mut pace) = (Instant::now(), Pace::new(RATE));
        pace.moved(0, began);
        let later = began + Duration::from_secs(3600);
        assert_eq!(pace.wait(later) - later, RATE.window);
    }

    #[test]
    fn without_a_rate_each_byte_earns_a_whole_window() {
        let any = LeastRate {
            bytes_per_second: 0,
            ..RATE
        };
        assert_eq!(end_of(any, &[(29.0, 1)]), None);
        assert_eq!(end_of(any, &[(31.0, 1)]), Some(30.0));
        let no_end = LeastRate {
            window: Duration::MAX,
            ..any
        };
        assert_eq!(end_of(no_end, &[(31.0, 1)]), None);
    }

    proptest! {
        /// For any steps: a peer that was not cut off has moved bytes at the rate, less what one window is worth.
        #[test]
        fn no_peer_stays_below_the_rate_for_longer_than_a_window(steps in prop::collection::vec((0.0..40.0_f64, 0_u64..40_000), 1..40)) {
            let (began, mut pace) = (Instant::now(), Pace::new(RATE));
            let (mut now, mut bytes) = (began, 0);
            for (pause, moved) in steps {
                let next = now + Duration::from_secs_f64(pause);
                if pace.wait(now) <= next {
                    break;
                }
                now = next;
                pace.moved(moved, now);
                bytes += moved;
                let earned = bytes as f64 / RATE.bytes_per_second as f64;
                prop_assert!((now - began).as_secs_f64() <= earned + RATE.window.as_secs_f64() + 1e-3);
            }
        }
    }
}
