//! The codes of this plugin: one for each ending that somebody who names a source may be told apart.

use intake_core::Code;

/// What was named cannot be read as a URL.
pub const URL_UNPARSABLE: Code = Code::new("url_unparsable");
/// No scheme stands before what was named.
pub const URL_SCHEME_MISSING: Code = Code::new("url_scheme_missing");
/// A scheme other than http and https; the subject is the scheme.
pub const URL_SCHEME_FORBIDDEN: Code = Code::new("url_scheme_forbidden");
/// The URL names no host.
pub const URL_HOST_MISSING: Code = Code::new("url_host_missing");
/// What stands in the host's place is neither a name nor an address.
pub const URL_HOST_MALFORMED: Code = Code::new("url_host_malformed");
/// The URL can be read and must not be followed for another reason; the subject is the reason: user info, a port that is
/// not fetched from, from https to http, too long.
pub const URL_INVALID: Code = Code::new("url_invalid");
/// The name has no address; the subject is the host.
pub const HOST_NOT_FOUND: Code = Code::new("host_not_found");
/// The operator's lists speak against the host; the subject is the host.
pub const HOST_FORBIDDEN: Code = Code::new("host_forbidden");
/// The host is, or has among its addresses, one that is not public; the subject is the host.
pub const ADDRESS_FORBIDDEN: Code = Code::new("address_forbidden");
/// One redirect more than are followed; the subject is how many are.
pub const TOO_MANY_REDIRECTS: Code = Code::new("too_many_redirects");
/// The source answers that it will not give it (4xx); the subject is the status.
pub const DOWNLOAD_CLIENT_ERROR: Code = Code::new("download_client_error");
/// The source answers that it cannot give it (5xx); the subject is the status.
pub const DOWNLOAD_SERVER_ERROR: Code = Code::new("download_server_error");
/// The way to the source or the talk with it failed; the subject is a short reason, which names no address.
pub const DOWNLOAD_NETWORK_ERROR: Code = Code::new("download_network_error");
/// A bound on time was over; the subject is the bound in seconds.
pub const DOWNLOAD_TIMED_OUT: Code = Code::new("download_timed_out");
/// The source sends so slowly, on average, that it is not waited for any longer; the subject is how many bytes a second are asked
/// for.
pub const DOWNLOAD_TOO_SLOW: Code = Code::new("download_too_slow");
/// The source's answer is none that can be taken; the subject is what is wrong with it.
pub const DOWNLOAD_FAILED: Code = Code::new("download_failed");
/// Fault: the egress proxy cannot be reached, or does not do what it is for.
pub const PROXY_FAILED: Code = Code::new("proxy_failed");
/// Fault: this machine has no certificates that https could be checked by.
pub const TLS_UNAVAILABLE: Code = Code::new("tls_unavailable");
