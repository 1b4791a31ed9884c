//! Where the pixels of a picture go: the sizes of operations, without pixels.

use crate::operations::{Align, Cut, MAX_SIDE, Step, Stretch};

/// Width and height, in pixels.
pub(crate) type Size = (u32, u32);

/// A part of a picture, in its pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Rect {
    pub(crate) x: f64,
    pub(crate) y: f64,
    pub(crate) width: f64,
    pub(crate) height: f64,
}

impl Rect {
    pub(crate) fn whole((width, height): Size) -> Self {
        Self {
            x: 0.0,
            y: 0.0,
            width: width.into(),
            height: height.into(),
        }
    }
}

/// What is taken of a picture, the size that it gets, and the canvas that it is in the middle of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Layout {
    pub(crate) from: Rect,
    pub(crate) size: Size,
    pub(crate) canvas: Size,
}

impl Layout {
    fn of_whole(source: Size, size: Size, canvas: Size) -> Self {
        Self {
            from: Rect::whole(source),
            size,
            canvas,
        }
    }
}

/// The layout of a step that says how large the result is; none for other steps.
pub(crate) fn sizing(step: &Step, source: Size, stretch: Stretch) -> Option<Layout> {
    match *step {
        Step::Preview { width, height } => {
            let size = preview(source, (width, height));
            Some(Layout::of_whole(source, size, size))
        }
        Step::Resize { width, height } => Some(resize(source, width, height, stretch)),
        Step::ScaleCrop { width, height, align } => Some(scale_crop(source, (width, height), align, stretch)),
        _ => None,
    }
}

fn preview((width, height): Size, (most_width, most_height): Size) -> Size {
    let (across, down) = (ratio(most_width, width), ratio(most_height, height));
    let scale = across.min(down).min(1.0);
    (scaled(width, scale), scaled(height, scale))
}

fn resize(source: Size, width: Option<u32>, height: Option<u32>, stretch: Stretch) -> Layout {
    let wanted = match (width, height) {
        (Some(width), Some(height)) => (width, height),
        (Some(width), None) => (width, scaled(source.1, ratio(width, source.0))),
        (None, Some(height)) => (scaled(source.0, ratio(height, source.1)), height),
        (None, None) => source,
    };
    let kept = match (width, height) {
        (Some(_), Some(_)) => (wanted.0.min(source.0), wanted.1.min(source.1)),
        // The proportions are kept: it grows along both sides or along none.
        _ if wanted.0 > source.0 || wanted.1 > source.1 => source,
        _ => wanted,
    };
    match stretch {
        Stretch::On => Layout::of_whole(source, wanted, wanted),
        Stretch::Off => Layout::of_whole(source, kept, kept),
        Stretch::Fill => Layout::of_whole(source, kept, wanted),
    }
}

fn scale_crop(source: Size, wanted: Size, align: Align, stretch: Stretch) -> Layout {
    let fitting = ratio(wanted.0, source.0).max(ratio(wanted.1, source.1));
    let (scale, size) = if stretch == Stretch::On || fitting <= 1.0 {
        (fitting, wanted)
    } else {
        (1.0, (wanted.0.min(source.0), wanted.1.min(source.1)))
    };
    let width = (f64::from(size.0) / scale).min(source.0.into());
    let height = (f64::from(size.1) / scale).min(source.1.into());
    Layout {
        from: Rect {
            x: align.x.within(f64::from(source.0) - width),
            y: align.y.within(f64::from(source.1) - height),
            width,
            height,
        },
        size,
        canvas: if stretch == Stretch::Fill { wanted } else { size },
    }
}

/// A part that is cut out, in whole pixels; it may reach beyond the picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) x: i64,
    pub(crate) y: i64,
    pub(crate) size: Size,
}

impl Part {
    pub(crate) fn is_inside(&self, (width, height): Size) -> bool {
        let (right, bottom) = (self.x + i64::from(self.size.0), self.y + i64::from(self.size.1));
        self.x >= 0 && self.y >= 0 && right <= i64::from(width) && bottom <= i64::from(height)
    }
}

pub(crate) fn crop(source: Size, cut: Cut, align: Align) -> Part {
    let size = match cut {
        Cut::Size(width, height) => (width.of(source.0).max(1), height.of(source.1).max(1)),
        Cut::Ratio(width, height) => {
            let scale = ratio(source.0, width).min(ratio(source.1, height));
            (scaled(width, scale).min(source.0), scaled(height, scale).min(source.1))
        }
    };
    let room = |side: u32, part: u32| f64::from(side) - f64::from(part);
    Part {
        // Truncation is exact: the values are whole and small.
        x: align.x.within(room(source.0, size.0)).round() as i64,
        y: align.y.within(room(source.1, size.1)).round() as i64,
        size,
    }
}

/// How many times smaller a picture can be decoded, as 1, 2, 4 or 8, so that the steps do not see it: up to the first one
/// that sets a size, they only cut, turn, or change pixels one by one.
pub(crate) fn reduction(steps: &[Step], mut size: Size) -> u32 {
    let mut stretch = Stretch::On;
    for step in steps {
        if let Some(layout) = sizing(step, size, stretch) {
            let across = layout.from.width / f64::from(layout.size.0);
            let down = layout.from.height / f64::from(layout.size.1);
            let factor = across.min(down);
            return [8, 4, 2].into_iter().find(|by| f64::from(*by) <= factor).unwrap_or(1);
        }
        match *step {
            Step::Stretch(new) => stretch = new,
            Step::Rotate(quarters) if quarters % 2 == 1 => size = (size.1, size.0),
            Step::Crop { cut, align } => {
                let part = crop(size, cut, align);
                if !part.is_inside(size) {
                    return 1;
                }
                size = part.size;
            }
            Step::Blur { .. } | Step::Sharp(_) | Step::BorderRadius(_) => return 1,
            _ => {}
        }
    }
    1
}

fn ratio(a: u32, b: u32) -> f64 {
    f64::from(a) / f64::from(b.max(1))
}

/// At least a pixel; of more than [`MAX_SIDE`], some number that is.
fn scaled(side: u32, scale: f64) -> u32 {
    let most = f64::from(u32::MAX);
    // In range, and whole.
    (f64::from(side) * scale).round().clamp(1.0, most) as u32
}

/// Whether a picture on the way to the result may have this size.
pub(crate) fn is_bounded((width, height): Size) -> bool {
    width <= MAX_SIDE && height <= MAX_SIDE
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operations::Operations;

    const SIZES: &[(Size, &str, Size)] = &[
        ((300, 200), "-/preview/100x100/", (100, 67)),
        ((300, 200), "-/preview/", (300, 200)),
        ((3000, 200), "-/preview/", (2048, 137)),
        ((10_000, 1), "-/preview/100x100/", (100, 1)),
        ((300, 200), "-/resize/x100/", (150, 100)),
        ((300, 200), "-/resize/100x/", (100, 67)),
        ((300, 200), "-/resize/600x/", (600, 400)),
        ((300, 200), "-/resize/40x90/", (40, 90)),
        ((300, 200), "-/stretch/off/-/resize/600x/", (300, 200)),
        ((300, 200), "-/stretch/off/-/resize/600x100/", (300, 100)),
        ((300, 200), "-/stretch/fill/-/resize/600x/", (600, 400)),
        ((300, 200), "-/stretch/fill/-/resize/600x100/", (600, 100)),
        ((300, 200), "-/scale_crop/100x100/center/", (100, 100)),
        ((300, 200), "-/scale_crop/900x100/", (900, 100)),
        ((300, 200), "-/stretch/off/-/scale_crop/400x400/center/", (300, 200)),
        ((300, 200), "-/stretch/off/-/scale_crop/400x100/center/", (300, 100)),
        ((300, 200), "-/stretch/fill/-/scale_crop/400x400/center/", (400, 400)),
        ((100, 50), "-/stretch/off/-/scale_crop/20x20/center/", (20, 20)),
    ];

    #[test]
    fn sizes_are_those_of_the_service() {
        for (source, path, expected) in SIZES {
            let operations = Operations::parse(path).unwrap();
            let mut stretch = Stretch::On;
            let mut found = None;
            for step in &operations.steps {
                if let Step::Stretch(new) = step {
                    stretch = *new;
                }
                found = found.or(sizing(step, *source, stretch));
            }
            assert_eq!(found.unwrap().canvas, *expected, "{source:?} {path}");
        }
    }

    #[test]
    fn a_picture_is_decoded_smaller_only_where_no_step_can_see_it() {
        for (path, expected) in [
            ("-/preview/400x400/", 8),
            ("-/preview/500x375/", 8),
            ("-/preview/501x501/", 4),
            ("-/preview/2001x2001/", 1),
            ("-/resize/400x3000/", 1),
            ("-/scale_crop/400x400/center/", 4),
            ("-/rotate/90/-/resize/300x/", 8),
            ("-/crop/1000x1000/5,5/-/preview/500x500/", 2),
            ("-/crop/5000x1000/-/preview/500x500/", 1),
            ("-/blur/-/preview/400x400/", 1),
            ("-/preview/400x400/-/blur/", 8),
        ] {
            let operations = Operations::parse(path).unwrap();
            assert_eq!(reduction(&operations.steps, (4000, 3000)), expected, "{path}");
        }
    }

    #[test]
    fn parts_are_placed_by_pixels_percents_and_words() {
        for (path, expected) in [
            ("-/crop/10x20/-/preview/", (0, 0, (10, 20))),
            ("-/crop/10x20/5,6/-/preview/", (5, 6, (10, 20))),
            ("-/crop/10x20/center/-/preview/", (145, 90, (10, 20))),
            ("-/crop/10x20/right/-/preview/", (290, 90, (10, 20))),
            ("-/crop/50px25p/100p,0p/-/preview/", (150, 0, (150, 50))),
            ("-/crop/1:1/center/-/preview/", (50, 0, (200, 200))),
            ("-/crop/3:1/bottom/-/preview/", (0, 100, (300, 100))),
            ("-/crop/400x400/center/-/preview/", (-50, -100, (400, 400))),
        ] {
            let operations = Operations::parse(path).unwrap();
            let Step::Crop { cut, align } = operations.steps[0] else {
                panic!("{path}")
            };
            let (x, y, size) = expected;
            assert_eq!(crop((300, 200), cut, align), Part { x, y, size }, "{path}");
        }
    }
}
