//! A task that somebody works on: an activity, or a Lambda function.

use simpleflow_core::Failure;
use simpleflow_engine::{Due, DueTask, Engine, LambdaFunction, TaskAtWork};
use simpleflow_model::operation::*;
use simpleflow_model::types::ActivityTask;
use simpleflow_model::{EventId, Fault, SmolStr, Timestamp, WorkflowExecution};

/// A task that somebody works on.
pub struct Task {
    pub work: Work,
    pub scheduled: EventId,
    /// It was run, and nobody will learn its answer.
    pub lost: bool,
}

/// What there is to do.
pub enum Work {
    Activity(ActivityTask),
    Lambda(LambdaFunction),
}

impl Task {
    pub fn new(work: Work, scheduled: EventId) -> Self {
        Self {
            work,
            scheduled,
            lost: false,
        }
    }

    pub fn execution(&self) -> &WorkflowExecution {
        match &self.work {
            Work::Activity(task) => &task.workflow_execution,
            Work::Lambda(function) => &function.execution,
        }
    }

    /// What is known of it; nothing when it is over.
    pub fn at_work(&self, engine: &Engine) -> Option<TaskAtWork> {
        match &self.work {
            Work::Activity(task) => engine.activity_at_work(&task.task_token),
            Work::Lambda(function) => {
                engine.lambda_function_at_work(&function.execution.run_id, self.scheduled)
            }
        }
    }

    /// Its place among others, which does not depend on what happens in other executions.
    pub fn place(&self) -> (&str, &str, EventId) {
        let execution = self.execution();
        let (workflow_id, run_id) = (&execution.workflow_id, &execution.run_id);
        (workflow_id.as_str(), run_id.as_str(), self.scheduled)
    }

    /// Whether something that is due is a time limit of it.
    pub fn is_limited_by(&self, due: &Due) -> bool {
        let scheduled = match due.what {
            DueTask::ActivityTask(id, _) | DueTask::LambdaFunction(id) => Some(id),
            _ => None,
        };
        self.execution().run_id == due.run_id && scheduled == Some(self.scheduled)
    }

    /// What it is called.
    pub fn name(&self) -> String {
        match &self.work {
            Work::Activity(task) => format!("activity {}", task.activity_id),
            Work::Lambda(function) => {
                format!(
                    "Lambda function {} of event {}",
                    function.name, self.scheduled
                )
            }
        }
    }

    /// Who is asked, and what.
    pub fn question(&self) -> (String, SmolStr) {
        match &self.work {
            Work::Activity(task) => {
                let activity_type = &task.activity_type;
                let who = format!("{} {}", activity_type.name, activity_type.version);
                (who, task.input.clone().unwrap_or_default())
            }
            Work::Lambda(function) => {
                let who = format!("Lambda function {}", function.name);
                (who, function.input.clone().unwrap_or_default())
            }
        }
    }

    pub fn complete(
        &self,
        engine: &mut Engine,
        result: SmolStr,
        now: Timestamp,
    ) -> Result<(), Fault> {
        match &self.work {
            Work::Activity(task) => {
                let answer = RespondActivityTaskCompleted {
                    task_token: task.task_token.clone(),
                    result: Some(result),
                    ..RespondActivityTaskCompleted::default()
                };
                engine.respond_activity_task_completed(&answer, now)
            }
            Work::Lambda(function) => {
                let run_id = &function.execution.run_id;
                engine.lambda_function_completed(run_id, self.scheduled, Some(result), now)
            }
        }
    }

    pub fn fail(&self, engine: &mut Engine, failure: Failure, now: Timestamp) -> Result<(), Fault> {
        let (reason, details) = (Some(failure.reason), failure.details);
        match &self.work {
            Work::Activity(task) => {
                let answer = RespondActivityTaskFailed {
                    task_token: task.task_token.clone(),
                    reason,
                    details,
                    ..RespondActivityTaskFailed::default()
                };
                engine.respond_activity_task_failed(&answer, now)
            }
            Work::Lambda(function) => {
                let run_id = &function.execution.run_id;
                engine.lambda_function_failed(run_id, self.scheduled, reason, details, now)
            }
        }
    }
}
