//! Exploring a workflow: every order in which its tasks can finish, every point at which its
//! decider can crash.

mod code;
mod report;
mod schedule;
mod search;
mod still;
mod world;
mod wrong;

use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use simpleflow_core::{Activity, Registry, Workflow};
use simpleflow_model::SmolStr;
use tokio::runtime::Builder;

pub use report::{Explored, Reached};
pub use schedule::Schedule;
pub use wrong::Wrong;

use super::{Replacement, Test};
use crate::local::{LocalError, off_runtime};
use code::Code;
use search::Search;

/// How many schedules are followed unless something else is said.
const BOUND: usize = 2_000;

/// How many steps a schedule may have unless something else is said.
const STEPS: usize = 1_000;

/// What is let to go wrong in a schedule, at most so often.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Injected {
    crashes: u32,
    failures: u32,
    lost_answers: u32,
}

/// An exploration of a workflow, with the activities that are linked into the program: it runs the
/// workflow in every order in which its tasks can finish.
///
/// ```
/// # use simpleflow_executor::testing::explore;
/// # fn explored<W: simpleflow_core::Workflow, A: simpleflow_core::Activity>(transfer: W) {
/// let explored = explore(transfer)
///     .replace::<A, _>(|(account, amount): (String, u64)| Ok::<_, String>(amount))
///     .signal("approve", true)
///     .fail_any(1)
///     .run();
/// explored.allow_results(|run| run.failure().is_none());
/// # }
/// ```
///
/// See [`Explore`] for what is explored.
pub fn explore<W: Workflow>(workflow: W) -> Explore {
    Test::of(workflow).explore()
}

/// An exploration: what it runs with, what may happen, and how far it goes.
///
/// A *schedule* is what happens in an execution, step by step. At each step it is one of: an
/// execution decides, an activity or a Lambda function answers, a signal of the test arrives, time goes on to what is due
/// next; and what is let to go wrong: a decider crashes (once in a schedule, unless
/// [`crashes`](Self::crashes) says otherwise), a task [fails](Self::fail_any), its answer is
/// [lost](Self::lose_answers), the execution is [cancelled](Self::cancel).
///
/// **Every decision is made twice**: by code that was kept and by a replay of the whole history.
/// Both must decide the same. So each decision of each schedule is one before which a decider may
/// crash, and need not be a schedule of its own.
///
/// **A state is explored once.** Schedules that lead to the same histories are the same from there:
/// that is so for what happens in executions that have nothing to do with each other. The order of
/// events in one history always counts, also within one decision task.
///
/// Decisions that remember different values of [`Flow::record`](simpleflow_core::Flow::record) are
/// not compared: the next ones are.
///
/// What is left out:
/// - A worker takes a task at once, and an activity that is not lost answers within its time limits
///   and beats its heart. So no timer fires that is due later than the limits of an open activity.
/// - Timers fire when they are due, in the order of time; those that are due at once in any order.
/// - What arrives while a decider is at work is as what arrives right after, unless it crashes.
/// - The time of an execution is up only when nothing else can happen.
/// - Once the workflow is closed it does not matter what becomes of its children.
///
/// **An activity answers the same in all schedules**, and so does a Lambda function. It runs when it is asked something for the
/// first time, and its answer is remembered; asked the same once more in one schedule, it runs once
/// more. So stand-ins may count their calls, and activities are best replaced if they take long.
/// Their objects are those of the [`Test`], for all schedules. All else is as [`Test::run`] has it:
/// places that they name, values that are longer than SWF's fields, the limits of results.
///
/// Executions start at 2023-11-14 22:13:20 UTC, unless [`Test::start_time`] says something else, and
/// time passes only as it is due.
#[derive(Clone)]
#[must_use = "an exploration does nothing until `run` is called"]
pub struct Explore {
    test: Test,
    injected: Injected,
    bound: usize,
    steps: usize,
    seed: Option<u64>,
    schedule: Option<Schedule>,
}

impl Test {
    /// Explores the workflow instead of running it once. The signals of the test arrive at any time,
    /// and so does its cancel.
    pub fn explore(self) -> Explore {
        Explore {
            test: self,
            injected: Injected {
                crashes: 1,
                failures: 0,
                lost_answers: 0,
            },
            bound: BOUND,
            steps: STEPS,
            seed: None,
            schedule: None,
        }
    }
}

impl Explore {
    /// As [`Test::registry`].
    pub fn registry(mut self, registry: Registry) -> Self {
        self.test = self.test.registry(registry);
        self
    }

    /// As [`Test::replace`].
    pub fn replace<A: Activity, M>(mut self, run: impl Replacement<M>) -> Self {
        self.test = self.test.replace::<A, M>(run);
        self
    }

    /// As [`Test::lambda_function`].
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
        self.test = self.test.lambda_function(name, run);
        self
    }

    /// A signal that arrives at any time, but only while the execution is open.
    ///
    /// # Panics
    /// When the payload has no JSON form.
    pub fn signal(mut self, name: impl Into<SmolStr>, payload: impl Serialize) -> Self {
        self.test = self.test.signal(name, payload);
        self
    }

    /// The workflow id of the execution: the workflow's name unless this is said.
    pub fn workflow_id(mut self, workflow_id: impl Into<SmolStr>) -> Self {
        self.test = self.test.workflow_id(workflow_id);
        self
    }

    /// The cancel of the execution is requested, at any time.
    pub fn cancel(mut self) -> Self {
        self.test = self.test.cancel_after(Duration::ZERO);
        self
    }

    /// How often a decider crashes in a schedule at most: after it made a decision, which is lost,
    /// and the code that it kept with it. Once unless this is said.
    pub fn crashes(mut self, most: u32) -> Self {
        self.injected.crashes = most;
        self
    }

    /// How many activities and Lambda functions fail in a schedule at most, whichever they are, without being run.
    /// None unless this is said; each attempt of a task counts.
    pub fn fail_any(mut self, most: u32) -> Self {
        self.injected.failures = most;
        self
    }

    /// How many activities and Lambda functions of a schedule run at most whose answer is lost, whichever they are: their
    /// tasks time out, and run twice if they are tried again. None unless this is said.
    pub fn lose_answers(mut self, most: u32) -> Self {
        self.injected.lost_answers = most;
        self
    }

    /// How many schedules to follow at most: 2,000 unless this is said. When those are not all, the
    /// second half of them is drawn at random.
    pub fn bound(mut self, most: usize) -> Self {
        self.bound = most;
        self
    }

    /// How many steps a schedule may have: 1,000 unless this is said. An execution that is open then
    /// counts as one without end.
    pub fn steps(mut self, most: usize) -> Self {
        self.steps = most;
        self
    }

    /// What random schedules are drawn with: an earlier exploration says what it took.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// Follows this schedule alone, one that an earlier exploration found, or its text. Where it ends
    /// before the execution, that goes on with nothing in its way.
    pub fn schedule(mut self, schedule: impl Into<Schedule>) -> Self {
        self.schedule = Some(schedule.into());
        self
    }

    /// Explores.
    ///
    /// # Panics
    /// When the workflow cannot be started: the message says why. What is wrong with a schedule is
    /// no panic: [`Explored`] asserts that nothing is.
    #[track_caller]
    pub fn run(self) -> Explored {
        match self.try_run() {
            Ok(explored) => explored,
            Err(error) => panic!("the workflow could not be started: {error}"),
        }
    }

    /// Explores.
    ///
    /// # Errors
    /// [`LocalError`], when the workflow cannot be started.
    pub fn try_run(self) -> Result<Explored, LocalError> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        off_runtime(|| {
            let code = Code::of(&self.test, runtime)?;
            let search = Search::new(&self, &code);
            match &self.schedule {
                Some(schedule) => search.only(schedule),
                None => search.all(),
            }
        })
    }
}
