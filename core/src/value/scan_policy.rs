//! What happens to an upload by what a scanner says of it.

use serde::Deserialize;

/// What happens to an upload that a scanner refuses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum OnInfected {
    /// It is refused, and its bytes are deleted.
    #[default]
    Refuse,
    /// It is refused, and its bytes are kept in quarantine, where an operator decides about them.
    Quarantine,
}

/// What happens to an upload that a scanner did not look at completely, and in which it found nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum OnPartial {
    /// It is refused, with [`SCAN_INCOMPLETE`](crate::codes::SCAN_INCOMPLETE).
    Refuse,
    /// It is refused, and its bytes are kept in quarantine, where an operator decides about them.
    Quarantine,
    /// It is accepted; its record says what was not looked at.
    #[default]
    Accept,
}

/// What happens to an upload if a scanner fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum OnFault {
    /// It is not accepted, and the sender is told to try again: a missing verdict is not an acceptance.
    #[default]
    Refuse,
    /// It is acknowledged and kept in quarantine. It is scanned again until the scanner works, and is readable then if every
    /// scanner accepts it.
    Quarantine,
    /// It is accepted without that scanner; its record says so.
    Accept,
}

/// What happens to an upload by what one scanner says of it. The default is the strictest: see the default of each.
///
/// ```
/// use intake_core::{OnFault, OnInfected, ScanPolicy};
///
/// let policy = ScanPolicy::default().with(|policy| {
///     policy.on_infected = OnInfected::Quarantine;
///     policy.on_fault = OnFault::Quarantine;
/// });
/// # let _ = policy;
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ScanPolicy {
    /// If the scanner refuses it.
    pub on_infected: OnInfected,
    /// If the scanner did not look at all of it. `None`: what the scanner itself proposes, see
    /// [`Scanner::on_partial`](crate::Scanner::on_partial).
    pub on_partial: Option<OnPartial>,
    /// If the scanner fails.
    pub on_fault: OnFault,
    /// Scanners of the same group refuse a content only if all of them do, such as several engines of which each has false alarms.
    /// The record keeps what each said. Without a group, a scanner refuses alone.
    pub group: Option<String>,
}

impl ScanPolicy {
    /// Sets some of it.
    #[must_use]
    pub fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }
}
