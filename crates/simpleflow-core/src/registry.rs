//! The registry: the workflows and activities that a program knows.

use std::any::type_name;
use std::collections::BTreeMap;
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;

use serde::de::DeserializeOwned;
use simpleflow_model::SmolStr;

use crate::activity::{
    Activity, ActivityContext, ActivityDefinition, ActivityResult, RunningActivity,
};
use crate::check::check_length;
use crate::error::{Error, Failure, Result};
use crate::flow::Flow;
use crate::hooks::{Hooks, Table};
use crate::middleware::{IntoMiddleware, Middleware, MiddlewareError, Middlewares, When};
use crate::payload::{ArgumentError, Arguments, to_json};
use crate::raw;
use crate::tags::TagList;
use crate::workflow::{Workflow, WorkflowDefinition};

/// The future of a workflow's code: its result as JSON.
pub type WorkflowFuture = Pin<Box<dyn Future<Output = Result<SmolStr>>>>;

/// What an execution is started with that may depend on its input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OfInput {
    /// The task list of its deciders, if the workflow names one.
    pub task_list: Option<SmolStr>,
    /// Its tags.
    pub tag_list: TagList,
}

/// A workflow that a program knows.
#[derive(Clone, Copy)]
pub struct WorkflowEntry {
    definition: fn() -> &'static WorkflowDefinition,
    of_input: fn(&str) -> Result<OfInput, ArgumentError>,
    start: fn(&str, Flow) -> Result<WorkflowFuture, ArgumentError>,
    hooks: &'static Hooks,
}

impl WorkflowEntry {
    /// The entry of a workflow.
    pub const fn of<W: Workflow>() -> Self {
        Self {
            definition: W::definition,
            of_input: |input| {
                let workflow = W::from_arguments(Arguments::of_input(input))?;
                let definition = W::definition();
                Ok(OfInput {
                    task_list: workflow
                        .get_task_list()
                        .or_else(|| definition.task_list.clone()),
                    tag_list: workflow
                        .get_tag_list()
                        .unwrap_or_else(|| definition.tag_list.clone()),
                })
            },
            start: |input, flow| {
                let workflow = W::from_arguments(Arguments::of_input(input))?;
                Ok(Box::pin(async move {
                    let most = flow.value_length();
                    let result = recorded(&workflow.run(flow).await?)?;
                    check_length("result", &result, most).map_err(Error::msg)?;
                    Ok(result)
                }))
            },
            hooks: &Table::<W>::HOOKS,
        }
    }

    /// What the service and the command know of it.
    pub fn definition(&self) -> &'static WorkflowDefinition {
        (self.definition)()
    }

    /// Whether an input fits.
    ///
    /// # Errors
    /// What does not fit.
    pub fn check_input(&self, input: &str) -> Result<(), ArgumentError> {
        self.of_input(input).map(drop)
    }

    /// What an execution with this input is started with.
    ///
    /// # Errors
    /// What does not fit.
    pub fn of_input(&self, input: &str) -> Result<OfInput, ArgumentError> {
        (self.of_input)(input)
    }

    pub(crate) fn hooks(&self) -> &'static Hooks {
        self.hooks
    }

    pub(crate) fn start(&self, input: &str, flow: Flow) -> Result<WorkflowFuture, ArgumentError> {
        (self.start)(input, flow)
    }
}

pub(crate) fn json_of_result<T: serde::Serialize>(output: &T) -> Result<SmolStr> {
    to_json(output).map_err(|error| {
        Error::msg(format_args!(
            "the result of type {} has no JSON form: {error}",
            type_name::<T>()
        ))
    })
}

/// The result of a task as it is recorded.
fn recorded<T: serde::Serialize>(output: &T) -> Result<SmolStr> {
    match raw::text_of(output) {
        Some(text) => Ok(text),
        None => json_of_result(output),
    }
}

/// The end of an activity's code as its task's end: what `#[activity]` wraps its function in.
///
/// # Errors
/// The failure, in the original's form; also when the result has no JSON form. Whether it is too
/// long, its worker knows.
pub fn activity_result<T, E>(result: Result<T, E>) -> Result<SmolStr, Failure>
where
    T: serde::Serialize,
    E: std::fmt::Display + std::fmt::Debug + 'static,
{
    match result {
        Ok(value) => recorded(&value).map_err(|error| Failure::of_activity(&error)),
        Err(error) => Err(Failure::of_activity(&error)),
    }
}

type StartActivity =
    Arc<dyn Fn(ActivityContext, &str) -> Result<RunningActivity, Failure> + Send + Sync>;

/// An activity that a program knows.
#[derive(Clone)]
pub struct ActivityEntry {
    definition: &'static ActivityDefinition,
    start: StartActivity,
}

impl ActivityEntry {
    /// The entry of an activity that has this state.
    pub fn of<A: Activity>(activity: A) -> Self {
        let activity = Arc::new(activity);
        Self {
            definition: A::definition(),
            start: Arc::new(move |context, input| Arc::clone(&activity).start(context, input)),
        }
    }

    /// The same activity type, run by another function: for tests.
    pub fn replaced_by(
        definition: &'static ActivityDefinition,
        run: impl Fn(ActivityContext, &str) -> Result<RunningActivity, Failure> + Send + Sync + 'static,
    ) -> Self {
        Self {
            definition,
            start: Arc::new(run),
        }
    }

    /// What the service and the deciders know of it.
    pub fn definition(&self) -> &'static ActivityDefinition {
        self.definition
    }

    /// Reads the arguments and makes the activity ready to run.
    ///
    /// # Errors
    /// When the arguments do not fit.
    pub fn start(&self, context: ActivityContext, input: &str) -> Result<RunningActivity, Failure> {
        (self.start)(context, input)
    }
}

/// What `#[workflow]` and `#[activity]` leave in the program for [`Registry::linked`] to find.
pub enum Linked {
    /// A workflow.
    Workflow(WorkflowEntry),
    /// An activity without state.
    Activity(fn() -> ActivityEntry),
    /// A middleware, with its name.
    Middleware(fn() -> (SmolStr, Middleware)),
}

inventory::collect!(Linked);

/// What stands in for a Lambda function: from its input to its result, both JSON text.
pub type StandIn = Arc<dyn Fn(&str) -> ActivityResult + Send + Sync>;

/// The workflows and activities that a program knows, by name and version.
#[derive(Clone, Default)]
pub struct Registry {
    lambda_functions: BTreeMap<SmolStr, StandIn>,
    workflows: BTreeMap<(SmolStr, SmolStr), WorkflowEntry>,
    activities: BTreeMap<(SmolStr, SmolStr), ActivityEntry>,
    middlewares: Middlewares,
    duplicates: Vec<Duplicate>,
}

/// Two workflows or two activities with one name and version, or two middlewares with one name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "two {kind} have the name {name:?}{version}: at {first} and at {second}; give one of them \
     another name"
)]
pub struct Duplicate {
    kind: &'static str,
    name: SmolStr,
    version: String,
    first: SmolStr,
    second: SmolStr,
}

impl Registry {
    /// A registry with nothing in it.
    pub fn new() -> Self {
        Self::default()
    }

    /// All that `#[workflow]` and `#[activity]` marked in this program. Activities that are
    /// structs with state are not among them: [`activity_with`](Self::activity_with) adds those.
    pub fn linked() -> Self {
        let mut registry = Self::new();
        for linked in inventory::iter::<Linked> {
            match linked {
                Linked::Workflow(entry) => registry.add_workflow(*entry),
                Linked::Activity(entry) => registry.add_activity(entry()),
                Linked::Middleware(named) => {
                    let (name, middleware) = named();
                    registry.add_middleware(name, middleware);
                }
            }
        }
        registry
    }

    /// Adds a workflow.
    #[must_use]
    pub fn workflow<W: Workflow>(mut self) -> Self {
        self.add_workflow(WorkflowEntry::of::<W>());
        self
    }

    /// Adds an activity that is a function.
    #[must_use]
    pub fn activity<A: Activity + Default>(self) -> Self {
        self.activity_with(A::default())
    }

    /// Adds an activity that is a struct, with its state.
    #[must_use]
    pub fn activity_with<A: Activity>(mut self, activity: A) -> Self {
        self.add_activity(ActivityEntry::of(activity));
        self
    }

    /// Adds what stands in for a Lambda function in local runs and tests: a closure from its input
    /// to its result. On SWF the function itself is called; the server in the box has no Lambda
    /// functions.
    #[must_use]
    pub fn lambda_function<X, T, E>(
        mut self,
        name: impl Into<SmolStr>,
        run: impl Fn(X) -> Result<T, E> + Send + Sync + 'static,
    ) -> Self
    where
        X: DeserializeOwned,
        T: serde::Serialize,
        E: std::fmt::Display + std::fmt::Debug + 'static,
    {
        let run = move |input: &str| {
            let input = raw::from_text(input).map_err(|e| Failure::of_activity(&e))?;
            activity_result(run(input))
        };
        self.lambda_functions.insert(name.into(), Arc::new(run));
        self
    }

    /// What stands in for a Lambda function: from its input, JSON text, to its result.
    pub fn find_lambda_function(&self, name: &str) -> Option<StandIn> {
        self.lambda_functions.get(name).cloned()
    }

    /// Adds a middleware under a name, by which a command makes it active, or
    /// [`activate`](Self::activate). `#[middleware]` does the same for a function.
    #[must_use]
    #[track_caller]
    pub fn middleware<M>(
        mut self,
        name: impl Into<SmolStr>,
        function: impl IntoMiddleware<M>,
    ) -> Self {
        let here = Location::caller();
        let location = smol_str::format_smolstr!("{}:{}", here.file(), here.line());
        self.add_middleware(name.into(), Middleware::new(function).at(location));
        self
    }

    /// Has a middleware run for all activities, within those that are active already.
    ///
    /// ```
    /// # use simpleflow_core::{ActivityContext, ActivityResult, Next, Registry};
    /// async fn shown(context: ActivityContext, next: Next) -> ActivityResult {
    ///     let result = next.run().await;
    ///     eprintln!("{}: {result:?}", context.info().activity_id);
    ///     result
    /// }
    ///
    /// let registry = Registry::linked().layer(shown);
    /// ```
    #[must_use]
    pub fn layer<M>(mut self, function: impl IntoMiddleware<M>) -> Self {
        self.middlewares.activate(Middleware::new(function));
        self
    }

    /// Makes a middleware active that the program has, by its name or the last part of it. One that
    /// runs around activities can be asked for at either time.
    ///
    /// # Errors
    /// There is none, or it runs at another time.
    pub fn activate(&mut self, name: &str, when: When) -> Result<(), MiddlewareError> {
        let found = self.middlewares.find(name, when)?;
        self.middlewares.activate(found);
        Ok(())
    }

    /// The middlewares.
    pub fn middlewares(&self) -> &Middlewares {
        &self.middlewares
    }

    fn add_middleware(&mut self, name: SmolStr, new: Middleware) {
        let location = new.location().clone();
        if let Some(old) = self.middlewares.add(name.clone(), new) {
            self.duplicate("middlewares", &name, None, old.location().clone(), location);
        }
    }

    /// Puts an activity in the place of the one that has its name and version, or adds it.
    pub fn replace_activity(&mut self, entry: ActivityEntry) {
        let definition = entry.definition();
        let key = (definition.name.clone(), definition.version.clone());
        self.activities.insert(key, entry);
    }

    fn add_workflow(&mut self, entry: WorkflowEntry) {
        let new = entry.definition();
        let key = (new.name.clone(), new.version.clone());
        if let Some(old) = self.workflows.insert(key, entry) {
            let old = old.definition();
            self.duplicate(
                "workflows",
                &new.name,
                Some(&new.version),
                old.location,
                new.location,
            );
        }
    }

    fn add_activity(&mut self, entry: ActivityEntry) {
        let new = entry.definition();
        let key = (new.name.clone(), new.version.clone());
        if let Some(old) = self.activities.insert(key, entry) {
            let old = old.definition();
            self.duplicate(
                "activities",
                &new.name,
                Some(&new.version),
                old.location,
                new.location,
            );
        }
    }

    fn duplicate(
        &mut self,
        kind: &'static str,
        name: &SmolStr,
        version: Option<&SmolStr>,
        first: impl Into<SmolStr>,
        second: impl Into<SmolStr>,
    ) {
        self.duplicates.push(Duplicate {
            kind,
            name: name.clone(),
            version: version.map_or_else(String::new, |it| format!(" and version {it:?}")),
            first: first.into(),
            second: second.into(),
        });
    }

    /// Refuses a registry in which a name and version stands twice.
    ///
    /// # Errors
    /// The first [`Duplicate`].
    pub fn check(&self) -> Result<(), Duplicate> {
        self.duplicates.first().cloned().map_or(Ok(()), Err)
    }

    /// The workflows, by name and version.
    pub fn workflows(&self) -> impl Iterator<Item = &WorkflowEntry> {
        self.workflows.values()
    }

    /// The activities, by name and version.
    pub fn activities(&self) -> impl Iterator<Item = &ActivityEntry> {
        self.activities.values()
    }

    /// The workflow of a workflow type.
    pub fn find_workflow(&self, name: &str, version: &str) -> Option<&WorkflowEntry> {
        self.workflows.get(&(name.into(), version.into()))
    }

    /// The activity of an activity type.
    pub fn find_activity(&self, name: &str, version: &str) -> Option<&ActivityEntry> {
        self.activities.get(&(name.into(), version.into()))
    }
}

/// `module.path.Name`: how the original names things, from Rust's `module::path` and a name.
pub fn path(module: &str, name: &str) -> SmolStr {
    format!("{}.{name}", module.replace("::", ".")).into()
}

/// A `Result`, also behind an alias, whose result type can be named.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a `Result`",
    label = "a type whose name ends with `Result` is taken for a `Result`",
    note = "give the type another name, or return a `Result` of it"
)]
pub trait IsResult {
    /// The type of the result.
    type Ok;
}

impl<T, E> IsResult for Result<T, E> {
    type Ok = T;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_middlewares_of_one_name_are_told_with_their_places() {
        let check = |_: ActivityContext| async { Ok::<_, Error>(()) };
        let registry = Registry::new().middleware("check", check);
        assert!(registry.check().is_ok());
        let line = line!() + 1;
        let registry = registry.middleware("check", check);
        let error = registry.check().unwrap_err().to_string();
        let (first, second) = (line - 3, line);
        assert_eq!(
            error,
            format!(
                "two middlewares have the name \"check\": at {0}:{first} and at {0}:{second}; give \
                 one of them another name",
                file!()
            )
        );
    }
}
