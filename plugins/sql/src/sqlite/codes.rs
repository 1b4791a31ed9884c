//! SQLite's result codes (<https://www.sqlite.org/rescode.html>).

/// A write-ahead file that grew beyond this, because of a long read, is truncated.
pub(crate) const LONGEST_LOG: &str = "67108864";

// SQLite's result codes of temporary errors: a lock of another process, or a lack of resources.
pub(crate) const BUSY: u32 = 5;
pub(crate) const LOCKED: u32 = 6;
pub(crate) const OUT_OF_MEMORY: u32 = 7;
pub(crate) const INTERRUPTED: u32 = 9;
pub(crate) const IO: u32 = 10;
pub(crate) const FULL: u32 = 13;
pub(crate) const CANNOT_OPEN: u32 = 14;
pub(crate) const PROTOCOL: u32 = 15;
/// The file may not be written, which is not temporary.
pub(crate) const READ_ONLY: u32 = 8;

/// Whether the error of this code is temporary, and not caused by the statement.
pub(crate) fn is_passing_code(code: u32) -> bool {
    let passing = [
        BUSY,
        LOCKED,
        OUT_OF_MEMORY,
        INTERRUPTED,
        IO,
        FULL,
        CANNOT_OPEN,
        PROTOCOL,
    ];
    passing.contains(&code)
}
