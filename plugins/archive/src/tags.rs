//! Cuts markup into its tags, while it arrives.

/// The most bytes of a tag. Longer ones are passed over.
const MOST_BYTES: usize = 16 * 1024;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Text,
    Tag,
    /// In a value of a tag, up to this quote.
    Quoted(u8),
    Comment,
    /// A processing instruction.
    Instruction,
}

/// Cuts markup into its tags.
#[derive(Debug, Default)]
pub(crate) struct Tags {
    state: State,
    /// The tag so far, with its angle brackets.
    tag: Vec<u8>,
    is_too_long: bool,
}

impl Tags {
    /// Takes bytes from the front of `input`, up to the end of a tag, which it returns. An empty one was too long.
    pub(crate) fn next(&mut self, input: &mut &[u8]) -> Option<Vec<u8>> {
        while let Some((byte, rest)) = input.split_first() {
            *input = rest;
            // Every other byte of UTF-16 is zero here, as all of the markup that matters is ASCII.
            if *byte == 0 {
                continue;
            }
            if self.state == State::Text {
                if *byte == b'<' {
                    self.tag.push(*byte);
                    self.state = State::Tag;
                }
                continue;
            }
            self.push(*byte);
            self.state = self.follow(*byte);
            if self.state == State::Text {
                let tag = std::mem::take(&mut self.tag);
                let is_too_long = std::mem::take(&mut self.is_too_long);
                return Some(if is_too_long { Vec::new() } else { tag });
            }
        }
        None
    }

    /// The state behind a byte of a tag.
    fn follow(&self, byte: u8) -> State {
        match self.state {
            State::Tag if self.tag == b"<!--" => State::Comment,
            State::Tag if self.tag == b"<?" => State::Instruction,
            State::Tag if byte == b'>' => State::Text,
            State::Tag if matches!(byte, b'"' | b'\'') => State::Quoted(byte),
            State::Quoted(quote) if byte == quote => State::Tag,
            State::Comment if self.tag.len() > 6 && self.tag.ends_with(b"-->") => State::Text,
            State::Instruction if self.tag.len() > 3 && self.tag.ends_with(b"?>") => State::Text,
            state => state,
        }
    }

    fn push(&mut self, byte: u8) {
        if self.tag.len() == MOST_BYTES {
            // Of a comment, only the end matters; a tag that is too long is of no use.
            self.is_too_long |= !matches!(self.state, State::Comment | State::Instruction);
            self.tag.drain(8..MOST_BYTES - 8);
        }
        self.tag.push(byte);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(markup: &[u8], piece: usize) -> Vec<String> {
        let mut tags = Tags::default();
        let mut found = Vec::new();
        for mut piece in markup.chunks(piece) {
            while let Some(tag) = tags.next(&mut piece) {
                found.push(String::from_utf8(tag).expect("ASCII"));
            }
        }
        found
    }

    #[test]
    fn markup_is_cut_into_its_tags() {
        let markup = br#"<?xml version="1.0"?><a b='>"' c="</>">text<!-- <no a="> --></a ><!---->x<b/>"#;
        let expected = [
            r#"<?xml version="1.0"?>"#,
            r#"<a b='>"' c="</>">"#,
            r#"<!-- <no a="> -->"#,
            "</a >",
            "<!---->",
            "<b/>",
        ];
        for piece in [1, 2, 5, 1000] {
            assert_eq!(tags(markup, piece), expected);
        }
        let wide: Vec<u8> = markup.iter().flat_map(|byte| [*byte, 0]).collect();
        assert_eq!(tags(&[b"\xFF\xFE", &wide[..]].concat(), 3), expected);
    }

    #[test]
    fn a_tag_that_is_too_long_is_empty_and_those_behind_it_are_there() {
        let long = "x".repeat(40_000);
        let markup = format!("<a b='{long}'/><b/><!-- {long} --><c/>");
        let found = tags(markup.as_bytes(), 1000);
        assert_eq!(
            (found[0].as_str(), found[1].as_str(), found[3].as_str()),
            ("", "<b/>", "<c/>")
        );
        assert!(found.iter().all(|tag| tag.len() <= MOST_BYTES));
    }
}
