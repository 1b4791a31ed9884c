//! One sync for all small files that wait for one.
//!
//! A sync costs about the same for one file as for many: the disk writes its journal once and empties its cache once. So a file
//! that has been written joins those that wait, and the first of them syncs for all with `syncfs`, which makes everything durable
//! that was written to the file system before it began. Those that come meanwhile wait for the next.
//!
//! That has a price where others write to the same file system: their bytes are waited for, too. So the two ways are measured
//! against each other, and while one sync for all takes much longer than those of single files, each file is synced apart. The
//! same holds where `syncfs` does not promise what a sync of the file does (see [`Together::of`]), and after it has failed.

use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;
use tokio::task::spawn_blocking;
use tracing::debug;

/// So many files in one sync are a sign of more that are about to come: the next one waits for them a moment.
const BUSY: usize = 4;
const GATHERING: Duration = Duration::from_micros(500);

/// A file with its final name, which is not durable yet.
pub(crate) struct Written {
    pub(crate) file: File,
    pub(crate) path: PathBuf,
}

/// The files that a group syncs.
pub(crate) trait Synced: Send + std::marker::Sync + 'static {
    /// The sync for all files, where there is one.
    fn together(&self) -> Option<&Together>;

    /// Makes a file durable that has its final name, and then its name.
    fn keep_written(&self, written: &Written) -> io::Result<()>;
}

/// A written file, and who waits for it.
struct Waiter {
    written: Written,
    done: oneshot::Sender<io::Result<()>>,
}

/// The files that wait for a sync. There are at most as many as uploads under way.
#[derive(Default)]
pub(crate) struct SyncGroup {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    waiting: Vec<Waiter>,
    /// Whether a thread syncs for those that wait.
    is_led: bool,
    standing: Standing,
}

/// What is known of the two ways to sync.
#[derive(Debug, Default)]
struct Standing {
    /// How long it takes to sync one file and its folder, on average.
    apart: Option<Duration>,
    /// How many syncs for all since that was measured.
    since: u32,
    /// Until when files are synced apart, and for how long that was.
    until: Option<Instant>,
    pause: Duration,
}

impl Standing {
    /// After so many syncs for all, the other way is measured again.
    const MEASURE_AGAIN: u32 = 256;
    /// So many files more than there are: a sync for all may take as long as theirs, one after the other.
    const BONUS: u32 = 8;
    const SHORTEST_PAUSE: Duration = Duration::from_secs(1);
    const LONGEST_PAUSE: Duration = Duration::from_secs(60);

    /// Whether the next sync is one for all.
    fn is_together(&mut self, now: Instant) -> bool {
        if self.apart.is_none() || self.until.is_some_and(|until| now < until) {
            return false;
        }
        self.since += 1;
        !self.since.is_multiple_of(Self::MEASURE_AGAIN)
    }

    fn took_apart(&mut self, took: Duration) {
        self.apart = Some(self.apart.map_or(took, |before| (before * 7 + took) / 8));
    }

    fn took_together(&mut self, took: Duration, files: u32, now: Instant) {
        let most = self.apart.unwrap_or_default() * (files + Self::BONUS);
        if took <= most {
            self.pause = Duration::ZERO;
            return;
        }
        debug!(?took, ?most, files, "one sync for all took too long");
        self.put_off(now);
    }

    fn put_off(&mut self, now: Instant) {
        self.pause = (self.pause * 2).clamp(Self::SHORTEST_PAUSE, Self::LONGEST_PAUSE);
        self.until = Some(now + self.pause);
    }
}

/// While a thread syncs for those that wait. If it ends early, by a panic, the next one leads again, and those that waited are
/// told that their work was lost.
struct Led<'a>(&'a SyncGroup);

impl Drop for Led<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let mut state = self.0.locked();
            state.is_led = false;
            state.waiting.clear();
        }
    }
}

impl SyncGroup {
    /// Lets a file wait for its sync, and returns where its end is told. Has to be called on a blocking thread: the first to wait
    /// syncs, until none waits.
    pub(crate) fn join(&self, files: &Arc<impl Synced>, written: Written, done: oneshot::Sender<io::Result<()>>) {
        let mut state = self.locked();
        state.waiting.push(Waiter { written, done });
        if !std::mem::replace(&mut state.is_led, true) {
            drop(state);
            self.lead(files);
        }
    }

    fn lead(&self, files: &Arc<impl Synced>) {
        let _led = Led(self);
        let mut before = 0;
        loop {
            if before >= BUSY {
                std::thread::sleep(GATHERING);
            }
            let mut state = self.locked();
            if state.waiting.is_empty() {
                state.is_led = false;
                return;
            }
            before = state.waiting.len();
            let waiting = std::mem::take(&mut state.waiting);
            let is_together = files.together().is_some() && state.standing.is_together(Instant::now());
            drop(state);
            match is_together {
                true => self.sync_together(files, waiting),
                false => self.sync_apart(files, waiting),
            }
        }
    }

    fn sync_together(&self, files: &Arc<impl Synced>, waiting: Vec<Waiter>) {
        let Some(together) = files.together() else {
            return self.sync_apart(files, waiting);
        };
        // A folder may be on a file system of its own.
        let (waiting, elsewhere): (Vec<_>, Vec<_>) = waiting
            .into_iter()
            .partition(|waiter: &Waiter| together.has(&waiter.written.file));
        if !Vec::is_empty(&elsewhere) {
            self.sync_apart(files, elsewhere);
        }
        if waiting.is_empty() {
            return;
        }
        let began = Instant::now();
        let synced = together.sync();
        let now = Instant::now();
        match synced {
            Ok(()) => {
                let count = u32::try_from(waiting.len()).unwrap_or(u32::MAX);
                self.locked().standing.took_together(now - began, count, now);
                for waiter in waiting {
                    // The caller may have gone away.
                    let _gone = waiter.done.send(Ok(()));
                }
            }
            // Whose bytes could not be written is not said. The sync of the file itself fails, too.
            Err(error) => {
                tracing::warn!(%error, "one sync for all files failed; each file is synced by itself");
                self.locked().standing.put_off(now);
                self.sync_apart(files, waiting);
            }
        }
    }

    /// At the same time: the file system writes its journal once for files that are synced at the same time.
    fn sync_apart(&self, files: &Arc<impl Synced>, mut waiting: Vec<Waiter>) {
        let Some(last) = waiting.pop() else { return };
        for waiter in waiting {
            let files = Arc::clone(files);
            spawn_blocking(move || {
                let _gone = waiter.done.send(files.keep_written(&waiter.written));
            });
        }
        let began = Instant::now();
        let kept = files.keep_written(&last.written);
        self.locked().standing.took_apart(began.elapsed());
        let _gone = last.done.send(kept);
    }

    fn locked(&self) -> std::sync::MutexGuard<'_, State> {
        // A panic cannot leave it half changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Syncs everything that was written to the file system.
type Sync = Box<dyn Fn() -> io::Result<()> + Send + std::marker::Sync>;

/// A file system that can be synced as a whole.
pub(crate) struct Together {
    device: u64,
    sync: Sync,
}

impl Together {
    pub(crate) fn by(device: u64, sync: Sync) -> Self {
        Self { device, sync }
    }

    /// The file system of a folder, if `syncfs` makes files on it as durable as `fsync`, and reports what could not be written.
    ///
    /// It does on ext4, XFS and Btrfs since Linux 5.8; before, it reported no failed writes (man 2 syncfs). It does not reach the
    /// server of a FUSE file system, and is not asked on any other.
    #[cfg(target_os = "linux")]
    pub(crate) fn of(folder: &std::path::Path) -> io::Result<Option<Self>> {
        /// From `linux/magic.h`.
        const KNOWN: [i64; 3] = [0xef53, 0x5846_5342, 0x9123_683e];

        let folder = File::open(folder)?;
        // Its width differs between processors.
        #[allow(clippy::useless_conversion)]
        let known = i64::try_from(rustix::fs::fstatfs(&folder)?.f_type).is_ok_and(|kind| KNOWN.contains(&kind));
        let uname = rustix::system::uname();
        if !known || !reports_failures(&uname.release().to_string_lossy()) {
            return Ok(None);
        }
        let device = folder.metadata()?.dev();
        let sync = move || {
            rustix::fs::syncfs(&folder)?;
            // Empties the cache of the disk once more: without a journal, ext4 empties it before it has written the names.
            folder.sync_all()
        };
        Ok(Some(Self::by(device, Box::new(sync))))
    }

    #[cfg(not(target_os = "linux"))]
    pub(crate) fn of(_: &std::path::Path) -> io::Result<Option<Self>> {
        Ok(None)
    }

    fn sync(&self) -> io::Result<()> {
        (self.sync)()
    }

    fn has(&self, file: &File) -> bool {
        file.metadata().is_ok_and(|file| file.dev() == self.device)
    }
}

/// Whether this release of Linux is 5.8 or newer.
#[cfg(target_os = "linux")]
fn reports_failures(release: &str) -> bool {
    let mut numbers = release.split(|c: char| !c.is_ascii_digit()).map(str::parse::<u32>);
    let (Some(Ok(major)), Some(Ok(minor))) = (numbers.next(), numbers.next()) else {
        return false;
    };
    (major, minor) >= (5, 8)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn files_are_synced_together_unless_that_takes_much_longer_than_apart() {
        let mut now = Instant::now();
        let mut standing = Standing::default();
        assert!(!standing.is_together(now), "the first one is measured apart");
        standing.took_apart(2 * MS);
        assert!(standing.is_together(now));
        standing.took_together(20 * MS, 2, now);
        assert!(standing.is_together(now), "as long as ten files apart");
        for seconds in [1, 2, 4, 8, 16, 32, 60, 60] {
            standing.took_together(21 * MS, 2, now);
            assert!(!standing.is_together(now));
            now += Duration::from_secs(seconds) - MS;
            assert!(!standing.is_together(now), "{seconds}");
            now += MS;
            assert!(standing.is_together(now), "{seconds}");
        }
        standing.took_together(MS, 2, now);
        standing.took_together(21 * MS, 2, now);
        now += Duration::from_secs(1);
        assert!(standing.is_together(now), "a good one shortens the next pause");
    }

    #[test]
    fn now_and_then_the_other_way_is_measured_again() {
        let mut standing = Standing::default();
        standing.took_apart(MS);
        let now = Instant::now();
        let apart = (0..1024).filter(|_| !standing.is_together(now)).count();
        assert_eq!(apart, 4);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn kernels_that_report_no_failed_writes_are_not_relied_on() {
        for (release, reports) in [
            ("5.8.0", true),
            ("5.7.19-generic", false),
            ("6.1.0-28-amd64", true),
            ("4.18.0-553.el8", false),
            ("10.0", true),
            ("5", false),
            ("", false),
        ] {
            assert_eq!(reports_failures(release), reports, "{release}");
        }
    }
}
