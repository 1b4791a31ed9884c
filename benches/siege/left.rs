//! What there is below a server's folder that should not be there.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::path::Path;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Row};

use crate::support::files_below;

/// What was left behind by uploads that did not end well.
#[derive(Debug)]
pub struct Left {
    /// Records that are neither of a file that is ready nor of what is over, by their state.
    unfinished: BTreeMap<String, usize>,
    /// Files that are of no upload that is ready.
    stray: usize,
    /// Uploads that are ready and have no file: worse than anything that is left.
    missing: usize,
    /// What accounts have more, or less, than there is: bytes and files.
    room: (i64, i64),
    /// Notes of refusals, which are kept, in bounds.
    notes: usize,
    ready: usize,
}

impl Left {
    pub async fn in_folder(dir: &Path) -> Self {
        let options = SqliteConnectOptions::new()
            .filename(dir.join("records.db"))
            .read_only(true);
        let mut records = options.connect().await.unwrap();
        // The files first: what is ready by then has its file.
        let mut files: Vec<_> = files_below(&dir.join("files"));
        // Both in one statement each, so that what changes meanwhile is only seen as being under way.
        let uploads = sqlx::query("SELECT id, state, json_extract(record, '$.facts.size') AS size FROM uploads")
            .fetch_all(&mut records);
        let (mut ready, mut unfinished, mut notes) = (HashMap::new(), BTreeMap::new(), 0);
        for upload in uploads.await.unwrap() {
            let (id, state): (String, String) = (upload.get("id"), upload.get("state"));
            match state.as_str() {
                "ready" => drop(ready.insert(id, upload.get::<i64, _>("size"))),
                "rejected" | "gone" => notes += 1,
                _ => *unfinished.entry(state).or_default() += 1,
            }
        }
        let accounts = sqlx::query("SELECT name, bytes, files FROM accounts").fetch_all(&mut records);
        let mut room = (-ready.values().sum::<i64>(), -(ready.len() as i64));
        for account in accounts.await.unwrap() {
            if !account.get::<String, _>("name").starts_with("refused:") {
                room.0 += account.get::<i64, _>("bytes");
                room.1 += account.get::<i64, _>("files");
            }
        }
        let of_ready = |file: &Path| ready.contains_key(file.file_name().unwrap().to_str().unwrap());
        let all = files.len();
        files.retain(|file| of_ready(file));
        Self {
            unfinished,
            stray: all - files.len(),
            missing: ready.len() - files.len(),
            room,
            notes,
            ready: ready.len(),
        }
    }

    pub fn is_nothing(&self) -> bool {
        self.unfinished.is_empty() && (self.stray, self.missing, self.room) == (0, 0, (0, 0))
    }
}

impl fmt::Display for Left {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            stray,
            missing,
            room,
            notes,
            ready,
            ..
        } = self;
        match self.unfinished.is_empty() {
            true => write!(f, "no upload under way")?,
            false => write!(f, "uploads under way {:?}", self.unfinished)?,
        }
        write!(
            f,
            ", {stray} stray files, {missing} missing, room for {} bytes and {} files",
            room.0, room.1
        )?;
        write!(
            f,
            " ({ready} files are ready, and there are {notes} notes of what was refused)"
        )
    }
}
