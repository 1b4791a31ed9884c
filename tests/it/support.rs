//! Starts the program as an operator does, and speaks HTTP to it byte by byte.

use std::fmt::Write as _;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::Value;
use socket2::{Domain, Socket, Type};
use tempfile::TempDir;

/// The program.
pub const INTAKE: &str = env!("CARGO_BIN_EXE_intake");

/// The longest wait in these tests: an event that takes longer never happens.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A running program with a folder of its own.
pub struct Server {
    pub dir: TempDir,
    pub address: String,
    pub child: Child,
}

/// A configuration like the built-in one, in the folder, on a port that the system chooses.
pub fn config(dir: &Path) -> String {
    let dir = dir.display();
    format!(
        r#"
        projects = [{{ public_key = "demopublickey" }}, {{ public_key = "other" }}, {{ public_key = "strict", autostore = "forbidden" }}]
        [server]
        listen = "127.0.0.1:0"
        admin = "off"
        sweep_interval = "1h"
        [upload_api]
        max_fields = 100
        [store]
        use = "opendal"
        scheme = "fs"
        root = "{dir}/files"
        [record]
        use = "sql"
        url = "sqlite:{dir}/records.db"
        [expire]
        use = "retention"
        temporary = "24h"
        [[scan]]
        use = "image-info"
        "#
    )
}

impl Server {
    /// Starts the program with the usual configuration.
    pub fn start() -> Self {
        Self::start_with("", &[])
    }

    /// Starts the program with more configuration, and variables over it.
    pub fn start_with(more: &str, variables: &[(&str, &str)]) -> Self {
        let dir = TempDir::new().unwrap();
        let config = config(dir.path()) + more;
        Self::start_in(dir, &config, variables)
    }

    /// Starts the program with this configuration alone.
    pub fn start_in(dir: TempDir, config: &str, variables: &[(&str, &str)]) -> Self {
        std::fs::write(dir.path().join("intake.toml"), config).unwrap();
        let (child, address) = spawn(&dir.path().join("intake.toml"), variables);
        Self { dir, address, child }
    }

    /// Kills the program, and starts it again on the same folder.
    pub fn restart_after_kill(mut self, variables: &[(&str, &str)]) -> Self {
        self.kill();
        let (child, address) = spawn(&self.config_file(), variables);
        self.child = child;
        self.address = address;
        self
    }

    pub fn kill(&mut self) {
        // SIGKILL. The process may have ended already.
        let _dead = self.child.kill();
        self.child.wait().unwrap();
    }

    pub fn config_file(&self) -> PathBuf {
        self.dir.path().join("intake.toml")
    }

    pub fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// The files in the store.
    pub fn files(&self) -> Vec<PathBuf> {
        files_below(&self.dir.path().join("files"))
    }

    /// The most memory that the process ever had, in bytes.
    pub fn peak_memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
    }

    pub fn connect(&self) -> TcpStream {
        connect(&self.address)
    }

    /// Sends a request and reads the answer.
    pub fn send(&self, head: &str, body: &[u8]) -> Answer {
        send(&self.address, head, body)
    }

    pub fn get(&self, path: &str) -> Answer {
        self.send(&format!("GET {path} HTTP/1.1\r\n"), b"")
    }

    /// Uploads the parts of a form.
    pub fn post(&self, path: &str, form: &Form) -> Answer {
        self.send(&form.head(path), &form.body())
    }

    /// Sends the head of a request with a form as its body, and this number of bytes of the body.
    pub fn begin(&self, path: &str, form: &Form, sent: usize) -> TcpStream {
        let (mut stream, body) = (self.connect(), form.body());
        let head = format!("{}Host: x\r\nContent-Length: {}\r\n\r\n", form.head(path), body.len());
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(&body[..sent]).unwrap();
        stream
    }

    /// Uploads one file and returns its id.
    pub fn upload(&self, name: &str, content: &[u8]) -> String {
        let answer = self.post("/base/", &Form::default().key().file("file", name, content));
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()["file"].as_str().unwrap().to_owned()
    }

    /// Uploads a file that repeats this piece, in one request, without having it in memory.
    pub fn upload_large(&self, piece: &[u8], times: usize) -> Answer {
        let start = Form::default().key().file("file", "large.bin", b"");
        // The form without the last line end of its empty file: what follows is the file's content.
        let start = &start.unfinished()[..start.unfinished().len() - 2];
        let end = format!("\r\n--{BOUNDARY}--\r\n");
        let length = start.len() + times * piece.len() + end.len();
        let mut stream = self.connect();
        let head = Form::default().head("/base/");
        stream
            .write_all(format!("{head}Host: x\r\nContent-Length: {length}\r\n\r\n").as_bytes())
            .unwrap();
        stream.write_all(start).unwrap();
        for _ in 0..times {
            stream.write_all(piece).unwrap();
        }
        stream.write_all(end.as_bytes()).unwrap();
        read_answer(&mut stream).unwrap()
    }
}

/// A multipart upload that was started.
pub struct Begun {
    pub uuid: String,
    /// The URL of each part, as path and query.
    pub parts: Vec<String>,
}

impl Begun {
    /// Reads the answer.
    pub fn of(started: &Value) -> Self {
        let path = |url: &Value| {
            let url = url.as_str().unwrap();
            url[url.find("/parts/").unwrap()..].to_owned()
        };
        Self {
            uuid: started["uuid"].as_str().unwrap().to_owned(),
            parts: started["parts"].as_array().unwrap().iter().map(path).collect(),
        }
    }
}

/// The part size of most clients.
pub const PART: usize = 5 << 20;

impl Server {
    /// Starts a multipart upload of this number of bytes, in parts of [`PART`].
    pub fn begin_parts(&self, size: usize) -> Begun {
        Begun::of(&self.start_parts(size, PART))
    }

    /// The answer to the start of a multipart upload of this number of bytes.
    pub fn start_parts(&self, size: usize, part: usize) -> Value {
        let body = format!(
            "UPLOADCARE_PUB_KEY=demopublickey&UPLOADCARE_STORE=1&filename=a.bin&size={size}&part_size={part}\
             &content_type=a%2Fb"
        );
        let answer = self.send("POST /multipart/start/ HTTP/1.1\r\n", body.as_bytes());
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()
    }

    pub fn put_part(&self, path: &str, bytes: &[u8]) -> Answer {
        self.send(&format!("PUT {path} HTTP/1.1\r\n"), bytes)
    }

    pub fn complete(&self, uuid: &str) -> Answer {
        send(&self.address, COMPLETE, completing(uuid).as_bytes())
    }
}

/// Calls a function for each number below `count`, with this number of calls at a time.
pub fn in_parallel(count: usize, at_a_time: usize, work: impl Fn(usize) + Sync) {
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..at_a_time {
            scope.spawn(|| {
                loop {
                    match next.fetch_add(1, Ordering::SeqCst) {
                        number if number < count => work(number),
                        _ => break,
                    }
                }
            });
        }
    });
}

pub const COMPLETE: &str = "POST /multipart/complete/?jsonerrors=1 HTTP/1.1\r\n";

pub fn completing(uuid: &str) -> String {
    format!("UPLOADCARE_PUB_KEY=demopublickey&uuid={uuid}")
}

impl Drop for Server {
    fn drop(&mut self) {
        let _dead = self.child.kill();
        let _dead = self.child.wait();
    }
}

fn spawn(config: &Path, variables: &[(&str, &str)]) -> (Child, String) {
    let mut command = Command::new(INTAKE);
    command
        .args(["serve", "--config"])
        .arg(config)
        .envs(variables.iter().copied())
        .env("INTAKE_LOG", "warn,intake_plugin_sql::postgres=error");
    listening(command)
}

/// Starts a program whose first line says where it listens. Returns it, and its host and port.
pub fn listening(mut command: Command) -> (Child, String) {
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let first = lines.next().expect("the program says where it listens").unwrap();
    let address = first
        .split("http://")
        .nth(1)
        .and_then(|rest| rest.split('/').next())
        .expect(&first)
        .to_owned();
    // The rest of its output is read, so that it never waits for a reader.
    std::thread::spawn(move || lines.for_each(drop));
    (child, address)
}

pub fn files_below(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(files_below(&path))
        } else {
            files.push(path)
        }
    }
    files.sort();
    files
}

pub fn connect(address: &str) -> TcpStream {
    with_patience(TcpStream::connect(address).unwrap())
}

/// Connects from this address of this machine.
pub fn connect_from(from: &str, address: &str) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    let from: IpAddr = from.parse().unwrap();
    socket.bind(&SocketAddr::new(from, 0).into()).unwrap();
    let address: SocketAddr = address.parse().unwrap();
    socket.connect(&address.into()).unwrap();
    with_patience(socket.into())
}

fn with_patience(stream: TcpStream) -> TcpStream {
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_write_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// Sends a request line and headers, each with its line end. It adds the headers that HTTP requires.
pub fn send(address: &str, head: &str, body: &[u8]) -> Answer {
    let mut stream = connect(address);
    let length =
        if head.to_lowercase().contains("content-length:") || head.to_lowercase().contains("transfer-encoding:") {
            String::new()
        } else {
            format!("Content-Length: {}\r\n", body.len())
        };
    stream
        .write_all(format!("{head}Host: {address}\r\nConnection: close\r\n{length}\r\n").as_bytes())
        .unwrap();
    // The server may not read a request to its end that it refuses early. The answer is there even then.
    let _sent = stream.write_all(body);
    read_answer(&mut stream).unwrap()
}

/// The answer of the server.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }
}

/// Reads an answer. An answer without a length ends with the connection.
pub fn read_answer(stream: &mut TcpStream) -> io::Result<Answer> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let status = line.split(' ').nth(1).and_then(|status| status.parse().ok());
    let status = status.ok_or_else(|| io::Error::other(format!("no answer, but {line:?}")))?;
    let mut headers = Vec::new();
    loop {
        line.clear();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(": ") else {
            break;
        };
        headers.push((name.to_lowercase(), value.to_owned()));
    }
    let length = headers
        .iter()
        .find(|(name, _)| name == "content-length")
        .and_then(|(_, value)| value.parse().ok());
    let is_chunked = headers.contains(&("transfer-encoding".to_owned(), "chunked".to_owned()));
    let mut body = Vec::new();
    match length {
        None if is_chunked => read_chunks(&mut reader, &mut body)?,
        Some(length) => {
            reader.take(length).read_to_end(&mut body)?;
        }
        None => {
            reader.read_to_end(&mut body)?;
        }
    }
    Ok(Answer { status, headers, body })
}

/// Reads a chunked body. A body that breaks off is an error.
fn read_chunks(reader: &mut impl BufRead, body: &mut Vec<u8>) -> io::Result<()> {
    let mut line = String::new();
    loop {
        line.clear();
        reader.read_line(&mut line)?;
        let size = u64::from_str_radix(line.trim_end(), 16);
        let size = size.map_err(|_| io::Error::other(format!("no chunk, but {line:?}")))?;
        reader.take(size).read_to_end(body)?;
        line.clear();
        reader.read_line(&mut line)?;
        if size == 0 {
            return Ok(());
        }
    }
}

/// A multipart form, written out.
#[derive(Clone, Debug, Default)]
pub struct Form(Vec<u8>);

pub const BOUNDARY: &str = "0123456789abcdef";

impl Form {
    pub fn key(self) -> Self {
        self.field("UPLOADCARE_PUB_KEY", "demopublickey")
    }

    pub fn field(mut self, name: &str, value: &str) -> Self {
        let head = format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
        self.0.extend_from_slice(head.as_bytes());
        self
    }

    pub fn file(self, field: &str, name: &str, content: &[u8]) -> Self {
        self.file_of_type(field, name, "application/octet-stream", content)
    }

    pub fn file_of_type(mut self, field: &str, name: &str, media_type: &str, content: &[u8]) -> Self {
        let mut head =
            format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{field}\"; filename=\"{name}\"\r\n");
        write!(head, "Content-Type: {media_type}\r\n\r\n").unwrap();
        self.0.extend_from_slice(head.as_bytes());
        self.0.extend_from_slice(content);
        self.0.extend_from_slice(b"\r\n");
        self
    }

    pub fn head(&self, path: &str) -> String {
        format!("POST {path} HTTP/1.1\r\nContent-Type: multipart/form-data; boundary={BOUNDARY}\r\n")
    }

    pub fn body(&self) -> Vec<u8> {
        [&self.0[..], format!("--{BOUNDARY}--\r\n").as_bytes()].concat()
    }

    /// The form without its end.
    pub fn unfinished(&self) -> &[u8] {
        &self.0
    }
}

/// Checks a condition again and again until it holds. Fails if it never does.
pub fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = std::time::Instant::now() + PATIENCE;
    while !is_so() {
        assert!(std::time::Instant::now() < deadline, "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
