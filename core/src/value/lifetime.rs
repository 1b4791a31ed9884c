//! How an upload comes, how long its sender would like it to stay, and how long it does.

use std::time::SystemTime;

use serde::{Deserialize, Serialize};

/// A wish; the [`Expirer`](crate::Expirer) decides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Retention {
    /// As the deployment does it with everyone.
    #[default]
    Default,
    /// For a while, unless somebody asks to keep it.
    Temporary,
    /// To stay.
    Keep,
}

/// How long an upload stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetime {
    /// Whether it is there to stay ("stored"), rather than until somebody decides.
    pub kept: bool,
    /// When it leaves by itself; `None` is never.
    pub expires: Option<SystemTime>,
}

/// Which way an upload comes: projects bound each on its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Door {
    /// In one request.
    #[default]
    Direct,
    /// In parts.
    Parts,
    /// Fetched from elsewhere.
    Pull,
}

impl Door {
    /// What logs call it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Parts => "multipart",
            Self::Pull => "from_url",
        }
    }
}
