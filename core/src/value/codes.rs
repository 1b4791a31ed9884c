//! The codes of the core, and those that several plugins share. Others are defined by the plugin that has them.

use crate::value::verdict::Code;

/// The upload has more bytes than the pipeline or the caller allows.
pub const TOO_LARGE: Code = Code::new("too_large");
/// The sender sent fewer or more bytes than it declared.
pub const SIZE_MISMATCH: Code = Code::new("size_mismatch");
/// A scanner did not look at all of the content, and such uploads are refused: [`OnPartial::Refuse`](crate::OnPartial::Refuse).
pub const SCAN_INCOMPLETE: Code = Code::new("scan_incomplete");
/// A scanner found a virus, or something else that it knows to be malicious; the subject is its name.
pub const INFECTED: Code = Code::new("infected");
/// A scanner cannot be reached, or has no room for another content in time.
pub const SCANNER_UNAVAILABLE: Code = Code::new("scanner_unavailable");
/// A scanner gave no verdict.
pub const SCANNER_FAILED: Code = Code::new("scanner_failed");
/// The upload took longer than it may.
pub const TIMED_OUT: Code = Code::new("timed_out");
/// The bytes broke off before their end.
pub const INTERRUPTED: Code = Code::new("interrupted");
/// No readable upload has this id.
pub const NOT_FOUND: Code = Code::new("not_found");
/// The upload took too long: its lease ended, and a sweeper claimed it.
pub const LEASE_LOST: Code = Code::new("lease_lost");
/// An event cannot happen in the state of a record.
pub const ILLEGAL_TRANSITION: Code = Code::new("illegal_transition");
/// The store has no bytes under a key where the record says that there are some.
pub const BYTES_MISSING: Code = Code::new("bytes_missing");
/// A record or a group with this id exists already.
pub const ID_TAKEN: Code = Code::new("id_taken");
/// The pipeline has no fetcher, so it cannot fetch a source.
pub const NO_RECEIVER: Code = Code::new("no_receiver");
/// A file would have more parts than are allowed.
pub const TOO_MANY_PARTS: Code = Code::new("too_many_parts");
/// The parts that arrived have fewer bytes than the file.
pub const PARTS_MISSING: Code = Code::new("parts_missing");
/// The parts that arrived have more bytes than the file.
pub const PARTS_TOO_LARGE: Code = Code::new("parts_too_large");
/// The parts that arrived do not have the right sizes.
pub const PARTS_UNEVEN: Code = Code::new("parts_uneven");
/// The upload takes no parts: it is not a multipart upload, its parts are being joined, or its time is over.
pub const NOT_OPEN: Code = Code::new("not_open");
/// The sender sent a part again before it had arrived. The newer attempt counts.
pub const PART_REPLACED: Code = Code::new("part_replaced");
/// The sender sent parts again so often that the store keeps no more of them.
pub const PARTS_TOO_OFTEN: Code = Code::new("parts_too_often");
/// The upload has no part with this number.
pub const NO_SUCH_PART: Code = Code::new("no_such_part");
/// The sender of a part must declare its size.
pub const LENGTH_REQUIRED: Code = Code::new("length_required");
/// The project, or the sender, has too many fetch jobs already.
pub const TOO_MANY_ORDERS: Code = Code::new("too_many_orders");
/// The project, or the sender, has too many unfinished uploads already.
pub const TOO_MANY_UNFINISHED: Code = Code::new("too_many_unfinished");
/// No project has this key.
pub const PROJECT_UNKNOWN: Code = Code::new("project_unknown");
/// The project is blocked.
pub const PROJECT_BLOCKED: Code = Code::new("project_blocked");
/// The project is blocked because it is not paid for.
pub const PROJECT_UNPAID: Code = Code::new("project_unpaid");
/// An operator has marked the project as having reached its limits.
pub const PROJECT_LIMITS: Code = Code::new("project_limits_exceeded");
/// The project is marked as removed.
pub const PROJECT_REMOVED: Code = Code::new("project_removed");
/// This version cannot use the settings of the project.
pub const PROJECT_UNUSABLE: Code = Code::new("project_unusable");
/// The project has reached its quota of bytes or files.
pub const QUOTA_EXCEEDED: Code = Code::new("quota_exceeded");
/// The token has authorized as many uploads as it may.
pub const TOKEN_USED_UP: Code = Code::new("token_used_up");
/// The token was revoked.
pub const TOKEN_REVOKED: Code = Code::new("token_revoked");
/// The project requires a signature, and the request has none.
pub const SIGNATURE_MISSING: Code = Code::new("signature_missing");
/// The signature was not made with a current secret of the project.
pub const SIGNATURE_INVALID: Code = Code::new("signature_invalid");
/// The signature or the token has expired.
pub const SIGNATURE_EXPIRED: Code = Code::new("signature_expired");
/// The rules of the project or of the token refuse the media type of the content.
pub const TYPE_FORBIDDEN: Code = Code::new("type_forbidden");
/// The rules of the project refuse names with this ending.
pub const EXTENSION_FORBIDDEN: Code = Code::new("extension_forbidden");
/// The upload has fewer bytes than the token requires.
pub const TOO_SMALL: Code = Code::new("too_small");
/// A project or a record names a store that the pipeline does not have.
pub const NO_SUCH_STORE: Code = Code::new("no_such_store");
/// The owner cancelled the fetch job.
pub const CANCELLED: Code = Code::new("cancelled");
/// This is not a target to which events may be sent.
pub const TARGET_INVALID: Code = Code::new("target_invalid");
/// The project has a subscription for this kind of event and this target.
pub const SUBSCRIPTION_EXISTS: Code = Code::new("subscription_exists");
/// A part of this system failed. The record of an upload that ended with a fault has this code; the log has the reason.
pub const FAULT: Code = Code::new("fault");
/// A key of metadata is empty.
pub const METADATA_KEY_EMPTY: Code = Code::new("metadata_key_empty");
/// A key of metadata has a forbidden character.
pub const METADATA_KEY_FORBIDDEN: Code = Code::new("metadata_key_forbidden");
/// A key of metadata is too long.
pub const METADATA_KEY_TOO_LONG: Code = Code::new("metadata_key_too_long");
/// A file would have more keys of metadata than it may.
pub const METADATA_TOO_MANY: Code = Code::new("metadata_too_many");
/// A value of metadata is empty.
pub const METADATA_VALUE_EMPTY: Code = Code::new("metadata_value_empty");
/// A value of metadata has a forbidden character.
pub const METADATA_VALUE_FORBIDDEN: Code = Code::new("metadata_value_forbidden");
/// A value of metadata is too long.
pub const METADATA_VALUE_TOO_LONG: Code = Code::new("metadata_value_too_long");
/// A file would have more tags than it may, or a tag is too long or has a forbidden character.
pub const TAGS_INVALID: Code = Code::new("tags_invalid");
