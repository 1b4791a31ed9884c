//! The client behind a connection: its address, and whether it uses TLS. A trusted proxy may say both.

use std::net::{IpAddr, SocketAddr};

use axum::extract::ConnectInfo;
use axum::http::HeaderMap;
use axum::http::request::Parts;
use intake_core::PeerAddress;
use ipnet::IpNet;

/// A client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Client {
    pub(crate) address: Option<IpAddr>,
    pub(crate) has_tls: bool,
}

impl Client {
    /// The client of a request.
    pub(crate) fn of(trusted: &[IpNet], head: &Parts) -> Self {
        let connected = || {
            let ConnectInfo(address) = head.extensions.get::<ConnectInfo<SocketAddr>>()?;
            Some(PeerAddress(address.ip()))
        };
        Self::behind(
            trusted,
            &head.headers,
            head.extensions.get().copied().or_else(connected),
        )
    }

    fn behind(trusted: &[IpNet], headers: &HeaderMap, peer: Option<PeerAddress>) -> Self {
        let is_trusted = |address: IpAddr| trusted.iter().any(|network| network.contains(&address));
        let lines = headers.get_all("x-forwarded-for").iter();
        let lines: Vec<_> = lines.map(|line| String::from_utf8_lossy(line.as_bytes())).collect();
        // The proxy that is nearest to this server has written the last one.
        let is_proxy = peer.is_some_and(|PeerAddress(address)| is_trusted(address.to_canonical()));
        let protocol = entries(headers, "x-forwarded-proto").pop().filter(|_| is_proxy);
        Self {
            address: peer.map(|peer| peer.behind_proxies(&lines, is_trusted)),
            has_tls: protocol.is_some_and(|protocol| protocol.eq_ignore_ascii_case("https")),
        }
    }
}

/// The entries of a header that is a list.
fn entries(headers: &HeaderMap, name: &str) -> Vec<String> {
    let lines = headers.get_all(name).iter();
    // Bytes of a client that are not UTF-8 do not hide what the proxy has added after them.
    let lines = lines.map(|line| String::from_utf8_lossy(line.as_bytes()).into_owned());
    lines
        .flat_map(|line| line.split(',').map(|entry| entry.trim().to_owned()).collect::<Vec<_>>())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_trusted_proxy_says_whose_the_request_is_and_that_it_came_over_tls() {
        let trusted: Vec<IpNet> = vec!["10.0.0.0/8".parse().unwrap()];
        for (peer, forwarded, protocol, address, has_tls) in [
            ("192.0.2.9", "192.0.2.1", "https", "192.0.2.9", false),
            ("10.0.0.1", "192.0.2.1", "https", "192.0.2.1", true),
            (
                "10.0.0.1",
                "192.0.2.7, 192.0.2.1:80, 10.0.0.2",
                "http, HTTPS",
                "192.0.2.1",
                true,
            ),
            ("10.0.0.1", "unknown", "https, http", "10.0.0.1", false),
            ("10.0.0.1", "[2001:db8::1]:4711", "", "2001:db8::1", false),
            ("::ffff:10.0.0.1", "192.0.2.1", "https", "192.0.2.1", true),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert("x-forwarded-for", forwarded.parse().unwrap());
            headers.insert("x-forwarded-proto", protocol.parse().unwrap());
            let client = Client::behind(&trusted, &headers, Some(PeerAddress(peer.parse().unwrap())));
            let expected = Client {
                address: Some(address.parse().unwrap()),
                has_tls,
            };
            assert_eq!(client, expected, "{peer}, {forwarded}, {protocol}");
        }
        let unknown = Client::behind(&trusted, &HeaderMap::new(), None);
        assert_eq!((unknown.address, unknown.has_tls), (None, false));
    }
}
