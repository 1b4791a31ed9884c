//! How much is logged.

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

/// What INTAKE_LOG says, if it is set, else what is usual.
///
/// # Errors
///
/// What is wrong with the variable, and what would be right.
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
    // A word alone would be taken for a part of the program.
    let words = set.split(',').map(str::trim).filter(|word| !word.is_empty());
    let mut alone = words.filter(|word| !word.contains(['=', '[']));
    if let Some(word) = alone.find(|word| word.parse::<LevelFilter>().is_err()) {
        return Err(wrong(&format!("{word:?} is no level")));
    }
    EnvFilter::try_new(&*set).map_err(|_| wrong(&format!("{set:?} cannot be read")))
}
