//! Extended attributes of members (POSIX pax).

use super::header::text;
use crate::member_name::kept;

/// The attributes that matter here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Pax {
    pub(super) path: Option<Vec<u8>>,
    pub(super) size: Option<u64>,
    /// The size of a sparse file with its zeros.
    pub(super) real_size: Option<u64>,
    /// The name of a sparse file, which has another one in its header.
    pub(super) sparse_name: Option<Vec<u8>>,
    /// The bytes of the file begin with a map of its zeros.
    pub(super) has_map: bool,
}

impl Pax {
    /// Adds attributes. Each is `LENGTH KEY=VALUE\n`.
    ///
    /// # Errors
    ///
    /// If they are damaged.
    pub(super) fn read(&mut self, mut bytes: &[u8]) -> Result<(), &'static str> {
        const DAMAGED: &str = "has damaged attributes";
        while !text(bytes).is_empty() {
            let space = bytes.iter().take(20).position(|byte| *byte == b' ').ok_or(DAMAGED)?;
            let (length, _) = bytes.split_at(space);
            let length = decimal(length)
                .and_then(|length| usize::try_from(length).ok())
                .ok_or(DAMAGED)?;
            let (record, rest) = bytes.split_at_checked(length).ok_or(DAMAGED)?;
            let record = record
                .get(space + 1..)
                .and_then(|record| record.strip_suffix(b"\n"))
                .ok_or(DAMAGED)?;
            let equals = record.iter().position(|byte| *byte == b'=').ok_or(DAMAGED)?;
            self.set(&record[..equals], &record[equals + 1..]).ok_or(DAMAGED)?;
            bytes = rest;
        }
        Ok(())
    }

    fn set(&mut self, key: &[u8], value: &[u8]) -> Option<()> {
        match key {
            b"path" => self.path = Some(kept(value)),
            b"size" => self.size = Some(decimal(value)?),
            b"GNU.sparse.realsize" | b"GNU.sparse.size" => self.real_size = Some(decimal(value)?),
            b"GNU.sparse.major" => self.has_map = value != b"0",
            b"GNU.sparse.name" => self.sparse_name = Some(kept(value)),
            _ => {}
        }
        Some(())
    }
}

fn decimal(digits: &[u8]) -> Option<u64> {
    let is_decimal = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    std::str::from_utf8(digits).ok().filter(|_| is_decimal)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_read_and_damage_is_noticed() {
        let mut pax = Pax::default();
        pax.read(b"12 path=a=b\n11 size=12\n17 comment=x y z\n\0\0")
            .expect("attributes");
        let expected = Pax {
            path: Some(b"a=b".to_vec()),
            size: Some(12),
            ..Pax::default()
        };
        assert_eq!(pax, expected);
        for damaged in [
            &b"12 path=a=b"[..],
            b"99 path=a=b\n",
            b"2 path=a\n",
            b"0 path=a\n",
            b"path=a\n",
            b"10 path:a\n\n",
            b"12 size=-12\n",
            b"28 size=99999999999999999999\n",
        ] {
            assert!(Pax::default().read(damaged).is_err(), "{damaged:?}");
        }
    }
}
