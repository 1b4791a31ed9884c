//! Health, readiness and metrics, on a listener of their own, so that they are not public.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::get;
use intake_core::{Pipeline, measure};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};
use tracing::error;

use super::readiness::Readiness;
use crate::server::{self, ServerSettings};

/// Connections at a time.
const CONNECTIONS: usize = 64;
/// The timeout for the head of a request and for running requests at the end, and the interval of [`keep`].
const MOMENT: Duration = Duration::from_secs(5);
/// The Prometheus text format.
const TEXT_FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";
/// The buckets of histograms in seconds: from a look-up in a database to an upload over a slow line.
const BUCKETS: [f64; 13] = [
    0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 15.0, 60.0, 600.0,
];

/// The listener, while it runs.
#[derive(Debug)]
pub(super) struct Admin {
    address: SocketAddr,
    readiness: Arc<Readiness>,
    stop: oneshot::Sender<()>,
    tasks: JoinSet<()>,
}

#[derive(Clone)]
struct Told {
    readiness: Arc<Readiness>,
    metrics: PrometheusHandle,
}

impl Admin {
    /// Begins to listen, and to collect metrics.
    ///
    /// # Errors
    ///
    /// A message for the operator, if the address cannot be bound.
    pub(super) async fn start(listen: &str, pipeline: &Pipeline) -> Result<Self, String> {
        let failed = |error: &dyn std::fmt::Display| {
            format!(
                "cannot listen on {listen} for health and metrics: {error}; set `admin` in [server], or INTAKE_SERVER__ADMIN, to \
                 another address or to \"off\""
            )
        };
        let listener = TcpListener::bind(listen).await.map_err(|error| failed(&error))?;
        let address = listener.local_addr().map_err(|error| failed(&error))?;
        let readiness = Arc::new(Readiness::of(pipeline.clone()));
        let metrics = count()?;
        let app = Router::new()
            .route("/healthz", get(|| async { "ok\n" }))
            .route("/readyz", get(readyz))
            .route("/metrics", get(render))
            .with_state(Told {
                readiness: readiness.clone(),
                metrics: metrics.clone(),
            });
        let bounds = ServerSettings::default().with(|settings| {
            settings.max_connections = CONNECTIONS;
            // All clients are the operator's own.
            settings.max_connections_per_ip = Some(CONNECTIONS);
            settings.header_timeout = MOMENT;
            settings.shutdown_timeout = MOMENT;
        });
        let (stop, stopped) = oneshot::channel::<()>();
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let stopped = async { drop(stopped.await) };
            if let Err(error) = server::serve(listener, app, &bounds, stopped).await {
                error!(%error, "the listener for health and metrics has failed");
            }
        });
        tasks.spawn(keep(readiness.clone(), metrics));
        Ok(Self {
            address,
            readiness,
            stop,
            tasks,
        })
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(super) fn readiness(&self) -> Arc<Readiness> {
        self.readiness.clone()
    }

    /// Closes the listener, after running requests were answered.
    pub(super) async fn end(mut self) {
        drop(self.stop);
        // The listener ends by itself; the task of `keep` does not.
        let _first = self.tasks.join_next().await;
        self.tasks.shutdown().await;
    }
}

/// Installs the recorder of metrics.
fn count() -> Result<PrometheusHandle, String> {
    let buckets = PrometheusBuilder::new().set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &BUCKETS);
    let recorder = buckets.map_err(|error| error.to_string())?.build_recorder();
    let metrics = recorder.handle();
    metrics::set_global_recorder(recorder).map_err(|error| format!("cannot collect metrics: {error}"))?;
    measure::describe();
    Ok(metrics)
}

/// Puts samples into their buckets, as otherwise they accumulate until the metrics are read. Also checks the readiness, so that a
/// failure is logged even without requests for it.
async fn keep(readiness: Arc<Readiness>, metrics: PrometheusHandle) {
    let mut ticks = interval(MOMENT);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        metrics.run_upkeep();
        let _said = readiness.ask().await;
    }
}

async fn readyz(State(told): State<Told>) -> (StatusCode, String) {
    match told.readiness.ask().await {
        Ok(()) => (StatusCode::OK, "ready\n".to_owned()),
        Err(reason) => (StatusCode::SERVICE_UNAVAILABLE, format!("not ready: {reason}\n")),
    }
}

async fn render(State(told): State<Told>) -> impl IntoResponse {
    ([(CONTENT_TYPE, TEXT_FORMAT)], told.metrics.render())
}
