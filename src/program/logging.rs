//! Logging to standard error, as text for people or as JSON for programs.

use std::io::{self, IsTerminal as _, Write};

use super::escape::{in_json, in_line};
use super::log_filter::log_filter;

/// How events are written: `text` or `json`.
const FORMAT: &str = "INTAKE_LOG_FORMAT";

/// The first character of a terminal's colour sequence.
const ESCAPE: char = '\u{1b}';

/// Starts to log. `usual` is the level where `INTAKE_LOG` names none.
///
/// # Errors
///
/// If one of the variables is invalid; the text names valid values.
pub(crate) fn start(usual: &str) -> Result<(), String> {
    let filter = log_filter(usual)?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter);
    match std::env::var(FORMAT).ok().as_deref() {
        // Colours only on a terminal; a file or a pipe gets plain text.
        None | Some("" | "text") if io::stderr().is_terminal() => {
            builder.with_ansi(true).with_writer(|| Event::Coloured).init();
        }
        None | Some("" | "text") => builder.with_ansi(false).with_writer(|| Event::Text).init(),
        Some("json") => builder.json().flatten_event(true).with_writer(|| Event::Json).init(),
        Some(other) => return Err(format!("{FORMAT} is {other:?}: it is `text` or `json`")),
    }
    Ok(())
}

/// Writes each event as one line, whatever untrusted text it contains.
///
/// The formatter escapes values, but not completely: JSON keeps controls of the direction of text, and messages of libraries are
/// not escaped at all.
#[derive(Clone, Copy, Debug)]
enum Event {
    Text,
    /// The terminal escapes in it are those of colours: the formatter has escaped those in values and messages.
    Coloured,
    Json,
}

impl Write for Event {
    /// Writes a whole event, as the formatter passes it in one piece.
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
