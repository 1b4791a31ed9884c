//! FLAC (RFC 9639).

use crate::facts::{Facts, Kind, Probe, Sound, Track, millis};
use crate::formats::bits::Fields;
use crate::source::{Source, Stop};

/// The signature of a file.
pub(crate) const MARK: &[u8; 4] = b"fLaC";
/// The length of the block that every stream begins with.
const STREAM_INFO: usize = 34;

/// What every stream begins with (8.2).
#[derive(Clone, Copy, Debug)]
pub(crate) struct StreamInfo {
    pub(crate) rate: u32,
    pub(crate) channels: u32,
    /// `None` if the writer did not know it.
    pub(crate) samples: Option<u64>,
}

impl StreamInfo {
    pub(crate) fn read(block: &[u8]) -> Option<Self> {
        let fields = Fields(block.get(..STREAM_INFO)?);
        let packed = fields.be64(10)?;
        let rate = u32::try_from(packed >> 44).ok()?;
        let samples = packed & 0xF_FFFF_FFFF;
        Some(Self {
            rate,
            channels: u32::try_from(packed >> 41 & 7).ok()? + 1,
            samples: Some(samples).filter(|samples| *samples > 0),
        })
    }

    pub(crate) fn sound(self) -> Kind {
        Kind::Audio(Sound {
            channels: Some(self.channels),
            rate: Some(self.rate),
        })
    }
}

/// Reads a file from behind its signature.
pub(crate) async fn probe(source: &mut Source) -> Probe {
    match read(source).await {
        Ok(facts) => {
            source.saw_duration(facts.duration);
            Probe::read(facts, None)
        }
        Err(Stop::Ended) => Probe::failed("it ends within its header"),
        Err(Stop::Broken(why)) => Probe::failed(why),
    }
}

async fn read(source: &mut Source) -> Result<Facts, Stop> {
    let [kind, length @ ..] = source.next::<4>().await?;
    let [a, b, c] = length;
    let length = usize::try_from(u32::from_be_bytes([0, a, b, c])).unwrap_or(usize::MAX);
    // The highest bit marks the last block of the header.
    if kind & 0x7F != 0 || length != STREAM_INFO {
        return Err(Stop::Broken("it does not begin with a description of its stream"));
    }
    let block = source.next::<STREAM_INFO>().await?;
    let info = StreamInfo::read(&block).ok_or(Stop::Ended)?;
    let track = Track {
        codec: Some("flac"),
        kind: info.sound(),
        ..Track::default()
    };
    Ok(Facts {
        format: "flac",
        duration: info.samples.and_then(|samples| millis(samples, u64::from(info.rate))),
        tracks: vec![track],
    })
}
