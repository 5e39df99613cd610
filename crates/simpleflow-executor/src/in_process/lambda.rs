//! Lambda functions, for whoever runs them in the place of AWS.

use simpleflow_core::{ActivityResult, Failure, StandIn, panics};
use simpleflow_engine::LambdaFunction;

use super::InProcess;
use super::time::AtWork;

impl InProcess {
    /// Takes the Lambda functions that wait. `runs` says of a name whether somebody runs it; the
    /// others fail: nobody will.
    pub(crate) fn take_lambda_functions(
        &self,
        runs: impl Fn(&str) -> bool,
    ) -> Vec<(LambdaFunction, AtWork)> {
        self.command(|inner, now| {
            let waiting: Vec<_> = inner.engine.scheduled_lambda_functions().collect();
            let mut taken = Vec::new();
            for function in waiting {
                let run_id = &function.execution.run_id;
                let scheduled = function.scheduled_event_id;
                if !runs(&function.name) {
                    let problem = no_stand_in(&function);
                    let failed = inner
                        .engine
                        .start_lambda_function_failed(run_id, scheduled, &problem, now);
                    log(failed);
                    continue;
                }
                match inner.engine.lambda_function_started(run_id, scheduled, now) {
                    Ok(()) => {
                        inner.at_work += 1;
                        taken.push((function, AtWork(self.clone())));
                    }
                    Err(fault) => log(Err(fault)),
                }
            }
            taken
        })
    }

    /// Says what came of a Lambda function. When its time was up before, that is too late.
    pub(crate) fn end_lambda_function(&self, function: &LambdaFunction, result: ActivityResult) {
        let run_id = &function.execution.run_id;
        let scheduled = function.scheduled_event_id;
        let ended = self.command(|inner, now| match result {
            Ok(result) => {
                let result = Some(result);
                inner
                    .engine
                    .lambda_function_completed(run_id, scheduled, result, now)
            }
            Err(failure) => inner.engine.lambda_function_failed(
                run_id,
                scheduled,
                Some(failure.reason),
                failure.details,
                now,
            ),
        });
        log(ended);
    }
}

/// Why a Lambda function is not started that nobody runs.
pub(crate) fn no_stand_in(function: &LambdaFunction) -> String {
    format!(
        "nothing stands in for the Lambda function {:?}: add it with Registry::lambda_function",
        function.name
    )
}

/// Runs what stands in for a Lambda function.
pub(crate) fn run(stand_in: &StandIn, function: &LambdaFunction) -> ActivityResult {
    let input = function.input.as_deref().unwrap_or("null");
    panics::catch(|| stand_in(input)).unwrap_or_else(|panic| {
        let message = format!("{} at {}", panic.message, panic.location);
        Err(Failure::with_type("panic", &message, &[]))
    })
}

fn log(done: Result<(), simpleflow_model::Fault>) {
    if let Err(fault) = done {
        tracing::warn!("a Lambda function ended too late: {fault}");
    }
}
