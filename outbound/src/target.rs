//! Judges a URL without a lookup: scheme, host, user info, port, lists, and addresses in the URL.
//!
//! A URL is parsed once, by the URL standard, and only the parsed URL is used from there on: whatever the spelling of a host,
//! the host that is judged is the one that is connected to.

use std::net::IpAddr;

use hyper::header::HOST;
use hyper::http::request::Builder;
use hyper::http::uri::PathAndQuery;
use hyper::{Request, Uri};
use url::{Host, ParseError, Position, Url};

use crate::address::{Permitted, inner, not_public, permit};
use crate::failure::Refused;
use crate::hosts::{Hosts, plain_name};
use crate::ranges::{NAMES, Special};

/// The operator's rules for targets.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rules {
    /// The longest URL, in bytes; 8192 by default, as signed ones have some thousands.
    pub longest: usize,
    /// The ports that are connected to; 80 and 443 by default.
    pub ports: Vec<u16>,
    /// The only hosts that are connected to; every host if empty.
    pub allow: Hosts,
    /// Hosts and ranges that are not connected to, even if they are allowed or open.
    pub deny: Hosts,
    /// Hosts and ranges that need not be public.
    pub open: Hosts,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            longest: 8192,
            ports: vec![80, 443],
            allow: Hosts::default(),
            deny: Hosts::default(),
            open: Hosts::default(),
        }
    }
}

/// A URL that was judged without a lookup.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Target {
    /// The URL. The name of its host has no final dot.
    pub url: Url,
    /// Its host.
    pub host: HostName,
    /// Its port.
    pub port: u16,
}

/// A normalised host.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HostName {
    /// A name in lower case and ASCII, without the final dot.
    Name(String),
    /// An address.
    Address(IpAddr),
}

impl HostName {
    /// Normalises the host of a URL. `None` if its name cannot be that of a host.
    #[must_use]
    pub fn of(host: Host<&str>) -> Option<Self> {
        Some(match host {
            Host::Domain(name) => Self::Name(plain_name(name)?),
            Host::Ipv4(address) => Self::Address(address.into()),
            Host::Ipv6(address) => Self::Address(address.into()),
        })
    }
}

impl Target {
    /// Whether to connect over TLS.
    #[must_use]
    pub fn is_secure(&self) -> bool {
        self.url.scheme() == "https"
    }

    /// A request for what the URL names: its path and query, and `Host`. `None` if it has characters that HTTP has no place for.
    #[must_use]
    pub fn request(&self) -> Option<Builder> {
        let url = &self.url;
        let path: PathAndQuery = url[Position::BeforePath..Position::AfterQuery].parse().ok()?;
        let host = &url[Position::BeforeHost..Position::AfterPort];
        Some(Request::builder().uri(Uri::from(path)).header(HOST, host))
    }

    /// The host as it is shown to senders.
    #[must_use]
    pub fn shown(&self) -> String {
        match &self.host {
            HostName::Name(name) => name.clone(),
            HostName::Address(address) => address.to_string(),
        }
    }
}

impl Rules {
    /// Sets some of the rules.
    #[must_use]
    pub fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    /// Judges the text of a URL.
    ///
    /// # Errors
    ///
    /// Why it is refused.
    pub fn target(&self, text: &str) -> Result<Target, Refused> {
        if text.len() > self.longest {
            return Err(Refused::TooLong);
        }
        self.judge(Url::parse(text).map_err(unreadable)?)
    }

    /// Judges a URL that a target leads to, such as by a redirect.
    ///
    /// # Errors
    ///
    /// Why it is refused.
    pub fn joined(&self, from: &Target, location: &str) -> Result<Target, Refused> {
        if location.len() > self.longest {
            return Err(Refused::TooLong);
        }
        self.judge(from.url.join(location).map_err(unreadable)?)
    }

    fn judge(&self, mut url: Url) -> Result<Target, Refused> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(Refused::Scheme(url.scheme().to_owned()));
        }
        let host = HostName::of(url.host().ok_or(Refused::HostMissing)?).ok_or(Refused::HostMalformed)?;
        if let HostName::Name(name) = &host {
            // Without the final dot, also for code that reads the host from the URL later.
            url.set_host(Some(name)).map_err(|_| Refused::HostMalformed)?;
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Refused::UserInfo);
        }
        let port = url.port_or_known_default().unwrap_or_default();
        if !self.ports.contains(&port) {
            return Err(Refused::Port(port));
        }
        let target = Target { url, host, port };
        self.judge_host(&target)?;
        Ok(target)
    }

    fn judge_host(&self, target: &Target) -> Result<(), Refused> {
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
                    Some(Special::Inside) if !self.open.contains_name(name) => Err(not_open(target, None)),
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
    pub(crate) fn permit(&self, target: &Target, addresses: &[IpAddr]) -> Result<Vec<Permitted>, Refused> {
        permit(addresses, target.port, |address| self.judge_address(target, address))
    }

    fn judge_address(&self, target: &Target, address: IpAddr) -> Result<(), Refused> {
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
                Err(not_open(target, Some((address, what))))
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

fn unreadable(error: ParseError) -> Refused {
    match error {
        ParseError::RelativeUrlWithoutBase | ParseError::RelativeUrlWithCannotBeABaseBase => Refused::SchemeMissing,
        ParseError::EmptyHost => Refused::HostMissing,
        ParseError::IdnaError
        | ParseError::InvalidIpv4Address
        | ParseError::InvalidIpv6Address
        | ParseError::InvalidDomainCharacter => Refused::HostMalformed,
        _ => Refused::Unparsable,
    }
}

pub(crate) fn not_found(target: &Target) -> Refused {
    Refused::NotFound { host: target.shown() }
}

pub(crate) fn not_open(target: &Target, address: Option<(IpAddr, &'static str)>) -> Refused {
    Refused::NotPublic {
        host: target.shown(),
        address,
    }
}

fn forbidden(target: &Target) -> Refused {
    Refused::Forbidden { host: target.shown() }
}
