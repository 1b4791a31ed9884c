//! HEIF and AVIF: the box with the pictures, and the tracks of sequences (ISO/IEC 14496-12, ISO/IEC 23008-12).

use crate::formats::properties;
use crate::judge::{Judge, Size};
use crate::walk::{Broken, MOST, Next, Reader, read, skip, u32_be};

const HEAD: usize = 8;

#[derive(Clone, Copy, Debug, Default)]
enum State {
    #[default]
    Box,
    /// A length of eight bytes.
    Long([u8; 4]),
    Meta,
    /// The size of a track's pictures.
    Track,
    /// What a track has, in a box with so many more bytes.
    Handler(u64),
    /// The number of samples of a track, in a box with so many more bytes.
    Samples(u64),
}

/// The reader of this format.
#[derive(Debug, Default)]
pub(crate) struct Heif {
    state: State,
    has_meta: bool,
    /// Whether the picture that is shown was found in it.
    has_size: bool,
    /// Whether the track that is being read has pictures.
    has_pictures: bool,
    track: Option<Size>,
    frames: u64,
}

impl Reader for Heif {
    fn first(&self) -> usize {
        HEAD
    }

    fn take(&mut self, bytes: &[u8], _at: u64, judge: &mut Judge) -> Result<Next, Broken> {
        match self.state {
            State::Box => {
                let name = bytes.last_chunk::<4>().copied().unwrap_or_default();
                match u32_be(bytes, 0) {
                    // The last one.
                    0 => self.over(judge).map(|()| Next::Over),
                    1 => {
                        self.state = State::Long(name);
                        Ok(read(8))
                    }
                    length => match u64::from(length).checked_sub(8) {
                        Some(body) => self.open(name, body),
                        None => self.over(judge).map(|()| Next::Over),
                    },
                }
            }
            State::Long(name) => {
                let length = u64::from(u32_be(bytes, 0)) << 32 | u64::from(u32_be(bytes, 4));
                match length.checked_sub(16) {
                    Some(body) => self.open(name, body),
                    None => self.over(judge).map(|()| Next::Over),
                }
            }
            State::Meta => {
                self.has_meta = true;
                self.has_size = properties::judge(bytes, judge);
                Ok(self.behind(0))
            }
            State::Track => {
                // Fractions of 65,536.
                let size = (u32_be(bytes, 0) >> 16, u32_be(bytes, 4) >> 16);
                judge.picture(size);
                self.track = self.track.or(Some(size));
                Ok(self.behind(0))
            }
            State::Handler(behind) => {
                self.has_pictures = matches!(bytes.last_chunk(), Some(b"pict" | b"vide" | b"auxv"));
                Ok(self.behind(behind))
            }
            State::Samples(behind) => {
                if self.has_pictures {
                    self.frames = self.frames.max(u32_be(bytes, 8).into());
                    judge.frames(self.frames);
                }
                Ok(self.behind(behind))
            }
        }
    }

    fn end(&mut self, _rest: &[u8], judge: &mut Judge) -> Result<(), Broken> {
        self.over(judge)
    }
}

impl Heif {
    fn open(&mut self, name: [u8; 4], body: u64) -> Result<Next, Broken> {
        // Two numbers at the end of the box.
        const TRACK: u64 = 8;
        const FIELDS: u64 = 12;
        Ok(match &name {
            b"meta" if !self.has_meta => {
                let len = usize::try_from(body).ok().filter(|len| (1..=MOST).contains(len));
                self.state = State::Meta;
                read(len.ok_or(Broken("the box with its size is larger than 256 KiB, or empty"))?)
            }
            b"moov" | b"trak" | b"mdia" | b"minf" | b"stbl" => self.behind(0),
            b"tkhd" if body >= TRACK => {
                self.state = State::Track;
                skip(body - TRACK, 8)
            }
            b"hdlr" if body >= FIELDS => {
                self.state = State::Handler(body - FIELDS);
                read(12)
            }
            b"stsz" | b"stz2" if body >= FIELDS => {
                self.state = State::Samples(body - FIELDS);
                read(12)
            }
            _ => self.behind(body),
        })
    }

    fn behind(&mut self, length: u64) -> Next {
        self.state = State::Box;
        skip(length, HEAD)
    }

    fn over(&self, judge: &mut Judge) -> Result<(), Broken> {
        match self.track.filter(|_| self.frames > 0) {
            _ if self.has_size => Ok(()),
            Some(size) => {
                judge.canvas(size);
                Ok(())
            }
            None => Err(Broken("its size was not found")),
        }
    }
}
