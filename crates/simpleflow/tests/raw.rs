//! Texts that are not JSON, on the local backend.

use simpleflow::model::{EventAttributes, HistoryEvent};
use simpleflow::prelude::*;
use simpleflow::testing::Test;
use simpleflow::{Lambda, Raw};

#[activity]
fn shout(text: Raw) -> Result<Raw> {
    Ok(Raw::new(format!("{}!", &*text)))
}

#[activity]
fn join(texts: Vec<Raw>, between: Raw) -> Result<Raw> {
    let texts: Vec<&str> = texts.iter().map(Raw::as_str).collect();
    Ok(texts.join(&between).into())
}

#[workflow]
struct Whisper {
    text: Raw,
}

impl Workflow for Whisper {
    type Output = Raw;

    async fn run(self, _flow: Flow) -> Result<Raw> {
        Ok(self.text.to_lowercase().into())
    }
}

#[workflow(lambda_role = "arn:role")]
struct Talk;

impl Workflow for Talk {
    type Output = Raw;

    async fn run(self, flow: Flow) -> Result<Raw> {
        let shouted = flow.submit(shout(Raw::new("<a b=\"c\">")));
        let whispered = flow.submit(Whisper {
            text: "LOUD".into(),
        });
        let echoed = flow.submit(Lambda::<Raw>::new("echo").input(Raw::new("{not json")));
        // What comes from a task is an argument like any other.
        let again = flow.submit(shout(&shouted));
        let heard = flow.wait_signal::<Raw>("said");
        flow.submit(Signal::new("said", Raw::new("a: b")).propagate(false))
            .await?;
        flow.record_marker("said", Raw::new("a: b"));
        let all = (&shouted, &whispered, &echoed, &again, &heard);
        let (shouted, whispered, echoed, again, heard) = flow.wait_all(all).await?;
        let texts = vec![shouted, whispered, echoed, again, heard];
        Ok(flow.submit(join(texts, Raw::new("; "))).await?)
    }
}

/// The texts of the events that have some.
fn texts(history: &[HistoryEvent]) -> Vec<String> {
    use EventAttributes as E;
    let text = |event: &HistoryEvent| {
        let text = match &event.attributes {
            E::ActivityTaskScheduled(scheduled) => &scheduled.input,
            E::ActivityTaskCompleted(completed) => &completed.result,
            E::StartChildWorkflowExecutionInitiated(initiated) => &initiated.input,
            E::ChildWorkflowExecutionCompleted(completed) => &completed.result,
            E::LambdaFunctionScheduled(scheduled) => &scheduled.input,
            E::LambdaFunctionCompleted(completed) => &completed.result,
            E::WorkflowExecutionSignaled(signaled) => &signaled.input,
            E::MarkerRecorded(marker) => &marker.details,
            E::WorkflowExecutionCompleted(completed) => &completed.result,
            _ => return None,
        };
        text.as_deref().map(str::to_owned)
    };
    let mut texts: Vec<_> = history.iter().filter_map(text).collect();
    texts.sort();
    texts
}

#[test]
fn a_raw_text_is_all_of_an_input_and_of_a_result() {
    let run = Test::of(Talk)
        .lambda_function("echo", |text: Raw| Ok::<_, Error>(text))
        .run();
    let said = "<a b=\"c\">!; loud; {not json; <a b=\"c\">!!; a: b";
    assert_eq!(run.result(), Ok(Raw::new(said)));
    let mut expected = [
        "<a b=\"c\">",
        "<a b=\"c\">!",
        "LOUD",
        "loud",
        "{not json",
        "{not json",
        // Of the result of a task.
        "<a b=\"c\">!",
        "<a b=\"c\">!!",
        "a: b",
        "a: b",
        // Within other arguments.
        "{\"args\":[[\"<a b=\\\"c\\\">!\",\"loud\",\"{not json\",\"<a b=\\\"c\\\">!!\",\"a: b\"],\"; \"],\"kwargs\":{}}",
        said,
        said,
    ];
    expected.sort_unstable();
    assert_eq!(texts(&run.history), expected);
}

#[test]
fn a_closure_in_the_place_of_an_activity_gets_a_raw_text_too() {
    let run = Test::of(Talk)
        .lambda_function("echo", |text: Raw| Ok::<_, Error>(text))
        .replace::<shout, _>(|(text,): (Raw,)| Ok::<_, Error>(text))
        .run();
    let said = run.result::<Raw>().unwrap();
    assert_eq!(&*said, "<a b=\"c\">; loud; {not json; <a b=\"c\">; a: b");
}
