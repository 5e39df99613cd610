//! What can happen next, and how it reads.

use simpleflow_engine::{Due, DueTask};
use simpleflow_model::{EventAttributes, EventId, RunId, WorkflowId};

use super::World;
use crate::local::Outside;

/// Something that can happen next.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// The decider of a run decides.
    Decide(RunKey),
    /// An activity answers.
    Answer(usize),
    /// A cancelled activity says that it is cancelled.
    Cancelled(usize),
    /// What comes from outside.
    Input(usize),
    /// Time goes on, to what is due next.
    Time(Due),
    /// An activity fails, without being run.
    Fail(usize),
    /// An activity runs, and its answer is lost.
    Lose(usize),
    /// The decider of a run decides, and crashes before it answers.
    Crash(RunKey),
}

/// The workflow id and run id of a run: the order of runs.
pub type RunKey = (WorkflowId, RunId);

impl World<'_> {
    /// What an action is, in a line that no other possible action has.
    pub fn line(&self, action: &Action) -> String {
        let task_name = |task: usize| {
            let task = &self.tasks[task];
            let of = self.of(&task.execution().workflow_id);
            format!("{}{of}", task.name())
        };
        match action {
            Action::Decide((workflow_id, _)) => format!("{workflow_id} decides"),
            Action::Crash((workflow_id, _)) => {
                format!("{workflow_id} decides, and its decider crashes before it answers")
            }
            Action::Answer(task) => format!("{} answers", task_name(*task)),
            Action::Cancelled(task) => format!("{} is cancelled", task_name(*task)),
            Action::Fail(task) => format!("{} fails", task_name(*task)),
            Action::Lose(task) => format!("{} runs, and its answer is lost", task_name(*task)),
            Action::Input(input) => match &self.inputs[*input] {
                Outside::Cancel => "the cancel is requested".to_owned(),
                Outside::Signal(name, None) => format!("signal {name} arrives"),
                Outside::Signal(name, Some(input)) => format!("signal {name} arrives: {input}"),
            },
            Action::Time(due) => self.due_line(due),
        }
    }

    fn due_line(&self, due: &Due) -> String {
        let history = self.history(&due.run_id);
        let event = |id: EventId| {
            let index = usize::try_from(id.0 - 1).ok()?;
            history.get(index).map(|event| &event.attributes)
        };
        let workflow_id = self
            .runs
            .keys()
            .find(|(_, run_id)| *run_id == due.run_id)
            .map(|(workflow_id, _)| workflow_id.clone())
            .unwrap_or_default();
        let of = self.of(&workflow_id);
        match &due.what {
            DueTask::Execution => format!("the time of {workflow_id} is up"),
            DueTask::DecisionTask => format!("the time of the decision of {workflow_id} is up"),
            DueTask::Retention => format!("{workflow_id} is forgotten"),
            DueTask::LambdaFunction(id) => format!("the time of Lambda function {id}{of} is up"),
            DueTask::Timer(id) => match event(*id) {
                Some(EventAttributes::TimerStarted(timer)) => {
                    format!("timer {}{of} fires", timer.timer_id)
                }
                _ => format!("timer of event {id}{of} fires"),
            },
            DueTask::ActivityTask(id, _) => match event(*id) {
                Some(EventAttributes::ActivityTaskScheduled(activity)) => {
                    format!("the time of activity {}{of} is up", activity.activity_id)
                }
                _ => format!("the time of the activity of event {id}{of} is up"),
            },
        }
    }

    /// Whose something is, unless it is the root's.
    fn of(&self, workflow_id: &WorkflowId) -> String {
        match *workflow_id == self.root.workflow_id {
            true => String::new(),
            false => format!(" of {workflow_id}"),
        }
    }
}
