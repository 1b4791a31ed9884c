//! `intake tokens`: makes a token with a secret of a project's, to try uploads with. A product's own server makes its tokens
//! itself; see `docs/policy-tokens.md`.

use std::time::Duration;

use clap::{Subcommand, ValueEnum};

use super::arguments::WithConfig;
use super::edits::{Assignment, assignment, claims};
use super::{Composition, Failure, output, unknown};
use crate::upload_api::{TokenFormat, issue_token};

pub(super) type Arguments = WithConfig<Command>;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Prints a token of a project's, signed with one of its secret keys.
    Issue {
        /// The project's public key.
        key: String,
        /// Which header or parameter it is for.
        #[arg(long, value_enum, default_value = "access")]
        format: Format,
        /// The secret key to sign with, by its name; the first one if it is not said.
        #[arg(long, value_name = "NAME")]
        secret: Option<String>,
        /// How many seconds the token is good for.
        #[arg(long, default_value_t = 600, value_name = "SECONDS")]
        seconds: u64,
        /// What it says beside that, such as `operations=1` and `scope='["/base/"]'` of an access token, or `max_size=5000000`
        /// of a policy token.
        #[arg(value_name = "CLAIM=VALUE", value_parser = assignment)]
        claims: Vec<Assignment>,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum Format {
    /// Sent as `Authorization: Bearer TOKEN`.
    Access,
    /// Sent as `signature=TOKEN`.
    Policy,
}

pub(super) async fn run(arguments: Arguments) -> Result<(), Failure> {
    let Command::Issue {
        key,
        format,
        secret,
        seconds,
        claims: assigned,
    } = arguments.command;
    let composition = Composition::read(arguments.config)?;
    let project = composition.pipeline.project(&key).await?;
    let project = project.ok_or_else(|| Failure::Other(unknown(&key)))?;
    let named = project
        .secrets
        .iter()
        .find(|one| secret.as_ref().is_none_or(|name| *name == one.name));
    let secret = named.ok_or_else(|| {
        let which = secret.map_or_else(String::new, |name| format!(" of the name {}", output::plain(&name)));
        Failure::Other(format!(
            "{key} has no secret key{which}: `intake projects add-key {key} NAME` makes one"
        ))
    })?;
    let (format, sent) = match format {
        Format::Access => (TokenFormat::Access, "`Authorization: Bearer TOKEN`"),
        Format::Policy => (TokenFormat::Policy, "`signature=TOKEN`"),
    };
    let lifetime = Duration::from_secs(seconds);
    let token = issue_token(&project, secret, format, &claims(&assigned), lifetime)?;
    eprintln!("good for {seconds} seconds; send it as {sent}:");
    if format == TokenFormat::Access && !project.signed_uploads {
        eprintln!(
            "{key} takes no notice of it, as its uploads need no signature: `intake projects set {key} signed_uploads=true`"
        );
    }
    output::print(&format!("{token}\n"))
}
