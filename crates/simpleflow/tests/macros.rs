//! What `#[activity]` and `#[workflow]` make of functions and structs.

use futures::executor::block_on;
use serde_json::{Value, json};
use simpleflow::model::{ChildPolicy, TaskPriority, Timeout, limits};
use simpleflow::payload::{ArgumentError, Arguments, Parameter};
use simpleflow::prelude::*;
use simpleflow::{
    Activity, ActivityCall, ActivityDefinition, ActivityResult, Failure, RunningActivity,
    WorkflowDefinition, WorkflowInput,
};

#[activity]
async fn increment(x: i64) -> Result<i64> {
    Ok(x + 1)
}

/// Only the arguments count for the position of an argument.
#[activity]
fn join(context: ActivityContext, a: String, b: Option<String>, r#type: String) -> String {
    let id = &context.info().activity_id;
    format!("{id}: {a} {} {type}", b.as_deref().unwrap_or("-"))
}

#[activity]
fn nothing() {}

#[activity]
fn parse(text: String) -> Result<i64> {
    Ok(text.parse()?)
}

#[derive(Debug)]
struct OutOfStock {
    left: u32,
}

impl std::fmt::Display for OutOfStock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "only {} left", self.left)
    }
}

#[activity]
async fn take(n: u32) -> Result<u32, OutOfStock> {
    Err(OutOfStock { left: n })
}

#[activity(
    name = "video.resize",
    version = "2.1",
    task_list = "video",
    retry = RetryPolicy::new(3).timeouts(false),
    raises_on_failure = true,
    start_to_close_timeout = 10,
    schedule_to_close_timeout = 20,
    schedule_to_start_timeout = "NONE",
    heartbeat_timeout = 0,
    task_priority = -5,
    idempotent = true,
    meta = r#"{"owner": "video"}"#
)]
fn resize(path: String, size: (u32, u32)) -> Vec<String> {
    vec![path, format!("{size:?}")]
}

mod nested {
    pub(super) mod deeper {
        use simpleflow::prelude::*;

        #[activity]
        pub(crate) fn r#move() {}
    }
}

struct Greeter {
    greeting: &'static str,
}

#[activity(version = "3")]
impl Greeter {
    async fn execute(&self, name: String, context: ActivityContext) -> Result<String> {
        drop(context);
        Ok(self.greet(&name))
    }

    fn greet(&self, name: &str) -> String {
        format!("{} {name}", self.greeting)
    }
}

/// One that has more parameters where it is compiled so.
#[activity]
fn partly(#[cfg(not(test))] gone: i64, a: i64, #[cfg(test)] b: i64) -> i64 {
    10 * a + b
}

#[workflow]
#[derive(Debug, PartialEq)]
struct Order {
    item: String,
    #[default(1)]
    count: u32,
    #[cfg(not(test))]
    gone: u32,
    note: Option<String>,
    #[default(vec![Self::SHOP.to_owned()])]
    r#type: Vec<String>,
}

impl Order {
    const SHOP: &str = "shop";
}

impl Workflow for Order {
    type Output = String;

    async fn run(self, _: Flow) -> Result<String> {
        Ok(self.item)
    }
}

#[workflow(
    name = "nightly",
    version = "7",
    task_list = "deciders",
    task_priority = 4,
    retry = 2,
    raises_on_failure = true,
    execution_timeout = 86_400,
    decision_tasks_timeout = 30,
    child_policy = "REQUEST_CANCEL",
    tag_list = ["night", "video"],
    lambda_role = "arn:aws:iam::1:role/r",
    max_open_activity_count = 50,
    idempotent = true,
    propagate_signals_to_parent = false
)]
struct Nightly;

impl Workflow for Nightly {
    type Output = ();

    async fn run(self, _: Flow) -> Result<()> {
        Ok(())
    }
}

fn end(running: RunningActivity) -> ActivityResult {
    match running {
        RunningActivity::Async(future) => block_on(future),
        RunningActivity::Blocking(function) => function(),
        RunningActivity::Program(program) => panic!("{program:?} needs a worker"),
    }
}

fn run_with<A: Activity>(activity: A, input: &str) -> ActivityResult {
    std::sync::Arc::new(activity)
        .start(ActivityContext::for_test(), input)
        .and_then(end)
}

fn run<A: Activity + Default>(input: &str) -> ActivityResult {
    run_with(A::default(), input)
}

/// The details of a failure, which are a JSON object.
fn details(failure: &Failure) -> Value {
    serde_json::from_str(failure.details.as_deref().unwrap()).unwrap()
}

#[test]
fn a_definition_has_the_original_s_defaults() {
    const PARAMETERS: &[Parameter] = &[Parameter {
        name: "x",
        type_name: "i64",
    }];
    let definition = increment::definition();
    assert_eq!(
        *definition,
        ActivityDefinition {
            location: definition.location,
            ..ActivityDefinition::new("macros.increment", PARAMETERS)
        }
    );
    let definition = Order::definition();
    assert_eq!(
        *definition,
        WorkflowDefinition {
            location: definition.location,
            ..WorkflowDefinition::new("macros.Order", definition.parameters)
        }
    );
}

#[test]
fn a_definition_has_the_attribute_s_values() {
    let definition = resize::definition();
    assert_eq!(
        *definition,
        ActivityDefinition {
            name: "video.resize".into(),
            version: "2.1".into(),
            task_list: "video".into(),
            retry: RetryPolicy::new(3).timeouts(false),
            raises_on_failure: true,
            start_to_close_timeout: Timeout::Seconds(10),
            schedule_to_close_timeout: Timeout::Seconds(20),
            schedule_to_start_timeout: Timeout::None,
            heartbeat_timeout: Timeout::Seconds(0),
            task_priority: Some(TaskPriority(-5)),
            idempotent: true,
            named_arguments: false,
            meta: Some(r#"{"owner": "video"}"#.into()),
            program: &[],
            parameters: &[
                Parameter {
                    name: "path",
                    type_name: "String",
                },
                Parameter {
                    name: "size",
                    type_name: "(u32, u32)",
                },
            ],
            location: definition.location,
        }
    );
    let definition = Nightly::definition();
    assert_eq!(
        *definition,
        WorkflowDefinition {
            name: "nightly".into(),
            version: "7".into(),
            path: "macros.Nightly".into(),
            task_list: Some("deciders".into()),
            task_priority: Some(TaskPriority(4)),
            retry: 2.into(),
            raises_on_failure: true,
            execution_timeout: Timeout::Seconds(86_400),
            decision_tasks_timeout: Timeout::Seconds(30),
            child_policy: ChildPolicy::RequestCancel,
            tag_list: simpleflow::TagList::from_iter(["night", "video"]),
            lambda_role: Some("arn:aws:iam::1:role/r".into()),
            idempotent: true,
            max_open_activity_count: 50,
            propagate_signals_to_parent: false,
            parameters: &[],
            location: definition.location,
        }
    );
    assert_eq!(
        Order::definition().execution_timeout,
        Timeout::Seconds(limits::EXECUTION_SECONDS)
    );
}

#[test]
fn a_name_is_the_path_in_the_source() {
    assert_eq!(
        nested::deeper::r#move::definition().name,
        "macros.nested.deeper.move"
    );
    assert_eq!(Greeter::definition().name, "macros.Greeter");
    assert_eq!(Greeter::definition().version, "3");
    // The line of the attribute.
    let line = include_str!("macros.rs")
        .lines()
        .position(|line| line.starts_with("async fn increment"))
        .unwrap();
    assert_eq!(
        increment::definition().location,
        format!("{}:{line}", file!())
    );
}

#[test]
fn parameters_have_the_names_and_types_of_the_source() {
    fn names(parameters: &[Parameter]) -> Vec<(&str, &str)> {
        parameters.iter().map(|p| (p.name, p.type_name)).collect()
    }
    assert_eq!(
        names(join::definition().parameters),
        [("a", "String"), ("b", "Option<String>"), ("type", "String")]
    );
    assert_eq!(
        names(partly::definition().parameters),
        [("a", "i64"), ("b", "i64")]
    );
    assert_eq!(names(nothing::definition().parameters), []);
    assert_eq!(
        names(Greeter::definition().parameters),
        [("name", "String")]
    );
    assert_eq!(
        names(Order::definition().parameters),
        [
            ("item", "String"),
            ("count", "u32"),
            ("note", "Option<String>"),
            ("type", "Vec<String>")
        ]
    );
}

#[test]
fn the_function_itself_stays_callable() {
    assert_eq!(block_on(increment::run(1)).unwrap(), 2);
    assert_eq!(
        join::run(ActivityContext::for_test(), "a".into(), None, "b".into()),
        ": a - b"
    );
    assert_eq!(parse::run("12".into()).unwrap(), 12);
    nothing::run();
    let greeter = Greeter { greeting: "Hello" };
    let greeted = block_on(greeter.execute("you".into(), ActivityContext::for_test()));
    assert_eq!(greeted.unwrap(), "Hello you");
}

#[test]
fn an_activity_runs_on_positional_and_named_arguments() {
    assert_eq!(run::<increment>("[41]").unwrap(), "42");
    assert_eq!(run::<increment>(r#"{"x": 41}"#).unwrap(), "42");
    assert_eq!(
        run::<increment>(r#"{"args":[41],"kwargs":{}}"#).unwrap(),
        "42"
    );
    assert_eq!(
        run::<join>(r#"{"args":["a"],"kwargs":{"type":"c","b":"b"}}"#).unwrap(),
        r#"": a b c""#
    );
    assert_eq!(
        run::<join>(r#"{"type": "c", "a": "a"}"#).unwrap(),
        r#"": a - c""#
    );
    assert_eq!(run::<nothing>("").unwrap(), "null");
    assert_eq!(
        run::<resize>(r#"["in.mp4", [640, 480]]"#).unwrap(),
        r#"["in.mp4","(640, 480)"]"#
    );
    assert_eq!(run::<partly>("[1, 2]").unwrap(), "12");
    let greeter = Greeter { greeting: "Hello" };
    assert_eq!(run_with(greeter, r#"["you"]"#).unwrap(), r#""Hello you""#);
}

#[test]
fn an_async_function_is_a_future_and_another_is_for_a_thread() {
    fn started<A: Activity + Default>(input: &str) -> RunningActivity {
        std::sync::Arc::new(A::default())
            .start(ActivityContext::for_test(), input)
            .unwrap()
    }
    assert!(matches!(
        started::<increment>("[1]"),
        RunningActivity::Async(_)
    ));
    assert!(matches!(
        started::<parse>("[\"1\"]"),
        RunningActivity::Blocking(_)
    ));
}

/// A thumbnail.
#[activity(program = ["convert", "-thumbnail"], task_list = "images")]
fn thumbnail(width: u32, source: String, target: Option<String>) -> Result<Vec<u32>>;

#[test]
fn a_signature_alone_is_a_program() {
    let start = |input: &str| {
        let activity = std::sync::Arc::new(thumbnail::default());
        activity.start(ActivityContext::for_test(), input)
    };
    let definition = thumbnail::definition();
    assert_eq!(definition.name, "macros.thumbnail");
    assert_eq!(definition.program, ["convert", "-thumbnail"]);
    assert_eq!(definition.task_list, "images");
    let Ok(RunningActivity::Program(program)) =
        start(r#"{"args": [80, "a b"], "kwargs": {"target": "c"}}"#)
    else {
        panic!("it is a program");
    };
    assert_eq!(
        program.command_line,
        ["convert", "-thumbnail", "--target=c", "80", "a b"]
    );
    assert_eq!((program.read)("[80, 60]\n").unwrap(), "[80,60]");
    // Its arguments are as much of its interface as those of a function.
    let failure = |input: &str| match start(input) {
        Err(failure) => failure.reason,
        Ok(_) => panic!("{input} does not fit"),
    };
    assert!(failure(r#"["wide", "a"]"#).contains("expected u32, found \"wide\""));
    assert!(failure("[80]").contains("argument 2 `source` is missing"));
    // A call of it is like any other.
    let _: ActivityCall<Vec<u32>> = thumbnail(80, "a", None).retry(2);
}

#[test]
fn an_activity_s_error_is_its_failure() {
    let failure = run::<parse>(r#"["a dozen"]"#).unwrap_err();
    assert_eq!(
        failure.reason,
        "ParseIntError: invalid digit found in string"
    );
    assert_eq!(
        details(&failure)["error_type"],
        "core::num::error::ParseIntError"
    );

    let failure = run::<take>("[3]").unwrap_err();
    assert_eq!(failure.reason, "OutOfStock: only 3 left");
    assert_eq!(details(&failure)["error_type"], "macros::OutOfStock");
    assert_eq!(details(&failure)["message"], "only 3 left");
}

#[test]
fn arguments_that_do_not_fit_are_a_failure_that_names_them() {
    fn reason<A: Activity + Default>(input: &str) -> String {
        let failure = run::<A>(input).unwrap_err();
        assert_eq!(
            details(&failure)["error_type"],
            json!("simpleflow::ArgumentError")
        );
        failure.reason.to_string()
    }
    assert_eq!(
        reason::<increment>(r#"["one"]"#),
        "ArgumentError: argument 1 `x`: expected i64, found \"one\" \
         (invalid type: string \"one\", expected i64)"
    );
    assert_eq!(
        reason::<join>(r#"["a"]"#),
        "ArgumentError: argument 3 `type` is missing: expected String"
    );
    assert_eq!(
        reason::<increment>("[1, 2]"),
        "ArgumentError: too many arguments: expected at most 1, found 2; the arguments are x: i64"
    );
    assert_eq!(
        reason::<increment>(r#"{"y": 1}"#),
        "ArgumentError: there is no argument \"y\"; the arguments are x: i64"
    );
    assert_eq!(
        reason::<increment>(r#"{"args": [1], "kwargs": {"x": 1}}"#),
        "ArgumentError: argument \"x\" is given twice: by position and by name"
    );
    assert_eq!(
        reason::<nothing>("[1]"),
        "ArgumentError: too many arguments: expected at most 0, found 1; it takes none"
    );
}

#[test]
fn a_workflow_is_read_from_its_input() {
    fn read(input: &str) -> Result<Order, ArgumentError> {
        Order::from_arguments(Arguments::parse(input)?)
    }
    let order = |count, note: Option<&str>, kind: &str| Order {
        item: "tea".into(),
        count,
        note: note.map(Into::into),
        r#type: vec![kind.into()],
    };
    assert_eq!(read(r#""tea""#), Ok(order(1, None, "shop")));
    assert_eq!(read(r#"["tea", 2]"#), Ok(order(2, None, "shop")));
    assert_eq!(
        read(r#"{"item": "tea", "type": ["web"]}"#),
        Ok(order(1, None, "web"))
    );
    assert_eq!(
        read(r#"{"args": ["tea"], "kwargs": {"note": "green", "count": 3}}"#),
        Ok(order(3, Some("green"), "shop"))
    );
    let problem = |input| read(input).unwrap_err().to_string();
    assert_eq!(
        problem("[]"),
        "argument 1 `item` is missing: expected String"
    );
    assert_eq!(
        problem(r#"["tea", null]"#),
        "argument 2 `count`: expected u32, found null (invalid type: null, expected u32)"
    );
    assert_eq!(
        problem(r#"{"item": "tea", "gone": 1}"#),
        "there is no argument \"gone\"; the arguments are \
         item: String, count: u32, note: Option<String>, type: Vec<String>"
    );
    assert!(Nightly::from_arguments(Arguments::default()).is_ok());
    assert!(Nightly::from_arguments(Arguments::parse("[1]").unwrap()).is_err());
}

#[test]
fn a_workflow_s_arguments_are_what_it_is_read_from() {
    let order = Order {
        item: "tea".into(),
        count: 2,
        note: None,
        r#type: vec![],
    };
    let arguments = order.to_arguments().unwrap();
    assert_eq!(arguments, [r#""tea""#, "2", "null", "[]"]);
    let input = format!("[{}]", arguments.join(","));
    let read = Order::from_arguments(Arguments::parse(&input).unwrap());
    assert_eq!(read, Ok(order));
    assert!(Nightly.to_arguments().unwrap().is_empty());
}

#[test]
fn a_call_may_differ_from_its_definition() {
    // That a call sends what these say is the business of the replayer's tests.
    let _: ActivityCall<i64> = increment(1)
        .task_list("x")
        .priority(5)
        .version("2")
        .retry(1)
        .raises_on_failure(true)
        .idempotent(true)
        .start_to_close_timeout(1)
        .schedule_to_close_timeout(2)
        .schedule_to_start_timeout(3)
        .heartbeat_timeout(4)
        .id("one");
    let _: ActivityCall<u32> = take(1);
    let _: ActivityCall<Vec<String>> = resize("a", (1, 2));
    let _: ActivityCall<()> = nothing();
    let _: ActivityCall<String> = Greeter::call("you").priority(1);
}

#[test]
fn what_is_linked_is_found() {
    #[activity]
    fn inside() {}

    let registry = Registry::linked();
    registry.check().unwrap();
    let activities: Vec<_> = registry
        .activities()
        .map(|entry| entry.definition().name.as_str())
        .collect();
    // An activity with state is not among them: nobody gave its state.
    assert_eq!(
        activities,
        [
            "macros.increment",
            "macros.inside",
            "macros.join",
            "macros.nested.deeper.move",
            "macros.nothing",
            "macros.parse",
            "macros.partly",
            "macros.take",
            "macros.thumbnail",
            // Those of steps.
            "simpleflow.step.tasks.GetStepsDoneTask",
            "simpleflow.step.tasks.MarkStepDoneTask",
            "video.resize",
        ]
    );
    assert_eq!(inside::definition().name, "macros.inside");
    let workflows: Vec<_> = registry
        .workflows()
        .map(|entry| entry.definition().name.as_str())
        .collect();
    assert_eq!(workflows, ["macros.Order", "nightly"]);

    let entry = registry.find_activity("video.resize", "2.1").unwrap();
    let running = entry.start(ActivityContext::for_test(), r#"["a", [1, 2]]"#);
    assert_eq!(running.and_then(end).unwrap(), r#"["a","(1, 2)"]"#);
    assert!(registry.find_activity("video.resize", "default").is_none());
    let entry = registry.find_workflow("macros.Order", "default").unwrap();
    assert_eq!(entry.check_input(r#"["tea"]"#), Ok(()));
    assert!(entry.check_input("[]").is_err());
}

#[test]
fn a_registry_may_be_made_by_hand() {
    let registry = Registry::new()
        .workflow::<Nightly>()
        .activity::<increment>()
        .activity_with(Greeter { greeting: "Hello" });
    registry.check().unwrap();
    assert_eq!(registry.workflows().count(), 1);
    assert_eq!(registry.activities().count(), 2);
    let entry = registry.find_activity("macros.Greeter", "3").unwrap();
    let running = entry.start(ActivityContext::for_test(), r#"["you"]"#);
    assert_eq!(running.and_then(end).unwrap(), r#""Hello you""#);
}

#[test]
fn a_name_that_stands_twice_is_told_with_both_places() {
    let registry = Registry::new()
        .activity::<increment>()
        .activity::<parse>()
        .activity::<increment>();
    let told = registry.check().unwrap_err().to_string();
    let place = increment::definition().location;
    assert_eq!(
        told,
        format!(
            "two activities have the name \"macros.increment\" and version \"default\": \
             at {place} and at {place}; give one of them another name"
        )
    );

    struct Other;

    #[activity(name = "macros.increment")]
    impl Other {
        fn execute(&self) {}
    }

    let registry = Registry::linked().activity_with(Other);
    let told = registry.check().unwrap_err().to_string();
    let other = Other::definition().location;
    assert_ne!(place, other);
    assert!(
        told.contains(&format!("at {place} and at {other};")),
        "{told}"
    );
}
