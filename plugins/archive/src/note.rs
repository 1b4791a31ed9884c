//! The note on an archive, for validators and adapters.

use intake_core::inspection::Extent;
use serde::{Deserialize, Serialize};

/// What was seen of an archive. It is in the record of the upload, under [`ArchiveNote::SUBJECT`].
///
/// The numbers include archives within archives. A scanner behind this one sees the same members, so `largest`, `inflated`, `depth`
/// and `members` can be compared with its limits: those of clamd are `MaxFileSize`, `MaxScanSize`, `MaxRecursion` and `MaxFiles`.
/// If the coverage of the scan is partial, there may be more than was counted.
///
/// ```
/// use intake_plugin_archive::ArchiveNote;
///
/// # let facts = intake_core::Facts::new(1024, intake_core::Digest::from([0; 32]));
/// let note: Option<ArchiveNote> = facts.note(ArchiveNote::SUBJECT);
/// let is_scanned = note.is_none_or(|note| note.largest <= 25 << 20 && note.depth <= 16);
/// # assert!(is_scanned);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ArchiveNote {
    /// The format of the upload itself: `zip`, `tar`, `gzip`, `zstd`, `xz`, `bzip2`, `7z` or `rar`.
    pub format: String,
    /// The number of members. A packed file, such as one in gzip format, has one.
    pub members: u64,
    /// The bytes of all members, inflated. Members of a TAR that was inflated itself are not counted again.
    pub inflated: u64,
    /// The bytes of the largest member, inflated.
    pub largest: u64,
    /// How deep archives are nested. A ZIP without archives inside has 1, a `.tar.gz` has 2.
    pub depth: u32,
    /// The number of encrypted members.
    pub encrypted: u64,
    /// The number of symbolic and hard links.
    pub links: u64,
    /// Whether a document has macros.
    pub macros: bool,
    /// Whether a document loads templates, objects or frames from elsewhere.
    pub external_relations: bool,
}

impl ArchiveNote {
    /// The subject of this note in [`Facts::notes`](intake_core::Facts::notes).
    pub const SUBJECT: &'static str = "archive";

    /// The numbers with which the pipeline compares the limits of other scanners.
    pub(crate) fn extent(&self) -> Extent {
        Extent::default().with(|extent| {
            extent.largest_member = self.largest;
            extent.inflated = self.inflated;
            extent.members = self.members;
            extent.depth = u64::from(self.depth);
        })
    }
}
