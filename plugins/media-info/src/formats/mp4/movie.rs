//! What the boxes say of the movie and its tracks.

use crate::facts::{Facts, millis};
use crate::formats::mp4::track::Track;

/// The most tracks that are described. Players know fewer.
const MOST_TRACKS: usize = 64;

/// What was read of a movie so far.
#[derive(Debug, Default)]
pub(crate) struct Movie {
    has_begun: bool,
    is_packed: bool,
    /// Samples follow in fragments, so the durations in the headers mean nothing.
    is_fragmented: bool,
    /// Ticks of the movie in a second.
    pub(crate) timescale: u64,
    /// Of the movie, in its ticks.
    pub(crate) duration: Option<u64>,
    /// Of all fragments, in the movie's ticks, if the writer knew it in advance.
    pub(crate) announced: Option<u64>,
    tracks: Vec<Track>,
    has_more_tracks: bool,
    has_more: bool,
    /// The defaults of fragments, for each track: id, ticks and bytes of a sample.
    pub(crate) defaults: Vec<(u32, u32, u32)>,
    /// The track to which the current fragment belongs, with ticks and bytes of its samples unless they say others.
    fragment: Option<(usize, u32, u32)>,
}

impl Movie {
    /// A box of this name begins.
    pub(crate) fn begin(&mut self, name: [u8; 4]) {
        match &name {
            b"moov" => self.has_begun = true,
            b"cmov" => self.is_packed = true,
            b"mvex" => self.is_fragmented = true,
            b"trak" if self.tracks.len() < MOST_TRACKS => self.tracks.push(Track::default()),
            b"trak" => self.has_more_tracks = true,
            b"traf" => self.fragment = None,
            _ => {}
        }
    }

    pub(crate) fn has_begun(&self) -> bool {
        self.has_begun
    }

    pub(crate) fn is_packed(&self) -> bool {
        self.is_packed
    }

    /// The track that is described now.
    pub(crate) fn track(&mut self) -> Option<&mut Track> {
        self.tracks.last_mut().filter(|_| !self.has_more_tracks)
    }

    /// Remembers the defaults for the fragments of a track.
    pub(crate) fn add_defaults(&mut self, track: u32, ticks: u32, bytes: u32) {
        if self.defaults.len() < MOST_TRACKS {
            self.defaults.push((track, ticks, bytes));
        }
    }

    /// A fragment of a track begins, with its own defaults.
    pub(crate) fn begin_fragment(&mut self, id: u32, ticks: Option<u32>, bytes: Option<u32>) {
        let defaults = self.defaults.iter().find(|(track, _, _)| *track == id);
        let (ticks_of_track, bytes_of_track) = defaults.map_or((0, 0), |(_, ticks, bytes)| (*ticks, *bytes));
        let place = self.tracks.iter().position(|track| track.id == Some(id));
        self.fragment = place.map(|place| (place, ticks.unwrap_or(ticks_of_track), bytes.unwrap_or(bytes_of_track)));
    }

    /// The track of the current fragment, with ticks and bytes of its samples unless they say others.
    pub(crate) fn fragment(&mut self) -> Option<(&mut Track, u32, u32)> {
        let (place, ticks, bytes) = self.fragment?;
        Some((self.tracks.get_mut(place)?, ticks, bytes))
    }

    /// Something was not read.
    pub(crate) fn leave_out(&mut self) {
        self.has_more = true;
    }

    pub(crate) fn missing(&self) -> Option<&'static str> {
        if self.has_more_tracks {
            return Some("tracks beyond the 64th");
        }
        self.has_more
            .then_some("descriptions of codecs that are larger than the limit")
    }

    pub(crate) fn facts(self) -> Facts {
        let durations = |track: &Track| track.duration(self.timescale, self.is_fragmented);
        let shown = self.tracks.iter().filter(|track| track.is_shown());
        let of_tracks = shown.clone().filter_map(durations).max();
        let known = |ticks: Option<u64>| ticks.and_then(|ticks| millis(ticks, self.timescale));
        let of_movie = if self.is_fragmented {
            known(self.announced)
        } else {
            known(self.duration)
        };
        Facts {
            format: "mp4",
            duration: of_tracks.or(of_movie),
            tracks: shown.filter_map(Track::facts).collect(),
        }
    }
}
