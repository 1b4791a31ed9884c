//! How the server reads from a connection, writes to it, and ends it: a slow client costs little memory, a client has to read its
//! answer at a minimum rate, and bytes that it still sends when the connection ends do not cost it the answer.

use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use intake_core::{LeastRate, Pace};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::Semaphore;
use tokio::time::{Instant, Sleep, sleep_until};

use super::read_size::{FREE_READ, ReadSize};

/// How long a peer may send nothing after the server has closed its side, before the connection is dropped.
const SILENCE: Duration = Duration::from_secs(2);

/// The limits of writing and of ending.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// The minimum rate at which the peer has to read.
    pub(super) rate: LeastRate,
    /// How long to read and drop bytes after the server has closed its side.
    pub(super) linger: Duration,
}

/// A stream with these limits.
#[derive(Debug)]
pub(super) struct Paced<S> {
    stream: S,
    reads: ReadSize,
    pace: Pace,
    linger: Duration,
    timer: Option<Pin<Box<Sleep>>>,
    /// When the connection is dropped, once the server has closed its side.
    end: Option<Instant>,
    /// When the peer has to have sent something, meanwhile.
    silent_until: Instant,
}

impl<S> Paced<S> {
    /// Reads in large pieces need one of these permits.
    pub(super) fn new(stream: S, bounds: Bounds, large_reads: Arc<Semaphore>) -> Self {
        Self {
            stream,
            reads: ReadSize::new(large_reads, Instant::now()),
            pace: Pace::new(bounds.rate),
            linger: bounds.linger,
            timer: None,
            end: None,
            silent_until: Instant::now(),
        }
    }

    /// Ready at this point in time.
    fn poll_until(&mut self, end: Instant, cx: &mut Context<'_>) -> Poll<()> {
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(end)));
        if timer.deadline() != end {
            timer.as_mut().reset(end);
        }
        timer.as_mut().poll(cx)
    }

    /// The result of a write, or an error if the peer reads too slowly.
    fn in_pace(&mut self, written: Poll<io::Result<usize>>, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        match &written {
            Poll::Pending => {
                let end = self.pace.wait(Instant::now());
                ready!(self.poll_until(end, cx));
                let why = "the peer does not take what it asked for";
                Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, why)))
            }
            Poll::Ready(Ok(bytes)) => {
                self.pace.moved(*bytes as u64, Instant::now());
                written
            }
            Poll::Ready(Err(_)) => written,
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Paced<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let bytes = match self.reads.limit() {
            Some(limit) if limit < buf.remaining() => {
                // Of the buffer, no more is touched than is needed: memory that was never touched costs nothing.
                let mut part = [const { MaybeUninit::uninit() }; FREE_READ];
                let mut part = ReadBuf::uninit(&mut part[..limit]);
                ready!(Pin::new(&mut self.stream).poll_read(cx, &mut part))?;
                buf.put_slice(part.filled());
                part.filled().len()
            }
            _ => {
                let before = buf.filled().len();
                ready!(Pin::new(&mut self.stream).poll_read(cx, buf))?;
                buf.filled().len() - before
            }
        };
        self.reads.read(bytes, Instant::now());
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Paced<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.in_pace(written, cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.in_pace(written, cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    /// Closes the sending side, then reads and drops what still arrives. A system answers bytes that reach a closed socket, or
    /// were not read, with a reset, and a peer that gets a reset loses what it has not read yet: the answer.
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let end = match self.end {
            Some(end) => end,
            None => {
                ready!(Pin::new(&mut self.stream).poll_shutdown(cx))?;
                let now = Instant::now();
                self.silent_until = now + SILENCE;
                let end = now + self.linger;
                *self.end.insert(end)
            }
        };
        let mut dropped = [0; 16 * 1024];
        loop {
            let mut buf = ReadBuf::new(&mut dropped);
            match Pin::new(&mut self.stream).poll_read(cx, &mut buf) {
                Poll::Ready(Ok(())) if !buf.filled().is_empty() => {
                    let now = Instant::now();
                    self.silent_until = now + SILENCE;
                    if now >= end {
                        return Poll::Ready(Ok(()));
                    }
                }
                // The peer has closed its side, or its connection is broken.
                Poll::Ready(_) => return Poll::Ready(Ok(())),
                Poll::Pending => {
                    let until = end.min(self.silent_until);
                    return self.poll_until(until, cx).map(Ok);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};

    use super::*;

    const BOUNDS: Bounds = Bounds {
        rate: LeastRate {
            bytes_per_second: 500,
            window: Duration::from_secs(30),
        },
        linger: Duration::from_secs(20),
    };

    /// A connection that buffers so many bytes: the server's end, and the peer's.
    fn connection(room: usize) -> (Paced<DuplexStream>, DuplexStream) {
        let (ours, peer) = duplex(room);
        (Paced::new(ours, BOUNDS, Arc::new(Semaphore::new(1))), peer)
    }

    /// Reads so many bytes after each pause, forever.
    async fn take(mut peer: DuplexStream, bytes: usize, pause: Duration) {
        let mut taken = vec![0; bytes];
        loop {
            tokio::time::sleep(pause).await;
            if peer.read_exact(&mut taken).await.is_err() {
                return;
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_nobody_takes_ends_the_connection() {
        for (what, bytes, pause) in [
            ("nothing", 0, Duration::from_secs(10)),
            ("a byte every 19 seconds", 1, Duration::from_secs(19)),
            ("ten bytes a second", 10, Duration::from_secs(1)),
        ] {
            let (mut ours, peer) = connection(1000);
            let taking = tokio::spawn(take(peer, bytes, pause));
            let before = Instant::now();
            let error = ours.write_all(&[0; 100_000]).await.expect_err(what);
            assert_eq!(error.kind(), io::ErrorKind::TimedOut, "{what}");
            assert!(
                before.elapsed() < Duration::from_secs(33),
                "{what}: {:?}",
                before.elapsed()
            );
            taking.abort();
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_reader_is_written_to_until_it_has_all() {
        for (bytes, pause) in [(600, 1), (1500, 2), (8000, 12)] {
            let (mut ours, peer) = connection(8000);
            let taking = tokio::spawn(take(peer, bytes, Duration::from_secs(pause)));
            let written = ours.write_all(&[0; 1_000_000]).await;
            assert!(written.is_ok(), "{bytes} bytes every {pause} seconds: {written:?}");
            taking.abort();
        }
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_still_sending_when_a_connection_ends_reads_the_answer_first() {
        let (mut ours, mut peer) = connection(1000);
        let ending = tokio::spawn(async move {
            ours.write_all(b"no").await?;
            ours.shutdown().await
        });
        // More than the buffer holds, so writing it succeeds only if the other side reads it.
        peer.write_all(&[0; 100_000]).await.unwrap();
        let mut heard = String::new();
        peer.read_to_string(&mut heard).await.unwrap();
        assert_eq!(heard, "no");
        let before = Instant::now();
        drop(peer);
        ending.await.unwrap().unwrap();
        assert_eq!(before.elapsed(), Duration::ZERO, "who has closed is not waited for");
    }

    #[tokio::test(start_paused = true)]
    async fn an_end_is_not_put_off_for_ever() {
        let (mut silent, _peer) = connection(1000);
        let before = Instant::now();
        silent.shutdown().await.unwrap();
        assert_eq!(before.elapsed(), SILENCE);

        let (mut dripped_on, mut peer) = connection(1000);
        tokio::spawn(async move {
            while peer.write_all(b"x").await.is_ok() {
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        });
        let before = Instant::now();
        dripped_on.shutdown().await.unwrap();
        assert!(before.elapsed() <= BOUNDS.linger, "{:?}", before.elapsed());
    }
}
