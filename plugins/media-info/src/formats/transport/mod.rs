//! MPEG-2 transport streams, also with the times of Blu-ray discs in front of each packet (ISO/IEC 13818-1).
//!
//! The stream says nothing of its length. Each frame has a time, and the first and the last one tell how long it plays.

mod clock;
mod parameters;
mod stream;
mod tables;

use crate::facts::{Facts, Probe};
use crate::formats::bits::Fields;
use crate::formats::transport::stream::Stream;
use crate::formats::transport::tables::{Section, programs, streams};
use crate::source::{Source, Stop};

/// Bytes of a packet, and of the time that a Blu-ray disc puts in front of it.
const PACKET: usize = 188;
const ARRIVAL: u64 = 4;
const SYNC: u8 = 0x47;
/// The packet that lists the programs.
const PROGRAMS: u16 = 0;
/// Programs and streams that are followed, at most.
const MOST_PROGRAMS: usize = 16;
const MOST_STREAMS: usize = 64;

/// Reads the packets of a file.
pub(crate) async fn probe(source: &mut Source) -> Probe {
    let mut reader = Reader::default();
    let missing = match reader.packets(source).await {
        Ok(()) => None,
        Err(Stop::Ended) => Some("the end of the file"),
        Err(Stop::Broken(why)) => Some(why),
    };
    if reader.streams.is_empty() {
        return Probe::failed("it has no list of streams");
    }
    Probe::read(reader.facts(), missing)
}

/// What was read so far.
#[derive(Debug, Default)]
struct Reader {
    programs: Section,
    /// The list of streams of each program, by the number of its packets.
    lists: Vec<(u16, Section)>,
    streams: Vec<Stream>,
}

/// A packet without its header.
struct Packet<'a> {
    number: u16,
    /// Whether a section or a frame begins in it.
    begins: bool,
    payload: &'a [u8],
}

impl<'a> Packet<'a> {
    fn read(bytes: &'a [u8; PACKET]) -> Option<Self> {
        let fields = Fields(bytes);
        let number = fields.be16(1)?;
        let flags = fields.byte(3)?;
        // The sender marked it as broken, or it has no payload.
        if number & 0x8000 != 0 || flags & 0x10 == 0 {
            return None;
        }
        let adaptation = if flags & 0x20 == 0 {
            0
        } else {
            1 + usize::from(fields.byte(4)?)
        };
        Some(Self {
            number: number & 0x1FFF,
            begins: number & 0x4000 != 0,
            payload: bytes.get(4 + adaptation..)?,
        })
    }
}

impl Reader {
    async fn packets(&mut self, source: &mut Source) -> Result<(), Stop> {
        // Either kind begins with a packet, or with a time.
        let [first] = source.next().await?;
        let gap = if first == SYNC { 0 } else { ARRIVAL };
        source.skip(gap.saturating_sub(1)).await?;
        let mut is_first = gap == 0;
        loop {
            if !is_first {
                if source.is_over().await {
                    return Ok(());
                }
                let [sync] = source.next().await?;
                if sync != SYNC {
                    // Lost. Any byte of this value may begin a packet; a wrong one leads on to the next.
                    source.skip_until(SYNC).await?;
                    continue;
                }
            }
            is_first = false;
            let mut packet = [SYNC; PACKET];
            let rest: [u8; PACKET - 1] = source.next().await?;
            packet[1..].copy_from_slice(&rest);
            if let Some(packet) = Packet::read(&packet) {
                self.packet(source, &packet);
            }
            if gap > 0 && source.skip(gap).await.is_err() {
                return Ok(());
            }
        }
    }

    fn packet(&mut self, source: &mut Source, packet: &Packet<'_>) {
        if packet.number == PROGRAMS {
            let section = self.programs.push(packet.begins, packet.payload);
            for number in section.map(programs).unwrap_or_default() {
                let is_new = self.lists.iter().all(|(known, _)| *known != number);
                if is_new && self.lists.len() < MOST_PROGRAMS {
                    self.lists.push((number, Section::default()));
                }
            }
            return;
        }
        if let Some(stream) = self.streams.iter_mut().find(|stream| stream.number == packet.number) {
            let known = stream.size();
            stream.push(packet.begins, packet.payload);
            if let Some(size) = stream.size().filter(|_| known.is_none()) {
                source.saw_size(size);
            }
            if packet.begins {
                let duration = stream.duration();
                source.saw_duration(duration);
            }
            return;
        }
        let Some((_, list)) = self.lists.iter_mut().find(|(number, _)| *number == packet.number) else {
            return;
        };
        let section = list.push(packet.begins, packet.payload);
        for (number, codec) in section.map(streams).unwrap_or_default() {
            let is_new = self.streams.iter().all(|known| known.number != number);
            if is_new && self.streams.len() < MOST_STREAMS {
                self.streams.push(Stream::new(number, codec));
            }
        }
    }

    fn facts(self) -> Facts {
        let durations = self.streams.iter().filter_map(Stream::duration);
        Facts {
            format: "mpegts",
            duration: durations.max().filter(|millis| *millis > 0),
            tracks: self.streams.iter().filter_map(Stream::facts).collect(),
        }
    }
}
