//! The `intake` program: the pipeline and the Upload API, as one configuration file defines them.
//!
//! A program of one's own with one more plugin is this program with that plugin linked in:
//!
//! ```no_run
//! // use my_plugin as _;
//!
//! fn main() -> std::process::ExitCode {
//!     intake::program::main()
//! }
//! ```

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use intake_core::Registry;

use self::app::App;
use self::failure::Failure;
use crate::config::BUILT_IN;

mod admin;
mod app;
mod arguments;
mod edits;
mod escape;
mod explain;
mod failure;
mod file;
mod files;
mod files_get;
mod files_verify;
mod groups;
mod limits;
mod log_filter;
mod logging;
mod original;
mod output;
mod places;
mod projects;
mod quarantine;
mod readiness;
mod serve;
mod sites;
mod tokens;
mod usage;
mod warnings;
mod webhooks;

/// The exit code for a configuration that cannot be used, as in `sysexits.h`.
const EX_CONFIG: u8 = 78;

#[derive(Debug, Parser)]
#[command(version, about, disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs the server (the default if no command is given).
    Serve {
        /// The configuration; without one, what `intake config` prints.
        #[arg(long, short, env = "INTAKE_CONFIG")]
        config: Option<PathBuf>,
    },
    /// Checks a configuration. Opens nothing, unless `--connect` is given.
    Check {
        /// The configuration; without one, that of INTAKE_CONFIG, or what `intake config` prints.
        #[arg(value_name = "CONFIG")]
        file: Option<PathBuf>,
        /// The same, in the form of other commands.
        #[arg(long, short, conflicts_with = "file")]
        config: Option<PathBuf>,
        /// Also checks that the store, the recorder and the scanners work.
        #[arg(long)]
        connect: bool,
        /// Also runs the files of [[test]] through the stages, and compares the verdicts. Keeps nothing.
        #[arg(long)]
        test: bool,
    },
    /// Runs the maintenance once: resumes interrupted uploads, ends abandoned ones, removes expired files.
    Sweep {
        /// The configuration; without one, what `intake config` prints.
        #[arg(long, short, env = "INTAKE_CONFIG")]
        config: Option<PathBuf>,
    },
    /// Creates, shows and changes projects in the recorder's database, while servers run.
    Projects(projects::Arguments),
    /// Issues tokens for uploads, for testing.
    Tokens(tokens::Arguments),
    /// Shows files, keeps, deletes and restores them.
    Files(files::Arguments),
    /// Shows what is in quarantine, releases and deletes it.
    Quarantine(quarantine::Arguments),
    /// Subscribes URLs to events of projects, and shows what became of the deliveries.
    Webhooks(webhooks::Arguments),
    /// Shows groups of files, and removes them.
    Groups(groups::Arguments),
    /// Shows received, removed and stored files, by project and day.
    Usage(usage::Arguments),
    /// Runs a local file through all stages, keeps nothing of it, and prints what each stage says and why.
    Explain(explain::Arguments),
    /// Lists the plugins in this program.
    Plugins,
    /// Prints the built-in configuration, as a start for your own.
    Config,
}

/// Runs the program: reads the command line, and ends when what it asks for is done.
#[must_use]
pub fn main() -> ExitCode {
    match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime.block_on(run()),
        Err(error) => {
            eprintln!("intake: cannot start: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> ExitCode {
    let command = Cli::parse().command.unwrap_or(Command::Serve {
        config: std::env::var_os("INTAKE_CONFIG").map(Into::into),
    });
    // These commands log only warnings, unless INTAKE_LOG says otherwise: their output is what matters.
    let usual = match command {
        Command::Projects(_)
        | Command::Tokens(_)
        | Command::Files(_)
        | Command::Groups(_)
        | Command::Webhooks(_)
        | Command::Usage(_)
        | Command::Explain(_) => "warn",
        // What an operator decides is logged, too.
        Command::Quarantine(_) => "warn,intake::audit=info",
        _ => "info",
    };
    if let Err(message) = logging::start(usual) {
        output::tell(&message);
        return ExitCode::from(EX_CONFIG);
    }

    let ended = match command {
        Command::Serve { config } => start(config).await,
        Command::Check {
            file,
            config,
            connect,
            test,
        } => {
            let usual = || std::env::var_os("INTAKE_CONFIG").map(PathBuf::from);
            check(file.or(config).or_else(usual), connect, test).await
        }
        Command::Sweep { config } => sweep(config).await,
        Command::Projects(arguments) => projects::run(arguments).await,
        Command::Tokens(arguments) => tokens::run(arguments).await,
        Command::Files(arguments) => files::run(arguments).await,
        Command::Quarantine(arguments) => quarantine::run(arguments).await,
        Command::Webhooks(arguments) => webhooks::run(arguments).await,
        Command::Groups(arguments) => groups::run(arguments).await,
        Command::Usage(arguments) => usage::run(arguments).await,
        Command::Explain(arguments) => explain::run(arguments).await,
        Command::Plugins => plugins(),
        Command::Config => output::print(BUILT_IN),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Config(unusable)) => {
            output::tell(&unusable.to_string());
            ExitCode::from(EX_CONFIG)
        }
        Err(Failure::Other(message)) => {
            output::tell(&format!("intake: {message}"));
            ExitCode::FAILURE
        }
    }
}

async fn start(config: Option<PathBuf>) -> Result<(), Failure> {
    let app = App::read(config)?.fitted()?;
    serve::serve(app).await.map_err(Failure::Other)
}

async fn check(file: Option<PathBuf>, connect: bool, test: bool) -> Result<(), Failure> {
    let app = App::read(file)?;
    let record = app.source.settings().take("record");
    app.tell(record.as_ref());
    for warning in warnings::of(&app.source) {
        output::tell(&format!("warning: {warning}"));
    }
    if test {
        explain::test(&app).await?;
    }
    let pipeline = app.pipeline.clone();
    match app.fitted() {
        Ok(fitted) => output::tell(&format!("limits: {}", fitted.limits())),
        // The server may be another machine.
        Err(unusable) => output::tell(&format!(
            "warning: on this machine, `intake serve` would not start: {unusable}"
        )),
    }
    let ready = if !connect {
        ""
    } else if pipeline.has_records().await? {
        pipeline.ready().await?;
        ", and everything in it is ready"
    } else {
        pipeline.ready_but_for_records().await?;
        ", and everything in it is ready, but for the records: `intake serve` makes them"
    };
    output::print(&format!("the configuration can be used{ready}\n"))
}

async fn sweep(config: Option<PathBuf>) -> Result<(), Failure> {
    let pipeline = App::shared(config).await?.pipeline;
    let resumed = pipeline.resume().await?;
    let swept = pipeline.sweep().await?;
    output::print(&format!(
        "put together {}, refused {}, abandoned {}, expired {}, finished {}, tidied {}, forgotten {}, accounts forgotten {}, groups removed {}, failed {}\n",
        resumed.ready,
        resumed.refused,
        swept.abandoned,
        swept.expired,
        swept.finished,
        swept.tidied,
        swept.forgotten,
        swept.accounts,
        swept.groups,
        resumed.failed + swept.failed
    ))?;
    if resumed.failed + swept.failed > 0 {
        Err(Failure::Other(
            "some of the due work failed; the log says why".to_owned(),
        ))
    } else {
        Ok(())
    }
}

fn plugins() -> Result<(), Failure> {
    let registry = Registry::linked().map_err(|error| Failure::Other(error.to_string()))?;
    let mut list = String::new();
    for plugin in registry.plugins() {
        let stage = plugin.build.stage().to_string();
        // Writing to a string does not fail.
        let _ok = writeln!(list, "{stage:<10} {:<12} {}", plugin.name, plugin.summary);
    }
    output::print(&list)
}
