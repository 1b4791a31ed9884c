//! `intake explain FILE`: what every stage says of a local file, which is not kept. `intake check --test` does the same for the
//! files that `[[test]]` lists, and compares.

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};

use clap::Args;
use futures_util::StreamExt as _;
use indicatif::{ProgressBar, ProgressStyle};
use intake_core::inspection::Maker;
use intake_core::{Coverage, Declared, Error, Explanation, Incoming, MediaType, Objection, Rejection, UploadOptions};
use serde::{Deserialize, Serialize};
use tokio_util::io::ReaderStream;

use super::app::{App, unknown};
use super::failure::Failure;
use super::output::{columns, json_line, plain, print, size, tell};

/// Files from this size on are read with a progress bar.
const LARGE: u64 = 64 << 20;
/// How much of a file is read at a time.
const PIECE: usize = 256 * 1024;

/// The arguments of the command.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The file.
    file: PathBuf,
    /// The configuration; without one, what `intake config` prints.
    #[arg(long, short, env = "INTAKE_CONFIG")]
    config: Option<PathBuf>,
    /// The name that a sender would give it; without this, its own.
    #[arg(long)]
    name: Option<String>,
    /// The media type that a sender would declare.
    #[arg(long = "type", value_name = "TYPE")]
    media_type: Option<MediaType>,
    /// The public key of a project, whose rules are asked too.
    #[arg(long, value_name = "KEY")]
    project: Option<String>,
    /// Prints one line of JSON, for programs.
    #[arg(long)]
    json: bool,
}

/// An entry of `[[test]]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TestCase {
    /// The file, as the working directory has it.
    file: PathBuf,
    /// `accepted`, or the code of the refusal.
    expect: String,
    name: Option<String>,
    #[serde(rename = "type")]
    media_type: Option<MediaType>,
    project: Option<String>,
}

pub(super) async fn run(arguments: Arguments) -> Result<(), Failure> {
    let app = match arguments.project {
        // Its rules may be in the records of running servers.
        Some(_) => App::shared(arguments.config).await?,
        None => App::read(arguments.config)?,
    };
    let declared = (arguments.name, arguments.media_type);
    let explanation = explain(&app, &arguments.file, declared, arguments.project).await?;
    let shown = Shown::of(&explanation);
    print(&if arguments.json {
        json_line(&shown)?
    } else {
        shown.page()
    })?;
    match explanation.is_accepted() {
        true => Ok(()),
        false => Err(Failure::Other("the file would not be accepted".to_owned())),
    }
}

/// Runs the files of `[[test]]` through the pipeline, and compares.
pub(super) async fn test(app: &App) -> Result<(), Failure> {
    let mut failed = 0;
    for case in &app.tests {
        let declared = (case.name.clone(), case.media_type.clone());
        let explained = explain(app, &case.file, declared, case.project.clone()).await;
        let said = match explained {
            Ok(explanation) => verdict(&explanation),
            Err(Failure::Other(message)) => message,
            Err(unusable) => return Err(unusable),
        };
        let file = plain(&case.file.display().to_string());
        if said == case.expect {
            tell(&format!("{file}: {said}"));
        } else {
            failed += 1;
            tell(&format!("{file}: {said}, and {} was expected", case.expect));
        }
    }
    match (failed, app.tests.len()) {
        (0, 0) => Err(Failure::Other("the configuration has no [[test]]".to_owned())),
        (0, all) => {
            tell(&format!("tests: {all} passed"));
            Ok(())
        }
        (failed, all) => Err(Failure::Other(format!("{failed} of {all} tests failed"))),
    }
}

/// `accepted`, or the code of the first refusal or fault.
fn verdict(explanation: &Explanation) -> String {
    let mut objections = explanation
        .opinions
        .iter()
        .filter_map(|opinion| opinion.said.as_ref().err());
    match objections.next() {
        None => "accepted".to_owned(),
        Some(Objection::Refusal(rejection) | Objection::Quarantine(rejection)) => rejection.code.to_string(),
        Some(Objection::Fault(fault)) => fault.code.to_string(),
        Some(_) => "refused".to_owned(),
    }
}

async fn explain(
    app: &App,
    path: &Path,
    (name, media_type): (Option<String>, Option<MediaType>),
    project: Option<String>,
) -> Result<Explanation, Failure> {
    if let Some(key) = project.as_ref().filter(|key| !app.projects().contains(key)) {
        // Looking it up would make the records.
        if !app.pipeline.has_records().await? {
            return Err(Failure::Other(unknown(key)));
        }
    }
    let unreadable = |error: std::io::Error| Failure::Other(format!("cannot read {}: {error}", path.display()));
    let file = tokio::fs::File::open(path).await.map_err(unreadable)?;
    let found = file.metadata().await.map_err(unreadable)?;
    if found.is_dir() {
        return Err(Failure::Other(format!("{} is a folder", path.display())));
    }
    let own = path.file_name().map(|name| name.to_string_lossy().into_owned());
    let declared = Declared::named(name.or(own).unwrap_or_default()).with(|declared| declared.media_type = media_type);
    let bar = bar(found.len());
    let counting = bar.clone();
    let pieces = ReaderStream::with_capacity(file, PIECE).inspect(move |piece| {
        counting.inc(piece.as_ref().map_or(0, |piece| piece.len() as u64));
    });
    let mut incoming = Incoming::from_stream(declared, pieces);
    incoming.options = UploadOptions::default().with(|options| options.project = project);
    let explained = app.pipeline.explain(incoming).await;
    bar.finish_and_clear();
    explained.map_err(|error| {
        Failure::Other(match error {
            Error::Fault(fault) => fault.report(),
            other => plain(&other.to_string()),
        })
    })
}

fn bar(bytes: u64) -> ProgressBar {
    if bytes < LARGE || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{bytes} of {total_bytes} {wide_bar} {bytes_per_sec}, {eta} left");
    ProgressBar::new(bytes).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

/// What is printed of an explanation.
#[derive(Debug, Serialize)]
struct Shown<'a> {
    accepted: bool,
    size: Option<u64>,
    sha256: Option<String>,
    media_type: Option<&'a str>,
    stages: Vec<ShownStage<'a>>,
    notes: std::collections::BTreeMap<&'a str, &'a serde_json::Value>,
}

/// What is printed of what one stage says.
#[derive(Debug, Serialize)]
pub(super) struct ShownStage<'a> {
    pub(super) stage: &'a str,
    pub(super) plugin: Option<String>,
    pub(super) settings: Option<&'a str>,
    pub(super) says: &'static str,
    pub(super) code: Option<&'a str>,
    pub(super) reason: Option<String>,
    pub(super) engine: Option<String>,
    pub(super) bytes: Option<u64>,
    pub(super) millis: Option<u64>,
}

impl<'a> ShownStage<'a> {
    /// A refusal, by the stage that it names.
    pub(super) fn refused(rejection: &'a Rejection) -> Self {
        Self {
            stage: rejection.by.as_deref().unwrap_or_default(),
            plugin: None,
            settings: None,
            says: "refused",
            code: Some(rejection.code.as_str()),
            reason: Some(rejection.message.clone()),
            engine: None,
            bytes: None,
            millis: None,
        }
    }

    pub(super) fn of(inspection: &'a intake_core::Inspection) -> Self {
        let (says, reason) = match &inspection.coverage {
            _ if inspection.refusal.is_some() => (
                "refused",
                inspection.refusal.as_ref().map(|refusal| refusal.message.clone()),
            ),
            Coverage::Partial(gap) => ("partly covered", Some(gap.clone())),
            _ => ("accepted", None),
        };
        Self {
            reason,
            code: inspection.refusal.as_ref().map(|refusal| refusal.code.as_str()),
            engine: inspection.engine.as_ref().map(ToString::to_string),
            bytes: inspection.bytes,
            millis: inspection.millis,
            ..Self::new(&inspection.stage, &inspection.maker, says)
        }
    }

    fn new(stage: &'a str, maker: &'a Maker, says: &'static str) -> Self {
        Self {
            stage,
            plugin: (!maker.name.is_empty()).then(|| maker.to_string()),
            settings: (!maker.settings.is_empty()).then_some(maker.settings.as_str()),
            says,
            code: None,
            reason: None,
            engine: None,
            bytes: None,
            millis: None,
        }
    }

    /// The head of the table.
    pub(super) fn head() -> [String; 5] {
        ["STAGE", "PLUGIN", "SAYS", "MS", "WHY, AND WITH WHAT"].map(str::to_owned)
    }

    pub(super) fn row(&self) -> [String; 5] {
        let code = self.code.map(|code| format!("{code}: ")).unwrap_or_default();
        let why = self.reason.as_deref().map(|why| format!("{code}{why}"));
        let with = [why, self.engine.clone()];
        let with: Vec<_> = with.into_iter().flatten().map(|text| plain(&text)).collect();
        [
            plain(self.stage),
            self.plugin.as_deref().map(plain).unwrap_or_default(),
            self.says.to_owned(),
            self.millis.map(|millis| millis.to_string()).unwrap_or_default(),
            with.join("; "),
        ]
    }
}

/// The stages as a table.
pub(super) fn table(stages: &[ShownStage<'_>]) -> String {
    let mut rows = vec![ShownStage::head()];
    rows.extend(stages.iter().map(ShownStage::row));
    columns(&rows, [false, false, false, true, false])
}

impl<'a> Shown<'a> {
    fn of(explanation: &'a Explanation) -> Self {
        let facts = explanation.facts.as_ref();
        let notes = facts.into_iter().flat_map(|facts| &facts.notes);
        let stages = explanation.opinions.iter().map(|opinion| match &opinion.said {
            Ok(inspection) => ShownStage::of(inspection),
            Err(Objection::Refusal(rejection)) => ShownStage {
                code: Some(rejection.code.as_str()),
                reason: Some(rejection.message.clone()),
                ..ShownStage::new(&opinion.stage, &opinion.maker, "refused")
            },
            Err(Objection::Quarantine(rejection)) => ShownStage {
                code: Some(rejection.code.as_str()),
                reason: Some(rejection.message.clone()),
                ..ShownStage::new(&opinion.stage, &opinion.maker, "quarantines")
            },
            Err(Objection::Fault(fault)) => ShownStage {
                code: Some(fault.code.as_str()),
                reason: Some(fault.report()),
                ..ShownStage::new(&opinion.stage, &opinion.maker, "failed")
            },
            Err(_) => ShownStage::new(&opinion.stage, &opinion.maker, "refused"),
        });
        Self {
            accepted: explanation.is_accepted(),
            size: facts.map(|facts| facts.size),
            sha256: facts.map(|facts| facts.digest.to_string()),
            media_type: facts.and_then(|facts| facts.media_type.as_ref()).map(MediaType::as_str),
            stages: stages.collect(),
            notes: notes.map(|(subject, note)| (subject.as_str(), note)).collect(),
        }
    }

    fn page(&self) -> String {
        let mut page = String::new();
        if let (Some(bytes), Some(sha256)) = (self.size, &self.sha256) {
            let kind = self.media_type.unwrap_or("of no known type");
            page += &format!("{} ({bytes} bytes), {kind}, sha256 {sha256}\n", size(bytes));
        }
        for (subject, note) in &self.notes {
            page += &format!("{}: {}\n", plain(subject), plain(&note.to_string()));
        }
        page.push('\n');
        page += &table(&self.stages);
        page
    }
}
