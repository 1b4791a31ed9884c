//! Times as databases keep them: microseconds since 1970. Also the form of times within a serialised record.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serializer};

/// Microseconds since 1970, rounded down, and clamped beyond 290,000 years from there.
#[must_use]
pub fn to_micros(time: SystemTime) -> i64 {
    match time.duration_since(UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_micros()).unwrap_or(i64::MAX),
        Err(before) => {
            let before = before.duration().as_nanos().div_ceil(1000);
            i64::try_from(before).map_or(i64::MIN, |before| -before)
        }
    }
}

/// The time that is so many microseconds after 1970. `None` if the system has no such time.
#[must_use]
pub fn from_micros(micros: i64) -> Option<SystemTime> {
    let distance = Duration::from_micros(micros.unsigned_abs());
    if micros < 0 {
        return UNIX_EPOCH.checked_sub(distance);
    }
    UNIX_EPOCH.checked_add(distance)
}

pub(crate) fn serialize<S: Serializer>(time: &SystemTime, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_i64(to_micros(*time))
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SystemTime, D::Error> {
    from_micros(i64::deserialize(deserializer)?).ok_or_else(|| Error::custom("the time is out of range"))
}

/// The same for a time that may be missing.
pub(crate) mod option {
    use super::*;

    pub(crate) fn serialize<S: Serializer>(time: &Option<SystemTime>, serializer: S) -> Result<S::Ok, S::Error> {
        match time {
            Some(time) => super::serialize(time, serializer),
            None => serializer.serialize_none(),
        }
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<SystemTime>, D::Error> {
        let micros = Option::<i64>::deserialize(deserializer)?;
        let time = micros.map(|micros| from_micros(micros).ok_or_else(|| Error::custom("the time is out of range")));
        time.transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_kept_to_the_microsecond_and_never_later_than_they_were() {
        let nanos = Duration::from_nanos;
        for (instant, kept) in [
            (UNIX_EPOCH, 0),
            (UNIX_EPOCH + nanos(1_999), 1),
            (UNIX_EPOCH - nanos(1), -1),
            (UNIX_EPOCH - nanos(1_000), -1),
            (UNIX_EPOCH - nanos(1_001), -2),
            (UNIX_EPOCH + Duration::from_secs(i64::MAX.unsigned_abs()), i64::MAX),
            (UNIX_EPOCH - Duration::from_secs(i64::MAX.unsigned_abs()), i64::MIN),
        ] {
            assert_eq!(to_micros(instant), kept, "{instant:?}");
        }
    }
}
