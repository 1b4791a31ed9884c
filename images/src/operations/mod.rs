//! What an address asks for: the operations in its order, how the result is written, and one text for both.

mod error;
mod geometry;
mod output;
mod parameters;
mod parse;
mod step;
mod text;

pub use self::error::OperationsError;
pub use self::output::{Metadata, Output, OutputFormat, Quality};

pub(crate) use self::geometry::Align;
pub(crate) use self::step::{Color, Cut, Radius, Step, Stretch, Tone};

/// The operations that one address may have.
pub const MAX_OPERATIONS: usize = 32;
/// The bytes that the operations of one address may have.
pub const MAX_LENGTH: usize = 2_048;
/// The pixels that a side may be asked to have.
pub const MAX_SIDE: u32 = 5_000;

/// The operations of an address, checked and bounded.
///
/// ```
/// use intake_images::Operations;
///
/// let operations = Operations::parse("-/resize/0500x/-/@clib/x/1/-/quality/smart/")?;
/// assert_eq!(operations.canonical(), "-/resize/500x/-/quality/smart/");
/// # Ok::<(), intake_images::OperationsError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Operations {
    pub(crate) steps: Vec<Step>,
    output: Output,
    autorotate: bool,
    json: bool,
    inline: Option<bool>,
    canonical: String,
}

impl Operations {
    /// Reads `-/<operation>/<parameters>/-/…/`, the part of an address behind the uuid, without the file name that may
    /// stand behind its last slash. Slashes at either end may be missing. Operations whose name begins with `@` are left
    /// out: official clients say there who they are.
    ///
    /// # Errors
    ///
    /// Names the first operation that is unknown, refused or has wrong parameters, and what was expected.
    pub fn parse(path: &str) -> Result<Self, OperationsError> {
        parse::operations(path)
    }

    /// One text for all spellings of the same operations, without what does not change the bytes of the result. Empty if
    /// the original is asked for.
    pub fn canonical(&self) -> &str {
        &self.canonical
    }

    /// Whether the original is asked for: no operation changes a pixel or its encoding.
    pub fn is_original(&self) -> bool {
        self.steps.is_empty() && self.canonical.is_empty()
    }

    /// Whether `json` asks for a description instead of a picture.
    pub fn json(&self) -> bool {
        self.json
    }

    /// What `inline` says about how browsers show the file, if it is there.
    pub fn inline(&self) -> Option<bool> {
        self.inline
    }

    /// Whether the picture is turned as its EXIF data says.
    pub fn autorotate(&self) -> bool {
        self.autorotate
    }

    /// How the result is written.
    pub fn output(&self) -> &Output {
        &self.output
    }

    /// Whether the format depends on what the client accepts, so that an answer needs `Vary: Accept`.
    pub fn negotiates(&self) -> bool {
        !self.is_original() && self.output.format == OutputFormat::Auto
    }
}
