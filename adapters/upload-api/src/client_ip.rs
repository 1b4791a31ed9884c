//! The IP address of a client: that of its connection, or the one that a trusted proxy gives.

use std::net::{IpAddr, SocketAddr};

use axum::extract::ConnectInfo;
use axum::http::request::Parts;
use intake_core::PeerAddress;

use crate::api::Api;

/// The address of the client, if the server gives the address of the connection.
pub(crate) fn client_ip(api: &Api, head: &Parts) -> Option<IpAddr> {
    let connected = || {
        let ConnectInfo(address) = head.extensions.get::<ConnectInfo<SocketAddr>>()?;
        Some(PeerAddress(address.ip()))
    };
    let Some(peer) = head.extensions.get().copied().or_else(connected) else {
        api.warn_of_no_address();
        return None;
    };
    let lines = head.headers.get_all("x-forwarded-for").iter();
    // Bytes of a client that are not UTF-8 do not hide the addresses that the proxy has added after them.
    let lines: Vec<_> = lines.map(|line| String::from_utf8_lossy(line.as_bytes())).collect();
    let trusted = &api.settings.trusted_proxies;
    Some(peer.behind_proxies(&lines, |address| {
        trusted.iter().any(|network| network.contains(&address))
    }))
}
