//! Why a target is not connected to: it is refused, or cannot be reached now.

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::net::IpAddr;

use intake_core::{Code, Fault};

use crate::codes::*;

/// A target that must not be connected to: another try would end the same.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refused {
    /// The text is longer than [`Rules::longest`](crate::Rules::longest).
    TooLong,
    /// The text is no URL.
    Unparsable,
    /// The URL has no scheme.
    SchemeMissing,
    /// A scheme other than http and https.
    Scheme(String),
    /// The URL names no host.
    HostMissing,
    /// The host is neither a name nor an address.
    HostMalformed,
    /// The URL has a user name or a password.
    UserInfo,
    /// A port that is not among [`Rules::ports`](crate::Rules::ports).
    Port(u16),
    /// The host has no address, or none by the definition of its name.
    NotFound {
        /// The host, as it is shown to senders.
        host: String,
    },
    /// The operator's lists exclude the host.
    Forbidden {
        /// The host, as it is shown to senders.
        host: String,
    },
    /// The host is private by the definition of its name, or has an address that is not public.
    NotPublic {
        /// The host, as it is shown to senders.
        host: String,
        /// The address and its purpose, for the log; `None` if the name is enough, or the operator's proxy said it.
        address: Option<(IpAddr, &'static str)>,
    },
}

impl Refused {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::TooLong | Self::UserInfo | Self::Port(_) => URL_INVALID,
            Self::Unparsable => URL_UNPARSABLE,
            Self::SchemeMissing => URL_SCHEME_MISSING,
            Self::Scheme(_) => URL_SCHEME_FORBIDDEN,
            Self::HostMissing => URL_HOST_MISSING,
            Self::HostMalformed => URL_HOST_MALFORMED,
            Self::NotFound { .. } => HOST_NOT_FOUND,
            Self::Forbidden { .. } => HOST_FORBIDDEN,
            Self::NotPublic { .. } => ADDRESS_FORBIDDEN,
        }
    }

    /// What the refusal is about, such as the host or the port.
    #[must_use]
    pub fn subject(&self) -> Option<String> {
        match self {
            Self::TooLong => Some("too long".to_owned()),
            Self::UserInfo => Some("user info".to_owned()),
            Self::Port(port) => Some(format!("port {port}")),
            Self::Scheme(scheme) => Some(scheme.clone()),
            Self::NotFound { host } | Self::Forbidden { host } | Self::NotPublic { host, .. } => Some(host.clone()),
            Self::Unparsable | Self::SchemeMissing | Self::HostMissing | Self::HostMalformed => None,
        }
    }
}

/// In words that name no address. The name of a host is not among them either: see [`Refused::subject`].
impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLong => "the URL is too long",
            Self::Unparsable => "this is not a URL",
            Self::SchemeMissing => "the URL has no scheme",
            Self::Scheme(_) => "the scheme is neither http nor https",
            Self::HostMissing => "the URL names no host",
            Self::HostMalformed => "the host in the URL is malformed",
            Self::UserInfo => "the URL has user info",
            Self::Port(port) => return write!(f, "port {port} is not allowed"),
            Self::NotFound { .. } => "the host does not exist",
            Self::Forbidden { .. } => "the host is not allowed",
            Self::NotPublic { .. } => "the host is not public",
        })
    }
}

/// Why there is no connection to a target.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// The target must not be connected to.
    #[error("{0}")]
    Refused(Refused),
    /// The lookup of its name was not answered.
    #[error("name resolution failed")]
    Unanswered(#[source] io::Error),
    /// No connection could be made to any of its addresses.
    #[error("{}", reason(.0.kind()))]
    Unreachable(#[source] io::Error),
    /// Its certificate is not valid, it has none that could be, or it does not speak TLS: another try would end the same.
    #[error("{0}")]
    Tls(String),
    /// The connection broke during the handshake of TLS.
    #[error("{}", reason(.0.kind()))]
    Broken(#[source] io::Error),
    /// What the operator has to fix: the proxy, or the machine's root certificates.
    #[error("{0}")]
    Fault(Fault),
}

impl From<Refused> for Failure {
    fn from(refused: Refused) -> Self {
        Self::Refused(refused)
    }
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

/// The system's error in words that name no address.
#[must_use]
pub fn reason(kind: io::ErrorKind) -> &'static str {
    match kind {
        io::ErrorKind::ConnectionRefused => "connection refused",
        io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => "connection reset",
        io::ErrorKind::ConnectionAborted | io::ErrorKind::UnexpectedEof => "connection closed early",
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => "unreachable",
        io::ErrorKind::TimedOut => "timed out",
        _ => "connection failed",
    }
}

/// An error of an exchange in words that name no address. [`hyper::Error::is_parse`] says whether the peer violates HTTP.
#[must_use]
pub fn said(error: &hyper::Error) -> &'static str {
    if error.is_parse_too_large() {
        return "headers too large";
    }
    if error.is_parse() {
        return "invalid HTTP";
    }
    if error.is_incomplete_message() {
        return "connection closed early";
    }
    below(error).map_or("connection closed early", reason)
}

/// The kind of the system's error that is the cause of another.
fn below(error: &(dyn StdError + 'static)) -> Option<io::ErrorKind> {
    let mut below = Some(error);
    while let Some(error) = below {
        if let Some(io) = error.downcast_ref::<io::Error>() {
            return Some(io.kind());
        }
        below = error.source();
    }
    None
}
