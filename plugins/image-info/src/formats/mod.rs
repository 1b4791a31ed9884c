//! The supported formats, each in its own file.

mod bmp;
mod boxes;
mod format;
mod gif;
mod heif;
mod ico;
mod jpeg;
mod jxl;
mod png;
mod svg;
mod tiff;
mod webp;

use crate::probe::Probe;
use crate::source::Source;

pub(crate) use self::format::Format;

/// Reads an upload until everything that it says about the image is known.
pub(crate) async fn probe(format: Format, mut source: Source) -> Probe {
    let source = &mut source;
    match format {
        Format::Avif | Format::Heif => heif::probe(format, source).await,
        Format::Bmp => bmp::probe(source).await,
        Format::Cur | Format::Ico => ico::probe(source).await,
        Format::Gif => gif::probe(source).await,
        Format::Jpeg => jpeg::probe(source).await,
        Format::Jxl => jxl::probe(source).await,
        Format::Png => png::probe(source).await,
        Format::Svg => svg::probe(source).await,
        Format::Tiff => tiff::probe(source).await,
        Format::Webp => webp::probe(source).await,
    }
}
