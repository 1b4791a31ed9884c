//! The rules that both projects and tokens have: size, media type, ending of the name.

use crate::contract::stages::Validator;
use crate::policy::project::Project;
use crate::value::authorization::Grant;
use crate::value::codes;
use crate::value::evidence::{Declared, Facts};
use crate::value::file_name::Endings;
use crate::value::file_name::FileName;
use crate::value::media_type::{MediaRange, MediaType};
use crate::value::upload_info::{Head, UploadInfo};
use crate::value::verdict::Rejection;
use crate::value::verdict::Verdict;

pub(crate) fn size(size: Option<u64>, at_most: Option<u64>) -> Result<(), Rejection> {
    match (size, at_most) {
        (Some(size), Some(at_most)) if size > at_most => Err(too_large(size, at_most)),
        _ => Ok(()),
    }
}

pub(crate) fn media_type(
    allow: &[MediaRange],
    forbid: &[MediaRange],
    found: Option<&MediaType>,
) -> Result<(), Rejection> {
    let within = |ranges: &[MediaRange]| found.is_some_and(|found| ranges.iter().any(|range| range.contains(found)));
    // Content of no known type is not allowed if only some types are.
    let taken = !within(forbid) && (allow.is_empty() || within(allow));
    if taken {
        return Ok(());
    }
    let rejection = match found {
        Some(found) => Rejection::new(
            codes::TYPE_FORBIDDEN,
            format!("the content is {found}, which is not taken"),
        ),
        None => Rejection::new(
            codes::TYPE_FORBIDDEN,
            "the content is of no known type, and only known ones are taken",
        ),
    };
    Err(rejection.with_subject(found.map_or("unknown", MediaType::as_str)))
}

pub(crate) fn extension(allow: &[String], forbid: &[String], declared: &Declared) -> Result<(), Rejection> {
    let Endings {
        sent,
        in_address,
        before_colon,
    } = declared.name.as_ref().map(FileName::endings).unwrap_or_default();
    let within = |list: &[String], ending: &str| list.iter().any(|known| known.to_lowercase() == ending);
    let forbidden = |ending: &&String| within(forbid, ending);
    let not_allowed = |ending: &&String| !allow.is_empty() && !within(allow, ending);
    // The name is checked as it was sent and as a URL shows it: `x.e-xe` becomes `x.exe`.
    let refused = [&sent, &in_address]
        .into_iter()
        .chain(&before_colon)
        .find(forbidden)
        .or_else(|| Some(&sent).filter(not_allowed))
        .or_else(|| Some(&in_address).filter(|ending| !ending.is_empty() && not_allowed(ending)));
    let Some(extension) = refused else {
        return Ok(());
    };
    let message = match extension.as_str() {
        "" => "names without an ending are not taken".to_owned(),
        extension => format!("names that end in .{extension} are not taken"),
    };
    Err(Rejection::new(codes::EXTENSION_FORBIDDEN, message).with_subject(extension.as_str()))
}

/// The refusal of a file that is too large. Its subject is the size, as far as it is known.
pub(crate) fn too_large(size: u64, limit: u64) -> Rejection {
    Rejection::new(codes::TOO_LARGE, format!("the file has more than {limit} bytes")).with_subject(size.to_string())
}

/// The rules of a project.
impl Project {
    fn fits(&self, upload: &UploadInfo<'_>, found: Option<u64>) -> Result<(), Rejection> {
        size(found, self.at_most(upload.method))?;
        extension(&self.allow_extensions, &self.deny_extensions, upload.declared)
    }

    fn takes(&self, found: Option<&MediaType>) -> Result<(), Rejection> {
        media_type(&self.allow_types, &self.deny_types, found)
    }
}

impl Validator for Project {
    fn declared(&self, upload: &UploadInfo<'_>) -> Verdict {
        verdict(self.fits(upload, upload.declared.size))
    }

    fn head(&self, head: &Head<'_>) -> Verdict {
        if head.type_may_change {
            return Verdict::Accept;
        }
        verdict(self.takes(head.media_type))
    }

    fn whole(&self, upload: &UploadInfo<'_>, facts: &Facts) -> Verdict {
        let fits = self.fits(upload, Some(facts.size));
        verdict(fits.and_then(|()| self.takes(facts.media_type.as_ref())))
    }
}

/// The rules of a token.
impl Validator for Grant {
    fn declared(&self, upload: &UploadInfo<'_>) -> Verdict {
        let Some(bytes) = upload.declared.size else {
            return Verdict::Accept;
        };
        verdict(size(Some(bytes), self.max_size).and_then(|()| self.is_large_enough(bytes)))
    }

    fn head(&self, head: &Head<'_>) -> Verdict {
        if head.type_may_change {
            return Verdict::Accept;
        }
        verdict(media_type(&self.types, &[], head.media_type))
    }

    fn whole(&self, _: &UploadInfo<'_>, facts: &Facts) -> Verdict {
        let fits = size(Some(facts.size), self.max_size).and_then(|()| self.is_large_enough(facts.size));
        verdict(fits.and_then(|()| media_type(&self.types, &[], facts.media_type.as_ref())))
    }
}

impl Grant {
    fn is_large_enough(&self, size: u64) -> Result<(), Rejection> {
        match self.min_size {
            Some(least) if size < least => {
                let message = format!("the file has {size} bytes, and has to have at least {least}");
                Err(Rejection::new(codes::TOO_SMALL, message).with_subject(size.to_string()))
            }
            _ => Ok(()),
        }
    }
}

fn verdict(judged: Result<(), Rejection>) -> Verdict {
    match judged {
        Ok(()) => Verdict::Accept,
        Err(rejection) => Verdict::Reject(rejection),
    }
}
