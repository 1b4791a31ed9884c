//! Hostile requests: each gets its answer, or none, quickly; none costs much memory; none leaves anything behind.

use std::io::{Read, Write};
use std::net::Shutdown;

use crate::support::{Answer, BOUNDARY, Form, Server, read_answer, wait_until};

const ANY_PEAK: u64 = 64 << 20;

/// Sends raw bytes, closes the sending side, and reads the answer.
fn raw(server: &Server, bytes: &[u8]) -> Option<Answer> {
    let mut stream = server.connect();
    let _early = stream.write_all(bytes);
    let _gone = stream.shutdown(Shutdown::Write);
    read_answer(&mut stream).ok()
}

fn png_header(width: u32, height: u32) -> Vec<u8> {
    let mut png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
    png.extend(width.to_be_bytes());
    png.extend(height.to_be_bytes());
    png.extend([8, 6, 0, 0, 0]);
    // The size of this chunk is checked before its checksum.
    png.extend([0; 4]);
    png
}

/// The refusal of a form that ends in its second part, which is a file.
const ENDS_EARLY: &str = "HTTP POST request parsing failed. Part 2, field \"file\": the body ends before the closing \
    boundary; end with it and `--`, and send the whole body.";

#[test]
fn wrong_input_gets_the_documented_error_and_leaves_nothing() {
    let server = Server::start();
    let fields = (0..10_000).fold(Form::default().key(), |form, number| {
        form.field(&format!("f{number}"), "x")
    });
    let key = || Form::default().key();
    let with = |path: &str, form: &Form| server.post(path, form);
    let wrong_key = Form::default()
        .file("file", "x", b"x")
        .field("UPLOADCARE_PUB_KEY", "wrong");
    let table: Vec<(&str, Answer, u16, &str)> = vec![
        (
            "no key",
            with("/base/", &Form::default().file("file", "x", b"x")),
            403,
            "UPLOADCARE_PUB_KEY is required.",
        ),
        (
            "wrong key",
            with("/base/", &wrong_key),
            403,
            "UPLOADCARE_PUB_KEY is invalid.",
        ),
        (
            "no file",
            with("/base/", &key()),
            400,
            "Request does not contain files.",
        ),
        (
            "10,000 fields",
            with("/base/", &fields.file("file", "x", b"x")),
            400,
            "The request contains too many HTTP POST fields.",
        ),
        (
            "a null character",
            with("/base/", &key().file("file", "a\0b", b"x")),
            400,
            "Null characters are not allowed.",
        ),
        (
            "a broken form",
            server.send(&key().head("/base/"), b"--0123456789abcdef\nno line ends of a form\n"),
            400,
            "HTTP POST request parsing failed. Something follows the boundary on its line; write CR LF there, or `--` at \
             the end.",
        ),
        (
            "a form that ends too early",
            server.send(
                &key().head("/base/"),
                key().file("file", "x", &[b'x'; 100_000]).unfinished(),
            ),
            400,
            ENDS_EARLY,
        ),
        (
            "a Content-Length that is too short",
            server.send(
                &format!("{}Content-Length: 400\r\n", key().head("/base/")),
                &key().file("file", "x", &[b'x'; 1000]).body(),
            ),
            400,
            ENDS_EARLY,
        ),
        (
            "a pixel bomb",
            with("/base/", &key().file("file", "x.png", &png_header(100_000, 100_000))),
            400,
            "File is too large.",
        ),
        (
            "a file that is too large",
            with("/base/", &key().file("file", "x", &vec![b'x'; (100 << 20) + 1])),
            400,
            "File is too large.",
        ),
        (
            "a request that is too large",
            server.send(
                &format!(
                    "{}Content-Length: 9999999999\r\nExpect: 100-continue\r\n",
                    key().head("/base/")
                ),
                b"",
            ),
            413,
            "The size of the request is too large.",
        ),
    ];
    for (what, answer, status, says) in table {
        assert_eq!((answer.status, answer.text().as_str()), (status, says), "{what}");
    }
    wait_until("nothing of all that is left", || server.files().is_empty());
    assert!(server.peak_memory() < ANY_PEAK, "{} MiB", server.peak_memory() >> 20);
}

#[test]
fn odd_names_are_only_names() {
    let server = Server::start();
    let long = "n".repeat(300);
    for (name, expected) in [
        ("../../x", "x"),
        ("/etc/passwd", "passwd"),
        ("C:/windows/system.ini", "system.ini"),
        ("..", ""),
        (".", ""),
        ("", ""),
        (".htaccess", ".htaccess"),
        ("a%2e%2e%2fb", "a%2e%2e%2fb"),
        ("\u{202e}gpj.exe", "\u{202e}gpj.exe"),
        (&long, &long[..255]),
    ] {
        let id = server.upload(name, b"x");
        let info = server.get(&format!("/info/?pub_key=demopublickey&file_id={id}")).json();
        assert_eq!(info["original_filename"], expected, "{name:?}");
        let safe = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.';
        assert!(info["filename"].as_str().unwrap().chars().all(safe), "{info}");
    }
    let below: Vec<_> = server
        .files()
        .iter()
        .map(|path| path.file_name().unwrap().len())
        .collect();
    assert_eq!(below, [36; 10], "files are called by their ids, and lie where files do");
    let too_long = Form::default().key().file("file", &"n".repeat(20_000), b"x");
    assert_eq!(
        server.post("/base/", &too_long).status,
        400,
        "a name of 20,000 bytes is no name"
    );
}

#[test]
fn a_connection_that_drops_leaves_nothing() {
    let server = Server::start();
    let form = Form::default().key().file("file", "x", &vec![b'x'; 6 << 20]);
    let body = form.body();
    for sent in [0, 10, 200, 4 << 20, body.len() - 5] {
        let stream = server.begin("/base/", &form, sent);
        if sent > 1 << 19 {
            wait_until("some bytes are in the store", || !server.files().is_empty());
        }
        drop(stream);
        wait_until("they are gone", || server.files().is_empty());
    }
}

#[test]
fn a_request_that_never_ends_is_cut_off() {
    let server = Server::start_with("", &[("INTAKE_SERVER__LINGER_TIMEOUT", "100ms")]);
    let head = Form::default().head("/base/") + "Host: x\r\nTransfer-Encoding: chunked\r\n\r\n";
    let filler = [b'a'; 64 * 1024];
    let endless = [
        ("a preamble", String::new()),
        (
            "the headers of a part",
            format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\""),
        ),
        (
            "a field",
            format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"x\"\r\n\r\n"),
        ),
    ];
    for (what, start) in endless {
        let mut stream = server.connect();
        stream.write_all(head.as_bytes()).unwrap();
        let chunk = |bytes: &[u8]| [format!("{:x}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat();
        let (first, more) = (chunk(start.as_bytes()), chunk(&filler));
        if !start.is_empty() {
            stream.write_all(&first).unwrap();
        }
        // More than the request may have, than the server drains after a refusal, and than comes in the time for lingering, together.
        let sent = (0..40_000).take_while(|_| stream.write_all(&more).is_ok()).count();
        assert!(sent < 40_000, "{what} could have gone on for ever");
        let answer = read_answer(&mut stream);
        assert!(
            answer.is_err() || answer.is_ok_and(|answer| answer.status >= 400),
            "{what}"
        );
    }
    assert!(server.files().is_empty());
    assert!(server.peak_memory() < ANY_PEAK, "{} MiB", server.peak_memory() >> 20);
}

#[test]
fn a_silent_client_is_cut_off() {
    let variables = [
        ("INTAKE_SERVER__HEADER_TIMEOUT", "300ms"),
        ("INTAKE_UPLOAD_API__IDLE_TIMEOUT", "300ms"),
    ];
    let server = Server::start_with("", &variables);
    let form = Form::default().key().file("file", "x", b"x");
    let body_head = format!("{}Host: x\r\nContent-Length: 1000\r\n\r\n", form.head("/base/"));
    let half_head = &body_head[..40];
    for (what, sent) in [("a connection", ""), ("a head", half_head)] {
        let mut stream = server.connect();
        stream.write_all(sent.as_bytes()).unwrap();
        let mut said = Vec::new();
        let _closed = stream.read_to_end(&mut said);
        assert!(!said.starts_with(b"HTTP/1.1 200"), "{what}");
    }
    let mut stream = server.connect();
    stream.write_all(body_head.as_bytes()).unwrap();
    stream.write_all(form.unfinished()).unwrap();
    let answer = read_answer(&mut stream).unwrap();
    assert_eq!(
        (answer.status, answer.text().as_str()),
        (408, "The request took too long. Send at least 500 bytes a second.")
    );
    wait_until("nothing is left", || server.files().is_empty());

    // An idle connection after a request is closed too.
    let mut stream = server.connect();
    stream.write_all(b"GET /info/ HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    assert_eq!(read_answer(&mut stream).unwrap().status, 403);
    assert_eq!(stream.read(&mut [0]).unwrap(), 0, "closed");
}

#[test]
fn an_upload_that_takes_too_long_as_a_whole_is_refused() {
    let server = Server::start_with("\n[receive]\ntimeout = \"500ms\"\n", &[]);
    let form = Form::default().key().file("file", "x", &[b'x'; 100_000]);
    let mut stream = server.connect();
    let head = format!(
        "{}Host: x\r\nContent-Length: 9000000\r\n\r\n",
        form.head("/base/?jsonerrors=1")
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(form.unfinished()).unwrap();
    let answer = read_answer(&mut stream).unwrap();
    assert_eq!(answer.json()["error"]["status_code"], 408, "{}", answer.text());
    wait_until("nothing is left", || server.files().is_empty());
}

#[test]
fn more_uploads_than_there_are_places_for_are_told_to_come_again() {
    let server = Server::start_with("", &[("INTAKE_UPLOAD_API__MAX_UPLOADS", "1")]);
    let form = Form::default().key().file("file", "x", &vec![b'x'; 2 << 20]);
    let body = form.body();
    let mut first = server.begin("/base/", &form, body.len() - 5);
    wait_until("the first has the only place", || !server.files().is_empty());

    let small = Form::default().key().file("file", "x", b"x");
    let throttled = server.post("/base/?jsonerrors=1", &small);
    assert_eq!((throttled.status, throttled.header("retry-after")), (200, Some("3")));
    assert_eq!(throttled.json()["error"]["error_code"], "RequestThrottledError");
    assert!(
        throttled
            .header("access-control-expose-headers")
            .unwrap()
            .contains("Retry-After")
    );
    assert_eq!(server.post("/base/", &small).status, 429);

    first.write_all(&body[body.len() - 5..]).unwrap();
    assert_eq!(read_answer(&mut first).unwrap().status, 200);
    assert_eq!(server.post("/base/", &small).status, 200, "the place is free again");
}

#[test]
fn a_sender_that_reads_only_after_it_has_sent_gets_the_refusal() {
    let server = Server::start();
    // Refused at the first bytes; the client sends all 30 MB before it reads.
    let form = Form::default()
        .field("UPLOADCARE_PUB_KEY", "wrong")
        .file("file", "x", &vec![b'x'; 30_000_000]);
    let answer = server.post("/base/", &form);
    assert_eq!(
        (answer.status, answer.text().as_str()),
        (403, "UPLOADCARE_PUB_KEY is invalid.")
    );
    assert!(server.peak_memory() < ANY_PEAK);
}

#[test]
fn a_request_that_is_not_http_gets_no_http_answer() {
    let server = Server::start();
    for bytes in [
        &b"\0\0\0\0"[..],
        b"GET / HTTP/9.9\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.6\r\n",
        &[b'A'; 200_000],
    ] {
        let answer = raw(&server, bytes);
        assert!(answer.is_none_or(|answer| answer.status >= 400));
    }
    server.upload("x", b"still here");
}
