//! One address gets at most an eighth of each shared limit, and others are served meanwhile.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use crate::origin::Origin;
use crate::support::{Answer, Form, INTAKE, Server, config, connect_from, listening, read_answer, wait_until};

/// The address of a client that takes as much as it can get.
const STRANGER: &str = "127.0.0.1";
/// The address of another client.
const OTHER: &str = "127.0.0.2";
/// The address of a proxy, in tests with one.
const PROXY: &str = "127.0.0.3";

fn send_from(server: &Server, from: &str, head: &str, body: &[u8]) -> Answer {
    let mut stream = connect_from(from, &server.address);
    let head = format!(
        "{head}Host: x\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    let _refused = stream.write_all(body);
    read_answer(&mut stream).unwrap()
}

/// Whether a small upload of another client is accepted.
fn others_are_served(server: &Server) {
    let form = Form::default().key().file("file", "a.txt", b"hello");
    let answer = send_from(server, OTHER, &form.head("/base/"), &form.body());
    assert_eq!(answer.status, 200, "{}", answer.text());
}

/// A client over its share is refused at once.
const AT_ONCE: (&str, &str) = ("INTAKE_UPLOAD_API__QUEUE_TIMEOUT", "0s");

/// A permit that a connection holds, or the status of the refusal.
type Taken = Result<TcpStream, u16>;

/// Sends a request on a connection of its own that stays open.
fn connection(server: &Server, from: &str) -> Taken {
    let mut stream = connect_from(from, &server.address);
    stream.write_all(b"OPTIONS /info/ HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    let answer = read_answer(&mut stream).unwrap();
    match answer.status {
        200 => Ok(stream),
        429 => {
            assert_eq!(answer.header("retry-after"), Some("5"));
            // The request was not read, so the end of the connection may be a reset.
            assert!(matches!(stream.read(&mut [0]), Ok(0) | Err(_)), "it is closed");
            Err(429)
        }
        other => panic!("{other}"),
    }
}

/// Starts a request and sends no byte of its body: the server answers that it expects the body.
fn body_of(server: &Server, from: &str, head: &str) -> Taken {
    let mut stream = connect_from(from, &server.address);
    let head = format!("{head}Host: x\r\nExpect: 100-continue\r\nContent-Length: 100\r\n\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    let mut line = String::new();
    BufReader::new(&stream).read_line(&mut line).unwrap();
    match line.split(' ').nth(1).and_then(|status| status.parse().ok()) {
        Some(100) => Ok(stream),
        Some(status) => Err(status),
        None => panic!("{line:?}"),
    }
}

fn request(server: &Server, from: &str) -> Taken {
    body_of(server, from, "POST /from_url/status/ HTTP/1.1\r\n")
}

fn upload(server: &Server, from: &str) -> Taken {
    body_of(server, from, &Form::default().head("/base/"))
}

#[test]
fn one_address_has_two_of_sixteen_and_others_have_theirs() {
    type Take = fn(&Server, &str) -> Taken;
    let table: [(&str, Take); 3] = [
        ("INTAKE_SERVER__MAX_CONNECTIONS", connection),
        ("INTAKE_UPLOAD_API__MAX_CONCURRENT_REQUESTS", request),
        ("INTAKE_UPLOAD_API__MAX_UPLOADS", upload),
    ];
    for (setting, take) in table {
        let server = Server::start_with("", &[(setting, "16"), AT_ONCE]);
        let mut held: Vec<_> = (0..2).map(|_| take(&server, STRANGER).expect(setting)).collect();
        for _ in 0..20 {
            assert_eq!(take(&server, STRANGER).unwrap_err(), 429, "{setting}");
        }
        // Each of seven others has two of its own.
        let others = (2..9).flat_map(|number| [format!("127.0.0.{number}"), format!("127.0.0.{number}")]);
        let others: Vec<_> = others.map(|from| take(&server, &from)).collect();
        assert!(others.iter().all(Result::is_ok), "{setting}: {others:?}");
        held.pop();
        wait_until("what is given back can be had again", || {
            take(&server, STRANGER).is_ok()
        });
    }
}

#[test]
fn a_client_over_its_share_waits_and_others_do_not() {
    let variables = [
        ("INTAKE_UPLOAD_API__MAX_CONCURRENT_REQUESTS", "16"),
        ("INTAKE_UPLOAD_API__QUEUE_TIMEOUT", "60s"),
    ];
    let server = Server::start_with("", &variables);
    let mut held: Vec<_> = (0..2).map(|_| request(&server, STRANGER).unwrap()).collect();
    std::thread::scope(|scope| {
        let waits = scope.spawn(|| request(&server, STRANGER));
        others_are_served(&server);
        held.pop();
        assert!(waits.join().unwrap().is_ok());
    });
    let variables = [variables[0], ("INTAKE_UPLOAD_API__QUEUE_TIMEOUT", "100ms")];
    let server = Server::start_with("", &variables);
    let _held: Vec<_> = (0..2).map(|_| request(&server, STRANGER).unwrap()).collect();
    assert_eq!(request(&server, STRANGER).unwrap_err(), 429, "its time is over");
}

#[test]
fn connections_of_a_proxy_are_counted_with_all_and_its_clients_have_their_shares_of_requests() {
    let variables = [
        ("INTAKE_SERVER__MAX_CONNECTIONS", "16"),
        ("INTAKE_UPLOAD_API__MAX_CONCURRENT_REQUESTS", "16"),
        ("INTAKE_UPLOAD_API__TRUSTED_PROXIES", "[\"127.0.0.3\"]"),
        AT_ONCE,
    ];
    let server = Server::start_with("", &variables);
    let of_client = |client: &str| {
        let head = format!("POST /from_url/status/ HTTP/1.1\r\nX-Forwarded-For: {client}\r\n");
        body_of(&server, PROXY, &head)
    };
    let _held: Vec<_> = (0..2).map(|_| of_client("192.0.2.1").unwrap()).collect();
    assert_eq!(of_client("192.0.2.1").unwrap_err(), 429);
    let others: Vec<_> = (2..7).map(|number| of_client(&format!("192.0.2.{number}"))).collect();
    assert!(others.iter().all(Result::is_ok), "{others:?}");
    assert!(connection(&server, OTHER).is_ok());
}

fn order_from(server: &Server, from: &str, url: &str) -> Value {
    let body = format!("pub_key=demopublickey&source_url={url}");
    let answer = send_from(server, from, "POST /from_url/ HTTP/1.1\r\n", body.as_bytes());
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()["token"].clone()
}

fn is_fetched(server: &Server, token: &Value) -> bool {
    let path = format!("/from_url/status/?token={}", token.as_str().unwrap());
    let status = server.get(&path).json();
    assert_ne!(status["status"], "error", "{status}");
    status["status"] == "success"
}

#[test]
fn one_address_has_two_of_sixteen_fetches_and_others_go_before_its_next() {
    let origin = Origin::start();
    let server = Server::start_with(&origin.opened(), &[("INTAKE_RECEIVE__MAX_FETCHES", "16")]);
    let held = |number: usize| format!("/held/{number}/1000/a.bin");
    let orders: Vec<_> = (0..6)
        .map(|number| order_from(&server, STRANGER, &origin.url(&held(number))))
        .collect();
    wait_until("two are being fetched", || origin.asked_in_all() == 2);
    for number in 10..15 {
        let order = order_from(&server, OTHER, &origin.url(&format!("/noise/{number}/1000/a.bin")));
        wait_until("it is fetched", || is_fetched(&server, &order));
        let asked: usize = (0..6).map(|number| origin.asked(&held(number))).sum();
        assert_eq!(asked, 2, "of one address so many are fetched");
    }
    origin.release();
    wait_until("all are fetched in the end", || {
        orders.iter().all(|order| is_fetched(&server, order))
    });
}

#[test]
fn one_address_has_an_eighth_of_the_uploads_that_a_project_may_have_unfinished() {
    let server = Server::start();
    let begin = |from: &str| {
        let body = "UPLOADCARE_PUB_KEY=demopublickey&filename=a&size=11000000&content_type=a%2Fb";
        send_from(&server, from, "POST /multipart/start/ HTTP/1.1\r\n", body.as_bytes())
    };
    let statuses: Vec<_> = (0..1000 / 8 + 20).map(|_| begin(STRANGER).status).collect();
    let taken = statuses.iter().take_while(|status| **status == 200).count();
    assert_eq!(taken, 1000 / 8, "{statuses:?}");
    assert!(statuses[taken..].iter().all(|status| *status == 429), "{statuses:?}");
    assert_eq!(begin(OTHER).status, 200);
}

/// Starts the program with bounds that the shell sets.
fn start_bounded(bounds: &str, variables: &[(&str, &str)]) -> Server {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("intake.toml");
    std::fs::write(&file, config(dir.path())).unwrap();
    let mut command = bounded(bounds, "serve", variables);
    command.arg("--config").arg(file).env("INTAKE_LOG", "off");
    let (child, address) = listening(command);
    Server { dir, address, child }
}

/// A command of the program in a shell that first sets bounds.
fn bounded(bounds: &str, command: &str, variables: &[(&str, &str)]) -> Command {
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("{bounds}; exec \"$0\" \"$@\""), INTAKE, command]);
    shell.envs(variables.iter().copied());
    shell
}

/// The number of open files, without those of the database, which stay open for reuse.
fn open_files(server: &Server) -> usize {
    let folder = format!("/proc/{}/fd", server.child.id());
    let names = std::fs::read_dir(folder).unwrap().filter_map(|file| {
        // It may have been closed meanwhile.
        let name = std::fs::read_link(file.ok()?.path()).ok()?;
        Some(name.to_string_lossy().into_owned())
    });
    names.filter(|name| !name.contains("records.db")).count()
}

/// Opens this number of connections of the first client, each of which sends this. Some of them are refused.
fn flood(server: &Server, count: usize, send: impl Fn(usize, &mut TcpStream)) -> Vec<TcpStream> {
    let connections = (0..count).map(|number| {
        let mut stream = connect_from(STRANGER, &server.address);
        send(number, &mut stream);
        stream
    });
    connections.collect()
}

fn begin_form(stream: &mut TcpStream, begun: &[u8]) {
    let head = Form::default().head("/base/");
    let head = format!("{head}Host: x\r\nContent-Length: 99999999\r\n\r\n");
    // The server may not read a refused request to its end.
    let _refused = stream.write_all(&[head.as_bytes(), begun].concat());
}

#[test]
fn one_address_holds_less_than_an_eighth_of_the_open_files() {
    const MOST: usize = 512;
    let server = start_bounded(&format!("ulimit -n {MOST}"), &[]);
    others_are_served(&server);
    let before = open_files(&server);
    let has_given_back = || open_files(&server) <= before;
    // Forms of twenty files of a byte that do not end, and forms of one large file.
    let small = (0..20).fold(Form::default(), |form, number| {
        form.file(&format!("f{number}"), "a", b"x")
    });
    let large = Form::default().file("f", "a", &vec![b'x'; 1 << 20]);
    for (begun, least) in [(&small, 0), (&large, 10)] {
        let kept = server.files().len();
        let held = flood(&server, 100, |_, stream| begin_form(stream, begun.unfinished()));
        wait_until("bytes of several are in the store", || {
            server.files().len() >= kept + least
        });
        wait_until("it has several", || open_files(&server) >= before + 10);
        // Once a later connection is served, all of these were accepted or refused.
        others_are_served(&server);
        let more = open_files(&server) - before;
        println!("{more} open files more than {before}");
        assert!(more <= MOST / 8, "{more} of {MOST}");
        drop(held);
        wait_until("all is given back", has_given_back);
    }
}

#[test]
fn one_address_costs_less_than_an_eighth_of_the_memory() {
    const MEMORY: u64 = 512 << 20;
    let server = start_bounded("true", &[("INTAKE_SERVER__MEMORY", "512 MiB")]);
    others_are_served(&server);
    let before = server.peak_memory();
    // As many parameters as are read, and a file of which much is on its way; or a head that does not end.
    let value = "\u{1f980}".repeat(512);
    let fields = (0..50).fold(Form::default(), |form, number| {
        form.field(&format!("metadata[key{number}]"), &value)
    });
    let form = fields.file("f", "a", &vec![b'x'; 2 << 20]);
    let head = format!("GET / HTTP/1.1\r\nHost: x\r\nX: {}", "x".repeat(120 << 10));
    let held = flood(&server, 300, |number, stream| match number % 2 {
        0 => begin_form(stream, form.unfinished()),
        _ => drop(stream.write_all(head.as_bytes())),
    });
    wait_until("bytes of several are in the store", || server.files().len() > 20);
    others_are_served(&server);
    let cost = server.peak_memory() - before;
    println!(
        "{} connections cost {} KiB beside {} KiB",
        held.len(),
        cost >> 10,
        before >> 10
    );
    assert!(cost < MEMORY / 8, "{} MiB", cost >> 20);
}

#[test]
fn as_many_open_files_are_allowed_as_may_be_from_the_start() {
    let server = start_bounded("ulimit -S -n 128", &[]);
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", server.child.id())).unwrap();
    let line = limits.lines().find(|line| line.starts_with("Max open files")).unwrap();
    let [soft, hard] = [3, 4].map(|at| line.split_whitespace().nth(at).unwrap());
    assert_eq!(soft, hard, "{line}");
}

#[test]
fn check_and_banner_show_the_limits_at_a_time() {
    let table = [
        (
            "ulimit -n 4096",
            "1 GiB",
            "1024 connections, 512 requests, 512 uploads at a time, of one address 128, 64 and 64; 1.0 GiB of memory, 4096 open files",
        ),
        (
            "ulimit -n 512",
            "1 GiB",
            "166 connections, 83 requests, 83 uploads at a time, of one address 20, 10 and 10; 1.0 GiB of memory, 512 open files",
        ),
        (
            "ulimit -n 4096",
            "512 MiB",
            "477 connections, 238 requests, 238 uploads at a time, of one address 59, 29 and 29; 512.0 MiB of memory, 4096 open files",
        ),
    ];
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("intake.toml");
    std::fs::write(&file, config(dir.path())).unwrap();
    for (bounds, memory, expected) in table {
        let variables = [("INTAKE_SERVER__MEMORY", memory)];
        let checked = bounded(bounds, "check", &variables).arg(&file).output().unwrap();
        let said = String::from_utf8_lossy(&[checked.stdout, checked.stderr].concat()).into_owned();
        assert!(
            said.contains(&format!("limits: {expected}\n")),
            "{bounds}, {memory}: {said}"
        );
        let mut serving = bounded(bounds, "serve", &variables);
        serving.arg("--config").arg(&file).stdout(std::process::Stdio::piped());
        let mut child = serving.spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let banner: Vec<_> = lines.take_while(|line| !line.starts_with("Try it:")).collect();
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(banner.contains(&format!("  limits    {expected}")), "{banner:#?}");
    }
}
