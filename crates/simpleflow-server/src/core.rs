//! The engines behind a lock: each caller carries its own request out.
//!
//! What a request changes is written to the store by the keeper's thread (`keeper`) while others
//! go on. Answers wait until all that they may depend on is on disk: those of a batch of requests
//! go out together when the batch is written. Nobody is told of what could still be lost, be it an
//! answer or a task.
//!
//! With one exception: a decider in this process gets its task before the task is on disk. What it
//! decides is a pure function of events, and if they are lost it is lost with them: its answer is
//! refused. In return its decisions are in the same batch as what they answer to.
//!
//! When the store cannot write, everything that is not on disk is given up: the requests fail,
//! and the engines are built again from the store.

use std::collections::HashSet;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use simpleflow_engine::{Ready, TaskKind};
use simpleflow_model::{DomainName, Fault, FaultKind, RunId, SmolStr, TaskToken, Timestamp};
use tokio::sync::oneshot;

use crate::archive::{Archive, Query};
use crate::clock::Clock;
use crate::connection::Peer;
use crate::metrics::Snapshot;
use crate::operation::{Answer, Request};
use crate::polls::{List, MAXIMUM_POLLS, Poll, PollId, Polls};
use crate::regions::{Held, Regions};
use crate::store::{Changes, Reader, RegionId, RunKey};

/// How long a batch waits for the decisions of deciders in this process, once there is something
/// to write: many times what a decision takes, and little beside what a slow one would cost others.
const PATIENCE: Duration = Duration::from_millis(1);

/// Why there is no answer.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The request is refused.
    Fault(Fault),
    /// The server failed. What became of the request is not known.
    Internal,
}

pub(crate) type Response = Result<Answer, Failure>;

/// Who asks.
#[derive(Clone, Debug)]
pub(crate) enum Asker {
    /// A client on the wire.
    Remote(Peer),
    /// A program that ends when the server does: it may get a decision task that is not on disk
    /// yet.
    InProcess,
}

/// Where a response goes.
pub(crate) struct Reply {
    to: oneshot::Sender<Response>,
    asker: Asker,
    /// Of a poll for a new task: the list that the task goes back to when nobody takes it.
    list: Option<List>,
}

impl Reply {
    pub(crate) fn new(to: oneshot::Sender<Response>, asker: Asker) -> Self {
        Self {
            to,
            asker,
            list: None,
        }
    }

    /// Whether nobody waits for it.
    pub(crate) fn is_abandoned(&self) -> bool {
        self.to.is_closed() || matches!(&self.asker, Asker::Remote(peer) if peer.has_hung_up())
    }

    /// Sends the response. Gives a task back that nobody takes.
    pub(crate) fn send(self, response: Response) -> Option<(List, Answer)> {
        let is_task = matches!(
            response,
            Ok(Answer::DecisionTask(_) | Answer::ActivityTask(_))
        );
        let unsent = if is_task && self.is_abandoned() {
            response
        } else {
            self.to.send(response).err()?
        };
        Some((self.list?, unsent.ok().filter(|_| is_task)?))
    }
}

/// A request and where its answer goes.
pub(crate) struct Call {
    pub region: SmolStr,
    pub request: Request,
    pub id: PollId,
    pub reply: Reply,
}

/// Responses on their way.
pub(crate) type Replies = Vec<(Reply, Response)>;

/// Somebody who waits for the close of a run.
struct Watcher {
    region: RegionId,
    run_id: RunId,
    told: oneshot::Sender<()>,
}

/// Whom to tell when something is on disk.
#[derive(Default)]
pub(crate) struct Told {
    replies: Replies,
    closes: Vec<oneshot::Sender<()>>,
}

impl Told {
    fn is_empty(&self) -> bool {
        self.replies.is_empty() && self.closes.is_empty()
    }

    /// Tells them. Gives the tasks back that nobody takes.
    fn tell(self) -> Vec<(List, Answer)> {
        for close in self.closes {
            // Who watched may have gone.
            let _ = close.send(());
        }
        send(self.replies)
    }
}

/// What is written together, and who is told then.
pub(crate) struct Batch {
    pub changes: Changes,
    pub told: Told,
}

/// What the keeper has to do.
pub(crate) enum Work {
    /// This is to be written.
    Write(Batch),
    /// Closed runs whose retention is over by now are to be deleted.
    Expire(Vec<(RegionId, DomainName, Duration)>, Timestamp),
}

/// What a disk gives.
pub(crate) struct Disk {
    /// For the histories of open runs.
    pub reader: Box<dyn Reader>,
    /// For the closed runs.
    pub archive: Archive,
}

/// The engines, and whoever waits for them.
pub(crate) struct Core {
    state: Mutex<State>,
    /// Told when there is something for the keeper to do.
    told: Condvar,
    clock: Clock,
    /// How many polls there ever were.
    polls: AtomicU64,
}

struct State {
    disk: Option<Disk>,
    /// Nothing while the store is being opened again.
    regions: Option<Regions>,
    held: Held,
    polls: Polls,
    /// Answers that wait for the next batch.
    replies: Replies,
    /// Tasks that need not wait for it.
    early: Replies,
    /// Those in this process who wait for a close.
    watchers: Vec<Watcher>,
    /// Whether a batch is being written.
    writing: bool,
    /// The runs that it closes.
    closing: Vec<RunKey>,
    /// When closed runs are to be deleted next.
    expiry: Option<Timestamp>,
    /// The decision tasks that deciders in this process are at: their answers may still come into
    /// the next batch.
    deciding: HashSet<TaskToken>,
    /// Until when they are waited for.
    patience: Option<Instant>,
    /// What the keeper waits for, while it does.
    alarm: Option<Alarm>,
    draining: bool,
    stopping: bool,
}

/// When the keeper wakes up by itself.
#[derive(Clone, Copy)]
struct Alarm {
    /// When something falls due.
    due: Option<Timestamp>,
    /// Whether also when its patience is over.
    patient: bool,
}

impl Core {
    /// Engines that were brought up from what is on disk, if there is a disk.
    pub(crate) fn new(regions: Regions, disk: Option<Disk>, clock: Clock) -> Self {
        Self {
            state: Mutex::new(State {
                disk,
                regions: Some(regions),
                held: Held::default(),
                polls: Polls::default(),
                replies: Vec::new(),
                early: Vec::new(),
                watchers: Vec::new(),
                writing: false,
                closing: Vec::new(),
                // What fell due while nothing ran.
                expiry: Some(Timestamp::default()),
                deciding: HashSet::new(),
                patience: None,
                alarm: None,
                draining: false,
                stopping: false,
            }),
            told: Condvar::new(),
            clock,
            polls: AtomicU64::new(0),
        }
    }

    /// A number that no other poll has.
    pub(crate) fn poll_id(&self) -> PollId {
        self.polls.fetch_add(1, Ordering::Relaxed)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // The engine is pure code that does not run anybody else's: its state is whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Carries a request out. Its answer comes when it may.
    pub(crate) fn call(&self, call: Call) {
        let mut state = self.lock();
        state.call(call, self.clock.now());
        self.settle(state);
    }

    /// Forgets a poll whose client is gone.
    pub(crate) fn forget(&self, poll: PollId) {
        self.lock().polls.forget(poll);
    }

    /// Waits until a run is closed, which it may be already, and that is on disk.
    ///
    /// # Errors
    /// [`Failure::Internal`] when the store fails meanwhile.
    pub(crate) async fn closed(&self, region: &SmolStr, run_id: &RunId) -> Result<(), Failure> {
        let (told, closed) = oneshot::channel();
        {
            let mut state = self.lock();
            let Some(regions) = &mut state.regions else {
                return Err(Failure::Internal);
            };
            let region = regions.id(region);
            state.watchers.push(Watcher {
                region,
                run_id: run_id.clone(),
                told,
            });
            self.settle(state);
        }
        closed.await.map_err(|_| Failure::Internal)
    }

    /// Answers polls at once from now on.
    pub(crate) fn drain(&self) {
        let mut state = self.lock();
        state.draining = true;
        for poll in state.polls.take_all() {
            let nothing = nothing(&poll.request);
            state.replies.push((poll.reply, Ok(nothing)));
        }
        self.settle(state);
    }

    /// Has the keeper end when all is written.
    pub(crate) fn stop(&self) {
        self.lock().stopping = true;
        self.told.notify_all();
    }

    /// How things are.
    pub(crate) fn snapshot(&self) -> Snapshot {
        let mut state = self.lock();
        state.snapshot(self.clock.now())
    }

    /// Sends what may go out, and has the keeper do what there is to do.
    fn settle<'a>(&'a self, mut state: MutexGuard<'a, State>) {
        loop {
            let ready = state.take_ready();
            if ready.is_empty() {
                break;
            }
            drop(state);
            let undelivered = ready.tell();
            state = self.lock();
            state.give_back(undelivered, self.clock.now());
        }
        let wake = state.alarm.is_some_and(|alarm| state.is_due_before(alarm));
        if wake {
            // Once is enough.
            state.alarm = None;
        }
        drop(state);
        if wake {
            self.told.notify_one();
        }
    }

    /// For the keeper: lets time pass until there is something to do. Nothing means the end.
    pub(crate) fn work(&self) -> Option<Work> {
        let mut state = self.lock();
        loop {
            let now = self.clock.now();
            if state.next_deadline().is_some_and(|next| next <= now) {
                state.advance(now);
            }
            if state.has_changes() && (state.stopping || !state.waits_for_decisions()) {
                return Some(Work::Write(state.take_batch()));
            }
            let ready = state.take_ready();
            if !ready.is_empty() {
                drop(state);
                let undelivered = ready.tell();
                state = self.lock();
                state.give_back(undelivered, self.clock.now());
                continue;
            }
            if state.stopping {
                return None;
            }
            if let Some(expire) = state.expire(now) {
                return Some(expire);
            }
            state = self.wait(state);
        }
    }

    /// The keeper's rest: until it is told, something is due, or patience is over.
    fn wait<'a>(&'a self, mut state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        let next = state.next_due();
        // A deadline is of whole milliseconds; the wait must not end before it.
        let due = next.map(|next| next.since(self.clock.now()));
        let patience = state
            .patience
            .filter(|_| state.has_changes())
            .map(|until| until.saturating_duration_since(Instant::now()));
        state.alarm = Some(Alarm {
            due: next,
            patient: patience.is_some(),
        });
        let time = match (due, patience) {
            (Some(due), Some(patience)) => Some(due.min(patience)),
            (due, patience) => due.or(patience),
        };
        state = match time {
            Some(time) => {
                self.told
                    .wait_timeout(state, time)
                    .unwrap_or_else(PoisonError::into_inner)
                    .0
            }
            None => self
                .told
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner),
        };
        state.alarm = None;
        state
    }

    /// For the keeper: a batch is on disk. Its answers go out.
    pub(crate) fn written(&self, told: Told) {
        let undelivered = told.tell();
        let mut state = self.lock();
        state.writing = false;
        state.archive();
        state.give_back(undelivered, self.clock.now());
        // What could not be written meanwhile the keeper sees to itself.
    }

    /// For the keeper: a batch is not on disk. All that is not there is given up.
    pub(crate) fn failed(&self, told: Told) {
        let Told { mut replies, .. } = told;
        let mut state = self.lock();
        state.writing = false;
        state.closing.clear();
        state.regions = None;
        state.deciding.clear();
        state.patience = None;
        replies.append(&mut state.replies);
        state.watchers.clear();
        drop(state);
        let failed = replies
            .into_iter()
            .map(|(reply, _)| (reply, Err(Failure::Internal)));
        send(failed.collect());
    }

    /// For the keeper: closed runs were deleted, and the next are due at a time, if there are any.
    pub(crate) fn expired(&self, next: Option<Timestamp>) {
        let mut state = self.lock();
        state.expiry = state.expiry.into_iter().chain(next).min();
    }

    /// For the keeper: the store is open again, and this is what is in it.
    pub(crate) fn resume(&self, regions: Regions, reader: Box<dyn Reader>) {
        let mut state = self.lock();
        if let Some(disk) = &mut state.disk {
            disk.reader = reader;
        }
        state.regions = Some(regions);
        state.held = Held::default();
        state.advance(self.clock.now());
        self.settle(state);
    }

    /// For the keeper: a rest, which a stop cuts short. Says whether there is a stop.
    pub(crate) fn pause(&self, time: Duration) -> bool {
        let end = Instant::now() + time;
        let mut state = self.lock();
        while !state.stopping {
            let rest = end.saturating_duration_since(Instant::now());
            if rest.is_zero() {
                break;
            }
            state = self
                .told
                .wait_timeout(state, rest)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
        state.stopping
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reply").finish_non_exhaustive()
    }
}

impl fmt::Debug for Core {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Core").finish_non_exhaustive()
    }
}

/// Sends responses. Gives the tasks back that nobody takes.
fn send(replies: Replies) -> Vec<(List, Answer)> {
    let replies = replies.into_iter();
    replies
        .filter_map(|(reply, response)| reply.send(response))
        .collect()
}

impl State {
    fn call(&mut self, call: Call, now: Timestamp) {
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
            self.early.push((reply, Err(Failure::Internal)));
            return;
        };
        let region = regions.id(&region);
        if let (Some(disk), Some(found)) = (&self.disk, regions.get_mut(region))
            && let Some(query) = Query::of(region, &request, &mut found.engine, now)
        {
            match query {
                Ok(query) => disk.archive.ask(reply, query),
                Err(fault) => self.replies.push((reply, Err(Failure::Fault(fault)))),
            }
            self.wake(region, now);
            return;
        }
        let list = list(region, &request);
        let outcome = self.carry_out(region, &request, list.as_ref(), now);
        if let Request::RespondDecisionTaskCompleted(answer) = &request {
            self.deciding.remove(&answer.task_token);
        }
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
                self.reply(reply, outcome);
            }
        }
        self.wake(region, now);
        if let Some(regions) = &mut self.regions {
            regions.forget_if_empty(region);
        }
    }

    /// Has a response sent with the next batch, or earlier if it may be.
    fn reply(&mut self, reply: Reply, response: Response) {
        match &response {
            Ok(Answer::DecisionTask(task)) if matches!(reply.asker, Asker::InProcess) => {
                if self.disk.is_some() {
                    if !self.waits_for_decisions() {
                        self.deciding.clear();
                        self.patience = Some(Instant::now() + PATIENCE);
                    }
                    self.deciding.insert(task.task_token.clone());
                }
                self.early.push((reply, response));
            }
            _ => self.replies.push((reply, response)),
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
    fn wake(&mut self, region: RegionId, now: Timestamp) {
        let found = self.regions.as_mut();
        let Some(found) = found.and_then(|regions| regions.get_mut(region)) else {
            return;
        };
        for ready in found.engine.take_ready() {
            self.serve((region, ready), now);
        }
    }

    /// Hands the tasks of a list to the polls that wait for them.
    fn serve(&mut self, list: List, now: Timestamp) {
        while let Some(poll) = self.polls.next(&list) {
            match self.carry_out(list.0, &poll.request, Some(&list), now) {
                Ok(Answer::NoDecisionTask | Answer::NoActivityTask) => {
                    self.polls.put_back(list, poll);
                    return;
                }
                outcome => self.reply(poll.reply, outcome),
            }
        }
    }

    fn advance(&mut self, now: Timestamp) {
        let Some(regions) = &mut self.regions else {
            return;
        };
        regions.advance(now);
        let ids: Vec<_> = regions.iter_mut().map(|(id, _)| id).collect();
        ids.into_iter().for_each(|id| self.wake(id, now));
    }

    /// Takes tasks back that nobody took, for the next polls of their lists.
    fn give_back(&mut self, tasks: Vec<(List, Answer)>, now: Timestamp) {
        for (list, task) in tasks {
            if let Answer::DecisionTask(task) = &task {
                self.deciding.remove(&task.task_token);
            }
            self.polls.give_back(list.clone(), task);
            self.serve(list, now);
        }
    }

    fn next_deadline(&self) -> Option<Timestamp> {
        self.regions.as_ref().and_then(Regions::next_deadline)
    }

    /// When the keeper has something to do next, if nothing comes before.
    fn next_due(&self) -> Option<Timestamp> {
        let expiry = self.expiry.filter(|_| self.expires());
        let deadline = self.next_deadline();
        deadline.into_iter().chain(expiry).min()
    }

    /// Whether there are closed runs in a store that can be used.
    fn expires(&self) -> bool {
        self.disk.is_some() && self.regions.is_some()
    }

    /// The deletion of closed runs, if it is due.
    fn expire(&mut self, now: Timestamp) -> Option<Work> {
        self.expiry
            .take_if(|expiry| *expiry <= now)
            .filter(|_| self.expires())?;
        let retentions = self.regions.as_ref()?.retentions();
        Some(Work::Expire(retentions, now))
    }

    /// Whether there is something to write.
    fn has_changes(&self) -> bool {
        self.disk.is_some() && self.regions.as_ref().is_some_and(Regions::have_changes)
    }

    /// Whether a decider in this process may still have something for the next batch.
    fn waits_for_decisions(&self) -> bool {
        !self.deciding.is_empty() && self.patience.is_some_and(|until| Instant::now() < until)
    }

    /// Whether the keeper has to do something earlier than it thinks.
    fn is_due_before(&self, alarm: Alarm) -> bool {
        let earlier = match (self.next_due(), alarm.due) {
            (Some(next), Some(armed)) => next < armed,
            (next, None) => next.is_some(),
            (None, Some(_)) => false,
        };
        earlier || (self.has_changes() && !(alarm.patient && self.waits_for_decisions()))
    }

    /// Whom to tell at once: everybody if nothing is on its way to the disk.
    fn take_ready(&mut self) -> Told {
        let mut ready = Told {
            replies: std::mem::take(&mut self.early),
            closes: Vec::new(),
        };
        if !self.writing && !self.has_changes() {
            ready.replies.append(&mut self.replies);
            ready.closes = self.take_closes();
        }
        ready
    }

    /// Those who wait for a close that has come.
    fn take_closes(&mut self) -> Vec<oneshot::Sender<()>> {
        let Some(regions) = &mut self.regions else {
            return Vec::new();
        };
        let closed = self.watchers.extract_if(.., |watcher| {
            let region = regions.get_mut(watcher.region);
            let execution = region.and_then(|region| region.engine.execution(&watcher.run_id));
            execution.is_none_or(|execution| !execution.state().is_open())
        });
        closed.map(|watcher| watcher.told).collect()
    }

    fn take_batch(&mut self) -> Batch {
        let changes = match &mut self.regions {
            Some(regions) => regions.take_changes(),
            None => Changes::default(),
        };
        for (key, _) in &changes.events {
            self.held.add(*key, 1);
        }
        self.closing = changes.closed.iter().map(|run| run.key).collect();
        self.writing = true;
        // They had their chance: their answers come with a later batch.
        self.deciding.clear();
        self.patience = None;
        let told = Told {
            replies: std::mem::take(&mut self.replies),
            closes: self.take_closes(),
        };
        Batch { changes, told }
    }

    /// Leaves the runs to the store that it has as closed, and lets go of events that it has, if
    /// there are too many in memory.
    fn archive(&mut self) {
        let Some(regions) = &mut self.regions else {
            return;
        };
        for key in self.closing.drain(..) {
            let end = regions.archive(key);
            self.held.forget(key);
            self.expiry = self.expiry.into_iter().chain(end).min();
        }
        self.held.shrink(regions);
    }

    fn snapshot(&mut self, now: Timestamp) -> Snapshot {
        let mut snapshot = Snapshot {
            serving: self.regions.is_some(),
            now,
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
    use std::ops::RangeInclusive;
    use std::sync::LazyLock;

    use simpleflow_engine::{ClosedSelection, Entry};
    use simpleflow_model::types::WorkflowExecutionInfo;
    use simpleflow_model::{HistoryEvent, WorkflowExecution};
    use tokio::runtime::Runtime;

    use super::*;
    use crate::connection::tests::connected;
    use crate::store::{ClosedRun, Kept, StoreError};

    /// Nothing is read back: the events stay in memory.
    struct NoReader;

    impl Reader for NoReader {
        fn another(&self) -> Result<Box<dyn Reader>, StoreError> {
            Ok(Box::new(Self))
        }

        fn open(
            &self,
            _: &mut dyn FnMut(Kept) -> Result<(), StoreError>,
        ) -> Result<(), StoreError> {
            Ok(())
        }

        fn history(&self, _: RunKey) -> Result<Vec<HistoryEvent>, StoreError> {
            Ok(Vec::new())
        }

        fn events(
            &self,
            _: RunKey,
            _: RangeInclusive<i64>,
        ) -> Result<Vec<HistoryEvent>, StoreError> {
            Ok(Vec::new())
        }

        fn closed(
            &self,
            _: RegionId,
            _: &DomainName,
            _: &WorkflowExecution,
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
    fn peer() -> Peer {
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
    }

    impl Stage {
        fn new() -> Self {
            let disk = Disk {
                reader: Box::new(NoReader),
                archive: Archive::start(Box::new(NoReader)).unwrap(),
            };
            let stage = Self {
                core: Core::new(Regions::new(true), Some(disk), Clock::default()),
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

        fn call(&self, operation: &str, body: &str) -> oneshot::Receiver<Response> {
            let (to, response) = oneshot::channel();
            self.call_for(Reply::new(to, Asker::Remote(peer())), operation, body);
            response
        }

        fn call_for(&self, reply: Reply, operation: &str, body: &str) -> PollId {
            let id = self.core.poll_id();
            let call = Call {
                region: "us-east-1".into(),
                request: Request::parse(operation, body.as_bytes()).unwrap(),
                id,
                reply,
            };
            self.core.call(call);
            id
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
                self.core.written(batch.told);
            }
            self.core.settle(self.core.lock());
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
        let request =
            r#"{"domain":"d","workflowId":"w","workflowType":{"name":"w","version":"1"}}"#;
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
        for number in 0..3 {
            let (to, mut response) = oneshot::channel();
            let call = Call {
                region: format!("nowhere-{number}").into(),
                request: Request::parse("DescribeDomain", br#"{"name":"d"}"#).unwrap(),
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
        let stage = Stage::new();
        let early = |operation, body: &str| {
            let (to, response) = oneshot::channel();
            stage.call_for(Reply::new(to, Asker::InProcess), operation, body);
            response
        };
        let mut poll = early("PollForDecisionTask", POLL);
        let mut start = stage.call(
            "StartWorkflowExecution",
            r#"{"domain":"d","workflowId":"w","workflowType":{"name":"w","version":"1"}}"#,
        );
        let task = json(poll.try_recv().unwrap());
        assert_eq!(task["startedEventId"], 3);
        assert!(start.try_recv().is_err(), "nobody else is told yet");
        // The batch waits for the decision, which then is in it.
        assert!(stage.core.lock().waits_for_decisions());
        let answer = format!(r#"{{"taskToken":{}}}"#, task["taskToken"]);
        let mut answered = early("RespondDecisionTaskCompleted", &answer);
        assert!(answered.try_recv().is_err(), "an answer is never early");
        assert!(!stage.core.lock().waits_for_decisions());
        let batch = stage.batch();
        assert_eq!(batch.changes.events.len(), 4);
        stage.core.written(batch.told);
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
        assert!(!stage.core.snapshot().serving);
        let mut refused = stage.call("DescribeDomain", r#"{"name":"d"}"#);
        assert!(matches!(refused.try_recv(), Ok(Err(Failure::Internal))));
        stage.core.resume(Regions::new(true), Box::new(NoReader));
        assert!(stage.core.snapshot().serving);
    }
}
