//! The structure of one object: which name is a key and which is a value, and what both say.

use crate::key::{self, Key};
use crate::lexer::Token;
use crate::stream_info::StreamInfo;
use crate::tally::{Finding, Tally};

/// What a token means for what follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// More of the object.
    More,
    /// The bytes of a stream.
    Stream,
    /// The end of the object.
    End,
}

/// An open dictionary or array.
#[derive(Clone, Copy, Debug)]
struct Frame {
    is_dict: bool,
    /// The key whose value comes next, in a dictionary.
    key: Option<Key>,
    /// The last key that came.
    last: Key,
    /// How many elements an array has so far.
    elements: usize,
    /// Whether the author of the document chooses the keys freely.
    has_free_keys: bool,
}

/// One object while it is read.
#[derive(Debug, Default)]
pub(crate) struct Object {
    number: Option<u64>,
    frames: Vec<Frame>,
    /// How many dictionaries and arrays are open beyond the limit.
    beyond: u64,
    info: StreamInfo,
    has_filter_key: bool,
    has_parms_key: bool,
    is_page_tree: bool,
    pages: Option<u64>,
    has_parent: bool,
}

impl Object {
    /// Starts an object. In an object stream, the number is that of the stream.
    pub(crate) fn new(number: Option<u64>) -> Self {
        Self {
            number,
            ..Self::default()
        }
    }

    pub(crate) fn number(&self) -> Option<u64> {
        self.number
    }

    /// What its dictionary says of its stream.
    pub(crate) fn stream_info(&mut self) -> StreamInfo {
        std::mem::take(&mut self.info)
    }

    pub(crate) fn token(&mut self, token: &Token<'_>, tally: &mut Tally) -> Next {
        match token {
            Token::OpenDict => self.open(true, tally),
            Token::OpenArray => self.open(false, tally),
            Token::CloseDict => self.close(true, tally),
            Token::CloseArray => self.close(false, tally),
            Token::Name(name) => self.name(name, tally),
            Token::Text => self.pass(),
            Token::Word(b"stream") => return Next::Stream,
            Token::Word(b"endobj" | b"startxref" | b"xref") => return Next::End,
            Token::Word(word) => self.word(word, tally),
        }
        Next::More
    }

    fn open(&mut self, is_dict: bool, tally: &mut Tally) {
        // Lossless: a limit of the settings, which fits.
        if self.frames.len() >= tally.settings().max_depth as usize || self.beyond > 0 {
            self.beyond = self.beyond.saturating_add(1);
            tally.missed("its arrays and dictionaries are nested deeper than the scanner reads");
            return;
        }
        let has_free_keys = is_dict
            && self
                .frames
                .last()
                .is_some_and(|frame| frame.is_dict && frame.key == Some(Key::Names));
        if let [frame] = self.frames.as_slice()
            && frame.key == Some(Key::Encrypt)
        {
            self.encrypted(tally);
        }
        self.frames.push(Frame {
            is_dict,
            key: None,
            last: Key::Other,
            elements: 0,
            has_free_keys,
        });
    }

    fn close(&mut self, is_dict: bool, tally: &mut Tally) {
        if self.beyond > 0 {
            self.beyond = self.beyond.saturating_sub(1);
            return;
        }
        // A bracket of the other kind closes what readers would not close: they stop here, or ignore it.
        if self.frames.last().is_none_or(|frame| frame.is_dict != is_dict) {
            return;
        }
        self.frames.pop();
        self.pass();
        if self.frames.is_empty() && self.is_page_tree && !self.has_parent {
            tally.note.pages = self.pages.or(tally.note.pages);
        }
    }

    /// Ends a value.
    fn pass(&mut self) {
        if let Some(frame) = self.frames.last_mut() {
            frame.key = None;
            frame.elements = frame.elements.saturating_add(1);
        }
    }

    fn name(&mut self, name: &[u8], tally: &mut Tally) {
        if self.beyond > 0 {
            // The scanner does not know any more whether it is a key.
            if let Key::Telling(finding, key) = Key::of(name) {
                tally.found(finding, key, self.number);
            }
            self.action(name, tally);
            return;
        }
        let depth = self.frames.len();
        match self.frames.last_mut() {
            None => self.action(name, tally),
            Some(frame) if frame.is_dict && frame.key.is_none() => {
                let key = Key::of(name);
                let is_free = frame.has_free_keys;
                frame.key = Some(key);
                frame.last = key;
                self.key(key, depth, is_free, tally);
            }
            Some(frame) => {
                let key = frame.key;
                self.value(key, name, tally);
                self.pass();
            }
        }
    }

    fn key(&mut self, key: Key, depth: usize, is_free: bool, tally: &mut Tally) {
        match key {
            Key::Telling(finding, key) if !is_free => tally.found(finding, key, self.number),
            Key::AcroForm if depth == 1 => tally.note.forms = true,
            Key::Linearized if depth == 1 => tally.note.linearized = true,
            Key::Parent if depth == 1 => self.has_parent = true,
            Key::Filter if depth == 1 => contradict(&mut self.has_filter_key, &mut self.info),
            Key::DecodeParms if depth == 1 => contradict(&mut self.has_parms_key, &mut self.info),
            _ => {}
        }
    }

    fn action(&self, name: &[u8], tally: &mut Tally) {
        if let Some((finding, key)) = key::action(name) {
            tally.found(finding, key, self.number);
        }
    }

    /// A name that is a value.
    fn value(&mut self, key: Option<Key>, name: &[u8], tally: &mut Tally) {
        let is_top = self.frames.len() == 1;
        match key {
            Some(Key::Action) => self.action(name, tally),
            Some(Key::Type | Key::Subtype) => {
                if let Some((finding, key)) = key::contents(name) {
                    tally.found(finding, key, self.number);
                }
                if is_top && key == Some(Key::Type) {
                    self.info.has_object_stream_type |= name == b"ObjStm";
                    self.info.is_cross_reference |= name == b"XRef";
                    self.is_page_tree |= name == b"Pages";
                }
            }
            Some(Key::Version) if is_top => {
                if let [b'1'..=b'9', b'.', b'0'..=b'9'] = name {
                    tally.note.version = Some(String::from_utf8_lossy(name).into_owned());
                }
            }
            _ => {}
        }
        let is_filter = self.frames.first().is_some_and(|frame| frame.key == Some(Key::Filter));
        if is_filter && self.frames.len() <= 2 {
            self.info.add_filter(name);
        }
    }

    /// A number or a keyword. The `0 R` of a reference stands where a key would, and tells that the number was none.
    fn word(&mut self, word: &[u8], tally: &mut Tally) {
        let Some(frame) = self.frames.last().copied() else {
            return;
        };
        let is_top = self.frames.len() == 1;
        if word == b"R" {
            self.reference(frame.last, is_top);
            return;
        }
        let Some(key) = frame.key else {
            self.pass();
            return;
        };
        let number = std::str::from_utf8(word).ok().and_then(|word| word.parse::<u64>().ok());
        match key {
            Key::Encrypt if is_top && word != b"null" => self.encrypted(tally),
            Key::Count if is_top => self.pages = number,
            Key::Length if is_top => self.info.length = number,
            Key::First if is_top => self.info.first = number,
            Key::Members if is_top => self.info.members = number,
            Key::Predictor | Key::Colors | Key::BitsPerComponent | Key::Columns | Key::EarlyChange => {
                self.parameter(key, number);
            }
            _ => {}
        }
        self.pass();
    }

    fn encrypted(&self, tally: &mut Tally) {
        tally.found(Finding::Encrypted, "Encrypt", self.number);
    }

    /// What was taken for a number of this key is the number of another object.
    fn reference(&mut self, key: Key, is_top: bool) {
        let is_about_filters = self
            .frames
            .first()
            .is_some_and(|frame| matches!(frame.last, Key::Filter | Key::DecodeParms));
        match key {
            Key::Length if is_top => self.info.length = None,
            Key::Count if is_top => self.pages = None,
            _ if is_about_filters => {
                self.info.obstacle = Some("the filters of an object stream are named in another object");
            }
            _ => {}
        }
    }

    /// A parameter of a filter.
    fn parameter(&mut self, key: Key, number: Option<u64>) {
        let is_about_filters = |frame: &Frame| frame.key == Some(Key::DecodeParms);
        let at = match self.frames.as_slice() {
            [outer, _] if is_about_filters(outer) => 0,
            [outer, list, _] if is_about_filters(outer) && !list.is_dict => list.elements,
            _ => return,
        };
        // Parameters of filters beyond the most that are applied do not count.
        let Some(parms) = self.info.parms.get_mut(at) else {
            return;
        };
        let Some(number) = number else {
            self.info.obstacle = Some("a filter of an object stream has a parameter that is no number");
            return;
        };
        match key {
            Key::Predictor => parms.predictor = number,
            Key::Colors => parms.colors = number,
            Key::BitsPerComponent => parms.bits = number,
            Key::Columns => parms.columns = number,
            _ => parms.early_change = number,
        }
    }
}

/// Notes that a key is there; if it is there a second time, readers differ in which one counts.
fn contradict(is_there: &mut bool, info: &mut StreamInfo) {
    if *is_there {
        info.obstacle = Some("the dictionary of an object stream contradicts itself");
    }
    *is_there = true;
}
