//! Which addresses may be connected to. The type [`Permitted`] ensures that only judged addresses are.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::ranges::{V4, V6, V6_PUBLIC};

/// An address that was judged and may be connected to. Only the module that judges makes one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Permitted(SocketAddr);

impl Permitted {
    /// The address and the port.
    #[must_use]
    pub fn address(self) -> SocketAddr {
        self.0
    }
}

/// Judges all addresses of a host. If one is refused, all are: no honest host has both public and private addresses. The result
/// alternates between IPv6 and IPv4, beginning with the kind of the first address (RFC 8305, 4), as only a few are tried, and
/// large hosts have eight of one kind.
///
/// # Errors
///
/// Why the first refused address is refused.
pub(crate) fn permit<E>(
    addresses: &[IpAddr],
    port: u16,
    mut judge: impl FnMut(IpAddr) -> Result<(), E>,
) -> Result<Vec<Permitted>, E> {
    for address in addresses {
        judge(*address)?;
    }
    let first = addresses.first().map(IpAddr::is_ipv6);
    let (one, other): (Vec<IpAddr>, Vec<IpAddr>) = addresses.iter().partition(|it| Some(it.is_ipv6()) == first);
    let in_turns = (0..addresses.len()).flat_map(|at| one.get(at).into_iter().chain(other.get(at)));
    let permitted = in_turns.map(|address| Permitted(SocketAddr::new(*address, port)));
    Ok(permitted.collect())
}

/// The purpose of an address that is not public. An IPv4 address inside an IPv6 one is judged as itself.
pub(crate) fn not_public(address: IpAddr) -> Option<&'static str> {
    match address {
        IpAddr::V4(address) => v4(address),
        IpAddr::V6(address) => v6(address),
    }
}

fn v4(address: Ipv4Addr) -> Option<&'static str> {
    let range = V4.iter().find(|range| range.net.contains(&address))?;
    Some(range.what)
}

fn v6(address: Ipv6Addr) -> Option<&'static str> {
    if let Some(inner) = translated(address) {
        return v4(inner);
    }
    if let Some(range) = V6.iter().find(|range| range.net.contains(&address)) {
        return Some(range.what);
    }
    if !V6_PUBLIC.contains(&address) {
        return Some("not given out as global unicast");
    }
    v4(tunnelled(address)?)
}

/// The IPv4 address inside an IPv6 one, if the latter is public only if the former is.
pub(crate) fn inner(address: IpAddr) -> Option<IpAddr> {
    match address {
        IpAddr::V4(_) => None,
        IpAddr::V6(address) => translated(address).or_else(|| tunnelled(address)).map(IpAddr::from),
    }
}

/// IPv4-mapped (RFC 4291, 2.5.5.2): the system connects to the IPv4 address. NAT64 (RFC 6052, 2.1): a gateway does.
fn translated(address: Ipv6Addr) -> Option<Ipv4Addr> {
    match address.segments() {
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => Some(embedded(high, low)),
        _ => None,
    }
}

/// ISATAP (RFC 5214, 6.1): a tunnel to the IPv4 address, behind any prefix.
fn tunnelled(address: Ipv6Addr) -> Option<Ipv4Addr> {
    match address.segments() {
        [_, _, _, _, 0 | 0x200, 0x5efe, high, low] => Some(embedded(high, low)),
        _ => None,
    }
}

fn embedded(high: u16, low: u16) -> Ipv4Addr {
    Ipv4Addr::from(u32::from(high) << 16 | u32::from(low))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Every way in which an IPv4 address may lie in an IPv6 one.
    fn embeddings(v4: Ipv4Addr, prefix: u32) -> Vec<(&'static str, Ipv6Addr)> {
        let bits = u128::from(u32::from(v4));
        let global = u128::from(0x2600_0000 | prefix & 0x00ff_ffff) << 96;
        [
            ("mapped", 0xffff << 32 | bits),
            ("compatible", bits),
            ("translated", 0xffff << 48 | bits),
            ("NAT64", 0x64_ff9b << 96 | bits),
            ("local NAT64", 0x64_ff9b_0001 << 80 | u128::from(prefix) << 32 | bits),
            ("6to4", 0x2002 << 112 | bits << 80 | u128::from(prefix)),
            ("Teredo server", 0x2001_0000 << 96 | bits << 64 | u128::from(!prefix)),
            (
                "Teredo client",
                0x2001_0000 << 96 | u128::from(prefix) << 64 | !bits & 0xffff_ffff,
            ),
            ("ISATAP", global | 0x5efe << 32 | bits),
            ("global ISATAP", global | 0x0200_5efe << 32 | bits),
            ("link-local ISATAP", 0xfe80 << 112 | 0x5efe << 32 | bits),
        ]
        .map(|(how, bits)| (how, Ipv6Addr::from_bits(bits)))
        .to_vec()
    }

    /// An address in one of the ranges that are not public.
    fn inside() -> impl Strategy<Value = Ipv4Addr> {
        (0..V4.len(), any::<u32>()).prop_map(|(range, host)| {
            let net = &V4[range].net;
            Ipv4Addr::from(u32::from(net.network()) | host & u32::from(net.hostmask()))
        })
    }

    proptest! {
        #[test]
        fn what_is_not_public_is_not_public_in_any_wrapping(address in inside(), prefix: u32) {
            prop_assert!(not_public(address.into()).is_some(), "{address}");
            for (how, wrapped) in embeddings(address, prefix) {
                prop_assert!(not_public(wrapped.into()).is_some(), "{how}: {wrapped} is {address}");
            }
        }

        #[test]
        fn nothing_outside_of_global_unicast_is_public(address: u128) {
            let address = Ipv6Addr::from_bits(address);
            let unwrapped = address.to_ipv4_mapped().is_some();
            prop_assert!(V6_PUBLIC.contains(&address) || unwrapped || not_public(address.into()).is_some(), "{address}");
        }

        #[test]
        fn the_standard_library_agrees_on_what_it_knows(address: u32) {
            let address = Ipv4Addr::from(address);
            let known = address.is_private() || address.is_loopback() || address.is_link_local() || address.is_broadcast()
                || address.is_documentation() || address.is_multicast() || address.is_unspecified();
            prop_assert!(!known || not_public(address.into()).is_some(), "{address}");
        }
    }

    #[test]
    fn public_addresses_are_public_and_so_are_their_translations() {
        for public in [
            "1.1.1.1",
            "8.8.8.8",
            "93.184.216.34",
            "172.15.255.255",
            "172.32.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "223.255.255.255",
            "192.0.1.0",
            "11.0.0.0",
            "169.253.255.255",
            "168.63.129.15",
            "198.20.0.0",
        ] {
            let address: Ipv4Addr = public.parse().unwrap();
            assert_eq!(not_public(address.into()), None, "{public}");
            for (how, wrapped) in embeddings(address, 7) {
                let may = ["mapped", "NAT64", "ISATAP", "global ISATAP"].contains(&how);
                assert_eq!(not_public(wrapped.into()).is_none(), may, "{how}: {wrapped}");
            }
        }
        for public in [
            "2606:4700:4700::1111",
            "2a00:1450:4001:800::200e",
            "2001:200::1",
            "2400:cb00::1",
            "3fff:1000::1",
        ] {
            assert_eq!(not_public(public.parse().unwrap()), None, "{public}");
        }
    }

    #[test]
    fn every_row_is_a_range_that_is_refused_from_end_to_end_and_says_where_it_is_from() {
        for range in V4 {
            assert_eq!(range.net, range.net.trunc(), "{}", range.what);
            assert!(!range.source.is_empty());
            for end in [range.net.network(), range.net.broadcast()] {
                assert!(not_public(end.into()).is_some(), "{end}: {}", range.what);
            }
        }
        for range in V6 {
            assert_eq!(range.net, range.net.trunc(), "{}", range.what);
            assert!(!range.source.is_empty());
            for end in [range.net.network(), range.net.broadcast()] {
                assert!(not_public(end.into()).is_some(), "{end}: {}", range.what);
            }
        }
    }
}
