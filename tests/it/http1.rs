//! HTTP/1.1 by RFC 9112, byte by byte: an ambiguous request is refused, so a proxy never counts requests differently from the
//! program.

use std::io::{Read, Write};

use crate::support::Server;

/// Sends these bytes and reads to the end of the connection. Returns the statuses of all answers.
fn statuses(server: &Server, bytes: &[u8]) -> Vec<u16> {
    let mut stream = server.connect();
    stream.write_all(bytes).unwrap();
    let mut said = Vec::new();
    // A connection may end in any way.
    let _end = stream.read_to_end(&mut said);
    let said = String::from_utf8_lossy(&said).into_owned();
    let answers = said.split("HTTP/1.").skip(1);
    answers.map(|answer| answer[2..5].parse().unwrap()).collect()
}

/// A request without a body that is answered with 200, with this request line and these headers.
fn with_headers(line: &str, headers: &str) -> Vec<u8> {
    format!("{line}\r\nConnection: close\r\n{headers}\r\n").into_bytes()
}

fn options(headers: &str) -> Vec<u8> {
    with_headers("OPTIONS /info/ HTTP/1.1", headers)
}

/// A request with a body, and another one behind it.
fn body(headers: &str, body: &str) -> Vec<u8> {
    let behind = "OPTIONS /info/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    format!("POST /from_url/status/ HTTP/1.1\r\nHost: x\r\n{headers}\r\n{body}{behind}").into_bytes()
}

/// Checks the statuses of answers, each request on a connection of its own.
fn holds(table: Vec<(&str, Vec<u8>, &[u16])>) {
    let server = Server::start_with("", &[("INTAKE_SERVER__HEADER_TIMEOUT", "2s")]);
    let wrong: Vec<_> = table
        .into_iter()
        .filter_map(|(what, bytes, expected)| {
            let found = statuses(&server, &bytes);
            (found != expected).then(|| format!("{what}: {found:?}, not {expected:?}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_request_names_one_host() {
    let old = |headers: &str| format!("OPTIONS /info/ HTTP/1.0\r\n{headers}\r\n").into_bytes();
    let line = |target: &str| format!("OPTIONS {target} HTTP/1.1");
    holds(vec![
        ("a host", options("Host: x\r\n"), &[200]),
        ("a host and a port", options("Host: example.com:8080\r\n"), &[200]),
        ("an address and a port", options("Host: [2001:db8::1]:80\r\n"), &[200]),
        ("none", options(""), &[400]),
        ("two", options("Host: x\r\nHost: y\r\n"), &[400]),
        ("the same twice", options("Host: x\r\nhost: x\r\n"), &[400]),
        ("an empty one", options("Host:\r\n"), &[400]),
        ("a user at a host", options("Host: a@x\r\n"), &[400]),
        ("two in one", options("Host: x, y\r\n"), &[400]),
        ("a path", options("Host: x/y\r\n"), &[400]),
        ("a direction", options("Host: x\u{202e}\r\n"), &[400]),
        ("none, as HTTP/1.0 allows", old(""), &[200]),
        ("two, in HTTP/1.0", old("Host: x\r\nHost: x\r\n"), &[400]),
        (
            "an absolute target",
            with_headers(&line("http://x/info/"), "Host: x\r\n"),
            &[200],
        ),
        (
            "an absolute target and no host",
            with_headers(&line("http://x/info/"), ""),
            &[400],
        ),
        (
            "an absolute target with a user",
            with_headers(&line("http://a@x/info/"), "Host: x\r\n"),
            &[400],
        ),
    ]);
}

#[test]
fn the_host_of_an_absolute_target_counts_and_not_the_header() {
    let server = Server::start();
    let body = "UPLOADCARE_PUB_KEY=demopublickey&filename=a&size=11000000&content_type=a%2Fb";
    let mut stream = server.connect();
    let head = "POST http://named.example/multipart/start/ HTTP/1.1\r\nHost: other.example\r\n";
    let length = body.len();
    write!(stream, "{head}Content-Length: {length}\r\n\r\n{body}").unwrap();
    let answer = crate::support::read_answer(&mut stream).unwrap().json();
    let part = answer["parts"][0].as_str().unwrap();
    assert!(part.starts_with("http://named.example/parts/"), "{part}");
}

#[test]
fn a_body_has_one_end() {
    let te = |value: &str| format!("Transfer-Encoding: {value}\r\n");
    let chunk = "3\r\na=b\r\n0\r\n\r\n";
    // The answer is 400, because the token is missing: the body was read to its end, and the bytes after it are a request.
    holds(vec![
        ("a length", body("Content-Length: 3\r\n", "a=b"), &[400, 200]),
        ("chunks", body(&te("chunked"), chunk), &[400, 200]),
        ("chunks, in capital letters", body(&te("Chunked"), chunk), &[400, 200]),
        (
            "trailers",
            body(&te("chunked"), "3\r\na=b\r\n0\r\nx: y\r\n\r\n"),
            &[400, 200],
        ),
        (
            "an extension",
            body(&te("chunked"), "3;x=y\r\na=b\r\n0\r\n\r\n"),
            &[400, 200],
        ),
        ("neither", body("", ""), &[400, 200]),
        ("packed chunks", body(&te("gzip, chunked"), chunk), &[501]),
        (
            "packed chunks on two lines",
            body(&(te("gzip") + &te("chunked")), chunk),
            &[501],
        ),
        ("chunks of nothing known", body(&te("identity, chunked"), chunk), &[501]),
        ("chunked twice", body(&te("chunked, chunked"), chunk), &[400]),
        (
            "chunked twice on two lines",
            body(&(te("chunked") + &te("chunked")), chunk),
            &[400],
        ),
        ("packed and no chunks", body(&te("gzip"), chunk), &[400]),
        ("chunks that are packed", body(&te("chunked, gzip"), chunk), &[400]),
        (
            "a coding that only looks like chunks",
            body(&te("xchunked"), chunk),
            &[400],
        ),
        // The chunks count, and the connection ends, because a proxy may have used the length.
        (
            "chunks and a length",
            body(&format!("Content-Length: 3\r\n{}", te("chunked")), chunk),
            &[400],
        ),
        (
            "a length and chunks",
            body(&format!("{}Content-Length: 3\r\n", te("chunked")), chunk),
            &[400],
        ),
        (
            "two lengths",
            body("Content-Length: 3\r\nContent-Length: 4\r\n", "a=b"),
            &[400],
        ),
        ("two lengths on a line", body("Content-Length: 3, 4\r\n", "a=b"), &[400]),
        ("a length with a sign", body("Content-Length: +3\r\n", "a=b"), &[400]),
        ("a length below nothing", body("Content-Length: -3\r\n", "a=b"), &[400]),
        ("a length with a space", body("Content-Length: 3 3\r\n", "a=b"), &[400]),
        (
            "a length of too many digits",
            body("Content-Length: 99999999999999999999999\r\n", "a=b"),
            &[400],
        ),
        (
            "a chunk's size as in C",
            body(&te("chunked"), "0x3\r\na=b\r\n0\r\n\r\n"),
            &[400],
        ),
        (
            "a chunk's size with a sign",
            body(&te("chunked"), "+3\r\na=b\r\n0\r\n\r\n"),
            &[400],
        ),
        (
            "a chunk of no size",
            body(&te("chunked"), "\r\na=b\r\n0\r\n\r\n"),
            &[400],
        ),
        (
            "a chunk of a size that is none",
            body(&te("chunked"), "g\r\na=b\r\n0\r\n\r\n"),
            &[400],
        ),
        (
            "a chunk of more than there is",
            body(&te("chunked"), "fffffffffffffffffff\r\na=b\r\n0\r\n\r\n"),
            &[400],
        ),
        (
            "a chunk that is longer than it says",
            body(&te("chunked"), "2\r\na=b\r\n0\r\n\r\n"),
            &[400],
        ),
    ]);
    let old = "POST /from_url/status/ HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n3\r\na=b\r\n0\r\n\r\n";
    holds(vec![("chunks in HTTP/1.0", old.as_bytes().to_vec(), &[400])]);
}

#[test]
fn a_head_is_lines_of_names_and_values() {
    let raw = |bytes: &[u8]| bytes.to_vec();
    let host = |line: &str| with_headers(line, "Host: x\r\n");
    let many = "x: y\r\n".repeat(200);
    let long = format!("x: {}\r\n", "y".repeat(200_000));
    holds(vec![
        (
            "lines that end in LF alone",
            raw(b"OPTIONS /info/ HTTP/1.1\nHost: x\nConnection: close\n\n"),
            &[200],
        ),
        (
            "an empty line before it",
            raw(b"\r\nOPTIONS /info/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"),
            &[200],
        ),
        ("a folded line", options("Host: x\r\nx: a\r\n b\r\n"), &[400]),
        ("a folded first line", options(" x: a\r\nHost: x\r\n"), &[400]),
        ("a space before the colon", options("Host: x\r\nx : a\r\n"), &[400]),
        ("no colon", options("Host: x\r\nnothing\r\n"), &[400]),
        ("no name", options("Host: x\r\n: a\r\n"), &[400]),
        ("a CR in a value", options("Host: x\r\nx: a\rb\r\n"), &[400]),
        ("a null in a value", options("Host: x\r\nx: a\0b\r\n"), &[400]),
        ("an escape in a value", options("Host: x\r\nx: a\u{1b}b\r\n"), &[400]),
        ("very many lines", options(&format!("Host: x\r\n{many}")), &[431]),
        ("a very long line", options(&format!("Host: x\r\n{long}")), &[431]),
        (
            "a very long target",
            host(&format!("OPTIONS /{} HTTP/1.1", "a".repeat(70_000))),
            &[414],
        ),
        ("no version", raw(b"OPTIONS /info/\r\nHost: x\r\n\r\n"), &[400]),
        ("another version", host("OPTIONS /info/ HTTP/1.2"), &[400]),
        // The connection ends: a client that speaks only HTTP/2 could not read an answer.
        ("HTTP/2", raw(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), &[]),
        ("a version in small letters", host("OPTIONS /info/ http/1.1"), &[400]),
        ("a space in the target", host("OPTIONS /info/ x HTTP/1.1"), &[400]),
        ("a control in the target", host("OPTIONS /info/\u{1b} HTTP/1.1"), &[400]),
        ("a method of another kind", host("OPT(IONS /info/ HTTP/1.1"), &[400]),
        ("a tunnel", host("CONNECT x:80 HTTP/1.1"), &[404]),
        ("an asterisk", host("OPTIONS * HTTP/1.1"), &[404]),
    ]);
}
