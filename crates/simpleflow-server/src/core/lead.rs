//! Writing by who waits for it.
//!
//! To hand a small batch to the keeper, and its answers back, costs as much as to write it: two
//! threads have to wake up. So a caller, when nothing else can be done before the answer is there,
//! writes the batch itself, for all whose requests are in it.

use std::sync::{PoisonError, TryLockError};

use super::{Asker, Core};

impl Asker {
    /// How often a caller lets others on its thread go before it writes. In a process decider and
    /// worker come to rest by themselves. Clients on the wire never do: what they have sent by now
    /// is in the batch.
    pub(crate) fn turns(&self) -> usize {
        match self {
            Self::InProcess => usize::MAX,
            Self::Remote(_) | Self::Decider(_) => 2,
        }
    }
}

impl Core {
    /// Writes the batch that the caller waits for, once everything else on the caller's thread
    /// waits too, or had so many turns. Where that is not for the caller to do, the keeper sees to
    /// it.
    pub(crate) async fn lead(&self, turns: usize) {
        {
            let mut state = self.lock();
            if state.leading || !state.can_write() || !state.disk_is_fast() {
                return;
            }
            state.leading = true;
        }
        // Should this be dropped half-way, or others never come to rest, the keeper's patience ends.
        let mut seen = None;
        for _ in 0..turns {
            {
                let state = self.lock();
                if !state.leading {
                    return;
                }
                if seen == Some(state.calls) {
                    break;
                }
                seen = Some(state.calls);
            }
            tokio::task::yield_now().await;
        }
        self.write();
    }

    /// Writes the next batch, if nobody does.
    fn write(&self) {
        let mut log = match self.log.try_lock() {
            Ok(log) => log,
            Err(TryLockError::Poisoned(poisoned)) => PoisonError::into_inner(poisoned),
            // The keeper is at it.
            Err(TryLockError::WouldBlock) => return self.leave(),
        };
        let Some(log) = log.as_mut() else {
            return self.leave();
        };
        let batch = {
            let mut state = self.lock();
            if !state.leading || !state.can_write() || !state.deciding.is_empty() {
                drop(state);
                return self.leave();
            }
            state.take_batch()
        };
        let _end = EndOfPanic(self);
        log.write(self, batch);
    }

    /// Leaves the next batch to the keeper.
    fn leave(&self) {
        let mut state = self.lock();
        state.leading = false;
        state.expect_no_callers();
        self.settle(state);
    }
}

/// Ends a core whose batch nobody knows the end of.
struct EndOfPanic<'a>(&'a Core);

impl Drop for EndOfPanic<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.end();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use simpleflow_model::DomainName;
    use simpleflow_model::Timestamp;

    use super::super::tests::{NoReader, peer};
    use super::super::{Asker, Disk, Failure, Response, Work};
    use super::*;
    use crate::archive::Archive;
    use crate::ask::ask;
    use crate::clock::Clock;
    use crate::keeper::Log;
    use crate::metrics::Metrics;
    use crate::operation::Request;
    use crate::regions::Regions;
    use crate::store::{Changes, Location, Portion, RegionId, StoreError, Writer};

    /// A disk that counts its batches, and may fail.
    struct Counting {
        batches: Arc<AtomicUsize>,
        fails: bool,
    }

    impl Writer for Counting {
        fn commit(&mut self, _: &Changes) -> Result<(), StoreError> {
            self.batches.fetch_add(1, Ordering::Relaxed);
            match self.fails {
                true => Err(StoreError::damaged("d".as_ref(), "it fails")),
                false => Ok(()),
            }
        }

        fn expire(
            &mut self,
            _: &[(RegionId, DomainName, Duration)],
            _: Timestamp,
            _: Portion,
        ) -> Result<Option<Timestamp>, StoreError> {
            Ok(None)
        }
    }

    /// A core without a keeper, and the number of batches that were written.
    fn core(took: Duration, fails: bool) -> (Arc<Core>, Arc<AtomicUsize>) {
        let batches = Arc::default();
        let disk = Disk {
            reader: Box::new(NoReader),
            archive: Archive::start(Box::new(NoReader)).unwrap(),
        };
        let writer = Counting {
            batches: Arc::clone(&batches),
            fails,
        };
        let log = Log {
            writer: Some(Box::new(writer)),
            open: |_| Err(StoreError::damaged("d".as_ref(), "it stays closed")),
            place: Location {
                dir: PathBuf::new(),
                relaxed: false,
            },
            lambda_functions: false,
            metrics: Arc::new(Metrics::new().unwrap()),
        };
        let core = Core::new(Regions::new(true), Some(disk), Clock::default());
        let core = Arc::new(core.with_log(Some(log)));
        assert!(matches!(core.work(), Some(Work::Expire(..))));
        core.lock().took = took;
        (core, batches)
    }

    async fn register(core: &Arc<Core>, domain: &str) -> Response {
        register_as(Asker::InProcess, core, domain).await
    }

    async fn register_as(asker: Asker, core: &Arc<Core>, domain: &str) -> Response {
        let body = format!(r#"{{"name":"{domain}","workflowExecutionRetentionPeriodInDays":"1"}}"#);
        let request = Request::parse("RegisterDomain", body.as_bytes()).unwrap();
        ask(core, "us-east-1".into(), request, asker).await
    }

    #[tokio::test]
    async fn one_of_those_who_wait_writes_for_all() {
        let (core, batches) = core(Duration::ZERO, false);
        let (a, b, c) = tokio::join!(
            register(&core, "a"),
            register(&core, "b"),
            register(&core, "c")
        );
        assert!(a.is_ok() && b.is_ok() && c.is_ok());
        assert_eq!(batches.load(Ordering::Relaxed), 1);
    }

    #[tokio::test]
    async fn who_is_on_the_wire_does_not_wait_for_others_to_rest() {
        let (core, batches) = core(Duration::ZERO, false);
        let others = async {
            loop {
                core.lock().calls += 1;
                tokio::task::yield_now().await;
            }
        };
        let registered = register_as(Asker::Remote(peer()), &core, "a");
        let registered = async {
            tokio::select! {
                registered = registered => registered,
                () = others => unreachable!("they never come to rest"),
            }
        };
        let registered = tokio::time::timeout(Duration::from_secs(50), registered).await;
        assert!(registered.expect("it is written").is_ok());
        assert_eq!(batches.load(Ordering::Relaxed), 1);
    }

    #[tokio::test]
    async fn a_slow_disk_is_left_to_the_keeper() {
        let (core, batches) = core(Duration::from_secs(1), false);
        let asked = tokio::spawn({
            let core = Arc::clone(&core);
            async move { register(&core, "a").await }
        });
        let keeper = Arc::clone(&core);
        let work = tokio::task::spawn_blocking(move || keeper.work());
        let Some(Work::Write(batch)) = work.await.unwrap() else {
            panic!("there is nothing to write")
        };
        assert_eq!(batches.load(Ordering::Relaxed), 0);
        core.written(batch.told, Duration::ZERO);
        assert!(asked.await.unwrap().is_ok());
    }

    #[tokio::test]
    async fn who_gave_up_leaves_it_to_the_keeper() {
        let (core, batches) = core(Duration::ZERO, false);
        {
            let mut asked = std::pin::pin!(register(&core, "a"));
            let waker = std::task::Waker::noop();
            let mut context = std::task::Context::from_waker(waker);
            assert!(asked.as_mut().poll(&mut context).is_pending());
        }
        assert!(matches!(core.work(), Some(Work::Write(_))));
        assert_eq!(batches.load(Ordering::Relaxed), 0);
    }

    #[tokio::test]
    async fn a_batch_that_fails_has_the_keeper_open_the_store_again() {
        let (core, batches) = core(Duration::ZERO, true);
        let response = register(&core, "a").await;
        assert!(matches!(response, Err(Failure::Internal)));
        assert!(!core.lock().disk_is_fast());
        assert_eq!(batches.load(Ordering::Relaxed), 1);
        assert!(matches!(core.work(), Some(Work::Reopen)));
    }
}
