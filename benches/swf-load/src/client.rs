//! A client of SWF: the calls that executions are made of, in the vocabulary of the model.

use std::time::Duration;

use serde::Deserialize;
use simpleflow_model::decision::*;
use simpleflow_model::operation::*;
use simpleflow_model::types::*;
use simpleflow_model::{
    ChildPolicy, Decision, DomainName, EventId, HistoryEvent, PageToken, RetentionDays, TaskToken,
};

use crate::wire::{Connection, Failure};

/// How long a poll is repeated before there must have been a task.
const PATIENCE: Duration = Duration::from_secs(120);

/// One client: a connection, and the domain that it works in.
#[derive(Debug)]
pub struct Client {
    connection: Connection,
    domain: DomainName,
}

/// A decision task as far as it is looked at.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Task {
    /// Nothing in the answer to a poll that found no task.
    task_token: Option<TaskToken>,
    started_event_id: EventId,
    #[serde(default)]
    events: Vec<HistoryEvent>,
    next_page_token: Option<PageToken>,
}

impl Task {
    /// The token to answer it with.
    pub fn token(&self) -> TaskToken {
        self.task_token.clone().unwrap_or_default()
    }

    /// The events that came after one: all of them where the server sends the whole history.
    pub fn events_after(&self, last: EventId) -> impl Iterator<Item = &HistoryEvent> {
        self.events
            .iter()
            .filter(move |event| event.event_id > last)
    }

    /// The event of its start.
    pub fn started(&self) -> EventId {
        self.started_event_id
    }
}

/// How much of its history a decision task brings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Events {
    /// All of it.
    All,
    /// What is new since the decision task before.
    New,
}

impl Client {
    /// A client with a connection of its own.
    ///
    /// # Errors
    /// [`Failure`].
    pub fn new(authority: &str, domain: &str) -> Result<Self, Failure> {
        Ok(Self {
            connection: Connection::new(authority)?,
            domain: domain.into(),
        })
    }

    /// Registers the domain and the types.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn register(&mut self) -> Result<(), Failure> {
        let domain = RegisterDomain {
            name: self.domain.clone(),
            workflow_execution_retention_period_in_days: RetentionDays(1),
            ..Default::default()
        };
        self.connection.call("RegisterDomain", &domain).await?;
        let workflow_type = RegisterWorkflowType {
            domain: self.domain.clone(),
            name: "load".into(),
            version: "1".into(),
            default_task_start_to_close_timeout: Some(600.into()),
            default_execution_start_to_close_timeout: Some(86_400.into()),
            default_child_policy: Some(ChildPolicy::Terminate),
            ..Default::default()
        };
        self.connection
            .call("RegisterWorkflowType", &workflow_type)
            .await?;
        let activity_type = RegisterActivityType {
            domain: self.domain.clone(),
            name: "load".into(),
            version: "1".into(),
            default_task_start_to_close_timeout: Some(600.into()),
            default_task_heartbeat_timeout: Some(600.into()),
            default_task_schedule_to_start_timeout: Some(600.into()),
            default_task_schedule_to_close_timeout: Some(1_200.into()),
            ..Default::default()
        };
        self.connection
            .call("RegisterActivityType", &activity_type)
            .await?;
        Ok(())
    }

    /// Starts an execution whose decision tasks go to a list.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn start(&mut self, workflow_id: &str, list: &str) -> Result<(), Failure> {
        let request = StartWorkflowExecution {
            domain: self.domain.clone(),
            workflow_id: workflow_id.into(),
            workflow_type: WorkflowType {
                name: "load".into(),
                version: "1".into(),
                ..Default::default()
            },
            task_list: Some(task_list(list)),
            input: Some("[1]".into()),
            ..Default::default()
        };
        self.connection
            .call("StartWorkflowExecution", &request)
            .await?;
        Ok(())
    }

    /// Signals an execution.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn signal(&mut self, workflow_id: &str) -> Result<(), Failure> {
        let request = SignalWorkflowExecution {
            domain: self.domain.clone(),
            workflow_id: workflow_id.into(),
            signal_name: "go".into(),
            input: Some("[1]".into()),
            ..Default::default()
        };
        self.connection
            .call("SignalWorkflowExecution", &request)
            .await?;
        Ok(())
    }

    /// Polls once for a decision task.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn poll_decision(
        &mut self,
        list: &str,
        events: Events,
    ) -> Result<Option<Task>, Failure> {
        let mut request = PollForDecisionTask {
            domain: self.domain.clone(),
            task_list: task_list(list),
            identity: Some("load".into()),
            start_at_previous_started_event: (events == Events::New).then_some(true),
            ..Default::default()
        };
        let mut task: Task = self.read("PollForDecisionTask", &request).await?;
        while let Some(next) = task.next_page_token.take() {
            request.next_page_token = Some(next);
            let page: Task = self.read("PollForDecisionTask", &request).await?;
            task.events.extend(page.events);
            task.next_page_token = page.next_page_token;
        }
        // Some servers send an empty token where SWF sends none.
        Ok(Some(task).filter(|task| !task.token().is_empty()))
    }

    /// Polls until there is a decision task.
    ///
    /// # Errors
    /// [`Failure`]; also when there is none for a long time.
    pub async fn decision(&mut self, list: &str, events: Events) -> Result<Task, Failure> {
        let polls = async {
            loop {
                if let Some(task) = self.poll_decision(list, events).await? {
                    return Ok(task);
                }
            }
        };
        patiently("decision task", polls).await
    }

    /// Answers a decision task.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn decide(
        &mut self,
        token: TaskToken,
        decisions: Vec<Decision>,
    ) -> Result<(), Failure> {
        let request = RespondDecisionTaskCompleted {
            task_token: token,
            decisions: Some(decisions),
            ..Default::default()
        };
        self.connection
            .call("RespondDecisionTaskCompleted", &request)
            .await?;
        Ok(())
    }

    /// Polls until there is an activity task.
    ///
    /// # Errors
    /// [`Failure`]; also when there is none for a long time.
    pub async fn activity(&mut self, list: &str) -> Result<TaskToken, Failure> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Polled {
            task_token: Option<TaskToken>,
        }
        let request = PollForActivityTask {
            domain: self.domain.clone(),
            task_list: task_list(list),
            identity: Some("load".into()),
            ..Default::default()
        };
        let polls = async {
            loop {
                let polled: Polled = self.read("PollForActivityTask", &request).await?;
                if let Some(token) = polled.task_token.filter(|token| !token.is_empty()) {
                    return Ok(token);
                }
            }
        };
        patiently("activity task", polls).await
    }

    /// Answers an activity task with a result.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn complete(&mut self, token: TaskToken) -> Result<(), Failure> {
        let request = RespondActivityTaskCompleted {
            task_token: token,
            result: Some("2".into()),
            ..Default::default()
        };
        self.connection
            .call("RespondActivityTaskCompleted", &request)
            .await?;
        Ok(())
    }

    async fn read<T: for<'de> Deserialize<'de>>(
        &mut self,
        operation: &'static str,
        request: &impl serde::Serialize,
    ) -> Result<T, Failure> {
        let body = self.connection.call(operation, request).await?;
        serde_json::from_slice(&body)
            .map_err(|error| Failure::Broken(format!("{operation}: {error}")))
    }
}

async fn patiently<T>(
    what: &str,
    polls: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    tokio::time::timeout(PATIENCE, polls)
        .await
        .unwrap_or_else(|_| {
            let seconds = PATIENCE.as_secs();
            Err(Failure::Broken(format!("no {what} within {seconds} s")))
        })
}

fn task_list(name: &str) -> TaskList {
    TaskList {
        name: name.into(),
        ..Default::default()
    }
}

/// The decision to queue an activity task.
pub fn schedule(activity_id: &str, list: &str) -> Decision {
    ScheduleActivityTask {
        activity_type: ActivityType {
            name: "load".into(),
            version: "1".into(),
            ..Default::default()
        },
        activity_id: activity_id.into(),
        task_list: Some(task_list(list)),
        input: Some("[1]".into()),
        ..Default::default()
    }
    .into()
}

/// The decision to start a timer that fires at once: a way to ask for another decision task.
pub fn wake_up(timer_id: &str) -> Decision {
    StartTimer {
        timer_id: timer_id.into(),
        start_to_fire_timeout: 0.into(),
        ..Default::default()
    }
    .into()
}

/// The decision to close the execution as completed.
pub fn close() -> Decision {
    CompleteWorkflowExecution {
        result: Some("2".into()),
        ..Default::default()
    }
    .into()
}
