//! What the program logs, and how: to standard error, as lines for people or as JSON for programs.

use std::io::{self, IsTerminal as _, Write};

use super::escape::{in_json, in_line};
use super::log_filter::log_filter;

/// How events are written: `text` or `json`.
const FORMAT: &str = "INTAKE_LOG_FORMAT";

/// What begins a colour on a terminal.
const ESCAPE: char = '\u{1b}';

/// Starts to log. `usual` is the level where `INTAKE_LOG` names none.
///
/// # Errors
///
/// What is wrong with one of the variables, and a right value.
pub(crate) fn start(usual: &str) -> Result<(), String> {
    let filter = log_filter(usual)?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter);
    match std::env::var(FORMAT).ok().as_deref() {
        // Colours are for people; what reads a file or a pipe gets plain text.
        None | Some("" | "text") if io::stderr().is_terminal() => {
            builder.with_ansi(true).with_writer(|| Event::Coloured).init();
        }
        None | Some("" | "text") => builder.with_ansi(false).with_writer(|| Event::Text).init(),
        Some("json") => builder.json().flatten_event(true).with_writer(|| Event::Json).init(),
        Some(other) => return Err(format!("{FORMAT} is {other:?}: it is `text` or `json`")),
    }
    Ok(())
}

/// Writes each event as one line, whatever words of senders are in it.
///
/// Those that are logged as values are escaped already, but not in all ways: JSON leaves what turns the direction of text, and a
/// message of a library is written as it is.
#[derive(Clone, Copy, Debug)]
enum Event {
    Text,
    /// The escapes in it are those of colours: in values and messages, the formatter spells them out.
    Coloured,
    Json,
}

impl Write for Event {
    /// Takes a whole event, as the formatter writes it in one piece.
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(event);
        let line = text.strip_suffix('\n').unwrap_or(&text);
        let line = match self {
            Self::Text => in_line(line, |_| false),
            Self::Coloured => in_line(line, |character| character == ESCAPE),
            Self::Json => in_json(line),
        };
        io::stderr().lock().write_all(format!("{line}\n").as_bytes())?;
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}
