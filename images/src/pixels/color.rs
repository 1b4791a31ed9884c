//! Colours: from the profile of a picture to sRGB, and from inks to light.

use moxcms::{ColorProfile, DataColorSpace, Layout, TransformOptions};

use super::{Kind, Pixels};

/// The largest that is read: tables for presses take two or three million bytes.
const MAX_PROFILE: usize = 4 << 20;

/// What the numbers of a picture mean. A profile that cannot be used counts as sRGB, as browsers have it.
pub(crate) struct Profile(ColorProfile);

impl Profile {
    pub(crate) fn read(data: &[u8]) -> Option<Self> {
        if data.len() > MAX_PROFILE {
            return None;
        }
        ColorProfile::new_from_slice(data).ok().map(Self)
    }

    /// The picture in sRGB.
    pub(crate) fn to_srgb(&self, pixels: Pixels) -> Pixels {
        let (from, to, kind) = match (self.0.color_space, pixels.kind) {
            (DataColorSpace::Rgb, Kind::Rgb) => (Layout::Rgb, Layout::Rgb, Kind::Rgb),
            (DataColorSpace::Rgb, Kind::Rgba) => (Layout::Rgba, Layout::Rgba, Kind::Rgba),
            (DataColorSpace::Gray, Kind::Gray) => (Layout::Gray, Layout::Rgb, Kind::Rgb),
            // A profile of another kind of picture.
            _ => return pixels,
        };
        let srgb = ColorProfile::new_srgb();
        let options = TransformOptions::default();
        let Ok(transform) = self.0.create_transform_8bit(from, &srgb, to, options) else {
            return pixels;
        };
        let mut data = vec![0; pixels.width as usize * pixels.height as usize * kind.channels()];
        match transform.transform(&pixels.data, &mut data) {
            Ok(()) => Pixels { data, kind, ..pixels },
            Err(_) => pixels,
        }
    }

    /// Inks in sRGB, where this is a profile of inks.
    fn inks(&self, inks: &[u8]) -> Option<Vec<u8>> {
        if self.0.color_space != DataColorSpace::Cmyk {
            return None;
        }
        let srgb = ColorProfile::new_srgb();
        let options = TransformOptions::default();
        let transform = self.0.create_transform_8bit(Layout::Rgba, &srgb, Layout::Rgb, options);
        let mut data = vec![0; inks.len() / 4 * 3];
        transform.ok()?.transform(inks, &mut data).ok()?;
        Some(data)
    }
}

/// From cyan, magenta, yellow and black, where 255 is all of an ink, to sRGB.
pub(crate) fn from_cmyk(width: u32, height: u32, inks: &[u8], profile: Option<&Profile>) -> Pixels {
    let by_profile = profile.and_then(|profile| profile.inks(inks));
    let data = by_profile.unwrap_or_else(|| {
        let mut data = Vec::with_capacity(inks.len() / 4 * 3);
        for ink in inks.as_chunks::<4>().0 {
            let paper = 255 - u32::from(ink[3]);
            // In range: a product of two shares.
            data.extend([ink[0], ink[1], ink[2]].map(|ink| (((255 - u32::from(ink)) * paper + 127) / 255) as u8));
        }
        data
    });
    Pixels {
        width,
        height,
        kind: Kind::Rgb,
        data,
    }
}
