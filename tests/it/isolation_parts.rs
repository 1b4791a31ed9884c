//! Parts that are sent twice, by senders that hang, send other bytes, or reach another process: the last committed one is in the
//! file, unmixed, and no request waits for the others.

use std::fs;
use std::io::Write;
use std::net::TcpStream;
use std::process::Command;
use std::time::{Duration, Instant};

use intake::core::testkit::noise;

use crate::support::{
    self, Answer, Begun, COMPLETE, INTAKE, PART, Server, completing, connect, listening, read_answer, wait_until,
};

/// Far less than the half minute after which a silent sender is cut off.
const AT_ONCE: Duration = Duration::from_secs(15);

/// The head of a request that sends a part, and half of its bytes.
fn send_half(address: &str, path: &str, bytes: &[u8]) -> TcpStream {
    let mut stream = connect(address);
    let head = format!(
        "PUT {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n",
        bytes.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(&bytes[..bytes.len() / 2]).unwrap();
    stream
}

fn send_rest(mut stream: TcpStream, bytes: &[u8]) -> Answer {
    stream.write_all(&bytes[bytes.len() / 2..]).unwrap();
    read_answer(&mut stream).unwrap()
}

/// The answer to a sender that was cut off. `None`: its connection was closed.
fn answered(mut stream: TcpStream) -> Option<u16> {
    // The server may not read the bytes that it still sends.
    let _sent = stream.write_all(b"more");
    let answer = read_answer(&mut stream).ok()?;
    Some(answer.status)
}

/// Sends every part but the first, which is for the test.
fn put_others(server: &Server, begun: &Begun, whole: &[u8]) {
    for (path, part) in begun.parts.iter().zip(whole.chunks(PART)).skip(1) {
        assert_eq!(server.put_part(path, part).status, 200);
    }
}

fn completes_at_once(server: &Server, begun: &Begun, whole: &[u8]) {
    let began = Instant::now();
    let answer = server.complete(&begun.uuid);
    assert_eq!(answer.json()["uuid"], *begun.uuid, "{}", answer.text());
    assert!(began.elapsed() < AT_ONCE, "it took {:?}", began.elapsed());
    is_whole(server, begun, whole);
}

fn is_whole(server: &Server, begun: &Begun, whole: &[u8]) {
    let files = server.files();
    assert!(files.len() == 1 && files[0].ends_with(&begun.uuid), "{files:?}");
    let read = fs::read(&files[0]).unwrap();
    let differs = read.iter().zip(whole).position(|(is, expected)| is != expected);
    assert!(
        read == whole,
        "{} bytes, the first other one is {differs:?}",
        read.len()
    );
}

/// The bytes of an upload of two parts and a bit, and others for its first part.
fn bytes() -> (Vec<u8>, Vec<u8>) {
    (noise(1, 2 * PART + 100_000).to_vec(), noise(2, PART).to_vec())
}

fn has_begun(server: &Server, ending: &str) -> bool {
    server
        .files()
        .iter()
        .any(|path| path.to_str().unwrap().ends_with(ending))
}

#[test]
fn an_attempt_that_hangs_keeps_neither_the_next_one_waiting_nor_the_end() {
    // It has the only permit.
    let server = Server::start_with("", &[("INTAKE_UPLOAD_API__MAX_UPLOADS", "1")]);
    let (whole, other) = bytes();
    let begun = server.begin_parts(whole.len());
    let hung = send_half(&server.address, &begun.parts[0], &other);
    wait_until("its bytes are written", || has_begun(&server, ".parts"));
    let began = Instant::now();
    assert_eq!(server.put_part(&begun.parts[0], &whole[..PART]).status, 200);
    assert!(began.elapsed() < AT_ONCE, "the next attempt took {:?}", began.elapsed());
    put_others(&server, &begun, &whole);
    completes_at_once(&server, &begun, &whole);
    let told = answered(hung);
    assert!(matches!(told, None | Some(409)), "{told:?}");
    is_whole(&server, &begun, &whole);
}

#[test]
fn a_part_that_is_sent_again_when_all_are_there_does_not_hold_up_the_end() {
    // A refused sender may send on for a while before it gets the answer.
    let server = Server::start_with("", &[("INTAKE_UPLOAD_API__DRAIN_TIMEOUT", "1s")]);
    let (whole, other) = bytes();
    let begun = server.begin_parts(whole.len());
    assert_eq!(server.put_part(&begun.parts[0], &whole[..PART]).status, 200);
    put_others(&server, &begun, &whole);
    let hung = send_half(&server.address, &begun.parts[0], &other);
    wait_until("its bytes are written", || has_begun(&server, ".0.part"));
    completes_at_once(&server, &begun, &whole);
    let told = answered(hung);
    assert!(matches!(told, None | Some(404)), "{told:?}");
    is_whole(&server, &begun, &whole);
}

/// Another process on the same folder and records.
struct Neighbour {
    child: std::process::Child,
    address: String,
}

impl Neighbour {
    fn of(server: &Server) -> Self {
        let mut command = Command::new(INTAKE);
        command.args(["serve", "--config"]).arg(server.config_file());
        let (child, address) = listening(command);
        Self { child, address }
    }

    fn put_part(&self, path: &str, bytes: &[u8]) -> Answer {
        support::send(&self.address, &format!("PUT {path} HTTP/1.1\r\n"), bytes)
    }
}

impl Drop for Neighbour {
    fn drop(&mut self) {
        let _dead = self.child.kill();
        let _dead = self.child.wait();
    }
}

#[test]
fn of_two_senders_of_a_part_the_one_answered_last_wins_unmixed() {
    let server = Server::start();
    let neighbour = Neighbour::of(&server);
    let (whole, other) = bytes();
    let mut with_other = whole.clone();
    with_other[..PART].copy_from_slice(&other);
    for (slow, fast, expected) in [
        (&whole[..PART], &other[..], &whole),
        (&other[..], &whole[..PART], &with_other),
    ] {
        let begun = server.begin_parts(whole.len());
        let slow_sender = send_half(&server.address, &begun.parts[0], slow);
        wait_until("it has begun", || has_begun(&server, ".parts"));
        let by_fast = neighbour.put_part(&begun.parts[0], fast);
        let by_slow = send_rest(slow_sender, slow);
        assert_eq!((by_fast.status, by_slow.status), (200, 200), "{}", by_slow.text());
        assert_ne!(by_fast.header("etag").unwrap(), by_slow.header("etag").unwrap());
        put_others(&server, &begun, &whole);
        completes_at_once(&server, &begun, expected);
        let deleted = server.files().remove(0);
        fs::remove_file(deleted).unwrap();
    }
}

#[test]
fn an_attempt_that_hangs_in_another_process_holds_up_no_other_and_changes_nothing() {
    let server = Server::start();
    let neighbour = Neighbour::of(&server);
    let (whole, other) = bytes();
    let begun = server.begin_parts(whole.len());
    let hung = send_half(&neighbour.address, &begun.parts[0], &other);
    wait_until("its bytes are written", || has_begun(&server, ".parts"));
    assert_eq!(server.put_part(&begun.parts[0], &whole[..PART]).status, 200);
    put_others(&server, &begun, &whole);
    completes_at_once(&server, &begun, &whole);
    let late = send_rest(hung, &other);
    assert_eq!(late.status, 404, "{}", late.text());
    is_whole(&server, &begun, &whole);
}

#[test]
fn in_one_process_the_older_of_two_senders_is_told_that_the_part_came_again() {
    let server = Server::start();
    let (whole, other) = bytes();
    let begun = server.begin_parts(whole.len());
    let mut older = send_half(&server.address, &begun.parts[0], &other);
    wait_until("it has begun", || has_begun(&server, ".parts"));
    let began = Instant::now();
    let newer = send_half(&server.address, &begun.parts[0], &whole[..PART]);
    let told = read_answer(&mut older).unwrap();
    assert!(began.elapsed() < AT_ONCE, "it was told after {:?}", began.elapsed());
    assert_eq!(told.status, 409, "{}", told.text());
    assert_eq!(send_rest(newer, &whole[..PART]).status, 200);
    put_others(&server, &begun, &whole);
    completes_at_once(&server, &begun, &whole);
}

#[test]
fn an_upload_that_was_only_begun_has_nothing_on_the_disk() {
    let server = Server::start();
    for _ in 0..10 {
        server.begin_parts(2 * PART);
    }
    assert!(server.files().is_empty(), "{:?}", server.files());
}

#[test]
fn a_part_whose_first_byte_arrives_after_its_upload_ended_leaves_nothing() {
    let variables = [
        ("INTAKE_RECEIVE__MULTIPART_TTL", "1s"),
        ("INTAKE_SERVER__SWEEP_INTERVAL", "100ms"),
    ];
    let server = Server::start_with("", &variables);
    let begun = server.begin_parts(2 * PART);
    let mut late = server.connect();
    let head = format!(
        "PUT {} HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\n",
        begun.parts[0]
    );
    late.write_all(head.as_bytes()).unwrap();
    wait_until("its time is over", || {
        server.complete(&begun.uuid).json()["error"]["error_code"] == "MultipartFileNotFoundError"
    });
    late.write_all(b"late").unwrap();
    let told = read_answer(&mut late).unwrap();
    assert_eq!(told.status, 404, "{}", told.text());
    assert!(server.files().is_empty(), "{:?}", server.files());
}

#[test]
fn a_part_that_was_acknowledged_outlives_a_kill_and_an_attempt_that_broke_off() {
    let mut server = Server::start();
    let (whole, other) = bytes();
    let begun = server.begin_parts(whole.len());
    assert_eq!(server.put_part(&begun.parts[0], &other).status, 200);
    assert_eq!(server.put_part(&begun.parts[1], &whole[PART..2 * PART]).status, 200);
    // The last acknowledged one, and one of which half is sent when the process is killed.
    assert_eq!(server.put_part(&begun.parts[0], &whole[..PART]).status, 200);
    let _sending = send_half(&server.address, &begun.parts[0], &other);
    let has_begun = || {
        let list = server
            .files()
            .into_iter()
            .find(|path| path.extension().is_some_and(|it| it == "list"));
        list.is_some_and(|list| fs::read_to_string(list).unwrap().ends_with("\n1 + ."))
    };
    wait_until("it has begun", has_begun);
    server = server.restart_after_kill(&[]);
    let missing = server.complete(&begun.uuid).json();
    assert_eq!(
        missing["error"]["error_code"], "MultipartUploadSizeTooSmallError",
        "{missing}"
    );
    assert_eq!(server.put_part(&begun.parts[2], &whole[2 * PART..]).status, 200);
    completes_at_once(&server, &begun, &whole);
}

#[test]
fn a_kill_while_parts_that_came_again_are_put_together_costs_nothing() {
    const SOON: &[(&str, &str)] = &[
        ("INTAKE_RECEIVE__LEASE", "1s"),
        ("INTAKE_SERVER__RECOVERY_INTERVAL", "100ms"),
    ];
    type Moment = (&'static str, fn(&Server) -> bool);
    /// Parts of each upload.
    const COUNT: usize = 6;

    let whole = noise(3, COUNT * PART);
    let mut server = Server::start_with("", SOON);
    // Killed at once, amid the work, and just after its end.
    let moments: [Moment; 3] = [
        ("it was asked", |_| true),
        ("parts are at their places", |server| {
            let list = server
                .files()
                .into_iter()
                .find(|path| path.extension().is_some_and(|it| it == "list"));
            list.is_none_or(|list| fs::read_to_string(list).unwrap_or_default().lines().count() > 3 * COUNT + 1)
        }),
        ("the file has its name", |server| {
            server.files().iter().any(|path| path.extension().is_none())
        }),
    ];
    for (what, moment) in moments {
        let begun = server.begin_parts(whole.len());
        for seed in [4, 3] {
            let bytes = noise(seed, COUNT * PART);
            for (path, part) in begun.parts.iter().zip(bytes.chunks(PART)) {
                assert_eq!(server.put_part(path, part).status, 200);
            }
        }
        let mut completing_it = server.connect();
        let body = completing(&begun.uuid);
        let head = format!("{COMPLETE}Host: x\r\nContent-Length: {}\r\n\r\n", body.len());
        completing_it.write_all((head + &body).as_bytes()).unwrap();
        wait_until(what, || moment(&server));
        server = server.restart_after_kill(SOON);
        let answer = server.complete(&begun.uuid);
        assert_eq!(answer.json()["uuid"], *begun.uuid, "{what}: {}", answer.text());
        is_whole(&server, &begun, &whole);
        fs::remove_file(server.files().remove(0)).unwrap();
    }
}
