//! `intake files`: looks at files, keeps them, deletes them, brings them back, through the same pipeline as servers do.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::SystemTime;

use clap::{Args, Subcommand};
use intake_core::{Error, Pipeline, Record, Retention, State, UploadId};
use serde::Serialize;

use super::output::{exact_time, json_line, plain, print, size, tell, time};
use super::{Composition, Failure};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The configuration; without one, what `intake config` prints.
    #[arg(long, short, env = "INTAKE_CONFIG", global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Says what is known of an upload, wherever it stands.
    Show {
        /// Its id.
        id: UploadId,
        /// As one line of JSON, for programs.
        #[arg(long)]
        json: bool,
    },
    /// Lists a project's files that can be read or brought back, the newest first.
    List {
        /// Its public key; may be left out if there is only one project.
        #[arg(long, value_name = "KEY")]
        project: Option<String>,
        /// So many at most.
        #[arg(long, default_value_t = 100, value_name = "N")]
        limit: usize,
        /// Goes on behind this file.
        #[arg(long, value_name = "ID")]
        behind: Option<UploadId>,
        /// One line of JSON for each, for programs.
        #[arg(long)]
        json: bool,
    },
    /// Has a file stay, as far as its project's rules allow.
    Store {
        /// Its id.
        id: UploadId,
    },
    /// Has nobody read a file any more. Where [receive] has `trash`, it can be brought back for so long.
    Delete {
        /// Its id.
        id: UploadId,
        /// Removes its bytes at once, even if it was deleted before.
        #[arg(long)]
        for_good: bool,
    },
    /// Brings back a file that was deleted.
    Restore {
        /// Its id.
        id: UploadId,
    },
}

pub(super) async fn run(arguments: Arguments) -> Result<(), Failure> {
    let composition = Composition::shared(arguments.config).await?;
    let pipeline = &composition.pipeline;
    match arguments.command {
        Command::Show { id, json } => {
            let record = look(pipeline, id).await?.ok_or_else(|| none(id))?;
            let file = File::of(&record, SystemTime::now());
            print(&if json { json_line(&file)? } else { file.page() })
        }
        Command::List {
            project,
            limit,
            behind,
            json,
        } => {
            let project = match project {
                Some(project) => project,
                None => the_only_project(&composition).await?,
            };
            list(&composition, &project, limit, behind, json).await
        }
        Command::Store { id } => {
            let kept = pipeline.keep(id, Retention::Keep).await;
            let record = told(pipeline, id, kept, "stored").await?;
            tell(&format!("{id} is stored, {}", until(&record)));
            Ok(())
        }
        Command::Delete { id, for_good } => {
            let deleted = if for_good {
                pipeline.delete_for_good(id).await
            } else {
                pipeline.delete(id).await
            };
            told(pipeline, id, deleted, "deleted").await?;
            match look(pipeline, id).await?.as_ref().and_then(restorable_until) {
                Some(end) => tell(&format!(
                    "{id} is deleted; until {} `intake files restore {id}` brings it back",
                    time(end)
                )),
                None => tell(&format!("{id} is deleted for good")),
            }
            Ok(())
        }
        Command::Restore { id } => {
            let restored = pipeline.restore(id).await;
            let record = told(pipeline, id, restored, "restored").await?;
            tell(&format!("{id} can be read again, {}", until(&record)));
            Ok(())
        }
    }
}

async fn look(pipeline: &Pipeline, id: UploadId) -> Result<Option<Record>, Failure> {
    let found = pipeline.status(id).await;
    found.map_err(|error| Failure::Other(chain(error)))
}

fn chain(error: Error) -> String {
    match error {
        Error::Fault(fault) => fault.chain(),
        other => other.to_string(),
    }
}

fn none(id: UploadId) -> Failure {
    Failure::Other(format!("there is no file {id}"))
}

/// What was done, or why it was not: a file that stands elsewhere is another thing than none.
async fn told<T>(pipeline: &Pipeline, id: UploadId, done: Result<T, Error>, verb: &str) -> Result<T, Failure> {
    match done {
        Ok(done) => Ok(done),
        Err(Error::NotFound(_)) => {
            let record = look(pipeline, id).await?.ok_or_else(|| none(id))?;
            let state = state(&record, SystemTime::now());
            Err(Failure::Other(format!("{id} is {state}, so it cannot be {verb}")))
        }
        Err(error) => Err(Failure::Other(chain(error))),
    }
}

/// The one project that there is, listed in the configuration or managed.
async fn the_only_project(composition: &Composition) -> Result<String, Failure> {
    /// So many are named; more are for `intake projects list`.
    const NAMED: usize = 20;
    let mut keys = composition.projects();
    let managed = composition.pipeline.catalog().projects("", NAMED).await?;
    for project in managed {
        if !keys.contains(&project.public_key) {
            keys.push(project.public_key);
        }
    }
    match keys.as_slice() {
        [key] => Ok(key.clone()),
        [] => Err(Failure::Other(
            "there is no project; `intake projects create KEY` makes one".to_owned(),
        )),
        keys => {
            let more = if keys.len() > NAMED { ", …" } else { "" };
            let named = keys.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
            Err(Failure::Other(format!(
                "there are several projects, so `--project KEY` has to name one: {named}{more}"
            )))
        }
    }
}

async fn list(
    composition: &Composition,
    project: &str,
    limit: usize,
    behind: Option<UploadId>,
    json: bool,
) -> Result<(), Failure> {
    /// So many at a time.
    const PAGE: usize = 500;
    let pipeline = &composition.pipeline;
    composition.knows(project).await?;
    let mut behind = match behind {
        None => None,
        Some(id) => {
            let record = look(pipeline, id).await?.ok_or_else(|| none(id))?;
            Some((record.created, id))
        }
    };
    if !json {
        print(&line("ID", "STATE", "CREATED", "SIZE", "UNTIL", "NAME"))?;
    }
    let mut left = limit;
    while left > 0 {
        let asked = left.min(PAGE);
        let page = pipeline.files_of(project, behind, asked).await?;
        let now = SystemTime::now();
        let mut text = String::new();
        for record in &page {
            let file = File::of(record, now);
            text += &if json { json_line(&file)? } else { file.line() };
        }
        print(&text)?;
        let Some(last) = page.last().filter(|_| page.len() == asked) else {
            return Ok(());
        };
        behind = Some((last.created, last.id));
        left -= asked;
    }
    match behind {
        Some((_, id)) if !pipeline.files_of(project, behind, 1).await?.is_empty() => {
            tell(&format!("there are more; `--behind {id}` goes on"));
        }
        _ => {}
    }
    Ok(())
}

/// Where an upload stands, as people and programs are told. What has expired is as good as gone, even if no sweeper came by yet.
fn state(record: &Record, now: SystemTime) -> &'static str {
    match record.state {
        State::Ready | State::Trashed if record.has_expired(now) => "expired",
        _ => record.state.name(),
    }
}

/// When a file that was deleted is gone for good.
fn restorable_until(record: &Record) -> Option<SystemTime> {
    let due = record.due.filter(|_| record.state == State::Trashed)?;
    let expires = record.lifetime.and_then(|lifetime| lifetime.expires);
    Some(expires.map_or(due, |expires| expires.min(due)))
}

fn until(record: &Record) -> String {
    match record.lifetime.and_then(|lifetime| lifetime.expires) {
        Some(end) => format!("until {}", time(end)),
        None => "to stay".to_owned(),
    }
}

/// What is told of an upload. What has let it in, and what signs the addresses of its parts, is told nobody.
#[derive(Debug, Serialize)]
struct File<'a> {
    id: String,
    state: &'static str,
    project: Option<&'a str>,
    name: Option<&'a str>,
    size: Option<u64>,
    media_type: Option<&'a str>,
    created: String,
    kept: Option<bool>,
    expires: Option<String>,
    /// Only of what was deleted.
    #[serde(skip_serializing_if = "Option::is_none")]
    restorable_until: Option<String>,
    /// Why it was refused, if it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    refused: Option<&'a str>,
    metadata: &'a BTreeMap<String, String>,
    tags: &'a [String],
    #[serde(skip)]
    times: Times,
}

/// The same times, to the second.
#[derive(Debug)]
struct Times {
    created: String,
    expires: Option<String>,
    restorable_until: Option<String>,
}

impl<'a> File<'a> {
    fn of(record: &'a Record, now: SystemTime) -> Self {
        let facts = record.facts.as_ref();
        let expires = record.lifetime.and_then(|lifetime| lifetime.expires);
        let restorable = restorable_until(record);
        Self {
            id: record.id.to_string(),
            state: state(record, now),
            project: record.project.as_deref(),
            name: record.declared.name.as_deref(),
            size: facts.map(|facts| facts.size),
            media_type: facts
                .and_then(|facts| facts.media_type.as_ref())
                .map(|kind| kind.as_str()),
            created: exact_time(record.created),
            kept: record.lifetime.map(|lifetime| lifetime.kept),
            expires: expires.map(exact_time),
            restorable_until: restorable.map(exact_time),
            refused: match &record.state {
                State::Rejected(rejection) => Some(rejection.code.as_str()),
                _ => None,
            },
            metadata: &record.metadata,
            tags: &record.tags,
            times: Times {
                created: time(record.created),
                expires: expires.map(time),
                restorable_until: restorable.map(time),
            },
        }
    }

    fn line(&self) -> String {
        let size = self.size.map(size).unwrap_or_default();
        let until = self.times.restorable_until.as_ref().or(self.times.expires.as_ref());
        let until = until.map_or("to stay", String::as_str);
        let name = self.name.map(plain).unwrap_or_default();
        line(&self.id, self.state, &self.times.created, &size, until, &name)
    }

    fn page(&self) -> String {
        let mut page = String::new();
        let mut entry = |name: &str, value: &str| {
            // Writing to a string does not fail.
            let _ok = writeln!(page, "{name:<12}{value}");
        };
        entry("id", &self.id);
        entry("state", self.state);
        if let Some(code) = self.refused {
            entry("refused", code);
        }
        if let Some(project) = self.project {
            entry("project", &plain(project));
        }
        if let Some(name) = self.name {
            entry("name", &plain(name));
        }
        if let Some(bytes) = self.size {
            entry("size", &format!("{} ({bytes} bytes)", size(bytes)));
        }
        if let Some(kind) = self.media_type {
            entry("media type", kind);
        }
        entry("created", &self.times.created);
        if let Some(kept) = self.kept {
            entry("stored", if kept { "yes" } else { "no" });
            entry("expires", self.times.expires.as_deref().unwrap_or("never"));
        }
        if let Some(end) = &self.times.restorable_until {
            entry("restorable", &format!("until {end}"));
        }
        for (name, value) in self.metadata {
            entry("metadata", &format!("{} = {}", plain(name), plain(value)));
        }
        if !self.tags.is_empty() {
            entry("tags", &plain(&self.tags.join(", ")));
        }
        page
    }
}

/// A line of the list: of lists that are too long to be looked at as a whole before the first line is printed.
fn line(id: &str, state: &str, created: &str, size: &str, until: &str, name: &str) -> String {
    let line = format!("{id:<36}  {state:<8}  {created:<20}  {size:>10}  {until:<20}  {name}");
    format!("{}\n", line.trim_end())
}
