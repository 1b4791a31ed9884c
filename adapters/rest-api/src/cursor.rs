//! The place in a list after which a page begins, or before which it ends: a time and an id. Clients may name a time alone.

use std::fmt;
use std::time::SystemTime;

use intake_core::{Order, UploadId};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use uuid::Uuid;

/// The time and the id of an entry.
pub(crate) type Place = (SystemTime, UploadId);

/// A place as a client names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cursor {
    time: Timestamp,
    /// `None`: before or after all entries of this time, so that none of them is on the page.
    id: Option<UploadId>,
}

/// Between the time and the id. No time has it.
const BETWEEN: char = '~';

impl Cursor {
    pub(crate) fn at((time, id): Place) -> Self {
        Self {
            time: Timestamp::try_from(time).unwrap_or_default(),
            id: Some(id),
        }
    }

    /// Reads a time in the form of ISO 8601, in UTC if it has no offset, and maybe an id.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (time, id) = match text.split_once(BETWEEN) {
            Some((time, id)) => (time, Some(id.parse().ok()?)),
            None => (text, None),
        };
        // Clients that do not encode a plus sign send a space.
        let time = time.trim().replace(' ', if time.contains(':') { "+" } else { "" });
        let with_offset = time.parse::<Timestamp>().ok();
        let without = || {
            let civil: DateTime = time.parse().ok()?;
            Some(civil.to_zoned(TimeZone::UTC).ok()?.timestamp())
        };
        let time = with_offset.or_else(without)?;
        Some(Self { time, id })
    }

    pub(crate) fn has_id(self) -> bool {
        self.id.is_some()
    }

    /// The place behind which a list in this order begins.
    pub(crate) fn behind(self, order: Order) -> Place {
        let beyond_all = match order {
            Order::NewestFirst => UploadId::from(Uuid::nil()),
            Order::OldestFirst => UploadId::from(Uuid::max()),
        };
        (self.time.into(), self.id.unwrap_or(beyond_all))
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // As the service writes it: with an offset in place of `Z`.
        let time = format!("{:.6}", self.time);
        write!(f, "{}+00:00", time.trim_end_matches('Z'))?;
        self.id.map_or(Ok(()), |id| write!(f, "{BETWEEN}{id}"))
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;

    #[test]
    fn a_cursor_reads_back_and_a_time_alone_leaves_out_all_of_that_time() {
        let place = (
            UNIX_EPOCH + Duration::from_micros(1_700_000_000_123_456),
            UploadId::random(),
        );
        let cursor = Cursor::at(place);
        assert_eq!(
            cursor.to_string(),
            format!("2023-11-14T22:13:20.123456+00:00~{}", place.1)
        );
        assert_eq!(Cursor::parse(&cursor.to_string()), Some(cursor));
        assert_eq!(cursor.behind(Order::OldestFirst), place);
        for text in [
            "2023-11-14T22:13:20.123456+00:00",
            "2023-11-14T22:13:20.123456 00:00",
            "2023-11-14T22:13:20.123456Z",
            "2023-11-14T22:13:20.123456",
            "2023-11-14T23:13:20.123456+01:00",
        ] {
            let alone = Cursor::parse(text).unwrap_or_else(|| panic!("{text}"));
            for order in [Order::NewestFirst, Order::OldestFirst] {
                let behind = alone.behind(order);
                assert_eq!(behind.0, place.0, "{text}");
                assert!(!order.follows(place, behind), "{text}");
            }
        }
        assert!(Cursor::parse("2023-11-14").is_some());
        for text in ["", "yesterday", "~", "2023-11-14T22:13:20Z~1", "1700000000"] {
            assert_eq!(Cursor::parse(text), None, "{text}");
        }
    }
}
