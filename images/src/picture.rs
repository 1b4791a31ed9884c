//! A picture on its way through the steps. What only says where pixels are seen, such as cutting and turning, is kept until
//! a step needs the pixels there: a picture that is cut and turned is resized once, from the pixels that it was decoded to.

use crate::decode::{Decoded, Header};
use crate::error::ImageError;
use crate::layout::{self, Layout, Part, Rect, Size};
use crate::limits::Limits;
use crate::operations::{Color, MAX_SIDE, Operations, Step, Stretch};
use crate::pixels::{self, Kind, Pixels, Profile, Turn};

const WHITE: Color = [255; 4];
const NOTHING: Color = [255, 255, 255, 0];

pub(crate) struct Picture {
    pixels: Pixels,
    /// The part that is seen, in these pixels.
    view: Rect,
    /// How the part that is seen is turned.
    turn: Turn,
    /// The size of the part that is seen, once it is turned, as the steps count.
    size: Size,
    /// Of the pixels, until they are sRGB.
    profile: Option<Profile>,
    stretch: Stretch,
    fill: Option<Color>,
}

impl Picture {
    pub(crate) fn new(decoded: Decoded, header: &Header, autorotate: bool) -> Self {
        let turn = if autorotate { header.turn() } else { Turn::default() };
        let by = f64::from(decoded.reduction);
        Self {
            // The last pixels of a picture that was decoded smaller may be seen in part.
            view: Rect {
                x: 0.0,
                y: 0.0,
                width: f64::from(header.width) / by,
                height: f64::from(header.height) / by,
            },
            turn,
            size: turn.size((header.width, header.height)),
            pixels: decoded.pixels,
            profile: decoded.profile,
            stretch: Stretch::On,
            fill: None,
        }
    }

    pub(crate) fn apply(mut self, operations: &Operations, limits: &Limits) -> Result<Self, ImageError> {
        for step in &operations.steps {
            self = self.step(step)?;
            let part_of_view = matches!(step, Step::Crop { .. });
            if !part_of_view && step.is_sizing() && !layout::is_bounded(self.size) {
                return Err(output_too_large(self.size, MAX_SIDE));
            }
        }
        // Before the last pixels are made.
        let limit = limits.output_side.max(limits.output_side_jpeg);
        if self.size.0 > limit || self.size.1 > limit {
            return Err(output_too_large(self.size, limit));
        }
        self.settled()
    }

    /// The pixels, and the colour behind those that are not opaque.
    pub(crate) fn into_pixels(self) -> (Pixels, Color) {
        let fill = self.fill.unwrap_or(WHITE);
        let picture = self.in_srgb();
        (picture.pixels.without_empty_alpha(), fill)
    }

    fn step(self, step: &Step) -> Result<Self, ImageError> {
        if let Some(layout) = layout::sizing(step, self.size, self.stretch) {
            return self.resized(&layout);
        }
        Ok(match *step {
            Step::Stretch(stretch) => Self { stretch, ..self },
            Step::SetFill(color) => Self {
                fill: Some(color),
                ..self
            },
            Step::Crop { cut, align } => {
                let part = layout::crop(self.size, cut, align);
                self.cut(part)?
            }
            Step::Rotate(quarters) => (0..quarters).fold(self, |picture, _| Self {
                turn: picture.turn.then_quarter(),
                size: (picture.size.1, picture.size.0),
                ..picture
            }),
            Step::Flip => Self {
                turn: self.turn.then_flip(),
                ..self
            },
            Step::Mirror => Self {
                turn: self.turn.then_mirror(),
                ..self
            },
            Step::Grayscale => self.in_srgb().map(pixels::grayscale),
            Step::Invert => self.in_srgb().map(pixels::invert),
            Step::Tone(tone, value) => self.in_srgb().map(|pixels| pixels::tone(pixels, tone, value)),
            Step::Blur { strength, amount } => {
                let picture = self.settled()?.in_srgb();
                let pixels = pixels::blur(picture.pixels, strength, amount)?;
                Self { pixels, ..picture }
            }
            Step::Sharp(strength) => {
                let picture = self.settled()?.in_srgb();
                let pixels = pixels::sharpen(picture.pixels, strength)?;
                Self { pixels, ..picture }
            }
            Step::BorderRadius(radius) => self.settled()?.map(|pixels| pixels::round_corners(pixels, radius)),
            // Above.
            Step::Preview { .. } | Step::Resize { .. } | Step::ScaleCrop { .. } => self,
        })
    }

    fn map(self, change: impl FnOnce(Pixels) -> Pixels) -> Self {
        Self {
            pixels: change(self.pixels),
            ..self
        }
    }

    fn in_srgb(mut self) -> Self {
        match self.profile.take() {
            Some(profile) => self.map(|pixels| profile.to_srgb(pixels)),
            None => self,
        }
    }

    /// Where a part, in pixels as the steps count, is in the pixels that there are.
    fn within_view(&self, part: Rect) -> Rect {
        let (width, height) = (f64::from(self.size.0), f64::from(self.size.1));
        let shares = self.turn.before(Rect {
            x: part.x / width,
            y: part.y / height,
            width: part.width / width,
            height: part.height / height,
        });
        Rect {
            x: self.view.x + shares.x * self.view.width,
            y: self.view.y + shares.y * self.view.height,
            width: shares.width * self.view.width,
            height: shares.height * self.view.height,
        }
    }

    fn cut(self, part: Part) -> Result<Self, ImageError> {
        if !part.is_inside(self.size) {
            return self.on_canvas(part);
        }
        let view = self.within_view(Rect {
            // Lossless: sides of pictures.
            x: part.x as f64,
            y: part.y as f64,
            ..Rect::whole(part.size)
        });
        Ok(Self {
            view,
            size: part.size,
            ..self
        })
    }

    /// A part that reaches beyond the picture.
    fn on_canvas(self, part: Part) -> Result<Self, ImageError> {
        if !layout::is_bounded(part.size) {
            return Err(output_too_large(part.size, MAX_SIDE));
        }
        let picture = self.settled()?.in_srgb();
        let default = if picture.pixels.kind == Kind::Rgba {
            NOTHING
        } else {
            WHITE
        };
        let fill = picture.fill.unwrap_or(default);
        let pixels = picture.pixels.part(part, fill);
        Ok(Self {
            view: Rect::whole(pixels.size()),
            size: pixels.size(),
            pixels,
            ..picture
        })
    }

    fn resized(self, layout: &Layout) -> Result<Self, ImageError> {
        for size in [layout.size, layout.canvas] {
            if !layout::is_bounded(size) {
                return Err(output_too_large(size, MAX_SIDE));
            }
        }
        let from = self.within_view(layout.from);
        let picture = if is_close(layout.from, Rect::whole(self.size)) && layout.size == self.size {
            self
        } else {
            let pixels = pixels::resize(&self.pixels, from, self.turn.size(layout.size))?;
            Self {
                view: Rect::whole(pixels.size()),
                size: layout.size,
                pixels,
                ..self
            }
        };
        if layout.canvas == layout.size {
            return Ok(picture);
        }
        let centred = |canvas: u32, side: u32| (i64::from(side) - i64::from(canvas)) / 2;
        picture.on_canvas(Part {
            x: centred(layout.canvas.0, layout.size.0),
            y: centred(layout.canvas.1, layout.size.1),
            size: layout.canvas,
        })
    }

    /// With the pixels as they are seen.
    fn settled(self) -> Result<Self, ImageError> {
        let size = self.turn.size(self.size);
        let rounded = Rect {
            x: self.view.x.round(),
            y: self.view.y.round(),
            ..Rect::whole(size)
        };
        let pixels = if size == self.pixels.size() && is_close(self.view, Rect::whole(size)) {
            self.pixels
        } else if is_close(self.view, rounded) {
            let part = Part {
                // Whole numbers, after rounding.
                x: rounded.x as i64,
                y: rounded.y as i64,
                size,
            };
            self.pixels.part(part, NOTHING)
        } else {
            pixels::resize(&self.pixels, self.view, size)?
        };
        let pixels = self.turn.apply(pixels);
        Ok(Self {
            view: Rect::whole(pixels.size()),
            turn: Turn::default(),
            size: pixels.size(),
            pixels,
            ..self
        })
    }
}

fn is_close(a: Rect, b: Rect) -> bool {
    let close = |a: f64, b: f64| (a - b).abs() < 1e-6;
    close(a.x, b.x) && close(a.y, b.y) && close(a.width, b.width) && close(a.height, b.height)
}

pub(crate) fn output_too_large((width, height): Size, limit: u32) -> ImageError {
    ImageError::OutputTooLarge { width, height, limit }
}
