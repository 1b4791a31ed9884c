//! A header's parameters, and the two names that a part's `Content-Disposition` gives.

use std::borrow::Cow;

use encoding_rs::{Encoding, UTF_8, WINDOWS_1252};
use memchr::{memchr, memchr3};
use percent_encoding::percent_decode;

/// Characters that clients escape in a quoted string: browsers with percent signs (WHATWG HTML, "multipart/form-data"), most
/// others with a backslash. Every other backslash and percent sign stands for itself, as in `C:\photos\100%.jpg`.
const ESCAPES: [(&[u8], u8); 5] = [
    (b"\\\"", b'"'),
    (b"\\\\", b'\\'),
    (b"%22", b'"'),
    (b"%0D", b'\r'),
    (b"%0A", b'\n'),
];

const TWICE: &str = "a parameter is given twice; send each once";

/// The field's name and the file's name in the value of a `Content-Disposition`.
///
/// # Errors
///
/// The reason why it is invalid.
pub(super) fn names(disposition: &[u8]) -> Result<(String, Option<String>), &'static str> {
    // A value that keeps the rules is read by them. Only one that breaks them is read as from clients that put names between
    // quotes unescaped, with quotes and a backslash at the end: Uploadcare's for Swift, the library below the one for Ruby,
    // browsers.
    names_with(disposition, Quotes::Escaped).or_else(|_| names_with(disposition, Quotes::Raw))
}

fn names_with(disposition: &[u8], quotes: Quotes) -> Result<(String, Option<String>), &'static str> {
    let (kind, mut rest) = split_before(disposition, b';');
    if !kind.trim_ascii().eq_ignore_ascii_case(b"form-data") {
        return Err("its kind is not `form-data`; send `form-data; name=\"...\"`");
    }
    let (mut name, mut extended_name, mut file_name, mut extended_file_name) = (None, None, None, None);
    while let Some((parameter, value)) = next_parameter(&mut rest, quotes)? {
        match parameter.to_ascii_lowercase().as_slice() {
            b"name" => only(&mut name, value)?,
            // RFC 7578 forbids this too, and one official client still sends it.
            b"name*" => only(&mut extended_name, value)?,
            b"filename" => only(&mut file_name, value)?,
            b"filename*" => only(&mut extended_file_name, value)?,
            // RFC 2231, section 3. If it were ignored, the file would become a field.
            other if other.starts_with(b"filename*") => {
                return Err("the file name is cut into pieces; send it whole, as `filename`");
            }
            _ => {}
        }
    }
    let name = match (name, extended_name) {
        (Some(name), None) => decoded(&name).into_owned(),
        (None, Some(name)) => extended(&name).unwrap_or_else(|| decoded(&name).into_owned()),
        (None, None) => return Err("it gives no name; add `name=\"...\"`"),
        // A field's name, unlike a file's, decides how it is used, and two readers may take different ones.
        (Some(_), Some(_)) => return Err("it gives both `name` and `name*`; send one"),
    };
    // Clients that send both send the plain one for servers that cannot read the other.
    let file_name = match (extended_file_name, file_name) {
        (Some(sent), plain) => Some(extended(&sent).unwrap_or_else(|| decoded(&plain.unwrap_or(sent)).into_owned())),
        (None, plain) => plain.map(|plain| decoded(&plain).into_owned()),
    };
    // A missing quote must not turn a file into a field: fields that no endpoint reads are dropped.
    if quotes == Quotes::Raw && file_name.is_none() && name.to_ascii_lowercase().contains("filename") {
        return Err("it is not clear whether it gives a file name; write `\\\"` for a quote within a value");
    }
    Ok((name, file_name))
}

/// The text in these bytes: UTF-8, or else windows-1252, which decodes any bytes. Names in other encodings become garbled, but
/// are not lost.
pub(super) fn decoded(bytes: &[u8]) -> Cow<'_, str> {
    match str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => WINDOWS_1252.decode_without_bom_handling(bytes).0,
    }
}

/// RFC 8187: `UTF-8'language'percent-encoded`; RFC 5987 had other encodings too. `None` if the value has another form.
fn extended(value: &[u8]) -> Option<String> {
    let (charset, rest) = value.split_at(memchr(b'\'', value)?);
    let encoded = &rest[1 + memchr(b'\'', &rest[1..])? + 1..];
    let bytes: Vec<u8> = percent_decode(encoded).collect();
    let text = match Encoding::for_label(charset) {
        Some(encoding) if encoding != UTF_8 => encoding.decode_without_bom_handling(&bytes).0.into_owned(),
        _ => decoded(&bytes).into_owned(),
    };
    Some(text)
}

/// Stores a parameter that may be given only once, because two readers may take different ones.
pub(super) fn only(slot: &mut Option<Vec<u8>>, value: Vec<u8>) -> Result<(), &'static str> {
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(TWICE),
    }
}

/// How a quoted value is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Quotes {
    /// The first quote without a backslash before it ends the value.
    Escaped,
    /// A quote ends the value only where another parameter, or nothing, follows; a backslash before it means itself.
    Raw,
}

/// A parameter's name and value.
type Parameter<'a> = (&'a [u8], Vec<u8>);

/// Takes one parameter from the front of `rest`, which is empty or begins with a semicolon.
///
/// # Errors
///
/// The reason why it is invalid.
pub(super) fn next_parameter<'a>(rest: &mut &'a [u8], quotes: Quotes) -> Result<Option<Parameter<'a>>, &'static str> {
    let text = behind_separators(rest);
    if text.is_empty() {
        return Ok(None);
    }
    let Some(equals) = memchr(b'=', text) else {
        return Err("a parameter has no value; write `name=\"value\"`");
    };
    let name = text[..equals].trim_ascii_end();
    if !is_token(name) {
        return Err("a parameter's name has characters that no name may have; put quotes around values");
    }
    let text = text[equals + 1..].trim_ascii_start();
    let (value, text) = match text.strip_prefix(b"\"") {
        Some(text) => quoted(text, quotes)?,
        None => unquoted(text)?,
    };
    *rest = text;
    Ok(Some((name, value)))
}

/// The value up to the closing quote, and what follows.
fn quoted(text: &[u8], quotes: Quotes) -> Result<(Vec<u8>, &[u8]), &'static str> {
    let mut value = Vec::new();
    let mut rest = text;
    loop {
        let Some(at) = memchr3(b'"', b'\\', b'%', rest) else {
            return Err("a quoted value has no closing quote; end it with `\"`");
        };
        value.extend_from_slice(&rest[..at]);
        rest = &rest[at..];
        let closed = match quotes {
            Quotes::Escaped => rest.strip_prefix(b"\""),
            Quotes::Raw => (rest.strip_prefix(b"\"").or_else(|| rest.strip_prefix(b"\\\""))).filter(|rest| ends(rest)),
        };
        if let Some(behind) = closed {
            if !ends_or_goes_on(behind) {
                return Err("something follows a quoted value; write `\\\"` for a quote within it");
            }
            value.extend_from_slice(&rest[..rest.len() - behind.len() - 1]);
            return Ok((value, behind));
        }
        let (length, meant) = match ESCAPES.iter().find(|(escape, _)| rest.starts_with(escape)) {
            Some((escape, meant)) => (escape.len(), *meant),
            None => (1, rest[0]),
        };
        value.push(meant);
        rest = &rest[length..];
    }
}

/// Whether the parameters may end before `rest`, or another one may begin there.
fn ends_or_goes_on(rest: &[u8]) -> bool {
    matches!(rest.trim_ascii_start().first(), None | Some(b';'))
}

/// Whether nothing follows but a parameter, which has a name and a value.
fn ends(rest: &[u8]) -> bool {
    let parameter = behind_separators(rest);
    let name = parameter.iter().take_while(|byte| is_token(&[**byte])).count();
    let is_parameter = name > 0 && parameter[name..].trim_ascii_start().starts_with(b"=");
    ends_or_goes_on(rest) && (parameter.is_empty() || is_parameter)
}

/// The text after the semicolons and spaces at the front. Empty parameters, as after the last one, do no harm.
fn behind_separators(text: &[u8]) -> &[u8] {
    let separators = text.iter().take_while(|byte| b"; \t".contains(byte)).count();
    &text[separators..]
}

/// The value up to the next parameter. It allows more than a token, because clients forget the quotes around `----=_Part_1` or
/// `my file.txt`.
fn unquoted(text: &[u8]) -> Result<(Vec<u8>, &[u8]), &'static str> {
    let (value, rest) = split_before(text, b';');
    match memchr(b'"', value) {
        Some(_) => Err("a quote stands within a value that has no quotes around it; put quotes around it"),
        None => Ok((value.trim_ascii_end().to_owned(), rest)),
    }
}

/// The text before `mark`, and `mark` with the text after it.
pub(super) fn split_before(text: &[u8], mark: u8) -> (&[u8], &[u8]) {
    text.split_at(memchr(mark, text).unwrap_or(text.len()))
}

/// RFC 9110: `token`.
pub(super) fn is_token(text: &[u8]) -> bool {
    let allowed = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    !text.is_empty() && text.iter().all(allowed)
}
