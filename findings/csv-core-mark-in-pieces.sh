#!/usr/bin/env bash
# A byte order mark that a reader of CSV removes, or not, by how the network cut it.
#
# Versions: csv-core 0.1.13, for Rust.
#
# csv_core::Reader is made for tables that arrive in pieces. Spreadsheets write a byte order mark in front of UTF-8, and the reader
# takes it away, so that it is no part of the first cell. Here the same table is fed whole, and in pieces of one byte.
#
# Seen:
#   - Fed whole, the first cell is "id".
#   - Fed byte by byte, the first cell is the mark and "id": the mark is only looked for in the first piece.
#
# So the name of the first column depends on the cuts. Whoever reads a stream has to remove the mark before, or to gather three
# bytes first.
#
# Runs in a temporary folder, outside CI. Ends with 1 if any of this has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
cargo --quiet init --name finding --vcs none .
cargo --quiet add csv-core@=0.1.13

cat >src/main.rs <<'RUST'
use csv_core::{ReadFieldResult, Reader};

fn first_cell(table: &[u8], piece: usize) -> String {
    let mut reader = Reader::new();
    let (mut cell, mut room) = (Vec::new(), [0; 64]);
    for mut piece in table.chunks(piece) {
        while !piece.is_empty() {
            let (result, read, written) = reader.read_field(piece, &mut room);
            piece = &piece[read..];
            cell.extend_from_slice(&room[..written]);
            if let ReadFieldResult::Field { .. } = result {
                return String::from_utf8_lossy(&cell).into_owned();
            }
        }
    }
    unreachable!("the table has a cell");
}

fn main() {
    let table = "\u{feff}id,name\n1,a\n".as_bytes();
    println!("whole {}", first_cell(table, table.len()).escape_unicode());
    println!("bytes {}", first_cell(table, 1).escape_unicode());
}
RUST
cargo --quiet run >said.txt
cat said.txt

grep -qxF 'whole \u{69}\u{64}' said.txt
grep -qxF 'bytes \u{feff}\u{69}\u{64}' said.txt
