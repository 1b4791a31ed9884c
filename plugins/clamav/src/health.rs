//! The health of a clamd: its self-test and its version.

use std::time::Duration;

use clamav_client::tokio::{get_version, ping};
use intake_core::Fault;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};
use tracing::{debug, warn};

use crate::answer::{Answer, failed, legible};
use crate::codes::{SCANNER_FAILED, SCANNER_UNAVAILABLE};
use crate::connection::Connection;
use crate::content::{Content, Flow};
use crate::settings::Config;
use crate::version::{engine, is_vulnerable};

/// How long the success of a self-test is cached. It must not run more often: clamd reports each of its findings to its log and
/// to `VirusEvent`.
const FRESH: Duration = Duration::from_secs(600);
/// How long the version is cached. Signatures change a few times a day, and every scan asks.
const VERSION_STAYS: Duration = Duration::from_secs(5);
/// How long a scan that is done may wait for the version.
const VERSION_TIMEOUT: Duration = Duration::from_secs(2);

/// The version that clamd reports, cached.
#[derive(Debug, Default)]
pub(crate) struct Engine(Mutex<Version>);

#[derive(Debug, Default)]
struct Version {
    asked: Option<Instant>,
    said: Option<String>,
    /// The version of which there was a warning.
    warned: Option<String>,
}

impl Engine {
    /// The version, as clamd reported it last. A clamd that does not report one is no reason to fail.
    pub(crate) async fn version(&self, config: &Config) -> Option<String> {
        // A caller waits for at most one question here: the time is stored before the answer arrives.
        let mut version = self.0.lock().await;
        if is_over(version.asked, VERSION_STAYS) {
            version.asked = Some(Instant::now());
            match timeout(VERSION_TIMEOUT, Connection::ask(config, get_version)).await {
                Ok(Ok(said)) => version.said = Some(legible(&said)),
                Ok(Err(fault)) => debug!(fault = fault.report(), "clamd did not report its version"),
                Err(_) => debug!("clamd did not report its version in time"),
            }
        }
        version.said.clone()
    }

    /// Warns once of a version that a file can harm.
    pub(crate) async fn warn_of_version(&self, config: &Config) {
        let Some(said) = self.version(config).await else { return };
        if is_vulnerable(&engine(&said)) != Some(true) {
            return;
        }
        let mut version = self.0.lock().await;
        if version.warned.as_ref() != Some(&said) {
            warn!(
                clamd = %config.address,
                version = said,
                "a file that is sent to this version of ClamAV can harm it; 1.4.6 and 1.5.4 are mended"
            );
            version.warned = Some(said);
        }
    }
}

/// The self-test. One caller runs it at a time.
#[derive(Debug, Default)]
pub(crate) struct SelfTest(Mutex<Option<Instant>>);

impl SelfTest {
    /// Checks that clamd answers and, unless switched off, that it finds the EICAR test file.
    ///
    /// # Errors
    ///
    /// [`SCANNER_UNAVAILABLE`] if clamd cannot be reached, [`SCANNER_FAILED`] if it fails the test.
    pub(crate) async fn ready(&self, config: &Config) -> Result<(), Fault> {
        let Ok(mut passed) = timeout(config.wait, self.0.lock()).await else {
            return Err(Fault::new(SCANNER_UNAVAILABLE, "clamd is being tested already").retryable());
        };
        match Connection::ask(config, ping).await?.as_slice() {
            b"PONG" => {}
            other => {
                let other = legible(other);
                return Err(failed(format!("clamd answered \"{other}\" instead of PONG")));
            }
        }
        if config.self_test && is_over(*passed, FRESH) {
            finds_a_virus(config).await?;
            scans_the_largest_content(config).await?;
            *passed = Some(Instant::now());
        }
        Ok(())
    }
}

async fn finds_a_virus(config: &Config) -> Result<(), Fault> {
    let eicar = eicar();
    match scan(config, &eicar, eicar.len() as u64).await? {
        Answer::Found(_) => Ok(()),
        answer => {
            let message = format!("clamd does not find the EICAR test file: its signatures are missing ({answer:?})");
            Err(Fault::new(SCANNER_FAILED, message))
        }
    }
}

/// clamd calls clean what is larger than its limits, unless configured otherwise. So this has it scan a content of the
/// largest size in which it has to find the test file.
async fn scans_the_largest_content(config: &Config) -> Result<(), Fault> {
    let archive = archive(&eicar());
    let size = config.max_scan_size;
    if size < archive.len() as u64 {
        return Ok(());
    }
    match scan(config, &archive, size).await? {
        Answer::Found(_) => Ok(()),
        answer => {
            let message = format!(
                "clamd does not scan an archive of {size} bytes, the most that is sent to it (max_scan_size): \
                 its StreamMaxLength, MaxFileSize or MaxScanSize is too small, or ScanArchive is off ({answer:?})"
            );
            Err(Fault::new(SCANNER_FAILED, message))
        }
    }
}

/// Scans a content that begins with these bytes and is filled up with zeros.
async fn scan(config: &Config, begin: &[u8], size: u64) -> Result<Answer, Fault> {
    const ZEROS: &[u8] = &[0; 64 * 1024];
    let mut content = Content::open(config).await?;
    let mut flow = content.push(begin).await?;
    let mut left = size - begin.len() as u64;
    while left > 0 && flow == Flow::Goes {
        let zeros = usize::try_from(left).map_or(ZEROS, |left| &ZEROS[..left.min(ZEROS.len())]);
        flow = content.push(zeros).await?;
        left -= zeros.len() as u64;
    }
    if flow == Flow::Goes {
        flow = content.end().await?;
    }
    let within = match flow {
        Flow::Goes => config.scan_timeout,
        Flow::Stopped => config.io_timeout,
    };
    content.answer(within).await
}

/// A tar archive with one file in it, without its end, which consists of zeros.
fn archive(file: &[u8]) -> Vec<u8> {
    const BLOCK: usize = 512;
    const CHECKSUM: std::ops::Range<usize> = 148..156;
    let mut header = [0; BLOCK];
    header[..9].copy_from_slice(b"eicar.com");
    header[124..135].copy_from_slice(format!("{:011o}", file.len()).as_bytes());
    header[156] = b'0';
    header[257..265].copy_from_slice(b"ustar\x0000");
    // Counted as if the sum itself were spaces.
    header[CHECKSUM].fill(b' ');
    let sum: u32 = header.iter().copied().map(u32::from).sum();
    header[CHECKSUM].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());

    let mut archive = header.to_vec();
    archive.extend_from_slice(file);
    archive.resize(archive.len().next_multiple_of(BLOCK), 0);
    archive
}

/// The EICAR test file, which every virus scanner reports and which is harmless. It is assembled here, so that scanners do
/// not report this source file.
pub(crate) fn eicar() -> Vec<u8> {
    let halves = [
        r"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-STANDARD",
        "-ANTIVIRUS-TEST-FILE!$H+H*",
    ];
    halves.concat().into_bytes()
}

fn is_over(since: Option<Instant>, after: Duration) -> bool {
    since.is_none_or(|since| since.elapsed() > after)
}
