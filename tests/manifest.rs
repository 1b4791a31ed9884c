//! The facade of plugins that the build script writes, over a manifest with every way to write a dependency.
#![allow(clippy::unwrap_used, missing_docs, reason = "tests")]

#[path = "../build/plugins.rs"]
mod plugins;

use plugins::{facade, variable_of};

const TARGET: &str = "x86_64-unknown-linux-gnu";

const MANIFEST: &str = r#"
[workspace.dependencies]
intake-plugin-inherited = { path = "plugins/inherited" }
guard = { package = "intake-plugin-inherited-by-another-name", path = "plugins/guard" }

[dependencies]
intake-core = "1"
not-intake-plugin-at-all = "1"
intake-plugin-plain = "1"
intake-plugin-with-table = { version = "1", default-features = false }
intake-plugin-inherited.workspace = true
guard.workspace = true
renamed = { package = "intake-plugin-by-package", version = "1" }
intake-plugin-by-key = { package = "acme-scanner", version = "1" }
intake_plugin_underscored = "1"
"intake-plugin-quoted" = "1"
  intake-plugin-indented = "1"
intake-plugin-off = { version = "1", optional = true }
intake-plugin-by-dep = { version = "1", optional = true }
intake-plugin-implicit = { version = "1", optional = true }
intake-plugin-by-its-feature = { version = "1", optional = true }
intake-plugin-weak = { version = "1", optional = true }

[dependencies.intake-plugin-own-table]
version = "1"

[dependencies.intake-plugin-own-table-off]
version = "1"
optional = true

[target.'cfg(unix)'.dependencies]
intake-plugin-unix = "1"
intake-plugin-plain = { version = "1", features = ["more"] }

[target.'cfg(all(windows, target_pointer_width = "64"))'.dependencies]
intake-plugin-unix = "1"

[target.x86_64-unknown-linux-gnu.dependencies]
intake-plugin-this-target = "1"

[target.sparc-unknown-none.dependencies]
intake-plugin-another-target = "1"

[dev-dependencies]
intake-plugin-of-tests = "1"

[build-dependencies]
intake-plugin-of-the-build = "1"

[features]
default = ["any-name"]
any-name = ["dep:intake-plugin-by-dep"]
more = ["intake-plugin-by-its-feature/testkit"]
weak = ["intake-plugin-weak?/testkit"]
unused = ["dep:intake-plugin-off"]
"#;

fn lines(manifest: &str, on: &[&str]) -> Vec<String> {
    let facade = facade(&manifest.parse().unwrap(), TARGET, |feature| on.contains(&feature));
    facade.lines().map(str::to_owned).collect()
}

#[test]
fn a_plugin_is_linked_however_the_manifest_writes_it() {
    let on = ["default", "any-name", "more", "weak", "intake-plugin-implicit"];
    assert_eq!(
        lines(MANIFEST, &on),
        [
            "pub use guard as inherited_by_another_name;",
            "pub use intake_plugin_by_dep as by_dep;",
            "pub use intake_plugin_by_its_feature as by_its_feature;",
            "pub use intake_plugin_by_key as by_key;",
            "pub use intake_plugin_implicit as implicit;",
            "pub use intake_plugin_indented as indented;",
            "pub use intake_plugin_inherited as inherited;",
            "pub use intake_plugin_own_table as own_table;",
            "pub use intake_plugin_plain as plain;",
            "pub use intake_plugin_quoted as quoted;",
            "pub use intake_plugin_this_target as this_target;",
            "pub use intake_plugin_underscored as underscored;",
            r#"#[cfg(any(all(windows, target_pointer_width = "64"), unix))]"#,
            "pub use intake_plugin_unix as unix;",
            "pub use intake_plugin_with_table as with_table;",
            "pub use renamed as by_package;",
        ]
    );
}

#[test]
fn what_is_optional_is_linked_only_where_a_feature_switches_it_on() {
    let lines = |on: &[&str]| lines(MANIFEST, on);
    assert!(!lines(&[]).iter().any(|line| line.contains("by_dep")));
    assert!(lines(&["unused"]).contains(&"pub use intake_plugin_off as off;".to_owned()));
    // Cargo has switched on no dependency here: `?` only passes a feature on.
    assert!(!lines(&["weak"]).iter().any(|line| line.contains("weak")));
}

#[test]
fn the_manifest_of_this_package_links_each_plugin_by_its_feature() {
    let manifest = include_str!("../Cargo.toml");
    for plugin in [
        "archive",
        "clamav",
        "ffprobe",
        "file-type",
        "http-source",
        "icap",
        "image-info",
        "image-limits",
        "media-info",
        "media-type",
        "opendal",
        "pdf",
        "polyglot",
        "retention",
        "sql",
        "svg",
        "text",
        "webhook",
    ] {
        let name = plugin.replace('-', "_");
        assert_eq!(
            lines(manifest, &[plugin]),
            [format!("pub use intake_plugin_{name} as {name};")]
        );
    }
}

#[test]
fn a_feature_is_known_by_the_variable_that_cargo_sets() {
    assert_eq!(variable_of("http-source"), "CARGO_FEATURE_HTTP_SOURCE");
}
