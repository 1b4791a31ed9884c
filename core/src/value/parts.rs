//! How a multipart upload is cut into parts, and whether the parts that arrived are the whole file. Pure: it knows no store.
//!
//! A sender cuts its file into parts of one size; the last part is the rest. It sends them in any order, at the same time, and more
//! than once. Some clients append a short rest to the part before it and send no last part (`docs/upload-api.md`, "Uploads in
//! parts").

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::value::codes;
use crate::value::verdict::Rejection;

/// The most parts of one upload. S3 has the same bound.
pub const MOST_PARTS: u16 = 10_000;

/// A last part that is shorter than this, in bytes, may be appended to the part before it.
pub const SHORT_REST: u64 = 1024 * 1024;

/// What is recorded of a multipart upload beside the upload itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PartPlan {
    /// The size of the whole file in bytes, as the sender declared it. The parts must have exactly so many bytes.
    pub size: u64,
    /// The size in bytes of every part but the last.
    pub part_size: u64,
    /// A random secret of this upload. An adapter signs the URLs of the parts with it, and shows it to no client.
    pub secret: PartsSecret,
    /// The store's own name for this upload, if the store supports multipart uploads.
    pub upload: Option<String>,
    /// Whether parts may be under keys of their own.
    #[serde(rename = "apart")]
    pub separate_keys: bool,
}

impl PartPlan {
    /// Cuts a file of `size` bytes into parts of `part_size` bytes.
    ///
    /// # Errors
    ///
    /// [`codes::TOO_MANY_PARTS`] if there would be more than [`MOST_PARTS`] parts. The subject of the rejection is the least
    /// `part_size` that would be accepted.
    pub fn new(size: u64, part_size: u64) -> Result<Self, Rejection> {
        let part_size = part_size.max(1);
        if size.div_ceil(part_size) > u64::from(MOST_PARTS) {
            let least = size.div_ceil(u64::from(MOST_PARTS));
            let message = format!("it would have more than {MOST_PARTS} parts; they need at least {least} bytes");
            return Err(Rejection::new(codes::TOO_MANY_PARTS, message).with_subject(least.to_string()));
        }
        Ok(Self {
            size,
            part_size,
            secret: PartsSecret::random(),
            upload: None,
            separate_keys: false,
        })
    }

    /// The number of parts: at least one.
    #[must_use]
    pub fn count(&self) -> u16 {
        u16::try_from(self.size.div_ceil(self.part_size))
            .unwrap_or(MOST_PARTS)
            .max(1)
    }

    /// The offset and the largest size of a part. The first part has the number 1. `None` if there is no part with this number.
    #[must_use]
    pub fn range(&self, number: u16) -> Option<PartRange> {
        if number == 0 || number > self.count() {
            return None;
        }
        let offset = u64::from(number - 1) * self.part_size;
        let rest = self.size - offset;
        let at_most = if rest < self.part_size + SHORT_REST {
            rest
        } else {
            self.part_size
        };
        Some(PartRange {
            number,
            offset,
            at_most,
        })
    }

    /// The numbers of the parts that are missing or incomplete. `came` is ordered by number.
    fn missing(&self, came: &[Part]) -> Vec<u16> {
        let count = self.count();
        let size_of = |number| {
            let found = came.binary_search_by_key(&number, |part: &Part| part.number);
            found.map_or(0, |at| came[at].size)
        };
        let is_missing = |number: &u16| match *number {
            // A short last part may be appended to the part before it.
            last if last == count => {
                let rest = self.size - u64::from(count - 1) * self.part_size;
                size_of(last) < rest && size_of(last - 1) <= self.part_size
            }
            other => size_of(other) < self.part_size,
        };
        (1..=count).filter(is_missing).collect()
    }

    /// Checks whether these parts are the whole file, and returns them in the order of their numbers.
    ///
    /// Empty parts do not count: some clients send a request for every URL that they got, and no bytes to those that they do not
    /// need.
    ///
    /// # Errors
    ///
    /// [`codes::PARTS_TOO_LARGE`], [`codes::PARTS_UNEVEN`], or [`codes::PARTS_MISSING`], whose subject lists the numbers of the
    /// missing parts, such as `1, 3-7`. None of them ends the upload: the sender may send missing parts, or parts again.
    pub fn judge(&self, mut parts: Vec<Part>) -> Result<Vec<Part>, Rejection> {
        parts.retain(|part| part.size > 0);
        parts.sort_by_key(|part| part.number);
        let came = parts.iter().fold(0_u64, |sum, part| sum.saturating_add(part.size));
        if came > self.size {
            let message = format!("{} bytes were declared, and the parts have {came}", self.size);
            return Err(Rejection::new(codes::PARTS_TOO_LARGE, message));
        }
        if came < self.size {
            let message = format!("{} bytes were declared, and the parts have only {came}", self.size);
            let rejection = Rejection::new(codes::PARTS_MISSING, message);
            return Err(rejection.with_subject(in_words(&self.missing(&parts))));
        }
        let in_place = parts.iter().zip(1..).all(|(part, number)| part.number == number);
        let even = parts.iter().rev().skip(1).all(|part| part.size == self.part_size);
        if in_place && even && parts.len() <= usize::from(self.count()) {
            return Ok(parts);
        }
        let message = format!("each part but the last one has to have {} bytes", self.part_size);
        Err(Rejection::new(codes::PARTS_UNEVEN, message))
    }
}

/// Lists numbers as ranges, such as `1, 3-7`. Lists the first ranges only if there are many.
fn in_words(numbers: &[u16]) -> String {
    const MOST_RUNS: usize = 10;

    let runs: Vec<_> = numbers.chunk_by(|one, next| one + 1 == *next).collect();
    let mut words: Vec<_> = runs
        .iter()
        .take(MOST_RUNS)
        .filter_map(|run| match run {
            [] => None,
            [one] => Some(one.to_string()),
            [first, .., last] => Some(format!("{first}-{last}")),
        })
        .collect();
    if runs.len() > MOST_RUNS {
        words.push("…".to_owned());
    }
    words.join(", ")
}

/// The offset and the largest size of a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PartRange {
    /// The number of the part, from 1.
    pub number: u16,
    /// The offset in the file, in bytes.
    pub offset: u64,
    /// The most bytes that the part may have.
    pub at_most: u64,
}

impl PartRange {
    /// The range of the part with this number.
    #[must_use]
    pub fn new(number: u16, offset: u64, at_most: u64) -> Self {
        Self {
            number,
            offset,
            at_most,
        }
    }
}

/// A part that arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Part {
    /// The number of the part, from 1.
    pub number: u16,
    /// The size in bytes.
    pub size: u64,
    /// The store's identifier of the part, such as an `ETag`. Empty if the store needs none.
    pub tag: String,
}

impl Part {
    /// The part with this number.
    pub fn new(number: u16, size: u64, tag: impl Into<String>) -> Self {
        Self {
            number,
            size,
            tag: tag.into(),
        }
    }
}

/// The secret of one upload: 244 random bits.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PartsSecret(String);

impl PartsSecret {
    fn random() -> Self {
        Self(format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple()))
    }

    /// The bytes of the secret, as a key for signatures.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl fmt::Debug for PartsSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PartsSecret(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(size: u64, part_size: u64) -> PartPlan {
        PartPlan::new(size, part_size).unwrap()
    }

    #[test]
    fn the_last_part_has_the_rest_and_a_short_rest_may_be_in_the_part_before_it() {
        const M: u64 = 1 << 20;
        let (even, short, long) = (parts(10 * M, 5 * M), parts(10 * M + 7, 5 * M), parts(11 * M, 5 * M));
        for (parts, number, expected) in [
            (&even, 0, None),
            (&even, 1, Some((0, 5 * M))),
            (&even, 2, Some((5 * M, 5 * M))),
            (&even, 3, None),
            (&short, 1, Some((0, 5 * M))),
            (&short, 2, Some((5 * M, 5 * M + 7))),
            (&short, 3, Some((10 * M, 7))),
            // A whole mebibyte is not short any more.
            (&long, 2, Some((5 * M, 5 * M))),
            (&long, 3, Some((10 * M, M))),
        ] {
            let range = parts.range(number).map(|range| (range.offset, range.at_most));
            assert_eq!(range, expected, "part {number} of {}", parts.size);
        }
        assert_eq!(parts(0, 5).count(), 1, "nothing comes in one part");
    }

    #[test]
    fn only_parts_that_make_the_whole_file_are_accepted() {
        let whole = parts(25, 10);
        type Case = (&'static [(u16, u64)], Result<usize, crate::value::verdict::Code>);
        let cases: [Case; 12] = [
            (&[(1, 10), (2, 10), (3, 5)], Ok(3)),
            (&[(3, 5), (1, 10), (2, 10)], Ok(3)),
            (&[(1, 10), (2, 15)], Ok(2)),
            (&[(1, 10), (2, 15), (3, 0)], Ok(2)),
            (&[], Err(codes::PARTS_MISSING)),
            (&[(1, 10), (3, 5)], Err(codes::PARTS_MISSING)),
            (&[(1, 10), (2, 10), (3, 4)], Err(codes::PARTS_MISSING)),
            (&[(1, 10), (2, 10), (3, 6)], Err(codes::PARTS_TOO_LARGE)),
            (&[(1, 10), (2, 15), (3, 5)], Err(codes::PARTS_TOO_LARGE)),
            (&[(1, 12), (2, 8), (3, 5)], Err(codes::PARTS_UNEVEN)),
            (&[(1, 10), (3, 15)], Err(codes::PARTS_UNEVEN)),
            (&[(1, u64::MAX), (2, u64::MAX)], Err(codes::PARTS_TOO_LARGE)),
        ];
        for (came, expected) in cases {
            let list = came.iter().map(|(number, size)| Part {
                number: *number,
                size: *size,
                tag: String::new(),
            });
            let judged = whole.judge(list.collect());
            let judged = judged.map(|parts| parts.len()).map_err(|rejection| rejection.code);
            assert_eq!(judged, expected, "{came:?}");
        }
    }

    #[test]
    fn the_parts_that_are_missing_are_named() {
        let whole = parts(95, 10);
        type Case = (&'static [(u16, u64)], &'static str);
        let cases: [Case; 6] = [
            (&[], "1-10"),
            (&[(2, 10), (4, 10), (5, 10), (6, 10), (10, 5)], "1, 3, 7-9"),
            // A part that broke off.
            (&[(1, 10), (2, 3), (3, 10)], "2, 4-10"),
            (&[(9, 10)], "1-8, 10"),
            // The rest is appended to the part before it.
            (&[(9, 15)], "1-8"),
            (&[(9, 10), (10, 4)], "1-8, 10"),
        ];
        for (came, missing) in cases {
            let list = came.iter().map(|(number, size)| Part {
                number: *number,
                size: *size,
                tag: String::new(),
            });
            let rejection = whole.judge(list.collect()).unwrap_err();
            assert_eq!(rejection.subject.as_deref(), Some(missing), "{came:?}");
        }
        let every_other: Vec<_> = (1..=1000).step_by(2).collect();
        assert_eq!(in_words(&every_other), "1, 3, 5, 7, 9, 11, 13, 15, 17, 19, …");
    }

    #[test]
    fn no_upload_has_more_parts_than_s3_takes() {
        assert_eq!(parts(50_000, 5).count(), 10_000);
        let rejection = PartPlan::new(50_001, 5).unwrap_err();
        assert_eq!(
            (rejection.code, rejection.subject.as_deref()),
            (codes::TOO_MANY_PARTS, Some("6"))
        );
    }

    #[test]
    fn the_secret_is_never_shown() {
        let parts = parts(1, 1);
        let secret = String::from_utf8(parts.secret.as_bytes().to_vec()).unwrap();
        assert!(secret.len() == 64 && !format!("{parts:?}").contains(&secret));
    }
}
