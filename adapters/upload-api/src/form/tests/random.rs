//! Random forms, cut at random places, with random errors.

use memchr::memmem;
use proptest::arbitrary::any;
use proptest::collection::vec;
use proptest::sample::{Index, select};
use proptest::strategy::Strategy;
use proptest::test_runner::{Config, RngSeed};
use proptest::{option, prop_assert, prop_assert_eq, prop_oneof, proptest};
use tokio::runtime::{Builder, Runtime};

use super::{Outcome, Whole, body, cut, form, read, written};
use crate::form::Limits;
use crate::form::head::Head;

/// A boundary made of the same letters as the contents.
const BOUNDARY: &str = "abab";

/// Content made of the bytes of delimiters, without a delimiter after any line end.
fn content() -> impl Strategy<Value = Vec<u8>> {
    let alphabet = select(b"\r\n-ab".to_vec());
    // Whole delimiters with another letter at the end, and beginnings of them.
    let near = select(vec!["\r\n--aba", "\r\n--ab", "\r\n--", "\r\n", "--abb"]);
    let piece = prop_oneof![
        4 => vec(alphabet, 0..12),
        1 => near.prop_map(|near| near.as_bytes().to_vec()),
    ];
    vec(piece, 0..12).prop_map(|pieces| without_delimiters(&pieces.concat()))
}

fn without_delimiters(content: &[u8]) -> Vec<u8> {
    let delimiter = format!("\n--{BOUNDARY}");
    let mut content = [b"\n", content].concat();
    while let Some(at) = memmem::find(&content, delimiter.as_bytes()) {
        content[at + delimiter.len() - 1] = b'a';
    }
    content.split_off(1)
}

fn parts() -> impl Strategy<Value = Vec<Whole>> {
    let part = ("[a-z\\[\\]]{0,8}", option::of("[a-zA-Z0-9. ;=é]{0,8}"), content());
    let part = part.prop_map(|(name, file_name, content)| Whole {
        name,
        file_name,
        content,
    });
    vec(part, 0..5)
}

fn sizes() -> impl Strategy<Value = Vec<usize>> {
    vec(prop_oneof![0..4usize, 1..40usize, 1..2000usize], 1..20)
        .prop_filter("some size must not be 0", |sizes| sizes.iter().any(|size| *size > 0))
}

/// A byte that has a meaning in some place of a form.
fn letter() -> impl Strategy<Value = u8> {
    select(b"\r\n-ab\"; =:\\%\0\xff'*".to_vec())
}

/// The same cases in every run; `PROPTEST_RNG_SEED` and `PROPTEST_CASES` select others, and more.
fn config() -> Config {
    let config = Config::default();
    let rng_seed = match config.rng_seed {
        RngSeed::Random => RngSeed::Fixed(1),
        asked => asked,
    };
    Config {
        rng_seed,
        failure_persistence: None,
        ..config
    }
}

fn runtime() -> Runtime {
    Builder::new_current_thread().build().unwrap()
}

/// A function that reads a form as another crate does.
macro_rules! reader {
    ($name:ident, $reader:ident) => {
        pub(super) async fn $name(boundary: &str, bytes: &[u8], sizes: &[usize]) -> Result<Vec<Whole>, $reader::Error> {
            let mut form = $reader::Multipart::new(body(cut(bytes, sizes)), boundary);
            let mut parts = Vec::new();
            while let Some(field) = form.next_field().await? {
                let name = field.name().unwrap_or_default().to_owned();
                let file_name = field.file_name().map(str::to_owned);
                let content = field.bytes().await?.to_vec();
                parts.push(Whole {
                    name,
                    file_name,
                    content,
                });
            }
            Ok(parts)
        }
    };
}

reader!(read_by_multer, multer);
reader!(read_by_multra, multra);

/// The form with bytes replaced, inserted, removed and repeated.
fn broken(mut bytes: Vec<u8>, breaks: Vec<(Index, u8, u8)>) -> Vec<u8> {
    for (at, how, byte) in breaks {
        let at = at.index(bytes.len());
        match how {
            0 => bytes[at] = byte,
            1 => bytes.insert(at, byte),
            2 if bytes.len() > 1 => drop(bytes.remove(at)),
            _ => bytes.extend_from_within(at..(at + 20).min(bytes.len())),
        }
    }
    bytes
}

fn breaks() -> impl Strategy<Value = Vec<(Index, u8, u8)>> {
    vec((any::<Index>(), 0..4u8, letter()), 1..6)
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn any_form_cut_anywhere_comes_out_as_it_went_in(parts in parts(), sizes in sizes()) {
        let bytes = written(BOUNDARY, &parts);
        let outcome = runtime().block_on(read(form(BOUNDARY, cut(&bytes, &sizes))));
        prop_assert_eq!(outcome, Outcome { parts, failed: None });
    }

    #[test]
    fn multer_and_multra_read_the_same(parts in parts(), sizes in sizes()) {
        let bytes = written(BOUNDARY, &parts);
        let (ours, multer, multra) = runtime().block_on(async {
            let ours = read(form(BOUNDARY, cut(&bytes, &sizes))).await;
            let multer = read_by_multer(BOUNDARY, &bytes, &sizes).await;
            (ours, multer, read_by_multra(BOUNDARY, &bytes, &sizes).await)
        });
        prop_assert_eq!(&ours.parts, &multer.expect("the form is valid"));
        prop_assert_eq!(ours.parts, multra.expect("the form is valid"));
        prop_assert_eq!(ours.failed, None);
    }

    #[test]
    fn no_part_or_file_that_another_reader_finds_in_a_broken_form_is_dropped(parts in parts(), breaks in breaks()) {
        let bytes = broken(written(BOUNDARY, &parts), breaks);
        let (ours, multer, multra) = runtime().block_on(async {
            let ours = read(form(BOUNDARY, cut(&bytes, &[usize::MAX]))).await;
            let multer = read_by_multer(BOUNDARY, &bytes, &[usize::MAX]).await;
            (ours, multer, read_by_multra(BOUNDARY, &bytes, &[usize::MAX]).await)
        });
        let files = |parts: &[Whole]| parts.iter().filter(|part| part.file_name.is_some()).count();
        if ours.failed.is_none() {
            for theirs in [multer.ok(), multra.ok()].into_iter().flatten() {
                prop_assert!(ours.parts.len() >= theirs.len(), "{:?} and {:?}", ours.parts, theirs);
                prop_assert!(files(&ours.parts) >= files(&theirs), "{:?} and {:?}", ours.parts, theirs);
            }
        }
    }

    #[test]
    fn how_a_broken_form_is_cut_changes_nothing(parts in parts(), breaks in breaks(), sizes in sizes()) {
        let bytes = broken(written(BOUNDARY, &parts), breaks);
        let (whole, single, random) = runtime().block_on(async {
            (
                read(form(BOUNDARY, cut(&bytes, &[usize::MAX]))).await,
                read(form(BOUNDARY, cut(&bytes, &[1]))).await,
                read(form(BOUNDARY, cut(&bytes, &sizes))).await,
            )
        });
        prop_assert_eq!(&single, &whole);
        prop_assert_eq!(&random, &whole);
    }

    #[test]
    fn any_content_type_is_understood_or_refused(text in "(multipart/form-data;)?.{0,40}") {
        if let Ok(boundary) = crate::form::boundary(text.as_bytes()) {
            prop_assert!((1..=70).contains(&boundary.len()));
            prop_assert!(!boundary.contains(&b'\r') && !boundary.contains(&b'\n'));
        }
    }

    #[test]
    fn any_head_is_understood_or_refused(text in "[a-z\"\\\\%=;:*' \r\n\0é]{0,80}") {
        let lines = format!("\r\nContent-Disposition: form-data; name=a;{text}\r\n\r\n");
        if let Ok(head) = Head::parse(lines.as_bytes(), &Limits::default()) {
            prop_assert_eq!(head.name, "a");
        }
    }
}
