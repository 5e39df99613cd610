//! The attributes of each decision type, in the order of the service model.

use smol_str::SmolStr;

use crate::shape::shapes;
use crate::{
    ActivityId, ActivityType, Arn, ChildPolicy, FunctionId, FunctionName, MarkerName, RunId,
    SignalName, TaskList, TaskPriority, Timeout, TimerId, Version, WorkflowId, WorkflowType,
};

shapes! {
    /// Queues an activity task.
    ScheduleActivityTask {
        req activity_type: ActivityType = "activityType",
        req activity_id: ActivityId = "activityId",
        opt control: SmolStr = "control",
        opt input: SmolStr = "input",
        opt schedule_to_close_timeout: Timeout = "scheduleToCloseTimeout",
        opt task_list: TaskList = "taskList",
        opt task_priority: TaskPriority = "taskPriority",
        opt schedule_to_start_timeout: Timeout = "scheduleToStartTimeout",
        opt start_to_close_timeout: Timeout = "startToCloseTimeout",
        opt heartbeat_timeout: Timeout = "heartbeatTimeout",
    }
    /// Asks for the cancel of an activity task.
    RequestCancelActivityTask {
        req activity_id: ActivityId = "activityId",
    }
    /// Closes the execution: completed.
    CompleteWorkflowExecution {
        opt result: SmolStr = "result",
    }
    /// Closes the execution: failed.
    FailWorkflowExecution {
        opt reason: SmolStr = "reason",
        opt details: SmolStr = "details",
    }
    /// Closes the execution: cancelled.
    CancelWorkflowExecution {
        opt details: SmolStr = "details",
    }
    /// Closes the execution and goes on in a new run.
    ContinueAsNewWorkflowExecution {
        opt input: SmolStr = "input",
        opt execution_start_to_close_timeout: Timeout = "executionStartToCloseTimeout",
        opt task_list: TaskList = "taskList",
        opt task_priority: TaskPriority = "taskPriority",
        opt task_start_to_close_timeout: Timeout = "taskStartToCloseTimeout",
        opt child_policy: ChildPolicy = "childPolicy",
        opt tag_list: Vec<Option<SmolStr>> = "tagList",
        opt workflow_type_version: Version = "workflowTypeVersion",
        opt lambda_role: Arn = "lambdaRole",
    }
    /// Records a marker.
    RecordMarker {
        req marker_name: MarkerName = "markerName",
        opt details: SmolStr = "details",
    }
    /// Starts a timer.
    StartTimer {
        req timer_id: TimerId = "timerId",
        opt control: SmolStr = "control",
        req start_to_fire_timeout: Timeout = "startToFireTimeout",
    }
    /// Cancels a timer.
    CancelTimer {
        req timer_id: TimerId = "timerId",
    }
    /// Sends a signal to another execution.
    SignalExternalWorkflowExecution {
        req workflow_id: WorkflowId = "workflowId",
        opt run_id: RunId = "runId",
        req signal_name: SignalName = "signalName",
        opt input: SmolStr = "input",
        opt control: SmolStr = "control",
    }
    /// Asks for the cancel of another execution.
    RequestCancelExternalWorkflowExecution {
        req workflow_id: WorkflowId = "workflowId",
        opt run_id: RunId = "runId",
        opt control: SmolStr = "control",
    }
    /// Starts a child execution.
    StartChildWorkflowExecution {
        req workflow_type: WorkflowType = "workflowType",
        req workflow_id: WorkflowId = "workflowId",
        opt control: SmolStr = "control",
        opt input: SmolStr = "input",
        opt execution_start_to_close_timeout: Timeout = "executionStartToCloseTimeout",
        opt task_list: TaskList = "taskList",
        opt task_priority: TaskPriority = "taskPriority",
        opt task_start_to_close_timeout: Timeout = "taskStartToCloseTimeout",
        opt child_policy: ChildPolicy = "childPolicy",
        opt tag_list: Vec<Option<SmolStr>> = "tagList",
        opt lambda_role: Arn = "lambdaRole",
    }
    /// Queues a Lambda function.
    ScheduleLambdaFunction {
        req id: FunctionId = "id",
        req name: FunctionName = "name",
        opt control: SmolStr = "control",
        opt input: SmolStr = "input",
        opt start_to_close_timeout: Timeout = "startToCloseTimeout",
    }
}
