//! Lambda functions as tasks.

use std::panic::Location;
use std::rc::Rc;

use simpleflow_model::{FunctionId, FunctionName, SmolStr, Timeout, limits};

use super::FlowState;
use super::submit::{Submit, sealed};
use crate::check::{Problem, check_name, check_value};
use crate::lambda::Lambda;
use crate::task::{IdSpace, LambdaTask, State, Task, TaskKind};
use crate::task_id;

impl<T> Submit for Lambda<T> {
    type Output = T;
}

impl<T> sealed::IntoTask for Lambda<T> {
    #[expect(private_interfaces, reason = "no one else implements or calls it")]
    fn into_task(self, state: &mut FlowState, location: &'static Location<'static>) -> Rc<Task> {
        state.last_submit = Some(location);
        let space = IdSpace::Lambdas;
        let settings = self.settings;
        let unique = settings.id.is_some();
        let id = settings.id.unwrap_or_else(|| {
            let prefix = smol_str::format_smolstr!("lambda-{}", self.name);
            let number = state.count(&prefix);
            task_id::join(prefix, number)
        });
        if let Some(task) = state.task_of(space, &id).filter(|_| unique) {
            return task;
        }
        let input = check(&id, &self.name, settings.start_to_close_timeout).and_then(|()| {
            // A function knows nothing of values that are elsewhere.
            let input = settings.input;
            input
                .map(|input| check_value("input", input, limits::DATA_LENGTH))
                .transpose()
        });
        let (input, problem) = match input {
            Ok(input) => (input, None),
            Err(problem) => (None, Some(problem)),
        };
        let lambda = LambdaTask {
            name: self.name,
            input,
            start_to_close_timeout: settings.start_to_close_timeout,
            retry: settings.retry,
        };
        let task = state.new_task(id, TaskKind::Lambda(lambda), location, State::Waiting);
        if unique {
            state.keep_by_id(space, &task);
        }
        match problem {
            Some(problem) => state.refuse_input(&task, problem),
            None => state.queue(&task),
        }
        task
    }
}

/// What the service would not take of a call with this id.
fn check(id: &SmolStr, name: &SmolStr, timeout: Option<Timeout>) -> Result<(), Problem> {
    check_name(FunctionId::new(id.clone()))?;
    check_name(FunctionName::new(name.clone()))?;
    const MOST: u32 = limits::LAMBDA_SECONDS;
    match timeout {
        None | Some(Timeout::Seconds(1..=MOST)) => Ok(()),
        Some(timeout) => {
            Err(format!("start_to_close_timeout of {timeout}: expected 1 to {MOST} seconds").into())
        }
    }
}
