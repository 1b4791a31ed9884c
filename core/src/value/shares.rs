//! The share of one client in a limit, and which addresses count as one client.

use std::net::{IpAddr, Ipv6Addr};

/// One address, or one project, gets at most one part in this number of a limit, unless a setting says otherwise.
pub const SHARES: usize = 8;

/// The default share of one client or project: an eighth of the limit, and at least one.
#[must_use]
pub fn share_of(all: usize) -> usize {
    (all / SHARES).max(1)
}

/// The address by which a client is counted: of IPv6, the first address of its network.
pub(crate) fn client_of(address: IpAddr) -> IpAddr {
    const HOST_BITS: u32 = 64;
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> HOST_BITS << HOST_BITS)),
        address => address,
    }
}
