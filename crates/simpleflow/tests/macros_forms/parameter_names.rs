//! A parameter or a field may have any name, also one that the expansion could have used.

use simpleflow::prelude::*;

#[activity]
pub fn all(
    arguments: i64,
    input: i64,
    context: i64,
    definition: i64,
    next: i64,
    position: i64,
    result: i64,
) -> i64 {
    arguments + input + context + definition + next + position + result
}

#[activity]
#[allow(clippy::too_many_arguments)]
pub async fn all_async(
    arguments: i64,
    input: i64,
    context: i64,
    ctx: ActivityContext,
    definition: i64,
    next: i64,
    position: i64,
    result: i64,
    run: i64,
    start: i64,
    call: i64,
) -> Result<i64> {
    drop(ctx);
    Ok(arguments + input + context + definition + next + position + result + run + start + call)
}

/// The name of the activity itself, and of another.
#[activity]
pub fn same(same: i64, all: i64) -> i64 {
    same + all
}

/// A state.
pub struct State;

#[activity]
impl State {
    /// What it does.
    pub fn execute(&self, context: ActivityContext, input: i64, arguments: i64, call: i64) -> i64 {
        drop(context);
        input + arguments + call
    }
}

#[activity]
pub fn raw(r#type: String, mut r#loop: i64, _x: i64, mut y: i64) -> String {
    r#loop += 1;
    y += r#loop;
    format!("{type}{y}")
}

#[activity]
pub fn r#match(r#fn: i64) -> i64 {
    r#fn
}

#[activity]
#[allow(non_snake_case)]
pub fn Loud(N: i64) -> i64 {
    N
}

/// A workflow.
#[workflow]
pub struct Names {
    arguments: i64,
    input: i64,
    context: i64,
    #[default(1)]
    definition: i64,
    next: i64,
    position: i64,
    r#type: String,
    _x: i64,
}

impl Workflow for Names {
    type Output = i64;

    async fn run(self, flow: Flow) -> Result<i64> {
        let y = flow.submit(all(
            self.arguments,
            self.input,
            self.context,
            self.definition,
            self.next,
            self.position,
            self._x,
        ));
        let same = flow.submit(same(&y, 1));
        flow.submit(all_async(&same, &same, 1, 2, 3, 4, 5, 6, 7, 8));
        flow.submit(State::call(1, 2, 3));
        flow.submit(raw(self.r#type, 1, 2, y));
        flow.submit(r#match(1));
        flow.submit(Loud(1));
        same.get().await
    }
}
