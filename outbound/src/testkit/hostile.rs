//! The table of hostile URLs: nothing that uses one may ever connect to an address that is not public.

use std::net::{IpAddr, SocketAddr};
use std::sync::LazyLock;

use super::{Answer, FakeNetwork, Identity, say};

/// All public addresses that the table has. Whatever else is connected to is not: this list is the judge here, not the
/// table of the program.
const PUBLIC: [&str; 5] = [
    "93.184.216.34",
    "1.1.1.1",
    "2606:4700:4700::1111",
    "64:ff9b::5db8:d822",
    "::ffff:93.184.216.34",
];

/// A hostile URL, and how using it ends.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Hostile {
    /// The line of the table.
    pub line: usize,
    /// The code that it ends with, or `taken`.
    pub ending: &'static str,
    /// The URL.
    pub source: String,
    /// The answers of names and servers.
    pub world: &'static str,
    /// Where it is from.
    pub from: &'static str,
}

impl Hostile {
    /// The network in which the URL is used, with certificates for all names of the table.
    ///
    /// # Panics
    ///
    /// If the table is wrong.
    #[must_use]
    pub fn network(&self) -> FakeNetwork {
        static IDENTITY: LazyLock<Identity> =
            LazyLock::new(|| Identity::of(&["pub.example", "evil.example", "a.example", "b.example"]));
        network(self.world, &IDENTITY)
    }
}

/// The rows of the table.
///
/// # Panics
///
/// If the table is wrong.
#[must_use]
pub fn hostile() -> Vec<Hostile> {
    let table = include_str!("hostile.txt").lines().enumerate();
    let rows = table.filter(|(_, line)| !line.trim().is_empty() && !line.starts_with('#'));
    let rows = rows.map(|(at, line)| {
        let columns: Vec<_> = line.split(" |").map(str::trim).collect();
        let [ending, source, world, from] = columns[..] else {
            panic!("line {} of the table has {} columns", at + 1, columns.len())
        };
        Hostile {
            line: at + 1,
            ending,
            source: unescape(source),
            world,
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

/// What was connected to, and is not public.
///
/// # Panics
///
/// If the list of public addresses is wrong.
#[must_use]
pub fn inside(dialled: &[SocketAddr]) -> Vec<SocketAddr> {
    let is_public = |address: &SocketAddr| {
        let listed = PUBLIC
            .iter()
            .any(|public| public.parse::<IpAddr>().unwrap() == address.ip());
        listed && [80, 443].contains(&address.port())
    };
    dialled.iter().filter(|address| !is_public(address)).copied().collect()
}
