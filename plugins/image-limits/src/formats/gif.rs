//! GIF: the screen and the blocks (GIF89a specification), without their pixels.

use crate::judge::Judge;
use crate::settings::ColorSpace;
use crate::walk::{Broken, Next, Reader, read, skip, u16_le};

const SCREEN: usize = 13;
const IMAGE: usize = 9;
/// The name of an application's blocks, and that of a profile's (ICC.1, annex B).
const APPLICATION: u8 = 11;
const PROFILE: &[u8] = b"ICCRGBG1012";

#[derive(Clone, Copy, Debug, Default)]
enum State {
    #[default]
    Screen,
    Block,
    Image,
    Label,
    /// The length of the block with an application's name.
    Application,
    Name,
    /// The length of a block of data; of a profile, if so.
    Data(bool),
}

/// The reader of this format.
#[derive(Debug, Default)]
pub(crate) struct Gif {
    state: State,
    canvas: (u32, u32),
    frames: u64,
    profile: u64,
}

impl Reader for Gif {
    fn first(&self) -> usize {
        SCREEN
    }

    fn take(&mut self, bytes: &[u8], _at: u64, judge: &mut Judge) -> Result<Next, Broken> {
        let first = bytes.first().copied().unwrap_or_default();
        match self.state {
            State::Screen => self.screen(bytes, judge),
            State::Block => Ok(match first {
                b',' => self.then(State::Image, read(IMAGE)),
                b'!' => self.then(State::Label, read(1)),
                // Viewers show the frames in front of broken data.
                _ => return self.over(),
            }),
            State::Image => Ok(self.image(bytes, judge)),
            State::Label => Ok(match first {
                0xFF => self.then(State::Application, read(1)),
                _ => self.then(State::Data(false), read(1)),
            }),
            State::Application => Ok(match first {
                APPLICATION => self.then(State::Name, read(APPLICATION.into())),
                length => self.data(length, false, judge),
            }),
            State::Name => Ok(self.then(State::Data(bytes == PROFILE), read(1))),
            State::Data(is_profile) => Ok(self.data(first, is_profile, judge)),
        }
    }

    fn end(&mut self, _rest: &[u8], _judge: &mut Judge) -> Result<(), Broken> {
        self.over().map(|_| ())
    }
}

impl Gif {
    fn then(&mut self, state: State, next: Next) -> Next {
        self.state = state;
        next
    }

    fn over(&self) -> Result<Next, Broken> {
        if self.frames > 0 {
            Ok(Next::Over)
        } else {
            Err(Broken("it has no frame"))
        }
    }

    fn screen(&mut self, bytes: &[u8], judge: &mut Judge) -> Result<Next, Broken> {
        if !bytes.starts_with(b"GIF8") {
            return Err(Broken("it has no GIF header"));
        }
        self.canvas = (u16_le(bytes, 6).into(), u16_le(bytes, 8).into());
        judge.picture(self.canvas);
        judge.color_space(Some(ColorSpace::Rgb));
        let flags = bytes.get(10).copied().unwrap_or_default();
        Ok(self.then(State::Block, skip(colors(flags), 1)))
    }

    fn image(&mut self, bytes: &[u8], judge: &mut Judge) -> Next {
        let [left, top, width, height] = [0, 2, 4, 6].map(|at| u32::from(u16_le(bytes, at)));
        // Viewers let the canvas grow for a frame that does not fit.
        self.canvas = (self.canvas.0.max(left + width), self.canvas.1.max(top + height));
        judge.canvas(self.canvas);
        self.frames += 1;
        judge.frames(self.frames);
        let flags = bytes.get(8).copied().unwrap_or_default();
        // A byte of the compression stands in front of the data.
        self.then(State::Data(false), skip(colors(flags) + 1, 1))
    }

    fn data(&mut self, length: u8, is_profile: bool, judge: &mut Judge) -> Next {
        if length == 0 {
            return self.then(State::Block, read(1));
        }
        if is_profile {
            self.profile += u64::from(length);
            judge.profile(self.profile);
        }
        self.then(State::Data(is_profile), skip(length.into(), 1))
    }
}

/// The bytes of a table of colours.
fn colors(flags: u8) -> u64 {
    if flags & 0x80 == 0 { 0 } else { 3 << ((flags & 7) + 1) }
}
