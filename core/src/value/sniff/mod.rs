//! Finds the media type of a content by its bytes.
//!
//! It checks for markup first, because browsers run scripts in it; then for text; then for families of formats that one signature
//! does not tell apart; then for all other signatures.

mod bmff;
mod bytes;
mod doctype;
mod ebml;
mod known;
mod office;
mod ogg;
mod ole;
mod prolog;
pub(crate) mod root_tag;
mod signatures;
mod sound;
#[cfg(test)]
mod tests;
mod text;
mod tiff;
mod units;
mod zip;

use self::bytes::find;
use self::prolog::{Markup, Prolog};
use crate::value::aliases;
use crate::value::media_type::MediaType;

const SVG: &str = "image/svg+xml";
const HTML: &str = "text/html";
const XML: &str = "text/xml";

/// The beginning of ASF, and the marks of video and audio streams in it (Advanced Systems Format, 10.4).
const ASF: &[u8] = b"\x30\x26\xB2\x75\x8E\x66\xCF\x11\xA6\xD9\0\xAA\0\x62\xCE\x6C";
const ASF_VIDEO: &[u8] = b"\xC0\xEF\x19\xBC\x4D\x5B\xCF\x11\xA8\xFD\0\x80\x5F\x5C\x44\x2B";
const ASF_SOUND: &[u8] = b"\x40\x9E\x69\xF8\x4D\x5B\xCF\x11\xA8\xFD\0\x80\x5F\x5C\x44\x2B";

/// Finds the media type of a content while it is read.
///
/// Nearly always the first bytes are enough. But the text before the root of a markup document has no bound: such a document is read
/// on until its root, without being kept.
#[derive(Debug)]
pub(crate) struct Sniffer {
    found: Option<MediaType>,
    /// What the first bytes look like if the document turns out to be no markup.
    without_markup: Option<MediaType>,
    /// The markup document that is being read on.
    prolog: Option<Prolog>,
}

impl Sniffer {
    /// Reads the first bytes of a content, or all of it if it has no more.
    pub(crate) fn of(head: &[u8]) -> Self {
        let prolog = Prolog::of(head);
        let markup = name_of(prolog.so_far());
        // A tag that has only begun may turn out to be none.
        let may_be_none = markup.is_none() || !prolog.is_known();
        let name = may_be_none.then(|| without_markup(head)).flatten();
        // All names are well-formed. A malformed one would count as none.
        let without_markup = name.and_then(|name| aliases::canonical(&name).parse().ok());
        Self {
            found: markup.map_or_else(|| without_markup.clone(), |name| name.parse().ok()),
            without_markup,
            prolog: Some(prolog).filter(|prolog| !prolog.is_known()),
        }
    }

    /// Reads the next bytes.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        let Some(prolog) = &mut self.prolog else { return };
        prolog.push(bytes);
        self.found = match name_of(prolog.so_far()) {
            Some(name) => name.parse().ok(),
            None => self.without_markup.clone(),
        };
        self.prolog.take_if(|prolog| prolog.is_known());
    }

    /// Whether the next bytes may give the content another type.
    pub(crate) fn may_change(&self) -> bool {
        self.prolog.is_some()
    }

    /// The media type, by the bytes that were read so far.
    pub(crate) fn found(&self) -> Option<&MediaType> {
        self.found.as_ref()
    }
}

/// The media type that the bytes look like, or `None` if they look like no known type.
#[must_use]
#[cfg(any(test, feature = "testkit"))]
pub(crate) fn sniff(head: &[u8]) -> Option<MediaType> {
    Sniffer::of(head).found
}

fn name_of(markup: Markup) -> Option<&'static str> {
    match markup {
        Markup::Svg => Some(SVG),
        Markup::Html => Some(HTML),
        Markup::Xml => Some(XML),
        Markup::No => None,
    }
}

fn without_markup(head: &[u8]) -> Option<String> {
    let by_family = text::look(head).or_else(|| match head {
        _ if head.starts_with(ole::MARK) => Some(ole::look(head)),
        _ if head.starts_with(ogg::MARK) => Some(ogg::look(head)),
        _ if head.starts_with(ebml::MARK) => ebml::look(head),
        _ if head.starts_with(ASF) => Some(asf(head)),
        _ => tiff::look(head)
            .or_else(|| bmff::look(head))
            .or_else(|| sound::look(head)),
    });
    by_family
        .map(str::to_owned)
        .or_else(|| zip::look(head))
        .or_else(|| signatures::look(head))
}

/// It searches for marks of sixteen bytes, because the structure around them is long and nested.
fn asf(head: &[u8]) -> &'static str {
    match (find(head, ASF_VIDEO), find(head, ASF_SOUND)) {
        (Some(_), _) => "video/x-ms-wmv",
        (None, Some(_)) => "audio/x-ms-wma",
        (None, None) => "application/vnd.ms-asf",
    }
}
