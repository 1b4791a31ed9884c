//! The start tag of the root of an SVG document, behind its prolog.

use super::prolog::{Markup, Prolog, begins_name, is_of_name};
use super::units::{Units, is_space};

/// The most bytes of the name and of the value of an attribute that are kept.
const MOST_KEPT: usize = 256;
/// The most attributes that are kept.
const MOST_ATTRIBUTES: usize = 64;

/// Reads an SVG document up to the end of the start tag of its root, and keeps some of the attributes in it.
///
/// It reads the document type as it finds the media type: comments, instructions and declarations in front of the root may be of any
/// length, in any encoding that the first bytes show, and nothing of them is kept. No entity is expanded: a value has its references
/// as they are written. Characters beyond ASCII are replaced by one that no number and no address has.
///
/// ```
/// use intake_core::RootTag;
///
/// let mut tag = RootTag::of(b"<!-- a drawing --><svg width='3", &["width", "height"]);
/// tag.push(b"0mm' class='large' height='20mm'>");
/// assert!(tag.is_complete());
/// let read: Vec<_> = tag.attributes().collect();
/// assert_eq!(read, [("width", Some("30mm")), ("height", Some("20mm"))]);
/// ```
#[derive(Clone, Debug)]
pub struct RootTag {
    wanted: &'static [&'static str],
    part: Part,
    is_svg: bool,
    /// The name, and the value if it is wanted, of the attribute that is being read.
    name: String,
    value: Option<String>,
    attributes: Vec<(String, Option<String>)>,
}

#[derive(Clone, Debug)]
enum Part {
    Prolog(Box<Prolog>),
    Tag(Units, Place),
    Complete,
    /// There is no root of SVG, or its tag is not well-formed.
    Broken,
}

/// Where in the tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Behind white space: an attribute may begin.
    Gap,
    /// Behind a value, or the name of the root.
    Behind,
    Name,
    /// Between a name and its `=`.
    Named,
    /// Behind `=`.
    Equals,
    /// In a value with this quotation mark.
    Value(u8),
    /// Behind the `/` of a tag that has no end tag.
    Slash,
    Complete,
    Broken,
}

impl RootTag {
    /// Reads the first bytes of a document, or all of it if it has no more. There should be four at least, as they show the encoding.
    /// Attributes with these names are kept; a name that ends with a colon is that of all attributes with this prefix.
    #[must_use]
    pub fn of(head: &[u8], wanted: &'static [&'static str]) -> Self {
        let (prolog, rest) = Prolog::opened(head);
        let mut tag = Self {
            wanted,
            part: Part::Prolog(Box::new(prolog)),
            is_svg: false,
            name: String::new(),
            value: None,
            attributes: Vec::new(),
        };
        tag.push(rest);
        tag
    }

    /// Reads the next bytes.
    pub fn push(&mut self, bytes: &[u8]) {
        let rest = self.push_prolog(bytes);
        let (mut units, mut place) = match std::mem::replace(&mut self.part, Part::Broken) {
            Part::Tag(units, place) => (units, place),
            other => {
                self.part = other;
                return;
            }
        };
        for byte in rest {
            if let Some(character) = units.push(*byte) {
                place = self.step(place, character);
            }
            if matches!(place, Place::Complete | Place::Broken) {
                break;
            }
        }
        self.part = match place {
            Place::Complete => Part::Complete,
            Place::Broken => Part::Broken,
            _ => Part::Tag(units, place),
        };
    }

    /// Whether the root was found, and is that of an SVG document.
    #[must_use]
    pub fn is_svg(&self) -> bool {
        self.is_svg
    }

    /// Whether the end of the tag was read.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        matches!(self.part, Part::Complete)
    }

    /// Whether further bytes change nothing: the end of the tag was read, or there is no such tag, or it is not well-formed.
    #[must_use]
    pub fn is_read(&self) -> bool {
        matches!(self.part, Part::Complete | Part::Broken)
    }

    /// The attributes that were kept, in the order of the document. A value of more than 256 bytes is `None`.
    pub fn attributes(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        self.attributes
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_deref()))
    }

    /// Reads the prolog; returns the bytes behind the name of the root.
    fn push_prolog<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let Part::Prolog(prolog) = &mut self.part else {
            return bytes;
        };
        let rest = prolog.push(bytes);
        if !prolog.is_known() {
            return rest;
        }
        let (markup, last) = (prolog.so_far(), prolog.last());
        let Part::Prolog(prolog) = std::mem::replace(&mut self.part, Part::Broken) else {
            return rest;
        };
        if markup == Markup::Svg {
            self.is_svg = true;
            let place = self.step(Place::Behind, last);
            self.part = match place {
                Place::Complete => Part::Complete,
                Place::Broken => Part::Broken,
                _ => Part::Tag(prolog.into_units(), place),
            };
        }
        rest
    }

    /// XML 1.0, productions 40 and 44.
    fn step(&mut self, place: Place, character: u8) -> Place {
        match (place, character) {
            (Place::Gap | Place::Behind | Place::Slash, b'>') => Place::Complete,
            (Place::Gap | Place::Behind, b'/') => Place::Slash,
            (Place::Gap | Place::Behind, _) if is_space(character) => Place::Gap,
            (Place::Gap, _) if begins_name(character) => {
                self.name.clear();
                self.name.push(char::from(character));
                Place::Name
            }
            (Place::Name, _) if is_of_name(character) => {
                if self.name.len() < MOST_KEPT {
                    self.name.push(char::from(character));
                }
                Place::Name
            }
            (Place::Name | Place::Named, b'=') => Place::Equals,
            (Place::Name | Place::Named, _) if is_space(character) => Place::Named,
            (Place::Equals, _) if is_space(character) => Place::Equals,
            (Place::Equals, b'"' | b'\'') => self.begin_value(character),
            (Place::Value(quote), _) if quote == character => self.end_value(),
            (Place::Value(_), b'<') => Place::Broken,
            (Place::Value(quote), _) => {
                self.keep(character);
                Place::Value(quote)
            }
            _ => Place::Broken,
        }
    }

    fn is_wanted(&self) -> bool {
        let is_prefix = |wanted: &str| wanted.ends_with(':') && self.name.starts_with(wanted);
        self.wanted
            .iter()
            .any(|wanted| *wanted == self.name || is_prefix(wanted))
    }

    fn begin_value(&mut self, quote: u8) -> Place {
        self.value = self.is_wanted().then(String::new);
        let is_second = self.attributes.iter().any(|(name, _)| *name == self.name);
        let is_too_much = self.value.is_some() && self.attributes.len() == MOST_ATTRIBUTES;
        if is_second || is_too_much {
            return Place::Broken;
        }
        Place::Value(quote)
    }

    fn keep(&mut self, character: u8) {
        // One byte more than is kept shows that it is longer.
        if let Some(value) = self.value.as_mut().filter(|value| value.len() <= MOST_KEPT) {
            value.push(char::from(character));
        }
    }

    fn end_value(&mut self) -> Place {
        if let Some(value) = self.value.take() {
            let value = Some(value).filter(|value| value.len() <= MOST_KEPT);
            self.attributes.push((self.name.clone(), value));
        }
        Place::Behind
    }
}

#[cfg(test)]
mod tests;
