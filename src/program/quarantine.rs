//! `intake quarantine`: shows what is in quarantine, and releases or deletes it, through the same pipeline as servers.

use std::time::SystemTime;

use clap::Subcommand;
use intake_core::{Error, Pipeline, Record, State, UploadId};
use serde::Serialize;

use super::app::App;
use super::arguments::WithConfig;
use super::failure::Failure;
use super::file::{File, state, until};
use super::output::{exact_time, json_line, plain, print, size, tell, time};

pub(super) type Arguments = WithConfig<Command>;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Lists what is in quarantine, of all projects, the newest first.
    List {
        /// The most files to list.
        #[arg(long, default_value_t = 100, value_name = "N")]
        limit: usize,
        /// Continues after this file.
        #[arg(long, value_name = "ID")]
        behind: Option<UploadId>,
        /// Prints one line of JSON for each, for programs.
        #[arg(long)]
        json: bool,
    },
    /// Shows a file in quarantine: why it is there, until when, and what was decided about it before.
    Show {
        /// Its id.
        id: UploadId,
        /// Prints one line of JSON, for programs.
        #[arg(long)]
        json: bool,
    },
    /// Makes a file readable that is in quarantine, whatever the scanners said of it. The log gets a line, and the record an entry.
    Release {
        /// Its id.
        id: UploadId,
        /// Who decided it, for the log and the record.
        #[arg(long, env = "USER", value_name = "NAME")]
        by: Option<String>,
    },
    /// Deletes a file that is in quarantine, with its bytes. The log gets a line, and the record an entry.
    Delete {
        /// Its id.
        id: UploadId,
        /// Who decided it, for the log and the record.
        #[arg(long, env = "USER", value_name = "NAME")]
        by: Option<String>,
    },
}

/// The longest name of an operator, in characters.
const LONGEST_NAME: usize = 100;

pub(super) async fn run(arguments: Arguments) -> Result<(), Failure> {
    let app = App::shared(arguments.config).await?;
    let pipeline = &app.pipeline;
    match arguments.command {
        Command::List { limit, behind, json } => list(pipeline, limit, behind, json).await,
        Command::Show { id, json } => {
            let record = in_quarantine(pipeline, id).await?;
            let held = Held::of(&record);
            print(&if json { json_line(&held)? } else { held.page(&record) })
        }
        Command::Release { id, by } => {
            in_quarantine(pipeline, id).await?;
            let released = pipeline.release(id, &name(by)?).await.map_err(failed)?;
            tell(&format!("{id} can be read now, {}", until(&released)));
            Ok(())
        }
        Command::Delete { id, by } => {
            in_quarantine(pipeline, id).await?;
            pipeline.discard_quarantined(id, &name(by)?).await.map_err(failed)?;
            tell(&format!("{id} is deleted for good"));
            Ok(())
        }
    }
}

/// The name of the operator.
fn name(by: Option<String>) -> Result<String, Failure> {
    let by = by.filter(|by| !by.trim().is_empty());
    let by = by.ok_or_else(|| Failure::Other("say who decides it: `--by NAME`".to_owned()))?;
    match by.chars().count() > LONGEST_NAME {
        true => Err(Failure::Other(format!("`--by`: at most {LONGEST_NAME} characters"))),
        false => Ok(by),
    }
}

/// The record of a file in quarantine, or the state in which it is instead.
async fn in_quarantine(pipeline: &Pipeline, id: UploadId) -> Result<Record, Failure> {
    let found = pipeline.status(id).await.map_err(failed)?;
    let record = found.ok_or_else(|| Failure::Other(format!("there is no file {id}")))?;
    match record.state {
        State::Quarantined => Ok(record),
        _ => {
            let state = state(&record, SystemTime::now());
            Err(Failure::Other(format!("{id} is {state}, and not in quarantine")))
        }
    }
}

fn failed(error: Error) -> Failure {
    Failure::Other(match error {
        Error::Fault(fault) => fault.report(),
        other => other.to_string(),
    })
}

async fn list(pipeline: &Pipeline, limit: usize, behind: Option<UploadId>, json: bool) -> Result<(), Failure> {
    /// How many files are read at a time.
    const PAGE: usize = 500;
    let mut behind = match behind {
        None => None,
        Some(id) => {
            let record = pipeline.status(id).await.map_err(failed)?;
            let record = record.ok_or_else(|| Failure::Other(format!("there is no file {id}")))?;
            Some((record.created, id))
        }
    };
    if !json {
        print(&line([
            "ID", "SINCE", "CAUSE", "BY", "CODE", "SIZE", "PROJECT", "ABOUT",
        ]))?;
    }
    let mut left = limit;
    while left > 0 {
        let asked = left.min(PAGE);
        let page = pipeline.quarantined(behind, asked).await?;
        for record in &page {
            let held = Held::of(record);
            print(&if json { json_line(&held)? } else { held.line() })?;
        }
        // A page may be short because a record could not be read.
        let Some(last) = page.last() else {
            return Ok(());
        };
        behind = Some((last.created, last.id));
        left -= asked;
    }
    if let Some((_, id)) = behind
        && !pipeline.quarantined(behind, 1).await?.is_empty()
    {
        tell(&format!("there are more; continue with `--behind {id}`"));
    }
    Ok(())
}

/// What is shown of a file in quarantine.
#[derive(Debug, Serialize)]
struct Held<'a> {
    #[serde(flatten)]
    file: File<'a>,
    cause: &'static str,
    code: &'a str,
    by: &'a str,
    about: Option<&'a str>,
    message: &'a str,
    since: String,
    until: String,
    /// Whether the sender was told that the file is accepted, and waits for a scanner.
    pending: bool,
    tries: u32,
    sha256: Option<String>,
    history: Vec<Entry<'a>>,
    #[serde(skip)]
    since_shown: String,
}

#[derive(Debug, Serialize)]
struct Entry<'a> {
    at: String,
    action: &'static str,
    by: &'a str,
    code: Option<&'a str>,
}

impl<'a> Held<'a> {
    fn of(record: &'a Record) -> Self {
        let quarantine = record.quarantine.as_ref();
        let reason = quarantine.map(|quarantine| &quarantine.reason);
        let history = record.history.iter().map(|entry| Entry {
            at: exact_time(entry.at),
            action: entry.action.name(),
            by: &entry.by,
            code: entry.code.as_ref().map(intake_core::Code::as_str),
        });
        Self {
            file: File::of(record, SystemTime::now()),
            cause: quarantine.map_or("", |quarantine| quarantine.cause.name()),
            code: reason.map_or("", |reason| reason.code.as_str()),
            by: reason.and_then(|reason| reason.by.as_deref()).unwrap_or_default(),
            about: reason.and_then(|reason| reason.subject.as_deref()),
            message: reason.map_or("", |reason| reason.message.as_str()),
            since: quarantine
                .map(|quarantine| exact_time(quarantine.since))
                .unwrap_or_default(),
            until: quarantine
                .map(|quarantine| exact_time(quarantine.until))
                .unwrap_or_default(),
            pending: record.is_pending(),
            tries: quarantine.map_or(0, |quarantine| quarantine.tries),
            sha256: record.facts.as_ref().map(|facts| facts.digest.to_string()),
            history: history.collect(),
            since_shown: quarantine.map(|quarantine| time(quarantine.since)).unwrap_or_default(),
        }
    }

    fn line(&self) -> String {
        let bytes = self.file.size().map(size).unwrap_or_default();
        let (project, about) = (
            plain(self.file.project().unwrap_or_default()),
            plain(self.about.unwrap_or_default()),
        );
        line([
            self.file.id(),
            &self.since_shown,
            self.cause,
            &plain(self.by),
            self.code,
            &bytes,
            &project,
            &about,
        ])
    }

    fn page(&self, record: &Record) -> String {
        let mut page = self.file.page();
        let mut entry = |name: &str, value: &str| page += &format!("{name:<12}{value}\n");
        entry("cause", self.cause);
        entry("by", &plain(self.by));
        entry("code", self.code);
        if let Some(about) = self.about {
            entry("about", &plain(about));
        }
        entry("reason", &plain(self.message));
        entry("since", &self.since);
        entry("until", &self.until);
        if self.pending {
            entry("pending", &format!("yes, scanned again {} times", self.tries));
        }
        if let Some(sha256) = &self.sha256 {
            entry("sha256", sha256);
        }
        for past in &record.history {
            let code = past.code.as_ref().map(|code| format!(" ({code})")).unwrap_or_default();
            let what = format!("{} by {}{code}", past.action.name(), plain(&past.by));
            entry(&time(past.at), &format!(" {what}"));
        }
        page
    }
}

fn line([id, since, cause, by, code, size, project, about]: [&str; 8]) -> String {
    let line = format!("{id:<36}  {since:<20}  {cause:<8}  {by:<12}  {code:<20}  {size:>10}  {project:<20}  {about}");
    format!("{}\n", line.trim_end())
}
