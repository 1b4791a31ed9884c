//! Lists of hosts and ranges in the settings: normalised like URLs, so that each host has one spelling.

use std::net::IpAddr;

use ipnet::IpNet;
use url::Host;

/// A list of hosts: names, names with all below them, addresses and ranges.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hosts {
    names: Vec<String>,
    /// With their leading dot.
    below: Vec<String>,
    ranges: Vec<IpNet>,
}

impl Hosts {
    /// Whether it lists nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.names.is_empty() && self.below.is_empty() && self.ranges.is_empty()
    }

    /// Adds an entry: `example.com`; `*.example.com`, everything below it; `.example.com`, both; an address; a
    /// range such as `10.0.0.0/8`.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub fn add(&mut self, entry: &str) -> Result<(), String> {
        let wrong = || {
            format!("`{entry}` is not a host, with or without `*.` or `.` in front of it, nor an address or a range")
        };
        if let Ok(range) = entry.parse::<IpNet>() {
            if range != range.trunc() {
                return Err(format!("`{entry}` is not a range: it would begin at {}", range.trunc()));
            }
            self.ranges.push(range);
            return Ok(());
        }
        if let Ok(address) = entry.parse::<IpAddr>() {
            self.ranges.push(address.to_canonical().into());
            return Ok(());
        }
        let (below, itself, name) = match (entry.strip_prefix("*."), entry.strip_prefix('.')) {
            (Some(name), _) => (true, false, name),
            (None, Some(name)) => (true, true, name),
            (None, None) => (false, true, entry),
        };
        match Host::parse(name) {
            Ok(Host::Domain(name)) => {
                let name = plain_name(&name).ok_or_else(wrong)?;
                if below {
                    self.below.push(format!(".{name}"));
                }
                if itself {
                    self.names.push(name);
                }
            }
            Ok(Host::Ipv4(address)) if !below => self.ranges.push(IpAddr::from(address).into()),
            Ok(Host::Ipv6(address)) if !below => self.ranges.push(IpAddr::from(address).to_canonical().into()),
            _ => return Err(wrong()),
        }
        Ok(())
    }

    /// Whether the list contains the name, in the spelling of [`HostName::Name`](crate::HostName::Name).
    #[must_use]
    pub fn contains_name(&self, name: &str) -> bool {
        self.names.iter().any(|listed| listed == name) || self.below.iter().any(|below| name.ends_with(below))
    }

    /// Whether the list contains the address. An IPv4 address written as IPv6 is the same address.
    #[must_use]
    pub fn contains_address(&self, address: IpAddr) -> bool {
        let canonical = address.to_canonical();
        let within = |range: &IpNet| range.contains(&canonical) || range.contains(&address);
        self.ranges.iter().any(within)
    }
}

/// The normalised spelling of a name that the URL standard has made lower case and ASCII: without the final dot. `None` if it
/// is not the name of a host, which has only letters, digits, `-` and `_`, and a bounded length (RFC 1035, 2.3.4).
pub(crate) fn plain_name(name: &str) -> Option<String> {
    let name = name.strip_suffix('.').unwrap_or(name);
    let fits = |label: &str| {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'_';
        (1..=63).contains(&label.len()) && label.bytes().all(plain)
    };
    (name.len() <= 253 && name.split('.').all(fits)).then(|| name.to_owned())
}
