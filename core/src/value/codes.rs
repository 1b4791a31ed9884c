//! The codes that the core itself gives. Plugins have their own beside what they refuse.

use crate::value::verdict::Code;

/// More bytes than the pipeline, or the caller, takes.
pub const TOO_LARGE: Code = Code::new("too_large");
/// Fewer or more bytes came than were declared.
pub const SIZE_MISMATCH: Code = Code::new("size_mismatch");
/// The upload took longer than it may.
pub const TIMED_OUT: Code = Code::new("timed_out");
/// The bytes stopped coming before their end.
pub const INTERRUPTED: Code = Code::new("interrupted");
/// No readable upload has the id that was asked for.
pub const NOT_FOUND: Code = Code::new("not_found");
/// The upload was taken from under its sender, who took too long: its lease was over and a sweeper claimed it.
pub const LEASE_LOST: Code = Code::new("lease_lost");
/// A record was asked to go where it cannot.
pub const ILLEGAL_TRANSITION: Code = Code::new("illegal_transition");
/// The store holds no bytes where the record says that there are some.
pub const BYTES_MISSING: Code = Code::new("bytes_missing");
/// An upload with this id is recorded already.
pub const ID_TAKEN: Code = Code::new("id_taken");
/// Nobody was given to the pipeline who fetches what a source names.
pub const NO_RECEIVER: Code = Code::new("no_receiver");
/// A file would be cut into more parts than are taken.
pub const TOO_MANY_PARTS: Code = Code::new("too_many_parts");
/// The parts that came are less than the whole.
pub const PARTS_MISSING: Code = Code::new("parts_missing");
/// The parts that came are more than the whole.
pub const PARTS_TOO_LARGE: Code = Code::new("parts_too_large");
/// The parts that came have other sizes than they should have.
pub const PARTS_UNEVEN: Code = Code::new("parts_uneven");
/// The upload takes no parts: it never did, or it is being put together, or its time is over.
pub const NOT_OPEN: Code = Code::new("not_open");
/// A part was sent again before it had come, and the newer attempt counts.
pub const PART_REPLACED: Code = Code::new("part_replaced");
/// Parts of the upload were sent again so often that the store keeps no more of them.
pub const PARTS_TOO_OFTEN: Code = Code::new("parts_too_often");
/// There is no part of this number.
pub const NO_SUCH_PART: Code = Code::new("no_such_part");
/// The sender of a part has to say how long it is.
pub const LENGTH_REQUIRED: Code = Code::new("length_required");
/// Too many orders of the project wait already.
pub const TOO_MANY_ORDERS: Code = Code::new("too_many_orders");
/// The project, or the address that sends, has too many unfinished uploads already.
pub const TOO_MANY_UNFINISHED: Code = Code::new("too_many_unfinished");
/// No project has this key, or not any more.
pub const PROJECT_UNKNOWN: Code = Code::new("project_unknown");
/// The project is blocked.
pub const PROJECT_BLOCKED: Code = Code::new("project_blocked");
/// The project is blocked because nobody pays for it.
pub const PROJECT_UNPAID: Code = Code::new("project_unpaid");
/// The project has reached its limits, as somebody has said.
pub const PROJECT_LIMITS: Code = Code::new("project_limits_exceeded");
/// The project is marked as removed.
pub const PROJECT_REMOVED: Code = Code::new("project_removed");
/// The settings of a project are none that this version can use.
pub const PROJECT_UNUSABLE: Code = Code::new("project_unusable");
/// The project has as many bytes or files as it may have.
pub const QUOTA_EXCEEDED: Code = Code::new("quota_exceeded");
/// The token has let in as many uploads as it may.
pub const TOKEN_USED_UP: Code = Code::new("token_used_up");
/// The token was revoked.
pub const TOKEN_REVOKED: Code = Code::new("token_revoked");
/// The project asks for signatures, and there is none.
pub const SIGNATURE_MISSING: Code = Code::new("signature_missing");
/// The signature is not, or not any more, one of the project's.
pub const SIGNATURE_INVALID: Code = Code::new("signature_invalid");
/// The time of the signature, or of the token, is over.
pub const SIGNATURE_EXPIRED: Code = Code::new("signature_expired");
/// The project takes no content of this type.
pub const TYPE_FORBIDDEN: Code = Code::new("type_forbidden");
/// The project takes no names with this ending.
pub const EXTENSION_FORBIDDEN: Code = Code::new("extension_forbidden");
/// Fewer bytes than the token asks for.
pub const TOO_SMALL: Code = Code::new("too_small");
/// A project, or a record, names a store that the pipeline does not have.
pub const NO_SUCH_STORE: Code = Code::new("no_such_store");
/// Somebody took the order back.
pub const CANCELLED: Code = Code::new("cancelled");
/// One of our parts failed: what is noted of an upload that ended so. Which part, and why, is in the log.
pub const FAULT: Code = Code::new("fault");
