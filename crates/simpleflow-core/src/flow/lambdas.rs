//! Lambda functions as tasks.

use std::panic::Location;
use std::rc::Rc;

use simpleflow_model::{FunctionId, FunctionName, SmolStr, limits};

use super::submit::{Submit, sealed};
use super::{FlowState, too_long};
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
        let invalid_id = FunctionId::new(id.clone()).err();
        let invalid = invalid_id.or(FunctionName::new(self.name.clone()).err());
        let mut problem = invalid.map(|invalid| SmolStr::from(invalid.to_string()));
        let input = match settings.input.transpose() {
            Ok(input) => input,
            Err(error) => {
                problem = Some(format!("its input has no JSON form: {error}").into());
                None
            }
        };
        let length = input.as_ref().map_or(0, |input| input.chars().count());
        // A function knows nothing of values that are elsewhere.
        if length > limits::DATA_LENGTH {
            problem = Some(too_long("input", length, limits::DATA_LENGTH));
        }
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
