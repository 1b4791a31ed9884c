//! What stands behind the end of a structure.

use std::ops::Range;

use crate::finding::{Finding, Other};
use crate::host::Host;
use crate::settings::Settings;
use crate::signatures::{self, FILM, fills};
use crate::walk::{Format, Walk, Walked};

/// Where in a file the reading is.
#[derive(Clone, Copy, Debug)]
enum Place {
    /// In the structure.
    Within,
    /// Behind its end, where only bytes were that fill.
    Behind,
    /// In a film behind a photo, as phones write it.
    Film,
    /// In something behind the end that is known, and taken.
    Known,
    /// In other data behind the end, which began here.
    Unknown(u64),
    /// Where the bytes are no part of the structure, from here on.
    Lost(u64),
}

/// The structure of a file, and what is behind it.
#[derive(Debug)]
pub(crate) struct Tail {
    host: Host,
    walk: Walk,
    place: Place,
    /// Which of the bytes that were read last are in the boxes of a film.
    films: Vec<Range<usize>>,
}

impl Tail {
    /// Nothing, if the structure of such files is not followed.
    pub(crate) fn of(host: Host) -> Option<Self> {
        let format = match host {
            Host::Jpeg => Format::Jpeg,
            Host::Png => Format::Png,
            Host::Gif => Format::Gif,
            Host::Webp => Format::Riff,
            Host::Boxes => Format::Boxes,
            _ => return None,
        };
        Some(Self {
            host,
            walk: Walk::new(format),
            place: Place::Within,
            films: Vec::new(),
        })
    }

    /// Whether this one of the bytes that were read last is in the boxes of a film, in which anything may be.
    pub(crate) fn is_in_film(&self, at: usize) -> bool {
        // They follow each other.
        let next = self.films.partition_point(|film| film.end <= at);
        self.films.get(next).is_some_and(|film| film.contains(&at))
    }

    /// Where the bytes are no part of the structure, from there on.
    pub(crate) fn lost_at(&self) -> Option<u64> {
        match self.place {
            Place::Lost(at) => Some(at),
            _ => None,
        }
    }

    /// Where data of an unknown kind begins behind the end.
    pub(crate) fn unknown_from(&self) -> Option<u64> {
        match self.place {
            Place::Unknown(at) => Some(at),
            _ => None,
        }
    }

    /// Reads the first `count` bytes on, of which the first is at `base`.
    pub(crate) fn push(&mut self, window: &[u8], count: usize, base: u64, settings: &Settings) -> Option<Finding> {
        let mut at = 0;
        let mut found = None;
        self.films.clear();
        while at < count {
            let here = base + at as u64;
            match self.place {
                Place::Within | Place::Film => {
                    let (walked, how) = self.walk.push(&window[at..], count - at);
                    if self.host == Host::Boxes || matches!(self.place, Place::Film) {
                        self.films.push(at..at + walked);
                    }
                    at += walked;
                    match how {
                        Walked::Goes => {}
                        Walked::Ended => self.place = Place::Behind,
                        Walked::Lost => self.place = Place::Lost(base + at as u64),
                    }
                }
                Place::Behind => {
                    // The size of a box begins with zeros.
                    let begins = |at: &usize| !fills(window[*at]) || is_film(&window[*at..]);
                    let Some(begin) = (at..count).find(begins) else {
                        break;
                    };
                    at = begin;
                    found = self.begin(&window[at..], base + at as u64, settings);
                    if found.is_some() {
                        break;
                    }
                }
                Place::Unknown(_) if self.host == Host::Jpeg => {
                    // Some phones write a name in front of the film.
                    let Some(begin) = first_film(&window[at..], count - at) else {
                        break;
                    };
                    at += begin;
                    self.begin_film();
                }
                Place::Unknown(from) => {
                    found = self.too_much(&window[at..count], here, from, settings);
                    break;
                }
                Place::Known | Place::Lost(_) => break,
            }
        }
        found
    }

    /// Tells what begins here, behind the end.
    fn begin(&mut self, ahead: &[u8], at: u64, settings: &Settings) -> Option<Finding> {
        let is_photo = self.host == Host::Jpeg;
        if is_photo && ahead.starts_with(b"\xFF\xD8\xFF") {
            // Another image: a preview, a second eye, a gain map (CIPA DC-007, ISO 21496-1).
            self.walk = Walk::new(Format::Jpeg);
            self.place = Place::Within;
            return None;
        }
        if is_photo && is_film(ahead) {
            self.begin_film();
            return None;
        }
        let Some(other) = signatures::behind(ahead) else {
            self.place = Place::Unknown(at);
            return None;
        };
        self.place = Place::Known;
        settings.refuses(other).then(|| Finding::new(at, other))
    }

    fn begin_film(&mut self) {
        self.walk = Walk::new(Format::Boxes);
        self.place = Place::Film;
    }

    /// The first byte behind as many as may be there.
    fn too_much(&self, bytes: &[u8], at: u64, from: u64, settings: &Settings) -> Option<Finding> {
        if !matches!(self.host, Host::Png | Host::Gif | Host::Webp) {
            return None;
        }
        let most = from.saturating_add(settings.max_trailing);
        let first = usize::try_from(most.saturating_sub(at)).unwrap_or(usize::MAX);
        let rest = bytes.get(first..)?;
        let too_far = rest.iter().position(|byte| !fills(*byte))?;
        Some(Finding::new(at + (first + too_far) as u64, Other::TrailingData))
    }
}

/// Whether the first box of a film begins here: it has a list of brands, which is short.
fn is_film(ahead: &[u8]) -> bool {
    let size = ahead.first_chunk().copied().map(u32::from_be_bytes);
    ahead.get(4..8) == Some(b"ftyp") && size.is_some_and(|size| (16..=1024).contains(&size))
}

/// Where the first box of a film begins, below `count`.
fn first_film(window: &[u8], count: usize) -> Option<usize> {
    let kinds = window.get(4..)?;
    let mut begins = signatures::positions(&FILM, kinds, count.min(kinds.len()));
    begins.find(|begin| is_film(&window[*begin..]))
}
