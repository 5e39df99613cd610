//! The requests of the 39 operations of the service, each under the name of its operation.
//!
//! The answers are in [`types`](crate::types), where operations share them.

use smol_str::SmolStr;

use crate::enums::*;
use crate::shape::shapes;
use crate::types::*;
use crate::{
    Arn, Decision, DomainName, Identity, PageToken, RetentionDays, RunId, SignalName, TaskPriority,
    TaskToken, Timeout, TypeName, Version, WorkflowId,
};

shapes! {
    /// Counts the closed executions that match the filters.
    CountClosedWorkflowExecutions {
        req domain: DomainName = "domain",
        opt start_time_filter: ExecutionTimeFilter = "startTimeFilter",
        opt close_time_filter: ExecutionTimeFilter = "closeTimeFilter",
        opt execution_filter: WorkflowExecutionFilter = "executionFilter",
        opt type_filter: WorkflowTypeFilter = "typeFilter",
        opt tag_filter: TagFilter = "tagFilter",
        opt close_status_filter: CloseStatusFilter = "closeStatusFilter",
    }
    /// Counts the open executions that match the filters.
    CountOpenWorkflowExecutions {
        req domain: DomainName = "domain",
        req start_time_filter: ExecutionTimeFilter = "startTimeFilter",
        opt type_filter: WorkflowTypeFilter = "typeFilter",
        opt tag_filter: TagFilter = "tagFilter",
        opt execution_filter: WorkflowExecutionFilter = "executionFilter",
    }
    /// Counts the activity tasks that wait in a task list.
    CountPendingActivityTasks {
        req domain: DomainName = "domain",
        req task_list: TaskList = "taskList",
    }
    /// Counts the decision tasks that wait in a task list.
    CountPendingDecisionTasks {
        req domain: DomainName = "domain",
        req task_list: TaskList = "taskList",
    }
    /// Deletes an activity type, which must be deprecated.
    DeleteActivityType {
        req domain: DomainName = "domain",
        req activity_type: ActivityType = "activityType",
    }
    /// Deletes a workflow type, which must be deprecated.
    DeleteWorkflowType {
        req domain: DomainName = "domain",
        req workflow_type: WorkflowType = "workflowType",
    }
    /// Deprecates an activity type: no new task of it can be scheduled.
    DeprecateActivityType {
        req domain: DomainName = "domain",
        req activity_type: ActivityType = "activityType",
    }
    /// Deprecates a domain: no new execution can be started in it, nor a type registered.
    DeprecateDomain {
        req name: DomainName = "name",
    }
    /// Deprecates a workflow type: no new execution of it can be started.
    DeprecateWorkflowType {
        req domain: DomainName = "domain",
        req workflow_type: WorkflowType = "workflowType",
    }
    /// Asks for an activity type and its defaults.
    DescribeActivityType {
        req domain: DomainName = "domain",
        req activity_type: ActivityType = "activityType",
    }
    /// Asks for a domain and its configuration.
    DescribeDomain {
        req name: DomainName = "name",
    }
    /// Asks for the state of an execution.
    DescribeWorkflowExecution {
        req domain: DomainName = "domain",
        req execution: WorkflowExecution = "execution",
    }
    /// Asks for a workflow type and its defaults.
    DescribeWorkflowType {
        req domain: DomainName = "domain",
        req workflow_type: WorkflowType = "workflowType",
    }
    /// Asks for a page of the history of an execution.
    GetWorkflowExecutionHistory {
        req domain: DomainName = "domain",
        req execution: WorkflowExecution = "execution",
        opt next_page_token: PageToken = "nextPageToken",
        opt maximum_page_size: u32 = "maximumPageSize",
        opt reverse_order: bool = "reverseOrder",
    }
    /// Asks for a page of the activity types of a domain.
    ListActivityTypes {
        req domain: DomainName = "domain",
        opt name: TypeName = "name",
        req registration_status: RegistrationStatus = "registrationStatus",
        opt next_page_token: PageToken = "nextPageToken",
        opt maximum_page_size: u32 = "maximumPageSize",
        opt reverse_order: bool = "reverseOrder",
    }
    /// Asks for a page of the closed executions that match the filters.
    ListClosedWorkflowExecutions {
        req domain: DomainName = "domain",
        opt start_time_filter: ExecutionTimeFilter = "startTimeFilter",
        opt close_time_filter: ExecutionTimeFilter = "closeTimeFilter",
        opt execution_filter: WorkflowExecutionFilter = "executionFilter",
        opt close_status_filter: CloseStatusFilter = "closeStatusFilter",
        opt type_filter: WorkflowTypeFilter = "typeFilter",
        opt tag_filter: TagFilter = "tagFilter",
        opt next_page_token: PageToken = "nextPageToken",
        opt maximum_page_size: u32 = "maximumPageSize",
        opt reverse_order: bool = "reverseOrder",
    }
    /// Asks for a page of the domains.
    ListDomains {
        opt next_page_token: PageToken = "nextPageToken",
        req registration_status: RegistrationStatus = "registrationStatus",
        opt maximum_page_size: u32 = "maximumPageSize",
        opt reverse_order: bool = "reverseOrder",
    }
    /// Asks for a page of the open executions that match the filters.
    ListOpenWorkflowExecutions {
        req domain: DomainName = "domain",
        req start_time_filter: ExecutionTimeFilter = "startTimeFilter",
        opt type_filter: WorkflowTypeFilter = "typeFilter",
        opt tag_filter: TagFilter = "tagFilter",
        opt next_page_token: PageToken = "nextPageToken",
        opt maximum_page_size: u32 = "maximumPageSize",
        opt reverse_order: bool = "reverseOrder",
        opt execution_filter: WorkflowExecutionFilter = "executionFilter",
    }
    /// Asks for the tags of a domain.
    ListTagsForResource {
        req resource_arn: Arn = "resourceArn",
    }
    /// Asks for a page of the workflow types of a domain.
    ListWorkflowTypes {
        req domain: DomainName = "domain",
        opt name: TypeName = "name",
        req registration_status: RegistrationStatus = "registrationStatus",
        opt next_page_token: PageToken = "nextPageToken",
        opt maximum_page_size: u32 = "maximumPageSize",
        opt reverse_order: bool = "reverseOrder",
    }
    /// Waits for a task in a task list, as a worker.
    PollForActivityTask {
        req domain: DomainName = "domain",
        req task_list: TaskList = "taskList",
        opt identity: Identity = "identity",
    }
    /// Waits for a task in a task list, as a decider; with a page token, asks for the next page of
    /// the history of a task that was handed out.
    PollForDecisionTask {
        req domain: DomainName = "domain",
        req task_list: TaskList = "taskList",
        opt identity: Identity = "identity",
        opt next_page_token: PageToken = "nextPageToken",
        opt maximum_page_size: u32 = "maximumPageSize",
        opt reverse_order: bool = "reverseOrder",
        opt start_at_previous_started_event: bool = "startAtPreviousStartedEvent",
    }
    /// Says that a worker is still at its task, and learns whether a cancel was asked for.
    RecordActivityTaskHeartbeat {
        req task_token: TaskToken = "taskToken",
        opt details: SmolStr = "details",
    }
    /// Registers an activity type with its defaults.
    RegisterActivityType {
        req domain: DomainName = "domain",
        req name: TypeName = "name",
        req version: Version = "version",
        opt description: SmolStr = "description",
        opt default_task_start_to_close_timeout: Timeout = "defaultTaskStartToCloseTimeout",
        opt default_task_heartbeat_timeout: Timeout = "defaultTaskHeartbeatTimeout",
        opt default_task_list: TaskList = "defaultTaskList",
        opt default_task_priority: TaskPriority = "defaultTaskPriority",
        opt default_task_schedule_to_start_timeout: Timeout = "defaultTaskScheduleToStartTimeout",
        opt default_task_schedule_to_close_timeout: Timeout = "defaultTaskScheduleToCloseTimeout",
    }
    /// Registers a domain.
    RegisterDomain {
        req name: DomainName = "name",
        opt description: SmolStr = "description",
        req workflow_execution_retention_period_in_days: RetentionDays = "workflowExecutionRetentionPeriodInDays",
        opt tags: Vec<ResourceTag> = "tags",
    }
    /// Registers a workflow type with its defaults.
    RegisterWorkflowType {
        req domain: DomainName = "domain",
        req name: TypeName = "name",
        req version: Version = "version",
        opt description: SmolStr = "description",
        opt default_task_start_to_close_timeout: Timeout = "defaultTaskStartToCloseTimeout",
        opt default_execution_start_to_close_timeout: Timeout = "defaultExecutionStartToCloseTimeout",
        opt default_task_list: TaskList = "defaultTaskList",
        opt default_task_priority: TaskPriority = "defaultTaskPriority",
        opt default_child_policy: ChildPolicy = "defaultChildPolicy",
        opt default_lambda_role: Arn = "defaultLambdaRole",
    }
    /// Asks an execution to cancel itself; its decider decides what comes of it.
    RequestCancelWorkflowExecution {
        req domain: DomainName = "domain",
        req workflow_id: WorkflowId = "workflowId",
        opt run_id: RunId = "runId",
    }
    /// Answers an activity task: it was cancelled.
    RespondActivityTaskCanceled {
        req task_token: TaskToken = "taskToken",
        opt details: SmolStr = "details",
    }
    /// Answers an activity task: it is done.
    RespondActivityTaskCompleted {
        req task_token: TaskToken = "taskToken",
        opt result: SmolStr = "result",
    }
    /// Answers an activity task: it failed.
    RespondActivityTaskFailed {
        req task_token: TaskToken = "taskToken",
        opt reason: SmolStr = "reason",
        opt details: SmolStr = "details",
    }
    /// Answers a decision task with decisions, in the order in which they take effect.
    RespondDecisionTaskCompleted {
        req task_token: TaskToken = "taskToken",
        opt decisions: Vec<Decision> = "decisions",
        opt execution_context: SmolStr = "executionContext",
        opt task_list: TaskList = "taskList",
        opt task_list_schedule_to_start_timeout: Timeout = "taskListScheduleToStartTimeout",
    }
    /// Sends a signal to an open execution.
    SignalWorkflowExecution {
        req domain: DomainName = "domain",
        req workflow_id: WorkflowId = "workflowId",
        opt run_id: RunId = "runId",
        req signal_name: SignalName = "signalName",
        opt input: SmolStr = "input",
    }
    /// Starts an execution.
    StartWorkflowExecution {
        req domain: DomainName = "domain",
        req workflow_id: WorkflowId = "workflowId",
        req workflow_type: WorkflowType = "workflowType",
        opt task_list: TaskList = "taskList",
        opt task_priority: TaskPriority = "taskPriority",
        opt input: SmolStr = "input",
        opt execution_start_to_close_timeout: Timeout = "executionStartToCloseTimeout",
        opt tag_list: Vec<Option<SmolStr>> = "tagList",
        opt task_start_to_close_timeout: Timeout = "taskStartToCloseTimeout",
        opt child_policy: ChildPolicy = "childPolicy",
        opt lambda_role: Arn = "lambdaRole",
    }
    /// Adds tags to a domain.
    TagResource {
        req resource_arn: Arn = "resourceArn",
        req tags: Vec<ResourceTag> = "tags",
    }
    /// Closes an execution without asking its decider.
    TerminateWorkflowExecution {
        req domain: DomainName = "domain",
        req workflow_id: WorkflowId = "workflowId",
        opt run_id: RunId = "runId",
        opt reason: SmolStr = "reason",
        opt details: SmolStr = "details",
        opt child_policy: ChildPolicy = "childPolicy",
    }
    /// Brings a deprecated activity type back into use.
    UndeprecateActivityType {
        req domain: DomainName = "domain",
        req activity_type: ActivityType = "activityType",
    }
    /// Brings a deprecated domain back into use.
    UndeprecateDomain {
        req name: DomainName = "name",
    }
    /// Brings a deprecated workflow type back into use.
    UndeprecateWorkflowType {
        req domain: DomainName = "domain",
        req workflow_type: WorkflowType = "workflowType",
    }
    /// Removes tags from a domain.
    UntagResource {
        req resource_arn: Arn = "resourceArn",
        req tag_keys: Vec<SmolStr> = "tagKeys",
    }
}
