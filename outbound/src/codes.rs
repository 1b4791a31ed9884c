//! The codes of targets that are not connected to. A plugin gives them its own words.

use intake_core::Code;

/// The text cannot be parsed as a URL.
pub const URL_UNPARSABLE: Code = Code::new("url_unparsable");
/// The URL has no scheme.
pub const URL_SCHEME_MISSING: Code = Code::new("url_scheme_missing");
/// A scheme other than http and https; the subject is the scheme.
pub const URL_SCHEME_FORBIDDEN: Code = Code::new("url_scheme_forbidden");
/// The URL names no host.
pub const URL_HOST_MISSING: Code = Code::new("url_host_missing");
/// The host is neither a name nor an address.
pub const URL_HOST_MALFORMED: Code = Code::new("url_host_malformed");
/// The URL must not be used for another reason, which is the subject: user info, a port that is not set, a redirect from
/// https to http, too long.
pub const URL_INVALID: Code = Code::new("url_invalid");
/// The name has no address; the subject is the host.
pub const HOST_NOT_FOUND: Code = Code::new("host_not_found");
/// The operator's lists exclude the host; the subject is the host.
pub const HOST_FORBIDDEN: Code = Code::new("host_forbidden");
/// The host is, or has among its addresses, one that is not public; the subject is the host.
pub const ADDRESS_FORBIDDEN: Code = Code::new("address_forbidden");
/// Fault: the egress proxy cannot be reached, or fails.
pub const PROXY_FAILED: Code = Code::new("proxy_failed");
/// Fault: this machine has no root certificates to verify https with.
pub const TLS_UNAVAILABLE: Code = Code::new("tls_unavailable");
