//! Finds the files with rules, and reads them.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use intake_core::ConfigError;
use sha2::{Digest, Sha256};

/// The most files and folders that are looked at.
const MOST_ENTRIES: usize = 50_000;
/// The most files with rules.
const MOST_FILES: usize = 10_000;
/// The most bytes of all files with rules.
const MOST_BYTES: u64 = 64 * 1024 * 1024;
/// The most folders in folders.
const DEEPEST: usize = 16;

/// A file with rules.
#[derive(Debug)]
pub(crate) struct Source {
    /// Which of the settings named it.
    pub(crate) entry: usize,
    /// Its path within the folder that was named, without its ending. It is the namespace of its rules.
    pub(crate) namespace: String,
    pub(crate) path: PathBuf,
    pub(crate) text: Vec<u8>,
}

/// Reads all files that the settings name, in an order that does not depend on the file system.
///
/// # Errors
///
/// Names the entry that cannot be read, or with which it becomes too much.
pub(crate) fn read(rules: &[PathBuf]) -> Result<Vec<Source>, ConfigError> {
    let mut reader = Reader::default();
    for (entry, path) in rules.iter().enumerate() {
        let read = reader.entry(entry, path);
        read.map_err(|message| ConfigError::at(entry, message).within("rules"))?;
    }
    let mut sources = reader.sources;
    sources.sort_by(|one, other| (&one.namespace, &one.text).cmp(&(&other.namespace, &other.text)));
    Ok(sources)
}

/// The first 16 hexadecimal digits of the SHA-256 of all rules. Comments count, too.
pub(crate) fn fingerprint(sources: &[Source]) -> String {
    let mut hash = Sha256::new();
    for source in sources {
        for part in [source.namespace.as_bytes(), &source.text] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
    }
    let mut digits = hex::encode(hash.finalize());
    digits.truncate(16);
    digits
}

#[derive(Default)]
struct Reader {
    sources: Vec<Source>,
    seen: HashSet<PathBuf>,
    entries: usize,
    bytes: u64,
}

impl Reader {
    fn entry(&mut self, entry: usize, path: &Path) -> Result<(), String> {
        let before = self.entries;
        if fs::metadata(path).map_err(unreadable(path))?.is_dir() {
            self.folder(entry, path, path, DEEPEST)?;
            if self.entries == before || !self.sources.iter().any(|source| source.entry == entry) {
                return Err(format!("{} has no file that ends in .yar or .yara", path.display()));
            }
            return Ok(());
        }
        self.file(entry, path, Path::new(path.file_name().unwrap_or_default()))
    }

    fn folder(&mut self, entry: usize, top: &Path, folder: &Path, deeper: usize) -> Result<(), String> {
        let Some(deeper) = deeper.checked_sub(1) else {
            return Err(format!("{} lies more than {DEEPEST} folders deep", folder.display()));
        };
        let names = fs::read_dir(folder).map_err(unreadable(folder))?;
        for name in names {
            let name = name.map_err(unreadable(folder))?;
            self.entries += 1;
            if self.entries > MOST_ENTRIES {
                return Err(format!("there are more than {MOST_ENTRIES} files and folders"));
            }
            let path = name.path();
            // Kubernetes keeps the versions of a mounted folder in hidden ones, to which it links.
            if name.file_name().as_encoded_bytes().starts_with(b".") {
                continue;
            }
            let kind = fs::metadata(&path).map_err(unreadable(&path))?;
            if kind.is_dir() {
                self.folder(entry, top, &path, deeper)?;
            } else if kind.is_file() && has_rules(&path) {
                self.file(entry, &path, path.strip_prefix(top).unwrap_or(&path))?;
            }
        }
        Ok(())
    }

    fn file(&mut self, entry: usize, path: &Path, within: &Path) -> Result<(), String> {
        let known = fs::canonicalize(path).map_err(unreadable(path))?;
        if !self.seen.insert(known) {
            return Ok(());
        }
        if self.sources.len() >= MOST_FILES {
            return Err(format!("there are more than {MOST_FILES} files with rules"));
        }
        let left = MOST_BYTES - self.bytes;
        let mut text = Vec::new();
        let file = File::open(path).map_err(unreadable(path))?;
        file.take(left + 1).read_to_end(&mut text).map_err(unreadable(path))?;
        if text.len() as u64 > left {
            let mebibytes = MOST_BYTES >> 20;
            let path = path.display();
            return Err(format!(
                "with {path}, the files with rules have more than {mebibytes} MiB"
            ));
        }
        self.bytes += text.len() as u64;
        let steps = within.with_extension("");
        let steps: Vec<_> = steps.iter().map(|step| step.to_string_lossy()).collect();
        self.sources.push(Source {
            entry,
            namespace: steps.join("/"),
            path: path.to_owned(),
            text,
        });
        Ok(())
    }
}

fn has_rules(path: &Path) -> bool {
    let ending = path.extension().map(|ending| ending.to_ascii_lowercase());
    ending.is_some_and(|ending| ending == "yar" || ending == "yara")
}

fn unreadable(path: &Path) -> impl Fn(io::Error) -> String {
    move |error| format!("{} cannot be read: {error}", path.display())
}
