//! Reading from a folder.
//!
//! Pieces that the system has in memory are read on the thread of the caller, with calls that fail where they would wait for the
//! disk; all others on a blocking thread. For a small file, the change of threads costs more than the reading.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures_util::{StreamExt as _, stream};
use intake_core::{BoxError, ByteStream, Bytes, Fault, codes};
use tokio::task::spawn_blocking;

use crate::fault;

/// The most bytes of a piece.
const CHUNK: u64 = 256 * 1024;

/// A file that is being read.
struct Reading {
    file: Arc<File>,
    /// What is still to be read.
    range: Range<u64>,
    /// What was read when the file was opened.
    first: Option<Vec<u8>>,
    path: PathBuf,
}

/// Reads a file, or a range of it, which is cut to its size.
pub(super) async fn read(path: PathBuf, range: Option<Range<u64>>) -> Result<ByteStream, Fault> {
    let opened = match in_memory::open(&path) {
        Some(file) => Reading::of(file, &path, range),
        None => {
            let of = path.clone();
            let opened = spawn_blocking(move || {
                let mut reading = Reading::of(File::open(&of)?, &of, range)?;
                reading.first = reading.piece_from_disk().map(Some)?;
                Ok(reading)
            });
            opened.await.map_err(|_| fault::of_lost_work(&doing(&path)))?
        }
    };
    match opened {
        Ok(reading) => Ok(stream::try_unfold(reading, Reading::next).boxed()),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let message = format!("there are no bytes at {}", path.display());
            Err(Fault::new(codes::BYTES_MISSING, message))
        }
        Err(error) => Err(fault::of_io(&doing(&path), error)),
    }
}

fn doing(path: &Path) -> String {
    format!("read {}", path.display())
}

impl Reading {
    fn of(file: File, path: &Path, range: Option<Range<u64>>) -> io::Result<Self> {
        let size = file.metadata()?.len();
        Ok(Self {
            file: Arc::new(file),
            range: range.map_or(0..size, |range| range.start..range.end.min(size)),
            first: None,
            path: path.to_owned(),
        })
    }

    fn buffer(&self) -> Vec<u8> {
        let left = self.range.end.saturating_sub(self.range.start);
        vec![0; left.min(CHUNK) as usize]
    }

    /// The next bytes; none at the end of the range, or of the file.
    fn piece_from_disk(&self) -> io::Result<Vec<u8>> {
        let mut piece = self.buffer();
        let mut filled = 0;
        while filled < piece.len() {
            match self
                .file
                .read_at(&mut piece[filled..], self.range.start + filled as u64)
            {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        piece.truncate(filled);
        Ok(piece)
    }

    async fn next(mut self) -> Result<Option<(Bytes, Self)>, BoxError> {
        if self.range.is_empty() {
            return Ok(None);
        }
        let at_hand = self.first.take().or_else(|| {
            let mut piece = self.buffer();
            let read = in_memory::read(&self.file, &mut piece, self.range.start)?;
            piece.truncate(read);
            Some(piece)
        });
        let (piece, mut reading) = match at_hand {
            Some(piece) => (piece, self),
            None => self.with_piece_from_disk().await?,
        };
        if piece.is_empty() {
            let early = io::Error::new(ErrorKind::UnexpectedEof, "the file is shorter than it was");
            return Err(fault::of_io(&doing(&reading.path), early).into());
        }
        reading.range.start += piece.len() as u64;
        Ok(Some((Bytes::from(piece), reading)))
    }

    async fn with_piece_from_disk(self) -> Result<(Vec<u8>, Self), Fault> {
        let doing = doing(&self.path);
        let read = spawn_blocking(move || (self.piece_from_disk(), self));
        let (piece, reading) = read.await.map_err(|_| fault::of_lost_work(&doing))?;
        Ok((piece.map_err(|error| fault::of_io(&doing, error))?, reading))
    }
}

/// Calls that do not wait for the disk. What fails here is tried again on a blocking thread, which finds the reason: an older
/// system, another file system, a sandbox, or bytes that are not in memory.
#[cfg(target_os = "linux")]
mod in_memory {
    use std::fs::File;
    use std::io::IoSliceMut;
    use std::path::Path;

    use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, openat2};
    use rustix::io::{ReadWriteFlags, preadv2};

    /// The file, if the system has its whole path in memory (Linux 5.12).
    pub(super) fn open(path: &Path) -> Option<File> {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC;
        let opened = openat2(CWD, path, flags, Mode::empty(), ResolveFlags::CACHED);
        opened.ok().map(File::from)
    }

    /// How many bytes were read into the buffer, if the system has some in memory.
    pub(super) fn read(file: &File, buffer: &mut [u8], at: u64) -> Option<usize> {
        let read = preadv2(file, &mut [IoSliceMut::new(buffer)], at, ReadWriteFlags::NOWAIT);
        read.ok().filter(|read| *read > 0)
    }
}

#[cfg(not(target_os = "linux"))]
mod in_memory {
    use std::fs::File;
    use std::path::Path;

    pub(super) fn open(_: &Path) -> Option<File> {
        None
    }

    pub(super) fn read(_: &File, _: &mut [u8], _: u64) -> Option<usize> {
        None
    }
}

#[cfg(test)]
mod tests {
    use futures_util::TryStreamExt as _;
    use intake_core::testkit::noise;
    use tempfile::TempDir;

    use super::*;

    async fn all(path: &Path, range: Option<Range<u64>>) -> Vec<u8> {
        let pieces: Vec<_> = read(path.to_owned(), range).await.unwrap().try_collect().await.unwrap();
        pieces.concat()
    }

    #[tokio::test]
    async fn any_range_is_read_whatever_pieces_it_has() {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("file");
        let content = noise(5, 3 * CHUNK as usize + 7);
        std::fs::write(&path, &content).unwrap();
        let size = content.len() as u64;
        for range in [
            0..0,
            0..1,
            1..CHUNK,
            7..CHUNK + 7,
            CHUNK - 1..CHUNK + 1,
            5..size,
            size - 1..size + 9,
            size..size + 9,
        ] {
            let expected = &content[range.start as usize..range.end.min(size) as usize];
            assert_eq!(all(&path, Some(range.clone())).await, expected, "{range:?}");
        }
        assert_eq!(all(&path, None).await, content);
    }

    #[tokio::test]
    async fn what_is_read_from_the_disk_is_the_same() {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("file");
        let content = noise(6, 2 * CHUNK as usize + 7);
        std::fs::write(&path, &content).unwrap();
        let mut reading = Reading::of(File::open(&path).unwrap(), &path, None).unwrap();
        let mut read = Vec::new();
        while !reading.range.is_empty() {
            let (piece, rest) = reading.with_piece_from_disk().await.unwrap();
            read.extend_from_slice(&piece);
            reading = rest;
            reading.range.start += piece.len() as u64;
        }
        assert_eq!(read, content);
    }

    #[tokio::test]
    async fn a_file_that_gets_shorter_ends_in_an_error() {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, noise(7, 3 * CHUNK as usize)).unwrap();
        let mut pieces = read(path.clone(), None).await.unwrap();
        pieces.try_next().await.unwrap();
        std::fs::write(&path, b"short").unwrap();
        let error = loop {
            match pieces.try_next().await {
                Ok(piece) => assert!(piece.is_some(), "it ended as if it were whole"),
                Err(error) => break error,
            }
        };
        assert!(error.to_string().contains("cannot read"), "{error}");
    }
}
