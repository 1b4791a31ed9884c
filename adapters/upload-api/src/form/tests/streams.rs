//! A part is independent of its form: half read, dropped, or outliving the form.

use std::collections::VecDeque;
use std::error::Error;
use std::future::{pending, ready};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};

use bytes::Bytes;
use futures_util::{FutureExt, StreamExt, stream};

use super::{Whole, cut, drain, form, read, written};
use crate::form::{Body, Content, Form, FormError, Limits, Part};

fn two_parts() -> Vec<u8> {
    written(
        "b",
        &[Whole::file("f", "x.bin", "one two three"), Whole::field("g", "four")],
    )
}

async fn next(form: &mut Form) -> Part {
    form.next_part().await.unwrap().expect("there is another part")
}

#[test]
fn everything_can_go_to_another_task() {
    fn goes<T: Send + 'static>(_: &T) {}
    let mut form = form("b", Vec::new());
    goes(&form);
    goes(&async move { form.next_part().await.unwrap().unwrap().text(1).await });
    let _: fn(&Content) = goes;
}

#[tokio::test]
async fn what_is_left_of_a_part_is_skipped() {
    for sizes in [&[usize::MAX][..], &[1], &[70, 3]] {
        for reads in 0..4 {
            let mut form = form("b", cut(&two_parts(), sizes));
            let mut stream = next(&mut form).await.into_stream();
            for _ in 0..reads {
                stream.next().await.transpose().unwrap();
            }
            drop(stream);
            let part = next(&mut form).await;
            assert_eq!(part.name, "g");
            assert_eq!(part.text(10).await.unwrap().as_deref(), Some("four"));
            assert!(form.next_part().await.unwrap().is_none());
            assert!(form.next_part().await.unwrap().is_none(), "the end stays the end");
        }
    }
}

#[tokio::test]
async fn a_stream_cannot_take_bytes_of_a_later_part() {
    let mut form = form("b", cut(&two_parts(), &[1]));
    let mut old = next(&mut form).await.into_stream();
    assert_eq!(old.next().await.unwrap().unwrap(), "o");
    let new = next(&mut form).await;
    assert!(matches!(old.next().await, Some(Err(FormError::Stale))));
    assert!(old.next().await.is_none());
    assert_eq!(new.text(10).await.unwrap().as_deref(), Some("four"));
}

#[tokio::test]
async fn a_stream_that_was_read_to_its_end_stays_at_its_end() {
    let mut form = form("b", cut(&two_parts(), &[1]));
    let mut old = next(&mut form).await.into_stream();
    while let Some(bytes) = old.next().await {
        bytes.unwrap();
    }
    assert_eq!(next(&mut form).await.name, "g");
    assert!(old.next().await.is_none());
}

#[tokio::test]
async fn whether_a_part_is_empty_is_known_before_it_is_read() {
    let parts = [
        Whole::file("f", "", ""),
        Whole::file("g", "", "one two"),
        Whole::field("h", "x"),
    ];
    for sizes in [&[usize::MAX][..], &[1], &[70, 3]] {
        let mut form = form("b", cut(&written("b", &parts), sizes));
        let mut empty = next(&mut form).await;
        assert!(empty.is_empty().await.unwrap());
        assert!(empty.is_empty().await.unwrap());
        assert_eq!(empty.text(10).await.unwrap().as_deref(), Some(""));
        let mut full = next(&mut form).await;
        assert!(!full.is_empty().await.unwrap());
        assert!(!full.is_empty().await.unwrap());
        assert_eq!(full.text(10).await.unwrap().as_deref(), Some("one two"));
        assert_eq!(next(&mut form).await.name, "h");
    }
}

#[tokio::test]
async fn a_part_outlives_its_form() {
    let mut form = form("b", cut(&two_parts(), &[5]));
    let part = next(&mut form).await;
    drop(form);
    let (content, failed) = drain(part.into_stream()).await;
    assert_eq!((content.as_slice(), failed.is_none()), (&b"one two three"[..], true));
}

/// Counts how often it was woken.
struct Bell(AtomicUsize);

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// A body with the bytes of the queue, which waits for more when the queue is empty.
fn queue() -> (Arc<Mutex<VecDeque<u8>>>, Body) {
    let queue = Arc::new(Mutex::new(VecDeque::new()));
    let source = Arc::clone(&queue);
    let body = stream::poll_fn(move |_| match source.lock().unwrap().pop_front() {
        Some(byte) => Poll::Ready(Some(Ok(Bytes::from(vec![byte])))),
        None => Poll::Pending,
    });
    (queue, body.boxed())
}

#[test]
fn whoever_waits_for_a_part_is_woken_when_the_form_goes_on() {
    let bytes = two_parts();
    let (queue, source) = queue();
    let half = bytes.len() / 2;
    queue.lock().unwrap().extend(&bytes[..half]);
    let mut form = Form::new("b", source, Limits::default());
    let bell = Arc::new(Bell(AtomicUsize::new(0)));
    let waker = Waker::from(Arc::clone(&bell));
    let mut theirs = Context::from_waker(&waker);
    let mut ours = Context::from_waker(Waker::noop());
    let part = loop {
        // The reader lets other tasks run now and then.
        if let Poll::Ready(part) = form.next_part().boxed().poll_unpin(&mut ours) {
            break part.unwrap().unwrap();
        }
    };

    let mut stream = part.into_stream();
    while !queue.lock().unwrap().is_empty() {
        let _ = stream.poll_next_unpin(&mut theirs);
    }
    while stream.poll_next_unpin(&mut theirs).is_ready() {}
    let before = bell.0.load(Ordering::Relaxed);
    assert!(form.next_part().boxed().poll_unpin(&mut ours).is_pending());
    assert_eq!(bell.0.load(Ordering::Relaxed), before + 1);
    let polled = stream.poll_next_unpin(&mut theirs);
    assert!(matches!(polled, Poll::Ready(Some(Err(FormError::Stale)))), "{polled:?}");

    // The call that did not wait has lost nothing: the next one continues.
    queue.lock().unwrap().extend(&bytes[half..]);
    let part = loop {
        if let Poll::Ready(part) = form.next_part().boxed().poll_unpin(&mut ours) {
            break part.unwrap().unwrap();
        }
    };
    assert_eq!(part.name, "g");
}

fn breaks_off_at(at: usize) -> Body {
    let bytes = Bytes::from(two_parts()).slice(..at);
    let broken = stream::once(ready(Err("the peer went away".into())));
    stream::iter([Ok(bytes)]).chain(broken).boxed()
}

#[tokio::test]
async fn a_body_that_breaks_off_says_why() {
    for at in 0..=two_parts().len() {
        let form = Form::new("b", breaks_off_at(at), Limits::default());
        let (_, why) = read(form).await.failed.expect("the form is not complete");
        assert_eq!(why, "the body broke off", "at {at}");
    }
    let mut form = Form::new("b", breaks_off_at(70), Limits::default());
    let (content, failed) = drain(next(&mut form).await.into_stream()).await;
    assert!(b"one two three".starts_with(&content));
    let errors = [
        failed.expect("the part is not complete"),
        form.next_part().await.unwrap_err(),
    ];
    for error in errors {
        assert_eq!(error.source().unwrap().to_string(), "the peer went away");
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_form_stays_wrong() {
    let body = b"--b\r\nContent-Disposition: form-data; name=a\r\n\r\nx\r\n--bad\r\n\r\n--b--\r\n";
    let mut form = form("b", cut(body, &[9]));
    let (_, first) = drain(next(&mut form).await.into_stream()).await;
    let first = first.expect("the boundary line is broken").to_string();
    for _ in 0..3 {
        assert_eq!(form.next_part().await.unwrap_err().to_string(), first);
    }
}

#[tokio::test]
async fn a_form_is_over_only_when_its_body_is() {
    let closed = || Ok(Bytes::from("--b--"));
    let open = stream::iter([closed()]).chain(stream::once(pending()));
    let mut form = Form::new("b", open.boxed(), Limits::default());
    assert!(form.next_part().now_or_never().is_none());

    let broken = stream::iter([closed(), Err("the peer went away".into())]);
    let mut form = Form::new("b", broken.boxed(), Limits::default());
    assert!(matches!(form.next_part().await, Err(FormError::Body(_))));
}

#[tokio::test]
async fn text_is_taken_up_to_a_limit() {
    let parts = [
        Whole::field("fits", "größe"),
        Whole::field("long", "größer"),
        Whole::field("bytes", [b'a', 0xff]),
        Whole::field("none", ""),
    ];
    for sizes in [[usize::MAX], [1]] {
        let mut form = form("b", cut(&written("b", &parts), &sizes));
        assert_eq!(next(&mut form).await.text(7).await.unwrap().as_deref(), Some("größe"));
        assert_eq!(next(&mut form).await.text(7).await.unwrap(), None);
        let error = next(&mut form).await.text(7).await.unwrap_err();
        let why = "malformed form: part 3, field \"bytes\": its text is not UTF-8; ";
        assert!(error.to_string().starts_with(why), "{error}");
        assert_eq!(next(&mut form).await.text(0).await.unwrap().as_deref(), Some(""));
        assert!(form.next_part().await.unwrap().is_none());
    }
}
