//! Lambda functions. The engine cannot run them: the embedding program may, and says what comes
//! of it. One that nobody runs stays scheduled, so a program that runs none says so in the
//! [settings](crate::Settings::lambda_functions).

use simpleflow_model::enums::*;
use simpleflow_model::event::*;
use simpleflow_model::{
    Arn, DomainName, EventAttributes, EventId, Fault, RunId, SmolStr, Timeout, Timestamp,
    WorkflowExecution,
};

use crate::check::check_member;
use crate::constraints::{CAUSE, DATA, REASON};
use crate::execution::{ExecutionKey, Slot};
use crate::{Engine, fault};

/// A Lambda function that waits for somebody to run it.
#[derive(Clone, Debug, PartialEq)]
pub struct LambdaFunction {
    /// The domain.
    pub domain: DomainName,
    /// The execution that scheduled it.
    pub execution: WorkflowExecution,
    /// Its scheduled event, which it is known by.
    pub scheduled_event_id: EventId,
    /// The name of the function.
    pub name: SmolStr,
    /// The input of the function.
    pub input: Option<SmolStr>,
    /// The role of the execution.
    pub role: Option<Arn>,
    /// How long it may run, in seconds; nothing means 900.
    pub start_to_close_timeout: Option<Timeout>,
}

impl Engine {
    /// The Lambda functions that are scheduled and not started, by domain and age.
    pub fn scheduled_lambda_functions(&self) -> impl Iterator<Item = LambdaFunction> {
        let waiting = self
            .domains
            .values()
            .flat_map(|domain| domain.lambda_functions.values());
        waiting.filter_map(|(key, scheduled)| {
            let execution = self.executions.get(key)?;
            let event = execution.event(*scheduled)?;
            let EventAttributes::LambdaFunctionScheduled(a) = &event.attributes else {
                return None;
            };
            Some(LambdaFunction {
                domain: execution.domain.clone(),
                execution: execution.id.clone(),
                scheduled_event_id: *scheduled,
                name: a.name.as_str().into(),
                input: a.input.clone(),
                role: execution.state.start.lambda_role.clone(),
                start_to_close_timeout: a.start_to_close_timeout,
            })
        })
    }

    /// Says that a Lambda function was started. Its time limit runs from here, and the engine
    /// watches it.
    ///
    /// # Errors
    /// `UnknownResourceFault` unless the function is scheduled and not started.
    pub fn lambda_function_started(
        &mut self,
        run_id: &RunId,
        scheduled: EventId,
        now: Timestamp,
    ) -> Result<(), Fault> {
        self.advance(now);
        let key = self.lambda(run_id, scheduled, false)?.0;
        self.append(
            key,
            LambdaFunctionStarted {
                scheduled_event_id: scheduled,
                ..Default::default()
            },
        );
        self.settle();
        Ok(())
    }

    /// Says that a Lambda function could not be started, and why.
    ///
    /// # Errors
    /// `UnknownResourceFault` unless the function is scheduled and not started;
    /// `ValidationException` for a message of more than 1,728 characters.
    pub fn start_lambda_function_failed(
        &mut self,
        run_id: &RunId,
        scheduled: EventId,
        message: &str,
        now: Timestamp,
    ) -> Result<(), Fault> {
        self.advance(now);
        check_member("message", &CAUSE, &message)?;
        let key = self.lambda(run_id, scheduled, false)?.0;
        self.append_for_decider(key, start_failed(scheduled, message));
        self.settle();
        Ok(())
    }

    /// Says that a Lambda function is done.
    ///
    /// # Errors
    /// `UnknownResourceFault` unless the function is started; `ValidationException`.
    pub fn lambda_function_completed(
        &mut self,
        run_id: &RunId,
        scheduled: EventId,
        result: Option<SmolStr>,
        now: Timestamp,
    ) -> Result<(), Fault> {
        self.advance(now);
        check_member("result", &DATA, &result)?;
        let (key, started) = self.lambda(run_id, scheduled, true)?;
        let completed = LambdaFunctionCompleted {
            scheduled_event_id: scheduled,
            started_event_id: started,
            result,
            ..Default::default()
        };
        self.append_for_decider(key, completed);
        self.settle();
        Ok(())
    }

    /// Says that a Lambda function failed.
    ///
    /// # Errors
    /// `UnknownResourceFault` unless the function is started; `ValidationException`.
    pub fn lambda_function_failed(
        &mut self,
        run_id: &RunId,
        scheduled: EventId,
        reason: Option<SmolStr>,
        details: Option<SmolStr>,
        now: Timestamp,
    ) -> Result<(), Fault> {
        self.advance(now);
        check_member("reason", &REASON, &reason)?;
        check_member("details", &DATA, &details)?;
        let (key, started) = self.lambda(run_id, scheduled, true)?;
        let failed = LambdaFunctionFailed {
            scheduled_event_id: scheduled,
            started_event_id: started,
            reason,
            details,
            ..Default::default()
        };
        self.append_for_decider(key, failed);
        self.settle();
        Ok(())
    }

    /// Says that the time of a Lambda function was up, where its runner knows before the engine.
    ///
    /// # Errors
    /// `UnknownResourceFault` unless the function is started.
    pub fn lambda_function_timed_out(
        &mut self,
        run_id: &RunId,
        scheduled: EventId,
        now: Timestamp,
    ) -> Result<(), Fault> {
        self.advance(now);
        let key = self.lambda(run_id, scheduled, true)?.0;
        self.fire(key, Slot::Lambda(scheduled));
        self.settle();
        Ok(())
    }

    /// The run of an open Lambda function and its started event, if it is as far as is said.
    fn lambda(
        &self,
        run_id: &RunId,
        scheduled: EventId,
        started: bool,
    ) -> Result<(ExecutionKey, EventId), Fault> {
        let open = || {
            let key = *self.runs.get(run_id.as_str())?;
            let execution = self.executions.get(&key).filter(|e| e.is_open())?;
            let lambda = execution.state.lambdas.get(scheduled)?;
            let id = lambda.started.map(|(id, _)| id);
            (id.is_some() == started).then_some((key, id.unwrap_or_default()))
        };
        open().ok_or_else(|| fault::unknown_lambda_function(scheduled))
    }

    /// Fails a Lambda function in an execution that has no role to run it with.
    pub(super) fn fail_lambda_without_role(&mut self, key: ExecutionKey, scheduled: EventId) {
        let message = "No IAM role is attached to the current workflow execution.";
        self.append_for_decider(key, start_failed(scheduled, message));
    }
}

fn start_failed(scheduled: EventId, message: &str) -> StartLambdaFunctionFailed {
    StartLambdaFunctionFailed {
        scheduled_event_id: Some(scheduled),
        cause: Some(StartLambdaFunctionFailedCause::AssumeRoleFailed),
        message: Some(message.into()),
        ..Default::default()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use simpleflow_model::{EventId, FaultKind, RunId};

    use crate::testing::*;

    fn scheduled(more: serde_json::Value) -> (World, RunId) {
        let mut w = World::new();
        let run = w.try_start("w", more).unwrap();
        let attributes = json!({ "id": "i", "name": "f", "startToCloseTimeout": "5" });
        w.decide(&[decision("ScheduleLambdaFunction", attributes)]);
        (w, run)
    }

    fn with_role() -> (World, RunId) {
        scheduled(json!({ "lambdaRole": "arn:aws:iam::1:role/r" }))
    }

    const FIFTH: EventId = EventId(5);

    #[test]
    fn without_a_role_it_cannot_be_started() {
        let (w, run) = scheduled(json!({}));
        assert_eq!(
            w.types(&run, 5),
            [
                "LambdaFunctionScheduled",
                "StartLambdaFunctionFailed",
                "DecisionTaskScheduled"
            ]
        );
        let expected = json!({
            "scheduledEventId": 5,
            "cause": "ASSUME_ROLE_FAILED",
            "message": "No IAM role is attached to the current workflow execution.",
        });
        assert_eq!(w.event(&run, 6), expected);
        assert_eq!(w.engine.scheduled_lambda_functions().count(), 0);
    }

    #[test]
    fn where_nobody_runs_any_it_is_refused() {
        let mut w = World::with(|settings| settings.lambda_functions = false);
        let more = json!({ "lambdaRole": "arn:aws:iam::1:role/r" });
        let run = w.try_start("w", more).unwrap();
        let attributes = json!({ "id": "i", "name": "f" });
        w.decide(&[decision("ScheduleLambdaFunction", attributes)]);
        assert_eq!(
            w.types(&run, 5),
            ["ScheduleLambdaFunctionFailed", "DecisionTaskScheduled"]
        );
        let expected = json!({
            "id": "i",
            "name": "f",
            "cause": "LAMBDA_SERVICE_NOT_AVAILABLE_IN_REGION",
            "decisionTaskCompletedEventId": 4,
        });
        assert_eq!(w.event(&run, 5), expected);
    }

    #[test]
    fn with_a_role_it_waits_for_who_runs_it() {
        let (mut w, run) = with_role();
        w.pass(900);
        assert_eq!(w.types(&run, 6), [""; 0]);
        let function = w.engine.scheduled_lambda_functions().next().unwrap();
        assert_eq!(function.name, "f");
        assert_eq!(function.scheduled_event_id, FIFTH);
        assert_eq!(function.execution.run_id, run);
        assert_eq!(function.role.as_deref(), Some("arn:aws:iam::1:role/r"));
        refused(
            w.engine.lambda_function_completed(&run, FIFTH, None, w.now),
            FaultKind::UnknownResource,
            "Unknown lambda function, scheduledEventId = 5",
        );
        w.engine
            .lambda_function_started(&run, FIFTH, w.now)
            .unwrap();
        assert_eq!(w.engine.scheduled_lambda_functions().count(), 0);
        w.engine
            .lambda_function_completed(&run, FIFTH, Some("r".into()), w.now)
            .unwrap();
        assert_eq!(
            w.types(&run, 6),
            [
                "LambdaFunctionStarted",
                "LambdaFunctionCompleted",
                "DecisionTaskScheduled"
            ]
        );
        let expected = json!({ "scheduledEventId": 5, "startedEventId": 6, "result": "r" });
        assert_eq!(w.event(&run, 7), expected);
    }

    #[test]
    fn it_fails_or_runs_out_of_time() {
        let (mut w, run) = with_role();
        w.engine
            .lambda_function_started(&run, FIFTH, w.now)
            .unwrap();
        w.engine
            .lambda_function_failed(&run, FIFTH, Some("r".into()), None, w.now)
            .unwrap();
        assert_eq!(w.types(&run, 7)[0], "LambdaFunctionFailed");

        let (mut w, run) = with_role();
        w.engine
            .lambda_function_started(&run, FIFTH, w.now)
            .unwrap();
        w.pass(5);
        assert_eq!(
            w.types(&run, 7),
            ["LambdaFunctionTimedOut", "DecisionTaskScheduled"]
        );

        let (mut w, run) = with_role();
        w.engine
            .lambda_function_started(&run, FIFTH, w.now)
            .unwrap();
        w.engine
            .lambda_function_timed_out(&run, FIFTH, w.now)
            .unwrap();
        assert_eq!(w.types(&run, 7)[0], "LambdaFunctionTimedOut");

        let (mut w, run) = with_role();
        w.engine
            .start_lambda_function_failed(&run, FIFTH, "no such role", w.now)
            .unwrap();
        assert_eq!(w.event(&run, 6)["message"], "no such role");
    }
}
