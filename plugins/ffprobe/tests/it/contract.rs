//! What every scanner keeps to.

use intake_core::testkit::{self, Sample, noise};

use crate::{file, with};

#[tokio::test]
async fn it_keeps_to_what_every_scanner_keeps_to() {
    let mut cut = file("whole.mp4");
    cut.truncate(cut.len() / 2);
    let samples = [
        Sample::clean(file("turned.mp4")),
        Sample::clean(file("opus.ogg")),
        Sample::clean(cut),
        Sample::clean(noise(3, 300_000)),
        Sample::clean("Hello, world!"),
        Sample::clean(""),
    ];
    let checked = testkit::scanner(with(|_| {}), &samples).await;
    println!("{checked}");
}
