//! Middleware: code around the activities of a worker.

use std::collections::BTreeMap;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use simpleflow_model::SmolStr;

use crate::activity::{ActivityContext, ActivityResult};
use crate::error::Failure;

/// An activity that runs, to its end.
pub type ActivityFuture = Pin<Box<dyn Future<Output = ActivityResult> + Send>>;

/// What is within a middleware: the next one, or the activity.
pub struct Next(ActivityFuture);

impl Next {
    /// Runs it, and gives its result: JSON, or a failure. A middleware that does not call this
    /// decides for itself what the task ends with, and the activity does not run.
    pub async fn run(self) -> ActivityResult {
        self.0.await
    }
}

/// When a middleware runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// Before the activity: an `async fn(ActivityContext) -> Result<(), E>`. Its error is the
    /// failure of the task, and the activity does not run.
    PreExecution,
    /// After the activity: an `async fn(ActivityContext, ActivityResult) -> Result<(), E>`. Its error
    /// is the failure of the task.
    PostExecution,
    /// Around it: an `async fn(ActivityContext, Next) -> ActivityResult`.
    Around,
}

type Run = Arc<dyn Fn(ActivityContext, Next) -> ActivityFuture + Send + Sync>;

/// Code that runs before, after or around each activity. The process of the activity is where it
/// runs. One that needs time delays the activity, which is in its time limits all the while.
#[derive(Clone)]
pub struct Middleware {
    when: When,
    run: Run,
    location: SmolStr,
}

impl Middleware {
    /// The middleware of a function; [`When`] says which functions are some.
    pub fn new<M>(function: impl IntoMiddleware<M>) -> Self {
        function.into_middleware()
    }

    fn of(
        when: When,
        run: impl Fn(ActivityContext, Next) -> ActivityFuture + Send + Sync + 'static,
    ) -> Self {
        Self {
            when,
            run: Arc::new(run),
            location: SmolStr::default(),
        }
    }

    /// The same, with where in the source it is defined.
    #[must_use]
    pub fn at(mut self, location: impl Into<SmolStr>) -> Self {
        self.location = location.into();
        self
    }

    /// When it runs.
    pub fn when(&self) -> When {
        self.when
    }

    pub(crate) fn location(&self) -> &SmolStr {
        &self.location
    }

    fn around(&self, context: ActivityContext, within: ActivityFuture) -> ActivityFuture {
        let run = Arc::clone(&self.run);
        // It is called when the activity's turn comes, and its panics are the activity's.
        Box::pin(async move { run(context, Next(within)).await })
    }
}

impl fmt::Debug for Middleware {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Middleware").field(&self.when).finish()
    }
}

/// A function that is a middleware; [`When`] says which are. `M` tells them apart, and nobody has to
/// name it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no middleware",
    label = "expected `async fn(ActivityContext, Next) -> ActivityResult`, \
             `async fn(ActivityContext) -> Result<(), E>` or \
             `async fn(ActivityContext, ActivityResult) -> Result<(), E>`"
)]
pub trait IntoMiddleware<M> {
    /// The middleware.
    fn into_middleware(self) -> Middleware;
}

impl<F, Fut> IntoMiddleware<fn(ActivityContext, Next) -> Fut> for F
where
    F: Fn(ActivityContext, Next) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = ActivityResult> + Send + 'static,
{
    fn into_middleware(self) -> Middleware {
        Middleware::of(When::Around, move |context, next| {
            Box::pin(self(context, next))
        })
    }
}

impl<F, Fut, E> IntoMiddleware<fn(ActivityContext) -> Fut> for F
where
    F: Fn(ActivityContext) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<(), E>> + Send + 'static,
    E: fmt::Display + fmt::Debug + 'static,
{
    fn into_middleware(self) -> Middleware {
        Middleware::of(When::PreExecution, move |context, next| {
            let before = self(context);
            Box::pin(async move {
                before.await.map_err(|error| Failure::of_activity(&error))?;
                next.run().await
            })
        })
    }
}

impl<F, Fut, E> IntoMiddleware<fn(ActivityContext, ActivityResult) -> Fut> for F
where
    F: Fn(ActivityContext, ActivityResult) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = Result<(), E>> + Send + 'static,
    E: fmt::Display + fmt::Debug + 'static,
{
    fn into_middleware(self) -> Middleware {
        Middleware::of(When::PostExecution, move |context, next| {
            let after = self.clone();
            Box::pin(async move {
                let result = next.run().await;
                let done = after(context, result.clone()).await;
                done.map_err(|error| Failure::of_activity(&error))?;
                result
            })
        })
    }
}

/// The middlewares of a program: those that it has, by name, and those that are active.
#[derive(Clone, Debug, Default)]
pub struct Middlewares {
    known: BTreeMap<SmolStr, Middleware>,
    /// Before and around activities: the first is the outermost.
    outer: Vec<Middleware>,
    /// After activities: the first comes first.
    after: Vec<Middleware>,
}

/// A middleware cannot be made active.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MiddlewareError {
    /// There is none of this name.
    #[error("there is no middleware {name:?}: {known}")]
    Unknown {
        /// The name.
        name: SmolStr,
        /// Those that there are, for people.
        known: String,
    },
    /// The last part of several names is this, and none is it as a whole.
    #[error("middleware {name:?} is ambiguous: it may be {}; say the whole name", candidates.join(" or "))]
    Ambiguous {
        /// The name.
        name: SmolStr,
        /// The whole names.
        candidates: Vec<SmolStr>,
    },
    /// It runs at another time.
    #[error("middleware {name:?} runs {runs} an activity, not {wanted}")]
    When {
        /// The name.
        name: SmolStr,
        /// When it runs.
        runs: &'static str,
        /// When it should.
        wanted: &'static str,
    },
}

impl When {
    fn as_str(self) -> &'static str {
        match self {
            Self::PreExecution => "before",
            Self::PostExecution => "after",
            Self::Around => "around",
        }
    }
}

impl Middlewares {
    /// Adds one under a name; gives the one that had it.
    pub(crate) fn add(&mut self, name: SmolStr, middleware: Middleware) -> Option<Middleware> {
        self.known.insert(name, middleware)
    }

    /// Makes one active, within those before it.
    pub(crate) fn activate(&mut self, middleware: Middleware) {
        match middleware.when {
            When::PostExecution => self.after.push(middleware),
            When::PreExecution | When::Around => self.outer.push(middleware),
        }
    }

    /// The one of a name, or of the last part of one.
    pub(crate) fn find(&self, name: &str, when: When) -> Result<Middleware, MiddlewareError> {
        let last = |known: &SmolStr| known.rsplit('.').next() == Some(name);
        let found = match self.known.get(name) {
            Some(exact) => exact,
            None => {
                let short: Vec<_> = self.known.iter().filter(|(known, _)| last(known)).collect();
                match short[..] {
                    [(_, only)] => only,
                    [] => return Err(self.unknown(name)),
                    _ => {
                        return Err(MiddlewareError::Ambiguous {
                            name: name.into(),
                            candidates: short.into_iter().map(|(known, _)| known.clone()).collect(),
                        });
                    }
                }
            }
        };
        match found.when {
            runs if runs == when || runs == When::Around => Ok(found.clone()),
            runs => Err(MiddlewareError::When {
                name: name.into(),
                runs: runs.as_str(),
                wanted: when.as_str(),
            }),
        }
    }

    fn unknown(&self, name: &str) -> MiddlewareError {
        let known: Vec<_> = self.known.keys().map(SmolStr::as_str).collect();
        MiddlewareError::Unknown {
            name: name.into(),
            known: match known.len() {
                0 => "this program has none".to_owned(),
                _ => format!("this program has {}", known.join(", ")),
            },
        }
    }

    /// Whether none is active.
    pub fn is_empty(&self) -> bool {
        self.outer.is_empty() && self.after.is_empty()
    }

    /// An activity with the active ones around it.
    pub fn around(&self, context: &ActivityContext, activity: ActivityFuture) -> ActivityFuture {
        let inside_out = self.after.iter().chain(self.outer.iter().rev());
        inside_out.fold(activity, |within, middleware| {
            middleware.around(context.clone(), within)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::error::{Error, Result};

    fn run(middlewares: &Middlewares) -> ActivityResult {
        let activity = Box::pin(async { Ok(SmolStr::new("1")) });
        let context = ActivityContext::for_test();
        futures::executor::block_on(middlewares.around(&context, activity))
    }

    #[test]
    fn they_run_in_the_order_in_which_they_were_made_active() {
        let said = Arc::new(Mutex::new(Vec::new()));
        let say = |what: &'static str| {
            let said = Arc::clone(&said);
            move || said.lock().unwrap().push(what)
        };
        let mut all = Middlewares::default();
        for (before, after) in [
            (say("before 1"), say("after 1")),
            (say("before 2"), say("after 2")),
        ] {
            all.activate(Middleware::new(move |_: ActivityContext| {
                before();
                async { Ok::<_, Error>(()) }
            }));
            all.activate(Middleware::new(
                move |_: ActivityContext, result: ActivityResult| {
                    after();
                    async move { result.map(drop).map_err(|_| Error::msg("failed")) }
                },
            ));
        }
        let end = say("end");
        all.activate(Middleware::new(move |_: ActivityContext, next: Next| {
            let end = end.clone();
            async move {
                let result = next.run().await;
                end();
                result.map(|one| format!("[{one}]").into())
            }
        }));
        assert_eq!(run(&all).unwrap(), "[1]");
        let order = ["before 1", "before 2", "after 1", "after 2", "end"];
        assert_eq!(*said.lock().unwrap(), order);
    }

    #[test]
    fn one_may_refuse() {
        let mut all = Middlewares::default();
        all.activate(Middleware::new(|_: ActivityContext| async {
            Err::<(), Error>(Error::msg("not today"))
        }));
        all.activate(Middleware::new(
            |_: ActivityContext, _: ActivityResult| async {
                panic!("it does not run") as Result<()>
            },
        ));
        assert!(run(&all).unwrap_err().reason.ends_with("not today"));
    }

    #[test]
    fn one_is_found_by_the_last_part_of_its_name() {
        let mut all = Middlewares::default();
        let before = Middleware::new(|_: ActivityContext| async { Ok::<_, Error>(()) });
        all.add("a.check".into(), before.clone());
        assert_eq!(
            all.find("a.check", When::PreExecution).unwrap().when(),
            When::PreExecution
        );
        assert!(all.find("check", When::PreExecution).is_ok());
        let error = all.find("check", When::PostExecution).unwrap_err();
        let said = "middleware \"check\" runs before an activity, not after";
        assert_eq!(error.to_string(), said);
        all.add("b.check".into(), before);
        let error = all.find("check", When::PreExecution).unwrap_err();
        let said =
            "middleware \"check\" is ambiguous: it may be a.check or b.check; say the whole name";
        assert_eq!(error.to_string(), said);
        let error = all.find("chekc", When::PreExecution).unwrap_err();
        let said = "there is no middleware \"chekc\": this program has a.check, b.check";
        assert_eq!(error.to_string(), said);
    }
}
