//! What the stages say of a content that is not refused.

use crate::record::quarantine::QuarantineCause;
use crate::value::evidence::Facts;
use crate::value::verdict::Rejection;

/// What the stages say of a content that is not refused.
#[derive(Clone, Debug)]
pub(crate) struct Judged {
    pub(crate) facts: Facts,
    /// Why it is put into quarantine instead of being readable.
    pub(crate) held: Option<Held>,
}

/// Why a content is put into quarantine.
#[derive(Clone, Debug)]
pub(crate) struct Held {
    pub(crate) cause: QuarantineCause,
    pub(crate) reason: Rejection,
}
