//! What was recorded of the real service, decided again: for each execution there is a workflow
//! here that decides, at each decision task, what its decider decided.
//!
//! Some were written with the Python original, others with FsDecider; see `simpleflow_recordings`.

mod activities;
mod children;
mod endings;
mod lambdas;
mod original;
mod otherwise;
mod same;
mod signals;
mod timers;

use otherwise::{End, OTHERWISE};
use same::difference;
use simpleflow::model::HistoryEvent;
use simpleflow::replay::{Limits, ReplayError, Replayer};
use simpleflow::{RunContext, WorkflowEntry};
use simpleflow_recordings::{AnsweredTask, DecidedRun, Recording, executions, scenarios};

/// A recording, and the workflows of the histories in it.
type Row = (&'static str, &'static [WorkflowEntry]);

const TABLES: [&[Row]; 7] = [
    activities::TABLE,
    children::TABLE,
    endings::TABLE,
    lambdas::TABLE,
    original::TABLE,
    signals::TABLE,
    timers::TABLE,
];

/// `workflow!(Name(flow) -> Output { body });`: a workflow without input.
macro_rules! workflow {
    ($(#[$doc:meta])* $name:ident($flow:ident) -> $output:ty $body:block) => {
        $(#[$doc])*
        #[simpleflow::workflow(version = "1")]
        struct $name;

        impl simpleflow::Workflow for $name {
            type Output = $output;

            async fn run(self, $flow: simpleflow::Flow) -> simpleflow::Result<$output> $body
        }
    };
}
pub(crate) use workflow;

/// The result of every execution of FsDecider's.
fn pass() -> simpleflow::Result<simpleflow::Raw> {
    Ok("TEST PASS".into())
}

/// An execution that was recorded, with its workflow.
struct Case {
    name: String,
    entry: WorkflowEntry,
    run: DecidedRun,
}

impl Case {
    fn replayer(&self) -> Replayer {
        let run = RunContext {
            domain_name: "recorded".into(),
            workflow_id: self.run.execution.workflow_id.clone(),
            run_id: self.run.execution.run_id.clone(),
            ..RunContext::default()
        };
        Replayer::new(self.entry, run, Limits::default())
    }

    /// What the decider of this task knew.
    fn known(&self, task: &AnsweredTask) -> &[HistoryEvent] {
        let events = &self.run.events;
        &events[..events.partition_point(|event| event.event_id <= task.started)]
    }

    /// The decision tasks that are compared: all, or those until the code and the history part.
    fn tasks(&self) -> impl Iterator<Item = (usize, &AnsweredTask)> {
        let parts = OTHERWISE
            .iter()
            .find(|row| row.recording == self.name && row.end == End::Diverges)
            .map_or(usize::MAX, |row| row.task);
        let tasks = (1..).zip(&self.run.tasks);
        tasks.take_while(move |(number, _)| *number <= parts)
    }

    /// Lets the replayer see the events that it does not know yet, a piece at each of the cuts.
    fn decide(
        &self,
        replayer: &mut Replayer,
        task: &AnsweredTask,
        cuts: &[usize],
    ) -> Result<Vec<simpleflow::model::Decision>, ReplayError> {
        let known = self.known(task);
        let mut from = replayer.last_event_id().0 as usize;
        for until in cuts.iter().copied().chain([known.len()]) {
            let until = until.clamp(from, known.len());
            replayer.feed(known[from..until].to_vec())?;
            from = until;
        }
        Ok(replayer.decisions()?.decisions)
    }
}

fn recordings() -> Option<Vec<Recording>> {
    let mut recordings = executions().unwrap()?;
    recordings.extend(scenarios().unwrap()?);
    Some(recordings)
}

/// The executions of which a history was recorded, and those that no workflow is here for.
fn cases() -> Option<(Vec<Case>, Vec<String>)> {
    let mut cases = Vec::new();
    let mut missing = Vec::new();
    for recording in recordings()? {
        let name = recording.name();
        let runs = recording.decided().unwrap();
        let row = TABLES.iter().copied().flatten().find(|row| row.0 == name);
        let entries = row.map_or(&[][..], |row| row.1);
        if entries.len() != runs.len() {
            missing.push(format!(
                "{name}: {} histories, {} workflows",
                runs.len(),
                entries.len()
            ));
        }
        for (&entry, run) in entries.iter().zip(runs) {
            let name = name.to_owned();
            cases.push(Case { name, entry, run });
        }
    }
    Some((cases, missing))
}

#[test]
fn each_recorded_execution_has_a_workflow_and_each_workflow_a_recording() {
    let Some((_, missing)) = cases() else {
        return;
    };
    assert!(missing.is_empty(), "{missing:#?}");
    let recordings = recordings().unwrap_or_default();
    for (name, _) in TABLES.iter().copied().flatten() {
        let named = recordings
            .iter()
            .filter(|recording| recording.name() == *name);
        assert_eq!(named.count(), 1, "{name}");
    }
}

#[test]
fn what_was_decided_is_decided_again() {
    let Some((cases, _)) = cases() else {
        return;
    };
    let mut problems = Vec::new();
    let mut compared = 0;
    for case in &cases {
        let mut kept = case.replayer();
        for (number, task) in case.tasks() {
            let at = format!("{}, decision task {number}", case.name);
            let decided = case.decide(&mut case.replayer(), task, &[]);
            let by_kept = case.decide(&mut kept, task, &[]);
            if decided != by_kept {
                problems.push(format!("{at}: kept code decides {by_kept:?}"));
            }
            let decided = match decided {
                Ok(decided) => decided,
                Err(error) => {
                    problems.push(format!("{at}: {error}"));
                    break;
                }
            };
            let otherwise = OTHERWISE
                .iter()
                .find(|row| row.recording == case.name && row.task == number);
            match (difference(&task.decisions, &decided), otherwise) {
                (None, None) | (Some(_), Some(_)) => compared += 1,
                (Some(difference), None) => problems.push(format!("{at}: {difference}")),
                (None, Some(row)) => problems.push(format!("{at} is the same, but: {}", row.why)),
            }
        }
        let diverges = OTHERWISE
            .iter()
            .any(|row| row.recording == case.name && row.end == End::Diverges);
        let mut whole = case.replayer();
        let replayed = whole
            .feed(case.run.events.clone())
            .and_then(|()| whole.decisions());
        if replayed.is_err() != diverges {
            problems.push(format!("{}: the whole history: {replayed:?}", case.name));
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n\n"));
    let answered: usize = cases.iter().map(|case| case.tasks().count()).sum();
    assert_eq!(compared, answered);
    assert!(compared > 100, "{compared} decision tasks");
}

#[test]
fn an_execution_context_is_set_as_it_was() {
    let Some((cases, _)) = cases() else {
        return;
    };
    let mut set = 0;
    for case in &cases {
        for (number, task) in case.tasks() {
            let Some(context) = &task.execution_context else {
                continue;
            };
            let mut replayer = case.replayer();
            replayer.feed(case.known(task).to_vec()).unwrap();
            let decided = replayer.decisions().unwrap();
            let at = format!("{}, decision task {number}", case.name);
            assert_eq!(
                decided.execution_context.as_deref(),
                Some(&**context),
                "{at}"
            );
            set += 1;
        }
    }
    assert!(set > 0);
}

/// A decider may have been asked at this decision task and at that, or not at all, and have got the
/// history in any two pieces.
#[test]
fn how_a_history_is_cut_changes_no_decision() {
    let Some((cases, _)) = cases() else {
        return;
    };
    for case in &cases {
        let tasks: Vec<_> = case.tasks().collect();
        for (index, (number, task)) in tasks.iter().enumerate() {
            let at = format!("{}, decision task {number}", case.name);
            let expected = case.decide(&mut case.replayer(), task, &[]).unwrap();
            for asked in 0..1_usize << index {
                for cut in 0..case.known(task).len() {
                    let mut kept = case.replayer();
                    for (before, (_, task)) in tasks[..index].iter().enumerate() {
                        if asked & (1 << before) != 0 {
                            case.decide(&mut kept, task, &[cut]).unwrap();
                        }
                    }
                    let decided = case.decide(&mut kept, task, &[cut]).unwrap();
                    assert_eq!(decided, expected, "{at}, asked {asked:b}, cut at {cut}");
                }
            }
        }
    }
}
