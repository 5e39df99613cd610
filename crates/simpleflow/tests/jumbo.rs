//! Values that are longer than SWF's fields.

use std::num::NonZeroUsize;
use std::sync::Arc;

use simpleflow::jumbo::{Jumbo, Settings, Signature, values};
use simpleflow::local::{LOCAL_DOMAIN, Local, LocalError, LocalRun, Outcome, StartOptions};
use simpleflow::model::values::Values as _;
use simpleflow::model::{EventAttributes, HistoryEvent, limits};
use simpleflow::objects::{Bytes, Memory, ObjectFuture, ObjectInfo, ObjectStore, Objects, Problem};
use simpleflow::prelude::*;
use simpleflow::{Workflow, WorkflowEntry};
use simpleflow_executor::{
    DeciderError, Ended, Repair, Standalone, Stop, SwfService as _, registration,
};
use simpleflow_model::operation::GetWorkflowExecutionHistory;
use simpleflow_server::{Embedded, Storage};

/// Longer than any field, and not of ASCII alone.
const LENGTH: usize = 40_000;

/// A place that loses values with one word in them, and refuses to read those with another.
#[derive(Debug, Default)]
struct Careless(Memory);

impl ObjectStore for Careless {
    fn url(&self) -> String {
        "s3://values".into()
    }

    fn get<'a>(&'a self, key: &'a str) -> ObjectFuture<'a, Bytes> {
        Box::pin(async move {
            let value = self.0.get(key).await?;
            match String::from_utf8_lossy(&value).contains("secret") {
                true => Err(Problem::Denied("AccessDenied".into())),
                false => Ok(value),
            }
        })
    }

    fn put<'a>(&'a self, key: &'a str, value: Bytes) -> ObjectFuture<'a, ()> {
        Box::pin(async move {
            let text = String::from_utf8_lossy(&value).into_owned();
            match (text.contains("lost"), text.contains("readonly")) {
                (true, _) => Ok(()),
                (_, true) => Err(Problem::Denied("AccessDenied".into())),
                _ => self.0.put(key, value).await,
            }
        })
    }

    fn delete<'a>(&'a self, key: &'a str) -> ObjectFuture<'a, ()> {
        self.0.delete(key)
    }

    fn list<'a>(&'a self, prefix: &'a str) -> ObjectFuture<'a, Vec<ObjectInfo>> {
        self.0.list(prefix)
    }

    fn size<'a>(&'a self, key: &'a str) -> ObjectFuture<'a, Option<u64>> {
        self.0.size(key)
    }
}

/// A codec that remembers nothing by itself.
fn careless(ceiling: usize) -> Jumbo {
    let place: Arc<Careless> = Arc::default();
    let settings = Settings {
        place: Some("s3://values".parse().unwrap()),
        memory: 0,
        ceiling,
        ..Settings::default()
    };
    Jumbo::new(settings, move |_| Objects::of(place.clone())).unwrap()
}

fn long(word: &str) -> String {
    word.to_owned() + &"é".repeat(LENGTH)
}

fn run<W: Workflow>(
    local: Local,
    arguments: &impl serde::Serialize,
) -> Result<LocalRun, LocalError> {
    let input = serde_json::to_string(arguments).unwrap();
    let mut local = local;
    local.run(&WorkflowEntry::of::<W>(), &input, StartOptions::default())
}

fn local(jumbo: Jumbo) -> Local {
    let local = Local::with_virtual_time(Registry::linked()).unwrap();
    local.jumbo(jumbo)
}

fn result(outcome: &Outcome) -> &str {
    match outcome {
        Outcome::Completed(result) => result,
        other => panic!("{other:?}"),
    }
}

fn failure(outcome: &Outcome) -> &str {
    match outcome {
        Outcome::Failed { reason, .. } => reason,
        other => panic!("{other:?}"),
    }
}

#[activity]
fn echo(text: String) -> String {
    text
}

#[activity]
fn make(word: String) -> String {
    long(&word)
}

#[activity]
fn complain(text: String) -> Result<()> {
    bail!("too much: {text}")
}

#[activity]
async fn report(context: ActivityContext, text: String) -> usize {
    context.heartbeat(&text);
    text.chars().count()
}

/// Says what it was told.
#[workflow]
struct Child {
    text: String,
}

impl Workflow for Child {
    type Output = String;

    async fn run(self, flow: Flow) -> Result<String> {
        Ok(flow.submit(echo(self.text)).await?)
    }
}

/// Sends a long text through every kind of field.
#[workflow]
struct Everywhere {
    text: String,
}

impl Workflow for Everywhere {
    type Output = (String, usize, usize, String);

    async fn run(self, flow: Flow) -> Result<Self::Output> {
        let signal: String = flow.wait_signal("go").await?;
        flow.record_marker("text", &signal);
        let idempotent = echo(self.text.clone()).idempotent(true);
        let first = flow.submit(idempotent).await?;
        flow.sleep(Duration::from_secs(1)).await?;
        let child = flow.submit(Child { text: first }).await?;
        let reported = flow.submit(report(child.clone())).await?;
        let failed = flow.submit(complain(self.text)).await.unwrap_err();
        let details = failed.details().unwrap_or_default().chars().count();
        Ok((child, reported, details, signal))
    }
}

fn everywhere() -> (StartOptions, String) {
    let signal = serde_json::to_string(&long("signal")).unwrap();
    let options = StartOptions {
        workflow_id: Some("everywhere".into()),
        signals: vec![("go".into(), Some(signal.into()))],
        ..StartOptions::default()
    };
    (options, serde_json::to_string(&[long("text")]).unwrap())
}

fn check_result(result: &str) {
    let (child, reported, details, signal): (String, usize, usize, String) =
        serde_json::from_str(result).unwrap();
    assert_eq!(child, long("text"));
    assert_eq!(reported, LENGTH + 4);
    assert!(details > LENGTH, "{details}");
    assert_eq!(signal, long("signal"));
}

/// The values of a history that are elsewhere, and those that are longer than their fields.
fn elsewhere_and_long(events: &mut [HistoryEvent]) -> (Vec<String>, usize) {
    let (mut elsewhere, mut long) = (Vec::new(), 0);
    events.each_value(&mut |field, value| {
        if Signature::parse(value).is_some() {
            elsewhere.push(format!("{}.{}", field.shape, field.name));
        }
        long += usize::from(value.chars().count() > field.limit);
    });
    elsewhere.sort();
    elsewhere.dedup();
    (elsewhere, long)
}

#[test]
fn long_values_go_through_every_field_with_nothing_set_up() {
    // One is kept at a time: parent and child are replayed from the start.
    let local = Local::with_virtual_time(Registry::linked()).unwrap();
    let mut local = local.keep(NonZeroUsize::MIN);
    let (options, input) = everywhere();
    let mut run = local
        .run(&WorkflowEntry::of::<Everywhere>(), &input, options)
        .unwrap();
    check_result(result(&run.outcome));
    // What a run leaves is whole: it can be replayed elsewhere.
    assert!(elsewhere_and_long(&mut run.history).0.is_empty());
    assert!(elsewhere_and_long(&mut run.history).1 > 5);

    let mut history = local.service().history(&run.execution.run_id);
    let (elsewhere, long) = elsewhere_and_long(&mut history);
    assert_eq!(
        elsewhere,
        [
            "ActivityTaskCompleted.result",
            "ActivityTaskFailed.details",
            "ActivityTaskScheduled.input",
            "ChildWorkflowExecutionCompleted.result",
            "MarkerRecorded.details",
            "StartChildWorkflowExecutionInitiated.input",
            "WorkflowExecutionCompleted.result",
            "WorkflowExecutionSignaled.input",
            "WorkflowExecutionStarted.input",
        ]
    );
    assert_eq!(long, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn long_values_go_through_a_service() {
    let embedded = Embedded::open(Storage::Memory).await.unwrap();
    let (service, domain) = (embedded.service(), LOCAL_DOMAIN.into());
    registration::need_domain(&service, LOCAL_DOMAIN.into())
        .await
        .unwrap();
    let jumbo = careless(usize::MAX);
    let standalone = || {
        Standalone::new(service.clone(), LOCAL_DOMAIN.into(), Registry::linked())
            .look_every(Duration::from_millis(10))
            .jumbo(jumbo.clone())
            .resumes(true)
    };
    let (options, input) = everywhere();
    let entry = WorkflowEntry::of::<Everywhere>();
    standalone()
        .begin(&entry, &input, options.clone())
        .await
        .unwrap();
    // The same input, although its signature would be another.
    let begun = standalone().begin(&entry, &input, options).await.unwrap();
    assert!(begun.resumed);
    let Ended::Closed(outcome) = standalone()
        .run(&begun, |_| {}, &Stop::new())
        .await
        .unwrap()
    else {
        panic!("not closed");
    };
    check_result(result(&outcome));
    let request = GetWorkflowExecutionHistory {
        domain,
        execution: begun.execution,
        ..GetWorkflowExecutionHistory::default()
    };
    let history = service
        .get_workflow_execution_history(request)
        .await
        .unwrap();
    let mut events = history.events;
    let (elsewhere, long) = elsewhere_and_long(&mut events);
    assert_eq!((elsewhere.len(), long), (9, 0));
    values::decode(Some(&jumbo), &mut *events).await.unwrap();
    assert!(elsewhere_and_long(&mut events).0.is_empty());
    embedded.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repair_runs_anew_what_is_lost_and_writes_anew_what_is_there() {
    let embedded = Embedded::open(Storage::Memory).await.unwrap();
    let service = embedded.service();
    registration::need_domain(&service, LOCAL_DOMAIN.into())
        .await
        .unwrap();
    let jumbo = careless(usize::MAX);
    let objects = jumbo.objects().unwrap();
    let run = async |repair: Option<Repair>| {
        let alone = Standalone::new(service.clone(), LOCAL_DOMAIN.into(), Registry::linked())
            .look_every(Duration::from_millis(10))
            .jumbo(jumbo.clone());
        let alone = match repair {
            Some(repair) => alone.repair(repair),
            None => alone,
        };
        let entry = WorkflowEntry::of::<Measures>();
        let begun = alone.begin(&entry, "[\"x\"]", StartOptions::default());
        let begun = begun.await.unwrap();
        let mut history = Vec::new();
        let observe = |events: &[HistoryEvent]| history.extend_from_slice(events);
        let ended = alone.run(&begun, observe, &Stop::new()).await.unwrap();
        let Ended::Closed(Outcome::Completed(_)) = ended else {
            panic!("{ended:?}");
        };
        (begun.execution, history)
    };
    let signature = |history: &[HistoryEvent]| {
        let mut completed = history.iter().filter_map(|event| match &event.attributes {
            EventAttributes::ActivityTaskCompleted(completed) => completed.result.clone(),
            _ => None,
        });
        Signature::parse(&completed.next().unwrap()).unwrap()
    };
    let (former, history) = run(None).await;
    let first = signature(&history);
    let repair = Repair::new(&former, &history, |_| false);
    assert_eq!(repair.tasks(), 1);
    let (_, history) = run(Some(repair.clone())).await;
    let second = signature(&history);
    assert_ne!(first, second);
    assert_eq!(objects.list("").await.unwrap().len(), 2);

    objects.delete(&first.key()).await.unwrap();
    let (_, history) = run(Some(repair)).await;
    assert_eq!(signature(&history).length(), second.length());
    let took = |event: &HistoryEvent| match &event.attributes {
        EventAttributes::ActivityTaskScheduled(task) => Some(task.task_list.name.to_string()),
        _ => None,
    };
    let list = history.iter().find_map(took).unwrap();
    assert!(!list.contains("repaired"), "{list}");
    embedded.stop().await.unwrap();
}

#[test]
fn a_lost_value_fails_who_waits_for_it() {
    let jumbo = || local(careless(usize::MAX));
    let run_of = run::<Child>(jumbo(), &[long("lost")]).unwrap();
    let reason = failure(&run_of.outcome);
    assert!(
        reason.starts_with(
            "Cannot replay the workflow: WorkflowExecutionStarted.input: the value of"
        ),
        "{reason}"
    );

    let run_of = run::<Makes>(jumbo(), &["lost", "lost"]).unwrap();
    let reason = failure(&run_of.outcome);
    for part in [
        "ActivityTaskCompleted.result",
        "s3://values",
        "there is none",
    ] {
        assert!(reason.contains(part), "{part} in {reason}");
    }

    // An activity whose arguments are lost fails by itself.
    let run_of = run::<Asks>(jumbo(), &["lost"]).unwrap();
    let told = result(&run_of.outcome);
    assert!(told.contains("ActivityTask.input: the value of"), "{told}");
}

/// Has something made, and says it.
#[workflow]
struct Makes {
    word: String,
    again: String,
}

impl Workflow for Makes {
    type Output = String;

    async fn run(self, flow: Flow) -> Result<String> {
        flow.submit(make(self.word)).await?;
        Ok(long(&self.again))
    }
}

/// Has something long made, and says how long it is.
#[workflow]
struct Measures {
    word: String,
}

impl Workflow for Measures {
    type Output = usize;

    async fn run(self, flow: Flow) -> Result<usize> {
        Ok(flow.submit(make(self.word)).await?.chars().count())
    }
}

/// Says how an activity with long arguments fails.
#[workflow]
struct Asks {
    word: String,
}

impl Workflow for Asks {
    type Output = String;

    async fn run(self, flow: Flow) -> Result<String> {
        let failed = flow.submit(echo(long(&self.word))).await.unwrap_err();
        Ok(failed.to_string())
    }
}

/// Says how an activity with a long result fails.
#[workflow]
struct Tries {
    word: String,
}

impl Workflow for Tries {
    type Output = String;

    async fn run(self, flow: Flow) -> Result<String> {
        let failed = flow.submit(make(self.word)).await.unwrap_err();
        Ok(failed.to_string())
    }
}

#[test]
fn what_cannot_be_read_now_leaves_the_decision_task_to_another_time() {
    let error = run::<Makes>(local(careless(usize::MAX)), &["secret", ""]).unwrap_err();
    let LocalError::Decider(error @ DeciderError::Value { .. }) = error else {
        panic!("{error:?}");
    };
    assert!(error.to_string().contains("access denied"), "{error}");
    // So it is with what cannot be written.
    let error = run::<Makes>(local(careless(usize::MAX)), &["", "readonly"]).unwrap_err();
    let error = error.to_string();
    assert!(
        error.contains("CompleteWorkflowExecution.result"),
        "{error}"
    );
}

#[test]
fn a_result_that_cannot_be_written_fails_its_activity() {
    let run_of = run::<Tries>(local(careless(usize::MAX)), &["readonly"]).unwrap();
    let told = result(&run_of.outcome);
    assert!(
        told.contains("RespondActivityTaskCompleted.result: a value of"),
        "{told}"
    );
}

#[test]
fn a_value_beyond_the_ceiling_is_refused_with_it() {
    let low = || local(careless(LENGTH));
    let most = format!("jumbo fields take at most {LENGTH}");
    let run_of = run::<Tries>(low(), &["x"]).unwrap();
    assert!(result(&run_of.outcome).contains(&most));
    let run_of = run::<Asks>(low(), &["x"]).unwrap();
    assert!(result(&run_of.outcome).contains(&most));
    let run_of = run::<Makes>(low(), &["", "x"]).unwrap();
    assert!(
        failure(&run_of.outcome).contains(&most),
        "{:?}",
        run_of.outcome
    );
    let error = run::<Child>(low(), &[long("x")]).unwrap_err();
    assert!(error.to_string().contains(&most), "{error}");
}

#[test]
fn without_a_place_the_limits_are_swfs() {
    let nowhere = Jumbo::new(Settings::default(), |_| Objects::memory()).unwrap();
    let run_of = run::<Tries>(local(nowhere), &["x"]).unwrap();
    let most = format!("SWF takes at most {}", limits::DATA_LENGTH);
    assert!(result(&run_of.outcome).contains(&most));
}

#[test]
fn a_text_that_only_looks_like_a_signature_is_itself() {
    let text = "simpleflow+s3://bucket/key 5";
    let run_of = run::<Child>(local(careless(usize::MAX)), &[text]).unwrap();
    let said: String = serde_json::from_str(result(&run_of.outcome)).unwrap();
    assert_eq!(said, text);
    let scheduled = run_of
        .history
        .iter()
        .find_map(|event| match &event.attributes {
            EventAttributes::ActivityTaskScheduled(scheduled) => scheduled.input.as_deref(),
            _ => None,
        });
    assert!(scheduled.is_some_and(|input: &str| input.contains(text)));
}
