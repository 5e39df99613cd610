//! What deciders do: poll and respond.

use simpleflow_model::event::{DecisionTaskCompleted, DecisionTaskStarted};
use simpleflow_model::operation::*;
use simpleflow_model::types::{DecisionTask, PendingTaskCount};
use simpleflow_model::{EventId, Fault, TaskToken, Timestamp};

use super::pages::DecisionPage;
use super::tasks::pending;
use crate::check::check;
use crate::execution::ExecutionKey;
use crate::token::{TaskKind, TaskRef, parse_task_token};
use crate::{Engine, fault};

impl Engine {
    /// Hands out the first decision task of a task list, if it has one. Never waits. With a page
    /// token it gives a further page of a task that was handed out, and no new task.
    ///
    /// The events end with the start of the task. With `startAtPreviousStartedEvent` they begin
    /// with the started event of the task that was answered last (measured by others to be
    /// inclusive), and a first task has all.
    ///
    /// # Errors
    /// `ValidationException`; `UnknownResourceFault`.
    pub fn poll_for_decision_task(
        &mut self,
        request: &PollForDecisionTask,
        now: Timestamp,
    ) -> Result<Option<DecisionTask>, Fault> {
        check::<PollForDecisionTask>(request)?;
        self.advance(now);
        self.domain(&request.domain)?;
        if let Some(page) = DecisionPage::parse(request, self.now)? {
            return self.next_page(request, page).map(Some);
        }
        let (domain, list) = (&request.domain, &request.task_list.name);
        let started = |scheduled_event_id| DecisionTaskStarted {
            identity: request.identity.clone(),
            scheduled_event_id,
            ..Default::default()
        };
        while let Some((key, _, started)) =
            self.start_task(domain, TaskKind::Decision, list, started)?
        {
            if let Some(task) = self.first_page(key, started, request) {
                return Ok(Some(task));
            }
        }
        Ok(None)
    }

    /// Hands a decision task out again that did not arrive where it was handed out, as another poll
    /// asks for it. Its events must be in memory:
    /// [`needed_by_task`](Self::needed_by_task).
    ///
    /// # Errors
    /// `ValidationException`; `UnknownResourceFault` where the task is over.
    pub fn decision_task_again(
        &mut self,
        request: &PollForDecisionTask,
        token: &TaskToken,
        now: Timestamp,
    ) -> Result<DecisionTask, Fault> {
        check::<PollForDecisionTask>(request)?;
        self.advance(now);
        let task = parse_task_token(TaskKind::Decision, token)?;
        self.started_decision_task(&task)
            .and_then(|key| self.first_page(key, task.started, request))
            .ok_or_else(|| fault::unknown_decision_task(task.scheduled))
    }

    /// A further page of a decision task that was handed out.
    fn next_page(
        &self,
        request: &PollForDecisionTask,
        page: DecisionPage,
    ) -> Result<DecisionTask, Fault> {
        let execution = self
            .execution(page.run_id())
            .filter(|execution| execution.domain == request.domain)
            .ok_or_else(fault::invalid_token)?;
        page.read(execution)
    }

    /// A started decision task with the first page of its events that a poll asks for.
    pub(crate) fn first_page(
        &self,
        key: ExecutionKey,
        started: EventId,
        request: &PollForDecisionTask,
    ) -> Option<DecisionTask> {
        let execution = self.executions.get(&key)?;
        let page = DecisionPage::first(execution, started, request, self.now);
        page.read(execution).ok()
    }

    /// Answers a decision task: its decisions become events, all at the same time. A response is
    /// taken whole or not at all; one that is refused leaves the task as it was.
    ///
    /// # Errors
    /// `ValidationException`, for a closing decision that is not the last before all else;
    /// `UnknownResourceFault` where the task is over.
    pub fn respond_decision_task_completed(
        &mut self,
        request: &RespondDecisionTaskCompleted,
        now: Timestamp,
    ) -> Result<(), Fault> {
        check::<RespondDecisionTaskCompleted>(request)?;
        self.advance(now);
        let decisions = request.decisions.as_deref().unwrap_or_default();
        let task = parse_task_token(TaskKind::Decision, &request.task_token)?;
        let key = self
            .started_decision_task(&task)
            .ok_or_else(|| fault::unknown_decision_task(task.scheduled))?;
        let completed = self.append(
            key,
            DecisionTaskCompleted {
                execution_context: request.execution_context.clone(),
                scheduled_event_id: task.scheduled,
                started_event_id: task.started,
                task_list: request.task_list.clone(),
                task_list_schedule_to_start_timeout: request.task_list_schedule_to_start_timeout,
                ..Default::default()
            },
        );
        // Nothing is appended to a history that is full, nor to one that this closes.
        if let Some(completed) = completed {
            for decision in decisions {
                self.decide(key, completed, decision);
            }
        }
        self.settle();
        Ok(())
    }

    /// The execution whose decision task a token means, if a decider has it still.
    pub(crate) fn started_decision_task(&self, task: &TaskRef) -> Option<ExecutionKey> {
        let key = *self.runs.get(task.run_id.as_str())?;
        let execution = self.executions.get(&key)?;
        let started = execution.state.decisions.started.as_ref()?;
        let has_it = task.is_start(started.event_id, started.at)
            && started.scheduled.event_id == task.scheduled;
        has_it.then_some(key)
    }

    /// How many decision tasks wait in a task list.
    ///
    /// # Errors
    /// `UnknownResourceFault`.
    pub fn count_pending_decision_tasks(
        &mut self,
        request: &CountPendingDecisionTasks,
        now: Timestamp,
    ) -> Result<PendingTaskCount, Fault> {
        check::<CountPendingDecisionTasks>(request)?;
        self.advance(now);
        let domain = self.domain(&request.domain)?;
        Ok(pending(domain.decision_tasks.len(&request.task_list.name)))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use simpleflow_model::FaultKind;

    use crate::testing::*;

    #[test]
    fn what_happens_while_a_decider_thinks_is_appended_at_once_and_queues_one_task() {
        let mut w = World::new();
        let run = w.start("w");
        let task = w.poll();
        w.signal("w").unwrap();
        w.signal("w").unwrap();
        assert_eq!(w.poll_with(json!({})), None, "one task at a time");
        w.try_respond(&task.task_token, &[], json!({})).unwrap();
        assert_eq!(
            w.types(&run, 3),
            [
                "DecisionTaskStarted",
                "WorkflowExecutionSignaled",
                "DecisionTaskScheduled",
                "WorkflowExecutionSignaled",
                "DecisionTaskCompleted"
            ]
        );
        let next = w.poll();
        assert_eq!(next.started_event_id.0, 8);
        assert_eq!(next.previous_started_event_id.unwrap().0, 3);
        assert_eq!(w.open_counts(&run)["openDecisionTasks"], 1);
    }

    #[test]
    fn a_task_is_handed_out_again_as_another_poll_asks_for_it() {
        let mut w = World::new();
        w.begin(&[timer("t", 900)]);
        w.signal("w").unwrap();
        let task = w.poll_with(json!({ "maximumPageSize": 1 })).unwrap();
        let mut again = |more: Value| {
            let mut request = json!({ "domain": "d", "taskList": { "name": "deciders" } });
            request
                .as_object_mut()
                .unwrap()
                .extend(more.as_object().unwrap().clone());
            w.engine
                .decision_task_again(&shape(request), &task.task_token, w.now)
        };
        let ids = |task: &simpleflow_model::types::DecisionTask| {
            let events = task.events.iter();
            events.map(|event| event.event_id.0).collect::<Vec<_>>()
        };
        let whole = again(json!({})).unwrap();
        assert_eq!(ids(&whole), [1, 2, 3, 4, 5, 6, 7, 8]);
        assert_eq!(whole.task_token, task.task_token);
        assert_eq!(whole.previous_started_event_id.unwrap().0, 3);
        let part = json!({ "reverseOrder": true, "startAtPreviousStartedEvent": true });
        assert_eq!(ids(&again(part).unwrap()), [8, 7, 6, 5, 4, 3]);
        let fault = again(json!({ "maximumPageSize": 5000 })).unwrap_err();
        assert_eq!(fault.kind, FaultKind::Validation);
        w.try_respond(&task.task_token, &[], json!({})).unwrap();
        let poll = shape(json!({ "domain": "d", "taskList": { "name": "deciders" } }));
        refused(
            w.engine.decision_task_again(&poll, &task.task_token, w.now),
            FaultKind::UnknownResource,
            "Unknown decision task, scheduledEventId = 7",
        );
    }

    #[test]
    fn a_decision_task_that_is_not_answered_is_scheduled_again() {
        let mut w = World::new();
        let run = w.start("w");
        let task = w.poll();
        w.pass(49);
        assert_eq!(w.types(&run, 4), [""; 0]);
        w.pass(1);
        assert_eq!(
            w.types(&run, 4),
            ["DecisionTaskTimedOut", "DecisionTaskScheduled"]
        );
        let expected =
            json!({ "timeoutType": "START_TO_CLOSE", "scheduledEventId": 2, "startedEventId": 3 });
        assert_eq!(w.event(&run, 4), expected);
        refused(
            w.try_respond(&task.task_token, &[complete()], json!({})),
            FaultKind::UnknownResource,
            "Unknown decision task, scheduledEventId = 2",
        );
        // What timed out was not processed.
        assert_eq!(w.poll().previous_started_event_id.unwrap().0, 0);
    }

    #[test]
    fn a_timeout_with_a_task_queued_schedules_no_further_one() {
        let mut w = World::new();
        let run = w.start("w");
        w.poll();
        w.signal("w").unwrap();
        w.pass(50);
        assert_eq!(
            w.types(&run, 4),
            [
                "WorkflowExecutionSignaled",
                "DecisionTaskScheduled",
                "DecisionTaskTimedOut"
            ]
        );
        assert_eq!(w.poll().started_event_id.0, 7);
    }

    fn sticky(timeout: Option<&str>) -> Value {
        let mut more = json!({ "taskList": { "name": "mine" } });
        if let Some(timeout) = timeout {
            more["taskListScheduleToStartTimeout"] = timeout.into();
        }
        more
    }

    /// An execution whose next decision task is on the override list.
    fn overridden(timeout: Option<&str>) -> (World, simpleflow_model::RunId) {
        let mut w = World::new();
        let run = w.start("w");
        let task = w.poll();
        w.try_respond(&task.task_token, &[], sticky(timeout))
            .unwrap();
        w.signal("w").unwrap();
        assert_eq!(w.event(&run, 6)["taskList"]["name"], "mine");
        (w, run)
    }

    #[test]
    fn an_override_without_a_limit_stays() {
        let (mut w, run) = overridden(None);
        assert_eq!(w.event(&run, 6)["scheduleToStartTimeout"], "NONE");
        assert_eq!(w.poll_with(json!({})), None);
        w.poll_with(sticky(None)).unwrap();
        // Not even a timeout of the decider takes it back.
        w.pass(50);
        assert_eq!(
            w.last(&run, "DecisionTaskScheduled")["taskList"]["name"],
            "mine"
        );
        // Until the original list is given.
        let task = w.poll_with(sticky(None)).unwrap();
        let original = json!({ "taskList": { "name": "deciders" } });
        w.try_respond(&task.task_token, &[], original).unwrap();
        w.signal("w").unwrap();
        assert!(w.poll_with(json!({})).is_some());
    }

    #[test]
    fn a_temporary_override_is_reverted_when_nobody_takes_the_task() {
        let (mut w, run) = overridden(Some("5"));
        assert_eq!(w.event(&run, 6)["scheduleToStartTimeout"], "5");
        w.pass(4);
        assert_eq!(w.types(&run, 7), [""; 0]);
        w.pass(1);
        assert_eq!(
            w.types(&run, 7),
            ["DecisionTaskTimedOut", "DecisionTaskScheduled"]
        );
        let expected = json!({
            "timeoutType": "SCHEDULE_TO_START", "scheduledEventId": 6, "startedEventId": 0
        });
        assert_eq!(w.event(&run, 7), expected);
        let scheduled = w.event(&run, 8);
        assert_eq!(scheduled["taskList"]["name"], "deciders");
        assert_eq!(scheduled["scheduleToStartTimeout"], "NONE");
        let task = w.poll();
        assert_eq!(task.previous_started_event_id.unwrap().0, 3);
    }

    #[test]
    fn a_temporary_override_is_reverted_when_the_task_is_not_answered() {
        let (mut w, run) = overridden(Some("5"));
        w.poll_with(sticky(None)).unwrap();
        w.pass(50);
        let expected = json!({
            "timeoutType": "START_TO_CLOSE", "scheduledEventId": 6, "startedEventId": 7
        });
        assert_eq!(w.event(&run, 8), expected);
        assert_eq!(w.event(&run, 9)["taskList"]["name"], "deciders");
    }

    #[test]
    fn an_override_lasts_over_responses_that_do_not_repeat_it() {
        let (mut w, run) = overridden(Some("5"));
        let task = w.poll_with(sticky(None)).unwrap();
        w.try_respond(&task.task_token, &[], json!({})).unwrap();
        w.signal("w").unwrap();
        let scheduled = w.last(&run, "DecisionTaskScheduled");
        assert_eq!(scheduled["taskList"]["name"], "mine");
        assert_eq!(scheduled["scheduleToStartTimeout"], "5");
    }

    #[test]
    fn a_queued_task_stays_on_its_list_and_waits_from_when_it_can_be_taken() {
        let (mut w, run) = overridden(Some("5"));
        let task = w.poll_with(sticky(None)).unwrap();
        w.signal("w").unwrap();
        w.pass(20);
        assert_eq!(
            w.types(&run, 8).len(),
            2,
            "the queued task does not time out"
        );
        let other = json!({ "taskList": { "name": "other" } });
        w.try_respond(&task.task_token, &[], other).unwrap();
        w.pass(4);
        assert_eq!(w.types(&run, 8).len(), 3);
        w.pass(1);
        // The list that timed out is not the one that is the override by now.
        let scheduled = w.last(&run, "DecisionTaskScheduled");
        assert_eq!(w.last(&run, "DecisionTaskTimedOut")["scheduledEventId"], 9);
        assert_eq!(scheduled["taskList"]["name"], "other");
    }

    #[test]
    fn a_sticky_decider_gets_what_is_new() {
        let mut w = World::new();
        w.begin(&[]);
        w.signal("w").unwrap();
        let more = json!({ "startAtPreviousStartedEvent": true });
        let task = w.poll_with(more).unwrap();
        let ids: Vec<_> = task.events.iter().map(|event| event.event_id.0).collect();
        assert_eq!(ids, [3, 4, 5, 6, 7]);
        assert_eq!(task.previous_started_event_id.unwrap().0, 3);
        // A first task has all.
        w.start("other");
        let more = json!({ "startAtPreviousStartedEvent": true });
        let task = w.poll_with(more).unwrap();
        assert_eq!(task.events.len(), 3);
        assert_eq!(task.previous_started_event_id.unwrap().0, 0);
    }

    #[test]
    fn pages_of_a_task_end_at_its_start_and_are_no_new_tasks() {
        for reverse in [false, true] {
            let mut w = World::new();
            w.begin(&[]);
            w.signal("w").unwrap();
            w.start("other");
            let page = json!({ "maximumPageSize": 3, "reverseOrder": reverse });
            let first = w.poll_with(page).unwrap();
            let mut ids: Vec<_> = first.events.iter().map(|e| e.event_id.0).collect();
            // More happens meanwhile; it is not for this task.
            w.signal("w").unwrap();
            let mut token = first.next_page_token.clone();
            let mut pages = 1;
            while let Some(next) = token {
                let more = json!({ "maximumPageSize": 3, "nextPageToken": next });
                let page = w.poll_with(more).unwrap();
                assert_eq!(page.task_token, first.task_token);
                assert_eq!(page.started_event_id, first.started_event_id);
                assert_eq!(
                    page.previous_started_event_id,
                    first.previous_started_event_id
                );
                ids.extend(page.events.iter().map(|e| e.event_id.0));
                token = page.next_page_token;
                pages += 1;
            }
            let mut expected: Vec<_> = (1..=7).collect();
            if reverse {
                expected.reverse();
            }
            assert_eq!(ids, expected);
            assert_eq!(pages, 3);
            // The other execution's task waits still.
            assert_eq!(w.poll().workflow_execution.workflow_id.as_str(), "other");
        }
    }

    #[test]
    fn a_bad_page_token_is_refused() {
        let mut w = World::new();
        let request = json!({
            "domain": "d", "taskList": { "name": "deciders" }, "nextPageToken": "nonsense"
        });
        refused(
            w.engine.poll_for_decision_task(&shape(request), w.now),
            FaultKind::Validation,
            "Invalid token",
        );
        let request = json!({ "domain": "nowhere", "taskList": { "name": "deciders" } });
        refused(
            w.engine.poll_for_decision_task(&shape(request), w.now),
            FaultKind::UnknownResource,
            "Unknown domain: nowhere",
        );
    }

    #[test]
    fn a_batch_that_is_refused_leaves_the_task() {
        let mut w = World::new();
        let run = w.start("w");
        let task = w.poll();
        refused(
            w.try_respond(&task.task_token, &[complete(), timer("t", 1)], json!({})),
            FaultKind::Validation,
            "Close must be last decision in list",
        );
        let nameless = decision("RecordMarker", json!({ "markerName": "" }));
        let fault = w
            .try_respond(&task.task_token, &[timer("t", 1), nameless], json!({}))
            .unwrap_err();
        assert_eq!(fault.kind, FaultKind::Validation);
        assert_eq!(w.types(&run, 4), [""; 0]);
        w.try_respond(&task.task_token, &[complete()], json!({}))
            .unwrap();
        assert!(!w.engine.execution(&run).unwrap().state().is_open());
    }

    #[test]
    fn waiting_decision_tasks_are_counted_and_announced() {
        let mut w = World::new();
        w.start("w");
        w.start("v");
        let request: simpleflow_model::operation::CountPendingDecisionTasks =
            shape(json!({ "domain": "d", "taskList": { "name": "deciders" } }));
        let now = w.now;
        let count = |w: &mut World| {
            let answer = w.engine.count_pending_decision_tasks(&request, now);
            answer.unwrap().count
        };
        assert_eq!(count(&mut w), 2);
        let ready = w.engine.take_ready();
        assert_eq!(ready.len(), 1);
        assert_eq!(ready[0].task_list.as_str(), "deciders");
        assert_eq!(ready[0].kind, crate::TaskKind::Decision);
        assert_eq!(w.engine.take_ready(), []);
        w.poll();
        assert_eq!(count(&mut w), 1);
        assert_eq!(w.engine.take_ready(), []);
        w.decide(&[activity("a", json!({}))]);
        let ready = w.engine.take_ready();
        assert_eq!(ready[0].kind, crate::TaskKind::Activity);
    }
}
