//! The engines behind a lock: each caller carries its own request out.
//!
//! What a request changes is written to the store by the keeper's thread (`keeper`) while others
//! go on, or by who waits for it (`lead`). Answers wait until all that they may depend on is on disk: those of a batch of requests
//! go out together when the batch is written. Nobody is told of what could still be lost, be it an
//! answer or a task.
//!
//! With one exception: a decider in this process, or one on this machine that asks for it, gets its
//! task before the task is on disk. What it decides is a pure function of events, and if they are lost
//! its answer is refused. In return its decisions are in the same batch as what they answer to.
//!
//! When the store cannot write, everything that is not on disk is given up: the requests fail,
//! and the engines are built again from the store.

mod lead;
mod state;

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use simpleflow_engine::{Ready, TaskKind};
use simpleflow_model::{DomainName, Fault, FaultKind, RunId, SmolStr, TaskToken, Timestamp};
use tokio::sync::oneshot;

use state::State;

use crate::archive::{Archive, Query};
use crate::clock::Clock;
use crate::connection::Peer;
use crate::keeper::Log;
use crate::metrics::Snapshot;
use crate::operation::{Answer, Request};
use crate::polls::{List, MAXIMUM_POLLS, Poll, PollId, Polls};
use crate::regions::{Held, Regions};
use crate::returned::Returned;
use crate::store::{Changes, Reader, RegionId, RunKey};

/// How long the keeper leaves a batch to others, for the decisions of deciders on this machine and
/// for who waits for it to write it: many times what a decision takes, and little beside what a slow
/// one would cost others.
const PATIENCE: Duration = Duration::from_millis(1);

/// After a batch that took longer than this nobody but the keeper writes the next.
const SLOW: Duration = Duration::from_millis(2);

/// How long the keeper rests at most while something will fall due. To be told of each time limit
/// that begins costs more than to look now and then: most are over before.
const REST: Duration = Duration::from_secs(10);

/// Why there is no answer.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The request is refused.
    Fault(Fault),
    /// The server failed. What became of the request is not known.
    Internal,
    /// The server has stopped, or is about to. The request was not carried out.
    Stopped,
}

pub(crate) type Response = Result<Answer, Failure>;

/// Who asks.
#[derive(Clone, Debug)]
pub(crate) enum Asker {
    /// A client on the wire.
    Remote(Peer),
    /// A client on this machine that decides by events alone: it may get a decision task that is not
    /// on disk yet.
    Decider(Peer),
    /// A program that ends when the server does. It decides by events alone.
    InProcess,
}

impl Asker {
    fn peer(&self) -> Option<&Peer> {
        match self {
            Self::Remote(peer) | Self::Decider(peer) => Some(peer),
            Self::InProcess => None,
        }
    }

    /// Whether it takes decision tasks that are not on disk yet.
    fn takes_early_tasks(&self) -> bool {
        !matches!(self, Self::Remote(_))
    }
}

/// Where a response goes.
pub(crate) struct Reply {
    to: oneshot::Sender<Response>,
    asker: Asker,
    /// Of a poll for a new task: the list that the task goes back to when nobody takes it.
    list: Option<List>,
    /// The batch with which the client is told something else first.
    after: BatchNumber,
}

impl Reply {
    pub(crate) fn new(to: oneshot::Sender<Response>, asker: Asker) -> Self {
        Self {
            to,
            asker,
            list: None,
            after: 0,
        }
    }

    /// Whether nobody waits for it.
    pub(crate) fn is_abandoned(&self) -> bool {
        self.to.is_closed() || self.asker.peer().is_some_and(Peer::has_hung_up)
    }

    /// Sends the response. Gives a task back that nobody takes.
    pub(crate) fn send(self, response: Response) -> Option<(List, TaskToken)> {
        let unsent = if matches!(&response, Ok(answer) if answer.task_token().is_some())
            && self.is_abandoned()
        {
            response
        } else {
            self.to.send(response).err()?
        };
        Some((self.list?, unsent.ok()?.task_token()?.clone()))
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
    fn tell(self) -> Vec<(List, TaskToken)> {
        for close in self.closes {
            // Who watched may have gone.
            let _ = close.send(());
        }
        send(self.replies)
    }
}

/// Batches are numbered from 1 on.
type BatchNumber = u64;

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
    /// The store is to be opened again.
    Reopen,
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
    /// What batches are written to, if there is a disk. It is locked before the state.
    log: Mutex<Option<Log>>,
    clock: Clock,
    /// How many polls there ever were.
    polls: AtomicU64,
}

/// When the keeper wakes up by itself.
#[derive(Clone, Copy)]
struct Alarm {
    /// When something may fall due.
    due: Option<Timestamp>,
    /// Whether also when its patience is over.
    patient: bool,
}

impl Core {
    /// Engines that were brought up from what is on disk, if there is a disk.
    pub(crate) fn new(regions: Regions, disk: Option<Disk>, clock: Clock) -> Self {
        Self {
            state: Mutex::new(State::new(regions, disk)),
            told: Condvar::new(),
            log: Mutex::new(None),
            clock,
            polls: AtomicU64::new(0),
        }
    }

    /// The same with what batches are written to.
    pub(crate) fn with_log(self, log: Option<Log>) -> Self {
        let log = Mutex::new(log);
        Self { log, ..self }
    }

    /// For the keeper: what batches are written to.
    pub(crate) fn log(&self) -> MutexGuard<'_, Option<Log>> {
        // Who broke down has ended all of this.
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A number that no other poll has.
    pub(crate) fn poll_id(&self) -> PollId {
        self.polls.fetch_add(1, Ordering::Relaxed)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|poisoned| {
            // Somebody panicked half-way: what is in memory must not get to the disk.
            let mut state = poisoned.into_inner();
            if !state.ended {
                tracing::error!("the engine broke down; what was answered is kept");
                state.end();
                self.told.notify_all();
            }
            state
        })
    }

    /// Carries a request out. Its answer comes when it may.
    pub(crate) fn call(&self, call: Call) {
        if call.reply.is_abandoned() {
            return;
        }
        let mut state = self.lock();
        state.call(call, self.clock.now());
        self.settle(state);
    }

    /// Carries an answer to a task out, and a poll after it if it is taken. The client learns of
    /// the one before the other.
    pub(crate) fn call_then_poll(&self, answer: Call, mut poll: Call) {
        if answer.reply.is_abandoned() {
            return;
        }
        let mut state = self.lock();
        let now = self.clock.now();
        if state.call(answer, now) {
            poll.reply.after = state.next_batch();
            state.call(poll, now);
        }
        self.settle(state);
    }

    /// Forgets a poll whose client is gone.
    pub(crate) fn forget(&self, poll: PollId) {
        self.lock().polls.forget(poll);
    }

    /// Takes a task back that was sent and that nobody looked at.
    pub(crate) fn take_back(&self, region: &SmolStr, list: Ready, task: TaskToken) {
        let mut state = self.lock();
        let region = state.regions.as_ref().and_then(|r| r.find(region));
        if let Some(region) = region {
            state.give_back(vec![((region, list), task)], self.clock.now());
        }
        self.settle(state);
    }

    /// Waits until a run is closed, which it may be already, and that is on disk.
    ///
    /// # Errors
    /// [`Failure::Internal`] when the store fails meanwhile, [`Failure::Stopped`] when the server
    /// stops.
    pub(crate) async fn closed(&self, region: &SmolStr, run_id: &RunId) -> Result<(), Failure> {
        let (told, closed) = oneshot::channel();
        {
            let mut state = self.lock();
            if state.ended || state.draining {
                return Err(Failure::Stopped);
            }
            state.watch(region, run_id, told)?;
            self.settle(state);
        }
        let gone = |_| match self.lock().draining {
            true => Failure::Stopped,
            false => Failure::Internal,
        };
        closed.await.map_err(gone)
    }

    /// Answers polls at once from now on. Nobody waits for a close any more.
    pub(crate) fn drain(&self) {
        let mut state = self.lock();
        state.draining = true;
        state.watchers.clear();
        for poll in state.polls.take_all() {
            let response = drained(&poll.request, &poll.reply);
            state.replies.push((poll.reply, response));
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
        let wake = state
            .alarm
            .is_some_and(|alarm| state.stopping || state.is_due_before(alarm));
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
            if state.ended {
                return None;
            }
            if state.regions.is_none() {
                return Some(Work::Reopen);
            }
            // Deletions must not wait for ever for a server that always has something to write.
            if !state.expired
                && let Some(expire) = state.expire(now)
            {
                state.expired = true;
                return Some(expire);
            }
            if state.can_write() && (state.stopping || !state.waits_for_callers()) {
                state.expired = false;
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
            if state.stopping && !state.writing {
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
        let now = self.clock.now();
        let next = state.next_due().map(|next| next.min(now + REST));
        // A deadline is of whole milliseconds; the wait must not end before it.
        let due = next.map(|next| next.since(now));
        let patience = state
            .patience
            .filter(|_| state.can_write())
            .map(|until| until.saturating_duration_since(Instant::now()));
        // Where a batch was just left to somebody, the next one will be: to be told of that each
        // time costs more than to look.
        let left = std::mem::take(&mut state.left);
        let patience = patience.or(left.then_some(PATIENCE));
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

    /// A batch is on disk, which took that long. Its answers go out.
    pub(crate) fn written(&self, told: Told, took: Duration) {
        let undelivered = told.tell();
        let mut state = self.lock();
        state.writing = false;
        state.took = took;
        state.archive();
        state.give_back(undelivered, self.clock.now());
        // Who came meanwhile was not to write.
        state.expect_no_callers();
        self.settle(state);
    }

    /// A batch is not on disk. All that is not there is given up.
    pub(crate) fn failed(&self, told: Told) {
        let Told { mut replies, .. } = told;
        let mut state = self.lock();
        state.writing = false;
        // Nobody waits for a disk that fails but the keeper, until it was seen to be fast again.
        state.took = Duration::MAX;
        state.give_up();
        replies.append(&mut state.replies);
        // The keeper opens the store again.
        self.told.notify_all();
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
        // The last batch may be there after all, and with it runs that closed.
        state.expiry = Some(Timestamp::default());
        let now = self.clock.now().max(state.lost_until);
        state.advance(now);
        self.settle(state);
    }

    /// For the keeper: this is the end. Whoever still waits is told, and whoever comes.
    pub(crate) fn end(&self) {
        let mut state = self.lock();
        state.end();
        self.told.notify_all();
        self.settle(state);
    }

    /// Whether somebody panicked while it was at the engines or at the store.
    pub(crate) fn is_broken(&self) -> bool {
        self.state.is_poisoned() || self.log.is_poisoned()
    }

    /// Whether requests are carried out. Not while the store is opened again after a failure.
    pub(crate) fn is_serving(&self) -> bool {
        self.lock().regions.is_some()
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
fn send(replies: Replies) -> Vec<(List, TaskToken)> {
    let replies = replies.into_iter();
    replies
        .filter_map(|(reply, response)| reply.send(response))
        .collect()
}

/// The task list that a poll waits on. One for a further page of a task does not wait.
pub(crate) fn awaited(request: &Request) -> Option<Ready> {
    let (domain, kind, task_list) = match request {
        Request::PollForDecisionTask(poll) if poll.next_page_token.is_none() => {
            (&poll.domain, TaskKind::Decision, &poll.task_list)
        }
        Request::PollForActivityTask(poll) => (&poll.domain, TaskKind::Activity, &poll.task_list),
        _ => return None,
    };
    Some(Ready {
        domain: domain.clone(),
        kind,
        task_list: task_list.name.clone(),
    })
}

/// The answer to a poll when no more tasks are handed out. A program in this process ends with the
/// service; a client on the wire may come back to the next one.
fn drained(request: &Request, reply: &Reply) -> Response {
    match reply.asker {
        Asker::Remote(_) | Asker::Decider(_) => Ok(nothing(request)),
        Asker::InProcess => Err(Failure::Stopped),
    }
}

/// The answer to a poll that got nothing.
pub(crate) fn nothing(request: &Request) -> Answer {
    match request {
        Request::PollForDecisionTask(_) => Answer::NoDecisionTask,
        _ => Answer::NoActivityTask,
    }
}

#[cfg(test)]
mod tests;
