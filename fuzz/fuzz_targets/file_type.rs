//! Names and declared types beside a content. The first line is the name, the second the declared type, the rest the content.
#![no_main]

use std::sync::LazyLock;

use intake_core::fuzz::media_type;
use intake_core::{Declared, Digest, Facts, FileName, FromSettings, HEAD_BYTES, Head, UploadInfo, Validator, Verdict};
use intake_fuzz::check_shown;
use intake_plugin_file_type::{Choice, FileType, Settings};
use libfuzzer_sys::fuzz_target;

/// Refuses everything that there is to refuse.
static STRICT: LazyLock<FileType> = LazyLock::new(|| {
    let settings = Settings::default().with(|settings| settings.scripts = Choice::Refuse);
    FileType::from_settings(settings).expect("settings of every day")
});

fuzz_target!(|data: &[u8]| {
    let mut lines = data.splitn(3, |byte| *byte == b'\n');
    let name = lines.next().unwrap_or_default();
    let media = String::from_utf8_lossy(lines.next().unwrap_or_default());
    let content = lines.next().unwrap_or_default();
    let declared = Declared::default().with(|declared| {
        declared.name = FileName::from_bytes(name);
        declared.media_type = media.parse().ok();
    });
    let (head, rest) = content.split_at(content.len().min(HEAD_BYTES));
    let (found, is) = (
        media_type(head, std::iter::empty()),
        media_type(head, std::iter::once(rest)),
    );
    let upload = UploadInfo::new(&declared);
    let facts = Facts::new(content.len() as u64, Digest::from([0; 32])).with(|facts| facts.media_type = is);
    let ask = || {
        let head = STRICT.head(&Head::new(upload, head, found.as_ref()));
        [STRICT.declared(&upload), head, STRICT.whole(&upload, &facts)]
    };
    let verdicts = ask();
    assert_eq!(ask(), verdicts);
    for verdict in verdicts {
        if let Verdict::Reject(rejection) = verdict {
            check_shown(&rejection.message);
            if let Some(subject) = &rejection.subject {
                check_shown(subject);
            }
        }
    }
});
