//! `intake tokens`: issues a token with a secret of a project, for testing. A product's own server makes its tokens itself; see
//! `docs/policy-tokens.md`.

use std::time::Duration;

use clap::{Subcommand, ValueEnum};

use super::app::{App, unknown};
use super::arguments::WithConfig;
use super::edits::{Assignment, assignment, claims};
use super::failure::Failure;
use super::output;
use crate::upload_api::{TokenFormat, issue_token};

pub(super) type Arguments = WithConfig<Command>;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Prints a token for a project, signed with one of its secret keys.
    Issue {
        /// The project's public key.
        key: String,
        /// The kind of token.
        #[arg(long, value_enum, default_value = "access")]
        format: Format,
        /// The name of the secret key to sign with; the default is the first one.
        #[arg(long, value_name = "NAME")]
        secret: Option<String>,
        /// How many seconds the token is valid.
        #[arg(long, default_value_t = 600, value_name = "SECONDS")]
        seconds: u64,
        /// Further claims, such as `operations=1` and `scope='["/base/"]'` of an access token, or `max_size=5000000`
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
    let app = App::read(arguments.config)?;
    let project = app.pipeline.project(&key).await?;
    let project = project.ok_or_else(|| Failure::Other(unknown(&key)))?;
    let named = project
        .secrets
        .iter()
        .find(|one| secret.as_ref().is_none_or(|name| *name == one.name));
    let secret = named.ok_or_else(|| {
        let which = secret.map_or_else(String::new, |name| format!(" named {}", output::plain(&name)));
        Failure::Other(format!(
            "{key} has no secret key{which}: `intake projects add-key {key} NAME` creates one"
        ))
    })?;
    let (format, sent) = match format {
        Format::Access => (TokenFormat::Access, "`Authorization: Bearer TOKEN`"),
        Format::Policy => (TokenFormat::Policy, "`signature=TOKEN`"),
    };
    let lifetime = Duration::from_secs(seconds);
    let token = issue_token(&project, secret, format, &claims(&assigned), lifetime)?;
    eprintln!("valid for {seconds} seconds; send it as {sent}:");
    if format == TokenFormat::Access && !project.signed_uploads {
        eprintln!(
            "{key} ignores it, as its uploads need no signature: `intake projects set {key} signed_uploads=true`"
        );
    }
    output::print(&format!("{token}\n"))
}
