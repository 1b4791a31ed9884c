//! Senders and readers that try to hold a connection for ever, by moving a byte now and then: they are cut off. A slow but steady
//! client is served, and a client that is cut off gets the refusal.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use intake::server::{ServerSettings, serve};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

use crate::support::{Answer, BOUNDARY, Form, Server, connect, read_answer, wait_until};

/// Sends bytes one by one, with this pause before each, until the other end closes.
fn drip(mut stream: TcpStream, bytes: &[u8], pause: Duration) -> Answer {
    let mut writing = stream.try_clone().unwrap();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            for byte in bytes.iter().cycle() {
                std::thread::sleep(pause);
                if writing.write_all(&[*byte]).is_err() {
                    return;
                }
            }
        });
        let answer = read_answer(&mut stream);
        // So that the writer ends too.
        let _gone = stream.shutdown(Shutdown::Both);
        answer.unwrap()
    })
}

fn begin(server: &Server, head: &str) -> TcpStream {
    let mut stream = server.connect();
    stream.write_all(head.as_bytes()).unwrap();
    stream
}

const PAUSE: Duration = Duration::from_millis(20);

#[test]
fn an_upload_that_drips_is_refused_and_leaves_nothing() {
    let variables = [
        ("INTAKE_UPLOAD_API__IDLE_TIMEOUT", "1s"),
        ("INTAKE_UPLOAD_API__MIN_RATE", "10 KB"),
    ];
    let server = Server::start_with("", &variables);
    let form = Form::default().key().file("file", "x", b"x");
    // In the file, in a field behind it, and in the head of a part.
    let in_a_field = format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"tags\"\r\n\r\n");
    for before in ["", &in_a_field, &in_a_field[..40]] {
        let mut stream = begin(
            &server,
            &format!("{}Host: x\r\nContent-Length: 9000000\r\n\r\n", form.head("/base/")),
        );
        let begun = form.unfinished();
        stream.write_all(&begun[..begun.len() - 2]).unwrap();
        if !before.is_empty() {
            stream.write_all(format!("\r\n{before}").as_bytes()).unwrap();
        }
        let answer = drip(stream, b"x", PAUSE);
        let says = "The request took too long. Send at least 10000 bytes a second.";
        assert_eq!((answer.status, answer.text().as_str()), (408, says), "{before:?}");
    }
    wait_until("nothing is left", || server.files().is_empty());
}

#[test]
fn a_slow_upload_above_the_least_rate_is_taken() {
    let variables = [
        ("INTAKE_UPLOAD_API__IDLE_TIMEOUT", "10s"),
        ("INTAKE_UPLOAD_API__MIN_RATE", "500 B"),
    ];
    let server = Server::start_with("", &variables);
    let form = Form::default().key().file("file", "x", &[b'x'; 20_000]);
    let mut stream = server.begin("/base/", &form, 0);
    for piece in form.body().chunks(1000) {
        stream.write_all(piece).unwrap();
        std::thread::sleep(PAUSE);
    }
    assert_eq!(read_answer(&mut stream).unwrap().status, 200);
}

#[test]
fn parameters_have_a_time_that_no_drip_stretches() {
    // No other bound would end a drip here.
    let variables = [
        ("INTAKE_UPLOAD_API__PARAMS_TIMEOUT", "1s"),
        ("INTAKE_UPLOAD_API__MIN_RATE", "0 B"),
    ];
    let server = Server::start_with("", &variables);
    let form = format!("multipart/form-data; boundary={BOUNDARY}");
    let urlencoded = "application/x-www-form-urlencoded";
    let paths = [
        "/from_url/",
        "/from_url/status/",
        "/group/",
        "/multipart/start/",
        "/multipart/complete/",
    ];
    let requests = paths.map(|path| [(path, urlencoded), (path, form.as_str())]);
    std::thread::scope(|scope| {
        for (path, kind) in requests.into_iter().flatten() {
            let server = &server;
            scope.spawn(move || {
                let head = format!(
                    "POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: {kind}\r\nContent-Length: 100000\r\n\r\n"
                );
                let answer = drip(begin(server, &head), b"x=y&", PAUSE);
                assert_eq!(
                    (answer.status, answer.text().as_str()),
                    (408, "The request took too long."),
                    "{path}, {kind}"
                );
            });
        }
    });
}

#[test]
fn tiny_chunks_are_refused_if_they_come_fast_and_taken_if_they_come_slowly() {
    let server = Server::start();
    let form = Form::default().key().file("file", "x", &vec![b'x'; 20_000]);
    let head = format!("{}Host: x\r\nTransfer-Encoding: chunked\r\n\r\n", form.head("/base/"));
    let chunked = |size: usize| {
        let body = form.body();
        let chunks = body.chunks(size);
        let chunks = chunks.map(|chunk| [format!("{:x}\r\n", chunk.len()).as_bytes(), chunk, b"\r\n"].concat());
        chunks.chain([b"0\r\n\r\n".to_vec()]).collect::<Vec<_>>()
    };
    for (size, status) in [(1, 400), (8, 200), (4096, 200)] {
        let mut stream = begin(&server, &head);
        // A refusal may come before the end.
        let _sent = stream.write_all(&chunked(size).concat());
        let answer = read_answer(&mut stream).unwrap();
        assert_eq!(answer.status, status, "chunks of {size} bytes: {}", answer.text());
        if status == 400 {
            let says =
                "HTTP POST request parsing failed. The body comes in chunks of less than 32 bytes; send larger ones.";
            assert_eq!(answer.text(), says);
        }
    }
    // A sender that flushes each word: a hundred of them in two seconds.
    let mut stream = begin(&server, &head);
    let (mut words, rest) = (chunked(8), chunked(4096));
    words.truncate(100);
    let sent: usize = 8 * words.len();
    for word in &words {
        stream.write_all(word).unwrap();
        std::thread::sleep(PAUSE);
    }
    let left = form.body().split_off(sent);
    stream.write_all(format!("{:x}\r\n", left.len()).as_bytes()).unwrap();
    stream.write_all(&left).unwrap();
    stream.write_all(b"\r\n").unwrap();
    stream.write_all(rest.last().unwrap()).unwrap();
    assert_eq!(read_answer(&mut stream).unwrap().status, 200);
}

#[test]
fn requests_whose_answers_are_not_read_end_their_connection() {
    let variables = [("INTAKE_SERVER__WRITE_TIMEOUT", "500ms")];
    let server = Server::start_with("", &variables);
    let mut stream = server.connect();
    let many = "GET /info/ HTTP/1.1\r\nHost: x\r\n\r\n".repeat(1000);
    // More than all buffers hold: the write ends because the connection does.
    let ended = (0..10_000).find_map(|_| stream.write_all(many.as_bytes()).err());
    let ended = ended.expect("it could have gone on for ever").kind();
    let is_end = matches!(ended, ErrorKind::ConnectionReset | ErrorKind::BrokenPipe);
    assert!(is_end, "{ended}: the connection was not ended");
    assert_eq!(server.get("/info/").status, 403, "others are served");
}

/// A server with a large answer, which a client must read at a minimum rate.
fn large(size: usize) -> (Runtime, String) {
    let runtime = Runtime::new().unwrap();
    let address = runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let app = Router::new().route("/", get(move || async move { vec![b'x'; size] }));
        let bounds = ServerSettings::default().with(|settings| {
            settings.write_timeout = Duration::from_secs(1);
            settings.min_rate = 100_000;
        });
        tokio::spawn(async move { serve(listener, app, &bounds, std::future::pending()).await });
        address
    });
    (runtime, address)
}

/// Reads this number of bytes after each pause, to the end of the connection. Returns how many arrived.
fn read_slowly(address: &str, bytes: usize, pause: Duration) -> usize {
    let mut stream = connect(address);
    stream
        .write_all(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        .unwrap();
    let (mut piece, mut all) = (vec![0; bytes], 0);
    loop {
        std::thread::sleep(pause);
        match stream.read(&mut piece) {
            Ok(0) | Err(_) => return all,
            Ok(read) => all += read,
        }
    }
}

#[test]
fn a_reader_that_drips_is_not_written_to_for_ever_and_a_slow_one_gets_all() {
    // More than the buffers of both ends hold.
    const SIZE: usize = 32 << 20;
    let (_runtime, address) = large(SIZE);
    let all = read_slowly(&address, 256 << 10, Duration::from_millis(10));
    assert!(all > SIZE, "a slow reader got {all} bytes of {SIZE}");
    // It reads a byte at a time until the connection ends, and then the rest in its own buffer.
    let mut stream = connect(&address);
    stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    for _ in 0..100 {
        std::thread::sleep(PAUSE);
        if stream.read(&mut [0]).is_err() {
            break;
        }
    }
    let mut rest = Vec::new();
    let _reset = stream.read_to_end(&mut rest);
    assert!(rest.len() < SIZE / 2, "a reader that drips got {} bytes", rest.len());
}

#[test]
fn a_sender_of_more_than_is_drained_gets_the_refusal() {
    let variables = [
        ("INTAKE_UPLOAD_API__MAX_DIRECT_SIZE", "1 MiB"),
        ("INTAKE_UPLOAD_API__DRAIN_SIZE", "64 KiB"),
    ];
    let server = Server::start_with("", &variables);
    let form = Form::default().key().file("file", "a.bin", &vec![7; 16 << 20]);
    for _ in 0..10 {
        let mut stream = server.begin("/base/", &form, 0);
        // It reads only after it has sent all.
        stream.write_all(&form.body()).unwrap();
        let answer = read_answer(&mut stream).unwrap();
        assert_eq!(answer.status, 413, "{}", answer.text());
    }
    // The server does not drain a request for ever.
    let server = Server::start_with(
        "",
        &[variables[0], variables[1], ("INTAKE_SERVER__LINGER_TIMEOUT", "500ms")],
    );
    let mut stream = begin(
        &server,
        &format!(
            "{}Host: x\r\nContent-Length: 9000000000000\r\n\r\n",
            form.head("/base/")
        ),
    );
    let piece = vec![7; 1 << 20];
    let sent = (0..1 << 20).take_while(|_| stream.write_all(&piece).is_ok()).count();
    assert!(sent < 1 << 20, "it could have gone on for ever");
}

#[test]
fn a_client_that_closes_its_sending_side_is_always_answered() {
    let server = Server::start();
    let form = Form::default().key().file("file", "a.txt", b"hello");
    let post = |path: &str, body: &str| {
        let length = body.len();
        format!("POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n{body}")
    };
    let upload = format!(
        "{}Host: x\r\nContent-Length: {}\r\n\r\n{}",
        form.head("/base/"),
        form.body().len(),
        String::from_utf8_lossy(&form.body())
    );
    let start = "UPLOADCARE_PUB_KEY=demopublickey&filename=a&size=11000000&content_type=a%2Fb";
    for (request, status) in [
        ("GET /info/ HTTP/1.1\r\nHost: x\r\n\r\n".to_owned(), 403),
        ("GET /info/ HTTP/1.0\r\n\r\n".to_owned(), 403),
        (post("/group/", "pub_key=demopublickey"), 400),
        (post("/multipart/start/", start), 200),
        (upload, 200),
    ] {
        let mut stream = server.connect();
        stream.write_all(request.as_bytes()).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        let answer = read_answer(&mut stream).unwrap();
        assert_eq!(answer.status, status, "{request}: {}", answer.text());
    }
}
