//! The attributes `#[activity]`, `#[workflow]` and `#[middleware]`.
//!
//! They write what a user could write by hand with the traits of `simpleflow`, and name nothing
//! but `::simpleflow` and the standard library, by full paths: what the user's module calls
//! `Result` or `Vec` is the user's. Their own variables have mixed-site hygiene, so that a
//! parameter may have any name.
//!
//! What the compiler finds wrong with the expansion it reports at the tokens that it is about. So
//! an expression whose type is the user's to get right carries the span of what the user wrote.

mod activity;
mod definition;
mod middleware;
mod parameter;
mod settings;
mod signature;
mod workflow;

use proc_macro::TokenStream;
use quote::{ToTokens as _, quote};
use syn::{Error, Item, parse_macro_input};

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
/// The function returns a value that has a JSON form, or a `Result` of one: a type whose name
/// ends with `Result` is taken for such a `Result`.
///
/// A function without a body is a program, named by the setting `program`: a text, or a list that
/// begins with it, as in
///
/// ```ignore
/// #[activity(program = ["python3", "thumbnail.py"])]
/// fn thumbnail(source: String, width: u32) -> Result<String>;
/// ```
///
/// Its command line goes on with the arguments: a text stands as it is, any other value as JSON,
/// `null` is left out. Arguments that come by name are options, `--width=80` or `-w=80`. The input
/// is on its stdin as JSON, and its task in variables of the environment: `SIMPLEFLOW_DOMAIN`,
/// `SIMPLEFLOW_WORKFLOW_ID`, `SIMPLEFLOW_RUN_ID`, `SIMPLEFLOW_TASK_LIST`,
/// `SIMPLEFLOW_ACTIVITY_ID`, `SIMPLEFLOW_ACTIVITY_NAME`, `SIMPLEFLOW_ACTIVITY_VERSION`. What it
/// prints on stdout is the result: JSON, or text where a text is expected. An exit code other than
/// 0 is its failure, with the end of what it printed on stderr in the details. When it has to stop
/// it gets SIGTERM, and SIGKILL three seconds later, with all processes of its group.
///
/// Settings, all optional: `name`, `version`, `task_list` (text); `retry` (a number, or an
/// expression for a `RetryPolicy`); `task_priority` (an integer); `raises_on_failure`, `idempotent` (booleans); `start_to_close_timeout`,
/// `schedule_to_close_timeout`, `schedule_to_start_timeout`, `heartbeat_timeout` (seconds, or
/// `"NONE"`); `named_arguments` (boolean: whether a call sends its arguments by name, as the
/// keyword arguments of a Python function or the options of a program); `meta` (the text of a JSON
/// object); `binaries` (a list of texts `NAME=LOCATION`, as in
/// `binaries = ["ffmpeg=s3://tools/v1/ffmpeg"]`: the worker downloads them before the activity, once
/// for all; a program finds them by name, others ask `context.binary("ffmpeg")`).
#[proc_macro_attribute]
pub fn activity(settings: TokenStream, item: TokenStream) -> TokenStream {
    let item = parse_macro_input!(item as Item);
    let mut problems = Problems::default();
    let expansion = activity::expand(settings.into(), &item, &mut problems);
    problems.beside(expansion, &item)
}

/// Makes an `async` function a middleware, which commands make active by its name:
/// `--middleware-pre-execution NAME`, `--middleware-post-execution NAME`. Its parameters say when it
/// runs:
///
/// ```ignore
/// /// Before an activity; an error refuses it.
/// #[middleware]
/// async fn check(context: ActivityContext) -> Result<()> { Ok(()) }
///
/// /// After an activity, also after one that failed.
/// #[middleware]
/// async fn tell(context: ActivityContext, result: ActivityResult) -> Result<()> { Ok(()) }
///
/// /// Around an activity: it may change the result, or not run it at all.
/// #[middleware]
/// async fn timed(context: ActivityContext, next: Next) -> ActivityResult { next.run().await }
/// ```
///
/// `name` (text) is the only setting. By default it is `module.function`, of which the last part is
/// enough.
#[proc_macro_attribute]
pub fn middleware(settings: TokenStream, item: TokenStream) -> TokenStream {
    let item = parse_macro_input!(item as Item);
    let mut problems = Problems::default();
    let expansion = middleware::expand(settings.into(), &item, &mut problems);
    problems.beside(expansion, &item)
}

/// Makes a struct a workflow: its fields are the input. `Workflow` is implemented beside it.
///
/// `#[default(expression)]` on a field makes it optional in the input.
///
/// Settings, all optional: `name`, `version`, `task_list`, `child_policy` (text);
/// `task_priority` (an integer); `max_open_activity_count` (a number: how many activities of an
/// execution may be open at once, at most SWF's 1,000); `retry` (a number, or an expression for a
/// `RetryPolicy`); `raises_on_failure`, `idempotent`, `propagate_signals_to_parent` (booleans);
/// `execution_timeout`, `decision_tasks_timeout` (seconds, or `"NONE"`); `tag_list` (a list of
/// texts, or `"INHERIT_TAG_LIST"` for those of the parent); `lambda_role` (text: the ARN of the
/// role with which the service calls Lambda functions).
#[proc_macro_attribute]
pub fn workflow(settings: TokenStream, item: TokenStream) -> TokenStream {
    let mut item = parse_macro_input!(item as Item);
    let mut problems = Problems::default();
    let expansion = workflow::expand(settings.into(), &mut item, &mut problems);
    problems.beside(expansion, &item)
}

/// What the user got wrong. The expansion goes on where it can, so that one mistake is not
/// followed by a complaint about everything that uses the item.
#[derive(Default)]
struct Problems(Option<Error>);

impl Problems {
    fn push(&mut self, problem: Error) {
        match &mut self.0 {
            Some(problems) => problems.combine(problem),
            None => self.0 = Some(problem),
        }
    }

    /// The problems beside the expansion, or beside the item itself where there is none.
    fn beside(
        mut self,
        expansion: syn::Result<proc_macro2::TokenStream>,
        item: &Item,
    ) -> TokenStream {
        let expansion = expansion.unwrap_or_else(|problem| {
            self.push(problem);
            item.to_token_stream()
        });
        let problems = self.0.map(Error::into_compile_error);
        quote!(#expansion #problems).into()
    }
}
