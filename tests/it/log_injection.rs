//! Text of a sender reaches a log, a header or a terminal only escaped. The tests fill every field that a sender can set with line
//! ends, terminal commands and changes of the text direction, and read the log as a person and as a program would.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{BOUNDARY, Form, INTAKE, config, connect, listening, wait_until};

/// A forged log line that a sender tries to inject.
const FORGED: &str = "2026-01-01T00:00:00.000000Z ERROR forged";

/// An attempt in any field that takes text: ends of lines, a command to a terminal in seven and in eight bits, directions.
fn attempt() -> String {
    format!("a\r\n{FORGED}\n{{\"level\":\"ERROR\"}}\r\u{1b}[2J\u{9b}2J\u{85}\u{202e}gpj\u{2066}\u{2028}\u{200f}.exe")
}

/// The same with a null character, which is refused for itself.
fn with_null() -> String {
    format!("a\0{}", attempt())
}

/// The same as far as a line of a head takes it.
fn in_a_head() -> String {
    let takes = |character: &char| !character.is_ascii_control();
    attempt().chars().filter(takes).collect()
}

fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02x}")).collect()
}

fn is_harmless(character: char) -> bool {
    let is_direction = matches!(
        character,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
    );
    !character.is_control() && !is_direction
}

/// A program whose log is kept.
struct Logged {
    dir: TempDir,
    child: std::process::Child,
    address: String,
    /// The address of a source from which it may fetch.
    port: u16,
}

impl Drop for Logged {
    fn drop(&mut self) {
        let _dead = self.child.kill();
        let _dead = self.child.wait();
    }
}

/// A project that requires signatures, one that refuses endings, and one that allows one page.
const PROJECTS: &str = r#"projects = [
    { public_key = "signed", signed_uploads = true, secrets = [{ name = "first", secret = "s3cret" }] },
    { public_key = "pictures", allow_extensions = ["png"] },
    { public_key = "page", origins = ["https://page.example"] },
"#;

impl Logged {
    fn start(format: &str) -> Self {
        let dir = TempDir::new().unwrap();
        let more = "[upload_api]\ntrusted_proxies = [\"127.0.0.1\"]\n";
        let port = origin();
        let pull = "[receive.pull]\nuse = \"http-source\"\nopen = [\"127.0.0.1\"]\n";
        let config = config(dir.path())
            .replace("projects = [", PROJECTS)
            .replace("[upload_api]\n", more);
        let config = format!("{config}\n{pull}ports = [{port}]\n");
        let file = dir.path().join("intake.toml");
        std::fs::write(&file, config).unwrap();
        let mut command = Command::new(INTAKE);
        command
            .args(["serve", "--config"])
            .arg(&file)
            .env("INTAKE_LOG", "debug")
            .env("INTAKE_LOG_FORMAT", format)
            .stderr(File::create(dir.path().join("log")).unwrap());
        let (child, address) = listening(command);
        Self {
            dir,
            child,
            address,
            port,
        }
    }

    /// Sends a request, which may be none, and reads the answer to the end of the connection. Its head has to be harmless.
    fn ask(&self, head: &str, body: &[u8]) -> Vec<u8> {
        let mut stream = connect(&self.address);
        let has_host = head.to_lowercase().contains("\r\nhost:");
        let host = if has_host { "" } else { "Host: x\r\n" };
        let length = body.len();
        let head = format!("{head}{host}Connection: close\r\nContent-Length: {length}\r\n\r\n");
        stream.write_all(head.as_bytes()).unwrap();
        let _sent = stream.write_all(body);
        let mut said = Vec::new();
        let _end = stream.read_to_end(&mut said);
        let end = said.windows(4).position(|window| window == b"\r\n\r\n");
        let answered = String::from_utf8_lossy(&said[..end.unwrap_or(said.len())]).into_owned();
        for line in answered.split("\r\n") {
            let is_plain = line.bytes().all(|byte| (0x20..0x7f).contains(&byte));
            assert!(is_plain && !line.contains("forged"), "{answered:?} answers {head:?}");
        }
        end.map_or_else(Vec::new, |end| said[end + 4..].to_vec())
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("log")).unwrap()
    }

    /// The output of a command, on both streams.
    fn prints(&self, arguments: &[&str]) -> String {
        let output = Command::new(INTAKE)
            .args(arguments)
            .env("INTAKE_CONFIG", self.dir.path().join("intake.toml"))
            .output()
            .unwrap();
        String::from_utf8([output.stdout, output.stderr].concat()).unwrap()
    }
}

/// Method, path, and parameters.
type Endpoint = (&'static str, &'static str, &'static [(&'static str, &'static str)]);

/// Correct parameters for each endpoint, without the key.
const ENDPOINTS: [Endpoint; 8] = [
    ("POST", "/base/", &[]),
    ("GET", "/info/", &[("file_id", "00000000-0000-4000-8000-000000000000")]),
    (
        "POST",
        "/multipart/start/",
        &[("filename", "a"), ("size", "11000000"), ("content_type", "a/b")],
    ),
    (
        "POST",
        "/multipart/complete/",
        &[("uuid", "00000000-0000-4000-8000-000000000000")],
    ),
    ("POST", "/from_url/", &[("source_url", "http://127.0.0.1:1/a")]),
    (
        "GET",
        "/from_url/status/",
        &[("token", "00000000-0000-4000-8000-000000000000")],
    ),
    (
        "POST",
        "/group/",
        &[("files[0]", "00000000-0000-4000-8000-000000000000")],
    ),
    (
        "GET",
        "/group/info/",
        &[("group_id", "00000000-0000-4000-8000-000000000000~1")],
    ),
];

/// Every parameter that some endpoint reads, and some that none does.
const FIELDS: [&str; 27] = [
    "UPLOADCARE_PUB_KEY",
    "pub_key",
    "UPLOADCARE_STORE",
    "callback",
    "check_URL_duplicates",
    "content_type",
    "expire",
    "expires",
    "file_id",
    "filename",
    "files[0]",
    "files[]",
    "group_id",
    "jsonerrors",
    "metadata[k]",
    "partNumber",
    "part_size",
    "save_URL_duplicates",
    "signature",
    "size",
    "source_url",
    "store",
    "tags",
    "token",
    "uuid",
    "file",
    "anything",
];

/// A source with a hostile file name and a hostile redirect.
fn origin() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let _gone = answer_as_origin(stream.unwrap());
        }
    });
    port
}

fn answer_as_origin(mut stream: TcpStream) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let path = lines.next().transpose()?.unwrap_or_default();
    let word = in_a_head();
    let answer = match path.contains("/elsewhere") {
        true => format!("302 {word}\r\nLocation: http://{word}/{word}\r\nContent-Length: 0"),
        false => format!(
            "200 {word}\r\nContent-Type: {word}\r\nContent-Disposition: attachment; filename*=UTF-8''{}\r\nContent-Encoding: \
             {word}\r\nContent-Length: 0",
            encoded(&attempt())
        ),
    };
    stream.write_all(format!("HTTP/1.1 {answer}\r\nConnection: close\r\n\r\n").as_bytes())
}

/// Fills every field.
fn fill(server: &Logged) {
    for text in [attempt(), with_null()] {
        let word = encoded(&text);
        for (method, path, usual) in ENDPOINTS {
            for field in FIELDS {
                for key in ["demopublickey", "signed"] {
                    let keys = [("pub_key", key), ("UPLOADCARE_PUB_KEY", key)];
                    let fields = usual
                        .iter()
                        .chain(&keys)
                        .filter(|(name, _)| *name != field)
                        .map(|(name, value)| format!("{}={}", encoded(name), encoded(value)))
                        .chain([format!("{}={word}", encoded(field))]);
                    let query = fields.collect::<Vec<_>>().join("&");
                    let kind = "Content-Type: application/x-www-form-urlencoded\r\n";
                    match method {
                        "GET" => server.ask(&format!("GET {path}?{query} HTTP/1.1\r\n"), b""),
                        _ => server.ask(&format!("POST {path} HTTP/1.1\r\n{kind}"), query.as_bytes()),
                    };
                }
            }
            // The text as a name instead of a value, in the query and in the path.
            server.ask(&format!("{method} {path}?{word}={word} HTTP/1.1\r\n"), b"");
            server.ask(&format!("{method} {path}{word} HTTP/1.1\r\n"), b"");
        }
        let part = format!("/parts/00000000-0000-4000-8000-000000000000/{word}");
        server.ask(
            &format!("PUT {part}?partNumber={word}&expires={word}&signature={word} HTTP/1.1\r\n"),
            b"x",
        );
        for key in ["demopublickey", "signed", "pictures", &text] {
            let form = Form::default().field("UPLOADCARE_PUB_KEY", key);
            for form in in_forms(form, &text) {
                server.ask(&form.head("/base/"), &form.body());
            }
        }
    }
    in_heads(server);
}

/// A form for each place in it that takes text.
fn in_forms(form: Form, text: &str) -> [Form; 8] {
    let form = || form.clone();
    let file = |name: &str| form().file("file", name, b"text");
    [
        // The name as browsers write it, and as other clients do.
        file(&encoded(text)),
        file(&text.replace(['\r', '\n'], "")),
        form().file(&encoded(text), "a.txt", b"text"),
        form().file(&text.replace(['\r', '\n'], ""), "a.txt", b"text"),
        form().file_of_type("file", "a.txt", &text.replace(['\r', '\n'], ""), b"text"),
        file("a.txt").field("metadata[k]", text).field("tags", text),
        file("a.txt").field(&format!("metadata[{}]", text.replace(['\r', '\n'], "")), "x"),
        file("a.txt")
            .field("signature", &format!("a.{text}.b"))
            .field("expire", text),
    ]
}

/// Every header that is read, and some that are not.
fn in_heads(server: &Logged) {
    let word = in_a_head();
    for name in [
        "User-Agent",
        "X-UC-User-Agent",
        "Origin",
        "Referer",
        "X-Forwarded-For",
        "Authorization",
        "Host",
        "Accept",
        "Content-Type",
        "Content-Encoding",
        "Expect",
        "Sec-Fetch-Site",
        "X-Uploadcare-Request-Id",
    ] {
        for value in [
            word.clone(),
            format!("Bearer {word}"),
            format!("multipart/form-data; boundary={word}"),
        ] {
            for key in ["demopublickey", "signed", "page"] {
                let form = Form::default()
                    .field("UPLOADCARE_PUB_KEY", key)
                    .file("file", "a.txt", b"text");
                let head = match name {
                    "Content-Type" => "POST /base/ HTTP/1.1\r\n".to_owned(),
                    _ => form.head("/base/"),
                };
                server.ask(&format!("{head}{name}: {value}\r\n"), &form.body());
            }
        }
    }
    for line in [format!("GET /{word} HTTP/1.1\r\n"), format!("{word} / HTTP/1.1\r\n")] {
        server.ask(&line, b"");
    }
    let part = format!("--{BOUNDARY}\r\n{word}\r\n{word}: {word}\r\n\r\nx\r\n--{BOUNDARY}--\r\n");
    server.ask(&Form::default().head("/base/"), part.as_bytes());
}

/// Has the origin's files fetched, and waits for the outcome.
fn fetch(server: &Logged) {
    let port = server.port;
    let word = encoded(&attempt());
    let order = |path: &str, more: &str| {
        let source = encoded(&format!("http://127.0.0.1:{port}/{path}"));
        let body = format!("pub_key=demopublickey&source_url={source}{more}");
        let head = "POST /from_url/ HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded\r\n";
        let answer: Value = serde_json::from_slice(&server.ask(head, body.as_bytes())).unwrap();
        answer["token"].as_str().unwrap().to_owned()
    };
    let orders = [
        order(&word, ""),
        order("elsewhere", ""),
        order("a", &format!("&filename={word}")),
    ];
    for token in orders {
        wait_until("the order has ended", || {
            let path = format!("/from_url/status/?token={token}");
            let answer: Value = serde_json::from_slice(&server.ask(&format!("GET {path} HTTP/1.1\r\n"), b"")).unwrap();
            ["success", "error"].contains(&answer["status"].as_str().unwrap())
        });
    }
}

#[test]
fn no_word_of_a_sender_makes_a_line_of_the_log_or_reaches_a_terminal() {
    for format in ["text", "json"] {
        let server = Logged::start(format);
        fill(&server);
        fetch(&server);
        let log = server.log();
        assert!(log.contains("forged"), "the words are in the log at all");
        for line in log.split_terminator('\n') {
            assert!(line.chars().all(is_harmless), "{format}: {line:?}");
            match format {
                "json" => {
                    let event: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
                    assert!(event["timestamp"].is_string() && event["target"].is_string(), "{line}");
                }
                _ => {
                    let mut words = line.split_ascii_whitespace();
                    let time = words.next().unwrap_or_default();
                    assert!(
                        time.starts_with("20") && time.ends_with('Z'),
                        "no event of ours: {line}"
                    );
                    assert!(!line.starts_with(FORGED), "{line}");
                }
            }
        }
        let lines = log.lines().filter(|line| line.contains("upload accepted")).count();
        assert!(lines > 10, "{lines} uploads were accepted");

        let listed = server.prints(&["files", "list", "--project", "demopublickey", "--limit", "1000"]);
        let ids: Vec<_> = listed.lines().filter_map(|line| line.split(' ').next()).collect();
        let ids = ids.into_iter().filter(|id| id.len() == 36 && id.contains('-'));
        let mut printed = listed.clone();
        for id in ids.take(12) {
            printed += &server.prints(&["files", "show", id]);
            printed += &server.prints(&["files", "show", "--json", id]);
        }
        for key in ["demopublickey", "pictures", "signed"] {
            for more in [&["--refused"][..], &["--json"], &["--refused", "--json"]] {
                printed += &server.prints(&[&["files", "list", "--project", key], more].concat());
            }
        }
        assert!(printed.contains("forged"), "the words are printed at all");
        for line in printed.split_terminator('\n') {
            assert!(line.chars().all(is_harmless), "{line:?}");
            assert!(!line.starts_with(FORGED), "{line}");
        }
    }
}
