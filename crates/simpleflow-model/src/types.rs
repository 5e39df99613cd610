//! Structures that several operations, events and decisions share.

use smol_str::SmolStr;

use crate::enums::*;
use crate::shape::shapes;
use crate::{
    ActivityId, Arn, DomainName, EventId, HistoryEvent, PageToken, RetentionDays, RunId,
    TaskListName, TaskPriority, TaskToken, Timeout, Timestamp, TypeName, Version, WorkflowId,
};

shapes! {
    /// A queue of tasks, known by its name; it comes into being by use.
    TaskList {
        req name: TaskListName = "name",
    }
    /// The name and version of an activity.
    ActivityType {
        req name: TypeName = "name",
        req version: Version = "version",
    }
    /// The name and version of a workflow.
    WorkflowType {
        req name: TypeName = "name",
        req version: Version = "version",
    }
    /// One run of a workflow.
    WorkflowExecution {
        req workflow_id: WorkflowId = "workflowId",
        req run_id: RunId = "runId",
    }
    /// A task that is handed to an activity worker.
    ActivityTask {
        req task_token: TaskToken = "taskToken",
        req activity_id: ActivityId = "activityId",
        req started_event_id: EventId = "startedEventId",
        req workflow_execution: WorkflowExecution = "workflowExecution",
        req activity_type: ActivityType = "activityType",
        opt input: SmolStr = "input",
    }
    /// A task that is handed to a decider: the history, or a page of it.
    DecisionTask {
        req task_token: TaskToken = "taskToken",
        req started_event_id: EventId = "startedEventId",
        req workflow_execution: WorkflowExecution = "workflowExecution",
        req workflow_type: WorkflowType = "workflowType",
        req events: Vec<HistoryEvent> = "events",
        opt next_page_token: PageToken = "nextPageToken",
        opt previous_started_event_id: EventId = "previousStartedEventId",
    }
    /// The answer to a heartbeat.
    ActivityTaskStatus {
        req cancel_requested: bool = "cancelRequested",
    }
    /// The defaults that an activity type was registered with.
    ActivityTypeConfiguration {
        opt default_task_start_to_close_timeout: Timeout = "defaultTaskStartToCloseTimeout",
        opt default_task_heartbeat_timeout: Timeout = "defaultTaskHeartbeatTimeout",
        opt default_task_list: TaskList = "defaultTaskList",
        opt default_task_priority: TaskPriority = "defaultTaskPriority",
        opt default_task_schedule_to_start_timeout: Timeout = "defaultTaskScheduleToStartTimeout",
        opt default_task_schedule_to_close_timeout: Timeout = "defaultTaskScheduleToCloseTimeout",
    }
    /// An activity type with its defaults.
    ActivityTypeDetail {
        req type_info: ActivityTypeInfo = "typeInfo",
        req configuration: ActivityTypeConfiguration = "configuration",
    }
    /// An activity type.
    ActivityTypeInfo {
        req activity_type: ActivityType = "activityType",
        req status: RegistrationStatus = "status",
        opt description: SmolStr = "description",
        req creation_date: Timestamp = "creationDate",
        opt deprecation_date: Timestamp = "deprecationDate",
    }
    /// A page of activity types.
    ActivityTypeInfos {
        req type_infos: Vec<ActivityTypeInfo> = "typeInfos",
        opt next_page_token: PageToken = "nextPageToken",
    }
    /// The defaults that a workflow type was registered with.
    WorkflowTypeConfiguration {
        opt default_task_start_to_close_timeout: Timeout = "defaultTaskStartToCloseTimeout",
        opt default_execution_start_to_close_timeout: Timeout = "defaultExecutionStartToCloseTimeout",
        opt default_task_list: TaskList = "defaultTaskList",
        opt default_task_priority: TaskPriority = "defaultTaskPriority",
        opt default_child_policy: ChildPolicy = "defaultChildPolicy",
        opt default_lambda_role: Arn = "defaultLambdaRole",
    }
    /// A workflow type with its defaults.
    WorkflowTypeDetail {
        req type_info: WorkflowTypeInfo = "typeInfo",
        req configuration: WorkflowTypeConfiguration = "configuration",
    }
    /// A workflow type.
    WorkflowTypeInfo {
        req workflow_type: WorkflowType = "workflowType",
        req status: RegistrationStatus = "status",
        opt description: SmolStr = "description",
        req creation_date: Timestamp = "creationDate",
        opt deprecation_date: Timestamp = "deprecationDate",
    }
    /// A page of workflow types.
    WorkflowTypeInfos {
        req type_infos: Vec<WorkflowTypeInfo> = "typeInfos",
        opt next_page_token: PageToken = "nextPageToken",
    }
    /// How long a domain keeps closed executions.
    DomainConfiguration {
        req workflow_execution_retention_period_in_days: RetentionDays = "workflowExecutionRetentionPeriodInDays",
    }
    /// A domain with its configuration.
    DomainDetail {
        req domain_info: DomainInfo = "domainInfo",
        req configuration: DomainConfiguration = "configuration",
    }
    /// A domain.
    DomainInfo {
        req name: DomainName = "name",
        req status: RegistrationStatus = "status",
        opt description: SmolStr = "description",
        opt arn: Arn = "arn",
    }
    /// A page of domains.
    DomainInfos {
        req domain_infos: Vec<DomainInfo> = "domainInfos",
        opt next_page_token: PageToken = "nextPageToken",
    }
    /// A page of a history.
    History {
        req events: Vec<HistoryEvent> = "events",
        opt next_page_token: PageToken = "nextPageToken",
    }
    /// The run that was started.
    Run {
        opt run_id: RunId = "runId",
    }
    /// How many tasks wait.
    PendingTaskCount {
        req count: u32 = "count",
        opt truncated: bool = "truncated",
    }
    /// The settings of an execution.
    WorkflowExecutionConfiguration {
        req task_start_to_close_timeout: Timeout = "taskStartToCloseTimeout",
        req execution_start_to_close_timeout: Timeout = "executionStartToCloseTimeout",
        req task_list: TaskList = "taskList",
        opt task_priority: TaskPriority = "taskPriority",
        req child_policy: ChildPolicy = "childPolicy",
        opt lambda_role: Arn = "lambdaRole",
    }
    /// How many executions match.
    WorkflowExecutionCount {
        req count: u32 = "count",
        opt truncated: bool = "truncated",
    }
    /// An execution with its settings and what it has open.
    WorkflowExecutionDetail {
        req execution_info: WorkflowExecutionInfo = "executionInfo",
        req execution_configuration: WorkflowExecutionConfiguration = "executionConfiguration",
        req open_counts: WorkflowExecutionOpenCounts = "openCounts",
        opt latest_activity_task_timestamp: Timestamp = "latestActivityTaskTimestamp",
        opt latest_execution_context: SmolStr = "latestExecutionContext",
    }
    /// An execution.
    WorkflowExecutionInfo {
        req execution: WorkflowExecution = "execution",
        req workflow_type: WorkflowType = "workflowType",
        req start_timestamp: Timestamp = "startTimestamp",
        opt close_timestamp: Timestamp = "closeTimestamp",
        req execution_status: ExecutionStatus = "executionStatus",
        opt close_status: CloseStatus = "closeStatus",
        opt parent: WorkflowExecution = "parent",
        opt tag_list: Vec<Option<SmolStr>> = "tagList",
        opt cancel_requested: bool = "cancelRequested",
    }
    /// A page of executions.
    WorkflowExecutionInfos {
        req execution_infos: Vec<WorkflowExecutionInfo> = "executionInfos",
        opt next_page_token: PageToken = "nextPageToken",
    }
    /// What an execution has open.
    WorkflowExecutionOpenCounts {
        req open_activity_tasks: u32 = "openActivityTasks",
        req open_decision_tasks: u32 = "openDecisionTasks",
        req open_timers: u32 = "openTimers",
        req open_child_workflow_executions: u32 = "openChildWorkflowExecutions",
        opt open_lambda_functions: u32 = "openLambdaFunctions",
    }
    /// A tag of a domain.
    ResourceTag {
        req key: SmolStr = "key",
        opt value: SmolStr = "value",
    }
    /// The tags of a domain.
    ListTagsForResourceOutput {
        opt tags: Vec<ResourceTag> = "tags",
    }
    /// Selects closed executions by how they closed.
    CloseStatusFilter {
        req status: CloseStatus = "status",
    }
    /// Selects executions by time.
    ExecutionTimeFilter {
        req oldest_date: Timestamp = "oldestDate",
        opt latest_date: Timestamp = "latestDate",
    }
    /// Selects executions by tag.
    TagFilter {
        req tag: SmolStr = "tag",
    }
    /// Selects executions by workflow id.
    WorkflowExecutionFilter {
        req workflow_id: WorkflowId = "workflowId",
    }
    /// Selects executions by type.
    WorkflowTypeFilter {
        req name: TypeName = "name",
        opt version: Version = "version",
    }
}
