//! Continue-as-new: the end of a run that another run of the same workflow is to follow.

use std::panic::Location;

use simpleflow_model::decision::ContinueAsNewWorkflowExecution;
use simpleflow_model::event::WorkflowExecutionStarted;
use simpleflow_model::{Arn, SmolStr, TaskList};

use crate::check::{check_length, no_json};
use crate::error::Error;
use crate::tags::TagList;
use crate::workflow::{Changed, Workflow, WorkflowCall, WorkflowDefinition, input_of};

/// What [`Flow::continue_as_new`](crate::Flow::continue_as_new) takes: a workflow, whose fields
/// are the input of the next run, or the call of one.
#[diagnostic::on_unimplemented(
    message = "an execution cannot continue as `{Self}`",
    label = "expected a workflow, such as `Self {{ page: self.page + 1 }}`, or the call of one"
)]
pub trait ContinueAs: sealed::IntoNextRun {}

mod sealed {
    use super::{Error, Location, NextRun};

    pub trait IntoNextRun {
        #[expect(private_interfaces, reason = "no one else implements or calls it")]
        fn into_next_run(
            self,
            location: &'static Location<'static>,
            most: usize,
        ) -> Result<NextRun, Error>;
    }
}
pub(crate) use sealed::IntoNextRun;

/// The next run, as the code asks for it.
pub(crate) struct NextRun {
    settings: WorkflowDefinition,
    /// Which of the settings are not to be those of the run that ends.
    changed: Changed,
    input: SmolStr,
    location: &'static Location<'static>,
}

impl<W: Workflow> ContinueAs for WorkflowCall<W> {}

impl<W: Workflow> IntoNextRun for WorkflowCall<W> {
    #[expect(private_interfaces, reason = "no one else implements or calls it")]
    fn into_next_run(
        self,
        location: &'static Location<'static>,
        most: usize,
    ) -> Result<NextRun, Error> {
        let refused = |problem: &dyn std::fmt::Display| {
            Error::msg(format_args!(
                "cannot continue as new at {location}: {problem}"
            ))
        };
        self.settings.check().map_err(|problem| refused(&problem))?;
        let args = self.workflow.to_arguments();
        let args = args.map_err(|error| refused(&no_json("input", &error)))?;
        let input = input_of(&self.workflow, &args);
        check_length("input", &input, most).map_err(|problem| refused(&problem))?;
        Ok(NextRun {
            settings: self.settings,
            changed: self.changed,
            input,
            location,
        })
    }
}

#[diagnostic::do_not_recommend]
impl<W: Workflow> ContinueAs for W {}

impl<W: Workflow> IntoNextRun for W {
    #[expect(private_interfaces, reason = "no one else implements or calls it")]
    fn into_next_run(
        self,
        location: &'static Location<'static>,
        most: usize,
    ) -> Result<NextRun, Error> {
        self.call().into_next_run(location, most)
    }
}

/// The decision that starts a run with the settings of the one that began with this event. SWF
/// would take the defaults of the type for what the decision does not say.
pub(crate) fn same_settings(started: &WorkflowExecutionStarted) -> ContinueAsNewWorkflowExecution {
    ContinueAsNewWorkflowExecution {
        execution_start_to_close_timeout: started.execution_start_to_close_timeout,
        task_list: Some(started.task_list.clone()),
        task_priority: started.task_priority,
        task_start_to_close_timeout: started.task_start_to_close_timeout,
        child_policy: Some(started.child_policy.clone()),
        tag_list: started.tag_list.clone(),
        workflow_type_version: Some(started.workflow_type.version.clone()),
        lambda_role: started.lambda_role.clone(),
        ..ContinueAsNewWorkflowExecution::default()
    }
}

impl NextRun {
    /// The decision for it, from that for a run with the same settings.
    ///
    /// # Errors
    /// When it is a run of another workflow than `name`.
    pub(crate) fn decision(
        self,
        name: &str,
        same: &ContinueAsNewWorkflowExecution,
    ) -> Result<ContinueAsNewWorkflowExecution, Error> {
        let Self {
            settings,
            changed,
            input,
            location,
        } = self;
        if settings.name != name {
            return Err(Error::msg(format_args!(
                "cannot continue as new at {location}: workflow {name:?} cannot go on as workflow \
                 {:?}, since SWF keeps the name of the type; start that one as a child",
                settings.name
            )));
        }
        let mut next = ContinueAsNewWorkflowExecution {
            input: Some(input),
            workflow_type_version: Some(settings.version.into()),
            ..same.clone()
        };
        if changed.execution_timeout {
            next.execution_start_to_close_timeout = Some(settings.execution_timeout);
        }
        if changed.decision_tasks_timeout {
            next.task_start_to_close_timeout = Some(settings.decision_tasks_timeout);
        }
        if changed.lambda_role {
            next.lambda_role = settings.lambda_role.map(Arn::from);
        }
        if changed.task_list
            && let Some(name) = settings.task_list
        {
            next.task_list = Some(TaskList {
                name: name.into(),
                ..TaskList::default()
            });
        }
        if changed.task_priority {
            next.task_priority = settings.task_priority;
        }
        if changed.child_policy {
            next.child_policy = Some(settings.child_policy);
        }
        // Inherited tags are those of the run that ends.
        if changed.tag_list
            && let TagList::Own(tags) = settings.tag_list
        {
            let tags: Vec<_> = tags.into_iter().map(Some).collect();
            next.tag_list = Some(tags).filter(|tags| !tags.is_empty());
        }
        Ok(next)
    }
}
