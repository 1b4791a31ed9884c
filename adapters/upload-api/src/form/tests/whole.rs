//! Whole forms: each is read the same for all cuts.

use super::{ENDS_EARLY, NO_BOUNDARY, Outcome, Whole, cut, form, read, written};

/// In one piece, byte by byte, with empty chunks, and with ends at changing places.
const CUTS: [&[usize]; 6] = [&[usize::MAX], &[1], &[0, 1, 0], &[2, 3], &[7], &[11, 1, 0, 5]];

const A: &str = "Content-Disposition: form-data; name=a";

async fn outcome(body: &[u8]) -> Outcome {
    let whole = read(form("b", cut(body, CUTS[0]))).await;
    for sizes in &CUTS[1..] {
        let outcome = read(form("b", cut(body, sizes))).await;
        assert_eq!(outcome, whole, "{} cut into {sizes:?}", body.escape_ascii());
    }
    whole
}

#[tokio::test]
async fn content_comes_out_as_it_went_in() {
    let table: [&[u8]; 16] = [
        b"",
        b"hello",
        b"\r\n",
        b"\r\n\r\n",
        b"\r",
        b"\n",
        b"\n--",
        b"\n--a\n-\n--\n--c",
        b"x--b\r\n",
        b"\r--b",
        b"\r--b--\r",
        b"\r\n-",
        b"\r\n--",
        b"\r\n--\r\n--a\r\n-b\r\n\r\r\n--B\r\r\n",
        b"\r\r\n\r\n-\r\n--\r\n--c",
        &[0, 255, 13, 10, 45, 45],
    ];
    for content in table {
        let parts = [Whole::file("f", "x.bin", content), Whole::field("after", content)];
        let outcome = outcome(&written("b", &parts)).await;
        assert_eq!(
            outcome,
            Outcome {
                parts: parts.to_vec(),
                failed: None
            }
        );
    }
}

#[tokio::test]
async fn what_clients_put_around_the_parts_does_no_harm() {
    let part = Whole::field("a", "x");
    let one = [part.clone()];
    let table: &[(String, &[Whole])] = &[
        (format!("--b\r\n{A}\r\n\r\nx\r\n--b--"), &one),
        (format!("\r\n--b\r\n{A}\r\n\r\nx\r\n--b--\r\n"), &one),
        (format!("For people.\r\n\r\n--b\r\n{A}\r\n\r\nx\r\n--b--"), &one),
        // As some clients write the first boundary.
        (format!("\n--b\r\n{A}\r\n\r\nx\r\n--b--"), &one),
        (format!(" --b\r\n{A}\r\n\r\nx\r\n--b--"), &one),
        (format!("----b\r\n{A}\r\n\r\nx\r\n--b--"), &one),
        (format!("\r\n\n--b\r\n{A}\r\n\r\nx\r\n--b--"), &one),
        (
            format!("--b \t \r\n{A}\r\n\r\nx\r\n--b\t\r\n{A}\r\n\r\nx\r\n--b-- \r\n"),
            &[part.clone(), part.clone()],
        ),
        (format!("--b\r\n{A}\r\n\r\nx\r\n--b--\r\n--b\r\nanything at all"), &one),
        ("--b--".to_owned(), &[]),
        ("\r\n--b--\r\n".to_owned(), &[]),
    ];
    for (body, parts) in table {
        let expected = Outcome {
            parts: parts.to_vec(),
            failed: None,
        };
        assert_eq!(outcome(body.as_bytes()).await, expected, "{body:?}");
    }
}

/// The result of a form that is refused before any of its parts is complete.
fn refused(before: &str, why: &str) -> Outcome {
    Outcome {
        parts: Vec::new(),
        failed: Some((before.as_bytes().to_vec(), format!("malformed form: {why}"))),
    }
}

const LINE: &str = "something follows the boundary on its line; write CR LF there, or `--` at the end";

#[tokio::test]
async fn what_is_not_a_form_is_refused() {
    const LINE_FEED: &str = "part 1: a line of its headers does not end with CR LF";
    let no_boundary = NO_BOUNDARY.strip_prefix("malformed form: ").unwrap();
    let table: &[(String, &str)] = &[
        (String::new(), no_boundary),
        ("no form at all".to_owned(), no_boundary),
        ("--c\r\n\r\n--c--\r\n".to_owned(), no_boundary),
        ("--bb\r\n".to_owned(), LINE),
        ("--b \r\r\n".to_owned(), LINE),
        ("--b -- \r\n".to_owned(), LINE),
        ("--b-\r\n".to_owned(), LINE),
        (format!("--b\n{A}\n\nx\n--b--\n"), LINE),
        (format!("For --b people.\r\n\r\n--b\r\n{A}\r\n\r\nx\r\n--b--"), LINE),
        (format!("--b\r\n{A}\n\nx\r\n--b--"), LINE_FEED),
        (format!("--b\r\n{A}\r\n\nx\r\n--b--"), LINE_FEED),
        (format!("--b\r\n\n{A}\r\n\r\nx\r\n--b--"), LINE_FEED),
        (
            format!("--b\r\n{A}\r\n--b--\r\n\r\n"),
            "part 1, header --b--: it has no colon; write `Name: value`",
        ),
        (
            "--b\r\n\r\nx\r\n--b--".to_owned(),
            "part 1, header Content-Disposition: it is missing; add `form-data; name=\"...\"` to each part",
        ),
    ];
    for (body, why) in table {
        assert_eq!(outcome(body.as_bytes()).await, refused("", why), "{body:?}");
    }
}

#[tokio::test]
async fn no_part_is_passed_over_or_taken_for_the_content_of_another() {
    const ASTRAY: &str = "part 1, field \"a\": its content holds a boundary without CR LF before it; write CR LF there";
    const BEFORE: &str = "a part stands before the first boundary; begin with `--` and the boundary";
    let lost = format!("{A}; filename=f\r\n\r\ny");
    let table: &[(String, &str, &str)] = &[
        // Between parts, where a lone line feed or no line end is before the boundary.
        (format!("--b\r\n{A}\r\n\r\nx\n--b\r\n{lost}\r\n--b--"), "x", ASTRAY),
        (format!("--b\r\n{A}\r\n\r\n\n--b\r\n{lost}\r\n--b--"), "", ASTRAY),
        (format!("--b\r\n{A}\r\n\r\n--b\r\n{lost}\r\n--b--"), "", ASTRAY),
        (format!("--b\r\n{A}\r\n\r\n--b--\r\n"), "", ASTRAY),
        (format!("--b\r\n{A}\r\n\r\nx\r\r\n\n--b--\r\n"), "x\r\r\n", ASTRAY),
        // Before the first boundary, with another one.
        (format!("--B\r\n{lost}\r\n--b\r\n{A}\r\n\r\nx\r\n--b--"), "", BEFORE),
    ];
    for (body, before, why) in table {
        assert_eq!(outcome(body.as_bytes()).await, refused(before, why), "{body:?}");
    }
    let behind = format!("--b\r\n{A}\r\n\r\nx\r\n--b--\r\n--b\r\n{lost}\r\n--b--");
    let behind = outcome(behind.as_bytes()).await;
    assert_eq!(behind.parts, [Whole::field("a", "x")]);
    let (_, why) = behind.failed.unwrap();
    assert!(why.contains("a part follows behind the closing boundary"), "{why}");
}

#[tokio::test]
async fn a_broken_boundary_line_spoils_the_part_before_it() {
    for line in ["--bx\r\n", "--b\n", "--b-x", "--b\rx"] {
        let body = format!("--b\r\n{A}\r\n\r\nx\r\n{line}\r\n--b--");
        let why = format!("part 1, field \"a\": {LINE}");
        assert_eq!(outcome(body.as_bytes()).await, refused("x", &why), "{line:?}");
    }
}

#[tokio::test]
async fn a_truncated_form_never_looks_complete() {
    let parts = [Whole::file("f", "x.bin", "one\r\n--two"), Whole::field("g", "three")];
    let body = written("b", &parts);
    let complete = body.len() - 2;
    for end in 0..complete {
        let outcome = outcome(&body[..end]).await;
        let (_, why) = outcome.failed.expect("a cut form is refused");
        assert!(why == NO_BOUNDARY || why.ends_with(ENDS_EARLY), "cut at {end}: {why}");
        assert!(outcome.parts.len() < parts.len(), "cut at {end}");
        assert_eq!(outcome.parts, parts[..outcome.parts.len()], "cut at {end}");
    }
    assert_eq!(outcome(&body[..complete]).await.failed, None);
}
