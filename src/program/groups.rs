//! `intake groups`: shows groups of files, and removes them, while servers run.

use std::fmt::Write as _;
use std::str::FromStr;

use clap::Subcommand;
use intake_core::{Error, Group, Member, Order, Pipeline, UploadId};
use serde::Serialize;

use super::app::App;
use super::arguments::WithConfig;
use super::failure::Failure;
use super::output::{exact_time, json_line, plain, print, tell, time};

pub(super) type Arguments = WithConfig<Command>;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Lists a project's groups, the newest first.
    List {
        /// Its public key; optional if there is only one project.
        #[arg(long, value_name = "KEY")]
        project: Option<String>,
        /// The most groups to list.
        #[arg(long, default_value_t = 100, value_name = "N")]
        limit: usize,
        /// Continues after this group.
        #[arg(long, value_name = "ID")]
        behind: Option<Name>,
        /// Prints one line of JSON for each, for programs.
        #[arg(long)]
        json: bool,
    },
    /// Shows a group, with its files in their order.
    Show {
        /// Its id, with or without `~` and the number of its files.
        id: Name,
        /// Prints one line of JSON, for programs.
        #[arg(long)]
        json: bool,
    },
    /// Removes a group. Its files are kept.
    Delete {
        /// Its id, with or without `~` and the number of its files.
        id: Name,
    },
}

/// A group's id, as clients know it (`UUID~N`) or without the number of its files.
#[derive(Clone, Debug)]
pub(super) struct Name {
    id: UploadId,
    count: Option<usize>,
}

impl FromStr for Name {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || "expected a UUID, or a UUID, `~` and the number of files".to_owned();
        let (id, count) = match text.split_once('~') {
            Some((id, count)) => (id, Some(count.parse().map_err(|_| wrong())?)),
            None => (text, None),
        };
        let id = id.parse().map_err(|_| wrong())?;
        Ok(Self { id, count })
    }
}

pub(super) async fn run(arguments: Arguments) -> Result<(), Failure> {
    let app = App::shared(arguments.config).await?;
    let pipeline = &app.pipeline;
    match arguments.command {
        Command::List {
            project,
            limit,
            behind,
            json,
        } => {
            let project = match project {
                Some(project) => project,
                None => app.the_only_project().await?,
            };
            list(&app, &project, limit, behind, json).await
        }
        Command::Show { id, json } => {
            let group = find(pipeline, &id).await?;
            let line = Line::of(&group);
            print(&if json {
                json_line(&Whole::of(&group, line))?
            } else {
                line.page(&group)
            })
        }
        Command::Delete { id } => {
            let group = find(pipeline, &id).await?;
            let deleted = pipeline.delete_group(group.id).await;
            deleted.map_err(|error| failure(error, &id))?;
            tell(&format!("{} is removed; its files are kept", name_of(&group)));
            Ok(())
        }
    }
}

async fn find(pipeline: &Pipeline, name: &Name) -> Result<Group, Failure> {
    let found = pipeline.catalog().group(name.id).await?;
    let found = found.filter(|group| name.count.is_none_or(|count| count == group.members.len()));
    found.ok_or_else(|| none(name))
}

fn none(Name { id, .. }: &Name) -> Failure {
    Failure::Other(format!("there is no group {id}"))
}

fn failure(error: Error, name: &Name) -> Failure {
    match error {
        Error::NotFound(_) => none(name),
        Error::Fault(fault) => fault.into(),
        other => Failure::Other(other.to_string()),
    }
}

/// The id of a group for clients.
fn name_of(group: &Group) -> String {
    format!("{}~{}", group.id, group.members.len())
}

/// A group in a list.
#[derive(Debug, Serialize)]
struct Line {
    id: String,
    project: String,
    created: String,
    expires: Option<String>,
    files_count: usize,
}

impl Line {
    fn of(group: &Group) -> Self {
        Self {
            id: name_of(group),
            project: group.project.clone(),
            created: exact_time(group.created),
            expires: group.expires.map(exact_time),
            files_count: group.members.len(),
        }
    }

    fn page(&self, group: &Group) -> String {
        let mut page = String::new();
        let mut entry = |name: &str, value: &str| {
            // Writing to a string does not fail.
            let _ok = writeln!(page, "{name:<12}{value}");
        };
        entry("id", &self.id);
        entry("project", &plain(&self.project));
        entry("created", &time(group.created));
        entry("expires", &group.expires.map_or_else(|| "never".to_owned(), time));
        for Member { id, effects, .. } in &group.members {
            entry("file", format!("{id}  {}", plain(effects)).trim_end());
        }
        page
    }
}

/// A group with its files.
#[derive(Debug, Serialize)]
struct Whole<'a> {
    #[serde(flatten)]
    line: Line,
    files: &'a [Member],
}

impl<'a> Whole<'a> {
    fn of(group: &'a Group, line: Line) -> Self {
        Self {
            line,
            files: &group.members,
        }
    }
}

fn line(id: &str, created: &str, until: &str, files: &str) -> String {
    let line = format!("{id:<41}  {created:<20}  {until:<20}  {files:>5}");
    format!("{}\n", line.trim_end())
}

async fn list(app: &App, project: &str, limit: usize, behind: Option<Name>, json: bool) -> Result<(), Failure> {
    /// How many groups are read at a time: the members of one may take over a hundred thousand bytes.
    const PAGE: usize = 50;
    let pipeline = &app.pipeline;
    app.knows(project).await?;
    let mut behind = match behind {
        None => None,
        Some(name) => {
            let group = find(pipeline, &name).await?;
            Some((group.created, group.id))
        }
    };
    if !json {
        print(&line("ID", "CREATED", "UNTIL", "FILES"))?;
    }
    let mut left = limit;
    while left > 0 {
        let asked = left.min(PAGE);
        let page = pipeline.groups_of(project, Order::NewestFirst, behind, asked).await?;
        let mut text = String::new();
        for group in &page {
            let told = Line::of(group);
            text += &if json {
                json_line(&told)?
            } else {
                let until = group.expires.map_or_else(|| "to stay".to_owned(), time);
                line(&told.id, &time(group.created), &until, &told.files_count.to_string())
            };
        }
        print(&text)?;
        let Some(last) = page.last().filter(|_| page.len() == asked) else {
            return Ok(());
        };
        behind = Some((last.created, last.id));
        left -= asked;
    }
    match behind {
        Some((_, id))
            if !pipeline
                .groups_of(project, Order::NewestFirst, behind, 1)
                .await?
                .is_empty() =>
        {
            tell(&format!("there are more; continue with `--behind {id}`"));
        }
        _ => {}
    }
    Ok(())
}
