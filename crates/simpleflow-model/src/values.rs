//! Values: the members that hold what programs say to each other, in one table.
//!
//! Inputs, results, details, contexts and control are text of any kind to the service, up to a limit
//! that each member has. Who lets longer values travel elsewhere replaces what these members hold, in
//! requests and decisions before they are sent, and in tasks and events after they came.

use smol_str::SmolStr;

use crate::limits::{DATA_LENGTH, HEARTBEAT_DETAILS_LENGTH, REASON_LENGTH, is_longer};
use crate::{Decision, EventAttributes, HistoryEvent, decision, event, operation, types};

/// A member that holds a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ValueField {
    /// The shape of which it is a member: a request, a decision, the attributes of an event.
    pub shape: &'static str,
    /// Its name, as the wire has it.
    pub name: &'static str,
    /// How many characters the service takes.
    pub limit: usize,
}

impl ValueField {
    /// Whether a value is longer than the service takes there.
    pub fn is_exceeded_by(&self, value: &str) -> bool {
        is_longer(value, self.limit)
    }
}

/// What has members that hold values.
///
/// ```
/// use simpleflow_model::operation::RespondActivityTaskCompleted;
/// use simpleflow_model::values::Values as _;
///
/// let mut answer = RespondActivityTaskCompleted {
///     result: Some("[1, 2]".into()),
///     ..RespondActivityTaskCompleted::default()
/// };
/// answer.each_value(&mut |field, value| {
///     assert_eq!((field.name, field.limit), ("result", 32_768));
///     *value = "[]".into();
/// });
/// assert_eq!(answer.result.unwrap(), "[]");
/// ```
pub trait Values {
    /// Shows each value that is there, to be looked at or replaced.
    fn each_value<'a>(&'a mut self, see: &mut dyn FnMut(&'static ValueField, &'a mut SmolStr));
}

macro_rules! values {
    ($(
        $module:ident {
            $( $shape:ident {
                $($field:ident = $name:literal: $limit:ident),+
                $(; and those of $parts:ident)?
            } )*
        }
    )*) => {
        /// The table: every member that holds a value. What AWS Lambda is given and gives is not in
        /// it: a function knows nothing of values that are elsewhere.
        pub const VALUES: &[ValueField] = &[$($($(
            ValueField { shape: stringify!($shape), name: $name, limit: $limit },
        )+)*)*];

        $($(
            impl Values for $module::$shape {
                fn each_value<'a>(
                    &'a mut self,
                    see: &mut dyn FnMut(&'static ValueField, &'a mut SmolStr),
                ) {
                    $(
                        if let Some(value) = &mut self.$field {
                            const FIELD: ValueField = ValueField {
                                shape: stringify!($shape),
                                name: $name,
                                limit: $limit,
                            };
                            see(&FIELD, value);
                        }
                    )+
                    $(
                        for part in self.$parts.iter_mut().flatten() {
                            part.each_value(see);
                        }
                    )?
                }
            }
        )*)*
    };
}

macro_rules! one_of {
    ($enum:ident: $($shape:ident)*) => {
        impl Values for $enum {
            fn each_value<'a>(
                &'a mut self,
                see: &mut dyn FnMut(&'static ValueField, &'a mut SmolStr),
            ) {
                match self {
                    $(Self::$shape(attributes) => attributes.each_value(see),)*
                    _ => {}
                }
            }
        }
    };
}

values! {
    operation {
        RecordActivityTaskHeartbeat { details = "details": HEARTBEAT_DETAILS_LENGTH }
        RespondActivityTaskCanceled { details = "details": DATA_LENGTH }
        RespondActivityTaskCompleted { result = "result": DATA_LENGTH }
        RespondActivityTaskFailed {
            reason = "reason": REASON_LENGTH, details = "details": DATA_LENGTH
        }
        RespondDecisionTaskCompleted {
            execution_context = "executionContext": DATA_LENGTH; and those of decisions
        }
        SignalWorkflowExecution { input = "input": DATA_LENGTH }
        StartWorkflowExecution { input = "input": DATA_LENGTH }
        TerminateWorkflowExecution {
            reason = "reason": REASON_LENGTH, details = "details": DATA_LENGTH
        }
    }
    decision {
        ScheduleActivityTask { control = "control": DATA_LENGTH, input = "input": DATA_LENGTH }
        CompleteWorkflowExecution { result = "result": DATA_LENGTH }
        FailWorkflowExecution { reason = "reason": REASON_LENGTH, details = "details": DATA_LENGTH }
        CancelWorkflowExecution { details = "details": DATA_LENGTH }
        ContinueAsNewWorkflowExecution { input = "input": DATA_LENGTH }
        RecordMarker { details = "details": DATA_LENGTH }
        StartTimer { control = "control": DATA_LENGTH }
        SignalExternalWorkflowExecution {
            input = "input": DATA_LENGTH, control = "control": DATA_LENGTH
        }
        RequestCancelExternalWorkflowExecution { control = "control": DATA_LENGTH }
        StartChildWorkflowExecution {
            control = "control": DATA_LENGTH, input = "input": DATA_LENGTH
        }
        ScheduleLambdaFunction { control = "control": DATA_LENGTH }
    }
    event {
        WorkflowExecutionStarted { input = "input": DATA_LENGTH }
        WorkflowExecutionCompleted { result = "result": DATA_LENGTH }
        WorkflowExecutionFailed {
            reason = "reason": REASON_LENGTH, details = "details": DATA_LENGTH
        }
        WorkflowExecutionCanceled { details = "details": DATA_LENGTH }
        WorkflowExecutionContinuedAsNew { input = "input": DATA_LENGTH }
        WorkflowExecutionTerminated {
            reason = "reason": REASON_LENGTH, details = "details": DATA_LENGTH
        }
        DecisionTaskCompleted { execution_context = "executionContext": DATA_LENGTH }
        ActivityTaskScheduled { input = "input": DATA_LENGTH, control = "control": DATA_LENGTH }
        ActivityTaskCompleted { result = "result": DATA_LENGTH }
        ActivityTaskFailed { reason = "reason": REASON_LENGTH, details = "details": DATA_LENGTH }
        ActivityTaskTimedOut { details = "details": HEARTBEAT_DETAILS_LENGTH }
        ActivityTaskCanceled { details = "details": DATA_LENGTH }
        WorkflowExecutionSignaled { input = "input": DATA_LENGTH }
        MarkerRecorded { details = "details": DATA_LENGTH }
        TimerStarted { control = "control": DATA_LENGTH }
        StartChildWorkflowExecutionInitiated {
            control = "control": DATA_LENGTH, input = "input": DATA_LENGTH
        }
        StartChildWorkflowExecutionFailed { control = "control": DATA_LENGTH }
        ChildWorkflowExecutionCompleted { result = "result": DATA_LENGTH }
        ChildWorkflowExecutionFailed {
            reason = "reason": REASON_LENGTH, details = "details": DATA_LENGTH
        }
        ChildWorkflowExecutionCanceled { details = "details": DATA_LENGTH }
        SignalExternalWorkflowExecutionInitiated {
            input = "input": DATA_LENGTH, control = "control": DATA_LENGTH
        }
        SignalExternalWorkflowExecutionFailed { control = "control": DATA_LENGTH }
        RequestCancelExternalWorkflowExecutionInitiated { control = "control": DATA_LENGTH }
        RequestCancelExternalWorkflowExecutionFailed { control = "control": DATA_LENGTH }
        LambdaFunctionScheduled { control = "control": DATA_LENGTH }
    }
    types {
        ActivityTask { input = "input": DATA_LENGTH }
        WorkflowExecutionDetail { latest_execution_context = "latestExecutionContext": DATA_LENGTH }
    }
}

one_of! { Decision:
    ScheduleActivityTask CompleteWorkflowExecution FailWorkflowExecution CancelWorkflowExecution
    ContinueAsNewWorkflowExecution RecordMarker StartTimer SignalExternalWorkflowExecution
    RequestCancelExternalWorkflowExecution StartChildWorkflowExecution ScheduleLambdaFunction
}

one_of! { EventAttributes:
    WorkflowExecutionStarted WorkflowExecutionCompleted WorkflowExecutionFailed
    WorkflowExecutionCanceled WorkflowExecutionContinuedAsNew WorkflowExecutionTerminated
    DecisionTaskCompleted ActivityTaskScheduled ActivityTaskCompleted ActivityTaskFailed
    ActivityTaskTimedOut ActivityTaskCanceled WorkflowExecutionSignaled MarkerRecorded TimerStarted
    StartChildWorkflowExecutionInitiated StartChildWorkflowExecutionFailed
    ChildWorkflowExecutionCompleted ChildWorkflowExecutionFailed ChildWorkflowExecutionCanceled
    SignalExternalWorkflowExecutionInitiated SignalExternalWorkflowExecutionFailed
    RequestCancelExternalWorkflowExecutionInitiated RequestCancelExternalWorkflowExecutionFailed
    LambdaFunctionScheduled
}

impl Values for HistoryEvent {
    fn each_value<'a>(&'a mut self, see: &mut dyn FnMut(&'static ValueField, &'a mut SmolStr)) {
        self.attributes.each_value(see);
    }
}

impl<T: Values> Values for [T] {
    fn each_value<'a>(&'a mut self, see: &mut dyn FnMut(&'static ValueField, &'a mut SmolStr)) {
        for one in self {
            one.each_value(see);
        }
    }
}

impl EventAttributes {
    /// Whether its values are those that a decision gave and who decided does not need again: a replay
    /// makes them anew. Those of markers it compares.
    pub fn repeats_a_decision(&self) -> bool {
        matches!(
            self,
            Self::ActivityTaskScheduled(_)
                | Self::TimerStarted(_)
                | Self::StartChildWorkflowExecutionInitiated(_)
                | Self::StartChildWorkflowExecutionFailed(_)
                | Self::SignalExternalWorkflowExecutionInitiated(_)
                | Self::SignalExternalWorkflowExecutionFailed(_)
                | Self::RequestCancelExternalWorkflowExecutionInitiated(_)
                | Self::RequestCancelExternalWorkflowExecutionFailed(_)
                | Self::LambdaFunctionScheduled(_)
                | Self::DecisionTaskCompleted(_)
                | Self::WorkflowExecutionContinuedAsNew(_)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::ActivityTaskFailed;

    #[test]
    fn what_a_timer_holds_repeats_a_decision_and_what_a_marker_holds_is_compared() {
        let repeats = |attributes: EventAttributes| attributes.repeats_a_decision();
        assert!(repeats(event::TimerStarted::default().into()));
        assert!(repeats(
            event::SignalExternalWorkflowExecutionInitiated::default().into()
        ));
        assert!(!repeats(event::MarkerRecorded::default().into()));
        assert!(!repeats(event::WorkflowExecutionSignaled::default().into()));
        assert!(!repeats(event::ActivityTaskCompleted::default().into()));
    }

    #[test]
    fn an_answer_has_the_values_of_its_decisions() {
        let complete = decision::CompleteWorkflowExecution {
            result: Some("1".into()),
            ..Default::default()
        };
        let mut answer = operation::RespondDecisionTaskCompleted {
            decisions: Some(vec![
                complete.into(),
                decision::CancelTimer::default().into(),
            ]),
            execution_context: Some("{}".into()),
            ..Default::default()
        };
        let mut seen = Vec::new();
        answer.each_value(&mut |field, value| {
            seen.push(format!("{}.{} = {value}", field.shape, field.name));
        });
        assert_eq!(
            seen,
            [
                "RespondDecisionTaskCompleted.executionContext = {}",
                "CompleteWorkflowExecution.result = 1"
            ]
        );
    }

    #[test]
    fn an_event_has_the_values_of_its_attributes() {
        let failed = ActivityTaskFailed {
            reason: Some("r".into()),
            ..ActivityTaskFailed::default()
        };
        let mut event = HistoryEvent::new(crate::EventId(1), crate::Timestamp::default(), failed);
        event.each_value(&mut |field, value| {
            assert_eq!((field.name, field.limit), ("reason", REASON_LENGTH));
            *value = "s".into();
        });
        let EventAttributes::ActivityTaskFailed(failed) = event.attributes else {
            panic!("another event");
        };
        assert_eq!(failed.reason.unwrap(), "s");
    }
}
