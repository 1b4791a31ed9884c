//! PNG and APNG: the chunks (W3C PNG, third edition, sections 5.3 and 11.3).

use flate2::{Decompress, FlushDecompress, Status};

use crate::judge::Judge;
use crate::settings::ColorSpace;
use crate::walk::{Broken, Next, Reader, read, skip, u32_be};

const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";
/// The length of a chunk's head, and of the checksum behind its data.
const HEAD: usize = 8;
const CHECKSUM: u64 = 4;
/// How much of a packed profile is unpacked at a time.
const PIECE: u64 = 1024;
/// The longest name of a profile, in bytes, with the zero behind it.
const NAME: usize = 80;

#[derive(Debug, Default)]
enum State {
    #[default]
    Signature,
    Chunk,
    Header,
    /// The number of frames.
    Animation,
    /// A packed profile with so many bytes to come.
    Profile(u64),
}

/// The reader of this format.
#[derive(Debug, Default)]
pub(crate) struct Png {
    state: State,
    has_header: bool,
    has_pixels: bool,
    is_animated: bool,
    frames: u64,
    profile: Option<Profile>,
}

impl Reader for Png {
    fn first(&self) -> usize {
        SIGNATURE.len()
    }

    fn take(&mut self, bytes: &[u8], _at: u64, judge: &mut Judge) -> Result<Next, Broken> {
        match self.state {
            State::Signature if bytes != SIGNATURE => return Err(Broken("it has no PNG signature")),
            State::Signature => {}
            State::Chunk => {
                let name = bytes.last_chunk::<4>().copied().unwrap_or_default();
                return self.chunk(name, u32_be(bytes, 0).into(), judge);
            }
            State::Header => {
                judge.canvas((u32_be(bytes, 0), u32_be(bytes, 4)));
                judge.color_space(match bytes.get(9) {
                    Some(0 | 4) => Some(ColorSpace::Gray),
                    Some(2 | 3 | 6) => Some(ColorSpace::Rgb),
                    _ => None,
                });
                return Ok(self.behind(0));
            }
            State::Animation => {
                judge.frames(u32_be(bytes, 0).into());
                return Ok(self.behind(4));
            }
            State::Profile(left) => return Ok(self.profile(bytes, left, judge)),
        }
        self.state = State::Chunk;
        Ok(read(HEAD))
    }

    fn end(&mut self, _rest: &[u8], _judge: &mut Judge) -> Result<(), Broken> {
        if self.has_pixels {
            Ok(())
        } else {
            Err(Broken("it breaks off before its pixels"))
        }
    }

    fn is_slow(&self) -> bool {
        !self.has_pixels
    }
}

impl Png {
    fn chunk(&mut self, name: [u8; 4], length: u64, judge: &mut Judge) -> Result<Next, Broken> {
        match (&name, length) {
            (b"IHDR", 13) if !self.has_header => {
                self.has_header = true;
                self.state = State::Header;
                return Ok(read(13));
            }
            (b"IHDR", _) => return Err(Broken("its header is broken, or it has two")),
            // Xcode puts this in front of the header (it means that the pixels are stored another way).
            (b"CgBI", _) => {}
            _ if !self.has_header => return Err(Broken("it has no PNG header")),
            (b"IDAT", _) => {
                self.has_pixels = true;
                // Without this chunk in front of the pixels, it is no animation.
                if !self.is_animated {
                    return Ok(Next::Over);
                }
            }
            (b"acTL", 8) if !self.has_pixels => {
                self.is_animated = true;
                self.state = State::Animation;
                return Ok(read(4));
            }
            (b"fcTL", _) => {
                self.frames += 1;
                if self.is_animated {
                    judge.frames(self.frames);
                }
            }
            // Each of many could be unpacked to the limit. Decoders ignore all but the first, too.
            (b"iCCP", _) if self.profile.is_some() => judge.miss("a second colour profile"),
            (b"iCCP", 1..) if !self.has_pixels => {
                self.profile = Some(Profile::default());
                self.state = State::Profile(length);
                return Ok(read(piece(length)));
            }
            (b"IEND", _) if self.has_pixels => return Ok(Next::Over),
            _ => {}
        }
        Ok(self.behind(length))
    }

    /// The next chunk, behind so many bytes and the checksum.
    fn behind(&mut self, length: u64) -> Next {
        self.state = State::Chunk;
        skip(length + CHECKSUM, HEAD)
    }

    fn profile(&mut self, bytes: &[u8], left: u64, judge: &mut Judge) -> Next {
        let left = left - bytes.len() as u64;
        let most = judge.max_profile();
        let unpacked = self.profile.as_mut().map(|profile| profile.push(bytes, most));
        match unpacked {
            Some(Ok(unpacked)) => {
                judge.profile(unpacked);
                if left == 0 {
                    return self.behind(0);
                }
                self.state = State::Profile(left);
                read(piece(left))
            }
            Some(Err(Broken(what))) => {
                judge.miss(what);
                self.behind(left)
            }
            None => self.behind(left),
        }
    }
}

fn piece(left: u64) -> usize {
    // It is at most a kilobyte.
    left.min(PIECE) as usize
}

/// A profile that is being unpacked, to count its bytes.
#[derive(Debug)]
struct Profile {
    /// How many bytes of its name were read, until the zero behind it and the method.
    name: Option<usize>,
    has_method: bool,
    unpacking: Decompress,
}

impl Default for Profile {
    fn default() -> Self {
        Self {
            name: Some(0),
            has_method: false,
            unpacking: Decompress::new(true),
        }
    }
}

impl Profile {
    /// Reads on, no further than to the most bytes. Returns how many bytes came out so far.
    fn push(&mut self, bytes: &[u8], most: u64) -> Result<u64, Broken> {
        const BROKEN: Broken = Broken("the colour profile, which cannot be unpacked");
        let mut rest = bytes;
        while let (Some(read), [byte, behind @ ..]) = (self.name, rest) {
            if read == NAME {
                return Err(BROKEN);
            }
            self.name = (*byte != 0).then_some(read + 1);
            rest = behind;
        }
        if let (None, false, [method, behind @ ..]) = (self.name, self.has_method, rest) {
            if *method != 0 {
                return Err(BROKEN);
            }
            self.has_method = true;
            rest = behind;
        }
        let mut output = [0; 4096];
        while !rest.is_empty() && self.unpacking.total_out() <= most {
            let before = (self.unpacking.total_in(), self.unpacking.total_out());
            let status = self.unpacking.decompress(rest, &mut output, FlushDecompress::None);
            let read = self.unpacking.total_in() - before.0;
            rest = rest
                .get(usize::try_from(read).unwrap_or(rest.len())..)
                .unwrap_or_default();
            match status {
                Ok(Status::StreamEnd) => break,
                Ok(_) if (self.unpacking.total_in(), self.unpacking.total_out()) == before => break,
                Ok(_) => {}
                Err(_) => return Err(BROKEN),
            }
        }
        self.drain(&mut output, most);
        Ok(self.unpacking.total_out())
    }

    /// Takes what was unpacked and did not fit before.
    fn drain(&mut self, output: &mut [u8], most: u64) {
        while self.unpacking.total_out() <= most {
            let before = self.unpacking.total_out();
            let status = self.unpacking.decompress(&[], output, FlushDecompress::None);
            if status.is_err() || self.unpacking.total_out() == before {
                return;
            }
        }
    }
}
