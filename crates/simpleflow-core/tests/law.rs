//! The law of the replayer, on random workflows and random histories: the decisions are a function
//! of code and history, in however many pieces the history comes; a history replays without
//! divergence; and one that says something else does not.

// The macros write `simpleflow`, where users have all of it.
extern crate simpleflow_core as simpleflow;

mod common;

use common::*;
use futures::future::{Either, LocalBoxFuture, join, join_all, select};
use futures::stream::{FuturesUnordered, StreamExt as _};
use proptest::prelude::*;
use serde_json::Value;
use simpleflow_core::replay::{Decisions, Limits, Replayer};
use simpleflow_core::testing::{Decided, HistoryBuilder, replay};
use simpleflow_core::{
    Chain, EventKind, FuncGroup, Group, Lambda, RunContext, Step, WorkflowEntry,
};
use simpleflow_model::enums::ActivityTaskTimeoutType;
use simpleflow_model::{Decision, HistoryEvent};

/// A workflow that does what its numbers say.
#[workflow(name = "random")]
struct Random {
    code: Vec<u16>,
}

impl Workflow for Random {
    type Output = i64;

    async fn run(self, flow: Flow) -> Result<i64> {
        interpret(&flow, &self.code, 0).await
    }
}

#[workflow(name = "child", retry = 1)]
struct Child {
    x: i64,
}

impl Workflow for Child {
    type Output = i64;

    async fn run(self, _flow: Flow) -> Result<i64> {
        Ok(self.x)
    }
}

/// Two steps that are undone together.
async fn trip(flow: Flow, x: i64) -> Result<i64> {
    flow.saga(async |saga| {
        let first = saga.submit(inc(x));
        saga.undo(slow(&first));
        saga.undo_with(async move |flow| {
            flow.submit(inc(x)).await?;
            Ok(())
        });
        let second = saga.submit(retried(x)).await?;
        Ok(second + first.await?)
    })
    .await
}

/// The input of a signal that is sent on, which no code sends.
const SENT_ON: &str = r#"{"args":[5],"kwargs":{},"__propagate":true}"#;

const OPERATIONS: u16 = 41;

fn interpret<'a>(flow: &'a Flow, code: &'a [u16], depth: u8) -> LocalBoxFuture<'a, Result<i64>> {
    Box::pin(async move {
        let mut sum = 0;
        let mut tasks: Vec<Future<i64>> = Vec::new();
        let mut timers: Vec<Future<()>> = Vec::new();
        let mut scopes = vec![flow.scope()];
        let mut signals: Vec<Future<()>> = Vec::new();
        let value = |result: std::result::Result<i64, TaskError>| match result {
            Ok(x) => x,
            Err(error) => -i64::from(error.attempt()),
        };
        let mut rest = code.iter();
        while let Some(byte) = rest.next() {
            let argument = usize::from(byte / OPERATIONS);
            let x = argument as i64;
            let chosen = argument
                .checked_rem(tasks.len())
                .map(|index| tasks[index].clone());
            match (byte % OPERATIONS, chosen) {
                (0, _) => tasks.push(flow.submit(inc(x))),
                (1, Some(task)) => tasks.push(flow.submit(inc(&task))),
                (2, _) => tasks.push(flow.submit(retried(x))),
                (3, _) => tasks.push(flow.submit(once(x % 3))),
                (4, Some(task)) => tasks.push(flow.submit(once(&task))),
                (5, Some(task)) => sum += value(task.await),
                (6, Some(task)) => {
                    let pair = [&task, &tasks[tasks.len() - 1]];
                    let winner = flow.wait_any(&pair).await;
                    sum += winner as i64;
                    if argument % 2 == 1 {
                        pair[1 - winner].cancel();
                    }
                }
                (7, _) => {
                    let all = join_all(tasks.iter().cloned()).await;
                    sum += all.into_iter().map(value).sum::<i64>();
                }
                (8, _) => timers.push(flow.sleep(secs(x as u64))),
                (9, Some(task)) => match select(task, flow.sleep(secs(1))).await {
                    Either::Left((result, timer)) => {
                        timer.cancel();
                        sum += value(result);
                    }
                    Either::Right((_, task)) => task.cancel(),
                },
                (10, _) => {
                    let signal = flow.wait_signal::<i64>(if x % 2 == 0 { "a" } else { "b" });
                    match select(signal, flow.sleep(secs(2))).await {
                        Either::Left((signal, _)) => sum += value(signal),
                        Either::Right(_) => sum -= 1,
                    }
                }
                (11, Some(task)) => task.cancel(),
                (12, _) => {
                    if let Some(timer) = timers.pop() {
                        timer.cancel();
                    }
                }
                (13, _) => tasks.push(flow.submit(Child { x })),
                (14, _) => flow.record_marker("m", x),
                (15, _) => {
                    let patched = flow.patched(if x % 2 == 0 { "p" } else { "q" });
                    tasks.extend(patched.then(|| flow.submit(inc(90))));
                }
                (16, _) => {
                    tasks.extend(flow.random::<bool>().then(|| flow.submit(slow(x))));
                }
                (17, _) => {
                    let mut any: FuturesUnordered<_> = tasks.iter().cloned().collect();
                    if let Some(result) = any.next().await {
                        sum += value(result);
                    }
                }
                (18, _) => {
                    let even = flow.now().as_micros() / 1_000_000 % 2 == 0;
                    tasks.extend(even.then(|| flow.submit(slow(x))));
                }
                (19, _) if depth < 2 => {
                    let rest = rest.as_slice();
                    let (left, right) = rest.split_at(rest.len() / 2);
                    let both = join(
                        interpret(flow, left, depth + 1),
                        interpret(flow, right, depth + 1),
                    );
                    let (left, right) = both.await;
                    return Ok(sum + left? * 3 + right?);
                }
                (24, chosen) => {
                    let signal = Signal::new("a", x + 10).propagate(argument % 2 == 0);
                    let signal = match (argument % 3, chosen) {
                        (0, Some(task)) => signal.to_child(&task),
                        (1, _) => signal.to("other"),
                        _ => signal,
                    };
                    signals.push(flow.submit(signal));
                }
                (25, _) => match signals.pop() {
                    Some(signal) if argument % 3 == 0 => signal.cancel(),
                    Some(signal) => sum += i64::from(signal.await.is_ok()),
                    None => {}
                },
                (26, _) => {
                    let mut stream = flow.signals::<i64>("a");
                    let next = stream.next();
                    match select(std::pin::pin!(next), flow.sleep(secs(2))).await {
                        Either::Left((signal, _)) => sum += value(signal),
                        Either::Right(_) => sum -= 1,
                    }
                }
                (27, Some(task)) => match flow.timeout(task, secs(x as u64)).await {
                    Ok(result) => sum += value(result),
                    Err(_) => sum -= 2,
                },
                (28, _) => sum += flow.record(|| x * 5 + 1).unwrap(),
                (29, _) => {
                    let markers = flow.list_markers().len() + flow.list_all_markers().len();
                    let signal = flow.get_event_details(EventKind::Signal, "a");
                    let known = markers % 2 == 1 || signal.is_some();
                    tasks.extend(known.then(|| flow.submit(slow(x))));
                }
                (30, _) => {
                    let lambda = Lambda::new("f").input(x).retry(argument as u32 % 2);
                    let lambda = match argument % 3 {
                        0 => lambda.id(format!("own-{x}")),
                        _ => lambda,
                    };
                    tasks.push(flow.submit(lambda));
                }
                (39, Some(task)) => {
                    task.started().await;
                    tasks.push(flow.submit(slow(x)));
                }
                (40, _) => {
                    let steps = flow.steps();
                    match argument % 6 {
                        5 => steps.add_forced_steps([format!("s{}", x % 3)], "now"),
                        4 => steps.add_skipped_steps(["s1"], None),
                        3 => drop(steps.get_steps_done()),
                        _ => {
                            let step =
                                Step::new(format!("s{}", x % 3), canvas(&mut rest, argument, 0))
                                    .bubbles_error_on_failure(argument % 2 == 0)
                                    .activities_if_step_already_done(inc(x))
                                    .force_steps_if_executed(["s2"]);
                            let step = flow.submit(step);
                            tasks.push(flow.spawn(async move {
                                Ok(step.await?.completed().map_or(-5, |list| list.len() as i64))
                            }));
                        }
                    }
                }
                (20, _) if x == 7 => tasks.push(flow.submit(vital(x))),
                (21, _) if depth < 2 => {
                    let code: Vec<_> = rest.by_ref().take(argument).copied().collect();
                    let inner = flow.clone();
                    tasks.push(flow.spawn(async move {
                        let sum = interpret(&inner, &code, depth + 1).await?;
                        Ok(inner.submit(inc(sum)).await?)
                    }));
                }
                (23, _) => {
                    let canvas = flow.submit(canvas(&mut rest, argument, 0));
                    if x % 4 == 3 {
                        let (flow, canvas) = (flow.clone(), canvas.clone());
                        flow.clone().spawn(async move {
                            flow.sleep(secs(1)).await?;
                            canvas.cancel();
                            Ok(())
                        });
                    }
                    tasks.push(flow.spawn(async move { Ok(canvas.await?.len() as i64) }));
                }
                (22, Some(task)) => {
                    let inner = flow.clone();
                    tasks.push(flow.spawn(async move {
                        let x = task.await?;
                        Ok(inner.submit(inc(x)).await? + x)
                    }));
                }
                (31, _) if x == 5 => return flow.continue_as_new(Random { code: vec![7] }),
                (32, _) => {
                    let outer = &scopes[argument % scopes.len()];
                    scopes.push(match x % 3 {
                        0 => outer.shielded_scope(),
                        _ => outer.scope(),
                    });
                }
                (33, _) => {
                    let scope = &scopes[argument % scopes.len()];
                    tasks.push(match x % 5 {
                        0 => scope.submit(Child { x }),
                        1 => scope.submit(once(x % 3)),
                        2 => scope.submit(retried(x)),
                        3 => scope.submit(slow(x).id(format!("own-{}", x % 2))),
                        _ => scope.submit(inc(x)),
                    });
                    timers.push(scope.sleep(secs(x as u64)));
                }
                (34, _) => {
                    let scope = &scopes[argument % scopes.len()];
                    scope.cancel();
                    if x % 2 == 0 {
                        scope.done().await;
                    }
                }
                (35, Some(task)) => match select(task, flow.cancel_requested()).await {
                    Either::Left((result, _)) => sum += value(result),
                    Either::Right(_) if x % 2 == 0 => return Err(Error::cancelled()),
                    Either::Right((_, task)) => task.cancel(),
                },
                (36, _) => match x % 3 {
                    0 => sum += trip(flow.clone(), x).await.unwrap_or(-7),
                    1 => {
                        let scope = &scopes[argument % scopes.len()];
                        tasks.push(scope.spawn(trip(Flow::clone(scope), x)));
                    }
                    _ => match flow.timeout(trip(flow.clone(), x), secs(5)).await {
                        Ok(trip) => sum += trip.unwrap_or(-7),
                        Err(_) => sum += 1,
                    },
                },
                (37, _) => tasks.push(flow.submit(polite(x))),
                (38, _) => {
                    let mut turn = argument;
                    let inside = flow.clone();
                    flow.on_task_failure(move |failure| {
                        turn += 1;
                        match turn % 8 {
                            0 => FailureDecision::abort(),
                            1 => FailureDecision::ignore(failure.attempt()),
                            2 => FailureDecision::retry_now(),
                            3 => FailureDecision::retry_later(secs(x as u64)),
                            4 => FailureDecision::cancel(),
                            5 => FailureDecision::handled(),
                            6 => {
                                inside.submit(slow(x));
                                FailureDecision::none()
                            }
                            _ => FailureDecision::none(),
                        }
                    });
                }
                _ => {}
            }
        }
        if !code.len().is_multiple_of(3) {
            let all = join_all(tasks.iter().cloned()).await;
            sum += all.into_iter().map(value).sum::<i64>();
        }
        Ok(sum)
    })
}

/// A canvas that is what the next operations say.
fn canvas(rest: &mut std::slice::Iter<'_, u16>, size: usize, depth: u8) -> FuncGroup<Vec<Value>> {
    let raises = |x: i64| match x % 8 {
        1 | 5 => Some(false),
        3 => Some(true),
        _ => None,
    };
    let mut group = Group::new().max_parallel(size % 3);
    let mut chain = Chain::new().break_on_failure(size.is_multiple_of(2));
    for byte in rest.by_ref().take(size).copied().collect::<Vec<_>>() {
        let x = i64::from(byte / OPERATIONS);
        (group, chain) = match byte % 8 {
            0 => (group.append(retried(x)), chain.append(retried(x))),
            1 => (group.append(Child { x }), chain.append(Child { x })),
            2 => (group.append(once(x)), chain.append(once(x))),
            3 => {
                let nap = |flow: &Flow| flow.sleep(secs(1));
                (
                    group.append(FuncGroup::new(nap)),
                    chain.append(FuncGroup::new(nap)),
                )
            }
            4 => {
                let sends = || {
                    Chain::send_result(inc(x))
                        .then(retried)
                        .then(|x| [inc(x), slow(x)].into_iter().collect::<Group<_>>())
                };
                (group.append(sends()), chain.append(sends().last()))
            }
            5 => (
                group.bubbles_error_on_failure(x % 2 == 0),
                chain.bubbles_error_on_failure(x % 3 == 0),
            ),
            _ if depth < 3 => {
                let inner = canvas(rest, x as usize, depth + 1);
                match x % 2 {
                    0 => (group.append(inner), chain),
                    _ => (group, chain.append(inner)),
                }
            }
            _ => (group.append(inc(x)), chain.append(inc(x))),
        };
        if let Some(raises) = raises(x) {
            (group, chain) = (
                group.raises_on_failure(raises),
                chain.raises_on_failure(raises),
            );
        }
    }
    match size % 5 {
        0 | 1 => FuncGroup::new(move |_| group),
        2 | 3 => FuncGroup::new(move |_| chain),
        _ => FuncGroup::new(move |_| group.append(chain)),
    }
}

/// The choices of a case, which go on as zeros: the dull choice.
struct Luck<'a>(std::slice::Iter<'a, u8>);

impl Luck<'_> {
    fn of(&mut self, choices: usize) -> usize {
        match choices {
            0 => 0,
            choices => usize::from(*self.0.next().unwrap_or(&0)) % choices,
        }
    }

    /// True once in so many times.
    fn strikes(&mut self, times: usize) -> bool {
        self.of(times) == times - 1
    }
}

fn run() -> RunContext {
    RunContext {
        domain_name: "test".into(),
        workflow_id: "workflow".into(),
        run_id: "run".into(),
        ..RunContext::default()
    }
}

fn replayer(limits: Limits) -> Replayer {
    Replayer::new(WorkflowEntry::of::<Random>(), run(), limits)
}

fn at_once(events: &[HistoryEvent], limits: Limits) -> Decisions {
    let replay = replay::<Random>(events).limits(limits);
    replay
        .decisions()
        .unwrap_or_else(|error| panic!("{error}\n{}", told(events)))
}

fn in_pieces(
    replayer: &mut Replayer,
    mut events: &[HistoryEvent],
    luck: &mut Luck<'_>,
) -> Decisions {
    while !events.is_empty() {
        let (piece, rest) = events.split_at(1 + luck.of(events.len()));
        replayer.feed(piece.to_vec()).unwrap();
        events = rest;
    }
    replayer
        .decisions()
        .unwrap_or_else(|error| panic!("{error}"))
}

fn told(events: &[HistoryEvent]) -> String {
    events
        .iter()
        .map(|event| format!("{:>4} {}\n", event.event_id.0, event.event_type()))
        .collect()
}

/// Plays the service until the execution is closed. At each decision, a decider that kept the
/// code and one that replays everything must agree.
fn play(code: &[u16], luck: &mut Luck<'_>, limits: Limits) -> HistoryBuilder {
    let input = serde_json::json!([code]).to_string();
    let mut history = HistoryBuilder::new().started(input);
    let mut kept = replayer(limits);
    let mut answer = None;
    let mut steps = 0;
    while !history.is_closed() {
        steps += 1;
        if answer.is_none() && history.wants_decision() && !luck.strikes(3) {
            history = history.decision_started();
            let known = kept.last_event_id().0 as usize;
            let decisions = in_pieces(&mut kept, &history.events()[known..], luck);
            assert_eq!(
                decisions,
                at_once(history.events(), limits),
                "{}",
                told(history.events())
            );
            kept.take_missing_types();
            answer = Some(decisions);
        } else if let Some(decisions) = answer.take_if(|_| !luck.strikes(3)) {
            history = match luck.strikes(12) {
                true => history.decision_timed_out(),
                false => history.decided_as(received(decisions, luck)),
            };
        } else {
            history = happen(history, luck, steps);
        }
    }
    history
}

/// What the service makes of an answer: some of it may be refused.
fn received(answer: Decisions, luck: &mut Luck<'_>) -> Decided {
    let context = answer.execution_context;
    let decided = answer
        .decisions
        .into_iter()
        .fold(Decided::default(), |decided, decision| {
            let cause = match (&decision, luck.of(24)) {
                (Decision::ScheduleActivityTask(_), 23) => Some("ACTIVITY_CREATION_RATE_EXCEEDED"),
                (Decision::ScheduleActivityTask(_), 22) => Some("ACTIVITY_TYPE_DOES_NOT_EXIST"),
                (Decision::ScheduleActivityTask(_), 21) => Some("ACTIVITY_TYPE_DEPRECATED"),
                (Decision::StartTimer(_), 23) => Some("TIMER_CREATION_RATE_EXCEEDED"),
                (Decision::StartTimer(_), 22) => Some("OPERATION_NOT_PERMITTED"),
                (Decision::StartChildWorkflowExecution(_), 23) => {
                    Some("CHILD_CREATION_RATE_EXCEEDED")
                }
                (Decision::StartChildWorkflowExecution(_), 22) => {
                    Some("WORKFLOW_TYPE_DOES_NOT_EXIST")
                }
                (Decision::ContinueAsNewWorkflowExecution(_), 23) => {
                    Some("CONTINUE_AS_NEW_WORKFLOW_EXECUTION_RATE_EXCEEDED")
                }
                (Decision::ContinueAsNewWorkflowExecution(_), 22) => {
                    Some("WORKFLOW_TYPE_DOES_NOT_EXIST")
                }
                (Decision::ContinueAsNewWorkflowExecution(_), 21) => {
                    Some("WORKFLOW_TYPE_DEPRECATED")
                }
                (Decision::ScheduleLambdaFunction(_), 23) => {
                    Some("LAMBDA_FUNCTION_CREATION_RATE_EXCEEDED")
                }
                (Decision::ScheduleLambdaFunction(_), 22) => {
                    Some("LAMBDA_SERVICE_NOT_AVAILABLE_IN_REGION")
                }
                (Decision::SignalExternalWorkflowExecution(_), 23) => {
                    Some("SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_RATE_EXCEEDED")
                }
                (Decision::SignalExternalWorkflowExecution(_), 22) => {
                    Some("UNKNOWN_EXTERNAL_WORKFLOW_EXECUTION")
                }
                (Decision::RequestCancelExternalWorkflowExecution(_), 23) => {
                    Some("REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION_RATE_EXCEEDED")
                }
                _ => None,
            };
            let decided = decided.decide(decision);
            match cause {
                Some(cause) => decided.refused(cause),
                None => decided,
            }
        });
    match context {
        Some(context) => decided.execution_context(context),
        None => decided,
    }
}

/// One thing happens.
fn happen(history: HistoryBuilder, luck: &mut Luck<'_>, steps: usize) -> HistoryBuilder {
    enum Thing {
        Activity(String, bool, bool),
        Timer(String),
        Child(String, bool),
        Signal(String),
        Lambda(String, bool),
    }
    let cancelled: Vec<_> = history.cancelled_activities().collect();
    let mut things: Vec<_> = history
        .open_activities()
        .map(|(id, started)| Thing::Activity(id.to_string(), started, cancelled.contains(&id)))
        .collect();
    things.extend(history.open_timers().map(|id| Thing::Timer(id.to_string())));
    things.extend(
        history
            .open_children()
            .map(|(id, started)| Thing::Child(id.to_string(), started)),
    );
    let lambdas = history.open_lambda_functions();
    things.extend(lambdas.map(|(id, started)| Thing::Lambda(id.to_string(), started)));
    let signals = history.signals_under_way();
    things.extend(signals.map(|id| Thing::Signal(id.to_string())));
    if steps > 600 {
        return history.terminated();
    }
    if steps > 400 {
        return history.cancel_requested();
    }
    if things.is_empty() || luck.strikes(12) {
        return match luck.of(60) {
            59 => history.cancel_requested(),
            58 => history.signaled("a", SENT_ON),
            n => history.signaled(if n % 2 == 0 { "a" } else { "b" }, n.to_string()),
        };
    }
    match things.swap_remove(luck.of(things.len())) {
        Thing::Timer(id) => history.timer_fired(&id),
        Thing::Lambda(id, started) => match luck.of(8) {
            7 => history.lambda_failed(&id, "no", "{}"),
            6 => history.lambda_timed_out(&id),
            5 if !started => history.lambda_not_started(&id, "ASSUME_ROLE_FAILED", "no"),
            4 if !started => history.lambda_started(&id),
            n => history.lambda_completed(&id, n.to_string()),
        },
        Thing::Signal(id) => match luck.of(6) {
            5 => history.signal_not_delivered(&id, "UNKNOWN_EXTERNAL_WORKFLOW_EXECUTION"),
            4 => {
                let rate = "SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_RATE_EXCEEDED";
                history.signal_not_delivered(&id, rate)
            }
            _ => history.signal_delivered(&id),
        },
        Thing::Activity(id, started, cancelled) => match luck.of(10) {
            9 => history.activity_timed_out(&id, ActivityTaskTimeoutType::StartToClose),
            8 if !started => {
                history.activity_timed_out(&id, ActivityTaskTimeoutType::ScheduleToStart)
            }
            7 => history.activity_failed(&id, "Error: no", "{}"),
            6 if !started => history.activity_started(&id),
            _ if cancelled => history.activity_canceled(&id),
            n if id.contains("GetStepsDone") => {
                let done = ["[]", "[\"s0\"]", "[\"s0\",\"s1\"]"][n % 3];
                history.activity_completed(&id, done)
            }
            _ if id.contains("MarkStepDone") => history.activity_completed(&id, "null"),
            n => history.activity_completed(&id, n.to_string()),
        },
        Thing::Child(id, started) => match luck.of(10) {
            9 => history.child_failed(&id, "no"),
            8 => history.child_terminated(&id),
            7 => history.child_canceled(&id),
            6 if !started => history.child_started(&id),
            5 if !started => history.child_not_started(&id, "OPEN_CHILDREN_LIMIT_EXCEEDED"),
            4 if !started => history.child_not_started(&id, "WORKFLOW_ALREADY_RUNNING"),
            n => history.child_completed(&id, n.to_string()),
        },
    }
}

/// Programs that submit more than they wait, so that there is something to wait for.
fn code() -> impl Strategy<Value = Vec<u16>> {
    let operation = prop_oneof![
        4 => prop::sample::select(vec![0_u16, 1, 2, 3, 4, 13]),
        2 => prop::sample::select(vec![5, 6, 7, 9, 10, 17]),
        1 => prop::sample::select(vec![24, 25, 26, 27, 28, 29, 30, 39, 40]),
        1 => prop::sample::select(vec![11, 12]),
        2 => prop::sample::select(vec![21, 22, 23]),
        2 => 0..OPERATIONS,
    ];
    let byte =
        (operation, 0..12_u16).prop_map(|(operation, argument)| operation + OPERATIONS * argument);
    prop::collection::vec(byte, 0..32)
}

fn choices(most: usize) -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), 0..most)
}

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config(400))]

    #[test]
    fn the_decisions_do_not_depend_on_the_pieces(
        code in code(),
        luck in choices(300),
        cuts in choices(60),
        small in any::<bool>(),
    ) {
        let limits = match small {
            true => Limits {
                decisions: 4,
                decision_bytes: 1_000,
                open_activities: 3,
                open_timers: 2,
                ..Limits::default()
            },
            false => Limits::default(),
        };
        let history = play(&code, &mut Luck(luck.iter()), limits);
        let events = history.events();
        let mut cuts = Luck(cuts.iter());
        // The whole, and what there was of it at some time.
        in_pieces(&mut replayer(limits), events, &mut cuts);
        let decisions: Vec<_> = (1..=events.len())
            .filter(|end| events[end - 1].event_type() == "DecisionTaskStarted")
            .collect();
        let then = &events[..decisions[cuts.of(decisions.len())]];
        prop_assert_eq!(
            in_pieces(&mut replayer(limits), then, &mut cuts),
            at_once(then, limits)
        );
    }

    #[test]
    fn a_history_that_says_something_else_is_detected(
        code in code(),
        luck in choices(300),
        place in any::<prop::sample::Index>(),
        drop in any::<bool>(),
    ) {
        let history = play(&code, &mut Luck(luck.iter()), Limits::default()).build();
        let decided: Vec<_> = (0..history.len()).filter(|&index| is_decision(&history[index]) && !is_beside_sent_on(&history, index)).collect();
        prop_assume!(!decided.is_empty());
        let index = decided[place.index(decided.len())];
        let mutated = match drop {
            false => renamed(&history, index),
            true => None,
        };
        let mutated = mutated.unwrap_or_else(|| without(&history, index));
        let text = told(&mutated);
        prop_assert!(
            replay::<Random>(mutated).check().is_err(),
            "not detected: {:?}\n{}", history[index], text
        );
    }
}

/// Whether an event records a decision of the code. Without its marker, a patch was not there: that
/// is another history, not a wrong one.
fn is_decision(event: &HistoryEvent) -> bool {
    let event = serde_json::to_value(event).unwrap();
    let follow_ups = [
        "RequestCancelExternalWorkflowExecutionFailed",
        "SignalExternalWorkflowExecutionFailed",
    ];
    let is_follow_up = follow_ups.iter().any(|name| event["eventType"] == *name)
        || event["startChildWorkflowExecutionFailedEventAttributes"]["initiatedEventId"]
            .as_i64()
            .is_some_and(|initiated| initiated > 0);
    let input = event["signalExternalWorkflowExecutionInitiatedEventAttributes"]["input"].as_str();
    let is_sent_on = input == Some(SENT_ON);
    let is_patch = event["markerRecordedEventAttributes"]["markerName"] == "simpleflow.patch";
    event
        .to_string()
        .contains("\"decisionTaskCompletedEventId\"")
        && !is_follow_up
        && !is_patch
        && !is_sent_on
}

/// Whether the decider did nothing else in that decision but to send a signal on. Without this one
/// it is the original, which does so before anything else.
fn is_beside_sent_on(history: &[HistoryEvent], index: usize) -> bool {
    let completed = |event: &HistoryEvent| {
        let mut event = serde_json::to_value(event).unwrap();
        attributes(&mut event)
            .get("decisionTaskCompletedEventId")
            .cloned()
    };
    let of = completed(&history[index]);
    let mut beside = (0..history.len())
        .filter(|&other| other != index && completed(&history[other]) == of)
        .map(|other| &history[other])
        .peekable();
    beside.peek().is_some() && beside.all(|event| !is_decision(event))
}

fn attributes(event: &mut Value) -> &mut serde_json::Map<String, Value> {
    let members = event.as_object_mut().unwrap();
    members.values_mut().find_map(Value::as_object_mut).unwrap()
}

/// The same history, in which the decision of an event was about something else.
fn renamed(history: &[HistoryEvent], index: usize) -> Option<Vec<HistoryEvent>> {
    let mut event = serde_json::to_value(&history[index]).unwrap();
    let names = ["activityId", "timerId", "workflowId", "id", "details"];
    let is_close = event["eventType"]
        .as_str()
        .unwrap()
        .contains("WorkflowExecutionFailed")
        && !event["eventType"]
            .as_str()
            .unwrap()
            .starts_with("StartChild");
    let attributes = attributes(&mut event);
    let name = names
        .into_iter()
        .find(|name| attributes.contains_key(*name))?;
    if is_close {
        return None;
    }
    attributes.insert(name.to_owned(), "another".into());
    let mut history = history.to_vec();
    history[index] = serde_json::from_value(event).unwrap();
    Some(history)
}

/// The same history, in which the decision of an event was not made, nor what became of it.
fn without(history: &[HistoryEvent], index: usize) -> Vec<HistoryEvent> {
    const OF: [&str; 3] = ["scheduledEventId", "startedEventId", "initiatedEventId"];
    let mut kept: Vec<Value> = Vec::new();
    let mut new_ids = std::collections::HashMap::new();
    for (place, event) in history.iter().enumerate() {
        let mut event = serde_json::to_value(event).unwrap();
        let old = event["eventId"].as_i64().unwrap();
        let members = attributes(&mut event);
        let lost =
            |name: &str, id: i64| OF.contains(&name) && id != 0 && !new_ids.contains_key(&id);
        let is_lost = members
            .iter()
            .any(|(name, id)| id.as_i64().is_some_and(|id| lost(name, id)));
        if place == index || is_lost {
            continue;
        }
        for (name, id) in members
            .iter_mut()
            .filter(|(name, _)| name.ends_with("EventId"))
        {
            let old = id.as_i64().unwrap();
            *id = new_ids
                .get(&old)
                .copied()
                .unwrap_or_else(|| {
                    assert!(old == 0 || name.starts_with("latest"), "{name}");
                    0
                })
                .into();
        }
        let new = kept.len() as i64 + 1;
        new_ids.insert(old, new);
        event["eventId"] = new.into();
        kept.push(event);
    }
    kept.into_iter()
        .map(|event| serde_json::from_value(event).unwrap())
        .collect()
}
