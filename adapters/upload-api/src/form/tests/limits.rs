//! Endless input is refused early, and little of it is held until then.

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
    epilogue: 500,
    head: 2000,
    headers: 3,
    parts: 3,
    name: 10,
};

async fn first_part(bytes: impl Into<Bytes>) -> Result<(), FormError> {
    let mut form = Form::new("b", body(vec![bytes.into()]), LIMITS);
    form.next_part().await.map(|_| ())
}

/// Whether the error begins with this reason.
fn is(error: &FormError, why: &str) -> bool {
    error.to_string().starts_with(&format!("malformed form: {why}"))
}

#[tokio::test]
async fn what_never_ends_is_refused_after_one_chunk_too_many() {
    const PREAMBLE: &str = "there are more than 1000 bytes before the first boundary";
    const EPILOGUE: &str = "there are more than 500 bytes behind the closing boundary";
    const LINE: &str = "something follows the boundary on its line";
    const HEAD: &str = "part 1: its headers have more than 2000 bytes";
    let table: [(&'static str, &'static str, usize, &str); 6] = [
        ("", "no boundary", 1000, PREAMBLE),
        ("", "\r\n--", 1000, PREAMBLE),
        ("--b--", "behind", 500, EPILOGUE),
        ("--b", " \t ", 2000, LINE),
        ("--b\r\n", "X-Long-Name", 2000, HEAD),
        ("--b\r\n", "X: y\r\n", 2000, HEAD),
    ];
    for (start, pattern, limit, why) in table {
        for copies in [1, 10, 1000] {
            let chunk = Bytes::from(pattern.repeat(copies));
            let size = chunk.len();
            let endless = stream::iter([Bytes::from(start)]).chain(stream::repeat(chunk));
            let (endless, taken) = counted(endless.map(Ok).boxed());
            let mut form = Form::new("b", endless, LIMITS);
            let error = form.next_part().await.unwrap_err();
            assert!(is(&error, why), "{error}");
            let pulled = (taken.load(Ordering::Relaxed) - 1) * size;
            // Before a boundary is found, its beginning may still be something else.
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
    let epilogue = |bytes: usize| format!("--b--{}", "x".repeat(bytes));
    let line = "Content-Disposition: form-data; name=a\r\nX: \r\n\r\n";
    let head = |bytes: usize| {
        let fill = "y".repeat(bytes - line.len());
        format!("--b\r\nContent-Disposition: form-data; name=a\r\nX: {fill}\r\n\r\n")
    };
    let padding = |bytes: usize| format!("--b{}\r\n{line}", " ".repeat(bytes));
    let headers = |number: usize| format!("--b\r\n{}{line}", "X: y\r\n".repeat(number - 2));
    let named = |name, bytes| {
        let value = "n".repeat(bytes);
        format!("--b\r\nContent-Disposition: form-data; {name}={value}\r\n\r\n")
    };
    let name = |bytes: usize| named("name", bytes);
    let file_name = |bytes: usize| named("name=a; filename", bytes);
    type Written<'a> = &'a dyn Fn(usize) -> String;
    let table: [(Written<'_>, usize, &str); 7] = [
        (
            &preamble,
            1000,
            "there are more than 1000 bytes before the first boundary",
        ),
        (
            &epilogue,
            500,
            "there are more than 500 bytes behind the closing boundary",
        ),
        (&head, 2000, "part 1: its headers have more than 2000 bytes"),
        (&padding, 2000, "something follows the boundary on its line"),
        (&headers, 3, "part 1: it has more than 3 headers"),
        (
            &name,
            10,
            "part 1, header Content-Disposition: a name has 11 bytes and may have 10",
        ),
        (
            &file_name,
            10,
            "part 1, header Content-Disposition: a name has 11 bytes and may have 10",
        ),
    ];
    for (written, limit, why) in table {
        first_part(written(limit)).await.unwrap();
        let error = first_part(written(limit + 1)).await.unwrap_err();
        assert!(is(&error, why), "{error}");
    }

    for (count, fine) in [(3, true), (4, false)] {
        let bytes = written("b", &vec![Whole::field("a", "x"); count]);
        let outcome = read(Form::new("b", body(cut(&bytes, &[1])), LIMITS)).await;
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
    let mut form = Form::new("boundary", source, Limits::default());
    let mut stream = form.next_part().await.unwrap().unwrap().into_stream();
    let mut told = 0;
    while let Some(Ok(bytes)) = stream.next().await {
        // All but the chunk with this answer, which is not searched yet.
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

/// A waker for which no task waits.
struct Nobody;

impl Wake for Nobody {
    fn wake(self: Arc<Self>) {}
}

#[test]
fn a_body_that_is_always_ready_lets_others_run() {
    let bytes = written("b", &[Whole::file("f", "f", "x".repeat(1000)), Whole::field("a", "")]);
    let (source, taken) = counted(body(cut(&bytes, &[1])));
    let mut form = Form::new("b", source, Limits::default());
    let waker = Waker::from(Arc::new(Nobody));
    let mut context = Context::from_waker(&waker);
    let mut future = async { while form.next_part().await.unwrap().is_some() {} }.boxed();
    let mut polls = 1;
    while future.poll_unpin(&mut context).is_pending() {
        polls += 1;
        let taken = taken.load(Ordering::Relaxed);
        assert!(taken <= polls * 32, "{taken} chunks in {polls} polls");
    }
    assert!(polls >= bytes.len() / 32);
}

#[tokio::test]
async fn ten_thousand_empty_chunks_are_as_good_as_none() {
    let bytes = written("b", &[Whole::field("a", "x")]);
    let mut chunks: Vec<_> = repeat_n(Bytes::new(), 10_000).collect();
    chunks.extend(cut(&bytes, &[5, 0, 0]));
    assert_eq!(read(form("b", chunks)).await.parts, [Whole::field("a", "x")]);
}
