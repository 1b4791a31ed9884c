//! The setting that causes a failure of the service. Messages begin with it, as the operator can change it.

use intake_core::Fault;

/// Names that services and libraries give to failures, and which setting to check.
const CAUSES: [(&[&str], &str); 8] = [
    (
        &["NoSuchBucket"],
        "there is no such bucket at this service: check `bucket`, `endpoint` and `region`",
    ),
    (
        &["InvalidAccessKeyId"],
        "the service does not know the access key: check `access_key_id`",
    ),
    (
        &["SignatureDoesNotMatch"],
        "the secret does not belong to the access key: check `secret_access_key`",
    ),
    (
        &[
            "AuthorizationHeaderMalformed",
            "AuthorizationQueryParametersError",
            "PermanentRedirect",
            "IncorrectRegion",
            "InvalidRegion",
        ],
        "the bucket is in another region: check `region`",
    ),
    (
        &["RequestTimeTooSkewed", "RequestExpired"],
        "the clock of this machine differs from the service's: set it",
    ),
    (
        &["invalid peer certificate"],
        "the certificate of the service is not trusted: name the file of its certificate authority with `ca_file`, or check \
         `endpoint`",
    ),
    (
        &["dns error"],
        "the host of the service was not found: check `endpoint`",
    ),
    (
        &["tcp connect error", "error trying to connect", "client error (Connect)"],
        "the service cannot be reached: check `endpoint`",
    ),
];

/// The cause of a failure, if a setting causes it.
pub(crate) fn of(fault: &Fault) -> Option<&'static str> {
    let said = fault.report();
    let known = CAUSES
        .iter()
        .find(|(names, _)| names.iter().any(|name| said.contains(name)));
    known.map(|(_, cause)| *cause)
}

/// Whether the access key lacks a permission.
pub(crate) fn is_denied(fault: &Fault) -> bool {
    let said = fault.report();
    ["AccessDenied", "PermissionDenied", "answered 403"]
        .iter()
        .any(|name| said.contains(name))
}
