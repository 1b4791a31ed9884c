//! Images with operations: within small limits there is a result of a bounded size, or an error that can be shown.
//!
//! A decoder that panics is caught there; `libfuzzer-sys` aborts before.
#![no_main]

use std::io::Cursor;
use std::sync::LazyLock;

use intake_images::{Accept, Limits, Operations, describe, run};
use libfuzzer_sys::fuzz_target;

static OPERATIONS: LazyLock<Vec<Operations>> = LazyLock::new(|| {
    let paths = [
        "-/preview/20x20/-/format/png/",
        "-/preview/400x400/-/format/jpeg/-/strip_meta/none/",
        "-/crop/10x10/center/-/rotate/90/-/stretch/fill/-/resize/30x30/-/format/webp/",
        "-/preview/30x30/-/saturation/50/-/blur/-/border_radius/50p/-/format/png/",
    ];
    paths
        .map(|path| Operations::parse(path).expect("operations of every day"))
        .into()
});

fuzz_target!(|content: &[u8]| {
    let limits = Limits::default().with(|limits| {
        limits.input_pixels = 1_000_000;
        limits.memory = 64 << 20;
        limits.output_side = 500;
    });
    let _ = describe(&mut Cursor::new(content), &limits);
    for operations in &*OPERATIONS {
        match run(&mut Cursor::new(content), operations, Accept::default(), &limits) {
            Ok(result) => assert!(result.width <= 400 && result.height <= 400),
            Err(error) => assert!(!error.to_string().contains(char::is_control), "{error}"),
        }
    }
});
