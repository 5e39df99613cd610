//! The constraints of the service model on requests: lengths, names, sizes of lists.
//!
//! Types say most of what a request may be; this checks the rest, and reports all that is wrong
//! at once in the service's words.

use std::fmt::{self, Display};

use simpleflow_model::types::TaskList;
use simpleflow_model::{Decision, Fault, SmolStr, Timeout, limits};

use crate::fault;

/// The path of a member in a request, written only when something is wrong with it.
#[derive(Clone, Copy)]
pub(crate) enum Path<'a> {
    Member(&'static str),
    /// A member of the attributes of the decision with an index from 0.
    Decision(usize, &'a Decision, &'static str),
}

impl From<&'static str> for Path<'_> {
    fn from(member: &'static str) -> Self {
        Self::Member(member)
    }
}

impl Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Member(member) => f.write_str(member),
            Self::Decision(index, decision, member) => {
                let kind = decision.decision_type();
                let attributes = Decision::TYPES
                    .iter()
                    .find(|(name, ..)| *name == kind)
                    .map_or(kind, |(_, attributes, _)| attributes);
                write!(f, "decisions.{}.member.{attributes}.{member}", index + 1)
            }
        }
    }
}

/// A value in a message is cut here, so that a refused request of 1 MB is not answered with 1 MB.
const SHOWN_CHARACTERS: usize = 256;

/// Collects what is wrong with a request.
#[derive(Debug, Default)]
pub(crate) struct Check {
    errors: Vec<String>,
}

impl Check {
    fn wrong<'a>(&mut self, path: impl Into<Path<'a>>, value: &str, constraint: impl Display) {
        let path = path.into();
        let value: String = value.chars().take(SHOWN_CHARACTERS).collect();
        self.errors.push(format!(
            "Value '{value}' at '{path}' failed to satisfy constraint: {constraint}"
        ));
    }

    fn length<'a>(&mut self, path: impl Into<Path<'a>>, value: &str, min: usize, max: usize) {
        if value.len() < min {
            let constraint = format_args!("Member must have length greater than or equal to {min}");
            self.wrong(path, value, constraint);
        } else if value.len() > max && value.chars().count() > max {
            let constraint = format_args!("Member must have length less than or equal to {max}");
            self.wrong(path, value, constraint);
        }
    }

    /// A name or id: not empty, not too long, and of the characters that names are made of.
    pub(crate) fn name<'a>(
        &mut self,
        path: impl Into<Path<'a>>,
        value: &str,
        max: usize,
    ) -> &mut Self {
        let path = path.into();
        self.length(path, value, 1, max);
        if value.contains(|c: char| matches!(c, ':' | '/' | '|') || c.is_control()) {
            self.wrong(
                path,
                value,
                "Member must not contain ':', '/', '|' or control characters",
            );
        } else if value == "arn" {
            self.wrong(path, value, "Member must not be the literal string arn");
        }
        self
    }

    /// A name that may not begin or end with white space either.
    pub(crate) fn trimmed_name<'a>(
        &mut self,
        path: impl Into<Path<'a>>,
        value: &str,
        max: usize,
    ) -> &mut Self {
        let path = path.into();
        self.name(path, value, max);
        if value.trim() != value {
            self.wrong(path, value, "Member must not start or end with whitespace");
        }
        self
    }

    /// Text that must be there and may be of any characters.
    pub(crate) fn required<'a>(
        &mut self,
        path: impl Into<Path<'a>>,
        value: &str,
        max: usize,
    ) -> &mut Self {
        self.length(path, value, 1, max);
        self
    }

    /// Text that may be absent or empty.
    pub(crate) fn text<'a>(
        &mut self,
        path: impl Into<Path<'a>>,
        value: Option<&str>,
        max: usize,
    ) -> &mut Self {
        self.length(path, value.unwrap_or_default(), 0, max);
        self
    }

    /// An input, result, details, control or context.
    pub(crate) fn data<'a>(
        &mut self,
        path: impl Into<Path<'a>>,
        value: &Option<SmolStr>,
    ) -> &mut Self {
        self.text(path, value.as_deref(), limits::DATA_LENGTH)
    }

    pub(crate) fn task_list<'a>(
        &mut self,
        path: impl Into<Path<'a>>,
        value: &Option<TaskList>,
    ) -> &mut Self {
        if let Some(list) = value {
            self.name(path, &list.name, 256);
        }
        self
    }

    /// A time limit that must have an end: `NONE` is refused.
    pub(crate) fn limited<'a>(
        &mut self,
        path: impl Into<Path<'a>>,
        value: Option<Timeout>,
    ) -> &mut Self {
        if value == Some(Timeout::None) {
            self.wrong(path, "NONE", "Member must be a number of seconds");
        }
        self
    }

    /// At most five tags of at most 256 characters. A null tag is accepted (recorded in 2016).
    pub(crate) fn tags<'a>(
        &mut self,
        path: impl Into<Path<'a>>,
        value: &Option<Vec<Option<SmolStr>>>,
    ) -> &mut Self {
        let path = path.into();
        let tags = value.as_deref().unwrap_or_default();
        if tags.len() > limits::TAGS {
            let constraint = format_args!(
                "Member must have length less than or equal to {}",
                limits::TAGS
            );
            self.wrong(path, &format!("{tags:?}"), constraint);
        }
        for tag in tags.iter().flatten() {
            self.length(path, tag, 0, 256);
        }
        self
    }

    pub(crate) fn page_size(&mut self, value: Option<u32>) -> &mut Self {
        if let Some(size) = value
            && size as usize > limits::PAGE_SIZE
        {
            let constraint = format_args!(
                "Member must have value less than or equal to {}",
                limits::PAGE_SIZE
            );
            self.wrong("maximumPageSize", &size.to_string(), constraint);
        }
        self
    }

    /// An enum's value that the service does not list.
    pub(crate) fn listed<'a>(
        &mut self,
        path: impl Into<Path<'a>>,
        value: Option<&str>,
        values: &[&str],
    ) -> &mut Self {
        if let Some(value) = value
            && !values.contains(&value)
        {
            let constraint = format!(
                "Member must satisfy enum value set: [{}]",
                values.join(", ")
            );
            self.wrong(path, value, constraint);
        }
        self
    }

    /// # Errors
    /// `ValidationException` with all that is wrong.
    pub(crate) fn finish(&self) -> Result<(), Fault> {
        if self.errors.is_empty() {
            return Ok(());
        }
        let count = self.errors.len();
        let plural = if count == 1 { "" } else { "s" };
        let errors = self.errors.join("; ");
        Err(fault::validation(format!(
            "{count} validation error{plural} detected: {errors}"
        )))
    }
}

/// A page of a listing is as long as the request says; 0 and nothing mean the longest.
pub(crate) fn page_size(value: Option<u32>) -> usize {
    match value {
        None | Some(0) => limits::PAGE_SIZE,
        Some(size) => (size as usize).min(limits::PAGE_SIZE),
    }
}

/// Checks the decisions of a response.
///
/// # Errors
/// `ValidationException`: a closing decision that is not the last, before all else; then
/// whatever breaks the constraints of the decisions' attributes.
pub(crate) fn decisions(decisions: &[Decision]) -> Result<(), Fault> {
    if let Some((_, before_last)) = decisions.split_last()
        && before_last.iter().any(closes)
    {
        return Err(fault::validation(SmolStr::new_static(
            "Close must be last decision in list",
        )));
    }
    let mut check = Check::default();
    for (index, decision) in decisions.iter().enumerate() {
        let at = |member| Path::Decision(index, decision, member);
        attributes(&mut check, decision, at);
    }
    check.finish()
}

fn closes(decision: &Decision) -> bool {
    matches!(
        decision,
        Decision::CompleteWorkflowExecution(_)
            | Decision::FailWorkflowExecution(_)
            | Decision::CancelWorkflowExecution(_)
            | Decision::ContinueAsNewWorkflowExecution(_)
    )
}

fn attributes<'a>(check: &mut Check, decision: &Decision, at: impl Fn(&'static str) -> Path<'a>) {
    use simpleflow_model::ChildPolicy;
    let policy = |value: &Option<ChildPolicy>| value.as_ref().map(|p| SmolStr::from(p.as_str()));
    match decision {
        Decision::ScheduleActivityTask(d) => check
            .required(at("activityType.name"), &d.activity_type.name, 256)
            .required(at("activityType.version"), &d.activity_type.version, 64)
            .name(at("activityId"), &d.activity_id, 256)
            .data(at("control"), &d.control)
            .data(at("input"), &d.input)
            .task_list(at("taskList.name"), &d.task_list),
        Decision::RequestCancelActivityTask(d) => {
            check.required(at("activityId"), &d.activity_id, 256)
        }
        Decision::CompleteWorkflowExecution(d) => check.data(at("result"), &d.result),
        Decision::FailWorkflowExecution(d) => check
            .text(at("reason"), d.reason.as_deref(), limits::REASON_LENGTH)
            .data(at("details"), &d.details),
        Decision::CancelWorkflowExecution(d) => check.data(at("details"), &d.details),
        Decision::ContinueAsNewWorkflowExecution(d) => check
            .data(at("input"), &d.input)
            .limited(
                at("executionStartToCloseTimeout"),
                d.execution_start_to_close_timeout,
            )
            .task_list(at("taskList.name"), &d.task_list)
            .listed(
                at("childPolicy"),
                policy(&d.child_policy).as_deref(),
                ChildPolicy::VALUES,
            )
            .tags(at("tagList"), &d.tag_list)
            .text(
                at("workflowTypeVersion"),
                d.workflow_type_version.as_deref(),
                64,
            )
            .text(at("lambdaRole"), d.lambda_role.as_deref(), 1_600),
        Decision::RecordMarker(d) => check
            .required(at("markerName"), &d.marker_name, 256)
            .data(at("details"), &d.details),
        Decision::StartTimer(d) => check
            .name(at("timerId"), &d.timer_id, 256)
            .data(at("control"), &d.control)
            .limited(at("startToFireTimeout"), Some(d.start_to_fire_timeout)),
        Decision::CancelTimer(d) => check.required(at("timerId"), &d.timer_id, 256),
        Decision::SignalExternalWorkflowExecution(d) => check
            .required(at("workflowId"), &d.workflow_id, 256)
            .text(at("runId"), d.run_id.as_deref(), 64)
            .required(at("signalName"), &d.signal_name, 256)
            .data(at("input"), &d.input)
            .data(at("control"), &d.control),
        Decision::RequestCancelExternalWorkflowExecution(d) => check
            .required(at("workflowId"), &d.workflow_id, 256)
            .text(at("runId"), d.run_id.as_deref(), 64)
            .data(at("control"), &d.control),
        Decision::StartChildWorkflowExecution(d) => check
            .required(at("workflowType.name"), &d.workflow_type.name, 256)
            .required(at("workflowType.version"), &d.workflow_type.version, 64)
            .name(at("workflowId"), &d.workflow_id, 256)
            .data(at("control"), &d.control)
            .data(at("input"), &d.input)
            .limited(
                at("executionStartToCloseTimeout"),
                d.execution_start_to_close_timeout,
            )
            .task_list(at("taskList.name"), &d.task_list)
            .listed(
                at("childPolicy"),
                policy(&d.child_policy).as_deref(),
                ChildPolicy::VALUES,
            )
            .tags(at("tagList"), &d.tag_list)
            .text(at("lambdaRole"), d.lambda_role.as_deref(), 1_600),
        Decision::ScheduleLambdaFunction(d) => check
            .name(at("id"), &d.id, 256)
            .required(at("name"), &d.name, 64)
            .data(at("control"), &d.control)
            .data(at("input"), &d.input),
    };
}

#[cfg(test)]
mod tests {
    use simpleflow_model::decision::*;

    use super::*;

    #[test]
    fn all_that_is_wrong_is_reported_at_once() {
        let long = "x".repeat(257);
        let mut check = Check::default();
        check
            .name("name", "", 256)
            .name("workflowId", "a/b", 256)
            .text("reason", Some(&long), 256)
            .text("details", Some(&"é".repeat(256)), 256)
            .name("name", "arn", 256)
            .trimmed_name("name", " x", 256);
        let message = check.finish().unwrap_err().message;
        assert!(
            message.starts_with(
                "5 validation errors detected: Value '' at 'name' failed to satisfy constraint: \
                 Member must have length greater than or equal to 1; Value 'a/b' at 'workflowId'"
            ),
            "{message}"
        );
    }

    #[test]
    fn a_decision_is_named_by_its_place() {
        let timer = StartTimer {
            timer_id: "".into(),
            ..Default::default()
        };
        let batch = [
            Decision::from(RecordMarker {
                marker_name: "m".into(),
                ..Default::default()
            }),
            timer.into(),
        ];
        let message = decisions(&batch).unwrap_err().message;
        assert!(
            message.contains("'decisions.2.member.startTimerDecisionAttributes.timerId' failed"),
            "{message}"
        );
    }

    #[test]
    fn close_must_be_last() {
        let close = Decision::from(CompleteWorkflowExecution::default());
        assert!(decisions(std::slice::from_ref(&close)).is_ok());
        let fault = decisions(&[close.clone(), close]).unwrap_err();
        assert_eq!(fault.message, "Close must be last decision in list");
    }
}
