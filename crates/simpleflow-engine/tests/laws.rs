//! What holds after any commands in any order.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use proptest::prelude::*;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use simpleflow_engine::{Engine, Execution, ExecutionKey, Limits, Settings, State, TaskKind};
use simpleflow_model::operation::{PollForActivityTask, PollForDecisionTask};
use simpleflow_model::{
    DomainName, EventAttributes, Fault, HistoryEvent, RunId, TaskToken, Timestamp,
    WorkflowExecution,
};

/// Something that somebody does. Numbers name workflow ids, activity ids and the like; of a token
/// they say which of those that were handed out ever, so many are late.
#[derive(Clone, Debug)]
enum Command {
    Start(u8),
    Signal(u8),
    RequestCancel(u8),
    Terminate(u8, u8),
    PollDecision(u8, bool),
    RespondDecision(usize, Vec<Decision>, Option<Close>, Override),
    PollActivity,
    RespondActivity(usize, u8),
    Heartbeat(usize),
    Again(TaskKind, usize),
    Lambda(u8),
    Pass(u16),
}

#[derive(Clone, Debug)]
enum Decision {
    Activity(u8, u8),
    CancelActivity(u8),
    Timer(u8, u8),
    CancelTimer(u8),
    Marker,
    Signal(u8),
    RequestCancel(u8),
    Child(u8, u8),
    Lambda(u8),
}

#[derive(Clone, Copy, Debug)]
enum Close {
    Complete,
    Fail,
    Cancel,
    ContinueAsNew,
}

#[derive(Clone, Copy, Debug)]
enum Override {
    None,
    Permanent(u8),
    Temporary(u8, u8),
}

fn close() -> impl Strategy<Value = Option<Close>> {
    prop_oneof![
        6 => Just(None),
        1 => Just(Some(Close::Complete)),
        1 => Just(Some(Close::Fail)),
        1 => Just(Some(Close::Cancel)),
        1 => Just(Some(Close::ContinueAsNew)),
    ]
}

fn list_override() -> impl Strategy<Value = Override> {
    prop_oneof![
        3 => Just(Override::None),
        1 => (0..2u8).prop_map(Override::Permanent),
        1 => (0..2u8, 0..6u8).prop_map(|(list, seconds)| Override::Temporary(list, seconds)),
    ]
}

fn decision() -> impl Strategy<Value = Decision> {
    prop_oneof![
        4 => (0..4u8, 0..6u8).prop_map(|(id, limits)| Decision::Activity(id, limits)),
        1 => (0..4u8).prop_map(Decision::CancelActivity),
        2 => (0..3u8, 0..20u8).prop_map(|(id, seconds)| Decision::Timer(id, seconds)),
        1 => (0..3u8).prop_map(Decision::CancelTimer),
        1 => Just(Decision::Marker),
        1 => (0..4u8).prop_map(Decision::Signal),
        1 => (0..4u8).prop_map(Decision::RequestCancel),
        2 => (0..4u8, 0..3u8).prop_map(|(id, policy)| Decision::Child(id, policy)),
        1 => (0..2u8).prop_map(Decision::Lambda),
    ]
}

fn command() -> impl Strategy<Value = Command> {
    let decisions = prop::collection::vec(decision(), 0..5);
    prop_oneof![
        3 => (0..4u8).prop_map(Command::Start),
        2 => (0..4u8).prop_map(Command::Signal),
        1 => (0..4u8).prop_map(Command::RequestCancel),
        1 => (0..4u8, 0..4u8).prop_map(|(id, policy)| Command::Terminate(id, policy)),
        8 => (0..2u8, any::<bool>()).prop_map(|(list, new)| Command::PollDecision(list, new)),
        8 => (0..4usize, decisions, close(), list_override())
            .prop_map(|(token, d, close, list)| Command::RespondDecision(token, d, close, list)),
        5 => Just(Command::PollActivity),
        4 => (0..6usize, 0..3u8).prop_map(|(token, how)| Command::RespondActivity(token, how)),
        2 => (0..6usize).prop_map(Command::Heartbeat),
        2 => (prop::sample::select(vec![TaskKind::Decision, TaskKind::Activity]), 0..4usize)
            .prop_map(|(kind, token)| Command::Again(kind, token)),
        1 => (0..4u8).prop_map(Command::Lambda),
        4 => (0..60u16).prop_map(Command::Pass),
    ]
}

fn shape<T: DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}

const POLICIES: [&str; 3] = ["TERMINATE", "REQUEST_CANCEL", "ABANDON"];

impl Decision {
    fn json(&self) -> Value {
        let of = |kind: &str, attributes: Value| {
            let mut member = kind.to_owned();
            member.get_mut(..1).unwrap().make_ascii_lowercase();
            json!({ "decisionType": kind, format!("{member}DecisionAttributes"): attributes })
        };
        match self {
            Self::Activity(id, limits) => {
                let mut attributes = json!({
                    "activityId": format!("a{id}"),
                    "activityType": { "name": "activity", "version": "1" },
                    "taskPriority": id.to_string(),
                });
                let limit = ["scheduleToStart", "scheduleToClose", "startToClose"];
                if let Some(limit) = limit.get(usize::from(*limits)) {
                    attributes[format!("{limit}Timeout")] = "9".into();
                } else if *limits == 3 {
                    attributes["heartbeatTimeout"] = "4".into();
                } else if *limits == 4 {
                    attributes["activityType"]["name"] = "unknown".into();
                }
                of("ScheduleActivityTask", attributes)
            }
            Self::CancelActivity(id) => of(
                "RequestCancelActivityTask",
                json!({ "activityId": format!("a{id}") }),
            ),
            Self::Timer(id, seconds) => of(
                "StartTimer",
                json!({
                    "timerId": format!("t{id}"), "startToFireTimeout": seconds.to_string()
                }),
            ),
            Self::CancelTimer(id) => of("CancelTimer", json!({ "timerId": format!("t{id}") })),
            Self::Marker => of("RecordMarker", json!({ "markerName": "m" })),
            Self::Signal(id) => of(
                "SignalExternalWorkflowExecution",
                json!({ "workflowId": format!("w{id}"), "signalName": "s" }),
            ),
            Self::RequestCancel(id) => of(
                "RequestCancelExternalWorkflowExecution",
                json!({ "workflowId": format!("w{id}") }),
            ),
            Self::Child(id, policy) => of(
                "StartChildWorkflowExecution",
                json!({
                    "workflowId": format!("w{id}"),
                    "workflowType": { "name": "workflow", "version": "1" },
                    "childPolicy": POLICIES[usize::from(*policy)],
                }),
            ),
            Self::Lambda(id) => of(
                "ScheduleLambdaFunction",
                json!({ "id": format!("l{id}"), "name": "f" }),
            ),
        }
    }
}

impl Close {
    fn json(self) -> Value {
        let (kind, member) = match self {
            Self::Complete => ("CompleteWorkflowExecution", "completeWorkflowExecution"),
            Self::Fail => ("FailWorkflowExecution", "failWorkflowExecution"),
            Self::Cancel => ("CancelWorkflowExecution", "cancelWorkflowExecution"),
            Self::ContinueAsNew => (
                "ContinueAsNewWorkflowExecution",
                "continueAsNewWorkflowExecution",
            ),
        };
        json!({ "decisionType": kind, format!("{member}DecisionAttributes"): {} })
    }
}

struct World {
    engine: Engine,
    now: Timestamp,
    decision_tokens: Vec<TaskToken>,
    activity_tokens: Vec<TaskToken>,
    /// How long each closed history was when it was seen to be closed.
    closed: HashMap<RunId, usize>,
    /// Histories that the engine need not have in memory, if they are kept.
    kept: BTreeMap<ExecutionKey, (WorkflowExecution, Vec<HistoryEvent>)>,
}

impl World {
    fn new() -> Self {
        Self::with_settings(Settings::default())
    }

    /// A world that keeps what the engine tells, and lets it go of all events.
    fn keeping() -> Self {
        Self::with_settings(Settings {
            record_changes: true,
            record_closes: true,
            ..Settings::default()
        })
    }

    fn with_settings(settings: Settings) -> Self {
        let now = Timestamp::from_millis(1_000_000);
        let limits = Limits {
            history_events: 60,
            open_activities: 3,
            open_children: 2,
            open_executions: 5,
            ..Limits::default()
        };
        let mut engine = Engine::new(Settings { limits, ..settings });
        let domain = json!({ "name": "d", "workflowExecutionRetentionPeriodInDays": "1" });
        engine.register_domain(&shape(domain), now).unwrap();
        let workflow = json!({
            "domain": "d", "name": "workflow", "version": "1",
            "defaultTaskList": { "name": "l0" },
            "defaultTaskStartToCloseTimeout": "40",
            "defaultExecutionStartToCloseTimeout": "300",
            "defaultChildPolicy": "TERMINATE",
            "defaultLambdaRole": "role",
        });
        engine
            .register_workflow_type(&shape(workflow), now)
            .unwrap();
        let activity = json!({
            "domain": "d", "name": "activity", "version": "1",
            "defaultTaskList": { "name": "workers" },
            "defaultTaskScheduleToStartTimeout": "NONE",
            "defaultTaskScheduleToCloseTimeout": "NONE",
            "defaultTaskStartToCloseTimeout": "NONE",
            "defaultTaskHeartbeatTimeout": "NONE",
        });
        engine
            .register_activity_type(&shape(activity), now)
            .unwrap();
        Self {
            engine,
            now,
            decision_tokens: Vec::new(),
            activity_tokens: Vec::new(),
            closed: HashMap::new(),
            kept: BTreeMap::new(),
        }
    }

    /// Keeps what is new, and lets the engine go of all events.
    fn keep(&mut self) {
        for appended in self.engine.take_appended() {
            let execution = self.engine.execution(&appended.run_id).unwrap();
            let new = execution.events_from(appended.first);
            let (_, history) = self
                .kept
                .entry(appended.key)
                .or_insert_with(|| (execution.id().clone(), Vec::new()));
            assert_eq!(appended.first.0 as usize, history.len() + 1);
            history.extend_from_slice(new);
            assert_eq!(appended.last.0 as usize, history.len());
        }
        for removed in self.engine.take_removed() {
            self.kept.remove(&removed.key);
        }
        for key in self.kept.keys() {
            self.engine.release(*key);
        }
    }

    fn load(&mut self, needed: impl IntoIterator<Item = ExecutionKey>) {
        for key in needed {
            let (_, history) = &self.kept[&key];
            assert!(self.engine.load(key, history.clone()));
        }
    }

    fn events(&self) -> usize {
        self.engine
            .executions()
            .map(|execution| execution.history().len())
            .sum()
    }

    /// Tokens are counted from the latest, so that most are of a task that is not over.
    fn token(tokens: &[TaskToken], back: usize) -> Option<TaskToken> {
        tokens.iter().rev().nth(back).cloned()
    }

    fn token_of(&self, kind: TaskKind, back: usize) -> Option<TaskToken> {
        let tokens = match kind {
            TaskKind::Decision => &self.decision_tokens,
            TaskKind::Activity => &self.activity_tokens,
        };
        Self::token(tokens, back)
    }

    fn run(&mut self, command: &Command) -> Result<(), Fault> {
        let now = self.now;
        match command {
            Command::PollDecision(list, _) => {
                let list = json!({ "domain": "d", "taskList": { "name": format!("l{list}") } });
                let poll: PollForDecisionTask = shape(list);
                self.load(self.engine.needed_by_decision_poll(&poll));
            }
            Command::PollActivity => {
                let list = json!({ "domain": "d", "taskList": { "name": "workers" } });
                let poll: PollForActivityTask = shape(list);
                self.load(self.engine.needed_by_activity_poll(&poll));
            }
            Command::Again(kind, token) => {
                if let Some(token) = self.token_of(*kind, *token) {
                    self.load(self.engine.needed_by_task(*kind, &token));
                }
            }
            Command::Lambda(_) => {
                let all: Vec<_> = self.kept.keys().copied().collect();
                self.load(all);
            }
            _ => {}
        }
        let engine = &mut self.engine;
        let execution = |id: &u8| json!({ "domain": "d", "workflowId": format!("w{id}") });
        match command {
            Command::Start(id) => {
                let mut request = execution(id);
                request["workflowType"] = json!({ "name": "workflow", "version": "1" });
                request["tagList"] = json!([format!("tag {}", id % 2)]);
                engine
                    .start_workflow_execution(&shape(request), now)
                    .map(drop)
            }
            Command::Signal(id) => {
                let mut request = execution(id);
                request["signalName"] = "s".into();
                engine.signal_workflow_execution(&shape(request), now)
            }
            Command::RequestCancel(id) => {
                engine.request_cancel_workflow_execution(&shape(execution(id)), now)
            }
            Command::Terminate(id, policy) => {
                let mut request = execution(id);
                if let Some(policy) = POLICIES.get(usize::from(*policy)) {
                    request["childPolicy"] = (*policy).into();
                }
                engine.terminate_workflow_execution(&shape(request), now)
            }
            Command::PollDecision(list, new) => {
                let request = json!({
                    "domain": "d", "taskList": { "name": format!("l{list}") },
                    "startAtPreviousStartedEvent": new,
                });
                let Some(task) = engine.poll_for_decision_task(&shape(request), now)? else {
                    return Ok(());
                };
                let first = match task.previous_started_event_id {
                    Some(previous) if *new && previous.0 > 0 => previous.0,
                    _ => 1,
                };
                let ids: Vec<_> = task.events.iter().map(|event| event.event_id.0).collect();
                let expected: Vec<_> = (first..=task.started_event_id.0).collect();
                assert_eq!(ids, expected);
                self.decision_tokens.push(task.task_token);
                Ok(())
            }
            Command::RespondDecision(token, decisions, close, list) => {
                let Some(token) = Self::token(&self.decision_tokens, *token) else {
                    return Ok(());
                };
                let mut decisions: Vec<_> = decisions.iter().map(Decision::json).collect();
                decisions.extend(close.map(Close::json));
                let mut request = json!({ "taskToken": token, "decisions": decisions });
                if let Override::Permanent(list) | Override::Temporary(list, _) = list {
                    request["taskList"] = json!({ "name": format!("l{list}") });
                }
                if let Override::Temporary(_, seconds) = list {
                    request["taskListScheduleToStartTimeout"] = seconds.to_string().into();
                }
                engine.respond_decision_task_completed(&shape(request), now)
            }
            Command::PollActivity => {
                let request = json!({ "domain": "d", "taskList": { "name": "workers" } });
                let task = engine.poll_for_activity_task(&shape(request), now)?;
                self.activity_tokens
                    .extend(task.map(|task| task.task_token));
                Ok(())
            }
            Command::RespondActivity(token, how) => {
                let Some(token) = Self::token(&self.activity_tokens, *token) else {
                    return Ok(());
                };
                let request = json!({ "taskToken": token });
                match how {
                    0 => engine.respond_activity_task_completed(&shape(request), now),
                    1 => engine.respond_activity_task_failed(&shape(request), now),
                    _ => engine.respond_activity_task_canceled(&shape(request), now),
                }
            }
            Command::Heartbeat(token) => {
                let Some(token) = Self::token(&self.activity_tokens, *token) else {
                    return Ok(());
                };
                engine
                    .record_activity_task_heartbeat(&shape(json!({ "taskToken": token })), now)
                    .map(drop)
            }
            Command::Again(kind, token) => {
                let Some(token) = self.token_of(*kind, *token) else {
                    return Ok(());
                };
                let engine = &mut self.engine;
                let is_open = engine.is_handed_out(*kind, &token);
                let request = json!({ "domain": "d", "taskList": { "name": "any" } });
                let again = match kind {
                    TaskKind::Decision => {
                        let task = engine.decision_task_again(&shape(request), &token, now);
                        task.map(|task| {
                            let ids = task.events.iter().map(|event| event.event_id.0);
                            let expected = 1..=task.started_event_id.0;
                            assert!(ids.eq(expected));
                            task.task_token
                        })
                    }
                    TaskKind::Activity => {
                        let task = engine.activity_task_again(&shape(request), &token, now);
                        task.map(|task| task.task_token)
                    }
                };
                assert_eq!(again.as_ref().ok(), is_open.then_some(&token));
                again.map(drop)
            }
            Command::Lambda(how) => {
                let Some(function) = engine.scheduled_lambda_functions().next() else {
                    return Ok(());
                };
                let (run_id, id) = (function.execution.run_id, function.scheduled_event_id);
                if *how == 0 {
                    return engine.start_lambda_function_failed(&run_id, id, "no", now);
                }
                engine.lambda_function_started(&run_id, id, now)?;
                // The start may have been one event too many.
                match how {
                    1 => drop(engine.lambda_function_completed(&run_id, id, None, now)),
                    2 => drop(engine.lambda_function_failed(&run_id, id, None, None, now)),
                    _ => {}
                }
                Ok(())
            }
            Command::Pass(seconds) => {
                let micros = i64::from(*seconds) * 1_000_000;
                self.now = Timestamp::from_micros(now.as_micros() + micros);
                self.engine.advance(self.now);
                Ok(())
            }
        }
    }

    fn check(&mut self) {
        let mut open = BTreeSet::new();
        let mut waiting_activities = 0;
        let mut details = Vec::new();
        for execution in self.engine.executions() {
            let recount = Recount::of(execution);
            assert_eq!(State::replay(execution.history()), *execution.state());
            assert!(
                execution.history().len() <= 61,
                "one event may end a full history"
            );
            if execution.state().is_open() {
                let id = execution.id().workflow_id.clone();
                assert!(open.insert(id), "two open executions have one id");
                waiting_activities += recount.activities.values().filter(|s| !**s).count();
            }
            details.push((execution.id().clone(), recount));
        }
        for (id, recount) in details {
            let length = recount.length;
            if recount.closed {
                let before = *self.closed.entry(id.run_id.clone()).or_insert(length);
                assert_eq!(before, length, "a closed history has grown");
            }
            let request = json!({ "domain": "d", "execution": id });
            let detail = self
                .engine
                .describe_workflow_execution(&shape(request), self.now)
                .unwrap();
            let counts = detail.open_counts;
            assert_eq!(
                counts.open_activity_tasks as usize,
                recount.activities.len()
            );
            assert_eq!(counts.open_timers as usize, recount.timers.len());
            assert_eq!(
                counts.open_child_workflow_executions as usize,
                recount.children.len()
            );
            assert_eq!(
                counts.open_lambda_functions,
                Some(recount.lambdas.len() as u32)
            );
            if !recount.closed {
                let decisions = recount.scheduled || recount.started;
                assert_eq!(counts.open_decision_tasks, u32::from(decisions));
            }
        }
        let pending = json!({ "domain": "d", "taskList": { "name": "workers" } });
        let pending = self
            .engine
            .count_pending_activity_tasks(&shape(pending), self.now)
            .unwrap();
        assert_eq!(pending.count as usize, waiting_activities);
        let count = json!({ "domain": "d", "startTimeFilter": { "oldestDate": 0 } });
        let count = self
            .engine
            .count_open_workflow_executions(&shape(count), self.now)
            .unwrap();
        assert_eq!(count.count as usize, open.len());
        assert!(self.engine.next_deadline().is_none_or(|due| due > self.now));
    }
}

/// What a history has open, counted without the engine's own state.
#[derive(Debug, Default)]
struct Recount {
    length: usize,
    closed: bool,
    scheduled: bool,
    started: bool,
    /// Whether each open activity task is started.
    activities: BTreeMap<i64, bool>,
    timers: BTreeSet<i64>,
    children: BTreeSet<i64>,
    lambdas: BTreeSet<i64>,
}

impl Recount {
    fn of(execution: &Execution) -> Self {
        use EventAttributes as E;
        let mut open = Self::default();
        let mut last = Timestamp::from_micros(0);
        for event in execution.history() {
            assert!(!open.closed, "something was appended to a closed history");
            open.length += 1;
            assert_eq!(event.event_id.0 as usize, open.length, "ids are dense");
            assert!(event.event_timestamp >= last, "time went back");
            last = event.event_timestamp;
            let id = event.event_id.0;
            match &event.attributes {
                E::WorkflowExecutionStarted(_) => assert_eq!(id, 1),
                E::WorkflowExecutionCompleted(_)
                | E::WorkflowExecutionFailed(_)
                | E::WorkflowExecutionCanceled(_)
                | E::WorkflowExecutionTerminated(_)
                | E::WorkflowExecutionTimedOut(_)
                | E::WorkflowExecutionContinuedAsNew(_) => open.closed = true,
                E::DecisionTaskScheduled(_) => {
                    assert!(!open.scheduled, "two decision tasks are scheduled");
                    open.scheduled = true;
                }
                E::DecisionTaskStarted(_) => {
                    assert!(
                        open.scheduled && !open.started,
                        "two decision tasks are started"
                    );
                    (open.scheduled, open.started) = (false, true);
                }
                E::DecisionTaskCompleted(_) => open.started = false,
                E::DecisionTaskTimedOut(a) if a.started_event_id.0 == 0 => open.scheduled = false,
                E::DecisionTaskTimedOut(_) => open.started = false,
                E::ActivityTaskScheduled(_) => drop(open.activities.insert(id, false)),
                E::ActivityTaskStarted(a) => {
                    let before = open.activities.insert(a.scheduled_event_id.0, true);
                    assert_eq!(before, Some(false));
                }
                E::ActivityTaskCompleted(a) => open.end_activity(a.scheduled_event_id.0),
                E::ActivityTaskFailed(a) => open.end_activity(a.scheduled_event_id.0),
                E::ActivityTaskTimedOut(a) => open.end_activity(a.scheduled_event_id.0),
                E::ActivityTaskCanceled(a) => open.end_activity(a.scheduled_event_id.0),
                E::TimerStarted(_) => assert!(open.timers.insert(id)),
                E::TimerFired(a) => assert!(open.timers.remove(&a.started_event_id.0)),
                E::TimerCanceled(a) => assert!(open.timers.remove(&a.started_event_id.0)),
                E::StartChildWorkflowExecutionInitiated(_) => assert!(open.children.insert(id)),
                E::StartChildWorkflowExecutionFailed(a) => {
                    let known = open.children.remove(&a.initiated_event_id.0);
                    assert_eq!(known, a.initiated_event_id.0 != 0);
                }
                E::ChildWorkflowExecutionCompleted(a) => open.end_child(a.initiated_event_id.0),
                E::ChildWorkflowExecutionFailed(a) => open.end_child(a.initiated_event_id.0),
                E::ChildWorkflowExecutionCanceled(a) => open.end_child(a.initiated_event_id.0),
                E::ChildWorkflowExecutionTimedOut(a) => open.end_child(a.initiated_event_id.0),
                E::ChildWorkflowExecutionTerminated(a) => open.end_child(a.initiated_event_id.0),
                E::LambdaFunctionScheduled(_) => assert!(open.lambdas.insert(id)),
                E::LambdaFunctionCompleted(a) => open.end_lambda(a.scheduled_event_id.0),
                E::LambdaFunctionFailed(a) => open.end_lambda(a.scheduled_event_id.0),
                E::LambdaFunctionTimedOut(a) => open.end_lambda(a.scheduled_event_id.0),
                E::StartLambdaFunctionFailed(a) => {
                    open.end_lambda(a.scheduled_event_id.unwrap().0);
                }
                _ => {}
            }
        }
        if !open.closed {
            let state = execution.state().decision_tasks();
            assert_eq!(state, (open.scheduled, open.started));
        }
        open
    }

    fn end_activity(&mut self, scheduled: i64) {
        assert!(self.activities.remove(&scheduled).is_some());
    }

    fn end_child(&mut self, initiated: i64) {
        assert!(self.children.remove(&initiated));
    }

    fn end_lambda(&mut self, scheduled: i64) {
        assert!(self.lambdas.remove(&scheduled));
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 300,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn the_laws_hold_after_any_commands(commands in prop::collection::vec(command(), 1..120)) {
        let mut world = World::new();
        for command in &commands {
            world.engine.advance(world.now);
            let before = world.events();
            if world.run(command).is_err() {
                prop_assert_eq!(world.events(), before, "a refused command did something");
            }
            world.engine.advance(world.now);
            world.check();
        }
    }

    #[test]
    fn the_same_commands_give_the_same_histories(
        commands in prop::collection::vec(command(), 1..60),
    ) {
        let histories = || {
            let mut world = World::new();
            for command in &commands {
                let _ = world.run(command);
            }
            let all = world.engine.executions();
            let all = all.map(|e| (e.id().run_id.clone(), e.history().to_vec()));
            all.collect::<HashMap<_, _>>()
        };
        prop_assert_eq!(histories(), histories());
    }

    #[test]
    fn histories_need_not_be_in_memory(commands in prop::collection::vec(command(), 1..80)) {
        let (mut whole, mut keeping) = (World::new(), World::keeping());
        for command in &commands {
            for world in [&mut whole, &mut keeping] {
                world.engine.advance(world.now);
            }
            prop_assert_eq!(whole.run(command), keeping.run(command));
            keeping.keep();
        }
        let histories: HashMap<_, _> = keeping
            .kept
            .values()
            .map(|(id, history)| (id.run_id.clone(), history.clone()))
            .collect();
        for execution in whole.engine.executions() {
            let kept = histories.get(&execution.id().run_id);
            prop_assert_eq!(kept.map(Vec::as_slice), Some(execution.history()));
        }
        prop_assert_eq!(histories.len(), whole.engine.executions().count());
        // What is kept is enough to go on.
        let mut again = World::new();
        let domain = DomainName::from("d");
        for (key, (id, history)) in keeping.kept {
            again.engine.restore(key, &domain, id, history).unwrap();
        }
        for heartbeat in keeping.engine.take_heartbeats() {
            again.engine.restore_heartbeat(heartbeat);
        }
        prop_assert_eq!(again.engine.next_deadline(), whole.engine.next_deadline());
        for execution in whole.engine.executions() {
            let restored = again.engine.execution(&execution.id().run_id).unwrap();
            prop_assert_eq!(restored.state(), execution.state());
        }
    }
}
