//! Compiles the rules.

use std::panic::{AssertUnwindSafe, catch_unwind};

use intake_core::{ConfigError, ConfigErrors};
use tracing::warn;
use yara_x::errors::CompileError;
use yara_x::{Compiler, Rules, SourceCode};

use crate::sources::Source;

/// How many errors are told at a time.
const MOST_ERRORS: usize = 20;
/// How many warnings are logged.
const MOST_WARNINGS: usize = 20;

/// Compiles rules; those of each file in a namespace of their own.
///
/// # Errors
///
/// Says what is wrong, in which file, line and column.
pub(crate) fn compile(sources: &[Source], ignored_modules: &[String]) -> Result<Rules, ConfigError> {
    let compiled = catch_unwind(AssertUnwindSafe(|| try_to_compile(sources, ignored_modules)));
    compiled.unwrap_or_else(|panic| {
        let why = panic.downcast_ref::<String>().map(String::as_str);
        let why = why
            .or_else(|| panic.downcast_ref::<&str>().copied())
            .unwrap_or("see the log");
        let message = format!("the compiler of YARA rules failed (it needs to make memory executable): {why}");
        Err(ConfigError::at("rules", message))
    })
}

fn try_to_compile(sources: &[Source], ignored_modules: &[String]) -> Result<Rules, ConfigError> {
    let mut compiler = Compiler::new();
    // What they include would be looked for in the folder in which the program was started, and in no bound.
    compiler.enable_includes(false).max_warnings(MOST_WARNINGS);
    for module in ignored_modules {
        compiler.ignore_module(module);
    }
    let mut errors = Vec::new();
    for source in sources {
        compiler.new_namespace(&source.namespace);
        let code = SourceCode::from(source.text.as_slice()).with_origin(source.path.to_string_lossy());
        if let Err(error) = compiler.add_source(code) {
            let message = describe(source, &error);
            errors.push(ConfigError::at(source.entry, message).within("rules"));
        }
        if errors.len() >= MOST_ERRORS {
            break;
        }
    }
    if !errors.is_empty() {
        return Err(ConfigErrors(errors).into());
    }
    for warning in compiler.warnings() {
        let file = warning.labels().find_map(|label| label.origin().map(str::to_owned));
        warn!(file, code = warning.code(), "rules: {}", warning.title());
    }
    let rules = compiler.build();
    if rules.iter().next().is_none() {
        return Err(ConfigError::at(
            "rules",
            "there is no rule in them, so nothing would be found",
        ));
    }
    Ok(rules)
}

/// One line, with the place in the form that editors understand.
fn describe(source: &Source, error: &CompileError) -> String {
    let path = source.path.display();
    let text = String::from_utf8_lossy(&source.text);
    let Some(label) = error.labels().next() else {
        return format!("{path}: {}", error.title());
    };
    let before = text.get(..label.span().start()).unwrap_or(&text);
    let line = before.matches('\n').count() + 1;
    let column = before.chars().rev().take_while(|character| *character != '\n').count() + 1;
    format!("{path}:{line}:{column}: {}: {}", error.title(), label.text())
}
