//! Range requests (RFC 9110, section 14). Pure, and by hand: crates that read this header refuse units that have to be ignored,
//! and suffixes that are longer than the file.

use std::ops::Range;

use axum::http::header::{HeaderMap, RANGE};

/// The most ranges of one request. One that asks for more gets the whole: clients ask for one, PDF readers for a few.
const MOST: usize = 8;

/// The bytes that a request asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// All of them.
    Whole,
    /// One range, not empty.
    One(Range<u64>),
    /// Several ranges, at least two, none empty, no two with a byte in common, in the order of the request.
    Several(Vec<Range<u64>>),
    /// None: no range has a byte of the file.
    None,
}

/// The bytes of a file with this size that a `GET` asks for. What the rules do not know does not count (section 14.2).
pub(crate) fn asked(headers: &HeaderMap, size: u64) -> Part {
    let mut lines = headers.get_all(RANGE).iter();
    let (Some(line), None) = (lines.next(), lines.next()) else {
        return Part::Whole;
    };
    let Some(specs) = line.to_str().ok().and_then(specs) else {
        return Part::Whole;
    };
    // An empty file has no byte to begin or to end with, but it is all that there is to the end of it.
    if size == 0 && specs.iter().any(|spec| matches!(spec, Spec::Last(1..))) {
        return Part::Whole;
    }
    let mut ranges: Vec<Range<u64>> = Vec::new();
    for range in specs.into_iter().filter_map(|spec| spec.within(size)) {
        add(&mut ranges, range);
    }
    match ranges.as_mut_slice() {
        [] => Part::None,
        [one] => Part::One(one.clone()),
        _ => Part::Several(ranges),
    }
}

/// One range of a request.
#[derive(Clone, Copy, Debug)]
enum Spec {
    /// From a first byte on.
    From(u64),
    /// From a first byte to a last one.
    Between(u64, u64),
    /// So many bytes at the end.
    Last(u64),
}

impl Spec {
    /// Its bytes in a file with this size, if there are any.
    fn within(self, size: u64) -> Option<Range<u64>> {
        let range = match self {
            Self::From(first) => first..size,
            Self::Between(first, last) => first..last.saturating_add(1).min(size),
            Self::Last(count) => size.saturating_sub(count)..size,
        };
        (!range.is_empty()).then_some(range)
    }
}

/// Reads the value of a header. `None`: it does not count.
fn specs(value: &str) -> Option<Vec<Spec>> {
    let (unit, set) = value.trim_ascii().split_once('=')?;
    if !unit.eq_ignore_ascii_case("bytes") {
        return None;
    }
    let listed = set.split(',').map(|spec| spec.trim_matches([' ', '\t']));
    let mut specs = Vec::new();
    for listed in listed.filter(|listed| !listed.is_empty()) {
        if specs.len() == MOST {
            return None;
        }
        specs.push(spec(listed)?);
    }
    (!specs.is_empty()).then_some(specs)
}

fn spec(listed: &str) -> Option<Spec> {
    match listed.split_once('-')? {
        ("", count) => Some(Spec::Last(number(count)?)),
        (first, "") => Some(Spec::From(number(first)?)),
        (first, last) => {
            let (first, last) = (number(first)?, number(last)?);
            (first <= last).then_some(Spec::Between(first, last))
        }
    }
}

/// A number. One that is too large stands for one behind the end of every file.
fn number(digits: &str) -> Option<u64> {
    let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| digits.parse().unwrap_or(u64::MAX))
}

/// Adds a range, and joins it with those that it overlaps or follows: at the place of the first of them.
fn add(ranges: &mut Vec<Range<u64>>, mut range: Range<u64>) {
    let mut place = ranges.len();
    for at in (0..ranges.len()).rev() {
        if ranges[at].start <= range.end && range.start <= ranges[at].end {
            let joined = ranges.remove(at);
            range = range.start.min(joined.start)..range.end.max(joined.end);
            place = at;
        }
    }
    ranges.insert(place, range);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked_of(size: u64, value: &str) -> Part {
        let mut headers = HeaderMap::new();
        headers.append(RANGE, value.parse().unwrap());
        asked(&headers, size)
    }

    fn one(range: Range<u64>) -> Part {
        Part::One(range)
    }

    #[test]
    fn one_range_is_read_as_it_is_written() {
        for (value, expected) in [
            ("bytes=0-0", one(0..1)),
            ("bytes=0-9", one(0..10)),
            ("bytes=5-", one(5..100)),
            ("bytes=99-", one(99..100)),
            ("bytes=90-1000", one(90..100)),
            ("bytes=0-18446744073709551615", one(0..100)),
            ("bytes=0-99999999999999999999999999", one(0..100)),
            ("bytes=-1", one(99..100)),
            ("bytes=-100", one(0..100)),
            ("bytes=-1000", one(0..100)),
            ("bytes=-99999999999999999999999999", one(0..100)),
            ("BYTES=0-9", one(0..10)),
            ("Bytes=0-9", one(0..10)),
            ("bytes=00-09", one(0..10)),
            ("bytes= 0-9 ", one(0..10)),
            ("bytes=,0-9,", one(0..10)),
            ("bytes=0-9,,100-", one(0..10)),
            ("bytes=100-", Part::None),
            ("bytes=100-200", Part::None),
            ("bytes=-0", Part::None),
            ("bytes=99999999999999999999999999-", Part::None),
            ("bytes=200-,-0", Part::None),
        ] {
            assert_eq!(asked_of(100, value), expected, "{value}");
        }
    }

    #[test]
    fn what_is_no_range_is_ignored() {
        for value in [
            "",
            "bytes",
            "bytes=",
            "bytes=,",
            "bytes=a-b",
            "bytes=9-0",
            "bytes=0-9,x",
            "bytes=0-9;5-",
            "bytes=--5",
            "bytes=-",
            "bytes=+1-2",
            "bytes=0x1-2",
            "bytes=1",
            "bytes=0 - 9",
            "bytes=1-2-3",
            "bytes=0.5-2",
            "bytes 0-9",
            "items=0-9",
            "lines=1-",
            "none",
            "bytes=5-4,0-9",
            "bytes =0-9",
        ] {
            assert_eq!(asked_of(100, value), Part::Whole, "{value}");
        }
        let mut twice = HeaderMap::new();
        twice.append(RANGE, "bytes=0-1".parse().unwrap());
        twice.append(RANGE, "bytes=0-1".parse().unwrap());
        assert_eq!(asked(&twice, 100), Part::Whole);
        assert_eq!(asked(&HeaderMap::new(), 100), Part::Whole);
    }

    #[test]
    fn an_empty_file_has_no_range_but_the_end() {
        for (value, expected) in [
            ("bytes=0-", Part::None),
            ("bytes=0-0", Part::None),
            ("bytes=-0", Part::None),
            ("bytes=-1", Part::Whole),
            ("bytes=0-0,-5", Part::Whole),
        ] {
            assert_eq!(asked_of(0, value), expected, "{value}");
        }
    }

    #[test]
    fn several_ranges_keep_their_order_and_share_no_byte() {
        let several = |ranges: &[Range<u64>]| Part::Several(ranges.to_vec());
        for (value, expected) in [
            ("bytes=0-1,5-6", several(&[0..2, 5..7])),
            ("bytes=5-6, 0-1", several(&[5..7, 0..2])),
            ("bytes=0-1,200-,5-6", several(&[0..2, 5..7])),
            ("bytes=0-5,3-9", one(0..10)),
            ("bytes=3-9,0-5", one(0..10)),
            ("bytes=0-4,5-9", one(0..10)),
            ("bytes=0-1,4-5,1-4", one(0..6)),
            ("bytes=50-59,0-1,4-5,1-4", several(&[50..60, 0..6])),
            ("bytes=0-1,50-59,1-4", several(&[0..5, 50..60])),
            ("bytes=0-,-1", one(0..100)),
            ("bytes=0-0,-1", several(&[0..1, 99..100])),
            (
                "bytes=0-0,2-2,4-4,6-6,8-8,10-10,12-12,14-14",
                several(&[0..1, 2..3, 4..5, 6..7, 8..9, 10..11, 12..13, 14..15]),
            ),
            ("bytes=0-0,2-2,4-4,6-6,8-8,10-10,12-12,14-14,16-16", Part::Whole),
        ] {
            assert_eq!(asked_of(100, value), expected, "{value}");
        }
    }
}
