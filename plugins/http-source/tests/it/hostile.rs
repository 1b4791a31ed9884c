//! The table of hostile sources, `tests/hostile.txt`: no connection to an address that is not public is ever opened.

use std::net::{IpAddr, SocketAddr};

use intake_core::Fetcher;
use intake_plugin_http_source::Settings;

use crate::fake_network::{Answer, FakeNetwork, say};
use crate::tls::Identity;
use crate::{ending, fetch};

/// All public addresses that the table has. Whatever else is connected to is not: this list is the judge here, not the
/// table of the program.
const PUBLIC: [&str; 5] = [
    "93.184.216.34",
    "1.1.1.1",
    "2606:4700:4700::1111",
    "64:ff9b::5db8:d822",
    "::ffff:93.184.216.34",
];

struct Row<'a> {
    line: usize,
    ending: &'a str,
    source: String,
    network: &'a str,
    from: &'a str,
}

fn rows() -> Vec<Row<'static>> {
    let table = include_str!("../hostile.txt").lines().enumerate();
    let rows = table.filter(|(_, line)| !line.trim().is_empty() && !line.starts_with('#'));
    let rows = rows.map(|(at, line)| {
        let columns: Vec<_> = line.split(" |").map(str::trim).collect();
        let [ending, source, network, from] = columns[..] else {
            panic!("line {} of the table has {} columns", at + 1, columns.len())
        };
        Row {
            line: at + 1,
            ending,
            source: unescape(source),
            network,
            from,
        }
    });
    rows.collect()
}

/// `\t`, `\n`, `\r`, `\_` for a space, and `\{1f}` for a character by its number.
fn unescape(text: &str) -> String {
    let mut parts = text.split('\\');
    let mut plain = parts.next().unwrap().to_owned();
    while let Some(part) = parts.next() {
        let mut chars = part.chars();
        match chars.next() {
            Some('t') => plain.push('\t'),
            Some('n') => plain.push('\n'),
            Some('r') => plain.push('\r'),
            Some('_') => plain.push(' '),
            Some('{') => {
                let (number, rest) = chars.as_str().split_once('}').unwrap();
                plain.push(char::from_u32(u32::from_str_radix(number, 16).unwrap()).unwrap());
                chars = rest.chars();
            }
            // Two of them are one.
            None => plain.extend(["\\", parts.next().unwrap_or_default()]),
            other => panic!("\\{other:?} means nothing in the table"),
        }
        plain.push_str(chars.as_str());
    }
    plain
}

/// `name=address,address;address` answers a name, the last answer again and again; `url=>location` redirects.
fn network(facts: &str, identity: &Identity) -> FakeNetwork {
    let mut network = FakeNetwork::default().secured(identity);
    for fact in facts.split_whitespace() {
        if let Some((url, location)) = fact.split_once("=>") {
            let location = unescape(location);
            let head = format!("HTTP/1.1 302 Found\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n");
            network = network.origin(url, [say(head)]);
        } else {
            let (name, answers) = fact.split_once('=').unwrap();
            for answer in answers.split(';') {
                network = match answer {
                    "?" => network.name(name, Answer::Unanswered),
                    "" => network.name(name, Answer::Addresses(Vec::new())),
                    answer => network.addresses(name, &answer.split(',').collect::<Vec<_>>()),
                };
            }
        }
    }
    network
}

/// What was opened and is not public.
fn inside(dialled: &[SocketAddr]) -> Vec<SocketAddr> {
    let is_public = |address: &SocketAddr| {
        let listed = PUBLIC
            .iter()
            .any(|public| public.parse::<IpAddr>().unwrap() == address.ip());
        listed && [80, 443].contains(&address.port())
    };
    dialled.iter().filter(|address| !is_public(address)).copied().collect()
}

#[tokio::test]
async fn no_source_ever_opens_a_connection_to_an_address_that_is_not_public() {
    let identity = Identity::of(&["pub.example", "evil.example", "a.example", "b.example"]);
    let mut wrong = Vec::new();
    for row in rows() {
        let network = network(row.network, &identity);
        let ended = ending(fetch(&network.fetcher(Settings::default()), &row.source).await).0;
        let (dialled, opened) = (network.dialled(), inside(&network.dialled()));
        if ended != row.ending || !opened.is_empty() || (ended == "taken" && dialled.is_empty()) {
            wrong.push(format!(
                "line {}: {:?} ended as {ended} and opened {opened:?}",
                row.line, row.source
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn judging_a_source_opens_nothing_and_says_the_same_of_its_first_hop() {
    let identity = Identity::of(&["pub.example"]);
    let mut wrong = Vec::new();
    for row in rows() {
        let network = network(row.network, &identity);
        let judged = network.fetcher(Settings::default()).judge(&row.source).await;
        let ended = ending(judged.map(|()| b"taken".to_vec())).0;
        // What a later hop leads to is not known yet.
        let as_expected = ended == row.ending || (ended == "taken" && row.network.contains("=>"));
        if !as_expected || !network.dialled().is_empty() {
            wrong.push(format!("line {}: {:?} was judged {ended}", row.line, row.source));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn an_answer_that_changes_after_a_source_was_judged_is_judged_again() {
    let network = FakeNetwork::default()
        .addresses("evil.example", &["93.184.216.34"])
        .addresses("evil.example", &["127.0.0.1"]);
    let fetcher = network.fetcher(Settings::default());
    assert!(fetcher.judge("http://evil.example/").await.is_ok());
    let (ended, subject, again) = ending(fetch(&fetcher, "http://evil.example/").await);
    assert_eq!(
        (ended.as_str(), subject.as_str(), again),
        ("address_forbidden", "evil.example", false)
    );
    assert_eq!(network.dialled(), []);
}

#[tokio::test]
async fn what_is_too_long_or_no_host_is_not_followed_from_wherever_it_comes() {
    let long = format!("http://pub.example/{}", "x".repeat(8192));
    let network = FakeNetwork::default().addresses("pub.example", &["93.184.216.34"]);
    let ends = async |source: &str| {
        let (ended, subject, _) = ending(fetch(&network.fetcher(Settings::default()), source).await);
        (ended, subject)
    };
    assert_eq!(ends(&long).await, ("url_invalid".into(), "too long".into()));
    // Bytes that are not UTF-8 become longer, and are no part of a host.
    let grows = [&b"/"[..], &[0xef; 3000]].concat();
    for (location, code, subject) in [
        (long.as_bytes(), "url_invalid", "too long"),
        (&grows, "url_invalid", "too long"),
        (b"http://na\xefve.example/", "url_host_malformed", ""),
    ] {
        let answer = [b"HTTP/1.1 302 Found\r\nlocation: ", location, b"\r\n\r\n"].concat();
        let _ = network.clone().origin("http://pub.example/", [say(answer)]);
        assert_eq!(ends("http://pub.example/").await, (code.into(), subject.into()));
    }
}

#[test]
fn the_table_is_long_and_says_where_each_row_is_from() {
    let rows = rows();
    let hostile = rows.iter().filter(|row| row.ending != "taken").count();
    assert!(hostile >= 120, "{hostile} rows");
    for row in &rows {
        assert!(!row.from.is_empty(), "line {} says not where it is from", row.line);
    }
    for (at, row) in rows.iter().enumerate() {
        let same = rows[..at]
            .iter()
            .find(|other| other.source == row.source && other.network == row.network);
        assert!(same.is_none(), "line {} is there already", row.line);
    }
}
