//! The programs: what a case is, how it is generated, and the workflow that does what it says.

use std::pin::Pin;

use proptest::prelude::*;
use serde::{Deserialize, Serialize};
use simpleflow::prelude::*;
use simpleflow::{Chain, Group, Signal};

/// The signals that a program may wait for.
pub const SIGNALS: [&str; 2] = ["a", "b"];

/// A step of a program. A number of a task means one that was submitted before, if there is one.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Step {
    /// Submits an activity, which may need the result of a task and may be tried again.
    Submit { after: Option<u8>, retry: u8 },
    /// Submits an idempotent activity.
    Once(u8),
    /// Submits a child with a program of its own.
    Child(Vec<Step>),
    /// Waits for a task.
    Await(u8),
    /// Waits for one of two tasks, and cancels the other.
    Any(u8, u8),
    /// Waits for all tasks.
    All,
    /// Waits for a task or a timer of an hour, or of no time, and cancels the other.
    Race { task: u8, hours: u8 },
    /// Waits for a timer that is due at once.
    Nap,
    /// Waits for a signal.
    Signal(u8),
    /// Cancels a task.
    Cancel(u8),
    /// Records a marker.
    Mark(u8),
    /// Submits one activity more where the patch is.
    Patch(u8),
    /// Does two things beside each other.
    Both(Vec<Step>, Vec<Step>),
    /// Does something beside what comes after it, as a task.
    Spawn(Vec<Step>),
    /// Waits for a group of activities, of which so many run at once.
    Group { members: u8, at_once: u8 },
    /// Signals this execution, and by propagation its whole tree.
    Tell(u8),
    /// Waits for a task for an hour, or for no time.
    Limit { task: u8, hours: u8 },
    /// Remembers a side effect.
    Record(u8),
    /// Submits a chain of activities, which is a task.
    Chain(u8),
}

/// The workflow that does what its input says.
#[workflow(name = "program")]
pub struct Program {
    pub steps: Vec<Step>,
}

impl Workflow for Program {
    type Output = i64;

    async fn run(self, flow: Flow) -> Result<i64> {
        Ok(interpret(&flow, &self.steps).await)
    }
}

#[activity(name = "work")]
pub async fn work(x: i64) -> i64 {
    x
}

#[activity(name = "work_once", idempotent = true)]
pub async fn work_once(x: i64) -> i64 {
    x
}

fn interpret<'a>(
    flow: &'a Flow,
    steps: &'a [Step],
) -> Pin<Box<dyn std::future::Future<Output = i64> + 'a>> {
    Box::pin(async move {
        let value = |result: std::result::Result<i64, TaskError>| match result {
            Ok(x) => x,
            Err(error) => -i64::from(error.attempt()),
        };
        let mut sum = 0;
        let mut tasks: Vec<Future<i64>> = Vec::new();
        for step in steps {
            let task = |number: &u8| {
                let index = usize::from(*number).checked_rem(tasks.len())?;
                Some(tasks[index].clone())
            };
            match step {
                Step::Submit { after, retry } => {
                    let call = match after.as_ref().and_then(task) {
                        Some(task) => work(&task),
                        None => work(sum),
                    };
                    tasks.push(flow.submit(call.retry(u32::from(*retry))));
                }
                Step::Once(x) => tasks.push(flow.submit(work_once(i64::from(*x)))),
                Step::Child(steps) => {
                    let steps = steps.clone();
                    tasks.push(flow.submit(Program { steps }));
                }
                Step::Await(number) => {
                    if let Some(task) = task(number) {
                        sum += value(task.await);
                    }
                }
                Step::Any(left, right) => {
                    if let (Some(left), Some(right)) = (task(left), task(right)) {
                        let pair = [&left, &right];
                        let winner = flow.wait_any(&pair).await;
                        pair[1 - winner].cancel();
                        sum += winner as i64;
                    }
                }
                Step::All => {
                    for task in tasks.clone() {
                        sum += value(task.await);
                    }
                }
                Step::Race {
                    task: number,
                    hours,
                } => {
                    if let Some(task) = task(number) {
                        let timer = flow.sleep(Duration::from_secs(3_600 * u64::from(*hours)));
                        tokio::select! {
                            biased;
                            result = task.clone() => {
                                timer.cancel();
                                sum += value(result);
                            }
                            _ = timer.get() => task.cancel(),
                        }
                    }
                }
                Step::Nap => sum += i64::from(flow.sleep(Duration::ZERO).await.is_ok()),
                Step::Signal(number) => {
                    let name = SIGNALS[usize::from(*number) % SIGNALS.len()];
                    sum += value(flow.wait_signal::<i64>(name).await);
                }
                Step::Cancel(number) => {
                    if let Some(task) = task(number) {
                        task.cancel();
                    }
                }
                Step::Mark(x) => flow.record_marker("mark", x),
                Step::Patch(x) => {
                    if flow.patched(&format!("patch {}", x % 2)) {
                        tasks.push(flow.submit(work(90)));
                    }
                }
                Step::Both(left, right) => {
                    let (left, right) = tokio::join!(interpret(flow, left), interpret(flow, right));
                    sum += left * 3 + right;
                }
                Step::Spawn(steps) => {
                    let (beside, steps) = (flow.clone(), steps.clone());
                    let code = async move { Ok(interpret(&beside, &steps).await) };
                    tasks.push(flow.spawn(code));
                }
                Step::Group { members, at_once } => {
                    let group: Group<i64> = (0..*members).map(|x| work(i64::from(x))).collect();
                    let group = group.max_parallel((*at_once).into()).tolerant();
                    let results = flow.submit(group).await.unwrap_or_default();
                    sum += results.into_iter().flatten().sum::<i64>();
                }
                Step::Tell(number) => {
                    let name = SIGNALS[usize::from(*number) % SIGNALS.len()];
                    flow.submit(Signal::new(name, number));
                }
                Step::Limit {
                    task: number,
                    hours,
                } => {
                    if let Some(task) = task(number) {
                        let limit = Duration::from_secs(3_600 * u64::from(*hours));
                        sum += i64::from(flow.timeout(task, limit).await.is_ok());
                    }
                }
                Step::Record(x) => sum += i64::from(flow.record(|| *x).unwrap_or_default()),
                Step::Chain(x) => {
                    let chain = Chain::send_result(work(i64::from(*x))).then(work);
                    tasks.push(flow.submit(chain.last()));
                }
            }
        }
        sum
    })
}

/// What is run on each backend.
#[derive(Clone, Debug)]
pub struct Case {
    pub steps: Vec<Step>,
    /// The choices of the driver, which does without when they are used up.
    pub luck: Vec<u8>,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let submit = (prop::option::of(any::<u8>()), 0..2_u8)
        .prop_map(|(after, retry)| Step::Submit { after, retry });
    let race = (any::<u8>(), 0..2_u8).prop_map(|(task, hours)| Step::Race { task, hours });
    let limit = (any::<u8>(), 0..2_u8).prop_map(|(task, hours)| Step::Limit { task, hours });
    let step = prop_oneof![
        6 => submit,
        2 => (0..3_u8).prop_map(Step::Once),
        2 => any::<u8>().prop_map(Step::Await),
        1 => (any::<u8>(), any::<u8>()).prop_map(|(left, right)| Step::Any(left, right)),
        1 => Just(Step::All),
        2 => race,
        1 => Just(Step::Nap),
        1 => any::<u8>().prop_map(Step::Signal),
        1 => any::<u8>().prop_map(Step::Cancel),
        1 => any::<u8>().prop_map(Step::Mark),
        1 => any::<u8>().prop_map(Step::Patch),
        1 => (0..4_u8, 1..3_u8).prop_map(|(members, at_once)| Step::Group { members, at_once }),
        1 => any::<u8>().prop_map(Step::Chain),
        1 => any::<u8>().prop_map(Step::Tell),
        1 => limit,
        1 => any::<u8>().prop_map(Step::Record),
    ];
    let step = step.prop_recursive(2, 12, 4, |step| {
        let steps = || prop::collection::vec(step.clone(), 0..4);
        prop_oneof![
            3 => step.clone(),
            1 => steps().prop_map(Step::Child),
            1 => steps().prop_map(Step::Spawn),
            1 => (steps(), steps()).prop_map(|(left, right)| Step::Both(left, right)),
        ]
    });
    prop::collection::vec(step, 1..10)
}

/// The cases.
pub fn cases() -> impl Strategy<Value = Case> {
    let luck = prop::collection::vec(any::<u8>(), 0..60);
    (steps(), luck).prop_map(|(steps, luck)| Case { steps, luck })
}
