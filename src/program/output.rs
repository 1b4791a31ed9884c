//! The output of commands: text without terminal controls, times and sizes.

use std::io::Write as _;
use std::time::SystemTime;

use bytesize::ByteSize;
use jiff::Timestamp;
use serde::Serialize;

use super::escape::in_json;
use super::failure::Failure;

/// Prints to standard output. A closed pipe is no reason to panic, but a failure.
pub(super) fn print(text: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    let printed = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    printed.map_err(|error| Failure::Other(format!("cannot print: {error}")))
}

/// Prints to standard error. A failure is ignored, as the command does not depend on a reader.
pub(super) fn tell(line: &str) {
    let _unread = writeln!(std::io::stderr().lock(), "{line}");
}

/// One line of JSON, without terminal controls.
pub(super) fn json_line(value: &impl Serialize) -> Result<String, Failure> {
    let line = serde_json::to_string(value);
    line.map(|line| in_json(&line).into_owned() + "\n")
        .map_err(|error| Failure::Other(format!("cannot write as JSON: {error}")))
}

/// Untrusted text, such as a file's name, without terminal controls.
pub(super) fn plain(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '"' | '\'' => shown.push(character),
            _ => shown.extend(character.escape_debug()),
        }
    }
    shown
}

/// A time as RFC 3339 has it, in UTC, to the microsecond: what records keep.
pub(super) fn exact_time(time: SystemTime) -> String {
    format!("{:.6}", timestamp(time))
}

/// The same to the second, for people.
pub(super) fn time(time: SystemTime) -> String {
    format!("{:.0}", timestamp(time))
}

/// A time as a timestamp, clamped to the range of the calendar.
fn timestamp(time: SystemTime) -> Timestamp {
    Timestamp::try_from(time).unwrap_or(Timestamp::MAX)
}

/// Bytes, for people.
pub(super) fn size(bytes: u64) -> String {
    ByteSize::b(bytes).to_string()
}

/// Rows of the same length as aligned columns; the first row has the heads. Numbers are aligned to the right.
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
