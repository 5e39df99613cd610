//! A service whose operations for deciders and workers a test can look into and change.

use std::sync::Arc;

use simpleflow_server::EmbeddedService;
use simpleflow_service::table::*;
use simpleflow_service::{NextTask, ServiceError, SwfService, for_each_operation};

/// What a test does to the operations of deciders and workers. Each may change the request; an error before
/// is the answer; one after takes the place of the answer.
pub trait Tap: Send + Sync + 'static {
    fn takes_tasks_back(&self) -> bool {
        true
    }

    /// Whether polls come with answers. Such polls do not come here.
    fn polls_with_answers(&self) -> bool {
        false
    }

    fn poll(&self, _request: &mut PollForDecisionTask) -> Result<(), ServiceError> {
        Ok(())
    }

    fn polls_for_activities(&self) {}

    /// Takes a heartbeat instead of the service.
    fn beat(&self, _request: &RecordActivityTaskHeartbeat) -> bool {
        false
    }

    fn history(&self, _request: &mut GetWorkflowExecutionHistory) -> Result<(), ServiceError> {
        Ok(())
    }

    fn page(&self, _page: &mut History) {}

    fn respond(&self, _request: &mut RespondDecisionTaskCompleted) -> Result<(), ServiceError> {
        Ok(())
    }

    fn responded(&self) -> impl Future<Output = Result<(), ServiceError>> + Send {
        std::future::ready(Ok(()))
    }
}

/// The service with its tap.
pub struct Tapped<T> {
    service: EmbeddedService,
    pub tap: Arc<T>,
}

impl<T> Tapped<T> {
    pub fn new(service: &EmbeddedService, tap: T) -> Self {
        Self {
            service: service.clone(),
            tap: Arc::new(tap),
        }
    }
}

impl<T> Clone for Tapped<T> {
    fn clone(&self) -> Self {
        Self {
            service: self.service.clone(),
            tap: Arc::clone(&self.tap),
        }
    }
}

macro_rules! service {
    ($( $(#[$doc:meta])* $kind:ident $method:ident($request:ident) -> $answer:ty; )*) => {
        impl<T: Tap> SwfService for Tapped<T> {
            fn takes_tasks_back(&self) -> bool {
                self.tap.takes_tasks_back()
            }

            fn polls_with_answers(&self) -> bool {
                self.tap.polls_with_answers()
            }

            async fn respond_decision_task_completed_then_poll(
                &self,
                answer: RespondDecisionTaskCompleted,
                poll: PollForDecisionTask,
            ) -> Result<Option<NextTask<DecisionTask>>, ServiceError> {
                self.respond_decision_task_completed(answer).await?;
                let service = self.service.clone();
                let next: NextTask<_> =
                    Box::pin(async move { service.poll_for_decision_task(poll).await });
                Ok(self.tap.polls_with_answers().then_some(next))
            }

            async fn respond_activity_task_completed_then_poll(
                &self,
                answer: RespondActivityTaskCompleted,
                poll: PollForActivityTask,
            ) -> Result<Option<NextTask<ActivityTask>>, ServiceError> {
                self.respond_activity_task_completed(answer).await?;
                let service = self.service.clone();
                let next: NextTask<_> =
                    Box::pin(async move { service.poll_for_activity_task(poll).await });
                Ok(self.tap.polls_with_answers().then_some(next))
            }

            $(
                #[allow(unused_mut, reason = "most requests are passed on as they are")]
                async fn $method(&self, mut request: $request) -> Result<$answer, ServiceError> {
                    service!(@ $method self, request)
                }
            )*
        }
    };
    (@ poll_for_decision_task $self:ident, $request:ident) => {{
        $self.tap.poll(&mut $request)?;
        $self.service.poll_for_decision_task($request).await
    }};
    (@ poll_for_activity_task $self:ident, $request:ident) => {{
        $self.tap.polls_for_activities();
        $self.service.poll_for_activity_task($request).await
    }};
    (@ record_activity_task_heartbeat $self:ident, $request:ident) => {{
        match $self.tap.beat(&$request) {
            true => Ok(ActivityTaskStatus::default()),
            false => $self.service.record_activity_task_heartbeat($request).await,
        }
    }};
    (@ get_workflow_execution_history $self:ident, $request:ident) => {{
        $self.tap.history(&mut $request)?;
        let mut page = $self.service.get_workflow_execution_history($request).await?;
        $self.tap.page(&mut page);
        Ok(page)
    }};
    (@ respond_decision_task_completed $self:ident, $request:ident) => {{
        $self.tap.respond(&mut $request)?;
        $self.service.respond_decision_task_completed($request).await?;
        $self.tap.responded().await
    }};
    (@ $method:ident $self:ident, $request:ident) => { $self.service.$method($request).await };
}

for_each_operation!(service);
