//! The constraints of the service model on requests: what must be there, how long it may be, what
//! it may look like.
//!
//! The lengths, the enums and what is required are those of the official model, which a test
//! compares; which names may have which characters is said in the model's prose. This is the only
//! place that has them: [`check`](crate::check) walks over a request and looks here.

use simpleflow_model::decision::*;
use simpleflow_model::enums::{ChildPolicy, CloseStatus, RegistrationStatus};
use simpleflow_model::operation::*;
use simpleflow_model::types::*;
use simpleflow_model::{Decision, limits};

/// A structure of a request.
#[derive(Debug)]
pub struct Shape {
    /// The name that this library has for it.
    pub name: &'static str,
    /// Its members.
    pub members: &'static [Member],
    /// The members that must be there, a bit each.
    pub(crate) required: u64,
}

impl Shape {
    /// Anything: it has no member that a constraint is on.
    pub(crate) const ANY: &Self = &Self::new("", &[]);

    const fn new(name: &'static str, members: &'static [Member]) -> Self {
        let mut required = 0;
        let mut index = 0;
        while index < members.len() {
            if members[index].required {
                required |= 1 << index;
            }
            index += 1;
        }
        Self {
            name,
            members,
            required,
        }
    }
}

/// A member of a structure.
#[derive(Debug)]
pub struct Member {
    /// The wire name.
    pub name: &'static str,
    /// Whether it must be there.
    pub required: bool,
    /// What it must be like.
    pub rule: Rule,
}

/// What a value must be like. That it is of the right JSON type is not a constraint: a value of
/// another type cannot be read at all.
#[derive(Clone, Copy, Debug)]
pub enum Rule {
    /// Anything.
    Any,
    /// A string of a length, in characters, and of a form.
    Text {
        /// The least length.
        min: usize,
        /// The greatest length.
        max: usize,
        /// What it may look like.
        form: Form,
    },
    /// An integer of a range.
    Number {
        /// The least value.
        min: i64,
        /// The greatest value.
        max: i64,
    },
    /// One of these strings.
    Listed(&'static [&'static str]),
    /// One of these strings, the types of decisions. It chooses which of the members that follow,
    /// in the same order, must be there.
    Choice(&'static [&'static str]),
    /// A list of at most so many elements.
    List(usize, &'static Rule),
    /// A structure.
    Structure(fn() -> &'static Shape),
}

/// What a string may look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Any characters.
    Free,
    /// No `:`, `/`, `|` or control character, and not the literal `arn`.
    Name,
    /// As `Name`, and no whitespace at either end.
    TrimmedName,
    /// A number of seconds.
    Seconds,
    /// A number of seconds, or `NONE`.
    Timeout,
    /// A number of days up to the longest retention, or `NONE`.
    Days,
    /// An integer.
    Integer,
}

/// A structure that has constraints.
pub trait Constrained {
    /// The constraints.
    fn shape() -> &'static Shape;
}

/// An input, result, details, control or context.
pub(crate) const DATA: Rule = text(0, limits::DATA_LENGTH);
/// Why something failed, in a word.
pub(crate) const REASON: Rule = text(0, limits::REASON_LENGTH);
/// Why a Lambda function could not be started.
pub(crate) const CAUSE: Rule = text(0, 1_728);
const ANY: Rule = Rule::Any;
const SECONDS: Rule = formed(1, 8, Form::Seconds);
const TIMEOUT: Rule = formed(0, 8, Form::Timeout);
const DAYS: Rule = formed(1, 8, Form::Days);
const INTEGER: Rule = formed(0, usize::MAX, Form::Integer);
const TRIMMED_TASK_LIST: Rule = Rule::Structure(trimmed_task_list);

const DECISION_TYPES: &[&str] = &{
    let mut names = [""; Decision::TYPES.len()];
    let mut index = 0;
    while index < names.len() {
        names[index] = Decision::TYPES[index].0;
        index += 1;
    }
    names
};

const fn formed(min: usize, max: usize, form: Form) -> Rule {
    Rule::Text { min, max, form }
}

const fn text(min: usize, max: usize) -> Rule {
    formed(min, max, Form::Free)
}

const fn name(max: usize) -> Rule {
    formed(1, max, Form::Name)
}

const fn trimmed_name(max: usize) -> Rule {
    formed(1, max, Form::TrimmedName)
}

const fn number(min: i64, max: i64) -> Rule {
    Rule::Number { min, max }
}

const fn listed(values: &'static [&'static str]) -> Rule {
    Rule::Listed(values)
}

const fn list(max: usize, element: &'static Rule) -> Rule {
    Rule::List(max, element)
}

const fn of<T: Constrained>() -> Rule {
    Rule::Structure(T::shape)
}

/// A task list whose name may not begin or end with white space either.
fn trimmed_task_list() -> &'static Shape {
    const SHAPE: &Shape = &Shape::new(
        "TaskList",
        &[Member {
            name: "name",
            required: true,
            rule: trimmed_name(256),
        }],
    );
    SHAPE
}

macro_rules! constraints {
    ($( $name:ident { $( $need:ident $member:literal : $rule:expr ),* $(,)? } )*) => {
        /// Every structure that has constraints, for checks.
        pub const SHAPES: &[fn() -> &'static Shape] = &[$(<$name as Constrained>::shape),*];

        $(
            impl Constrained for $name {
                fn shape() -> &'static Shape {
                    const SHAPE: &Shape = &Shape::new(
                        stringify!($name),
                        &[$(Member {
                            name: $member,
                            required: constraints!(@ $need),
                            rule: $rule,
                        }),*],
                    );
                    SHAPE
                }
            }
        )*
    };
    (@ req) => { true };
    (@ opt) => { false };
}

constraints! {
    // The requests.

    CountClosedWorkflowExecutions {
        req "domain": text(1, 256),
        opt "startTimeFilter": of::<ExecutionTimeFilter>(),
        opt "closeTimeFilter": of::<ExecutionTimeFilter>(),
        opt "executionFilter": of::<WorkflowExecutionFilter>(),
        opt "typeFilter": of::<WorkflowTypeFilter>(),
        opt "tagFilter": of::<TagFilter>(),
        opt "closeStatusFilter": of::<CloseStatusFilter>(),
    }
    CountOpenWorkflowExecutions {
        req "domain": text(1, 256),
        req "startTimeFilter": of::<ExecutionTimeFilter>(),
        opt "typeFilter": of::<WorkflowTypeFilter>(),
        opt "tagFilter": of::<TagFilter>(),
        opt "executionFilter": of::<WorkflowExecutionFilter>(),
    }
    CountPendingActivityTasks {
        req "domain": text(1, 256),
        req "taskList": of::<TaskList>(),
    }
    CountPendingDecisionTasks {
        req "domain": text(1, 256),
        req "taskList": of::<TaskList>(),
    }
    DeleteActivityType {
        req "domain": text(1, 256),
        req "activityType": of::<ActivityType>(),
    }
    DeleteWorkflowType {
        req "domain": text(1, 256),
        req "workflowType": of::<WorkflowType>(),
    }
    DeprecateActivityType {
        req "domain": text(1, 256),
        req "activityType": of::<ActivityType>(),
    }
    DeprecateDomain {
        req "name": text(1, 256),
    }
    DeprecateWorkflowType {
        req "domain": text(1, 256),
        req "workflowType": of::<WorkflowType>(),
    }
    DescribeActivityType {
        req "domain": text(1, 256),
        req "activityType": of::<ActivityType>(),
    }
    DescribeDomain {
        req "name": text(1, 256),
    }
    DescribeWorkflowExecution {
        req "domain": text(1, 256),
        req "execution": of::<WorkflowExecution>(),
    }
    DescribeWorkflowType {
        req "domain": text(1, 256),
        req "workflowType": of::<WorkflowType>(),
    }
    GetWorkflowExecutionHistory {
        req "domain": text(1, 256),
        req "execution": of::<WorkflowExecution>(),
        opt "nextPageToken": text(0, 2048),
        opt "maximumPageSize": number(0, limits::PAGE_SIZE as i64),
        opt "reverseOrder": ANY,
    }
    ListActivityTypes {
        req "domain": text(1, 256),
        opt "name": text(1, 256),
        req "registrationStatus": listed(RegistrationStatus::VALUES),
        opt "nextPageToken": text(0, 2048),
        opt "maximumPageSize": number(0, limits::PAGE_SIZE as i64),
        opt "reverseOrder": ANY,
    }
    ListClosedWorkflowExecutions {
        req "domain": text(1, 256),
        opt "startTimeFilter": of::<ExecutionTimeFilter>(),
        opt "closeTimeFilter": of::<ExecutionTimeFilter>(),
        opt "executionFilter": of::<WorkflowExecutionFilter>(),
        opt "closeStatusFilter": of::<CloseStatusFilter>(),
        opt "typeFilter": of::<WorkflowTypeFilter>(),
        opt "tagFilter": of::<TagFilter>(),
        opt "nextPageToken": text(0, 2048),
        opt "maximumPageSize": number(0, limits::PAGE_SIZE as i64),
        opt "reverseOrder": ANY,
    }
    ListDomains {
        opt "nextPageToken": text(0, 2048),
        req "registrationStatus": listed(RegistrationStatus::VALUES),
        opt "maximumPageSize": number(0, limits::PAGE_SIZE as i64),
        opt "reverseOrder": ANY,
    }
    ListOpenWorkflowExecutions {
        req "domain": text(1, 256),
        req "startTimeFilter": of::<ExecutionTimeFilter>(),
        opt "typeFilter": of::<WorkflowTypeFilter>(),
        opt "tagFilter": of::<TagFilter>(),
        opt "nextPageToken": text(0, 2048),
        opt "maximumPageSize": number(0, limits::PAGE_SIZE as i64),
        opt "reverseOrder": ANY,
        opt "executionFilter": of::<WorkflowExecutionFilter>(),
    }
    ListTagsForResource {
        req "resourceArn": text(1, 1600),
    }
    ListWorkflowTypes {
        req "domain": text(1, 256),
        opt "name": text(1, 256),
        req "registrationStatus": listed(RegistrationStatus::VALUES),
        opt "nextPageToken": text(0, 2048),
        opt "maximumPageSize": number(0, limits::PAGE_SIZE as i64),
        opt "reverseOrder": ANY,
    }
    PollForActivityTask {
        req "domain": text(1, 256),
        req "taskList": TRIMMED_TASK_LIST,
        opt "identity": text(0, 256),
    }
    PollForDecisionTask {
        req "domain": text(1, 256),
        req "taskList": of::<TaskList>(),
        opt "identity": text(0, 256),
        opt "nextPageToken": text(0, 2048),
        opt "maximumPageSize": number(0, limits::PAGE_SIZE as i64),
        opt "reverseOrder": ANY,
        opt "startAtPreviousStartedEvent": ANY,
    }
    RecordActivityTaskHeartbeat {
        req "taskToken": text(1, 1024),
        opt "details": text(0, 2048),
    }
    RegisterActivityType {
        req "domain": text(1, 256),
        req "name": name(256),
        req "version": name(64),
        opt "description": text(0, 1024),
        opt "defaultTaskStartToCloseTimeout": TIMEOUT,
        opt "defaultTaskHeartbeatTimeout": TIMEOUT,
        opt "defaultTaskList": of::<TaskList>(),
        opt "defaultTaskPriority": INTEGER,
        opt "defaultTaskScheduleToStartTimeout": TIMEOUT,
        opt "defaultTaskScheduleToCloseTimeout": TIMEOUT,
    }
    RegisterDomain {
        req "name": trimmed_name(256),
        opt "description": text(0, 1024),
        req "workflowExecutionRetentionPeriodInDays": DAYS,
        opt "tags": list(usize::MAX, &of::<ResourceTag>()),
    }
    RegisterWorkflowType {
        req "domain": text(1, 256),
        req "name": name(256),
        req "version": name(64),
        opt "description": text(0, 1024),
        opt "defaultTaskStartToCloseTimeout": TIMEOUT,
        opt "defaultExecutionStartToCloseTimeout": SECONDS,
        opt "defaultTaskList": of::<TaskList>(),
        opt "defaultTaskPriority": INTEGER,
        opt "defaultChildPolicy": listed(ChildPolicy::VALUES),
        opt "defaultLambdaRole": text(1, 1600),
    }
    RequestCancelWorkflowExecution {
        req "domain": text(1, 256),
        req "workflowId": text(1, 256),
        opt "runId": text(0, 64),
    }
    RespondActivityTaskCanceled {
        req "taskToken": text(1, 1024),
        opt "details": DATA,
    }
    RespondActivityTaskCompleted {
        req "taskToken": text(1, 1024),
        opt "result": DATA,
    }
    RespondActivityTaskFailed {
        req "taskToken": text(1, 1024),
        opt "reason": text(0, 256),
        opt "details": DATA,
    }
    RespondDecisionTaskCompleted {
        req "taskToken": text(1, 1024),
        opt "decisions": list(usize::MAX, &of::<Decision>()),
        opt "executionContext": DATA,
        opt "taskList": of::<TaskList>(),
        opt "taskListScheduleToStartTimeout": TIMEOUT,
    }
    SignalWorkflowExecution {
        req "domain": text(1, 256),
        req "workflowId": text(1, 256),
        opt "runId": text(0, 64),
        req "signalName": text(1, 256),
        opt "input": DATA,
    }
    StartWorkflowExecution {
        req "domain": name(256),
        req "workflowId": name(256),
        req "workflowType": of::<WorkflowType>(),
        opt "taskList": of::<TaskList>(),
        opt "taskPriority": INTEGER,
        opt "input": DATA,
        opt "executionStartToCloseTimeout": SECONDS,
        opt "tagList": list(5, &text(0, 256)),
        opt "taskStartToCloseTimeout": TIMEOUT,
        opt "childPolicy": listed(ChildPolicy::VALUES),
        opt "lambdaRole": text(1, 1600),
    }
    TagResource {
        req "resourceArn": text(1, 1600),
        req "tags": list(usize::MAX, &of::<ResourceTag>()),
    }
    TerminateWorkflowExecution {
        req "domain": text(1, 256),
        req "workflowId": text(1, 256),
        opt "runId": text(0, 64),
        opt "reason": text(0, 256),
        opt "details": DATA,
        opt "childPolicy": listed(ChildPolicy::VALUES),
    }
    UndeprecateActivityType {
        req "domain": text(1, 256),
        req "activityType": of::<ActivityType>(),
    }
    UndeprecateDomain {
        req "name": text(1, 256),
    }
    UndeprecateWorkflowType {
        req "domain": text(1, 256),
        req "workflowType": of::<WorkflowType>(),
    }
    UntagResource {
        req "resourceArn": text(1, 1600),
        req "tagKeys": list(usize::MAX, &text(1, 128)),
    }

    // What requests share.

    ActivityType {
        req "name": text(1, 256),
        req "version": text(1, 64),
    }
    CloseStatusFilter {
        req "status": listed(CloseStatus::VALUES),
    }
    ExecutionTimeFilter {
        req "oldestDate": ANY,
        opt "latestDate": ANY,
    }
    ResourceTag {
        req "key": text(1, 128),
        opt "value": text(0, 256),
    }
    TagFilter {
        req "tag": text(0, 256),
    }
    TaskList {
        req "name": name(256),
    }
    WorkflowExecution {
        req "workflowId": text(1, 256),
        req "runId": text(1, 64),
    }
    WorkflowExecutionFilter {
        req "workflowId": text(1, 256),
    }
    WorkflowType {
        req "name": text(1, 256),
        req "version": text(1, 64),
    }
    WorkflowTypeFilter {
        req "name": text(1, 256),
        opt "version": text(0, 64),
    }

    // A decision: its type, and the attributes of each type in the order of the types.

    Decision {
        req "decisionType": Rule::Choice(DECISION_TYPES),
        opt "scheduleActivityTaskDecisionAttributes": of::<ScheduleActivityTask>(),
        opt "requestCancelActivityTaskDecisionAttributes": of::<RequestCancelActivityTask>(),
        opt "completeWorkflowExecutionDecisionAttributes": of::<CompleteWorkflowExecution>(),
        opt "failWorkflowExecutionDecisionAttributes": of::<FailWorkflowExecution>(),
        opt "cancelWorkflowExecutionDecisionAttributes": of::<CancelWorkflowExecution>(),
        opt "continueAsNewWorkflowExecutionDecisionAttributes": of::<ContinueAsNewWorkflowExecution>(),
        opt "recordMarkerDecisionAttributes": of::<RecordMarker>(),
        opt "startTimerDecisionAttributes": of::<StartTimer>(),
        opt "cancelTimerDecisionAttributes": of::<CancelTimer>(),
        opt "signalExternalWorkflowExecutionDecisionAttributes": of::<SignalExternalWorkflowExecution>(),
        opt "requestCancelExternalWorkflowExecutionDecisionAttributes": of::<RequestCancelExternalWorkflowExecution>(),
        opt "startChildWorkflowExecutionDecisionAttributes": of::<StartChildWorkflowExecution>(),
        opt "scheduleLambdaFunctionDecisionAttributes": of::<ScheduleLambdaFunction>(),
    }

    CancelTimer {
        req "timerId": text(1, 256),
    }
    CancelWorkflowExecution {
        opt "details": DATA,
    }
    CompleteWorkflowExecution {
        opt "result": DATA,
    }
    ContinueAsNewWorkflowExecution {
        opt "input": DATA,
        opt "executionStartToCloseTimeout": SECONDS,
        opt "taskList": of::<TaskList>(),
        opt "taskPriority": INTEGER,
        opt "taskStartToCloseTimeout": TIMEOUT,
        opt "childPolicy": listed(ChildPolicy::VALUES),
        opt "tagList": list(5, &text(0, 256)),
        opt "workflowTypeVersion": text(1, 64),
        opt "lambdaRole": text(1, 1600),
    }
    FailWorkflowExecution {
        opt "reason": text(0, 256),
        opt "details": DATA,
    }
    RecordMarker {
        req "markerName": text(1, 256),
        opt "details": DATA,
    }
    RequestCancelActivityTask {
        req "activityId": text(1, 256),
    }
    RequestCancelExternalWorkflowExecution {
        req "workflowId": text(1, 256),
        opt "runId": text(0, 64),
        opt "control": DATA,
    }
    ScheduleActivityTask {
        req "activityType": of::<ActivityType>(),
        req "activityId": name(256),
        opt "control": DATA,
        opt "input": DATA,
        opt "scheduleToCloseTimeout": TIMEOUT,
        opt "taskList": of::<TaskList>(),
        opt "taskPriority": INTEGER,
        opt "scheduleToStartTimeout": TIMEOUT,
        opt "startToCloseTimeout": TIMEOUT,
        opt "heartbeatTimeout": TIMEOUT,
    }
    ScheduleLambdaFunction {
        req "id": text(1, 256),
        req "name": text(1, 64),
        opt "control": DATA,
        opt "input": DATA,
        opt "startToCloseTimeout": TIMEOUT,
    }
    SignalExternalWorkflowExecution {
        req "workflowId": text(1, 256),
        opt "runId": text(0, 64),
        req "signalName": text(1, 256),
        opt "input": DATA,
        opt "control": DATA,
    }
    StartChildWorkflowExecution {
        req "workflowType": of::<WorkflowType>(),
        req "workflowId": name(256),
        opt "control": DATA,
        opt "input": DATA,
        opt "executionStartToCloseTimeout": SECONDS,
        opt "taskList": TRIMMED_TASK_LIST,
        opt "taskPriority": INTEGER,
        opt "taskStartToCloseTimeout": TIMEOUT,
        opt "childPolicy": listed(ChildPolicy::VALUES),
        opt "tagList": list(5, &text(0, 256)),
        opt "lambdaRole": text(1, 1600),
    }
    StartTimer {
        req "timerId": name(256),
        opt "control": DATA,
        req "startToFireTimeout": SECONDS,
    }
}
