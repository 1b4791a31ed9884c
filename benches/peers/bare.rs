//! Bare hyper servers: the least that a server does which keeps what it is sent, with one kind of safety each.
//!
//! Each is this program again, as a process of its own. They keep the body as it comes, a form with its frame, and none looks
//! into it. What may wait for the disk runs where blocking work is done, so that as many can wait at a time as there are senders.

mod batch;
mod hashed;

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::task::{block_in_place, spawn_blocking};

use self::batch::Batches;

/// Where the process finds what it is, and its folder.
const KIND: &str = "INTAKE_BENCH_BARE";
const FOLDER: &str = "INTAKE_BENCH_FOLDER";
/// Bodies up to this size are kept in one act.
const SMALL: u64 = 256 << 10;
/// A line of the log: as long as what is written about an upload.
const LINE: [u8; 512] = [b'x'; 512];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The body to a file, without a sync.
    Write,
    /// The same, and a sync of the file.
    Fsync,
    /// The steps that let a file outlast a crash with its record: a line in a log, a file under another name, a sync of it, its
    /// name, a sync of the folder, another line. Those who write lines at the same time share the sync of the log.
    Steps,
    /// Files written, and one sync of the whole file system for all who wait.
    Shared,
    /// For large bodies: reading, hashing and writing side by side, early write-back, and a sync of the file.
    Hash,
    /// The same one after the other, where the bytes were read. It does less at a time, and yet takes less of the processor,
    /// as bytes stay in its cache: on a busy machine it is the faster of the two.
    Inline,
}

impl Kind {
    pub const ALL: [Self; 6] = [
        Self::Write,
        Self::Fsync,
        Self::Steps,
        Self::Shared,
        Self::Hash,
        Self::Inline,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Write => "write",
            Self::Fsync => "fsync",
            Self::Steps => "steps",
            Self::Shared => "shared",
            Self::Hash => "hash",
            Self::Inline => "inline",
        }
    }

    /// Whether it hashes, and so is for large bodies.
    pub fn hashes(self) -> bool {
        matches!(self, Self::Hash | Self::Inline)
    }

    /// This program again, as such a server.
    pub fn command(self, folder: &Path) -> Command {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.env(KIND, self.name()).env(FOLDER, folder);
        command
    }

    /// What this process is, if it is one.
    pub fn of_this_process() -> Option<Self> {
        let name = std::env::var(KIND).ok()?;
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Serves until it is killed.
    pub fn serve(self) {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .unwrap();
        let keeper = Arc::new(Keeper::new(self, std::env::var_os(FOLDER).unwrap().into()));
        runtime.block_on(async move {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            println!("http://{}/", listener.local_addr().unwrap());
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                stream.set_nodelay(true).unwrap();
                let keeper = keeper.clone();
                tokio::spawn(async move {
                    let service = service_fn(move |request| take(request, keeper.clone()));
                    let _ended = hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service)
                        .await;
                });
            }
        });
    }
}

struct Keeper {
    kind: Kind,
    path: PathBuf,
    folder: Arc<File>,
    /// What one sync is shared for: lines of the log, or files.
    batches: Batches,
}

/// A file that is not complete yet.
struct Started {
    file: File,
    path: PathBuf,
}

impl Keeper {
    fn new(kind: Kind, path: PathBuf) -> Self {
        let folder = Arc::new(File::open(&path).unwrap());
        let batches = match kind {
            Kind::Shared => {
                let folder = folder.clone();
                Batches::start(move |_| Ok(rustix::fs::syncfs(&folder)?))
            }
            _ => {
                let (log, end) = (File::create(path.join("log")).unwrap(), AtomicU64::new(0));
                Batches::start(move |lines| {
                    let lines = LINE.repeat(lines);
                    let at = end.fetch_add(lines.len() as u64, Ordering::SeqCst);
                    log.write_all_at(&lines, at)?;
                    log.sync_data()
                })
            }
        };
        Self {
            kind,
            path,
            folder,
            batches,
        }
    }

    fn start(&self) -> io::Result<Started> {
        let name = uuid::Uuid::new_v4().to_string();
        let path = match self.kind {
            Kind::Steps => self.path.join(name).with_extension("part"),
            _ => self.path.join(name),
        };
        let file = File::create_new(&path)?;
        Ok(Started { file, path })
    }

    /// All syncs but the shared ones.
    fn finish(&self, started: &Started) -> io::Result<()> {
        match self.kind {
            Kind::Write | Kind::Shared => Ok(()),
            Kind::Fsync | Kind::Hash | Kind::Inline => started.file.sync_all(),
            Kind::Steps => {
                started.file.sync_all()?;
                std::fs::rename(&started.path, started.path.with_extension(""))?;
                self.folder.sync_all()
            }
        }
    }

    /// Keeps a body that is all there, in one act.
    async fn keep(self: Arc<Self>, body: Bytes) -> io::Result<()> {
        blocking(move || {
            let mut started = self.start()?;
            started.file.write_all(&body)?;
            self.finish(&started)
        })
        .await
    }

    /// Keeps a body as it comes.
    async fn stream(self: Arc<Self>, mut body: Incoming) -> io::Result<()> {
        let this = self.clone();
        let mut started = blocking(move || this.start()).await?;
        while let Some(frame) = body.frame().await {
            if let Ok(data) = frame.map_err(io::Error::other)?.into_data() {
                block_in_place(|| started.file.write_all(&data))?;
            }
        }
        blocking(move || self.finish(&started)).await
    }
}

async fn take(request: Request<Incoming>, keeper: Arc<Keeper>) -> io::Result<Response<String>> {
    let body = request.into_body();
    if keeper.kind == Kind::Steps {
        keeper.batches.synced().await?;
    }
    let mut said = String::new();
    if keeper.kind == Kind::Hash {
        said = hashed::side_by_side(keeper.start()?.file, body).await?;
    } else if keeper.kind == Kind::Inline {
        said = hashed::in_turn(keeper.start()?.file, body).await?;
    } else if body.size_hint().upper().is_some_and(|size| size <= SMALL) {
        let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
        keeper.clone().keep(body).await?;
    } else {
        keeper.clone().stream(body).await?;
    }
    if let Kind::Steps | Kind::Shared = keeper.kind {
        keeper.batches.synced().await?;
    }
    Ok(Response::new(said))
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    spawn_blocking(work).await.map_err(io::Error::other)?
}
