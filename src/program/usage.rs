//! `intake usage`: received, removed and stored files, by project and day, from the accounting of uploads.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::SystemTime;

use clap::Args;
use intake_core::Catalog;
use intake_core::accounting::{Account, DailyUsage, Day, Usage};
use jiff::Span;
use jiff::civil::Date;
use serde::{Serialize, Serializer};

use super::app::App;
use super::failure::Failure;
use super::output::{columns, json_line, print, size};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The configuration; without one, what `intake config` prints.
    #[arg(long, short, env = "INTAKE_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// Shows only this project, by its public key.
    #[arg(long, value_name = "KEY")]
    project: Option<String>,
    /// The first day, in UTC; the default is 29 days before the last one.
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = day)]
    from: Option<Day>,
    /// The last day, in UTC; the default is today.
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = day)]
    to: Option<Day>,
    /// Prints one line of JSON for each project and day, for programs.
    #[arg(long)]
    json: bool,
}

/// Days are counted from the first of 1970.
const FIRST: Date = jiff::civil::date(1970, 1, 1);

fn day(text: &str) -> Result<Day, String> {
    let date: Date = text
        .parse()
        .map_err(|_| "expected a day such as 2026-01-31".to_owned())?;
    let since = FIRST.until(date).map_err(|error| error.to_string())?;
    Ok(Day(since.get_days().into()))
}

fn date(day: Day) -> String {
    let span = Span::new().try_days(day.0);
    let date = span.and_then(|span| FIRST.checked_add(span));
    // A day beyond the calendar cannot be given on the command line.
    date.unwrap_or(Date::MAX).to_string()
}

pub(super) async fn run(arguments: Arguments) -> Result<(), Failure> {
    /// The number of days, unless the first one is given.
    const USUAL: i64 = 30;
    let app = App::shared(arguments.config).await?;
    let today = Day::of(SystemTime::now());
    // Days in the future have no usage yet.
    let to = arguments.to.unwrap_or(today).min(today);
    let from = arguments.from.unwrap_or(Day(to.0 - USUAL + 1));
    if from > to {
        return Err(Failure::Other(format!(
            "there is no day from {} to {}, as far as it has come",
            date(from),
            date(to)
        )));
    }
    let project = arguments.project.as_deref();
    if let Some(project) = project {
        app.knows(project).await?;
    }
    // Stored is the sum of all received minus all removed files since the beginning.
    let catalog = app.pipeline.catalog();
    let daily_usages = catalog.daily_usage(project, Day(0)..=to).await?;
    let mut present = BTreeMap::new();
    if to == today {
        for daily_usage in &daily_usages {
            if !present.contains_key(&daily_usage.project) {
                let now = Present::of(catalog, &daily_usage.project).await?;
                present.insert(daily_usage.project.clone(), now);
            }
        }
    }
    let rows = rows(daily_usages, from..=to, &present);
    if arguments.json {
        let lines: Result<String, Failure> = rows.iter().map(json_line).collect();
        return print(&lines?);
    }
    let head = [
        "PROJECT",
        "DAY",
        "ASKED",
        "RECEIVED",
        "",
        "REMOVED",
        "",
        "STORED",
        "",
        "UNFINISHED",
        "ORDERS",
        "GROUPS",
    ];
    let head = head.map(str::to_owned);
    let lines: Vec<_> = std::iter::once(head).chain(rows.iter().map(Row::line)).collect();
    let numbers = [false, false, true, true, true, true, true, true, true, true, true, true];
    print(&columns(&lines, numbers))
}

/// The present counts of a project, which are not recorded by day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
struct Present {
    unfinished_uploads: u64,
    waiting_orders: u64,
    groups: u64,
}

impl Present {
    async fn of(catalog: &dyn Catalog, project: &str) -> Result<Self, Failure> {
        Ok(Self {
            unfinished_uploads: catalog.usage(&Account::unfinished(project)).await?.files,
            groups: catalog.usage(&Account::groups(project)).await?.files,
            waiting_orders: catalog.usage(&Account::fetches(project)).await?.files,
        })
    }
}

/// One project on one day.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Row {
    project: String,
    #[serde(serialize_with = "as_date")]
    day: Day,
    asked: u64,
    received_files: u64,
    received_bytes: u64,
    removed_files: u64,
    removed_bytes: u64,
    stored_files: u64,
    stored_bytes: u64,
    /// Only for today.
    #[serde(flatten)]
    present: Option<Present>,
}

fn as_date<S: Serializer>(day: &Day, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&date(*day))
}

impl Row {
    fn line(&self) -> [String; 12] {
        let now = |count: fn(Present) -> u64| self.present.map(|present| count(present).to_string());
        [
            self.project.clone(),
            date(self.day),
            self.asked.to_string(),
            self.received_files.to_string(),
            size(self.received_bytes),
            self.removed_files.to_string(),
            size(self.removed_bytes),
            self.stored_files.to_string(),
            size(self.stored_bytes),
            now(|present| present.unfinished_uploads).unwrap_or_default(),
            now(|present| present.waiting_orders).unwrap_or_default(),
            now(|present| present.groups).unwrap_or_default(),
        ]
    }
}

/// A row for each project and each of these days on which files were received, removed or stored, even if nothing changed on that
/// day. The row of the last day has the present counts.
fn rows(daily_usages: Vec<DailyUsage>, days: RangeInclusive<Day>, present: &BTreeMap<String, Present>) -> Vec<Row> {
    let (from, to) = days.into_inner();
    let mut projects: BTreeMap<String, Vec<DailyUsage>> = BTreeMap::new();
    for daily_usage in daily_usages {
        projects
            .entry(daily_usage.project.clone())
            .or_default()
            .push(daily_usage);
    }
    let mut rows = Vec::new();
    for (project, daily_usages) in projects {
        let mut daily_usages = daily_usages.into_iter().peekable();
        let mut stored = Usage::default();
        while let Some(daily_usage) = daily_usages.next_if(|daily_usage| daily_usage.day < from) {
            add(&mut stored, &daily_usage);
        }
        for day in (from.0..=to.0).map(Day) {
            let daily_usage = daily_usages
                .next_if(|daily_usage| daily_usage.day == day)
                .unwrap_or_default();
            add(&mut stored, &daily_usage);
            let present = present.get(&project).filter(|_| day == to).copied();
            let has_nothing = present.unwrap_or_default() == Present::default();
            if daily_usage == DailyUsage::default() && stored == Usage::default() && has_nothing {
                continue;
            }
            rows.push(Row {
                project: project.clone(),
                day,
                asked: daily_usage.asked,
                received_files: daily_usage.received,
                received_bytes: daily_usage.received_bytes,
                removed_files: daily_usage.removed,
                removed_bytes: daily_usage.removed_bytes,
                stored_files: stored.files,
                stored_bytes: stored.bytes,
                present,
            });
        }
    }
    rows
}

/// Removing files from before the accounting began must not make the stored ones negative.
fn add(stored: &mut Usage, daily_usage: &DailyUsage) {
    stored.files = stored
        .files
        .saturating_add(daily_usage.received)
        .saturating_sub(daily_usage.removed);
    stored.bytes = stored
        .bytes
        .saturating_add(daily_usage.received_bytes)
        .saturating_sub(daily_usage.removed_bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn daily_usage(project: &str, day: i64, received: u64, removed: u64) -> DailyUsage {
        DailyUsage::new(project, Day(day)).with(|usage| {
            usage.asked = received;
            usage.received = received;
            usage.received_bytes = received * 10;
            usage.removed = removed;
            usage.removed_bytes = removed * 10;
        })
    }

    #[test]
    fn what_is_stored_is_told_of_every_day_and_of_what_came_before_the_first() {
        let daily_usages = vec![
            daily_usage("b", 9, 5, 0),
            daily_usage("a", 12, 1, 3),
            daily_usage("b", 11, 1, 0),
            daily_usage("b", 13, 0, 6),
        ];
        let unfinished = Present {
            unfinished_uploads: 1,
            ..Present::default()
        };
        let present = BTreeMap::from([("a".to_owned(), unfinished), ("b".to_owned(), Present::default())]);
        let told: Vec<_> = rows(daily_usages, Day(10)..=Day(14), &present)
            .into_iter()
            .map(|row| {
                (
                    row.project,
                    row.day.0,
                    row.received_files,
                    row.stored_files,
                    row.stored_bytes,
                    row.present,
                )
            })
            .collect();
        let b = |day, received, stored| ("b".to_owned(), day, received, stored, stored * 10, None);
        assert_eq!(
            told,
            [
                ("a".to_owned(), 12, 1, 0, 0, None),
                ("a".to_owned(), 14, 0, 0, 0, Some(unfinished)),
                b(10, 0, 5),
                b(11, 1, 6),
                b(12, 0, 6),
                b(13, 0, 0)
            ]
        );
    }

    #[test]
    fn a_day_is_written_as_it_is_read() {
        for text in ["1970-01-01", "2024-02-29", "2026-12-31"] {
            assert_eq!(date(day(text).unwrap()), text);
        }
        assert_eq!(day("1970-01-02"), Ok(Day(1)));
        for wrong in ["", "today", "2026-02-30", "31.12.2026"] {
            assert!(day(wrong).is_err(), "{wrong}");
        }
    }
}
