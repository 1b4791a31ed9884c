//! `intake webhooks`: subscriptions of projects to events, and what became of their deliveries, beside running servers.

use std::time::Instant;

use clap::Subcommand;
use intake_core::events::{Delivery, DeliveryFilter, FileEventKind, Replay, Subscription};
use intake_core::{Pipeline, Secret, Sent};
use serde::Serialize;

use super::app::App;
use super::arguments::WithConfig;
use super::failure::Failure;
use super::file::report;
use super::output::{columns, exact_time, json_line, plain, print, tell, time};

pub(super) type Arguments = WithConfig<Command>;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Lists the subscriptions of a project.
    List {
        /// Its public key; optional if there is only one project.
        #[arg(long, value_name = "KEY")]
        project: Option<String>,
        /// Prints one line of JSON for each, for programs.
        #[arg(long)]
        json: bool,
    },
    /// Subscribes a URL to events of a project: one subscription for each kind. Makes a signing secret, and prints it once.
    Add {
        /// The public key of the project.
        project: String,
        /// Where events are sent.
        url: String,
        /// A kind of event; may be repeated.
        #[arg(long, value_name = "NAME", default_value = "file.uploaded", value_parser = kind)]
        event: Vec<FileEventKind>,
    },
    /// Removes a subscription, and cancels what waits for it.
    Remove {
        /// Its id.
        id: i64,
    },
    /// Lists deliveries, the newest first: state, attempts, the last answer, the next attempt.
    Deliveries {
        /// Only those of this subscription.
        id: Option<i64>,
        /// Only those that were given up.
        #[arg(long)]
        failed: bool,
        /// The most deliveries to list.
        #[arg(long, default_value_t = 100, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1000))]
        limit: u16,
        /// Continues after this delivery.
        #[arg(long, value_name = "DELIVERY")]
        behind: Option<i64>,
        /// Prints one line of JSON for each, for programs.
        #[arg(long)]
        json: bool,
    },
    /// Sends one made-up event to the target of a subscription, now and signed as its events are, and tells what came of it.
    Test {
        /// The id of the subscription.
        id: i64,
    },
    /// Sends a delivery once more that has ended, with the same id and body.
    Replay {
        /// Its id.
        delivery: i64,
    },
}

fn kind(name: &str) -> Result<FileEventKind, String> {
    let names = || FileEventKind::ALL.map(FileEventKind::name).join(", ");
    FileEventKind::of_name(name).ok_or_else(|| format!("no event is called that; there are: {}", names()))
}

pub(super) async fn run(arguments: Arguments) -> Result<(), Failure> {
    let app = App::shared(arguments.config).await?;
    let pipeline = &app.pipeline;
    match arguments.command {
        Command::List { project, json } => {
            let project = match project {
                Some(project) => project,
                None => app.the_only_project().await?,
            };
            app.knows(&project).await?;
            list(pipeline, &project, json).await
        }
        Command::Add { project, url, event } => {
            app.knows(&project).await?;
            add(pipeline, &project, &url, &event).await
        }
        Command::Remove { id } => match pipeline.unsubscribe(id).await? {
            true => {
                tell(&format!("subscription {id} is removed"));
                Ok(())
            }
            false => Err(Failure::Other(format!("there is no subscription {id}"))),
        },
        Command::Deliveries {
            id,
            failed,
            limit,
            behind,
            json,
        } => {
            let filter = id.map_or_else(DeliveryFilter::default, DeliveryFilter::of);
            let filter = if failed { filter.failed() } else { filter };
            deliveries(pipeline, filter, behind, usize::from(limit), json).await
        }
        Command::Test { id } => test(pipeline, id).await,
        Command::Replay { delivery } => match pipeline.replay(Replay::One(delivery)).await? {
            0 => Err(Failure::Other(format!(
                "there is no delivery {delivery} that has ended; `intake webhooks deliveries` lists them"
            ))),
            _ => {
                tell(&format!("delivery {delivery} is sent once more by a running server"));
                Ok(())
            }
        },
    }
}

async fn add(pipeline: &Pipeline, project: &str, url: &str, events: &[FileEventKind]) -> Result<(), Failure> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|error| Failure::Other(format!("cannot make a secret: {error}")))?;
    let secret = hex::encode(bytes);
    let mut is_shown = false;
    for event in events {
        let wanted = Subscription::new(project, *event, url)
            .with(|subscription| subscription.secrets = vec![Secret::new(secret.as_str())]);
        let added = pipeline.subscribe(wanted).await;
        let added = added.map_err(|error| Failure::Other(format!("{}: {}", event.name(), report(error))))?;
        tell(&format!(
            "subscription {} sends {} of {project}",
            added.id,
            event.name()
        ));
        // As soon as one subscription has it, because a later one may be refused.
        if !is_shown {
            tell("they are signed with this secret, which is not shown again:");
            print(&format!("{secret}\n"))?;
            is_shown = true;
        }
    }
    Ok(())
}

async fn test(pipeline: &Pipeline, id: i64) -> Result<(), Failure> {
    let began = Instant::now();
    let sent = pipeline.test_subscription(id).await?;
    let millis = began.elapsed().as_millis();
    let not_taken = |reason: &str| {
        let reason = plain(reason);
        Err(Failure::Other(format!(
            "the test event was not taken, after {millis} ms: {reason}"
        )))
    };
    match sent {
        None => Err(Failure::Other(format!("there is no subscription {id}"))),
        Some(Sent::Delivered) => {
            tell(&format!("the target took the test event, after {millis} ms"));
            Ok(())
        }
        Some(Sent::Ended { reason }) => not_taken(&format!("{reason}; an event would end the subscription")),
        Some(Sent::Failed { reason, .. }) => not_taken(&reason),
        Some(_) => not_taken("the notifier gives no known answer"),
    }
}

/// What is shown of a subscription; never its secrets.
#[derive(Debug, Serialize)]
struct Shown<'a> {
    project: &'a str,
    id: i64,
    event: &'static str,
    target: &'a str,
    active: bool,
    ended_because: Option<&'a str>,
    last_failure: Option<String>,
}

async fn list(pipeline: &Pipeline, project: &str, json: bool) -> Result<(), Failure> {
    let mut rows = vec![["PROJECT", "ID", "EVENT", "ACTIVE", "TARGET", "LAST FAILURE"].map(str::to_owned)];
    for subscription in &pipeline.subscriptions(project).await? {
        let filter = DeliveryFilter::of(subscription.id).failed();
        let failed = pipeline.deliveries(filter, None, 1).await?;
        let shown = Shown {
            project: &subscription.project,
            id: subscription.id,
            event: subscription.kind.name(),
            target: &subscription.target,
            active: subscription.is_active,
            ended_because: subscription.ended_because.as_deref(),
            last_failure: failed.into_iter().next().and_then(|delivery| delivery.answer),
        };
        if json {
            print(&json_line(&shown)?)?;
            continue;
        }
        let failure = shown
            .ended_because
            .or(shown.last_failure.as_deref())
            .unwrap_or_default();
        rows.push([
            plain(shown.project),
            shown.id.to_string(),
            shown.event.to_owned(),
            if shown.active { "yes" } else { "no" }.to_owned(),
            plain(shown.target),
            plain(failure),
        ]);
    }
    if json {
        Ok(())
    } else {
        print(&columns(&rows, [false; 6]))
    }
}

/// What is shown of a delivery.
#[derive(Debug, Serialize)]
struct ShownDelivery<'a> {
    id: i64,
    subscription: Option<i64>,
    event: &'a str,
    kind: &'static str,
    file: String,
    target: &'a str,
    state: &'static str,
    attempts: u32,
    answer: Option<&'a str>,
    next: Option<String>,
}

async fn deliveries(
    pipeline: &Pipeline,
    filter: DeliveryFilter,
    behind: Option<i64>,
    limit: usize,
    json: bool,
) -> Result<(), Failure> {
    let page = pipeline.deliveries(filter, behind, limit).await?;
    if json {
        return page
            .iter()
            .try_for_each(|delivery| print(&json_line(&shown(delivery))?));
    }
    let heads = ["ID", "EVENT", "FILE", "STATE", "ATTEMPTS", "NEXT", "TARGET", "ANSWER"];
    let mut rows = vec![heads.map(str::to_owned)];
    rows.extend(page.iter().map(|delivery| {
        [
            delivery.id.to_string(),
            delivery.kind.name().to_owned(),
            delivery.file.to_string(),
            delivery.state.name().to_owned(),
            delivery.attempts.to_string(),
            delivery.due.map(time).unwrap_or_default(),
            plain(&delivery.to.target),
            plain(delivery.answer.as_deref().unwrap_or_default()),
        ]
    }));
    print(&columns(&rows, [false, false, false, false, true, false, false, false]))
}

fn shown(delivery: &Delivery) -> ShownDelivery<'_> {
    ShownDelivery {
        id: delivery.id,
        subscription: delivery.to.subscription,
        event: &delivery.event,
        kind: delivery.kind.name(),
        file: delivery.file.to_string(),
        target: &delivery.to.target,
        state: delivery.state.name(),
        attempts: delivery.attempts,
        answer: delivery.answer.as_deref(),
        next: delivery.due.map(exact_time),
    }
}
