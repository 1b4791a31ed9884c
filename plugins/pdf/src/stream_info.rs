//! What the dictionary of a stream says of its bytes.

/// The most filters of an object stream that are applied.
pub(crate) const MOST_FILTERS: usize = 4;

/// A filter that object streams may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Filter {
    Flate,
    Lzw,
    AsciiHex,
    Ascii85,
}

impl Filter {
    fn of(name: &[u8]) -> Option<Self> {
        match name {
            b"FlateDecode" | b"Fl" => Some(Self::Flate),
            b"LZWDecode" | b"LZW" => Some(Self::Lzw),
            b"ASCIIHexDecode" | b"AHx" => Some(Self::AsciiHex),
            b"ASCII85Decode" | b"A85" => Some(Self::Ascii85),
            _ => None,
        }
    }
}

/// The parameters of a filter, with the defaults of the standard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Parms {
    pub(crate) predictor: u64,
    pub(crate) colors: u64,
    pub(crate) bits: u64,
    pub(crate) columns: u64,
    pub(crate) early_change: u64,
}

impl Default for Parms {
    fn default() -> Self {
        Self {
            predictor: 1,
            colors: 1,
            bits: 8,
            columns: 1,
            early_change: 1,
        }
    }
}

/// What the dictionary of a stream says of its bytes.
#[derive(Clone, Debug, Default)]
pub(crate) struct StreamInfo {
    pub(crate) has_object_stream_type: bool,
    pub(crate) is_cross_reference: bool,
    /// The offset of the first object in an object stream.
    pub(crate) first: Option<u64>,
    /// How many objects an object stream says that it has.
    pub(crate) members: Option<u64>,
    /// `None` if the length is not there, or is in another object.
    pub(crate) length: Option<u64>,
    pub(crate) filters: [Option<Filter>; MOST_FILTERS],
    pub(crate) parms: [Parms; MOST_FILTERS],
    filter_count: usize,
    /// Why the filters cannot be applied.
    pub(crate) obstacle: Option<&'static str>,
}

impl StreamInfo {
    /// Whether there are objects in the stream. Readers do not depend on the type.
    pub(crate) fn is_object_stream(&self) -> bool {
        self.has_object_stream_type || (self.first.is_some() && self.members.is_some())
    }

    pub(crate) fn add_filter(&mut self, name: &[u8]) {
        match (Filter::of(name), self.filters.get_mut(self.filter_count)) {
            (Some(filter), Some(place)) => {
                *place = Some(filter);
                self.filter_count = self.filter_count.saturating_add(1);
            }
            (None, _) => self.obstacle = Some("an object stream has a filter that the scanner does not know"),
            (_, None) => self.obstacle = Some("an object stream has more than four filters"),
        }
    }
}
