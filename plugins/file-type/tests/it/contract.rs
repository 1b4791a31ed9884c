//! What every validator keeps to, and that no name or content breaks it.

use intake_core::{Bytes, Declared, Head, UploadInfo, Validator, Verdict, testkit};
use intake_plugin_file_type::{Choice, FileType, Settings};
use proptest::prelude::*;

fn strictest() -> FileType {
    let settings = Settings::default().with(|settings| settings.scripts = Choice::Refuse);
    intake_core::FromSettings::from_settings(settings).expect("settings that make sense")
}

#[test]
fn it_keeps_to_what_every_validator_keeps_to() {
    println!("{}", testkit::validator(FileType::default()));
    println!("{}", testkit::validator(strictest()));
}

proptest! {
    #[test]
    fn every_name_gets_an_answer_that_no_sender_words(name in "\\PC{0,80}(\\.\\PC{0,12}){0,4}", content in any::<[u8; 16]>()) {
        let declared = Declared::named(&name).with(|claims| claims.media_type = "image/png".parse().ok());
        let upload = UploadInfo::new(&declared);
        let content = Bytes::copy_from_slice(&content);
        let strictest = strictest();
        for verdict in [strictest.declared(&upload), strictest.head(&Head::new(upload, &content, None))] {
            if let Verdict::Reject(rejection) = verdict {
                let said = format!("{rejection}{:?}", rejection.subject);
                prop_assert!(said.is_ascii() && said.len() < 300, "{}", said);
            }
        }
    }
}
