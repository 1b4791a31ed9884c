//! Documents that were damaged, by accident or on purpose.

use intake_core::testkit::noise;
use intake_core::{Coverage, FromSettings};
use intake_plugin_pdf::{Pdf, Settings};

use crate::documents::{SCRIPT, base85, document, filtered, hex, lzw, packed, stream};
use crate::{code, scan};

#[tokio::test]
async fn a_document_that_breaks_off_is_not_covered_wholly() {
    for (name, file) in filtered(&["[1]", "<</A 1>>"]) {
        let trailer = file
            .windows(7)
            .position(|window| window == b"trailer")
            .expect("a trailer");
        for sixteenth in 1..16 {
            let report = scan(&Pdf::default(), &file[..trailer * sixteenth / 16], 99).await;
            assert_ne!(report.coverage, Coverage::Whole, "{name}, {sixteenth}/16");
        }
    }
}

#[tokio::test]
async fn a_script_in_front_of_damage_is_refused_however_the_document_is_cut() {
    let (entries, bytes) = packed(&[SCRIPT, "[1]"]);
    let length = u16::try_from(bytes.len()).expect("a short one");
    // A block that is not compressed, and one of a kind that there is not.
    let block = [&length.to_le_bytes()[..], &(!length).to_le_bytes(), &bytes].concat();
    let flate = [b"\x78\x01\x00", &block[..], b"\x07"].concat();
    let before_end = |packed: Vec<u8>, end: usize| packed[..packed.len() - end].to_vec();
    for (filter, packed) in [
        ("ASCIIHexDecode", [before_end(hex(&bytes), 1), b"!!".to_vec()].concat()),
        (
            "ASCII85Decode",
            [before_end(base85(&bytes), 2), b"zz".to_vec()].concat(),
        ),
        ("FlateDecode", flate),
        (
            "LZWDecode",
            [before_end(lzw(&bytes, true), 2), b"\xFE".repeat(4)].concat(),
        ),
    ] {
        let file = document(&[&stream(&format!("{entries}/Filter/{filter}"), &packed)]);
        for piece in [usize::MAX, 64, 7, 1] {
            let report = scan(&Pdf::default(), &file, piece).await;
            assert_eq!(code(&report), Some("pdf_javascript"), "{filter} in pieces of {piece}");
        }
    }
}

#[tokio::test]
async fn a_script_in_front_of_the_limit_is_refused_however_the_document_is_cut() {
    let settings = Settings::default().with(|settings| settings.max_inflated = 64 * 1024);
    let scanner = Pdf::from_settings(settings).expect("settings that make sense");
    let (entries, bytes) = packed(&[SCRIPT, &" ".repeat(200 * 1024)]);
    let file = document(&[&stream(&entries, &bytes)]);
    for piece in [usize::MAX, 4096, 7, 1] {
        let report = scan(&scanner, &file, piece).await;
        assert_eq!(code(&report), Some("pdf_javascript"), "in pieces of {piece}");
    }
}

/// A longer run of the same: `INTAKE_MUTATIONS=100000 cargo test -p intake-plugin-pdf damaged`.
#[tokio::test]
async fn a_document_that_was_damaged_anywhere_makes_no_reader_panic() {
    let rounds = std::env::var("INTAKE_MUTATIONS").map_or(2_000, |rounds| rounds.parse().expect("a number"));
    let scanner = Pdf::default();
    let files = filtered(&["[1(a)<00>]", SCRIPT]);
    for (round, chance) in noise(20, rounds * 64).chunks_exact(64).enumerate() {
        let mut file = files[round % files.len()].1.clone();
        for place in chance.chunks_exact(4).take(1 + usize::from(chance[63] % 8)) {
            let at = 8 + usize::from(u16::from_le_bytes([place[0], place[1]])) % (file.len() - 8);
            match place[2] % 4 {
                0 => file[at] = place[3],
                1 => file[at] ^= 1 << (place[3] % 8),
                2 => file[at] = b"()<>[]/%#"[usize::from(place[3] % 9)],
                _ => file.truncate(at.max(40)),
            }
        }
        let report = scan(&scanner, &file, 1 + usize::from(chance[62])).await;
        let is_panic = matches!(&report.coverage, Coverage::Partial(why) if why.contains("reading it failed"));
        assert!(!is_panic, "round {round} panics: {file:?}");
    }
}
