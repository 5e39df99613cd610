//! `worker.start`: a worker as a process, against a server process.

use std::path::PathBuf;
use std::process::Stdio;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::common::{run, simpleflow};
use crate::running::{Running, kill};
use crate::swf::{DOMAIN, Swf, TASK_LIST, gone, wait_for};

/// The file that an activity which holds on writes its process id to, and waits beside.
struct Held {
    directory: TempDir,
}

impl Held {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        Self { directory }
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("pid")
    }

    fn args(&self) -> Value {
        json!([self.path()])
    }

    /// Waits until the activity runs: the processes that it says it has.
    fn processes(&self) -> Vec<u32> {
        wait_for("running activity", || {
            let text = std::fs::read_to_string(self.path()).ok()?;
            let pids: Result<_, _> = text.split_whitespace().map(str::parse).collect();
            Some(pids.expect("process ids"))
        })
    }

    fn let_go(&self) {
        std::fs::write(self.path().with_extension("go"), "").unwrap();
    }
}

/// A server, an activity that holds on, and a worker on it.
fn holding(activity: &str, args: &[&str]) -> (Swf, Held, Running) {
    holding_with(activity, json!({}), args)
}

fn holding_with(activity: &str, limits: Value, args: &[&str]) -> (Swf, Held, Running) {
    let (swf, held) = (Swf::start(), Held::new());
    swf.schedule_with(&[(activity, held.args())], limits);
    let worker = swf.worker(args);
    (swf, held, worker)
}

#[test]
fn one_task_is_run_and_answered() {
    let swf = Swf::start();
    swf.schedule(&[("add", json!([1, 2]))]);
    let args = ["worker.start", "-d", DOMAIN, "-t", TASK_LIST, "--one-task"];
    let done = run(swf.command(&args), "");
    assert_eq!((done.code, &*done.stdout), (0, ""), "{}", done.stderr);
    assert_eq!(swf.event("ActivityTaskCompleted")["result"], "3");
    // It says where, so that nobody works for the wrong place.
    for said in ["http://127.0.0.1:", DOMAIN, TASK_LIST] {
        assert!(done.stderr.contains(said), "{}", done.stderr);
    }
    let started = swf.event("ActivityTaskStarted");
    assert!(started["identity"].as_str().unwrap().contains("\"pid\""));
}

#[test]
fn a_task_that_was_polled_elsewhere_is_run() {
    let swf = Swf::start();
    swf.schedule(&[("add", json!([1, 2]))]);
    let poll = json!({"domain": DOMAIN, "taskList": {"name": TASK_LIST}});
    let task = swf.call("PollForActivityTask", poll).to_string();
    let data = BASE64_STANDARD.encode(task);
    let done = run(
        swf.command(&["worker.start", "-d", DOMAIN, "--poll-data", &data]),
        "",
    );
    assert_eq!(done.code, 0, "{}", done.stderr);
    assert_eq!(swf.event("ActivityTaskCompleted")["result"], "3");
}

#[test]
fn a_task_is_polled_for_only_when_there_is_room() {
    let swf = Swf::start();
    let (first, second) = (Held::new(), Held::new());
    swf.schedule(&[("hold", first.args()), ("hold", second.args())]);
    let _worker = swf.worker(&["-N", "1"]);
    first.processes();
    first.let_go();
    second.processes();
    second.let_go();
    let types = wait_for("second result", || {
        let events = swf.events().into_iter();
        let types = events.filter_map(|event| {
            let event_type = event["eventType"].as_str()?.to_owned();
            let of_a_run = event_type.ends_with("TaskStarted") || event_type.ends_with("Completed");
            (event_type.starts_with("Activity") && of_a_run).then_some(event_type)
        });
        let types: Vec<_> = types.collect();
        (types.len() == 4).then_some(types)
    });
    // A worker that had polled with an activity at hand would have started both first.
    let (started, completed) = ("ActivityTaskStarted", "ActivityTaskCompleted");
    assert_eq!(types, [started, completed, started, completed]);
}

#[test]
fn a_domain_that_is_not_there_is_waited_for() {
    let swf = Swf::start();
    let args = ["worker.start", "-d", "later", "-t", TASK_LIST];
    let start = |more: &[&str]| {
        let mut command = swf.command(&[&args[..], more].concat());
        Running::start(command.stdin(Stdio::null()))
    };
    let mut workers = [start(&[]), start(&["--one-task"])];
    for worker in &workers {
        let said = worker.says("waits for domain");
        for part in ["\"later\"", "decider.start and standalone"] {
            assert!(said.contains(part), "{said}");
        }
    }
    let mut stopped = start(&[]);
    stopped.says("waits for domain");
    stopped.signal("-TERM");
    assert_eq!(stopped.ends(), 0);
    let domain = json!({"name": "later", "workflowExecutionRetentionPeriodInDays": "1"});
    swf.call("RegisterDomain", domain);
    workers[0].says("takes tasks from task list");
    workers[1].says("takes one task from task list");
    for worker in &mut workers {
        worker.signal("-TERM");
        assert_eq!(worker.ends(), 0);
    }
}

#[test]
fn an_option_says_what_is_logged() {
    let swf = Swf::start();
    swf.worker(&["-l", "DEBUG"]).says("DEBUG");
    // What the Python original calls its levels.
    let worker = swf.worker(&["--log-level", "warning"]);
    worker.says("takes tasks");
}

#[test]
fn a_thread_that_goes_on_takes_the_place_of_a_task() {
    let swf = Swf::start();
    let (first, second) = (Held::new(), Held::new());
    swf.schedule(&[
        ("hold_and_count", first.args()),
        ("hold_and_count", second.args()),
    ]);
    let mut worker = swf.worker(&["-N", "1", "--heartbeat", "1"]);
    first.processes();
    swf.cancel();
    // The answer does not wait for the thread; the next task does.
    swf.event("ActivityTaskCanceled");
    first.let_go();
    second.processes();
    second.let_go();
    assert_eq!(swf.event("ActivityTaskCompleted")["result"], "1");
    worker.signal("-TERM");
    assert_eq!(worker.ends(), 0);
}

#[test]
fn a_stop_waits_for_what_runs() {
    for activity in ["hold", "hold_blocking"] {
        let (swf, held, mut worker) = holding(activity, &[]);
        held.processes();
        worker.signal("-TERM");
        worker.says("SIGTERM: stopping");
        held.let_go();
        assert_eq!(worker.ends(), 0);
        swf.event("ActivityTaskCompleted");
    }
}

#[test]
fn a_stop_fails_what_runs_too_long() {
    for activity in ["hold", "hold_blocking", "hold_program"] {
        let (swf, held, mut worker) = holding(activity, &["--stop-timeout", "1"]);
        held.processes();
        worker.signal("-INT");
        assert_eq!(worker.ends(), 0);
        let failed = swf.event("ActivityTaskFailed");
        let reason = failed["reason"].as_str().unwrap();
        assert!(reason.starts_with("worker is stopping: "), "{reason}");
    }
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let (swf, held, mut worker) = holding("hold", &["--isolation", "process"]);
    let process = held.processes()[0];
    worker.signal("-TERM");
    worker.says("SIGTERM: stopping");
    worker.signal("-TERM");
    assert_eq!(worker.ends(), 0);
    gone(process);
    let failed = swf.event("ActivityTaskFailed");
    let reason = failed["reason"].as_str().unwrap();
    assert!(reason.starts_with("worker is stopping: "), "{reason}");
}

#[test]
fn a_hang_up_starts_it_anew() {
    let swf = Swf::start();
    let mut worker = swf.worker(&[]);
    worker.says("takes tasks");
    worker.signal("-HUP");
    worker.says("SIGHUP: stopping");
    // The same process, that is: it can still be told to stop.
    worker.says("takes tasks");
    swf.schedule(&[("add", json!([1, 2]))]);
    swf.event("ActivityTaskCompleted");
    worker.signal("-TERM");
    assert_eq!(worker.ends(), 0);
}

#[test]
fn an_activity_has_a_process_of_its_own() {
    let (swf, held, worker) = holding("hold", &["--isolation", "process"]);
    let process = held.processes()[0];
    assert_ne!(process, worker.id());
    held.let_go();
    let completed = swf.event("ActivityTaskCompleted");
    assert_eq!(completed["result"], "\"it was let go\"");
    gone(process);
}

#[test]
fn a_process_that_dies_fails_its_activity() {
    let (swf, held, _worker) = holding("hold_blocking", &["--isolation", "process"]);
    let process = held.processes()[0];
    kill("-KILL", process);
    assert_eq!(
        swf.event("ActivityTaskFailed")["reason"],
        format!("process {process} died: exit code -9")
    );
    let swf = Swf::start();
    swf.schedule(&[("leave", json!([3]))]);
    let _worker = swf.worker(&["--isolation", "process"]);
    let reason = swf.event("ActivityTaskFailed")["reason"].clone();
    let reason = reason.as_str().unwrap();
    assert!(reason.ends_with(" died: exit code 3"), "{reason}");
}

#[test]
fn a_sigterm_to_all_its_processes_leaves_the_activities_time() {
    for activity in ["hold", "hold_blocking"] {
        let (swf, held, mut worker) = holding(activity, &["--isolation", "process"]);
        let process = held.processes()[0];
        kill("-TERM", process);
        worker.signal("-TERM");
        worker.says("SIGTERM: stopping");
        held.let_go();
        assert_eq!(worker.ends(), 0);
        let completed = swf.event("ActivityTaskCompleted");
        assert_eq!(completed["result"], "\"it was let go\"");
    }
}

#[test]
fn a_panic_in_a_process_is_the_activity_s_failure() {
    let swf = Swf::start();
    swf.schedule(&[("explode", json!(["now"]))]);
    let _worker = swf.worker(&["--isolation", "process"]);
    let failed = swf.event("ActivityTaskFailed");
    assert_eq!(failed["reason"], "panic: boom: now");
}

#[test]
fn a_cancel_ends_the_process() {
    // The first ends at its await, the second does not look, the third has a process of its own.
    for activity in ["hold", "hold_blocking", "hold_program"] {
        let args = ["--isolation", "process", "--heartbeat", "1"];
        let (swf, held, _worker) = holding(activity, &args);
        let processes = held.processes();
        swf.cancel();
        swf.event("ActivityTaskCanceled");
        processes.into_iter().for_each(gone);
    }
}

#[test]
fn a_timeout_ends_the_process() {
    let limits = json!({"startToCloseTimeout": "1"});
    let args = ["--isolation", "process", "--heartbeat", "1"];
    let (swf, held, worker) = holding_with("hold_blocking", limits, &args);
    let processes = held.processes();
    let timed_out = swf.event("ActivityTaskTimedOut");
    assert_eq!(timed_out["timeoutType"], "START_TO_CLOSE");
    // What it said last went through the worker.
    assert_eq!(timed_out["details"], "\"holding\"");
    processes.into_iter().for_each(gone);
    worker.says("the task is lost");
}

#[test]
fn too_much_memory_ends_the_process() {
    let swf = Swf::start();
    swf.schedule(&[("eat", json!([400]))]);
    let _worker = swf.worker(&["--isolation", "process", "--memory-limit", "200"]);
    let failed = swf.event("ActivityTaskFailed");
    let reason = failed["reason"].as_str().unwrap();
    assert!(
        reason.contains("was killed: it used") && reason.contains("of 200 MiB"),
        "{reason}"
    );
}

#[test]
fn a_worker_that_is_killed_takes_its_processes_along() {
    let (_swf, held, worker) = holding("hold_blocking", &["--isolation", "process"]);
    let process = held.processes()[0];
    worker.signal("-KILL");
    gone(process);
}

#[test]
fn a_program_is_an_activity() {
    let swf = Swf::start();
    swf.schedule(&[("words", json!(["one two three"]))]);
    let _worker = swf.worker(&[]);
    assert_eq!(swf.event("ActivityTaskCompleted")["result"], "3");
}

#[test]
fn a_program_that_fails_says_why() {
    let swf = Swf::start();
    swf.schedule(&[("complain", json!([]))]);
    let _worker = swf.worker(&[]);
    let failed = swf.event("ActivityTaskFailed");
    assert_eq!(failed["reason"], "ProgramError: sh ended with exit code 3");
    let details: Value = serde_json::from_str(failed["details"].as_str().unwrap()).unwrap();
    assert_eq!(details["error_type"], "simpleflow::ProgramError");
    assert_eq!(details["traceback"], json!(["sorry", "so sorry"]));
}

#[test]
fn a_program_that_prints_too_much_fails() {
    let swf = Swf::start();
    swf.schedule(&[("print_much", json!([]))]);
    let _worker = swf.worker(&[]);
    let reason = swf.event("ActivityTaskFailed")["reason"].clone();
    let reason = reason.as_str().unwrap();
    assert!(
        reason.contains("printed more than 262144 bytes"),
        "{reason}"
    );
}

#[test]
fn long_texts_lose_no_answer() {
    let swf = Swf::start();
    swf.schedule(&[("huge", json!([40_000])), ("talk", json!([3_000]))]);
    let worker = swf.worker(&[]);
    let said = worker.says("the heartbeat goes without its details");
    assert!(said.contains("2048") && said.contains("3002"), "{said}");
    assert_eq!(swf.event("ActivityTaskCompleted")["result"], "null");
    let reason = swf.event("ActivityTaskFailed")["reason"].clone();
    let reason = reason.as_str().unwrap();
    assert!(reason.contains("40002 characters of result"), "{reason}");
}

#[test]
fn a_recorded_activity_is_run_here() {
    let swf = Swf::start();
    swf.schedule(&[("add", json!([1, 2])), ("complain", json!([]))]);
    let rerun = |args: &[&str]| {
        let all = [
            "activity.rerun",
            "--domain",
            DOMAIN,
            "--workflow-id",
            "by-hand",
        ];
        run(swf.command(&[&all, args].concat()), "")
    };
    let scheduled = swf.events().into_iter().find_map(|event| {
        let is_it = event["eventType"] == "ActivityTaskScheduled";
        is_it.then(|| event["eventId"].to_string())
    });
    let scheduled = scheduled.expect("it is scheduled");
    for args in [
        &["--activity-id", "activity-0"][..],
        &["--scheduled-id", &scheduled],
        &["--run-id", swf.run_id(), "--activity-id", "activity-0"],
    ] {
        let done = rerun(args);
        assert_eq!((done.code, &*done.stdout), (0, "3\n"), "{}", done.stderr);
    }
    let other = rerun(&["--activity-id", "activity-0", "--input", "[20, 22]"]);
    assert_eq!((other.code, &*other.stdout), (0, "42\n"));
    let failed = rerun(&["--activity-id", "activity-1"]);
    assert_eq!((failed.code, &*failed.stdout), (1, ""));
    assert!(failed.stderr.contains("exit code 3"), "{}", failed.stderr);
    let missing = rerun(&["--activity-id", "activity-9"]);
    assert_eq!(missing.code, 1);
    assert!(missing.stderr.contains("activity-9"), "{}", missing.stderr);
    // Nobody was told.
    let events = swf.events();
    assert!(
        !events
            .iter()
            .any(|event| event["eventType"] == "ActivityTaskStarted")
    );
}

#[test]
fn bad_options_are_named() {
    for (args, named) in [
        (&["-d", "d"][..], "--task-list"),
        (&["-t", "t"], "--domain"),
        (&["-d", "d", "-t", "t", "-N", "0"], "--nb-processes"),
        (
            &["-d", "d", "-t", "t", "--memory-limit", "5"],
            "--isolation process",
        ),
        (&["-d", "d", "--poll-data", "no base64"], "not base64"),
        (&["-d", "d", "--poll-data", "e30="], "PollForActivityTask"),
        (&["-d", "d", "-t", "t", "--isolation", "vm"], "process"),
    ] {
        let mut command = crate::common::command(&[&["worker.start"], args].concat());
        command.env_remove("SWF_DOMAIN");
        let done = run(command, "");
        assert_eq!((done.code, &*done.stdout), (2, ""), "{args:?}");
        assert!(done.stderr.contains(named), "{args:?}: {}", done.stderr);
    }
    let alone = simpleflow(&["activity.execute"]);
    assert_eq!(alone.code, 2);
    assert!(alone.stderr.contains("worker.start"), "{}", alone.stderr);
}
