//! The supported formats, each in its own file, and what several of them share.

mod adts;
mod bits;
mod dolby;
mod flac;
mod format;
mod frames;
mod matroska;
mod mp4;
mod mpeg_audio;
mod ogg;
mod pcm;
mod transport;
mod wave;

use crate::facts::Probe;
use crate::source::Source;

pub(crate) use self::format::Format;

/// Reads an upload until everything that it says is known. Keeps at most `max_header` bytes of one description of tracks.
pub(crate) async fn probe(format: Format, mut source: Source, max_header: usize) -> Probe {
    let source = &mut source;
    match format {
        Format::Frames => frames::probe(source).await,
        Format::Matroska => matroska::probe(source, max_header).await,
        Format::Mp4 => mp4::probe(source, max_header).await,
        Format::Ogg => ogg::probe(source).await,
        Format::Transport => transport::probe(source).await,
        Format::Wave => wave::probe(source).await,
    }
}
