//! What stands between the bytes of files in an archive, by the crates `zip` and `tar`. They write to memory, which is emptied
//! after each call, so no thread waits for a client.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::{Bytes, BytesMut};
use intake_core::BoxError;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use zip::write::{SimpleFileOptions, StreamWriter, ZipWriter};
use zip::{CompressionMethod, DateTime};

use super::Entry;
use crate::path::Format;

/// Files may be read by all, and written by who unpacks them.
const MODE: u32 = 0o644;
/// Everything in a tar archive begins at a multiple of this.
const BLOCK: u64 = 512;
/// So many zeros end a tar archive.
const END_OF_TAR: usize = 2 * BLOCK as usize;

/// Makes an archive.
pub(super) enum Packer {
    Zip(Box<Zip>),
    Tar,
}

/// A writer of ZIP, and what it has written.
pub(super) struct Zip {
    /// `None` once the archive is complete.
    writer: Option<ZipWriter<StreamWriter<Written>>>,
    written: Written,
}

impl Packer {
    pub(super) fn new(format: Format) -> Self {
        match format {
            Format::Tar => Self::Tar,
            Format::Zip => {
                let written = Written::default();
                let writer = Some(ZipWriter::new_stream(written.clone()));
                Self::Zip(Box::new(Zip { writer, written }))
            }
        }
    }

    /// What precedes the bytes of a file.
    pub(super) fn begin(&mut self, entry: &Entry) -> Result<Bytes, BoxError> {
        match self {
            Self::Tar => head_of_tar(entry),
            Self::Zip(zip) => {
                let mut options = SimpleFileOptions::default()
                    .compression_method(CompressionMethod::Stored)
                    .unix_permissions(MODE);
                if let Some(modified) = date(entry.created) {
                    options = options.last_modified_time(modified);
                }
                zip.writer()?.start_file(entry.name.as_str(), options)?;
                Ok(zip.written.take())
            }
        }
    }

    /// Bytes of the file that was begun, as they stand in the archive.
    pub(super) fn bytes(&mut self, bytes: Bytes) -> Result<Bytes, BoxError> {
        match self {
            Self::Tar => Ok(bytes),
            Self::Zip(zip) => {
                zip.writer()?.write_all(&bytes)?;
                Ok(zip.written.take())
            }
        }
    }

    /// What follows the bytes of a file.
    pub(super) fn padding(&self, entry: &Entry) -> Bytes {
        static ZEROS: [u8; BLOCK as usize] = [0; BLOCK as usize];
        match self {
            Self::Zip(_) => Bytes::new(),
            Self::Tar => {
                let missing = entry.size.next_multiple_of(BLOCK) - entry.size;
                Bytes::from_static(&ZEROS[..missing as usize])
            }
        }
    }

    /// The end of the archive.
    pub(super) fn finish(&mut self) -> Result<Bytes, BoxError> {
        match self {
            Self::Tar => Ok(Bytes::from_static(&[0; END_OF_TAR])),
            Self::Zip(zip) => {
                if let Some(writer) = zip.writer.take() {
                    writer.finish()?;
                }
                Ok(zip.written.take())
            }
        }
    }
}

impl Zip {
    fn writer(&mut self) -> Result<&mut ZipWriter<StreamWriter<Written>>, BoxError> {
        self.writer.as_mut().ok_or_else(|| "the archive is complete".into())
    }
}

fn head_of_tar(entry: &Entry) -> Result<Bytes, BoxError> {
    let mut header = tar::Header::new_gnu();
    header.set_size(entry.size);
    header.set_mode(MODE);
    let since = entry.created.duration_since(UNIX_EPOCH).unwrap_or_default();
    header.set_mtime(since.as_secs());
    // Without the bytes, which are not here: they follow.
    let mut archive = tar::Builder::new(Vec::new());
    archive.append_data(&mut header, &entry.name, io::empty())?;
    Ok(std::mem::take(archive.get_mut()).into())
}

/// A time as ZIP has it, in UTC: years from 1980, two seconds precise.
fn date(time: SystemTime) -> Option<DateTime> {
    let time = Timestamp::try_from(time).ok()?.to_zoned(TimeZone::UTC);
    let part = |part: i8| u8::try_from(part).ok();
    DateTime::from_date_and_time(
        u16::try_from(time.year()).ok()?,
        part(time.month())?,
        part(time.day())?,
        part(time.hour())?,
        part(time.minute())?,
        part(time.second())?,
    )
    .ok()
}

/// Memory that is written to and emptied.
#[derive(Clone, Default)]
pub(super) struct Written(Arc<Mutex<BytesMut>>);

impl Written {
    fn take(&self) -> Bytes {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).split().freeze()
    }
}

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
