//! Decisions by what they must say; the rest is set on the structure.
//!
//! ```
//! use simpleflow_model::Decision;
//! use simpleflow_model::decision::ScheduleActivityTask;
//! use simpleflow_swf::decisions;
//!
//! let decisions: Vec<Decision> = vec![
//!     ScheduleActivityTask {
//!         input: Some("[1]".into()),
//!         ..decisions::schedule_activity_task("increment-1", "increment", "1")
//!     }
//!     .into(),
//!     decisions::start_timer("patience", 60).into(),
//! ];
//! assert_eq!(decisions[1].decision_type(), "StartTimer");
//! ```

use simpleflow_model::decision::*;
use simpleflow_model::{
    ActivityId, ActivityType, FunctionId, FunctionName, MarkerName, SignalName, SmolStr, Timeout,
    TimerId, TypeName, Version, WorkflowId, WorkflowType,
};

/// Queues an activity task.
pub fn schedule_activity_task(
    id: impl Into<ActivityId>,
    name: impl Into<TypeName>,
    version: impl Into<Version>,
) -> ScheduleActivityTask {
    ScheduleActivityTask {
        activity_id: id.into(),
        activity_type: ActivityType {
            name: name.into(),
            version: version.into(),
            ..ActivityType::default()
        },
        ..ScheduleActivityTask::default()
    }
}

/// Asks for the cancel of an activity task.
pub fn request_cancel_activity_task(id: impl Into<ActivityId>) -> RequestCancelActivityTask {
    RequestCancelActivityTask {
        activity_id: id.into(),
        ..RequestCancelActivityTask::default()
    }
}

/// Closes the execution: completed.
pub fn complete_workflow_execution(result: impl Into<SmolStr>) -> CompleteWorkflowExecution {
    CompleteWorkflowExecution {
        result: Some(result.into()),
        ..CompleteWorkflowExecution::default()
    }
}

/// Closes the execution: failed.
pub fn fail_workflow_execution(reason: impl Into<SmolStr>) -> FailWorkflowExecution {
    FailWorkflowExecution {
        reason: Some(reason.into()),
        ..FailWorkflowExecution::default()
    }
}

/// Closes the execution: cancelled.
pub fn cancel_workflow_execution() -> CancelWorkflowExecution {
    CancelWorkflowExecution::default()
}

/// Closes the execution and goes on in a new run with this input.
pub fn continue_as_new_workflow_execution(
    input: impl Into<SmolStr>,
) -> ContinueAsNewWorkflowExecution {
    ContinueAsNewWorkflowExecution {
        input: Some(input.into()),
        ..ContinueAsNewWorkflowExecution::default()
    }
}

/// Records a marker.
pub fn record_marker(name: impl Into<MarkerName>, details: impl Into<SmolStr>) -> RecordMarker {
    RecordMarker {
        marker_name: name.into(),
        details: Some(details.into()),
        ..RecordMarker::default()
    }
}

/// Starts a timer.
pub fn start_timer(id: impl Into<TimerId>, seconds: u32) -> StartTimer {
    StartTimer {
        timer_id: id.into(),
        start_to_fire_timeout: Timeout::Seconds(seconds),
        ..StartTimer::default()
    }
}

/// Cancels a timer.
pub fn cancel_timer(id: impl Into<TimerId>) -> CancelTimer {
    CancelTimer {
        timer_id: id.into(),
        ..CancelTimer::default()
    }
}

/// Sends a signal to another execution.
pub fn signal_external_workflow_execution(
    workflow_id: impl Into<WorkflowId>,
    name: impl Into<SignalName>,
) -> SignalExternalWorkflowExecution {
    SignalExternalWorkflowExecution {
        workflow_id: workflow_id.into(),
        signal_name: name.into(),
        ..SignalExternalWorkflowExecution::default()
    }
}

/// Asks for the cancel of another execution.
pub fn request_cancel_external_workflow_execution(
    workflow_id: impl Into<WorkflowId>,
) -> RequestCancelExternalWorkflowExecution {
    RequestCancelExternalWorkflowExecution {
        workflow_id: workflow_id.into(),
        ..RequestCancelExternalWorkflowExecution::default()
    }
}

/// Starts a child execution.
pub fn start_child_workflow_execution(
    workflow_id: impl Into<WorkflowId>,
    name: impl Into<TypeName>,
    version: impl Into<Version>,
) -> StartChildWorkflowExecution {
    StartChildWorkflowExecution {
        workflow_id: workflow_id.into(),
        workflow_type: WorkflowType {
            name: name.into(),
            version: version.into(),
            ..WorkflowType::default()
        },
        ..StartChildWorkflowExecution::default()
    }
}

/// Queues a Lambda function.
pub fn schedule_lambda_function(
    id: impl Into<FunctionId>,
    name: impl Into<FunctionName>,
) -> ScheduleLambdaFunction {
    ScheduleLambdaFunction {
        id: id.into(),
        name: name.into(),
        ..ScheduleLambdaFunction::default()
    }
}
