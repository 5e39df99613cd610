//! The attributes of each history event type, in the order of the service model.

use smol_str::SmolStr;

use crate::enums::*;
use crate::shape::shapes;
use crate::{
    ActivityId, ActivityType, Arn, ChildPolicy, EventId, FunctionId, FunctionName, Identity,
    MarkerName, RunId, SignalName, TaskList, TaskPriority, Timeout, TimerId, WorkflowExecution,
    WorkflowId, WorkflowType,
};

shapes! {
    /// The execution was started.
    WorkflowExecutionStarted {
        opt input: SmolStr = "input",
        opt execution_start_to_close_timeout: Timeout = "executionStartToCloseTimeout",
        opt task_start_to_close_timeout: Timeout = "taskStartToCloseTimeout",
        req child_policy: ChildPolicy = "childPolicy",
        req task_list: TaskList = "taskList",
        opt task_priority: TaskPriority = "taskPriority",
        req workflow_type: WorkflowType = "workflowType",
        opt tag_list: Vec<Option<SmolStr>> = "tagList",
        opt continued_execution_run_id: RunId = "continuedExecutionRunId",
        opt parent_workflow_execution: WorkflowExecution = "parentWorkflowExecution",
        opt parent_initiated_event_id: EventId = "parentInitiatedEventId",
        opt lambda_role: Arn = "lambdaRole",
    }
    /// A cancel of the execution was asked for.
    WorkflowExecutionCancelRequested {
        opt external_workflow_execution: WorkflowExecution = "externalWorkflowExecution",
        opt external_initiated_event_id: EventId = "externalInitiatedEventId",
        opt cause: WorkflowExecutionCancelRequestedCause = "cause",
    }
    /// The execution was closed by its completion.
    WorkflowExecutionCompleted {
        opt result: SmolStr = "result",
        req decision_task_completed_event_id: EventId = "decisionTaskCompletedEventId",
    }
    /// A completion was refused.
    CompleteWorkflowExecutionFailed {
        req cause: CompleteWorkflowExecutionFailedCause = "cause",
        req decision_task_completed_event_id: EventId = "decisionTaskCompletedEventId",
    }
    /// The execution was closed by its failure.
    WorkflowExecutionFailed {
        opt reason: SmolStr = "reason",
        opt details: SmolStr = "details",
        req decision_task_completed_event_id: EventId = "decisionTaskCompletedEventId",
    }
    /// A failure was refused.
    FailWorkflowExecutionFailed {
        req cause: FailWorkflowExecutionFailedCause = "cause",
        req decision_task_completed_event_id: EventId = "decisionTaskCompletedEventId",
    }
    /// The execution was closed because its time was up.
    WorkflowExecutionTimedOut {
        req timeout_type: WorkflowExecutionTimeoutType = "timeoutType",
        req child_policy: ChildPolicy = "childPolicy",
    }
    /// The execution was closed by its cancel.
    WorkflowExecutionCanceled {
        opt details: SmolStr = "details",
        req decision_task_completed_event_id: EventId = "decisionTaskCompletedEventId",
    }
    /// A cancel was refused.
    CancelWorkflowExecutionFailed {
        req cause: CancelWorkflowExecutionFailedCause = "cause",
        req decision_task_completed_event_id: EventId = "decisionTaskCompletedEventId",
    }
    /// The execution was closed and goes on in a new run.
    WorkflowExecutionContinuedAsNew {
        opt input: SmolStr = "input",
        req decision_task_completed_event_id: EventId = "decisionTaskCompletedEventId",
        req new_execution_run_id: RunId = "newExecutionRunId",
        opt execution_start_to_close_timeout: Timeout = "executionStartToCloseTimeout",
        req task_list: TaskList = "taskList",
        opt task_priority: TaskPriority = "taskPriority",
        opt task_start_to_close_timeout: Timeout = "taskStartToCloseTimeout",
        req child_policy: ChildPolicy = "childPolicy",
        opt tag_list: Vec<Option<SmolStr>> = "tagList",
        req workflow_type: WorkflowType = "workflowType",
        opt lambda_role: Arn = "lambdaRole",
    }
    /// To go on in a new run was refused.
    ContinueAsNewWorkflowExecutionFailed {
        req cause: ContinueAsNewWorkflowExecutionFailedCause = "cause",
        req decision_task_completed_event_id: EventId = "decisionTaskCompletedEventId",
    }
    /// The execution was terminated.
    WorkflowExecutionTerminated {
        opt reason: SmolStr = "reason",
        opt details: SmolStr = "details",
        req child_policy: ChildPolicy = "childPolicy",
        opt cause: WorkflowExecutionTerminatedCause = "cause",
    }
    /// A decision task was queued.
    DecisionTaskScheduled {
        req task_list: TaskList = "taskList",
        opt task_priority: TaskPriority = "taskPriority",
        opt start_to_close_timeout: Timeout = "startToCloseTimeout",
        opt schedule_to_start_timeout: Timeout = "scheduleToStartTimeout",
    }
    /// A decider took the decision task.
    DecisionTaskStarted {
        opt identity: Identity = "identity",
        req scheduled_event_id: EventId = "scheduledEventId",
    }
    /// The decider answered the decision task; its decisions follow.
    DecisionTaskCompleted {
        opt execution_context: SmolStr = "executionContext",
        req scheduled_event_id: EventId = "scheduledEventId",
        req started_event_id: EventId = "startedEventId",
        opt task_list: TaskList = "taskList",
        opt task_list_schedule_to_start_timeout: Timeout = "taskListScheduleToStartTimeout",
    }
    /// The decision task was not answered in time.
    DecisionTaskTimedOut {
        req timeout_type: DecisionTaskTimeoutType = "timeoutType",
        req scheduled_event_id: EventId = "scheduledEventId",
        req started_event_id: EventId = "startedEventId",
    }
    /// An activity task was queued.
    ActivityTaskScheduled {
        req activity_type: ActivityType = "activityType",
        req activity_id: ActivityId = "activityId",
        opt input: SmolStr = "input",
        opt control: SmolStr = "control",
        opt schedule_to_start_timeout: Timeout = "scheduleToStartTimeout",
        opt schedule_to_close_timeout: Timeout = "scheduleToCloseTimeout",
        opt start_to_close_timeout: Timeout = "startToCloseTimeout",
        req task_list: TaskList = "taskList",
        opt task_priority: TaskPriority = "taskPriority",
        req decision_task_completed_event_id: EventId = "decisionTaskCompletedEventId",
        opt heartbeat_timeout: Timeout = "heartbeatTimeout",
    }
    /// An activity task was refused.
    ScheduleActivityTaskFailed {
        req activity_type: ActivityType = "activityType",
        req activity_id: ActivityId = "activityId",
        req cause: ScheduleActivityTaskFailedCause = "cause",
        req decision_task_completed_event_id: EventId = "decisionTaskCompletedEventId",
    }
    /// A worker took the activity task.
    ActivityTaskStarted {
        opt identity: Identity = "identity",
        req scheduled_event_id: EventId = "scheduledEventId",
    }
    /// The activity task is done.
    ActivityTaskCompleted {
        opt result: SmolStr = "result",
        req scheduled_event_id: EventId = "scheduledEventId",
        req started_event_id: EventId = "startedEventId",
    }
    /// The activity task failed.
    ActivityTaskFailed {
        opt reason: SmolStr = "reason",
        opt details: SmolStr = "details",
        req scheduled_event_id: EventId = "scheduledEventId",
        req started_event_id: EventId = "startedEventId",
    }
    /// One of the time limits of the activity task ran out.
    ActivityTaskTimedOut {
        req timeout_type: ActivityTaskTimeoutType = "timeoutType",
        req scheduled_event_id: EventId = "scheduledEventId",
        req started_event_id: EventId = "startedEventId",
        opt details: SmolStr = "details",
    }
    /// The activity task was cancelled.
    ActivityTaskCanceled {
        opt details: SmolStr = "details",
        req scheduled_event_id: EventId = "scheduledEventId",
        req started_event_id: EventId = "startedEventId",
        opt latest_cancel_requested_event_id: EventId = "latestCancelRequestedEventId",
    }
    /// A cancel of an activity task was asked for.
    ActivityTaskCancelRequested {
        req decision_task_completed_event_id: EventId = "decisionTaskCompletedEventId",
        req activity_id: ActivityId = "activityId",
    }
    /// The request to cancel an activity task was refused.
    RequestCancelActivityTaskFailed {
        req activity_id: ActivityId = "activityId",
        req cause: RequestCancelActivityTaskFailedCause = "cause",
        req decision_task_completed_event_id: EventId = "decisionTaskCompletedEventId",
    }
    /// The execution received a signal.
    WorkflowExecutionSignaled {
        req signal_name: SignalName = "signalName",
        opt input: SmolStr = "input",
        opt external_workflow_execution: WorkflowExecution = "externalWorkflowExecution",
        opt external_initiated_event_id: EventId = "externalInitiatedEventId",
    }
    /// A marker was recorded.
    MarkerRecorded {
        req marker_name: MarkerName = "markerName",
        opt details: SmolStr = "details",
        req decision_task_completed_event_id: EventId = "decisionTaskCompletedEventId",
    }
    /// A marker was refused.
    RecordMarkerFailed {
        req marker_name: MarkerName = "markerName",
        req cause: RecordMarkerFailedCause = "cause",
        req decision_task_completed_event_id: EventId = "decisionTaskCompletedEventId",
    }
    /// A timer was started.
    TimerStarted {
        req timer_id: TimerId = "timerId",
        opt control: SmolStr = "control",
        req start_to_fire_timeout: Timeout = "startToFireTimeout",
        req decision_task_completed_event_id: EventId = "decisionTaskCompletedEventId",
    }
    /// A timer was refused.
    StartTimerFailed {
        req timer_id: TimerId = "timerId",
        req cause: StartTimerFailedCause = "cause",
        req decision_task_completed_event_id: EventId = "decisionTaskCompletedEventId",
    }
    /// A timer fired.
    TimerFired {
        req timer_id: TimerId = "timerId",
        req started_event_id: EventId = "startedEventId",
    }
    /// A timer was cancelled.
    TimerCanceled {
        req timer_id: TimerId = "timerId",
        req started_event_id: EventId = "startedEventId",
        req decision_task_completed_event_id: EventId = "decisionTaskCompletedEventId",
    }
    /// The cancel of a timer was refused.
    CancelTimerFailed {
        req timer_id: TimerId = "timerId",
        req cause: CancelTimerFailedCause = "cause",
        req decision_task_completed_event_id: EventId = "decisionTaskCompletedEventId",
    }
    /// The start of a child execution was asked for.
    StartChildWorkflowExecutionInitiated {
        req workflow_id: WorkflowId = "workflowId",
        req workflow_type: WorkflowType = "workflowType",
        opt control: SmolStr = "control",
        opt input: SmolStr = "input",
        opt execution_start_to_close_timeout: Timeout = "executionStartToCloseTimeout",
        req task_list: TaskList = "taskList",
        opt task_priority: TaskPriority = "taskPriority",
        req decision_task_completed_event_id: EventId = "decisionTaskCompletedEventId",
        req child_policy: ChildPolicy = "childPolicy",
        opt task_start_to_close_timeout: Timeout = "taskStartToCloseTimeout",
        opt tag_list: Vec<Option<SmolStr>> = "tagList",
        opt lambda_role: Arn = "lambdaRole",
    }
    /// A child execution was not started.
    StartChildWorkflowExecutionFailed {
        req workflow_type: WorkflowType = "workflowType",
        req cause: StartChildWorkflowExecutionFailedCause = "cause",
        req workflow_id: WorkflowId = "workflowId",
        req initiated_event_id: EventId = "initiatedEventId",
        req decision_task_completed_event_id: EventId = "decisionTaskCompletedEventId",
        opt control: SmolStr = "control",
    }
    /// A child execution was started.
    ChildWorkflowExecutionStarted {
        req workflow_execution: WorkflowExecution = "workflowExecution",
        req workflow_type: WorkflowType = "workflowType",
        req initiated_event_id: EventId = "initiatedEventId",
    }
    /// A child execution completed.
    ChildWorkflowExecutionCompleted {
        req workflow_execution: WorkflowExecution = "workflowExecution",
        req workflow_type: WorkflowType = "workflowType",
        opt result: SmolStr = "result",
        req initiated_event_id: EventId = "initiatedEventId",
        req started_event_id: EventId = "startedEventId",
    }
    /// A child execution failed.
    ChildWorkflowExecutionFailed {
        req workflow_execution: WorkflowExecution = "workflowExecution",
        req workflow_type: WorkflowType = "workflowType",
        opt reason: SmolStr = "reason",
        opt details: SmolStr = "details",
        req initiated_event_id: EventId = "initiatedEventId",
        req started_event_id: EventId = "startedEventId",
    }
    /// The time of a child execution was up.
    ChildWorkflowExecutionTimedOut {
        req workflow_execution: WorkflowExecution = "workflowExecution",
        req workflow_type: WorkflowType = "workflowType",
        req timeout_type: WorkflowExecutionTimeoutType = "timeoutType",
        req initiated_event_id: EventId = "initiatedEventId",
        req started_event_id: EventId = "startedEventId",
    }
    /// A child execution was cancelled.
    ChildWorkflowExecutionCanceled {
        req workflow_execution: WorkflowExecution = "workflowExecution",
        req workflow_type: WorkflowType = "workflowType",
        opt details: SmolStr = "details",
        req initiated_event_id: EventId = "initiatedEventId",
        req started_event_id: EventId = "startedEventId",
    }
    /// A child execution was terminated.
    ChildWorkflowExecutionTerminated {
        req workflow_execution: WorkflowExecution = "workflowExecution",
        req workflow_type: WorkflowType = "workflowType",
        req initiated_event_id: EventId = "initiatedEventId",
        req started_event_id: EventId = "startedEventId",
    }
    /// A signal to another execution was asked for.
    SignalExternalWorkflowExecutionInitiated {
        req workflow_id: WorkflowId = "workflowId",
        opt run_id: RunId = "runId",
        req signal_name: SignalName = "signalName",
        opt input: SmolStr = "input",
        req decision_task_completed_event_id: EventId = "decisionTaskCompletedEventId",
        opt control: SmolStr = "control",
    }
    /// A signal to another execution was not delivered.
    SignalExternalWorkflowExecutionFailed {
        req workflow_id: WorkflowId = "workflowId",
        opt run_id: RunId = "runId",
        req cause: SignalExternalWorkflowExecutionFailedCause = "cause",
        req initiated_event_id: EventId = "initiatedEventId",
        req decision_task_completed_event_id: EventId = "decisionTaskCompletedEventId",
        opt control: SmolStr = "control",
    }
    /// A signal to another execution was delivered.
    ExternalWorkflowExecutionSignaled {
        req workflow_execution: WorkflowExecution = "workflowExecution",
        req initiated_event_id: EventId = "initiatedEventId",
    }
    /// The cancel of another execution was asked for.
    RequestCancelExternalWorkflowExecutionInitiated {
        req workflow_id: WorkflowId = "workflowId",
        opt run_id: RunId = "runId",
        req decision_task_completed_event_id: EventId = "decisionTaskCompletedEventId",
        opt control: SmolStr = "control",
    }
    /// The request to cancel another execution was not delivered.
    RequestCancelExternalWorkflowExecutionFailed {
        req workflow_id: WorkflowId = "workflowId",
        opt run_id: RunId = "runId",
        req cause: RequestCancelExternalWorkflowExecutionFailedCause = "cause",
        req initiated_event_id: EventId = "initiatedEventId",
        req decision_task_completed_event_id: EventId = "decisionTaskCompletedEventId",
        opt control: SmolStr = "control",
    }
    /// The request to cancel another execution was delivered.
    ExternalWorkflowExecutionCancelRequested {
        req workflow_execution: WorkflowExecution = "workflowExecution",
        req initiated_event_id: EventId = "initiatedEventId",
    }
    /// A Lambda function was queued.
    LambdaFunctionScheduled {
        req id: FunctionId = "id",
        req name: FunctionName = "name",
        opt control: SmolStr = "control",
        opt input: SmolStr = "input",
        opt start_to_close_timeout: Timeout = "startToCloseTimeout",
        req decision_task_completed_event_id: EventId = "decisionTaskCompletedEventId",
    }
    /// A Lambda function was started.
    LambdaFunctionStarted {
        req scheduled_event_id: EventId = "scheduledEventId",
    }
    /// A Lambda function is done.
    LambdaFunctionCompleted {
        req scheduled_event_id: EventId = "scheduledEventId",
        req started_event_id: EventId = "startedEventId",
        opt result: SmolStr = "result",
    }
    /// A Lambda function failed.
    LambdaFunctionFailed {
        req scheduled_event_id: EventId = "scheduledEventId",
        req started_event_id: EventId = "startedEventId",
        opt reason: SmolStr = "reason",
        opt details: SmolStr = "details",
    }
    /// The time of a Lambda function was up.
    LambdaFunctionTimedOut {
        req scheduled_event_id: EventId = "scheduledEventId",
        req started_event_id: EventId = "startedEventId",
        opt timeout_type: LambdaFunctionTimeoutType = "timeoutType",
    }
    /// A Lambda function was refused.
    ScheduleLambdaFunctionFailed {
        req id: FunctionId = "id",
        req name: FunctionName = "name",
        req cause: ScheduleLambdaFunctionFailedCause = "cause",
        req decision_task_completed_event_id: EventId = "decisionTaskCompletedEventId",
    }
    /// A Lambda function could not be started.
    StartLambdaFunctionFailed {
        opt scheduled_event_id: EventId = "scheduledEventId",
        opt cause: StartLambdaFunctionFailedCause = "cause",
        opt message: SmolStr = "message",
    }
}
