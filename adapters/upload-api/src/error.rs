//! The one table from our codes to the Upload API's codes, statuses and sentences (wire facts, section 9).

use std::borrow::Cow;

use intake_core::{Code, Error, Rejection};

use crate::bearer;
pub(crate) use crate::codes;
use crate::from_url::Group;
use crate::{ErrorRow, KEY};

const fn row(ours: &'static str, status: u16, theirs: &'static str, sentence: &'static str) -> ErrorRow {
    ErrorRow {
        ours,
        status,
        theirs,
        sentence,
    }
}

/// Seconds after which one who found everything taken may ask again.
pub(crate) const COME_AGAIN: u64 = 3;
/// The same for one who has too many unfinished uploads, which take longer to end.
const COME_AGAIN_LATER: u64 = 30;

/// Everything that this adapter can say no with, in the order of the reference: a line each, so that it reads as the table there.
#[rustfmt::skip]
pub(crate) static TABLE: &[ErrorRow] = &[
    // Base upload errors.
    row("access_token_expired", 401, "AccessTokenExpiredError", "Expired token."),
    row("access_token_invalid", 401, "AccessTokenInvalidError", "Invalid token. Reason: %s"),
    row("authorization_malformed", 401, "AccessTokenInvalidError", "Invalid Authorization header format."),
    row("project_blocked", 403, "AccountBlockedError", "Account has been blocked."),
    row("project_limits_exceeded", 403, "AccountLimitsExceededError", "Account has reached its limits."),
    row("quota_exceeded", 403, "AccountLimitsExceededError", "Account has reached its limits."),
    row("project_unpaid", 403, "AccountUnpaidError", "Account has been blocked for non payment."),
    row("autostore_forbidden", 403, "AutostoreDisabledError", "Autostore is disabled."),
    row("metadata_key_twice", 400, "FileMetadataKeyDuplicatedError", "File's metadata key `%s` has a duplicate."),
    row("metadata_key_empty", 400, "FileMetadataKeyEmptyError", "File's metadata key can not be empty."),
    row("metadata_key_forbidden", 400, "FileMetadataKeyForbiddenError", "File's metadata key `%s` contains symbols not allowed by the metadata key format."),
    row("metadata_key_too_long", 400, "FileMetadataKeyLengthTooBigError", "Length of file metadata key `%s` can not be more than %s symbols."),
    row("metadata_too_many", 400, "FileMetadataKeysNumberTooBigError", "A file can not have more than %s metadata keys."),
    row("metadata_value_empty", 400, "FileMetadataValueEmptyError", "Value of the file metadata key `%s` can not be empty."),
    row("metadata_value_forbidden", 400, "FileMetadataValueForbiddenError", "Value of file metadata key `%s` contains symbols not allowed by the metadata value format."),
    row("metadata_value_too_long", 400, "FileMetadataValueLengthTooBigError", "Value of file metadata's key `%s` can not be more than %s symbols in length."),
    row("too_large", 400, "FileSizeLimitExceededError", "File is too large."),
    row("image_too_large", 400, "FileSizeLimitExceededError", "File is too large."),
    row("method_not_allowed", 405, "MethodNotAllowedError", "HTTP method %s is not allowed for %s"),
    row("operations_used_up", 403, "OperationsLimitExceededError", "The operation limit of the token is exhausted."),
    row("null_character", 400, "NullCharactersForbiddenError", "Null characters are not allowed."),
    row("form_malformed", 400, "PostRequestParserFailedError", "HTTP POST request parsing failed."),
    row("key_invalid", 403, "ProjectPublicKeyInvalidError", "%s is invalid."),
    row("project_unknown", 403, "ProjectPublicKeyInvalidError", "%s is invalid."),
    row("project_removed", 403, "ProjectPublicKeyRemovedError", "Project %s is marked as removed."),
    row("key_missing", 403, "ProjectPublicKeyRequiredError", "%s is required."),
    row("too_many_files", 400, "RequestFileNumberLimitExceededError", "The request contains too many files."),
    // The misspelling is the wire's own.
    row("too_many_fields", 400, "RequestFiledsNumberLimitExceededError", "The request contains too many HTTP POST fields."),
    row("request_too_large", 413, "RequestSizeLimitExceededError", "The size of the request is too large."),
    row("throttled", 429, "RequestThrottledError", "Request was throttled."),
    row("too_many_unfinished", 429, "RequestThrottledError", "Request was throttled."),
    row("scope_forbidden", 403, "ScopeForbiddenError", "`uc.restrictions.scope` does not allow this endpoint."),
    row("signature_expired", 403, "SignatureExpirationError", "Expired signature."),
    row("token_used_up", 403, "SignatureExpirationError", "Expired signature."),
    row("expire_invalid", 400, "SignatureExpirationInvalidError", "`expire` must be a UNIX timestamp."),
    row("expire_missing", 400, "SignatureExpirationRequiredError", "`expire` is required."),
    row("signature_invalid", 403, "SignatureInvalidError", "Invalid signature."),
    row("token_revoked", 403, "SignatureInvalidError", "Invalid signature."),
    row("signature_missing", 400, "SignatureRequiredError", "`signature` is required."),
    row("fault", 500, "UploadAPIError", "Internal error."),
    row("upload_refused", 403, "UploadFailedError", "Upload failed."),
    row("token_unusable", 403, "UploadFailedError", "Upload failed."),
    // FromURL upload errors: of orders that came to nothing.
    row("download_failed", 500, "DownloadFileError", "Failed to download the file."),
    row("download_client_error", 500, "DownloadFileHTTPClientError", "HTTP client error: %s."),
    row("download_network_error", 500, "DownloadFileHTTPNetworkError", "HTTP network error: %s."),
    row("download_server_error", 500, "DownloadFileHTTPServerError", "HTTP server error: %s."),
    row("download_url_invalid", 500, "DownloadFileHTTPURLValidationError", "HTTP URL validation error: %s."),
    row("download_fault", 500, "DownloadFileInternalServerError", "Internal server error."),
    row("downloaded_file_gone", 500, "DownloadFileNotFoundError", "downloaded file not found."),
    row("download_too_large", 500, "DownloadFileSizeLimitExceededError", "Downloaded file is too big: %s > %s."),
    row("cancelled", 500, "DownloadFileTaskFailedError", "download task failed."),
    row("download_timed_out", 500, "DownloadFileTimeLimitExceededError", "Failed to download the file within the allotted time limit of %s seconds."),
    row("download_too_slow", 500, "DownloadFileTimeLimitExceededError", "Failed to download the file: the source sends less than %s bytes a second."),
    row("download_refused", 500, "DownloadFileValidationFailedError", "File validation error: %s"),
    // File upload errors.
    row("file_id_invalid", 400, "FileIdInvalidError", "file_id is invalid."),
    row("file_id_missing", 400, "FileIdRequiredError", "file_id is required."),
    row("not_found", 404, "FileNotFoundError", "File is not found."),
    row("too_many_files_named", 400, "FilesNumberLimitExceededError", "There are too many files."),
    row("file_missing", 400, "FilesRequiredError", "Request does not contain files."),
    row("origin_forbidden", 403, "InternalRequestForbiddenError", "Forbidden request."),
    row("part_url_invalid", 403, "InternalRequestForbiddenError", "Forbidden request."),
    row("multipart_already_uploaded", 400, "MultipartFileAlreadyUploadedError", "File is already uploaded."),
    row("parts_uneven", 400, "MultipartFileCompletionFailedError", "Can not complete upload. Wrong parts size?"),
    row("multipart_id_missing", 400, "MultipartFileIdRequiredError", "uuid is required."),
    row("multipart_not_found", 404, "MultipartFileNotFoundError", "File is not found."),
    row("not_open", 404, "MultipartFileNotFoundError", "File is not found."),
    row("no_such_part", 404, "MultipartFileNotFoundError", "File is not found."),
    row("multipart_too_large", 400, "MultipartFileSizeLimitExceededError", "File size exceeds project limit."),
    row("multipart_too_small", 400, "MultipartFileSizeTooSmallError", "File size can not be less than %s bytes. Please use direct upload instead of multipart."),
    row("part_size_invalid", 400, "MultipartPartSizeInvalidError", "Multipart Upload Part Size should be an integer."),
    row("part_size_too_big", 400, "MultipartPartSizeTooBigError", "Multipart Upload Part Size can not be more than %s bytes."),
    row("part_size_too_small", 400, "MultipartPartSizeTooSmallError", "Multipart Upload Part Size can not be less than %s bytes."),
    row("too_many_parts", 400, "MultipartPartSizeTooSmallError", "Multipart Upload Part Size can not be less than %s bytes."),
    row("multipart_size_invalid", 400, "MultipartSizeInvalidError", "size should be integer."),
    row("parts_too_large", 400, "MultipartUploadSizeTooLargeError", "Uploaded size is more than expected."),
    row("parts_missing", 400, "MultipartUploadSizeTooSmallError", "File size mismatch. Not all parts uploaded?"),
    row("param_missing", 400, "RequestParamRequiredError", "%s is required."),
    row("source_url_missing", 400, "SourceURLRequiredError", "source_url is required."),
    row("token_missing", 400, "TokenRequiredError", "token is required."),
    row("multipart_id_invalid", 400, "UUIDInvalidError", "uuid is invalid."),
    // File group errors.
    row("group_file_unreadable", 400, "GroupFileURLParsingFailedError", "This is not valid file url: %s."),
    row("group_files_missing", 400, "GroupFilesInvalidError", "No files[N] parameters found."),
    row("group_files_not_found", 400, "GroupFilesNotFoundError", "Some files not found."),
    row("group_id_missing", 400, "GroupIdRequiredError", "group_id is required."),
    row("group_not_found", 404, "GroupNotFoundError", "group_id is invalid."),
    // File content validation errors.
    row("infected", 400, "FileInfectedError", "The file is infected by %s virus."),
    row("extension_forbidden", 400, "FileTypeForbiddenError", "Uploading of these file types is not allowed."),
    row("type_forbidden", 400, "FileTypeForbiddenError", "Uploading of these file types is not allowed."),
    // URL validation errors.
    row("host_not_found", 400, "HostnameNotFoundError", "Host does not exist."),
    row("host_forbidden", 400, "URLBlacklistedError", "Source is blacklisted."),
    row("url_host_malformed", 400, "URLHostMalformedError", "URL host is malformed."),
    row("address_forbidden", 400, "URLHostPrivateIPForbiddenError", "Only public IPs are allowed."),
    row("url_host_missing", 400, "URLHostRequiredError", "No URL host supplied."),
    row("url_unparsable", 400, "URLParsingFailedError", "Failed to parse URL."),
    row("too_many_redirects", 400, "URLRedirectsLimitExceededError", "Too many redirects."),
    row("url_scheme_forbidden", 400, "URLSchemeInvalidError", "Invalid URL scheme."),
    row("url_scheme_missing", 400, "URLSchemeRequiredError", "No URL scheme supplied."),
    row("url_invalid", 400, "URLValidationError", "Failed to validate URL."),
    // Ours alone: the reference has no code for what is no endpoint of it, for a sender who is too slow, sends tiny chunks or sends
    // a part again, nor for tags.
    // The name by which the one client that calls these endpoints knows it.
    row("derivative_disabled", 403, "derivative_disabled", "This server does not generate or edit images."),
    row("tags_invalid", 400, "UploadFailedError", "Upload failed: the tags cannot be kept: %s."),
    row("part_replaced", 409, "UploadViewsError", "The part was sent again meanwhile."),
    row("parts_too_often", 409, "UploadViewsError", "Parts of this upload were sent again too often."),
    row("not_an_endpoint", 404, "UploadViewsError", "There is no such endpoint."),
    row("chunks_too_small", 400, "PostRequestParserFailedError", "HTTP POST request parsing failed. The body comes in chunks of less than 32 bytes; send larger ones."),
    row("request_too_slow", 408, "UploadViewsError", "The request took too long."),
    row("interrupted", 400, "PostRequestParserFailedError", "HTTP POST request parsing failed."),
    row("size_mismatch", 400, "PostRequestParserFailedError", "HTTP POST request parsing failed."),
    row("length_required", 411, "PostRequestParserFailedError", "HTTP POST request parsing failed."),
    row("timed_out", 408, "UploadViewsError", "The request took too long."),
];

/// A "no" on its way to the sender.
#[derive(Clone, Debug)]
pub(crate) struct Refusal {
    row: &'static ErrorRow,
    /// Our own code, also where the wire has none for it: see `docs/codes.md`.
    pub(crate) ours: Code,
    args: Vec<String>,
    /// Said instead of the row's sentence: a plugin's own words, for codes that the wire does not know.
    words: Option<String>,
    /// Seconds after which trying again makes sense; a whole number, since that is what all clients read.
    pub(crate) retry_after: Option<u64>,
    /// For the log alone.
    pub(crate) for_log: Box<ForLog>,
}

/// What the log says of a refusal, and its sender is not told.
#[derive(Clone, Debug, Default)]
pub(crate) struct ForLog {
    /// The stage that refused, if one did.
    pub(crate) by: Option<String>,
    /// Why one of our parts failed.
    pub(crate) cause: Option<String>,
    /// Whether the upload's own line in the log says why.
    pub(crate) is_logged: bool,
}

impl Refusal {
    pub(crate) fn new(code: &Code) -> Self {
        let found = TABLE.iter().find(|row| row.ours == code.as_str());
        let Some(row) = found.or_else(|| TABLE.iter().find(|row| row.ours == codes::UPLOAD_REFUSED.as_str())) else {
            unreachable!("the table has a row for what it has no row for")
        };
        Self {
            row,
            ours: code.clone(),
            args: Vec::new(),
            words: None,
            retry_after: None,
            for_log: Box::default(),
        }
    }

    /// A refusal that the wire has no code for, in our own words.
    pub(crate) fn saying(words: &'static str) -> Self {
        Self {
            words: Some(words.to_owned()),
            ..Self::new(&codes::UPLOAD_REFUSED)
        }
    }

    /// The same, said in other words.
    pub(crate) fn in_words(self, words: String) -> Self {
        Self {
            words: Some(words),
            ..self
        }
    }

    /// The same, with another sentence behind its own.
    pub(crate) fn adding(self, sentence: &str) -> Self {
        let words = format!("{} {sentence}", self.sentence());
        self.in_words(words)
    }

    /// Fills the next `%s` of the sentence.
    pub(crate) fn arg(mut self, arg: impl ToString) -> Self {
        /// Whatever a sender said is said back only so far.
        const LONGEST: usize = 200;
        self.args.push(arg.to_string().chars().take(LONGEST).collect());
        self
    }

    pub(crate) fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    pub(crate) fn status(&self) -> u16 {
        self.row.status
    }

    pub(crate) fn code(&self) -> &'static str {
        self.row.theirs
    }

    pub(crate) fn sentence(&self) -> Cow<'static, str> {
        if let Some(words) = &self.words {
            return Cow::Owned(words.clone());
        }
        let mut args = self.args.iter();
        let mut pieces = self.row.sentence.split("%s");
        let first = pieces.next().unwrap_or_default();
        let rest = pieces.map(|piece| format!("{}{piece}", args.next().map_or("", String::as_str)));
        let rest: String = rest.collect();
        if rest.is_empty() {
            Cow::Borrowed(first)
        } else {
            Cow::Owned(format!("{first}{rest}"))
        }
    }

    /// What the pipeline ended with, in the wire's words. Faults are not the sender's to know.
    pub(crate) fn of(error: &Error) -> Self {
        let mut refusal = match error {
            Error::Rejected { rejection, .. } => Self::of_rejection(rejection),
            Error::Interrupted(_) | Error::NotFound(_) => Self::new(&error.code()),
            _ => Self::new(&codes::FAULT),
        };
        match error {
            Error::Rejected { by, .. } => refusal.for_log.by = Some(by.clone()),
            Error::Fault(fault) => {
                refusal.ours = fault.code.clone();
                refusal.for_log.cause = Some(fault.chain());
            }
            _ => {}
        }
        refusal
    }

    /// The same for an upload that was admitted, or was to be: the pipeline has logged why it failed.
    pub(crate) fn of_upload(error: &Error) -> Self {
        let mut refusal = Self::of(error);
        refusal.for_log.is_logged = true;
        refusal
    }

    /// For the record of what the request brought, with the code that says why.
    pub(crate) fn rejection(&self) -> Rejection {
        Rejection::new(self.ours.clone(), self.sentence())
    }

    /// What it is about, where an order to fetch something came to nothing.
    pub(crate) fn group(&self) -> Group {
        match self.row {
            row if row.ours == codes::FAULT.as_str() || row.status >= 500 => Group::Fault,
            row if row.theirs.starts_with("URL") || row.theirs.starts_with("Hostname") => Group::Url,
            _ => Group::Content,
        }
    }

    pub(crate) fn of_rejection(rejection: &Rejection) -> Self {
        let refusal = Self::new(&rejection.code);
        let subject = rejection.subject.as_deref().unwrap_or("unknown");
        if let Some(refusal) = bearer::refusal(refusal.row.ours, subject) {
            return refusal;
        }
        match refusal.row.ours {
            // The wire has no code for this one, but whoever uploads can still read why.
            "upload_refused" => Self {
                words: Some(format!("Upload failed: {}.", rejection.message)),
                ..refusal
            },
            "too_many_unfinished" => refusal
                .in_words(format!("Request was throttled: {}.", rejection.message))
                .retry_after(COME_AGAIN_LATER),
            // The reference's sentence, and which parts they are.
            "parts_missing" => match &rejection.subject {
                Some(parts) => {
                    let words = format!("{} Missing parts: {parts}.", refusal.sentence());
                    refusal.in_words(words)
                }
                None => refusal,
            },
            // The key was known when the request came, and is not any more.
            "project_unknown" => refusal.arg(KEY.0),
            _ if refusal.row.sentence.contains("%s") => refusal.arg(subject),
            _ => refusal,
        }
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self::of(&error)
    }
}

impl From<Code> for Refusal {
    fn from(code: Code) -> Self {
        Self::new(&code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_one_row() {
        for (at, row) in TABLE.iter().enumerate() {
            assert!(
                TABLE[..at].iter().all(|other| other.ours != row.ours),
                "{} has two rows",
                row.ours
            );
        }
    }

    #[test]
    fn a_sentence_says_what_it_is_about() {
        let long = "k".repeat(500);
        let refusal = Refusal::new(&codes::METADATA_KEY_TOO_LONG).arg(&long).arg(64);
        let said = refusal.sentence();
        assert_eq!(
            said,
            format!(
                "Length of file metadata key `{}` can not be more than 64 symbols.",
                &long[..200]
            )
        );
        let infected = Rejection::new(Code::new("infected"), "it has a virus").about("Eicar");
        assert_eq!(
            Refusal::of_rejection(&infected).sentence(),
            "The file is infected by Eicar virus."
        );
        let foreign = Rejection::new(Code::new("name_forbidden"), "programs are not taken");
        let foreign = Refusal::of_rejection(&foreign);
        assert_eq!(
            (foreign.code(), &*foreign.sentence()),
            ("UploadFailedError", "Upload failed: programs are not taken.")
        );
    }
}
