//! Every form that a function or a struct may have.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use simpleflow::prelude::*;

/// An error of one's own.
#[derive(Debug)]
pub struct Broken;

impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("broken")
    }
}

/// Results behind aliases.
pub type MyResult<T> = std::result::Result<T, Broken>;
/// An alias without a parameter.
pub type LengthResult = std::result::Result<u64, Broken>;

/// A value.
#[derive(Serialize, Deserialize)]
pub struct Point {
    x: f64,
    y: Option<f64>,
}

#[activity]
fn nothing() {}

#[activity()]
async fn nothing_async() {}

/// A program.
#[activity(program = "true")]
pub fn program(x: i64, point: Option<Point>) -> MyResult<Vec<Point>>;

#[activity(program = ["sh", "-c", "true"])]
fn program_without_result();

#[activity]
fn no_value() -> Result<()> {
    Ok(())
}

#[activity]
fn plain(x: i64) -> i64 {
    x
}

/// With documentation.
#[activity]
pub fn own_error(x: i64) -> std::result::Result<i64, Broken> {
    if x > 0 { Ok(x) } else { Err(Broken) }
}

#[activity]
pub(crate) fn alias() -> MyResult<Vec<Point>> {
    Ok(vec![])
}

#[activity]
async fn alias_without_parameter() -> LengthResult {
    Ok(1)
}

#[activity]
async fn any_error(text: String) -> anyhow::Result<i64> {
    Ok(text.parse()?)
}

#[activity]
fn io() -> std::io::Result<String> {
    std::fs::read_to_string("x")
}

#[activity]
fn nested(
    x: Vec<Option<BTreeMap<String, Vec<Point>>>>,
    y: (i64, [u8; 4]),
) -> Option<(i64, String)> {
    Some((x.len() as i64 + y.0, String::new()))
}

#[activity]
fn context_first(context: ActivityContext, x: i64) -> i64 {
    context.heartbeat("x");
    x
}

#[activity]
async fn context_last(x: i64, context: simpleflow::ActivityContext) -> i64 {
    context.heartbeat("x");
    x
}

#[activity]
async fn context_alone(mut ctx: ::simpleflow::ActivityContext) {
    ctx = ctx.clone();
    ctx.heartbeat(1);
}

mod state {
    /// A state.
    pub struct Client {
        pub(crate) base: String,
    }
}

#[activity(retry = RetryPolicy::exponential(3, Duration::from_secs(10)))]
impl state::Client {
    /// What it does.
    pub async fn execute(&self, context: ActivityContext, path: String) -> Result<String> {
        context.heartbeat(0);
        Ok(self.join(&path))
    }

    fn join(&self, path: &str) -> String {
        format!("{}/{path}", self.base)
    }
}

struct Blocking<T>(T);

#[activity]
impl Blocking<i64> {
    fn execute(&self) -> i64 {
        self.0
    }
}

macro_rules! activity_of {
    ($name:ident, $argument:ident: $ty:ty) => {
        #[activity]
        fn $name($argument: $ty, context: ActivityContext) -> Result<$ty> {
            drop(context);
            Ok($argument)
        }
    };
}

activity_of!(made_by_a_macro, x: Vec<i64>);

#[allow(clippy::too_many_arguments, unused_variables)]
#[activity]
#[allow(unused_mut)]
#[must_use]
fn attributes(#[allow(unused)] a: i64, mut b: i64) -> i64 {
    1
}

#[activity]
#[cfg(any())]
fn absent(x: DoesNotExist) -> DoesNotExist {
    x
}

#[cfg(any())]
#[activity]
fn absent_too(x: DoesNotExist) -> DoesNotExist {
    x
}

#[activity]
#[cfg(test)]
fn partly(#[cfg(any())] gone: DoesNotExist, #[cfg(test)] here: i64, last: i64) -> i64 {
    here + last
}

#[activity]
#[cfg(any())]
impl Absent {
    fn execute(&self) {}
}

#[workflow]
#[cfg(any())]
struct AbsentWorkflow {
    x: DoesNotExist,
}

#[workflow]
struct Unit;

impl Workflow for Unit {
    type Output = ();

    async fn run(self, flow: Flow) -> Result<()> {
        drop(flow.submit(partly(1, 2)));
        Ok(())
    }
}

#[workflow]
struct Empty {}

impl Workflow for Empty {
    type Output = ();

    async fn run(self, flow: Flow) -> Result<()> {
        flow.submit(Unit).get().await
    }
}

/// With fields of all kinds.
#[workflow(idempotent = true)]
#[derive(Clone, Debug)]
#[allow(dead_code)]
pub struct Fields {
    /// Documented.
    pub a: Option<i64>,
    pub(crate) b: Vec<String>,
    c: BTreeMap<String, Vec<Option<f64>>>,
    #[default(vec![Self::ONE])]
    #[allow(unused)]
    d: Vec<i64>,
    #[cfg(any())]
    gone: DoesNotExist,
    #[cfg(test)]
    #[default(String::from("x"))]
    here: String,
    #[default(None)]
    last: Option<Box<i64>>,
}

impl Fields {
    const ONE: i64 = 1;
}

impl Workflow for Fields {
    type Output = Option<i64>;

    async fn run(self, _flow: Flow) -> Result<Self::Output> {
        Ok(self.a)
    }
}

/// Within a function, too; and each is linked.
#[test]
fn a_function_may_hold_them() {
    #[activity]
    async fn inside(x: i64) -> Result<i64> {
        Ok(x)
    }

    #[workflow]
    struct Inside {
        x: i64,
    }

    impl Workflow for Inside {
        type Output = i64;

        async fn run(self, flow: Flow) -> Result<i64> {
            flow.submit(inside(self.x)).get().await
        }
    }

    let linked = Registry::linked();
    linked.check().unwrap();
    let here: Vec<_> = linked
        .workflows()
        .map(|entry| entry.definition().name.as_str())
        .filter_map(|name| name.strip_prefix("macros_forms.forms."))
        .collect();
    assert_eq!(here, ["Empty", "Fields", "Inside", "Unit"]);
}
