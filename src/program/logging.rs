//! What the program logs, and how: to standard error, as lines for people or as JSON for programs.

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;

/// Which events are logged: a level, or `target=level` pairs with commas between them.
const LEVEL: &str = "INTAKE_LOG";
/// How they are written: `text` or `json`.
const FORMAT: &str = "INTAKE_LOG_FORMAT";

/// Starts to log. `usual` is the level where `INTAKE_LOG` names none.
///
/// # Errors
///
/// What is wrong with one of the variables, and a right value.
pub(crate) fn start(usual: &str) -> Result<(), String> {
    let filter = match variable(LEVEL) {
        None => EnvFilter::new(usual),
        Some(level) => level_filter(&level)?,
    };
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    match variable(FORMAT).as_deref() {
        // Colours are for people; what reads a file or a pipe gets plain text.
        None | Some("text") => builder.with_ansi(std::io::stderr().is_terminal()).init(),
        Some("json") => builder.json().flatten_event(true).init(),
        Some(other) => return Err(format!("{FORMAT} is {other:?}: it is `text` or `json`")),
    }
    Ok(())
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// The library takes a word that is no level for the name of a target, so that `verbos` would switch everything off.
fn level_filter(text: &str) -> Result<EnvFilter, String> {
    const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];
    let wrong = |part: &str| {
        format!(
            "{LEVEL} has {part:?}, which is no level: use one of {}, or `target=level`, such as `info,intake::request=debug`",
            LEVELS.join(", ")
        )
    };
    for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        let level = part.rsplit_once('=').map_or(part, |(_, level)| level);
        if !LEVELS.iter().any(|known| known.eq_ignore_ascii_case(level)) {
            return Err(wrong(part));
        }
    }
    EnvFilter::try_new(text).map_err(|_| wrong(text))
}
