//! Guarantees to a caller for all that clients send and all ways in which the network cuts it.

mod heads;
mod limits;
mod random;
mod recorded;
mod streams;
mod whole;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use serde::{Deserialize, Deserializer};

use super::{Body, Form, FormError, Limits};

/// The error of a body that ends too early.
pub(super) const ENDS_EARLY: &str =
    "the body ends before the closing boundary; end with it and `--`, and send the whole body";
pub(super) const NO_BOUNDARY: &str =
    "malformed form: there is no boundary; begin with `--` and the boundary that the request's Content-Type gives";

/// A part with all its content.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(super) struct Whole {
    pub(super) name: String,
    pub(super) file_name: Option<String>,
    #[serde(deserialize_with = "bytes_of_text")]
    pub(super) content: Vec<u8>,
}

impl Whole {
    pub(super) fn field(name: &str, content: impl AsRef<[u8]>) -> Self {
        let content = content.as_ref().to_vec();
        Self {
            name: name.to_owned(),
            file_name: None,
            content,
        }
    }

    pub(super) fn file(name: &str, file_name: &str, content: impl AsRef<[u8]>) -> Self {
        Self {
            file_name: Some(file_name.to_owned()),
            ..Self::field(name, content)
        }
    }
}

fn bytes_of_text<'de, D: Deserializer<'de>>(text: D) -> Result<Vec<u8>, D::Error> {
    String::deserialize(text).map(String::into_bytes)
}

/// The result of reading a form: complete parts, then the bytes of the one that failed, and the error.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Outcome {
    pub(super) parts: Vec<Whole>,
    pub(super) failed: Option<(Vec<u8>, String)>,
}

/// The form as a client writes it.
pub(super) fn written(boundary: &str, parts: &[Whole]) -> Vec<u8> {
    let mut body = Vec::new();
    for Whole {
        name,
        file_name,
        content,
    } in parts
    {
        let file = file_name.as_ref().map(|name| format!("; filename=\"{name}\""));
        let file = file.unwrap_or_default();
        let disposition = format!("Content-Disposition: form-data; name=\"{name}\"{file}");
        body.extend_from_slice(format!("--{boundary}\r\n{disposition}\r\n\r\n").as_bytes());
        body.extend_from_slice(content);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    body
}

/// Cuts `bytes` into pieces of these sizes, over and over; a size of 0 is an empty chunk.
pub(super) fn cut(bytes: &[u8], sizes: &[usize]) -> Vec<Bytes> {
    assert!(sizes.iter().any(|size| *size > 0), "nothing would ever be cut off");
    let mut bytes = Bytes::copy_from_slice(bytes);
    let mut chunks = Vec::new();
    for size in sizes.iter().cycle() {
        if bytes.is_empty() {
            break;
        }
        chunks.push(bytes.split_to(bytes.len().min(*size)));
    }
    chunks
}

pub(super) fn body(chunks: Vec<Bytes>) -> Body {
    stream::iter(chunks).map(Ok).boxed()
}

/// A body, and a counter of the chunks that were taken from it.
pub(super) fn counted(body: Body) -> (Body, Arc<AtomicUsize>) {
    let taken = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&taken);
    let body = body.inspect(move |_| {
        counter.fetch_add(1, Ordering::Relaxed);
    });
    (body.boxed(), taken)
}

pub(super) fn form(boundary: impl AsRef<[u8]>, chunks: Vec<Bytes>) -> Form {
    Form::new(boundary, body(chunks), Limits::default())
}

/// Reads everything.
pub(super) async fn read(mut form: Form) -> Outcome {
    let mut parts = Vec::new();
    let failed = loop {
        let part = match form.next_part().await {
            Ok(Some(part)) => part,
            Ok(None) => break None,
            Err(error) => break Some((Vec::new(), error.to_string())),
        };
        let (name, file_name) = (part.name.clone(), part.file_name.clone());
        let (content, failed) = drain(part.into_stream()).await;
        if let Some(error) = failed {
            break Some((content, error.to_string()));
        }
        parts.push(Whole {
            name,
            file_name,
            content,
        });
    };
    Outcome { parts, failed }
}

/// All content that arrives, and the error at its end.
pub(super) async fn drain(mut stream: super::Content) -> (Vec<u8>, Option<FormError>) {
    let mut content = Vec::new();
    while let Some(bytes) = stream.next().await {
        match bytes {
            Ok(bytes) => content.extend_from_slice(&bytes),
            Err(error) => return (content, Some(error)),
        }
    }
    (content, None)
}
