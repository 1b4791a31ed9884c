//! Every file of the core's corpus under its own name: real files of all programs that could be had.

use std::path::Path;

use intake_core::memory::{KeepAll, MemoryRecorder, MemoryStore};
use intake_core::{Coverage, Declared, Incoming, Pipeline};
use intake_plugin_polyglot::Polyglot;

#[tokio::test]
async fn files_of_many_programs_are_taken() {
    let files = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../core/tests/corpus/files");
    let pipeline = Pipeline::builder()
        .scanner("polyglot", Polyglot::default())
        .store(MemoryStore::default())
        .recorder(MemoryRecorder::default())
        .expirer(KeepAll)
        .build()
        .expect("builds");
    let (mut files_read, mut refused) = (0, Vec::new());
    for entry in std::fs::read_dir(files).expect("the corpus is beside the core") {
        let path = entry.expect("an entry").path();
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .expect("a name of letters");
        let incoming = Incoming::from_bytes(Declared::named(name), std::fs::read(&path).expect("a file"));
        let explanation = pipeline.explain(incoming).await.expect("it is read to its end");
        files_read += 1;
        // The structure of each image is followed to its end.
        let coverage = explanation.facts.and_then(|facts| facts.coverage("polyglot").cloned());
        if coverage != Some(Coverage::Whole) {
            refused.push(format!("{name}: {:?}", explanation.opinions));
        }
    }
    assert!(files_read > 300, "{files_read}");
    assert_eq!(refused, Vec::<String>::new());
}
