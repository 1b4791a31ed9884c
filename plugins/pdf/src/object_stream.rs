//! The objects in an object stream (ISO 32000-2, 7.5.7).

use crate::filters::{self, Sink, Stage};
use crate::lexer::{Lexer, Token};
use crate::object::Object;
use crate::stream_info::StreamInfo;
use crate::tally::Tally;

/// The most objects of one stream whose places are kept, at 16 bytes each. Writers put a few hundred into one.
const MOST_PLACES: usize = 100_000;

/// How many bytes of the stream go through the filters at a time. Limits and damage are noticed behind as many, so that what is
/// read in front of them does not depend on how the upload is cut.
const BLOCK: usize = 4096;

const TOO_LARGE: &str = "its object streams inflate to more bytes than the scanner reads";

/// Inflates an object stream, and reads the objects in it.
pub(crate) struct ObjectStream {
    stages: Vec<Box<dyn Stage>>,
    objects: Objects,
    /// The bytes of a block that is not full.
    block: Vec<u8>,
    has_failed: bool,
}

/// The objects in an object stream, from its bytes.
struct Objects {
    lexer: Lexer,
    object: Object,
    /// The number of the stream, which names objects whose number is not known.
    stream: Option<u64>,
    position: u64,
    first: u64,
    /// A number of an object, whose offset comes next.
    pending: Option<u64>,
    /// Where objects begin, with their numbers; sorted once the first begins.
    places: Vec<(u64, u64)>,
    next_place: usize,
}

impl ObjectStream {
    /// Reads the objects of a stream with this dictionary.
    ///
    /// # Errors
    ///
    /// Why its filters cannot be applied.
    pub(crate) fn new(info: &StreamInfo, number: Option<u64>) -> Result<Self, &'static str> {
        Ok(Self {
            stages: filters::stages(info)?,
            objects: Objects {
                lexer: Lexer::new(),
                object: Object::new(number),
                stream: number,
                position: 0,
                first: info
                    .first
                    .ok_or("an object stream does not say where its first object is")?,
                pending: None,
                places: Vec::new(),
                next_place: 0,
            },
            block: Vec::new(),
            has_failed: false,
        })
    }

    /// Takes the next bytes of the stream.
    pub(crate) fn push(&mut self, bytes: &[u8], tally: &mut Tally) {
        let mut rest = bytes;
        while !rest.is_empty() && !self.has_failed {
            let missing = BLOCK.saturating_sub(self.block.len());
            let (now, behind) = rest.split_at(missing.min(rest.len()));
            self.block.extend_from_slice(now);
            rest = behind;
            if self.block.len() >= BLOCK {
                self.filter(tally);
            }
        }
    }

    /// Lets the bytes of the block through the filters.
    fn filter(&mut self, tally: &mut Tally) {
        let block = std::mem::take(&mut self.block);
        let mut sink = Reading {
            objects: &mut self.objects,
            tally,
        };
        if let Err(why) = filters::push(&mut self.stages, &block, &mut sink) {
            self.has_failed = true;
            tally.missed(why);
        }
    }

    /// Ends the stream.
    pub(crate) fn end(mut self, tally: &mut Tally) {
        if !self.has_failed {
            self.filter(tally);
        }
        if self.has_failed {
            return;
        }
        if !self.stages.iter().all(|stage| stage.is_complete()) {
            tally.missed("an object stream breaks off");
        }
        let Objects { lexer, object, .. } = &mut self.objects;
        lexer.end(|token| {
            object.token(&token, tally);
        });
    }
}

/// Objects that are read into a tally.
struct Reading<'a> {
    objects: &'a mut Objects,
    tally: &'a mut Tally,
}

impl Sink for Reading<'_> {
    fn take(&mut self, bytes: &[u8], is_last: bool) -> Result<(), &'static str> {
        if !self.tally.count_inflated(bytes.len()) {
            return Err(TOO_LARGE);
        }
        if !is_last {
            return Ok(());
        }
        for byte in bytes {
            if self.objects.position >= self.tally.settings().max_object_stream {
                return Err(TOO_LARGE);
            }
            self.objects.byte(*byte, self.tally)?;
        }
        Ok(())
    }
}

impl Objects {
    fn byte(&mut self, byte: u8, tally: &mut Tally) -> Result<(), &'static str> {
        if self.position == self.first {
            self.places.sort_unstable();
        }
        if self.position >= self.first {
            self.begin_object(tally)?;
        }
        let is_header = self.position < self.first;
        self.position = self.position.saturating_add(1);
        let Self {
            lexer,
            object,
            pending,
            places,
            ..
        } = self;
        let mut is_full = false;
        lexer.step(byte, |token| match token {
            Token::Word(word) if is_header => is_full |= !place(word, pending, places),
            token => {
                object.token(&token, tally);
            }
        });
        if is_full {
            return Err("an object stream has more objects than the scanner reads");
        }
        Ok(())
    }

    /// Starts the object whose place this is. It may stand in what looks like a string, as readers go by the places.
    fn begin_object(&mut self, tally: &mut Tally) -> Result<(), &'static str> {
        let here = self.position.saturating_sub(self.first);
        while let Some((offset, number)) = self.places.get(self.next_place).copied() {
            if offset > here {
                break;
            }
            self.next_place = self.next_place.saturating_add(1);
            let object = &mut self.object;
            self.lexer.end(|token| {
                object.token(&token, tally);
            });
            self.lexer.reset();
            self.object = Object::new(Some(number).or(self.stream));
            if !tally.count_object() {
                return Err("it has more objects than the scanner reads");
            }
        }
        Ok(())
    }
}

/// Takes a number of the header: that of an object, or its place. Returns whether there was room for it.
fn place(word: &[u8], pending: &mut Option<u64>, places: &mut Vec<(u64, u64)>) -> bool {
    let number = std::str::from_utf8(word).ok().and_then(|word| word.parse().ok());
    match (pending.take(), number) {
        (Some(object), Some(offset)) if places.len() < MOST_PLACES => places.push((offset, object)),
        (Some(_), Some(_)) => return false,
        (_, number) => *pending = number,
    }
    true
}
