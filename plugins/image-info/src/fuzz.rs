//! Private functions that the fuzz targets call.

use intake_core::MediaType;
use intake_core::notes::Image;

use crate::ImageInfo;
use crate::formats::{self, Format};
use crate::source::Reading;

/// What is told of an image, if its reader came to an end, or why nothing is.
pub type Told = Option<Result<Image, &'static str>>;

/// What an image tells that comes in these pieces, or why it tells nothing; and a size that is too large.
///
/// Not by way of the scanner, which catches panics.
#[must_use]
pub fn probe(media_type: &MediaType, pieces: &[&[u8]]) -> (Told, Option<(u32, u32)>) {
    let Some(format) = Format::of(media_type) else {
        return (None, None);
    };
    let ImageInfo { policy, max_header, .. } = ImageInfo::default();
    let mut reading = Reading::new(policy, max_header, |source| formats::probe(format, source));
    for piece in pieces {
        let mut rest = *piece;
        loop {
            rest = reading.push(rest);
            if !reading.is_due() {
                break;
            }
            let probe = reading.poll();
            if probe.is_some() || reading.too_large().is_some() {
                return (probe.map(|probe| probe.note), reading.too_large());
            }
        }
    }
    reading.end();
    let probe = reading.poll();
    (probe.map(|probe| probe.note), reading.too_large())
}
