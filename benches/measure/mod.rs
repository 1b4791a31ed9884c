//! What the benchmarks share: what a process has cost so far, and a disk that is at rest before the next round.

use std::fs::{self, File};
use std::path::Path;

pub const MIB: usize = 1 << 20;
pub const GIB: usize = 1 << 30;

/// Processor seconds of a process so far, its own and the system's for it, in steps of a hundredth.
pub fn processor_seconds(pid: u32) -> f64 {
    let fields = stat(pid).unwrap();
    // The system counts in hundredths of a second.
    (fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap()) / 100.0
}

/// What the system knows of a process, behind its name: its state, its parent, and so on. `None` if it is gone.
pub fn stat(pid: u32) -> Option<Vec<String>> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let fields = stat.rsplit(')').next()?.split_whitespace();
    Some(fields.map(str::to_owned).collect())
}

/// Removes the files in a folder, which nobody reads any more, and waits until nothing of them is left to be done, so that no
/// round pays for another.
///
/// Only this folder's removals are waited for, not, as `sync` would, whatever else the machine is writing. Bytes that were
/// never synced are never written then.
pub fn clear(folder: &Path) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            clear(&path);
        } else {
            fs::remove_file(path).unwrap();
        }
    }
    File::open(folder).unwrap().sync_all().unwrap();
}

/// The one in the middle.
pub fn median(figures: impl IntoIterator<Item = f64>) -> f64 {
    let mut sorted: Vec<_> = figures.into_iter().collect();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}
