//! Files that were damaged, by accident or on purpose.

use intake_core::testkit::noise;
use intake_plugin_media_info::MediaInfo;

use crate::files::table;
use crate::{left_out, note, scan, scan_by};

#[tokio::test]
async fn a_file_that_breaks_off_plays_no_longer_than_the_whole() {
    for (name, content, _) in table() {
        let whole = note(&scan(&content).await).expect("a note").duration;
        for part in 0..16 {
            let report = scan(&content[..content.len() * part / 16]).await;
            assert_eq!(report.verdict.clone().rejection(), None, "{name}, {part}/16");
            let Some(found) = note(&report) else { continue };
            // The last block or frame of a part plays as long as the others on average: one frame may be too much.
            let most = whole.map(|whole| whole + 120);
            assert!(
                found.duration.is_none() || found.duration <= most,
                "{name}, {part}/16: {:?} of {whole:?}",
                found.duration
            );
        }
    }
}

#[tokio::test]
async fn a_file_says_the_same_however_it_is_cut() {
    for (name, content, _) in table() {
        let whole = note(&scan(&content).await);
        for piece in [1, 2, 3, 7, 61, 188, 1000] {
            let cut = note(&scan_by(MediaInfo::default(), &content, piece).await);
            assert_eq!(cut, whole, "{name} in pieces of {piece}");
        }
    }
}

/// A longer run of the same: `INTAKE_MUTATIONS=100000 cargo test -p intake-plugin-media-info damaged`.
#[tokio::test]
async fn a_file_that_was_damaged_anywhere_makes_no_reader_panic() {
    let rounds = std::env::var("INTAKE_MUTATIONS").map_or(3_000, |rounds| rounds.parse().expect("a number"));
    let files = table();
    for (round, chance) in noise(20, rounds * 64).chunks_exact(64).enumerate() {
        let (name, file, _) = &files[round % files.len()];
        let mut file = file.clone();
        let (count, places) = chance.split_first().expect("64 bytes");
        for place in places.chunks_exact(5).take(1 + usize::from(count % 8)) {
            let at = u32::from_le_bytes([place[0], place[1], place[2], 0]) as usize % file.len();
            match place[3] % 4 {
                0 => file[at] = place[4],
                1 => file[at] ^= 1 << (place[4] % 8),
                2 => file[at] = [0, 0xFF, 0x7F, 0x80][usize::from(place[4] % 4)],
                _ => file.truncate(at.max(4)),
            }
        }
        let report = scan(&file).await;
        let why = left_out(&report).unwrap_or_default();
        assert!(!why.contains("reading it failed"), "round {round} panics: {name}");
    }
}
