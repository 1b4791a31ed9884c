//! Refuses files whose name, declared media type and content contradict each other.
//!
//! The content is what its first bytes look like, as the core finds it. The table of kinds says which endings, declared types and
//! contents belong together, so that honest files pass whatever their sender's system calls them.
//!
//! ```
//! use intake_core::FromSettings;
//! use intake_plugin_file_type::{Choice, FileType, Settings};
//!
//! let settings = Settings::default().with(|settings| settings.scripts = Choice::Refuse);
//! let strict = FileType::from_settings(settings)?;
//! # let _ = strict;
//! # Ok::<(), intake_core::ConfigError>(())
//! ```

mod codes;
mod judge;
mod kinds;
mod names;
mod settings;

use intake_core::{
    Code, ConfigError, Declared, Facts, FromSettings, Head, MediaType, Plugin, Rejection, UploadInfo, Validator,
    Verdict,
};

use crate::judge::{Claim, Fit};

pub use crate::codes::{
    EXTENSION_FORBIDDEN, FILE_TYPE_DECLARED_CONTENT, FILE_TYPE_DOUBLE_EXTENSION, FILE_TYPE_HIDDEN_EXTENSION,
    FILE_TYPE_NAME_CONTENT, FILE_TYPE_NAME_DECLARED, TYPE_FORBIDDEN,
};
pub use crate::settings::{Choice, Settings};

intake_core::inventory::submit! {
    Plugin::validator::<FileType>("file-type", "refuses files whose name, declared type and content contradict each other")
        .version(env!("CARGO_PKG_VERSION"))
}

/// The longest name of a type in a message, in bytes. Types have no other characters than those of ASCII.
const LONGEST_TYPE: usize = 80;

/// A validator that refuses files whose name, declared media type and content contradict each other.
///
/// The default has the default [`Settings`].
#[derive(Clone, Debug, Default)]
pub struct FileType {
    settings: Settings,
}

impl Validator for FileType {
    fn declared(&self, upload: &UploadInfo<'_>) -> Verdict {
        let found = self
            .judge_name(upload.declared)
            .or_else(|| self.judge_claims(upload.declared));
        found.map_or(Verdict::Accept, Verdict::Reject)
    }

    fn head(&self, head: &Head<'_>) -> Verdict {
        let found = head.media_type.filter(|_| !head.type_may_change);
        let found = self.forbidden(found, head.bytes).or_else(|| {
            let fits = |claim: &Claim| claim.fits_head(head.media_type, head.bytes);
            self.judge_content(head.upload.declared, head.media_type, fits)
        });
        found.map_or(Verdict::Accept, Verdict::Reject)
    }

    /// The type of a document in markup may be known only here: its root element may follow a comment of any length. Everything
    /// else was judged by its first bytes.
    fn whole(&self, upload: &UploadInfo<'_>, facts: &Facts) -> Verdict {
        let Some(found) = facts.media_type.as_ref().filter(|found| judge::may_be_markup(found)) else {
            return Verdict::Accept;
        };
        let refused = self.forbidden(Some(found), &[]).or_else(|| {
            let fits = |claim: &Claim| claim.fits_whole(found);
            self.judge_content(upload.declared, Some(found), fits)
        });
        refused.map_or(Verdict::Accept, Verdict::Reject)
    }
}

impl FileType {
    fn judge_name(&self, declared: &Declared) -> Option<Rejection> {
        let name = declared.name.as_ref()?;
        let settings = &self.settings;
        if settings.hidden_extensions == Choice::Refuse && names::is_hidden(name) {
            let message = "the name has a character that makes its ending look like another: rename the file";
            return Some(Rejection::new(FILE_TYPE_HIDDEN_EXTENSION, message));
        }
        let double = names::double(name).filter(|_| settings.double_extensions == Choice::Refuse);
        if let Some(program) = double {
            let message = format!("the name has the ending .{program} of a program beside that of another file");
            return Some(Rejection::new(FILE_TYPE_DOUBLE_EXTENSION, message).with_subject(program));
        }
        let endings = names::endings(name);
        let mut denied = settings.deny_extensions.iter();
        let denied = denied.find(|denied| endings.contains(&denied.to_lowercase()))?;
        let message = format!("files whose names end in .{denied} are not taken");
        Some(Rejection::new(EXTENSION_FORBIDDEN, message).with_subject(denied))
    }

    fn judge_claims(&self, declared: &Declared) -> Option<Rejection> {
        let media_type = declared.media_type.as_ref()?;
        let fit = of_name(declared).fits(&Claim::of_declared(Some(media_type)));
        let says = says(Some(media_type));
        let message = format!("the name of the file has another ending than files of the declared type {says} have");
        self.refuses(self.settings.name_declared, fit)
            .then(|| Rejection::new(FILE_TYPE_NAME_DECLARED, message).with_subject(says))
    }

    fn forbidden(&self, found: Option<&MediaType>, bytes: &[u8]) -> Option<Rejection> {
        let denied = |found: &MediaType| self.settings.deny_types.iter().any(|range| range.contains(found));
        if found.is_some_and(denied) {
            let says = says(found);
            let message = format!("the content is {says}, which is never taken");
            return Some(Rejection::new(TYPE_FORBIDDEN, message).with_subject(says));
        }
        // Other formats that begin so have a type of their own, such as AMR.
        let is_text = found.is_none_or(|found| found.main() == "text");
        let is_script = is_text && bytes.starts_with(b"#!") && self.settings.scripts == Choice::Refuse;
        let message = "the content is a script, which begins with #! and the program that runs it";
        is_script.then(|| Rejection::new(TYPE_FORBIDDEN, message).with_subject("#!"))
    }

    fn judge_content(
        &self,
        declared: &Declared,
        found: Option<&MediaType>,
        fits: impl Fn(&Claim) -> Fit,
    ) -> Option<Rejection> {
        let settings = &self.settings;
        let is = match found {
            Some(_) => format!("is {}", says(found)),
            None => "is of no known type".to_owned(),
        };
        let refuse = |code: Code, claim: &str| {
            let message = format!("the content {is}, which is not what {claim} says");
            Rejection::new(code, message).with_subject(says(found))
        };
        let name = of_name(declared);
        if self.refuses(settings.name_content, fits(&name)) {
            return Some(refuse(FILE_TYPE_NAME_CONTENT, "the ending of the name"));
        }
        let declared = Claim::of_declared(declared.media_type.as_ref()).narrowed_by(&name);
        self.refuses(settings.declared_content, fits(&declared))
            .then(|| refuse(FILE_TYPE_DECLARED_CONTENT, "the declared media type"))
    }

    fn refuses(&self, choice: Choice, fit: Fit) -> bool {
        let also = match fit {
            Fit::Fits => return false,
            Fit::Differs => Choice::Refuse,
            Fit::DiffersWithinUse => self.settings.same_use,
            Fit::Unknown => self.settings.unknown_content,
        };
        choice == Choice::Refuse && also == Choice::Refuse
    }
}

fn of_name(declared: &Declared) -> Claim {
    let endings = declared.name.as_ref().map(names::endings);
    Claim::of_endings(&endings.unwrap_or_default())
}

/// The name of a type for people, cut.
fn says(media_type: Option<&MediaType>) -> String {
    let name = media_type.map_or("unknown", MediaType::as_str);
    name.chars().take(LONGEST_TYPE).collect()
}

impl FromSettings for FileType {
    type Settings = Settings;

    fn from_settings(settings: Settings) -> Result<Self, ConfigError> {
        settings.check()?;
        Ok(Self { settings })
    }
}
