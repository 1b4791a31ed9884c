//! The chunked encoding of bodies (RFC 9112, section 7.1), as ICAP has them.

use intake_core::Fault;

use crate::wording::failed;

/// What ends a body.
pub(crate) const END: &[u8] = b"0\r\n\r\n";

/// The size of a chunk with its extensions, or a line of the trailer.
const LINE_BYTES: usize = 4096;
const TRAILER_BYTES: usize = 16 * 1024;

/// Writes bytes as one chunk. An empty chunk would be the end, so nothing is written for no bytes.
pub(crate) fn write_chunk(wire: &mut Vec<u8>, bytes: &[u8]) {
    if !bytes.is_empty() {
        wire.extend_from_slice(format!("{:x}\r\n", bytes.len()).as_bytes());
        wire.extend_from_slice(bytes);
        wire.extend_from_slice(b"\r\n");
    }
}

/// A body that is being read.
#[derive(Debug)]
pub(crate) struct Chunked {
    state: State,
    /// The line that is being read.
    line: Vec<u8>,
    trailer: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// The line with the size of the next chunk.
    Size,
    /// So many bytes of a chunk are to come.
    Data(u64),
    /// The line end behind a chunk.
    DataEnd,
    /// The lines behind the last chunk.
    Trailer,
    Done,
}

impl Chunked {
    pub(crate) fn new() -> Self {
        Self {
            state: State::Size,
            line: Vec::new(),
            trailer: 0,
        }
    }

    pub(crate) fn is_done(&self) -> bool {
        self.state == State::Done
    }

    /// Reads bytes, and hands on those of the content. Returns how many belong to this body.
    ///
    /// # Errors
    ///
    /// If they are not chunked.
    pub(crate) fn read(&mut self, bytes: &[u8], mut take: impl FnMut(&[u8])) -> Result<usize, Fault> {
        let mut rest = bytes;
        while !rest.is_empty() && !self.is_done() {
            if let State::Data(left) = self.state {
                let now = usize::try_from(left).map_or(rest.len(), |left| left.min(rest.len()));
                let (data, behind) = rest.split_at(now);
                take(data);
                rest = behind;
                self.state = match left - now as u64 {
                    0 => State::DataEnd,
                    left => State::Data(left),
                };
                continue;
            }
            let end = rest.iter().position(|byte| *byte == b'\n').map(|at| at + 1);
            let (line, behind) = rest.split_at(end.unwrap_or(rest.len()));
            if self.line.len() + line.len() > LINE_BYTES {
                return Err(malformed());
            }
            self.line.extend_from_slice(line);
            rest = behind;
            if end.is_some() {
                self.state = self.next()?;
                self.line.clear();
            }
        }
        Ok(bytes.len() - rest.len())
    }

    /// What a whole line leads to.
    fn next(&mut self) -> Result<State, Fault> {
        let is_empty = self.line == b"\r\n";
        match self.state {
            // httparse 1.10.1 takes a line without a number for the last chunk.
            State::Size if !self.line[0].is_ascii_hexdigit() => Err(malformed()),
            State::Size => match httparse::parse_chunk_size(&self.line) {
                Ok(httparse::Status::Complete((_, 0))) => Ok(State::Trailer),
                Ok(httparse::Status::Complete((_, size))) => Ok(State::Data(size)),
                _ => Err(malformed()),
            },
            State::DataEnd if is_empty => Ok(State::Size),
            State::Trailer if is_empty => Ok(State::Done),
            State::Trailer => {
                self.trailer += self.line.len();
                match self.trailer > TRAILER_BYTES {
                    true => Err(malformed()),
                    false => Ok(State::Trailer),
                }
            }
            State::DataEnd | State::Data(_) | State::Done => Err(malformed()),
        }
    }
}

fn malformed() -> Fault {
    failed("the ICAP server sent a body that is not chunked")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(wire: &[u8], cut: usize) -> Option<(Vec<u8>, bool, usize)> {
        let mut chunked = Chunked::new();
        let mut content = Vec::new();
        let mut used = 0;
        for piece in wire.chunks(cut) {
            used += chunked.read(piece, |bytes| content.extend_from_slice(bytes)).ok()?;
        }
        Some((content, chunked.is_done(), used))
    }

    #[test]
    fn a_body_is_the_same_however_it_is_cut() {
        for (wire, content, is_done, behind) in [
            (&b"5\r\nhello\r\n0\r\n\r\n"[..], &b"hello"[..], true, 0),
            (b"5;x=y\r\nhello\r\n2\r\n, \r\n0; ieof\r\n\r\n", b"hello, ", true, 0),
            (b"5\r\nhello\r\n0\r\nX-A: b\r\n\r\nICAP/1.0", b"hello", true, 8),
            (b"0\r\n\r\n", b"", true, 0),
            (b"5\r\nhel", b"hel", false, 0),
            (b"5\r\nhello\r\n0\r\n", b"hello", false, 0),
            (b"", b"", false, 0),
        ] {
            for cut in [1, 2, 3, 7, 1000] {
                let expected = Some((content.to_vec(), is_done, wire.len() - behind));
                assert_eq!(read(wire, cut), expected, "{} by {cut}", wire.escape_ascii());
            }
        }
    }

    #[test]
    fn what_is_not_chunked_is_an_error() {
        let long_line = [b"5;", &[b'x'; 5000][..], b"\r\nhello\r\n0\r\n\r\n"].concat();
        let long_trailer = [b"0\r\n", "X: y\r\n".repeat(4000).as_bytes()].concat();
        for wire in [
            &b"hello\r\n"[..],
            b"\r\n",
            b"-5\r\nhello\r\n",
            b"5\r\nhello0\r\n\r\n",
            b"5\r\nhelloworld\r\n0\r\n\r\n",
            b"fffffffffffffffff\r\n",
            &long_line,
            &long_trailer,
        ] {
            for cut in [1, 3, 100_000] {
                assert_eq!(read(wire, cut), None, "{}", wire[..wire.len().min(40)].escape_ascii());
            }
        }
    }

    #[test]
    fn what_is_written_can_be_read() {
        let mut wire = Vec::new();
        for piece in [&b"hello"[..], b"", b", world"] {
            write_chunk(&mut wire, piece);
        }
        wire.extend_from_slice(END);
        assert_eq!(read(&wire, 3).unwrap().0, b"hello, world");
    }
}
