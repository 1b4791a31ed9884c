//! What a stage answers: yes, or no with a code for programs and a sentence for people.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

/// The answer of a stage that judges. Failing is not an answer: see [`Fault`](crate::Fault).
#[must_use]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing speaks against the upload.
    Accept,
    /// The upload is refused; whoever sent it can read why.
    Reject(Rejection),
}

impl Verdict {
    /// Refuses with a code and a sentence for the sender.
    pub fn reject(code: Code, message: impl Into<String>) -> Self {
        Self::Reject(Rejection::new(code, message))
    }

    /// The refusal, if it is one.
    #[must_use]
    pub fn rejection(self) -> Option<Rejection> {
        match self {
            Self::Accept => None,
            Self::Reject(rejection) => Some(rejection),
        }
    }
}

/// A refusal: the sender's to mend.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rejection {
    /// Stable, for programs.
    pub code: Code,
    /// For the sender; starts in lower case and has no full stop.
    pub message: String,
    /// What the refusal is about, where a name helps: a virus, a media type, a key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// The name of the stage that refused, as the pipeline knows it, in the record of a refused upload.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
}

impl Rejection {
    /// A refusal that names nothing in particular.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            subject: None,
            by: None,
        }
    }

    /// Names the stage that refused.
    #[must_use]
    pub fn by(mut self, stage: impl Into<String>) -> Self {
        self.by = Some(stage.into());
        self
    }

    /// Names what the refusal is about.
    #[must_use]
    pub fn about(mut self, subject: impl Into<String>) -> Self {
        self.subject = Some(subject.into());
        self
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.message, self.code)
    }
}

/// A stable name for one way in which something ended: `snake_case`, never reused for another meaning.
///
/// All codes of this repository are listed in `docs/codes.md`.
///
/// ```
/// use intake_core::Code;
///
/// const FORBIDDEN: Code = Code::new("name_forbidden");
/// assert_eq!(FORBIDDEN.as_str(), "name_forbidden");
/// ```
///
/// A code that is no `snake_case` does not compile where it is a constant:
///
/// ```compile_fail
/// const WRONG: intake_core::Code = intake_core::Code::new("Name forbidden");
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Code(Cow<'static, str>);

impl Code {
    /// A code, checked to be `snake_case` (at compile time where it is a constant).
    ///
    /// # Panics
    ///
    /// If the name is empty or has anything but `a-z`, `0-9` and `_`.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        let bytes = name.as_bytes();
        assert!(!bytes.is_empty(), "a code has a name");
        let mut at = 0;
        while at < bytes.len() {
            let fits = matches!(bytes[at], b'a'..=b'z' | b'0'..=b'9' | b'_');
            assert!(fits, "a code is snake_case");
            at += 1;
        }
        Self(Cow::Borrowed(name))
    }

    /// The code as programs compare it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Who says no when it is the pipeline's own bounds, and no plugin, that an upload breaks.
pub(crate) const RECEIVE: &str = "receive";
/// Who says no where a project's rules do, or its token's.
pub(crate) const PROJECT: &str = "project";
/// Who refuses what a whole request says, and not one of its uploads.
pub(crate) const REQUEST: &str = "request";
