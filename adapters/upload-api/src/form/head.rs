//! The headers of a part, and the boundary in the header of the request.
//!
//! Not read with httparse: it takes a lone line feed for a line end, which we refuse, and refuses control characters in
//! values. Browsers escape only three characters of a name and send every other one as it is.

use percent_encoding::percent_decode_str;

use super::{FormError, Limits};

/// RFC 2046: a boundary is not longer than this.
const MAX_BOUNDARY: usize = 70;

const OPTIONAL_SPACE: [char; 2] = [' ', '\t'];

/// How clients write what they cannot write into a quoted string: browsers as percent signs (WHATWG HTML,
/// "multipart/form-data"), most others with a backslash. Every other backslash and percent sign means itself, as in
/// `C:\photos\100%.jpg`.
const ESCAPES: [(&str, char); 5] = [
    ("\\\"", '"'),
    ("\\\\", '\\'),
    ("%22", '"'),
    ("%0D", '\r'),
    ("%0A", '\n'),
];

/// What the headers of a part tell.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) name: String,
    pub(super) file_name: Option<String>,
    pub(super) media_type: Option<String>,
}

impl Head {
    /// Reads whole lines, each of which ends with a line feed. Empty lines tell nothing.
    pub(super) fn parse(lines: &[u8], limits: &Limits) -> Result<Self, FormError> {
        let mut disposition = None;
        let mut media_type = None;
        let lines = lines.split(|byte| *byte == b'\n');
        let lines = lines.map(|line| line.strip_suffix(b"\r").unwrap_or(line));
        for (count, line) in lines.filter(|line| !line.is_empty()).enumerate() {
            if count >= limits.headers {
                return Err(FormError::TooManyHeaders);
            }
            let (name, value) = header(line)?;
            // Content-Transfer-Encoding is passed over as well: RFC 7578 has done away with it.
            let known = if name.eq_ignore_ascii_case(b"content-disposition") {
                &mut disposition
            } else if name.eq_ignore_ascii_case(b"content-type") {
                &mut media_type
            } else {
                continue;
            };
            if known.replace(text(value)?).is_some() {
                return Err(FormError::Malformed("a header of a part stands twice"));
            }
        }
        let disposition = disposition.ok_or(FormError::Malformed("a part has no content disposition"))?;
        let (name, file_name) = names(disposition)?;
        let longest = name.len().max(file_name.as_ref().map_or(0, String::len));
        if longest > limits.name {
            return Err(FormError::NameTooLong);
        }
        let media_type = media_type.filter(|value| !value.is_empty());
        Ok(Self {
            name,
            file_name,
            media_type: media_type.map(str::to_owned),
        })
    }
}

/// The boundary which a request's `Content-Type` gives.
///
/// # Errors
///
/// [`FormError::NotAForm`] when it is another type, [`FormError::Malformed`] when there is no boundary, or one that RFC
/// 2046 forbids.
pub(crate) fn boundary(content_type: &str) -> Result<String, FormError> {
    let content_type = content_type.trim_matches(OPTIONAL_SPACE);
    let (media_type, mut rest) = split_before(content_type, ';');
    if !media_type
        .trim_end_matches(OPTIONAL_SPACE)
        .eq_ignore_ascii_case("multipart/form-data")
    {
        return Err(FormError::NotAForm);
    }
    let mut boundary = None;
    while let Some((name, value)) = next_parameter(&mut rest)? {
        if name.eq_ignore_ascii_case("boundary") {
            only(&mut boundary, value)?;
        }
    }
    let boundary = boundary.ok_or(FormError::Malformed("the content type names no boundary"))?;
    match is_boundary(&boundary) {
        true => Ok(boundary),
        false => Err(FormError::Malformed("the boundary is not one")),
    }
}

/// Whether `text` is a boundary by RFC 2046. Above all it holds neither CR nor LF.
pub(super) fn is_boundary(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"'()+_,-./:=? ".contains(&byte);
    (1..=MAX_BOUNDARY).contains(&text.len()) && text.bytes().all(allowed) && !text.ends_with(' ')
}

/// The name and the value of a header. A line that goes on with the header before (obsolete folding) has no name and is
/// refused.
fn header(line: &[u8]) -> Result<(&[u8], &[u8]), FormError> {
    let Some(colon) = memchr::memchr(b':', line) else {
        return Err(FormError::Malformed("a header of a part has no colon"));
    };
    let (name, value) = (&line[..colon], &line[colon + 1..]);
    if !is_token(name) {
        return Err(FormError::Malformed("the name of a header of a part is not one"));
    }
    if value.contains(&b'\r') {
        return Err(FormError::Malformed("a header of a part holds a lone CR"));
    }
    Ok((name, value))
}

fn text(value: &[u8]) -> Result<&str, FormError> {
    match str::from_utf8(value) {
        Ok(value) => Ok(value.trim_matches(OPTIONAL_SPACE)),
        Err(_) => Err(FormError::Malformed("a header of a part is not UTF-8")),
    }
}

/// The field's name and the file's name in a content disposition.
fn names(disposition: &str) -> Result<(String, Option<String>), FormError> {
    let (kind, mut rest) = split_before(disposition, ';');
    if !kind.trim_end_matches(OPTIONAL_SPACE).eq_ignore_ascii_case("form-data") {
        return Err(FormError::Malformed("the disposition of a part is not form-data"));
    }
    let (mut name, mut extended_name, mut plain, mut extended) = (None, None, None, None);
    while let Some((parameter, value)) = next_parameter(&mut rest)? {
        match parameter.to_ascii_lowercase().as_str() {
            "name" => only(&mut name, value)?,
            // RFC 7578 has done away with this too, and one official client still sends it.
            "name*" => only(&mut extended_name, extended_value(&value)?)?,
            "filename" => only(&mut plain, value)?,
            "filename*" => only(&mut extended, extended_value(&value)?)?,
            _ => {}
        }
    }
    let name = match (name, extended_name) {
        (Some(name), None) | (None, Some(name)) => name,
        (None, None) => return Err(FormError::Malformed("a part has no name")),
        // Unlike a file's name, a field's decides what becomes of it: two readers may take different ones.
        (Some(_), Some(_)) => return Err(FormError::Malformed("a part has two names")),
    };
    // Who sends both sends the plain one for servers which cannot read the other.
    Ok((name, extended.or(plain)))
}

/// Notes a parameter that may stand only once: two readers may take different ones.
fn only(slot: &mut Option<String>, value: String) -> Result<(), FormError> {
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(FormError::Malformed("a parameter stands twice")),
    }
}

/// Takes one parameter from the front of `rest`, which is empty or begins with a semicolon.
fn next_parameter<'a>(rest: &mut &'a str) -> Result<Option<(&'a str, String)>, FormError> {
    // Empty parameters, as behind the last semicolon, do no harm.
    let text = rest.trim_start_matches([';', ' ', '\t']);
    if text.is_empty() {
        return Ok(None);
    }
    let Some((name, text)) = text.split_once('=') else {
        return Err(FormError::Malformed("a parameter has no value"));
    };
    let name = name.trim_end_matches(OPTIONAL_SPACE);
    if !is_token(name.as_bytes()) {
        return Err(FormError::Malformed("the name of a parameter is not one"));
    }
    let text = text.trim_start_matches(OPTIONAL_SPACE);
    let (value, text) = match text.strip_prefix('"') {
        Some(text) => quoted(text)?,
        None => unquoted(text)?,
    };
    let text = text.trim_start_matches(OPTIONAL_SPACE);
    if !text.is_empty() && !text.starts_with(';') {
        return Err(FormError::Malformed("something follows a quoted parameter"));
    }
    *rest = text;
    Ok(Some((name, value)))
}

/// The value up to the closing quote, and what follows.
fn quoted(text: &str) -> Result<(String, &str), FormError> {
    let mut value = String::new();
    let mut rest = text;
    loop {
        let Some(at) = rest.find(['"', '\\', '%']) else {
            return Err(FormError::Malformed("a quoted parameter does not end"));
        };
        value.push_str(&rest[..at]);
        rest = &rest[at..];
        if let Some(rest) = rest.strip_prefix('"') {
            return Ok((value, rest));
        }
        // All the characters looked for are one byte long.
        let (length, meant) = match ESCAPES.iter().find(|(escape, _)| rest.starts_with(escape)) {
            Some((escape, meant)) => (escape.len(), *meant),
            None => (1, char::from(rest.as_bytes()[0])),
        };
        value.push(meant);
        rest = &rest[length..];
    }
}

/// The value up to the next parameter. Wider than a token, since clients forget the quotes around `----=_Part_1` or `my
/// file.txt`.
fn unquoted(text: &str) -> Result<(String, &str), FormError> {
    let (value, rest) = split_before(text, ';');
    match value.contains('"') {
        true => Err(FormError::Malformed("a quote stands within a parameter")),
        false => Ok((value.trim_end_matches(OPTIONAL_SPACE).to_owned(), rest)),
    }
}

/// RFC 8187: `UTF-8'language'percent-encoded`.
fn extended_value(value: &str) -> Result<String, FormError> {
    // Falling back to another name would store a file under one that nobody chose, or take it for a field.
    let unreadable = || FormError::Malformed("an extended name is not UTF-8");
    let (charset, value) = value.split_once('\'').ok_or_else(unreadable)?;
    let (_language, value) = value.split_once('\'').ok_or_else(unreadable)?;
    if !charset.eq_ignore_ascii_case("utf-8") {
        return Err(unreadable());
    }
    let name = percent_decode_str(value).decode_utf8().map_err(|_| unreadable())?;
    Ok(name.into_owned())
}

/// Everything before `mark`, and `mark` with everything behind it.
fn split_before(text: &str, mark: char) -> (&str, &str) {
    text.split_at(text.find(mark).unwrap_or(text.len()))
}

/// RFC 9110: `token`.
fn is_token(text: &[u8]) -> bool {
    let allowed = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    !text.is_empty() && text.iter().all(allowed)
}
