//! What a service says of an execution.

use serde_json::{Value, json};
use simpleflow_model::WorkflowExecution;

use crate::{Outcome, Problem, Swf, refused};

/// All that a service says of an execution.
#[derive(Clone, Debug, PartialEq)]
pub struct View {
    /// The execution.
    pub execution: WorkflowExecution,
    /// Its domain.
    pub domain: String,
    /// Its events.
    pub history: Vec<Value>,
    /// The answer to `DescribeWorkflowExecution`.
    pub description: Value,
}

impl View {
    /// Asks a service for an execution.
    ///
    /// # Errors
    /// It refuses, or does not answer with a history.
    pub fn of(
        service: &mut dyn Swf,
        domain: &str,
        execution: &WorkflowExecution,
    ) -> Result<Self, Problem> {
        let history = history(service, domain, execution)?;
        let request = json!({ "domain": domain, "execution": execution });
        let description = service
            .call("DescribeWorkflowExecution", request)
            .map_err(refused("a description"))?;
        Ok(Self {
            execution: execution.clone(),
            domain: domain.to_owned(),
            history,
            description,
        })
    }
}

/// All events of an execution.
pub(crate) fn history(
    service: &mut dyn Swf,
    domain: &str,
    execution: &WorkflowExecution,
) -> Outcome<Vec<Value>> {
    let mut events = Vec::new();
    let mut request = json!({ "domain": domain, "execution": execution });
    loop {
        let page = service
            .call("GetWorkflowExecutionHistory", request.clone())
            .map_err(refused("a history"))?;
        let more = page["events"].as_array().ok_or("a history has no events")?;
        events.extend_from_slice(more);
        match page.get("nextPageToken") {
            Some(token) => request["nextPageToken"] = token.clone(),
            None => return Ok(events),
        }
    }
}
