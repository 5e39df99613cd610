//! The engines and whoever waits for them, as they are under the lock.

use std::collections::{HashMap, HashSet};

use super::*;

/// Times are told apart by this.
const MOMENT: Duration = Duration::from_millis(1);

/// What is under the lock of a [`Core`](super::Core).
pub(super) struct State {
    pub(super) disk: Option<Disk>,
    /// Nothing while the store is being opened again.
    pub(super) regions: Option<Regions>,
    pub(super) held: Held,
    pub(super) polls: Polls,
    /// Tasks for the next polls of their lists.
    pub(super) returned: Returned,
    /// Answers that wait for the next batch.
    pub(super) replies: Replies,
    /// Tasks that need not wait for it.
    pub(super) early: Replies,
    /// Those who wait for the closes of runs.
    pub(super) watchers: HashMap<RunKey, Vec<oneshot::Sender<()>>>,
    /// Those whose runs are closed. They are told with the next batch.
    pub(super) closes: Vec<oneshot::Sender<()>>,
    /// The batch that was begun last.
    pub(super) batch: BatchNumber,
    /// Whether it is being written.
    pub(super) writing: bool,
    /// How long the last one took that was written; for ever when a later one failed.
    pub(super) took: Duration,
    /// The runs that it closes.
    pub(super) closing: Vec<RunKey>,
    /// When closed runs are to be deleted next.
    pub(super) expiry: Option<Timestamp>,
    /// The decision tasks that deciders are at that took them early: their answers may still come
    /// into the next batch.
    pub(super) deciding: HashSet<TaskToken>,
    /// When the last of what was given up happened, and a moment more. Engines that are built again
    /// begin there: a start that was lost may come again, and only its time tells it from the other.
    pub(super) lost_until: Timestamp,
    /// Whether a caller waits for the next batch, and may write it.
    pub(super) callers: bool,
    /// Whether one of them is about to.
    pub(super) leading: bool,
    /// Whether the keeper left a batch to them since it last looked.
    pub(super) left: bool,
    /// How many requests there were.
    pub(super) calls: u64,
    /// Until when `deciding` and `callers` are waited for.
    pub(super) patience: Option<Instant>,
    /// What the keeper waits for, while it does.
    pub(super) alarm: Option<Alarm>,
    pub(super) draining: bool,
    pub(super) stopping: bool,
    /// Whether nothing is carried out any more.
    pub(super) ended: bool,
    /// Whether the last batch of work was the deletion of closed runs.
    pub(super) expired: bool,
}

impl State {
    pub(super) fn new(regions: Regions, disk: Option<Disk>) -> Self {
        Self {
            disk,
            regions: Some(regions),
            held: Held::default(),
            polls: Polls::default(),
            returned: Returned::default(),
            replies: Vec::new(),
            early: Vec::new(),
            watchers: HashMap::new(),
            closes: Vec::new(),
            batch: 0,
            writing: false,
            took: Duration::ZERO,
            closing: Vec::new(),
            // What fell due while nothing ran.
            expiry: Some(Timestamp::default()),
            deciding: HashSet::new(),
            callers: false,
            leading: false,
            left: false,
            calls: 0,
            lost_until: Timestamp::default(),
            patience: None,
            alarm: None,
            draining: false,
            stopping: false,
            ended: false,
            expired: false,
        }
    }

    /// Gives up all that is not on disk.
    pub(super) fn give_up(&mut self) {
        if let Some(regions) = self.regions.take() {
            self.lost_until = regions.now() + MOMENT;
        }
        self.closing.clear();
        self.watchers.clear();
        self.closes.clear();
        self.deciding.clear();
        self.callers = false;
        self.leading = false;
        self.patience = None;
    }

    /// Gives up everything.
    pub(super) fn end(&mut self) {
        self.give_up();
        self.ended = true;
        self.writing = false;
        let polls = self.polls.take_all().map(|poll| poll.reply);
        let replies = self.replies.drain(..).map(|(reply, _)| reply);
        let stopped = polls.chain(replies);
        self.early
            .extend(stopped.map(|reply| (reply, Err(Failure::Stopped))));
    }

    /// Carries out a request. Says whether it was carried out, as
    /// [`carry_out_or_ask`](Self::carry_out_or_ask).
    pub(super) fn call(&mut self, call: Call, now: Timestamp) -> bool {
        let Call {
            region,
            request,
            id,
            reply,
        } = call;
        self.calls += 1;
        let Some(regions) = &mut self.regions else {
            let failure = if self.ended {
                Failure::Stopped
            } else {
                Failure::Internal
            };
            self.early.push((reply, Err(failure)));
            return false;
        };
        let region = regions.id(&region);
        let done = self.carry_out_or_ask(region, request, id, reply, now);
        self.wake(region, now);
        if let Some(regions) = &mut self.regions {
            regions.forget_if_empty(region);
        }
        if self.has_changes() && self.disk_is_fast() {
            self.callers = true;
            self.be_patient();
        }
        done
    }

    /// The batch that what is carried out now is in.
    pub(super) fn next_batch(&self) -> BatchNumber {
        self.batch + 1
    }

    /// Has the keeper write the next batch, unless there are decisions to wait for.
    pub(super) fn expect_no_callers(&mut self) {
        self.callers = false;
        if self.deciding.is_empty() {
            self.patience = None;
        }
    }

    /// From now on, unless that was before.
    fn be_patient(&mut self) {
        let until = || Instant::now() + PATIENCE;
        self.patience.get_or_insert_with(until);
    }

    /// Carries a request out, or has the archive answer it. Says whether it was: it is not for what
    /// the archive answers, for what is refused, and for a poll that waits.
    pub(super) fn carry_out_or_ask(
        &mut self,
        region: RegionId,
        request: Request,
        id: PollId,
        mut reply: Reply,
        now: Timestamp,
    ) -> bool {
        let found = self.regions.as_mut();
        let found = found.and_then(|regions| regions.get_mut(region));
        if let (Some(disk), Some(found)) = (&self.disk, found)
            && let Some(query) = Query::of(region, &request, &mut found.engine, now)
        {
            match query {
                Ok(query) => disk.archive.ask(reply, query),
                Err(fault) => self.replies.push((reply, Err(Failure::Fault(fault)))),
            }
            return false;
        }
        if let Request::RespondDecisionTaskCompleted(answer) = &request {
            self.deciding.remove(&answer.task_token);
        }
        let list = awaited(&request).map(|list| (region, list));
        if self.draining && list.is_some() {
            let response = drained(&request, &reply);
            self.replies.push((reply, response));
            return false;
        }
        let outcome = self.carry_out(region, &request, list.as_ref(), now);
        match (outcome, list) {
            (Ok(Answer::NoDecisionTask | Answer::NoActivityTask), Some(list)) => {
                if self.polls.waiting(&list) >= MAXIMUM_POLLS {
                    let fault = Fault::new(FaultKind::LimitExceeded, "Poller limit exceeded");
                    self.replies.push((reply, Err(Failure::Fault(fault))));
                } else {
                    reply.list = Some(list.clone());
                    self.polls.wait(list, Poll { id, request, reply });
                }
                false
            }
            (outcome, list) => {
                let done = outcome.is_ok();
                reply.list = list;
                self.reply(reply, outcome);
                done
            }
        }
    }

    /// Has a response sent with the next batch, or earlier if it may be.
    pub(super) fn reply(&mut self, reply: Reply, response: Response) {
        match &response {
            Ok(Answer::DecisionTask(task)) if self.may_be_early(&reply) => {
                // A further page of a task says nothing of when its answer comes.
                if self.disk.is_some() && reply.list.is_some() {
                    self.be_patient();
                    self.deciding.insert(task.task_token.clone());
                }
                self.early.push((reply, response));
            }
            _ => self.replies.push((reply, response)),
        }
    }

    /// Whether a decision task need not wait for the disk: its client takes it, and is told of
    /// nothing else before.
    fn may_be_early(&self, reply: &Reply) -> bool {
        let written = self.batch - BatchNumber::from(self.writing);
        reply.asker.takes_early_tasks() && reply.after <= written
    }

    /// Carries a request out, with the events in memory that it needs. Polls do not wait.
    pub(super) fn carry_out(
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
        let returned = list.and_then(|list| {
            let is_open = |token: &_| engine.is_handed_out(list.1.kind, token);
            let token = self.returned.first(list, is_open)?;
            Some((list, token))
        });
        let needed = match (&returned, request) {
            (Some((list, token)), _) => engine.needed_by_task(list.1.kind, token),
            (_, Request::PollForDecisionTask(poll)) => engine.needed_by_decision_poll(poll),
            (_, Request::PollForActivityTask(poll)) => engine.needed_by_activity_poll(poll),
            (_, Request::GetWorkflowExecutionHistory(history)) => engine.needed_by_history(history),
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
        let engine = &mut found.engine;
        let Some((list, token)) = returned else {
            return request.apply(engine, now).map_err(Failure::Fault);
        };
        let task = request.apply_to(&token, engine, now);
        // For a poll that is refused it stays.
        let task = task.map_err(Failure::Fault)?;
        self.returned.take(list);
        Ok(task)
    }

    /// Brings the events of a run into memory.
    pub(super) fn load(&mut self, key: RunKey) -> Result<(), Failure> {
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
    pub(super) fn wake(&mut self, region: RegionId, now: Timestamp) {
        let found = self.regions.as_mut();
        let Some(found) = found.and_then(|regions| regions.get_mut(region)) else {
            return;
        };
        for ready in found.engine.take_ready() {
            self.serve((region, ready), now);
        }
    }

    /// Hands the tasks of a list to the polls that wait for them.
    pub(super) fn serve(&mut self, list: List, now: Timestamp) {
        // Those who wait need not know that the store is opened again.
        if self.regions.is_none() {
            return;
        }
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

    pub(super) fn advance(&mut self, now: Timestamp) {
        let Some(regions) = &mut self.regions else {
            return;
        };
        regions.advance(now);
        let ids: Vec<_> = regions.iter_mut().map(|(id, _)| id).collect();
        ids.into_iter().for_each(|id| self.wake(id, now));
    }

    /// Takes tasks back that nobody took, for the next polls of their lists.
    pub(super) fn give_back(&mut self, tasks: Vec<(List, TaskToken)>, now: Timestamp) {
        for (list, token) in tasks {
            self.deciding.remove(&token);
            self.returned.put(list.clone(), token);
            self.serve(list, now);
        }
        if self.returned.is_full()
            && let Some(regions) = &self.regions
        {
            self.returned.sweep(|region, kind, token| {
                let region = regions.get(region);
                region.is_some_and(|region| region.engine.is_handed_out(kind, token))
            });
        }
    }

    pub(super) fn next_deadline(&self) -> Option<Timestamp> {
        self.regions.as_ref().and_then(Regions::next_deadline)
    }

    /// When the keeper has something to do next, if nothing comes before.
    pub(super) fn next_due(&self) -> Option<Timestamp> {
        let expiry = self.expiry.filter(|_| self.expires());
        let deadline = self.next_deadline();
        deadline.into_iter().chain(expiry).min()
    }

    /// Whether there are closed runs in a store that can be used.
    pub(super) fn expires(&self) -> bool {
        self.disk.is_some() && self.regions.is_some()
    }

    /// The deletion of closed runs, if it is due.
    pub(super) fn expire(&mut self, now: Timestamp) -> Option<Work> {
        self.expiry
            .take_if(|expiry| *expiry <= now)
            .filter(|_| self.expires())?;
        let retentions = self.regions.as_ref()?.retentions();
        Some(Work::Expire(retentions, now))
    }

    /// Whether there is something to write.
    pub(super) fn has_changes(&self) -> bool {
        self.disk.is_some() && self.regions.as_ref().is_some_and(Regions::have_changes)
    }

    /// Whether there is something to write, and nobody writes.
    pub(super) fn can_write(&self) -> bool {
        !self.writing && self.has_changes()
    }

    /// Whether the last batch took no longer than others may be made to wait: who writes is not on a
    /// thread of its own.
    pub(super) fn disk_is_fast(&self) -> bool {
        self.took < SLOW
    }

    /// Whether a decider may still have something for the next batch, or a caller write it.
    pub(super) fn waits_for_callers(&self) -> bool {
        (self.callers || !self.deciding.is_empty())
            && self.patience.is_some_and(|until| Instant::now() < until)
    }

    /// Whether the keeper has to do something earlier than it thinks.
    pub(super) fn is_due_before(&self, alarm: Alarm) -> bool {
        let earlier = match (self.next_due(), alarm.due) {
            (Some(next), Some(armed)) => next < armed,
            (next, None) => next.is_some(),
            (None, Some(_)) => false,
        };
        earlier || (self.can_write() && !(alarm.patient && self.waits_for_callers()))
    }

    /// Whom to tell at once: everybody if nothing is on its way to the disk.
    pub(super) fn take_ready(&mut self) -> Told {
        if self.disk.is_none()
            && let Some(regions) = &mut self.regions
        {
            let closed = regions.take_closed();
            self.note_closes(closed);
        }
        let mut ready = Told {
            replies: std::mem::take(&mut self.early),
            closes: Vec::new(),
        };
        if !self.writing && !self.has_changes() {
            ready.replies.append(&mut self.replies);
            ready.closes = std::mem::take(&mut self.closes);
        }
        ready
    }

    /// Has somebody told when a run is closed. One that is not known counts as closed.
    pub(super) fn watch(
        &mut self,
        region: &SmolStr,
        run_id: &RunId,
        told: oneshot::Sender<()>,
    ) -> Result<(), Failure> {
        let regions = self.regions.as_ref().ok_or(Failure::Internal)?;
        let open = regions.find(region).and_then(|region| {
            let run = regions.get(region)?.engine.open_key(run_id)?;
            Some(RunKey { region, run })
        });
        match open {
            Some(key) => {
                let watchers = self.watchers.entry(key).or_default();
                // Those who gave up.
                watchers.retain(|watcher| !watcher.is_closed());
                watchers.push(told);
            }
            None => self.closes.push(told),
        }
        Ok(())
    }

    fn note_closes(&mut self, closed: impl IntoIterator<Item = RunKey>) {
        for key in closed {
            let watchers = self.watchers.remove(&key).into_iter().flatten();
            self.closes.extend(watchers);
        }
    }

    pub(super) fn take_batch(&mut self) -> Batch {
        let changes = match &mut self.regions {
            Some(regions) => regions.take_changes(),
            None => Changes::default(),
        };
        for (key, _) in &changes.events {
            self.held.add(*key, 1);
        }
        self.closing = changes.closed.iter().map(|run| run.key).collect();
        // Without a retention a run that closed may be gone already.
        let closed = changes.closed.iter().map(|run| run.key);
        self.note_closes(closed.chain(changes.removed.iter().copied()));
        self.batch += 1;
        self.writing = true;
        // They had their chance: their answers come with a later batch.
        self.deciding.clear();
        self.callers = false;
        self.leading = false;
        self.left = self.patience.take().is_some();
        let told = Told {
            replies: std::mem::take(&mut self.replies),
            closes: std::mem::take(&mut self.closes),
        };
        Batch { changes, told }
    }

    /// Leaves the runs to the store that it has as closed, and lets go of events that it has, if
    /// there are too many in memory.
    pub(super) fn archive(&mut self) {
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

    pub(super) fn snapshot(&mut self, now: Timestamp) -> Snapshot {
        let mut snapshot = Snapshot {
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
