//! How often random data is taken for something else.
//!
//! The measurement takes minutes: `cargo test -p intake-plugin-polyglot -- --ignored --nocapture`. A smaller one is always made.

use intake_core::testkit::noise;
use intake_core::{Bytes, Declared, Head, MediaType, Scanner, UploadInfo, Verdict};
use intake_plugin_polyglot::{Choice, Polyglot, Settings};

use crate::files::{jpeg, jpeg_with, pdf_with, pixels, png};

const MIB: usize = 1 << 20;

/// The refusals of files that begin so, and whose other bytes are random, of this number of MiB altogether, each of `each` bytes.
async fn refusals(
    found: &str,
    begin: &[u8],
    whole: usize,
    each: usize,
    seed: u64,
    bytes: fn(&[u8]) -> Vec<u8>,
) -> Vec<String> {
    let settings = Settings::default().with(|settings| {
        settings.trailing_data = Choice::Accept;
        settings.self_extracting = Choice::Refuse;
    });
    let scanner: Polyglot = intake_core::FromSettings::from_settings(settings).expect("settings that make sense");
    let declared = Declared::default();
    let found: Option<MediaType> = found.parse().ok();
    let mut refusals = Vec::new();
    for file in 0..(whole * MIB / each) {
        let head = Head::new(UploadInfo::new(&declared), begin, found.as_ref());
        let mut scan = scanner.open(&head).await.expect("opens");
        let mut verdict = scan.feed(&Bytes::copy_from_slice(begin)).await.expect("feeds");
        for piece in 0..each.div_ceil(MIB) {
            let seed = seed + ((file as u64) << 20) + piece as u64 + 1;
            let random = bytes(&noise(seed, each.min(MIB)));
            if verdict == Verdict::Accept {
                verdict = scan.feed(&random.into()).await.expect("feeds");
            }
        }
        let last = scan.finish().await.expect("finishes").verdict;
        refusals.extend(
            [verdict, last]
                .into_iter()
                .find_map(Verdict::rejection)
                .map(|refusal| refusal.to_string()),
        );
    }
    refusals
}

async fn measure(whole: usize) -> usize {
    let plain: fn(&[u8]) -> Vec<u8> = <[u8]>::to_vec;
    let whole_jpeg = jpeg();
    let in_pixels = jpeg_with(b"");
    let in_pixels = &in_pixels[..in_pixels.len() - 2];
    let pdf = pdf_with(b"");
    let pdf = &pdf[..60];
    let mut bytes = 0;
    for (name, found, begin, bytes_of) in [
        (
            "the pixels of JPEG",
            "image/jpeg",
            in_pixels,
            pixels as fn(&[u8]) -> Vec<u8>,
        ),
        ("data behind JPEG", "image/jpeg", &whole_jpeg, plain),
        ("data behind PNG", "image/png", &png(), plain),
        ("BMP", "image/bmp", &b"BM/*"[..], plain),
        ("GIF as wide as a comment", "image/gif", &b"GIF89a/*"[..], plain),
        ("PDF", "application/pdf", pdf, plain),
        ("sound", "audio/mpeg", &b"ID3"[..], plain),
        ("program", "application/x-executable", &b"\x7FELF"[..], plain),
        ("unknown data", "", &b""[..], plain),
    ] {
        for (each, seed) in [(64 * 1024, 1 << 50), (16 * MIB.min(whole * MIB / 16), 1 << 51)] {
            let began = std::time::Instant::now();
            let refused = refusals(found, begin, whole, each, seed, bytes_of).await;
            let took = began.elapsed().as_secs_f64();
            println!("{name}, {each} bytes each: {whole} MiB in {took:.1} s, refused {refused:?}");
            assert_eq!(refused, Vec::<String>::new(), "{name}");
            bytes += whole;
        }
    }
    bytes
}

#[tokio::test]
async fn random_data_is_nothing_else() {
    measure(1).await;
}

#[tokio::test]
#[ignore = "takes minutes"]
async fn a_gibibyte_of_random_data_is_nothing_else() {
    println!("{} MiB altogether", measure(1024).await);
}

/// What a search for signatures would find, without looking at what is around them.
#[test]
#[ignore = "takes minutes"]
fn a_gibibyte_of_random_data_has_signatures_by_chance() {
    const SIGNATURES: [&[u8]; 7] = [
        b"MZ",
        b"\x1F\x8B",
        b"\xFF\xD8\xFF",
        b"PK\x03",
        b"<svg",
        b"PK\x05\x06",
        b"%PDF-",
    ];
    let mut counts = SIGNATURES.map(|_| 0);
    for piece in 0..1024 {
        let random = noise((1 << 52) + piece, MIB);
        for (count, signature) in counts.iter_mut().zip(SIGNATURES) {
            *count += memchr::memmem::find_iter(&random, signature).count();
        }
    }
    for (count, signature) in counts.iter().zip(SIGNATURES) {
        println!("{}: {count}", signature.escape_ascii());
    }
    assert!(counts[0] > 10_000);
}
