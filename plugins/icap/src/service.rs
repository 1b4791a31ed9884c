//! The address of an ICAP service.

use std::fmt;

use url::Url;

/// The port of ICAP (RFC 3507, section 4.2). `icaps` has none of its own: 11344 is the port that servers use.
const PLAIN_PORT: u16 = 1344;
const TLS_PORT: u16 = 11344;

/// An ICAP service, such as `icap://scanner:1344/avscan`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Service {
    /// Whether the connection is TLS.
    pub(crate) is_tls: bool,
    /// A name or an address; an IPv6 address has no brackets.
    pub(crate) host: String,
    pub(crate) port: u16,
    /// The path and the query, with the slash at its beginning.
    pub(crate) path: String,
}

impl Service {
    /// # Errors
    ///
    /// What is wrong with the text.
    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        const SHAPE: &str = "must be the URL of an ICAP service, such as icap://127.0.0.1:1344/avscan";
        let url = Url::parse(text).map_err(|_| SHAPE)?;
        let (is_tls, usual) = match url.scheme() {
            "icap" => (false, PLAIN_PORT),
            "icaps" => (true, TLS_PORT),
            _ => return Err(SHAPE),
        };
        if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
            return Err("must have no user, password or fragment");
        }
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or(SHAPE)?;
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let port = url.port().unwrap_or(usual);
        let mut path = match url.path() {
            "" => "/".to_owned(),
            path => path.to_owned(),
        };
        if let Some(query) = url.query() {
            path.push('?');
            path.push_str(query);
        }
        // The library keeps these as they are in the host of a scheme that it does not know.
        if port == 0
            || !host
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-._:".contains(&byte))
        {
            return Err(SHAPE);
        }
        Ok(Self {
            is_tls,
            host,
            port,
            path,
        })
    }

    /// The host and the port, as in a header.
    pub(crate) fn authority(&self) -> String {
        let Self { host, port, .. } = self;
        match host.contains(':') {
            true => format!("[{host}]:{port}"),
            false => format!("{host}:{port}"),
        }
    }
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.is_tls { "icaps" } else { "icap" };
        write!(f, "{scheme}://{}{}", self.authority(), self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_is_a_url() {
        for (text, shown) in [
            ("icap://av", "icap://av:1344/"),
            ("icap://127.0.0.1:1345/avscan", "icap://127.0.0.1:1345/avscan"),
            ("icaps://av.example/respmod", "icaps://av.example:11344/respmod"),
            (
                "icap://[::1]/virus_scan?allow204=on&mode=simple",
                "icap://[::1]:1344/virus_scan?allow204=on&mode=simple",
            ),
        ] {
            assert_eq!(Service::parse(text).unwrap().to_string(), shown);
        }
        for text in [
            "",
            "av:1344",
            "http://av/",
            "icap:///avscan",
            "icap://av:0/",
            "icap://av:70000/",
            "icap://user:word@av/",
            "icap://av/#x",
            "icap://a%0d%0ab/",
        ] {
            assert!(Service::parse(text).is_err(), "{text}");
        }
    }
}
