//! The answer of a stage: acceptance, or a refusal with a code for programs and a sentence for people.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

/// The answer of a stage that judges an upload. A failure is not an answer: see [`Fault`](crate::Fault).
#[must_use]
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// The stage accepts the upload.
    Accept,
    /// The stage refuses the upload. The sender gets the reason.
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

/// A refusal, for a reason that the sender can correct.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Rejection {
    /// The stable code, for programs.
    pub code: Code,
    /// The sentence for the sender. It starts in lower case and has no full stop.
    pub message: String,
    /// What the refusal is about, if a name helps: a virus, a media type, a key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// The name of the stage that refused. The pipeline sets it in the record of a refused upload.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
}

impl Rejection {
    /// A refusal without a subject.
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
    pub fn with_subject(mut self, subject: impl Into<String>) -> Self {
        self.subject = Some(subject.into());
        self
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.message, self.code)
    }
}

/// A stable name for one kind of refusal or failure: `snake_case`, never reused for another meaning.
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
/// In a constant, a code that is not `snake_case` does not compile:
///
/// ```compile_fail
/// const WRONG: intake_core::Code = intake_core::Code::new("Name forbidden");
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Code(Cow<'static, str>);

impl Code {
    /// A code. It is checked to be `snake_case`; in a constant, the compiler checks it.
    ///
    /// # Panics
    ///
    /// If the name is empty or has a character other than `a-z`, `0-9` and `_`.
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

    /// The code as text.
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

/// The stage name of a refusal by the pipeline's own bounds.
pub(crate) const RECEIVE: &str = "receive";
/// The stage name of a refusal by the rules of a project or of a token.
pub(crate) const PROJECT: &str = "project";
/// The stage name of a refusal of a whole request, rather than of one upload in it.
pub(crate) const REQUEST: &str = "request";
