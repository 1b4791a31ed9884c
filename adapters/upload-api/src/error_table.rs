//! The table from this project's codes to the codes, statuses and messages of the Upload API. `docs/upload-api.md`, "All
//! errors", names the test for each.

/// An error that the answer to a request may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ErrorRow {
    /// The code of the pipeline, a plugin or this adapter; see `docs/codes.md`.
    pub code: &'static str,
    /// The HTTP status, unless the sender wants errors in a response of status 200.
    pub status: u16,
    /// The code of the Upload API.
    pub api_code: &'static str,
    /// The message for a client; `%s` stands for a value of the request.
    pub message: &'static str,
}

/// All errors that the answer to a request may have.
pub fn errors() -> impl Iterator<Item = &'static ErrorRow> {
    TABLE.iter()
}

const fn row(code: &'static str, status: u16, api_code: &'static str, message: &'static str) -> ErrorRow {
    ErrorRow {
        code,
        status,
        api_code,
        message,
    }
}

/// Every error of this adapter, in the order of the reference: one line each, so that it reads like the table there.
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
    // The Upload API has this misspelling.
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
    // FromURL upload errors: of fetches that failed.
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
    row("file_type_name_content", 400, "FileTypeForbiddenError", "Uploading of these file types is not allowed."),
    row("file_type_declared_content", 400, "FileTypeForbiddenError", "Uploading of these file types is not allowed."),
    row("file_type_name_declared", 400, "FileTypeForbiddenError", "Uploading of these file types is not allowed."),
    row("file_type_double_extension", 400, "FileTypeForbiddenError", "Uploading of these file types is not allowed."),
    row("file_type_hidden_extension", 400, "FileTypeForbiddenError", "Uploading of these file types is not allowed."),
    row("svg_script", 400, "SVGMaliciousContentError", "SVG contains malicious content: %s."),
    row("svg_handler", 400, "SVGMaliciousContentError", "SVG contains malicious content: %s."),
    row("svg_foreign_content", 400, "SVGMaliciousContentError", "SVG contains malicious content: %s."),
    row("svg_external", 400, "SVGMaliciousContentError", "SVG contains malicious content: %s."),
    row("svg_entities", 400, "SVGMaliciousContentError", "SVG contains malicious content: %s."),
    row("svg_unreadable", 400, "SVGValidationFailedError", "SVG validation failed: %s."),
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
    // Of this project only: the reference has no code for an unknown path, for a sender that is too slow, sends tiny chunks or
    // sends a part again, nor for tags.
    // The one client that calls these endpoints knows it by this name.
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
