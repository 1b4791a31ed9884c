//! What is known of an upload beside its bytes: what validators and scanners are shown.

use uuid::Uuid;

use crate::value::evidence::Declared;
use crate::value::id::UploadId;
use crate::value::lifetime::UploadMethod;
use crate::value::media_type::MediaType;
use crate::value::options::UploadOptions;

/// What is known of an upload beside its bytes.
///
/// ```
/// use intake_core::{Declared, UploadInfo, UploadOptions, Validator, Verdict};
///
/// /// One customer may not send archives.
/// #[derive(Debug)]
/// struct NoArchivesOf(String);
///
/// impl Validator for NoArchivesOf {
///     fn declared(&self, upload: &UploadInfo<'_>) -> Verdict {
///         let is_archive = upload.declared.name.as_deref().is_some_and(|name| name.ends_with(".zip"));
///         match upload.options.project.as_deref() {
///             Some(project) if project == self.0 && is_archive => {
///                 Verdict::reject(intake_core::Code::new("no_archives"), "archives are not accepted here")
///             }
///             _ => Verdict::Accept,
///         }
///     }
/// }
///
/// let (declared, options) = (Declared::named("all.zip"), UploadOptions::of_project("acme"));
/// let upload = UploadInfo::new(&declared).with_options(&options);
/// assert_ne!(NoArchivesOf("acme".to_owned()).declared(&upload), Verdict::Accept);
/// ```
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct UploadInfo<'a> {
    /// The id of the upload.
    pub id: UploadId,
    /// The way in which it arrives.
    pub method: UploadMethod,
    /// What its sender declared.
    pub declared: &'a Declared,
    /// What its sender asks for, as far as it is known: the project, the metadata, the client and so on. Of an upload in one
    /// request, some of it may follow the bytes; see [`Validator::whole`](crate::Validator::whole).
    pub options: &'a UploadOptions,
}

/// What a sender asks for of whom nothing is known.
static NOTHING: UploadOptions = UploadOptions::none();

impl<'a> UploadInfo<'a> {
    /// An upload of which nothing else is known, such as in the tests of a validator.
    #[must_use]
    pub fn new(declared: &'a Declared) -> Self {
        Self {
            id: Uuid::nil().into(),
            method: UploadMethod::default(),
            declared,
            options: &NOTHING,
        }
    }

    /// Sets the id.
    #[must_use]
    pub fn with_id(self, id: UploadId) -> Self {
        Self { id, ..self }
    }

    /// Sets the way in which the upload arrives.
    #[must_use]
    pub fn with_method(self, method: UploadMethod) -> Self {
        Self { method, ..self }
    }

    /// Sets what its sender asks for.
    #[must_use]
    pub fn with_options(self, options: &'a UploadOptions) -> Self {
        Self { options, ..self }
    }
}

/// The first bytes, and the media type that they look like.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Head<'a> {
    /// What is known of the upload beside its bytes.
    pub upload: UploadInfo<'a>,
    /// The first [`HEAD_BYTES`](crate::HEAD_BYTES) bytes of the content. Fewer only if the content has no more.
    pub bytes: &'a [u8],
    /// The media type by content, whatever the sender declared. `None` if the bytes look like no known type.
    pub media_type: Option<&'a MediaType>,
    /// Whether the rest of the content may give it another type: the root element of a document in markup may follow a comment of any
    /// length. A rule about types then judges [`Facts::media_type`](crate::Facts::media_type), at the end.
    pub type_may_change: bool,
}

impl<'a> Head<'a> {
    /// The head of an upload.
    #[must_use]
    pub fn new(upload: UploadInfo<'a>, bytes: &'a [u8], media_type: Option<&'a MediaType>) -> Self {
        Self {
            upload,
            bytes,
            media_type,
            type_may_change: false,
        }
    }

    /// The same, of a content whose rest may give it another type.
    #[must_use]
    pub fn if_type_may_change(self, type_may_change: bool) -> Self {
        Self {
            type_may_change,
            ..self
        }
    }
}
