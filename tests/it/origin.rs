//! A web server from which files are fetched, with the behavior that a test asks for.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};

use intake::core::testkit::noise;

/// Serves until the test ends.
///
/// | path | answer |
/// | --- | --- |
/// | `/noise/SEED/SIZE/NAME` | this number of bytes |
/// | `/held/SEED/SIZE/NAME` | half of the bytes, and the rest after a call of [`Origin::release`] |
/// | `/release` | nothing, and a call of [`Origin::release`], for a client that knows when |
/// | `/status/CODE` | this status |
/// | `/raw/NAME` | the answer in the file of this name in `plugins/http-source/tests/origins` |
/// | `/packed/HOW` | an answer with this content coding |
/// | `/to/URL` | a redirect to this URL |
/// | `/cut/SEED/SIZE` | half of the declared bytes, and the end of the connection |
/// | `/unsized/SEED/SIZE` | as `held`, without a declared size |
pub struct Origin {
    pub port: u16,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    released: Mutex<bool>,
    changed: Condvar,
    asked: Mutex<HashMap<String, usize>>,
}

impl Shared {
    fn release(&self) {
        *self.released.lock().unwrap() = true;
        self.changed.notify_all();
    }
}

impl Origin {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared: Arc<Shared> = Arc::default();
        let serving = shared.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (stream, shared) = (stream.unwrap(), serving.clone());
                // A client that hangs up early ends only its own thread.
                std::thread::spawn(move || serve(stream, &shared));
            }
        });
        Self { port, shared }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// The setting that allows a server to fetch from this origin, and from no other private address.
    pub fn opened(&self) -> String {
        let port = self.port;
        format!("\n[receive.pull]\nuse = \"http-source\"\nports = [80, 443, {port}]\nopen = [\"127.0.0.1\"]\n")
    }

    /// Sends the rest of everything that is held.
    pub fn release(&self) {
        self.shared.release();
    }

    /// The number of requests for a path.
    pub fn asked(&self, path: &str) -> usize {
        self.shared.asked.lock().unwrap().get(path).copied().unwrap_or_default()
    }

    /// The number of requests.
    pub fn asked_in_all(&self) -> usize {
        self.shared.asked.lock().unwrap().values().sum()
    }
}

fn serve(mut stream: TcpStream, shared: &Shared) -> Option<()> {
    let mut lines = BufReader::new(stream.try_clone().ok()?).lines();
    let path = lines.next()?.ok()?.split(' ').nth(1)?.to_owned();
    while !lines.next()?.ok()?.is_empty() {}
    *shared.asked.lock().unwrap().entry(path.clone()).or_default() += 1;
    let steps: Vec<_> = path.trim_start_matches('/').split('/').collect();
    let number = |at: usize| steps.get(at)?.parse::<usize>().ok();
    let head = |status: &str, more: &str| format!("HTTP/1.1 {status}\r\nConnection: close\r\n{more}\r\n");
    match steps[0] {
        "status" => stream
            .write_all(head(&format!("{} x", steps[1]), "Content-Length: 0\r\n").as_bytes())
            .ok()?,
        "raw" => {
            let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/plugins/http-source/tests/origins/");
            stream
                .write_all(&std::fs::read(format!("{folder}{}", steps[1])).ok()?)
                .ok()?;
        }
        "packed" => {
            let more = format!("Content-Encoding: {}\r\nContent-Length: 1\r\n", steps[1]);
            stream.write_all((head("200 OK", &more) + "x").as_bytes()).ok()?;
        }
        "release" => {
            shared.release();
            stream
                .write_all(head("200 OK", "Content-Length: 0\r\n").as_bytes())
                .ok()?;
        }
        "to" => {
            let to = &path["/to/".len()..];
            let more = format!("Location: {to}\r\nContent-Length: 0\r\n");
            stream.write_all(head("302 Found", &more).as_bytes()).ok()?;
        }
        how => {
            let bytes = noise(number(1)? as u64, number(2)?);
            let length = format!("Content-Type: image/x-noise\r\nContent-Length: {}\r\n", bytes.len());
            let more = if how == "unsized" { "" } else { &length };
            stream.write_all(head("200 OK", more).as_bytes()).ok()?;
            let (first, rest) = bytes.split_at(bytes.len() / 2);
            stream.write_all(first).ok()?;
            if how == "cut" {
                return None;
            }
            if how != "noise" {
                let released = shared.released.lock().unwrap();
                drop(shared.changed.wait_while(released, |released| !*released).unwrap());
            }
            stream.write_all(rest).ok()?;
        }
    }
    Some(())
}
