//! A writer of ZIPs that also writes what no other program would.

use crate::files::deflated;

/// The sizes behind a member.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Descriptor {
    None,
    /// The header announces it, and it is not there.
    Missing,
    Bare,
    Signed,
    Large,
}

/// A member.
#[derive(Clone)]
pub(crate) struct Member {
    pub(crate) name: Vec<u8>,
    pub(crate) data: Vec<u8>,
    pub(crate) packed: Vec<u8>,
    pub(crate) method: u16,
    pub(crate) flags: u16,
    pub(crate) descriptor: Descriptor,
    /// Whether the header has the sizes although a descriptor follows.
    pub(crate) is_said_twice: bool,
    pub(crate) local_extra: Vec<u8>,
    pub(crate) extra: Vec<u8>,
    pub(crate) attributes: u32,
}

/// A member that is not packed.
pub(crate) fn stored(name: &str, data: &[u8]) -> Member {
    Member {
        name: name.as_bytes().to_vec(),
        data: data.to_vec(),
        packed: data.to_vec(),
        method: 0,
        flags: 0,
        descriptor: Descriptor::None,
        is_said_twice: false,
        local_extra: Vec::new(),
        extra: Vec::new(),
        attributes: 0o100_644 << 16,
    }
}

/// A member that is packed.
pub(crate) fn packed(name: &str, data: &[u8]) -> Member {
    stored(name, data).packed_by(8, deflated(data))
}

impl Member {
    pub(crate) fn packed_by(mut self, method: u16, bytes: Vec<u8>) -> Self {
        (self.method, self.packed) = (method, bytes);
        self
    }

    pub(crate) fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    pub(crate) fn described(self, descriptor: Descriptor) -> Self {
        self.with(|member| member.descriptor = descriptor)
    }

    fn flags(&self) -> u16 {
        let announced = u16::from(self.descriptor != Descriptor::None) << 3;
        self.flags | announced
    }

    /// The descriptor of a member.
    fn sizes_behind(&self) -> Vec<u8> {
        let (packed, length) = (self.packed.len() as u64, self.data.len() as u64);
        let crc = b"\x01\x02\x03\x04";
        let small = [u32(packed), u32(length)].concat();
        match self.descriptor {
            Descriptor::None | Descriptor::Missing => Vec::new(),
            Descriptor::Bare => [&crc[..], &small].concat(),
            Descriptor::Signed => [b"PK\x07\x08", &crc[..], &small].concat(),
            Descriptor::Large => [b"PK\x07\x08", &crc[..], &packed.to_le_bytes(), &length.to_le_bytes()].concat(),
        }
    }
}

/// An entry of the list at the end.
#[derive(Clone)]
pub(crate) struct Listed {
    pub(crate) name: Vec<u8>,
    pub(crate) method: u16,
    pub(crate) flags: u16,
    pub(crate) packed: u64,
    pub(crate) length: u64,
    pub(crate) offset: u64,
    pub(crate) extra: Vec<u8>,
    pub(crate) attributes: u32,
}

/// A ZIP under way.
#[derive(Clone, Default)]
pub(crate) struct Zip {
    pub(crate) bytes: Vec<u8>,
    pub(crate) list: Vec<Listed>,
    pub(crate) comment: Vec<u8>,
    /// What to subtract from offsets.
    pub(crate) base: u64,
    /// Whether the end has its large form, too.
    pub(crate) is_large: bool,
}

/// A ZIP with these members.
pub(crate) fn zip(members: &[Member]) -> Vec<u8> {
    Zip::of(members).finish()
}

impl Zip {
    pub(crate) fn of(members: &[Member]) -> Self {
        let mut zip = Self::default();
        for member in members {
            zip.add(member);
        }
        zip
    }

    pub(crate) fn add(&mut self, member: &Member) {
        let (packed, length) = (member.packed.len() as u64, member.data.len() as u64);
        self.list.push(Listed {
            name: member.name.clone(),
            method: member.method,
            flags: member.flags(),
            packed,
            length,
            offset: self.bytes.len() as u64,
            extra: member.extra.clone(),
            attributes: member.attributes,
        });
        let is_said = member.descriptor == Descriptor::None || member.is_said_twice;
        let said = |size| if is_said { size } else { 0 };
        let header = [
            &b"PK\x03\x04\x14\0"[..],
            &member.flags().to_le_bytes(),
            &member.method.to_le_bytes(),
            b"\0\0\x21\x28\x01\x02\x03\x04",
            &u32(said(packed)),
            &u32(said(length)),
            &u16(member.name.len()),
            &u16(member.local_extra.len()),
            &member.name,
            &member.local_extra,
            &member.packed,
            &member.sizes_behind(),
        ];
        self.bytes.extend(header.concat());
    }

    pub(crate) fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    pub(crate) fn finish(mut self) -> Vec<u8> {
        let start = self.bytes.len() as u64 - self.base;
        for listed in &self.list {
            let entry = [
                &b"PK\x01\x02\x14\x03\x14\0"[..],
                &listed.flags.to_le_bytes(),
                &listed.method.to_le_bytes(),
                b"\0\0\x21\x28\x01\x02\x03\x04",
                &u32(listed.packed),
                &u32(listed.length),
                &u16(listed.name.len()),
                &u16(listed.extra.len()),
                &[0; 6],
                &listed.attributes.to_le_bytes(),
                &u32(listed.offset - self.base),
                &listed.name,
                &listed.extra,
            ];
            self.bytes.extend(entry.concat());
        }
        let (count, size) = (self.list.len() as u64, self.bytes.len() as u64 - self.base - start);
        if self.is_large {
            let at = self.bytes.len() as u64 - self.base;
            let numbers = [count, count, size, start].map(u64::to_le_bytes).concat();
            let end = [
                &b"PK\x06\x06"[..],
                &44_u64.to_le_bytes(),
                b"\x2D\0\x2D\0",
                &[0; 8],
                &numbers,
            ];
            self.bytes.extend(end.concat());
            self.bytes
                .extend([&b"PK\x06\x07\0\0\0\0"[..], &at.to_le_bytes(), b"\x01\0\0\0"].concat());
        }
        let full = |number: &mut Vec<u8>| number.fill(0xFF);
        let mut numbers = [
            u16(self.list.len()).to_vec(),
            u16(self.list.len()).to_vec(),
            u32(size).to_vec(),
            u32(start).to_vec(),
        ];
        if self.is_large {
            numbers.iter_mut().for_each(full);
        }
        let end = [
            b"PK\x05\x06\0\0\0\0",
            &numbers.concat()[..],
            &u16(self.comment.len()),
            &self.comment,
        ];
        self.bytes.extend(end.concat());
        self.bytes
    }
}

/// An extra field.
pub(crate) fn extra(id: u16, data: &[u8]) -> Vec<u8> {
    [&id.to_le_bytes()[..], &u16(data.len()), data].concat()
}

fn u16(number: usize) -> [u8; 2] {
    u16::try_from(number).expect("short").to_le_bytes()
}

fn u32(number: u64) -> [u8; 4] {
    u32::try_from(number).expect("small").to_le_bytes()
}
