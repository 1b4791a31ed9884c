//! Ranges and conditions as a table: what is asked of one file, and what RFC 9110 says is the answer. See `requests.txt`.

use std::collections::BTreeMap;

use crate::support::{Host, MADE, address};

const TABLE: &str = include_str!("requests.txt");
/// The file, by which parts are recognised.
const CONTENT: &[u8] = b"0123456789abcdefghijklmnopqrstuvwxyz";

/// One line of the table.
struct Line {
    number: usize,
    method: String,
    asked: Vec<(String, String)>,
    status: u16,
    /// The file whole, nothing, or a text.
    body: String,
    answered: BTreeMap<String, String>,
}

/// Reads the table: `method | header: value | … => status | body | header: value | …`.
fn lines(tag: &str, size: usize) -> Vec<Line> {
    let numbered = TABLE.lines().enumerate();
    let used = numbered.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
    let read = used.map(|(at, line)| {
        let line = line
            .replace("{tag}", tag)
            .replace("{made}", MADE)
            .replace("{size}", &size.to_string());
        let (asked, answered) = line.split_once(" => ").unwrap_or_else(|| panic!("line {}", at + 1));
        let header = |text: &str| {
            let (name, value) = text
                .split_once(": ")
                .or(text.split_once(':'))
                .unwrap_or_else(|| panic!("{text}"));
            (name.to_owned(), value.to_owned())
        };
        let mut asked = asked.split(" | ");
        let mut answered = answered.split(" | ");
        Line {
            number: at + 1,
            method: asked.next().unwrap().to_owned(),
            asked: asked.map(header).collect(),
            status: answered.next().unwrap().parse().unwrap(),
            body: answered.next().unwrap_or("-").to_owned(),
            answered: answered.map(header).collect(),
        }
    });
    read.collect()
}

async fn holds(content: &'static [u8], section: &str) -> usize {
    let host = Host::new();
    let record = host.upload("file.bin", content).await;
    let tag = format!("\"{}\"", record.facts.as_ref().unwrap().digest);
    let whole = str::from_utf8(content).unwrap();
    let mut count = 0;
    for line in lines(&tag, content.len()) {
        let (of, method) = line.method.split_once(' ').unwrap();
        if of != section {
            continue;
        }
        count += 1;
        let asked: Vec<_> = line
            .asked
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        let answer = host.ask(method, &address(record.id), &asked).await;
        let at = format!("requests.txt:{}: {method} {asked:?}", line.number);
        assert_eq!(answer.status, line.status, "{at}: {:?}", answer.headers);
        match line.body.as_str() {
            "-" => assert_eq!(answer.text(), "", "{at}"),
            "whole" => assert_eq!(answer.text(), whole, "{at}"),
            "parts" => assert_eq!(parts(&answer), line.answered["parts"].replace(" + ", "\n"), "{at}"),
            "sentence" => assert!(
                answer.text().ends_with(".\n") && answer.text().len() > 20,
                "{at}: {}",
                answer.text()
            ),
            text => assert_eq!(answer.text(), text, "{at}"),
        }
        for (name, value) in line.answered.iter().filter(|(name, _)| *name != "parts") {
            assert_eq!(answer.header(name), value, "{at}: {name}");
        }
        every_answer_is_sound(&answer, method, &at);
    }
    count
}

/// What holds for every answer about a file.
fn every_answer_is_sound(answer: &crate::support::Answer, method: &str, at: &str) {
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("cross-origin-resource-policy", "cross-origin"),
        ("x-robots-tag", "noindex"),
        ("access-control-allow-origin", "*"),
        ("set-cookie", ""),
    ] {
        assert_eq!(answer.header(name), value, "{at}: {name}");
    }
    assert!(
        answer
            .header("content-security-policy")
            .starts_with("default-src 'none'"),
        "{at}"
    );
    match answer.status {
        200 | 206 | 304 => {
            assert_eq!(
                answer.header("cache-control"),
                "public, max-age=3600, must-revalidate",
                "{at}"
            );
            assert!(answer.header("etag").starts_with('"'), "{at}");
        }
        _ => assert_eq!(answer.header("cache-control"), "no-store", "{at}"),
    }
    if matches!(answer.status, 200 | 206) && method == "GET" {
        assert_eq!(answer.header("content-length"), answer.body.len().to_string(), "{at}");
    }
    if answer.status == 204 {
        assert_eq!(answer.header("content-length"), "", "{at}");
    }
    if answer.status == 304 {
        for name in ["content-length", "content-type", "last-modified", "content-range"] {
            assert_eq!(answer.header(name), "", "{at}: {name}");
        }
    }
}

/// The ranges of an answer with several, each on a line: its place, and its bytes.
fn parts(answer: &crate::support::Answer) -> String {
    let boundary = answer
        .header("content-type")
        .strip_prefix("multipart/byteranges; boundary=")
        .unwrap();
    let text = answer.text();
    let inner = text.strip_prefix(&format!("\r\n--{boundary}\r\n")).unwrap();
    let inner = inner.strip_suffix(&format!("\r\n--{boundary}--\r\n")).unwrap();
    let between = format!("\r\n--{boundary}\r\n");
    let each = inner.split(&between).map(|part| {
        let (head, bytes) = part.split_once("\r\n\r\n").unwrap();
        let lines: Vec<_> = head.split("\r\n").collect();
        assert_eq!(lines[0], "Content-Type: text/plain");
        format!("{} {bytes}", lines[1].strip_prefix("Content-Range: bytes ").unwrap())
    });
    each.collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn every_request_of_the_table_is_answered_as_the_rules_say() {
    let count = holds(CONTENT, "file").await + holds(b"", "empty").await;
    assert!(count >= 80, "{count} requests");
}
