//! The attributes `#[activity]` and `#[workflow]`.
//!
//! They write what a user could write by hand with the traits of `simpleflow`, and name nothing
//! but `::simpleflow`.

mod activity;
mod settings;
mod workflow;

use proc_macro::TokenStream;
use syn::{Item, parse_macro_input};

/// Makes a function, or a struct's method `execute`, an activity.
///
/// On a function `f`, `f(…)` becomes a call to give to `flow.submit`, whose arguments are values
/// or futures of them, and the function itself is `f::run(…)`. It may be `async` or not: a plain
/// function gets a thread of its own. A parameter of type `ActivityContext` is filled by the
/// worker and is not an argument.
///
/// On an `impl` block of a struct with one method `execute(&self, …)`, the struct is the
/// activity's state: `Type::call(…)` is the call, and a value of the struct is given to
/// `Registry::activity_with`.
///
/// Settings, all optional: `name`, `version`, `task_list` (text); `retry`, `task_priority`
/// (integers); `raises_on_failure`, `idempotent` (booleans); `start_to_close_timeout`,
/// `schedule_to_close_timeout`, `schedule_to_start_timeout`, `heartbeat_timeout` (seconds, or
/// `"NONE"`); `meta` (the text of a JSON object).
#[proc_macro_attribute]
pub fn activity(settings: TokenStream, item: TokenStream) -> TokenStream {
    let settings = parse_macro_input!(settings as settings::Settings);
    let item = parse_macro_input!(item as Item);
    activity::expand(&settings, item)
        .unwrap_or_else(|error| error.into_compile_error())
        .into()
}

/// Makes a struct a workflow: its fields are the input. `Workflow` is implemented beside it.
///
/// `#[default(expression)]` on a field makes it optional in the input.
///
/// Settings, all optional: `name`, `version`, `task_list`, `child_policy` (text);
/// `task_priority`, `retry` (integers); `raises_on_failure`, `idempotent` (booleans);
/// `execution_timeout`, `decision_tasks_timeout` (seconds); `tag_list` (a list of texts).
#[proc_macro_attribute]
pub fn workflow(settings: TokenStream, item: TokenStream) -> TokenStream {
    let settings = parse_macro_input!(settings as settings::Settings);
    let item = parse_macro_input!(item as Item);
    workflow::expand(&settings, item)
        .unwrap_or_else(|error| error.into_compile_error())
        .into()
}
