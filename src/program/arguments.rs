//! The arguments that several commands share.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// A configuration, and one of several commands on what it names.
#[derive(Debug, Args)]
pub(super) struct WithConfig<C: Subcommand> {
    /// The configuration; without one, what `intake config` prints.
    #[arg(long, short, env = "INTAKE_CONFIG", global = true, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    #[command(subcommand)]
    pub(super) command: C,
}
