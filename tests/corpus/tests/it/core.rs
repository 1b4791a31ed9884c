//! The files of the core's corpus: real files of all programs that could be had. Their types are tested in the core.

use std::collections::BTreeSet;
use std::path::Path;

use intake_core::Bytes;
use intake_corpus::{Said, judge, pipeline};

use crate::PIECE;

/// What stages with default settings refuse, beside pages, which the settings forbid.
const REFUSED: [(&str, &str, &str); 21] = [
    ("apple.macho", "file-type", "type_forbidden"),
    ("apple.macho", "media-type", "type_forbidden"),
    ("doctype-bracket-in-id.svg", "svg", "svg_external"),
    ("doctype-close-in-id.svg", "svg", "svg_external"),
    ("dos.exe", "file-type", "extension_forbidden"),
    ("dos.exe", "media-type", "type_forbidden"),
    ("instructions.svg", "svg", "svg_script"),
    ("linux.elf", "file-type", "type_forbidden"),
    ("linux.elf", "media-type", "type_forbidden"),
    ("long-subset.svg", "svg", "svg_entities"),
    ("script.sh", "media-type", "type_forbidden"),
    ("setup.msi", "file-type", "extension_forbidden"),
    ("subset.svg", "svg", "svg_entities"),
    ("universal.macho", "file-type", "type_forbidden"),
    ("universal.macho", "media-type", "type_forbidden"),
    ("utf16-without-mark.html", "text", "text_control_character"),
    ("utf16-without-mark.txt", "text", "text_control_character"),
    ("utf16-without-mark.xml", "text", "text_control_character"),
    ("windows.exe", "file-type", "extension_forbidden"),
    ("windows.exe", "media-type", "type_forbidden"),
    ("windows.lnk", "file-type", "extension_forbidden"),
];

#[tokio::test]
async fn honest_files_of_many_programs_are_refused_only_where_the_settings_say_so() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../core/tests/corpus/files");
    let pipeline = pipeline().unwrap();
    let (mut files, mut refused, mut stages) = (0, BTreeSet::new(), BTreeSet::new());
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let content = Bytes::from(std::fs::read(&path).unwrap());
        let judgement = judge(&pipeline, &name, None, &content, PIECE).await.unwrap();
        let is_page = judgement.media_type.as_deref() == Some("text/html");
        files += 1;
        stages.extend(judgement.said.keys().cloned());
        for (stage, said) in judgement.said {
            let is_meant = stage.ends_with("-strict") || is_page && stage == "media-type";
            match said {
                Said::Refused(code) if !is_meant => refused.insert((name.clone(), stage, code)),
                Said::Failed(why) => panic!("{name}: {stage} failed: {why}"),
                _ => false,
            };
        }
    }
    // Some of these stages may not be in the pipeline.
    let expected = REFUSED.iter().filter(|(_, stage, _)| stages.contains(*stage));
    let expected = expected.map(|(name, stage, code)| ((*name).to_owned(), (*stage).to_owned(), (*code).to_owned()));
    println!(
        "{files} files of the core's corpus, {} refusals, each meant",
        refused.len()
    );
    assert_eq!(refused, expected.collect::<BTreeSet<_>>());
}
