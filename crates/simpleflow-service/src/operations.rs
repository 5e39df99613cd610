//! The operations, in one table.

use std::pin::Pin;

use crate::ServiceError;
use crate::table::*;

/// Hands the table of operations to a macro.
///
/// Each has the kind of its answer, its method, its request, which has the operation's name, and
/// its answer. The kinds: `empty`, `output`, and `task` for what a poll waits for. What the table
/// names is in [`table`](crate::table).
#[doc(hidden)]
#[macro_export]
macro_rules! for_each_operation {
    ($each:ident) => {
        $each! {
            /// Counts the closed executions that match the filters.
            output count_closed_workflow_executions(CountClosedWorkflowExecutions) -> WorkflowExecutionCount;
            /// Counts the open executions that match the filters.
            output count_open_workflow_executions(CountOpenWorkflowExecutions) -> WorkflowExecutionCount;
            /// Counts the activity tasks that wait in a task list.
            output count_pending_activity_tasks(CountPendingActivityTasks) -> PendingTaskCount;
            /// Counts the decision tasks that wait in a task list.
            output count_pending_decision_tasks(CountPendingDecisionTasks) -> PendingTaskCount;
            /// Deletes a deprecated activity type.
            empty delete_activity_type(DeleteActivityType) -> ();
            /// Deletes a deprecated workflow type.
            empty delete_workflow_type(DeleteWorkflowType) -> ();
            /// Deprecates an activity type.
            empty deprecate_activity_type(DeprecateActivityType) -> ();
            /// Deprecates a domain.
            empty deprecate_domain(DeprecateDomain) -> ();
            /// Deprecates a workflow type.
            empty deprecate_workflow_type(DeprecateWorkflowType) -> ();
            /// An activity type and its defaults.
            output describe_activity_type(DescribeActivityType) -> ActivityTypeDetail;
            /// A domain and its configuration.
            output describe_domain(DescribeDomain) -> DomainDetail;
            /// The state of an execution.
            output describe_workflow_execution(DescribeWorkflowExecution) -> WorkflowExecutionDetail;
            /// A workflow type and its defaults.
            output describe_workflow_type(DescribeWorkflowType) -> WorkflowTypeDetail;
            /// A page of a history.
            output get_workflow_execution_history(GetWorkflowExecutionHistory) -> History;
            /// A page of the activity types of a domain.
            output list_activity_types(ListActivityTypes) -> ActivityTypeInfos;
            /// A page of the closed executions that match the filters.
            output list_closed_workflow_executions(ListClosedWorkflowExecutions) -> WorkflowExecutionInfos;
            /// A page of the domains.
            output list_domains(ListDomains) -> DomainInfos;
            /// A page of the open executions that match the filters.
            output list_open_workflow_executions(ListOpenWorkflowExecutions) -> WorkflowExecutionInfos;
            /// The tags of a domain.
            output list_tags_for_resource(ListTagsForResource) -> ListTagsForResourceOutput;
            /// A page of the workflow types of a domain.
            output list_workflow_types(ListWorkflowTypes) -> WorkflowTypeInfos;
            /// Waits up to 60 seconds for an activity task; `None` when there was none.
            task poll_for_activity_task(PollForActivityTask) -> Option<ActivityTask>;
            /// Waits up to 60 seconds for a decision task; `None` when there was none. With a page
            /// token it does not wait: it gives the next page of a task that was handed out.
            task poll_for_decision_task(PollForDecisionTask) -> Option<DecisionTask>;
            /// Says that a worker is still at a task, and learns whether a cancel was asked for.
            output record_activity_task_heartbeat(RecordActivityTaskHeartbeat) -> ActivityTaskStatus;
            /// Registers an activity type.
            empty register_activity_type(RegisterActivityType) -> ();
            /// Registers a domain.
            empty register_domain(RegisterDomain) -> ();
            /// Registers a workflow type.
            empty register_workflow_type(RegisterWorkflowType) -> ();
            /// Asks for the cancel of an execution.
            empty request_cancel_workflow_execution(RequestCancelWorkflowExecution) -> ();
            /// Says that an activity task is cancelled.
            empty respond_activity_task_canceled(RespondActivityTaskCanceled) -> ();
            /// Says that an activity task is done.
            empty respond_activity_task_completed(RespondActivityTaskCompleted) -> ();
            /// Says that an activity task failed.
            empty respond_activity_task_failed(RespondActivityTaskFailed) -> ();
            /// Answers a decision task.
            empty respond_decision_task_completed(RespondDecisionTaskCompleted) -> ();
            /// Sends a signal to an execution.
            empty signal_workflow_execution(SignalWorkflowExecution) -> ();
            /// Starts an execution.
            output start_workflow_execution(StartWorkflowExecution) -> Run;
            /// Adds tags to a domain.
            empty tag_resource(TagResource) -> ();
            /// Terminates an execution.
            empty terminate_workflow_execution(TerminateWorkflowExecution) -> ();
            /// Brings a deprecated activity type back into use.
            empty undeprecate_activity_type(UndeprecateActivityType) -> ();
            /// Brings a deprecated domain back into use.
            empty undeprecate_domain(UndeprecateDomain) -> ();
            /// Brings a deprecated workflow type back into use.
            empty undeprecate_workflow_type(UndeprecateWorkflowType) -> ();
            /// Removes tags from a domain.
            empty untag_resource(UntagResource) -> ();
        }
    };
}

/// A poll that is under way: the task that it brings, if there is one in its time.
pub type NextTask<T> = Pin<Box<dyn Future<Output = Result<Option<T>, ServiceError>> + Send>>;

macro_rules! service {
    ($( $(#[$doc:meta])* $kind:ident $method:ident($request:ident) -> $answer:ty; )*) => {
        /// Amazon Simple Workflow: its 39 operations.
        ///
        /// Every method fails with [`ServiceError`].
        pub trait SwfService: Clone + Send + Sync + 'static {
            /// Whether a poll can be dropped without loss: a task that was on its way to it goes to
            /// the next poll. Amazon SWF does not see that a client hung up, and such a task waits
            /// for its time limit.
            fn takes_tasks_back(&self) -> bool {
                false
            }

            /// As [`poll_for_decision_task`](Self::poll_for_decision_task), for a decider whose
            /// decisions are a pure function of the events. A service with a disk may give it a
            /// task that is not on the disk yet, so that both are written together; if the task is
            /// lost, what is decided on it is refused.
            fn poll_for_decision_task_early(
                &self,
                request: PollForDecisionTask,
            ) -> impl Future<Output = Result<Option<DecisionTask>, ServiceError>> + Send {
                self.poll_for_decision_task(request)
            }

            /// Whether answers poll for the next task with the same request, as far as is known.
            fn polls_with_answers(&self) -> bool {
                false
            }

            /// As [`respond_decision_task_completed`](Self::respond_decision_task_completed), and
            /// polls [early](Self::poll_for_decision_task_early) for the next task with the same
            /// request where the service [knows how](Self::polls_with_answers). Then the poll is
            /// under way when the answer is taken; else there is none.
            fn respond_decision_task_completed_then_poll(
                &self,
                answer: RespondDecisionTaskCompleted,
                _poll: PollForDecisionTask,
            ) -> impl Future<Output = Result<Option<NextTask<DecisionTask>>, ServiceError>> + Send {
                async { self.respond_decision_task_completed(answer).await.map(|()| None) }
            }

            /// As [`respond_activity_task_completed`](Self::respond_activity_task_completed), and
            /// polls for the next task with the same request where the service
            /// [knows how](Self::polls_with_answers). Then the poll is under way when the answer is
            /// taken; else there is none.
            fn respond_activity_task_completed_then_poll(
                &self,
                answer: RespondActivityTaskCompleted,
                _poll: PollForActivityTask,
            ) -> impl Future<Output = Result<Option<NextTask<ActivityTask>>, ServiceError>> + Send {
                async { self.respond_activity_task_completed(answer).await.map(|()| None) }
            }

            /// As [`get_workflow_execution_history`](Self::get_workflow_execution_history), but
            /// when the execution is closed, or after up to 60 seconds if it is open still. A
            /// service that does not know how to wait, as Amazon SWF, answers at once.
            fn get_workflow_execution_history_when_closed(
                &self,
                request: GetWorkflowExecutionHistory,
            ) -> impl Future<Output = Result<History, ServiceError>> + Send {
                self.get_workflow_execution_history(request)
            }

            $(
                $(#[$doc])*
                fn $method(
                    &self,
                    request: $request,
                ) -> impl Future<Output = Result<$answer, ServiceError>> + Send;
            )*
        }
    };
}

for_each_operation!(service);
