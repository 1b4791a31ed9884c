//! Ogg: Vorbis, Opus, FLAC, Speex and Theora in pages (RFC 3533, RFC 7845; Vorbis I, A; Theora, A).
//!
//! The last page of a stream says at which sample or frame it ends. Streams may follow each other, as in a recorded broadcast.

use crate::facts::{Facts, Kind, Picture, Probe, Sound, Track, frame_rate, millis, square};
use crate::formats::bits::Fields;
use crate::formats::flac;
use crate::source::{Source, Stop};

/// Bytes of a page before its table of segments.
const HEADER: usize = 27;
/// The flag of pages that begin a stream.
const BEGINS: u8 = 2;
/// So much of the first packet is kept.
const KEPT: usize = 128;
/// Streams at the same time, at most.
const MOST_STREAMS: usize = 64;
/// No page holds more of sound, in milliseconds.
const LONGEST_PAGE: u64 = 60_000;

/// Reads the pages of a file.
pub(crate) async fn probe(source: &mut Source) -> Probe {
    let mut ogg = Ogg::default();
    let missing = match ogg.pages(source).await {
        Ok(()) => None,
        Err(Stop::Ended) => Some("the end of the file"),
        Err(Stop::Broken(why)) => Some(why),
    };
    ogg.end_link();
    let Some(tracks) = ogg.tracks else {
        return Probe::failed("it has no stream of a known codec");
    };
    let facts = Facts {
        format: "ogg",
        duration: Some(ogg.ended).filter(|millis| *millis > 0),
        tracks,
    };
    Probe::read(facts, missing)
}

/// What was read so far.
#[derive(Debug, Default)]
struct Ogg {
    /// The streams of the current link of the chain.
    streams: Vec<Stream>,
    /// Whether pages of data were seen, so that a stream that begins belongs to the next link.
    has_data: bool,
    /// How long the links that ended play, in milliseconds.
    ended: u64,
    /// Those of the first link, with the bytes of all.
    tracks: Option<Vec<Track>>,
}

/// A stream of pages.
#[derive(Debug)]
struct Stream {
    serial: u32,
    codec: Codec,
    bytes: u64,
    /// Where its first and its last page of data end.
    first: Option<u64>,
    last: Option<u64>,
}

/// What the first packet of a stream says.
#[derive(Clone, Copy, Debug)]
enum Codec {
    /// Sound: places are counted in samples, and some in front are not heard.
    Sound {
        name: &'static str,
        sound: Sound,
        places: u32,
        unheard: u64,
    },
    /// Theora: places are frames since the last key frame, and the number of that.
    Theora {
        size: (u32, u32),
        frames: u32,
        seconds: u32,
        shift: u32,
    },
    /// Neither heard nor shown, or unknown.
    Other,
}

impl Ogg {
    async fn pages(&mut self, source: &mut Source) -> Result<(), Stop> {
        while !source.is_over().await {
            let header = source.next::<HEADER>().await?;
            let fields = Fields(&header);
            if !header.starts_with(b"OggS") {
                return Err(Stop::Broken("what follows a broken page"));
            }
            let (flags, segments) = (header[5], usize::from(header[26]));
            let (place, serial) = (fields.le64(6).unwrap_or(u64::MAX), fields.le32(14).unwrap_or(0));
            let table = source.keep(segments).await;
            if table.len() < segments {
                return Err(Stop::Ended);
            }
            let length: u64 = table.iter().map(|length| u64::from(*length)).sum();
            let end = source.position() + length;
            if flags & BEGINS != 0 {
                let kept = usize::try_from(length).map_or(KEPT, |length| length.min(KEPT));
                let packet = source.keep(kept).await;
                self.begin(source, serial, Codec::read(&packet));
            } else {
                self.add(serial, place, length);
            }
            source.skip_to(end).await?;
            source.saw_duration(self.so_far());
        }
        Ok(())
    }

    fn begin(&mut self, source: &mut Source, serial: u32, codec: Codec) {
        if self.has_data {
            self.end_link();
        }
        if let Codec::Theora { size, .. } = codec {
            source.saw_size(size);
        }
        if self.streams.len() < MOST_STREAMS {
            self.streams.push(Stream {
                serial,
                codec,
                bytes: 0,
                first: None,
                last: None,
            });
        }
    }

    fn add(&mut self, serial: u32, place: u64, length: u64) {
        let Some(stream) = self.streams.iter_mut().find(|stream| stream.serial == serial) else {
            return;
        };
        self.has_data = true;
        stream.bytes = stream.bytes.saturating_add(length);
        // The pages of headers have the place 0, and those on which no packet ends have none.
        if place != 0 && place != u64::MAX {
            stream.first.get_or_insert(place);
            stream.last = Some(place);
        }
    }

    fn so_far(&self) -> Option<u64> {
        let current = self.streams.iter().filter_map(Stream::duration).max();
        Some(self.ended.saturating_add(current.unwrap_or(0)))
    }

    /// The streams end, and others may follow.
    fn end_link(&mut self) {
        self.has_data = false;
        self.ended = self.so_far().unwrap_or(0);
        let streams = std::mem::take(&mut self.streams);
        let tracks: Vec<_> = streams.iter().filter_map(Stream::track).collect();
        match &mut self.tracks {
            None if tracks.is_empty() => {}
            None => self.tracks = Some(tracks),
            Some(first) => {
                for (first, more) in first.iter_mut().zip(tracks) {
                    first.bytes = first
                        .bytes
                        .zip(more.bytes)
                        .map(|(first, more)| first.saturating_add(more));
                }
            }
        }
    }
}

impl Stream {
    /// How long it plays so far, in milliseconds.
    fn duration(&self) -> Option<u64> {
        let (first, last) = (self.first?, self.last?);
        match self.codec {
            Codec::Sound { places, unheard, .. } => {
                let places = u64::from(places);
                let is_cut = millis(first, places).is_none_or(|millis| millis > LONGEST_PAGE);
                // A recording of a broadcast begins at any place.
                let begin = if is_cut { first } else { unheard };
                millis(last.saturating_sub(begin), places)
            }
            Codec::Theora { frames, seconds, .. } => {
                let count = self.frames()?;
                millis(count.checked_mul(u64::from(seconds))?, u64::from(frames))
            }
            Codec::Other => None,
        }
    }

    fn frames(&self) -> Option<u64> {
        let (last, Codec::Theora { shift, .. }) = (self.last?, self.codec) else {
            return None;
        };
        let key = last.checked_shr(shift)?;
        key.checked_add(last - key.checked_shl(shift)?)
    }

    fn track(&self) -> Option<Track> {
        let (codec, kind) = match self.codec {
            Codec::Sound { name, sound, .. } => (name, Kind::Audio(sound)),
            Codec::Theora {
                size, frames, seconds, ..
            } => {
                let rate = frame_rate(u64::from(frames), u64::from(seconds), 1);
                let size = Some(size);
                ("theora", Kind::Video(Picture { size, rate }))
            }
            Codec::Other => return None,
        };
        Some(Track {
            codec: Some(codec),
            bytes: Some(self.bytes),
            duration: None,
            kind,
        })
    }
}

impl Codec {
    /// The codec of a stream with this first packet.
    fn read(packet: &[u8]) -> Self {
        let read = match packet {
            [1, b'v', b'o', b'r', b'b', b'i', b's', ..] => Self::vorbis(Fields(packet)),
            [b'O', b'p', b'u', b's', b'H', b'e', b'a', b'd', ..] => Self::opus(Fields(packet)),
            [0x7F, b'F', b'L', b'A', b'C', ..] => Self::flac(packet),
            [b'S', b'p', b'e', b'e', b'x', ..] => Self::speex(Fields(packet)),
            [0x80, b't', b'h', b'e', b'o', b'r', b'a', ..] => Self::theora(Fields(packet)),
            _ => None,
        };
        read.unwrap_or(Self::Other)
    }

    fn sound(name: &'static str, channels: u32, rate: u32, unheard: u64) -> Self {
        Self::Sound {
            name,
            sound: Sound {
                channels: Some(channels),
                rate: Some(rate),
            },
            places: rate,
            unheard,
        }
    }

    fn vorbis(fields: Fields<'_>) -> Option<Self> {
        Some(Self::sound("vorbis", u32::from(fields.byte(11)?), fields.le32(12)?, 0))
    }

    fn opus(fields: Fields<'_>) -> Option<Self> {
        // It is always decoded to this rate, and counted in it.
        let unheard = u64::from(fields.le16(10)?);
        Some(Self::sound("opus", u32::from(fields.byte(9)?), 48_000, unheard))
    }

    fn flac(packet: &[u8]) -> Option<Self> {
        // Version, number of headers, the signature of FLAC, and the header of the block.
        let info = flac::StreamInfo::read(packet.get(17..)?)?;
        Some(Self::sound("flac", info.channels, info.rate, 0))
    }

    fn speex(fields: Fields<'_>) -> Option<Self> {
        Some(Self::sound("speex", fields.le32(48)?, fields.le32(36)?, 0))
    }

    fn theora(fields: Fields<'_>) -> Option<Self> {
        let size = (fields.be24(14)?, fields.be24(17)?);
        let (frames, seconds) = (fields.be32(22)?, fields.be32(26)?);
        let aspect = (fields.be24(30)?, fields.be24(33)?);
        // Six bits of quality, then five that say how far the number of the key frame is shifted.
        let shift = u32::from(fields.be16(40)? >> 5 & 31);
        Some(Self::Theora {
            size: square(size, aspect),
            frames,
            seconds,
            shift,
        })
    }
}
