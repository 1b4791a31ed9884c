//! The level of logging.

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

/// The filter from INTAKE_LOG, or the default one.
///
/// # Errors
///
/// If the variable is invalid; the text names valid values.
pub(super) fn log_filter(usual: &str) -> Result<EnvFilter, String> {
    let Some(set) = std::env::var_os("INTAKE_LOG").filter(|set| !set.is_empty()) else {
        return Ok(EnvFilter::new(usual));
    };
    let set = set.to_string_lossy();
    let wrong = |what: &str| {
        format!(
            "INTAKE_LOG: {what}; expected error, warn, info, debug, trace or off, for all or for parts of the program, such as \
             \"info\" or \"info,intake_core=debug\""
        )
    };
    // A single word would be read as a part of the program.
    let words = set.split(',').map(str::trim).filter(|word| !word.is_empty());
    let mut alone = words.filter(|word| !word.contains(['=', '[']));
    if let Some(word) = alone.find(|word| word.parse::<LevelFilter>().is_err()) {
        return Err(wrong(&format!("{word:?} is no level")));
    }
    EnvFilter::try_new(&*set).map_err(|_| wrong(&format!("{set:?} cannot be read")))
}
