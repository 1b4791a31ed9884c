//! The head of an ICAP answer: its status and its fields (RFC 3507, section 4.3.3).

use httparse::{ParserConfig, Status};
use intake_core::Fault;

use crate::wording::{failed, legible};

/// The most bytes of a head. The same goes for the HTTP heads in an answer, together.
pub(crate) const HEAD_BYTES: usize = 32 * 1024;
const MOST_FIELDS: usize = 100;

/// The head of an answer.
#[derive(Debug)]
pub(crate) struct IcapHead {
    pub(crate) status: u16,
    reason: String,
    fields: Vec<(String, Vec<u8>)>,
}

impl IcapHead {
    /// Reads a head, and returns it with its length. `None` if its end is still to come.
    ///
    /// # Errors
    ///
    /// If it is none, or too long.
    pub(crate) fn read(bytes: &[u8]) -> Result<Option<(Self, usize)>, Fault> {
        const ICAP: &[u8] = b"ICAP/1.0";
        let malformed = || failed(format!("the answer is not ICAP: \"{}\"", legible(bytes)));
        let begin = bytes.len().min(ICAP.len());
        if bytes[..begin] != ICAP[..begin] {
            return Err(malformed());
        }
        if begin < ICAP.len() {
            return Ok(None);
        }
        // Apart from the name of the protocol, the syntax is that of HTTP. Fields may have several lines, as in the draft
        // about X-Violations-Found.
        let as_http = [b"HTTP/1.0", &bytes[ICAP.len()..]].concat();
        let mut space = [httparse::EMPTY_HEADER; MOST_FIELDS];
        let mut head = httparse::Response::new(&mut space);
        let length = match as_folded_lines_may_be().parse_response(&mut head, &as_http) {
            Ok(Status::Complete(length)) if length <= HEAD_BYTES => length,
            Ok(Status::Partial) if bytes.len() <= HEAD_BYTES => return Ok(None),
            Ok(_) => return Err(failed("the head of the ICAP server's answer is too long")),
            Err(_) => return Err(malformed()),
        };
        let fields = head
            .headers
            .iter()
            .map(|field| (field.name.to_owned(), field.value.to_owned()));
        let read = Self {
            status: head.code.ok_or_else(malformed)?,
            reason: legible(head.reason.unwrap_or_default().as_bytes()),
            fields: fields.collect(),
        };
        Ok(Some((read, length)))
    }

    /// The value of the first field of this name, unless it is empty.
    pub(crate) fn field(&self, name: &str) -> Option<&[u8]> {
        let mut fields = self.fields.iter();
        let value = fields
            .find(|(its, _)| its.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.trim_ascii());
        value.filter(|value| !value.is_empty())
    }

    /// The value as it may be shown.
    pub(crate) fn shown(&self, name: &str) -> Option<String> {
        self.field(name).map(legible)
    }

    /// The value as a number.
    pub(crate) fn number(&self, name: &str) -> Option<u64> {
        std::str::from_utf8(self.field(name)?).ok()?.parse().ok()
    }

    /// Whether a list, such as `Allow: 204, trailers`, has an item. `None` if there is no such field.
    pub(crate) fn lists(&self, name: &str, item: &str) -> Option<bool> {
        let mut is_there = None;
        for (_, value) in self.fields.iter().filter(|(its, _)| its.eq_ignore_ascii_case(name)) {
            let mut items = value.split(|byte| *byte == b',');
            let has = items.any(|its| its.trim_ascii().eq_ignore_ascii_case(item.as_bytes()));
            is_there = Some(is_there.unwrap_or(false) || has);
        }
        is_there
    }

    /// The status with the server's words.
    pub(crate) fn status_line(&self) -> String {
        format!("{} {}", self.status, self.reason).trim_end().to_owned()
    }
}

/// For HTTP heads, too.
pub(crate) fn as_folded_lines_may_be() -> ParserConfig {
    let mut config = ParserConfig::default();
    config.allow_obsolete_multiline_headers_in_responses(true);
    config.allow_spaces_after_header_name_in_responses(true);
    config
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_read_when_it_is_whole() {
        let wire = b"ICAP/1.0 200 OK\r\nISTag: \"a\"\r\nX-Violations-Found: 1\r\n\t-\r\n\tBad\r\nAllow: 204\r\nAllow: trailers\r\n\r\nHTTP";
        for end in 0..wire.len() - 4 {
            assert!(IcapHead::read(&wire[..end]).unwrap().is_none(), "{end}");
        }
        let (head, length) = IcapHead::read(wire).unwrap().unwrap();
        assert_eq!((head.status_line().as_str(), length), ("200 OK", wire.len() - 4));
        assert_eq!(head.shown("istag").as_deref(), Some("\"a\""));
        assert_eq!(head.field("X-Violations-Found"), Some(&b"1\r\n\t-\r\n\tBad"[..]));
        for (name, item, expected) in [
            ("Allow", "204", Some(true)),
            ("allow", "Trailers", Some(true)),
            ("Allow", "206", Some(false)),
            ("Methods", "REQMOD", None),
        ] {
            assert_eq!(head.lists(name, item), expected, "{name} {item}");
        }
    }

    #[test]
    fn what_is_no_head_or_a_long_one_is_an_error() {
        let long = format!("ICAP/1.0 200 OK\r\nX: {}\r\n\r\n", "x".repeat(HEAD_BYTES));
        let endless = format!("ICAP/1.0 200 OK\r\nX: {}", "x".repeat(HEAD_BYTES));
        let many = format!("ICAP/1.0 200 OK\r\n{}\r\n", "X: y\r\n".repeat(MOST_FIELDS + 1));
        for wire in [
            "HTTP/1.1 200 OK\r\n\r\n",
            "ICAP/1.0 2OO OK\r\n\r\n",
            "ICAP/2.0",
            "x",
            "ICAP/1.0 204\r\nno colon\r\n\r\n",
            &long,
            &endless,
            &many,
        ] {
            assert!(
                IcapHead::read(wire.as_bytes()).is_err(),
                "{}",
                &wire[..wire.len().min(40)]
            );
        }
    }
}
