//! What a service offers: its answer to `OPTIONS` (RFC 3507, section 4.10).

use std::time::Duration;

use intake_core::Fault;

use crate::head::IcapHead;
use crate::settings::Method;
use crate::wording::{failed, legible};

/// How long an offer counts, if the service does not say so, and the most.
const FRESH: Duration = Duration::from_secs(600);
/// The least, so that a service does not make each upload ask.
const LEAST: Duration = Duration::from_secs(10);

/// What a service offers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Offer {
    /// What the service calls itself.
    pub(crate) name: Option<String>,
    /// The version of its rules, without quotes.
    pub(crate) tag: Option<String>,
    /// How many of the first bytes it wants to see alone. `None` if it takes no preview.
    pub(crate) preview: Option<usize>,
    /// Whether it may answer 204 instead of giving a content back.
    pub(crate) allows_204: bool,
    pub(crate) max_connections: Option<usize>,
    pub(crate) fresh: Duration,
}

impl Offer {
    /// Reads the answer to `OPTIONS`.
    ///
    /// # Errors
    ///
    /// If the service does not take this method.
    pub(crate) fn read(head: &IcapHead, method: Method) -> Result<Self, Fault> {
        if head.status != 200 {
            let said = head.status_line();
            return Err(failed(format!("the ICAP server answered \"{said}\" to OPTIONS (url)")));
        }
        let name = method.name();
        if head.lists("Methods", name) == Some(false) {
            return Err(failed(format!("the ICAP service does not take {name} (method)")));
        }
        // No file has a name here, so of its rules for extensions those for all others count. What it wants to ignore is sent
        // as well: whether a file is harmless does not show in its name.
        let is_preview_wanted = head.lists("Transfer-Complete", "*") != Some(true);
        let preview = head.number("Preview").filter(|_| is_preview_wanted);
        let fresh = head.number("Options-TTL").map_or(FRESH, Duration::from_secs);
        Ok(Self {
            name: head.shown("Service").or_else(|| head.shown("Server")),
            tag: tag(head),
            preview: preview.and_then(|bytes| usize::try_from(bytes).ok()),
            allows_204: head.lists("Allow", "204") == Some(true),
            max_connections: head
                .number("Max-Connections")
                .and_then(|most| usize::try_from(most).ok()),
            fresh: fresh.clamp(LEAST, FRESH),
        })
    }
}

/// The version of the rules that an answer was made by.
pub(crate) fn tag(head: &IcapHead) -> Option<String> {
    let value = head.field("ISTag")?;
    let bare = value.strip_prefix(b"\"").and_then(|value| value.strip_suffix(b"\""));
    Some(legible(bare.unwrap_or(value))).filter(|tag| !tag.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(fields: &str) -> Result<Offer, Fault> {
        let wire = format!("ICAP/1.0 200 OK\r\n{fields}Encapsulated: null-body=0\r\n\r\n");
        let (head, _) = IcapHead::read(wire.as_bytes()).unwrap().unwrap();
        Offer::read(&head, Method::Respmod)
    }

    #[test]
    fn what_is_offered_is_understood() {
        let nothing = Offer {
            name: None,
            tag: None,
            preview: None,
            allows_204: false,
            max_connections: None,
            fresh: FRESH,
        };
        assert_eq!(read("").unwrap(), nothing);
        let all = "Methods: RESPMOD, REQMOD\r\nService: AV 1\r\nServer: x\r\nISTag: \"W3E4\"\r\nPreview: 1024\r\n\
                   Allow: 204, trailers\r\nMax-Connections: 20\r\nOptions-TTL: 60\r\nTransfer-Preview: *\r\n";
        let expected = Offer {
            name: Some("AV 1".to_owned()),
            tag: Some("W3E4".to_owned()),
            preview: Some(1024),
            allows_204: true,
            max_connections: Some(20),
            fresh: Duration::from_secs(60),
        };
        assert_eq!(read(all).unwrap(), expected);
        for (fields, preview) in [
            ("Preview: 0\r\n", Some(0)),
            ("Preview: many\r\n", None),
            ("Preview: 9\r\nTransfer-Complete: *\r\n", None),
            (
                "Preview: 9\r\nTransfer-Complete: exe\r\nTransfer-Ignore: *\r\n",
                Some(9),
            ),
        ] {
            assert_eq!(read(fields).unwrap().preview, preview, "{fields}");
        }
        for (ttl, fresh) in [("0", LEAST), ("3600", FRESH), ("soon", FRESH)] {
            assert_eq!(read(&format!("Options-TTL: {ttl}\r\n")).unwrap().fresh, fresh);
        }
    }

    #[test]
    fn a_service_that_does_not_take_the_method_is_an_error() {
        let fault = read("Methods: REQMOD\r\n").unwrap_err();
        assert!(fault.message.contains("does not take RESPMOD"), "{fault}");
    }
}
