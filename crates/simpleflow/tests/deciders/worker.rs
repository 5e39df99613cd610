//! A worker polls several times at once, and for no more than it can run.

use std::num::NonZeroUsize;

use simpleflow::prelude::*;
use simpleflow_executor::{Stop, Worker};
use tokio::sync::watch;

use crate::tapped::{Tap, Tapped};
use crate::world::*;

/// Counts the polls for activities. None of them ends, as there are no tasks.
struct Counts(watch::Sender<usize>);

impl Tap for Counts {
    fn polls_for_activities(&self) {
        self.0.send_modify(|polls| *polls += 1);
    }
}

#[tokio::test]
async fn as_many_polls_are_out_as_there_is_room_up_to_a_few() {
    let world = World::new().await;
    for (most, polls) in [(1, 1), (3, 3), (100, 8)] {
        let (counted, mut count) = watch::channel(0);
        let service = Tapped::new(&world.service, Counts(counted));
        let worker = Worker::new(service, DOMAIN.into(), Registry::linked());
        let stop = Stop::new();
        let list = "nobody-schedules-here".into();
        let running = worker.run(&list, NonZeroUsize::new(most).unwrap(), &stop);
        let counting = async {
            let all = count.wait_for(|out| *out >= polls);
            let waited = tokio::time::timeout(PATIENCE, all).await;
            assert!(waited.is_ok(), "there are not {polls} polls");
            stop.request();
        };
        tokio::join!(running, counting);
        assert_eq!(*count.borrow(), polls);
    }
}
