//! Requests about closed executions, which the store answers: they take no turn in an engine.
//!
//! A thread of its own reads them, so that a long listing holds nobody up. It sees what is on disk,
//! which is all that anybody was told of.

use std::sync::mpsc::{Sender, channel};
use std::thread;

use simpleflow_engine::constraints::Constrained;
use simpleflow_engine::{
    ClosedSelection, DecisionPage, Engine, HistoryPage, Selection, check, invalid_token,
    unknown_execution,
};
use simpleflow_model::operation::{
    DescribeWorkflowExecution, GetWorkflowExecutionHistory, PollForDecisionTask,
};
use simpleflow_model::{DomainName, Fault, Timestamp, WorkflowExecution};

use crate::core::{Failure, Reply, Response};
use crate::operation::{Answer, Request};
use crate::store::{ClosedRun, Reader, RegionId, StoreError};

/// The thread that answers queries. It ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Archive(Sender<(Reply, Query)>);

impl Archive {
    /// Starts the thread.
    ///
    /// # Errors
    /// There is no thread to be had.
    pub(crate) fn start(reader: Box<dyn Reader>) -> std::io::Result<Self> {
        let (queries, asked) = channel::<(Reply, Query)>();
        let run = move || {
            for (reply, query) in asked {
                if !reply.is_abandoned() {
                    // Only tasks come back from whom they were sent to.
                    reply.send(query.answer(&*reader));
                }
            }
        };
        thread::Builder::new().name("archive".into()).spawn(run)?;
        Ok(Self(queries))
    }

    /// Has a query answered.
    pub(crate) fn ask(&self, reply: Reply, query: Query) {
        if let Err(unsent) = self.0.send((reply, query)) {
            let (reply, _) = unsent.0;
            reply.send(Err(Failure::Internal));
        }
    }
}

/// What the store is asked.
#[derive(Debug)]
pub(crate) enum Query {
    /// A page of the closed executions.
    List(RegionId, ClosedSelection),
    /// How many closed executions there are.
    Count(RegionId, ClosedSelection),
    /// What an execution is, that is not in the engine.
    Describe(RegionId, DescribeWorkflowExecution),
    /// A page of the history of an execution that is not in the engine, read at a time.
    History(RegionId, GetWorkflowExecutionHistory, Timestamp),
    /// A further page of a decision task whose execution is not in the engine: who has the task was
    /// not told of the end, and reads on.
    DecisionTask(RegionId, DomainName, DecisionPage),
}

impl Query {
    /// The query that answers a request, or why it is refused; nothing if the engine answers it.
    pub(crate) fn of(
        region: RegionId,
        request: &Request,
        engine: &mut Engine,
        now: Timestamp,
    ) -> Option<Result<Self, Fault>> {
        match request {
            Request::ListClosedWorkflowExecutions(request) => {
                let selection = engine.select_closed(request, now);
                Some(selection.map(|selection| Self::List(region, selection)))
            }
            Request::CountClosedWorkflowExecutions(request) => {
                let selection = engine.select_closed_count(request, now);
                Some(selection.map(|selection| Self::Count(region, selection)))
            }
            Request::DescribeWorkflowExecution(request) => {
                is_elsewhere(engine, now, request, &request.domain, &request.execution)
                    .then(|| Ok(Self::Describe(region, request.clone())))
            }
            Request::GetWorkflowExecutionHistory(request) => {
                is_elsewhere(engine, now, request, &request.domain, &request.execution)
                    .then(|| Ok(Self::History(region, request.clone(), engine.now())))
            }
            Request::PollForDecisionTask(request) => {
                request.next_page_token.as_ref()?;
                check::<PollForDecisionTask>(request).ok()?;
                engine.advance(now);
                let page = engine.lacking_page(request)?;
                Some(Ok(Self::DecisionTask(region, request.domain.clone(), page)))
            }
            _ => None,
        }
    }

    /// Answers it with what is on disk.
    pub(crate) fn answer(&self, reader: &dyn Reader) -> Response {
        self.read(reader).map_err(|error| {
            tracing::error!(%error, "a closed execution cannot be read");
            Failure::Internal
        })?
    }

    fn read(&self, reader: &dyn Reader) -> Result<Response, StoreError> {
        Ok(match self {
            Self::List(region, closed) => {
                let selection = &closed.selection;
                let found = reader.list_closed(*region, closed, selection.size + 1)?;
                output(selection.page(found))
            }
            Self::Count(region, closed) => {
                let counted = reader.count_closed(*region, closed, closed.selection.size)?;
                output(Selection::count(counted))
            }
            Self::Describe(region, request) => {
                match find(reader, *region, &request.domain, &request.execution)? {
                    Some(run) => output(run.detail),
                    None => unknown(&request.execution),
                }
            }
            Self::History(region, request, now) => {
                let find = || find(reader, *region, &request.domain, &request.execution);
                let history = |run: &_| history(reader, run, request, *now);
                read_of(find, history)?.unwrap_or_else(|| unknown(&request.execution))
            }
            Self::DecisionTask(region, domain, page) => {
                let find = || reader.closed(*region, domain, page.run_id());
                let task = |run: &_| decision_task(reader, run, page.clone());
                let answer = read_of(find, task)?;
                answer.unwrap_or_else(|| Err(Failure::Fault(invalid_token())))
            }
        })
    }
}

/// Finds a closed run by both its ids.
fn find(
    reader: &dyn Reader,
    region: RegionId,
    domain: &DomainName,
    id: &WorkflowExecution,
) -> Result<Option<ClosedRun>, StoreError> {
    let found = reader.closed(region, domain, &id.run_id)?;
    Ok(found.filter(|run| run.detail.execution_info.execution.workflow_id == id.workflow_id))
}

/// Reads events of a run that is to be found, if it is.
fn read_of(
    find: impl Fn() -> Result<Option<ClosedRun>, StoreError>,
    read: impl Fn(&ClosedRun) -> Result<Response, StoreError>,
) -> Result<Option<Response>, StoreError> {
    let Some(run) = find()? else {
        return Ok(None);
    };
    match read(&run) {
        // Its retention may have ended between the two readings.
        Err(StoreError::Damaged { .. }) if find()?.is_none() => Ok(None),
        read => read.map(Some),
    }
}

fn history(
    reader: &dyn Reader,
    run: &ClosedRun,
    request: &GetWorkflowExecutionHistory,
    now: Timestamp,
) -> Result<Response, StoreError> {
    let page = match HistoryPage::parse(request, now) {
        Ok(page) => page,
        Err(fault) => return Ok(Err(Failure::Fault(fault))),
    };
    let events = reader.events(run.key, page.range(run.events))?;
    Ok(output(page.answer(run.events, events)))
}

fn decision_task(
    reader: &dyn Reader,
    run: &ClosedRun,
    page: DecisionPage,
) -> Result<Response, StoreError> {
    let started = match page.started(run.events) {
        Ok(started) => reader.events(run.key, started.0..=started.0)?,
        Err(fault) => return Ok(Err(Failure::Fault(fault))),
    };
    let events = reader.events(run.key, page.range(run.events))?;
    let info = &run.detail.execution_info;
    let (id, of) = (info.execution.clone(), info.workflow_type.clone());
    let task = started.first().ok_or_else(invalid_token);
    let task = task.and_then(|started| page.answer(id, of, run.events, started, events));
    Ok(match task {
        Ok(task) => Ok(Answer::DecisionTask(Box::new(task))),
        Err(fault) => Err(Failure::Fault(fault)),
    })
}

fn output(body: impl crate::operation::Body + 'static) -> Response {
    Ok(Answer::Output(Box::new(body)))
}

fn unknown(id: &WorkflowExecution) -> Response {
    let fault = unknown_execution(&id.workflow_id, Some(&id.run_id));
    Err(Failure::Fault(fault))
}

/// Whether a request is good and about an execution that the engine does not have. What is wrong
/// with the others the engine says.
fn is_elsewhere<R: Constrained + serde::Serialize>(
    engine: &mut Engine,
    now: Timestamp,
    request: &R,
    domain: &DomainName,
    execution: &WorkflowExecution,
) -> bool {
    if check::<R>(request).is_err() {
        return false;
    }
    // What falls due now may be the end of its retention.
    engine.advance(now);
    engine.lacks(domain, execution)
}

#[cfg(test)]
mod tests;
