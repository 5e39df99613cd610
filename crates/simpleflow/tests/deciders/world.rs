//! A service with a worker, and executions on it.

use std::num::NonZeroUsize;
use std::time::Duration;

use simpleflow::model::operation::{GetWorkflowExecutionHistory, StartWorkflowExecution};
use simpleflow::model::{
    ChildPolicy, EventAttributes, HistoryEvent, SmolStr, TaskList, TaskListName, Timeout,
    WorkflowExecution, WorkflowType,
};
use simpleflow::prelude::*;
use simpleflow::replay::{Limits, Replayer};
use simpleflow::{RunContext, WorkflowEntry};
use simpleflow_executor::{Deciders, Follow, Stop, Worker, registration};
use simpleflow_server::{Embedded, EmbeddedService, Storage};
use simpleflow_service::SwfService;
use tokio_util::sync::{CancellationToken, DropGuard};

pub const DOMAIN: &str = "deciders";
pub const SHARED: &str = "shared";

/// How long anything may take before a test fails.
pub const PATIENCE: Duration = Duration::from_secs(50);

#[activity]
async fn add(x: i64, y: i64) -> i64 {
    x + y
}

/// Steps one after the other, and some side by side between two of them; with a timer.
#[workflow]
pub struct Steps {
    pub n: i64,
}

impl Workflow for Steps {
    type Output = i64;

    async fn run(self, flow: Flow) -> Result<i64> {
        let mut sum = 0;
        for step in 0..self.n {
            sum = flow.submit(add(sum, step)).await?;
        }
        flow.sleep(Duration::ZERO).await?;
        let parts: Vec<_> = (0..self.n).map(|x| flow.submit(add(sum, x))).collect();
        for part in flow.wait_all(parts).await? {
            sum = sum.wrapping_add(part % 7);
        }
        Ok(sum)
    }
}

impl Steps {
    /// What it comes to.
    pub fn expected(n: i64) -> i64 {
        let first = (0..n).sum::<i64>();
        first + (0..n).map(|x| (first + x) % 7).sum::<i64>()
    }
}

/// Waits for so many signals.
#[workflow]
pub struct Signals {
    pub n: i64,
}

impl Workflow for Signals {
    type Output = i64;

    async fn run(self, flow: Flow) -> Result<i64> {
        let mut sum = 0;
        for _ in 0..self.n {
            sum += flow.wait_signal::<i64>("go").await?;
        }
        Ok(sum)
    }
}

/// A service in memory, with a worker.
pub struct World {
    pub service: EmbeddedService,
    _worker: DropGuard,
    _embedded: Embedded,
}

impl World {
    pub async fn new() -> Self {
        let embedded = Embedded::open(Storage::Memory).await.unwrap();
        let service = embedded.service();
        let registry = Registry::linked();
        registration::register_all(&service, &DOMAIN.into(), &registry)
            .await
            .unwrap();
        let worker = Worker::new(service.clone(), DOMAIN.into(), registry);
        let stop = CancellationToken::new();
        let stopped = Stop::from(stop.clone());
        tokio::spawn(async move {
            let most = NonZeroUsize::new(50).unwrap();
            worker.run(&"default".into(), most, &stopped).await;
        });
        Self {
            service,
            _worker: stop.drop_guard(),
            _embedded: embedded,
        }
    }

    /// Starts an execution of a workflow with one argument.
    pub async fn start<W: Workflow>(&self, id: &str, argument: i64) -> WorkflowExecution {
        let definition = WorkflowEntry::of::<W>().definition();
        let request = StartWorkflowExecution {
            domain: DOMAIN.into(),
            workflow_id: id.into(),
            workflow_type: WorkflowType {
                name: definition.name.clone().into(),
                version: definition.version.clone().into(),
                ..WorkflowType::default()
            },
            task_list: Some(TaskList {
                name: SHARED.into(),
                ..TaskList::default()
            }),
            execution_start_to_close_timeout: Some(Timeout::Seconds(3_600)),
            task_start_to_close_timeout: Some(Timeout::Seconds(600)),
            child_policy: Some(ChildPolicy::Terminate),
            input: Some(format!("[{argument}]").into()),
            ..StartWorkflowExecution::default()
        };
        let run = self
            .service
            .start_workflow_execution(request)
            .await
            .unwrap();
        WorkflowExecution {
            workflow_id: id.into(),
            run_id: run.run_id.unwrap(),
            ..WorkflowExecution::default()
        }
    }

    pub async fn signal(&self, execution: &WorkflowExecution, value: i64) {
        let request = simpleflow::model::operation::SignalWorkflowExecution {
            domain: DOMAIN.into(),
            workflow_id: execution.workflow_id.clone(),
            signal_name: "go".into(),
            input: Some(value.to_string().into()),
            ..Default::default()
        };
        self.service
            .signal_workflow_execution(request)
            .await
            .unwrap();
    }

    pub async fn terminate(&self, execution: &WorkflowExecution) {
        let request = simpleflow::model::operation::TerminateWorkflowExecution {
            domain: DOMAIN.into(),
            workflow_id: execution.workflow_id.clone(),
            ..Default::default()
        };
        let terminated = self.service.terminate_workflow_execution(request).await;
        terminated.unwrap();
    }

    pub async fn history(&self, execution: &WorkflowExecution) -> Vec<HistoryEvent> {
        let mut request = GetWorkflowExecutionHistory {
            domain: DOMAIN.into(),
            execution: execution.clone(),
            ..Default::default()
        };
        let mut events = Vec::new();
        loop {
            let page = self
                .service
                .get_workflow_execution_history(request.clone())
                .await
                .unwrap();
            events.extend(page.events);
            request.next_page_token = page.next_page_token;
            if request.next_page_token.is_none() {
                return events;
            }
        }
    }

    /// Waits until something is in a history.
    pub async fn until(
        &self,
        execution: &WorkflowExecution,
        what: &str,
        is_there: impl Fn(&[HistoryEvent]) -> bool,
    ) -> Vec<HistoryEvent> {
        let looking = async {
            loop {
                let history = self.history(execution).await;
                if is_there(&history) {
                    return history;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        match tokio::time::timeout(PATIENCE, looking).await {
            Ok(history) => history,
            Err(_) => panic!("{what}: {:#?}", types(&self.history(execution).await)),
        }
    }

    /// Waits for the end of a run; its history, which must be one that the code fits from the
    /// first event on, and its result.
    pub async fn result<W: Workflow>(
        &self,
        execution: &WorkflowExecution,
    ) -> (Vec<HistoryEvent>, SmolStr) {
        self.closed(execution).await;
        let history = self.history(execution).await;
        let run = RunContext {
            domain_name: DOMAIN.into(),
            workflow_id: execution.workflow_id.clone(),
            run_id: execution.run_id.clone(),
            ..RunContext::default()
        };
        let mut replayer = Replayer::new(WorkflowEntry::of::<W>(), run, Limits::default());
        replayer.feed(history.clone()).unwrap();
        replayer.decisions().expect("the history replays");
        match history.last().map(|event| &event.attributes) {
            Some(EventAttributes::WorkflowExecutionCompleted(completed)) => {
                let result = completed.result.clone().unwrap_or_default();
                (history, result)
            }
            other => panic!("{other:?}"),
        }
    }

    async fn closed(&self, execution: &WorkflowExecution) {
        let mut follow = Follow::new(self.service.clone(), DOMAIN.into(), execution.clone());
        match tokio::time::timeout(PATIENCE, follow.end(Duration::ZERO)).await {
            Ok(end) => drop(end.unwrap()),
            Err(_) => panic!("{execution:?} is not closed"),
        }
    }
}

/// The types of the events.
pub fn types(history: &[HistoryEvent]) -> Vec<&str> {
    let types = history.iter().map(|event| event.attributes.event_type());
    types.collect()
}

/// The lists and limits that the answered decision tasks asked for.
pub fn overrides(history: &[HistoryEvent]) -> Vec<(Option<TaskListName>, Option<Timeout>)> {
    let overrides = history.iter().filter_map(|event| match &event.attributes {
        EventAttributes::DecisionTaskCompleted(a) => Some((
            a.task_list.as_ref().map(|list| list.name.clone()),
            a.task_list_schedule_to_start_timeout,
        )),
        _ => None,
    });
    overrides.collect()
}

/// Deciders that run until this is dropped or stopped.
pub struct Running {
    stop: Stop,
    task: tokio::task::JoinHandle<std::io::Result<()>>,
}

impl Running {
    pub fn start<S: SwfService>(deciders: Deciders<S>) -> Self {
        let stop = Stop::new();
        let stopped = stop.clone();
        let task = tokio::spawn(async move { deciders.run(&[SHARED.into()], &stopped).await });
        Self { stop, task }
    }

    /// Tells them to stop.
    pub fn tell(&self) {
        self.stop.request();
    }

    /// Waits until they have stopped.
    pub async fn ended(mut self) {
        match tokio::time::timeout(PATIENCE, &mut self.task).await {
            Ok(ended) => ended.unwrap().unwrap(),
            Err(_) => panic!("the deciders do not end"),
        }
    }

    pub async fn stop(self) {
        self.tell();
        self.ended().await;
    }
}

impl Drop for Running {
    /// At once, as a process that is killed.
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Deciders with so many pollers.
pub fn deciders<S: SwfService>(service: &S, pollers: usize) -> Deciders<S> {
    Deciders::new(service.clone(), DOMAIN.into(), Registry::linked())
        .pollers(NonZeroUsize::new(pollers).unwrap())
}
