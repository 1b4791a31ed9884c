//! Writers of small files: boxes, elements and frames, without any picture or sound in them.

/// A box of this name.
pub(crate) fn boxed(name: &[u8; 4], body: &[&[u8]]) -> Vec<u8> {
    let body = body.concat();
    let length = u32::try_from(body.len() + 8).expect("fits");
    [&length.to_be_bytes()[..], name, &body].concat()
}

/// `ftyp` with this brand.
pub(crate) fn brand(brand: &[u8; 4]) -> Vec<u8> {
    boxed(b"ftyp", &[brand, &[0; 4], brand, b"isom"])
}

/// What a movie's and a media's header begin with: version 0 or 1, ticks a second, and the duration.
fn times(is_long: bool, scale: u32, duration: u64) -> Vec<u8> {
    let scale = scale.to_be_bytes();
    if is_long {
        [&[1, 0, 0, 0], &[0; 16][..], &scale, &duration.to_be_bytes()].concat()
    } else {
        let duration = u32::try_from(duration).unwrap_or(u32::MAX).to_be_bytes();
        [&[0; 4], &[0; 8][..], &scale, &duration].concat()
    }
}

/// A movie of tracks, in boxes of version 0 or 1.
pub(crate) struct Movie {
    pub(crate) is_long: bool,
    /// Ticks a second and duration in the movie's header.
    pub(crate) header: (u32, u64),
    pub(crate) tracks: Vec<Track>,
    /// Whether samples follow in fragments.
    pub(crate) is_fragmented: bool,
}

/// A track, with an id that counts from 1.
pub(crate) struct Track {
    pub(crate) handler: [u8; 4],
    /// Ticks a second and duration in the media's header.
    pub(crate) header: (u32, u64),
    pub(crate) matrix: [i32; 9],
    /// The description of the codec.
    pub(crate) entry: Vec<u8>,
    /// How many samples take how many ticks.
    pub(crate) times: Vec<(u32, u32)>,
    /// Bytes of each sample.
    pub(crate) sizes: Vec<u32>,
    pub(crate) edits: Vec<u8>,
}

pub(crate) const UPRIGHT: [i32; 9] = [0x1_0000, 0, 0, 0, 0x1_0000, 0, 0, 0, 0x4000_0000];
pub(crate) const TURNED: [i32; 9] = [0, 0x1_0000, 0, -0x1_0000, 0, 0, 0, 0, 0x4000_0000];

impl Track {
    pub(crate) fn video(entry: Vec<u8>) -> Self {
        Self {
            handler: *b"vide",
            header: (1000, 0),
            matrix: UPRIGHT,
            entry,
            times: Vec::new(),
            sizes: Vec::new(),
            edits: Vec::new(),
        }
    }

    pub(crate) fn sound(entry: Vec<u8>) -> Self {
        Self {
            handler: *b"soun",
            ..Self::video(entry)
        }
    }

    fn bytes(&self, id: u32, is_long: bool) -> Vec<u8> {
        let before: &[u8] = if is_long { &[1, 0, 0, 3] } else { &[0, 0, 0, 3] };
        let times = vec![0; if is_long { 16 } else { 8 }];
        let duration = vec![0; if is_long { 8 } else { 4 }];
        let matrix: Vec<u8> = self.matrix.iter().flat_map(|number| number.to_be_bytes()).collect();
        let head = [
            before,
            &times,
            &id.to_be_bytes(),
            &[0; 4],
            &duration,
            &[0; 16],
            &matrix,
            &[0; 8],
        ]
        .concat();
        let count = |count: usize| u32::try_from(count).expect("fits").to_be_bytes();
        let stts: Vec<u8> = self
            .times
            .iter()
            .flat_map(|(n, ticks)| [n.to_be_bytes(), ticks.to_be_bytes()])
            .flatten()
            .collect();
        let stsz: Vec<u8> = self.sizes.iter().flat_map(|size| size.to_be_bytes()).collect();
        let table = boxed(
            b"stbl",
            &[
                &boxed(b"stsd", &[&[0; 4], &count(1), &self.entry]),
                &boxed(b"stts", &[&[0; 4], &count(self.times.len()), &stts]),
                &boxed(b"stsz", &[&[0; 8], &count(self.sizes.len()), &stsz]),
            ],
        );
        let media = boxed(
            b"mdia",
            &[
                &boxed(b"mdhd", &[&self::times(is_long, self.header.0, self.header.1), &[0; 4]]),
                &boxed(b"hdlr", &[&[0; 8], &self.handler, &[0; 13]]),
                &boxed(b"minf", &[&table]),
            ],
        );
        boxed(b"trak", &[&boxed(b"tkhd", &[&head]), &self.edits, &media])
    }
}

impl Movie {
    pub(crate) fn of(tracks: Vec<Track>) -> Self {
        Self {
            is_long: false,
            header: (1000, 0),
            tracks,
            is_fragmented: false,
        }
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let (scale, duration) = self.header;
        let tracks: Vec<_> = (1..)
            .zip(&self.tracks)
            .map(|(id, track)| track.bytes(id, self.is_long))
            .collect();
        let extends = boxed(
            b"mvex",
            &[&boxed(
                b"trex",
                &[&[0; 4], &1_u32.to_be_bytes(), &[0; 4], &40_u32.to_be_bytes(), &[0; 8]],
            )],
        );
        boxed(
            b"moov",
            &[
                &boxed(b"mvhd", &[&times(self.is_long, scale, duration), &[0; 80]]),
                &tracks.concat(),
                if self.is_fragmented { &extends } else { &[] },
            ],
        )
    }
}

/// A description of a video codec of this name and size, with boxes inside.
pub(crate) fn picture(name: &[u8; 4], (width, height): (u16, u16), inner: &[u8]) -> Vec<u8> {
    boxed(
        name,
        &[&[0; 24], &width.to_be_bytes(), &height.to_be_bytes(), &[0; 50], inner],
    )
}

/// A description of an audio codec, of so many channels at this rate.
pub(crate) fn sound(name: &[u8; 4], channels: u16, rate: u16, inner: &[u8]) -> Vec<u8> {
    boxed(
        name,
        &[
            &[0; 16],
            &channels.to_be_bytes(),
            &[0, 16],
            &[0; 4],
            &rate.to_be_bytes(),
            &[0; 2],
            inner,
        ],
    )
}

/// A fragment of track 1: samples with these ticks, or so many samples with the default of the track.
pub(crate) fn fragment(ticks: &[u32], more: u32) -> Vec<u8> {
    let flags = if ticks.is_empty() { 0_u32 } else { 0x100 };
    let count = u32::try_from(ticks.len()).expect("fits") + more;
    let rows: Vec<u8> = ticks.iter().flat_map(|ticks| ticks.to_be_bytes()).collect();
    let run = boxed(b"trun", &[&flags.to_be_bytes(), &count.to_be_bytes(), &rows]);
    let head = boxed(b"tfhd", &[&[0; 4], &1_u32.to_be_bytes()]);
    let number = boxed(b"mfhd", &[&[0; 8]]);
    let fragment = boxed(b"moof", &[&number, &boxed(b"traf", &[&head, &run])]);
    [fragment, boxed(b"mdat", &[&[7; 33]])].concat()
}

/// An element of EBML.
pub(crate) fn element(id: u32, body: &[&[u8]]) -> Vec<u8> {
    let body = body.concat();
    let length = 1 << 56 | u64::try_from(body.len()).expect("fits");
    [&id_bytes(id)[..], &length.to_be_bytes(), &body].concat()
}

/// An element of unknown length.
pub(crate) fn endless(id: u32, body: &[&[u8]]) -> Vec<u8> {
    [
        &id_bytes(id)[..],
        &[0x01, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF],
        &body.concat(),
    ]
    .concat()
}

fn id_bytes(id: u32) -> Vec<u8> {
    id.to_be_bytes().into_iter().skip_while(|byte| *byte == 0).collect()
}

/// A block of track 1 with this time in its cluster.
pub(crate) fn block(time: i16) -> Vec<u8> {
    element(0xA3, &[&[0x81], &time.to_be_bytes(), &[0x80], &[9; 20]])
}

/// A WebM or Matroska with these clusters, as browsers write it: no lengths.
pub(crate) fn recording(document: &str, track: &[u8], clusters: &[(u16, &[i16])]) -> Vec<u8> {
    let header = element(0x1A45_DFA3, &[&element(0x4282, &[document.as_bytes()])]);
    let info = element(0x1549_A966, &[&element(0x002A_D7B1, &[&1_000_000_u32.to_be_bytes()])]);
    let tracks = element(0x1654_AE6B, &[&element(0xAE, &[&element(0xD7, &[&[1]]), track])]);
    let clusters: Vec<_> = clusters
        .iter()
        .map(|(begin, times)| {
            let blocks: Vec<_> = times.iter().copied().map(block).collect();
            endless(
                0x1F43_B675,
                &[&element(0xE7, &[&begin.to_be_bytes()]), &blocks.concat()],
            )
        })
        .collect();
    [header, endless(0x1853_8067, &[&info, &tracks, &clusters.concat()])].concat()
}
