//! The thread that has the engines: it carries requests out, one after another.
//!
//! What a request changes is written to the store by another thread (`commit`) while this one
//! goes on. Answers wait until all that they may depend on is on disk: those of a batch of
//! requests go out together when the batch is written. Nobody is told of what could still be
//! lost, be it an answer or a task.
//!
//! When the store cannot write, everything that is not on disk is given up: the requests fail,
//! and the engines are built again from the store.

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::Duration;

use simpleflow_engine::{Ready, TaskKind};
use simpleflow_model::{Fault, FaultKind, SmolStr, Timestamp};
use tokio::sync::oneshot;

use crate::clock::Clock;
use crate::commit::Commit;
use crate::metrics::Snapshot;
use crate::operation::{Answer, Request};
use crate::polls::{List, MAXIMUM_POLLS, Poll, PollId, Polls};
use crate::regions::{Held, Regions};
use crate::store::{Reader, RegionId, RunKey, StoreError};

/// Why there is no answer.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The request is refused.
    Fault(Fault),
    /// The server failed. What became of the request is not known.
    Internal,
}

pub(crate) type Response = Result<Answer, Failure>;

/// Where a response goes.
pub(crate) struct Reply {
    to: oneshot::Sender<Response>,
    /// Of a poll for a new task: the list that the task goes back to when nobody takes it.
    list: Option<List>,
}

impl Reply {
    pub(crate) fn new(to: oneshot::Sender<Response>) -> Self {
        Self { to, list: None }
    }

    /// Whether nobody waits for it.
    pub(crate) fn is_abandoned(&self) -> bool {
        self.to.is_closed()
    }

    /// Sends the response. Gives a task back that nobody takes.
    pub(crate) fn send(self, response: Response) -> Option<(List, Answer)> {
        match (self.to.send(response), self.list) {
            (Err(Ok(task @ (Answer::DecisionTask(_) | Answer::ActivityTask(_)))), Some(list)) => {
                Some((list, task))
            }
            _ => None,
        }
    }
}

/// A request and where its answer goes.
pub(crate) struct Call {
    pub region: SmolStr,
    pub request: Request,
    pub id: PollId,
    pub reply: Reply,
}

/// What this thread is told.
pub(crate) enum Message {
    Call(Box<Call>),
    /// The client of a poll is gone.
    Gone(PollId),
    /// A batch is on disk. These tasks could not be delivered.
    Committed(Vec<(List, Answer)>),
    /// A batch is not on disk, and its requests were told so. The store is being opened again.
    Failed,
    /// The store is open again.
    Opened(Box<dyn Reader>),
    /// Somebody asks how things are.
    Snapshot(oneshot::Sender<Snapshot>),
    /// Polls are answered at once from now on.
    Drain,
    /// The end: what is under way is written.
    Stop,
}

/// The disk side.
pub(crate) struct Disk {
    pub reader: Box<dyn Reader>,
    pub committer: Sender<Commit>,
    pub dir: PathBuf,
}

/// All that this thread has.
pub(crate) struct Core {
    messages: Receiver<Message>,
    disk: Option<Disk>,
    /// Nothing while the store is being opened again.
    regions: Option<Regions>,
    held: Held,
    polls: Polls,
    /// Answers that wait for the next commit.
    replies: Vec<(Reply, Response)>,
    /// Whether a batch is being written.
    committing: bool,
    draining: bool,
    pub(crate) clock: Clock,
}

impl Core {
    pub(crate) fn new(messages: Receiver<Message>, regions: Regions, disk: Option<Disk>) -> Self {
        Self {
            messages,
            disk,
            regions: Some(regions),
            held: Held::default(),
            polls: Polls::default(),
            replies: Vec::new(),
            committing: false,
            draining: false,
            clock: Clock::default(),
        }
    }

    /// Works until it is told to stop.
    ///
    /// # Errors
    /// The store was opened again after a failure and cannot be read.
    pub(crate) fn run(mut self) -> Result<(), StoreError> {
        // What fell due while nothing ran.
        self.advance(self.clock.now());
        loop {
            self.flush();
            let message = match self.wait() {
                Some(message) => message,
                None => {
                    self.advance(self.clock.now());
                    continue;
                }
            };
            let mut stop = self.handle(message)?;
            // What has come meanwhile belongs to the same batch.
            while !stop && let Ok(message) = self.messages.try_recv() {
                stop = self.handle(message)?;
            }
            if stop {
                return self.finish();
            }
        }
    }

    /// Waits for a message; nothing means that something is due.
    fn wait(&self) -> Option<Message> {
        let Some(next) = self.regions.as_ref().and_then(Regions::next_deadline) else {
            return Some(self.messages.recv().unwrap_or(Message::Stop));
        };
        // A deadline is of whole milliseconds; the wait must not end before it.
        match self.messages.recv_timeout(next.since(self.clock.now())) {
            Ok(message) => Some(message),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => Some(Message::Stop),
        }
    }

    /// Says whether to stop.
    fn handle(&mut self, message: Message) -> Result<bool, StoreError> {
        match message {
            Message::Call(call) => self.call(*call),
            Message::Gone(poll) => self.polls.forget(poll),
            Message::Committed(undelivered) => {
                self.committing = false;
                if let Some(regions) = &mut self.regions {
                    self.held.shrink(regions);
                }
                self.give_back(undelivered);
            }
            Message::Failed => {
                self.committing = false;
                self.give_up();
            }
            Message::Opened(reader) => {
                if let Some(disk) = &mut self.disk {
                    disk.reader = reader;
                    let regions = Regions::load(&*disk.reader, &disk.dir)?;
                    self.regions = Some(regions);
                    self.held = Held::default();
                    self.advance(self.clock.now());
                }
            }
            Message::Snapshot(reply) => {
                let snapshot = self.snapshot();
                // Who asked may have gone.
                let _ = reply.send(snapshot);
            }
            Message::Drain => {
                self.draining = true;
                for poll in self.polls.take_all() {
                    let nothing = nothing(&poll.request);
                    self.replies.push((poll.reply, Ok(nothing)));
                }
            }
            Message::Stop => return Ok(true),
        }
        Ok(false)
    }

    fn call(&mut self, call: Call) {
        let now = self.clock.now();
        let Call {
            region,
            request,
            id,
            mut reply,
        } = call;
        if reply.is_abandoned() {
            return;
        }
        let Some(regions) = &mut self.regions else {
            self.replies.push((reply, Err(Failure::Internal)));
            return;
        };
        let region = regions.id(&region);
        let list = list(region, &request);
        let outcome = self.carry_out(region, &request, list.as_ref(), now);
        match (outcome, list) {
            (Ok(Answer::NoDecisionTask | Answer::NoActivityTask), Some(list)) if !self.draining => {
                if self.polls.waiting(&list) >= MAXIMUM_POLLS {
                    let fault = Fault::new(FaultKind::LimitExceeded, "Poller limit exceeded");
                    self.replies.push((reply, Err(Failure::Fault(fault))));
                } else {
                    reply.list = Some(list.clone());
                    self.polls.wait(list, Poll { id, request, reply });
                }
            }
            (outcome, list) => {
                reply.list = list;
                self.replies.push((reply, outcome));
            }
        }
        self.wake(region);
        if let Some(regions) = &mut self.regions {
            regions.forget_if_empty(region);
        }
    }

    /// Carries a request out, with the events in memory that it needs. Polls do not wait.
    fn carry_out(
        &mut self,
        region: RegionId,
        request: &Request,
        list: Option<&List>,
        now: Timestamp,
    ) -> Response {
        let Some(found) = self
            .regions
            .as_mut()
            .and_then(|regions| regions.get_mut(region))
        else {
            return Err(Failure::Internal);
        };
        let engine = &mut found.engine;
        // What falls due now may change what is needed.
        engine.advance(now);
        if let Some(list) = list
            && let Some(task) = self.polls.take_returned(list, engine)
        {
            return Ok(task);
        }
        let needed = match request {
            Request::PollForDecisionTask(poll) => engine.needed_by_decision_poll(poll),
            Request::PollForActivityTask(poll) => engine.needed_by_activity_poll(poll),
            Request::GetWorkflowExecutionHistory(history) => engine.needed_by_history(history),
            _ => None,
        };
        if let Some(run) = needed {
            self.load(RunKey { region, run })?;
        }
        let Some(found) = self
            .regions
            .as_mut()
            .and_then(|regions| regions.get_mut(region))
        else {
            return Err(Failure::Internal);
        };
        request
            .apply(&mut found.engine, now)
            .map_err(Failure::Fault)
    }

    /// Brings the events of a run into memory.
    fn load(&mut self, key: RunKey) -> Result<(), Failure> {
        let (Some(disk), Some(regions)) = (&self.disk, &mut self.regions) else {
            return Err(Failure::Internal);
        };
        let events = disk.reader.history(key).map_err(|error| {
            tracing::error!(%error, "a history cannot be read");
            Failure::Internal
        })?;
        let length = events.len();
        let loaded = regions
            .get_mut(key.region)
            .is_some_and(|region| region.engine.load(key.run, events));
        if !loaded {
            tracing::error!(run = key.run.0, "the store lacks events of a history");
            return Err(Failure::Internal);
        }
        self.held.add(key, length);
        Ok(())
    }

    /// Hands the tasks of a region that has new ones to the polls that wait for them.
    fn wake(&mut self, region: RegionId) {
        let ready = match &mut self.regions {
            Some(regions) => match regions.get_mut(region) {
                Some(region) => region.engine.take_ready(),
                None => return,
            },
            None => return,
        };
        for ready in ready {
            self.serve((region, ready));
        }
    }

    /// Hands the tasks of a list to the polls that wait for them.
    fn serve(&mut self, list: List) {
        while let Some(poll) = self.polls.next(&list) {
            match self.carry_out(list.0, &poll.request, Some(&list), self.clock.now()) {
                Ok(Answer::NoDecisionTask | Answer::NoActivityTask) => {
                    self.polls.put_back(list, poll);
                    return;
                }
                outcome => self.replies.push((poll.reply, outcome)),
            }
        }
    }

    fn advance(&mut self, now: Timestamp) {
        let Some(regions) = &mut self.regions else {
            return;
        };
        regions.advance(now);
        let ids: Vec<_> = regions.iter_mut().map(|(id, _)| id).collect();
        ids.into_iter().for_each(|id| self.wake(id));
    }

    /// Takes tasks back that nobody took, for the next polls of their lists.
    fn give_back(&mut self, tasks: Vec<(List, Answer)>) {
        for (list, task) in tasks {
            self.polls.give_back(list.clone(), task);
            self.serve(list);
        }
    }

    /// Has all that is ready written, unless a batch is being written; or sends the answers if
    /// there is nothing to write.
    fn flush(&mut self) {
        while !self.committing {
            let changes = match (&self.disk, &mut self.regions) {
                (Some(_), Some(regions)) => regions.take_changes(),
                _ => Default::default(),
            };
            let replies = std::mem::take(&mut self.replies);
            if changes.is_empty() {
                if replies.is_empty() {
                    return;
                }
                let undelivered = replies
                    .into_iter()
                    .filter_map(|(reply, response)| reply.send(response))
                    .collect();
                self.give_back(undelivered);
                continue;
            }
            for event in &changes.events {
                self.held.add(event.key, 1);
            }
            if let Some(disk) = &self.disk {
                let commit = Commit { changes, replies };
                // The committer lives as long as this thread.
                self.committing = disk.committer.send(commit).is_ok();
            }
        }
    }

    /// Gives up all that is not on disk.
    fn give_up(&mut self) {
        self.regions = None;
        for (_, response) in &mut self.replies {
            *response = Err(Failure::Internal);
        }
    }

    fn snapshot(&mut self) -> Snapshot {
        let mut snapshot = Snapshot {
            serving: self.regions.is_some(),
            now: self.clock.now(),
            waiting_polls: self.polls.len(),
            ..Snapshot::default()
        };
        for (_, region) in self.regions.iter_mut().flat_map(Regions::iter_mut) {
            snapshot.open_executions += region.engine.open_executions();
            let backlogs = region.engine.backlogs().into_iter();
            snapshot
                .backlogs
                .extend(backlogs.map(|backlog| (region.name.clone(), backlog)));
        }
        snapshot
    }

    /// Writes what is under way, and ends.
    fn finish(mut self) -> Result<(), StoreError> {
        loop {
            self.flush();
            if !self.committing {
                break;
            }
            match self.messages.recv_timeout(Duration::from_secs(30)) {
                Ok(message @ (Message::Committed(_) | Message::Failed)) => {
                    self.handle(message)?;
                }
                Ok(_) => {}
                Err(_) => break,
            }
        }
        Ok(())
    }
}

/// The task list that a poll waits on. One for a further page of a task does not wait.
fn list(region: RegionId, request: &Request) -> Option<List> {
    let (domain, kind, task_list) = match request {
        Request::PollForDecisionTask(poll) if poll.next_page_token.is_none() => {
            (&poll.domain, TaskKind::Decision, &poll.task_list)
        }
        Request::PollForActivityTask(poll) => (&poll.domain, TaskKind::Activity, &poll.task_list),
        _ => return None,
    };
    let ready = Ready {
        domain: domain.clone(),
        kind,
        task_list: task_list.name.clone(),
    };
    Some((region, ready))
}

/// The answer to a poll that got nothing.
pub(crate) fn nothing(request: &Request) -> Answer {
    match request {
        Request::PollForDecisionTask(_) => Answer::NoDecisionTask,
        _ => Answer::NoActivityTask,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    /// A core that is driven step by step.
    struct Stage {
        core: Core,
        next: PollId,
    }

    impl Stage {
        fn new() -> Self {
            let (_, messages) = channel();
            let mut stage = Self {
                core: Core::new(messages, Regions::new(false), None),
                next: 0,
            };
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

        fn call(&mut self, operation: &str, body: &str) -> oneshot::Receiver<Response> {
            let (to, response) = oneshot::channel();
            self.next += 1;
            let call = Call {
                region: "us-east-1".into(),
                request: Request::parse(operation, body.as_bytes()).unwrap(),
                id: self.next,
                reply: Reply::new(to),
            };
            assert!(!self.core.handle(Message::Call(Box::new(call))).unwrap());
            response
        }

        fn answer(&mut self, operation: &str, body: &str) -> serde_json::Value {
            let mut response = self.call(operation, body);
            self.core.flush();
            json(response.try_recv().unwrap())
        }

        fn start(&mut self) {
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
        let mut stage = Stage::new();
        stage.start();
        // The task is started, and then the client goes.
        drop(stage.call("PollForDecisionTask", POLL));
        stage.core.flush();
        let task = stage.answer("PollForDecisionTask", POLL);
        assert_eq!(task["startedEventId"], 3);
        // It is not handed out again.
        let mut waiting = stage.call("PollForDecisionTask", POLL);
        stage.core.flush();
        assert!(waiting.try_recv().is_err());
    }

    #[test]
    fn a_task_that_nobody_takes_goes_to_a_poll_that_waits() {
        let mut stage = Stage::new();
        let gone = stage.call("PollForDecisionTask", POLL);
        let mut waiting = stage.call("PollForDecisionTask", POLL);
        // The first gets the task, and goes before it has it.
        let request =
            r#"{"domain":"d","workflowId":"w","workflowType":{"name":"w","version":"1"}}"#;
        let started = stage.call("StartWorkflowExecution", request);
        drop(gone);
        stage.core.flush();
        let task = json(waiting.try_recv().unwrap());
        assert_eq!(task["startedEventId"], 3);
        drop(started);
    }

    #[test]
    fn a_task_that_is_over_is_not_handed_out_again() {
        let mut stage = Stage::new();
        stage.start();
        drop(stage.call("PollForDecisionTask", POLL));
        stage.core.flush();
        stage.answer(
            "TerminateWorkflowExecution",
            r#"{"domain":"d","workflowId":"w"}"#,
        );
        let mut waiting = stage.call("PollForDecisionTask", POLL);
        stage.core.flush();
        assert!(waiting.try_recv().is_err());
    }

    #[test]
    fn a_poll_that_is_gone_is_forgotten() {
        let mut stage = Stage::new();
        let poll = stage.call("PollForDecisionTask", POLL);
        assert_eq!(stage.core.polls.len(), 1);
        drop(poll);
        stage.core.handle(Message::Gone(stage.next)).unwrap();
        assert_eq!(stage.core.polls.len(), 0);
        stage.start();
        assert_eq!(
            stage.answer("PollForDecisionTask", POLL)["startedEventId"],
            3
        );
    }

    #[test]
    fn there_is_a_limit_of_polls() {
        let mut stage = Stage::new();
        let waiting: Vec<_> = (0..MAXIMUM_POLLS)
            .map(|_| stage.call("PollForDecisionTask", POLL))
            .collect();
        let mut refused = stage.call("PollForDecisionTask", POLL);
        stage.core.flush();
        let Err(Failure::Fault(fault)) = refused.try_recv().unwrap() else {
            panic!("not refused");
        };
        assert_eq!(fault.kind, FaultKind::LimitExceeded);
        drop(waiting);
    }

    #[test]
    fn naming_a_region_does_not_make_it() {
        let mut stage = Stage::new();
        for number in 0..3 {
            let (to, mut response) = oneshot::channel();
            let call = Call {
                region: format!("nowhere-{number}").into(),
                request: Request::parse("DescribeDomain", br#"{"name":"d"}"#).unwrap(),
                id: 0,
                reply: Reply::new(to),
            };
            stage.core.handle(Message::Call(Box::new(call))).unwrap();
            stage.core.flush();
            assert!(matches!(response.try_recv(), Ok(Err(Failure::Fault(_)))));
        }
        let regions = stage.core.regions.as_mut().unwrap();
        assert_eq!(regions.iter_mut().count(), 1);
    }
}
