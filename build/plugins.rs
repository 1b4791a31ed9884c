//! The facade of plugins, as a manifest lists them: a line `pub use intake_plugin_clamav as clamav;` for each.
//!
//! The line also links the plugin. A crate that no code names is not linked, and its plugins would silently be missing. So a
//! plugin of this workspace needs one line in the manifest, and none in the code.

use std::collections::BTreeMap;

use toml::{Table, Value};

/// What a dependency or a package of a plugin is called, before the plugin's own name.
const PREFIX: &str = "intake_plugin_";

/// The lines for all plugins that a manifest depends on, for a target and with the features that are on.
pub(crate) fn facade(manifest: &Table, target: &str, is_on: impl Fn(&str) -> bool) -> String {
    // By crate and name: where it is there. Several tables may have one dependency, with other features.
    let mut plugins: BTreeMap<(String, String), Vec<Option<&str>>> = BTreeMap::new();
    for (condition, dependencies) in all_dependencies(manifest, target) {
        for (key, dependency) in dependencies {
            let is_there = !is_optional(dependency) || is_enabled(manifest, key, &is_on);
            if let Some(name) = plugin(manifest, key, dependency).filter(|_| is_there) {
                plugins.entry((identifier(key), name)).or_default().push(condition);
            }
        }
    }
    let line = |((krate, name), conditions): ((String, String), Vec<Option<&str>>)| {
        let conditions: Option<Vec<_>> = conditions.into_iter().collect();
        let condition = conditions.map(|any| format!("#[cfg(any({}))]\n", any.join(", ")));
        format!("{}pub use {krate} as {name};\n", condition.unwrap_or_default())
    };
    plugins.into_iter().map(line).collect()
}

/// The variable by which Cargo tells a build script that a feature is on.
pub(crate) fn variable_of(feature: &str) -> String {
    format!("CARGO_FEATURE_{}", feature.to_uppercase().replace('-', "_"))
}

/// The tables of dependencies: the one for all targets, and those for this target. Whether one holds that is for `cfg(…)` is for the
/// compiler to say, by that condition.
fn all_dependencies<'a>(manifest: &'a Table, target: &str) -> Vec<(Option<&'a str>, &'a Table)> {
    let always = table(manifest, "dependencies").map(|dependencies| (None, dependencies));
    let targets = table(manifest, "target").into_iter().flatten();
    let of_targets = targets.filter_map(|(name, of_target)| {
        let dependencies = table(of_target.as_table()?, "dependencies")?;
        match name.strip_prefix("cfg(").and_then(|rest| rest.strip_suffix(')')) {
            Some(condition) => Some((Some(condition), dependencies)),
            None => (name == target).then_some((None, dependencies)),
        }
    });
    always.into_iter().chain(of_targets).collect()
}

/// The name of the plugin, if a dependency is one by its key or by its package.
fn plugin(manifest: &Table, key: &str, dependency: &Value) -> Option<String> {
    let inherited = || {
        let ours = table(manifest, "workspace").and_then(|workspace| table(workspace, "dependencies"))?;
        ours.get(key)
            .filter(|_| dependency.get("workspace").and_then(Value::as_bool) == Some(true))
    };
    let package_of = |dependency: &Value| dependency.get("package").and_then(Value::as_str).map(identifier);
    let package = package_of(dependency).or_else(|| inherited().and_then(package_of));
    let names = [Some(identifier(key)), package];
    names
        .iter()
        .flatten()
        .find_map(|name| name.strip_prefix(PREFIX).map(str::to_owned))
}

fn is_optional(dependency: &Value) -> bool {
    dependency.get("optional").and_then(Value::as_bool) == Some(true)
}

/// Whether a feature that is on switches an optional dependency on: the one that is called like it, or one that lists it.
fn is_enabled(manifest: &Table, key: &str, is_on: impl Fn(&str) -> bool) -> bool {
    let lists_it = |entry: &Value| {
        let entry = entry.as_str().unwrap_or_default();
        entry.strip_prefix("dep:") == Some(key)
            || entry.split_once('/').is_some_and(|(dependency, _)| dependency == key)
    };
    let lists = |entries: &Value| entries.as_array().is_some_and(|entries| entries.iter().any(lists_it));
    let mut features = table(manifest, "features").into_iter().flatten();
    is_on(key) || features.any(|(feature, entries)| lists(entries) && is_on(feature))
}

fn table<'a>(within: &'a Table, key: &str) -> Option<&'a Table> {
    within.get(key)?.as_table()
}

/// A name as code has it.
fn identifier(name: &str) -> String {
    name.replace('-', "_")
}
