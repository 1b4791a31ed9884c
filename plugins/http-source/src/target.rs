//! Judges a URL without a lookup: scheme, host, user info, port, lists, and addresses in the URL.
//!
//! A URL is parsed once, by the URL standard, and only the parsed URL is used from there on: whatever the spelling of a host,
//! the host that is judged is the one that is connected to.

use std::borrow::Cow;
use std::net::IpAddr;

use intake_core::{Error, Rejection};
use percent_encoding::{CONTROLS, percent_encode};
use tracing::debug;
use url::{Host, ParseError, Url};

use crate::address::{Permitted, inner, not_public, permit};
use crate::codes::*;
use crate::error::refused;
use crate::hosts::{Hosts, plain_name};
use crate::ranges::{NAMES, Special};

/// The longest URL that is accepted, in bytes; signed ones have some thousands.
const LONGEST: usize = 8192;

/// The operator's rules for sources.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rules {
    pub(crate) ports: Vec<u16>,
    /// Empty: every host.
    pub(crate) allow: Hosts,
    pub(crate) deny: Hosts,
    /// Hosts and ranges that need not be public.
    pub(crate) open: Hosts,
    pub(crate) allow_downgrade: bool,
}

/// A URL that was judged without a lookup.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(crate) url: Url,
    pub(crate) host: HostName,
    pub(crate) port: u16,
}

/// A normalised host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum HostName {
    Name(String),
    Address(IpAddr),
}

impl Target {
    /// Whether to connect over TLS.
    pub(crate) fn is_secure(&self) -> bool {
        self.url.scheme() == "https"
    }

    /// The host as it is shown to senders.
    pub(crate) fn shown(&self) -> String {
        match &self.host {
            HostName::Name(name) => name.clone(),
            HostName::Address(address) => address.to_string(),
        }
    }
}

impl Rules {
    /// Judges a source.
    ///
    /// # Errors
    ///
    /// Why it is refused.
    pub(crate) fn target(&self, source: &str) -> Result<Target, Error> {
        if source.len() > LONGEST {
            return Err(invalid("too long"));
        }
        let url = Url::parse(source).map_err(unreadable)?;
        self.judge(url)
    }

    /// Judges the target of a redirect like a source.
    ///
    /// # Errors
    ///
    /// Why it is refused.
    pub(crate) fn redirected(&self, from: &Target, location: &[u8]) -> Result<Target, Error> {
        // Bytes of another encoding are percent-encoded as they are, as browsers do.
        let location = match str::from_utf8(location) {
            Ok(text) => Cow::Borrowed(text),
            Err(_) => Cow::from(percent_encode(location, CONTROLS)),
        };
        if location.len() > LONGEST {
            return Err(invalid("too long"));
        }
        let target = self.judge(from.url.join(&location).map_err(unreadable)?)?;
        if from.is_secure() && !target.is_secure() && !self.allow_downgrade {
            return Err(invalid("redirected from https to http"));
        }
        Ok(target)
    }

    fn judge(&self, mut url: Url) -> Result<Target, Error> {
        if !matches!(url.scheme(), "http" | "https") {
            let rejection = Rejection::new(URL_SCHEME_FORBIDDEN, "only http and https are fetched");
            return Err(refused(rejection.with_subject(url.scheme())));
        }
        let host = match url.host() {
            None => return Err(refused(Rejection::new(URL_HOST_MISSING, "the URL names no host"))),
            Some(Host::Ipv4(address)) => HostName::Address(address.into()),
            Some(Host::Ipv6(address)) => HostName::Address(address.into()),
            Some(Host::Domain(name)) => HostName::Name(plain_name(name).ok_or_else(malformed)?),
        };
        if let HostName::Name(name) = &host {
            // Without the final dot, also for code that reads the host from the URL later.
            url.set_host(Some(name)).map_err(|_| malformed())?;
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(invalid("user info"));
        }
        let port = url.port_or_known_default().unwrap_or_default();
        if !self.ports.contains(&port) {
            return Err(invalid(&format!("port {port}")));
        }
        let target = Target { url, host, port };
        self.judge_host(&target)?;
        Ok(target)
    }

    fn judge_host(&self, target: &Target) -> Result<(), Error> {
        match &target.host {
            HostName::Address(address) => {
                if !self.allow.is_empty() && !self.allow.contains_address(*address) {
                    return Err(forbidden(target));
                }
                self.judge_address(target, *address)
            }
            HostName::Name(name) => {
                let allowed = self.allow.is_empty() || self.allow.contains_name(name);
                if !allowed || self.deny.contains_name(name) {
                    return Err(forbidden(target));
                }
                match special(name) {
                    Some(Special::Inside) if !self.open.contains_name(name) => Err(not_open(target)),
                    Some(Special::Nowhere) if !self.open.contains_name(name) => Err(not_found(target)),
                    _ => Ok(()),
                }
            }
        }
    }

    /// Judges the addresses of a host; see [`permit`].
    ///
    /// # Errors
    ///
    /// Why one of them is refused.
    pub(crate) fn permit(&self, target: &Target, addresses: &[IpAddr]) -> Result<Vec<Permitted>, Error> {
        permit(addresses, target.port, |address| self.judge_address(target, address))
    }

    fn judge_address(&self, target: &Target, address: IpAddr) -> Result<(), Error> {
        let denied = |address| self.deny.contains_address(address);
        if denied(address) || inner(address).is_some_and(denied) {
            return Err(forbidden(target));
        }
        let opened = match &target.host {
            HostName::Name(name) => self.open.contains_name(name),
            HostName::Address(_) => false,
        };
        match not_public(address) {
            Some(what) if !opened && !self.open.contains_address(address) => {
                debug!(host = target.shown(), %address, what, "refused a source that is not public");
                Err(not_open(target))
            }
            _ => Ok(()),
        }
    }
}

fn special(name: &str) -> Option<Special> {
    let below = |suffix: &str| {
        name.strip_suffix(suffix)
            .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    };
    NAMES
        .iter()
        .find(|(suffix, ..)| below(suffix))
        .map(|(_, special, _)| *special)
}

fn unreadable(error: ParseError) -> Error {
    match error {
        ParseError::RelativeUrlWithoutBase | ParseError::RelativeUrlWithCannotBeABaseBase => {
            refused(Rejection::new(URL_SCHEME_MISSING, "the URL has no scheme"))
        }
        ParseError::EmptyHost => refused(Rejection::new(URL_HOST_MISSING, "the URL names no host")),
        ParseError::IdnaError
        | ParseError::InvalidIpv4Address
        | ParseError::InvalidIpv6Address
        | ParseError::InvalidDomainCharacter => malformed(),
        _ => refused(Rejection::new(URL_UNPARSABLE, "this is not a URL")),
    }
}

fn malformed() -> Error {
    refused(Rejection::new(URL_HOST_MALFORMED, "the host in the URL is malformed"))
}

pub(crate) fn invalid(what: &str) -> Error {
    refused(Rejection::new(URL_INVALID, format!("the URL must not be fetched: {what}")).with_subject(what))
}

pub(crate) fn not_found(target: &Target) -> Error {
    refused(Rejection::new(HOST_NOT_FOUND, "the host does not exist").with_subject(target.shown()))
}

pub(crate) fn not_open(target: &Target) -> Error {
    refused(Rejection::new(ADDRESS_FORBIDDEN, "only public addresses are fetched from").with_subject(target.shown()))
}

fn forbidden(target: &Target) -> Error {
    refused(Rejection::new(HOST_FORBIDDEN, "this host is not fetched from").with_subject(target.shown()))
}
