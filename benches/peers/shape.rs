//! How each server is asked to take a file: a form, a PUT, or the creation of a tus upload with its bytes.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::support::{BOUNDARY, Form, PATIENCE, connect, read_answer};

/// The way in.
#[derive(Clone, Copy)]
pub enum Shape {
    /// A form as Intake's clients send it. The bare servers get the same, and keep it as it is.
    Form,
    /// A form for miniserve.
    Miniserve,
    Put,
    Tus,
}

/// A request without the content of its file.
pub struct Request {
    /// What the sender calls the file.
    pub name: String,
    pub head: String,
    /// What stands before the content and behind it in the body.
    pub before: Vec<u8>,
    pub after: Vec<u8>,
}

impl Shape {
    /// A request for a new file of this size.
    pub fn request(self, size: usize) -> Request {
        // Most peers replace a file that is sent again by its name.
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let name = format!("f{:012}.bin", NUMBER.fetch_add(1, Ordering::Relaxed));
        let form = |form: Form, path: &str| {
            let (start, head) = (form.unfinished(), form.head(path));
            // Without the last line end of its empty file: what follows is the file's content.
            let before = start[..start.len() - 2].to_vec();
            (head, before, format!("\r\n--{BOUNDARY}--\r\n").into_bytes())
        };
        let none = || (Vec::new(), Vec::new());
        let (head, before, after) = match self {
            Self::Form => form(Form::default().key().file("file", &name, b""), "/base/"),
            Self::Miniserve => form(Form::default().file("path", &name, b""), "/upload?path=/"),
            Self::Put => {
                let (before, after) = none();
                (format!("PUT /{name} HTTP/1.1\r\n"), before, after)
            }
            Self::Tus => {
                let (before, after) = none();
                let head = format!(
                    "POST /files HTTP/1.1\r\nTus-Resumable: 1.0.0\r\nUpload-Length: {size}\r\n\
                     Content-Type: application/offset+octet-stream\r\n"
                );
                (head, before, after)
            }
        };
        let length = before.len() + size + after.len();
        Request {
            name,
            head: format!("{head}Host: x\r\nContent-Length: {length}\r\n\r\n"),
            before,
            after,
        }
    }

    /// A whole request, written out; the name of its file.
    pub fn write(self, content: &[u8], to: &mut Vec<u8>) -> String {
        let request = self.request(content.len());
        for part in [request.head.as_bytes(), &request.before, content, &request.after] {
            to.extend_from_slice(part);
        }
        request.name
    }

    /// Sends one file that repeats this piece, on a connection of its own. The name of the file, and the answer.
    pub fn send_large(self, address: &str, piece: &[u8], times: usize) -> io::Result<(String, Vec<u8>)> {
        let request = self.request(piece.len() * times);
        let mut stream = connect(address);
        stream.set_nodelay(true)?;
        stream.write_all(request.head.as_bytes())?;
        stream.write_all(&request.before)?;
        for _ in 0..times {
            stream.write_all(piece)?;
        }
        stream.write_all(&request.after)?;
        let (answer, _) = good(&mut stream)?;
        Ok((request.name, answer))
    }
}

/// One client with a connection that it keeps.
pub struct Sender<'a> {
    address: &'a str,
    stream: Option<TcpStream>,
}

impl<'a> Sender<'a> {
    pub fn new(address: &'a str) -> Self {
        Self { address, stream: None }
    }

    /// Sends a request, and reads an answer that has to be good.
    pub fn ask(&mut self, request: &[u8]) -> io::Result<Vec<u8>> {
        let stream = self.connected()?;
        stream.write_all(request)?;
        let (body, closes) = good(stream)?;
        if closes {
            self.stream = None;
        }
        Ok(body)
    }

    /// Sends a request for a file of this size, and reads the answer into the buffer, piece by piece: a reader that costs little,
    /// because it runs on the same processors as the server.
    pub fn fetch(&mut self, request: &[u8], size: usize, buffer: &mut [u8]) -> io::Result<()> {
        let stream = self.connected()?;
        stream.write_all(request)?;
        let head = read_head(stream, buffer)?;
        let mut filled = head.read - head.length;
        let text = String::from_utf8_lossy(&buffer[..head.length]).to_lowercase();
        if !text.starts_with("http/1.1 200 ") || !text.contains(&format!("\r\ncontent-length: {size}\r\n")) {
            return Err(io::Error::other(format!("another answer: {text}")));
        }
        while filled < size {
            match stream.read(buffer)? {
                0 => return Err(io::Error::other(format!("it ended after {filled} bytes"))),
                read => filled += read,
            }
        }
        Ok(())
    }

    fn connected(&mut self) -> io::Result<&mut TcpStream> {
        if self.stream.is_none() {
            let stream = TcpStream::connect(self.address)?;
            stream.set_nodelay(true)?;
            stream.set_read_timeout(Some(PATIENCE))?;
            stream.set_write_timeout(Some(PATIENCE))?;
            self.stream = Some(stream);
        }
        self.stream.as_mut().ok_or_else(|| io::Error::other("not connected"))
    }
}

struct Head {
    /// Bytes of the head, and bytes that were read so far.
    length: usize,
    read: usize,
}

fn read_head(stream: &mut TcpStream, buffer: &mut [u8]) -> io::Result<Head> {
    let mut read = 0;
    loop {
        match stream.read(&mut buffer[read..])? {
            0 => return Err(io::Error::other("no answer")),
            more => read += more,
        }
        if let Some(at) = buffer[..read].windows(4).position(|four| four == b"\r\n\r\n") {
            return Ok(Head { length: at + 4, read });
        }
    }
}

/// The body of a good answer, and whether the server closes the connection behind it.
fn good(stream: &mut TcpStream) -> io::Result<(Vec<u8>, bool)> {
    let answer = read_answer(stream)?;
    match answer.status {
        // miniserve sends its clients on.
        200..=303 => {
            let closes = answer.header("connection") == Some("close");
            Ok((answer.body, closes))
        }
        status => Err(io::Error::other(format!("{status}: {}", answer.text()))),
    }
}
