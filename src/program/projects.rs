//! `intake projects`: creates, shows and changes the projects in the recorder's database. Servers look them up at every
//! request, so a change takes effect at once, on all nodes.

use clap::Subcommand;
use clap::builder::NonEmptyStringValueParser;
use intake_core::accounting::Account;
use intake_core::project::shown;
use intake_core::{Catalog, ConfigError, ConfigErrors, ManagedProject, Update};
use serde_json::{Map, Value};

use super::app::{App, unknown};
use super::arguments::WithConfig;
use super::edits::{Assignment, add_secret, assign, assignment, random_secret, remove_secret, revoke, set_status};
use super::failure::Failure;
use super::{output, warnings};

pub(super) type Arguments = WithConfig<Command>;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Creates a project, which accepts uploads at once.
    Create {
        /// The public key that its clients send with every request: 1 to 64 letters, digits, `-`, `_` and `.`.
        key: String,
        /// What it is to be like, such as `max_size="10 MiB"`: the settings of [[projects]].
        #[arg(value_name = "FIELD=VALUE", value_parser = assignment)]
        fields: Vec<Assignment>,
        /// Also adds a secret key, as `add-key` does.
        #[arg(long, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
        with_key: Option<String>,
    },
    /// Lists all projects, including those of the configuration, with their files and bytes.
    List,
    /// Prints a project's settings; of secret keys only the names.
    Show {
        /// Its public key.
        key: String,
    },
    /// Changes settings of a project; `FIELD=` resets one to its default.
    Set {
        /// Its public key.
        key: String,
        /// What it is to be like, such as `max_size="10 MiB"`: the settings of [[projects]].
        #[arg(required = true, value_name = "FIELD=VALUE", value_parser = assignment)]
        fields: Vec<Assignment>,
    },
    /// Creates a secret key for signing uploads, and prints it, once.
    AddKey {
        /// The project's public key.
        key: String,
        /// The name of the new secret key.
        #[arg(value_parser = NonEmptyStringValueParser::new())]
        name: String,
    },
    /// Removes a secret key: signatures and tokens made with it become invalid.
    RevokeKey {
        /// The project's public key.
        key: String,
        /// The name of the secret key.
        name: String,
    },
    /// Revokes a token.
    RevokeToken {
        /// The project's public key.
        key: String,
        /// The token's id (`jti`).
        #[arg(value_parser = NonEmptyStringValueParser::new())]
        token_id: String,
    },
    /// Blocks a project: it accepts no uploads until it is unblocked.
    Block {
        /// Its public key.
        key: String,
    },
    /// Unblocks a project: it accepts uploads again.
    Unblock {
        /// Its public key.
        key: String,
    },
    /// Marks a project as removed: it accepts no uploads, and the API shows none of its files, which are kept.
    Remove {
        /// Its public key.
        key: String,
    },
}

pub(super) async fn run(arguments: Arguments) -> Result<(), Failure> {
    let commands = ProjectCommands(App::shared(arguments.config).await?);
    match arguments.command {
        Command::Create { key, fields, with_key } => commands.create(&key, &fields, with_key.as_deref()).await,
        Command::List => commands.list().await,
        Command::Show { key } => commands.show(&key).await,
        Command::Set { key, fields } => {
            commands.change(&key, |settings| assign(settings, &fields)).await?;
            warn_of(&fields)?;
            output::tell(&format!("{key} is changed, with effect from the next request on"));
            Ok(())
        }
        Command::AddKey { key, name } => {
            let secret = random_secret()?;
            commands
                .change(&key, |settings| add_secret(settings, &name, &secret))
                .await?;
            tell_secret(&key, &name, &secret)
        }
        Command::RevokeKey { key, name } => {
            commands.change(&key, |settings| remove_secret(settings, &name)).await?;
            output::tell(&format!(
                "the secret key {name} of {key} is revoked: signatures and tokens made with it are invalid"
            ));
            Ok(())
        }
        Command::RevokeToken { key, token_id } => {
            commands.change(&key, |settings| revoke(settings, &token_id)).await?;
            output::tell(&format!("the token {} of {key} is revoked", output::plain(&token_id)));
            Ok(())
        }
        Command::Block { key } => {
            commands.set_status(&key, "blocked").await?;
            output::tell(&format!(
                "{key} accepts no uploads until `intake projects unblock {key}`; its files are kept"
            ));
            Ok(())
        }
        Command::Unblock { key } => {
            commands.change(&key, |settings| set_status(settings, "active")).await?;
            output::tell(&format!("{key} accepts uploads"));
            Ok(())
        }
        Command::Remove { key } => {
            commands.set_status(&key, "removed").await?;
            output::tell(&format!(
                "{key} is marked as removed. Its files are kept until they expire or are deleted: see \
                 `intake files list --project {key}`"
            ));
            Ok(())
        }
    }
}

/// Warns of settings without an effect.
fn warn_of(fields: &[Assignment]) -> Result<(), Failure> {
    let mut settings = Map::new();
    assign(&mut settings, fields)?;
    for warning in warnings::of_project(&settings) {
        eprintln!("warning: {warning}");
    }
    Ok(())
}

/// The commands on projects.
struct ProjectCommands(App);

impl ProjectCommands {
    fn catalog(&self) -> &dyn Catalog {
        self.0.pipeline.catalog()
    }

    /// The settings of a project that the configuration lists.
    fn configured(&self, key: &str) -> Option<Map<String, Value>> {
        let listed = self.0.configured().into_iter();
        listed.filter(|(listed, _)| listed == key).map(|(_, says)| says).next()
    }

    async fn create(&self, key: &str, fields: &[Assignment], with_key: Option<&str>) -> Result<(), Failure> {
        if self.configured(key).is_some() {
            return Err(Failure::Other(format!(
                "{key} is listed in the configuration already, in [[projects]]"
            )));
        }
        let mut settings = Map::new();
        assign(&mut settings, fields)?;
        let secret = with_key
            .map(|name| Ok::<_, Failure>((name, random_secret()?)))
            .transpose()?;
        if let Some((name, secret)) = &secret {
            add_secret(&mut settings, name, secret)?;
        }
        let project = ManagedProject::new(key, 0, settings);
        self.check(&project)?;
        match self.catalog().put_project(&project).await? {
            Update::Applied => {}
            Update::Conflict | Update::QuotaExceeded => {
                return Err(Failure::Other(format!(
                    "there is a project {key} already: see `intake projects show {key}`"
                )));
            }
        }
        warn_of(fields)?;
        output::tell(&format!(
            "{key} accepts uploads. Try it:\n  echo 'Hello, world!' | curl -F UPLOADCARE_PUB_KEY={key} -F \
             'file=@-;filename=hello.txt' {}/base/",
            self.address()
        ));
        match secret {
            Some((name, secret)) => tell_secret(key, name, &secret),
            None => {
                output::tell(&format!(
                    "Anyone who knows the key may upload. To require signatures: `intake projects add-key {key} NAME`, \
                     then `intake projects set {key} signed_uploads=true`"
                ));
                Ok(())
            }
        }
    }

    /// The URL of servers with this configuration, as far as it names one.
    fn address(&self) -> String {
        let public = self.0.upload_api.public_url.as_deref();
        let public = public.map(|url| url.trim_end_matches('/').to_owned());
        public.unwrap_or_else(|| format!("http://{}", self.0.server.listen))
    }

    async fn list(&self) -> Result<(), Failure> {
        /// How many projects are read at a time.
        const PAGE: usize = 100;
        let head = ["KEY", "STATUS", "SECRET KEYS", "FILES", "BYTES", ""].map(str::to_owned);
        let mut rows = vec![head];
        let configured = self.0.configured();
        for (key, settings) in &configured {
            rows.push(self.row(key, settings, "configured").await?);
        }
        let mut behind = String::new();
        loop {
            let page = self.catalog().projects(&behind, PAGE).await?;
            for project in page.iter().cloned().map(ManagedProject::with_new_names) {
                // The configuration takes precedence, so this project is never used.
                let hidden = configured.iter().any(|(key, _)| *key == project.public_key);
                let mark = if hidden { "hidden by the configuration" } else { "" };
                rows.push(self.row(&project.public_key, &project.settings, mark).await?);
            }
            match page.last() {
                Some(last) if page.len() == PAGE => behind.clone_from(&last.public_key),
                _ => break,
            }
        }
        output::print(&output::columns(&rows, [false, false, true, true, true, false]))
    }

    async fn row(&self, key: &str, settings: &Map<String, Value>, mark: &str) -> Result<[String; 6], Failure> {
        let status = settings.get("status").and_then(Value::as_str).unwrap_or("active");
        let secrets = settings.get("secrets").and_then(Value::as_array).map_or(0, Vec::len);
        let has = self.catalog().usage(&Account::project(key)).await?;
        Ok([
            key.to_owned(),
            status.to_owned(),
            secrets.to_string(),
            has.files.to_string(),
            output::size(has.bytes),
            mark.to_owned(),
        ])
    }

    async fn show(&self, key: &str) -> Result<(), Failure> {
        let configured = self.configured(key);
        let (place, settings) = match configured {
            Some(settings) => ("# listed in the configuration\n", settings),
            None => {
                let found = self.catalog().project(key).await?;
                let found = found.ok_or_else(|| Failure::Other(unknown(key)))?;
                if let Err(error) = self.check(&found) {
                    output::tell(&format!("as it is, {key} cannot be used: {error}"));
                }
                ("", found.with_new_names().settings)
            }
        };
        let unwritable = |error: &dyn std::fmt::Display| Failure::Other(format!("cannot write as TOML: {error}"));
        let mut table = toml::Table::new();
        table.insert("public_key".to_owned(), key.into());
        table.extend(toml::Table::try_from(shown(&settings)).map_err(|error| unwritable(&error))?);
        let text = toml::to_string(&table).map_err(|error| unwritable(&error))?;
        output::print(&format!("{place}{text}"))
    }

    /// Checks a project's settings, including that its store exists.
    fn check(&self, managed: &ManagedProject) -> Result<(), ConfigErrors> {
        let project = managed.project()?;
        let Some(store) = &project.store else { return Ok(()) };
        let listed = self.0.source.settings().take("stores");
        let listed = listed.as_ref().and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let name = |entry: &'_ Value| {
            let name = entry.get("name").or_else(|| entry.get("use"));
            name.and_then(Value::as_str).map(str::to_owned)
        };
        let names: Vec<_> = listed.iter().filter_map(name).collect();
        if names.contains(store) {
            return Ok(());
        }
        let there = match names.as_slice() {
            [] => "the configuration has no [[stores]]".to_owned(),
            _ => format!("[[stores]] has: {}", names.join(", ")),
        };
        let message = format!("no store is called `{store}`; {there}");
        Err(ConfigError::at("store", message).into())
    }

    /// Changes a project, if its settings are valid afterwards.
    async fn change(
        &self,
        key: &str,
        edit: impl Fn(&mut Map<String, Value>) -> Result<(), ConfigError>,
    ) -> Result<(), Failure> {
        let edit = |next: &mut ManagedProject| {
            edit(&mut next.settings)?;
            self.check(next)
        };
        self.swap(key, edit).await
    }

    /// Changes the status of a project. Other settings are not checked: an invalid one must not prevent blocking it.
    async fn set_status(&self, key: &str, status: &str) -> Result<(), Failure> {
        self.swap(key, |next| Ok(set_status(&mut next.settings, status)?)).await
    }

    /// Replaces a project with the changed one. If it was changed meanwhile, applies the change to the newer one.
    async fn swap(
        &self,
        key: &str,
        edit: impl Fn(&mut ManagedProject) -> Result<(), ConfigErrors>,
    ) -> Result<(), Failure> {
        /// So many conflicts in a row do not happen by chance.
        const TRIES: usize = 100;
        if self.configured(key).is_some() {
            return Err(Failure::Other(format!(
                "{key} is listed in the configuration, in [[projects]], and is changed there"
            )));
        }
        for _ in 0..TRIES {
            let found = self.catalog().project(key).await?;
            let mut next = found.ok_or_else(|| Failure::Other(unknown(key)))?.with_new_names();
            next.revision += 1;
            edit(&mut next)?;
            match self.catalog().put_project(&next).await? {
                Update::Applied => return Ok(()),
                Update::Conflict | Update::QuotaExceeded => {}
            }
        }
        Err(Failure::Other(format!(
            "{key} is being changed by other commands all the time; it was not changed"
        )))
    }
}

/// The secret alone goes to standard output, so that a script can take it.
fn tell_secret(key: &str, name: &str, secret: &str) -> Result<(), Failure> {
    output::tell(&format!(
        "the secret key {name} of {key}, which is not shown again; `intake projects revoke-key {key} {name}` revokes it:"
    ));
    output::print(&format!("{secret}\n")).inspect_err(|_| {
        output::tell(&format!(
            "the secret key {name} of {key} was made and cannot be shown again: revoke it, and make another one"
        ));
    })
}
