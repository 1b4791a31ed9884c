//! What the program logs, and how: to standard error, as lines for people or as JSON for programs.

use std::io::IsTerminal as _;

use super::log_filter::log_filter;

/// How events are written: `text` or `json`.
const FORMAT: &str = "INTAKE_LOG_FORMAT";

/// Starts to log. `usual` is the level where `INTAKE_LOG` names none.
///
/// # Errors
///
/// What is wrong with one of the variables, and a right value.
pub(crate) fn start(usual: &str) -> Result<(), String> {
    let filter = log_filter(usual)?;
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    match std::env::var(FORMAT).ok().as_deref() {
        // Colours are for people; what reads a file or a pipe gets plain text.
        None | Some("" | "text") => builder.with_ansi(std::io::stderr().is_terminal()).init(),
        Some("json") => builder.json().flatten_event(true).init(),
        Some(other) => return Err(format!("{FORMAT} is {other:?}: it is `text` or `json`")),
    }
    Ok(())
}
