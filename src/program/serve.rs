//! `intake serve`: says what it does, serves, sweeps, and stops when asked to.

use std::fmt::Write as _;
use std::time::Duration;

use intake_core::Pipeline;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tracing::{error, info, warn};

use super::{Composition, warnings};
use crate::{server, upload_api};

/// Serves until the process is asked to stop.
pub(crate) async fn serve(composition: Composition) -> Result<(), String> {
    let banner = Banner::of(&composition);
    for warning in warnings::of(&composition.source) {
        warn!("{warning}");
    }
    let Composition {
        pipeline,
        upload_api: settings,
        server: bounds,
        ..
    } = composition;
    let app = upload_api::router(pipeline.clone(), settings).map_err(|error| error.to_string())?;
    pipeline.ready().await.map_err(|fault| fault.chain())?;
    let listener = TcpListener::bind(&bounds.listen).await.map_err(|error| {
        format!(
            "cannot listen on {}: {error}; set `listen` in [server], or INTAKE_SERVER__LISTEN",
            bounds.listen
        )
    })?;
    let address = listener
        .local_addr()
        .map_err(|error| format!("the listener has no address: {error}"))?;
    let stop = stop_signal()?;

    print!("{}", banner.text(&address.to_string()));
    let sweeper = tokio::spawn(sweep_for_ever(pipeline.clone(), bounds.sweep_every));
    let resumer = tokio::spawn(resume_for_ever(pipeline.clone(), bounds.resume_every));
    let puller = pipeline.can_pull().then(|| {
        let every = bounds.resume_every.max(Duration::from_millis(100));
        tokio::spawn(async move { pipeline.pull_for_ever(every).await })
    });
    let served = server::serve(listener, app, &bounds, stop).await;
    // All may be cut off anywhere: what they have claimed is claimed again later.
    for task in [Some(sweeper), Some(resumer), puller].into_iter().flatten() {
        task.abort();
    }
    served.map_err(|error| error.to_string())
}

/// Ready when the process gets SIGINT (Ctrl-C) or SIGTERM. A second one ends it at once, which costs nothing that was
/// acknowledged.
fn stop_signal() -> Result<impl Future<Output = ()>, String> {
    let listen = |kind| signal(kind).map_err(|error| format!("cannot listen for signals: {error}"));
    let (mut interrupt, mut terminate) = (listen(SignalKind::interrupt())?, listen(SignalKind::terminate())?);
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        info!("stopping: no new connections; requests under way may end");
        tokio::spawn(async move {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            std::process::exit(130);
        });
    })
}

fn ticks(every: Duration) -> tokio::time::Interval {
    let mut ticks = tokio::time::interval(every.max(Duration::from_millis(100)));
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    ticks
}

async fn resume_for_ever(pipeline: Pipeline, every: Duration) {
    let mut ticks = ticks(every);
    loop {
        ticks.tick().await;
        match pipeline.resume().await {
            Ok(resumed) if resumed.is_empty() => {}
            Ok(resumed) => info!(?resumed, "went on with what others had begun"),
            Err(fault) => error!(fault = fault.chain(), "could not look up what is to be gone on with"),
        }
    }
}

async fn sweep_for_ever(pipeline: Pipeline, every: Duration) {
    let mut ticks = ticks(every);
    loop {
        ticks.tick().await;
        match pipeline.sweep().await {
            Ok(swept) if swept.is_empty() => {}
            Ok(swept) => info!(?swept, "swept"),
            Err(fault) => error!(fault = fault.chain(), "could not look up what is due"),
        }
    }
}

/// What is said at the start: where, what with, and what is *not* switched on.
struct Banner {
    lines: String,
    key: String,
    limit: String,
}

impl Banner {
    fn of(composition: &Composition) -> Self {
        let mut settings = composition.source.settings();
        let mut lines = String::new();
        for (label, section) in [("files", "store"), ("records", "record")] {
            let _ok = writeln!(lines, "  {label:<9} {}", place(settings.take(section)));
        }
        let keys = composition.projects();
        let listed = if keys.is_empty() {
            "none but those that `intake projects` lists".to_owned()
        } else {
            keys.join(", ")
        };
        let _ok = writeln!(lines, "  {:<9} {listed}", "projects");
        let scanners: Vec<_> = composition.pipeline.scanners().collect();
        let named = if scanners.is_empty() {
            "none".to_owned()
        } else {
            scanners.join(", ")
        };
        let _ok = writeln!(lines, "  {:<9} {named}", "scanners");
        if !uses(settings.take("scan"), "clamav") {
            lines += "  NOT switched on: a virus scanner. Files are taken without being scanned; see [[scan]] in `intake config`.\n";
        }
        if !composition.pipeline.can_pull() {
            lines += "  NOT switched on: files from elsewhere. /from_url/ is refused; see [receive.pull] in `intake config`.\n";
        }
        let limit = composition.upload_api.max_direct_size.to_string();
        Self {
            lines,
            key: keys.into_iter().next().unwrap_or_else(|| "YOUR_KEY".to_owned()),
            limit,
        }
    }

    fn text(&self, address: &str) -> String {
        let Self { lines, key, limit } = self;
        format!(
            "Intake {} listens on http://{address}/ and takes files of up to {limit}\n{lines}\nTry it:\n  echo 'Hello, world!' | \
             curl -F UPLOADCARE_PUB_KEY={key} -F 'file=@-;filename=hello.txt' http://{address}/base/\n",
            env!("CARGO_PKG_VERSION"),
        )
    }
}

/// Where things are kept, from the settings that are no secrets.
fn place(section: Option<Value>) -> String {
    const TELLING: [&str; 6] = ["scheme", "root", "bucket", "prefix", "endpoint", "region"];
    let text = |key: &str| section.as_ref().and_then(|section| section.get(key)?.as_str());
    // An address of a database may have a password in it; only a file's is shown.
    let url = text("url").filter(|url| url.starts_with("sqlite:"));
    let told: Vec<_> = TELLING.into_iter().filter_map(text).chain(url).collect();
    format!("{} ({})", told.join(" "), text("use").unwrap_or("unknown"))
}

fn uses(section: Option<Value>, plugin: &str) -> bool {
    let Some(Value::Array(entries)) = section else {
        return false;
    };
    entries
        .iter()
        .any(|entry| entry.get("use").and_then(Value::as_str) == Some(plugin))
}
