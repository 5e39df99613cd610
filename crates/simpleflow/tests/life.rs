//! The life of executions: continue-as-new, run to the end in virtual time.

use simpleflow::model::EventAttributes;
use simpleflow::prelude::*;
use simpleflow::testing::Test;

#[activity]
async fn work(round: u32) -> u32 {
    round * 10
}

/// Works for some rounds, each in a run of its own.
#[workflow(name = "life.rounds", tag_list = ["rounds"])]
struct Rounds {
    round: u32,
    last: u32,
    sum: u32,
}

impl Workflow for Rounds {
    type Output = (u32, Vec<String>);

    async fn run(self, flow: Flow) -> Result<Self::Output> {
        let sum = self.sum + flow.submit(work(self.round)).await?;
        flow.sleep(Duration::from_secs(60)).await?;
        if self.round < self.last {
            return flow.continue_as_new(Self {
                round: self.round + 1,
                sum,
                ..self
            });
        }
        let tags = flow.run_context().tag_list;
        Ok((sum, tags.into_iter().map(Into::into).collect()))
    }
}

#[test]
fn an_execution_goes_on_run_after_run_until_its_result() {
    let rounds = Rounds {
        round: 1,
        last: 4,
        sum: 0,
    };
    let run = Test::of(rounds).run();
    let (sum, tags) = run.result::<(u32, Vec<String>)>().unwrap();
    assert_eq!((sum, tags), (100, vec!["rounds".to_owned()]));
    let first = &run.history[0].attributes;
    let EventAttributes::WorkflowExecutionStarted(started) = first else {
        panic!("{first:?}");
    };
    assert!(started.continued_execution_run_id.is_some());
    assert_eq!(run.scheduled_activities().len(), 1, "of the last run");
}

/// To its parent a child that continues as new is one child.
#[workflow(name = "life.parent")]
struct Parent;

impl Workflow for Parent {
    type Output = (u32, Vec<String>);

    async fn run(self, flow: Flow) -> Result<Self::Output> {
        let rounds = Rounds {
            round: 1,
            last: 3,
            sum: 0,
        };
        Ok(flow.submit(rounds.call().tag_list(["of the call"])).await?)
    }
}

#[test]
fn a_child_that_continues_as_new_ends_with_its_last_run() {
    let run = simpleflow::testing::run(Parent);
    let (sum, tags) = run.result::<(u32, Vec<String>)>().unwrap();
    assert_eq!((sum, tags), (60, vec!["of the call".to_owned()]));
}
