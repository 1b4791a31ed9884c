//! A network for tests: lookups have the answers that a test defines, connections are recorded, and
//! servers behave as the test defines. No byte leaves the test, and time is that of the runtime.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use intake_core::async_trait;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, ReadBuf};

use super::Identity;
use crate::dialer::{Io, LookupError, Network};

/// What a name has for an answer.
#[derive(Clone, Debug)]
pub enum Answer {
    /// These addresses.
    Addresses(Vec<IpAddr>),
    /// The lookup fails.
    Unanswered,
    /// The lookup never ends.
    Never,
}

/// One thing that an origin does once it was asked.
#[derive(Clone, Debug)]
pub enum Step {
    /// Says these bytes.
    Say(Vec<u8>),
    /// Pauses.
    Wait(Duration),
    /// Says the same again and again, with a pause before each.
    Repeat(Vec<u8>, Duration),
    /// Does nothing more, and keeps the connection.
    Hang,
    /// Breaks the connection.
    Reset,
}

/// A step that says these bytes.
pub fn say(text: impl AsRef<[u8]>) -> Step {
    Step::Say(text.as_ref().to_vec())
}

#[derive(Debug, Default)]
struct State {
    names: HashMap<String, VecDeque<Answer>>,
    origins: HashMap<String, Vec<Step>>,
    proxies: Vec<(SocketAddr, &'static str)>,
    refusing: Vec<IpAddr>,
    silent: Vec<IpAddr>,
    identity: Option<Identity>,
    lookups: Vec<String>,
    dialled: Vec<SocketAddr>,
    asked: Vec<String>,
    bodies: Vec<Vec<u8>>,
}

/// A network whose names, origins and proxies a test defines. Clones are the same world.
#[derive(Clone, Debug, Default)]
pub struct FakeNetwork {
    state: Arc<Mutex<State>>,
    sent: Arc<AtomicU64>,
}

impl FakeNetwork {
    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Gives a name its next answer; the last one stays.
    #[must_use]
    pub fn name(self, name: &str, answer: Answer) -> Self {
        self.state().names.entry(name.to_owned()).or_default().push_back(answer);
        self
    }

    /// Gives a name addresses.
    ///
    /// # Panics
    ///
    /// If one is none.
    #[must_use]
    pub fn addresses(self, name: &str, addresses: &[&str]) -> Self {
        let addresses = addresses.iter().map(|address| address.parse().unwrap()).collect();
        self.name(name, Answer::Addresses(addresses))
    }

    /// Says what the URL is answered with, whatever address it is asked at.
    #[must_use]
    pub fn origin(self, url: &str, steps: impl Into<Vec<Step>>) -> Self {
        self.state().origins.insert(url.to_owned(), steps.into());
        self
    }

    /// A name at a public address, whose `/` is answered so.
    #[must_use]
    pub fn at_home(self, steps: impl Into<Vec<Step>>) -> Self {
        self.addresses("home.example", &["93.184.216.34"])
            .origin("http://home.example/", steps)
    }

    /// A proxy, which answers each CONNECT with this status.
    ///
    /// # Panics
    ///
    /// If this is no address with a port.
    #[must_use]
    pub fn proxy(self, address: &str, status: &'static str) -> Self {
        self.state().proxies.push((address.parse().unwrap(), status));
        self
    }

    /// An address that refuses connections.
    ///
    /// # Panics
    ///
    /// If this is no address.
    #[must_use]
    pub fn refusing(self, address: &str) -> Self {
        self.state().refusing.push(address.parse().unwrap());
        self
    }

    /// An address that does not answer.
    ///
    /// # Panics
    ///
    /// If this is no address.
    #[must_use]
    pub fn silent(self, address: &str) -> Self {
        self.state().silent.push(address.parse().unwrap());
        self
    }

    /// The names in the certificate of servers at port 443.
    #[must_use]
    pub fn secured(self, identity: &Identity) -> Self {
        self.state().identity = Some(identity.clone());
        self
    }

    /// The names that were looked up, in order.
    #[must_use]
    pub fn lookups(&self) -> Vec<String> {
        self.state().lookups.clone()
    }

    /// The addresses that were connected to, in order.
    #[must_use]
    pub fn dialled(&self) -> Vec<SocketAddr> {
        self.state().dialled.clone()
    }

    /// The heads of all requests.
    #[must_use]
    pub fn asked(&self) -> Vec<String> {
        self.state().asked.clone()
    }

    /// Bytes that origins could get rid of.
    #[must_use]
    pub fn sent(&self) -> u64 {
        self.sent.load(Ordering::SeqCst)
    }

    /// The bodies of all requests that announced their length.
    #[must_use]
    pub fn bodies(&self) -> Vec<Vec<u8>> {
        self.state().bodies.clone()
    }

    /// The certificate of servers at port 443, if there is one.
    #[must_use]
    pub fn certificate(&self) -> Option<Vec<u8>> {
        self.state()
            .identity
            .as_ref()
            .map(|identity| identity.certificate.clone())
    }

    async fn serve(self, address: SocketAddr, mut wire: DuplexStream, broken: Arc<AtomicU64>) -> io::Result<()> {
        let proxy = self.state().proxies.iter().find(|(at, _)| *at == address).copied();
        let mut port = address.port();
        if let Some((_, status)) = proxy {
            let head = read_head(&mut wire).await?;
            let target = head.split(' ').nth(1).unwrap_or_default().to_owned();
            self.state().asked.push(head);
            wire.write_all(format!("HTTP/1.1 {status}\r\n\r\n").as_bytes()).await?;
            port = target.parse::<SocketAddr>().map_or(0, |target| target.port());
        }
        let identity = self.state().identity.clone();
        match identity.filter(|_| port == 443) {
            Some(identity) => {
                let wire = identity.acceptor().accept(wire).await?;
                self.answer("https", wire, &broken).await
            }
            None => self.answer("http", wire, &broken).await,
        }
    }

    async fn answer(&self, scheme: &str, mut wire: impl Io, broken: &AtomicU64) -> io::Result<()> {
        let head = match read_head(&mut wire).await {
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                return wire.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
            }
            head => head?,
        };
        let path = head.split(' ').nth(1).unwrap_or_default();
        let header = |name: &str| head.lines().find_map(|line| line.strip_prefix(name));
        let host = header("host: ").unwrap_or_default();
        if let Some(length) = header("content-length: ") {
            let mut body = vec![0; length.parse().unwrap()];
            wire.read_exact(&mut body).await?;
            self.state().bodies.push(body);
        }
        let url = format!("{scheme}://{host}{path}");
        let taken = vec![say("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\ntaken")];
        let steps = self.state().origins.get(&url).cloned().unwrap_or(taken);
        self.state().asked.push(head);
        for step in steps {
            match step {
                Step::Say(bytes) => self.say(&mut wire, &bytes).await?,
                Step::Wait(pause) => tokio::time::sleep(pause).await,
                Step::Repeat(bytes, pause) => loop {
                    tokio::time::sleep(pause).await;
                    self.say(&mut wire, &bytes).await?;
                },
                Step::Hang => std::future::pending().await,
                Step::Reset => broken.store(1, Ordering::SeqCst),
            }
        }
        wire.shutdown().await
    }

    async fn say(&self, wire: &mut (impl AsyncWrite + Unpin), mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let written = wire.write(bytes).await?;
            self.sent.fetch_add(written as u64, Ordering::SeqCst);
            bytes = &bytes[written..];
        }
        wire.flush().await
    }
}

async fn read_head(wire: &mut (impl AsyncRead + Unpin)) -> io::Result<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(wire.read_u8().await?);
        // The client speaks TLS to a server that does not.
        if head[0] == 0x16 {
            return Err(io::ErrorKind::InvalidData.into());
        }
    }
    Ok(String::from_utf8(head).unwrap())
}

#[async_trait]
impl Network for FakeNetwork {
    async fn lookup(&self, name: &str) -> Result<Vec<IpAddr>, LookupError> {
        let answer = {
            let mut state = self.state();
            state.lookups.push(name.to_owned());
            match state.names.get_mut(name) {
                None => return Err(LookupError::NotFound),
                Some(answers) if answers.len() > 1 => answers.pop_front().unwrap(),
                Some(answers) => answers[0].clone(),
            }
        };
        match answer {
            Answer::Addresses(addresses) => Ok(addresses),
            Answer::Unanswered => Err(LookupError::Unanswered(io::ErrorKind::Other.into())),
            Answer::Never => std::future::pending().await,
        }
    }

    async fn connect(&self, address: SocketAddr) -> io::Result<Box<dyn Io>> {
        let (refuses, is_silent) = {
            let mut state = self.state();
            state.dialled.push(address);
            (
                state.refusing.contains(&address.ip()),
                state.silent.contains(&address.ip()),
            )
        };
        if refuses {
            return Err(io::ErrorKind::ConnectionRefused.into());
        }
        if is_silent {
            return std::future::pending().await;
        }
        let (ours, theirs) = tokio::io::duplex(16 * 1024);
        let broken = Arc::new(AtomicU64::new(0));
        tokio::spawn(self.clone().serve(address, theirs, broken.clone()));
        Ok(Box::new(Wire { inner: ours, broken }))
    }
}

/// A connection that may break rather than end.
struct Wire {
    inner: DuplexStream,
    broken: Arc<AtomicU64>,
}

impl AsyncRead for Wire {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let read = Pin::new(&mut self.inner).poll_read(cx, buf);
        let ended = matches!(read, Poll::Ready(Ok(()))) && buf.filled().len() == before;
        if ended && self.broken.load(Ordering::SeqCst) == 1 {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        read
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}
