//! Shell sessions in the documentation: each command is run as it is shown, and must print what the page shows below it.
//!
//! Ids and times differ from run to run. An id of the page stands for the one that was printed in its place, in every later
//! command; of a time only its form counts.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use crate::architecture::root;
use crate::support::INTAKE;

/// A command of a page, and what it prints there.
#[derive(Debug)]
pub struct Step {
    pub command: String,
    pub shown: String,
}

/// The commands of a block, each on one line behind `$ `.
pub fn steps(block: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    for line in block.lines() {
        match line.strip_prefix("$ ") {
            Some(command) => steps.push(Step {
                command: command.to_owned(),
                shown: String::new(),
            }),
            None => {
                let step = steps.last_mut().expect("a block begins with a command");
                step.shown.push_str(line);
                step.shown.push('\n');
            }
        }
    }
    steps
}

/// A shell in which a page is followed.
#[derive(Default)]
pub struct Shell {
    /// Addresses, ports and folders of the page, and the test's own.
    own: Vec<(String, String)>,
    /// Ids of the page, and those that were printed.
    ids: BTreeMap<String, String>,
    variables: Vec<(String, String)>,
}

impl Shell {
    /// Replaces a text of the page by the one of this test.
    pub fn replace(&mut self, from: &str, to: impl Into<String>) {
        self.own.push((from.to_owned(), to.into()));
    }

    pub fn variable(&mut self, name: &str, value: impl Into<String>) {
        self.variables.push((name.to_owned(), value.into()));
    }

    /// The page's text with the test's own addresses, ports and folders.
    pub fn here(&self, text: &str) -> String {
        let text = self
            .own
            .iter()
            .fold(text.to_owned(), |text, (from, to)| text.replace(from, to));
        self.ids.iter().fold(text, |text, (from, to)| text.replace(from, to))
    }

    /// Runs a command, and compares what it prints, to whichever stream, with what the page shows.
    pub fn follow(&mut self, step: &Step) {
        let said = self.run(&step.command);
        let shown = self.here(&step.shown);
        assert_eq!(
            neutral(said.trim_end()),
            neutral(shown.trim_end()),
            "$ {}\nThe page shows\n{}\nand what was said is\n{said}",
            step.command,
            step.shown
        );
        for (shown, said) in ids(&step.shown).into_iter().zip(ids(&said)) {
            let known = self.ids.insert(shown.clone(), said.clone());
            assert!(
                known.is_none_or(|known| known == said),
                "$ {}: the page names {shown} twice, and here it is two:\n{said}",
                step.command
            );
        }
    }

    fn run(&self, command: &str) -> String {
        let beside = Path::new(INTAKE).parent().unwrap().to_owned();
        let system = std::env::var_os("PATH").unwrap_or_default();
        let system = std::env::split_paths(&system);
        let folders = [beside].into_iter().chain(system);
        let output = Command::new("sh")
            .args(["-c", &format!("exec 2>&1; {}", self.here(command))])
            .current_dir(root())
            .env("PATH", std::env::join_paths(folders).unwrap())
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "$ {command}\n{said}");
        said
    }
}

/// Splits a text into words of letters, digits and the separators in ids and times, and the text between these words.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let is_within = |c: char| c.is_ascii_alphanumeric() || "-:.".contains(c);
    let mut rest = text;
    std::iter::from_fn(move || {
        let first = rest.chars().next()?;
        let end = rest.find(|c| is_within(c) != is_within(first)).unwrap_or(rest.len());
        let (word, behind) = rest.split_at(end);
        rest = behind;
        Some(word)
    })
}

fn is_id(word: &str) -> bool {
    word.len() == 36 && word.parse::<uuid::Uuid>().is_ok()
}

/// Such as `2026-01-31T12:00:00Z`.
fn is_time(word: &str) -> bool {
    let form = "dddd-dd-ddTdd:dd:dd";
    let fits = |(c, form): (char, char)| if form == 'd' { c.is_ascii_digit() } else { c == form };
    word.len() >= form.len() && word.chars().zip(form.chars()).all(fits)
}

fn ids(text: &str) -> Vec<String> {
    words(text).filter(|word| is_id(word)).map(str::to_owned).collect()
}

/// Masks what differs from run to run, and from machine to machine.
fn neutral(text: &str) -> String {
    let lines = text.lines().map(|line| match line.strip_prefix("limits: ") {
        Some(limits) => limits.replace(|c: char| c.is_ascii_digit() || c == '.', ""),
        None => neutral_line(line),
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn neutral_line(text: &str) -> String {
    let word = |word| match word {
        word if is_id(word) => "ID",
        word if is_time(word) => "TIME",
        word => word,
    };
    words(text).map(word).collect()
}

#[test]
fn a_transcript_compares_all_output_but_ids_and_times() {
    let block = "$ echo 67947755-1584-4e3f-902b-d4e2bf76a841 2026-01-31T12:00:00Z\n\
                 00000000-0000-4000-8000-000000000000 2020-01-01T00:00:00Z\n\
                 $ echo in /etc/it 00000000-0000-4000-8000-000000000000 >&2; true\n\
                 in /etc/it 67947755-1584-4e3f-902b-d4e2bf76a841\n";
    let mut shell = Shell::default();
    shell.replace("/etc/it", "/elsewhere");
    let steps = steps(block);
    assert_eq!(steps.len(), 2);
    for step in &steps {
        shell.follow(step);
    }
    for (command, shown) in [
        ("echo one", "two\n"),
        ("false", ""),
        ("echo a; echo b", "a\n"),
        ("true", "a\n"),
    ] {
        let wrong = Step {
            command: command.to_owned(),
            shown: shown.to_owned(),
        };
        let followed = std::panic::catch_unwind(|| Shell::default().follow(&wrong));
        assert!(followed.is_err(), "{wrong:?}");
    }
}
