//! How long a decider waits for values whose place is out of reach.

use std::time::Duration;

use simpleflow_model::{EventAttributes, HistoryEvent};

/// How long a decision task waits for the values that it reads, and then for those that it writes,
/// if their place is out of reach. A poller decides on one task at a time: it must not be held up
/// for ever by one value of one execution.
pub(super) const VALUES: Duration = Duration::from_secs(30);

/// How long to wait for values on a task that these events end with: no longer than it has time.
pub(super) fn patience(events: &[HistoryEvent]) -> Duration {
    let limit = events
        .iter()
        .rev()
        .find_map(|event| match &event.attributes {
            EventAttributes::DecisionTaskScheduled(task) => task.start_to_close_timeout?.duration(),
            _ => None,
        });
    limit.map_or(VALUES, |limit| limit.min(VALUES))
}

#[cfg(test)]
mod tests {
    use simpleflow_core::Registry;
    use simpleflow_model::event::{
        DecisionTaskScheduled, DecisionTaskStarted, WorkflowExecutionStarted,
    };
    use simpleflow_model::types::DecisionTask;
    use simpleflow_model::{EventId, Timeout, Timestamp};
    use tokio::time::Instant;

    use super::*;
    use crate::away::Away;
    use crate::decider::{Decider, DeciderError};
    use crate::in_process::InProcess;
    use crate::stop::Stop;

    #[tokio::test(start_paused = true)]
    async fn a_task_waits_for_values_for_a_while_and_no_longer_than_it_has_time() {
        let signature = "simpleflow+s3://v/735471c1-ac26-4c5d-a4ba-f85c7c5fb211 40000";
        let seconds = |seconds| Some(Timeout::Seconds(seconds));
        for (limit, waits) in [
            (seconds(10), 10),
            (seconds(60), 30),
            (Some(Timeout::None), 30),
        ] {
            let decider = Decider::new(InProcess::new(), "domain".into(), Registry::new());
            let decider = decider.jumbo(Away::new(true).jumbo());
            let started = WorkflowExecutionStarted {
                input: Some(signature.into()),
                ..WorkflowExecutionStarted::default()
            };
            let scheduled = DecisionTaskScheduled {
                start_to_close_timeout: limit,
                ..DecisionTaskScheduled::default()
            };
            let attributes: [EventAttributes; 3] = [
                started.into(),
                scheduled.into(),
                DecisionTaskStarted::default().into(),
            ];
            let events = (1..).zip(attributes).map(|(id, attributes)| {
                HistoryEvent::new(EventId(id), Timestamp::default(), attributes)
            });
            let mut task = DecisionTask {
                started_event_id: EventId(3),
                events: events.collect(),
                ..DecisionTask::default()
            };
            let began = Instant::now();
            let poll = decider.poll_request(&"list".into());
            let stop = Stop::new();
            let events = decider.events(poll, &mut task, EventId(1), &stop);
            let error = events.await.unwrap_err();
            assert!(matches!(error, DeciderError::Value { .. }), "{error}");
            assert_eq!(began.elapsed(), Duration::from_secs(waits));
        }
    }
}
