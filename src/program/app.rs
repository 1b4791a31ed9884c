//! A configuration, read and checked: the pipeline, the Upload API, the delivery of files, the server.

use std::path::PathBuf;
use std::sync::Arc;

use bytesize::ByteSize;
use intake_core::{ConfigError, ConfigErrors, Pipeline, Registry, SECTIONS, Settings, Step};
use serde_json::{Map, Value};

use super::explain::TestCase;
use super::failure::Failure;
use super::limits::{self, Counts, Machine, Stages, Wanted};
use super::{output, places};
use crate::config::{Source, Unusable};
use crate::rest_api::UploadcareFormat;
use crate::server::ServerSettings;
use crate::{delivery, rest_api, upload_api};

/// A checked configuration, and the pipeline that it defines.
pub(super) struct App {
    pub(super) source: Source,
    pub(super) pipeline: Pipeline,
    pub(super) upload_api: upload_api::Settings,
    /// `None`: no files are given out.
    pub(super) delivery: Option<delivery::Settings>,
    /// `None`: there is no section `[rest_api]`, and the API is off.
    pub(super) rest_api: Option<rest_api::Settings>,
    pub(super) server: ServerSettings,
    /// The files that `intake check --test` runs through the stages.
    pub(super) tests: Vec<TestCase>,
    /// The memory and the open files that all limits have to fit into.
    pub(super) machine: Machine,
}

impl App {
    /// Reads and checks everything; opens nothing.
    pub(super) fn read(file: Option<PathBuf>) -> Result<Self, Unusable> {
        let environment = environment()?;
        let is_built_in = file.is_none();
        let source = match file {
            Some(path) => Source::file(&path, environment)?,
            None => Source::built_in(environment)?,
        };
        Self::compose(&source).map_err(|errors| {
            let lacks = if is_built_in { Self::lacking() } else { None };
            source.locate(&errors).and(lacks)
        })
    }

    /// What to do where the program was built with fewer plugins than the built-in configuration uses.
    fn lacking() -> Option<String> {
        let errors = Self::compose(&Source::built_in([]).ok()?).err()?;
        let names_a_plugin = |error: &&ConfigError| error.place().last() == Some(&Step::from("use"));
        errors.0.iter().find(names_a_plugin)?;
        Some(
            "this program was built without plugins that the built-in configuration uses: build it with their features, or name \
             a configuration that uses only what `intake plugins` lists (--config FILE, or INTAKE_CONFIG)"
                .to_owned(),
        )
    }

    /// The same, for a command that uses the records of running servers. Prints where they are, and creates none: a command that is
    /// started in the wrong folder would otherwise work on new records, and report success.
    pub(super) async fn shared(file: Option<PathBuf>) -> Result<Self, Failure> {
        let app = Self::read(file)?;
        let record = app.source.settings().take("record");
        app.tell(record.as_ref());
        let place = places::of_records(record.as_ref());
        if record.is_some_and(|record| record.get("use").and_then(Value::as_str) == Some("in-memory")) {
            let message = "records are kept in memory ([record] use = \"in-memory\"), where each process has its own and nothing \
                           outlives this command; it takes a recorder such as `sql`";
            return Err(Failure::Other(message.to_owned()));
        }
        if app.pipeline.has_records().await? {
            return Ok(app);
        }
        Err(Failure::Other(format!(
            "there are no records in {place}: `intake serve` makes them at its first start, with the same configuration and in the \
             same folder"
        )))
    }

    /// The same, with limits that fit into the memory and the open files of the process.
    pub(super) fn fitted(self) -> Result<Self, Unusable> {
        let source = self.source.clone();
        self.fit().map_err(|errors| source.locate(&errors))
    }

    fn fit(mut self) -> Result<Self, ConfigErrors> {
        if let Some(memory) = self.server.memory {
            self.machine.memory = memory;
        }
        let counts = limits::fit(self.wanted(), self.stages(), self.machine)?;
        self.server.max_connections = counts.connections;
        self.upload_api.max_concurrent_requests = counts.requests;
        self.upload_api.max_uploads = counts.uploads;
        if let Some(delivery) = &mut self.delivery {
            delivery.max_concurrent_requests = counts.deliveries;
            delivery.max_concurrent_images = Some(counts.images);
        }
        if let Some(rest) = &mut self.rest_api {
            rest.max_concurrent_requests = counts.rest_requests;
        }
        Ok(self)
    }

    /// The numbers that the configuration asks for, set or by default.
    fn wanted(&self) -> Counts<Wanted> {
        let mut settings = self.source.settings();
        let [in_server, in_api, in_delivery, in_rest] =
            ["server", "upload_api", "delivery", "rest_api"].map(|section| settings.take(section));
        let wanted = |section: &Option<Value>, key: &str, count| Wanted {
            count,
            is_set: section.as_ref().is_some_and(|section| section.get(key).is_some()),
        };
        let fetches = if self.pipeline.can_fetch() {
            self.pipeline.limits().max_fetches
        } else {
            0
        };
        let (api, delivery, rest) = (&self.upload_api, self.delivery.as_ref(), self.rest_api.as_ref());
        Counts {
            connections: wanted(&in_server, "max_connections", self.server.max_connections),
            requests: wanted(&in_api, "max_concurrent_requests", api.max_concurrent_requests),
            uploads: wanted(&in_api, "max_uploads", api.max_uploads),
            // The pipeline is already built with its number of fetches.
            fetches: Wanted {
                count: fetches,
                is_set: true,
            },
            deliveries: wanted(
                &in_delivery,
                "max_concurrent_requests",
                delivery.map_or(0, |delivery| delivery.max_concurrent_requests),
            ),
            images: wanted(
                &in_delivery,
                "max_concurrent_images",
                delivery.map_or(0, delivery::Settings::max_concurrent_images),
            ),
            rest_requests: wanted(
                &in_rest,
                "max_concurrent_requests",
                rest.map_or(0, |rest| rest.max_concurrent_requests),
            ),
        }
    }

    /// What depends on stages and adapters in the prices of limits.
    fn stages(&self) -> Stages {
        let delivery = self.delivery.as_ref();
        Stages {
            scanners: self.pipeline.scanners().count(),
            store: self.pipeline.bytes_of_upload(),
            image: delivery.map_or(0, delivery::Settings::bytes_of_image),
            shared: delivery.map_or(0, |delivery| {
                delivery.image_cache.saturating_add(self.pipeline.bytes_of_derived())
            }),
        }
    }

    /// The limits, in one line.
    pub(super) fn limits(&self) -> String {
        let (api, server) = (&self.upload_api, &self.server);
        let files = self.delivery.as_ref().map_or(String::new(), |delivery| {
            let (all, of_one) = (
                delivery.max_concurrent_requests,
                delivery.max_concurrent_requests_per_ip(),
            );
            let images = delivery.max_concurrent_images();
            format!("{all} requests for files, of one address {of_one}; {images} images; ")
        });
        let rest = self.rest_api.as_ref().map_or(String::new(), |rest| {
            format!("{} requests of the REST API; ", rest.max_concurrent_requests)
        });
        format!(
            "{} connections, {} requests, {} uploads at a time, of one address {}, {} and {}; {files}{rest}{} of memory, {} open files",
            server.max_connections,
            api.max_concurrent_requests,
            api.max_uploads,
            server.max_connections_per_ip(),
            api.max_concurrent_requests_per_ip(),
            api.max_uploads_per_ip(),
            ByteSize::b(self.machine.memory),
            self.machine.files,
        )
    }

    /// Prints which configuration a command uses, and which records.
    pub(super) fn tell(&self, record: Option<&Value>) {
        output::tell(&format!(
            "using {}; records: {}",
            self.source.name(),
            places::of_records(record)
        ));
    }

    /// The keys of the projects that the configuration lists, in its order.
    pub(super) fn projects(&self) -> Vec<String> {
        self.configured().into_iter().map(|(key, _)| key).collect()
    }

    /// The same with their settings.
    pub(super) fn configured(&self) -> Vec<(String, Map<String, Value>)> {
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

    /// Checks that a project exists: otherwise a mistyped key would look like a project without files.
    pub(super) async fn knows(&self, project: &str) -> Result<(), Failure> {
        let listed = self.projects().iter().any(|key| key == project);
        if listed || self.pipeline.catalog().project(project).await?.is_some() {
            return Ok(());
        }
        Err(Failure::Other(unknown(project)))
    }

    /// The only project, listed in the configuration or managed.
    pub(super) async fn the_only_project(&self) -> Result<String, Failure> {
        /// The most projects that a message names.
        const NAMED: usize = 20;
        let mut keys = self.projects();
        let managed = self.pipeline.catalog().projects("", NAMED).await?;
        for project in managed {
            if !keys.contains(&project.public_key) {
                keys.push(project.public_key);
            }
        }
        match keys.as_slice() {
            [key] => Ok(key.clone()),
            [] => Err(Failure::Other(
                "there is no project; `intake projects create KEY` creates one".to_owned(),
            )),
            keys => {
                let more = if keys.len() > NAMED { ", …" } else { "" };
                let named = keys.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
                Err(Failure::Other(format!(
                    "there are several projects, so `--project KEY` has to name one: {named}{more}"
                )))
            }
        }
    }

    fn compose(source: &Source) -> Result<Self, ConfigErrors> {
        let mut settings = source.settings();
        let registry = Registry::linked()?;
        // Files are given out only if the configuration says so.
        let delivers = settings.keys().any(|key| key == "delivery");
        let delivery = delivers.then(|| {
            section(&mut settings, "delivery", |table| {
                table.make(|delivery: delivery::Settings| delivery.check().map(|()| delivery))
            })
        });
        // Files are where they are delivered, unless the API is told otherwise.
        let delivered_at = delivery.as_ref().and_then(|read| read.as_ref().ok()?.base_url.clone());
        let rest_api = read_rest_api(&mut settings)
            .map(|read| read.map(|api| api.with(|api| api.cdn_base = api.cdn_base.take().or(delivered_at))));
        let pipeline = with_formats(
            &mut settings,
            &registry,
            rest_api.as_ref().ok().and_then(Option::as_ref),
        );
        let server = section(&mut settings, "server", |table| {
            table.make_unless_renamed(ServerSettings::RENAMED, |server: ServerSettings| {
                server.check().map(|()| server)
            })
        });
        let upload_api = section(&mut settings, "upload_api", |table| {
            let sets_direct_size = table.keys().any(|key| key == "max_direct_size");
            let most = pipeline.as_ref().ok().filter(|_| sets_direct_size);
            let most = most.map(|pipeline| pipeline.limits().max_size);
            table.make_unless_renamed(upload_api::Settings::RENAMED, |api: upload_api::Settings| {
                api.check()?;
                fits(api.max_direct_size, most)?;
                Ok::<_, ConfigErrors>(api)
            })
        });
        let tests = tests(&mut settings);
        let mut errors = unknown_sections(&settings);
        let tests = or_add(tests, &mut errors);
        let pipeline = or_add(pipeline, &mut errors);
        let upload_api = or_add(upload_api, &mut errors);
        let rest_api = or_add(rest_api, &mut errors).flatten();
        let server = or_add(server, &mut errors);
        let delivery = delivery.and_then(|delivery| or_add(delivery, &mut errors));
        match (pipeline, upload_api, server, tests) {
            (Some(pipeline), Some(upload_api), Some(server), Some(tests)) if errors.0.is_empty() => Ok(Self {
                source: source.clone(),
                pipeline,
                upload_api,
                delivery,
                rest_api,
                server,
                tests,
                machine: Machine::here(),
            }),
            _ => Err(errors),
        }
    }
}

/// The pipeline, with the formats of events that the program has. Also without the REST API, because a subscription that another
/// node made may ask for its format.
fn with_formats(
    settings: &mut Settings,
    registry: &Registry,
    rest_api: Option<&rest_api::Settings>,
) -> Result<Pipeline, ConfigErrors> {
    let format = Arc::new(UploadcareFormat::new(rest_api));
    Pipeline::from_settings_with(settings, registry, |builder| {
        builder.event_format(UploadcareFormat::NAME, format)
    })
}

/// Reads the settings of one section.
fn section<T>(
    settings: &mut Settings,
    name: &str,
    read: impl FnOnce(Settings) -> Result<T, ConfigErrors>,
) -> Result<T, ConfigErrors> {
    let table = settings.take_table(name)?;
    read(table).map_err(|errors| errors.within(name))
}

/// Reads `[rest_api]`, if there is such a section.
fn read_rest_api(settings: &mut Settings) -> Result<Option<rest_api::Settings>, ConfigErrors> {
    if !settings.keys().any(|key| key == "rest_api") {
        return Ok(None);
    }
    section(settings, "rest_api", |table| {
        table.make(|api: rest_api::Settings| api.check().map(|()| Some(api)))
    })
}

/// Reads `[[test]]`.
fn tests(settings: &mut Settings) -> Result<Vec<TestCase>, ConfigErrors> {
    let entries = settings.take_tables("test")?.into_iter().enumerate();
    let read = entries.map(|(at, entry)| {
        let case = entry.make(Ok::<TestCase, ConfigErrors>);
        case.map_err(|errors| errors.within(at).within("test"))
    });
    let mut errors = ConfigErrors::default();
    let cases: Vec<_> = read.filter_map(|case| or_add(case, &mut errors)).collect();
    match errors.0.is_empty() {
        true => Ok(cases),
        false => Err(errors),
    }
}

/// The errors of the sections that are left when all known ones were taken.
fn unknown_sections(settings: &Settings) -> ConfigErrors {
    let known: Vec<_> = SECTIONS
        .iter()
        .copied()
        .chain(["upload_api", "delivery", "rest_api", "server", "test"])
        .collect();
    let unknown = |left: &str| {
        let message = format!("no section is called that; there are: {}", known.join(", "));
        ConfigError::at(left, message)
    };
    ConfigErrors(settings.keys().map(unknown).collect())
}

/// What was read, or nothing and its errors beside the others.
fn or_add<T>(read: Result<T, ConfigErrors>, errors: &mut ConfigErrors) -> Option<T> {
    read.map_err(|several| errors.0.extend(several.0)).ok()
}

/// The environment. Variables of other programs need not be UTF-8.
fn environment() -> Result<Vec<(String, String)>, Unusable> {
    let mut variables = Vec::new();
    for (name, value) in std::env::vars_os() {
        match (name.into_string(), value.into_string()) {
            (Ok(name), Ok(value)) => variables.push((name, value)),
            (Ok(name), Err(_)) if name.starts_with("INTAKE_") => {
                return Err(Unusable::of(format!("{name}: its value is not UTF-8 text")));
            }
            _ => {}
        }
    }
    Ok(variables)
}

/// Checks a size against the limit for every file.
fn fits(max_direct_size: u64, most: Option<u64>) -> Result<(), ConfigError> {
    match most {
        Some(most) if max_direct_size > most => {
            let [max_direct_size, most] = [max_direct_size, most].map(ByteSize::b);
            let message = format!(
                "{max_direct_size} is more than `max_size` of [receive], which is {most} and bounds every file"
            );
            Err(ConfigError::at("max_direct_size", message))
        }
        _ => Ok(()),
    }
}

pub(super) fn unknown(project: &str) -> String {
    format!("no project has the key {project}; `intake projects list` lists all projects")
}
