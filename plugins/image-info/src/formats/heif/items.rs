//! The pictures in a file, their data and how they are shown (ISO/IEC 23008-12, sections 6 and 9).

use crate::formats::boxes::{Numbers, boxes, find};

/// The most pieces that the data of one item may lie in.
const MOST_EXTENTS: u64 = 16;
/// The most items with EXIF data, and the most that belong to a picture, that are read. Otherwise lists that refer to each
/// other could be read over and over.
const MOST_ITEMS: usize = 16;
/// The most properties that are read. Cameras write a few dozen.
const MOST_PROPERTIES: usize = 1024;
/// The types of an auxiliary picture that is the alpha channel of another one, for HEVC and for all other codecs.
const ALPHA: [&[u8]; 2] = [
    b"urn:mpeg:hevc:2015:auxid:1\0",
    b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha\0",
];

/// The items of the box `meta`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Items<'a> {
    /// Its body.
    meta: &'a [u8],
    /// The properties that items may have, and which item has which.
    properties: &'a [u8],
    associations: &'a [u8],
}

/// The picture that is shown.
#[derive(Debug)]
pub(super) struct Picture {
    /// After cropping and turning.
    pub(super) size: (u32, u32),
    pub(super) mode: Option<&'static str>,
}

/// Where the data of an item lies.
#[derive(Debug)]
pub(super) enum Place<'a> {
    /// In the box itself.
    Inside(&'a [u8]),
    /// In these ranges of the upload: offset and length.
    Elsewhere(Vec<(u64, u64)>),
}

impl<'a> Items<'a> {
    pub(super) fn of(meta: &'a [u8]) -> Self {
        // The first four bytes are its version.
        let meta = meta.get(4..).unwrap_or_default();
        let list = find(meta, b"iprp").unwrap_or_default();
        Self {
            meta,
            properties: find(list, b"ipco").unwrap_or_default(),
            associations: find(list, b"ipma").unwrap_or_default(),
        }
    }

    /// The sizes of all items.
    pub(super) fn sizes(&self) -> impl Iterator<Item = (u32, u32)> {
        boxes(self.properties)
            .filter(|(name, _)| *name == b"ispe")
            .filter_map(|(_, body)| extent(body))
    }

    /// The picture that is shown, if its size is known.
    pub(super) fn primary(&self) -> Option<Picture> {
        let id = self.primary_id()?;
        let mut size = None;
        // In their order, as turning before cropping gives another result.
        for (name, body) in self.properties_of(id) {
            size = match name {
                b"ispe" => extent(body),
                b"clap" => size.map(|size| crop(body, size).unwrap_or(size)),
                b"irot" if body.first().is_some_and(|quarters| quarters & 1 == 1) => {
                    size.map(|(width, height)| (height, width))
                }
                _ => size,
            };
        }
        Some(Picture {
            size: size?,
            mode: self.mode(id),
        })
    }

    fn primary_id(&self) -> Option<u32> {
        let (mut numbers, version) = Numbers::versioned(find(self.meta, b"pitm")?)?;
        numbers.short_or_long(version > 0)
    }

    /// The properties of an item, in the order in which they are to be applied.
    fn properties_of(&self, id: u32) -> impl Iterator<Item = (&'a [u8; 4], &'a [u8])> {
        let properties = self.properties;
        self.association(id)
            .into_iter()
            .flatten()
            .filter(|number| *number <= MOST_PROPERTIES)
            // The first one has the number 1.
            .filter_map(move |number| boxes(properties).nth(number.checked_sub(1)?))
    }

    /// The numbers of an item's properties.
    fn association(&self, id: u32) -> Option<impl Iterator<Item = usize>> {
        let has_long_numbers = self.associations.get(3)? & 1 == 1;
        let (mut numbers, version) = Numbers::versioned(self.associations)?;
        for _ in 0..numbers.next(4)? {
            let item = numbers.short_or_long(version > 0)?;
            let count = usize::try_from(numbers.next(1)?).ok()?;
            let bytes = if has_long_numbers { 2 } else { 1 };
            if item == id {
                // The highest bit marks a property that readers must not ignore.
                let is_essential = if has_long_numbers { 0x8000 } else { 0x80 };
                return Some((0..count).map_while(move |_| {
                    let number = numbers.next(bytes)? & (is_essential - 1);
                    usize::try_from(number).ok()
                }));
            }
            numbers.skip(count * bytes)?;
        }
        None
    }

    /// Pillow's name of the mode; Pillow has no transparent grey for these formats.
    fn mode(&self, id: u32) -> Option<&'static str> {
        if self.has_alpha(id) {
            return Some("RGBA");
        }
        let channels = self.properties_of(id).find_map(|(name, body)| match name {
            b"pixi" => body.get(4).copied(),
            // In the decoder's configuration: the colour channels beside brightness, if any.
            b"hvcC" => body.get(16).map(|byte| if byte & 3 == 0 { 1 } else { 3 }),
            b"av1C" => body.get(2).map(|byte| if byte & 0x10 != 0 { 1 } else { 3 }),
            _ => None,
        });
        match (channels, self.kind(id)?) {
            (Some(1), _) => Some("L"),
            (Some(3), _) | (None, b"grid" | b"iden" | b"iovl") => Some("RGB"),
            _ => None,
        }
    }

    /// Whether another picture is the alpha channel of this one.
    fn has_alpha(&self, id: u32) -> bool {
        let mut others = self.references(*b"auxl").filter(|(_, to)| *to == id).take(MOST_ITEMS);
        others.any(|(from, _)| {
            self.properties_of(from).any(|(name, body)| {
                name == b"auxC"
                    && body
                        .get(4..)
                        .is_some_and(|urn| ALPHA.iter().any(|alpha| urn.starts_with(alpha)))
            })
        })
    }

    /// Where the EXIF data of the picture that is shown lies.
    pub(super) fn exif(&self) -> Option<Place<'a>> {
        let primary = self.primary_id()?;
        let exif = self.kinds().filter(|(_, kind)| *kind == b"Exif");
        let data: Vec<_> = exif.map(|(id, _)| id).take(MOST_ITEMS).collect();
        let describes = |id: &u32| self.references(*b"cdsc").any(|(from, to)| from == *id && to == primary);
        // Data that refers to no picture describes all of them.
        let describes_none = |id: &u32| !self.references(*b"cdsc").any(|(from, _)| from == *id);
        let ids = || data.iter().copied();
        let id = ids().find(describes).or_else(|| ids().find(describes_none))?;
        self.place(id)
    }

    fn kind(&self, id: u32) -> Option<&'a [u8; 4]> {
        self.kinds().find_map(|(item, kind)| (item == id).then_some(kind))
    }

    /// The items, and of which kind they are.
    fn kinds(&self) -> impl Iterator<Item = (u32, &'a [u8; 4])> {
        let entries = find(self.meta, b"iinf").and_then(|body| {
            let (mut numbers, version) = Numbers::versioned(body)?;
            numbers.short_or_long(version > 0)?;
            Some(numbers.rest())
        });
        boxes(entries.unwrap_or_default())
            .filter(|(name, _)| *name == b"infe")
            .filter_map(|(_, body)| {
                let (mut numbers, version) = Numbers::versioned(body)?;
                let id = numbers.short_or_long(version > 2)?;
                // The protection index. Older versions have no type.
                numbers.skip(2)?;
                (version > 1).then_some((id, numbers.rest().first_chunk()?))
            })
    }

    /// Which items refer to which in some way.
    fn references(&self, name: [u8; 4]) -> impl Iterator<Item = (u32, u32)> {
        let body = find(self.meta, b"iref").and_then(Numbers::versioned);
        let is_long = body.is_some_and(|(_, version)| version > 0);
        let lists = boxes(body.map_or(&[], |(numbers, _)| numbers.rest()));
        lists
            .filter(move |(found, _)| **found == name)
            .flat_map(move |(_, body)| {
                let mut numbers = Numbers::of(body);
                let from = numbers.short_or_long(is_long);
                let count = numbers.next(2).unwrap_or_default();
                (0..count).map_while(move |_| Some((from?, numbers.short_or_long(is_long)?)))
            })
    }

    /// Where the data of an item lies.
    fn place(&self, id: u32) -> Option<Place<'a>> {
        let (mut numbers, version) = Numbers::versioned(find(self.meta, b"iloc")?)?;
        let widths = numbers.next(2)?;
        let width = |shift: u32| usize::try_from(widths >> shift & 0xF).unwrap_or_default();
        let (offset, length, base) = (width(12), width(8), width(4));
        let index = if version > 0 { width(0) } else { 0 };
        for _ in 0..numbers.short_or_long(version > 1)? {
            let item = numbers.short_or_long(version > 1)?;
            let method = if version > 0 { numbers.next(2)? & 0xF } else { 0 };
            // The data may be in another file.
            let is_here = numbers.next(2)? == 0;
            let base = numbers.next(base)?;
            let count = numbers.next(2)?;
            if item != id {
                numbers.skip(usize::try_from(count).ok()? * (index + offset + length))?;
                continue;
            }
            let extents: Option<Vec<_>> = (0..count.min(MOST_EXTENTS))
                .map(|_| {
                    numbers.skip(index)?;
                    let at = base.checked_add(numbers.next(offset)?)?;
                    Some((at, numbers.next(length)?))
                })
                .collect();
            return self.lies(method, extents?).filter(|_| is_here);
        }
        None
    }

    fn lies(&self, method: u64, extents: Vec<(u64, u64)>) -> Option<Place<'a>> {
        match (method, extents.as_slice()) {
            (0, _) => Some(Place::Elsewhere(extents)),
            (1, [(at, len)]) => {
                let data = find(self.meta, b"idat")?;
                let (at, len) = (usize::try_from(*at).ok()?, usize::try_from(*len).ok()?);
                data.get(at..at.checked_add(len)?).map(Place::Inside)
            }
            _ => None,
        }
    }
}

/// Width and height of an item.
fn extent(body: &[u8]) -> Option<(u32, u32)> {
    let (mut numbers, _) = Numbers::versioned(body)?;
    Some((numbers.short_or_long(true)?, numbers.short_or_long(true)?))
}

/// The size of a cropped picture: two fractions, rounded; at most the size before cropping.
fn crop(body: &[u8], (width, height): (u32, u32)) -> Option<(u32, u32)> {
    let mut numbers = Numbers::of(body);
    let mut side = |most| {
        let (over, under) = (numbers.next(4)?, numbers.next(4)?);
        let rounded = (over + under / 2).checked_div(under)?;
        u32::try_from(rounded).ok().filter(|side| (1..=most).contains(side))
    };
    Some((side(width)?, side(height)?))
}
