//! The codes of this plugin's refusals and faults.

use intake_core::Code;

/// The source cannot be parsed as a URL.
pub const URL_UNPARSABLE: Code = Code::new("url_unparsable");
/// The source has no scheme.
pub const URL_SCHEME_MISSING: Code = Code::new("url_scheme_missing");
/// A scheme other than http and https; the subject is the scheme.
pub const URL_SCHEME_FORBIDDEN: Code = Code::new("url_scheme_forbidden");
/// The URL names no host.
pub const URL_HOST_MISSING: Code = Code::new("url_host_missing");
/// The host is neither a name nor an address.
pub const URL_HOST_MALFORMED: Code = Code::new("url_host_malformed");
/// The URL must not be fetched for another reason, which is the subject: user info, a port that is not set, a redirect from
/// https to http, too long.
pub const URL_INVALID: Code = Code::new("url_invalid");
/// The name has no address; the subject is the host.
pub const HOST_NOT_FOUND: Code = Code::new("host_not_found");
/// The operator's lists exclude the host; the subject is the host.
pub const HOST_FORBIDDEN: Code = Code::new("host_forbidden");
/// The host is, or has among its addresses, one that is not public; the subject is the host.
pub const ADDRESS_FORBIDDEN: Code = Code::new("address_forbidden");
/// One redirect more than are followed; the subject is how many are.
pub const TOO_MANY_REDIRECTS: Code = Code::new("too_many_redirects");
/// The source answered with a client error (4xx); the subject is the status.
pub const DOWNLOAD_CLIENT_ERROR: Code = Code::new("download_client_error");
/// The source answered with a server error (5xx); the subject is the status.
pub const DOWNLOAD_SERVER_ERROR: Code = Code::new("download_server_error");
/// The connection to the source failed; the subject is a short reason, which names no address.
pub const DOWNLOAD_NETWORK_ERROR: Code = Code::new("download_network_error");
/// A timeout was exceeded; the subject is the timeout in seconds.
pub const DOWNLOAD_TIMED_OUT: Code = Code::new("download_timed_out");
/// The source sends more slowly than the least rate; the subject is that rate in bytes a second.
pub const DOWNLOAD_TOO_SLOW: Code = Code::new("download_too_slow");
/// The source's answer cannot be processed; the subject is the reason.
pub const DOWNLOAD_FAILED: Code = Code::new("download_failed");
/// Fault: the egress proxy cannot be reached, or fails.
pub const PROXY_FAILED: Code = Code::new("proxy_failed");
/// Fault: this machine has no root certificates to verify https with.
pub const TLS_UNAVAILABLE: Code = Code::new("tls_unavailable");
