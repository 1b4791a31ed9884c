//! What an operator may set.

use intake_core::{ConfigError, MediaRange, MediaType};
use serde::Deserialize;

pub use intake_core::Choice;

/// The endings of files that Windows runs when they are opened. `com` is not among them: names such as `invoice of example.com`
/// are common, and a program is found by its content.
const PROGRAMS: [&str; 18] = [
    "bat", "cmd", "cpl", "exe", "gadget", "hta", "jse", "lnk", "msi", "msp", "pif", "scf", "scr", "vbe", "vbs", "wsf",
    "wsh", "xll",
];

/// The types of programs, of shortcuts that start one, and of packages that install one.
const PROGRAM_TYPES: [&str; 5] = [
    "application/vnd.microsoft.portable-executable",
    "application/x-executable",
    "application/x-mach-binary",
    "application/x-ms-shortcut",
    "application/x-msi",
];

/// The most entries of a list, each of which is looked at for every upload.
const LONGEST_LIST: usize = 1000;

/// The settings of `use = "file-type"`.
///
/// ```
/// use intake_plugin_file_type::{Choice, Settings};
///
/// let settings = Settings::default().with(|settings| settings.name_declared = Choice::Accept);
/// # let _ = settings;
/// ```
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Settings {
    /// A content that is not what the ending of the name says.
    pub name_content: Choice,
    /// A content that is not what the declared media type says.
    pub declared_content: Choice,
    /// A declared media type that is not what the ending of the name says.
    pub name_declared: Choice,
    /// A content of no known type, although the name or the declared type stands for a format that can be recognised. It counts
    /// as a contradiction to whichever of the two says so.
    pub unknown_content: Choice,
    /// A contradiction between two formats that are used for the same: two of images, or two of video and sound.
    pub same_use: Choice,
    /// A name such as `invoice.pdf.exe` or `photo.php.jpg`.
    pub double_extensions: Choice,
    /// A name that reverses the direction of writing, so that it is shown with another ending than it has.
    pub hidden_extensions: Choice,
    /// A content that begins with `#!`, whatever its name.
    pub scripts: Choice,
    /// Endings of names that are never taken, without their dot.
    pub deny_extensions: Vec<String>,
    /// Types of contents that are never taken.
    pub deny_types: Vec<MediaRange>,
}

impl Default for Settings {
    fn default() -> Self {
        let types = PROGRAM_TYPES.iter().filter_map(|name| name.parse::<MediaType>().ok());
        Self {
            name_content: Choice::Refuse,
            declared_content: Choice::Refuse,
            name_declared: Choice::Refuse,
            unknown_content: Choice::Refuse,
            same_use: Choice::Refuse,
            double_extensions: Choice::Refuse,
            hidden_extensions: Choice::Refuse,
            scripts: Choice::Accept,
            deny_extensions: PROGRAMS.iter().map(|ending| (*ending).to_owned()).collect(),
            deny_types: types.map(MediaRange::One).collect(),
        }
    }
}

impl Settings {
    /// Sets some of them.
    #[must_use]
    pub fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    /// # Errors
    ///
    /// Names the first setting that makes no sense.
    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        let lists = [
            ("deny_extensions", self.deny_extensions.len()),
            ("deny_types", self.deny_types.len()),
        ];
        for (name, entries) in lists {
            if entries > LONGEST_LIST {
                return Err(ConfigError::at(name, format!("has more than {LONGEST_LIST} entries")));
            }
        }
        let wrong = |ending: &String| ending.is_empty() || ending.contains(['.', '/', '\\', ' ']);
        match self.deny_extensions.iter().find(|ending| wrong(ending)) {
            Some(ending) => Err(ConfigError::at(
                "deny_extensions",
                format!("`{ending}` must be one ending without its dot, such as `exe`"),
            )),
            None => Ok(()),
        }
    }
}
