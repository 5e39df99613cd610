use std::cell::RefCell;
use std::ops::RangeInclusive;
use std::sync::LazyLock;

use simpleflow_engine::{ClosedSelection, Entry};
use simpleflow_model::HistoryEvent;
use simpleflow_model::types::WorkflowExecutionInfo;
use tokio::runtime::Runtime;
use tokio::sync::oneshot::error::TryRecvError;

use super::*;
use crate::clock::ManualClock;
use crate::connection::tests::connected;
use crate::store::{self, ClosedRun, Kept, Location, StoreError, Writer};

/// Nothing is read back: the events stay in memory.
pub(super) struct NoReader;

impl Reader for NoReader {
    fn another(&self) -> Result<Box<dyn Reader>, StoreError> {
        Ok(Box::new(Self))
    }

    fn open(&self, _: &mut dyn FnMut(Kept) -> Result<(), StoreError>) -> Result<(), StoreError> {
        Ok(())
    }

    fn history(&self, _: RunKey) -> Result<Vec<HistoryEvent>, StoreError> {
        Ok(Vec::new())
    }

    fn events(&self, _: RunKey, _: RangeInclusive<i64>) -> Result<Vec<HistoryEvent>, StoreError> {
        Ok(Vec::new())
    }

    fn closed(
        &self,
        _: RegionId,
        _: &DomainName,
        _: &RunId,
    ) -> Result<Option<ClosedRun>, StoreError> {
        Ok(None)
    }

    fn list_closed(
        &self,
        _: RegionId,
        _: &ClosedSelection,
        _: usize,
    ) -> Result<Vec<(Entry, WorkflowExecutionInfo)>, StoreError> {
        Ok(Vec::new())
    }

    fn count_closed(
        &self,
        _: RegionId,
        _: &ClosedSelection,
        _: usize,
    ) -> Result<(usize, bool), StoreError> {
        Ok((0, false))
    }
}

/// A client that does not hang up.
pub(super) fn peer() -> Peer {
    static CLIENT: LazyLock<(Runtime, std::net::TcpStream, Peer)> = LazyLock::new(|| {
        let runtime = Runtime::new().unwrap();
        let _context = runtime.enter();
        let (client, peer) = connected();
        (runtime, client, peer)
    });
    CLIENT.2.clone()
}

/// A core whose keeper is the test.
struct Stage {
    core: Core,
    /// What is written goes nowhere without it.
    writer: Option<RefCell<Box<dyn Writer>>>,
}

impl Stage {
    fn new() -> Self {
        Self::with(Box::new(NoReader), None, Clock::default())
    }

    fn with(reader: Box<dyn Reader>, writer: Option<Box<dyn Writer>>, clock: Clock) -> Self {
        let disk = Disk {
            archive: Archive::start(reader.another().unwrap()).unwrap(),
            reader,
        };
        let stage = Self {
            core: Core::new(Regions::new(true), Some(disk), clock),
            writer: writer.map(RefCell::new),
        };
        // What fell due while nothing ran comes first.
        assert!(matches!(stage.core.work(), Some(Work::Expire(..))));
        for (operation, body) in [
            (
                "RegisterDomain",
                r#"{"name":"d","workflowExecutionRetentionPeriodInDays":"1"}"#,
            ),
            (
                "RegisterWorkflowType",
                r#"{"domain":"d","name":"w","version":"1","defaultTaskList":{"name":"l"},
                    "defaultTaskStartToCloseTimeout":"60","defaultChildPolicy":"ABANDON",
                    "defaultExecutionStartToCloseTimeout":"60"}"#,
            ),
        ] {
            stage.answer(operation, body);
        }
        stage
    }

    fn call(&self, operation: &str, body: &str) -> oneshot::Receiver<Response> {
        let (to, response) = oneshot::channel();
        self.call_for(Reply::new(to, Asker::Remote(peer())), operation, body);
        response
    }

    fn call_for(&self, reply: Reply, operation: &str, body: &str) -> PollId {
        let call = self.prepare(reply, operation, body);
        let id = call.id;
        self.core.call(call);
        id
    }

    fn prepare(&self, reply: Reply, operation: &str, body: &str) -> Call {
        Call {
            region: "us-east-1".into(),
            request: Request::parse(operation, body.as_bytes()).unwrap(),
            id: self.core.poll_id(),
            reply,
        }
    }

    fn batch(&self) -> Batch {
        match self.core.work() {
            Some(Work::Write(batch)) => batch,
            _ => panic!("there is nothing to write"),
        }
    }

    /// Has everything written.
    fn flush(&self) {
        while self.core.lock().has_changes() {
            let batch = self.batch();
            if let Some(writer) = &self.writer {
                writer.borrow_mut().commit(&batch.changes).unwrap();
            }
            self.core.written(batch.told, Duration::ZERO);
        }
        self.core.settle(self.core.lock());
    }

    /// Has a decider in this process ask for something.
    fn call_as(&self, asker: Asker, operation: &str, body: &str) -> oneshot::Receiver<Response> {
        let (to, response) = oneshot::channel();
        self.call_for(Reply::new(to, asker), operation, body);
        response
    }

    fn call_early(&self, operation: &str, body: &str) -> oneshot::Receiver<Response> {
        self.call_as(Asker::InProcess, operation, body)
    }

    fn answer(&self, operation: &str, body: &str) -> serde_json::Value {
        let mut response = self.call(operation, body);
        self.flush();
        json(response.try_recv().unwrap())
    }

    fn start(&self) {
        let request =
            r#"{"domain":"d","workflowId":"w","workflowType":{"name":"w","version":"1"}}"#;
        self.answer("StartWorkflowExecution", request);
    }
}

const POLL: &str = r#"{"domain":"d","taskList":{"name":"l"}}"#;

fn json(response: Response) -> serde_json::Value {
    match response {
        Ok(answer) => serde_json::from_slice(&answer.to_json().unwrap()).unwrap_or_default(),
        Err(failure) => panic!("{failure:?}"),
    }
}

#[test]
fn a_task_that_nobody_takes_goes_to_the_next_poll() {
    let stage = Stage::new();
    stage.start();
    // The task is started, and then the client goes.
    drop(stage.call("PollForDecisionTask", POLL));
    stage.flush();
    let task = stage.answer("PollForDecisionTask", POLL);
    assert_eq!(task["startedEventId"], 3);
    // It is not handed out again.
    let mut waiting = stage.call("PollForDecisionTask", POLL);
    stage.flush();
    assert!(waiting.try_recv().is_err());
}

#[test]
fn a_task_that_nobody_takes_goes_to_a_poll_that_waits() {
    let stage = Stage::new();
    let gone = stage.call("PollForDecisionTask", POLL);
    let mut waiting = stage.call("PollForDecisionTask", POLL);
    // The first gets the task, and goes before it has it.
    let request = r#"{"domain":"d","workflowId":"w","workflowType":{"name":"w","version":"1"}}"#;
    let started = stage.call("StartWorkflowExecution", request);
    drop(gone);
    stage.flush();
    let task = json(waiting.try_recv().unwrap());
    assert_eq!(task["startedEventId"], 3);
    drop(started);
}

#[test]
fn a_task_that_is_over_is_not_handed_out_again() {
    let stage = Stage::new();
    stage.start();
    drop(stage.call("PollForDecisionTask", POLL));
    stage.flush();
    stage.answer(
        "TerminateWorkflowExecution",
        r#"{"domain":"d","workflowId":"w"}"#,
    );
    let mut waiting = stage.call("PollForDecisionTask", POLL);
    stage.flush();
    assert!(waiting.try_recv().is_err());
}

#[test]
fn a_task_that_comes_back_is_handed_out_as_the_new_poll_asks_for_it() {
    let stage = Stage::new();
    stage.start();
    let asked = r#"{"domain":"d","taskList":{"name":"l"},"reverseOrder":true,"maximumPageSize":1}"#;
    drop(stage.call("PollForDecisionTask", asked));
    stage.flush();
    // A poll that is refused leaves it for the next.
    let refused = r#"{"domain":"d","taskList":{"name":"l"},"maximumPageSize":5000}"#;
    let mut refused = stage.call("PollForDecisionTask", refused);
    stage.flush();
    let Ok(Err(Failure::Fault(fault))) = refused.try_recv() else {
        panic!("not refused");
    };
    assert_eq!(fault.kind, FaultKind::Validation);
    let task = stage.answer("PollForDecisionTask", POLL);
    let ids: Vec<_> = task["events"].as_array().unwrap().iter().collect();
    let ids: Vec<_> = ids.iter().map(|event| &event["eventId"]).collect();
    assert_eq!(ids, [1, 2, 3]);
    let answer = format!(r#"{{"taskToken":{}}}"#, task["taskToken"]);
    stage.answer("RespondDecisionTaskCompleted", &answer);
}

#[test]
fn a_task_that_comes_back_has_its_events_read_again() {
    let dir = tempfile::tempdir().unwrap();
    let place = Location {
        dir: dir.path().to_owned(),
        relaxed: true,
    };
    let (writer, reader) = store::open(&place).unwrap();
    let stage = Stage::with(reader, Some(writer), Clock::default());
    stage.start();
    drop(stage.call("PollForDecisionTask", POLL));
    stage.flush();
    {
        let mut state = stage.core.lock();
        let engine = &mut state.regions.as_mut().unwrap().get_mut(0).unwrap().engine;
        let run = RunKey {
            region: 0,
            run: simpleflow_engine::ExecutionKey(1),
        };
        engine.release(run.run);
        assert!(
            engine
                .execution_by_key(run.run)
                .unwrap()
                .history()
                .is_empty()
        );
        state.held.forget(run);
    }
    let task = stage.answer("PollForDecisionTask", POLL);
    assert_eq!(task["events"].as_array().unwrap().len(), 3);
}

#[test]
fn tasks_that_come_back_and_are_over_are_dropped() {
    let stage = Stage::new();
    let mut most = 0;
    for number in 0..200 {
        let list = format!(r#""taskList":{{"name":"l{number}"}}"#);
        let start = format!(
            r#"{{"domain":"d","workflowId":"w","workflowType":{{"name":"w","version":"1"}},{list}}}"#
        );
        stage.answer("StartWorkflowExecution", &start);
        drop(stage.call(
            "PollForDecisionTask",
            &format!(r#"{{"domain":"d",{list}}}"#),
        ));
        stage.flush();
        let terminate = r#"{"domain":"d","workflowId":"w"}"#;
        stage.answer("TerminateWorkflowExecution", terminate);
        most = most.max(stage.core.lock().returned.len());
    }
    assert_eq!(most, 63, "one more, and they are looked through");
}

#[test]
fn a_poll_that_is_gone_is_forgotten() {
    let stage = Stage::new();
    let (to, poll) = oneshot::channel();
    let id = stage.call_for(
        Reply::new(to, Asker::Remote(peer())),
        "PollForDecisionTask",
        POLL,
    );
    assert_eq!(stage.core.lock().polls.len(), 1);
    drop(poll);
    stage.core.forget(id);
    assert_eq!(stage.core.lock().polls.len(), 0);
    stage.start();
    assert_eq!(
        stage.answer("PollForDecisionTask", POLL)["startedEventId"],
        3
    );
}

#[test]
fn there_is_a_limit_of_polls() {
    let stage = Stage::new();
    let waiting: Vec<_> = (0..MAXIMUM_POLLS)
        .map(|_| stage.call("PollForDecisionTask", POLL))
        .collect();
    let mut refused = stage.call("PollForDecisionTask", POLL);
    stage.flush();
    let Err(Failure::Fault(fault)) = refused.try_recv().unwrap() else {
        panic!("not refused");
    };
    assert_eq!(fault.kind, FaultKind::LimitExceeded);
    drop(waiting);
}

#[test]
fn naming_a_region_does_not_make_it() {
    let stage = Stage::new();
    let since = r#"{"oldestDate":0}"#;
    let list = format!(r#"{{"domain":"d","closeTimeFilter":{since}}}"#);
    for (number, (operation, body)) in [
        ("DescribeDomain", r#"{"name":"d"}"#),
        ("ListClosedWorkflowExecutions", &list),
        ("CountClosedWorkflowExecutions", &list),
    ]
    .into_iter()
    .enumerate()
    {
        let (to, mut response) = oneshot::channel();
        let call = Call {
            region: format!("nowhere-{number}").into(),
            request: Request::parse(operation, body.as_bytes()).unwrap(),
            id: 0,
            reply: Reply::new(to, Asker::Remote(peer())),
        };
        stage.core.call(call);
        stage.flush();
        assert!(matches!(response.try_recv(), Ok(Err(Failure::Fault(_)))));
    }
    let mut state = stage.core.lock();
    assert_eq!(state.regions.as_mut().unwrap().iter_mut().count(), 1);
}

#[test]
fn a_decider_in_this_process_gets_its_task_before_it_is_on_disk() {
    a_decider_gets_its_task_before_it_is_on_disk(&Asker::InProcess);
}

#[test]
fn a_decider_on_this_machine_that_asks_for_it_gets_its_task_before_it_is_on_disk() {
    a_decider_gets_its_task_before_it_is_on_disk(&Asker::Decider(peer()));
}

fn a_decider_gets_its_task_before_it_is_on_disk(decider: &Asker) {
    let stage = Stage::new();
    let call = |operation, body| stage.call_as(decider.clone(), operation, body);
    let mut poll = call("PollForDecisionTask", POLL);
    let mut start = stage.call(
        "StartWorkflowExecution",
        r#"{"domain":"d","workflowId":"w","workflowType":{"name":"w","version":"1"}}"#,
    );
    let task = json(poll.try_recv().unwrap());
    assert_eq!(task["startedEventId"], 3);
    assert!(start.try_recv().is_err(), "nobody else is told yet");
    // The batch waits for the decision, which then is in it.
    assert!(!stage.core.lock().deciding.is_empty());
    let answer = format!(r#"{{"taskToken":{}}}"#, task["taskToken"]);
    let mut answered = call("RespondDecisionTaskCompleted", &answer);
    assert!(answered.try_recv().is_err(), "an answer is never early");
    assert!(stage.core.lock().deciding.is_empty());
    let batch = stage.batch();
    assert_eq!(batch.changes.events.len(), 4);
    stage.core.written(batch.told, Duration::ZERO);
    assert!(start.try_recv().unwrap().is_ok() && answered.try_recv().unwrap().is_ok());
}

#[tokio::test]
async fn a_close_is_told_when_it_is_on_disk() {
    let stage = Stage::new();
    stage.start();
    let run = stage.answer(
        "StartWorkflowExecution",
        r#"{"domain":"d","workflowId":"v","workflowType":{"name":"w","version":"1"}}"#,
    );
    let run_id = RunId::from(run["runId"].as_str().unwrap());
    let region = SmolStr::new_static("us-east-1");
    let mut closed = Box::pin(stage.core.closed(&region, &run_id));
    assert!(by_now(&mut closed).is_none());
    let terminate = r#"{"domain":"d","workflowId":"v"}"#;
    let terminated = stage.call("TerminateWorkflowExecution", terminate);
    assert!(by_now(&mut closed).is_none(), "it is not on disk yet");
    stage.flush();
    assert!(matches!(by_now(&mut closed), Some(Ok(()))));
    drop(terminated);
    stage.core.closed(&region, &run_id).await.unwrap();
}

/// What a future has by now.
fn by_now<T>(future: &mut (impl Future<Output = T> + Unpin)) -> Option<T> {
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match std::pin::Pin::new(future).poll(&mut context) {
        std::task::Poll::Ready(value) => Some(value),
        std::task::Poll::Pending => None,
    }
}

#[test]
fn what_is_not_on_disk_is_given_up_when_a_batch_fails() {
    let stage = Stage::new();
    let mut waiting = stage.call("PollForDecisionTask", POLL);
    let mut started = stage.call(
        "StartWorkflowExecution",
        r#"{"domain":"d","workflowId":"w","workflowType":{"name":"w","version":"1"}}"#,
    );
    let batch = stage.batch();
    let mut meanwhile = stage.call("DescribeDomain", r#"{"name":"d"}"#);
    stage.core.failed(batch.told);
    for response in [&mut waiting, &mut started, &mut meanwhile] {
        assert!(matches!(response.try_recv(), Ok(Err(Failure::Internal))));
    }
    assert!(!stage.core.is_serving());
    let mut refused = stage.call("DescribeDomain", r#"{"name":"d"}"#);
    assert!(matches!(refused.try_recv(), Ok(Err(Failure::Internal))));
    stage.core.resume(Regions::new(true), Box::new(NoReader));
    assert!(stage.core.is_serving());
}

#[tokio::test]
async fn a_poll_is_given_up_with_the_answer_that_it_came_with() {
    let stage = Stage::new();
    stage.start();
    let task = stage.answer("PollForDecisionTask", POLL);
    let body = format!(r#"{{"taskToken":{}}}"#, task["taskToken"]);
    let answer = Request::parse("RespondDecisionTaskCompleted", body.as_bytes()).unwrap();
    let poll = Request::parse("PollForDecisionTask", POLL.as_bytes()).unwrap();
    let core = std::sync::Arc::new(stage.core);
    let asker = Asker::Remote(peer());
    let asked = crate::ask::ask_then_poll(&core, "us-east-1".into(), answer, poll, asker);
    let mut asked = Box::pin(asked);
    assert!(by_now(&mut asked).is_none());
    assert_eq!(core.lock().polls.len(), 1);
    let Some(Work::Write(batch)) = core.work() else {
        panic!("there is nothing to write");
    };
    core.failed(batch.told);
    assert!(matches!(asked.await, Err(Failure::Internal)));
    assert_eq!(core.lock().polls.len(), 0);
}

#[test]
fn an_answer_to_a_task_that_was_lost_is_refused() {
    let stage = Stage::new();
    let _start = stage.call(
        "StartWorkflowExecution",
        r#"{"domain":"d","workflowId":"w","workflowType":{"name":"w","version":"1"}}"#,
    );
    let task = json(
        stage
            .call_early("PollForDecisionTask", POLL)
            .try_recv()
            .unwrap(),
    );
    let batch = stage.batch();
    stage.core.failed(batch.told);
    stage.core.resume(Regions::new(true), Box::new(NoReader));
    let answer = format!(r#"{{"taskToken":{}}}"#, task["taskToken"]);
    let mut refused = stage.call_early("RespondDecisionTaskCompleted", &answer);
    let Ok(Err(Failure::Fault(fault))) = refused.try_recv() else {
        panic!("not refused");
    };
    assert_eq!(fault.kind, FaultKind::UnknownResource);
}

#[test]
fn a_task_that_was_lost_comes_again_as_another() {
    let dir = tempfile::tempdir().unwrap();
    let place = Location {
        dir: dir.path().to_owned(),
        relaxed: true,
    };
    let (writer, reader) = store::open(&place).unwrap();
    // Not even the time tells them apart.
    let clock = Clock::Manual(ManualClock::new(Timestamp::from_millis(1_000_000)));
    let stage = Stage::with(reader.another().unwrap(), Some(writer), clock);
    stage.start();
    let fail = || {
        stage.core.failed(Told::default());
        let regions = Regions::new(true).load(&*reader, dir.path()).unwrap();
        let reader = reader.another().unwrap();
        stage.core.resume(regions, reader);
        assert!(matches!(stage.core.work(), Some(Work::Expire(..))));
    };
    let poll = || {
        let mut poll = stage.call_early("PollForDecisionTask", POLL);
        json(poll.try_recv().unwrap())
    };
    let respond = |task: &serde_json::Value| {
        let answer = format!(r#"{{"taskToken":{}}}"#, task["taskToken"]);
        let mut answered = stage.call_early("RespondDecisionTaskCompleted", &answer);
        stage.flush();
        answered.try_recv().unwrap()
    };
    let lost = poll();
    fail();
    let again = poll();
    assert_eq!(lost["startedEventId"], 3);
    assert_eq!(again["startedEventId"], 3);
    let Err(Failure::Fault(fault)) = respond(&lost) else {
        panic!("not refused");
    };
    assert_eq!(fault.kind, FaultKind::UnknownResource);
    // That one is on disk by now, so it outlives another failure.
    fail();
    assert!(respond(&again).is_ok());
}

#[test]
fn a_task_does_not_overtake_the_word_that_an_answer_is_taken() {
    let stage = Stage::new();
    stage.start();
    stage.answer(
        "StartWorkflowExecution",
        r#"{"domain":"d","workflowId":"v","workflowType":{"name":"w","version":"1"}}"#,
    );
    let decider = || Asker::Decider(peer());
    let call = |operation, body: &str| {
        let (to, response) = oneshot::channel();
        let reply = Reply::new(to, decider());
        (stage.prepare(reply, operation, body), response)
    };
    let answer_then_poll = |task: &serde_json::Value| {
        let body = format!(r#"{{"taskToken":{}}}"#, task["taskToken"]);
        let (answer, answered) = call("RespondDecisionTaskCompleted", &body);
        let (poll, polled) = call("PollForDecisionTask", POLL);
        stage.core.call_then_poll(answer, poll);
        (answered, polled)
    };
    let mut poll = stage.call_as(decider(), "PollForDecisionTask", POLL);
    let first = json(poll.try_recv().unwrap());
    // There is another task already, but its client reads something else first.
    let (mut answered, mut polled) = answer_then_poll(&first);
    assert!(polled.try_recv().is_err());
    stage.flush();
    assert!(answered.try_recv().unwrap().is_ok());
    let second = json(polled.try_recv().unwrap());

    // A task that comes when the answer is on disk comes early again.
    let (mut answered, mut polled) = answer_then_poll(&second);
    stage.flush();
    assert!(answered.try_recv().unwrap().is_ok());
    let signal = r#"{"domain":"d","workflowId":"w","signalName":"s"}"#;
    let mut signalled = stage.call("SignalWorkflowExecution", signal);
    assert!(polled.try_recv().unwrap().is_ok());
    assert!(signalled.try_recv().is_err(), "that is not on disk yet");

    // After an answer that is refused there is no poll.
    let (mut answered, mut polled) = answer_then_poll(&first);
    stage.flush();
    assert!(answered.try_recv().unwrap().is_err());
    assert!(matches!(polled.try_recv(), Err(TryRecvError::Closed)));
}

#[tokio::test]
async fn a_task_that_was_sent_to_a_poll_that_is_dropped_goes_to_the_next() {
    let stage = Stage::new();
    let core = std::sync::Arc::new(stage.core);
    let poll = || Request::parse("PollForDecisionTask", POLL.as_bytes()).unwrap();
    let region = SmolStr::new_static("us-east-1");
    let ask = || crate::ask::ask(&core, region.clone(), poll(), Asker::Remote(peer()));
    let mut dropped = Box::pin(ask());
    assert!(by_now(&mut dropped).is_none());
    let (to, _started) = oneshot::channel();
    let start = r#"{"domain":"d","workflowId":"w","workflowType":{"name":"w","version":"1"}}"#;
    core.call(Call {
        region: region.clone(),
        request: Request::parse("StartWorkflowExecution", start.as_bytes()).unwrap(),
        id: core.poll_id(),
        reply: Reply::new(to, Asker::InProcess),
    });
    let Some(Work::Write(batch)) = core.work() else {
        panic!("there is nothing to write");
    };
    core.written(batch.told, Duration::ZERO);
    // It has the task, and nobody looks.
    drop(dropped);
    let mut next = Box::pin(ask());
    let task = json(by_now(&mut next).unwrap());
    assert_eq!(task["startedEventId"], 3);
}

#[tokio::test(start_paused = true)]
async fn a_poll_whose_time_is_over_is_forgotten() {
    let core = std::sync::Arc::new(Stage::new().core);
    let poll = Request::parse("PollForDecisionTask", POLL.as_bytes()).unwrap();
    let region = SmolStr::new_static("us-east-1");
    let mut waiting = Box::pin(crate::ask::ask(&core, region, poll, Asker::InProcess));
    assert!(by_now(&mut waiting).is_none());
    assert_eq!(core.lock().polls.len(), 1);
    assert_eq!(json(waiting.await)["startedEventId"], 0);
    assert_eq!(core.lock().polls.len(), 0);
}

#[test]
fn the_keeper_is_not_told_of_what_is_due_after_its_rest() {
    let now = Timestamp::from_millis(1_000_000);
    let clock = Clock::Manual(ManualClock::new(now));
    let stage = Stage::with(Box::new(NoReader), None, clock);
    stage.start();
    assert!(stage.core.lock().next_due() > Some(now + REST));
    std::thread::scope(|scope| {
        let keeper = scope.spawn(|| stage.core.work());
        let alarm = loop {
            if let Some(alarm) = stage.core.lock().alarm {
                break alarm;
            }
            std::thread::yield_now();
        };
        stage.core.stop();
        assert_eq!(alarm.due, Some(now + REST));
        assert!(keeper.join().unwrap().is_none());
    });
}

#[tokio::test]
async fn when_it_has_ended_nobody_waits() {
    let stage = Stage::new();
    stage.start();
    let run = RunId::from("a run");
    let region = SmolStr::new_static("us-east-1");
    let mut waiting = stage.call("PollForActivityTask", POLL);
    let mut unwritten = stage.call("DescribeDomain", r#"{"name":"d"}"#);
    stage.core.end();
    assert!(matches!(waiting.try_recv(), Ok(Err(Failure::Stopped))));
    assert!(unwritten.try_recv().is_ok());
    let mut late = stage.call("DescribeDomain", r#"{"name":"d"}"#);
    assert!(matches!(late.try_recv(), Ok(Err(Failure::Stopped))));
    let closed = stage.core.closed(&region, &run).await;
    assert!(matches!(closed, Err(Failure::Stopped)));
    assert!(stage.core.work().is_none());
}
