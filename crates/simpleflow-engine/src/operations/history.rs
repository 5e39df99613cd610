//! Reading an execution: its history, a page at a time, and its description.

use simpleflow_model::operation::{DescribeWorkflowExecution, GetWorkflowExecutionHistory};
use simpleflow_model::types::{History, WorkflowExecutionDetail};
use simpleflow_model::{DomainName, Fault, Timestamp, WorkflowExecution};

use super::pages::HistoryPage;
use crate::check::check;
use crate::execution::Execution;
use crate::{Engine, fault};

impl Engine {
    /// Reads a history, a page at a time, from either end.
    ///
    /// # Errors
    /// `ValidationException` for a page that is too long and a token that is not one, or of
    /// another run; `UnknownResourceFault`.
    pub fn get_workflow_execution_history(
        &mut self,
        request: &GetWorkflowExecutionHistory,
        now: Timestamp,
    ) -> Result<History, Fault> {
        check::<GetWorkflowExecutionHistory>(request)?;
        self.advance(now);
        let execution = self.known(&request.domain, &request.execution)?;
        let page = HistoryPage::parse(request, self.now)?;
        let length = execution.length();
        let events = execution.events(page.range(length));
        Ok(page.answer(length, events))
    }

    /// Describes an execution, open or closed.
    ///
    /// # Errors
    /// `UnknownResourceFault`.
    pub fn describe_workflow_execution(
        &mut self,
        request: &DescribeWorkflowExecution,
        now: Timestamp,
    ) -> Result<WorkflowExecutionDetail, Fault> {
        check::<DescribeWorkflowExecution>(request)?;
        self.advance(now);
        Ok(self.known(&request.domain, &request.execution)?.detail())
    }

    /// An execution, open or closed, of a domain.
    pub(crate) fn known(
        &self,
        domain: &DomainName,
        id: &WorkflowExecution,
    ) -> Result<&Execution, Fault> {
        self.domain(domain)?;
        self.execution(&id.run_id)
            .filter(|execution| {
                execution.domain == *domain && execution.id.workflow_id == id.workflow_id
            })
            .ok_or_else(|| fault::unknown_execution(&id.workflow_id, Some(&id.run_id)))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use simpleflow_model::FaultKind;

    use crate::testing::*;

    #[test]
    fn a_history_is_read_by_pages_from_either_end() {
        for reverse in [false, true] {
            let mut w = World::new();
            let run = w.begin(&[]);
            let execution = json!({ "workflowId": "w", "runId": run });
            let mut request = json!({
                "domain": "d", "execution": execution,
                "maximumPageSize": 2, "reverseOrder": reverse,
            });
            let mut pages: Vec<Vec<i64>> = Vec::new();
            loop {
                let page = w
                    .engine
                    .get_workflow_execution_history(&shape(request.clone()), w.now)
                    .unwrap();
                pages.push(page.events.iter().map(|e| e.event_id.0).collect());
                let Some(next) = page.next_page_token else {
                    break;
                };
                request["nextPageToken"] = next.as_str().into();
            }
            if reverse {
                assert_eq!(pages, [[4, 3], [2, 1]]);
            } else {
                assert_eq!(pages, [[1, 2], [3, 4]]);
            }
        }
    }

    #[test]
    fn a_reading_from_the_end_is_not_shifted_by_new_events() {
        let mut w = World::new();
        let run = w.begin(&[]);
        let mut request = json!({
            "domain": "d", "execution": { "workflowId": "w", "runId": run },
            "maximumPageSize": 3, "reverseOrder": true,
        });
        let page = w
            .engine
            .get_workflow_execution_history(&shape(request.clone()), w.now)
            .unwrap();
        w.signal("w").unwrap();
        request["nextPageToken"] = page.next_page_token.unwrap().as_str().into();
        let page = w
            .engine
            .get_workflow_execution_history(&shape(request), w.now)
            .unwrap();
        assert_eq!(page.events.len(), 1);
        assert_eq!(page.events[0].event_id.0, 1);
    }

    #[test]
    fn an_execution_is_known_by_both_its_ids() {
        let mut w = World::new();
        let run = w.begin(&[]);
        let other = w.start("other");
        for (workflow_id, run_id) in [("w", "22x"), ("v", run.as_str()), ("w", other.as_str())] {
            let execution = json!({ "workflowId": workflow_id, "runId": run_id });
            let request = json!({ "domain": "d", "execution": execution });
            refused(
                w.engine
                    .get_workflow_execution_history(&shape(request), w.now),
                FaultKind::UnknownResource,
                &format!(
                    "Unknown execution: \
                     WorkflowExecution=[workflowId={workflow_id}, runId={run_id}]"
                ),
            );
        }
    }

    #[test]
    fn an_execution_is_described() {
        let mut w = World::new();
        let run = w.start("w");
        let task = w.poll();
        let context = json!({ "executionContext": "" });
        let decisions = [
            activity("a", json!({})),
            timer("t", 5),
            child("c", json!({})),
        ];
        w.try_respond(&task.task_token, &decisions, context)
            .unwrap();
        w.pass(1);
        w.work();
        let cancel = json!({ "domain": "d", "workflowId": "w" });
        w.engine
            .request_cancel_workflow_execution(&shape(cancel), w.now)
            .unwrap();
        let expected = json!({
            "openActivityTasks": 1, "openDecisionTasks": 1, "openTimers": 1,
            "openChildWorkflowExecutions": 1, "openLambdaFunctions": 0,
        });
        assert_eq!(w.open_counts(&run), expected);
        let request = json!({ "domain": "d", "execution": { "workflowId": "w", "runId": run } });
        let describe = |w: &mut World| {
            let detail = w
                .engine
                .describe_workflow_execution(&shape(request.clone()), w.now)
                .unwrap();
            serde_json::to_value(detail).unwrap()
        };
        let detail = describe(&mut w);
        assert_eq!(detail["latestExecutionContext"], "", "an empty one counts");
        assert_eq!(detail["latestActivityTaskTimestamp"], 1001.0);
        assert_eq!(detail["executionInfo"]["cancelRequested"], true);
        // A context survives responses that carry none; a closed run has no cancel requested.
        w.poll();
        w.decide(&[complete()]);
        let detail = describe(&mut w);
        assert_eq!(detail["latestExecutionContext"], "");
        assert_eq!(detail["executionInfo"]["cancelRequested"], false);
        assert_eq!(detail["openCounts"]["openDecisionTasks"], 0);
    }
}
