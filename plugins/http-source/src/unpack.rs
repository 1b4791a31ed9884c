//! Unpacks the packed bytes of a source piece by piece, with limits on memory, output and input.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::Poll;

use async_compression::tokio::bufread::{BrotliDecoder, DeflateDecoder, GzipDecoder, ZlibDecoder, ZstdDecoder};
use async_compression::zstd::DParameter;
use bytes::{Bytes, BytesMut};
use futures_util::stream::{self, BoxStream, Stream, StreamExt};
use intake_core::{BoxError, Error, Interruption, Rejection};
use tokio::io::{AsyncBufRead, AsyncRead, AsyncReadExt};
use tokio_util::io::StreamReader;

use crate::codes::DOWNLOAD_FAILED;
use crate::coding::Coding;
use crate::error::refused;

/// The greatest ratio of unpacked to packed bytes. For text it is seldom above 20; 200 is also the default of Apache's
/// `DeflateInflateRatioLimit`.
const RATIO: u64 = 200;
/// How many bytes may be unpacked regardless of the ratio.
const FREE_OUTPUT: u64 = 16 << 20;
/// How many packed bytes may exceed twice the unpacked ones. No coding makes data much larger, so more than that is filling,
/// sent to keep an upload busy.
const FREE_INPUT: u64 = 1 << 20;
/// The largest window of zstd that a sender may use on the web, as a power of two: 8 MiB (RFC 9659).
const ZSTD_WINDOW: u32 = 23;
/// How many bytes are unpacked at a time.
const PIECE: usize = 64 * 1024;
/// How many bytes are needed to choose a decoder.
const BEGINNING: usize = 2;

type Pieces = BoxStream<'static, Result<Bytes, BoxError>>;

/// The numbers of packed and unpacked bytes.
#[derive(Debug, Default)]
struct Counts {
    packed: AtomicU64,
    unpacked: AtomicU64,
    /// Whether the last packed byte was read.
    ended: AtomicBool,
}

impl Counts {
    /// Counts a packed piece.
    fn took(&self, piece: &Bytes, coding: Coding) -> Result<(), Error> {
        let packed = self.packed.fetch_add(piece.len() as u64, Ordering::Relaxed) + piece.len() as u64;
        let useful = self.unpacked.load(Ordering::Relaxed).saturating_mul(2);
        if packed > useful.saturating_add(FREE_INPUT) {
            return Err(unusable(coding, "more filling than content"));
        }
        Ok(())
    }

    /// Counts an unpacked piece.
    fn gave(&self, piece: &Bytes, coding: Coding) -> Result<(), Error> {
        let unpacked = self.unpacked.fetch_add(piece.len() as u64, Ordering::Relaxed) + piece.len() as u64;
        let most = self.packed.load(Ordering::Relaxed).saturating_mul(RATIO);
        if unpacked > most.max(FREE_OUTPUT) {
            return Err(unusable(coding, &format!("more than {RATIO} times its packed size")));
        }
        Ok(())
    }
}

/// Unpacks a stream. Reads at most one piece ahead.
pub(crate) fn unpacked(
    packed: impl Stream<Item = Result<Bytes, BoxError>> + Send + 'static,
    coding: Coding,
) -> impl Stream<Item = Result<Bytes, BoxError>> + Send + 'static {
    let packed: Pieces = packed.fuse().boxed();
    stream::once(async move {
        match beginning(packed).await {
            Ok((beginning, rest)) => decode(beginning, rest, coding),
            Err(error) => stream::iter([Err(error)]).boxed(),
        }
    })
    .flatten()
}

/// The first bytes, enough to choose a decoder, and the rest of the stream.
async fn beginning(mut pieces: Pieces) -> Result<(Bytes, Pieces), BoxError> {
    let mut beginning = BytesMut::new();
    while beginning.len() < BEGINNING {
        match pieces.next().await {
            Some(piece) => beginning.extend_from_slice(&piece?),
            None => break,
        }
    }
    Ok((beginning.freeze(), pieces))
}

fn decode(beginning: Bytes, rest: Pieces, coding: Coding) -> Pieces {
    // An empty body is an empty file in every coding.
    if beginning.is_empty() {
        return stream::empty().boxed();
    }
    if coding == Coding::Brotli && has_large_window(&beginning) {
        let error = unusable(coding, "a window larger than HTTP allows");
        return stream::iter([Err(error.into())]).boxed();
    }
    let is_zlib = is_zlib(&beginning);
    let counts = Arc::new(Counts::default());
    let (counting, ending) = (counts.clone(), counts.clone());
    let packed = stream::iter([Ok(beginning)]).chain(rest).map(move |piece| {
        let piece = piece.map_err(io::Error::other)?;
        counting.took(&piece, coding).map_err(io::Error::other)?;
        Ok::<_, io::Error>(piece)
    });
    let end = stream::poll_fn(move |_| {
        ending.ended.store(true, Ordering::Relaxed);
        Poll::Ready(None)
    });
    let decoder = decoder(StreamReader::new(packed.chain(end)), coding, is_zlib);
    let unpacked = stream::unfold(Some(decoder), move |decoder| {
        let counts = counts.clone();
        async move {
            let mut decoder = decoder?;
            match next_piece(&mut decoder).await {
                Ok(Some(piece)) => match counts.gave(&piece, coding) {
                    Ok(()) => Some((Ok(piece), Some(decoder))),
                    Err(error) => Some((Err(error.into()), None)),
                },
                Ok(None) => None,
                Err(error) => {
                    let after_the_last_byte = counts.ended.load(Ordering::Relaxed);
                    Some((Err(failed(error, coding, after_the_last_byte)), None))
                }
            }
        }
    });
    unpacked.boxed()
}

/// The next unpacked bytes, `None` after the last.
async fn next_piece(decoder: &mut Pin<Box<dyn Decoder>>) -> io::Result<Option<Bytes>> {
    let mut piece = BytesMut::with_capacity(PIECE);
    if decoder.read_buf(&mut piece).await? > 0 {
        return Ok(Some(piece.freeze()));
    }
    // Bytes behind the end mean that the coding is another one, so the unpacked bytes are not the file.
    let behind = poll_fn(|cx| decoder.as_mut().packed().poll_fill_buf(cx).map_ok(<[u8]>::len)).await?;
    if behind > 0 {
        return Err(io::ErrorKind::InvalidData.into());
    }
    Ok(None)
}

/// A decoder, and the packed bytes that it has not read.
trait Decoder: AsyncRead + Send {
    fn packed(self: Pin<&mut Self>) -> Pin<&mut dyn AsyncBufRead>;
}

macro_rules! decoders {
    ($($decoder:ident),*) => {$(
        impl<R: AsyncBufRead + Send + 'static> Decoder for $decoder<R> {
            fn packed(self: Pin<&mut Self>) -> Pin<&mut dyn AsyncBufRead> {
                self.get_pin_mut()
            }
        }
    )*};
}

decoders!(BrotliDecoder, DeflateDecoder, GzipDecoder, ZlibDecoder, ZstdDecoder);

fn decoder<R>(packed: R, coding: Coding, is_zlib: bool) -> Pin<Box<dyn Decoder>>
where
    R: AsyncBufRead + Send + 'static,
{
    match coding {
        Coding::Gzip => {
            let mut decoder = GzipDecoder::new(packed);
            // A file may consist of several members (RFC 1952, 2.2).
            decoder.multiple_members(true);
            Box::pin(decoder)
        }
        Coding::Deflate if is_zlib => Box::pin(ZlibDecoder::new(packed)),
        Coding::Deflate => Box::pin(DeflateDecoder::new(packed)),
        Coding::Brotli => Box::pin(BrotliDecoder::new(packed)),
        Coding::Zstd => {
            let mut decoder = ZstdDecoder::with_params(packed, &[DParameter::window_log_max(ZSTD_WINDOW)]);
            decoder.multiple_members(true);
            Box::pin(decoder)
        }
    }
}

/// Whether deflated bytes begin with zlib's header (RFC 1950, 2.2): the method is deflate, and the check digits are right.
fn is_zlib(beginning: &[u8]) -> bool {
    match beginning {
        [method, flags, ..] => method & 0x0f == 8 && u16::from_be_bytes([*method, *flags]) % 31 == 0,
        _ => false,
    }
}

/// Whether bytes begin like the variant of Brotli with a window of up to a gigabyte, which RFC 7932 (9.1) does not allow and the
/// decoder would accept.
fn has_large_window(beginning: &[u8]) -> bool {
    beginning.first().is_some_and(|first| first & 0x7f == 0x11)
}

/// The error for the sender: one of this plugin that the decoder has passed on, or one for a failure of the decoder.
fn failed(error: io::Error, coding: Coding, after_the_last_byte: bool) -> BoxError {
    match error.into_inner() {
        Some(ours) if ours.is::<Interruption>() || ours.is::<Error>() => ours,
        // The source was cut short, which may not happen the next time.
        _ if after_the_last_byte => Interruption::new(rejection(coding, "it ends too early")).into(),
        _ => unusable(coding, "it is damaged, or not packed so").into(),
    }
}

fn unusable(coding: Coding, how: &str) -> Error {
    refused(rejection(coding, how))
}

fn rejection(coding: Coding, how: &str) -> Rejection {
    let name = coding.name();
    Rejection::new(
        DOWNLOAD_FAILED,
        format!("the source's file cannot be unpacked ({name}): {how}"),
    )
    .with_subject(format!("content-encoding: {name}: {how}"))
}
