//! Task lists of deciders: on the wire, without them, and when their decider is gone.

use std::sync::Mutex;

use simpleflow::Registry;
use simpleflow::model::enums::DecisionTaskTimeoutType;
use simpleflow::model::{Decision, EventAttributes, TaskListName, Timeout, Timestamp};
use simpleflow_executor::{Decider, Deciders, Stop};
use simpleflow_server::EmbeddedService;
use simpleflow_service::table::{
    GetWorkflowExecutionHistory, PollForDecisionTask, RespondDecisionTaskCompleted,
};
use simpleflow_service::{ServiceError, SwfService as _};
use tokio::sync::watch;

use crate::tapped::{Tap, Tapped};
use crate::world::*;

/// How a pool is set up.
type Setting = fn(Deciders<EmbeddedService>) -> Deciders<EmbeddedService>;

#[tokio::test]
async fn results_are_the_same_whatever_is_kept() {
    let settings: &[(&str, usize, Setting)] = &[
        ("sticky", 3, |d| d),
        ("one kept", 3, |d| d.keep(1, usize::MAX)),
        ("none kept", 3, |d| d.keep(0, usize::MAX)),
        ("few bytes kept", 3, |d| d.keep(usize::MAX, 3_000)),
        ("not sticky", 3, |d| d.sticky(false)),
        ("alone", 1, |d| d.sticky(false)),
        ("alone, none kept", 1, |d| d.sticky(false).keep(0, 0)),
    ];
    for (name, pollers, setting) in settings {
        let world = World::new().await;
        let running = Running::start(setting(deciders(&world.service, *pollers)));
        let mut executions = Vec::new();
        for n in 0..12 {
            executions.push((n, world.start::<Steps>(&format!("steps-{n}"), n).await));
        }
        for (n, execution) in executions {
            let (history, result) = world.result::<Steps>(&execution).await;
            assert_eq!(result, Steps::expected(n).to_string(), "{name}");
            let sticky = pollers == &3 && *name != "not sticky";
            for (list, limit) in overrides(&history) {
                assert_eq!(list.is_some(), sticky, "{name}");
                assert_eq!(limit, sticky.then_some(Timeout::Seconds(10)), "{name}");
            }
        }
        running.stop().await;
    }
}

#[tokio::test]
async fn decision_tasks_come_back_on_the_list_of_their_decider() {
    let world = World::new().await;
    let running = Running::start(deciders(&world.service, 3));
    let execution = world.start::<Steps>("steps", 5).await;
    let (history, _) = world.result::<Steps>(&execution).await;
    let lists: Vec<_> = history
        .iter()
        .filter_map(|event| match &event.attributes {
            EventAttributes::DecisionTaskScheduled(a) => Some(a.task_list.name.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(lists[0], SHARED);
    assert!(lists[1].starts_with("sticky-"), "{lists:?}");
    assert!(lists[1..].iter().all(|list| *list == lists[1]), "{lists:?}");
    running.stop().await;
}

/// Counts what is read in full, and polls on own lists.
#[derive(Default)]
struct Counts {
    histories: Mutex<usize>,
}

impl Tap for Counts {
    fn history(&self, _: &mut GetWorkflowExecutionHistory) -> Result<(), ServiceError> {
        *self.histories.lock().unwrap() += 1;
        Ok(())
    }
}

#[tokio::test]
async fn what_is_kept_is_not_read_again() {
    let world = World::new().await;
    for (kept, expected) in [(10, 0), (0, 10)] {
        let service = Tapped::new(&world.service, Counts::default());
        let running = Running::start(deciders(&service, 3).keep(kept, usize::MAX));
        let execution = world.start::<Signals>(&format!("signals-{kept}"), 10).await;
        for signal in 0..10 {
            world
                .until(&execution, "the signals are decided on", |history| {
                    overrides(history).len() == signal + 1
                })
                .await;
            world.signal(&execution, 1).await;
        }
        let (_, result) = world.result::<Signals>(&execution).await;
        assert_eq!(result, "10");
        assert_eq!(*service.tap.histories.lock().unwrap(), expected);
        running.stop().await;
    }
}

/// Tells a decider that it is answered only once the next answer has come, and counts what is read in
/// full.
#[derive(Default)]
struct Late {
    answers: watch::Sender<usize>,
    counts: Counts,
}

impl Tap for Late {
    fn history(&self, request: &mut GetWorkflowExecutionHistory) -> Result<(), ServiceError> {
        self.counts.history(request)
    }

    fn respond(&self, request: &mut RespondDecisionTaskCompleted) -> Result<(), ServiceError> {
        let decisions = request.decisions.as_deref().unwrap_or_default();
        let last = matches!(decisions, [Decision::CompleteWorkflowExecution(_)]);
        // Nothing comes after the last.
        self.answers
            .send_modify(|answers| *answers += if last { 1_000 } else { 1 });
        Ok(())
    }

    async fn responded(&self) -> Result<(), ServiceError> {
        let mut answers = self.answers.subscribe();
        let own = *answers.borrow_and_update();
        let next = answers.wait_for(|answers| own >= 1_000 || *answers > own);
        next.await.expect("the sender is here");
        Ok(())
    }
}

#[tokio::test]
async fn a_task_that_comes_before_the_word_that_the_last_is_answered_needs_no_history() {
    let world = World::new().await;
    let service = Tapped::new(&world.service, Late::default());
    let decider = Decider::new(service.clone(), DOMAIN.into(), Registry::linked());
    let execution = world.start::<Steps>("late", 5).await;
    let (lists, stop) = ([SHARED.into(), SHARED.into()], Stop::new());
    let (_, result) = tokio::select! {
        () = decider.run(&lists, &stop) => panic!("nobody stopped it"),
        result = world.result::<Steps>(&execution) => result,
    };
    assert_eq!(result, Steps::expected(5).to_string());
    assert_eq!(*service.tap.counts.histories.lock().unwrap(), 0);
}

#[tokio::test]
async fn what_is_kept_of_a_task_that_was_lost_is_not_used() {
    let world = World::new().await;
    let service = Tapped::new(&world.service, Counts::default());
    let decider = Decider::new(service.clone(), DOMAIN.into(), Registry::linked());
    let list = SHARED.into();
    for (id, lost) in [("kept", false), ("lost", true)] {
        let execution = world.start::<Signals>(id, 1).await;
        let task = async || {
            let poll = service.poll_for_decision_task(decider.poll_request(&list));
            poll.await.unwrap().expect("a task")
        };
        decider.decide(task().await, &list).await.unwrap();
        world.signal(&execution, 1).await;
        let mut next = task().await;
        if lost {
            // As if another task had the number of the first, after a failure of the service.
            next.events[0].event_timestamp = Timestamp::default();
        }
        decider.decide(next, &list).await.unwrap();
        let (_, result) = world.result::<Signals>(&execution).await;
        assert_eq!(result, "1");
        let read = std::mem::take(&mut *service.tap.histories.lock().unwrap());
        assert_eq!(read, usize::from(lost), "{id}");
    }
}

#[tokio::test]
async fn the_tasks_of_a_decider_that_is_gone_go_to_another() {
    let world = World::new().await;
    let gone = Running::start(deciders(&world.service, 1).sticky_timeout(1));
    let execution = world.start::<Signals>("signals", 2).await;
    let history = world
        .until(&execution, "the first decision", |history| {
            overrides(history).len() == 1
        })
        .await;
    let first = overrides(&history)[0].0.clone().unwrap();
    // Nothing is at hand: what it keeps is left where it is.
    gone.stop().await;
    let running = Running::start(deciders(&world.service, 1).sticky_timeout(1));
    world.signal(&execution, 1).await;
    let history = world
        .until(&execution, "the second decision", |history| {
            overrides(history).len() == 2
        })
        .await;
    let second = overrides(&history)[1].0.clone().unwrap();
    assert_ne!(first, second);
    world.signal(&execution, 2).await;
    let (history, result) = world.result::<Signals>(&execution).await;
    assert_eq!(result, "3");
    let timed_out = history.iter().find_map(|event| match &event.attributes {
        EventAttributes::DecisionTaskTimedOut(a) => Some(&a.timeout_type),
        _ => None,
    });
    assert_eq!(timed_out, Some(&DecisionTaskTimeoutType::ScheduleToStart));
    running.stop().await;
}

/// A service that knows nothing of task lists of deciders.
#[derive(Default)]
struct Ignores {
    polled: Mutex<Vec<TaskListName>>,
    asked_for: Mutex<Vec<bool>>,
}

impl Tap for Ignores {
    fn poll(&self, request: &mut PollForDecisionTask) -> Result<(), ServiceError> {
        request.start_at_previous_started_event = None;
        let mut polled = self.polled.lock().unwrap();
        polled.push(request.task_list.name.clone());
        Ok(())
    }

    fn respond(&self, request: &mut RespondDecisionTaskCompleted) -> Result<(), ServiceError> {
        request.task_list_schedule_to_start_timeout = None;
        let list = request.task_list.take();
        self.asked_for.lock().unwrap().push(list.is_some());
        Ok(())
    }
}

#[tokio::test]
async fn where_the_service_ignores_them_there_are_none() {
    let world = World::new().await;
    let service = Tapped::new(&world.service, Ignores::default());
    let running = Running::start(deciders(&service, 2));
    let mut executions = Vec::new();
    for n in 0..10 {
        executions.push((n, world.start::<Steps>(&format!("steps-{n}"), n).await));
    }
    for (n, execution) in executions {
        let (_, result) = world.result::<Steps>(&execution).await;
        assert_eq!(result, Steps::expected(n).to_string());
    }
    // By now it is known, so this one is decided on without.
    let execution = world.start::<Steps>("steps", 3).await;
    service.tap.asked_for.lock().unwrap().clear();
    world.result::<Steps>(&execution).await;
    let asked_for = service.tap.asked_for.lock().unwrap().clone();
    assert!(
        !asked_for.is_empty() && !asked_for.contains(&true),
        "{asked_for:?}"
    );
    let polled = service.tap.polled.lock().unwrap().clone();
    let own = polled.iter().filter(|list| ***list != *SHARED).count();
    assert_eq!(own, 2, "each own list is polled once");
    running.stop().await;
}
