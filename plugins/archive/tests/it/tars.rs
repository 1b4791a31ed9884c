//! TARs.

/// A header, with its checksum.
pub(crate) fn header(name: &[u8], kind: u8, size: u64, magic: &[u8]) -> Vec<u8> {
    let mut block = vec![0; 512];
    block[..name.len()].copy_from_slice(name);
    block[100..108].copy_from_slice(b"0000644\0");
    block[124..136].copy_from_slice(format!("{size:011o}\0").as_bytes());
    block[156] = kind;
    block[257..257 + magic.len()].copy_from_slice(magic);
    sealed(block)
}

/// The same block with the right checksum.
pub(crate) fn sealed(mut block: Vec<u8>) -> Vec<u8> {
    block[148..156].fill(b' ');
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    block
}

/// The same block with the checksum of old programs, for which a byte has a sign.
pub(crate) fn sealed_with_signs(mut block: Vec<u8>) -> Vec<u8> {
    block[148..156].fill(b' ');
    let sum: i32 = block.iter().map(|byte| i32::from(byte.cast_signed())).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    block
}

pub(crate) const POSIX: &[u8] = b"ustar\x0000";
pub(crate) const GNU: &[u8] = b"ustar  \0";

/// A member of any kind.
pub(crate) fn entry(name: &str, kind: u8, data: &[u8], magic: &[u8]) -> Vec<u8> {
    let mut bytes = header(name.as_bytes(), kind, data.len() as u64, magic);
    bytes.extend(data);
    bytes.resize(bytes.len().next_multiple_of(512), 0);
    bytes
}

pub(crate) fn file(name: &str, data: &[u8]) -> Vec<u8> {
    entry(name, b'0', data, POSIX)
}

/// Attributes of the next member.
pub(crate) fn pax(records: &[(&str, &str)]) -> Vec<u8> {
    let mut data = String::new();
    for (key, value) in records {
        let rest = format!(" {key}={value}\n");
        let length = (rest.len() + 1..).find(|length| length.to_string().len() + rest.len() == *length);
        data += &format!("{}{rest}", length.expect("there is one"));
    }
    entry("PaxHeaders/x", b'x', data.as_bytes(), POSIX)
}

/// The members, and the end.
pub(crate) fn tar(members: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = members.concat();
    bytes.extend([0; 1024]);
    bytes
}
