//! The enums of the service model, in alphabetical order.
//!
//! None of them is closed: the service may add a value at any time, and a history that has one must
//! still be read. What is not listed is kept in `Other` and written back as it came.

use crate::shape::string_enums;

string_enums! {
    /// Which time limit of an activity task ran out.
    ActivityTaskTimeoutType {
        StartToClose = "START_TO_CLOSE",
        ScheduleToStart = "SCHEDULE_TO_START",
        ScheduleToClose = "SCHEDULE_TO_CLOSE",
        Heartbeat = "HEARTBEAT",
    }
    /// Why a `CancelTimer` was refused.
    CancelTimerFailedCause {
        TimerIdUnknown = "TIMER_ID_UNKNOWN",
        OperationNotPermitted = "OPERATION_NOT_PERMITTED",
    }
    /// Why a `CancelWorkflowExecution` was refused.
    CancelWorkflowExecutionFailedCause {
        UnhandledDecision = "UNHANDLED_DECISION",
        OperationNotPermitted = "OPERATION_NOT_PERMITTED",
    }
    /// What becomes of the open children of an execution that is terminated or times out.
    ChildPolicy {
        Terminate = "TERMINATE",
        RequestCancel = "REQUEST_CANCEL",
        Abandon = "ABANDON",
    }
    /// How an execution was closed.
    CloseStatus {
        Completed = "COMPLETED",
        Failed = "FAILED",
        Canceled = "CANCELED",
        Terminated = "TERMINATED",
        ContinuedAsNew = "CONTINUED_AS_NEW",
        TimedOut = "TIMED_OUT",
    }
    /// Why a `CompleteWorkflowExecution` was refused.
    CompleteWorkflowExecutionFailedCause {
        UnhandledDecision = "UNHANDLED_DECISION",
        OperationNotPermitted = "OPERATION_NOT_PERMITTED",
    }
    /// Why a `ContinueAsNewWorkflowExecution` was refused.
    ContinueAsNewWorkflowExecutionFailedCause {
        UnhandledDecision = "UNHANDLED_DECISION",
        WorkflowTypeDeprecated = "WORKFLOW_TYPE_DEPRECATED",
        WorkflowTypeDoesNotExist = "WORKFLOW_TYPE_DOES_NOT_EXIST",
        DefaultExecutionStartToCloseTimeoutUndefined = "DEFAULT_EXECUTION_START_TO_CLOSE_TIMEOUT_UNDEFINED",
        DefaultTaskStartToCloseTimeoutUndefined = "DEFAULT_TASK_START_TO_CLOSE_TIMEOUT_UNDEFINED",
        DefaultTaskListUndefined = "DEFAULT_TASK_LIST_UNDEFINED",
        DefaultChildPolicyUndefined = "DEFAULT_CHILD_POLICY_UNDEFINED",
        ContinueAsNewWorkflowExecutionRateExceeded = "CONTINUE_AS_NEW_WORKFLOW_EXECUTION_RATE_EXCEEDED",
        OperationNotPermitted = "OPERATION_NOT_PERMITTED",
    }
    /// Which time limit of a decision task ran out.
    DecisionTaskTimeoutType {
        StartToClose = "START_TO_CLOSE",
        ScheduleToStart = "SCHEDULE_TO_START",
    }
    /// Whether an execution is open.
    ExecutionStatus {
        Open = "OPEN",
        Closed = "CLOSED",
    }
    /// Why a `FailWorkflowExecution` was refused.
    FailWorkflowExecutionFailedCause {
        UnhandledDecision = "UNHANDLED_DECISION",
        OperationNotPermitted = "OPERATION_NOT_PERMITTED",
    }
    /// Which time limit of a Lambda function ran out.
    LambdaFunctionTimeoutType {
        StartToClose = "START_TO_CLOSE",
    }
    /// Why a `RecordMarker` was refused.
    RecordMarkerFailedCause {
        OperationNotPermitted = "OPERATION_NOT_PERMITTED",
    }
    /// Whether a domain or type is in use or deprecated.
    RegistrationStatus {
        Registered = "REGISTERED",
        Deprecated = "DEPRECATED",
    }
    /// Why a `RequestCancelActivityTask` was refused.
    RequestCancelActivityTaskFailedCause {
        ActivityIdUnknown = "ACTIVITY_ID_UNKNOWN",
        OperationNotPermitted = "OPERATION_NOT_PERMITTED",
    }
    /// Why a `RequestCancelExternalWorkflowExecution` was refused.
    RequestCancelExternalWorkflowExecutionFailedCause {
        UnknownExternalWorkflowExecution = "UNKNOWN_EXTERNAL_WORKFLOW_EXECUTION",
        RequestCancelExternalWorkflowExecutionRateExceeded = "REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION_RATE_EXCEEDED",
        OperationNotPermitted = "OPERATION_NOT_PERMITTED",
    }
    /// Why a `ScheduleActivityTask` was refused.
    ScheduleActivityTaskFailedCause {
        ActivityTypeDeprecated = "ACTIVITY_TYPE_DEPRECATED",
        ActivityTypeDoesNotExist = "ACTIVITY_TYPE_DOES_NOT_EXIST",
        ActivityIdAlreadyInUse = "ACTIVITY_ID_ALREADY_IN_USE",
        OpenActivitiesLimitExceeded = "OPEN_ACTIVITIES_LIMIT_EXCEEDED",
        ActivityCreationRateExceeded = "ACTIVITY_CREATION_RATE_EXCEEDED",
        DefaultScheduleToCloseTimeoutUndefined = "DEFAULT_SCHEDULE_TO_CLOSE_TIMEOUT_UNDEFINED",
        DefaultTaskListUndefined = "DEFAULT_TASK_LIST_UNDEFINED",
        DefaultScheduleToStartTimeoutUndefined = "DEFAULT_SCHEDULE_TO_START_TIMEOUT_UNDEFINED",
        DefaultStartToCloseTimeoutUndefined = "DEFAULT_START_TO_CLOSE_TIMEOUT_UNDEFINED",
        DefaultHeartbeatTimeoutUndefined = "DEFAULT_HEARTBEAT_TIMEOUT_UNDEFINED",
        OperationNotPermitted = "OPERATION_NOT_PERMITTED",
    }
    /// Why a `ScheduleLambdaFunction` was refused.
    ScheduleLambdaFunctionFailedCause {
        IdAlreadyInUse = "ID_ALREADY_IN_USE",
        OpenLambdaFunctionsLimitExceeded = "OPEN_LAMBDA_FUNCTIONS_LIMIT_EXCEEDED",
        LambdaFunctionCreationRateExceeded = "LAMBDA_FUNCTION_CREATION_RATE_EXCEEDED",
        LambdaServiceNotAvailableInRegion = "LAMBDA_SERVICE_NOT_AVAILABLE_IN_REGION",
    }
    /// Why a `SignalExternalWorkflowExecution` was refused.
    SignalExternalWorkflowExecutionFailedCause {
        UnknownExternalWorkflowExecution = "UNKNOWN_EXTERNAL_WORKFLOW_EXECUTION",
        SignalExternalWorkflowExecutionRateExceeded = "SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_RATE_EXCEEDED",
        OperationNotPermitted = "OPERATION_NOT_PERMITTED",
    }
    /// Why a `StartChildWorkflowExecution` was refused.
    StartChildWorkflowExecutionFailedCause {
        WorkflowTypeDoesNotExist = "WORKFLOW_TYPE_DOES_NOT_EXIST",
        WorkflowTypeDeprecated = "WORKFLOW_TYPE_DEPRECATED",
        OpenChildrenLimitExceeded = "OPEN_CHILDREN_LIMIT_EXCEEDED",
        OpenWorkflowsLimitExceeded = "OPEN_WORKFLOWS_LIMIT_EXCEEDED",
        ChildCreationRateExceeded = "CHILD_CREATION_RATE_EXCEEDED",
        WorkflowAlreadyRunning = "WORKFLOW_ALREADY_RUNNING",
        DefaultExecutionStartToCloseTimeoutUndefined = "DEFAULT_EXECUTION_START_TO_CLOSE_TIMEOUT_UNDEFINED",
        DefaultTaskListUndefined = "DEFAULT_TASK_LIST_UNDEFINED",
        DefaultTaskStartToCloseTimeoutUndefined = "DEFAULT_TASK_START_TO_CLOSE_TIMEOUT_UNDEFINED",
        DefaultChildPolicyUndefined = "DEFAULT_CHILD_POLICY_UNDEFINED",
        OperationNotPermitted = "OPERATION_NOT_PERMITTED",
    }
    /// Why a scheduled Lambda function could not be started.
    StartLambdaFunctionFailedCause {
        AssumeRoleFailed = "ASSUME_ROLE_FAILED",
    }
    /// Why a `StartTimer` was refused.
    StartTimerFailedCause {
        TimerIdAlreadyInUse = "TIMER_ID_ALREADY_IN_USE",
        OpenTimersLimitExceeded = "OPEN_TIMERS_LIMIT_EXCEEDED",
        TimerCreationRateExceeded = "TIMER_CREATION_RATE_EXCEEDED",
        OperationNotPermitted = "OPERATION_NOT_PERMITTED",
    }
    /// Why a cancel of an execution was asked for, where it was the service that asked.
    WorkflowExecutionCancelRequestedCause {
        ChildPolicyApplied = "CHILD_POLICY_APPLIED",
    }
    /// What terminated an execution.
    WorkflowExecutionTerminatedCause {
        ChildPolicyApplied = "CHILD_POLICY_APPLIED",
        EventLimitExceeded = "EVENT_LIMIT_EXCEEDED",
        OperatorInitiated = "OPERATOR_INITIATED",
    }
    /// Which time limit of an execution ran out.
    WorkflowExecutionTimeoutType {
        StartToClose = "START_TO_CLOSE",
    }
}
