//! Holds requests against the constraints of the service model.
//!
//! The check is a serializer: it [walks](walk) over whatever has the form of a request. That is a
//! request of the model's own types, or the JSON that somebody sent and that may not be one. So
//! there is one set of rules and one set of [words](found), and all that is wrong is reported at
//! once.
//!
//! Each request goes through here, so one that is right must cost little: nothing is allocated and
//! no path is written before something is wrong.

mod found;
mod walk;

use serde::ser::Serialize;
use simpleflow_model::{Fault, SmolStr, limits};

use crate::constraints::{Constrained, Rule};
use crate::fault;

use found::{Found, Path};
use walk::Walk;

/// Holds a request of a type against its constraints: the request itself, or JSON that is to
/// become one.
///
/// # Errors
/// `ValidationException`: a closing decision that is not the last, before all else; else all that
/// is wrong.
pub fn check<R: Constrained>(request: &impl Serialize) -> Result<(), Fault> {
    check_rule(&Rule::Structure(R::shape), &Path::Request, request)
}

/// Holds one value against a rule.
pub(crate) fn check_member(
    name: &'static str,
    rule: &'static Rule,
    value: &impl Serialize,
) -> Result<(), Fault> {
    check_rule(rule, &Path::Member(&Path::Request, name), value)
}

fn check_rule(rule: &Rule, path: &Path<'_>, value: &impl Serialize) -> Result<(), Fault> {
    let mut found = Found::default();
    let walk = Walk::over(rule, path, &mut found);
    // The walk itself cannot fail, but what it walks over may refuse to be serialized.
    value
        .serialize(walk)
        .map_err(|_| fault::validation(SmolStr::new_static("The request cannot be read")))?;
    found.finish()
}

/// A page of a listing is as long as the request says; 0 and nothing mean the longest.
pub(crate) fn page_size(value: Option<u32>) -> usize {
    match value {
        None | Some(0) => limits::PAGE_SIZE,
        Some(size) => (size as usize).min(limits::PAGE_SIZE),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use simpleflow_model::decision::*;
    use simpleflow_model::operation::*;

    use super::*;

    fn message<R: Constrained>(request: &Value) -> String {
        check::<R>(request).unwrap_err().message.into()
    }

    #[test]
    fn all_that_is_wrong_is_reported_at_once() {
        let request = json!({
            "domain": "d", "workflowId": "a/b", "input": "é".repeat(32_768),
            "workflowType": { "name": "", "version": null },
            "taskStartToCloseTimeout": "soon", "childPolicy": "HUG", "taskPriority": "high",
            "tagList": ["1", "2", "3", "4", "5", null],
        });
        assert_eq!(
            message::<StartWorkflowExecution>(&request),
            "7 validation errors detected: \
             Value 'HUG' at 'childPolicy' failed to satisfy constraint: Member must satisfy enum \
             value set: [TERMINATE, REQUEST_CANCEL, ABANDON]; \
             Value at 'tagList' failed to satisfy constraint: Member must have length less than \
             or equal to 5; \
             Value 'high' at 'taskPriority' failed to satisfy constraint: Member must be an \
             integer; \
             Value 'soon' at 'taskStartToCloseTimeout' failed to satisfy constraint: Member must \
             be a number of seconds or NONE; \
             Value 'a/b' at 'workflowId' failed to satisfy constraint: Member must not contain \
             ':', '/', '|' or control characters; \
             Value '' at 'workflowType.name' failed to satisfy constraint: Member must have \
             length greater than or equal to 1; \
             Value null at 'workflowType.version' failed to satisfy constraint: Member must not \
             be null"
        );
        let request = json!({ "domain": "d", "execution": { "workflowId": "w", "runId": "r" },
            "maximumPageSize": 1001 });
        assert_eq!(
            message::<GetWorkflowExecutionHistory>(&request),
            "1 validation error detected: Value '1001' at 'maximumPageSize' failed to satisfy \
             constraint: Member must have value less than or equal to 1000"
        );
    }

    #[test]
    fn a_typed_request_is_held_against_the_same_rules() {
        let request = RegisterDomain {
            name: " x".into(),
            workflow_execution_retention_period_in_days: simpleflow_model::RetentionDays(91),
            ..Default::default()
        };
        let fault = check::<RegisterDomain>(&request).unwrap_err();
        assert_eq!(
            fault.message,
            "2 validation errors detected: Value ' x' at 'name' failed to satisfy constraint: \
             Member must not start or end with whitespace; Value '91' at \
             'workflowExecutionRetentionPeriodInDays' failed to satisfy constraint: Member must \
             be at most 90 days, or NONE"
        );
    }

    #[test]
    fn a_decision_is_named_by_its_place() {
        let decisions = json!([
            { "decisionType": "RecordMarker", "recordMarkerDecisionAttributes": { "markerName": "m" } },
            { "decisionType": "StartTimer", "startTimerDecisionAttributes": { "timerId": "" } },
            { "decisionType": "CancelTimer" },
            { "decisionType": "FlyToTheMoon" },
            {},
            { "decisionType": "CompleteWorkflowExecution" },
        ]);
        let request = json!({ "taskToken": "t", "decisions": decisions });
        let message = message::<RespondDecisionTaskCompleted>(&request);
        for (part, missing) in [
            ("2.member.startTimerDecisionAttributes.timerId", false),
            (
                "2.member.startTimerDecisionAttributes.startToFireTimeout",
                true,
            ),
            ("3.member.cancelTimerDecisionAttributes", true),
            ("4.member.decisionType", false),
            ("5.member.decisionType", true),
        ] {
            let value = if missing { "Value null " } else { "' " };
            let part = format!("{value}at 'decisions.{part}' failed");
            assert!(message.contains(&part), "{part} is not in {message}");
        }
        assert!(message.starts_with("5 validation errors"), "{message}");
    }

    #[test]
    fn close_must_be_last() {
        let request = |decisions: Vec<Decision>| RespondDecisionTaskCompleted {
            task_token: "t".into(),
            decisions: Some(decisions),
            ..Default::default()
        };
        let close = Decision::from(CompleteWorkflowExecution::default());
        let once = request(vec![close.clone()]);
        assert_eq!(check::<RespondDecisionTaskCompleted>(&once), Ok(()));
        let twice = request(vec![close.clone(), close]);
        let fault = check::<RespondDecisionTaskCompleted>(&twice).unwrap_err();
        assert_eq!(fault.message, "Close must be last decision in list");
        // It goes before whatever else is wrong.
        let unknown = json!({ "taskToken": "", "decisions": [
            { "decisionType": "CancelWorkflowExecution" }, { "decisionType": "FlyToTheMoon" },
        ] });
        assert_eq!(
            message::<RespondDecisionTaskCompleted>(&unknown),
            "Close must be last decision in list"
        );
    }
}
