//! Eight ways to be a burden. Each begins anew when its connection has ended.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::Ordering;
use std::time::Duration;

use socket2::SockRef;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::sleep;

use super::honest::info;
use super::{Tally, connect, pause, random};
use crate::support::{BOUNDARY, Form};

/// The pause before each byte of a drip: far more often than silence is bounded, far more slowly than any least rate.
const DRIP: Duration = Duration::from_secs(1);

/// Bytes that the system takes from a hostile connection before the server does. Behind the loopback they lie in the server's own
/// memory, where those of a stranger never do, and the system's bound for all of TCP would slow down everybody.
const UNSENT: usize = 32 * 1024;

/// A way to be a burden.
#[derive(Clone, Copy, Debug)]
pub enum Way {
    Silent,
    Head,
    Body,
    Params,
    Unread,
    Chunks,
    HangUp,
    Files,
}

impl Way {
    pub const ALL: [Self; 8] = [
        Self::Silent,
        Self::Head,
        Self::Body,
        Self::Params,
        Self::Unread,
        Self::Chunks,
        Self::HangUp,
        Self::Files,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Silent => "nothing is said",
            Self::Head => "the head drips",
            Self::Body => "the body of an upload drips",
            Self::Params => "parameters drip",
            Self::Unread => "answers are never read",
            Self::Chunks => "chunks of one byte",
            Self::HangUp => "hung up at a random byte",
            Self::Files => "20 files of a byte, and no end",
        }
    }

    /// Goes on until the connection has ended. Answers with what the server said, as far as it was read.
    async fn burden(self, stream: TcpStream, file: &str) -> Vec<u8> {
        const MUCH: usize = 9_000_000;
        let announced = |head: &str| format!("{head}Host: x\r\nContent-Length: {MUCH}\r\n\r\n").into_bytes();
        match self {
            Self::Silent => drip(stream, b"", b"").await,
            Self::Head => drip(stream, b"", b"GET /info/?pub_key=demopublickey HTTP/1.1\r\n").await,
            Self::Body => {
                let form = Form::default().key().file("file", "x.bin", b"x");
                let begun = form.unfinished();
                let start = [&announced(&form.head("/base/")), &begun[..begun.len() - 2]].concat();
                drip(stream, &start, b"x").await
            }
            Self::Params => {
                let head = "POST /from_url/status/ HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded\r\n";
                drip(stream, &announced(head), b"x=y&").await
            }
            Self::Files => {
                let form = (0..20).fold(Form::default(), |form, _| form.file("file", "x.bin", b"x"));
                drip(
                    stream,
                    &[&announced(&form.head("/base/")), form.unfinished()].concat(),
                    b"",
                )
                .await
            }
            Self::Unread => {
                let request = format!("{}Host: x\r\n\r\n", info(file)).repeat(100);
                let mut stream = stream;
                while stream.write_all(request.as_bytes()).await.is_ok() {}
                Vec::new()
            }
            Self::Chunks => {
                let head = format!(
                    "{}Host: x\r\nTransfer-Encoding: chunked\r\n\r\n",
                    Form::default().head("/base/")
                );
                let start =
                    format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"f\"; filename=\"x\"\r\n\r\n");
                let start = format!("{head}{:x}\r\n{start}\r\n", start.len());
                chunks(stream, start.as_bytes()).await
            }
            Self::HangUp => {
                let form = Form::default().key().file("file", "x.bin", &[b'x'; 64 << 10]);
                let body = form.body();
                let head = format!(
                    "{}Host: x\r\nContent-Length: {}\r\n\r\n",
                    form.head("/base/"),
                    body.len()
                );
                hang_up(stream, &[head.as_bytes(), &body].concat()).await;
                Vec::new()
            }
        }
    }
}

/// Is a burden in this way for as long as the process runs.
pub async fn for_ever(way: Way, from: Ipv4Addr, to: SocketAddr, file: &str, tally: &Tally) {
    loop {
        match connect(from, to).await {
            Ok(stream) => {
                SockRef::from(&stream).set_send_buffer_size(UNSENT).unwrap();
                tally.opened.fetch_add(1, Ordering::SeqCst);
                tally.open.fetch_add(1, Ordering::SeqCst);
                let said = way.burden(stream, file).await;
                tally.open.fetch_sub(1, Ordering::SeqCst);
                tally.answered(status(&said));
            }
            Err(_) => drop(tally.unopened.fetch_add(1, Ordering::SeqCst)),
        }
        pause().await;
    }
}

/// The status of an answer, or 0.
fn status(answer: &[u8]) -> u16 {
    let line = String::from_utf8_lossy(&answer[..answer.len().min(20)]);
    let status = line.split(' ').nth(1).and_then(|status| status.parse().ok());
    status.unwrap_or(0)
}

/// Reads until the connection ends.
async fn listen(stream: &mut (impl AsyncReadExt + Unpin), said: &mut Vec<u8>) {
    // What was read before an error is there.
    let _reset = stream.read_to_end(said).await;
}

/// Sends this, and then of those, again and again, a byte at a time.
async fn drip(mut stream: TcpStream, start: &[u8], bytes: &[u8]) -> Vec<u8> {
    let mut said = Vec::new();
    if stream.write_all(start).await.is_err() {
        listen(&mut stream, &mut said).await;
        return said;
    }
    let (mut reading, mut writing) = stream.split();
    let dripping = async {
        for byte in bytes.iter().cycle() {
            sleep(DRIP).await;
            if writing.write_all(&[*byte]).await.is_err() {
                break;
            }
        }
        // The other end of the connection says when it has ended.
        std::future::pending::<()>().await;
    };
    tokio::select! {
        () = listen(&mut reading, &mut said) => {}
        () = dripping => {}
    }
    said
}

/// Sends chunks of one byte until it is told something.
async fn chunks(mut stream: TcpStream, start: &[u8]) -> Vec<u8> {
    const CHUNK: &[u8] = b"1\r\nx\r\n";
    let (mut said, many) = (vec![0; 1024], CHUNK.repeat(1000));
    let (mut reading, mut writing) = stream.split();
    let sending = async {
        let mut piece = start;
        while writing.write_all(piece).await.is_ok() {
            piece = &many;
        }
        std::future::pending::<()>().await;
    };
    let read = tokio::select! {
        read = reading.read(&mut said) => read.unwrap_or(0),
        () = sending => 0,
    };
    said.truncate(read);
    said
}

/// Sends some of a request, however little or much, and ends the connection in one of two ways.
async fn hang_up(mut stream: TcpStream, request: &[u8]) {
    let sent = random(request.len() as u64 + 1) as usize;
    let _gone = stream.write_all(&request[..sent]).await;
    if random(2) == 0 {
        // So that it ends with a reset.
        SockRef::from(&stream).set_linger(Some(Duration::ZERO)).unwrap();
    }
}
