//! Links every plugin among the dependencies. A crate that nobody names is not linked, and its plugins would silently be
//! missing: so a line that names each is written for `src/plugins.rs`.

use std::path::PathBuf;
use std::{env, fs, io};

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=Cargo.toml");
    let manifest = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default()).join("Cargo.toml");
    let manifest = fs::read_to_string(manifest)?;
    let dependencies = manifest.split("\n[dependencies]\n").nth(1).unwrap_or_default();
    let dependencies = dependencies.split("\n[").next().unwrap_or_default();

    let mut lines = String::new();
    for line in dependencies.lines().filter(|line| line.starts_with("intake-plugin-")) {
        let name = line.split([' ', '=', '.']).next().unwrap_or_default();
        // An optional plugin is linked if the feature that is called like it is on.
        let feature = name
            .trim_start_matches("intake-plugin-")
            .replace('-', "_")
            .to_uppercase();
        if !line.contains("optional = true") || env::var_os(format!("CARGO_FEATURE_{feature}")).is_some() {
            lines += &format!("use {} as _;\n", name.replace('-', "_"));
        }
    }
    fs::write(
        PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default()).join("plugins.rs"),
        lines,
    )
}
