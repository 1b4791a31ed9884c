//! Private functions that the fuzz targets call.

use intake_core::notes::Video;
use intake_core::{Bytes, MediaType};

use crate::MediaInfo;
use crate::facts::Probe;
use crate::formats::{self, Format};
use crate::source::{Polled, Reading};

/// What is told of a file, or why nothing is.
pub type Told = Option<Result<Video, &'static str>>;

/// What a file tells that comes in these pieces.
///
/// Not by way of the scanner, which catches panics.
#[must_use]
pub fn probe(media_type: &MediaType, pieces: &[&[u8]]) -> Told {
    let format = Format::of(media_type)?;
    let MediaInfo { policy, max_header } = MediaInfo::default();
    let mut reading = Reading::new(policy, |source| formats::probe(format, source, max_header));
    let size = pieces.iter().map(|piece| piece.len() as u64).sum();
    for piece in pieces {
        reading.push(Bytes::copy_from_slice(piece));
        if let Some(probe) = work(&mut reading) {
            return Some(probe.facts.map(|facts| facts.note(size)));
        }
    }
    reading.end();
    work(&mut reading).map(|probe| probe.facts.map(|facts| facts.note(size)))
}

fn work(reading: &mut Reading) -> Option<Probe> {
    loop {
        match reading.poll() {
            Polled::Paused => {}
            Polled::Waits => return None,
            Polled::Done(probe) => return Some(probe),
        }
    }
}
