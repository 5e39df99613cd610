//! What deciders bear: faults of the service, and workflows that do what they should not.

use std::sync::Mutex;

use simpleflow::model::operation::DescribeDomain;
use simpleflow::model::{Fault, FaultKind};
use simpleflow::prelude::*;
use simpleflow_server::{Embedded, Storage};
use simpleflow_service::table::{
    GetWorkflowExecutionHistory, History, PollForDecisionTask, RespondDecisionTaskCompleted,
};
use simpleflow_service::{ServiceError, SwfService as _};

use crate::tapped::{Tap, Tapped};
use crate::world::*;

/// Faults at each so manieth call of an operation.
#[derive(Default)]
struct Stormy {
    polls: Mutex<usize>,
    pages: Mutex<usize>,
    histories: Mutex<usize>,
    answers: Mutex<usize>,
    answered: Mutex<usize>,
}

fn every(
    n: usize,
    count: &Mutex<usize>,
    error: impl Fn() -> ServiceError,
) -> Result<(), ServiceError> {
    let mut count = count.lock().unwrap();
    *count += 1;
    match *count % n {
        0 => Err(error()),
        _ => Ok(()),
    }
}

fn expired() -> ServiceError {
    let message = "Specified token has exceeded its maximum lifetime";
    Fault::new(FaultKind::Validation, message).into()
}

impl Tap for Stormy {
    fn poll(&self, request: &mut PollForDecisionTask) -> Result<(), ServiceError> {
        request.maximum_page_size = Some(5);
        match request.next_page_token {
            Some(_) => every(7, &self.pages, expired),
            None => every(10, &self.polls, || ServiceError::Throttled("slowly".into())),
        }
    }

    fn history(&self, request: &mut GetWorkflowExecutionHistory) -> Result<(), ServiceError> {
        request.maximum_page_size = Some(5);
        match request.next_page_token {
            Some(_) => every(23, &self.histories, expired),
            None => Ok(()),
        }
    }

    fn respond(&self, _: &mut RespondDecisionTaskCompleted) -> Result<(), ServiceError> {
        every(11, &self.answers, || {
            ServiceError::Internal("not now".into())
        })
    }

    async fn responded(&self) -> Result<(), ServiceError> {
        // It was carried out; the decider does not learn of it.
        every(9, &self.answered, || {
            ServiceError::Connection("reset".into())
        })
    }
}

#[tokio::test]
async fn faults_of_the_service_change_no_result() {
    let world = World::new().await;
    for (kept, sticky) in [(100, true), (0, true), (0, false)] {
        let service = Tapped::new(&world.service, Stormy::default());
        let deciders = deciders(&service, 3).keep(kept, usize::MAX).sticky(sticky);
        let running = Running::start(deciders);
        let mut executions = Vec::new();
        for n in 0..8 {
            let id = format!("steps-{n}-{kept}-{sticky}");
            executions.push((n, world.start::<Steps>(&id, n).await));
        }
        for (n, execution) in executions {
            let (_, result) = world.result::<Steps>(&execution).await;
            assert_eq!(result, Steps::expected(n).to_string());
        }
        let tap = &service.tap;
        assert!(*tap.answered.lock().unwrap() >= 9 && *tap.answers.lock().unwrap() >= 11);
        let tokens = match (kept, sticky) {
            (0, true) => *tap.histories.lock().unwrap() / 23,
            (0, false) => *tap.pages.lock().unwrap() / 7,
            _ => 1,
        };
        assert!(tokens > 0, "no token expired");
        running.stop().await;
    }
}

/// Gives no history but by itself, and its last events only each third time.
#[derive(Default)]
struct Late {
    read: Mutex<usize>,
}

impl Tap for Late {
    fn poll(&self, request: &mut PollForDecisionTask) -> Result<(), ServiceError> {
        request.maximum_page_size = Some(1);
        match request.next_page_token {
            Some(_) => Err(expired()),
            None => Ok(()),
        }
    }

    fn page(&self, page: &mut History) {
        let mut read = self.read.lock().unwrap();
        *read += 1;
        if !read.is_multiple_of(3) {
            let most = page.events.len().saturating_sub(4);
            page.events.truncate(most);
        }
    }
}

#[tokio::test]
async fn a_history_that_is_late_is_waited_for() {
    let world = World::new().await;
    let service = Tapped::new(&world.service, Late::default());
    let running = Running::start(deciders(&service, 1).keep(0, 0).sticky(false));
    let execution = world.start::<Steps>("late", 2).await;
    let (history, result) = world.result::<Steps>(&execution).await;
    assert_eq!(result, Steps::expected(2).to_string());
    let types = types(&history);
    let count = |name| types.iter().filter(|is| **is == name).count();
    // Nothing was decided twice, nor given up.
    assert_eq!(count("ActivityTaskScheduled"), 4, "{types:#?}");
    assert_eq!(count("ScheduleActivityTaskFailed"), 0, "{types:#?}");
    assert_eq!(count("DecisionTaskTimedOut"), 0, "{types:#?}");
    assert!(*service.tap.read.lock().unwrap() >= 6);
    running.stop().await;
}

/// Panics when it is dropped before its end.
#[workflow]
struct PanickingDrop {
    n: i64,
}

struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("dropped");
    }
}

impl Workflow for PanickingDrop {
    type Output = i64;

    async fn run(self, flow: Flow) -> Result<i64> {
        let bomb = Bomb;
        let x = flow.wait_signal::<i64>("go").await?;
        std::mem::forget(bomb);
        Ok(self.n + x)
    }
}

/// Panics at its first poll.
#[workflow]
struct Panics {
    n: i64,
}

impl Workflow for Panics {
    type Output = i64;

    async fn run(self, _flow: Flow) -> Result<i64> {
        panic!("no {}", self.n)
    }
}

#[tokio::test]
async fn a_workflow_that_panics_takes_nobody_with_it() {
    let world = World::new().await;
    // All that is kept is dropped at once.
    let running = Running::start(deciders(&world.service, 1).keep(0, 0));
    let dropped = world.start::<PanickingDrop>("drop", 1).await;
    let panics = world.start::<Panics>("panics", 1).await;
    let steps = world.start::<Steps>("steps", 4).await;
    let (_, result) = world.result::<Steps>(&steps).await;
    assert_eq!(result, Steps::expected(4).to_string());
    let is_failed = |history: &[_]| types(history).last() == Some(&"WorkflowExecutionFailed");
    world.until(&panics, "the failure", is_failed).await;
    world
        .until(&dropped, "the first decision", |history| {
            overrides(history).len() == 1
        })
        .await;
    world.signal(&dropped, 1).await;
    let (_, result) = world.result::<PanickingDrop>(&dropped).await;
    assert_eq!(result, "2");
    running.stop().await;
}

#[tokio::test]
async fn a_domain_that_is_not_there_is_registered() {
    let embedded = Embedded::open(Storage::Memory).await.unwrap();
    let service = embedded.service();
    let running = Running::start(deciders(&service, 2).register_domain());
    let registered = async {
        let request = DescribeDomain {
            name: DOMAIN.into(),
            ..DescribeDomain::default()
        };
        while service.describe_domain(request.clone()).await.is_err() {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    };
    let waited = tokio::time::timeout(PATIENCE, registered).await;
    waited.expect("the domain is registered");
    running.stop().await;
    embedded.stop().await.unwrap();
}
