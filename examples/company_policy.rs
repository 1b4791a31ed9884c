//! A validator of one's own that judges by more than the file: by its project, its metadata and the page that sends it.
//!
//! `cargo run --example company_policy` sends four files to a pipeline in memory, and prints what becomes of each.

use intake_core::memory::{KeepAll, MemoryRecorder, MemoryStore};
use intake_core::{Code, Declared, Facts, Incoming, Pipeline, Project, UploadInfo, UploadOptions, Validator, Verdict};

/// The project whose files need a department, and the page that may send them.
const PRESS: (&str, &str) = ("press", "https://press.example.com");

/// Press releases name their department, and come from the page for press releases. Other projects have no such rule.
#[derive(Debug)]
struct PressPolicy;

impl Validator for PressPolicy {
    // The project and the metadata may follow the file, so the rule is one for the whole upload: then all of it is known.
    fn whole(&self, upload: &UploadInfo<'_>, _: &Facts) -> Verdict {
        let options = upload.options;
        if options.project.as_deref() != Some(PRESS.0) {
            return Verdict::Accept;
        }
        if !options.metadata.contains_key("department") {
            return Verdict::reject(Code::new("no_department"), "a press release names its department");
        }
        match options.origin.as_deref() {
            Some(origin) if origin != PRESS.1 => {
                Verdict::reject(Code::new("wrong_page"), format!("press releases come from {}", PRESS.1))
            }
            _ => Verdict::Accept,
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let pipeline = Pipeline::builder()
        .validator("press-policy", PressPolicy)
        .store(MemoryStore::default())
        .recorder(MemoryRecorder::default())
        .expirer(KeepAll)
        .project(Project::new("press"))?
        .project(Project::new("photos"))?
        .build()?;
    for (project, department, origin) in [
        ("photos", None, None),
        ("press", None, None),
        ("press", Some("sales"), Some("https://elsewhere.example.com")),
        ("press", Some("sales"), Some(PRESS.1)),
    ] {
        let incoming = Incoming::from_bytes(Declared::named("release.txt"), "Good news!");
        let mut options = UploadOptions::of_project(project);
        options.origin = origin.map(str::to_owned);
        options.metadata = department
            .map(|name: &str| ("department".to_owned(), name.to_owned()))
            .into_iter()
            .collect();
        match pipeline.ingest(incoming, options).await {
            Ok(_) => println!("{project}: accepted"),
            Err(refused) => println!("{project}: {refused}"),
        }
    }
    Ok(())
}
