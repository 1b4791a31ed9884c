//! `intake files`: shows files, writes them out, keeps, deletes and restores them, through the same pipeline as servers.

use std::time::SystemTime;

use clap::Subcommand;
use intake_core::{Error, Listing, Pipeline, Record, Retention, State, UploadId};

use super::app::App;
use super::arguments::WithConfig;
use super::explain::{ShownStage, table};
use super::failure::Failure;
use super::file::{
    File, line, look, none, order_line, refused_line, report, restorable_until, state, unfinished_line, until,
};
use super::files_get;
use super::files_verify;
use super::output::{json_line, print, tell, time};

pub(super) type Arguments = WithConfig<Command>;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Shows an upload in any state.
    Show {
        /// Its id.
        id: UploadId,
        /// Prints one line of JSON, for programs.
        #[arg(long)]
        json: bool,
    },
    /// Shows what each stage said of an upload when it was accepted: plugin, version, engine, coverage, time.
    Explain {
        /// Its id.
        id: UploadId,
        /// Prints one line of JSON for each stage, for programs.
        #[arg(long)]
        json: bool,
    },
    /// Lists a project's files that can be read or restored, the newest first.
    List {
        /// Its public key; optional if there is only one project.
        #[arg(long, value_name = "KEY")]
        project: Option<String>,
        /// Lists refused uploads instead: the stage, the code and the subject, such as the name of a virus. Uploads that were refused
        /// before their project was known are listed for every project.
        #[arg(long, group = "kind")]
        refused: bool,
        /// Lists unfinished multipart uploads instead: when each ends, and the address of its sender.
        #[arg(long, group = "kind")]
        unfinished: bool,
        /// Lists queued and running fetch jobs instead.
        #[arg(long, group = "kind")]
        orders: bool,
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
    /// Writes the original of a file: under its name only once it is whole, and its SHA-256 is that of the record.
    Get(files_get::Arguments),
    /// Reads what is stored of files, and compares length and SHA-256 with the records.
    Verify(files_verify::Arguments),
    /// Keeps a file, as far as its project's rules allow.
    Store {
        /// Its id.
        id: UploadId,
    },
    /// Deletes a file: it cannot be read any more. If [receive] sets `trash`, it can be restored for that long. Aborts an
    /// unfinished upload and removes its parts; cancels a fetch job.
    Delete {
        /// Its id.
        id: UploadId,
        /// Removes its bytes at once, even if it was deleted before.
        #[arg(long)]
        for_good: bool,
    },
    /// Restores a deleted file.
    Restore {
        /// Its id.
        id: UploadId,
    },
}

pub(super) async fn run(arguments: Arguments) -> Result<(), Failure> {
    let app = App::shared(arguments.config).await?;
    let pipeline = &app.pipeline;
    match arguments.command {
        Command::Show { id, json } => {
            let record = look(pipeline, id).await?.ok_or_else(|| none(id))?;
            let file = File::of(&record, SystemTime::now());
            print(&if json { json_line(&file)? } else { file.page() })
        }
        Command::Explain { id, json } => {
            let record = look(pipeline, id).await?.ok_or_else(|| none(id))?;
            explain(&record, json)
        }
        Command::List {
            project,
            refused,
            unfinished,
            orders,
            limit,
            behind,
            json,
        } => {
            let project = match project {
                Some(project) => project,
                None => app.the_only_project().await?,
            };
            let kind = kind(refused, unfinished, orders);
            list(&app, (&project, kind), limit, behind, json).await
        }
        Command::Get(arguments) => {
            let id = arguments.id;
            let record = look(pipeline, id).await?.ok_or_else(|| none(id))?;
            files_get::run(pipeline, &record, arguments).await
        }
        Command::Verify(arguments) => files_verify::run(&app, arguments).await,
        Command::Store { id } => {
            let kept = pipeline.keep(id, Retention::Keep).await;
            let record = told(pipeline, id, kept, "stored").await?;
            tell(&format!("{id} is stored, {}", until(&record)));
            Ok(())
        }
        Command::Delete { id, for_good } => delete(pipeline, id, for_good).await,
        Command::Restore { id } => {
            let restored = pipeline.restore(id).await;
            let record = told(pipeline, id, restored, "restored").await?;
            tell(&format!("{id} can be read again, {}", until(&record)));
            Ok(())
        }
    }
}

fn kind(refused: bool, unfinished: bool, orders: bool) -> Listing {
    match (refused, unfinished, orders) {
        (true, ..) => Listing::Refused,
        (_, true, _) => Listing::Unfinished,
        (.., true) => Listing::Fetches,
        _ => Listing::Files,
    }
}

fn explain(record: &Record, json: bool) -> Result<(), Failure> {
    let facts = record.facts.as_ref();
    let mut stages: Vec<_> = facts
        .into_iter()
        .flat_map(|facts| &facts.inspections)
        .map(ShownStage::of)
        .collect();
    if let State::Rejected(rejection) = &record.state {
        stages.push(ShownStage::refused(rejection));
    }
    if json {
        return stages.iter().try_for_each(|stage| print(&json_line(stage)?));
    }
    if stages.is_empty() {
        tell(&format!("no stage has said anything of {} yet", record.id));
    }
    let digest = facts
        .map(|facts| format!("sha256 {}\n\n", facts.digest))
        .unwrap_or_default();
    print(&(digest + &table(&stages)))
}

async fn delete(pipeline: &Pipeline, id: UploadId, for_good: bool) -> Result<(), Failure> {
    match look(pipeline, id).await?.map(|record| record.state) {
        Some(State::Open | State::Assembling) => {
            let ended = pipeline.abort(id).await;
            told(pipeline, id, ended, "ended").await?;
            tell(&format!("{id} was unfinished, and is aborted: its parts are removed"));
            return Ok(());
        }
        Some(State::Queued | State::Fetching) => {
            let cancelled = pipeline.cancel(id).await;
            told(pipeline, id, cancelled, "cancelled").await?;
            tell(&format!("{id} is cancelled: no file is fetched"));
            return Ok(());
        }
        _ => {}
    }
    let deleted = if for_good {
        pipeline.delete_for_good(id).await
    } else {
        pipeline.delete(id).await
    };
    told(pipeline, id, deleted, "deleted").await?;
    match look(pipeline, id).await?.as_ref().and_then(restorable_until) {
        Some(end) => tell(&format!(
            "{id} is deleted; until {} `intake files restore {id}` restores it",
            time(end)
        )),
        None => tell(&format!("{id} is deleted for good")),
    }
    Ok(())
}

/// The result, or why there is none: a file in another state is reported as such, and not as missing.
async fn told<T>(pipeline: &Pipeline, id: UploadId, done: Result<T, Error>, verb: &str) -> Result<T, Failure> {
    match done {
        Ok(done) => Ok(done),
        Err(Error::NotFound(_)) => {
            let record = look(pipeline, id).await?.ok_or_else(|| none(id))?;
            let state = state(&record, SystemTime::now());
            Err(Failure::Other(format!("{id} is {state}, so it cannot be {verb}")))
        }
        Err(error) => Err(Failure::Other(report(error))),
    }
}

/// The header line of a list.
fn head(kind: Listing) -> String {
    match kind {
        Listing::Files => line("ID", "STATE", "CREATED", "SIZE", "UNTIL", "NAME"),
        Listing::Refused => refused_line("ID", "CREATED", "BY", "CODE", "ABOUT", "NAME"),
        Listing::Unfinished => unfinished_line("ID", "STATE", "CREATED", "SIZE", "ENDS", "SENDER", "NAME"),
        Listing::Fetches => order_line("ID", "STATE", "CREATED", "TRIES", "SENDER", "SOURCE"),
    }
}

async fn list(
    app: &App,
    (project, kind): (&str, Listing),
    limit: usize,
    behind: Option<UploadId>,
    json: bool,
) -> Result<(), Failure> {
    /// How many files are read at a time.
    const PAGE: usize = 500;
    let pipeline = &app.pipeline;
    app.knows(project).await?;
    let mut behind = match behind {
        None => None,
        Some(id) => {
            let record = look(pipeline, id).await?.ok_or_else(|| none(id))?;
            Some((record.created, id))
        }
    };
    if !json {
        print(&head(kind))?;
    }
    let mut left = limit;
    while left > 0 {
        let asked = left.min(PAGE);
        let page = pipeline.list(kind, project, behind, asked).await?;
        let now = SystemTime::now();
        let mut text = String::new();
        for record in &page {
            let file = File::of(record, now);
            text += &match kind {
                _ if json => json_line(&file)?,
                Listing::Files => file.line(),
                Listing::Refused => file.refused_line(),
                Listing::Unfinished => file.unfinished_line(),
                Listing::Fetches => file.order_line(),
            };
        }
        print(&text)?;
        // A page may be short because a record could not be read.
        let Some(last) = page.last() else {
            return Ok(());
        };
        behind = Some((last.created, last.id));
        left -= asked;
    }
    match behind {
        Some((_, id)) if !pipeline.list(kind, project, behind, 1).await?.is_empty() => {
            tell(&format!("there are more; continue with `--behind {id}`"));
        }
        _ => {}
    }
    Ok(())
}
