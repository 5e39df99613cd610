//! How a step runs.
//!
//! The list of what is done is read once in an execution: its task is idempotent, as the original's.
//! What this execution marks afterwards is known from its own history. So a step that was done before it
//! is submitted is never run again, and each replay decides the same.

use simpleflow_model::SmolStr;

use super::Step;
use super::state::DoneList;
use crate::canvas::{Member, Submitted};
use crate::error::{Error, Result};
use crate::flow::{Flow, Site, Submit};
use crate::future::Future;
use crate::signal::Signal;

/// The name of the markers.
const MARKER: &str = "log.step";

pub(super) async fn run<T>(step: Step<T>, flow: Flow, site: Site) -> Result<SmolStr> {
    if step.name.is_empty() {
        return Err(Error::msg(
            "a step must have a name of at least one character",
        ));
    }
    let (list, get) = {
        let state = flow.shared.state.borrow();
        let list = state.steps.list(&state.run.workflow_id);
        let get = state.steps.get(&list);
        (list, get)
    };
    let listed = submit(get, &flow, site).await?;
    let bubbles = step.bubbles;
    match run_or_skip(step, &list, &listed, &flow, site).await {
        Err(error) if !bubbles => {
            let message = serde_json::Value::from(error.to_string());
            Ok(outcome("failed", &message.to_string()))
        }
        ended => ended,
    }
}

async fn run_or_skip<T>(
    step: Step<T>,
    list: &DoneList,
    listed: &[SmolStr],
    flow: &Flow,
    site: Site,
) -> Result<SmolStr> {
    let Step { name, force, .. } = step;
    let steps = flow.steps();
    let verdict = {
        let state = flow.shared.state.borrow();
        state.steps.verdict(list, listed, &name, force)
    };
    let record = |status| {
        let details = verdict.details(&name, status);
        let mut state = flow.shared.state.borrow_mut();
        state.record_marker(MARKER.into(), Ok(details), site.location);
    };
    let ended = if verdict.runs {
        let reason = format!("Dep of {name}");
        steps.add_forced_steps(step.force_steps, reason.as_str());
        record("scheduled");
        let result = member(step.activities, flow, site).await?;
        let mark = flow.shared.state.borrow().steps.mark(list, &name);
        submit(mark, flow, site).await?;
        let mut state = flow.shared.state.borrow_mut();
        state.steps.note_done(list.clone(), [name.clone()]);
        drop(state);
        record("completed");
        outcome("completed", &result)
    } else {
        let result = match step.if_done {
            Some(instead) => member(instead, flow, site).await?,
            None => SmolStr::new_static("null"),
        };
        record("skipped");
        outcome("skipped", &result)
    };
    if step.emit_signal {
        let signal = Signal::new(format!("step.{name}"), ()).propagate(false);
        submit(signal, flow, site).await?;
    }
    Ok(ended)
}

/// Submits what the step does itself. The canvases around it say nothing of it, and it is not cancelled
/// with the step: other steps need the list too, and what was done is to be marked.
fn submit<S: Submit>(call: S, flow: &Flow, site: Site) -> Future<S::Output> {
    Future::new(call.submit_to(&flow.apart(), site.apart()), &flow.shared)
}

/// Runs what the step is made of, which is cancelled with it.
async fn member(member: Member, flow: &Flow, site: Site) -> Result<SmolStr> {
    let mut submitted = Submitted::new(flow, site, None);
    submitted.submit(member).await;
    match submitted.last().and_then(|task| task.outcome()) {
        Some(outcome) => outcome.map_err(Error::from),
        None => Ok(SmolStr::new_static("null")),
    }
}

/// A [`StepOutcome`](super::StepOutcome) whose result is this JSON text.
fn outcome(status: &str, result: &str) -> SmolStr {
    smol_str::format_smolstr!(r#"{{"status":"{status}","result":{result}}}"#)
}
