//! What a user of the plugin can rely on.

use intake_core::{Declared, FromSettings, UploadInfo, Validator, Verdict, testkit};
use no_programs::{NoPrograms, Settings};

fn no_programs() -> NoPrograms {
    let endings = vec![".exe".to_owned()];
    NoPrograms::from_settings(Settings { endings }).expect("these settings make sense")
}

#[test]
fn the_contract_of_validators_is_kept() {
    println!("{}", testkit::validator(no_programs()));
}

#[test]
fn programs_are_refused_in_whatever_case() {
    for (name, is_taken) in [("cat.jpeg", true), ("setup.exe", false), ("SETUP.EXE", false)] {
        let verdict = no_programs().declared(&UploadInfo::new(&Declared::named(name)));
        assert_eq!(verdict == Verdict::Accept, is_taken, "{name}");
    }
}
