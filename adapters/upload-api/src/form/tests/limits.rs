//! What never ends is refused early, and nothing much is held until then.

use std::iter::repeat_n;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Wake, Waker};

use bytes::Bytes;
use futures_util::{FutureExt, StreamExt, stream};

use super::{Whole, body, counted, cut, form, read, written};
use crate::form::{Form, FormError, Limits};

const LIMITS: Limits = Limits {
    preamble: 1000,
    head: 2000,
    headers: 3,
    parts: 3,
    name: 10,
};

async fn first_part(bytes: impl Into<Bytes>) -> Result<(), FormError> {
    let mut form = Form::new("b".to_owned(), body(vec![bytes.into()]), LIMITS);
    form.next_part().await.map(|_| ())
}

#[tokio::test]
async fn what_never_ends_is_refused_after_one_chunk_too_many() {
    let table: [(&'static str, &'static str, usize, &str); 5] = [
        ("", "no boundary", 1000, "too many bytes before the first boundary"),
        ("", "\r\n--", 1000, "too many bytes before the first boundary"),
        ("--b", " \t ", 2000, "the headers of a part are too large"),
        ("--b\r\n", "X-Long-Name", 2000, "the headers of a part are too large"),
        ("--b\r\n", "X: y\r\n", 2000, "the headers of a part are too large"),
    ];
    for (start, pattern, limit, why) in table {
        for copies in [1, 10, 1000] {
            let chunk = Bytes::from(pattern.repeat(copies));
            let size = chunk.len();
            let endless = stream::iter([Bytes::from(start)]).chain(stream::repeat(chunk));
            let (endless, taken) = counted(endless.map(Ok).boxed());
            let mut form = Form::new("b".to_owned(), endless, LIMITS);
            let error = form.next_part().await.unwrap_err();
            assert_eq!(error.to_string(), why);
            let pulled = (taken.load(Ordering::Relaxed) - 1) * size;
            // Before a boundary is found, its beginning is not yet known to be anything else.
            let most = limit + size + "\r\n--b".len();
            assert!(
                (limit..=most).contains(&pulled),
                "{pulled} bytes of {pattern:?} by {size}"
            );
        }
    }
}

#[tokio::test]
async fn a_limit_is_what_may_just_come() {
    let preamble = |bytes: usize| format!("{}\r\n--b--", "x".repeat(bytes - 2));
    // The line end before the boundary belongs to the boundary.
    first_part(preamble(1002)).await.unwrap();
    let error = first_part(preamble(1003)).await.unwrap_err();
    assert!(matches!(error, FormError::PreambleTooLarge), "{error}");

    let line = "Content-Disposition: form-data; name=a\r\nX: \r\n\r\n";
    let head = |bytes| {
        let fill = "y".repeat(bytes - line.len());
        format!("--b\r\nContent-Disposition: form-data; name=a\r\nX: {fill}\r\n\r\n")
    };
    first_part(head(2000)).await.unwrap();
    let error = first_part(head(2001)).await.unwrap_err();
    assert!(matches!(error, FormError::HeadTooLarge), "{error}");

    let padding = |bytes| format!("--b{}\r\n{line}", " ".repeat(bytes));
    first_part(padding(2000)).await.unwrap();
    let error = first_part(padding(2001)).await.unwrap_err();
    assert!(matches!(error, FormError::HeadTooLarge), "{error}");

    let headers = |extra| format!("--b\r\n{}{line}", "X: y\r\n".repeat(extra));
    first_part(headers(1)).await.unwrap();
    let error = first_part(headers(2)).await.unwrap_err();
    assert!(matches!(error, FormError::TooManyHeaders), "{error}");

    for name in ["name=", "name=a; filename="] {
        let named = |bytes| {
            let value = "n".repeat(bytes);
            format!("--b\r\nContent-Disposition: form-data; {name}{value}\r\n\r\n")
        };
        first_part(named(10)).await.unwrap();
        let error = first_part(named(11)).await.unwrap_err();
        assert!(matches!(error, FormError::NameTooLong), "{error}");
    }

    for (count, fine) in [(3, true), (4, false)] {
        let bytes = written("b", &vec![Whole::field("a", "x"); count]);
        let outcome = read(Form::new("b".to_owned(), body(cut(&bytes, &[1])), LIMITS)).await;
        assert_eq!(outcome.parts.len(), 3);
        assert_eq!(outcome.failed.is_none(), fine, "{:?}", outcome.failed);
    }
}

#[tokio::test]
async fn what_is_held_back_is_shorter_than_a_delimiter() {
    let content = b"\r\n--boundar\r\n--\r\r\n\r\n--boundarx\r\n-".repeat(20);
    let mut bytes = written("boundary", &[Whole::field("a", &content)]);
    bytes.truncate(bytes.len() - "\r\n--boundary--\r\n".len());
    let head = bytes.len() - content.len();
    let (source, taken) = counted(body(cut(&bytes, &[1])));
    let mut form = Form::new("boundary".to_owned(), source, Limits::default());
    let mut stream = form.next_part().await.unwrap().unwrap().into_stream();
    let mut told = 0;
    while let Some(Ok(bytes)) = stream.next().await {
        // All but the chunk which this answer came with, which is still to be looked at.
        let seen = taken.load(Ordering::Relaxed) - 1 - head;
        assert!(seen - told < "\r\n--boundary".len(), "{told} of {seen} bytes");
        told += bytes.len();
    }
    assert!(content.len() - told < "\r\n--boundary".len());
}

#[tokio::test]
async fn content_is_not_copied() {
    let content = "x".repeat(10_000);
    let chunks = cut(&written("b", &[Whole::field("a", &content)]), &[4096]);
    let ranges: Vec<_> = chunks.iter().map(|chunk| chunk.as_ptr_range()).collect();
    let mut form = form("b", chunks);
    let mut stream = form.next_part().await.unwrap().unwrap().into_stream();
    while let Some(bytes) = stream.next().await {
        let at = bytes.unwrap().as_ptr();
        assert!(ranges.iter().any(|range| range.contains(&at)));
    }
}

/// A waker that nobody waits for.
struct Nobody;

impl Wake for Nobody {
    fn wake(self: Arc<Self>) {}
}

#[test]
fn a_body_that_is_always_ready_lets_others_run() {
    let bytes = written("b", &[Whole::file("f", "f", "x".repeat(1000)), Whole::field("a", "")]);
    for skip_all in [false, true] {
        let (source, taken) = counted(body(cut(&bytes, &[1])));
        let mut form = Form::new("b".to_owned(), source, Limits::default());
        let waker = Waker::from(Arc::new(Nobody));
        let mut context = Context::from_waker(&waker);
        let mut future = async {
            if skip_all {
                return form.skip_rest().await.unwrap();
            }
            while form.next_part().await.unwrap().is_some() {}
        }
        .boxed();
        let mut polls = 1;
        while future.poll_unpin(&mut context).is_pending() {
            polls += 1;
            let taken = taken.load(Ordering::Relaxed);
            assert!(taken <= polls * 32, "{taken} chunks in {polls} polls");
        }
        assert!(polls >= bytes.len() / 32);
    }
}

#[tokio::test]
async fn ten_thousand_empty_chunks_are_as_good_as_none() {
    let bytes = written("b", &[Whole::field("a", "x")]);
    let mut chunks: Vec<_> = repeat_n(Bytes::new(), 10_000).collect();
    chunks.extend(cut(&bytes, &[5, 0, 0]));
    assert_eq!(read(form("b", chunks)).await.parts, [Whole::field("a", "x")]);
}
