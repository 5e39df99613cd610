//! Lists and counts of executions.

use simpleflow_model::operation::{
    CountClosedWorkflowExecutions, CountOpenWorkflowExecutions, ListClosedWorkflowExecutions,
    ListOpenWorkflowExecutions, StartWorkflowExecution,
};
use simpleflow_model::types::{
    CloseStatusFilter, ExecutionTimeFilter, TagFilter, WorkflowExecutionFilter,
    WorkflowExecutionInfo, WorkflowTypeFilter,
};
use simpleflow_model::{CloseStatus, ExecutionStatus, Timestamp, WorkflowType};

use super::{PATIENCE, Suite};
use crate::SwfService;

/// Since the beginning of time.
fn ever() -> ExecutionTimeFilter {
    ExecutionTimeFilter {
        oldest_date: Timestamp::from_millis(0),
        ..Default::default()
    }
}

fn ids(infos: &[WorkflowExecutionInfo]) -> Vec<&str> {
    let ids = infos.iter().map(|info| info.execution.workflow_id.as_str());
    ids.collect()
}

impl<S: SwfService> Suite<S> {
    /// Starts three executions of a type of their own, each with its id as a tag.
    async fn start_listed(&self, name: &str) -> [String; 3] {
        let it = WorkflowType {
            name: name.into(),
            version: "1".into(),
            ..Default::default()
        };
        self.register_workflow_type(it.clone()).await.unwrap();
        let names = [1, 2, 3].map(|number| format!("{name}-{number}"));
        for id in &names {
            self.start_with(StartWorkflowExecution {
                workflow_type: it.clone(),
                tag_list: Some(vec![Some(id.into())]),
                ..self.start_request(id)
            })
            .await;
        }
        names
    }

    /// Open executions are found by type, tag and id, the latest first.
    ///
    /// # Panics
    /// The check fails.
    pub async fn open_executions(&self) {
        let [first, second, third] = self.start_listed("open").await;
        let by_type = ListOpenWorkflowExecutions {
            domain: self.domain.clone(),
            start_time_filter: ever(),
            type_filter: Some(WorkflowTypeFilter {
                name: "open".into(),
                ..Default::default()
            }),
            ..Default::default()
        };
        let by_tag = ListOpenWorkflowExecutions {
            type_filter: None,
            tag_filter: Some(TagFilter {
                tag: second.as_str().into(),
                ..Default::default()
            }),
            ..by_type.clone()
        };
        let by_id = ListOpenWorkflowExecutions {
            type_filter: None,
            execution_filter: Some(WorkflowExecutionFilter {
                workflow_id: third.as_str().into(),
                ..Default::default()
            }),
            ..by_type.clone()
        };
        let backwards = ListOpenWorkflowExecutions {
            reverse_order: Some(true),
            ..by_type.clone()
        };
        let paged = ListOpenWorkflowExecutions {
            maximum_page_size: Some(2),
            ..by_type.clone()
        };
        let expected = [
            (by_type, vec![&*third, &*second, &*first]),
            (by_tag, vec![&*second]),
            (by_id, vec![&*third]),
            (backwards, vec![&*first, &*second, &*third]),
            (paged, vec![&*third, &*second, &*first]),
        ];
        for (request, expected) in expected {
            let mut found = Vec::new();
            for _ in 0..PATIENCE {
                found = self.list_open(request.clone()).await;
                if ids(&found) == expected {
                    break;
                }
            }
            assert_eq!(ids(&found), expected, "{request:?}");
            let open =
                |info: &WorkflowExecutionInfo| info.execution_status == ExecutionStatus::Open;
            assert!(found.iter().all(open));
            let count = CountOpenWorkflowExecutions {
                domain: request.domain,
                start_time_filter: request.start_time_filter,
                type_filter: request.type_filter,
                tag_filter: request.tag_filter,
                execution_filter: request.execution_filter,
                ..Default::default()
            };
            let count = self.service.count_open_workflow_executions(count);
            assert_eq!(count.await.unwrap().count as usize, expected.len());
        }
    }

    async fn list_open(
        &self,
        mut request: ListOpenWorkflowExecutions,
    ) -> Vec<WorkflowExecutionInfo> {
        let mut found = Vec::new();
        loop {
            let page = self.service.list_open_workflow_executions(request.clone());
            let page = page.await.unwrap();
            found.extend(page.execution_infos);
            match page.next_page_token {
                Some(token) => request.next_page_token = Some(token),
                None => return found,
            }
        }
    }

    /// Closed executions are found by type, tag, id and how they closed.
    ///
    /// # Panics
    /// The check fails.
    pub async fn closed_executions(&self) {
        let names = self.start_listed("closed").await;
        let [first, second, third] = &names;
        let closed: Vec<_> = names[..2].iter().map(|id| &**id).collect();
        for id in &closed {
            // Who started it is not asked for the run.
            let case = self.case((*id).into(), Default::default());
            case.terminate().await;
        }
        let by_type = ListClosedWorkflowExecutions {
            domain: self.domain.clone(),
            start_time_filter: Some(ever()),
            type_filter: Some(WorkflowTypeFilter {
                name: "closed".into(),
                version: Some("1".into()),
                ..Default::default()
            }),
            ..Default::default()
        };
        let by_tag = ListClosedWorkflowExecutions {
            type_filter: None,
            tag_filter: Some(TagFilter {
                tag: first.as_str().into(),
                ..Default::default()
            }),
            ..by_type.clone()
        };
        let by_close_time = ListClosedWorkflowExecutions {
            start_time_filter: None,
            close_time_filter: Some(ever()),
            type_filter: None,
            execution_filter: Some(WorkflowExecutionFilter {
                workflow_id: second.as_str().into(),
                ..Default::default()
            }),
            ..by_type.clone()
        };
        let still_open = ListClosedWorkflowExecutions {
            type_filter: None,
            execution_filter: Some(WorkflowExecutionFilter {
                workflow_id: third.as_str().into(),
                ..Default::default()
            }),
            ..by_type.clone()
        };
        let expected = [
            (by_type, vec![&**second, &**first]),
            (by_tag, vec![&**first]),
            (by_close_time, vec![&**second]),
            (still_open, vec![]),
        ];
        for (request, expected) in expected {
            let mut found = Vec::new();
            for _ in 0..PATIENCE {
                let list = self
                    .service
                    .list_closed_workflow_executions(request.clone());
                found = list.await.unwrap().execution_infos;
                if ids(&found) == expected {
                    break;
                }
            }
            assert_eq!(ids(&found), expected, "{request:?}");
            for info in &found {
                assert_eq!(info.close_status, Some(CloseStatus::Terminated));
                assert!(info.close_timestamp.is_some());
            }
            let count = CountClosedWorkflowExecutions {
                domain: request.domain,
                start_time_filter: request.start_time_filter,
                close_time_filter: request.close_time_filter,
                execution_filter: request.execution_filter,
                type_filter: request.type_filter,
                tag_filter: request.tag_filter,
                ..Default::default()
            };
            let count = self.service.count_closed_workflow_executions(count);
            assert_eq!(count.await.unwrap().count as usize, expected.len());
        }
        let by_status = |status| CountClosedWorkflowExecutions {
            domain: self.domain.clone(),
            start_time_filter: Some(ever()),
            close_status_filter: Some(CloseStatusFilter {
                status,
                ..Default::default()
            }),
            ..Default::default()
        };
        let count = async |status| {
            let count = self
                .service
                .count_closed_workflow_executions(by_status(status));
            count.await.unwrap().count
        };
        assert!(count(CloseStatus::Terminated).await >= 2);
        assert_eq!(count(CloseStatus::TimedOut).await, 0);
    }
}
