#!/usr/bin/env bash
# A clone of a reader of CSV that reads something else than its original.
#
# Versions: csv-core 0.1.13, for Rust.
#
# csv_core::Reader is a state machine that is fed with pieces of a table, and it is `Clone`: an obvious way to look ahead, or to
# read one table with several separators from some place on. Here a fresh reader and a clone of it read the same two rows, of
# which one cell is quoted and has the separator in it.
#
# Seen:
#   - The original gives the four cells "a", "b,c", "d" and "e".
#   - The clone gives empty cells, one after the other, without an error and without an end: it does not take over the tables of
#     the original by which bytes are told apart, and no table of its own is made.
#   - With ReaderBuilder::nfa(true), which needs no such tables, the clone reads as the original does.
#
# So a reader that is to be cloned has to be built with `nfa(true)`, or be built anew instead.
#
# Runs in a temporary folder, outside CI. Ends with 1 if any of this has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
cargo --quiet init --name finding --vcs none .
cargo --quiet add csv-core@=0.1.13

cat >src/main.rs <<'RUST'
use csv_core::{ReadFieldResult, Reader, ReaderBuilder};

fn cells(mut reader: Reader) -> Vec<String> {
    let (mut input, mut cells, mut cell) = (&b"a,\"b,c\"\nd,e\n"[..], Vec::new(), Vec::new());
    let mut room = [0; 64];
    // Far more steps than the table needs, in case a reader does not come to an end.
    for _ in 0..100 {
        let (result, read, written) = reader.read_field(input, &mut room);
        input = &input[read..];
        cell.extend_from_slice(&room[..written]);
        match result {
            ReadFieldResult::Field { .. } => cells.push(String::from_utf8_lossy(&std::mem::take(&mut cell)).into_owned()),
            ReadFieldResult::End => break,
            ReadFieldResult::InputEmpty | ReadFieldResult::OutputFull => {}
        }
    }
    cells
}

fn main() {
    for (name, nfa) in [("tables", false), ("nfa", true)] {
        let reader = ReaderBuilder::new().nfa(nfa).build();
        let copy = reader.clone();
        println!("{name} original {:?}", cells(reader));
        println!("{name} clone {:?}", cells(copy));
    }
}
RUST
cargo --quiet run >said.txt
cat said.txt

right='["a", "b,c", "d", "e"]'
grep -qxF "tables original $right" said.txt
grep -qxF "nfa original $right" said.txt
grep -qxF "nfa clone $right" said.txt
! grep -qxF "tables clone $right" said.txt
