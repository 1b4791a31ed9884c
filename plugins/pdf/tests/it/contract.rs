//! What every scanner keeps to.

use intake_core::testkit::{self, Sample, noise};
use intake_plugin_pdf::{PDF_JAVASCRIPT, PDF_LAUNCH, Pdf};

use crate::documents::{SCRIPT, document, filtered, stream, with};

#[tokio::test]
async fn it_keeps_to_what_every_scanner_keeps_to() {
    let picture = stream("/Subtype/Image", &noise(3, 200_000));
    let mut samples = vec![
        Sample::clean("hello"),
        Sample::clean(Vec::new()),
        Sample::clean(with("<</A 1>>")),
        Sample::clean(document(&[&picture])),
        Sample::refused(with("<</S/Launch>>"), PDF_LAUNCH),
        Sample::refused(document(&[&picture, SCRIPT.as_bytes()]), PDF_JAVASCRIPT),
    ];
    for (_, file) in filtered(&[SCRIPT]) {
        samples.push(Sample::refused(file, PDF_JAVASCRIPT));
    }
    testkit::scanner(Pdf::default(), &samples).await;
}
