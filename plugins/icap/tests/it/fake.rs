//! An ICAP server that does what a test tells it to.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

/// What to say to a content.
pub(crate) type Reply = Box<dyn Fn(&[u8]) -> Vec<u8> + Send + Sync>;

/// What the server does with a content.
pub(crate) enum Script {
    /// Reads all of it, says what the function says, and waits for the next request.
    Answer(Reply),
    /// The same, and hangs up.
    AnswerThenLeave(Reply),
    /// The same, and hangs up when the next request comes, with no answer.
    AnswerOnce(Reply),
    /// Reads all of it, says this, and neither says more nor hangs up.
    AnswerThenHang(Vec<u8>),
    /// Reads its first bytes, says this, and hangs up with the rest unread.
    AnswerEarly(Vec<u8>),
    /// Reads its first bytes, says this, and neither reads more nor hangs up.
    AnswerEarlyThenHang(Vec<u8>),
    /// Says this to a preview, and waits for the next request.
    AnswerPreview(Vec<u8>),
    /// Gives back every byte as soon as it has it, to the end.
    GiveBack,
    /// Reads nothing.
    Deaf,
    /// Never even takes a connection.
    Absent,
}

impl Script {
    pub(crate) fn answer(reply: impl Fn(&[u8]) -> Vec<u8> + Send + Sync + 'static) -> Self {
        Self::Answer(Box::new(reply))
    }

    pub(crate) fn clean() -> Self {
        Self::answer(|_| CLEAN.into())
    }
}

pub(crate) const CLEAN: &[u8] = b"ICAP/1.0 204 No Content\r\nISTag: \"fake-1\"\r\n\r\n";
/// What is offered unless the test says otherwise.
pub(crate) const OFFER: &str = "Methods: RESPMOD, REQMOD\r\nService: Fake\r\nISTag: \"fake-1\"\r\nAllow: 204\r\n";

/// An answer with an HTTP message in it.
pub(crate) fn message(fields: &str, http: &str, body: &[u8]) -> Vec<u8> {
    let parts = match http.starts_with("HTTP/") {
        true => format!("res-hdr=0, res-body={}", http.len()),
        false => format!("req-hdr=0, req-body={}", http.len()),
    };
    let head = format!("ICAP/1.0 200 OK\r\n{fields}Encapsulated: {parts}\r\n\r\n{http}");
    let mut wire = head.into_bytes();
    // In odd pieces.
    for piece in body.chunks(1000) {
        wire.extend(format!("{:X};x=\"y\"\r\n", piece.len()).bytes());
        wire.extend_from_slice(piece);
        wire.extend(b"\r\n");
    }
    wire.extend(b"0\r\n\r\n");
    wire
}

pub(crate) const OK: &str = "HTTP/1.1 200 OK\r\nVia: x\r\n\r\n";

/// What the server noticed.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) connections: usize,
    /// The heads of all requests, with the HTTP heads in them.
    pub(crate) heads: Vec<String>,
    /// The contents that it read, as far as it read them.
    pub(crate) contents: Vec<Vec<u8>>,
    /// How long the chunks of all contents were, previews included.
    pub(crate) chunks: Vec<usize>,
}

pub(crate) struct FakeIcap {
    pub(crate) port: u16,
    pub(crate) seen: Arc<Mutex<Seen>>,
    server: JoinHandle<()>,
}

impl FakeIcap {
    pub(crate) async fn start(script: Script) -> Self {
        Self::offering(script, OFFER).await
    }

    pub(crate) async fn offering(script: Script, offer: &str) -> Self {
        let answer = format!("ICAP/1.0 200 OK\r\n{offer}Encapsulated: null-body=0\r\n\r\n");
        Self::saying(script, answer.into_bytes(), None).await
    }

    /// Starts one with an answer of its own to `OPTIONS`.
    pub(crate) async fn saying(script: Script, options: Vec<u8>, tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let seen = Arc::new(Mutex::new(Seen::default()));
        let shared = (Arc::new(script), seen.clone(), Arc::new(options));
        let server = tokio::spawn(async move {
            if matches!(*shared.0, Script::Absent) {
                std::future::pending::<()>().await;
            }
            while let Ok((socket, _)) = listener.accept().await {
                let ((script, seen, options), tls) = (shared.clone(), tls.clone());
                seen.lock().unwrap().connections += 1;
                // A client that goes away is no matter of the server's.
                tokio::spawn(async move {
                    match tls {
                        None => serve(socket, &script, &seen, &options).await,
                        Some(tls) => serve(tls.accept(socket).await?, &script, &seen, &options).await,
                    }
                });
            }
        });
        Self { port, seen, server }
    }

    pub(crate) fn url(&self) -> String {
        format!("icap://127.0.0.1:{}/scan", self.port)
    }

    pub(crate) fn count(&self, method: &str) -> usize {
        let seen = self.seen.lock().unwrap();
        seen.heads.iter().filter(|head| head.starts_with(method)).count()
    }

    pub(crate) fn connections(&self) -> usize {
        self.seen.lock().unwrap().connections
    }
}

impl Drop for FakeIcap {
    fn drop(&mut self) {
        self.server.abort();
    }
}

trait Socket: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Socket for T {}

async fn serve(socket: impl Socket, script: &Script, seen: &Mutex<Seen>, options: &[u8]) -> io::Result<()> {
    let mut socket = BufReader::new(socket);
    let mut is_used = false;
    loop {
        let head = head(&mut socket).await?;
        seen.lock().unwrap().heads.push(head.clone());
        if head.starts_with("OPTIONS") {
            say(&mut socket, options).await?;
            continue;
        }
        if is_used && matches!(script, Script::AnswerOnce(_)) {
            return Ok(());
        }
        is_used = true;
        let mut content = Vec::new();
        match script {
            Script::AnswerEarly(answer) | Script::AnswerEarlyThenHang(answer) => {
                socket.read_exact(&mut [0; 50]).await?;
                say(&mut socket, answer).await?;
                if matches!(script, Script::AnswerEarly(_)) {
                    return Ok(());
                }
                std::future::pending::<()>().await;
            }
            Script::GiveBack => {
                give_back(&mut socket, seen).await?;
                continue;
            }
            Script::Deaf | Script::Absent => std::future::pending().await,
            _ => {}
        }
        let has_preview = head.contains("\r\nPreview: ");
        if has_preview {
            read(&mut socket, seen, &mut content).await?;
            if let Script::AnswerPreview(answer) = script {
                seen.lock().unwrap().contents.push(content);
                say(&mut socket, answer).await?;
                continue;
            }
            say(&mut socket, b"ICAP/1.0 100 Continue\r\n\r\n").await?;
        }
        read(&mut socket, seen, &mut content).await?;
        let answer = match script {
            Script::Answer(reply) | Script::AnswerThenLeave(reply) | Script::AnswerOnce(reply) => reply(&content),
            Script::AnswerThenHang(answer) | Script::AnswerPreview(answer) => answer.clone(),
            _ => unreachable!("answered above"),
        };
        seen.lock().unwrap().contents.push(content);
        say(&mut socket, &answer).await?;
        match script {
            Script::AnswerThenLeave(_) => return Ok(()),
            Script::AnswerThenHang(_) => std::future::pending().await,
            _ => {}
        }
    }
}

async fn say(socket: &mut BufReader<impl Socket>, bytes: &[u8]) -> io::Result<()> {
    socket.write_all(bytes).await?;
    socket.flush().await
}

/// Answers with the content, while it comes in.
async fn give_back(socket: &mut BufReader<impl Socket>, seen: &Mutex<Seen>) -> io::Result<()> {
    const END: &[u8] = b"0\r\n\r\n";
    let empty = message("", OK, b"");
    say(socket, &empty[..empty.len() - END.len()]).await?;
    while let Some(chunk) = chunk(socket, seen).await? {
        let size = format!("{:x}\r\n", chunk.len());
        say(socket, &[size.as_bytes(), &chunk[..], b"\r\n"].concat()).await?;
    }
    say(socket, END).await
}

/// The head of a request, and the HTTP heads in it.
async fn head(socket: &mut BufReader<impl Socket>) -> io::Result<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(socket.read_u8().await?);
    }
    let text = String::from_utf8_lossy(&head).into_owned();
    let parts = text
        .lines()
        .find_map(|line| line.strip_prefix("Encapsulated: "))
        .expect("RFC 3507, 4.4.1");
    let length = parts.rsplit('=').next().unwrap().parse().unwrap();
    let mut http = vec![0; length];
    socket.read_exact(&mut http).await?;
    Ok(text + &String::from_utf8_lossy(&http))
}

async fn read(socket: &mut BufReader<impl Socket>, seen: &Mutex<Seen>, content: &mut Vec<u8>) -> io::Result<()> {
    while let Some(chunk) = chunk(socket, seen).await? {
        content.extend(chunk);
    }
    Ok(())
}

/// The next chunk, or `None` behind the last one.
async fn chunk(socket: &mut BufReader<impl Socket>, seen: &Mutex<Seen>) -> io::Result<Option<Vec<u8>>> {
    let mut line = String::new();
    if Pin::new(&mut *socket).read_line(&mut line).await? == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    let length = usize::from_str_radix(line.trim(), 16).expect("a size");
    let mut chunk = vec![0; length + 2];
    socket.read_exact(&mut chunk).await?;
    chunk.truncate(length);
    if length > 0 {
        seen.lock().unwrap().chunks.push(length);
    }
    Ok((length > 0).then_some(chunk))
}
