//! What an answer of a receiver means.

use std::time::{Duration, SystemTime};

use hyper::StatusCode;
use hyper::header::{HeaderMap, RETRY_AFTER};
use hyper::http::response::Parts;
use intake_core::Sent;

/// The longest pause that a receiver may ask for.
const LONGEST_PAUSE: Duration = Duration::from_secs(24 * 3600);
/// How much of an answer a reason holds, in characters.
const SHOWN: usize = 1000;
/// The header by which a receiver may end deliveries; a private extension of one sender that receivers know.
const CONTROL: &str = "webhook-delivery";

/// What became of an attempt, by the head of the answer and the beginning of its body.
pub(crate) fn sent(head: &Parts, body: &[u8], now: SystemTime) -> Sent {
    let status = head.status;
    if head.headers.get(CONTROL).is_some_and(|value| value == "disable") {
        let reason = format!("the receiver answered {} and `{CONTROL}: disable`", status.as_u16());
        return Sent::Ended { reason };
    }
    if status == StatusCode::GONE {
        let reason = "the receiver answered 410: it is gone for ever".to_owned();
        return Sent::Ended { reason };
    }
    if status.is_success() {
        return Sent::Delivered;
    }
    let mut reason = format!("the receiver answered {}", status.as_u16());
    if status.is_redirection() {
        reason.push_str(", and redirects are not followed");
    }
    let text = String::from_utf8_lossy(body);
    let text: String = text.trim().chars().take(SHOWN).collect();
    if !text.is_empty() {
        reason.push_str(": ");
        reason.push_str(&text);
    }
    Sent::Failed {
        reason,
        retry_after: retry_after(&head.headers, now),
    }
}

/// The pause that a receiver asks for, in seconds or up to a date (RFC 9110, 10.2.3), up to a day.
fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let pause = if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        // More digits than fit are a long time.
        text.parse().map_or(LONGEST_PAUSE, Duration::from_secs)
    } else {
        let date = httpdate::parse_http_date(text).ok()?;
        date.duration_since(now).ok()?
    };
    (!pause.is_zero()).then_some(pause.min(LONGEST_PAUSE))
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;

    #[test]
    fn a_pause_is_read_from_seconds_and_dates_and_is_at_most_a_day() {
        // Sun, 06 Nov 1994 08:49:37 GMT, the example of RFC 9110.
        let now = UNIX_EPOCH + Duration::from_secs(784_111_777);
        for (text, seconds) in [
            ("120", Some(120)),
            (" 2 ", Some(2)),
            ("0", None),
            ("86401", Some(86_400)),
            ("99999999999999999999999999", Some(86_400)),
            ("-1", None),
            ("1.5", None),
            ("soon", None),
            ("", None),
            ("Sun, 06 Nov 1994 08:50:37 GMT", Some(60)),
            ("Sunday, 06-Nov-94 08:50:37 GMT", Some(60)),
            ("Sun Nov  6 08:50:37 1994", Some(60)),
            ("Sun, 06 Nov 1994 08:49:37 GMT", None),
            ("Sun, 06 Nov 1994 08:00:00 GMT", None),
            ("Sat, 06 Nov 2094 08:49:37 GMT", Some(86_400)),
        ] {
            let headers = HeaderMap::from_iter([(RETRY_AFTER, text.parse().unwrap())]);
            assert_eq!(retry_after(&headers, now), seconds.map(Duration::from_secs), "{text:?}");
        }
        assert_eq!(retry_after(&HeaderMap::new(), now), None);
    }
}
