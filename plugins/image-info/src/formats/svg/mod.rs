//! SVG: the start tag of its root.

mod length;
mod size;

use intake_core::RootTag;

use self::length::Length;
use self::size::{Natural, Shape};
use crate::formats::format::Format;
use crate::probe::Probe;
use crate::source::Source;

/// The attributes that are kept.
const WANTED: [&str; 8] = [
    "width",
    "height",
    "viewBox",
    "preserveAspectRatio",
    "font-size",
    "style",
    "xmlns",
    "xmlns:",
];
/// The namespace of SVG (SVG 2, 1.4). What is in another one is not drawn.
const NAMESPACE: &str = "http://www.w3.org/2000/svg";
/// How far a document is read: draw.io writes all of a drawing once more into an attribute of the root.
const MOST_READ: u64 = 4 * 1024 * 1024;

pub(crate) async fn probe(source: &mut Source) -> Probe {
    let mut tag = RootTag::of(&source.some().await, &WANTED);
    while !tag.is_read() && source.position() < MOST_READ {
        let bytes = source.some().await;
        if bytes.is_empty() {
            break;
        }
        tag.push(&bytes);
    }
    if !tag.is_svg() {
        return Probe::no_image();
    }
    match size_of(&tag) {
        Ok(size) => Probe::complete(Format::Svg.note(size, None)),
        Err(why) => Probe::failed(why),
    }
}

/// The size in whole pixels, or why it is unknown.
fn size_of(tag: &RootTag) -> Result<(u32, u32), &'static str> {
    if !tag.is_complete() {
        return Err("the first tag is broken, or does not end");
    }
    let mut in_namespace = false;
    let mut natural = Natural::default();
    let mut is_em = false;
    let mut has_font = false;
    for (name, value) in tag.attributes() {
        let is_reference = value.is_none_or(|value| value.contains('&'));
        match name {
            "style" => has_font |= value.is_none_or(|style| style.contains("font")),
            "font-size" => has_font = true,
            // An entity, as Illustrator writes it, may be the name of anything.
            _ if name.starts_with("xmlns") => in_namespace |= is_reference || value == Some(NAMESPACE),
            _ if is_reference => return Err("its size is in an entity"),
            "viewBox" => natural.shape = value.and_then(Shape::of),
            "preserveAspectRatio" => natural.is_stretched = value.is_some_and(size::is_stretched),
            "width" | "height" => {
                let length = Length::of(value.unwrap_or_default());
                is_em |= matches!(length, Length::Em(_));
                match name {
                    "width" => natural.width = length.pixels()?,
                    _ => natural.height = length.pixels()?,
                }
            }
            _ => {}
        }
    }
    if !in_namespace {
        return Err("it is not in the namespace of SVG, so no browser shows it as an image");
    }
    if is_em && has_font {
        return Err("its size depends on a font");
    }
    natural.size()
}
