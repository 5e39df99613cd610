//! What `/metrics` tells, in Prometheus' text format.

use std::time::Duration;

use prometheus::{
    Encoder, Histogram, HistogramOpts, HistogramVec, IntCounterVec, IntGauge, IntGaugeVec, Opts,
    Registry, TextEncoder, exponential_buckets,
};
use simpleflow_engine::{Backlog, TaskKind};
use simpleflow_model::{SmolStr, Timestamp};

/// How things are with the engines at a moment.
#[derive(Debug, Default)]
pub(crate) struct Snapshot {
    pub now: Timestamp,
    pub open_executions: usize,
    pub waiting_polls: usize,
    /// The task lists that have tasks, with their regions.
    pub backlogs: Vec<(SmolStr, Backlog)>,
}

/// The metrics of a server.
#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    requests: IntCounterVec,
    errors: IntCounterVec,
    latency: HistogramVec,
    commits: Histogram,
    commit_events: Histogram,
    open_executions: IntGauge,
    waiting_polls: IntGauge,
    backlog: IntGaugeVec,
    backlog_age: IntGaugeVec,
    connections: IntGauge,
}

impl Metrics {
    pub(crate) fn new() -> Result<Self, prometheus::Error> {
        let lists = ["region", "domain", "kind", "task_list"];
        let seconds = exponential_buckets(0.000_1, 2.0, 20)?;
        let metrics = Self {
            registry: Registry::new(),
            requests: IntCounterVec::new(
                Opts::new(
                    "simpleflow_requests_total",
                    "Requests answered, by operation.",
                ),
                &["operation"],
            )?,
            errors: IntCounterVec::new(
                Opts::new(
                    "simpleflow_errors_total",
                    "Requests answered with an error, by operation and type of error.",
                ),
                &["operation", "error"],
            )?,
            latency: HistogramVec::new(
                HistogramOpts::new(
                    "simpleflow_request_seconds",
                    "Time from the end of a request to its answer, by operation. A poll waits up \
                     to 60 seconds for a task.",
                )
                .buckets(seconds.clone()),
                &["operation"],
            )?,
            commits: Histogram::with_opts(
                HistogramOpts::new(
                    "simpleflow_commit_seconds",
                    "Time to write a batch and sync it to disk.",
                )
                .buckets(seconds),
            )?,
            commit_events: Histogram::with_opts(
                HistogramOpts::new("simpleflow_commit_events", "History events in a batch.")
                    .buckets(exponential_buckets(1.0, 2.0, 14)?),
            )?,
            open_executions: IntGauge::new(
                "simpleflow_open_executions",
                "Executions that are open.",
            )?,
            waiting_polls: IntGauge::new(
                "simpleflow_waiting_polls",
                "Polls that wait for a task.",
            )?,
            backlog: IntGaugeVec::new(
                Opts::new(
                    "simpleflow_backlog_tasks",
                    "Tasks that wait, by task list. A list without tasks is not shown.",
                ),
                &lists,
            )?,
            backlog_age: IntGaugeVec::new(
                Opts::new(
                    "simpleflow_backlog_age_seconds",
                    "Age of the oldest task that waits, by task list.",
                ),
                &lists,
            )?,
            connections: IntGauge::new("simpleflow_connections", "Open connections.")?,
        };
        let registry = &metrics.registry;
        registry.register(Box::new(metrics.requests.clone()))?;
        registry.register(Box::new(metrics.errors.clone()))?;
        registry.register(Box::new(metrics.latency.clone()))?;
        registry.register(Box::new(metrics.commits.clone()))?;
        registry.register(Box::new(metrics.commit_events.clone()))?;
        registry.register(Box::new(metrics.open_executions.clone()))?;
        registry.register(Box::new(metrics.waiting_polls.clone()))?;
        registry.register(Box::new(metrics.backlog.clone()))?;
        registry.register(Box::new(metrics.backlog_age.clone()))?;
        registry.register(Box::new(metrics.connections.clone()))?;
        Ok(metrics)
    }

    /// Notes an answer. The operation must be one that the server knows, of SWF or of S3: labels come
    /// from nobody else.
    pub(crate) fn answered(&self, operation: &str, error: Option<&str>, took: Duration) {
        self.requests.with_label_values(&[operation]).inc();
        self.latency
            .with_label_values(&[operation])
            .observe(took.as_secs_f64());
        if let Some(error) = error {
            self.errors.with_label_values(&[operation, error]).inc();
        }
    }

    pub(crate) fn committed(&self, took: Duration, events: usize) {
        self.commits.observe(took.as_secs_f64());
        self.commit_events.observe(events as f64);
    }

    pub(crate) fn connected(&self) {
        self.connections.inc();
    }

    pub(crate) fn disconnected(&self) {
        self.connections.dec();
    }

    /// The text for Prometheus.
    pub(crate) fn text(&self, snapshot: &Snapshot) -> Result<Vec<u8>, prometheus::Error> {
        self.open_executions
            .set(i64::try_from(snapshot.open_executions).unwrap_or(i64::MAX));
        self.waiting_polls
            .set(i64::try_from(snapshot.waiting_polls).unwrap_or(i64::MAX));
        self.backlog.reset();
        self.backlog_age.reset();
        for (region, backlog) in &snapshot.backlogs {
            let kind = match backlog.kind {
                TaskKind::Decision => "decision",
                TaskKind::Activity => "activity",
            };
            let labels = [
                region.as_str(),
                backlog.domain.as_str(),
                kind,
                backlog.task_list.as_str(),
            ];
            let tasks = i64::try_from(backlog.tasks).unwrap_or(i64::MAX);
            self.backlog.with_label_values(&labels).set(tasks);
            let age = snapshot.now.since(backlog.oldest).as_secs();
            let age = i64::try_from(age).unwrap_or(i64::MAX);
            self.backlog_age.with_label_values(&labels).set(age);
        }
        let mut text = Vec::new();
        TextEncoder::new().encode(&self.registry.gather(), &mut text)?;
        Ok(text)
    }
}
