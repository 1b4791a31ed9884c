//! The settings of events: how long they are kept, and how their deliveries are made. Pure.

use std::time::Duration;

/// How long events are kept, and how their deliveries are made. All nodes of a service should have the same.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct EventSettings {
    /// How long events are kept, and deliveries that were made.
    pub keep: Duration,
    /// How long deliveries are kept that were given up: they can be replayed.
    pub keep_failed: Duration,
    /// The pauses between the attempts of one delivery, each counted from the end of the attempt before, with a random part of up
    /// to 15 % more or less. The first attempt is made at once; after the last one the delivery is given up.
    pub schedule: Vec<Duration>,
    /// How long one attempt may take.
    pub attempt_timeout: Duration,
    /// The most attempts of one node that are under way.
    pub at_once: usize,
    /// The most attempts that are under way to one target.
    pub per_target: usize,
}

impl Default for EventSettings {
    /// | field | default |
    /// | --- | --- |
    /// | `keep`, `keep_failed` | 7 days, 30 days |
    /// | `schedule` | 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h, 24 h: about 75 hours |
    /// | `attempt_timeout` | 15 seconds |
    /// | `at_once`, `per_target` | 32, 4 |
    fn default() -> Self {
        const MINUTE: u64 = 60;
        const HOUR: u64 = 60 * MINUTE;
        const SCHEDULE: [u64; 9] = [
            5,
            5 * MINUTE,
            30 * MINUTE,
            2 * HOUR,
            5 * HOUR,
            10 * HOUR,
            14 * HOUR,
            20 * HOUR,
            24 * HOUR,
        ];
        Self {
            keep: Duration::from_secs(7 * 24 * HOUR),
            keep_failed: Duration::from_secs(30 * 24 * HOUR),
            schedule: SCHEDULE.map(Duration::from_secs).to_vec(),
            attempt_timeout: Duration::from_secs(15),
            at_once: 32,
            per_target: 4,
        }
    }
}

impl EventSettings {
    /// Sets some of the settings.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use intake_core::EventSettings;
    ///
    /// let settings = EventSettings::default().with(|settings| settings.keep = Duration::from_secs(24 * 3600));
    /// ```
    #[must_use]
    pub fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    /// How long to wait after the attempt with this number, from 1 on, has failed. `None`: it was the last.
    ///
    /// `chance` is a random number from 0 to 1. A receiver may ask for a longer pause, of at most [`LONGEST_WISH`].
    pub(crate) fn pause(&self, attempt: u32, wish: Option<Duration>, chance: f64) -> Option<Duration> {
        const SPREAD: f64 = 0.15;

        let next = self.schedule.get(usize::try_from(attempt).ok()?.checked_sub(1)?)?;
        let pause = next.mul_f64(1.0 - SPREAD + 2.0 * SPREAD * chance.clamp(0.0, 1.0));
        Some(pause.max(wish.unwrap_or_default().min(LONGEST_WISH)))
    }
}

/// The longest pause that a receiver can ask for.
const LONGEST_WISH: Duration = Duration::from_secs(24 * 3600);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_follow_the_schedule_and_the_receiver_may_ask_for_longer_ones() {
        let settings = EventSettings::default();
        let seconds = Duration::from_secs;
        for (attempt, wish, chance, pause) in [
            (1, None, 0.5, Some(5.0)),
            (1, None, 0.0, Some(4.25)),
            (1, None, 1.0, Some(5.75)),
            (1, Some(seconds(2)), 0.5, Some(5.0)),
            (1, Some(seconds(60)), 0.5, Some(60.0)),
            (2, Some(Duration::MAX), 0.5, Some(86_400.0)),
            (9, None, 0.5, Some(86_400.0)),
            (9, Some(Duration::MAX), 1.0, Some(99_360.0)),
            (10, None, 0.5, None),
            (10, Some(seconds(60)), 0.5, None),
            (u32::MAX, None, 0.5, None),
        ] {
            let found = settings.pause(attempt, wish, chance).map(|pause| pause.as_secs_f64());
            let is_close = match (found, pause) {
                (Some(found), Some(pause)) => (found - pause).abs() < 1e-6,
                (found, pause) => found == pause,
            };
            assert!(is_close, "{attempt} {wish:?} {chance}: {found:?}, not {pause:?}");
        }
        let hours = settings.schedule.iter().sum::<Duration>().as_secs() / 3600;
        assert!(hours >= 72, "{hours}");
    }
}
