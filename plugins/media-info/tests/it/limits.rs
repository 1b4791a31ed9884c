//! What is refused, and when.

use std::time::Duration;

use intake_core::{Bytes, Declared, Head, Scanner, UploadInfo, Verdict};
use intake_plugin_media_info::{MediaInfo, VIDEO_TOO_LARGE, VIDEO_TOO_LONG};

use crate::writers::{Movie, Track, boxed, brand, fragment, picture};
use crate::{left_out, note, scan_by};

fn endless_fragments() -> Vec<u8> {
    let track = Track::video(picture(b"avc1", (64, 48), &[]));
    let movie = Movie {
        is_fragmented: true,
        ..Movie::of(vec![track])
    };
    let fragments = fragment(&[], 25).repeat(100);
    [brand(b"iso5"), movie.bytes(), fragments].concat()
}

#[tokio::test]
async fn a_file_that_is_too_long_is_refused_while_it_arrives() {
    let scanner = MediaInfo::default().max_duration(Duration::from_secs(10));
    let content = Bytes::from(endless_fragments());
    let (declared, media_type) = (Declared::default(), "video/mp4".parse().expect("a type"));
    let head = Head::new(UploadInfo::new(&declared), &content[..1000], Some(&media_type));
    let mut scan = scanner.open(&head).await.expect("opens");
    let verdict = scan.feed(&content.slice(..content.len() / 2)).await.expect("feeds");
    let Verdict::Reject(rejection) = verdict else {
        panic!("the first half plays for 50 seconds")
    };
    assert_eq!(
        (rejection.code, rejection.subject.as_deref()),
        (VIDEO_TOO_LONG, Some("11.000"))
    );
    let taken = scan_by(
        MediaInfo::default().max_duration(Duration::from_secs(100)),
        &content,
        4096,
    )
    .await;
    assert_eq!(taken.verdict, Verdict::Accept);
    assert_eq!(note(&taken).expect("a note").duration, Some(100_000));
}

#[tokio::test]
async fn a_side_counts_as_stored_and_as_shown() {
    let shape = |across: u32, down: u32| boxed(b"pasp", &[&across.to_be_bytes(), &down.to_be_bytes()]);
    for (size, aspect, is_taken) in [
        ((100, 50), (1, 1), true),
        ((101, 50), (1, 1), false),
        ((50, 101), (1, 1), false),
        ((60, 50), (2, 1), false),
        ((200, 50), (1, 2), false),
    ] {
        let movie = Movie::of(vec![Track::video(picture(b"vp09", size, &shape(aspect.0, aspect.1)))]);
        let content = [brand(b"isom"), movie.bytes()].concat();
        let report = scan_by(MediaInfo::default().max_side(100), &content, 100).await;
        let code = report.verdict.rejection().map(|rejection| rejection.code);
        assert_eq!(code.is_none(), is_taken, "{size:?} {aspect:?}");
        assert!(code.is_none_or(|code| code == VIDEO_TOO_LARGE));
    }
}

#[tokio::test]
async fn a_description_that_is_too_large_is_read_in_part_and_says_so() {
    let movie = Movie::of(vec![Track::video(picture(
        b"hvc1",
        (64, 48),
        &boxed(b"hvcC", &[&[0; 8_000]]),
    ))]);
    let content = [brand(b"isom"), movie.bytes()].concat();
    for (most, is_whole) in [(4_096, false), (65_536, true)] {
        let report = scan_by(MediaInfo::default().max_header(most), &content, 1000).await;
        assert_eq!(left_out(&report).is_none(), is_whole, "{most}");
        assert_eq!(note(&report).expect("a note").video[0].width, Some(64), "{most}");
    }
}
