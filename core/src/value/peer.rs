//! The address of the client that sent a request: that of its connection, or the one that a trusted proxy names.

use std::borrow::Cow;
use std::net::{IpAddr, SocketAddr};

/// The address of a connection's peer. A server puts it into the extensions of its requests, unless axum's
/// `ConnectInfo<SocketAddr>` is there; without either, adapters count nothing per address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeerAddress(pub IpAddr);

impl PeerAddress {
    /// The last address in the lines of `X-Forwarded-For`, in their order, that is not a trusted proxy's: any client may have
    /// written the addresses before it. The peer itself, unless it is a trusted proxy.
    #[must_use]
    pub fn behind_proxies(self, forwarded_for: &[Cow<'_, str>], is_trusted: impl Fn(IpAddr) -> bool) -> IpAddr {
        let mut client = self.0;
        for name in forwarded_for.iter().rev().flat_map(|line| line.rsplit(',')) {
            if !is_trusted(client.to_canonical()) {
                break;
            }
            match parse(name.trim()) {
                Some(address) => client = address,
                None => break,
            }
        }
        client
    }
}

/// Reads an address as proxies write it: bare, in brackets, or with a port.
fn parse(name: &str) -> Option<IpAddr> {
    let bare = || name.parse().ok();
    let in_brackets = || name.strip_prefix('[')?.strip_suffix(']')?.parse().ok().map(IpAddr::V6);
    let with_port = || name.parse().ok().map(|address: SocketAddr| address.ip());
    bare().or_else(in_brackets).or_else(with_port)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_however_a_proxy_writes_it() {
        for (written, read) in [
            ("192.0.2.1", Some("192.0.2.1")),
            ("192.0.2.1:4711", Some("192.0.2.1")),
            ("2001:db8::1", Some("2001:db8::1")),
            ("[2001:db8::1]", Some("2001:db8::1")),
            ("[2001:db8::1]:4711", Some("2001:db8::1")),
            ("[192.0.2.1]", None),
            ("unknown", None),
            ("", None),
        ] {
            assert_eq!(parse(written), read.map(|text| text.parse().unwrap()), "{written:?}");
        }
    }

    #[test]
    fn only_what_a_trusted_proxy_added_is_believed() {
        let proxy: IpAddr = "10.0.0.1".parse().unwrap();
        let is_trusted = |address: IpAddr| address == proxy;
        for (peer, lines, client) in [
            ("10.0.0.1", ["203.0.113.9, 192.0.2.1", "10.0.0.1"], "192.0.2.1"),
            ("10.0.0.1", ["", ""], "10.0.0.1"),
            ("10.0.0.1", ["192.0.2.1", "unknown"], "10.0.0.1"),
            ("192.0.2.7", ["203.0.113.9", "192.0.2.1"], "192.0.2.7"),
            ("::ffff:10.0.0.1", ["203.0.113.9", "192.0.2.1"], "192.0.2.1"),
        ] {
            let found = PeerAddress(peer.parse().unwrap()).behind_proxies(&lines.map(Cow::Borrowed), is_trusted);
            assert_eq!(found, client.parse::<IpAddr>().unwrap(), "{lines:?}");
        }
    }
}
