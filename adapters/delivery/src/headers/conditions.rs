//! Conditional requests (RFC 9110, section 13). Pure, and by hand: crates that read these headers compare dates of `If-Range`
//! by order, and refuse lists that a recipient has to take.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::http::header::{
    AsHeaderName, HeaderMap, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, IF_UNMODIFIED_SINCE,
};

/// What tells the states of a representation apart.
#[derive(Clone, Debug)]
pub(crate) struct Validators {
    /// The strong entity tag, with its quotes.
    pub(crate) tag: String,
    /// When it was last changed, to the second, if that is known.
    pub(crate) modified: Option<SystemTime>,
}

/// What to do, by the conditions of a `GET` or `HEAD`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Condition {
    /// Answer; by the `Range` of the request, if that holds too.
    Holds {
        /// Whether a `Range` counts: `If-Range` holds, or is not there.
        ranges: bool,
    },
    /// 304.
    NotModified,
    /// 412.
    Failed,
}

/// A time without what an HTTP date has no place for.
pub(crate) fn to_the_second(time: SystemTime) -> SystemTime {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    UNIX_EPOCH + Duration::from_secs(since.as_secs())
}

/// Evaluates all conditions in the order of RFC 9110, section 13.2.2.
pub(crate) fn evaluate(headers: &HeaderMap, now: &Validators) -> Condition {
    if headers.contains_key(IF_MATCH) {
        if !any(headers, IF_MATCH, |tag| tag.is_strong && tag.text == now.tag) {
            return Condition::Failed;
        }
    } else if let Some((since, modified)) = date(headers, IF_UNMODIFIED_SINCE).zip(now.modified)
        && modified > since
    {
        return Condition::Failed;
    }
    if headers.contains_key(IF_NONE_MATCH) {
        if any(headers, IF_NONE_MATCH, |tag| tag.text == now.tag) {
            return Condition::NotModified;
        }
    } else if let Some((since, modified)) = date(headers, IF_MODIFIED_SINCE).zip(now.modified)
        && modified <= since
    {
        return Condition::NotModified;
    }
    Condition::Holds {
        ranges: is_in_range_of(headers, now),
    }
}

/// Whether `If-Range` names this very state (section 13.1.5): by the strong tag, or by exactly its date. A file here never
/// changes, so its date is as strong as its tag.
fn is_in_range_of(headers: &HeaderMap, now: &Validators) -> bool {
    if !headers.contains_key(IF_RANGE) {
        return true;
    }
    let Some(value) = only(headers, IF_RANGE) else {
        return false;
    };
    match value.trim_ascii() {
        tag if tag.starts_with(b"\"") => tag == now.tag.as_bytes(),
        tag if tag.starts_with(b"W/") => false,
        date => parse_date(date).is_some_and(|date| Some(date) == now.modified),
    }
}

/// The only line of a header.
fn only(headers: &HeaderMap, name: impl AsHeaderName) -> Option<&[u8]> {
    let mut lines = headers.get_all(name).iter();
    let first = lines.next()?;
    lines.next().is_none().then_some(first.as_bytes())
}

/// The date in a header. One that is no date, or is there twice, does not count (sections 13.1.3 and 13.1.4).
fn date(headers: &HeaderMap, name: impl AsHeaderName) -> Option<SystemTime> {
    parse_date(only(headers, name)?)
}

fn parse_date(text: &[u8]) -> Option<SystemTime> {
    httpdate::parse_http_date(str::from_utf8(text).ok()?.trim_ascii()).ok()
}

/// An entity tag of a request.
struct Tag<'a> {
    is_strong: bool,
    /// With its quotes.
    text: &'a str,
}

/// Whether a list of tags is `*`, or has one that fits. What is no tag fits nothing.
fn any(headers: &HeaderMap, name: impl AsHeaderName, fits: impl Fn(Tag<'_>) -> bool) -> bool {
    headers.get_all(name).iter().any(|line| {
        // Bytes beyond ASCII are in no tag of ours.
        let mut rest = line.to_str().unwrap_or_default();
        if rest.trim_ascii() == "*" {
            return true;
        }
        while let Some(tag) = next_tag(&mut rest) {
            if fits(tag) {
                return true;
            }
        }
        false
    })
}

/// Takes the next tag from a list. A comma may be part of one.
fn next_tag<'a>(rest: &mut &'a str) -> Option<Tag<'a>> {
    let list = rest.trim_start_matches([',', ' ', '\t']);
    let (is_strong, tag) = match list.strip_prefix("W/") {
        Some(tag) => (false, tag),
        None => (true, list),
    };
    let length = tag.strip_prefix('"')?.find('"')? + 2;
    let (text, after) = tag.split_at(length);
    *rest = after.trim_start_matches([' ', '\t']);
    (rest.is_empty() || rest.starts_with(',')).then_some(Tag { is_strong, text })
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderName;

    use super::*;

    const MODIFIED: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
    const BEFORE: &str = "Sun, 06 Nov 1994 08:49:36 GMT";
    const AFTER: &str = "Sun, 06 Nov 1994 08:49:38 GMT";

    fn evaluated(lines: &[(&str, &str)]) -> Condition {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
        }
        let now = Validators {
            tag: "\"a\"".to_owned(),
            modified: httpdate::parse_http_date(MODIFIED).ok(),
        };
        evaluate(&headers, &now)
    }

    const WHOLE: Condition = Condition::Holds { ranges: false };
    const HOLDS: Condition = Condition::Holds { ranges: true };
    use Condition::{Failed, NotModified};

    #[test]
    fn lists_of_tags_are_read_as_they_are_written() {
        for (list, matches) in [
            (r#""a""#, true),
            (r#""b", "a""#, true),
            (r#""b","a""#, true),
            (r#" , "b" ,, "a" "#, true),
            (r#""b,a", "a""#, true),
            (r#""x,\"a\"""#, false),
            ("*", true),
            (" * ", true),
            (r#""b""#, false),
            (r#""A""#, false),
            ("a", false),
            (r#""a"#, false),
            (r#"a""#, false),
            (r#""a"x"#, false),
            (r#"w/"a""#, false),
            (r#""b" "a""#, false),
            ("", false),
            (r#""b", *"#, false),
        ] {
            let expected = if matches { (HOLDS, NotModified) } else { (Failed, HOLDS) };
            let found = (evaluated(&[("if-match", list)]), evaluated(&[("if-none-match", list)]));
            assert_eq!(found, expected, "{list}");
        }
        assert_eq!(
            evaluated(&[("if-none-match", "\"b\""), ("if-none-match", "\"a\"")]),
            NotModified
        );
    }

    #[test]
    fn weak_tags_count_where_the_rules_say_so() {
        assert_eq!(evaluated(&[("if-none-match", "W/\"a\"")]), NotModified);
        assert_eq!(evaluated(&[("if-match", "W/\"a\"")]), Failed);
        assert_eq!(evaluated(&[("if-range", "W/\"a\"")]), WHOLE);
    }

    #[test]
    fn dates_count_to_the_second_and_in_all_three_forms() {
        for (date, modified, unmodified) in [
            (MODIFIED, NotModified, HOLDS),
            (AFTER, NotModified, HOLDS),
            (BEFORE, HOLDS, Failed),
            ("Sunday, 06-Nov-94 08:49:37 GMT", NotModified, HOLDS),
            ("Sun Nov  6 08:49:37 1994", NotModified, HOLDS),
            ("1994-11-06T08:49:37Z", HOLDS, HOLDS),
            ("yesterday", HOLDS, HOLDS),
            ("", HOLDS, HOLDS),
        ] {
            assert_eq!(evaluated(&[("if-modified-since", date)]), modified, "{date}");
            assert_eq!(evaluated(&[("if-unmodified-since", date)]), unmodified, "{date}");
        }
    }

    #[test]
    fn the_order_of_conditions_is_that_of_the_rules() {
        for (lines, expected) in [
            (&[("if-match", "\"a\""), ("if-unmodified-since", BEFORE)][..], HOLDS),
            (&[("if-match", "\"b\""), ("if-none-match", "\"a\"")], Failed),
            (&[("if-match", "\"a\""), ("if-none-match", "\"a\"")], NotModified),
            (&[("if-none-match", "\"b\""), ("if-modified-since", AFTER)], HOLDS),
            (
                &[("if-none-match", "\"a\""), ("if-modified-since", BEFORE)],
                NotModified,
            ),
            (&[("if-unmodified-since", BEFORE), ("if-none-match", "\"a\"")], Failed),
            (
                &[("if-unmodified-since", AFTER), ("if-modified-since", AFTER)],
                NotModified,
            ),
            (&[("if-none-match", "\"a\""), ("if-range", "\"b\"")], NotModified),
            (&[("if-none-match", "\"b\""), ("if-range", "\"b\"")], WHOLE),
        ] {
            assert_eq!(evaluated(lines), expected, "{lines:?}");
        }
    }

    #[test]
    fn if_range_holds_for_this_very_state_only() {
        for (value, expected) in [
            ("\"a\"", HOLDS),
            (" \"a\" ", HOLDS),
            ("\"b\"", WHOLE),
            (MODIFIED, HOLDS),
            (AFTER, WHOLE),
            (BEFORE, WHOLE),
            ("Sunday, 06-Nov-94 08:49:37 GMT", HOLDS),
            ("\"a\", \"b\"", WHOLE),
            ("*", WHOLE),
            ("a", WHOLE),
            ("", WHOLE),
        ] {
            assert_eq!(evaluated(&[("if-range", value)]), expected, "{value}");
        }
        assert_eq!(evaluated(&[("if-range", "\"a\""), ("if-range", "\"a\"")]), WHOLE);
    }
}
