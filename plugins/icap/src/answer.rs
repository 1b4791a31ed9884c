//! An answer of the server, read as its bytes come in. The file in it is counted and hashed, and not kept.

use httparse::Status;
use intake_core::Fault;

use crate::chunked::Chunked;
use crate::head::{HEAD_BYTES, IcapHead, as_folded_lines_may_be};
use crate::tally::Tally;
use crate::wording::failed;

const MOST_FIELDS: usize = 256;

/// An answer, as far as it came.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    state: State,
    /// Bytes of a head that is not whole, or what follows the answer.
    held: Vec<u8>,
    head: Option<IcapHead>,
    http: Option<Http>,
    body: Option<Tally>,
}

#[derive(Debug, Default)]
enum State {
    /// The head of the answer.
    #[default]
    Head,
    /// The HTTP heads in it.
    Http(Layout),
    /// The body of the HTTP message.
    Body(Chunked),
    Done,
}

/// The heads of the HTTP messages in an answer.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Http {
    /// The method and the target of the request.
    pub(crate) request: Option<(String, String)>,
    /// The status of the response.
    pub(crate) status: Option<u16>,
}

/// Where the parts of an answer stand (RFC 3507, section 4.4.1).
#[derive(Debug, PartialEq, Eq)]
struct Layout {
    /// The HTTP heads: whether it is that of a response, and where it begins.
    heads: Vec<(bool, usize)>,
    /// Where the heads end, and the body begins if there is one.
    end: usize,
    has_body: bool,
}

impl Answer {
    /// Reads the next bytes.
    ///
    /// # Errors
    ///
    /// If they are malformed.
    pub(crate) fn read(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        self.held.extend_from_slice(bytes);
        loop {
            let used = match &mut self.state {
                State::Head => match IcapHead::read(&self.held)? {
                    None => return Ok(()),
                    Some((head, length)) => {
                        self.state = State::behind(&head)?;
                        self.head = Some(head);
                        length
                    }
                },
                State::Http(layout) => {
                    if self.held.len() < layout.end {
                        return Ok(());
                    }
                    let (end, has_body) = (layout.end, layout.has_body);
                    self.http = Some(Http::read(&self.held[..end], &layout.heads)?);
                    self.state = match has_body {
                        true => State::Body(Chunked::new()),
                        false => State::Done,
                    };
                    end
                }
                State::Body(chunked) => {
                    let tally = self.body.get_or_insert_default();
                    let used = chunked.read(&self.held, |piece| tally.add(piece))?;
                    if !chunked.is_done() {
                        self.held.clear();
                        return Ok(());
                    }
                    self.state = State::Done;
                    used
                }
                State::Done if self.held.len() > HEAD_BYTES => {
                    return Err(failed("the ICAP server sent more than an answer"));
                }
                State::Done => return Ok(()),
            };
            self.held.drain(..used);
        }
    }

    pub(crate) fn head(&self) -> Option<&IcapHead> {
        self.head.as_ref()
    }

    pub(crate) fn http(&self) -> Option<&Http> {
        self.http.as_ref()
    }

    /// The body, as far as it came. `None` if there is none.
    pub(crate) fn body(&self) -> Option<&Tally> {
        self.body.as_ref()
    }

    /// Whether the answer is whole.
    pub(crate) fn is_done(&self) -> bool {
        matches!(self.state, State::Done)
    }

    /// Whether it is whole, and no bytes follow it.
    pub(crate) fn is_all(&self) -> bool {
        self.is_done() && self.held.is_empty()
    }

    /// Whether nothing came.
    pub(crate) fn is_empty(&self) -> bool {
        self.head.is_none() && self.held.is_empty()
    }

    /// The answer that follows this one.
    ///
    /// # Errors
    ///
    /// If what is there of it already is malformed.
    pub(crate) fn next(self) -> Result<Self, Fault> {
        let mut next = Self::default();
        next.read(&self.held)?;
        Ok(next)
    }
}

impl State {
    /// What follows a head.
    fn behind(head: &IcapHead) -> Result<Self, Fault> {
        let malformed = || failed("the ICAP server's answer has a malformed field Encapsulated");
        match head.field("Encapsulated") {
            None => Ok(Self::Done),
            Some(value) => Layout::read(value).map(Self::Http).ok_or_else(malformed),
        }
    }
}

impl Layout {
    /// Reads a list such as `req-hdr=0, res-hdr=45, res-body=100`.
    fn read(value: &[u8]) -> Option<Self> {
        let (mut heads, mut body, mut last) = (Vec::new(), None, 0);
        for item in std::str::from_utf8(value).ok()?.split(',') {
            let (name, offset) = item.trim().split_once('=')?;
            let offset: usize = offset.trim().parse().ok()?;
            let is_first = heads.is_empty();
            // Nothing follows a body, and nothing stands before the first part.
            if body.is_some() || offset > HEAD_BYTES || offset < last || (is_first && offset != 0) {
                return None;
            }
            match name.trim().to_ascii_lowercase().as_str() {
                "req-hdr" if is_first => heads.push((false, offset)),
                "res-hdr" if heads.iter().all(|(is_response, _)| !is_response) => heads.push((true, offset)),
                "req-body" | "res-body" | "opt-body" => body = Some(true),
                "null-body" => body = Some(false),
                _ => return None,
            }
            last = offset;
        }
        body.map(|has_body| Self {
            heads,
            end: last,
            has_body,
        })
    }
}

impl Http {
    fn read(bytes: &[u8], heads: &[(bool, usize)]) -> Result<Self, Fault> {
        let malformed = || failed("the HTTP head in the ICAP server's answer is malformed");
        let mut read = Self::default();
        let ends = heads.iter().skip(1).map(|(_, begin)| *begin).chain([bytes.len()]);
        for ((is_response, begin), end) in heads.iter().zip(ends) {
            let bytes = &bytes[*begin..end];
            let mut space = [httparse::EMPTY_HEADER; MOST_FIELDS];
            if *is_response {
                let mut head = httparse::Response::new(&mut space);
                let parsed = as_folded_lines_may_be().parse_response(&mut head, bytes);
                let is_whole = matches!(parsed, Ok(Status::Complete(length)) if length == bytes.len());
                read.status = head.code.filter(|_| is_whole);
                read.status.ok_or_else(malformed)?;
            } else {
                let mut head = httparse::Request::new(&mut space);
                let is_whole = matches!(head.parse(bytes), Ok(Status::Complete(length)) if length == bytes.len());
                let line = head.method.zip(head.path).filter(|_| is_whole);
                let (method, target) = line.ok_or_else(malformed)?;
                read.request = Some((method.to_owned(), target.to_owned()));
            }
        }
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(wire: &[u8], cut: usize) -> Result<Answer, Fault> {
        let mut answer = Answer::default();
        for piece in wire.chunks(cut) {
            answer.read(piece)?;
        }
        Ok(answer)
    }

    #[test]
    fn an_answer_is_the_same_however_it_is_cut() {
        let page = b"HTTP/1.0 403 Forbidden\r\nServer: x\r\n\r\n";
        let answer = format!(
            "ICAP/1.0 200 OK\r\nEncapsulated: res-hdr=0, res-body={}\r\n\r\n",
            page.len()
        );
        let wire = [answer.as_bytes(), page, b"5\r\nhello\r\n0\r\n\r\nICAP/1.0 204"].concat();
        for cut in [1, 2, 3, 7, 1000] {
            let answer = read(&wire, cut).unwrap();
            assert_eq!(answer.head().unwrap().status, 200);
            assert_eq!(answer.http().unwrap().status, Some(403));
            assert_eq!(answer.body().unwrap().bytes(), 5);
            assert!(answer.is_done() && !answer.is_all());
            let next = answer.next().unwrap();
            assert!(!next.is_empty() && next.head().is_none());
        }
        for end in 1..wire.len() - b"ICAP/1.0 204".len() {
            assert!(!read(&wire[..end], 1000).unwrap().is_done(), "{end}");
        }
    }

    #[test]
    fn parts_stand_where_the_list_says() {
        let whole = |heads: &[(bool, usize)], end, has_body| {
            Some(Layout {
                heads: heads.to_vec(),
                end,
                has_body,
            })
        };
        for (value, layout) in [
            ("null-body=0", whole(&[], 0, false)),
            ("opt-body=0", whole(&[], 0, true)),
            ("res-hdr=0, res-body=112", whole(&[(true, 0)], 112, true)),
            (
                "req-hdr=0,res-hdr=40 , null-body=112",
                whole(&[(false, 0), (true, 40)], 112, false),
            ),
            ("", None),
            ("res-hdr=0", None),
            ("res-hdr=5, res-body=112", None),
            ("res-hdr=0, res-body=99999999", None),
            ("res-hdr=0, res-body=-1", None),
            ("req-hdr=0, res-hdr=90, res-body=40", None),
            ("res-body=0, res-hdr=40", None),
            ("res-hdr=0, res-hdr=10, res-body=40", None),
            ("fun-hdr=0, res-body=40", None),
        ] {
            assert_eq!(Layout::read(value.as_bytes()), layout, "{value}");
        }
    }

    /// What an answer is, in words.
    fn told(wire: &[u8], cut: usize) -> String {
        match read(wire, cut) {
            Err(fault) => fault.code.to_string(),
            Ok(answer) => {
                let status = answer.head().map(|head| head.status_line());
                let body = answer.body().map(Tally::bytes);
                format!(
                    "{status:?} {:?} {body:?} {} {}",
                    answer.http(),
                    answer.is_done(),
                    answer.is_all()
                )
            }
        }
    }

    fn pieces_of_answers() -> impl Strategy<Value = Vec<u8>> {
        let known = prop::sample::select(vec![
            &b"ICAP/1.0 200 OK\r\n"[..],
            b"ICAP/1.0 204 No Content\r\n",
            b"Encapsulated: res-hdr=0, res-body=19\r\n",
            b"Encapsulated: req-hdr=0, null-body=26\r\n",
            b"X-Violations-Found: 1\r\n\t-\r\n\tBad\r\n",
            b"HTTP/1.1 200 OK\r\n\r\n",
            b"POST http://a/ HTTP/1.1\r\n\r\n",
            b"\r\n",
            b"5\r\nhello\r\n",
            b"0\r\n\r\n",
            b"0; ieof\r\n\r\n",
        ]);
        let any = prop::collection::vec(any::<u8>(), 0..4);
        let piece = prop_oneof![8 => known.prop_map(<[u8]>::to_vec), 1 => any];
        prop::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_the_same_however_they_are_cut(wire in pieces_of_answers(), cut in 1_usize..20) {
            prop_assert_eq!(told(&wire, 100_000), told(&wire, cut));
        }
    }

    #[test]
    fn an_http_head_that_is_cut_wrongly_is_an_error() {
        let page = b"HTTP/1.1 200 OK\r\nX: y\r\n\r\n";
        for shift in [-2_i64, -1, 1, 2] {
            let at = page.len() as i64 + shift;
            let answer = format!("ICAP/1.0 200 OK\r\nEncapsulated: res-hdr=0, res-body={at}\r\n\r\n");
            let wire = [answer.as_bytes(), page, b"5\r\nhello\r\n0\r\n\r\n"].concat();
            assert!(read(&wire, 1000).is_err(), "{shift}");
        }
    }
}
