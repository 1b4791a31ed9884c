//! The `intake` program: the pipeline and the Upload API, put together by one file.
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
use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use intake_core::{ConfigError, ConfigErrors, Fault, Pipeline, Registry, SECTIONS};
use serde_json::{Map, Value};
use tracing_subscriber::EnvFilter;

use crate::config::{BUILT_IN, Source, Unusable};
use crate::server::ServerSettings;
use crate::upload_api;

mod edits;
mod files;
mod output;
mod projects;
mod serve;
mod usage;
mod warnings;

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
    /// Takes uploads (this is what happens if no command is given).
    Serve {
        /// The configuration; without one, what `intake config` prints.
        #[arg(long, short, env = "INTAKE_CONFIG")]
        config: Option<PathBuf>,
    },
    /// Says whether a configuration can be used. Opens nothing, unless asked to.
    Check {
        /// The configuration; without one, what `intake config` prints.
        #[arg(env = "INTAKE_CONFIG")]
        file: Option<PathBuf>,
        /// Also asks the store, the recorder and the scanners whether they could work now.
        #[arg(long)]
        connect: bool,
    },
    /// Does once what is due: goes on with what nobody works on any more, ends what was abandoned, removes what expired.
    Sweep {
        /// The configuration; without one, what `intake config` prints.
        #[arg(long, short, env = "INTAKE_CONFIG")]
        config: Option<PathBuf>,
    },
    /// Makes, shows and changes projects in the recorder's database, while servers run.
    Projects(projects::Arguments),
    /// Looks at files, keeps them, deletes them, brings them back.
    Files(files::Arguments),
    /// Says what came, what went and what was stored: of each project, on each day.
    Usage(usage::Arguments),
    /// Lists the plugins that this program has.
    Plugins,
    /// Prints the built-in configuration, to begin one's own with.
    Config,
}

/// Why the program ends otherwise than well.
enum Failure {
    Config(Unusable),
    Other(String),
}

impl From<Unusable> for Failure {
    fn from(unusable: Unusable) -> Self {
        Self::Config(unusable)
    }
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Self::Other(fault.chain())
    }
}

/// Something is wrong with what the command line says of a setting, and not with the configuration.
impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::Other(error.to_string())
    }
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
    // Who runs one of these reads what it says, and not what happens below, unless that is asked for.
    let usual = match command {
        Command::Projects(_) | Command::Files(_) | Command::Usage(_) => "warn",
        _ => "info",
    };
    let filter = EnvFilter::try_from_env("INTAKE_LOG").unwrap_or_else(|_| EnvFilter::new(usual));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        // Colours are for people; what reads a file or a pipe gets plain text.
        .with_ansi(std::io::stderr().is_terminal())
        .init();

    let ended = match command {
        Command::Serve { config } => start(config).await,
        Command::Check { file, connect } => check(file, connect).await,
        Command::Sweep { config } => sweep(config).await,
        Command::Projects(arguments) => projects::run(arguments).await,
        Command::Files(arguments) => files::run(arguments).await,
        Command::Usage(arguments) => usage::run(arguments).await,
        Command::Plugins => plugins(),
        Command::Config => {
            print!("{BUILT_IN}");
            Ok(())
        }
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Config(unusable)) => {
            eprintln!("{unusable}");
            ExitCode::from(EX_CONFIG)
        }
        Err(Failure::Other(message)) => {
            eprintln!("intake: {message}");
            ExitCode::FAILURE
        }
    }
}

/// Everything that a configuration says.
struct Composition {
    source: Source,
    pipeline: Pipeline,
    upload_api: upload_api::Settings,
    server: ServerSettings,
}

impl Composition {
    /// Reads and checks everything; opens nothing.
    fn read(file: Option<PathBuf>) -> Result<Self, Unusable> {
        let environment =
            std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        let source = match file {
            Some(path) => Source::file(&path, environment)?,
            None => Source::built_in(environment)?,
        };
        Self::compose(&source).map_err(|errors| source.locate(&errors))
    }

    /// The same, for a command that works beside servers, on the records that they share.
    fn shared(file: Option<PathBuf>) -> Result<Self, Failure> {
        let composition = Self::read(file)?;
        let record = composition.source.settings().take("record");
        if record.is_some_and(|record| record.get("use").and_then(Value::as_str) == Some("in-memory")) {
            let message = "records are kept in memory ([record] use = \"in-memory\"), where each process has its own and nothing \
                           outlives this command; it takes a recorder such as `sql`";
            return Err(Failure::Other(message.to_owned()));
        }
        Ok(composition)
    }

    /// The keys of the projects that the configuration lists, in its order.
    fn projects(&self) -> Vec<String> {
        self.configured().into_iter().map(|(key, _)| key).collect()
    }

    /// The same with what it says of them.
    fn configured(&self) -> Vec<(String, Map<String, Value>)> {
        let Some(Value::Array(listed)) = self.source.settings().take("projects") else {
            return Vec::new();
        };
        let keyed = |project| match project {
            Value::Object(mut settings) => match settings.remove("public_key") {
                Some(Value::String(key)) => Some((key, settings)),
                _ => None,
            },
            _ => None,
        };
        listed.into_iter().filter_map(keyed).collect()
    }

    /// Refuses to speak of a project that there is not: of none there would be nothing to tell, and a typing error would look
    /// like an answer.
    async fn knows(&self, project: &str) -> Result<(), Failure> {
        let listed = self.projects().iter().any(|key| key == project);
        if listed || self.pipeline.catalog().project(project).await?.is_some() {
            return Ok(());
        }
        Err(Failure::Other(unknown(project)))
    }

    fn compose(source: &Source) -> Result<Self, ConfigErrors> {
        let mut settings = source.settings();
        let mut errors = ConfigErrors::default();
        let registry = Registry::linked()?;
        let pipeline = Pipeline::from_settings(&mut settings, &registry);
        let server = settings
            .take_table("server")
            .and_then(|table| table.parse::<ServerSettings>().map_err(|error| error.within("server")));
        let upload_api = settings.take_table("upload_api").and_then(|table| {
            let checked = table
                .parse::<upload_api::Settings>()
                .and_then(|parsed| parsed.check().map(|()| parsed));
            checked.map_err(|error| error.within("upload_api"))
        });
        for left in settings.keys() {
            let sections = SECTIONS
                .into_iter()
                .chain(["upload_api", "server"])
                .collect::<Vec<_>>()
                .join(", ");
            errors.0.push(ConfigError::at(
                left,
                format!("no section is called that; there are: {sections}"),
            ));
        }
        let (mut built, mut api, mut served) = (None, None, None);
        match pipeline {
            Ok(pipeline) => built = Some(pipeline),
            Err(several) => errors.0.extend(several.0),
        }
        match upload_api {
            Ok(settings) => api = Some(settings),
            Err(error) => errors.0.push(error),
        }
        match server {
            Ok(settings) => served = Some(settings),
            Err(error) => errors.0.push(error),
        }
        match (built, api, served) {
            (Some(pipeline), Some(upload_api), Some(server)) if errors.0.is_empty() => Ok(Self {
                source: source.clone(),
                pipeline,
                upload_api,
                server,
            }),
            _ => Err(errors),
        }
    }
}

fn unknown(project: &str) -> String {
    format!("no project has the key {project}; `intake projects list` names those that there are")
}

async fn start(config: Option<PathBuf>) -> Result<(), Failure> {
    let composition = Composition::read(config)?;
    serve::serve(composition).await.map_err(Failure::Other)
}

async fn check(file: Option<PathBuf>, connect: bool) -> Result<(), Failure> {
    let composition = Composition::read(file)?;
    for warning in warnings::of(&composition.source) {
        eprintln!("warning: {warning}");
    }
    if connect {
        composition
            .pipeline
            .ready()
            .await
            .map_err(|fault| Failure::Other(fault.chain()))?;
        println!("the configuration can be used, and everything in it is ready");
    } else {
        println!("the configuration can be used");
    }
    Ok(())
}

async fn sweep(config: Option<PathBuf>) -> Result<(), Failure> {
    let pipeline = Composition::read(config)?.pipeline;
    let resumed = pipeline.resume().await?;
    let swept = pipeline.sweep().await?;
    println!(
        "put together {}, refused {}, abandoned {}, expired {}, finished {}, tidied {}, forgotten {}, accounts forgotten {}, failed {}",
        resumed.ready,
        resumed.refused,
        swept.abandoned,
        swept.expired,
        swept.finished,
        swept.tidied,
        swept.forgotten,
        swept.accounts,
        resumed.failed + swept.failed
    );
    if resumed.failed + swept.failed > 0 {
        Err(Failure::Other(
            "some of what is due could not be done; the log says why".to_owned(),
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
    print!("{list}");
    Ok(())
}
