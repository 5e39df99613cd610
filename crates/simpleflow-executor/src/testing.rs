//! Running workflows in unit tests: on the engine in memory, with virtual time.

mod explore;
mod folder;

use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use simpleflow_core::objects::Objects;
use simpleflow_core::payload::{ArgumentError, Arguments, from_text, to_json};
use simpleflow_core::{
    Activity, ActivityEntry, ActivityResult, Failure, Registry, RunningActivity, Workflow,
    WorkflowEntry, activity_result,
};
use simpleflow_jumbo::Jumbo;
use simpleflow_model::{EventAttributes, HistoryEvent, SmolStr, Timestamp};

pub use explore::{Explore, Explored, Reached, Schedule, Wrong, explore};
pub use folder::{FolderFailed, HistoryFailed, ReplayFolder, replay_folder};

use crate::local::{Later, Local, LocalError, Outside};
use crate::outcome::Outcome;
use crate::resources::Resources;
use crate::start::{StartError, StartOptions};

/// Runs a workflow with the activities that are linked into the program, in virtual time.
///
/// # Panics
/// When it cannot be brought to an end: the message says why. That the workflow fails is no panic.
#[track_caller]
pub fn run<W: Workflow>(workflow: W) -> TestRun {
    Test::of(workflow).run()
}

/// A test of a workflow: what it runs with.
#[derive(Clone)]
#[must_use = "a test does nothing until `run` is called"]
pub struct Test {
    entry: WorkflowEntry,
    input: Result<String, ArgumentError>,
    registry: Registry,
    replacements: Vec<ActivityEntry>,
    objects: Objects,
    options: StartOptions,
    start_time: Option<Timestamp>,
    later: Vec<Later>,
}

impl Test {
    /// A test with the workflows and activities that are linked into the program.
    pub fn of<W: Workflow>(workflow: W) -> Self {
        Self {
            entry: WorkflowEntry::of::<W>(),
            input: match workflow.to_arguments() {
                Ok(args) => Ok(format!("[{}]", args.join(","))),
                Err(error) => Err(ArgumentError::Json(error.to_string())),
            },
            registry: Registry::linked(),
            replacements: Vec::new(),
            objects: Objects::memory(),
            options: StartOptions::default(),
            start_time: None,
            later: Vec::new(),
        }
    }

    /// Takes the workflows and activities of a registry instead. The workflow under test must be
    /// among them.
    pub fn registry(mut self, registry: Registry) -> Self {
        self.registry = registry;
        self
    }

    /// Runs a closure in the place of an activity. It gets the arguments as a tuple.
    ///
    /// ```
    /// # use simpleflow_executor::testing::Test;
    /// # fn replaced<A: simpleflow_core::Activity>(test: Test) -> Test {
    /// test.replace::<A, _>(|(_seconds, x): (f64, i64)| Ok::<_, String>(x))
    /// # }
    /// ```
    pub fn replace<A: Activity, M>(mut self, run: impl Replacement<M>) -> Self {
        let definition = A::definition();
        let replacement = move |_, input: &str| {
            let args = Arguments::of_input(input)
                .bind(definition.parameters)?
                .to_list();
            let result = run.run(&args);
            Ok(RunningActivity::Async(Box::pin(std::future::ready(result))))
        };
        self.replacements
            .push(ActivityEntry::replaced_by(definition, replacement));
        self
    }

    /// Runs a closure in the place of a Lambda function, from its input to its result. The workflow
    /// needs a `lambda_role` all the same.
    pub fn lambda_function<X, T, E>(
        mut self,
        name: impl Into<SmolStr>,
        run: impl Fn(X) -> Result<T, E> + Send + Sync + 'static,
    ) -> Self
    where
        X: DeserializeOwned,
        T: Serialize,
        E: std::fmt::Display + std::fmt::Debug + 'static,
    {
        self.registry = self.registry.lambda_function(name, run);
        self
    }

    /// Sends a signal right after the start.
    ///
    /// # Panics
    /// When the payload has no JSON form.
    pub fn signal(mut self, name: impl Into<SmolStr>, payload: impl Serialize) -> Self {
        self.options
            .signals
            .push((name.into(), Some(signal_input(&payload))));
        self
    }

    /// Sends a signal so long after the start, in virtual time, if the execution is open then.
    ///
    /// # Panics
    /// When the payload has no JSON form.
    pub fn signal_after(
        mut self,
        after: Duration,
        name: impl Into<SmolStr>,
        payload: impl Serialize,
    ) -> Self {
        let what = Outside::Signal(name.into(), Some(signal_input(&payload)));
        self.later.push(Later { after, what });
        self
    }

    /// Requests the cancel of the execution so long after the start, in virtual time, if it is open
    /// then.
    pub fn cancel_after(mut self, after: Duration) -> Self {
        let what = Outside::Cancel;
        self.later.push(Later { after, what });
        self
    }

    /// The time at which the execution starts; the machine's unless this is said. It is what
    /// [`Flow::now`](simpleflow_core::Flow::now) says in the workflow, give or take what the
    /// machine takes for the work. From there time jumps to what is due next whenever nothing
    /// is at work.
    ///
    /// ```
    /// # use simpleflow_executor::testing::Test;
    /// # fn new_year<W: simpleflow_core::Workflow>(report: W) -> Test {
    /// use std::time::{Duration, SystemTime};
    ///
    /// let new_year = SystemTime::UNIX_EPOCH + Duration::from_secs(1_767_225_600);
    /// Test::of(report)
    ///     .start_time(new_year)
    ///     .signal_after(Duration::from_secs(86_400), "approve", true)
    /// # }
    /// ```
    pub fn start_time(mut self, start: impl Into<Timestamp>) -> Self {
        self.start_time = Some(start.into());
        self
    }

    /// The place where activities keep their objects: one in memory of its own, unless this is said.
    /// Places that activities name are in it, under their URLs.
    pub fn objects(mut self, objects: Objects) -> Self {
        self.objects = objects;
        self
    }

    /// The workflow id of the execution.
    pub fn workflow_id(mut self, workflow_id: impl Into<SmolStr>) -> Self {
        self.options.workflow_id = Some(workflow_id.into().into());
        self
    }

    /// Runs the workflow to its end.
    ///
    /// # Panics
    /// When it cannot be brought to an end: the message says why. That the workflow fails is no
    /// panic.
    #[track_caller]
    pub fn run(self) -> TestRun {
        match self.try_run() {
            Ok(run) => run,
            Err(error) => panic!("the workflow could not be run to its end: {error}"),
        }
    }

    /// Runs the workflow to its end.
    ///
    /// # Errors
    /// [`LocalError`], when it cannot be brought to an end.
    pub fn try_run(self) -> Result<TestRun, LocalError> {
        let Prepared {
            registry,
            input,
            resources,
            jumbo,
        } = self.prepared()?;
        let local = match self.start_time {
            Some(start) => Local::with_virtual_time_from(registry, start)?,
            None => Local::with_virtual_time(registry)?,
        };
        let run = local
            .resources(resources)
            .jumbo(jumbo)
            .later(self.later)
            .run(&self.entry, &input, self.options)?;
        Ok(TestRun {
            outcome: run.outcome,
            history: run.history,
        })
    }

    /// What the workflow runs with, however it is run.
    fn prepared(&self) -> Result<Prepared, StartError> {
        let input = self.input.clone().map_err(|problem| StartError::Input {
            workflow: self.entry.definition().path.clone(),
            problem,
        })?;
        let mut registry = self.registry.clone();
        for replacement in &self.replacements {
            registry.replace_activity(replacement.clone());
        }
        let objects = self.objects.clone();
        let resources =
            Resources::new(objects.clone()).places(move |place| objects.under(&place.to_string()));
        Ok(Prepared {
            registry,
            input,
            resources,
            jumbo: Jumbo::in_memory(),
        })
    }
}

/// What a workflow under test runs with.
struct Prepared {
    /// With what stands in for others.
    registry: Registry,
    input: String,
    resources: Resources,
    /// Where values go that are longer than their fields.
    jumbo: Jumbo,
}

fn signal_input(payload: &impl Serialize) -> SmolStr {
    to_json(payload).expect("the payload of a signal has a JSON form")
}

/// What can stand in the place of an activity: a closure from a tuple of arguments to a `Result`.
pub trait Replacement<M>: Send + Sync + 'static {
    /// Runs it with the arguments as a JSON list.
    ///
    /// # Errors
    /// The closure's failure, or that the arguments are not of its types.
    fn run(&self, args: &str) -> ActivityResult;
}

impl<F, X, T, E> Replacement<(X, T, E)> for F
where
    F: Fn(X) -> Result<T, E> + Send + Sync + 'static,
    X: DeserializeOwned,
    T: Serialize,
    E: std::fmt::Display + std::fmt::Debug + 'static,
{
    fn run(&self, args: &str) -> ActivityResult {
        let args = serde_json::from_str(args).map_err(|error| Failure::of_activity(&error))?;
        activity_result(self(args))
    }
}

/// An execution that a test ran to its end.
#[derive(Clone, Debug)]
pub struct TestRun {
    /// How it ended.
    pub outcome: Outcome,
    /// Its history.
    pub history: Vec<HistoryEvent>,
}

impl TestRun {
    /// The result.
    ///
    /// # Errors
    /// How the execution ended instead, or that the result is not a `T`.
    pub fn result<T: DeserializeOwned>(&self) -> Result<T, String> {
        match &self.outcome {
            Outcome::Completed(json) => from_text(json)
                .map_err(|error| format!("the result {json} has another type: {error}")),
            other => Err(format!("the workflow did not complete: {other:?}")),
        }
    }

    /// The failure, if the workflow failed.
    pub fn failure(&self) -> Option<Failure> {
        match &self.outcome {
            Outcome::Failed { reason, details } => Some(Failure {
                reason: reason.clone(),
                details: details.clone(),
            }),
            _ => None,
        }
    }

    /// The ids of the activity tasks, in the order in which they were scheduled; one that was
    /// tried again is there again.
    pub fn scheduled_activities(&self) -> Vec<&str> {
        self.history
            .iter()
            .filter_map(|event| match &event.attributes {
                EventAttributes::ActivityTaskScheduled(task) => Some(task.activity_id.as_str()),
                _ => None,
            })
            .collect()
    }

    /// How long the execution took, in virtual time.
    pub fn elapsed(&self) -> Duration {
        match (self.history.first(), self.history.last()) {
            (Some(first), Some(last)) => last.event_timestamp.since(first.event_timestamp),
            _ => Duration::ZERO,
        }
    }
}
