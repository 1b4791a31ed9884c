//! The codes of this plugin's refusals and faults.

use intake_core::Code;

pub use intake_outbound::codes::{
    ADDRESS_FORBIDDEN, HOST_FORBIDDEN, HOST_NOT_FOUND, PROXY_FAILED, TLS_UNAVAILABLE, URL_HOST_MALFORMED,
    URL_HOST_MISSING, URL_INVALID, URL_SCHEME_FORBIDDEN, URL_SCHEME_MISSING, URL_UNPARSABLE,
};

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
