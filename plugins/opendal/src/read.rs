//! Reading, the same wherever the bytes are.

use std::ops::Range;

use futures_util::{StreamExt, TryStreamExt, stream};
use intake_core::{BoxError, ByteStream, Fault, codes};
use opendal::{ErrorKind, Operator};

use crate::fault;

/// How many bytes are under a path, if any.
pub(crate) async fn size(operator: &Operator, path: &str) -> Result<Option<u64>, Fault> {
    match operator.stat(path).await {
        Ok(found) => Ok(Some(found.content_length())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(fault::of_opendal(&format!("look up {path}"), error)),
    }
}

/// Reads a range, or all, of what is under a path. A range is cut to what is there.
///
/// With a chunk, each piece is a read of its own of at most that many bytes. Without, the pieces are what one answer of
/// the service brings.
pub(crate) async fn read(
    operator: &Operator,
    path: &str,
    chunk: Option<usize>,
    range: Option<Range<u64>>,
) -> Result<ByteStream, Fault> {
    let doing = format!("read {path}");
    let explain = |error: opendal::Error| match error.kind() {
        ErrorKind::NotFound => Fault::new(codes::BYTES_MISSING, format!("there are no bytes under {path}")),
        _ => fault::of_opendal(&doing, error),
    };
    // Services answer differently to a range that ends behind the end, and readers are lazy: whoever asks for bytes that
    // are not there shall hear it now.
    let size = operator.stat(path).await.map_err(explain)?.content_length();
    let range = match range {
        Some(range) => range.start..range.end.min(size),
        None => 0..size,
    };
    if range.is_empty() {
        return Ok(stream::empty().boxed());
    }
    let reader = operator.reader_with(path);
    let reader = match chunk {
        Some(bytes) => reader.chunk(bytes),
        None => reader,
    };
    let buffers = reader
        .await
        .map_err(explain)?
        .into_stream(range)
        .await
        .map_err(explain)?;
    let pieces = buffers
        .map_err(move |error| BoxError::from(fault::of_opendal(&doing, error)))
        // A buffer is a stream, too, but one with errors of another kind.
        .map_ok(|buffer| stream::iter(Iterator::map(buffer, Ok)))
        .try_flatten();
    Ok(pieces.boxed())
}
