//! `Cache-Control`: what caches may keep, and for how long.

use std::time::{Duration, SystemTime};

use axum::http::HeaderValue;

/// What neither is written anywhere nor seen by anyone but who asked.
const PRIVATE: HeaderValue = HeaderValue::from_static("private, no-store");

/// Who may see an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Audience {
    /// Everyone who knows the address.
    Everyone,
    /// Who shows a token.
    Bearer,
}

/// The value for a file that expires at a time, if it ever does. A cache that has the file asks again once `most` is over, and
/// must not use it if it gets no answer: so that what was deleted ends.
pub(crate) fn control(audience: Audience, most: Duration, expires: Option<SystemTime>, now: SystemTime) -> HeaderValue {
    if audience == Audience::Bearer {
        return PRIVATE;
    }
    let left = expires.map(|expires| expires.duration_since(now).unwrap_or_default());
    let seconds = left.map_or(most, |left| left.min(most)).as_secs();
    let value = match seconds {
        0 => "public, no-cache".to_owned(),
        seconds => format!("public, max-age={seconds}, must-revalidate"),
    };
    HeaderValue::try_from(value).unwrap_or(PRIVATE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cache_keeps_no_file_beyond_its_time() {
        const HOUR: Duration = Duration::from_secs(3600);
        let now = SystemTime::UNIX_EPOCH + 1_000_000 * HOUR;
        let minute = Duration::from_secs(60);
        for (audience, most, expires, expected) in [
            (Audience::Everyone, HOUR, None, "public, max-age=3600, must-revalidate"),
            (
                Audience::Everyone,
                HOUR,
                Some(now + minute),
                "public, max-age=60, must-revalidate",
            ),
            (
                Audience::Everyone,
                HOUR,
                Some(now + 2 * HOUR),
                "public, max-age=3600, must-revalidate",
            ),
            (Audience::Everyone, HOUR, Some(now - minute), "public, no-cache"),
            (Audience::Everyone, Duration::ZERO, None, "public, no-cache"),
            (Audience::Bearer, HOUR, None, "private, no-store"),
        ] {
            assert_eq!(control(audience, most, expires, now), expected);
        }
    }
}
