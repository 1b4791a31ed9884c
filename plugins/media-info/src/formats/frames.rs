//! Streams of frames without a container: MPEG audio and ADTS; and FLAC, which may have the same tag in front of it.
//!
//! The frames are counted as they pass. A header of Xing, LAME or VBRI that says how many there are is not needed for that, and
//! not believed.

use crate::facts::{Facts, Kind, Probe, Sound, Track, millis};
use crate::formats::{adts, flac, mpeg_audio};
use crate::source::{Source, Stop};

/// Bytes that tell whether a frame begins.
const WINDOW: usize = adts::HEADER;
/// So much of the first frame is kept: up to the mark of a frame that describes the others.
const MARKED: usize = 64;
/// Tags in a row, at most.
const MOST_TAGS: u32 = 16;

/// Reads a stream, from its tags on.
pub(crate) async fn probe(source: &mut Source) -> Probe {
    let mut walk = Walk::default();
    let walked = walk.begin(source).await;
    match walked {
        Ok(true) => return flac::probe(source).await,
        Ok(false) | Err(Stop::Ended) => {}
        Err(Stop::Broken(why)) => return Probe::failed(why),
    }
    let missing = match walk.frames(source).await {
        Err(Stop::Broken(why)) => Some(why),
        _ => None,
    };
    match walk.facts() {
        Some(facts) => Probe::read(facts, missing),
        None => Probe::failed("it has no frames"),
    }
}

/// The header of a frame of either kind.
#[derive(Clone, Copy, Debug)]
struct Frame {
    codec: &'static str,
    bytes: u32,
    samples: u32,
    rate: u32,
    channels: Option<u32>,
    mpeg: Option<mpeg_audio::Header>,
}

impl Frame {
    fn read(bytes: &[u8]) -> Option<Self> {
        if let Some(mpeg) = mpeg_audio::Header::read(bytes) {
            return Some(Self {
                codec: mpeg.codec(),
                bytes: mpeg.bytes,
                samples: mpeg.samples,
                rate: mpeg.rate,
                channels: Some(mpeg.channels),
                mpeg: Some(mpeg),
            });
        }
        adts::Header::read(bytes).map(|adts| Self {
            codec: "aac",
            bytes: adts.bytes,
            samples: adts.samples,
            rate: adts.rate,
            channels: adts.channels,
            mpeg: None,
        })
    }

    fn is_alike(&self, other: &Self) -> bool {
        self.codec == other.codec && self.rate == other.rate
    }
}

/// A walk from frame to frame.
#[derive(Debug, Default)]
struct Walk {
    /// The bytes at the place.
    window: Vec<u8>,
    first: Option<Frame>,
    /// A frame that counts if another one follows it: nothing in front of it was a frame.
    doubted: Option<Frame>,
    samples: u64,
    bytes: u64,
}

impl Walk {
    /// Skips tags of ID3. Returns whether a FLAC begins behind them.
    async fn begin(&mut self, source: &mut Source) -> Result<bool, Stop> {
        for _ in 0..MOST_TAGS {
            self.window = source.keep(4).await;
            if self.window == flac::MARK {
                return Ok(true);
            }
            if !self.window.starts_with(b"ID3") {
                return Ok(false);
            }
            let [_revision, flags, lengths @ ..] = source.next::<6>().await?;
            let length = lengths.iter().fold(0, |sum, byte| sum << 7 | u64::from(byte & 0x7F));
            let footer = if flags & 0x10 == 0 { 0 } else { 10 };
            source.skip(length + footer).await?;
        }
        Err(Stop::Broken("it has too many tags"))
    }

    /// Goes from frame to frame, to the end.
    async fn frames(&mut self, source: &mut Source) -> Result<(), Stop> {
        loop {
            self.load(source).await?;
            let found = Frame::read(&self.window);
            let fits = found.filter(|frame| self.first.is_none_or(|first| first.is_alike(frame)));
            let Some(frame) = fits else {
                self.doubted = None;
                self.pass_byte(source).await?;
                continue;
            };
            let is_whole = self.pass_frame(source, &frame).await;
            if is_whole.is_err() {
                return Err(Stop::Broken("the end of the file"));
            }
            source.saw_duration(self.duration());
        }
    }

    async fn load(&mut self, source: &mut Source) -> Result<(), Stop> {
        let lacking = WINDOW.saturating_sub(self.window.len());
        if lacking == WINDOW {
            self.window.extend(source.next::<WINDOW>().await?);
        } else if lacking > 0 {
            self.window.extend(source.keep(lacking).await);
        }
        if self.window.len() < WINDOW {
            Err(Stop::Ended)
        } else {
            Ok(())
        }
    }

    /// Goes on to the next byte at which a frame may begin.
    async fn pass_byte(&mut self, source: &mut Source) -> Result<(), Stop> {
        let next = self.window.iter().skip(1).position(|byte| *byte == 0xFF);
        match next {
            Some(at) => drop(self.window.drain(..=at)),
            None => {
                self.window.clear();
                source.skip_until(0xFF).await?;
            }
        }
        Ok(())
    }

    /// Goes on to the end of a frame, and counts it.
    async fn pass_frame(&mut self, source: &mut Source, frame: &Frame) -> Result<(), Stop> {
        let mut beginning = std::mem::take(&mut self.window);
        let left = u64::from(frame.bytes).saturating_sub(beginning.len() as u64);
        if self.first.is_some() {
            source.skip(left).await?;
            self.window = beginning;
            self.window.clear();
            self.add(frame);
            return Ok(());
        }
        // As long as no frame was counted, it may describe the others.
        let kept = usize::try_from(left).map_or(MARKED, |left| left.min(MARKED));
        beginning.extend(source.keep(kept).await);
        source.skip(left.saturating_sub(kept as u64)).await?;
        if frame.mpeg.is_none_or(|mpeg| !mpeg.is_description(&beginning)) {
            match self.doubted.take() {
                Some(doubted) if doubted.is_alike(frame) => {
                    self.first = Some(doubted);
                    self.add(&doubted);
                    self.add(frame);
                }
                _ => self.doubted = Some(*frame),
            }
        }
        Ok(())
    }

    fn add(&mut self, frame: &Frame) {
        self.samples = self.samples.saturating_add(u64::from(frame.samples));
        self.bytes = self.bytes.saturating_add(u64::from(frame.bytes));
    }

    fn duration(&self) -> Option<u64> {
        millis(self.samples, u64::from(self.first?.rate))
    }

    fn facts(mut self) -> Option<Facts> {
        // A stream of a single frame.
        if let (None, Some(only)) = (self.first, self.doubted) {
            self.first = Some(only);
            self.add(&only);
        }
        let first = self.first?;
        let track = Track {
            codec: Some(first.codec),
            bytes: Some(self.bytes),
            duration: None,
            kind: Kind::Audio(Sound {
                channels: first.channels,
                rate: Some(first.rate),
            }),
        };
        Some(Facts {
            // One reader of FFmpeg has this name for all layers of MPEG audio.
            format: if first.mpeg.is_some() { "mp3" } else { first.codec },
            duration: self.duration(),
            tracks: vec![track],
        })
    }
}
