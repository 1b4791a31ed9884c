//! Private functions that the fuzz targets call.

use crate::value::media_type::MediaType;
use crate::value::sniff::Sniffer;

/// The media type of a content that begins with `head` and goes on with these pieces.
pub fn media_type<'a>(head: &[u8], pieces: impl Iterator<Item = &'a [u8]>) -> Option<MediaType> {
    let mut sniffer = Sniffer::of(head);
    pieces.for_each(|piece| sniffer.push(piece));
    sniffer.found().cloned()
}
