//! Files are given out by the program: to curl, to a client that resumes, under addresses that the official library signs.

use std::net::TcpListener;
use std::path::Path;
use std::process::Command;

use intake_core::testkit::noise;
use serde_json::json;

use crate::clients::{python, run};
use crate::support::{Server, connect, send};

/// Runs curl, and returns what it prints.
fn curl(arguments: &[&str]) -> String {
    let output = Command::new("curl")
        .args(["-sS", "--noproxy", "*"])
        .args(arguments)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

fn delivering() -> Server {
    Server::start_with("\n[delivery]\n", &[])
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn without_its_section_no_file_is_given_out() {
    let server = Server::start();
    let id = server.upload("x.txt", b"words");
    let answer = server.get(&format!("/{id}/"));
    assert_ne!(answer.status, 200);
    assert!(!answer.text().contains("words"));
}

#[test]
fn curl_gets_a_file_whole_in_part_and_from_where_it_broke_off() {
    let server = delivering();
    let content = noise(1, 1_500_000);
    let id = server.upload("noise.bin", &content);
    let url = format!("{}/{id}/", server.url().trim_end_matches('/'));
    let file = server.dir.path().join("saved");
    let saved = || std::fs::read(&file).unwrap();

    curl(&["-o", text(&file), &url]);
    assert!(saved() == content);
    std::fs::write(&file, &content[..700_001]).unwrap();
    curl(&["-C", "-", "-o", text(&file), &url]);
    assert!(saved() == content, "the rest was added");
    curl(&["-r", "-5", "-o", text(&file), &url]);
    assert_eq!(saved(), content[content.len() - 5..]);
    curl(&["-r", "1000-1999", "-o", text(&file), &url]);
    assert_eq!(saved(), content[1000..2000]);
    curl(&["--compressed", "-o", text(&file), &url]);
    assert!(saved() == content);
    let several = curl(&[
        "-r",
        "0-1,1400000-1400001",
        "-o",
        text(&file),
        "-w",
        "%{http_code} %{content_type}",
        &url,
    ]);
    assert!(several.starts_with("206 multipart/byteranges; boundary="), "{several}");
}

#[test]
fn a_connection_goes_on_after_answers_without_a_body() {
    let server = delivering();
    let id = server.upload("x.txt", b"words");
    let url = format!("{}/{id}/", server.url().trim_end_matches('/'));
    let status = "%{http_code} %{num_connects}\n";
    let each = ["-o", "/dev/null", "-w", status, url.as_str()];
    let asked: Vec<&str> = [
        &each[..],
        &["--next", "-sS", "--noproxy", "*", "-H", "If-None-Match: *"],
        &each[..],
        &["--next", "-sS", "--noproxy", "*", "-I"],
        &each[..],
        &["--next", "-sS", "--noproxy", "*", "-X", "OPTIONS"],
        &each[..],
        &["--next", "-sS", "--noproxy", "*", "-r", "99-"],
        &each[..],
        &["--next", "-sS", "--noproxy", "*"],
        &each[..],
    ]
    .concat();
    assert_eq!(curl(&asked), "200 1\n304 0\n200 0\n204 0\n416 0\n200 0\n");
    let unchanged = send(
        &server.address,
        &format!("GET /{id}/ HTTP/1.1\r\nHost: x\r\nIf-None-Match: *\r\nConnection: close\r\n\r\n"),
        b"",
    );
    assert_eq!(
        (
            unchanged.status,
            unchanged.header("content-length"),
            unchanged.body.len()
        ),
        (304, None, 0)
    );
}

#[test]
fn uploads_and_files_share_a_listener_or_have_one_each() {
    let shared = delivering();
    let id = shared.upload("x.txt", b"words");
    assert_eq!(shared.get(&format!("/{id}/")).text(), "words");
    assert_eq!(
        shared.get(&format!("/info/?pub_key=demopublickey&file_id={id}")).json()["size"],
        5
    );
    assert_eq!(shared.get("/nothing/").status, 404);

    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let apart = Server::start_with(&format!("\n[delivery]\nlisten = \"{free}\"\n"), &[]);
    let id = apart.upload("x.txt", b"words");
    assert_ne!(apart.get(&format!("/{id}/")).status, 200);
    let ask = |path: &str| {
        send(
            &free.to_string(),
            &format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"),
            b"",
        )
    };
    assert_eq!(ask(&format!("/{id}/")).text(), "words");
    assert_eq!(ask("/base/").status, 404);
    drop(connect(&free.to_string()));
}

#[test]
fn a_wrong_setting_is_refused_with_its_line() {
    let dir = tempfile::tempdir().unwrap();
    let config = crate::support::config(dir.path());
    for (setting, place) in [
        ("allow_origin = \"example.com\"", "allow_origin"),
        ("cahce = \"1h\"", "cahce"),
    ] {
        let file = dir.path().join("intake.toml");
        std::fs::write(&file, format!("{config}\n[delivery]\n{setting}\n")).unwrap();
        let output = Command::new(crate::support::INTAKE)
            .arg("check")
            .arg(&file)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(
            !output.status.success() && said.contains(place) && said.contains("intake.toml:"),
            "{said}"
        );
    }
}

/// A minute of silence as WAV: 8,000 samples a second, of 16 bits, twice.
fn silence() -> Vec<u8> {
    const SECOND: u32 = 8000 * 4;
    let bytes = 60 * SECOND;
    let mut wav = b"RIFF".to_vec();
    wav.extend((36 + bytes).to_le_bytes());
    wav.extend(b"WAVEfmt \x10\0\0\0\x01\0\x02\0\x40\x1f\0\0");
    wav.extend(SECOND.to_le_bytes());
    wav.extend(b"\x04\0\x10\0data");
    wav.extend(bytes.to_le_bytes());
    wav.resize(wav.len() + bytes as usize, 0);
    wav
}

#[test]
fn a_player_in_a_browser_jumps_by_asking_for_a_range() {
    let server = delivering();
    let id = server.upload("silence.wav", &silence());
    let mut command = Command::new("node");
    command
        .arg("tests/clients/web/media.mjs")
        .args([format!("{}{id}/", server.url()), json!({"seek": 45}).to_string()]);
    let seen = run("a player", &mut command);
    assert_eq!(
        (&seen["duration"], &seen["seeked"], &seen["alone"]),
        (&json!(60), &json!(45), &json!(true))
    );
    let ranges = seen["ranges"].as_array().unwrap();
    assert!(
        !ranges.is_empty() && ranges.iter().all(|range| range[0] == 206),
        "{seen}"
    );
}

const PRIVATE: &str = r#"
[delivery]
[[projects]]
public_key = "demopublickey"
delivery = "signed"
delivery_secrets = [{ name = "old", secret = "73636b61736f6b6f" }, { name = "new", secret = { env = "INTAKE_TEST_DELIVERY" } }]
"#;
const NEW: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

#[test]
fn addresses_that_the_official_library_signs_open_private_files() {
    let dir = tempfile::tempdir().unwrap();
    let usual = crate::support::config(dir.path());
    let without = usual
        .lines()
        .filter(|line| !line.trim_start().starts_with("projects ="));
    let config = without.collect::<Vec<_>>().join("\n") + PRIVATE;
    let server = Server::start_in(dir, &config, &[("INTAKE_TEST_DELIVERY", NEW)]);
    let (id, other) = (
        server.upload("x.txt", b"private words"),
        server.upload("y.txt", b"other words"),
    );
    assert_eq!(server.get(&format!("/{id}/")).status, 403);
    let urls = |secret: &str, window: i64| {
        let handles = json!([
            ["acl", id, false],
            ["acl", format!("{id}/"), true],
            ["url", id, false],
            ["url", format!("/{id}/"), false],
            ["url", format!("https://files.example/{id}/"), false]
        ]);
        let options =
            json!({"publicKey": "demopublickey", "deliverySecret": secret, "window": window, "handles": handles});
        let built = python("secure-urls", &server, options)["urls"].clone();
        let built: Vec<String> = serde_json::from_value(built).unwrap();
        assert_eq!(built.len(), 5);
        built
            .into_iter()
            .map(|url| url.strip_prefix("https://files.example").unwrap().to_owned())
    };
    for secret in ["73636b61736f6b6f", NEW] {
        for url in urls(secret, 300) {
            assert_eq!(server.get(&url).text(), "private words", "{url}");
            for wrong in [
                url.replace(&id, &other),
                url.replace("exp=1", "exp=2"),
                url.replace("?token=", "?tok="),
            ] {
                assert_eq!(server.get(&wrong).status, 403, "{wrong}");
            }
            // The path of another file, with the token of this one.
            let token = url.split_once('?').unwrap().1;
            assert_eq!(server.get(&format!("/{other}/?{token}")).status, 403);
        }
    }
    for url in urls(NEW, -60) {
        assert_eq!(server.get(&url).status, 403, "{url}");
    }
    for url in urls("ffffffffffffffff", 300) {
        assert_eq!(server.get(&url).status, 403, "{url}");
    }
}
