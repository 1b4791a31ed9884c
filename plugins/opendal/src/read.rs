//! Reading from any OpenDAL operator.

use std::ops::Range;

use futures_util::{StreamExt, TryStreamExt, stream};
use intake_core::{BoxError, ByteStream, Fault, codes};
use opendal::{ErrorKind, Operator};

use crate::fault;

/// The size of the object at a path, if there is one.
pub(crate) async fn size(operator: &Operator, path: &str) -> Result<Option<u64>, Fault> {
    match operator.stat(path).await {
        Ok(found) => Ok(Some(found.content_length())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(fault::of_opendal(&format!("look up {path}"), error)),
    }
}

/// Reads the object at a path, or a range of it, which is cut to the size of the object.
///
/// With a chunk, each piece is a separate read of at most that many bytes. Without one, the pieces are those of a single
/// answer of the service.
pub(crate) async fn read(
    operator: &Operator,
    path: &str,
    chunk: Option<usize>,
    range: Option<Range<u64>>,
) -> Result<ByteStream, Fault> {
    let doing = format!("read {path}");
    let explain = |error: opendal::Error| match error.kind() {
        ErrorKind::NotFound => Fault::new(codes::BYTES_MISSING, format!("there are no bytes at {path}")),
        _ => fault::of_opendal(&doing, error),
    };
    // Services differ in their answer to a range beyond the end, and readers are lazy: a missing object has to be reported
    // now.
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
        // A buffer is a stream too, but its error type differs.
        .map_ok(|buffer| stream::iter(Iterator::map(buffer, Ok)))
        .try_flatten();
    Ok(pieces.boxed())
}
