//! Signals: how one is sent, how its payload travels, and the stream of those that come.

use std::future::Future as StdFuture;
use std::panic::Location;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use simpleflow_model::SmolStr;

use crate::error::TaskError;
use crate::flow::{Flow, FlowState};
use crate::future::Future;
use crate::task::Task;

/// A signal to be sent, to be given to [`Flow::submit`]: by default to this execution itself, and
/// marked to be propagated.
///
/// Its future ends when the signal is delivered, and fails when it could not be:
/// [`Refused`](crate::TaskErrorKind::Refused) with `UNKNOWN_EXTERNAL_WORKFLOW_EXECUTION` when no
/// such execution is open. Each submit sends one signal; it is sent also when nobody awaits it.
///
/// ```
/// # use simpleflow_core::{Flow, Result, Signal};
/// # async fn example(flow: Flow) -> Result<()> {
/// flow.submit(Signal::new("paid", 42).to("order-7").propagate(false)).await?;
/// # Ok(())
/// # }
/// ```
///
/// # Propagation
/// A signal that is marked so is sent on by each execution that receives it: to its parent, unless
/// its `#[workflow]` says `propagate_signals_to_parent = false`, and to all its children that are
/// open, but not back to the sender. A child that is started later gets the last such signal of
/// each name. So it reaches the whole tree of executions.
#[must_use = "a signal is not sent until it is given to `flow.submit`"]
pub struct Signal {
    pub(crate) name: SmolStr,
    pub(crate) payload: Result<SmolStr, serde_json::Error>,
    /// The whole input.
    pub(crate) raw: Option<SmolStr>,
    pub(crate) receiver: Receiver,
    pub(crate) run_id: Option<SmolStr>,
    pub(crate) propagate: bool,
}

pub(crate) enum Receiver {
    Own,
    Parent,
    Execution(SmolStr),
    Child(Rc<Task>),
}

impl Signal {
    /// A signal of this name (at most 256 characters) with this payload; `()` is none.
    ///
    /// To a Python execution the members of a struct are keyword arguments, and any other value is
    /// the one positional argument. A [`Raw`](crate::Raw) is the whole input, which nothing marks to
    /// be propagated.
    pub fn new<T: Serialize>(name: impl Into<SmolStr>, payload: T) -> Self {
        Self {
            name: name.into(),
            raw: crate::raw::text_of(&payload),
            payload: crate::payload::to_json(&payload),
            receiver: Receiver::Own,
            run_id: None,
            propagate: true,
        }
    }

    /// To the open execution with this workflow id.
    pub fn to(mut self, workflow_id: impl Into<SmolStr>) -> Self {
        self.receiver = Receiver::Execution(workflow_id.into());
        self
    }

    /// To the parent of this execution. Where there is none the future fails.
    pub fn to_parent(mut self) -> Self {
        self.receiver = Receiver::Parent;
        self
    }

    /// To a child, by the future of its result. It is sent when the child is started, and fails
    /// with the child when that is never started.
    pub fn to_child<T>(mut self, child: &Future<T>) -> Self {
        self.receiver = Receiver::Child(child.task());
        self
    }

    /// Only to this run of the execution. By default it is the run that is open, so also one with
    /// which a child or the parent continued as new; of the execution itself, and of a child that has
    /// ended, the one that is known.
    pub fn run_id(mut self, run_id: impl Into<SmolStr>) -> Self {
        self.run_id = Some(run_id.into());
        self
    }

    /// Whether executions that receive it send it on: see [Propagation](#propagation).
    pub fn propagate(mut self, propagate: bool) -> Self {
        self.propagate = propagate;
        self
    }
}

/// The input of a signal with this payload, JSON text: the original's envelope.
pub(crate) fn to_input(payload: &str, propagate: bool) -> SmolStr {
    let (args, kwargs) = match payload.as_bytes() {
        b"null" => ("", "{}"),
        // An object without members would be no payload.
        [b'{', .., b'}'] if payload.len() > 2 => ("", payload),
        _ => (payload, "{}"),
    };
    smol_str::format_smolstr!(r#"{{"args":[{args}],"kwargs":{kwargs},"__propagate":{propagate}}}"#)
}

/// The payload of a signal: see [`Flow::wait_signal`].
pub(crate) fn payload_of(input: Option<&str>) -> SmolStr {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Envelope<'a> {
        #[serde(borrow)]
        args: Vec<&'a RawValue>,
        #[serde(borrow)]
        kwargs: &'a RawValue,
        #[serde(borrow, rename = "__propagate", default)]
        _propagate: Option<&'a RawValue>,
    }
    let Some(input) = input.filter(|input| !input.is_empty()) else {
        return "null".into();
    };
    let Ok(Envelope { args, kwargs, .. }) = serde_json::from_str(input) else {
        return match serde_json::from_str::<serde::de::IgnoredAny>(input) {
            Ok(_) => input.into(),
            Err(_) => serde_json::Value::from(input).to_string().into(),
        };
    };
    let has_named = match serde_json::from_str(kwargs.get()) {
        Ok(serde_json::Value::Object(named)) => !named.is_empty(),
        _ => return input.into(),
    };
    match args[..] {
        [] if !has_named => "null".into(),
        [] => kwargs.get().into(),
        [argument] if !has_named => argument.get().into(),
        _ => input.into(),
    }
}

/// Whether the input of a signal says that it is to be sent on.
pub(crate) fn is_propagated(input: Option<&str>) -> bool {
    #[derive(Deserialize)]
    struct Mark<'a> {
        #[serde(borrow, rename = "__propagate")]
        propagate: &'a RawValue,
    }
    // What Python takes for false.
    const FALSE: [&str; 6] = ["false", "null", "0", "\"\"", "[]", "{}"];
    input
        .and_then(|input| serde_json::from_str::<Mark<'_>>(input).ok())
        .is_some_and(|mark| !FALSE.contains(&mark.propagate.get()))
}

/// The signals of one name, as they come: see [`Flow::signals`]. It never ends.
#[must_use = "it takes signals when it is asked for the next"]
pub struct Signals<T> {
    flow: Flow,
    name: SmolStr,
    location: &'static Location<'static>,
    next: Option<Future<T>>,
}

impl<T> Signals<T> {
    pub(crate) fn new(flow: Flow, name: SmolStr, location: &'static Location<'static>) -> Self {
        Self {
            flow,
            name,
            location,
            next: None,
        }
    }
}

impl<T: DeserializeOwned> Signals<T> {
    /// The next signal. When this is dropped before it came, nothing is lost.
    ///
    /// # Errors
    /// [`TaskErrorKind::Result`](crate::TaskErrorKind::Result) when its payload is not a `T`; the
    /// signal is taken then, and the next call gives the next.
    pub async fn next(&mut self) -> Result<T, TaskError> {
        std::future::poll_fn(|context| self.poll_signal(context)).await
    }

    fn poll_signal(&mut self, context: &mut Context<'_>) -> Poll<Result<T, TaskError>> {
        let next = self.next.get_or_insert_with(|| {
            let wait = |state: &mut FlowState| state.wait_signal(self.name.clone(), self.location);
            self.flow.new_task(wait)
        });
        let polled = Pin::new(next).poll(context);
        if polled.is_ready() {
            self.next = None;
        }
        polled
    }
}

impl<T: DeserializeOwned> futures_core::Stream for Signals<T> {
    type Item = Result<T, TaskError>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.get_mut().poll_signal(context).map(Some)
    }
}

/// A signal that it has taken and not given goes to whoever waits next.
impl<T> Drop for Signals<T> {
    fn drop(&mut self) {
        if let Some(next) = self.next.take()
            && let Some(Ok(payload)) = next.task().outcome()
        {
            let mut state = self.flow.shared.state.borrow_mut();
            state.give_signal_back(&self.name, payload);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_travels_in_the_original_s_envelope_and_back() {
        for (payload, input) in [
            ("null", r#"{"args":[],"kwargs":{},"__propagate":true}"#),
            ("5", r#"{"args":[5],"kwargs":{},"__propagate":true}"#),
            ("{}", r#"{"args":[{}],"kwargs":{},"__propagate":true}"#),
            (
                r#"[1,2]"#,
                r#"{"args":[[1,2]],"kwargs":{},"__propagate":true}"#,
            ),
            (
                r#"{"x":1.50,"y":"é"}"#,
                r#"{"args":[],"kwargs":{"x":1.50,"y":"é"},"__propagate":true}"#,
            ),
            (
                r#"{"args":[1],"kwargs":{}}"#,
                r#"{"args":[],"kwargs":{"args":[1],"kwargs":{}},"__propagate":true}"#,
            ),
        ] {
            assert_eq!(to_input(payload, true), input);
            assert_eq!(payload_of(Some(input)), payload);
            assert!(is_propagated(Some(input)));
            assert!(!is_propagated(Some(&to_input(payload, false))));
        }
    }

    #[test]
    fn an_input_that_is_no_envelope_is_the_payload() {
        assert_eq!(payload_of(None), "null");
        assert_eq!(payload_of(Some("")), "null");
        assert_eq!(payload_of(Some("Hi there!")), "\"Hi there!\"");
        for input in [
            "7",
            r#"{"x":1}"#,
            r#"{"args":[1,2],"kwargs":{}}"#,
            r#"{"args":[1],"kwargs":{"x":2}}"#,
            r#"{"args":[],"kwargs":5}"#,
            r#"{"args":[],"kwargs":{},"more":1}"#,
        ] {
            assert_eq!(payload_of(Some(input)), input);
            assert!(!is_propagated(Some(input)));
        }
        assert!(is_propagated(Some(r#"{"__propagate":"yes"}"#)));
        assert!(!is_propagated(Some(r#"{"__propagate":0}"#)));
        assert!(!is_propagated(Some("Hi there!")));
    }
}
