//! The times of a stream's frames, which count to 2^33 and begin again.

use crate::facts::millis;

/// Ticks a second.
const HERTZ: u64 = 90_000;
/// The number of different times.
const TURN: u64 = 1 << 33;
/// Two frames that follow each other are not further apart, in ticks: else the clock was set anew.
const FURTHEST: i64 = 60 * 90_000;

/// What the times add up to.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Clock {
    /// The last time that was read, and where it is on a line that has no end.
    last: Option<(u64, i64)>,
    /// The first and the last place since the clock was set.
    begin: i64,
    end: i64,
    /// Ticks before the clock was set anew.
    before: u64,
    /// How many times were read.
    count: u64,
    /// How often the clock was set.
    parts: u64,
}

impl Clock {
    /// Adds the time of a frame.
    pub(crate) fn add(&mut self, time: u64) {
        self.count = self.count.saturating_add(1);
        let step = self
            .last
            .map(|(last, _)| step(last, time))
            .filter(|step| step.abs() <= FURTHEST);
        let place = match (step, self.last) {
            (Some(step), Some((_, place))) => place.saturating_add(step),
            _ => {
                self.before = self.before.saturating_add(self.part());
                self.parts = self.parts.saturating_add(1);
                (self.begin, self.end) = (0, 0);
                0
            }
        };
        self.begin = self.begin.min(place);
        self.end = self.end.max(place);
        self.last = Some((time, place));
    }

    fn part(&self) -> u64 {
        self.end.abs_diff(self.begin)
    }

    /// From the first frame to the beginning of the last one, in ticks, and how many spans between frames this has.
    fn spans(&self) -> Option<(u64, u64)> {
        let spans = self.count.checked_sub(self.parts)?;
        Some((self.before.saturating_add(self.part()), spans))
    }

    /// How long all frames play, in milliseconds. The last one plays as long as the others on average, or for this part of
    /// that in thousandths.
    pub(crate) fn duration(&self, part: u64) -> Option<u64> {
        let (ticks, spans) = self.spans()?;
        let frame = ticks.checked_div(spans)?.saturating_mul(part) / 1000;
        millis(ticks.saturating_add(frame.saturating_mul(self.parts)), HERTZ)
    }

    /// Frames, and ticks from the first to the last one.
    pub(crate) fn rate(&self) -> Option<(u64, u64, u64)> {
        let (ticks, spans) = self.spans()?;
        Some((spans, ticks, HERTZ))
    }
}

/// The way from one time to the next, over the end of a turn if that is shorter.
fn step(from: u64, to: u64) -> i64 {
    let ahead = to.wrapping_sub(from) % TURN;
    let way = if ahead < TURN / 2 {
        i64::try_from(ahead)
    } else {
        i64::try_from(TURN - ahead).map(|back| -back)
    };
    way.unwrap_or(i64::MAX)
}
