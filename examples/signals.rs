//! Signals: to a workflow itself, to its parent, to its children, and through the whole family.
//!
//! A workflow that sends a signal without saying where to sends it to itself, and it is propagated:
//! to the parent and to the children, from each of them on to theirs, but not back.
//!
//! ```sh
//! simpleflow workflow.start --local examples.signals.CanvasSignalsWorkflow
//! ```

use simpleflow::prelude::*;
use simpleflow::{Chain, FuncGroup, Group};

/// Works for some seconds.
#[activity(task_list = "quickstart", version = "example")]
pub async fn work(what: String, seconds: f64) -> String {
    tokio::time::sleep(Duration::from_secs_f64(seconds)).await;
    what
}

/// As a member of a canvas: the wait for a signal without payload, which begins when its turn comes.
fn wait_for(name: &'static str) -> FuncGroup<()> {
    FuncGroup::new(move |flow| flow.wait_signal::<()>(name))
}

/// A signal within a workflow: it wakes itself.
#[workflow(name = "signals-simple", version = "example", task_list = "example")]
pub struct SignalsWorkflow;

impl Workflow for SignalsWorkflow {
    type Output = String;

    async fn run(self, flow: Flow) -> Result<String> {
        let signal = flow.wait_signal::<()>("signal1");
        let worked = flow.submit(work("A", 0.1));
        let sent = flow.signal("signal1", ());
        let ((), worked, ()) = flow.wait_all((&signal, &worked, &sent)).await?;
        Ok(worked)
    }
}

/// Signals as members of chains: the second half of one chain waits for the first half of the
/// other.
#[workflow(name = "signals-canvas", version = "example", task_list = "example")]
pub struct CanvasSignalsWorkflow;

impl Workflow for CanvasSignalsWorkflow {
    type Output = Vec<serde_json::Value>;

    async fn run(self, flow: Flow) -> Result<Self::Output> {
        // Which chain goes on first is chance, so the tasks have ids that do not count them.
        let both = |one: &str, other: &str, seconds: f64| {
            Group::new()
                .append(work(one, 0.1).id(one))
                .append(work(other, seconds).id(other))
        };
        let sends = Chain::new()
            .append(both("A.1.1", "A.1.2", 0.5))
            .append(Signal::new("signal1", ()))
            .append(both("A.2.1", "A.2.2", 0.1));
        let waits = Chain::new()
            .append(both("B.1.1", "B.1.2", 0.1))
            .append(wait_for("signal1"))
            .append(both("B.2.1", "B.2.2", 0.1));
        Ok(flow
            .submit(Group::new().append(sends).append(waits))
            .await?)
    }
}

/// Waits for a signal, and works.
#[workflow(
    name = "signals-child-receiver",
    version = "example",
    task_list = "example"
)]
pub struct ChildWaitSignalsWorkflow;

impl Workflow for ChildWaitSignalsWorkflow {
    type Output = String;

    async fn run(self, flow: Flow) -> Result<String> {
        let signal = flow.wait_signal::<()>("signal1");
        let worked = flow.submit(work("child", 0.1));
        let ((), worked) = flow.wait_all((&signal, &worked)).await?;
        Ok(worked)
    }
}

/// Sends a signal.
#[workflow(
    name = "signals-child-sender",
    version = "example",
    task_list = "example"
)]
pub struct ChildSendSignalsWorkflow;

impl Workflow for ChildSendSignalsWorkflow {
    type Output = ();

    async fn run(self, flow: Flow) -> Result<()> {
        Ok(flow.signal("signal1", ()).await?)
    }
}

/// Works until a signal comes.
#[workflow(
    name = "signals-child-worker",
    version = "example",
    task_list = "example"
)]
pub struct ChildWorkUntilSignalWorkflow;

impl Workflow for ChildWorkUntilSignalWorkflow {
    type Output = ();

    async fn run(self, flow: Flow) -> Result<()> {
        let signal = flow.wait_signal::<()>("signal1");
        while !signal.is_done() {
            flow.submit(work("child", 0.1)).await?;
        }
        Ok(signal.await?)
    }
}

/// A signal that a child waits for.
#[workflow(name = "signals-parent", version = "example", task_list = "example")]
pub struct ParentSignalsWorkflow;

impl Workflow for ParentSignalsWorkflow {
    type Output = String;

    async fn run(self, flow: Flow) -> Result<String> {
        let child = flow.submit(ChildWaitSignalsWorkflow);
        flow.signal("signal1", ()).await?;
        Ok(child.await?)
    }
}

/// One child sends a signal, the other waits for it.
#[workflow(name = "signals-parent-2", version = "example", task_list = "example")]
pub struct ParentSignalsWorkflow2;

impl Workflow for ParentSignalsWorkflow2 {
    type Output = String;

    async fn run(self, flow: Flow) -> Result<String> {
        let waits = flow.submit(ChildWaitSignalsWorkflow);
        let sends = flow.submit(ChildSendSignalsWorkflow);
        let (worked, ()) = flow.wait_all((&waits, &sends)).await?;
        Ok(worked)
    }
}

/// The child sends a signal, the parent waits for it.
#[workflow(name = "signals-parent-3", version = "example", task_list = "example")]
pub struct ParentSignalsWorkflow3;

impl Workflow for ParentSignalsWorkflow3 {
    type Output = ();

    async fn run(self, flow: Flow) -> Result<()> {
        let child = flow.submit(ChildSendSignalsWorkflow);
        let signal = flow.wait_signal::<()>("signal1");
        flow.wait_all((&child, &signal)).await?;
        Ok(())
    }
}

/// The child works until it gets a signal.
#[workflow(name = "signals-parent-4", version = "example", task_list = "example")]
pub struct ParentSignalsWorkflow4;

impl Workflow for ParentSignalsWorkflow4 {
    type Output = ();

    async fn run(self, flow: Flow) -> Result<()> {
        let child = flow.submit(ChildWorkUntilSignalWorkflow);
        let chain = Chain::new()
            .append(work("parent", 0.5))
            .append(Signal::new("signal1", ()));
        let chain = flow.submit(chain);
        flow.wait_all((&child, &chain)).await?;
        Ok(())
    }
}

/// Who is ready: the payload of a signal.
#[derive(serde::Serialize, serde::Deserialize)]
pub struct Me {
    workflow_id: String,
    run_id: String,
}

/// Tells its parent that it is ready, and who it is.
#[workflow(
    name = "signals-child-ready",
    version = "example",
    task_list = "example"
)]
pub struct ChildSignalsParentWorkflow;

impl Workflow for ChildSignalsParentWorkflow {
    type Output = ();

    async fn run(self, flow: Flow) -> Result<()> {
        let run = flow.run_context();
        let me = Me {
            workflow_id: run.workflow_id.to_string(),
            run_id: run.run_id.to_string(),
        };
        Ok(flow
            .submit(Signal::new("ChildReady", me).to_parent())
            .await?)
    }
}

/// Waits for the signal of its child.
#[workflow(name = "signals-parent-5", version = "example", task_list = "example")]
pub struct ParentSignalsWorkflow5;

impl Workflow for ParentSignalsWorkflow5 {
    type Output = bool;

    async fn run(self, flow: Flow) -> Result<bool> {
        let child = flow.submit(ChildSignalsParentWorkflow);
        child.get().await?;
        // It came before: a signal waits for whoever takes it.
        let ready: Me = flow.wait_signal("ChildReady").await?;
        Ok(ready.workflow_id == child.task_id() && !ready.run_id.is_empty())
    }
}

/// Sends itself a signal that nobody else gets.
#[workflow(
    name = "signals-child-self",
    version = "example",
    task_list = "example"
)]
pub struct ChildSignalsSelfWorkflow;

impl Workflow for ChildSignalsSelfWorkflow {
    type Output = ();

    async fn run(self, flow: Flow) -> Result<()> {
        flow.submit(Signal::new("IAmReady", ()).propagate(false));
        Ok(flow.wait_signal("IAmReady").await?)
    }
}

/// Does not get the signal that its child sent itself.
#[workflow(name = "signals-parent-6", version = "example", task_list = "example")]
pub struct ParentSignalsWorkflow6;

impl Workflow for ParentSignalsWorkflow6 {
    type Output = bool;

    async fn run(self, flow: Flow) -> Result<bool> {
        flow.submit(ChildSignalsSelfWorkflow).await?;
        let signal = flow.wait_signal::<()>("IAmReady");
        Ok(signal.is_done())
    }
}

/// Waits for two signals.
#[workflow(
    name = "signals-child-waiting",
    version = "example",
    task_list = "example"
)]
pub struct ChildWorkflowWaitingSignals;

impl Workflow for ChildWorkflowWaitingSignals {
    type Output = ();

    async fn run(self, flow: Flow) -> Result<()> {
        let group = Group::new()
            .append(wait_for("signal"))
            .append(wait_for("signal 2"));
        flow.submit(group).await?;
        Ok(())
    }
}

/// Sends two signals to the whole family, and has a child that waits for them.
#[workflow(
    name = "signals-child-sending",
    version = "example",
    task_list = "example"
)]
pub struct ChildWorkflowSendingSignals;

impl Workflow for ChildWorkflowSendingSignals {
    type Output = ();

    async fn run(self, flow: Flow) -> Result<()> {
        let group = Group::new()
            .append(ChildWorkflowWaitingSignals)
            .append(Signal::new("signal", ()))
            .append(Signal::new("signal 2", ()));
        flow.submit(group).await?;
        Ok(())
    }
}

/// One child sends, the other and its own child wait.
#[workflow(
    name = "signals-parent-of-two",
    version = "example",
    task_list = "example"
)]
pub struct WorkflowWithTwoChildren;

impl Workflow for WorkflowWithTwoChildren {
    type Output = Vec<serde_json::Value>;

    async fn run(self, flow: Flow) -> Result<Self::Output> {
        let group = Group::new()
            .append(ChildWorkflowWaitingSignals)
            .append(ChildWorkflowSendingSignals);
        Ok(flow.submit(group).await?)
    }
}

/// Sends two signals to its parent alone: its own child waits for them in vain, until it is
/// terminated with the family.
#[workflow(
    name = "signals-child-sending-to-parent",
    version = "example",
    task_list = "example"
)]
pub struct ChildWorkflowSendingSignalsToParent;

impl Workflow for ChildWorkflowSendingSignalsToParent {
    type Output = ();

    async fn run(self, flow: Flow) -> Result<()> {
        let to_parent = |name: &str| Signal::new(name, ()).to_parent().propagate(false);
        let group = Group::new()
            .append(ChildWorkflowWaitingSignals)
            .append(to_parent("signal"))
            .append(to_parent("signal 2"));
        flow.submit(group).await?;
        Ok(())
    }
}

/// Waits for the signals of its child, and not for the child.
#[workflow(
    name = "signals-parent-signaled",
    version = "example",
    task_list = "example"
)]
pub struct WorkflowWithChildrenSignalingIt;

impl Workflow for WorkflowWithChildrenSignalingIt {
    type Output = ();

    async fn run(self, flow: Flow) -> Result<()> {
        flow.submit(ChildWorkflowSendingSignalsToParent);
        let signals = ["signal 2", "signal"].map(|name| flow.wait_signal::<()>(name));
        flow.wait_all(signals).await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use simpleflow::testing::Test;

    use super::*;

    /// The result of a workflow whose work takes no time.
    fn result<W: Workflow>(workflow: W) -> Value {
        let run = Test::of(workflow)
            .replace::<work, _>(|(what, _): (String, f64)| Ok::<_, Error>(what))
            .run();
        run.result().unwrap()
    }

    #[test]
    fn a_workflow_wakes_itself() {
        assert_eq!(result(SignalsWorkflow), "A");
        let chains = json!([
            [["A.1.1", "A.1.2"], null, ["A.2.1", "A.2.2"]],
            [["B.1.1", "B.1.2"], null, ["B.2.1", "B.2.2"]],
        ]);
        assert_eq!(result(CanvasSignalsWorkflow), chains);
    }

    #[test]
    fn signals_go_from_parents_to_children_and_back() {
        assert_eq!(result(ParentSignalsWorkflow), "child");
        assert_eq!(result(ParentSignalsWorkflow2), "child");
        assert_eq!(result(ParentSignalsWorkflow3), Value::Null);
        assert_eq!(result(ParentSignalsWorkflow4), Value::Null);
        assert_eq!(result(ParentSignalsWorkflow5), true);
    }

    #[test]
    fn a_signal_that_is_not_propagated_stays_where_it_was_sent() {
        assert_eq!(result(ParentSignalsWorkflow6), false);
        assert_eq!(result(WorkflowWithChildrenSignalingIt), Value::Null);
    }

    #[test]
    fn a_signal_reaches_the_whole_family() {
        assert_eq!(result(WorkflowWithTwoChildren), json!([null, null]));
    }
}
