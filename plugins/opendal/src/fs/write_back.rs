//! Writes a file back to its disk while it is received, so that the last sync finds little left to do, and a sender that is
//! faster than the disk does not fill the memory of the system.

use std::fs::File;
use std::ops::Range;

/// A file that is shorter is left to its sync: an early start would be one call more for it.
const STEP: u64 = 4 << 20;
/// The bytes between two syncs. While one runs, as many may be written, and no more.
const SYNCED: u64 = 64 << 20;
/// No page is written back before it is full, or it would be written twice.
const PAGES: u64 = 64 * 1024;

/// How far a file was written back.
#[derive(Debug, Default)]
pub(crate) struct WriteBack {
    begun: u64,
    synced: u64,
}

impl WriteBack {
    /// The range that the system has to begin to write back, now that the file has bytes up to here.
    pub(crate) fn next(&mut self, end: u64) -> Option<Range<u64>> {
        let end = end - end % PAGES;
        (end >= self.begun + STEP).then(|| {
            let range = self.begun..end;
            self.begun = end;
            range
        })
    }

    /// Whether to sync the file, now that it has bytes up to here.
    pub(crate) fn is_due(&mut self, end: u64) -> bool {
        let is_due = end >= self.synced + SYNCED;
        if is_due {
            self.synced = end;
        }
        is_due
    }
}

/// Asks the system to begin to write these bytes to the disk. It does not wait, and whether it works shows in the sync.
pub(crate) fn begin(file: &File, range: Range<u64>) {
    #[cfg(target_os = "linux")]
    {
        use std::num::NonZeroU64;

        use rustix::fs::{Advice, fadvise};

        // Linux begins to write those of the bytes that are not on the disk yet, and keeps them in memory.
        let _hint = fadvise(
            file,
            range.start,
            NonZeroU64::new(range.end - range.start),
            Advice::DontNeed,
        );
    }
    #[cfg(not(target_os = "linux"))]
    let _none = (file, range);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_file_is_written_back_in_steps_of_whole_pages_and_a_short_one_is_not() {
        let mut back = WriteBack::default();
        assert_eq!(back.next(STEP - 1), None);
        assert_eq!(back.next(STEP + 1), Some(0..STEP));
        assert_eq!(back.next(2 * STEP - 1), None);
        assert_eq!(back.next(2 * STEP + PAGES), Some(STEP..2 * STEP + PAGES));
    }
}
