//! A choice that settings of many plugins have.

use serde::Deserialize;

/// What happens to an upload that has some property: the type of settings such as `encrypted = "refuse"`. It has no default, because
/// each setting has its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Choice {
    /// It is accepted. Where the property kept a scanner from looking at everything, the coverage in the record is partial.
    Accept,
    /// It is refused.
    Refuse,
}
