//! `intake projects`: makes, shows and changes the projects that are kept in the recorder's database. Servers ask there at
//! every request, so what is changed here holds at once, on all nodes.

use clap::Subcommand;
use clap::builder::NonEmptyStringValueParser;
use intake_core::books::Account;
use intake_core::project::shown;
use intake_core::{Catalog, ConfigError, ConfigErrors, ManagedProject, Swap};
use serde_json::{Map, Value};

use super::arguments::WithConfig;
use super::edits::{Assignment, add_secret, assign, assignment, random_secret, remove_secret, revoke, stand};
use super::{Composition, Failure, output, unknown, warnings};

pub(super) type Arguments = WithConfig<Command>;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Makes a project, which takes uploads at once.
    Create {
        /// What its clients send with every request: 1 to 64 letters, digits, `-`, `_` and `.`.
        key: String,
        /// What it is to be like, such as `max_size="10 MiB"`: the settings of [[projects]].
        #[arg(value_name = "FIELD=VALUE", value_parser = assignment)]
        fields: Vec<Assignment>,
        /// Adds a secret key too, as `add-key` does.
        #[arg(long, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
        with_key: Option<String>,
    },
    /// Lists all projects, those of the configuration among them, and what they have.
    List,
    /// Prints a project's settings, its secret keys by their names only.
    Show {
        /// Its public key.
        key: String,
    },
    /// Changes settings of a project; `FIELD=` removes one, so that it is as usual again.
    Set {
        /// Its public key.
        key: String,
        /// What it is to be like, such as `max_size="10 MiB"`: the settings of [[projects]].
        #[arg(required = true, value_name = "FIELD=VALUE", value_parser = assignment)]
        fields: Vec<Assignment>,
    },
    /// Makes a secret key for signing uploads, and prints it, once.
    AddKey {
        /// The project's public key.
        key: String,
        /// What people are to call the secret key.
        #[arg(value_parser = NonEmptyStringValueParser::new())]
        name: String,
    },
    /// Removes a secret key: what was signed with it lets nobody in any more.
    RevokeKey {
        /// The project's public key.
        key: String,
        /// What people call the secret key.
        name: String,
    },
    /// Has a token let nobody in any more.
    RevokeToken {
        /// The project's public key.
        key: String,
        /// The token's id (`jti`).
        #[arg(value_parser = NonEmptyStringValueParser::new())]
        token_id: String,
    },
    /// Has a project take no uploads until it is unblocked.
    Block {
        /// Its public key.
        key: String,
    },
    /// Has a project take uploads again.
    Unblock {
        /// Its public key.
        key: String,
    },
    /// Marks a project as removed: it takes no uploads, and nothing that it has is told of. Its files stay.
    Remove {
        /// Its public key.
        key: String,
    },
}

pub(super) async fn run(arguments: Arguments) -> Result<(), Failure> {
    let office = Office(Composition::shared(arguments.config).await?);
    match arguments.command {
        Command::Create { key, fields, with_key } => office.create(&key, &fields, with_key.as_deref()).await,
        Command::List => office.list().await,
        Command::Show { key } => office.show(&key).await,
        Command::Set { key, fields } => {
            office.change(&key, |settings| assign(settings, &fields)).await?;
            warn_of(&fields)?;
            output::tell(&format!("{key} is changed, which holds from its next request on"));
            Ok(())
        }
        Command::AddKey { key, name } => {
            let secret = random_secret()?;
            office
                .change(&key, |settings| add_secret(settings, &name, &secret))
                .await?;
            tell_secret(&key, &name, &secret)
        }
        Command::RevokeKey { key, name } => {
            office.change(&key, |settings| remove_secret(settings, &name)).await?;
            output::tell(&format!(
                "what is signed with the secret key {name} of {key} lets nobody in any more"
            ));
            Ok(())
        }
        Command::RevokeToken { key, token_id } => {
            office.change(&key, |settings| revoke(settings, &token_id)).await?;
            output::tell(&format!(
                "the token {} of {key} lets nobody in any more",
                output::plain(&token_id)
            ));
            Ok(())
        }
        Command::Block { key } => {
            office.stand(&key, "blocked").await?;
            output::tell(&format!(
                "{key} takes no uploads until `intake projects unblock {key}`; its files stay as they are"
            ));
            Ok(())
        }
        Command::Unblock { key } => {
            office.change(&key, |settings| stand(settings, "active")).await?;
            output::tell(&format!("{key} takes uploads"));
            Ok(())
        }
        Command::Remove { key } => {
            office.stand(&key, "removed").await?;
            output::tell(&format!(
                "{key} is marked as removed. Its files stay until they expire or are deleted: see \
                 `intake files list --project {key}`"
            ));
            Ok(())
        }
    }
}

/// Says what of the settings does nothing.
fn warn_of(fields: &[Assignment]) -> Result<(), Failure> {
    let mut settings = Map::new();
    assign(&mut settings, fields)?;
    for warning in warnings::of_project(&settings) {
        eprintln!("warning: {warning}");
    }
    Ok(())
}

/// Where projects are looked up and changed.
struct Office(Composition);

impl Office {
    fn catalog(&self) -> &dyn Catalog {
        self.0.pipeline.catalog()
    }

    /// What the configuration says of a project, if it lists it.
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
        let project = ManagedProject {
            public_key: key.to_owned(),
            revision: 0,
            settings,
        };
        self.check(&project)?;
        match self.catalog().put_project(&project).await? {
            Swap::Done => {}
            Swap::Lost | Swap::Full => {
                return Err(Failure::Other(format!(
                    "there is a project {key} already: see `intake projects show {key}`"
                )));
            }
        }
        warn_of(fields)?;
        output::tell(&format!(
            "{key} takes uploads. Try it:\n  echo 'Hello, world!' | curl -F UPLOADCARE_PUB_KEY={key} -F \
             'file=@-;filename=hello.txt' {}/base/",
            self.address()
        ));
        match secret {
            Some((name, secret)) => tell_secret(key, name, &secret),
            None => {
                output::tell(&format!(
                    "Anybody who knows the key may upload. To have uploads signed: `intake projects add-key {key} NAME`, \
                     then `intake projects set {key} signed_uploads=true`"
                ));
                Ok(())
            }
        }
    }

    /// What servers on this configuration are reached by, as far as it says.
    fn address(&self) -> String {
        let public = self.0.upload_api.public_url.as_deref();
        let public = public.map(|url| url.trim_end_matches('/').to_owned());
        public.unwrap_or_else(|| format!("http://{}", self.0.server.listen))
    }

    async fn list(&self) -> Result<(), Failure> {
        /// So many at a time.
        const PAGE: usize = 100;
        let head = ["KEY", "STANDING", "SECRET KEYS", "FILES", "BYTES", ""].map(str::to_owned);
        let mut rows = vec![head];
        let configured = self.0.configured();
        for (key, settings) in &configured {
            rows.push(self.row(key, settings, "configured").await?);
        }
        let mut behind = String::new();
        loop {
            let page = self.catalog().projects(&behind, PAGE).await?;
            for project in &page {
                // The configuration is asked first, so this one is asked by nobody.
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
        let standing = settings.get("standing").and_then(Value::as_str).unwrap_or("active");
        let secrets = settings.get("secrets").and_then(Value::as_array).map_or(0, Vec::len);
        let has = self.catalog().holdings(&Account::project(key)).await?;
        Ok([
            key.to_owned(),
            standing.to_owned(),
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
                ("", found.settings)
            }
        };
        let unwritable = |error: &dyn std::fmt::Display| Failure::Other(format!("cannot write as TOML: {error}"));
        let mut table = toml::Table::new();
        table.insert("public_key".to_owned(), key.into());
        table.extend(toml::Table::try_from(shown(&settings)).map_err(|error| unwritable(&error))?);
        let text = toml::to_string(&table).map_err(|error| unwritable(&error))?;
        output::print(&format!("{place}{text}"))
    }

    /// Whether a project can be used, with the stores that there are.
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

    /// Changes a project, if it can be used afterwards.
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

    /// Has a project take no uploads. Whatever else may be wrong with it must not stand in the way.
    async fn stand(&self, key: &str, standing: &str) -> Result<(), Failure> {
        self.swap(key, |next| Ok(stand(&mut next.settings, standing)?)).await
    }

    /// Puts a changed project in its own place; if somebody else changed it first, changes what he made of it.
    async fn swap(
        &self,
        key: &str,
        edit: impl Fn(&mut ManagedProject) -> Result<(), ConfigErrors>,
    ) -> Result<(), Failure> {
        /// Losing this often in a row is not bad luck any more.
        const TRIES: usize = 100;
        if self.configured(key).is_some() {
            return Err(Failure::Other(format!(
                "{key} is listed in the configuration, in [[projects]], and is changed there"
            )));
        }
        for _ in 0..TRIES {
            let found = self.catalog().project(key).await?;
            let mut next = found.ok_or_else(|| Failure::Other(unknown(key)))?;
            next.revision += 1;
            edit(&mut next)?;
            match self.catalog().put_project(&next).await? {
                Swap::Done => return Ok(()),
                Swap::Lost | Swap::Full => {}
            }
        }
        Err(Failure::Other(format!(
            "others change {key} faster than this can; nothing was changed"
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
