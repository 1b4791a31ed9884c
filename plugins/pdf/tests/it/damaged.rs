//! Documents that were damaged, by accident or on purpose.

use intake_core::Coverage;
use intake_core::testkit::noise;
use intake_plugin_pdf::Pdf;

use crate::documents::{SCRIPT, filtered};
use crate::scan;

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
