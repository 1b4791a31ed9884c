//! What the real program says.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use intake_core::notes::Video;
use intake_core::{Bytes, Coverage, Declared, HEAD_BYTES, Head, Report, Scanner, UploadInfo};
use intake_plugin_ffprobe::Ffprobe;

use crate::{file, left_out, note, scan, with};

/// Where ffprobe 5.1 says something else than media-info: for the reasons in `tests/corpus/DIFFERENCES.md`, and because it does not add
/// up the blocks of a recording without a header.
const DIFFERENCES: [(&str, &str); 6] = [
    ("chained.ogg", "duration"),
    ("opus.ogg", "duration"),
    ("h264.ts", "duration"),
    ("hevc.ts", "rate"),
    ("theora.ogv", "rate"),
    ("piped.webm", "duration"),
];

/// What is compared: bit rates are not, as ffprobe repeats headers and media-info counts bytes.
fn facts(video: &Video) -> BTreeMap<&'static str, String> {
    let duration = video.duration.map(|millis| millis as f64 / 10.0);
    let pictures = video.video.iter();
    let sounds = video.audio.iter();
    BTreeMap::from([
        ("format", video.format.clone()),
        ("duration", format!("{:?}", duration.map(f64::round))),
        (
            "rate",
            format!(
                "{:?}",
                pictures.clone().map(|track| track.frame_rate).collect::<Vec<_>>()
            ),
        ),
        (
            "pictures",
            format!(
                "{:?}",
                pictures
                    .map(|track| (&track.codec, track.width, track.height))
                    .collect::<Vec<_>>()
            ),
        ),
        (
            "sounds",
            format!(
                "{:?}",
                sounds
                    .map(|track| (&track.codec, track.channels, track.sample_rate))
                    .collect::<Vec<_>>()
            ),
        ),
    ])
}

#[tokio::test]
async fn it_says_what_media_info_says_but_for_known_differences() {
    let table: BTreeMap<String, Video> =
        serde_json::from_slice(&file("expected.json")).expect("the table of media-info");
    let scanner = with(|_| {});
    let (mut different, mut known) = (Vec::new(), BTreeSet::new());
    for (name, expected) in &table {
        let report = scan(&scanner, &file(name)).await;
        let Some(said) = note(&report) else {
            panic!("{name}: {}", left_out(&report));
        };
        assert_eq!(report.coverage, Coverage::Whole, "{name}");
        let (said, expected) = (facts(&said), facts(expected));
        for (field, value) in &said {
            let place = (name.as_str(), *field);
            match expected[field] == *value {
                true => {}
                false if DIFFERENCES.contains(&place) => {
                    known.insert(place);
                }
                false => different.push(format!("{place:?}: {value}, not {}", expected[field])),
            }
        }
    }
    assert!(different.is_empty(), "{different:#?}");
    assert_eq!(known, BTreeSet::from(DIFFERENCES), "there are no others any more");
}

/// Scans a content as one of this type, whatever it looks like.
async fn scan_as(scanner: &Ffprobe, media_type: &str, content: &[u8]) -> Report {
    let (declared, media_type) = (Declared::default(), media_type.parse().expect("a type"));
    let content = Bytes::copy_from_slice(content);
    let head = &content[..content.len().min(HEAD_BYTES)];
    let head = Head::new(UploadInfo::new(&declared), head, Some(&media_type));
    let mut scan = scanner.open(&head).await.expect("opens");
    let _verdict = scan.feed(&content).await.expect("feeds");
    scan.finish().await.expect("a file is never a fault of the server")
}

#[tokio::test]
async fn a_list_of_other_files_is_not_followed() {
    let other = Path::new(env!("CARGO_MANIFEST_DIR")).join("../media-info/tests/files/turned.mp4");
    let other = other.canonicalize().expect("a file");
    let other = other.display();
    for list in [
        format!("ffconcat version 1.0\nfile '{other}'\n"),
        format!("#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{other}\n#EXT-X-ENDLIST\n"),
        format!("v=0\no=- 0 0 IN IP4 127.0.0.1\ns=-\na={other}\nm=video 9 RTP/AVP 96\n"),
    ] {
        let report = scan_as(&with(|_| {}), "video/mp4", list.as_bytes()).await;
        assert_eq!(note(&report), None, "{list}");
        assert!(
            left_out(&report).ends_with("ffprobe reads nothing in it"),
            "{list}: {}",
            left_out(&report)
        );
    }
}

#[tokio::test]
async fn what_is_no_video_and_no_sound_is_not_looked_at() {
    let scanner = with(|settings| settings.program = "/nowhere/ffprobe".into());
    for content in [&b"Hello, world!"[..], b"", b"\x89PNG\r\n\x1A\n", b"%PDF-1.7\n"] {
        let report = scan(&scanner, content).await;
        assert_eq!((note(&report), report.coverage), (None, Coverage::Whole));
    }
}

#[tokio::test]
async fn the_version_of_the_program_is_kept_with_the_record() {
    let scanner = with(|_| {});
    scanner.ready().await.expect("there is an ffprobe");
    let engine = scanner.engine().await.expect("it runs").expect("it is known");
    let version = engine.version.expect("a version");
    assert_eq!(engine.name, "ffprobe");
    assert!(
        version.starts_with(|first: char| first.is_ascii_alphanumeric()),
        "{version}"
    );
}
