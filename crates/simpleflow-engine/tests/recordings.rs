//! What the real service did, command by command.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use simpleflow_engine::{Engine, Settings, State};
use simpleflow_model::{EventId, Fault, RunId, Timestamp};
use simpleflow_recordings::{LambdaNews, Recording, Swf};

/// The engine at a time that is told it.
struct InProcess {
    engine: Engine,
    now: Timestamp,
}

impl InProcess {
    fn new() -> Self {
        let settings = Settings {
            seed: 7,
            ..Settings::default()
        };
        Self {
            engine: Engine::new(settings),
            now: Timestamp::default(),
        }
    }
}

fn json<T: Serialize>(answer: T) -> Value {
    serde_json::to_value(answer).unwrap()
}

fn read<T: DeserializeOwned>(request: Value) -> T {
    let text = request.to_string();
    serde_json::from_value(request).unwrap_or_else(|error| panic!("{text}: {error}"))
}

impl Swf for InProcess {
    fn call(&mut self, operation: &str, request: Value) -> Result<Value, Fault> {
        macro_rules! operations {
            ($( $name:literal => $method:ident $(or $nothing:expr)?; )*) => {
                match operation {
                    $( $name => {
                        let answer = self.engine.$method(&read(request), self.now)?;
                        $( let Some(answer) = answer else { return Ok($nothing) }; )?
                        Ok(json(answer))
                    } )*
                    _ => panic!("{operation} is not recorded"),
                }
            };
        }
        operations! {
            "DescribeWorkflowExecution" => describe_workflow_execution;
            "DescribeWorkflowType" => describe_workflow_type;
            "GetWorkflowExecutionHistory" => get_workflow_execution_history;
            "ListOpenWorkflowExecutions" => list_open_workflow_executions;
            "PollForActivityTask" => poll_for_activity_task or json!({ "startedEventId": 0 });
            "PollForDecisionTask" => poll_for_decision_task or json!({ "startedEventId": 0 });
            "RegisterActivityType" => register_activity_type;
            "RegisterDomain" => register_domain;
            "RegisterWorkflowType" => register_workflow_type;
            "RequestCancelWorkflowExecution" => request_cancel_workflow_execution;
            "RespondActivityTaskCanceled" => respond_activity_task_canceled;
            "RespondActivityTaskCompleted" => respond_activity_task_completed;
            "RespondActivityTaskFailed" => respond_activity_task_failed;
            "RespondDecisionTaskCompleted" => respond_decision_task_completed;
            "SignalWorkflowExecution" => signal_workflow_execution;
            "StartWorkflowExecution" => start_workflow_execution;
            "TerminateWorkflowExecution" => terminate_workflow_execution;
        }
    }

    fn set_time(&mut self, now: Timestamp) {
        self.now = now;
    }

    fn lambda_news(
        &mut self,
        run_id: &RunId,
        scheduled: EventId,
        news: LambdaNews,
    ) -> Result<(), Fault> {
        let (engine, now) = (&mut self.engine, self.now);
        match news {
            LambdaNews::Started => engine.lambda_function_started(run_id, scheduled, now),
            LambdaNews::Completed { result } => {
                engine.lambda_function_completed(run_id, scheduled, result, now)
            }
            LambdaNews::Failed { reason, details } => {
                engine.lambda_function_failed(run_id, scheduled, reason, details, now)
            }
        }
    }
}

/// Plays the recordings, and fails with all that went wrong. Gives the names of those in which a
/// recorded request was at no moment answered as recorded.
fn play_all(recordings: &[Recording]) -> Vec<&str> {
    let mut events = 0;
    let mut exchanges = 0;
    let mut missed = Vec::new();
    let mut problems = Vec::new();
    for recording in recordings {
        let name = recording.name();
        let mut service = InProcess::new();
        match recording.play(&mut service) {
            Ok(played) => {
                events += played.events;
                exchanges += played.exchanges;
                missed.extend(played.missed.iter().map(|_| name));
            }
            Err(problem) => problems.push(format!("{name}: {problem}")),
        }
        for execution in service.engine.executions() {
            if State::replay(execution.history()) != *execution.state() {
                problems.push(format!(
                    "{name}: the state does not follow from the history"
                ));
            }
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n\n"));
    let number = recordings.len();
    println!("{number} recordings: {events} events and {exchanges} answers reproduced");
    missed
}

#[test]
fn scenarios_are_reproduced() {
    if let Some(scenarios) = simpleflow_recordings::scenarios().unwrap() {
        assert_eq!(play_all(&scenarios), [""; 0]);
    }
}

#[test]
fn executions_are_reproduced() {
    if let Some(executions) = simpleflow_recordings::executions().unwrap() {
        // A timer of no time was open when the service was asked, which fired 12 ms later.
        assert_eq!(play_all(&executions), ["timer_and_cancel"]);
    }
}
