//! The boxes of which something is read, one function each.

use crate::formats::bits::Fields;
use crate::formats::mp4::boxes::Header;
use crate::formats::mp4::entry::Entry;
use crate::formats::mp4::movie::Movie;
use crate::source::{Source, Stop};

/// Headers of fixed size have at most so many bytes that are read.
const FIXED: usize = 128;

/// The reader of one box.
pub(crate) struct Reader<'a> {
    pub(crate) source: &'a mut Source,
    pub(crate) header: Header,
    pub(crate) max_header: usize,
}

impl Reader<'_> {
    /// Reads what it says of the movie. It may stop before the end of the box.
    pub(crate) async fn read(&mut self, movie: &mut Movie) -> Result<(), Stop> {
        match &self.header.name {
            b"mvhd" => movie_header(&self.fixed().await, movie),
            b"mehd" => movie.announced = extends_header(&self.fixed().await),
            b"trex" => track_extends(&self.fixed().await, movie),
            b"tkhd" => track_header(&self.fixed().await, movie),
            b"mdhd" => media_header(&self.fixed().await, movie),
            b"hdlr" => handler(&self.fixed().await, movie),
            b"tfhd" => fragment_header(&self.fixed().await, movie),
            b"stsd" => self.descriptions(movie).await,
            b"elst" => self.edits(movie).await?,
            b"stts" => self.times(movie).await?,
            b"stsz" => self.sizes(movie).await?,
            b"trun" => self.run(movie).await?,
            _ => {}
        }
        Ok(())
    }

    /// How many bytes of the box are left.
    fn left(&self) -> u64 {
        self.header.end.saturating_sub(self.source.position())
    }

    async fn fixed(&mut self) -> Vec<u8> {
        self.kept(FIXED).await
    }

    async fn kept(&mut self, most: usize) -> Vec<u8> {
        let len = usize::try_from(self.left()).map_or(most, |left| left.min(most));
        self.source.keep(len).await
    }

    /// The next number of the box.
    async fn number(&mut self) -> Result<u32, Stop> {
        if self.left() < 4 {
            return Err(Stop::Broken("what follows a box that is too short"));
        }
        self.source.next().await.map(u32::from_be_bytes)
    }

    /// The next number of a table of which only whole rows are there.
    async fn word(&mut self) -> Result<u32, Stop> {
        self.source.next().await.map(u32::from_be_bytes)
    }

    /// How many rows of so many bytes are there, if this many are announced.
    fn rows(&self, announced: u32, bytes: u64) -> u64 {
        u64::from(announced).min(self.left().checked_div(bytes).unwrap_or(0))
    }

    async fn descriptions(&mut self, movie: &mut Movie) {
        let is_large = self.left() > self.max_header as u64;
        let kept = self.kept(self.max_header).await;
        if is_large {
            movie.leave_out();
        }
        let Some(track) = movie.track() else { return };
        track.entry = Entry::read(&kept, track.handler);
        if let (b"vide", Some(entry)) = (&track.handler, &track.entry) {
            let shown = track.shown_size(entry);
            self.source.saw_size(entry.size);
            self.source.saw_size(shown);
        }
    }

    async fn edits(&mut self, movie: &mut Movie) -> Result<(), Stop> {
        let is_long = self.number().await? >> 24 == 1;
        let count = self.number().await?;
        for _ in 0..self.rows(count, if is_long { 20 } else { 12 }) {
            let (length, start) = if is_long {
                let (length, start) = (self.source.next().await?, self.source.next().await?);
                (u64::from_be_bytes(length), i64::from_be_bytes(start))
            } else {
                let (length, start) = (self.word().await?, i32::from_be_bytes(self.source.next().await?));
                (u64::from(length), i64::from(start))
            };
            let _rate = self.word().await?;
            let Some(track) = movie.track() else { continue };
            if start == -1 {
                track.edits.empty = track.edits.empty.saturating_add(length);
            } else {
                track.edits.played = track.edits.played.saturating_add(length);
                track.edits.parts = track.edits.parts.saturating_add(1);
            }
        }
        Ok(())
    }

    async fn times(&mut self, movie: &mut Movie) -> Result<(), Stop> {
        let _version = self.number().await?;
        let count = self.number().await?;
        for _ in 0..self.rows(count, 8) {
            let (samples, ticks) = (u64::from(self.word().await?), u64::from(self.word().await?));
            if let Some(track) = movie.track() {
                track.samples = track.samples.saturating_add(samples);
                track.ticks = track.ticks.saturating_add(samples * ticks);
            }
        }
        Ok(())
    }

    async fn sizes(&mut self, movie: &mut Movie) -> Result<(), Stop> {
        let _version = self.number().await?;
        let (size, count) = (self.number().await?, self.number().await?);
        let mut bytes = u64::from(size) * u64::from(count);
        if size == 0 {
            for _ in 0..self.rows(count, 4) {
                bytes = bytes.saturating_add(u64::from(self.word().await?));
            }
        }
        if let Some(track) = movie.track() {
            track.bytes = track.bytes.saturating_add(bytes);
        }
        Ok(())
    }

    /// The samples of a fragment.
    async fn run(&mut self, movie: &mut Movie) -> Result<(), Stop> {
        let flags = self.number().await?;
        let count = self.number().await?;
        // The place of the data, and the flags of the first sample.
        for flag in [0x1, 0x4] {
            if flags & flag != 0 {
                let _skipped = self.number().await?;
            }
        }
        let Some((track, ticks, bytes)) = movie.fragment() else {
            return Ok(());
        };
        let fields = [0x100, 0x200, 0x400, 0x800].map(|flag| flags & flag != 0);
        let width: u64 = fields.iter().map(|is_there| u64::from(*is_there) * 4).sum();
        let samples = if width == 0 {
            u64::from(count)
        } else {
            self.rows(count, width)
        };
        track.samples = track.samples.saturating_add(samples);
        if !fields[0] {
            track.ticks = track.ticks.saturating_add(samples * u64::from(ticks));
        }
        if !fields[1] {
            track.bytes = track.bytes.saturating_add(samples * u64::from(bytes));
        }
        if fields[0] || fields[1] {
            for _ in 0..samples {
                for (field, is_there) in fields.iter().enumerate() {
                    if !is_there {
                        continue;
                    }
                    let value = u64::from(u32::from_be_bytes(self.source.next().await?));
                    match field {
                        0 => track.ticks = track.ticks.saturating_add(value),
                        1 => track.bytes = track.bytes.saturating_add(value),
                        _ => {}
                    }
                }
            }
        }
        let so_far = track.is_shown().then(|| track.media()).flatten();
        self.source.saw_duration(so_far);
        Ok(())
    }
}

/// A duration, unless it says that it is unknown: all bits are one, or none is.
fn known(ticks: u64, unknown: u64) -> Option<u64> {
    (ticks != 0 && ticks != unknown).then_some(ticks)
}

/// The duration at a place, of four or eight bytes.
fn duration(fields: Fields<'_>, at: usize, is_long: bool) -> Option<u64> {
    if is_long {
        known(fields.be64(at)?, u64::MAX)
    } else {
        known(u64::from(fields.be32(at)?), u64::from(u32::MAX))
    }
}

/// Ticks a second and the duration, of headers of the movie and of media, which begin alike.
fn times(bytes: &[u8]) -> (u64, Option<u64>) {
    let fields = Fields(bytes);
    let is_long = fields.byte(0) == Some(1);
    let at = if is_long { 20 } else { 12 };
    let scale = fields.be32(at).map_or(0, u64::from);
    (scale, duration(fields, at + 4, is_long))
}

fn movie_header(bytes: &[u8], movie: &mut Movie) {
    (movie.timescale, movie.duration) = times(bytes);
}

fn media_header(bytes: &[u8], movie: &mut Movie) {
    if let Some(track) = movie.track() {
        (track.timescale, track.duration) = times(bytes);
    }
}

fn extends_header(bytes: &[u8]) -> Option<u64> {
    let fields = Fields(bytes);
    duration(fields, 4, fields.byte(0) == Some(1))
}

fn track_extends(bytes: &[u8], movie: &mut Movie) {
    let fields = Fields(bytes);
    if let (Some(track), Some(ticks), Some(size)) = (fields.be32(4), fields.be32(12), fields.be32(16)) {
        movie.add_defaults(track, ticks, size);
    }
}

fn track_header(bytes: &[u8], movie: &mut Movie) {
    let fields = Fields(bytes);
    let Some(track) = movie.track() else { return };
    let is_long = fields.byte(0) == Some(1);
    track.id = fields.be32(if is_long { 20 } else { 12 });
    let matrix = if is_long { 52 } else { 40 };
    let [a, b, c, d] = [0, 4, 12, 16].map(|at| fields.be32(matrix + at).unwrap_or(0));
    track.is_turned = a == 0 && d == 0 && b != 0 && c != 0;
    // Numbers of 16 bits and as many behind the point.
    let [width, height] = [36, 40].map(|at| fields.be32(matrix + at).unwrap_or(0) >> 16);
    track.size = (width, height);
}

fn handler(bytes: &[u8], movie: &mut Movie) {
    // In QuickTime, another one follows that says where the data is.
    if let (Some(name), Some(track)) = (Fields(bytes).array(8), movie.track())
        && track.handler == [0; 4]
    {
        track.handler = name;
    }
}

fn fragment_header(bytes: &[u8], movie: &mut Movie) {
    let fields = Fields(bytes);
    let (Some(flags), Some(track)) = (fields.be32(0), fields.be32(4)) else {
        return;
    };
    let mut at = 8;
    let mut next = |flag: u32, width: usize| {
        if flags & flag == 0 {
            return None;
        }
        at += width;
        fields.be32(at - width)
    };
    let _place = next(0x1, 8);
    let _description = next(0x2, 4);
    let ticks = next(0x8, 4);
    let bytes = next(0x10, 4);
    movie.begin_fragment(track, ticks, bytes);
}
