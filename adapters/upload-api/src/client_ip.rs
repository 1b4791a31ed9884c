//! The IP address of a client: that of its connection, or the one that a trusted proxy gives.

use std::net::{IpAddr, SocketAddr};

use axum::extract::ConnectInfo;
use axum::http::HeaderMap;
use axum::http::request::Parts;
use ipnet::IpNet;

use crate::api::Api;

/// The address of a connection's peer. A server puts it into the extensions of its requests, unless axum's
/// `ConnectInfo<SocketAddr>` is there; without either, nothing is counted per address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeerAddress(pub IpAddr);

/// The address of the client, if the server gives the address of the connection.
pub(crate) fn client_ip(api: &Api, head: &Parts) -> Option<IpAddr> {
    let connected = || {
        let ConnectInfo(address) = head.extensions.get::<ConnectInfo<SocketAddr>>()?;
        Some(address.ip())
    };
    let peer = head.extensions.get().map(|PeerAddress(address)| *address);
    let Some(peer) = peer.or_else(connected) else {
        api.warn_of_no_address();
        return None;
    };
    Some(behind_proxies(&api.settings.trusted_proxies, &head.headers, peer))
}

/// The last address in `X-Forwarded-For` that is not a trusted proxy's: any client may have written the addresses before it.
fn behind_proxies(trusted: &[IpNet], headers: &HeaderMap, peer: IpAddr) -> IpAddr {
    let is_trusted = |address: IpAddr| {
        let address = address.to_canonical();
        trusted.iter().any(|network| network.contains(&address))
    };
    let lines = headers.get_all("x-forwarded-for").iter();
    // Bytes of a client that are not UTF-8 do not hide the addresses that the proxy has added after them.
    let lines: Vec<_> = lines.map(|line| String::from_utf8_lossy(line.as_bytes())).collect();
    let mut client = peer;
    for name in lines.iter().rev().flat_map(|line| line.rsplit(',')) {
        if !is_trusted(client) {
            break;
        }
        match parse(name.trim()) {
            Some(address) => client = address,
            None => break,
        }
    }
    client
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
}
