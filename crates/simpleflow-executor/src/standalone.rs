//! One execution with deciders and a worker of its own, on a task list that nobody else knows.
//!
//! All its tasks are on that list, whatever lists its types name: on a shared domain it takes
//! nobody's tasks, and nobody takes its own. An execution that was left open is taken up again by
//! whoever runs it next under its id.

use std::io;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use simpleflow_core::payload::Arguments;
use simpleflow_core::{Registry, WorkflowEntry};
use simpleflow_jumbo::Jumbo;
use simpleflow_model::operation::{
    DescribeWorkflowExecution, GetWorkflowExecutionHistory, ListOpenWorkflowExecutions,
};
use simpleflow_model::types::{ExecutionTimeFilter, WorkflowExecutionFilter};
use simpleflow_model::{
    Decision, DomainName, EventAttributes, FaultKind, HistoryEvent, RunId, SmolStr, TaskList,
    TaskListName, Timestamp, WorkflowExecution, WorkflowId,
};
use simpleflow_service::{ServiceError, SwfService};

use crate::decider::Deciders;
use crate::follow::Follow;
use crate::outcome::Outcome;
use crate::own_list::{is_own_list, own_list};
use crate::repair::Repair;
use crate::resources::Resources;
use crate::start::{StartError, StartOptions, start};
use crate::stop::Stop;
use crate::values::{self, ValueError};
use crate::worker::Worker;

/// How an execution that is run alone went wrong.
#[derive(Debug, thiserror::Error)]
pub enum StandaloneError {
    /// It was not started.
    #[error(transparent)]
    Start(#[from] StartError),
    /// One with its id is open that is not the same.
    #[error(
        "the execution {workflow_id} is open, and is not the same: {difference}. Choose another \
         workflow id, or terminate it"
    )]
    Another {
        /// Its id.
        workflow_id: WorkflowId,
        /// In what it differs.
        difference: String,
    },
    /// A thread cannot be started.
    #[error("cannot start the deciders: {0}")]
    Threads(#[from] io::Error),
    /// The service refused something.
    #[error(transparent)]
    Service(#[from] ServiceError),
    /// A value cannot be got from where it is.
    #[error(transparent)]
    Value(#[from] ValueError),
}

/// How a run of it ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Ended {
    /// The execution is closed.
    Closed(Outcome),
    /// There was a stop before: the execution is open.
    Stopped,
}

/// An execution that is ready to be run.
#[derive(Clone, Debug)]
pub struct Begun {
    /// The execution.
    pub execution: WorkflowExecution,
    /// The run that it was started as, or the earliest that was found. Another than that of
    /// `execution` when it continued as new since.
    pub first_run: RunId,
    /// Its task list.
    pub task_list: TaskListName,
    /// Whether it was open before.
    pub resumed: bool,
    /// Whether `first_run` is the first: a repair is of that one alone.
    has_first: bool,
}

/// How many runs to look back for the first, at a call each. Type and task list tell as well whose
/// an execution is.
const RUNS: usize = 100;

/// The first run of an execution, or the earliest that was found.
struct FirstRun {
    run_id: RunId,
    /// Nothing when the first was not found.
    input: Option<Option<SmolStr>>,
}

/// One execution with deciders and a worker of its own.
pub struct Standalone<S> {
    service: S,
    domain: DomainName,
    registry: Registry,
    deciders: NonZeroUsize,
    activities: NonZeroUsize,
    heartbeat: Option<Duration>,
    look: Duration,
    repair: Option<Arc<Repair>>,
    resumes: bool,
    resources: Resources,
    jumbo: Option<Jumbo>,
}

impl<S: SwfService> Standalone<S> {
    /// For the workflows and activities of a registry, in one domain.
    pub fn new(service: S, domain: DomainName, registry: Registry) -> Self {
        let processors = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
        Self {
            service,
            domain,
            registry,
            deciders: NonZeroUsize::MIN,
            activities: processors,
            heartbeat: None,
            look: Duration::from_secs(2),
            repair: None,
            resumes: false,
            resources: Resources::default(),
            jumbo: None,
        }
    }

    /// How many deciders there are: one unless this is said.
    #[must_use]
    pub fn deciders(mut self, deciders: NonZeroUsize) -> Self {
        self.deciders = deciders;
        self
    }

    /// How many activities run at once at most: as many as there are processors unless this is
    /// said.
    #[must_use]
    pub fn activities(mut self, most: NonZeroUsize) -> Self {
        self.activities = most;
        self
    }

    /// How often to beat the heart of an activity at least.
    #[must_use]
    pub fn heartbeat(mut self, interval: Duration) -> Self {
        self.heartbeat = Some(interval);
        self
    }

    /// How often to look at what happened: every 2 seconds unless this is said. A service that tells
    /// of closes is not waited for at the end.
    #[must_use]
    pub fn look_every(mut self, interval: Duration) -> Self {
        self.look = interval;
        self
    }

    /// Lets values travel elsewhere that are longer than their fields. Unless this is said they are
    /// refused.
    #[must_use]
    pub fn jumbo(mut self, jumbo: Jumbo) -> Self {
        self.jumbo = Some(jumbo);
        self
    }

    /// Takes over what was done in a former execution. Results that are elsewhere are written anew
    /// when the run begins, and tasks whose result is lost are run again.
    #[must_use]
    pub fn repair(mut self, repair: Repair) -> Self {
        self.repair = Some(Arc::new(repair));
        self
    }

    /// Goes on with an execution that is open, when it was begun in the same way: of this workflow,
    /// under this id, with this input, on a task list of its own. Whoever else runs it at that moment
    /// shares its tasks. When it continued as new the input is that of its first run, which is not
    /// compared when that run is past retention or more than 100 runs back.
    #[must_use]
    pub fn resumes(mut self, resumes: bool) -> Self {
        self.resumes = resumes;
        self
    }

    /// What activities are given beside their input.
    #[must_use]
    pub fn resources(mut self, resources: Resources) -> Self {
        self.resources = resources;
        self
    }

    /// Starts the execution, or finds it when it is open and [may be gone on
    /// with](Self::resumes). Without an id the workflow's name is it.
    ///
    /// # Errors
    /// [`StandaloneError`].
    pub async fn begin(
        &self,
        workflow: &WorkflowEntry,
        input: &str,
        mut options: StartOptions,
    ) -> Result<Begun, StandaloneError> {
        let name = &workflow.definition().name;
        let workflow_id = options
            .workflow_id
            .get_or_insert_with(|| name.clone().into())
            .clone();
        let task_list = own_list(workflow_id.as_str());
        options.task_list = Some(task_list.as_str().into());
        options.jumbo.clone_from(&self.jumbo);
        let now = Timestamp::from(SystemTime::now());
        let started = start(&self.service, &self.domain, workflow, input, &options, now);
        match started.await {
            Ok(execution) => Ok(Begun {
                first_run: execution.run_id.clone(),
                execution,
                task_list,
                resumed: false,
                has_first: true,
            }),
            Err(StartError::AlreadyOpen(_)) if self.resumes => {
                self.resume(workflow_id, workflow, input).await
            }
            Err(error) => Err(error.into()),
        }
    }

    /// The open execution of that id, if it is the same.
    async fn resume(
        &self,
        workflow_id: WorkflowId,
        workflow: &WorkflowEntry,
        input: &str,
    ) -> Result<Begun, StandaloneError> {
        let open = ListOpenWorkflowExecutions {
            domain: self.domain.clone(),
            start_time_filter: ExecutionTimeFilter::default(),
            execution_filter: Some(WorkflowExecutionFilter {
                workflow_id: workflow_id.clone(),
                ..WorkflowExecutionFilter::default()
            }),
            ..ListOpenWorkflowExecutions::default()
        };
        let open = self.service.list_open_workflow_executions(open).await?;
        let Some(open) = open.execution_infos.into_iter().next() else {
            // It was closed meanwhile: who asks again starts it anew.
            return Err(StartError::AlreadyOpen(workflow_id).into());
        };
        let describe = DescribeWorkflowExecution {
            domain: self.domain.clone(),
            execution: open.execution.clone(),
            ..DescribeWorkflowExecution::default()
        };
        let detail = self.service.describe_workflow_execution(describe).await?;
        let task_list = detail.execution_configuration.task_list.name;
        let first = self.first_run(open.execution.clone()).await?;
        let has_first = first.input.is_some();
        let definition = workflow.definition();
        let workflow_type = &open.workflow_type;
        let input = Arguments::parse(input).ok().map(|input| input.to_input());
        let difference = if workflow_type.name.as_str() != definition.name
            || workflow_type.version.as_str() != definition.version
        {
            Some(format!(
                "its type is {:?} version {:?}",
                workflow_type.name.as_str(),
                workflow_type.version.as_str()
            ))
        } else if !is_own_list(&task_list, workflow_id.as_str()) {
            Some(format!("its deciders are those of task list {task_list}"))
        } else {
            let other = first.input.filter(|former| *former != input);
            other.map(|former| format!("its input is {}", former.unwrap_or_default()))
        };
        match difference {
            Some(difference) => Err(StandaloneError::Another {
                workflow_id,
                difference,
            }),
            None => Ok(Begun {
                execution: open.execution,
                first_run: first.run_id,
                task_list,
                resumed: true,
                has_first,
            }),
        }
    }

    /// The run that an execution was started as, when runs continued as new.
    async fn first_run(
        &self,
        mut execution: WorkflowExecution,
    ) -> Result<FirstRun, StandaloneError> {
        let mut earliest = execution.run_id.clone();
        for _ in 0..RUNS {
            let first = GetWorkflowExecutionHistory {
                domain: self.domain.clone(),
                execution: execution.clone(),
                maximum_page_size: Some(1),
                ..GetWorkflowExecutionHistory::default()
            };
            let first = match self.service.get_workflow_execution_history(first).await {
                Ok(history) => history.events.into_iter().next(),
                // Its retention is over.
                Err(error) if error.is_fault(FaultKind::UnknownResource) => break,
                Err(error) => return Err(error.into()),
            };
            let first = first.map(|event| event.attributes);
            let Some(EventAttributes::WorkflowExecutionStarted(mut started)) = first else {
                break;
            };
            earliest.clone_from(&execution.run_id);
            match started.continued_execution_run_id {
                Some(run_id) if !run_id.is_empty() => execution.run_id = run_id,
                _ => {
                    values::decode(self.jumbo.as_ref(), &mut *started).await?;
                    return Ok(FirstRun {
                        run_id: execution.run_id,
                        input: Some(started.input),
                    });
                }
            }
        }
        tracing::warn!(
            workflow_id = %execution.workflow_id,
            "its first run is past retention or too far back: its input is not compared"
        );
        Ok(FirstRun {
            run_id: earliest,
            input: None,
        })
    }

    /// Runs an execution to its end, or until there is a stop: what runs then is ended gracefully.
    /// `observe` is given the events as they are seen.
    ///
    /// # Errors
    /// [`StandaloneError`].
    pub async fn run(
        &self,
        begun: &Begun,
        mut observe: impl FnMut(&[HistoryEvent]),
        stop: &Stop,
    ) -> Result<Ended, StandaloneError> {
        let lists = [begun.task_list.clone()];
        let repair = match &self.repair {
            Some(repair) => match repair.renewed(self.jumbo.as_ref(), stop.token()).await {
                Err(_) if stop.is_requested() => return Ok(Ended::Stopped),
                renewed => Some(Arc::new(renewed?)),
            },
            None => None,
        };
        let deciders = self.own_deciders(begun, repair.clone());
        // Whoever ends is the end of all: the others would wait for ever.
        let deciding = async {
            let decided = deciders.run(&lists, stop).await;
            stop.request();
            decided
        };
        let worker = Worker::new(
            self.service.clone(),
            self.domain.clone(),
            self.registry.clone(),
        );
        // It takes the time that it takes; to fail an activity is what a second signal is for.
        let worker = worker.stop_timeout(Duration::MAX);
        let worker = worker.resources(self.resources.clone());
        let worker = match &self.jumbo {
            Some(jumbo) => worker.jumbo(jumbo.clone()),
            None => worker,
        };
        let worker = match self.heartbeat {
            Some(interval) => worker.heartbeat(interval),
            None => worker,
        };
        let working = worker.run(&begun.task_list, self.activities, stop);
        let repairing = async {
            let Some(repair) = &repair else {
                return Ok(());
            };
            let (service, domain, list) = (&self.service, &self.domain, &begun.task_list);
            let repaired = repair.answer(service, domain, list, stop).await;
            stop.request();
            repaired
        };
        let following = async {
            let ended = self.follow(begun, &mut observe, stop).await;
            match ended {
                // Nothing that still runs is of use, and nobody else's tasks are polled for.
                Ok(Ended::Closed(_)) => stop.now(),
                _ => stop.request(),
            }
            ended
        };
        let (ended, decided, (), repaired) = tokio::join!(following, deciding, working, repairing);
        decided?;
        repaired?;
        ended
    }

    fn own_deciders(&self, begun: &Begun, repair: Option<Arc<Repair>>) -> Deciders<S> {
        let Begun {
            first_run,
            task_list,
            has_first,
            ..
        } = begun.clone();
        let repair = repair.filter(|_| has_first);
        let deciders = Deciders::new(
            self.service.clone(),
            self.domain.clone(),
            self.registry.clone(),
        );
        let deciders = match &self.jumbo {
            Some(jumbo) => deciders.jumbo(jumbo.clone()),
            None => deciders,
        };
        let sticky = self.deciders.get() > 1;
        let deciders = deciders.pollers(self.deciders).sticky(sticky);
        deciders.reroute(move |execution, decision| {
            send_to(&task_list, decision);
            // Later runs and children have tasks of the same ids, which are others.
            if let Some(repair) = repair.as_ref().filter(|_| execution.run_id == first_run) {
                repair.reroute(execution, &task_list, decision);
            }
        })
    }

    /// Looks at the history until its end.
    async fn follow(
        &self,
        begun: &Begun,
        observe: &mut impl FnMut(&[HistoryEvent]),
        stop: &Stop,
    ) -> Result<Ended, StandaloneError> {
        let (service, domain) = (self.service.clone(), self.domain.clone());
        let mut follow = Follow::new(service, domain, begun.execution.clone());
        loop {
            match follow.look().await {
                Ok(mut events) => {
                    observe(&events);
                    if let Some(last) = events.last_mut()
                        && Outcome::of(&last.attributes).is_some()
                    {
                        values::decode(self.jumbo.as_ref(), last).await?;
                        return Ok(
                            Outcome::of(&last.attributes).map_or(Ended::Stopped, Ended::Closed)
                        );
                    }
                }
                Err(error) if error.is_retryable() => {
                    tracing::warn!("cannot look at the execution, trying again: {error}");
                }
                Err(error) => return Err(error.into()),
            }
            if stop.is_requested() {
                return Ok(Ended::Stopped);
            }
            tokio::select! {
                () = tokio::time::sleep(self.look) => {}
                () = follow.closed() => {}
                () = stop.requested() => {}
            }
        }
    }
}

/// Sends the tasks of a decision to a task list.
fn send_to(task_list: &TaskListName, decision: &mut Decision) {
    let list = Some(TaskList {
        name: task_list.clone(),
        ..TaskList::default()
    });
    match decision {
        Decision::ScheduleActivityTask(task) => task.task_list = list,
        Decision::StartChildWorkflowExecution(child) => child.task_list = list,
        Decision::ContinueAsNewWorkflowExecution(next) => next.task_list = list,
        _ => {}
    }
}
