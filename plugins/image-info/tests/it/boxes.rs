//! Files of boxes: HEIF, AVIF, and JPEG XL in a container.

/// A box of this name.
pub(crate) fn boxed(name: &[u8; 4], body: &[u8]) -> Vec<u8> {
    let size = u32::try_from(body.len() + 8).expect("fits");
    [&size.to_be_bytes(), &name[..], body].concat()
}

/// A box that begins with a version, and flags.
pub(crate) fn versioned(name: &[u8; 4], version: u8, flags: u8, body: &[u8]) -> Vec<u8> {
    boxed(name, &[&[version, 0, 0, flags], body].concat())
}

/// A property: width and height.
pub(crate) fn ispe(width: u32, height: u32) -> Vec<u8> {
    versioned(b"ispe", 0, 0, &[width, height].map(u32::to_be_bytes).concat())
}

/// A property: what is left, in two fractions, and where the middle of it is.
pub(crate) fn clap(width: (u32, u32), height: (u32, u32)) -> Vec<u8> {
    let numbers = [width.0, width.1, height.0, height.1, 0, 1, 0, 1];
    boxed(b"clap", &numbers.map(u32::to_be_bytes).concat())
}

/// A property: how many bits the channels have.
pub(crate) fn pixi(channels: &[u8]) -> Vec<u8> {
    let count = u8::try_from(channels.len()).expect("a few");
    versioned(b"pixi", 0, 0, &[&[count], channels].concat())
}

/// Where the data of an item lies.
#[derive(Clone, Debug, Default)]
pub(crate) enum Data {
    #[default]
    Nowhere,
    /// In the box `idat`: from where, and how much.
    Inside(u32, u32),
    /// At places of the file: from where, and how much each.
    At(Vec<(u32, u32)>),
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Item {
    pub(crate) kind: [u8; 4],
    /// Which ones it has, from 1.
    pub(crate) properties: Vec<usize>,
    pub(crate) data: Data,
}

/// The box `meta` of a file. The first item has the number 1.
#[derive(Clone, Debug, Default)]
pub(crate) struct Heif {
    pub(crate) properties: Vec<Vec<u8>>,
    pub(crate) items: Vec<Item>,
    /// How an item refers to another one.
    pub(crate) references: Vec<([u8; 4], u32, u32)>,
    pub(crate) idat: Vec<u8>,
    /// Whether numbers of items, properties and places are written at length.
    pub(crate) is_long: bool,
}

impl Heif {
    /// The box, with the item that is shown, counted from nothing.
    pub(crate) fn meta(&self, primary: u32) -> Vec<u8> {
        let mut associations = Vec::new();
        let mut kinds = Vec::new();
        let mut places = Vec::new();
        for (id, item) in (1..).zip(&self.items) {
            if !item.properties.is_empty() {
                associations.push(self.association(id, &item.properties));
            }
            let version = if self.is_long { 3 } else { 2 };
            kinds.push(versioned(
                b"infe",
                version,
                0,
                &[&self.id(id)[..], &[0, 0], &item.kind, &[0]].concat(),
            ));
            places.extend(self.place(id, &item.data));
        }
        let count = u32::try_from(associations.len()).expect("fits").to_be_bytes();
        let associations = [&count[..], &associations.concat()].concat();
        let list = [
            boxed(b"ipco", &self.properties.concat()),
            versioned(b"ipma", u8::from(self.is_long), u8::from(self.is_long), &associations),
        ];
        let references = self
            .references
            .iter()
            .map(|(name, from, to)| boxed(name, &[&self.id(*from)[..], &[0, 1], &self.id(*to)].concat()));
        let boxes = [
            versioned(b"hdlr", 0, 0, b"\0\0\0\0pict\0\0\0\0\0\0\0\0\0\0\0\0\0"),
            versioned(b"pitm", u8::from(self.is_long), 0, &self.id(primary + 1)),
            self.iloc(&places),
            versioned(
                b"iinf",
                u8::from(self.is_long),
                0,
                &[self.id(kinds.len() as u32), kinds.concat()].concat(),
            ),
            boxed(b"iprp", &list.concat()),
            versioned(
                b"iref",
                u8::from(self.is_long),
                0,
                &references.collect::<Vec<_>>().concat(),
            ),
            boxed(b"idat", &self.idat),
        ];
        versioned(b"meta", 0, 0, &boxes.concat())
    }

    fn id(&self, id: u32) -> Vec<u8> {
        let bytes = id.to_be_bytes();
        if self.is_long {
            bytes.to_vec()
        } else {
            bytes[2..].to_vec()
        }
    }

    fn association(&self, id: u32, properties: &[usize]) -> Vec<u8> {
        let mut entry = self.id(id);
        entry.push(u8::try_from(properties.len()).expect("a few"));
        for number in properties {
            // With the bit of an essential property.
            let number = u16::try_from(*number).expect("a few");
            if self.is_long {
                entry.extend((number | 0x8000).to_be_bytes());
            } else {
                entry.push(u8::try_from(number | 0x80).expect("a few"));
            }
        }
        entry
    }

    fn place(&self, id: u32, data: &Data) -> Option<Vec<u8>> {
        let (method, extents) = match data {
            Data::Nowhere => return None,
            Data::Inside(at, len) => (1, vec![(*at, *len)]),
            Data::At(extents) => (0, extents.clone()),
        };
        let count = u16::try_from(extents.len()).expect("a few").to_be_bytes();
        let places = extents.iter().flat_map(|(at, len)| [*at, *len]);
        let places: Vec<u8> = if self.is_long {
            places.flat_map(|number| u64::from(number).to_be_bytes()).collect()
        } else {
            places.flat_map(u32::to_be_bytes).collect()
        };
        // Method, no other file, and no place that the others count from.
        Some([self.id(id), vec![0, method, 0, 0], count.to_vec(), places].concat())
    }

    fn iloc(&self, places: &[Vec<u8>]) -> Vec<u8> {
        let version = if self.is_long { 2 } else { 1 };
        let widths = if self.is_long { [0x88, 0] } else { [0x44, 0] };
        let count = self.id(u32::try_from(places.len()).expect("fits"));
        versioned(b"iloc", version, 0, &[&widths[..], &count, &places.concat()].concat())
    }
}

/// A HEIF of this `meta`, and what stands in front of it and behind it.
pub(crate) fn file(front: &[u8], meta: &[u8], behind: &[u8]) -> Vec<u8> {
    [&boxed(b"ftyp", b"heic\0\0\0\0mif1heic"), front, meta, behind].concat()
}
