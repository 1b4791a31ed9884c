//! Warnings of settings that do not have the effect that one expects.

use intake_core::{ConfigError, ConfigErrors, MediaRange};
use serde_json::{Map, Value};

use crate::config::Source;

/// Lists of media types in a project, and in the settings of the plugin `media-type`.
const OF_PROJECT: [&str; 2] = ["allow_types", "deny_types"];
const OF_PLUGIN: [&str; 2] = ["allow", "deny"];

/// The warnings, each with its setting and its line.
pub(super) fn of(source: &Source) -> Vec<String> {
    let mut settings = source.settings();
    let mut found = Vec::new();
    for (section, plugin, lists) in [
        ("projects", None, OF_PROJECT),
        ("validate", Some("media-type"), OF_PLUGIN),
    ] {
        let Some(Value::Array(entries)) = settings.take(section) else {
            continue;
        };
        let tables = entries
            .iter()
            .enumerate()
            .filter_map(|(at, entry)| Some((at, entry.as_object()?)));
        for (at, table) in tables {
            if table.get("use").and_then(Value::as_str) == plugin {
                let within = |warning: ConfigError| warning.within(at).within(section);
                found.extend(names_that_no_content_has(table, lists).map(within));
            }
        }
    }
    found.extend(archives_that_nothing_walks(settings.take("scan")));
    let located = |warning| source.locate(&ConfigErrors(vec![warning])).to_string();
    found.into_iter().map(located).collect()
}

/// clamd is silent about some of what it skips in archives, so without a scanner that walks them they count as partly covered.
fn archives_that_nothing_walks(scanners: Option<Value>) -> Option<ConfigError> {
    let entries = scanners.as_ref()?.as_array()?;
    let uses = |entry: &Value, plugin| entry.get("use").and_then(Value::as_str) == Some(plugin);
    let at = entries.iter().position(|entry| uses(entry, "clamav"))?;
    let accepts = entries[at].get("on_partial").and_then(Value::as_str) == Some("accept");
    if accepts || entries.iter().any(|entry| uses(entry, "archive")) {
        return None;
    }
    let warning = "ZIP archives and Office documents are refused, because clamd does not say what it skips in them; \
                   [[scan]] use = \"archive\" tells";
    Some(ConfigError::new(warning).within(at).within("scan"))
}

/// The same for the settings of one project.
pub(super) fn of_project(settings: &Map<String, Value>) -> Vec<String> {
    names_that_no_content_has(settings, OF_PROJECT)
        .map(|warning| warning.to_string())
        .collect()
}

fn names_that_no_content_has(
    table: &Map<String, Value>,
    lists: [&'static str; 2],
) -> impl Iterator<Item = ConfigError> {
    lists.into_iter().flat_map(|list| {
        let entries = table
            .get(list)
            .and_then(Value::as_array)
            .map(Vec::as_slice)
            .unwrap_or_default();
        let names = entries
            .iter()
            .enumerate()
            .filter_map(|(at, name)| Some((at, name.as_str()?)));
        names.filter_map(move |(at, name)| {
            let range: MediaRange = name.parse().ok()?;
            let warning = format!("no content is found to be {range}{}, so this does nothing", hint(name));
            (!range.is_ever_found()).then(|| ConfigError::at(at, warning).within(list))
        })
    })
}

/// The type that is found instead of the expected one.
fn hint(name: &str) -> &'static str {
    if name.ends_with("xml") {
        " (documents in XML are text/xml)"
    } else if name.starts_with("text/") || name.ends_with("json") {
        " (text of any kind is text/plain)"
    } else {
        ""
    }
}
