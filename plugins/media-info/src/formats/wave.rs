//! WAV, also with long sizes: RIFF, RF64 and BW64 (Multimedia Programming Interface 1.0; EBU Tech 3306; ITU-R BS.2088).

use crate::facts::{Facts, Kind, Probe, Sound, Track, millis};
use crate::formats::bits::Fields;
use crate::formats::pcm;
use crate::source::{Source, Stop};

/// A length that is said elsewhere, or that the writer did not know.
const UNKNOWN: u32 = u32::MAX;
/// So much of a chunk is kept that says something.
const KEPT: usize = 64;

/// What the chunks say.
#[derive(Debug, Default)]
struct Wave {
    format: Option<WaveFormat>,
    /// Samples of a channel, if they are counted elsewhere.
    samples: Option<u64>,
    /// The length of the data, if it is said elsewhere.
    long_data: Option<u64>,
    /// How many bytes of data there are.
    data: Option<u64>,
}

/// The description of the samples.
#[derive(Clone, Copy, Debug)]
struct WaveFormat {
    codec: Option<&'static str>,
    channels: u32,
    rate: u32,
    bytes_a_second: u32,
    /// Whether the bytes of a second are always the same.
    is_plain: bool,
}

/// Reads a file.
pub(crate) async fn probe(source: &mut Source) -> Probe {
    let mut wave = Wave::default();
    let walked = wave.chunks(source).await;
    let Some(format) = wave.format else {
        return Probe::failed("it does not describe its samples");
    };
    let missing = match walked {
        Ok(()) => None,
        Err(Stop::Ended) => Some("the end of the file"),
        Err(Stop::Broken(why)) => Some(why),
    };
    let by_data = wave
        .data
        .and_then(|data| millis(data, u64::from(format.bytes_a_second)));
    let by_samples = wave.samples.and_then(|samples| millis(samples, u64::from(format.rate)));
    let duration = if format.is_plain {
        by_data
    } else {
        by_samples.or(by_data)
    };
    let track = Track {
        codec: format.codec,
        bytes: wave.data,
        duration: None,
        kind: Kind::Audio(Sound {
            channels: Some(format.channels),
            rate: Some(format.rate),
        }),
    };
    let facts = Facts {
        format: "wav",
        duration,
        tracks: vec![track],
    };
    Probe::read(facts, missing)
}

impl Wave {
    async fn chunks(&mut self, source: &mut Source) -> Result<(), Stop> {
        source.skip(12).await?;
        while !source.is_over().await {
            let name: [u8; 4] = source.next().await?;
            let length = u32::from_le_bytes(source.next().await?);
            if &name == b"data" {
                self.read_data(source, length).await?;
                continue;
            }
            let end = source.position() + u64::from(length) + u64::from(length & 1);
            let kept = usize::try_from(length).map_or(KEPT, |length| length.min(KEPT));
            match &name {
                b"fmt " => self.format = WaveFormat::read(&source.keep(kept).await),
                b"fact" => {
                    let samples = Fields(&source.keep(kept).await).le32(0);
                    self.samples = samples
                        .filter(|samples| !matches!(*samples, 0 | UNKNOWN))
                        .map(u64::from);
                }
                b"ds64" => self.long_data = Fields(&source.keep(kept).await).le64(8),
                _ => {}
            }
            match source.skip_to(end).await {
                // The byte that fills up a chunk is often left out at the end.
                Err(Stop::Ended) if source.position() + 1 == end && length & 1 == 1 => return Ok(()),
                skipped => skipped?,
            }
        }
        Ok(())
    }

    /// Passes the data, and counts it: a writer to a pipe does not know its length.
    async fn read_data(&mut self, source: &mut Source, length: u32) -> Result<(), Stop> {
        let begin = source.position();
        let announced = match length {
            UNKNOWN => self.long_data,
            // A writer that was interrupted did not come back to fill it in.
            0 => None,
            length => Some(u64::from(length)),
        };
        let end = announced.map(|length| begin.saturating_add(length));
        let passed = source.skip_to(end.unwrap_or(u64::MAX)).await;
        self.data = Some(source.position().saturating_sub(begin));
        match (passed, end) {
            (Err(Stop::Ended), None) => Ok(()),
            (Ok(()), Some(end)) if (end - begin) & 1 == 1 => source.skip(1).await.or(Ok(())),
            (passed, _) => passed,
        }
    }
}

impl WaveFormat {
    fn read(chunk: &[u8]) -> Option<Self> {
        const EXTENSIBLE: u16 = 0xFFFE;
        let fields = Fields(chunk);
        let mut tag = fields.le16(0)?;
        if tag == EXTENSIBLE {
            tag = fields.le16(24)?;
        }
        let bits = u32::from(fields.le16(14)?);
        // Samples fill whole bytes.
        let width = bits.div_ceil(8) * 8;
        let codec = match tag {
            1 if width == 8 => Some("pcm_u8"),
            1 => pcm::integer(width, true),
            3 => pcm::float(width, true),
            6 => Some("pcm_alaw"),
            7 => Some("pcm_mulaw"),
            0x02 => Some("adpcm_ms"),
            0x11 => Some("adpcm_ima_wav"),
            0x31 => Some("gsm_ms"),
            0x50 => Some("mp2"),
            0x55 => Some("mp3"),
            0xFF | 0x1600 => Some("aac"),
            0x2000 => Some("ac3"),
            0x2001 => Some("dts"),
            _ => None,
        };
        Some(Self {
            codec,
            channels: u32::from(fields.le16(2)?),
            rate: fields.le32(4)?,
            bytes_a_second: fields.le32(8)?,
            is_plain: matches!(tag, 1 | 3 | 6 | 7),
        })
    }
}
