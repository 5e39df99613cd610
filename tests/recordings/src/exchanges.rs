//! Requests that were recorded with their answers. Only generated ids may differ.

use serde_json::{Value, json};
use simpleflow_model::Timestamp;

use crate::play::Stage;
use crate::recording::Exchange;
use crate::{Outcome, Problem, shape};

impl Exchange {
    /// Whether it changes nothing, so that it may be asked as often as one likes.
    fn only_asks(&self) -> bool {
        ["Describe", "Get", "List"]
            .iter()
            .any(|verb| self.operation.starts_with(verb))
    }

    fn starts(&self) -> bool {
        self.operation == "StartWorkflowExecution"
    }

    fn is_answered_by(&self, answer: &Value) -> bool {
        if self.operation == "GetWorkflowExecutionHistory" {
            // The events are compared one by one.
            let events = |answer: &Value| answer["events"].as_array().map(Vec::len);
            return events(answer) == events(&self.response)
                && answer.get("nextPageToken").is_none();
        }
        *answer == self.response
    }
}

impl Stage<'_> {
    /// Registers the workflow types that were described, as they were.
    pub(crate) fn register_described(&mut self) -> Outcome<()> {
        for exchange in &self.recording.exchanges {
            if exchange.operation == "DescribeWorkflowType" {
                let kind = &exchange.response["typeInfo"]["workflowType"];
                let defaults = exchange.response["configuration"].clone();
                self.register_type("RegisterWorkflowType", kind, defaults)?;
            }
        }
        Ok(())
    }

    /// When the types were registered, if that is known.
    pub(crate) fn types_created(&self) -> Outcome<Option<Timestamp>> {
        let mut answers = self.exchanges.iter().map(|exchange| &exchange.response);
        let created = answers.find_map(|answer| answer["typeInfo"].get("creationDate"));
        created.map(shape).transpose()
    }

    /// When the execution was started that a listing tells of.
    pub(crate) fn listed_start(&self) -> Outcome<Timestamp> {
        let mut answers = self.exchanges.iter().map(|exchange| &exchange.response);
        let start = answers.find_map(|answer| answer["executionInfos"][0].get("startTimestamp"));
        match start {
            Some(start) => shape(start),
            // It came to an end of which nothing is known.
            None => Ok(self.types_created()?.unwrap_or_default()),
        }
    }

    /// Takes the recorded start and its answer, if it comes next.
    pub(crate) fn recorded_start(&mut self) -> Outcome<Option<(Value, Value)>> {
        let Some(exchange) = self.exchanges.pop_front() else {
            return Ok(None);
        };
        if !exchange.starts() {
            return Err(self.never_answered(exchange));
        }
        Ok(Some((exchange.request, exchange.response)))
    }

    /// Writes the id of a run of this service for the recorded one in what is still to be sent.
    pub(crate) fn rename_run(&mut self, recorded: &Value, run_id: &Value) {
        fn rename(value: &mut Value, recorded: &Value, run_id: &Value) {
            match value {
                Value::Object(members) => members
                    .values_mut()
                    .for_each(|value| rename(value, recorded, run_id)),
                Value::Array(values) => values
                    .iter_mut()
                    .for_each(|value| rename(value, recorded, run_id)),
                value if value == recorded => *value = run_id.clone(),
                _ => {}
            }
        }
        for exchange in &mut self.exchanges {
            rename(&mut exchange.request, recorded, run_id);
            rename(&mut exchange.response, recorded, run_id);
        }
    }

    /// Sends the recorded requests that come next, up to one whose answer is not yet as recorded:
    /// it was asked later.
    pub(crate) fn exchange(&mut self) -> Outcome<()> {
        while let Some(next) = self.exchanges.pop_front() {
            // It is sent on its own, and once.
            if next.starts() {
                self.exchanges.push_front(next);
                return Ok(());
            }
            let answer = self.call(&next.operation, next.request.clone())?;
            if !next.is_answered_by(&answer) {
                if !next.only_asks() {
                    return Err(format!("{next:?} was answered {answer}").into());
                }
                self.exchanges.push_front(next);
                return Ok(());
            }
        }
        Ok(())
    }

    pub(crate) fn never_answered(&mut self, exchange: Exchange) -> Problem {
        let Exchange {
            operation,
            request,
            response,
        } = exchange;
        let answer = match self.service.call(&operation, request.clone()) {
            Ok(answer) => answer,
            Err(fault) => json!(fault.to_string()),
        };
        let problem = format!(
            "{operation} was never answered as recorded\n  request: {request}\n  \
             recorded: {response}\n  at the end: {answer}"
        );
        problem.into()
    }
}
