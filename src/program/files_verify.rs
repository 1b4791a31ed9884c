//! `intake files verify`: reads what is stored, and compares it with the records.

use std::time::{Duration, SystemTime};

use clap::Args;
use intake_core::{Listing, Pipeline, Record, UploadId};
use serde::Serialize;
use tokio::time::{Instant, sleep_until};

use super::app::App;
use super::failure::Failure;
use super::file::{look, none, state};
use super::original::{Trouble, copy};
use super::output::{json_line, plain, print, size, tell};

/// How many records are read at a time.
const PAGE: usize = 500;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The files; without any, all that can be read.
    #[arg(value_name = "ID")]
    ids: Vec<UploadId>,
    /// Only the files of the project with this public key.
    #[arg(long, value_name = "KEY", conflicts_with = "ids")]
    project: Option<String>,
    /// The most that is read in a second, in MiB.
    #[arg(long, default_value_t = 50, value_name = "MiB/s", value_parser = clap::value_parser!(u32).range(1..))]
    rate: u32,
    /// Prints one line of JSON for each file that is not as its record says, for programs.
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(app: &App, arguments: Arguments) -> Result<(), Failure> {
    let mut check = Check {
        pipeline: &app.pipeline,
        json: arguments.json,
        pace: Pace::of(arguments.rate),
        counts: Counts::default(),
    };
    match (arguments.ids.as_slice(), &arguments.project) {
        ([], None) => check.everything(app).await?,
        ([], Some(project)) => {
            app.knows(project).await?;
            check.project(project).await?;
        }
        (ids, _) => {
            for id in ids {
                check.named(*id).await?;
            }
        }
    }
    check.counts.result()
}

struct Check<'a> {
    pipeline: &'a Pipeline,
    json: bool,
    pace: Pace,
    counts: Counts,
}

impl Check<'_> {
    /// The files of all projects, in the configuration and in the records.
    async fn everything(&mut self, app: &App) -> Result<(), Failure> {
        let configured = app.projects();
        for project in &configured {
            self.project(project).await?;
        }
        let mut behind = String::new();
        loop {
            let page = app.pipeline.catalog().projects(&behind, PAGE).await?;
            for project in &page {
                if !configured.contains(&project.public_key) {
                    self.project(&project.public_key).await?;
                }
            }
            match page.last() {
                Some(last) => behind.clone_from(&last.public_key),
                None => return Ok(()),
            }
        }
    }

    async fn project(&mut self, project: &str) -> Result<(), Failure> {
        let mut behind = None;
        loop {
            // A page may be short because a record could not be read.
            let page = self.pipeline.list(Listing::Files, project, behind, PAGE).await?;
            let Some(last) = page.last() else {
                return Ok(());
            };
            behind = Some((last.created, last.id));
            for record in page.iter().filter(|record| record.is_readable(SystemTime::now())) {
                self.file(record).await?;
            }
        }
    }

    async fn named(&mut self, id: UploadId) -> Result<(), Failure> {
        let record = look(self.pipeline, id).await?.ok_or_else(|| none(id))?;
        let now = SystemTime::now();
        if !record.is_readable(now) {
            let state = state(&record, now);
            return Err(Failure::Other(format!("{id} is {state}, so it cannot be verified")));
        }
        self.file(&record).await
    }

    async fn file(&mut self, record: &Record) -> Result<(), Failure> {
        let (pace, bytes) = (&mut self.pace, &mut self.counts.bytes);
        let read = async |piece: &[u8]| {
            *bytes += piece.len() as u64;
            pace.wait(piece.len()).await;
            Ok(())
        };
        let compared = copy(self.pipeline, record, read).await;
        let Err(trouble) = compared else {
            self.counts.right += 1;
            return Ok(());
        };
        // What was deleted while it was read is no fault.
        let still = look(self.pipeline, record.id).await?;
        if !still.is_some_and(|record| record.is_readable(SystemTime::now())) {
            self.counts.deleted += 1;
            return Ok(());
        }
        let found = self.counts.note(&trouble);
        let finding = Finding {
            id: record.id.to_string(),
            found,
            project: record.options.project.as_deref(),
            reason: trouble.to_string(),
        };
        print(&if self.json {
            json_line(&finding)?
        } else {
            finding.line()
        })
    }
}

/// A file that is not as its record says.
#[derive(Debug, Serialize)]
struct Finding<'a> {
    id: String,
    /// `missing`, `differs` or `unreadable`.
    found: &'static str,
    project: Option<&'a str>,
    reason: String,
}

impl Finding<'_> {
    fn line(&self) -> String {
        let project = plain(self.project.unwrap_or_default());
        let (id, found, reason) = (&self.id, self.found, plain(&self.reason));
        format!("{id:<36}  {found:<10}  {project:<20}  {reason}\n")
    }
}

#[derive(Debug, Default)]
struct Counts {
    right: u64,
    missing: u64,
    differing: u64,
    unreadable: u64,
    deleted: u64,
    bytes: u64,
}

impl Counts {
    /// Counts a trouble, and returns its name.
    fn note(&mut self, trouble: &Trouble) -> &'static str {
        let (count, name) = match trouble {
            Trouble::Missing(_) => (&mut self.missing, "missing"),
            Trouble::Differs(_) => (&mut self.differing, "differs"),
            Trouble::Unread(_) | Trouble::Unwritten(_) => (&mut self.unreadable, "unreadable"),
        };
        *count += 1;
        name
    }

    fn result(&self) -> Result<(), Failure> {
        let wrong = self.missing + self.differing + self.unreadable;
        let all = self.right + wrong;
        tell(&format!(
            "verified {all} files, {}: {} as recorded, {} differ, {} missing, {} unreadable; {} were deleted meanwhile",
            size(self.bytes),
            self.right,
            self.differing,
            self.missing,
            self.unreadable,
            self.deleted
        ));
        match wrong {
            0 => Ok(()),
            _ => Err(Failure::Other(format!(
                "{wrong} of {all} files are not as their records say"
            ))),
        }
    }
}

/// Holds a number of bytes a second.
struct Pace {
    bytes_per_second: f64,
    /// When the next piece may be taken.
    next: Instant,
}

impl Pace {
    fn of(mebibytes: u32) -> Self {
        Self {
            bytes_per_second: f64::from(mebibytes) * 1024.0 * 1024.0,
            next: Instant::now(),
        }
    }

    /// Waits as long as this many bytes last. Time that a slow store took is not made up for.
    async fn wait(&mut self, bytes: usize) {
        let lasts = Duration::from_secs_f64(
            u32::try_from(bytes).map_or(f64::from(u32::MAX), f64::from) / self.bytes_per_second,
        );
        self.next = self.next.max(Instant::now()) + lasts;
        sleep_until(self.next).await;
    }
}
