//! The codes of this plugin's refusals and faults.

use intake_core::Code;

/// The archive has more members than are accepted.
pub const ARCHIVE_TOO_MANY_MEMBERS: Code = Code::new("archive_too_many_members");
/// Archives are nested deeper than is accepted.
pub const ARCHIVE_TOO_DEEP: Code = Code::new("archive_too_deep");
/// A member, or all of them together, inflate to more bytes than are accepted.
pub const ARCHIVE_TOO_LARGE: Code = Code::new("archive_too_large");
/// A member, or all of them together, inflate to more than the accepted multiple of their packed size.
pub const ARCHIVE_RATIO: Code = Code::new("archive_ratio");
/// A member is encrypted.
pub const ARCHIVE_ENCRYPTED: Code = Code::new("archive_encrypted");
/// A member is a symbolic link or a hard link.
pub const ARCHIVE_LINK: Code = Code::new("archive_link");
/// The name of a member leads out of the folder into which it is unpacked, or may do so.
pub const ARCHIVE_PATH: Code = Code::new("archive_path");
/// The archive contradicts itself, so that programs would unpack different members.
pub const ARCHIVE_INCONSISTENT: Code = Code::new("archive_inconsistent");
/// A document contains macros.
pub const ARCHIVE_MACROS: Code = Code::new("archive_macros");
/// A document loads a template, an object or a frame from elsewhere.
pub const ARCHIVE_EXTERNAL: Code = Code::new("archive_external");
/// The archive, or one inside it, cannot be looked into.
pub const ARCHIVE_UNREADABLE: Code = Code::new("archive_unreadable");
/// Fault: other archives take the memory that is set aside for archives. Another try may succeed.
pub const ARCHIVE_BUSY: Code = Code::new("archive_busy");
