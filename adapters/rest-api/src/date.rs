//! The date of a signed request, as clients write it. The text is signed as it was sent; here it is only compared with the clock.

use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone};

const MONTHS: [&str; 12] = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
];

/// Whether a date is within `skew` of `now`.
pub(crate) fn is_near(date: &str, now: SystemTime, skew: Duration) -> bool {
    let Some(date) = parse(date) else { return false };
    let distance = date.duration_since(now).or_else(|_| now.duration_since(date));
    distance.is_ok_and(|distance| distance <= skew)
}

/// Reads a date in the form of HTTP (RFC 9110, section 5.6.7), also with more commas, with `UTC` or an offset for `GMT`, and in the
/// form of ISO 8601.
fn parse(date: &str) -> Option<SystemTime> {
    /// No form is longer.
    const LONGEST: usize = 64;
    if date.len() > LONGEST {
        return None;
    }
    let timestamp = match date.trim().parse::<Timestamp>() {
        Ok(timestamp) => timestamp,
        Err(_) => parse_words(date)?,
    };
    Some(timestamp.into())
}

fn parse_words(date: &str) -> Option<Timestamp> {
    let date = date.replace(',', " ");
    let words: Vec<&str> = date.split_whitespace().collect();
    let begins_with_day = words.first()?.bytes().all(|byte| byte.is_ascii_alphabetic());
    let [day, month, year, time, zone] = words.get(usize::from(begins_with_day)..)?.try_into().ok()?;
    let month = month.to_ascii_lowercase();
    let month = MONTHS.iter().position(|name| *name == month)?;
    let [hour, minute, second] = *time.split(':').collect::<Vec<_>>() else {
        return None;
    };
    let number = |text: &str| text.parse::<i8>().ok();
    let civil = DateTime::new(
        year.parse().ok()?,
        i8::try_from(month + 1).ok()?,
        number(day)?,
        number(hour)?,
        number(minute)?,
        // A leap second is the one before.
        number(second)?.min(59),
        0,
    );
    let offset = offset(zone)?;
    civil
        .ok()?
        .to_zoned(TimeZone::fixed(offset))
        .ok()
        .map(|zoned| zoned.timestamp())
}

fn offset(zone: &str) -> Option<Offset> {
    if ["GMT", "UTC", "Z"].iter().any(|name| name.eq_ignore_ascii_case(zone)) {
        return Some(Offset::UTC);
    }
    let (sign, digits) = match zone.as_bytes().first()? {
        b'+' => (1, &zone[1..]),
        b'-' => (-1, &zone[1..]),
        _ => return None,
    };
    if digits.len() != 4 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let (hours, minutes): (i32, i32) = (digits[..2].parse().ok()?, digits[2..].parse().ok()?);
    Offset::from_seconds(sign * (hours * 3600 + minutes * 60)).ok()
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;

    #[test]
    fn the_date_of_every_client_is_read() {
        for date in [
            "Mon, 05 Nov 2018 13:14:41 GMT",
            "Mon, 05 Nov 2018, 13:14:41 GMT",
            "Mon, 05 Nov 2018 13:14:41 UTC",
            "Mon, 5 Nov 2018 14:14:41 +0100",
            "05 nov 2018 13:14:41 gmt",
            "2018-11-05T13:14:41Z",
            "2018-11-05T14:14:41+01:00",
        ] {
            assert_eq!(
                parse(date),
                Some(UNIX_EPOCH + Duration::from_secs(1_541_423_681)),
                "{date}"
            );
        }
        let long = "Mon, ".repeat(100);
        for date in [
            "",
            "now",
            "Mon, 05 Nov 2018",
            "Mon, 99 Nov 2018 13:14:41 GMT",
            "1541423681",
            &*long,
            "Mon, 05 Nov 2018 13:14:41 +1\u{fc}0",
        ] {
            assert_eq!(parse(date), None, "{date}");
        }
    }

    #[test]
    fn a_date_is_near_on_both_sides_of_now() {
        let skew = Duration::from_secs(900);
        let date = "Mon, 05 Nov 2018 13:14:41 GMT";
        let at = |seconds| UNIX_EPOCH + Duration::from_secs(seconds);
        for (now, near) in [
            (1_541_423_681, true),
            (1_541_423_681 + 900, true),
            (1_541_423_681 - 900, true),
            (1_541_423_681 + 901, false),
            (1_541_423_681 - 901, false),
        ] {
            assert_eq!(is_near(date, at(now), skew), near, "{now}");
        }
    }
}
