//! The segments in front of the scan: tables, frame, scan (T.81, annex B).

use std::rc::Rc;

use super::huffman::Huffman;

/// A component of the scan.
pub(super) struct Component {
    /// Blocks of a unit.
    pub(super) across: usize,
    pub(super) down: usize,
    /// The steps of quantisation, in the order of the scan.
    pub(super) steps: Rc<[u16; 64]>,
    pub(super) dc: Rc<Huffman>,
    pub(super) ac: Rc<Huffman>,
}

/// The one scan of a picture.
pub(super) struct Scan<'a> {
    pub(super) width: u32,
    pub(super) height: u32,
    /// The most blocks of a unit that a component has.
    pub(super) across: usize,
    pub(super) down: usize,
    /// Units between two markers; 0 if there are none.
    pub(super) restart: u32,
    pub(super) components: Vec<Component>,
    pub(super) data: &'a [u8],
}

/// What the segments say, until the scan begins.
#[derive(Default)]
struct Segments {
    steps: [Option<Rc<[u16; 64]>>; 4],
    dc: [Option<Rc<Huffman>>; 4],
    ac: [Option<Rc<Huffman>>; 4],
    restart: u32,
    size: (u32, u32),
    /// Name, blocks across and down, table of steps.
    frame: Vec<(u8, usize, usize, usize)>,
}

/// Reads up to the data of the scan, if that is of the common kind: baseline, one scan, one or three components of which
/// only the first has more samples than others, and colours as JFIF has them.
pub(super) fn read(file: &[u8]) -> Option<Scan<'_>> {
    let mut segments = Segments::default();
    let mut rest = file.strip_prefix(&[0xFF, 0xD8])?;
    loop {
        let [0xFF, marker, l1, l2, ..] = *rest else { return None };
        let length = usize::from(u16::from_be_bytes([l1, l2]));
        let data = rest.get(4..2 + length)?;
        rest = rest.get(2 + length..)?;
        match marker {
            0xDB => segments.steps(data)?,
            0xC4 => segments.codes(data)?,
            0xC0 | 0xC1 => segments.frame(data)?,
            0xDD => segments.restart = u16::from_be_bytes(*data.first_chunk()?).into(),
            0xDA => return segments.scan(data, rest),
            // Adobe: the last byte says how the colours are coded, and 1 is as JFIF has them.
            0xEE if data.starts_with(b"Adobe") && data.get(11) != Some(&1) => return None,
            0xE0..=0xEF | 0xFE => {}
            _ => return None,
        }
    }
}

impl Segments {
    fn steps(&mut self, mut data: &[u8]) -> Option<()> {
        while let [kind, rest @ ..] = data {
            let table = self.steps.get_mut(usize::from(kind & 15))?;
            let mut steps = [0; 64];
            data = if kind >> 4 == 0 {
                let (bytes, rest) = rest.split_first_chunk::<64>()?;
                steps = bytes.map(u16::from);
                rest
            } else {
                let (bytes, rest) = rest.split_first_chunk::<128>()?;
                for (step, pair) in steps.iter_mut().zip(bytes.as_chunks().0) {
                    *step = u16::from_be_bytes(*pair);
                }
                rest
            };
            *table = Some(Rc::new(steps));
        }
        Some(())
    }

    fn codes(&mut self, mut data: &[u8]) -> Option<()> {
        while let [kind, rest @ ..] = data {
            let tables = if kind >> 4 == 0 { &mut self.dc } else { &mut self.ac };
            let (counts, rest) = rest.split_first_chunk::<16>()?;
            let total: usize = counts.iter().map(|count| usize::from(*count)).sum();
            let (symbols, rest) = rest.split_at_checked(total)?;
            *tables.get_mut(usize::from(kind & 15))? = Some(Rc::new(Huffman::new(counts, symbols)?));
            data = rest;
        }
        Some(())
    }

    fn frame(&mut self, data: &[u8]) -> Option<()> {
        let [8, h1, h2, w1, w2, count, components @ ..] = data else {
            return None;
        };
        let side = |high, low| u32::from(u16::from_be_bytes([high, low]));
        self.size = (side(*w1, *w2), side(*h1, *h2));
        let components = components.as_chunks::<3>().0;
        let once = self.frame.is_empty() && components.len() == usize::from(*count);
        for [name, sampling, table] in components {
            let (across, down) = (usize::from(sampling >> 4), usize::from(sampling & 15));
            self.frame.push((*name, across, down, usize::from(*table)));
        }
        let is_common = match *self.frame {
            [_] => true,
            [first, second, third] => {
                let is_single = |component: (u8, usize, usize, usize)| (component.1, component.2) == (1, 1);
                let (across, down) = (1..=2, 1..=2);
                // Named so, they are red, green and blue for some encoders.
                let is_rgb = first.0 == b'R' && second.0 == b'G' && third.0 == b'B';
                let is_larger = across.contains(&first.1) && down.contains(&first.2);
                is_larger && is_single(second) && is_single(third) && !is_rgb
            }
            _ => false,
        };
        (once && is_common && self.size.0 > 0 && self.size.1 > 0).then_some(())
    }

    fn scan<'a>(&self, data: &[u8], rest: &'a [u8]) -> Option<Scan<'a>> {
        let [count, chosen @ ..] = data else { return None };
        let chosen = chosen.get(..2 * usize::from(*count))?.as_chunks::<2>().0;
        if chosen.len() != self.frame.len() || chosen.is_empty() {
            return None;
        }
        let mut components = Vec::with_capacity(chosen.len());
        for ([name, tables], (expected, across, down, steps)) in chosen.iter().zip(&self.frame) {
            // A unit of one component alone is one block, whatever its sampling.
            let (across, down) = if chosen.len() == 1 { (1, 1) } else { (*across, *down) };
            components.push(Component {
                across,
                down,
                steps: self.steps.get(*steps)?.clone()?,
                dc: self.dc.get(usize::from(tables >> 4))?.clone()?,
                ac: self.ac.get(usize::from(tables & 15))?.clone()?,
            });
            if name != expected {
                return None;
            }
        }
        Some(Scan {
            width: self.size.0,
            height: self.size.1,
            across: components.first()?.across,
            down: components.first()?.down,
            restart: self.restart,
            components,
            data: rest,
        })
    }
}
