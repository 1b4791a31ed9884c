//! What every scanner keeps to.

use intake_core::testkit::{self, Sample, noise};
use intake_plugin_polyglot::{POLYGLOT_ARCHIVE, POLYGLOT_MARKUP, POLYGLOT_PROGRAM, POLYGLOT_TRAILING_DATA, Polyglot};

use crate::files::{docx, gif, jpeg, mp4_with, pdf_with, png, program, zip};

#[tokio::test]
async fn it_keeps_to_what_every_scanner_keeps_to() {
    let samples = [
        Sample::clean(jpeg()),
        Sample::clean(docx()),
        Sample::clean(pdf_with(&docx())),
        Sample::clean([jpeg(), mp4_with(&zip())].concat()),
        Sample::clean("Hello, world!"),
        Sample::clean(""),
        Sample::clean(noise(60, 20_000)),
        Sample::refused([jpeg(), zip()].concat(), POLYGLOT_ARCHIVE),
        Sample::refused([&jpeg()[..], b"<script>"].concat(), POLYGLOT_MARKUP),
        Sample::refused([gif(), program()].concat(), POLYGLOT_PROGRAM),
        Sample::refused([&png()[..], &noise(61, 20_000)].concat(), POLYGLOT_TRAILING_DATA),
    ];
    println!("{}", testkit::scanner(Polyglot::default(), &samples).await);
}
