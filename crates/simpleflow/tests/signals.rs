//! Signals between executions, on the local backend.

use simpleflow::prelude::*;
use simpleflow::testing::run;

/// Answers questions until it is told to stop.
#[workflow]
struct Answers;

impl Workflow for Answers {
    type Output = i64;

    async fn run(self, flow: Flow) -> Result<i64> {
        let mut questions = flow.signals::<i64>("question");
        let mut answers = 0;
        loop {
            let question = questions.next().await?;
            if question == 0 {
                return Ok(answers);
            }
            let answer = Signal::new("answer", question * 2);
            flow.submit(answer.to_parent().propagate(false)).await?;
            answers += 1;
        }
    }
}

#[workflow]
struct Asks;

impl Workflow for Asks {
    type Output = (Vec<i64>, i64);

    async fn run(self, flow: Flow) -> Result<Self::Output> {
        let child = flow.submit(Answers);
        let ask = |n: i64| {
            let question = Signal::new("question", n).propagate(false);
            flow.submit(question.to_child(&child))
        };
        let mut answers = Vec::new();
        for n in 1..=3 {
            ask(n);
            answers.push(flow.wait_signal("answer").await?);
        }
        ask(0).await?;
        Ok((answers, child.await?))
    }
}

#[test]
fn a_parent_and_a_child_talk_by_signals() {
    let run = run(Asks);
    assert_eq!(run.result(), Ok((vec![2, 4, 6], 3)));
}

#[derive(Clone, serde::Serialize, serde::Deserialize)]
struct News {
    text: String,
}

/// Says something, or hears of it.
#[workflow]
struct Member {
    speaks: bool,
}

impl Workflow for Member {
    type Output = String;

    async fn run(self, flow: Flow) -> Result<String> {
        let news = flow.wait_signal::<News>("news");
        if self.speaks {
            let text = "it rains".to_owned();
            flow.signal("news", News { text }).await?;
        }
        Ok(news.await?.text)
    }
}

#[workflow]
struct Family;

impl Workflow for Family {
    type Output = Vec<String>;

    async fn run(self, flow: Flow) -> Result<Vec<String>> {
        let silent = [(); 3].map(|()| flow.submit(Member { speaks: false }));
        let speaker = flow.submit(Member { speaks: true });
        let heard = flow.wait_signal::<News>("news").await?;
        // It comes after the news, and hears of them all the same.
        let late = flow.submit(Member { speaks: false });
        let mut all = vec![heard.text, speaker.await?, late.await?];
        all.extend(flow.wait_all(silent).await?);
        Ok(all)
    }
}

#[test]
fn a_signal_that_a_child_sends_itself_reaches_its_whole_family() {
    let heard: Vec<String> = run(Family).result().unwrap();
    assert_eq!(heard, vec!["it rains"; 6]);
}

#[workflow]
struct CallsNobody;

impl Workflow for CallsNobody {
    type Output = String;

    async fn run(self, flow: Flow) -> Result<String> {
        let signal = flow.submit(Signal::new("hello", ()).to("nobody"));
        match signal.await.unwrap_err().kind() {
            TaskErrorKind::Refused { cause } => Ok(cause.to_string()),
            other => bail!("{other:?}"),
        }
    }
}

#[test]
fn a_signal_to_an_execution_that_is_not_open_fails() {
    let cause: String = run(CallsNobody).result().unwrap();
    assert_eq!(cause, "UNKNOWN_EXTERNAL_WORKFLOW_EXECUTION");
}
