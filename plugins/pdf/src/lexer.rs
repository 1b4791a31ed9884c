//! The tokens of PDF syntax (ISO 32000-2, 7.2 and 7.3), from bytes that come one by one.

/// The most bytes of a name or a word that are kept. The standard allows 127; the rest of a longer one is dropped.
const MOST_KEPT: usize = 1024;

/// A token. Strings have no content here: it is not syntax.
#[derive(Debug)]
pub(crate) enum Token<'a> {
    /// Without its slash, and decoded.
    Name(&'a [u8]),
    /// A number or a keyword.
    Word(&'a [u8]),
    Text,
    OpenDict,
    CloseDict,
    OpenArray,
    CloseArray,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Between,
    Word,
    Name,
    Hash,
    HashDigit(u8),
    Comment,
    Text { depth: u32, is_escaped: bool },
    Less,
    Greater,
    Hex,
}

/// Cuts bytes into tokens.
#[derive(Debug)]
pub(crate) struct Lexer {
    state: State,
    kept: Vec<u8>,
}

impl Lexer {
    pub(crate) fn new() -> Self {
        Self {
            state: State::Between,
            kept: Vec::new(),
        }
    }

    /// Forgets an unfinished token.
    pub(crate) fn reset(&mut self) {
        self.state = State::Between;
        self.kept.clear();
    }

    /// Takes the next byte; gives the tokens that end with it or before it, which are two at most.
    pub(crate) fn step(&mut self, byte: u8, mut on: impl FnMut(Token<'_>)) {
        match self.state {
            State::Between => self.begin(byte, on),
            State::Word | State::Name => self.continued(byte, on),
            State::Hash => match hex(byte) {
                Some(digit) => self.state = State::HashDigit(digit << 4),
                None => {
                    self.keep(b'#');
                    self.state = State::Name;
                    self.step(byte, on);
                }
            },
            State::HashDigit(high) => {
                self.state = State::Name;
                match hex(byte) {
                    Some(low) => self.keep(high | low),
                    None => {
                        self.keep(b'#');
                        self.keep(digit_of(high >> 4));
                        self.step(byte, on);
                    }
                }
            }
            State::Comment => {
                if matches!(byte, b'\r' | b'\n') {
                    self.state = State::Between;
                }
            }
            State::Text { depth, is_escaped } => self.text(byte, depth, is_escaped, on),
            State::Less if byte == b'<' => {
                self.state = State::Between;
                on(Token::OpenDict);
            }
            State::Less | State::Hex => {
                self.state = State::Hex;
                if byte == b'>' {
                    self.state = State::Between;
                    on(Token::Text);
                }
            }
            State::Greater => {
                self.state = State::Between;
                if byte == b'>' {
                    on(Token::CloseDict);
                } else {
                    self.begin(byte, on);
                }
            }
        }
    }

    /// Ends the last token at the end of the bytes.
    pub(crate) fn end(&mut self, on: impl FnMut(Token<'_>)) {
        self.step(b'\n', on);
    }

    fn begin(&mut self, byte: u8, mut on: impl FnMut(Token<'_>)) {
        match byte {
            b'/' => self.state = State::Name,
            b'%' => self.state = State::Comment,
            b'(' => {
                self.state = State::Text {
                    depth: 1,
                    is_escaped: false,
                }
            }
            b'<' => self.state = State::Less,
            b'>' => self.state = State::Greater,
            b'[' => on(Token::OpenArray),
            b']' => on(Token::CloseArray),
            _ if is_space(byte) || is_delimiter(byte) => {}
            _ => {
                self.keep(byte);
                self.state = State::Word;
            }
        }
    }

    fn continued(&mut self, byte: u8, mut on: impl FnMut(Token<'_>)) {
        if is_space(byte) || is_delimiter(byte) {
            match self.state {
                State::Name => on(Token::Name(&self.kept)),
                _ => on(Token::Word(&self.kept)),
            }
            self.reset();
            self.begin(byte, on);
        } else if byte == b'#' && self.state == State::Name {
            self.state = State::Hash;
        } else {
            self.keep(byte);
        }
    }

    fn text(&mut self, byte: u8, depth: u32, is_escaped: bool, mut on: impl FnMut(Token<'_>)) {
        let depth = match byte {
            _ if is_escaped => depth,
            b'(' => depth.saturating_add(1),
            b')' => depth.saturating_sub(1),
            _ => depth,
        };
        if depth == 0 {
            self.state = State::Between;
            on(Token::Text);
            return;
        }
        self.state = State::Text {
            depth,
            is_escaped: byte == b'\\' && !is_escaped,
        };
    }

    fn keep(&mut self, byte: u8) {
        if self.kept.len() < MOST_KEPT {
            self.kept.push(byte);
        }
    }
}

/// White space of PDF.
pub(crate) fn is_space(byte: u8) -> bool {
    matches!(byte, b'\0' | b'\t' | b'\n' | b'\x0C' | b'\r' | b' ')
}

fn is_delimiter(byte: u8) -> bool {
    matches!(
        byte,
        b'(' | b')' | b'<' | b'>' | b'[' | b']' | b'{' | b'}' | b'/' | b'%'
    )
}

/// The value of a hexadecimal digit.
pub(crate) fn hex(byte: u8) -> Option<u8> {
    // Lossless: a digit is less than 16.
    char::from(byte).to_digit(16).map(|digit| digit as u8)
}

fn digit_of(value: u8) -> u8 {
    b"0123456789abcdef".get(usize::from(value)).copied().unwrap_or(b'0')
}
