//! What happens when a time limit ends.

use simpleflow_model::enums::*;
use simpleflow_model::event::*;
use simpleflow_model::{EventAttributes, EventId};

use crate::Engine;
use crate::execution::{ExecutionKey, Slot};

impl Engine {
    /// Fires what is due of an execution.
    pub(crate) fn fire(&mut self, key: ExecutionKey, slot: Slot) {
        let Some(event) = self.due(key, slot) else {
            if slot == Slot::Record {
                self.forget(key);
            }
            return;
        };
        self.append_for_decider(key, event);
    }

    /// The event of what is due.
    fn due(&self, key: ExecutionKey, slot: Slot) -> Option<EventAttributes> {
        let execution = self.executions.get(&key)?;
        let state = &execution.state;
        Some(match slot {
            Slot::Execution => WorkflowExecutionTimedOut {
                timeout_type: WorkflowExecutionTimeoutType::StartToClose,
                child_policy: state.start.child_policy.clone(),
                ..Default::default()
            }
            .into(),
            Slot::Decision => {
                let timed_out = match (&state.decisions.started, &state.decisions.scheduled) {
                    (Some(started), _) => DecisionTaskTimedOut {
                        timeout_type: DecisionTaskTimeoutType::StartToClose,
                        scheduled_event_id: started.scheduled.event_id,
                        started_event_id: started.event_id,
                        ..Default::default()
                    },
                    (None, scheduled) => DecisionTaskTimedOut {
                        timeout_type: DecisionTaskTimeoutType::ScheduleToStart,
                        scheduled_event_id: scheduled.as_ref()?.event_id,
                        started_event_id: EventId(0),
                        ..Default::default()
                    },
                };
                timed_out.into()
            }
            Slot::Activity(scheduled) => {
                let activity = state.activities.get(scheduled)?;
                let heartbeat = execution.live.heartbeat(scheduled);
                ActivityTaskTimedOut {
                    timeout_type: activity.timeout_type(heartbeat.map(|beat| beat.at))?,
                    scheduled_event_id: scheduled,
                    started_event_id: activity.started_event_id(),
                    details: heartbeat.and_then(|beat| beat.details.clone()),
                    ..Default::default()
                }
                .into()
            }
            Slot::Timer(started_event_id) => TimerFired {
                timer_id: state.timers.get(started_event_id)?.id.clone(),
                started_event_id,
                ..Default::default()
            }
            .into(),
            Slot::Lambda(scheduled) => {
                let (started, _) = state.lambdas.get(scheduled)?.started?;
                LambdaFunctionTimedOut {
                    scheduled_event_id: scheduled,
                    started_event_id: started,
                    timeout_type: Some(LambdaFunctionTimeoutType::StartToClose),
                    ..Default::default()
                }
                .into()
            }
            Slot::Record => return None,
        })
    }
}
