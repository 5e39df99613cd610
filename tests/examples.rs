//! Each example, in one process and through a server: the same result, and the same decisions.
//!
//! What finishes first may differ, and with it in which answer a decision stands and where. So the
//! decisions are compared without their order, each with all that it says and how often it was made.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use simpleflow::objects::Places;
use tempfile::TempDir;

use crate::common::{alone, run};
use crate::running::{PATIENCE, Running};
use crate::server::Server;
use crate::swf::found_within;

/// An execution of an example.
struct Example<E = End<'static>> {
    /// The file that it is in.
    file: &'static str,
    workflow: &'static str,
    /// In which `SERVER` is the URL of the server.
    input: &'static str,
    /// The options of commands that run its activities, with the task list of these.
    options: Option<(&'static str, &'static [&'static str])>,
    /// Sent right after the start.
    signals: &'static [(&'static str, &'static str)],
    end: E,
}

/// How an execution ends.
#[derive(Clone, Copy, Debug, PartialEq)]
enum End<'a> {
    /// With this result as JSON.
    Completed(&'a str),
    /// For this reason.
    Failed(&'a str),
}

/// One of which the end is to be said.
const fn example(file: &'static str, workflow: &'static str, input: &'static str) -> Example<()> {
    Example {
        file,
        workflow,
        input,
        options: None,
        signals: &[],
        end: (),
    }
}

impl Example<()> {
    const fn gives(self, result: &'static str) -> Example {
        self.ends(End::Completed(result))
    }

    const fn fails(self, reason: &'static str) -> Example {
        self.ends(End::Failed(reason))
    }

    const fn ends(self, end: End<'static>) -> Example {
        Example {
            file: self.file,
            workflow: self.workflow,
            input: self.input,
            options: self.options,
            signals: self.signals,
            end,
        }
    }

    const fn run_with(mut self, task_list: &'static str, options: &'static [&'static str]) -> Self {
        self.options = Some((task_list, options));
        self
    }

    const fn signalled(mut self, signals: &'static [(&'static str, &'static str)]) -> Self {
        self.signals = signals;
        self
    }
}

const CANVAS: &str = r#"{"product":24,"broken":[null],"went_on":[null,2,6],"kept_to_itself":[[null],2,6],"bubbled":[[[null]],6]}"#;

const MARKERS: &str = r#"{"last":[["marker 1","\"some details\""],["marker 2","\"2nd marker's details\""]],"all":[["marker 1","null"],["marker 1","\"some details\""],["marker 2","\"2nd marker's details\""]]}"#;

const CHAINS: &str =
    r#"[[["A.1.1","A.1.2"],null,["A.2.1","A.2.2"]],[["B.1.1","B.1.2"],null,["B.2.1","B.2.2"]]]"#;

const STEPS: &str =
    r#"["my_step","my_step_force","my_step_with_callback_done","my_step_with_signal"]"#;

const RAISED: &str = "Workflow execution error in activity-examples.failing.fail_and_raise: \
    \"Error: this task had a problem, and fails the workflow\"";

const NO_HOTEL: &str = "Workflow execution error in activity-examples.saga.book: \
    \"Error: there is no hotel in Atlantis\"";

const EXAMPLES: &[Example] = &[
    example("approval", "Approval", r#"["ada", 1]"#).gives(r#""ada: no answer""#),
    example("approval", "Approval", r#"["ada", 86400]"#)
        .signalled(&[("answer", r#"{"approved": true}"#)])
        .gives(r#""ada: approved""#),
    example("basic", "BasicWorkflow", "[1, 0]").gives("4"),
    example("canvas", "CanvasWorkflow", "[1, 2, 3]").gives(CANVAS),
    example("child_workflow", "ParentWorkflow", "[1]").gives("5"),
    example("complex", "ComplexWorkflow", "[1, 0]").gives("10"),
    example("continue_as_new", "Counter", "[0, 3]").gives("3"),
    example(
        "dyn_task_list",
        "DynTaskListWorkflow",
        r#"[5, "quickstart"]"#,
    )
    .gives("10"),
    example("failing", "FailingWorkflow", "[true]").fails(RAISED),
    example("failing", "NotFailingWorkflow", "[]")
        .gives(r#"["never mind","Error: this task had a problem, but it's okay",null]"#),
    example(
        "download",
        "DownloadWorkflow",
        r#"["SERVER/objects/tools", [1, 2], "hello"]"#,
    )
    .gives(r#"["hello, said version 1","hello, said version 2"]"#),
    example("fan_out", "WordCount", r#"[["a b a", "b"]]"#).gives(r#"{"a":2,"b":2}"#),
    example("jumbo_fields", "JumboFieldsWorkflow", r#"["ab"]"#).gives("100000"),
    example("map_reduce", "Primes", "[3000, 100]").gives("430"),
    example("middleware", "Party", r#"[["ada", "mallory"]]"#)
        .run_with(
            "door",
            &[
                "--middleware-pre-execution=invited",
                "--middleware-post-execution=report",
            ],
        )
        .gives(r#"["ada is in","Error: mallory is not invited"]"#),
    example("marker", "MarkerWorkflow", "[]").gives(MARKERS),
    example("marker", "MarkerInChainWorkflow", "[]").gives(MARKERS),
    example("priorities", "WorkflowPriority1", "[1]").gives("2"),
    example("priorities", "WorkflowPriority2", "[1]").gives("3"),
    example("priorities", "WorkflowPriority3", "[1]").gives("2"),
    example("priorities", "WorkflowPriority4", "[1]").gives("2"),
    example("priorities", "WorkflowPriority5", "[1]").gives("4"),
    example("program", "Factorial", "[5]").gives("120"),
    example("retry", "Download", "[3]").gives(r#"["part 1","part 2","part 3"]"#),
    example("retry", "Download", "[18]").fails("Workflow execution failed: 2 parts are damaged"),
    example("saga", "Trip", r#"["Rome"]"#).gives(r#"["flight-Rome","car-Rome","hotel-Rome"]"#),
    example("saga", "Trip", r#"["Atlantis"]"#).fails(NO_HOTEL),
    example("signals", "SignalsWorkflow", "[]").gives(r#""A""#),
    example("signals", "CanvasSignalsWorkflow", "[]").gives(CHAINS),
    example("signals", "ParentSignalsWorkflow", "[]").gives(r#""child""#),
    example("signals", "ParentSignalsWorkflow2", "[]").gives(r#""child""#),
    example("signals", "ParentSignalsWorkflow3", "[]").gives("null"),
    example("signals", "ParentSignalsWorkflow4", "[]").gives("null"),
    example("signals", "ParentSignalsWorkflow5", "[]").gives("true"),
    example("signals", "ParentSignalsWorkflow6", "[]").gives("false"),
    example("signals", "WorkflowWithTwoChildren", "[]").gives("[null,null]"),
    example("signals", "WorkflowWithChildrenSignalingIt", "[]").gives("null"),
    example("step", "StepWorkflow", "[]").gives(STEPS),
    example("step", "CustomizedStepWorkflow", r#"["7"]"#).gives("[true,true,false]"),
    example("timer", "TimerWorkflow", "[1, 120]")
        .gives(r#""timer 1 fired, timer 2 was cancelled""#),
];

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples")
}

/// The files that have examples.
fn files() -> BTreeSet<String> {
    fs::read_dir(directory())
        .expect("the examples are there")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned()))
        .filter(|file| !["lib", "main"].contains(&&**file))
        .collect()
}

#[test]
fn every_example_is_tested_and_explained() {
    let tested: BTreeSet<String> = EXAMPLES.iter().map(|e| e.file.to_owned()).collect();
    assert_eq!(tested, files());
    let readme = fs::read_to_string(directory().join("../README.md")).expect("there is a README");
    for file in files() {
        let row = format!("](examples/{file}.rs) |");
        assert!(readme.contains(&row), "the README's table has no {file}");
    }
}

#[test]
fn examples_are_the_same_in_one_process_and_through_a_server() {
    let served = Served::start();
    for (number, example) in EXAMPLES.iter().enumerate() {
        let id = format!("{}-{number}", example.file);
        let (local, through) = (served.locally(example, &id), served.history(&id));
        for (history, way) in [(&local, "locally"), (&through, "through a server")] {
            let last = history.last().expect("a history has events");
            assert_eq!(end(last), Some(example.end), "{id} {way}: {last}");
        }
        assert_eq!(decisions(&local), decisions(&through), "{id}");
    }
}

/// All examples on a server.
struct Served {
    server: Server,
    directory: TempDir,
    processes: Vec<Running>,
}

impl Served {
    /// Starts and signals them; then come a decider and workers, so that they do not race with signals.
    fn start() -> Self {
        let mut served = Self {
            server: Server::start(&["--in-memory"]),
            directory: tempfile::tempdir().expect("a directory"),
            processes: Vec::new(),
        };
        served.put_programs();
        let domain = json!({"name": "examples", "workflowExecutionRetentionPeriodInDays": "1"});
        served.server.ask("RegisterDomain", domain);
        for (number, example) in EXAMPLES.iter().enumerate() {
            let id = format!("{}-{number}", example.file);
            let workflow = workflow(example);
            let args = ["workflow.start", &*workflow, "--workflow-id", &*id];
            let mut start = served.command_on_server(&args);
            start.args(["--input", &served.input(example), "--task-list", "example"]);
            let done = run(start, "");
            assert_eq!(done.code, 0, "{}", done.stderr);
            for (name, input) in example.signals {
                let signal = json!({
                    "domain": "examples", "workflowId": id, "signalName": name, "input": input,
                });
                served.server.ask("SignalWorkflowExecution", signal);
            }
        }
        let decider =
            served.command_on_server(&["decider.start", "-N", "1", "--task-list", "example"]);
        let plain = ["default", "example", "quickstart"].map(|list| (list, &[][..]));
        let with_options = EXAMPLES.iter().filter_map(|example| example.options);
        let workers = plain.into_iter().chain(with_options);
        let workers = workers.map(|(list, options)| {
            let mut worker = served.command_on_server(&["worker.start", "--task-list", list]);
            worker.args(options);
            worker
        });
        let processes = [decider].into_iter().chain(workers);
        served.processes = processes
            .map(|mut process| Running::start(&mut process))
            .collect();
        served
    }

    fn url(&self) -> String {
        format!("http://{}", self.server.address)
    }

    /// Where long values are.
    fn values(&self) -> String {
        format!("file://{}/values", self.directory.path().display())
    }

    fn input(&self, example: &Example) -> String {
        example.input.replace("SERVER", &self.url())
    }

    /// Has the server keep what the examples download.
    fn put_programs(&self) {
        let place = format!("{}/objects/tools", self.url());
        let tools = Places::new().open(&place.parse().expect("a place"));
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        for version in [1, 2] {
            let program = format!("#!/bin/sh\necho \"$1, said version {version}\"\n");
            let put = runtime.block_on(tools.put(&format!("{version}/greet"), program));
            put.expect("it is kept");
        }
    }

    fn command(&self, args: &[&str]) -> Command {
        let directory = self.directory.path();
        let mut command = alone(directory, args);
        command.env("SIMPLEFLOW_BINARIES_DIRECTORY", directory.join("binaries"));
        command
    }

    fn command_on_server(&self, args: &[&str]) -> Command {
        let mut command = self.command(args);
        command
            .args(["--domain", "examples"])
            .env("AWS_ENDPOINT_URL_SWF", self.url())
            .env("SIMPLEFLOW_JUMBO_FIELDS_BUCKET", self.values());
        command
    }

    /// The history of an execution in one process.
    fn locally(&self, example: &Example, id: &str) -> Vec<Value> {
        let history = self.directory.path().join(format!("{id}.json"));
        let (workflow, signals) = (workflow(example), signals(example));
        let args = ["workflow.start", "--local", "--skip-time", &*workflow];
        let mut local = self.command(&args);
        local.args(["--workflow-id", id, "--input", &self.input(example)]);
        local.args(["--task-list", "example"]);
        local.args(example.options.map_or(&[][..], |(_, options)| options));
        local.arg("--history").arg(&history);
        local.args(signals.iter().flat_map(|signal| ["--signal", signal]));
        let done = run(local, "");
        let history = fs::read(history).unwrap_or_else(|e| panic!("{e}: {}", done.stderr));
        events(serde_json::from_slice(&history).expect("a history is JSON"))
    }

    /// The history of an execution, once it is closed.
    fn history(&self, id: &str) -> Vec<Value> {
        let oldest = json!({"oldestDate": 0});
        let runs = json!({
            "domain": "examples", "executionFilter": {"workflowId": id}, "startTimeFilter": oldest,
        });
        let closed = found_within(PATIENCE, || {
            let closed = self
                .server
                .ask("ListClosedWorkflowExecutions", runs.clone());
            // The newest run comes first.
            let run = closed["executionInfos"].get(0)?;
            let goes_on = run["closeStatus"] == "CONTINUED_AS_NEW";
            (!goes_on).then(|| run["execution"].clone())
        });
        let closed = closed.unwrap_or_else(|| panic!("{id} does not end\n{}", self.state(runs)));
        let history = json!({"domain": "examples", "execution": closed});
        let history = self.server.ask("GetWorkflowExecutionHistory", history);
        assert!(history.get("nextPageToken").is_none(), "{id} has one page");
        let mut events = events(history);
        events.iter_mut().for_each(read_long_values);
        events
    }

    /// What there is to find out why executions do not end: their last events, and what the
    /// processes said.
    fn state(&self, executions: Value) -> String {
        let mut state = String::new();
        let open = self.server.ask("ListOpenWorkflowExecutions", executions);
        for open in open["executionInfos"].as_array().into_iter().flatten() {
            let last = json!({
                "domain": "examples", "execution": open["execution"],
                "reverseOrder": true, "maximumPageSize": 10,
            });
            let last = events(self.server.ask("GetWorkflowExecutionHistory", last));
            state.extend(last.iter().rev().map(|event| format!("{event}\n")));
        }
        state.extend(self.processes.iter().map(Running::said));
        state
    }
}

/// Puts the values that are in files in the place of what names them.
fn read_long_values(part: &mut Value) {
    match part {
        Value::Object(members) => members.values_mut().for_each(read_long_values),
        Value::String(text) => {
            let named = text.strip_prefix("simpleflow+file://");
            if let Some((path, _)) = named.and_then(|named| named.split_once(' ')) {
                *text = fs::read_to_string(path).expect("the value is there");
            }
        }
        _ => {}
    }
}

fn events(mut history: Value) -> Vec<Value> {
    match history["events"].take() {
        Value::Array(events) => events,
        other => panic!("{other} are events"),
    }
}

fn workflow(example: &Example) -> String {
    format!("examples.{}.{}", example.file, example.workflow)
}

fn signals(example: &Example) -> Vec<String> {
    let signals = example.signals.iter();
    signals
        .map(|(name, input)| format!("{name}={input}"))
        .collect()
}

/// How an execution ended, by its last event.
fn end(last: &Value) -> Option<End<'_>> {
    let completed = &last["workflowExecutionCompletedEventAttributes"];
    let failed = &last["workflowExecutionFailedEventAttributes"];
    let completed = completed["result"].as_str().map(End::Completed);
    completed.or_else(|| failed["reason"].as_str().map(End::Failed))
}

/// What an execution decided, and how often, without what differs from run to run.
fn decisions(events: &[Value]) -> BTreeMap<String, usize> {
    let run_of_child = run_in_ids(events);
    let mut decisions = BTreeMap::new();
    let all = events.iter().filter_map(|event| {
        let kind = event["eventType"].as_str().expect("an event has a type");
        let name = format!("{}{}EventAttributes", kind[..1].to_lowercase(), &kind[1..]);
        let mut attributes = event[&name].as_object()?.clone();
        attributes.remove("decisionTaskCompletedEventId")?;
        // In one process all types are registered beforehand, else when they are missed.
        let cause = attributes.get("cause").and_then(Value::as_str);
        if cause.is_some_and(|cause| cause.ends_with("_TYPE_DOES_NOT_EXIST")) {
            return None;
        }
        // A cancel refers to an event, a signal to a run.
        attributes.remove("startedEventId");
        attributes.remove("runId");
        let text = json!([kind, attributes]).to_string();
        Some(match &run_of_child {
            Some(run) => text.replace(run, "--RUN--"),
            None => text,
        })
    });
    for decision in all {
        *decisions.entry(decision).or_default() += 1;
    }
    decisions
}

/// What stands for the run of the parent in the ids of its children.
fn run_in_ids(events: &[Value]) -> Option<String> {
    let attributes = "startChildWorkflowExecutionInitiatedEventAttributes";
    let ids = events
        .iter()
        .filter_map(|event| event[attributes]["workflowId"].as_str());
    ids.filter_map(|id| {
        let mut parts = id.rsplit("--");
        let (_, run, parent) = (parts.next()?, parts.next()?, parts.next()?);
        (!parent.is_empty()).then(|| format!("--{run}--"))
    })
    .next()
}
