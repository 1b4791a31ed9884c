//! The table of addresses that are not public, each with its purpose and its source.
//!
//! Taken from IANA's registries of special-purpose addresses ("IPv4 Special-Purpose Address Registry", "IPv6 Special-Purpose
//! Address Registry", "Internet Protocol Version 6 Address Space"), all ranges that they call not globally reachable, plus the
//! service of a cloud at a public address. An IPv6 address is public only if IANA assigns it as global unicast.

use std::net::{Ipv4Addr, Ipv6Addr};

use ipnet::{Ipv4Net, Ipv6Net};

/// A range that is not public.
#[derive(Debug)]
pub(crate) struct Range<N> {
    pub(crate) net: N,
    /// Its purpose; for the log.
    pub(crate) what: &'static str,
    /// The document that defines it.
    #[cfg_attr(not(test), allow(dead_code, reason = "for readers of the table"))]
    pub(crate) source: &'static str,
}

const fn v4(address: [u8; 4], prefix: u8, what: &'static str, source: &'static str) -> Range<Ipv4Net> {
    let [a, b, c, d] = address;
    let net = Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), prefix);
    Range { net, what, source }
}

const fn v6(address: [u16; 8], prefix: u8, what: &'static str, source: &'static str) -> Range<Ipv6Net> {
    let [a, b, c, d, e, f, g, h] = address;
    let net = Ipv6Net::new_assert(Ipv6Addr::new(a, b, c, d, e, f, g, h), prefix);
    Range { net, what, source }
}

#[rustfmt::skip]
pub(crate) const V4: &[Range<Ipv4Net>] = &[
    v4([0, 0, 0, 0], 8, "this network", "RFC 791, 3.2"),
    v4([10, 0, 0, 0], 8, "private", "RFC 1918"),
    v4([100, 64, 0, 0], 10, "carrier-grade NAT, and 100.100.100.200, Alibaba Cloud's metadata", "RFC 6598"),
    v4([127, 0, 0, 0], 8, "loopback", "RFC 1122, 3.2.1.3"),
    v4([168, 63, 129, 16], 32, "Azure's platform service", "Azure documentation: What is IP address 168.63.129.16?"),
    v4([169, 254, 0, 0], 16, "link-local, and 169.254.169.254, most clouds' metadata", "RFC 3927"),
    v4([172, 16, 0, 0], 12, "private", "RFC 1918"),
    v4([192, 0, 0, 0], 24, "protocol assignments, and 192.0.0.192, Oracle Cloud's metadata", "RFC 6890, 2.1"),
    v4([192, 0, 2, 0], 24, "documentation", "RFC 5737"),
    v4([192, 88, 99, 0], 24, "6to4 relays, deprecated", "RFC 7526"),
    v4([192, 168, 0, 0], 16, "private", "RFC 1918"),
    v4([198, 18, 0, 0], 15, "benchmarks", "RFC 2544"),
    v4([198, 51, 100, 0], 24, "documentation", "RFC 5737"),
    v4([203, 0, 113, 0], 24, "documentation", "RFC 5737"),
    v4([224, 0, 0, 0], 4, "multicast", "RFC 5771"),
    v4([240, 0, 0, 0], 4, "reserved, and the broadcast address", "RFC 1112, 4; RFC 919, 7"),
];

/// The addresses that IANA assigns as global unicast (RFC 4291, 2.4; IANA's registry of the IPv6 address space). All others are
/// not public.
pub(crate) const V6_PUBLIC: Ipv6Net = Ipv6Net::new_assert(Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);

/// Ranges that are not public. Those outside of [`V6_PUBLIC`] are listed so that the log names their purpose.
#[rustfmt::skip]
pub(crate) const V6: &[Range<Ipv6Net>] = &[
    v6([0, 0, 0, 0, 0, 0, 0, 0], 128, "unspecified", "RFC 4291, 2.5.2"),
    v6([0, 0, 0, 0, 0, 0, 0, 1], 128, "loopback", "RFC 4291, 2.5.3"),
    v6([0, 0, 0, 0, 0, 0, 0, 0], 96, "IPv4-compatible, deprecated", "RFC 4291, 2.5.5.1"),
    v6([0, 0, 0, 0, 0xffff, 0, 0, 0], 96, "IPv4-translated", "RFC 2765, 2.1"),
    v6([0x64, 0xff9b, 1, 0, 0, 0, 0, 0], 48, "NAT64 for local use", "RFC 8215"),
    v6([0x100, 0, 0, 0, 0, 0, 0, 0], 64, "discarded", "RFC 6666"),
    v6([0x100, 0, 0, 1, 0, 0, 0, 0], 64, "dummy prefix", "RFC 9780"),
    v6([0x2001, 0, 0, 0, 0, 0, 0, 0], 32, "Teredo: two IPv4 addresses in it", "RFC 4380, 4"),
    v6([0x2001, 0, 0, 0, 0, 0, 0, 0], 23, "protocol assignments: Teredo, benchmarks, ORCHID", "RFC 2928"),
    v6([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0], 32, "documentation", "RFC 3849"),
    v6([0x2002, 0, 0, 0, 0, 0, 0, 0], 16, "6to4: an IPv4 address in it", "RFC 3056, 2; RFC 7526"),
    v6([0x3fff, 0, 0, 0, 0, 0, 0, 0], 20, "documentation", "RFC 9637"),
    v6([0x5f00, 0, 0, 0, 0, 0, 0, 0], 16, "segment routing", "RFC 9602"),
    v6([0xfc00, 0, 0, 0, 0, 0, 0, 0], 7, "unique local, and fd00:ec2::254 and fd20:ce::254, metadata", "RFC 4193"),
    v6([0xfe80, 0, 0, 0, 0, 0, 0, 0], 10, "link-local", "RFC 4291, 2.5.6"),
    v6([0xfec0, 0, 0, 0, 0, 0, 0, 0], 10, "site-local, deprecated", "RFC 3879"),
    v6([0xff00, 0, 0, 0, 0, 0, 0, 0], 8, "multicast", "RFC 4291, 2.7"),
];

/// How to judge a name that never belongs to a public host, whatever a resolver answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Special {
    /// A host in a private network.
    Inside,
    /// Never a host.
    Nowhere,
}

/// Names of private or of no hosts by definition, with everything below them.
#[rustfmt::skip]
pub(crate) const NAMES: &[(&str, Special, &str)] = &[
    ("localhost", Special::Inside, "RFC 6761, 6.3"),
    ("local", Special::Inside, "RFC 6762, 3: multicast DNS"),
    ("internal", Special::Inside, "ICANN board, 2024-07-29: private use; metadata.google.internal"),
    ("home.arpa", Special::Inside, "RFC 8375"),
    ("localdomain", Special::Inside, "what many systems append to localhost"),
    ("invalid", Special::Nowhere, "RFC 6761, 6.4"),
    ("onion", Special::Nowhere, "RFC 7686, 2"),
];
