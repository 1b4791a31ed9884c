//! What the readers of formats found, against the limits.

use intake_core::{Code, Rejection};

use crate::codes;
use crate::note::ImageLimitsNote;
use crate::settings::{Choice, ColorSpace, Settings};

/// Width and height in pixels.
pub(crate) type Size = (u32, u32);

/// What is known of an image so far, and the first limit that it exceeds.
#[derive(Debug)]
pub(crate) struct Judge {
    settings: Settings,
    refusal: Option<Rejection>,
    /// The canvas, or the first page.
    shown: Option<Size>,
    note: ImageLimitsNote,
    missing: Option<&'static str>,
}

impl Judge {
    pub(crate) fn new(settings: Settings) -> Self {
        Self {
            settings,
            refusal: None,
            shown: None,
            note: ImageLimitsNote::default(),
            missing: None,
        }
    }

    /// The first limit that is exceeded.
    pub(crate) fn refusal(&self) -> Option<&Rejection> {
        self.refusal.as_ref()
    }

    pub(crate) fn note(&self) -> ImageLimitsNote {
        self.note
    }

    /// What was not read.
    pub(crate) fn missing(&self) -> Option<&'static str> {
        self.missing
    }

    /// Whether the size of the image is known.
    pub(crate) fn has_size(&self) -> bool {
        self.shown.is_some_and(|(width, height)| width > 0 && height > 0)
    }

    /// The most bytes of a profile.
    pub(crate) fn max_profile(&self) -> u64 {
        self.settings.max_profile
    }

    /// Remembers that something is not read.
    pub(crate) fn miss(&mut self, what: &'static str) {
        self.missing.get_or_insert(what);
    }

    /// Judges the size of a picture that is in the file, shown or not.
    pub(crate) fn picture(&mut self, (width, height): Size) {
        let pixels = pixels((width, height));
        if let Some(most) = self.settings.max_side.filter(|most| width.max(height) > *most) {
            let message = format!("the image has {width} by {height} pixels; at most {most} on a side are accepted");
            self.refuse(codes::IMAGE_SIDE_TOO_LONG, message, format!("{width}x{height}"));
        }
        if let Some(most) = self.settings.max_pixels.filter(|most| pixels > *most) {
            let message =
                format!("the image has {width} by {height} pixels; at most {most} in one picture are accepted");
            self.refuse(codes::IMAGE_TOO_MANY_PIXELS, message, pixels);
        }
    }

    /// The size of the image, or of the canvas of its frames. A larger one may follow.
    pub(crate) fn canvas(&mut self, size: Size) {
        self.picture(size);
        self.shown = Some(size);
        self.note.frames = self.note.frames.max(1);
        self.add_up();
    }

    /// The size in which the image is shown, if it is cropped.
    pub(crate) fn cropped(&mut self, size: Size) {
        self.shown = Some(size);
    }

    /// The number of frames so far, on the canvas.
    pub(crate) fn frames(&mut self, count: u64) {
        self.note.frames = self.note.frames.max(count);
        if count > 1 {
            self.animated();
        }
        self.count();
        self.add_up();
    }

    /// The image has more than one frame, or says so.
    pub(crate) fn animated(&mut self) {
        if self.settings.animation == Choice::Refuse {
            let message = "the image is animated; only still images are accepted";
            self.refuse(codes::IMAGE_ANIMATED, message, "");
        }
    }

    /// The next page.
    pub(crate) fn page(&mut self, size: Size) {
        self.picture(size);
        self.shown.get_or_insert(size);
        self.note.frames += 1;
        self.count();
        self.total(self.note.total_pixels.saturating_add(pixels(size)));
    }

    /// The bytes so far of an embedded profile.
    pub(crate) fn profile(&mut self, bytes: u64) {
        self.note.profile = Some(bytes);
        let most = self.settings.max_profile;
        if bytes > most {
            let message = format!(
                "the image has a colour profile of more than {most} bytes, which is not accepted; convert it to sRGB, and leave the \
                 profile out"
            );
            self.refuse(codes::IMAGE_PROFILE_TOO_LARGE, message, bytes);
        }
    }

    pub(crate) fn color_space(&mut self, space: Option<ColorSpace>) {
        self.note.color_space = self.note.color_space.or(space);
    }

    /// Judges what is known only once everything was read.
    pub(crate) fn finish(&mut self) {
        let Some((width, height)) = self.shown else { return };
        let (short, long) = (width.min(height), width.max(height));
        if let Some(least) = self.settings.min_side.filter(|least| short < *least) {
            let message = format!("the image has {width} by {height} pixels; at least {least} on each side are needed");
            self.refuse(codes::IMAGE_TOO_SMALL, message, format!("{width}x{height}"));
        }
        if let Some(most) = self
            .settings
            .max_aspect_ratio
            .filter(|most| f64::from(long) > f64::from(short) * most)
        {
            let message = format!(
                "the image has {width} by {height} pixels; its longer side may be at most {most} times as long as the other one"
            );
            self.refuse(codes::IMAGE_ASPECT_RATIO, message, format!("{width}x{height}"));
        }
        let Some(accepted) = &self.settings.color_spaces else {
            return;
        };
        let space = self.note.color_space;
        if !space.is_some_and(|space| accepted.contains(&space)) {
            let names: Vec<_> = accepted.iter().map(|space| space.name()).collect();
            let is = space.map_or("unknown", ColorSpace::name);
            let message = format!(
                "the colour space of the image is {is}; convert it to one of these: {}",
                names.join(", ")
            );
            self.refuse(codes::IMAGE_COLOR_SPACE, message, is);
        }
    }

    fn count(&mut self) {
        let (frames, most) = (self.note.frames, self.settings.max_frames);
        if frames > most {
            let message = format!("the image has {frames} frames or pages, or more; at most {most} are accepted");
            self.refuse(codes::IMAGE_TOO_MANY_FRAMES, message, frames);
        }
    }

    /// All frames have the size of the canvas once they are decoded.
    fn add_up(&mut self) {
        let canvas = self.shown.map_or(0, pixels);
        self.total(canvas.saturating_mul(self.note.frames));
    }

    fn total(&mut self, pixels: u64) {
        self.note.total_pixels = pixels;
        let (frames, most) = (self.note.frames, self.settings.max_total_pixels);
        if pixels > most {
            let message =
                format!("the image has {pixels} pixels in {frames} frames or pages; at most {most} are accepted");
            self.refuse(codes::IMAGE_TOO_MANY_PIXELS, message, pixels);
        }
    }

    fn refuse(&mut self, code: Code, message: impl Into<String>, subject: impl ToString) {
        let subject = subject.to_string();
        let rejection = || {
            let rejection = Rejection::new(code, message);
            if subject.is_empty() {
                rejection
            } else {
                rejection.with_subject(subject)
            }
        };
        self.refusal.get_or_insert_with(rejection);
    }
}

fn pixels((width, height): Size) -> u64 {
    u64::from(width) * u64::from(height)
}
