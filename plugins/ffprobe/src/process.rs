//! One run of the program, within its limits.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use intake_core::Fault;
use intake_core::permits::{Permits, until};
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, Command};
use tokio::time::timeout;
use tracing::{debug, warn};

use crate::codes::SCANNER_UNAVAILABLE;
use crate::program;
use crate::settings::Settings;

/// The most bytes of an answer: 64 tracks have 20 KiB.
const MOST_ANSWER: usize = 256 * 1024;
/// The most bytes of complaints that are kept.
const MOST_COMPLAINTS: usize = 1024;
/// Files that a process may have open at a time: its libraries one by one, and the content.
const MOST_FILES: u32 = 16;
/// How long what is left of a killed process is waited for.
const GRACE: Duration = Duration::from_secs(2);
/// What a shell, and `prlimit`, say of a program that cannot be started.
const NOT_STARTED: [i32; 2] = [126, 127];

/// Containers in one file. What is not here is not opened: playlists and lists of files name other files, and are none.
const FORMATS: &str = "mov,matroska,mpegts,mpeg,ogg,mp3,wav,w64,aiff,caf,flac,aac,ac3,eac3,dts,amr,au,ape,wv,tta,avi,asf,flv,mxf,gxf,rm,nut,\
     ivf,dv,h264,hevc,mpegvideo,m4v";

/// What of a file is asked for.
const ENTRIES: &str = "format=format_name,duration:stream=codec_type,codec_name,width,height,sample_aspect_ratio,avg_frame_rate,bit_rate,\
     channels,sample_rate:stream_disposition=attached_pic:stream_side_data=rotation";

/// What a run came to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Answer(Vec<u8>),
    /// It gave no answer to this file, and why.
    None(String),
}

/// Runs the program, a few times at once.
#[derive(Clone, Debug)]
pub(crate) struct Runner {
    program: PathBuf,
    prlimit: PathBuf,
    permits: Arc<Permits>,
    wait: Duration,
    timeout: Duration,
    memory: u64,
}

impl Runner {
    pub(crate) fn new(settings: &Settings) -> Self {
        Self {
            program: settings.program.clone(),
            prlimit: settings.prlimit.clone(),
            permits: Arc::new(Permits::new("ffprobe", settings.at_a_time)),
            wait: settings.wait,
            timeout: settings.timeout,
            memory: settings.memory.as_u64(),
        }
    }

    /// Whether files take all processes now.
    pub(crate) fn is_full(&self) -> bool {
        self.permits.in_use() >= self.permits.most()
    }

    /// What the program says of a content, which it reads as its standard input. What is held is dropped when the process has
    /// ended, also if the upload is given up before.
    ///
    /// # Errors
    ///
    /// If it cannot be started, or other files take all processes for too long.
    pub(crate) async fn probe(&self, content: File, held: impl Send + 'static) -> Result<Outcome, Fault> {
        let arguments = [
            ["-v", "error"],
            ["-protocol_whitelist", "file"],
            ["-format_whitelist", FORMATS],
            ["-show_entries", ENTRIES],
            ["-of", "json=compact=1"],
            // The content by a name of its own, as `pipe:` cannot go back.
            ["-i", "file:/dev/stdin"],
        ];
        self.run(arguments.as_flattened(), content.into(), held).await
    }

    /// The first line of what the program says of its version.
    ///
    /// # Errors
    ///
    /// As above, and if it fails.
    pub(crate) async fn version(&self) -> Result<String, Fault> {
        match self.run(&["-version"], Stdio::null(), ()).await? {
            Outcome::Answer(answer) => {
                let line = answer.split(|byte| *byte == b'\n').next().unwrap_or_default();
                Ok(legible(line, 100))
            }
            Outcome::None(why) => Err(unavailable(format!("{}: {why}", self.program.display()))),
        }
    }

    async fn run(&self, arguments: &[&str], input: Stdio, held: impl Send + 'static) -> Result<Outcome, Fault> {
        let Ok(permit) = self.permits.acquire(until(self.wait)).await else {
            let message = "other files take all processes of ffprobe for too long (at_a_time, wait)";
            return Err(unavailable(message));
        };
        let child = self.start(arguments, input)?;
        let time = self.timeout;
        // A task of its own: an upload that is given up does not leave a process without a limit of time.
        let watching = tokio::spawn(async move {
            let _held = (permit, held);
            watch(child, time).await
        });
        watching
            .await
            .map_err(|error| unavailable("watching ffprobe failed").with_source(error))?
    }

    fn start(&self, arguments: &[&str], input: Stdio) -> Result<Child, Fault> {
        let found = |path: &Path, key: &str, package: &str| {
            program::find(path).ok_or_else(|| {
                let path = path.display();
                unavailable(format!(
                    "there is no program {path}: install it (Debian's package {package}), or set `{key}` to its path"
                ))
            })
        };
        let program = found(&self.program, "program", "ffmpeg")?;
        let prlimit = found(&self.prlimit, "prlimit", "util-linux")?;
        let seconds = self.timeout.as_secs().saturating_add(1);
        Command::new(prlimit)
            .arg(format!("--as={}", self.memory))
            .arg(format!("--cpu={seconds}"))
            .arg(format!("--nofile={MOST_FILES}"))
            .args(["--fsize=0", "--core=0", "--"])
            .arg(program)
            .args(arguments)
            .env_clear()
            .env("LC_ALL", "C")
            .current_dir("/")
            .stdin(input)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| unavailable("ffprobe cannot be started").with_source(error))
    }
}

/// Waits for the end of a process. Kills it, and all processes of its group, once it has said too much, or takes too long.
async fn watch(mut child: Child, time: Duration) -> Result<Outcome, Fault> {
    let group = child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
    let (answer, complaints) = (child.stdout.take(), child.stderr.take());
    let ended = timeout(time, async {
        let (answer, complaints) = tokio::join!(
            up_to(MOST_ANSWER, answer, group),
            up_to(MOST_COMPLAINTS, complaints, None)
        );
        (answer, complaints, child.wait().await)
    })
    .await;
    let Ok((answer, complaints, status)) = ended else {
        // Nobody has waited for the process, so its number is still that of the group.
        kill(group);
        // It is dead, and is waited for, so that the system forgets it.
        let _killed = timeout(GRACE, child.wait()).await;
        warn!(?time, "ffprobe took too long, and was killed");
        return Ok(Outcome::None(format!("ffprobe took longer than {time:?}")));
    };
    let complaints = legible(&complaints.0, MOST_COMPLAINTS);
    let status = status.map_err(|error| unavailable("ffprobe cannot be waited for").with_source(error))?;
    if answer.1 {
        warn!(complaints, "ffprobe said too much, and was killed");
        return Ok(Outcome::None("ffprobe said more than is read".to_owned()));
    }
    judge(status, answer.0, &complaints)
}

fn judge(status: ExitStatus, answer: Vec<u8>, complaints: &str) -> Result<Outcome, Fault> {
    match status.code() {
        Some(0) => Ok(Outcome::Answer(answer)),
        Some(code) if NOT_STARTED.contains(&code) => Err(unavailable(format!(
            "ffprobe cannot be started within its limits: {complaints}"
        ))),
        Some(code) => {
            debug!(code, complaints, "ffprobe reads nothing in a file");
            Ok(Outcome::None("ffprobe reads nothing in it".to_owned()))
        }
        None => {
            warn!(%status, complaints, "ffprobe died");
            Ok(Outcome::None("ffprobe died of it".to_owned()))
        }
    }
}

/// What a process writes, up to so many bytes, and whether there is more. If there is more, its group is killed; if it has none, the
/// rest is read and dropped.
async fn up_to(most: usize, from: Option<impl AsyncRead + Unpin>, group: Option<Pid>) -> (Vec<u8>, bool) {
    let Some(mut from) = from else {
        return (Vec::new(), false);
    };
    let (mut kept, mut piece, mut is_more) = (Vec::new(), vec![0; 4096], false);
    loop {
        let read = match from.read(&mut piece).await {
            Ok(0) | Err(_) => return (kept, is_more),
            Ok(read) => read,
        };
        let room = most.saturating_sub(kept.len());
        kept.extend_from_slice(&piece[..read.min(room)]);
        if read > room {
            is_more = true;
            kill(group);
        }
    }
}

/// Kills what is left of a group. There may be nothing.
fn kill(group: Option<Pid>) {
    if let Some(group) = group {
        let _none_left = kill_process_group(group, Signal::KILL);
    }
}

/// Words of a program, or of a sender by way of it, as they may be shown and logged: printable, and not long.
fn legible(bytes: &[u8], most: usize) -> String {
    let shown = |byte: &u8| match byte {
        b' '..=b'~' => char::from(*byte),
        _ => '?',
    };
    bytes.trim_ascii().iter().take(most).map(shown).collect()
}

fn unavailable(message: impl Into<String>) -> Fault {
    Fault::new(SCANNER_UNAVAILABLE, message).retryable()
}
