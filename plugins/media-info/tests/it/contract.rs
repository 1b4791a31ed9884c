//! What every scanner keeps to.

use intake_core::testkit::{self, Sample, noise};
use intake_plugin_media_info::{MediaInfo, VIDEO_TOO_LARGE, VIDEO_UNREADABLE};

use crate::files::table;
use crate::writers::{Movie, Track, boxed, brand, picture};

fn large() -> Vec<u8> {
    let movie = Movie::of(vec![Track::video(picture(b"avc1", (9_000, 10), &[]))]);
    [brand(b"isom"), boxed(b"mdat", &[&noise(3, 100_000)]), movie.bytes()].concat()
}

#[tokio::test]
async fn it_keeps_to_what_every_scanner_keeps_to() {
    let mut samples: Vec<_> = table()
        .into_iter()
        .map(|(_, content, _)| Sample::clean(content))
        .collect();
    samples.push(Sample::clean("Hello, world!"));
    samples.push(Sample::clean(""));
    samples.push(Sample::refused(large(), VIDEO_TOO_LARGE));
    samples.push(Sample::refused(
        [brand(b"isom"), boxed(b"mdat", &[&[0; 9]])].concat(),
        VIDEO_UNREADABLE,
    ));
    testkit::scanner(MediaInfo::default().max_side(8_000).refuse_unreadable(), &samples).await;
}
