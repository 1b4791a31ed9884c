//! `intake files get`: writes the original of a file, whole or not at all.

use std::fs::Permissions;
use std::io::{IsTerminal, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use intake_core::{Pipeline, Record, State, UploadId};
use tempfile::NamedTempFile;

use super::escape::is_active;
use super::failure::Failure;
use super::file::state;
use super::original::copy;
use super::output::{plain, size, tell};
use super::serve::stop_signal;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Its id.
    pub(super) id: UploadId,
    /// Writes it here. Without it: to standard output, or, if that is a terminal, under the file's own name in the current folder.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Replaces a file that is already there.
    #[arg(long)]
    force: bool,
}

pub(super) async fn run(pipeline: &Pipeline, record: &Record, arguments: Arguments) -> Result<(), Failure> {
    let id = record.id;
    if record.state == State::Quarantined {
        return Err(Failure::Other(format!(
            "{id} is in quarantine, so it cannot be read; `intake quarantine show {id}` says why, and `intake quarantine release {id}` \
             makes it readable"
        )));
    }
    let now = SystemTime::now();
    if !record.is_readable(now) {
        let state = state(record, now);
        return Err(Failure::Other(format!("{id} is {state}, so it cannot be read")));
    }
    let bar = bar(record);
    let written = match arguments.output {
        Some(path) => to_file(pipeline, record, &path, arguments.force, &bar).await,
        None if std::io::stdout().is_terminal() => {
            let path = PathBuf::from(base_name(record));
            to_file(pipeline, record, &path, arguments.force, &bar).await
        }
        None => to_standard_output(pipeline, record, &bar).await,
    };
    bar.finish_and_clear();
    written
}

/// Shows bytes, percent and rate; nothing if standard error is no terminal.
fn bar(record: &Record) -> ProgressBar {
    let bytes = record.facts.as_ref().map_or(0, |facts| facts.size);
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{bytes} of {total_bytes} ({percent}%) {wide_bar} {bytes_per_sec}");
    ProgressBar::new(bytes).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

/// A reader has bytes before they are compared with the record, so only the exit code says whether they are right.
async fn to_standard_output(pipeline: &Pipeline, record: &Record, bar: &ProgressBar) -> Result<(), Failure> {
    let write = async |piece: &[u8]| {
        bar.inc(piece.len() as u64);
        std::io::stdout().write_all(piece)
    };
    let copied = copy(pipeline, record, write).await;
    copied.map_err(|trouble| Failure::Other(format!("{}: {trouble}", record.id)))?;
    let flushed = std::io::stdout().flush();
    flushed.map_err(|error| Failure::Other(format!("cannot print: {error}")))
}

async fn to_file(
    pipeline: &Pipeline,
    record: &Record,
    path: &Path,
    force: bool,
    bar: &ProgressBar,
) -> Result<(), Failure> {
    let shown = plain(&path.display().to_string());
    // Looked up early, so that nothing is read in vain; what decides is the renaming, which replaces nothing either.
    if !force && path.symlink_metadata().is_ok() {
        return Err(exists(&shown));
    }
    let stopped = stop_signal().map_err(Failure::Other)?;
    let mut part = beside(path).map_err(|error| Failure::Other(format!("cannot write beside {shown}: {error}")))?;
    let write = async |piece: &[u8]| {
        bar.inc(piece.len() as u64);
        part.write_all(piece)
    };
    let copied = tokio::select! {
        copied = copy(pipeline, record, write) => copied.map_err(|trouble| trouble.to_string()),
        () = stopped => Err("stopped before it was whole".to_owned()),
    };
    let durable = copied.and_then(|()| part.as_file().sync_all().map_err(|error| error.to_string()));
    if let Err(reason) = durable {
        let removed = part.close();
        let left = removed.map_or_else(
            |error| format!("; its part cannot be removed: {error}"),
            |()| String::new(),
        );
        return Err(Failure::Other(format!(
            "{}: {reason}; {shown} is not written{left}",
            record.id
        )));
    }
    let named = if force {
        part.persist(path)
    } else {
        part.persist_noclobber(path)
    };
    if let Err(failed) = named {
        let there = failed.error.kind() == std::io::ErrorKind::AlreadyExists;
        let failure = match there {
            true => exists(&shown),
            false => Failure::Other(format!("cannot write {shown}: {}", failed.error)),
        };
        // The failure above is what its reader has to know.
        let _removed = failed.file.close();
        return Err(failure);
    }
    let bytes = record.facts.as_ref().map_or(0, |facts| facts.size);
    tell(&format!("{} is written to {shown}, {}", record.id, size(bytes)));
    Ok(())
}

fn exists(shown: &str) -> Failure {
    Failure::Other(format!(
        "{shown} is already there; name another file with `-o FILE`, or replace it with `--force`"
    ))
}

/// A new file in the same folder, with the permissions that any new file of this user has.
fn beside(path: &Path) -> std::io::Result<NamedTempFile> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let mut builder = tempfile::Builder::new();
    builder.prefix(".intake-").suffix(".part");
    builder.permissions(Permissions::from_mode(0o666)).tempfile_in(folder)
}

/// The file's name without what a shell or a terminal would take for something else: a hidden file, an option, a direction of
/// text. The id if it has none.
fn base_name(record: &Record) -> String {
    let job = record.fetch_job.as_ref().and_then(|job| job.name.as_deref());
    match record.declared.name.as_deref().or(job) {
        Some(name) => safe(name),
        None => record.id.to_string(),
    }
}

fn safe(name: &str) -> String {
    let shown = |(at, character): (usize, char)| match character {
        '.' | '-' if at == 0 => '_',
        character if is_active(character) => '_',
        character => character,
    };
    // Each character becomes one that is not longer, so the name still fits into a folder.
    name.chars().enumerate().map(shown).collect()
}

#[cfg(test)]
mod tests {
    use super::safe;

    #[test]
    fn a_name_of_a_sender_is_neither_hidden_nor_an_option_nor_obeyed_by_a_terminal() {
        for (name, expected) in [
            ("holiday (1).JPG", "holiday (1).JPG"),
            (".bashrc", "_bashrc"),
            ("-rf", "_rf"),
            ("a\u{202e}gpj.exe", "a_gpj.exe"),
            ("日本.png", "日本.png"),
        ] {
            assert_eq!(safe(name), expected);
        }
    }
}
