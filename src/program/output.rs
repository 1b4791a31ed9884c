//! What commands print: columns, sizes, and all of it or an error.

use std::io::Write as _;

use bytesize::ByteSize;

use super::Failure;

/// Prints to standard output. Who reads it may be gone, which is no reason to panic, but no success either.
pub(super) fn print(text: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    let printed = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    printed.map_err(|error| Failure::Other(format!("cannot print: {error}")))
}

/// Bytes, for people.
pub(super) fn size(bytes: u64) -> String {
    ByteSize::b(bytes).to_string()
}

/// Rows of the same length as columns, the first row being their heads. Those of numbers stand to the right.
pub(super) fn columns<const N: usize>(rows: &[[String; N]], numbers: [bool; N]) -> String {
    let width = |at: usize| rows.iter().map(|row| row[at].chars().count()).max().unwrap_or_default();
    let widths: [usize; N] = std::array::from_fn(width);
    let mut text = String::new();
    for row in rows {
        let cells = row.iter().zip(widths).zip(numbers).map(|((cell, width), is_number)| {
            if is_number {
                format!("{cell:>width$}")
            } else {
                format!("{cell:<width$}")
            }
        });
        let line = cells.collect::<Vec<_>>().join("  ");
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}
