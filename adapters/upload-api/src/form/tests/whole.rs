//! Whole forms: each is read the same however it is cut.

use super::{ENDS_EARLY, Outcome, Whole, cut, form, read, written};

/// In one piece, byte by byte, with empty chunks, and with ends at ever other places.
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
        b"--b",
        b"--b--",
        b"x--b\r\n",
        b"\n--b--\n",
        b"\r--b",
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
        (format!("For --b people.\r\n\r\n--b\r\n{A}\r\n\r\nx\r\n--b--"), &one),
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

#[tokio::test]
async fn what_is_not_a_form_is_refused() {
    const LINE: &str = "malformed form: something follows a boundary on its line";
    const LINE_FEED: &str = "malformed form: a line of a part's head does not end with CR LF";
    let table: &[(String, &str)] = &[
        (String::new(), ENDS_EARLY),
        ("no form at all".to_owned(), ENDS_EARLY),
        ("--c\r\n\r\n--c--\r\n".to_owned(), ENDS_EARLY),
        ("x--b--\r\n".to_owned(), ENDS_EARLY),
        ("\n--b--\n".to_owned(), ENDS_EARLY),
        ("--bb\r\n".to_owned(), LINE),
        ("--b \r\r\n".to_owned(), LINE),
        ("--b -- \r\n".to_owned(), LINE),
        ("--b-\r\n".to_owned(), LINE),
        (format!("--b\n{A}\n\nx\n--b--\n"), LINE),
        (format!("--b\r\n{A}\n\nx\r\n--b--"), LINE_FEED),
        (format!("--b\r\n{A}\r\n\nx\r\n--b--"), LINE_FEED),
        (format!("--b\r\n\n{A}\r\n\r\nx\r\n--b--"), LINE_FEED),
        (
            format!("--b\r\n{A}\r\n--b--\r\n\r\n"),
            "malformed form: a header of a part has no colon",
        ),
        (
            "--b\r\n\r\nx\r\n--b--".to_owned(),
            "malformed form: a part has no content disposition",
        ),
    ];
    for (body, why) in table {
        let failed = Some((Vec::new(), (*why).to_owned()));
        let expected = Outcome {
            parts: Vec::new(),
            failed,
        };
        assert_eq!(outcome(body.as_bytes()).await, expected, "{body:?}");
    }
}

#[tokio::test]
async fn a_broken_boundary_line_spoils_the_part_before_it() {
    for line in ["--bx\r\n", "--b\n", "--b-x", "--b\rx"] {
        let body = format!("--b\r\n{A}\r\n\r\nx\r\n{line}\r\n--b--");
        let outcome = outcome(body.as_bytes()).await;
        let why = "malformed form: something follows a boundary on its line".to_owned();
        let expected = Outcome {
            parts: Vec::new(),
            failed: Some((b"x".to_vec(), why)),
        };
        assert_eq!(outcome, expected, "{line:?}");
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
        assert_eq!(why, ENDS_EARLY, "cut at {end}");
        assert!(outcome.parts.len() < parts.len(), "cut at {end}");
        assert_eq!(outcome.parts, parts[..outcome.parts.len()], "cut at {end}");
    }
    assert_eq!(outcome(&body[..complete]).await.failed, None);
}
