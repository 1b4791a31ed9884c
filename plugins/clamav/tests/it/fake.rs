//! A clamd that does what a test tells it to.

use std::io;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

/// What to say to a content.
pub(crate) type Reply = fn(&[u8]) -> Vec<u8>;

/// What the daemon does with a content.
pub(crate) enum Script {
    /// Reads all of it, says what the function says, and hangs up.
    Answer(Reply),
    /// Reads all of it, says this, and neither says more nor hangs up.
    AnswerThenHang(&'static [u8]),
    /// Reads all of it, and says this byte by byte, the first one once it is told to.
    AnswerSlowly(&'static [u8], Arc<Notify>),
    /// Reads its first bytes, says this, and hangs up with the rest unread.
    AnswerEarly(&'static [u8]),
    /// Reads its first bytes, says this, and neither reads more nor hangs up.
    AnswerEarlyThenHang(&'static [u8]),
    /// Reads nothing.
    Deaf,
    /// Never even takes a connection.
    Absent,
}

/// What the daemon noticed.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// The commands, without `z` and NUL.
    pub(crate) commands: Vec<String>,
    /// How long the pieces of all contents were.
    pub(crate) pieces: Vec<usize>,
}

pub(crate) struct FakeClamd {
    pub(crate) address: String,
    pub(crate) seen: Arc<Mutex<Seen>>,
    daemon: JoinHandle<()>,
}

impl FakeClamd {
    pub(crate) async fn start(script: Script) -> Self {
        Self::saying(script, b"PONG\0", b"ClamAV 1.4.6/27800/Sun Nov 22 09:26:00 2026\0").await
    }

    /// Starts one with answers of its own to `PING` and `VERSION`.
    pub(crate) async fn saying(script: Script, ping: &'static [u8], version: &'static [u8]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        let seen = Arc::new(Mutex::new(Seen::default()));
        let shared = (Arc::new(script), seen.clone());
        let daemon = tokio::spawn(async move {
            if matches!(*shared.0, Script::Absent) {
                std::future::pending::<()>().await;
            }
            while let Ok((socket, _)) = listener.accept().await {
                let (script, seen) = shared.clone();
                // A client that goes away is no matter of the daemon's.
                tokio::spawn(async move { serve(socket, &script, &seen, ping, version).await.ok() });
            }
        });
        Self { address, seen, daemon }
    }

    pub(crate) fn count(&self, command: &str) -> usize {
        let seen = self.seen.lock().unwrap();
        seen.commands.iter().filter(|seen| *seen == command).count()
    }

    pub(crate) fn pieces(&self) -> Vec<usize> {
        self.seen.lock().unwrap().pieces.clone()
    }
}

impl Drop for FakeClamd {
    fn drop(&mut self) {
        self.daemon.abort();
    }
}

async fn serve(
    mut socket: TcpStream,
    script: &Script,
    seen: &Mutex<Seen>,
    ping: &[u8],
    version: &[u8],
) -> io::Result<()> {
    let mut command = Vec::new();
    while command.last() != Some(&0) {
        command.push(socket.read_u8().await?);
    }
    let command = String::from_utf8_lossy(&command[1..command.len() - 1]).into_owned();
    seen.lock().unwrap().commands.push(command.clone());
    match (command.as_str(), script) {
        ("PING", _) => socket.write_all(ping).await?,
        ("VERSION", _) => socket.write_all(version).await?,
        ("INSTREAM", Script::Answer(answer)) => {
            let answer = answer(&content(&mut socket, seen).await?);
            socket.write_all(&answer).await?;
        }
        ("INSTREAM", Script::AnswerThenHang(answer)) => {
            content(&mut socket, seen).await?;
            socket.write_all(answer).await?;
            std::future::pending::<()>().await;
        }
        ("INSTREAM", Script::AnswerSlowly(answer, told)) => {
            content(&mut socket, seen).await?;
            told.notified().await;
            for byte in *answer {
                socket.write_u8(*byte).await?;
                tokio::task::yield_now().await;
            }
        }
        ("INSTREAM", Script::AnswerEarly(answer) | Script::AnswerEarlyThenHang(answer)) => {
            socket.read_exact(&mut [0; 50]).await?;
            socket.write_all(answer).await?;
            if matches!(script, Script::AnswerEarlyThenHang(_)) {
                std::future::pending::<()>().await;
            }
        }
        _ => std::future::pending().await,
    }
    Ok(())
}

async fn content(socket: &mut TcpStream, seen: &Mutex<Seen>) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    loop {
        let length = socket.read_u32().await? as usize;
        if length == 0 {
            return Ok(content);
        }
        seen.lock().unwrap().pieces.push(length);
        let begin = content.len();
        content.resize(begin + length, 0);
        socket.read_exact(&mut content[begin..]).await?;
    }
}
