//! The share of one client, and which addresses are one client.

use std::net::{IpAddr, Ipv6Addr};

/// One address, or one project, has at most this part of what there is, unless a setting says otherwise.
pub const SHARES: usize = 8;

/// The share of one holder where nothing else is set: an eighth, and at least one.
#[must_use]
pub fn share_of(all: usize) -> usize {
    (all / SHARES).max(1)
}

/// The address that stands for all addresses of one client: of IPv6, the first of its network.
pub(crate) fn client_of(address: IpAddr) -> IpAddr {
    const HOST_BITS: u32 = 64;
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> HOST_BITS << HOST_BITS)),
        address => address,
    }
}
