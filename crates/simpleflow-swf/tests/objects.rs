//! The objects and the loops, on the service in this process.

use std::time::Duration;

use futures::TryStreamExt as _;
use simpleflow_executor::InProcess;
use simpleflow_model::operation::{
    RegisterActivityType, RegisterWorkflowType, StartWorkflowExecution,
};
use simpleflow_model::{
    ChildPolicy, CloseStatus, ExecutionStatus, FaultKind, RegistrationStatus, RetentionDays,
    SmolStr, TaskList, Timeout, WorkflowExecution as ExecutionId,
};
use simpleflow_service::table::*;
use simpleflow_service::{ServiceError, SwfService, for_each_operation};
use simpleflow_swf::history::{State, TaskKind};
use simpleflow_swf::why::Why;
use simpleflow_swf::{
    Answer, Decided, Domain, SwfError, Terminate, WorkflowExecution, WorkflowType, decisions,
};

/// The greatest time that a test waits for anything.
const PATIENCE: Duration = Duration::from_secs(30);

/// The error, of what has no debug form when it succeeds.
fn error<T>(result: Result<T, SwfError>) -> SwfError {
    match result {
        Ok(_) => panic!("it succeeded"),
        Err(error) => error,
    }
}

type Outcome = Result<(), Box<dyn std::error::Error>>;

async fn domain() -> Result<Domain<InProcess>, ServiceError> {
    Domain::get_or_create(InProcess::new(), "shop", RetentionDays(1)).await
}

fn list(name: &str) -> TaskList {
    TaskList {
        name: name.into(),
        ..TaskList::default()
    }
}

async fn order(
    domain: &Domain<InProcess>,
    version: &str,
) -> Result<WorkflowType<InProcess>, ServiceError> {
    let defaults = RegisterWorkflowType {
        default_task_list: Some(list("orders")),
        default_child_policy: Some(ChildPolicy::Terminate),
        default_execution_start_to_close_timeout: Some(Timeout::Seconds(3_600)),
        default_task_start_to_close_timeout: Some(Timeout::Seconds(60)),
        ..RegisterWorkflowType::default()
    };
    let order = domain.workflow_type("order", version);
    order.get_or_create(defaults).await?;
    Ok(order)
}

fn named(id: &str, tag: &str) -> StartWorkflowExecution {
    StartWorkflowExecution {
        workflow_id: id.into(),
        tag_list: Some(vec![Some(tag.into())]),
        input: Some("[1]".into()),
        ..StartWorkflowExecution::default()
    }
}

#[tokio::test]
async fn domains_and_types_are_registered_once_and_listed() -> Outcome {
    let domain = domain().await?;
    let service = domain.service().clone();
    Domain::get_or_create(service.clone(), "shop", RetentionDays(9)).await?;
    let days = domain.describe().await?.configuration;
    assert_eq!(
        days.workflow_execution_retention_period_in_days,
        RetentionDays(1)
    );
    for name in ["a", "b"] {
        let other = Domain::get_or_create(service.clone(), name, RetentionDays(1)).await?;
        other.deprecate().await?;
    }
    let all = |status| Domain::all(service.clone(), status).try_collect::<Vec<_>>();
    let registered = all(RegistrationStatus::Registered).await?;
    assert_eq!(registered[0].name, *domain.name());
    assert_eq!(all(RegistrationStatus::Deprecated).await?.len(), 2);

    for version in ["1", "2", "3"] {
        let order = order(&domain, version).await?;
        order.get_or_create(RegisterWorkflowType::default()).await?;
    }
    domain.workflow_type("order", "3").deprecate().await?;
    let pack = domain.activity_type("pack", "1");
    pack.get_or_create(RegisterActivityType::default()).await?;
    let again = pack.create(RegisterActivityType::default()).await;
    assert!(again.unwrap_err().is_fault(FaultKind::TypeAlreadyExists));
    assert_eq!(pack.describe().await?.type_info.activity_type, *pack.id());
    let types = domain.workflow_types().name("order");
    let versions: Vec<_> = types
        .clone()
        .list()
        .map_ok(|info| info.workflow_type.version.to_string())
        .try_collect()
        .await?;
    assert_eq!(versions.len(), 2);
    assert_eq!(
        types
            .deprecated()
            .list()
            .try_collect::<Vec<_>>()
            .await?
            .len(),
        1
    );
    pack.deprecate().await?;
    let packs = domain
        .activity_types()
        .list()
        .try_collect::<Vec<_>>()
        .await?;
    assert!(packs.is_empty());
    let deprecated = domain.activity_types().name("pack").deprecated().list();
    assert_eq!(deprecated.try_collect::<Vec<_>>().await?.len(), 1);
    Ok(())
}

#[tokio::test]
async fn queries_take_any_filters_and_page_by_themselves() -> Outcome {
    let domain = domain().await?;
    let (first, second) = (order(&domain, "1").await?, order(&domain, "2").await?);
    for number in 0..7 {
        let tag = if number % 2 == 0 { "even" } else { "odd" };
        let of = if number < 4 { &first } else { &second };
        of.start(named(&format!("order-{number}"), tag)).await?;
    }
    let ids = async |query: simpleflow_swf::OpenExecutions<InProcess>| {
        let listed = query.page_size(2).list();
        let ids = listed.map_ok(|info| info.execution.workflow_id.to_string());
        let mut ids: Vec<_> = ids.try_collect().await?;
        ids.sort();
        Ok::<_, ServiceError>(ids.join(" "))
    };
    let open = || domain.open_executions();
    assert_eq!(ids(open()).await?.split(' ').count(), 7);
    assert_eq!(
        ids(open().tag("even").type_version("1")).await?,
        "order-0 order-2"
    );
    assert_eq!(
        ids(open().type_name("order").type_version("2").tag("odd")).await?,
        "order-5"
    );
    assert_eq!(ids(open().workflow_id("order-3").tag("even")).await?, "");
    let oldest: Vec<_> = open().oldest_first().list().try_collect().await?;
    let times: Vec<_> = oldest.iter().map(|info| info.start_timestamp).collect();
    assert!(times.is_sorted());
    assert!(
        ids(open().started_until(times[0]))
            .await?
            .contains("order-0")
    );

    for id in ["order-0", "order-1"] {
        let execution = domain.execution(id, None).await?;
        execution.terminate(Terminate::default()).await?;
    }
    let closed = || domain.closed_executions();
    let terminated = closed().close_status(CloseStatus::Terminated).tag("odd");
    let terminated: Vec<_> = terminated.list().try_collect().await?;
    assert_eq!(terminated[0].execution.workflow_id.as_str(), "order-1");
    assert_eq!(terminated.len(), 1);
    let since = closed().closed_since(times[0]).list();
    assert_eq!(since.try_collect::<Vec<_>>().await?.len(), 2);
    let failed = closed().close_status(CloseStatus::Failed).list();
    assert_eq!(failed.try_collect::<Vec<_>>().await?.len(), 0);
    Ok(())
}

#[tokio::test]
async fn an_execution_is_found_steered_and_started_anew() -> Outcome {
    let domain = domain().await?;
    let missing = error(domain.execution("order-1", None).await);
    assert_eq!(
        missing.to_string(),
        "Workflow order-1 not found in domain shop"
    );
    let unknown = Domain::new(domain.service().clone(), "nowhere");
    let unknown = unknown.execution("order-1", Some("r".into())).await;
    let unknown = error(unknown);
    assert!(matches!(unknown, SwfError::Service(_)), "{unknown:?}");

    let order = order(&domain, "1").await?;
    let first = order.start(named("order-1", "night")).await?;
    first.signal("paid", Some(SmolStr::new("1"))).await?;
    first.request_cancel().await?;
    let history = first.history().await?;
    assert!(history.cancel_requested().is_some());
    assert_eq!(history.find("paid").unwrap().state(), State::Signaled);
    let second = first.restart().await?;
    let how = first.history().await?.close().cloned().unwrap();
    assert_eq!(
        (how.status, how.reason.as_deref()),
        (CloseStatus::Terminated, Some("workflow.restart"))
    );
    let input = |history: simpleflow_swf::History| history.started().cloned();
    assert_eq!(
        input(first.history().await?),
        input(second.history().await?)
    );
    // The open run is found before the closed one; then the last that was started.
    assert_eq!(domain.execution("order-1", None).await?.id(), second.id());
    second.terminate(Terminate::default()).await?;
    assert_eq!(domain.execution("order-1", None).await?.id(), second.id());
    let closed = error(second.signal("late", None).await);
    assert!(closed.to_string().ends_with(" is closed"), "{closed}");
    let third = second.restart().await?;
    let detail = third.describe().await?;
    assert_eq!(
        detail.execution_info.execution_status,
        ExecutionStatus::Open
    );
    let ExecutionId {
        workflow_id,
        run_id,
        ..
    } = first.id().clone();
    assert_eq!(
        domain.execution(workflow_id, Some(run_id)).await?.id(),
        first.id()
    );
    let missing = error(
        domain
            .execution("order-1", Some("no-such-run".into()))
            .await,
    );
    assert_eq!(
        missing.to_string(),
        "Execution order-1 no-such-run not found in domain shop"
    );
    Ok(())
}

#[tokio::test]
async fn what_cannot_be_started_again_is_not_terminated() -> Outcome {
    let domain = domain().await?;
    let order = order(&domain, "1").await?;
    let run = order.start(named("order-1", "night")).await?;
    order.deprecate().await?;
    let refused = error(run.restart().await);
    assert_eq!(
        refused.to_string(),
        "workflow type order 1 is deprecated in domain shop: no execution of it can be started, \
         and none was terminated"
    );
    // Nor is anything done for a start that cannot be.
    let changed = run.restart_as(async |_: &mut StartWorkflowExecution| panic!("it is changed"));
    let refused: Result<_, SwfError> = changed.await;
    assert!(matches!(refused, Err(SwfError::TypeNotInUse { .. })));
    let status = run.describe().await?.execution_info.execution_status;
    assert_eq!(status, ExecutionStatus::Open);
    Ok(())
}

#[tokio::test]
async fn a_restart_that_cannot_be_prepared_terminates_nothing() -> Outcome {
    let domain = domain().await?;
    let order = order(&domain, "1").await?;
    let run = order.start(named("order-1", "night")).await?;
    let change = async |start: &mut StartWorkflowExecution| {
        start.input = Some("another".into());
        Err::<(), Box<dyn std::error::Error>>("it is away".into())
    };
    let Err(refused) = run.restart_as(change).await else {
        panic!("it succeeded");
    };
    assert_eq!(refused.to_string(), "it is away");
    let status = run.describe().await?.execution_info.execution_status;
    assert_eq!(status, ExecutionStatus::Open);

    let change = async |start: &mut StartWorkflowExecution| {
        start.input = Some("another".into());
        Ok::<_, SwfError>(())
    };
    let anew = run.restart_as(change).await?;
    let started = anew.history().await?.started().cloned().unwrap();
    assert_eq!(started.input.as_deref(), Some("another"));
    Ok(())
}

/// A service that refuses to start executions.
#[derive(Clone)]
struct NoStarts(InProcess);

macro_rules! service {
    ($( $(#[$doc:meta])* $kind:ident $method:ident($request:ident) -> $answer:ty; )*) => {
        impl SwfService for NoStarts {
            $(
                async fn $method(&self, request: $request) -> Result<$answer, ServiceError> {
                    match stringify!($method) {
                        "start_workflow_execution" => Err(ServiceError::Denied("not you".into())),
                        _ => self.0.$method(request).await,
                    }
                }
            )*
        }
    };
}

for_each_operation!(service);

#[tokio::test]
async fn what_was_terminated_but_not_started_again_says_how_to() -> Outcome {
    let domain = domain().await?;
    let order = order(&domain, "1").await?;
    let run = order.start(named("order 1", "night")).await?;
    let refusing = Domain::new(NoStarts(domain.service().clone()), "shop");
    let again = refusing.run(run.id().workflow_id.clone(), run.id().run_id.clone());
    let run_id = &run.id().run_id;
    assert_eq!(
        error(again.restart().await).to_string(),
        format!(
            "Execution order 1 {run_id} was terminated, but not started again: no access: not you\n\
             Once that is mended, this starts it with what it had:\n\
             simpleflow workflow.restart shop 'order 1' {run_id}\n\
             and this with other settings:\n\
             simpleflow workflow.start order --domain shop --workflow-id 'order 1' \
             --task-list orders --execution-timeout 3600 --decision-tasks-timeout 60 --tags night \
             --input '[1]'"
        )
    );
    let status = run.describe().await?.execution_info.execution_status;
    assert_eq!(status, ExecutionStatus::Closed);
    // Closed already: the service's own words.
    let refused = error(again.restart().await);
    assert!(matches!(refused, SwfError::Service(_)), "{refused:?}");
    let anew = run.restart().await?;
    let input = anew.history().await?.started().unwrap().input.clone();
    assert_eq!(input.as_deref(), Some("[1]"));
    Ok(())
}

/// A decider and a worker, by hand, until the execution is closed.
async fn carry_out(execution: &WorkflowExecution<InProcess>) -> Outcome {
    let domain = execution.domain();
    let (stop_decider, decider_stops) = futures::channel::oneshot::channel();
    let (stop_worker, worker_stops) = futures::channel::oneshot::channel();
    let decider = domain.poller("orders", Some("decider".into()));
    let worker = domain.poller("tills", Some("worker".into()));
    let mut stops = Some((stop_decider, stop_worker));
    let deciding = decider.run_decider(
        async |_, history| match history.task(TaskKind::Activity, "pay-1") {
            Some(pay) if pay.state() == State::Completed => {
                let result = pay.last().result.clone().unwrap_or_default();
                if let Some((decider, worker)) = stops.take() {
                    // Both loops end after the task that they have.
                    let _ = (decider.send(()), worker.send(()));
                }
                Decided::from(vec![decisions::complete_workflow_execution(result).into()])
            }
            Some(pay) if pay.is_open() => Decided::default(),
            _ => {
                let mut pay = decisions::schedule_activity_task("pay-1", "pay", "1");
                pay.task_list = Some(list("tills"));
                Decided {
                    decisions: vec![pay.into()],
                    execution_context: Some("{}".into()),
                }
            }
        },
        async {
            let _ = decider_stops.await;
        },
    );
    let mut attempt = 0;
    let working = worker.run_worker(
        async |task| {
            attempt += 1;
            let cancelled = worker.heartbeat(task, Some("half".into())).await;
            match (attempt, cancelled) {
                (1, Ok(false)) => Answer::Failed {
                    reason: Some("no change".into()),
                    details: None,
                },
                _ => Answer::Completed(Some("7".into())),
            }
        },
        async {
            let _ = worker_stops.await;
        },
    );
    let both = futures::future::try_join(deciding, working);
    tokio::time::timeout(PATIENCE, both)
        .await
        .map_err(|_| "the loops do not end")??;
    Ok(())
}

#[tokio::test]
async fn the_bare_loops_carry_an_execution_out() -> Outcome {
    let domain = domain().await?;
    let defaults = RegisterActivityType {
        default_task_heartbeat_timeout: Some(Timeout::None),
        default_task_schedule_to_close_timeout: Some(Timeout::None),
        default_task_schedule_to_start_timeout: Some(Timeout::None),
        default_task_start_to_close_timeout: Some(Timeout::Seconds(60)),
        ..RegisterActivityType::default()
    };
    domain
        .activity_type("pay", "1")
        .get_or_create(defaults)
        .await?;
    let execution = order(&domain, "1")
        .await?
        .start(named("order-1", "night"))
        .await?;
    let waiting = Why::ask(&execution, domain.service().now()).await?;
    let waiting = &waiting.findings()[0];
    assert_eq!(
        (waiting.kind, waiting.pending),
        ("decision_waiting", Some(1))
    );
    carry_out(&execution).await?;
    let history = execution.history().await?;
    let pay = history.find("pay-1").unwrap();
    let states: Vec<_> = pay.attempts().iter().map(|attempt| attempt.state).collect();
    assert_eq!(states, [State::Failed, State::Completed]);
    assert_eq!(pay.last().identity.as_deref(), Some("worker"));
    let close = history.close().unwrap();
    assert_eq!(
        (&close.status, close.result.as_deref()),
        (&CloseStatus::Completed, Some("7"))
    );
    let closed = Why::ask(&execution, domain.service().now()).await?;
    assert_eq!(closed.findings()[0].kind, "closed");
    Ok(())
}
