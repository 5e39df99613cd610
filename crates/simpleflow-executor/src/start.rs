//! The start of an execution: what the program knows of a workflow, and what is asked for beside
//! it.

use std::time::Duration;

use simpleflow_core::payload::{ArgumentError, Arguments};
use simpleflow_core::{InvalidTags, WorkflowEntry};
use simpleflow_jumbo::Jumbo;
use simpleflow_model::operation::{SignalWorkflowExecution, StartWorkflowExecution};
use simpleflow_model::{
    Arn, DomainName, FaultKind, RunId, SmolStr, TaskList, Timestamp, WorkflowExecution, WorkflowId,
    WorkflowType, limits,
};
use simpleflow_service::{ServiceError, SwfService};

use crate::registration::register_workflow_type;
use crate::values::{self, ValueError};

/// The task list of executions whose workflow names none.
const DEFAULT_TASK_LIST: &str = "default";

/// Why an execution was not started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The input does not fit the workflow.
    #[error("the input does not fit workflow {workflow}: {problem}")]
    Input {
        /// The workflow's path.
        workflow: SmolStr,
        /// What does not fit.
        problem: ArgumentError,
    },
    /// The input is longer than SWF takes, in the form in which it travels.
    #[error("the input has {0}")]
    InputTooLong(TooLong),
    /// The input of a signal is longer than SWF takes. Nothing was started.
    #[error("the payload of signal {signal:?} has {too_long}")]
    SignalTooLong {
        /// The name of the signal.
        signal: SmolStr,
        /// How long it is.
        too_long: TooLong,
    },
    /// A value cannot be put where it belongs.
    #[error(transparent)]
    Value(#[from] ValueError),
    /// Decisions have no time.
    #[error("the limit of a decision is 0 seconds: expected at least 1")]
    NoTimeToDecide,
    /// The tags are not what the service takes.
    #[error(transparent)]
    Tags(#[from] InvalidTags),
    /// An execution with this id is open.
    #[error(
        "an execution with the id {0} is open in this domain: choose another id, or wait for its end"
    )]
    AlreadyOpen(WorkflowId),
    /// It was started, but not signalled.
    #[error("{workflow_id} {run_id} was started, but signal {signal:?} was not sent: {source}")]
    Signal {
        /// The workflow id.
        workflow_id: WorkflowId,
        /// The run id.
        run_id: RunId,
        /// The name of the signal.
        signal: SmolStr,
        /// Why.
        source: SignalError,
    },
    /// The service did not take it.
    #[error(transparent)]
    Service(#[from] ServiceError),
}

/// Why a signal was not sent.
#[derive(Debug, thiserror::Error)]
pub enum SignalError {
    /// The service did not take it.
    #[error(transparent)]
    Service(#[from] ServiceError),
    /// Its input cannot be put where it belongs.
    #[error(transparent)]
    Value(#[from] ValueError),
}

/// An input is longer than it may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{length} characters: {} at most {most}", who_takes(*most))]
pub struct TooLong {
    /// How many characters it has.
    pub length: usize,
    /// How many it may have.
    pub most: usize,
}

fn who_takes(most: usize) -> &'static str {
    match most {
        limits::DATA_LENGTH => "SWF takes",
        _ => "jumbo fields take",
    }
}

/// Checks the length of an input, of an execution or of a signal: before anything is sent.
///
/// # Errors
/// [`TooLong`]: it is longer than SWF takes, and than values may be that go elsewhere.
pub fn check_input(input: &str, jumbo: Option<&Jumbo>) -> Result<(), TooLong> {
    let length = input.chars().count();
    let most = values::ceiling(jumbo, limits::DATA_LENGTH);
    match length <= most {
        true => Ok(()),
        false => Err(TooLong { length, most }),
    }
}

/// What an execution is started with.
#[derive(Clone, Debug, Default)]
pub struct StartOptions {
    /// The workflow id; by default one from the workflow's name and the time.
    pub workflow_id: Option<WorkflowId>,
    /// The tags, at most five; by default the workflow's for this input.
    pub tag_list: Option<Vec<SmolStr>>,
    /// How long the execution may be open, in seconds; by default the workflow's limit.
    pub execution_timeout: Option<u32>,
    /// How long a decision may take, in seconds; by default the workflow's limit.
    pub decision_tasks_timeout: Option<u32>,
    /// The task list of the deciders; by default the workflow's for this input.
    pub task_list: Option<SmolStr>,
    /// The ARN of the IAM role with which the service calls Lambda functions; by default the
    /// workflow's.
    pub lambda_role: Option<SmolStr>,
    /// Signals that are sent right after the start: names, and inputs as JSON text.
    pub signals: Vec<(SmolStr, Option<SmolStr>)>,
    /// Where inputs go that are longer than SWF takes; by default they are refused.
    pub jumbo: Option<Jumbo>,
}

/// Starts an execution, and signals it as the options say. The workflow's type is registered when
/// the service does not know it.
///
/// The input is JSON text: a list of arguments, an object of named ones, or
/// `{"args": [...], "kwargs": {...}}`. `now` is for the id of an execution that is given none.
///
/// # Errors
/// [`StartError`].
pub async fn start<S: SwfService>(
    service: &S,
    domain: &DomainName,
    workflow: &WorkflowEntry,
    input: &str,
    options: &StartOptions,
    now: Timestamp,
) -> Result<WorkflowExecution, StartError> {
    let mut request = start_request(domain, workflow, input, options, now)?;
    let jumbo = options.jumbo.as_ref();
    for (signal, input) in &options.signals {
        let checked = check_input(input.as_deref().unwrap_or_default(), jumbo);
        checked.map_err(|too_long| StartError::SignalTooLong {
            signal: signal.clone(),
            too_long,
        })?;
    }
    values::encode(jumbo, &mut request).await?;
    let workflow_id = request.workflow_id.clone();
    let workflow_type = request.workflow_type.clone();
    let mut started = service.start_workflow_execution(request.clone()).await;
    if let Err(error) = &started
        && error.is_fault(FaultKind::UnknownResource)
    {
        register_workflow_type(service, domain.clone(), workflow_type).await?;
        started = service.start_workflow_execution(request).await;
    }
    let run_id = match started {
        Ok(run) => run.run_id.unwrap_or_default(),
        Err(error) if error.is_fault(FaultKind::WorkflowExecutionAlreadyStarted) => {
            return Err(StartError::AlreadyOpen(workflow_id));
        }
        Err(error) => return Err(error.into()),
    };
    for (name, input) in &options.signals {
        let mut signal = SignalWorkflowExecution {
            domain: domain.clone(),
            workflow_id: workflow_id.clone(),
            signal_name: name.clone().into(),
            input: input.clone(),
            ..SignalWorkflowExecution::default()
        };
        let not_sent = |source: SignalError| StartError::Signal {
            workflow_id: workflow_id.clone(),
            run_id: run_id.clone(),
            signal: name.clone(),
            source,
        };
        let encoded = values::encode(jumbo, &mut signal).await;
        encoded.map_err(|error| not_sent(error.into()))?;
        let sent = service.signal_workflow_execution(signal).await;
        sent.map_err(|error| not_sent(error.into()))?;
    }
    Ok(WorkflowExecution {
        workflow_id,
        run_id,
        ..WorkflowExecution::default()
    })
}

/// The request that starts an execution of a workflow; see [`start`], which puts its input elsewhere
/// if that is longer than SWF takes.
///
/// # Errors
/// [`StartError`], but for what the service says.
pub fn start_request(
    domain: &DomainName,
    workflow: &WorkflowEntry,
    input: &str,
    options: &StartOptions,
    now: Timestamp,
) -> Result<StartWorkflowExecution, StartError> {
    let definition = workflow.definition();
    let bad_input = |problem| StartError::Input {
        workflow: definition.path.clone(),
        problem,
    };
    let of_input = workflow.of_input(input).map_err(bad_input)?;
    let input = Arguments::parse(input).map_err(bad_input)?.to_input();
    check_input(&input, options.jumbo.as_ref()).map_err(StartError::InputTooLong)?;
    let decision_tasks_timeout = options
        .decision_tasks_timeout
        .map_or(definition.decision_tasks_timeout, Into::into);
    // Each decision would be too late, and the next one due at once.
    if decision_tasks_timeout.duration() == Some(Duration::ZERO) {
        return Err(StartError::NoTimeToDecide);
    }
    let workflow_id = options.workflow_id.clone().unwrap_or_else(|| {
        let seconds = now.as_micros() / 1_000_000;
        format!("{}-{}-{seconds}", definition.name, definition.version).into()
    });
    let task_list = options.task_list.as_ref().or(of_input.task_list.as_ref());
    let own_tags = of_input.tag_list.of_child(&[]);
    let tags = options.tag_list.as_deref().unwrap_or(own_tags);
    InvalidTags::check(tags)?;
    let role = options.lambda_role.as_ref();
    let role = role.or(definition.lambda_role.as_ref());
    Ok(StartWorkflowExecution {
        domain: domain.clone(),
        workflow_id,
        workflow_type: WorkflowType {
            name: definition.name.clone().into(),
            version: definition.version.clone().into(),
            ..WorkflowType::default()
        },
        task_list: Some(TaskList {
            name: task_list.map_or(DEFAULT_TASK_LIST.into(), |list| list.clone().into()),
            ..TaskList::default()
        }),
        task_priority: definition.task_priority,
        input: Some(input),
        execution_start_to_close_timeout: Some(
            options
                .execution_timeout
                .map_or(definition.execution_timeout, Into::into),
        ),
        task_start_to_close_timeout: Some(decision_tasks_timeout),
        child_policy: Some(definition.child_policy.clone()),
        tag_list: (!tags.is_empty()).then(|| tags.iter().cloned().map(Some).collect()),
        lambda_role: role.cloned().map(Arn::from),
        ..StartWorkflowExecution::default()
    })
}
