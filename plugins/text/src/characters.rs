//! The characters of a text, and its lines.

use crate::finding::Finding;
use crate::kind::Kind;
use crate::note::LineEnding;
use crate::settings::{Bidi, Choice, Settings};

/// The end of a file in CP/M and DOS; some editors still write it.
const END_OF_FILE: char = '\u{1A}';
const ESCAPE: char = '\u{1B}';
/// How many characters of direction may be open at a time (Unicode Bidirectional Algorithm, section 3.3.2). More count as not
/// closed.
const MOST_OPEN: usize = 125;
/// The most characters of a sequence that colours text.
const MOST_OF_COLOR: u8 = 32;

/// What was read of a sequence that colours text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Color {
    #[default]
    None,
    Escape,
    /// So many characters behind the bracket.
    Bracket(u8),
}

/// What is known of the characters so far.
#[derive(Debug)]
pub(crate) struct Characters {
    control: Choice,
    c1: Choice,
    colors: Choice,
    bidi: Bidi,
    max_line: Option<u64>,
    color: Color,
    /// The closing characters of those that are open in this line, and the first of them.
    open: Vec<char>,
    first_open: Option<char>,
    /// An end-of-file character, which nothing may follow.
    has_ended: bool,
    was_return: bool,
    line: u64,
    line_bytes: u64,
    endings: [bool; 3],
    pub(crate) has_bidi: bool,
    pub(crate) is_ascii: bool,
}

impl Characters {
    pub(crate) fn new(settings: &Settings, kind: Kind) -> Self {
        Self {
            control: settings.control_characters,
            c1: settings.c1_characters,
            colors: settings.color_codes,
            bidi: if kind == Kind::Code {
                settings.bidi_in_code
            } else {
                settings.bidi_in_text
            },
            max_line: settings.max_line,
            color: Color::None,
            open: Vec::new(),
            first_open: None,
            has_ended: false,
            was_return: false,
            line: 1,
            line_bytes: 0,
            endings: [false; 3],
            has_bidi: false,
            is_ascii: true,
        }
    }

    /// The encoding is guessed from here on, so bytes beyond ASCII may be other characters. Those of direction still count: what
    /// is valid UTF-8 is shown so by a program that takes the text for UTF-8.
    pub(crate) fn doubt(&mut self) {
        self.c1 = Choice::Accept;
    }

    /// The number of the current line.
    pub(crate) fn line(&self) -> u64 {
        self.line
    }

    /// The number of lines.
    pub(crate) fn lines(&self) -> u64 {
        self.line - u64::from(self.line_bytes == 0)
    }

    pub(crate) fn ending(&self) -> Option<LineEnding> {
        let kinds = [LineEnding::Lf, LineEnding::Crlf, LineEnding::Cr];
        let mut seen = kinds.into_iter().zip(self.endings).filter(|(_, is_seen)| *is_seen);
        match (seen.next(), seen.next()) {
            (Some((ending, _)), None) => Some(ending),
            (Some(_), Some(_)) => Some(LineEnding::Mixed),
            (None, _) => None,
        }
    }

    /// Reads on. Returns the first finding, and the number of bytes up to its end.
    pub(crate) fn push(&mut self, text: &str) -> Option<(usize, Finding)> {
        for (at, character) in text.char_indices() {
            // Nearly all of most texts.
            let is_usual = matches!(character, ' '..='~') && self.color == Color::None && self.max_line.is_none();
            let found = if is_usual && !self.has_ended && !self.was_return {
                self.line_bytes += 1;
                None
            } else {
                self.read(character)
            };
            if let Some(finding) = found {
                return Some((at + character.len_utf8(), finding));
            }
        }
        None
    }

    /// Ends the text.
    pub(crate) fn finish(&mut self) -> Option<Finding> {
        if std::mem::take(&mut self.was_return) {
            self.end_line(2);
        }
        let unfinished = self.color != Color::None;
        self.color = Color::None;
        if unfinished && self.control == Choice::Refuse {
            return Some(self.control(ESCAPE));
        }
        self.end_directions()
    }

    fn read(&mut self, character: char) -> Option<Finding> {
        self.is_ascii &= character.is_ascii();
        if std::mem::take(&mut self.was_return) {
            let is_pair = character == '\n';
            self.end_line(if is_pair { 1 } else { 2 });
            if is_pair {
                return None;
            }
        }
        if std::mem::take(&mut self.has_ended) && character != END_OF_FILE && self.control == Choice::Refuse {
            return Some(self.control(END_OF_FILE));
        }
        if let Some(found) = self.read_color(character) {
            return found;
        }
        match character {
            '\n' | '\r' => {
                let found = self.end_directions();
                match character {
                    '\n' => self.end_line(0),
                    _ => self.was_return = true,
                }
                return found;
            }
            END_OF_FILE => self.has_ended = true,
            ESCAPE if self.colors == Choice::Accept => self.color = Color::Escape,
            '\t' | '\u{C}' => {}
            '\0'..='\u{1F}' if self.control == Choice::Refuse => return Some(self.control(character)),
            // NEL ends lines where files came from mainframes.
            '\u{80}'..='\u{9F}' if self.c1 == Choice::Refuse && character != '\u{85}' => {
                return Some(self.control(character));
            }
            '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' => {
                self.has_bidi = true;
                if let Some(finding) = self.direction(character) {
                    return Some(finding);
                }
            }
            '\u{2029}' => {
                if let Some(finding) = self.end_directions() {
                    return Some(finding);
                }
            }
            _ => {}
        }
        self.line_bytes += character.len_utf8() as u64;
        let most = self.max_line.filter(|most| self.line_bytes > *most)?;
        Some(Finding::LineTooLong { line: self.line, most })
    }

    /// Within a sequence that colours text, or erases the rest of a line: whether it goes on, ends, or is another one.
    fn read_color(&mut self, character: char) -> Option<Option<Finding>> {
        let next = match (self.color, character) {
            (Color::None, _) => return None,
            (Color::Escape, '[') => Color::Bracket(0),
            (Color::Bracket(_), 'm' | 'K') => Color::None,
            (Color::Bracket(length), '0'..='9' | ';' | ':') if length < MOST_OF_COLOR => Color::Bracket(length + 1),
            _ => {
                self.color = Color::None;
                if self.control == Choice::Refuse {
                    return Some(Some(self.control(ESCAPE)));
                }
                return None;
            }
        };
        self.color = next;
        self.line_bytes += 1;
        Some(None)
    }

    fn direction(&mut self, character: char) -> Option<Finding> {
        match self.bidi {
            Bidi::Accept => return None,
            Bidi::Refuse => return Some(self.bidi(character)),
            Bidi::Unpaired => {}
        }
        match character {
            '\u{202A}' | '\u{202B}' | '\u{202D}' | '\u{202E}' => self.open('\u{202C}', character),
            '\u{2066}'..='\u{2068}' => self.open('\u{2069}', character),
            // One that closes an isolate closes what is open in it, too.
            '\u{2069}' => {
                let at = self.open.iter().rposition(|closing| *closing == character)?;
                self.open.truncate(at);
                None
            }
            _ => {
                self.open.pop_if(|closing| *closing == character);
                None
            }
        }
    }

    fn open(&mut self, closing: char, character: char) -> Option<Finding> {
        if self.open.is_empty() {
            self.first_open = Some(character);
        }
        if self.open.len() == MOST_OPEN {
            return Some(self.bidi(character));
        }
        self.open.push(closing);
        None
    }

    /// Whatever is open here is closed by the end of the line, and by nothing else.
    fn end_directions(&mut self) -> Option<Finding> {
        let is_open = !self.open.is_empty();
        self.open.clear();
        let character = self.first_open.filter(|_| is_open)?;
        Some(self.bidi(character))
    }

    fn end_line(&mut self, kind: usize) {
        if let Some(seen) = self.endings.get_mut(kind) {
            *seen = true;
        }
        self.line += 1;
        self.line_bytes = 0;
    }

    fn control(&self, character: char) -> Finding {
        let line = self.line;
        Finding::Control { character, line }
    }

    fn bidi(&self, character: char) -> Finding {
        let line = self.line;
        Finding::Bidi { character, line }
    }
}
