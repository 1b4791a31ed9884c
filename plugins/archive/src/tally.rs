//! What is counted over all archives of an upload, and the refusals that follow from it.

use intake_core::{Code, Coverage, Rejection};

use crate::budget::Account;
use crate::codes::{
    ARCHIVE_ENCRYPTED, ARCHIVE_EXTERNAL, ARCHIVE_INCONSISTENT, ARCHIVE_LINK, ARCHIVE_MACROS, ARCHIVE_PATH,
    ARCHIVE_RATIO, ARCHIVE_TOO_DEEP, ARCHIVE_TOO_LARGE, ARCHIVE_TOO_MANY_MEMBERS, ARCHIVE_UNREADABLE,
};
use crate::member_name::{danger, shown};
use crate::note::ArchiveNote;
use crate::settings::{Choice, Settings};

/// Bytes that are inflated before a ratio counts: small files of zeros are harmless.
const RATIO_COUNTS_FROM: u64 = 10 * 1024 * 1024;
/// The same while the packed size is not known yet: a file may begin with zeros.
const RUNNING_RATIO_COUNTS_FROM: u64 = 64 * 1024 * 1024;

/// What it takes to begin a stream of gzip, zstd or deflate.
pub(crate) const CHEAP: u32 = 1;
/// What it takes to begin a stream of bzip2 or xz, whose decoders begin with large tables.
pub(crate) const DEAR: u32 = 20;
/// How much of that an upload may take. Streams may be shorter than twenty bytes, and take much longer to begin than to inflate.
const MOST_STARTS: u32 = 200_000;

/// The result of a check: the upload goes on, or it is refused.
pub(crate) type Checked = Result<(), Box<Rejection>>;

/// What is counted over all archives of an upload.
#[derive(Debug)]
pub(crate) struct Tally {
    pub(crate) settings: Settings,
    pub(crate) account: Account,
    note: ArchiveNote,
    /// What it took to begin streams.
    starts: u32,
    /// Why the verdict does not cover everything: the first reason that was met.
    left_out: Option<String>,
}

/// A refusal about a member.
fn refuse(code: Code, name: &[u8], message: String) -> Box<Rejection> {
    let rejection = Rejection::new(code, message);
    Box::new(if name.is_empty() {
        rejection
    } else {
        rejection.with_subject(shown(name))
    })
}

impl Tally {
    pub(crate) fn new(settings: Settings, account: Account) -> Self {
        Self {
            settings,
            account,
            note: ArchiveNote::default(),
            starts: 0,
            left_out: None,
        }
    }

    /// Counts what it takes to begin a stream.
    ///
    /// # Errors
    ///
    /// If there are too many.
    pub(crate) fn start(&mut self, cost: u32) -> Result<(), &'static str> {
        self.starts = self.starts.saturating_add(cost);
        let is_over = self.starts > MOST_STARTS;
        if is_over { Err("has too many streams") } else { Ok(()) }
    }

    /// The note, if the upload is an archive.
    pub(crate) fn note(&self) -> Option<&ArchiveNote> {
        Some(&self.note).filter(|note| !note.format.is_empty())
    }

    /// How much of the upload the verdict covers.
    pub(crate) fn coverage(&self) -> Coverage {
        self.left_out.clone().map_or(Coverage::Whole, Coverage::Partial)
    }

    /// Counts an archive at this depth. The first one is the upload itself.
    pub(crate) fn archive(&mut self, format: &str, depth: u32, name: &[u8]) -> Checked {
        if self.note.format.is_empty() {
            format.clone_into(&mut self.note.format);
        }
        self.note.depth = self.note.depth.max(depth);
        let most = self.settings.max_depth;
        if depth > most {
            let message = format!("archives are nested deeper than {most}");
            return Err(refuse(ARCHIVE_TOO_DEEP, name, message));
        }
        Ok(())
    }

    /// Counts a member, and checks its name.
    pub(crate) fn member(&mut self, name: &[u8]) -> Checked {
        self.note.members = self.note.members.saturating_add(1);
        let most = self.settings.max_members;
        if self.note.members > most {
            let message = format!("the archive has more than {most} members");
            return Err(refuse(ARCHIVE_TOO_MANY_MEMBERS, name, message));
        }
        self.path(name)
    }

    /// Checks the name of a member, or another name for it.
    pub(crate) fn path(&mut self, name: &[u8]) -> Checked {
        match danger(name) {
            Some(why) if self.settings.paths == Choice::Refuse => {
                let message = format!("the name \"{}\" in the archive {why}", shown(name));
                Err(refuse(ARCHIVE_PATH, name, message))
            }
            _ => Ok(()),
        }
    }

    /// Counts bytes of a member, which has `length` bytes so far.
    pub(crate) fn grow(&mut self, bytes: u64, length: u64, name: &[u8]) -> Checked {
        self.note.inflated = self.note.inflated.saturating_add(bytes);
        self.note.largest = self.note.largest.max(length);
        let Settings {
            max_member,
            max_inflated,
            ..
        } = self.settings;
        if length > max_member {
            let message = about(name, &format!("inflates to more than {max_member} bytes"));
            return Err(refuse(ARCHIVE_TOO_LARGE, name, message));
        }
        if self.note.inflated > max_inflated {
            let message = format!("the archive inflates to more than {max_inflated} bytes");
            return Err(refuse(ARCHIVE_TOO_LARGE, name, message));
        }
        Ok(())
    }

    /// Checks how often a member's packed size fits into its `length`, when both are known or `length` is still growing.
    pub(crate) fn ratio(&self, length: u64, packed: u64, name: &[u8]) -> Checked {
        self.ratio_beyond(RATIO_COUNTS_FROM, length, packed, name)
    }

    /// The same for a member whose packed size is growing, too.
    pub(crate) fn running_ratio(&self, length: u64, packed: u64, name: &[u8]) -> Checked {
        self.ratio_beyond(RUNNING_RATIO_COUNTS_FROM, length, packed, name)
    }

    /// Checks all members together against the size of the upload.
    pub(crate) fn ratio_of_upload(&self, size: u64) -> Checked {
        self.ratio_beyond(RATIO_COUNTS_FROM, self.note.inflated, size, b"")
    }

    fn ratio_beyond(&self, harmless: u64, length: u64, packed: u64, name: &[u8]) -> Checked {
        let most = self.settings.max_ratio;
        if length > harmless && length > packed.saturating_mul(most) {
            let message = format!("the archive inflates to more than {most} times its packed size");
            return Err(refuse(ARCHIVE_RATIO, name, message));
        }
        Ok(())
    }

    pub(crate) fn encrypted(&mut self, name: &[u8]) -> Checked {
        self.note.encrypted = self.note.encrypted.saturating_add(1);
        if self.settings.encrypted == Choice::Refuse {
            let message = about(name, "is encrypted");
            return Err(refuse(ARCHIVE_ENCRYPTED, name, message));
        }
        self.leave_out(name, "is encrypted");
        Ok(())
    }

    pub(crate) fn link(&mut self, name: &[u8]) -> Checked {
        self.note.links = self.note.links.saturating_add(1);
        if self.settings.links == Choice::Refuse {
            let message = about(name, "is a link");
            return Err(refuse(ARCHIVE_LINK, name, message));
        }
        Ok(())
    }

    pub(crate) fn inconsistent(&mut self, name: &[u8], why: &'static str) -> Checked {
        if self.settings.overlaps == Choice::Refuse {
            let message = format!("the archive contradicts itself: {}", about(name, why));
            return Err(refuse(ARCHIVE_INCONSISTENT, name, message));
        }
        self.leave_out(name, why);
        Ok(())
    }

    pub(crate) fn macros(&mut self, name: &[u8]) -> Checked {
        self.note.macros = true;
        if self.settings.macros == Choice::Refuse {
            let message = "the document contains macros".to_owned();
            return Err(refuse(ARCHIVE_MACROS, name, message));
        }
        Ok(())
    }

    pub(crate) fn external(&mut self, name: &[u8]) -> Checked {
        self.note.external_relations = true;
        if self.settings.external_relations == Choice::Refuse {
            let message = "the document loads a template, an object or a frame from elsewhere".to_owned();
            return Err(refuse(ARCHIVE_EXTERNAL, name, message));
        }
        Ok(())
    }

    /// Takes note of a member that cannot be looked into; without a name, it is the upload.
    pub(crate) fn unreadable(&mut self, name: &[u8], why: &str) -> Checked {
        if self.settings.unreadable == Choice::Refuse {
            let message = format!("the archive cannot be looked into: {}", about(name, why));
            return Err(refuse(ARCHIVE_UNREADABLE, name, message));
        }
        self.leave_out(name, why);
        Ok(())
    }

    fn leave_out(&mut self, name: &[u8], why: &str) {
        if self.left_out.is_none() {
            self.left_out = Some(about(name, why));
        }
    }
}

fn about(name: &[u8], why: &str) -> String {
    if name.is_empty() {
        format!("the archive {why}")
    } else {
        format!("the member \"{}\" {why}", shown(name))
    }
}
