//! Holding what happens against what was recorded.

use serde_json::{Value, json};
use simpleflow_model::{Timestamp, WorkflowExecution};

use crate::play::Stage;
use crate::recording::RecordedEvent;
use crate::{Outcome, Problem, shape};

impl Stage<'_> {
    /// Compares what is new in the history of an execution with what was recorded of it.
    pub(crate) fn compare(&mut self, player: usize) -> Outcome<()> {
        let history = self.read(player)?;
        let this = &mut self.players[player];
        let (recorded, from) = (this.recorded, this.compared);
        this.history.clone_from(&history);
        this.compared = history.len();
        for (index, event) in history.iter().enumerate().skip(from) {
            self.compare_event(player, recorded, index, event)
                .map_err(|Problem(what)| {
                    let expected = recorded.get(index);
                    format!(
                        "event {}: {what}\n  recorded: {expected:?}\n  this: {event}",
                        index + 1
                    )
                })?;
        }
        Ok(())
    }

    fn compare_event(
        &mut self,
        player: usize,
        recorded: &[RecordedEvent],
        index: usize,
        event: &Value,
    ) -> Outcome<()> {
        let expected = recorded.get(index).ok_or("it is one too many")?;
        if event["eventType"] != expected.event_type.as_str()
            || event["eventId"] != json!(index + 1)
        {
            return Err("another event was expected".into());
        }
        compare_time(recorded, index, event)?;
        let mut members = event.as_object().into_iter().flatten();
        let attributes = members.find(|(member, _)| member.ends_with("EventAttributes"));
        let attributes = attributes.and_then(|(_, attributes)| attributes.as_object());
        let attributes = attributes.ok_or("it has no attributes")?;
        for (member, value) in &expected.attributes {
            let actual = attributes.get(member).unwrap_or(&Value::Null);
            if !self.same(player, member, value, actual)? {
                return Err(format!("{member} is {actual}").into());
            }
        }
        for (member, value) in attributes {
            let left_out = self.recording.symbolic && (value.is_null() || *value == 0);
            // The service did not write it before 2018.
            let unlimited = member == "scheduleToStartTimeout" && value == "NONE";
            if !expected.attributes.contains_key(member) && !left_out && !unlimited {
                return Err(format!("{member} was not recorded").into());
            }
        }
        Ok(())
    }

    fn same(
        &mut self,
        player: usize,
        member: &str,
        recorded: &Value,
        actual: &Value,
    ) -> Outcome<bool> {
        match member {
            "workflowExecution" | "parentWorkflowExecution" if actual.is_null() => Ok(false),
            "workflowExecution" | "parentWorkflowExecution" => {
                let execution: WorkflowExecution = shape(actual)?;
                let text = recorded
                    .as_str()
                    .map_or_else(|| recorded.to_string(), str::to_owned);
                let expected_run = if member == "parentWorkflowExecution" {
                    self.players.first().map(|p| p.execution.run_id.clone())
                } else {
                    self.runs.get(&text).cloned()
                };
                let ids_agree = self.recording.symbolic
                    || recorded["workflowId"] == json!(execution.workflow_id);
                let same = self.is_known(&execution)
                    && execution.run_id != self.players[player].execution.run_id
                    && ids_agree
                    && expected_run.is_none_or(|expected| expected == execution.run_id);
                self.runs.insert(text, execution.run_id);
                Ok(same)
            }
            "runId" => {
                let recorded = recorded.as_str().unwrap_or_default();
                Ok(*actual == json!(self.run_named(recorded)))
            }
            // One variable and the name of its value were both printed for the children's list.
            "taskList" if self.recording.symbolic => {
                let names = ["childTaskList", "TestConfiguration.TaskList"];
                let list = |value: &Value| {
                    let name = value["name"].as_str().unwrap_or_default();
                    name.split(" of ").next().unwrap_or_default().to_owned()
                };
                let known = |value: &Value| names.contains(&list(value).as_str());
                Ok(recorded == actual || (known(recorded) && known(actual)))
            }
            _ => Ok(recorded == actual),
        }
    }

    /// Whether the service knows an execution by both of its ids.
    fn is_known(&mut self, execution: &WorkflowExecution) -> bool {
        let request = json!({ "domain": self.domain, "execution": execution });
        let answer = self.service.call("DescribeWorkflowExecution", request);
        answer.is_ok_and(|answer| answer["executionInfo"]["execution"] == json!(execution))
    }
}

/// Events come when they came. Where the service took its time, with the start of a child or a
/// timer that is due at once, others may have done it before.
fn compare_time(recorded: &[RecordedEvent], index: usize, event: &Value) -> Outcome<()> {
    let Some(expected) = recorded[index].at else {
        return Ok(());
    };
    let may_be_early = |event: &RecordedEvent| {
        event.at == Some(expected)
            && match event.event_type.as_str() {
                "ChildWorkflowExecutionStarted" => true,
                "TimerFired" => is_due_at_once(recorded, event),
                _ => false,
            }
    };
    // What the decider is told of comes with a decision task.
    let early = recorded[index.saturating_sub(1)..=index]
        .iter()
        .any(may_be_early);
    let actual: Timestamp = shape(&event["eventTimestamp"])?;
    if actual == expected || (early && actual < expected) {
        return Ok(());
    }
    Err(format!("it is of {actual}, not of {expected}").into())
}

fn is_due_at_once(recorded: &[RecordedEvent], fired: &RecordedEvent) -> bool {
    let index = usize::try_from(fired.number("startedEventId") - 1).ok();
    let started = index.and_then(|index| recorded.get(index));
    started.is_some_and(|timer| timer.text("startToFireTimeout") == "0")
}
