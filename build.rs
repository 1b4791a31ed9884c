//! Writes the facade of plugins from the manifest: see `build/plugins.rs`.

use std::error::Error;
use std::path::PathBuf;
use std::{env, fs};

#[path = "build/plugins.rs"]
mod plugins;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=Cargo.toml");
    let folder = |variable| env::var(variable).map(PathBuf::from);
    let manifest: toml::Table = fs::read_to_string(folder("CARGO_MANIFEST_DIR")?.join("Cargo.toml"))?.parse()?;
    let target = env::var("TARGET")?;
    let is_on = |feature: &str| env::var_os(plugins::variable_of(feature)).is_some();
    fs::write(
        folder("OUT_DIR")?.join("plugins.rs"),
        plugins::facade(&manifest, &target, is_on),
    )?;
    Ok(())
}
