//! Matroska and WebM (RFC 8794, RFC 9559).
//!
//! Containers are entered and never left: an element says by its id what it is, so it does not matter whether the length of a
//! segment or of a cluster is known. Browsers write both without one.

mod codecs;
mod ebml;
mod tracks;

use crate::facts::{Facts, Probe};
use crate::formats::matroska::ebml::{Head, elements};
use crate::formats::matroska::tracks::Tracks;
use crate::source::{Source, Stop};

const EBML: u32 = 0x1A45_DFA3;
const DOC_TYPE: u32 = 0x4282;
const SEGMENT: u32 = 0x1853_8067;
const INFO: u32 = 0x1549_A966;
const SCALE: u32 = 0x002A_D7B1;
const DURATION: u32 = 0x4489;
const TRACKS: u32 = 0x1654_AE6B;
const TRACK: u32 = 0xAE;
const CLUSTER: u32 = 0x1F43_B675;
const TIMESTAMP: u32 = 0xE7;
const SIMPLE_BLOCK: u32 = 0xA3;
const GROUP: u32 = 0xA0;
const BLOCK: u32 = 0xA1;
const BLOCK_DURATION: u32 = 0x9B;

/// The description of a file, and of its segment, have a few dozen bytes.
const KEPT: u64 = 4096;
/// The beginning of a block: track, time, flags, and the number of frames in it.
const BLOCK_HEAD: u64 = 12;
/// Reading a description of a track takes as long as so many other steps.
const STEPS_OF_TRACK: usize = 500;
/// Nanoseconds of a tick, unless the segment says another number.
const USUAL_SCALE: u64 = 1_000_000;
/// Blocks may play for longer than the segment says by so many milliseconds: times are rounded.
const TOLERANCE: u64 = 1000;

/// Reads the elements of a file.
pub(crate) async fn probe(source: &mut Source, max_header: usize) -> Probe {
    let mut reader = Reader::default();
    let missing = match reader.walk(source, max_header).await {
        Ok(()) => reader.missing,
        Err(Stop::Ended) => Some("the end of the file"),
        Err(Stop::Broken(why)) => Some(why),
    };
    if !reader.has_tracks {
        return Probe::failed("it has no description of tracks");
    }
    Probe::read(reader.facts(), missing)
}

/// What was read so far.
#[derive(Debug)]
struct Reader {
    is_webm: bool,
    has_segment: bool,
    has_tracks: bool,
    missing: Option<&'static str>,
    /// Nanoseconds of a tick.
    scale: u64,
    /// In ticks.
    duration: Option<f64>,
    tracks: Tracks,
    /// When the current cluster begins, in ticks.
    cluster: u64,
}

impl Default for Reader {
    fn default() -> Self {
        Self {
            is_webm: false,
            has_segment: false,
            has_tracks: false,
            missing: None,
            scale: USUAL_SCALE,
            duration: None,
            tracks: Tracks::default(),
            cluster: 0,
        }
    }
}

impl Reader {
    async fn walk(&mut self, source: &mut Source, max_header: usize) -> Result<(), Stop> {
        while !source.is_over().await {
            let head = Head::read(source).await?;
            if matches!(head.id, SEGMENT | TRACKS | CLUSTER | GROUP) {
                self.has_segment |= head.id == SEGMENT;
                continue;
            }
            let Some(length) = head.length else {
                return Err(Stop::Broken("what follows an element of unknown length"));
            };
            let end = source.position().saturating_add(length);
            if head.id == EBML && self.has_segment {
                return Err(Stop::Broken("what follows the first file in this file"));
            }
            self.element(source, head.id, length, max_header).await;
            source.skip_to(end).await?;
        }
        Ok(())
    }

    async fn element(&mut self, source: &mut Source, id: u32, length: u64, max_header: usize) {
        match id {
            EBML => {
                let kept = keep(source, length, KEPT).await;
                let name = elements(&kept).find(|element| element.id == DOC_TYPE);
                self.is_webm = name.is_some_and(|name| name.body.starts_with(b"webm"));
            }
            INFO => self.info(&keep(source, length, KEPT).await),
            TRACK => self.track(source, length, max_header as u64).await,
            TIMESTAMP => {
                let kept = keep(source, length, 8).await;
                self.cluster = ebml::unsigned(&kept).unwrap_or(self.cluster);
            }
            SIMPLE_BLOCK | BLOCK => {
                let kept = keep(source, length, BLOCK_HEAD).await;
                self.tracks.add_block(&kept, length, self.cluster);
                source.saw_duration(self.tracks.reached(self.scale));
            }
            BLOCK_DURATION => {
                let kept = keep(source, length, 8).await;
                if let Some(ticks) = ebml::unsigned(&kept) {
                    self.tracks.end_block(ticks);
                }
            }
            _ => {}
        }
    }

    async fn track(&mut self, source: &mut Source, length: u64, most: u64) {
        if length > most {
            self.missing = Some("descriptions of tracks that are larger than the limit");
        }
        let kept = keep(source, length, most).await;
        // One that breaks off is none.
        if kept.len() as u64 == length.min(most) {
            self.has_tracks = true;
            for size in self.tracks.add(&kept) {
                source.saw_size(size);
            }
            source.works(STEPS_OF_TRACK).await;
        }
    }

    fn info(&mut self, body: &[u8]) {
        for element in elements(body) {
            match element.id {
                SCALE => {
                    let scale = ebml::unsigned(element.body).filter(|scale| *scale > 0);
                    self.scale = scale.unwrap_or(USUAL_SCALE);
                }
                DURATION => self.duration = ebml::float(element.body),
                _ => {}
            }
        }
    }

    /// How long the blocks play that passed by so far, in milliseconds.
    fn counted(&self) -> Option<u64> {
        self.tracks.span(self.scale)
    }

    fn facts(self) -> Facts {
        let counted = self.counted();
        let announced = self.duration.and_then(|ticks| {
            let millis = (ticks * self.scale as f64 / 1e6).round();
            // A file of a hundred years is none.
            (millis > 0.0 && millis < 3.2e12).then_some(millis as u64)
        });
        let duration = match (announced, counted) {
            (Some(announced), Some(counted)) if counted > announced.saturating_add(TOLERANCE) => Some(counted),
            (announced, counted) => announced.or(counted),
        };
        Facts {
            format: if self.is_webm { "webm" } else { "matroska" },
            duration,
            tracks: self.tracks.facts(self.scale),
        }
    }
}

/// The body of an element, or its beginning.
async fn keep(source: &mut Source, length: u64, most: u64) -> Vec<u8> {
    source.keep(usize::try_from(length.min(most)).unwrap_or(0)).await
}
