//! The regions: an engine each, and what changed in them.
//!
//! Domains are per region, and nothing reaches from one region into another. A region comes into
//! being with its first domain.

use std::collections::HashMap;
use std::time::Duration;

use simpleflow_engine::{Engine, Settings};
use simpleflow_model::{DomainName, EventId, SmolStr, Timestamp};

use crate::store::{Changes, ClosedRun, Kept, NewRun, Reader, RegionId, RunKey, StoreError};

/// A region.
pub(crate) struct Region {
    pub name: SmolStr,
    pub engine: Engine,
    /// Whether the store knows it.
    kept: bool,
}

/// The regions.
#[derive(Default)]
pub(crate) struct Regions {
    regions: Vec<Region>,
    ids: HashMap<SmolStr, RegionId>,
    /// Whether changes are told.
    record_changes: bool,
    /// Whether Lambda functions can be scheduled.
    lambda_functions: bool,
}

/// Events are let go of when more than this many are in memory: some 15 MB, and more than the
/// longest history has, so that what is at work stays.
const HELD_EVENTS: usize = 32_768;

impl Regions {
    /// No region. Changes are told if somebody keeps them.
    pub(crate) fn new(record_changes: bool) -> Self {
        Self {
            record_changes,
            ..Self::default()
        }
    }

    /// The same regions with Lambda functions or without: nobody runs them.
    pub(crate) fn with_lambda_functions(mut self, lambda_functions: bool) -> Self {
        self.lambda_functions = lambda_functions;
        self
    }

    /// The same regions with what a store holds, but for the closed runs, which stay there.
    pub(crate) fn load(
        self,
        reader: &dyn Reader,
        dir: &std::path::Path,
    ) -> Result<Self, StoreError> {
        let mut regions = self;
        let unknown =
            |region: RegionId| StoreError::damaged(dir, format!("region {region} is not there"));
        reader.open(&mut |kept| {
            match kept {
                Kept::Region(id, name) => {
                    if regions.add(name) != id {
                        return Err(unknown(id));
                    }
                    if let Some(region) = regions.get_mut(id) {
                        region.kept = true;
                    }
                }
                Kept::Registration(id, registration) => {
                    let region = regions.get_mut(id).ok_or_else(|| unknown(id))?;
                    region
                        .engine
                        .restore_registration(registration)
                        .map_err(|fault| StoreError::damaged(dir, fault))?;
                }
                Kept::RunCount(id, count) => {
                    let region = regions.get_mut(id).ok_or_else(|| unknown(id))?;
                    region.engine.restore_run_count(count);
                }
                Kept::Run(run) => {
                    let id = run.key.region;
                    let region = regions.get_mut(id).ok_or_else(|| unknown(id))?;
                    region
                        .engine
                        .restore(run.key.run, &run.domain, run.id, run.history)
                        .map_err(|fault| StoreError::damaged(dir, fault))?;
                    region.engine.release(run.key.run);
                }
                Kept::Heartbeat(id, heartbeat) => {
                    let region = regions.get_mut(id).ok_or_else(|| unknown(id))?;
                    region.engine.restore_heartbeat(heartbeat);
                }
            }
            Ok(())
        })?;
        Ok(regions)
    }

    /// The region of a name, if there is one.
    pub(crate) fn find(&self, name: &SmolStr) -> Option<RegionId> {
        self.ids.get(name).copied()
    }

    /// The region of a name, a new one if there is none.
    pub(crate) fn id(&mut self, name: &SmolStr) -> RegionId {
        match self.ids.get(name) {
            Some(id) => *id,
            None => self.add(name.clone()),
        }
    }

    fn add(&mut self, name: SmolStr) -> RegionId {
        let id = self.regions.len() as RegionId;
        let engine = Engine::new(Settings {
            region: name.clone(),
            // Run ids differ from start to start, so none comes twice.
            seed: uuid::Uuid::new_v4().as_u64_pair().0,
            record_changes: self.record_changes,
            record_closes: true,
            lambda_functions: self.lambda_functions,
            ..Settings::default()
        });
        self.ids.insert(name.clone(), id);
        self.regions.push(Region {
            name,
            engine,
            kept: false,
        });
        id
    }

    /// Forgets the latest region if it has no domain: whoever names a region does not make it.
    pub(crate) fn forget_if_empty(&mut self, id: RegionId) {
        if id as usize + 1 == self.regions.len()
            && let Some(region) = self.regions.pop_if(|region| region.engine.is_empty())
        {
            self.ids.remove(&region.name);
        }
    }

    pub(crate) fn get(&self, id: RegionId) -> Option<&Region> {
        self.regions.get(id as usize)
    }

    pub(crate) fn get_mut(&mut self, id: RegionId) -> Option<&mut Region> {
        self.regions.get_mut(id as usize)
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = (RegionId, &mut Region)> {
        (0..).zip(self.regions.iter_mut())
    }

    /// The latest time that was seen.
    pub(crate) fn now(&self) -> Timestamp {
        let times = self.regions.iter().map(|region| region.engine.now());
        times.max().unwrap_or_default()
    }

    /// When something falls due next.
    pub(crate) fn next_deadline(&self) -> Option<Timestamp> {
        let deadlines = self.regions.iter();
        deadlines
            .filter_map(|region| region.engine.next_deadline())
            .min()
    }

    /// Lets what is due happen.
    pub(crate) fn advance(&mut self, now: Timestamp) {
        for region in &mut self.regions {
            region.engine.advance(now);
        }
    }

    /// Whether something changed that was not taken.
    pub(crate) fn have_changes(&self) -> bool {
        let mut regions = self.regions.iter();
        self.record_changes
            && regions.any(|region| {
                region.engine.has_changes() || (!region.kept && !region.engine.is_empty())
            })
    }

    /// Takes which runs closed. They are among the [changes](Self::take_changes), where these are
    /// told.
    pub(crate) fn take_closed(&mut self) -> Vec<RunKey> {
        let mut closed = Vec::new();
        for (region, found) in (0..).zip(&mut self.regions) {
            let runs = found.engine.take_closed().into_iter();
            closed.extend(runs.map(|run| RunKey { region, run }));
        }
        closed
    }

    /// Takes all that changed.
    pub(crate) fn take_changes(&mut self) -> Changes {
        let mut changes = Changes::default();
        for (id, region) in (0..).zip(&mut self.regions) {
            let engine = &mut region.engine;
            let registrations = engine.take_registrations().into_iter();
            changes.registrations.extend(registrations.map(|r| (id, r)));
            for appended in engine.take_appended() {
                let key = RunKey {
                    region: id,
                    run: appended.key,
                };
                let Some(execution) = engine.execution(&appended.run_id) else {
                    continue;
                };
                if appended.first == EventId(1) {
                    changes.runs.push(NewRun {
                        key,
                        domain: execution.domain().clone(),
                        id: execution.id().clone(),
                    });
                }
                let events = execution.events_from(appended.first).iter();
                changes.events.extend(events.map(|e| (key, e.clone())));
            }
            for run in engine.take_closed() {
                if let Some(execution) = engine.execution_by_key(run)
                    && let Some(detail) = execution.closed_detail()
                {
                    changes.closed.push(ClosedRun {
                        key: RunKey { region: id, run },
                        domain: execution.domain().clone(),
                        events: execution.length(),
                        detail,
                    });
                }
            }
            let heartbeats = engine.take_heartbeats().into_iter();
            changes.heartbeats.extend(heartbeats.map(|h| (id, h)));
            let removed = engine.take_removed().into_iter();
            changes.removed.extend(removed.map(|removed| RunKey {
                region: id,
                run: removed.key,
            }));
            if !region.kept && !engine.is_empty() {
                region.kept = true;
                changes.regions.push((id, region.name.clone()));
            }
        }
        changes
    }

    /// Drops a closed run, which must be in the store. Gives the end of its retention.
    pub(crate) fn archive(&mut self, key: RunKey) -> Option<Timestamp> {
        self.get_mut(key.region)?.engine.archive(key.run)
    }

    /// How long the domains keep closed runs.
    pub(crate) fn retentions(&self) -> Vec<(RegionId, DomainName, Duration)> {
        let regions = (0..).zip(&self.regions);
        let retentions = regions.flat_map(|(id, region)| {
            let domains = region.engine.retentions();
            domains.map(move |(domain, retention)| (id, domain.clone(), retention))
        });
        retentions.collect()
    }

    pub(crate) fn release(&mut self, key: RunKey) {
        if let Some(region) = self.get_mut(key.region) {
            region.engine.release(key.run);
        }
    }
}

/// The runs whose events are in memory, by when they were last used.
pub(crate) struct Held {
    runs: lru::LruCache<RunKey, usize>,
    events: usize,
}

impl Default for Held {
    fn default() -> Self {
        Self {
            runs: lru::LruCache::unbounded(),
            events: 0,
        }
    }
}

impl Held {
    /// Notes that a run has so many events more in memory.
    pub(crate) fn add(&mut self, key: RunKey, events: usize) {
        self.events += events;
        match self.runs.get_mut(&key) {
            Some(held) => *held += events,
            None => {
                self.runs.put(key, events);
            }
        }
    }

    /// Notes that a run is gone.
    pub(crate) fn forget(&mut self, key: RunKey) {
        self.events -= self.runs.pop(&key).unwrap_or(0);
    }

    /// Lets go of the events that were not used for longest, if there are too many. All of them
    /// must be in the store.
    pub(crate) fn shrink(&mut self, regions: &mut Regions) {
        while self.events > HELD_EVENTS && self.runs.len() > 1 {
            let Some((key, events)) = self.runs.pop_lru() else {
                return;
            };
            self.events -= events;
            regions.release(key);
        }
    }
}
