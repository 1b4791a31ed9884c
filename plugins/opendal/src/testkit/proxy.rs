//! A proxy that injects failures into requests, by a plan, and records requests.

use std::convert::Infallible;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::pending;
use http_body_util::{BodyExt, Full, combinators::BoxBody};
use hyper::body::Incoming;
use hyper::client::conn::http1 as client;
use hyper::server::conn::http1 as server;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode, header};
use hyper_util::rt::TokioIo;
use intake_core::Bytes;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::bucket::Bucket;

/// Nothing that is waited for here takes longer, unless it never comes.
const PATIENCE: Duration = Duration::from_secs(60);

/// A failure of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// It is answered with this status and this body, and never reaches the server.
    Answer(u16, &'static str),
    /// The same, before its body has been read; then the connection is closed.
    AnswerAtOnce(u16, &'static str),
    /// It is not answered.
    Silence,
    /// The connection is closed; it never reaches the server.
    HangUp,
    /// The server handles it, and its answer is lost.
    LostAnswer,
}

impl Trouble {
    /// S3's answer to too many requests.
    pub const SLOW_DOWN: Self = Self::Answer(
        503,
        "<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>",
    );
    /// S3's answer when it fails.
    pub const INTERNAL_ERROR: Self = Self::Answer(
        500,
        "<Error><Code>InternalError</Code><Message>We encountered an internal error.</Message></Error>",
    );
    /// S3's answer for a multipart upload that was completed, aborted, or never begun.
    pub const NO_SUCH_UPLOAD: Self = Self::Answer(
        404,
        "<Error><Code>NoSuchUpload</Code><Message>The specified upload does not exist.</Message></Error>",
    );
}

/// Which requests fail, and how.
#[derive(Debug, Default)]
struct Plan {
    /// Requests that begin with these words, how many of them, and how they fail, if they do.
    next: Vec<(String, usize, Option<Trouble>)>,
    share: Option<Share>,
}

/// Trouble for a share of all requests, which is the same for the same seed and order of requests.
#[derive(Debug)]
struct Share {
    state: u64,
    percent: u64,
    troubles: Vec<Trouble>,
}

/// A proxy before an S3 server. Signatures hold: what is sent on is what was sent.
#[derive(Debug)]
pub struct S3Proxy {
    address: String,
    state: Arc<State>,
    accepting: JoinHandle<()>,
}

#[derive(Debug)]
struct State {
    /// Host and port of the server.
    upstream: String,
    plan: Mutex<Plan>,
    /// Whether a connection is closed when a second request comes on it.
    closes_used: AtomicBool,
    /// What was asked, in words.
    asked: watch::Sender<Vec<String>>,
}

impl S3Proxy {
    /// Starts one that lets everything pass.
    ///
    /// # Panics
    ///
    /// If it cannot listen.
    pub async fn before(bucket: &Bucket) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("it is bound").to_string();
        let state = Arc::new(State {
            upstream: bucket.endpoint.trim_start_matches("http://").to_owned(),
            plan: Mutex::default(),
            closes_used: AtomicBool::default(),
            asked: watch::Sender::default(),
        });
        let accepting = tokio::spawn(accept(listener, state.clone()));
        Self {
            address,
            state,
            accepting,
        }
    }

    /// Where it listens: scheme, host and port.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Plans trouble for the next requests that begin with these words, such as `PUT` or `POST /bucket/key?uploads`. One `*` in
    /// them stands for any words: `GET *?max-parts`.
    ///
    /// # Panics
    ///
    /// If a test panicked in here.
    pub fn trouble(&self, begin: &str, times: usize, trouble: Trouble) {
        self.state
            .plan
            .lock()
            .unwrap()
            .next
            .push((begin.to_owned(), times, Some(trouble)));
    }

    /// Plans trouble for so many in a hundred of all requests to come, each of these as often as the others.
    ///
    /// # Panics
    ///
    /// If there are no troubles, or a test panicked in here.
    pub fn trouble_for_some(&self, seed: u64, percent: u64, troubles: &[Trouble]) {
        assert!(!troubles.is_empty(), "no troubles");
        self.state.plan.lock().unwrap().share = Some(Share {
            state: seed,
            percent,
            troubles: troubles.to_vec(),
        });
    }

    /// Lets the next requests that begin with these words pass, before trouble that is planned after this.
    ///
    /// # Panics
    ///
    /// If a test panicked in here.
    pub fn let_pass(&self, begin: &str, times: usize) {
        self.state
            .plan
            .lock()
            .unwrap()
            .next
            .push((begin.to_owned(), times, None));
    }

    /// From now on a connection is closed when a second request comes on it, as by a service that found it idle for too long in
    /// just that moment.
    pub fn close_used_connections(&self) {
        self.state.closes_used.store(true, Ordering::Relaxed);
    }

    /// No more trouble.
    ///
    /// # Panics
    ///
    /// If a test panicked in here.
    pub fn calm(&self) {
        *self.state.plan.lock().unwrap() = Plan::default();
    }

    /// What was asked and has come to its end, in words: `PUT /bucket/key?partNumber&uploadId image/png: 200`. Of the query
    /// there are the names, without those of signatures; a request without an answer ends with the trouble it met.
    #[must_use]
    pub fn asked(&self) -> Vec<String> {
        self.state.asked.borrow().clone()
    }

    /// Waits until something was asked so many times.
    ///
    /// # Panics
    ///
    /// If it is not.
    pub async fn is_asked(&self, begin: &str, times: usize) {
        let mut asked = self.state.asked.subscribe();
        let often = |asked: &Vec<String>| asked.iter().filter(|line| line.starts_with(begin)).count() >= times;
        let heard = asked.wait_for(often);
        let heard = tokio::time::timeout(PATIENCE, heard).await;
        assert!(
            heard.is_ok_and(|heard| heard.is_ok()),
            "not asked {times} times: {begin}"
        );
    }
}

impl Drop for S3Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

type Body = BoxBody<Bytes, hyper::Error>;

async fn accept(listener: TcpListener, state: Arc<State>) {
    while let Ok((socket, _)) = listener.accept().await {
        let state = state.clone();
        let used = Arc::new(AtomicBool::default());
        let service = service_fn(move |request| {
            let (state, used) = (state.clone(), used.clone());
            async move {
                if used.swap(true, Ordering::Relaxed) && state.closes_used.load(Ordering::Relaxed) {
                    state.note(format!("{}: closed", words(&request)));
                    return Err(io::Error::other("nothing was asked on this connection for too long"));
                }
                state.answer(request).await
            }
        });
        tokio::spawn(server::Builder::new().serve_connection(TokioIo::new(socket), service));
    }
}

impl State {
    /// An error closes the connection.
    async fn answer(&self, request: Request<Incoming>) -> io::Result<Response<Body>> {
        let words = words(&request);
        let trouble = self.plan.lock().unwrap().trouble_for(&words);
        let answer = match trouble {
            None => self.pass_on(request).await,
            Some(Trouble::Answer(status, body)) => {
                // With an unread body, the connection would be reset before the answer has arrived.
                let _read = request.into_body().collect().await;
                Ok(answer(status, body))
            }
            Some(Trouble::AnswerAtOnce(status, body)) => Ok(answer(status, body)),
            Some(Trouble::LostAnswer) => {
                if let Ok(answer) = self.pass_on(request).await {
                    let _lost = answer.into_body().collect().await;
                }
                Err(io::Error::other("the answer is lost"))
            }
            Some(Trouble::HangUp) => Err(io::Error::other("hangs up")),
            Some(Trouble::Silence) => {
                self.note(format!("{words}: Silence"));
                pending::<Infallible>().await;
                unreachable!("it is silent")
            }
        };
        let end = match (&answer, trouble) {
            (Ok(answer), _) => answer.status().as_u16().to_string(),
            (Err(_), Some(trouble)) => format!("{trouble:?}"),
            (Err(error), None) => error.to_string(),
        };
        self.note(format!("{words}: {end}"));
        answer
    }

    async fn pass_on(&self, request: Request<Incoming>) -> io::Result<Response<Body>> {
        let upstream = TcpStream::connect(&self.upstream).await?;
        let (mut sender, connection) = client::handshake(TokioIo::new(upstream))
            .await
            .map_err(io::Error::other)?;
        tokio::spawn(connection);
        let answer = sender.send_request(request).await.map_err(io::Error::other)?;
        Ok(answer.map(BodyExt::boxed))
    }

    fn note(&self, words: String) {
        self.asked.send_modify(|asked| asked.push(words));
    }
}

impl Plan {
    fn trouble_for(&mut self, words: &str) -> Option<Trouble> {
        let planned = self
            .next
            .iter_mut()
            .find(|(begin, times, _)| *times > 0 && begins(words, begin));
        if let Some((_, times, trouble)) = planned {
            *times -= 1;
            return *trouble;
        }
        let share = self.share.as_mut()?;
        (share.draw() % 100 < share.percent).then(|| {
            let which = share.draw() as usize % share.troubles.len();
            share.troubles[which]
        })
    }
}

impl Bucket {
    /// The same bucket, by way of a proxy.
    #[must_use]
    pub fn through(&self, proxy: &S3Proxy) -> Self {
        let endpoint = proxy.endpoint();
        Self {
            endpoint,
            ..self.clone()
        }
    }
}

/// Whether words begin like this; a `*` stands for any.
fn begins(words: &str, begin: &str) -> bool {
    match begin.split_once('*') {
        None => words.starts_with(begin),
        Some((start, within)) => words.strip_prefix(start).is_some_and(|rest| rest.contains(within)),
    }
}

impl Share {
    /// SplitMix64.
    fn draw(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.state ^ (self.state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

fn answer(status: u16, body: &'static str) -> Response<Body> {
    let body = Full::new(Bytes::from_static(body.as_bytes())).map_err(|never| match never {});
    let mut answer = Response::new(body.boxed());
    *answer.status_mut() = StatusCode::from_u16(status).expect("a status");
    answer
}

fn words(request: &Request<Incoming>) -> String {
    let query = request.uri().query().unwrap_or_default();
    let names = query.split('&').filter_map(|pair| pair.split('=').next());
    let names: Vec<_> = names.filter(|name| !name.starts_with("X-Amz-")).collect();
    let media_type = request.headers().get(header::CONTENT_TYPE);
    let media_type = media_type.map_or("-", |value| value.to_str().unwrap_or("?"));
    let path = request.uri().path();
    format!("{} {path}?{} {media_type}", request.method(), names.join("&"))
}
