//! The requests of the 39 operations of the service. Answers are in [`types`](crate::types).

use smol_str::SmolStr;

use crate::enums::*;
use crate::shape::shapes;
use crate::types::*;
use crate::{
    Arn, Decision, DomainName, Identity, PageToken, RetentionDays, RunId, SignalName, TaskPriority,
    TaskToken, Timeout, TypeName, Version, WorkflowId,
};

shapes! {
    /// The request of `CountClosedWorkflowExecutions`.
    CountClosedWorkflowExecutions {
        req domain: DomainName = "domain",
        opt start_time_filter: ExecutionTimeFilter = "startTimeFilter",
        opt close_time_filter: ExecutionTimeFilter = "closeTimeFilter",
        opt execution_filter: WorkflowExecutionFilter = "executionFilter",
        opt type_filter: WorkflowTypeFilter = "typeFilter",
        opt tag_filter: TagFilter = "tagFilter",
        opt close_status_filter: CloseStatusFilter = "closeStatusFilter",
    }
    /// The request of `CountOpenWorkflowExecutions`.
    CountOpenWorkflowExecutions {
        req domain: DomainName = "domain",
        req start_time_filter: ExecutionTimeFilter = "startTimeFilter",
        opt type_filter: WorkflowTypeFilter = "typeFilter",
        opt tag_filter: TagFilter = "tagFilter",
        opt execution_filter: WorkflowExecutionFilter = "executionFilter",
    }
    /// The request of `CountPendingActivityTasks`.
    CountPendingActivityTasks {
        req domain: DomainName = "domain",
        req task_list: TaskList = "taskList",
    }
    /// The request of `CountPendingDecisionTasks`.
    CountPendingDecisionTasks {
        req domain: DomainName = "domain",
        req task_list: TaskList = "taskList",
    }
    /// The request of `DeleteActivityType`.
    DeleteActivityType {
        req domain: DomainName = "domain",
        req activity_type: ActivityType = "activityType",
    }
    /// The request of `DeleteWorkflowType`.
    DeleteWorkflowType {
        req domain: DomainName = "domain",
        req workflow_type: WorkflowType = "workflowType",
    }
    /// The request of `DeprecateActivityType`.
    DeprecateActivityType {
        req domain: DomainName = "domain",
        req activity_type: ActivityType = "activityType",
    }
    /// The request of `DeprecateDomain`.
    DeprecateDomain {
        req name: DomainName = "name",
    }
    /// The request of `DeprecateWorkflowType`.
    DeprecateWorkflowType {
        req domain: DomainName = "domain",
        req workflow_type: WorkflowType = "workflowType",
    }
    /// The request of `DescribeActivityType`.
    DescribeActivityType {
        req domain: DomainName = "domain",
        req activity_type: ActivityType = "activityType",
    }
    /// The request of `DescribeDomain`.
    DescribeDomain {
        req name: DomainName = "name",
    }
    /// The request of `DescribeWorkflowExecution`.
    DescribeWorkflowExecution {
        req domain: DomainName = "domain",
        req execution: WorkflowExecution = "execution",
    }
    /// The request of `DescribeWorkflowType`.
    DescribeWorkflowType {
        req domain: DomainName = "domain",
        req workflow_type: WorkflowType = "workflowType",
    }
    /// The request of `GetWorkflowExecutionHistory`.
    GetWorkflowExecutionHistory {
        req domain: DomainName = "domain",
        req execution: WorkflowExecution = "execution",
        opt next_page_token: PageToken = "nextPageToken",
        opt maximum_page_size: u32 = "maximumPageSize",
        opt reverse_order: bool = "reverseOrder",
    }
    /// The request of `ListActivityTypes`.
    ListActivityTypes {
        req domain: DomainName = "domain",
        opt name: TypeName = "name",
        req registration_status: RegistrationStatus = "registrationStatus",
        opt next_page_token: PageToken = "nextPageToken",
        opt maximum_page_size: u32 = "maximumPageSize",
        opt reverse_order: bool = "reverseOrder",
    }
    /// The request of `ListClosedWorkflowExecutions`.
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
    /// The request of `ListDomains`.
    ListDomains {
        opt next_page_token: PageToken = "nextPageToken",
        req registration_status: RegistrationStatus = "registrationStatus",
        opt maximum_page_size: u32 = "maximumPageSize",
        opt reverse_order: bool = "reverseOrder",
    }
    /// The request of `ListOpenWorkflowExecutions`.
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
    /// The request of `ListTagsForResource`.
    ListTagsForResource {
        req resource_arn: Arn = "resourceArn",
    }
    /// The request of `ListWorkflowTypes`.
    ListWorkflowTypes {
        req domain: DomainName = "domain",
        opt name: TypeName = "name",
        req registration_status: RegistrationStatus = "registrationStatus",
        opt next_page_token: PageToken = "nextPageToken",
        opt maximum_page_size: u32 = "maximumPageSize",
        opt reverse_order: bool = "reverseOrder",
    }
    /// The request of `PollForActivityTask`.
    PollForActivityTask {
        req domain: DomainName = "domain",
        req task_list: TaskList = "taskList",
        opt identity: Identity = "identity",
    }
    /// The request of `PollForDecisionTask`.
    PollForDecisionTask {
        req domain: DomainName = "domain",
        req task_list: TaskList = "taskList",
        opt identity: Identity = "identity",
        opt next_page_token: PageToken = "nextPageToken",
        opt maximum_page_size: u32 = "maximumPageSize",
        opt reverse_order: bool = "reverseOrder",
        opt start_at_previous_started_event: bool = "startAtPreviousStartedEvent",
    }
    /// The request of `RecordActivityTaskHeartbeat`.
    RecordActivityTaskHeartbeat {
        req task_token: TaskToken = "taskToken",
        opt details: SmolStr = "details",
    }
    /// The request of `RegisterActivityType`.
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
    /// The request of `RegisterDomain`.
    RegisterDomain {
        req name: DomainName = "name",
        opt description: SmolStr = "description",
        req workflow_execution_retention_period_in_days: RetentionDays = "workflowExecutionRetentionPeriodInDays",
        opt tags: Vec<ResourceTag> = "tags",
    }
    /// The request of `RegisterWorkflowType`.
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
    /// The request of `RequestCancelWorkflowExecution`.
    RequestCancelWorkflowExecution {
        req domain: DomainName = "domain",
        req workflow_id: WorkflowId = "workflowId",
        opt run_id: RunId = "runId",
    }
    /// The request of `RespondActivityTaskCanceled`.
    RespondActivityTaskCanceled {
        req task_token: TaskToken = "taskToken",
        opt details: SmolStr = "details",
    }
    /// The request of `RespondActivityTaskCompleted`.
    RespondActivityTaskCompleted {
        req task_token: TaskToken = "taskToken",
        opt result: SmolStr = "result",
    }
    /// The request of `RespondActivityTaskFailed`.
    RespondActivityTaskFailed {
        req task_token: TaskToken = "taskToken",
        opt reason: SmolStr = "reason",
        opt details: SmolStr = "details",
    }
    /// The request of `RespondDecisionTaskCompleted`.
    RespondDecisionTaskCompleted {
        req task_token: TaskToken = "taskToken",
        opt decisions: Vec<Decision> = "decisions",
        opt execution_context: SmolStr = "executionContext",
        opt task_list: TaskList = "taskList",
        opt task_list_schedule_to_start_timeout: Timeout = "taskListScheduleToStartTimeout",
    }
    /// The request of `SignalWorkflowExecution`.
    SignalWorkflowExecution {
        req domain: DomainName = "domain",
        req workflow_id: WorkflowId = "workflowId",
        opt run_id: RunId = "runId",
        req signal_name: SignalName = "signalName",
        opt input: SmolStr = "input",
    }
    /// The request of `StartWorkflowExecution`.
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
    /// The request of `TagResource`.
    TagResource {
        req resource_arn: Arn = "resourceArn",
        req tags: Vec<ResourceTag> = "tags",
    }
    /// The request of `TerminateWorkflowExecution`.
    TerminateWorkflowExecution {
        req domain: DomainName = "domain",
        req workflow_id: WorkflowId = "workflowId",
        opt run_id: RunId = "runId",
        opt reason: SmolStr = "reason",
        opt details: SmolStr = "details",
        opt child_policy: ChildPolicy = "childPolicy",
    }
    /// The request of `UndeprecateActivityType`.
    UndeprecateActivityType {
        req domain: DomainName = "domain",
        req activity_type: ActivityType = "activityType",
    }
    /// The request of `UndeprecateDomain`.
    UndeprecateDomain {
        req name: DomainName = "name",
    }
    /// The request of `UndeprecateWorkflowType`.
    UndeprecateWorkflowType {
        req domain: DomainName = "domain",
        req workflow_type: WorkflowType = "workflowType",
    }
    /// The request of `UntagResource`.
    UntagResource {
        req resource_arn: Arn = "resourceArn",
        req tag_keys: Vec<SmolStr> = "tagKeys",
    }
}
