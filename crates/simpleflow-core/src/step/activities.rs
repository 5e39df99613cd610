//! The activities that list and write what is done, as far as workflows know them.

use std::sync::LazyLock;

use simpleflow_model::{TaskPriority, Timeout};

use crate::activity::ActivityDefinition;
use crate::payload::Parameter;
use crate::retry::RetryPolicy;

const HOUR: u32 = 3_600;

const fn text(name: &'static str) -> Parameter {
    Parameter {
        name,
        type_name: "String",
    }
}

/// The parameters of both; the first has no step.
const PARAMETERS: &[Parameter] = &[
    Parameter {
        name: "bucket",
        type_name: "Option<String>",
    },
    text("path"),
    text("step_name"),
];

/// What both have in common, with the original's settings.
fn definition(name: &'static str, parameters: &'static [Parameter]) -> ActivityDefinition {
    ActivityDefinition {
        version: "1.0".into(),
        schedule_to_start_timeout: Timeout::Seconds(4 * HOUR),
        start_to_close_timeout: Timeout::Seconds(60),
        schedule_to_close_timeout: Timeout::Seconds(4 * HOUR + 60),
        heartbeat_timeout: Timeout::Seconds(180),
        task_priority: Some(TaskPriority(100)),
        idempotent: true,
        raises_on_failure: true,
        retry: RetryPolicy::new(1),
        location: file!(),
        ..ActivityDefinition::new(name, parameters)
    }
}

/// The activity that lists the steps that are done: from a bucket and a prefix to their names. Without a
/// bucket it is the place of the worker.
pub fn get_steps_done() -> &'static ActivityDefinition {
    static DEFINITION: LazyLock<ActivityDefinition> =
        LazyLock::new(|| definition("simpleflow.step.tasks.GetStepsDoneTask", &PARAMETERS[..2]));
    &DEFINITION
}

/// The activity that marks a step as done: it takes a bucket, a prefix and the name of the step.
pub fn mark_step_done() -> &'static ActivityDefinition {
    static DEFINITION: LazyLock<ActivityDefinition> =
        LazyLock::new(|| definition("simpleflow.step.tasks.MarkStepDoneTask", PARAMETERS));
    &DEFINITION
}
