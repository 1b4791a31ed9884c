//! Elements: an id, a length and a body, with numbers of variable length (RFC 8794).

use crate::source::{Source, Stop};

/// The most bytes of a length.
const MOST_LENGTH: usize = 8;
/// Elements in the body of one that was kept, at most: a description of a track has a few dozen.
const MOST_ELEMENTS: usize = 128;
/// The most bytes of an id.
const MOST_ID: usize = 4;

/// The beginning of an element of an upload.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Head {
    pub(crate) id: u32,
    /// The length of its body. `None` if it is unknown.
    pub(crate) length: Option<u64>,
}

impl Head {
    /// The next one.
    ///
    /// # Errors
    ///
    /// [`Stop::Ended`], and [`Stop::Broken`] if no element is here.
    pub(crate) async fn read(source: &mut Source) -> Result<Self, Stop> {
        let [first] = source.next().await?;
        let mut id = u32::from(first);
        let width = width(first).filter(|width| *width <= MOST_ID).ok_or(BROKEN)?;
        for _ in 1..width {
            let [digit] = source.next().await?;
            id = id << 8 | u32::from(digit);
        }
        let [first] = source.next().await?;
        let mut length = u64::from(first);
        let width = self::width(first).ok_or(BROKEN)?;
        for _ in 1..width {
            let [digit] = source.next().await?;
            length = length << 8 | u64::from(digit);
        }
        Ok(Self {
            id,
            length: without_mark(length, width),
        })
    }
}

const BROKEN: Stop = Stop::Broken("what follows a broken element");

/// How many bytes a number has that begins with this one.
fn width(first: u8) -> Option<usize> {
    let zeros = usize::try_from(first.leading_zeros()).ok()?;
    (zeros < MOST_LENGTH).then_some(zeros + 1)
}

/// A length without the bit that marks its width. `None` if all its bits are ones: it is unknown.
fn without_mark(number: u64, width: usize) -> Option<u64> {
    let mark = 1_u64.checked_shl(u32::try_from(7 * width).ok()?)?;
    (number != mark | (mark - 1)).then_some(number & !mark)
}

/// An element in the body of another one that was kept.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Element<'a> {
    pub(crate) id: u32,
    /// The last one may be cut.
    pub(crate) body: &'a [u8],
}

/// The elements that follow each other.
pub(crate) fn elements(bytes: &[u8]) -> impl Iterator<Item = Element<'_>> {
    let mut rest = bytes;
    let next = move || {
        let (id, id_width) = number(rest).filter(|(_, width)| *width <= MOST_ID)?;
        let behind = rest.get(id_width..)?;
        let (length, width) = number(behind)?;
        let behind = behind.get(width..)?;
        let length = without_mark(length, width).and_then(|length| usize::try_from(length).ok());
        let (body, next) = behind.split_at(length.unwrap_or(usize::MAX).min(behind.len()));
        rest = next;
        Some(Element {
            id: u32::try_from(id).ok()?,
            body,
        })
    };
    std::iter::from_fn(next).take(MOST_ELEMENTS)
}

/// The first number, with the bit that marks its width, and its width.
pub(crate) fn number(bytes: &[u8]) -> Option<(u64, usize)> {
    let width = width(*bytes.first()?)?;
    let digits = bytes.get(..width)?;
    Some((
        digits.iter().fold(0, |number, digit| number << 8 | u64::from(*digit)),
        width,
    ))
}

/// The first number without its mark, such as the number of a track, and its width.
pub(crate) fn plain_number(bytes: &[u8]) -> Option<(u64, usize)> {
    let (number, width) = number(bytes)?;
    Some((without_mark(number, width)?, width))
}

/// The body of an element as a whole number.
pub(crate) fn unsigned(body: &[u8]) -> Option<u64> {
    (body.len() <= 8).then(|| body.iter().fold(0, |number, digit| number << 8 | u64::from(*digit)))
}

/// The body of an element as a number with a point.
pub(crate) fn float(body: &[u8]) -> Option<f64> {
    let number = match body.len() {
        4 => f64::from(f32::from_be_bytes(*body.first_chunk()?)),
        8 => f64::from_be_bytes(*body.first_chunk()?),
        _ => return None,
    };
    number.is_finite().then_some(number)
}
