//! The health of a service: whether it is there, and whether it finds the EICAR test file.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use intake_core::{Declared, Fault, Report, Scan, UploadInfo, Verdict};
use tar::{EntryType, Header};
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

use crate::client::Client;
use crate::codes::SCANNER_UNAVAILABLE;
use crate::session::{PIECE_BYTES, Session};
use crate::wording::failed;

/// How long a passed test counts. It must not run more often: servers report what they find.
const FRESH: Duration = Duration::from_secs(600);

/// The self-test. One caller runs it at a time.
#[derive(Debug, Default)]
pub(crate) struct SelfTest(Mutex<Option<Instant>>);

impl SelfTest {
    /// Checks that the service is there and, unless switched off, that it finds the EICAR test file.
    ///
    /// # Errors
    ///
    /// [`SCANNER_UNAVAILABLE`] if the server cannot be reached, [`SCANNER_FAILED`](crate::codes::SCANNER_FAILED) if it fails the
    /// test.
    pub(crate) async fn ready(&self, client: &Arc<Client>) -> Result<(), Fault> {
        let set = &client.config.set;
        let Ok(mut passed) = timeout(set.wait, self.0.lock()).await else {
            let message = "the ICAP server is being tested already";
            return Err(Fault::new(SCANNER_UNAVAILABLE, message).retryable());
        };
        let (connection, _) = client.open_apart().await?;
        client.give_back(connection).await;
        if set.self_test && passed.is_none_or(|passed| passed.elapsed() > FRESH) {
            let eicar = eicar();
            if !is_found(client, &eicar, eicar.len() as u64).await? {
                return Err(failed(
                    "the ICAP service does not find the EICAR test file (url, self_test)",
                ));
            }
            scans_the_largest_content(client, &eicar).await?;
            *passed = Some(Instant::now());
        }
        Ok(())
    }
}

/// Servers call clean what is larger than they scan, or close the connection. So this has the service scan a content of the
/// largest size in which it has to find the test file.
async fn scans_the_largest_content(client: &Arc<Client>, eicar: &[u8]) -> Result<(), Fault> {
    let (archive, size) = (archive(eicar), client.config.set.max_scan_size);
    if size < archive.len() as u64 {
        return Ok(());
    }
    let what = format!("an archive of {size} bytes, the most that is sent to it (max_scan_size)");
    match is_found(client, &archive, size).await {
        Ok(true) => Ok(()),
        Ok(false) => Err(failed(format!(
            "the ICAP service does not find the EICAR test file in {what}: it scans only what is smaller, or does not look \
             into archives"
        ))),
        Err(fault) => Err(failed(format!("the ICAP service gives no verdict on {what}")).with_source(fault)),
    }
}

/// Whether the service refuses a content that begins with these bytes and is filled up with zeros.
async fn is_found(client: &Arc<Client>, begin: &[u8], size: u64) -> Result<bool, Fault> {
    let opened = client.open_apart().await?;
    let id = UploadInfo::new(&Declared::default()).id;
    let scan = Session::new(Arc::clone(client), opened, id, None);
    Ok(scanned(scan, begin, size).await?.verdict != Verdict::Accept)
}

async fn scanned(mut scan: Session, begin: &[u8], size: u64) -> Result<Report, Fault> {
    static ZEROS: [u8; PIECE_BYTES] = [0; PIECE_BYTES];
    let zeros = Bytes::from_static(&ZEROS);
    let mut next = Bytes::copy_from_slice(begin);
    let mut left = size - begin.len() as u64;
    loop {
        if let verdict @ Verdict::Reject(_) = scan.feed(&next).await? {
            return Ok(Report::clean().with(|report| report.verdict = verdict));
        }
        if left == 0 {
            return Box::new(scan).finish().await;
        }
        let now = usize::try_from(left).map_or(zeros.len(), |left| left.min(zeros.len()));
        next = zeros.slice(..now);
        left -= now as u64;
    }
}

/// A tar archive with one file in it, without its end, which consists of zeros.
fn archive(file: &[u8]) -> Vec<u8> {
    const BLOCK: usize = 512;
    let mut header = Header::new_ustar();
    header.as_old_mut().name[..9].copy_from_slice(b"eicar.com");
    header.set_entry_type(EntryType::Regular);
    header.set_mode(0o644);
    header.set_size(file.len() as u64);
    header.set_cksum();
    let mut archive = [header.as_bytes(), file].concat();
    archive.resize(archive.len().next_multiple_of(BLOCK), 0);
    archive
}

/// The EICAR test file, which every virus scanner reports and which is harmless. It is assembled here, so that scanners do not
/// report this source file.
fn eicar() -> Vec<u8> {
    let (begin, end) = (r"X5O!P%@AP[4\PZX54(P^)7CC)7}$", "H+H*");
    format!("{begin}EICAR-STANDARD-ANTIVIRUS-TEST-FILE!${end}").into_bytes()
}
