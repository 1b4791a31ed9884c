//! What the boxes say of one track.

use crate::facts::{self, Kind, Picture, Sound, frame_rate, millis, square};
use crate::formats::mp4::entry::Entry;

/// What was read of a track so far.
#[derive(Debug, Default)]
pub(crate) struct Track {
    pub(crate) id: Option<u32>,
    /// `vide`, `soun` or another.
    pub(crate) handler: [u8; 4],
    /// Ticks of the track in a second.
    pub(crate) timescale: u64,
    /// In ticks of the track.
    pub(crate) duration: Option<u64>,
    /// Width and height in its header, if the description of its codec has none.
    pub(crate) size: (u32, u32),
    /// Whether it lies on its side.
    pub(crate) is_turned: bool,
    pub(crate) entry: Option<Entry>,
    pub(crate) samples: u64,
    /// How long all samples play, in ticks of the track.
    pub(crate) ticks: u64,
    /// Bytes of all samples.
    pub(crate) bytes: u64,
    pub(crate) edits: Edits,
}

/// How long the parts of an edit list play, in ticks of the movie.
#[derive(Debug, Default)]
pub(crate) struct Edits {
    /// Parts that play the track.
    pub(crate) played: u64,
    /// How many those are.
    pub(crate) parts: u32,
    /// Parts in which there is nothing.
    pub(crate) empty: u64,
}

impl Track {
    /// Whether a player shows it or makes it heard.
    pub(crate) fn is_shown(&self) -> bool {
        matches!(&self.handler, b"vide" | b"soun")
    }

    /// How long its samples play that passed by so far, in milliseconds.
    pub(crate) fn media(&self) -> Option<u64> {
        millis(self.ticks, self.timescale).filter(|millis| *millis > 0)
    }

    /// How long it plays, in milliseconds. The samples decide, as headers are wrong more often.
    pub(crate) fn duration(&self, ticks_of_movie: u64, is_fragmented: bool) -> Option<u64> {
        if is_fragmented {
            return self.media();
        }
        let in_header = || self.duration.and_then(|ticks| millis(ticks, self.timescale));
        let media = self.media().or_else(in_header).filter(|millis| *millis > 0);
        let played = millis(self.edits.played, ticks_of_movie).filter(|millis| *millis > 0);
        let empty = millis(self.edits.empty, ticks_of_movie).unwrap_or(0);
        match (media, played) {
            // A single part cannot play more than there is.
            (Some(media), Some(played)) if self.edits.parts == 1 => Some(played.min(media).saturating_add(empty)),
            (Some(_), Some(played)) => Some(played.saturating_add(empty)),
            (media, _) => media,
        }
    }

    pub(crate) fn facts(&self) -> Option<facts::Track> {
        let entry = self.entry.clone().unwrap_or_default();
        let kind = match &self.handler {
            b"vide" => Kind::Video(Picture {
                size: Some(self.shown_size(&entry)),
                rate: frame_rate(self.samples, self.ticks, self.timescale),
            }),
            b"soun" => Kind::Audio(Sound {
                channels: entry.channels,
                rate: entry.rate,
            }),
            _ => return None,
        };
        Some(facts::Track {
            codec: entry.codec,
            bytes: Some(self.bytes).filter(|bytes| *bytes > 0),
            duration: self.media(),
            kind,
        })
    }

    /// The size of its pictures: with square pixels, and turned as it is shown.
    pub(crate) fn shown_size(&self, entry: &Entry) -> (u32, u32) {
        let coded = if entry.size.0 == 0 || entry.size.1 == 0 {
            self.size
        } else {
            entry.size
        };
        let (width, height) = square(coded, entry.aspect);
        if self.is_turned {
            (height, width)
        } else {
            (width, height)
        }
    }
}
