//! The headers of a part, and the boundary in the header of the request.
//!
//! httparse is not used: it takes a lone line feed for a line end, which this reader refuses, and it refuses control characters
//! in values and folded headers. Browsers escape only three characters of a name and send all others unescaped.

use memchr::{memchr, memmem};

use super::disposition::{Quotes, decoded, is_token, names, next_parameter, only, split_before};
use super::error::{FormError, Limits};
use super::flaw::Flaw;

/// RFC 2046: a boundary is not longer than this.
const MAX_BOUNDARY: usize = 70;

const DISPOSITION: &[u8] = b"Content-Disposition";
const MEDIA_TYPE: &[u8] = b"Content-Type";

/// The data in the headers of a part.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) name: String,
    pub(super) file_name: Option<String>,
    pub(super) media_type: Option<String>,
}

impl Head {
    /// Reads whole lines, each of which ends with a line feed. Empty lines are ignored.
    pub(super) fn parse(lines: &[u8], limits: &Limits) -> Result<Self, Flaw> {
        let unfolded = unfolded(lines);
        let mut disposition = None;
        let mut media_type = None;
        let lines = unfolded.split(|byte| *byte == b'\n');
        let lines = lines.map(|line| line.strip_suffix(b"\r").unwrap_or(line));
        for (count, line) in lines.filter(|line| !line.is_empty()).enumerate() {
            if count >= limits.headers {
                return Err(Flaw::new(format!("it has more than {} headers", limits.headers)));
            }
            let (name, value) = header(line)?;
            // Content-Transfer-Encoding is ignored as well: RFC 7578 deprecates it.
            let (known, called) = if name.eq_ignore_ascii_case(DISPOSITION) {
                (&mut disposition, DISPOSITION)
            } else if name.eq_ignore_ascii_case(MEDIA_TYPE) {
                (&mut media_type, MEDIA_TYPE)
            } else {
                continue;
            };
            if known.replace(value).is_some() {
                return Err(Flaw::of_header(called, "it is given twice; send it once"));
            }
        }
        let disposition = disposition
            .ok_or_else(|| Flaw::of_header(DISPOSITION, "it is missing; add `form-data; name=\"...\"` to each part"))?;
        let (name, file_name) = names(disposition).map_err(|why| Flaw::of_header(DISPOSITION, why))?;
        let longest = name.len().max(file_name.as_ref().map_or(0, String::len));
        if longest > limits.name {
            let why = format!("a name has {longest} bytes and may have {}; shorten it", limits.name);
            return Err(Flaw::of_header(DISPOSITION, why));
        }
        let media_type = media_type.filter(|value| !value.is_empty());
        let media_type = media_type.map(|value| decoded(value).into_owned());
        // RFC 2388 put several files in one part like this. As a field they would be dropped.
        if file_name.is_none() && media_type.as_deref().is_some_and(|value| begins(value, "multipart/")) {
            return Err(Flaw::of_header(
                MEDIA_TYPE,
                "parts within a part are not read; send each file as a part of its own",
            ));
        }
        Ok(Self {
            name,
            file_name,
            media_type,
        })
    }
}

/// The boundary in a request's `Content-Type`.
///
/// Every boundary is allowed that cannot be confused with the end of its line: RFC 2046 allows fewer, but hand-written clients
/// send `*****`, and other readers accept it.
///
/// # Errors
///
/// [`FormError::NotAForm`] if it is another type, [`FormError::Malformed`] if the boundary is missing, or cannot occur in a
/// body.
pub(crate) fn boundary(content_type: &[u8]) -> Result<Vec<u8>, FormError> {
    let (media_type, mut rest) = split_before(content_type, b';');
    if !media_type.trim_ascii().eq_ignore_ascii_case(b"multipart/form-data") {
        return Err(FormError::NotAForm);
    }
    let flaw = |why| FormError::Malformed(Flaw::of_header("Content-Type of the request", why));
    let mut boundary = None;
    while let Some((name, value)) = next_parameter(&mut rest, Quotes::Escaped).map_err(flaw)? {
        if name.eq_ignore_ascii_case(b"boundary") {
            only(&mut boundary, value).map_err(flaw)?;
        }
    }
    let boundary =
        boundary.ok_or_else(|| flaw("it gives no boundary; add `boundary=` and the text that separates the parts"))?;
    match is_boundary(&boundary) {
        true => Ok(boundary),
        false => Err(flaw(
            "the boundary has to have 1 to 70 bytes, and no control characters",
        )),
    }
}

/// Whether these bytes can separate parts. In particular, they contain neither CR nor LF.
pub(super) fn is_boundary(bytes: &[u8]) -> bool {
    (1..=MAX_BOUNDARY).contains(&bytes.len()) && !bytes.iter().any(u8::is_ascii_control)
}

/// Whether `text` begins with this, in lower or upper case.
pub(crate) fn begins(text: &str, with: &str) -> bool {
    text.get(..with.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(with))
}

/// Unfolds lines: appends each line that begins with a space or a tab to the line before it (RFC 5322, section 2.2.3).
fn unfolded(lines: &[u8]) -> Vec<u8> {
    let mut unfolded = Vec::with_capacity(lines.len());
    let mut begin = 0;
    for end in memmem::find_iter(lines, b"\r\n") {
        if matches!(lines.get(end + 2), Some(b' ' | b'\t')) {
            unfolded.extend_from_slice(&lines[begin..end]);
            begin = end + 2;
        }
    }
    unfolded.extend_from_slice(&lines[begin..]);
    unfolded
}

/// The name and the value of a header.
fn header(line: &[u8]) -> Result<(&[u8], &[u8]), Flaw> {
    let Some(colon) = memchr(b':', line) else {
        return Err(Flaw::of_header(line, "it has no colon; write `Name: value`"));
    };
    let (name, value) = (&line[..colon], &line[colon + 1..]);
    if !is_token(name) {
        return Err(Flaw::of_header(
            line,
            "its name has characters that no name may have, such as spaces",
        ));
    }
    if memchr(b'\r', value).is_some() {
        return Err(Flaw::of_header(name, "it holds a CR without LF; end lines with CR LF"));
    }
    Ok((name, value.trim_ascii()))
}
