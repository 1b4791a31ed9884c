//! `intake serve`: prints a banner, serves, runs the maintenance, and stops on a signal.

use std::fmt::Write as _;
use std::io::IsTerminal as _;
use std::net::SocketAddr;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use bytesize::ByteSize;
use futures_util::FutureExt as _;
use futures_util::future::try_join_all;
use intake_core::{Intervals, Pipeline};
use serde_json::Value;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tracing::{error, info, warn};

use super::admin::Admin;
use super::app::App;
use super::sites::{self, Sites};
use super::{limits, output, places, warnings};
use crate::server::{self, ServerSettings};

/// How often the backlog is measured.
const MEASURED_EVERY: Duration = Duration::from_secs(10);

/// Serves until the process is asked to stop.
pub(crate) async fn serve(app: App) -> Result<(), String> {
    let banner = Banner::of(&app);
    if let Err(error) = limits::raise_open_files() {
        warn!(%error, "could not raise the limit of open files");
    }
    for warning in warnings::of(&app.source) {
        warn!("{warning}");
    }
    let App {
        pipeline,
        upload_api: settings,
        delivery,
        rest_api,
        server: mut bounds,
        ..
    } = app;
    bounds.shared_by_many = sites::proxies(&settings, rest_api.as_ref());
    let delivers = delivery.is_some();
    let sites = Sites::open(&pipeline, settings, rest_api, delivery, &bounds).await?;
    let address = sites.uploads()?;
    let stop = stop_signal()?;
    let admin = match bounds.admin_address() {
        Some(listen) => Some(Admin::start(listen, &pipeline).await?),
        None => None,
    };

    // Serving does not depend on a reader of this output.
    let files = delivers.then_some(sites.files()?.unwrap_or(address));
    let _unread = output::print(&banner.text(address, files, admin.as_ref().map(Admin::address)));
    let background = Background::start(&pipeline, &bounds, admin.is_some());
    let readiness = admin.as_ref().map(Admin::readiness);
    let stopped_at = OnceLock::new();
    let stop = async {
        stop.await;
        // Before the listener closes, so that load balancers send no requests to a closed port.
        if let Some(readiness) = readiness {
            readiness.stop();
            tokio::time::sleep(bounds.stop_delay).await;
        }
        let _first = stopped_at.set(Instant::now());
    };
    let stop = stop.shared();
    let served = sites
        .each()
        .map(|site| server::serve(site.listener, site.router, &bounds, stop.clone()));
    let served = try_join_all(served).await;
    // Uploads whose connections are gone end by themselves, within the same time.
    let since = stopped_at.get().map_or(Duration::ZERO, Instant::elapsed);
    let left = bounds.shutdown_timeout.saturating_sub(since);
    if tokio::time::timeout(left, pipeline.finish()).await.is_err() {
        warn!("running uploads were cut off; none of them was acknowledged");
    }
    background.stop().await;
    if let Some(admin) = admin {
        admin.end().await;
    }
    served.map(drop).map_err(|error| error.to_string())
}

/// The maintenance that runs beside the server.
struct Background {
    task: JoinHandle<()>,
    stop: oneshot::Sender<()>,
}

impl Background {
    fn start(pipeline: &Pipeline, bounds: &ServerSettings, measures: bool) -> Self {
        let intervals = Intervals::default()
            .sweep(bounds.sweep_interval)
            .recovery(bounds.recovery_interval);
        let intervals = match measures {
            true => intervals.measurement(MEASURED_EVERY),
            false => intervals,
        };
        let pipeline = pipeline.clone();
        let (stop, stopped) = oneshot::channel::<()>();
        let task = tokio::spawn(async move {
            let stopped = async { drop(stopped.await) };
            pipeline.run_background(intervals, stopped).await;
        });
        Self { task, stop }
    }

    async fn stop(self) {
        drop(self.stop);
        if let Err(failure) = self.task.await {
            error!(%failure, "the maintenance ended early");
        }
    }
}

/// Ready when the process gets SIGINT (Ctrl-C) or SIGTERM, or when its terminal is closed (SIGHUP). A second signal ends it at
/// once, without losing acknowledged uploads.
pub(super) fn stop_signal() -> Result<impl Future<Output = ()>, String> {
    let listen = |kind| signal(kind).map_err(|error| format!("cannot listen for signals: {error}"));
    let (mut interrupt, mut terminate) = (listen(SignalKind::interrupt())?, listen(SignalKind::terminate())?);
    let mut hangup = listen(SignalKind::hangup())?;
    // A service would be expected to reload its configuration.
    let has_terminal = std::io::stderr().is_terminal();
    Ok(async move {
        loop {
            tokio::select! {
                _ = interrupt.recv() => break,
                _ = terminate.recv() => break,
                _ = hangup.recv() => {
                    if has_terminal {
                        break;
                    }
                    warn!("SIGHUP is ignored: the configuration is read at the start only; restart the program to change it");
                }
            }
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

/// The output at the start: the address, the parts in use, and what is *not* switched on.
struct Banner {
    lines: String,
    key: String,
    limit: String,
}

impl Banner {
    fn of(app: &App) -> Self {
        let mut settings = app.source.settings();
        let mut lines = String::new();
        let _ok = writeln!(lines, "  {:<9} {}", "settings", app.source.name());
        for (label, section) in [("files", "store"), ("records", "record")] {
            let place = places::of_section(settings.take(section).as_ref());
            let _ok = writeln!(lines, "  {label:<9} {place}");
        }
        if let Some(derived) = settings.take("derived") {
            let _ok = writeln!(lines, "  {:<9} {}", "results", places::of_section(Some(&derived)));
        }
        let keys = app.projects();
        let listed = if keys.is_empty() {
            "none but those that `intake projects` lists".to_owned()
        } else {
            keys.join(", ")
        };
        let _ok = writeln!(lines, "  {:<9} {listed}", "projects");
        let scanners: Vec<_> = app.pipeline.scanners().collect();
        let named = if scanners.is_empty() {
            "none".to_owned()
        } else {
            scanners.join(", ")
        };
        let _ok = writeln!(lines, "  {:<9} {named}", "scanners");
        let _ok = writeln!(lines, "  {:<9} {}", "limits", app.limits());
        if !uses(settings.take("scan"), "clamav") {
            lines += "  NOT switched on: a virus scanner. Files are taken without being scanned; see [[scan]] in `intake config`.\n";
        }
        if !app.pipeline.can_fetch() {
            lines += "  NOT switched on: files from elsewhere. /from_url/ is refused; see [receive.pull] in `intake config`.\n";
        }
        let limit = app.upload_api.max_direct_size;
        let limit = ByteSize::b(limit.min(app.pipeline.limits().max_size)).to_string();
        Self {
            lines,
            key: keys.into_iter().next().unwrap_or_else(|| "YOUR_KEY".to_owned()),
            limit,
        }
    }

    fn text(&self, address: SocketAddr, files: Option<SocketAddr>, admin: Option<SocketAddr>) -> String {
        let Self { lines, key, limit } = self;
        let admin = admin.map_or_else(
            || "off".to_owned(),
            |admin| format!("http://{admin}/ (healthz, readyz, metrics)"),
        );
        let admin = format!("  {:<9} {admin}\n", "admin");
        let files = files.map_or_else(
            || "off; see [delivery] in `intake config`".to_owned(),
            |files| format!("http://{files}/ID/"),
        );
        let files = format!("  {:<9} {files}\n", "delivery");
        format!(
            "Intake {} listens on http://{address}/ and takes files of up to {limit}\n{admin}{files}{lines}\nTry it:\n  echo 'Hello, world!' | \
             curl -F UPLOADCARE_PUB_KEY={key} -F 'file=@-;filename=hello.txt' http://{address}/base/\n",
            env!("CARGO_PKG_VERSION"),
        )
    }
}

fn uses(section: Option<Value>, plugin: &str) -> bool {
    let Some(Value::Array(entries)) = section else {
        return false;
    };
    entries
        .iter()
        .any(|entry| entry.get("use").and_then(Value::as_str) == Some(plugin))
}
