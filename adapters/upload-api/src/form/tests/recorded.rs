//! Forms that clients really send, and odd forms, as this reader and two others read them: `tests/forms/table.json`.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use memchr::memmem;
use serde::Deserialize;

use super::random::{read_by_multer, read_by_multra};
use super::{Outcome, Whole, cut, form, read};
use crate::form::boundary;

/// One row of the table: a request in a file, or a body, and its expected parts.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    request: Option<PathBuf>,
    body: Option<String>,
    boundary: Option<String>,
    /// The client and its version, and how the request was made.
    from: String,
    /// Why these parts are expected, if that is not obvious.
    #[serde(rename = "note")]
    _note: Option<String>,
    parts: Option<Vec<Whole>>,
    /// The beginning of the error.
    refused: Option<String>,
    /// Why another reader reads other parts.
    others: BTreeMap<String, String>,
}

impl Row {
    /// The boundary and the body.
    fn form(&self) -> (Vec<u8>, Vec<u8>) {
        match (&self.request, &self.body, &self.boundary) {
            (Some(request), None, None) => form_in(&std::fs::read(folder().join(request)).unwrap()),
            (None, Some(body), Some(boundary)) => (boundary.clone().into(), body.clone().into()),
            _ => panic!("{}: either a request, or a body and its boundary", self.from),
        }
    }

    /// Whether these parts, or a refusal, are the expected result.
    fn is_met(&self, read: Option<&[Whole]>) -> bool {
        read == self.parts.as_deref()
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/forms")
}

fn table() -> Vec<Row> {
    let table = std::fs::read(folder().join("table.json")).unwrap();
    serde_json::from_slice(&table).unwrap()
}

/// The boundary and the body of a whole request.
fn form_in(request: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let end = memmem::find(request, b"\r\n\r\n").unwrap();
    let (head, body) = (&request[..end], &request[end + 4..]);
    let header = |name: &str| {
        let mut lines = head.split(|byte| *byte == b'\n').map(|line| line.trim_ascii());
        lines.find_map(|line| {
            let (found, value) = line.split_at_checked(name.len())?;
            let value = value.strip_prefix(b":")?.trim_ascii();
            found.eq_ignore_ascii_case(name.as_bytes()).then_some(value)
        })
    };
    let boundary = boundary(header("content-type").unwrap()).unwrap();
    match header("transfer-encoding") {
        Some(_) => (boundary, without_chunks(body)),
        None => (boundary, body.to_vec()),
    }
}

fn without_chunks(mut body: &[u8]) -> Vec<u8> {
    let mut whole = Vec::new();
    while let Some(end) = memmem::find(body, b"\r\n") {
        let size = usize::from_str_radix(str::from_utf8(&body[..end]).unwrap(), 16).unwrap();
        whole.extend_from_slice(&body[end + 2..end + 2 + size]);
        body = &body[end + 2 + size + 2..];
    }
    whole
}

#[tokio::test]
async fn every_form_is_read_as_it_is_meant_and_other_readers_differ_only_as_the_table_says() {
    let table = table();
    let mut right = BTreeMap::from([("intake", 0), ("multer", 0), ("multra", 0)]);
    for row in &table {
        let (boundary, bytes) = row.form();
        for sizes in [&[usize::MAX][..], &[1], &[7, 0, 30]] {
            let Outcome { parts, failed } = read(form(&boundary, cut(&bytes, sizes))).await;
            match (&row.parts, &row.refused, failed) {
                (Some(expected), None, None) => assert_eq!(parts, *expected, "{}", row.from),
                (None, Some(expected), Some((_, why))) => {
                    let why = why.strip_prefix("malformed form: ").unwrap();
                    assert!(why.starts_with(expected), "{}: {why}", row.from);
                }
                (_, _, failed) => panic!("{}: {parts:?}, {failed:?}", row.from),
            }
        }
        *right.entry("intake").or_default() += 1;
        let boundary = str::from_utf8(&boundary).unwrap();
        let whole = [usize::MAX];
        for (reader, read) in [
            ("multer", read_by_multer(boundary, &bytes, &whole).await.ok()),
            ("multra", read_by_multra(boundary, &bytes, &whole).await.ok()),
        ] {
            let is_right = row.is_met(read.as_deref());
            *right.entry(reader).or_default() += usize::from(is_right);
            let reason = row.others.get(reader);
            assert_eq!(
                is_right,
                reason.is_none(),
                "{}: {reader} read {read:?}; {reason:?}",
                row.from
            );
        }
    }
    // Past the test's captured output, which is not shown if the test succeeds.
    let rows = table.len();
    let mut out = std::io::stderr().lock();
    writeln!(out, "forms: of {rows} rows read as they are meant: {right:?}").unwrap();
}

#[test]
fn every_recorded_request_is_in_the_table_and_at_least_twelve_clients_are() {
    let table = table();
    let mut listed: Vec<_> = table.iter().filter_map(|row| row.request.clone()).collect();
    listed.sort();
    let files = std::fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name());
    let mut files: Vec<_> = files
        .map(PathBuf::from)
        .filter(|name| name.extension().is_some_and(|is| is == "http"))
        .collect();
    files.sort();
    assert_eq!(listed, files);
    let clients = table.iter().filter(|row| !row.from.starts_with("made: ")).count();
    assert!(clients >= 12, "{clients} clients");
}
