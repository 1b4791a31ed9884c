//! What an answer says of a content.

use intake_core::Fault;

use crate::answer::{Answer, Http};
use crate::head::IcapHead;
use crate::message::SENT_BY;
use crate::settings::Method;
use crate::tally::Tally;
use crate::wording::{failed, legible, unavailable};

/// What the server found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Finding {
    /// It has nothing against the content: 204.
    Clean,
    /// It gave the content back as it was.
    Unchanged,
    /// It found a virus of this name.
    Infected(String),
    /// It blocked or changed the content, for this reason if it gave one.
    Blocked(Option<String>),
}

/// What the server was asked about.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) method: Method,
    pub(crate) target: String,
}

/// What an answer says, or `None` if that does not show in what came of it so far.
///
/// # Errors
///
/// If it gives no verdict.
pub(crate) fn finding(answer: &Answer, asked: &Asked, sent: &Tally) -> Result<Option<Finding>, Fault> {
    let Some(head) = answer.head() else { return Ok(None) };
    if let Some(threat) = threat(head) {
        return Ok(Some(threat));
    }
    match head.status {
        204 if answer.body().is_none() => Ok(answer.is_done().then_some(Finding::Clean)),
        200 | 201 => {
            let Some(http) = answer.http() else {
                let nothing = || failed("the ICAP server's answer has no HTTP message");
                return if answer.is_done() { Err(nothing()) } else { Ok(None) };
            };
            let came = answer.body().map_or(0, Tally::bytes);
            if !is_as_asked(http, asked) || came > sent.bytes() {
                return Ok(Some(Finding::Blocked(None)));
            }
            if !answer.is_done() {
                return Ok(None);
            }
            let is_same = answer.body().map_or(sent.bytes() == 0, |body| body.is_same_as(sent));
            match (is_same, head.status) {
                (false, _) => Ok(Some(Finding::Blocked(None))),
                (true, 200) => Ok(Some(Finding::Unchanged)),
                // What 201 means is not written down anywhere; only scanners that repair files use it.
                (true, _) => Err(unexpected(head)),
            }
        }
        503 => Err(unavailable(
            "the ICAP server takes no more uploads now",
            head.status_line(),
        )),
        _ => Err(unexpected(head)),
    }
}

fn unexpected(head: &IcapHead) -> Fault {
    failed(format!("the ICAP server answered \"{}\"", head.status_line()))
}

/// Whether the message in the answer is still the one that was sent, as far as its head tells.
fn is_as_asked(http: &Http, asked: &Asked) -> bool {
    match asked.method {
        Method::Respmod => http.status == Some(200),
        Method::Reqmod => {
            let line = http
                .request
                .as_ref()
                .map(|(method, target)| (method.as_str(), target.as_str()));
            http.status.is_none() && line == Some((SENT_BY, asked.target.as_str()))
        }
    }
}

/// What the fields of draft-stecher-icap-subid, and those that scanners have besides, say that was found.
fn threat(head: &IcapHead) -> Option<Finding> {
    if let Some(value) = head.field("X-Infection-Found") {
        let parts = || value.split(|byte| *byte == b';').filter_map(named);
        let of = |key: &str| {
            let found = parts().find(|(its, _)| its.eq_ignore_ascii_case(key));
            found.map(|(_, value)| legible(value))
        };
        let threat = of("Threat").unwrap_or_else(|| legible(value));
        // 0 is a virus, 1 breaks a rule for mail, 2 is a container that cannot be scanned.
        return Some(match of("Type").as_deref() {
            Some("1" | "2") => Finding::Blocked(Some(threat).filter(|reason| !reason.is_empty())),
            _ => of_name(threat),
        });
    }
    if let Some(value) = head.field("X-Virus-ID") {
        return Some(of_name(legible(value)));
    }
    if let Some(value) = head.field("X-Violations-Found") {
        // How many; then of each the file, the threat, its number and what was done.
        let mut lines = value.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
        if lines.next() != Some(b"0") {
            return Some(of_name(legible(lines.nth(1).unwrap_or_default())));
        }
    }
    let reason = head.shown("X-Block-Reason")?;
    Some(Finding::Blocked(Some(reason)))
}

fn of_name(name: String) -> Finding {
    match name {
        name if name.is_empty() => Finding::Infected("unnamed".to_owned()),
        // ClamAV says so of a file that exceeds its limits, which is no virus.
        name if name.starts_with("Heuristics.Limits.") => Finding::Blocked(Some(name)),
        name => Finding::Infected(name),
    }
}

/// `Key=value`.
fn named(part: &[u8]) -> Option<(String, &[u8])> {
    let at = part.iter().position(|byte| *byte == b'=')?;
    Some((legible(&part[..at]), part[at + 1..].trim_ascii()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn threat_of(fields: &str) -> Option<Finding> {
        let wire = format!("ICAP/1.0 200 OK\r\n{fields}\r\n\r\n");
        let (head, _) = IcapHead::read(wire.as_bytes()).unwrap().unwrap();
        threat(&head)
    }

    #[test]
    fn threats_are_read_from_whichever_field_a_scanner_has() {
        let infected = |name: &str| Some(Finding::Infected(name.to_owned()));
        let blocked = |name: &str| Some(Finding::Blocked(Some(name.to_owned())));
        for (fields, expected) in [
            (
                "X-Infection-Found: Type=0; Resolution=2; Threat=EICAR Test String;",
                infected("EICAR Test String"),
            ),
            ("x-infection-found: Type=0;Resolution=1;Threat=A=B", infected("A=B")),
            (
                "X-Infection-Found: Type=2; Resolution=0; Threat=Encrypted Archive;",
                blocked("Encrypted Archive"),
            ),
            (
                "X-Infection-Found: Type=1; Resolution=0; Threat=;",
                Some(Finding::Blocked(None)),
            ),
            ("X-Infection-Found: something", infected("something")),
            ("X-Infection-Found: Type=0; Threat=;", infected("unnamed")),
            ("X-Virus-ID: TSPY.MCS", infected("TSPY.MCS")),
            ("X-Violations-Found: 1\r\n\t-\r\n\tBad\r\n\t0\r\n\t0", infected("Bad")),
            ("X-Violations-Found: 1", infected("unnamed")),
            ("X-Violations-Found: 0", None),
            ("X-Virus-ID:", None),
            (
                "X-Virus-ID: Heuristics.Limits.Exceeded.MaxFileSize",
                blocked("Heuristics.Limits.Exceeded.MaxFileSize"),
            ),
            ("X-Block-Reason: size", blocked("size")),
            ("X-Response-Desc: no risk", None),
        ] {
            assert_eq!(threat_of(fields), expected, "{fields}");
        }
    }
}
