//! Long values whose place is out of reach, while the heart of their task beats.

use std::sync::{Arc, LazyLock, Mutex, MutexGuard};
use std::time::Duration;

use simpleflow_core::{
    Activity, ActivityContext, ActivityDefinition, Failure, Registry, RunningActivity,
};
use simpleflow_jumbo::Signature;
use simpleflow_model::types::ActivityTask;
use simpleflow_model::{ActivityType, SmolStr};
use simpleflow_service::table::*;
use simpleflow_service::{ServiceError, SwfService, for_each_operation};
use tokio::time::{sleep, timeout};

use super::Worker;
use crate::away::Away;
use crate::stop::Stop;

/// At which beat something happens.
const THIRD: usize = 3;

/// How much virtual time a task may take.
const PATIENCE: Duration = Duration::from_secs(3_600);

/// What happens at the third beat.
#[derive(Clone, Debug)]
enum Then {
    Back(Away),
    Cancel,
}

#[derive(Debug, Default)]
struct Told {
    beats: Vec<Option<SmolStr>>,
    then: Option<Then>,
    answers: Vec<String>,
}

/// A service that knows one task, and notes what it is told of it.
#[derive(Clone, Debug, Default)]
struct Service(Arc<Mutex<Told>>);

impl Service {
    fn told(&self) -> MutexGuard<'_, Told> {
        self.0.lock().unwrap()
    }

    fn beat(&self, request: RecordActivityTaskHeartbeat) -> ActivityTaskStatus {
        let mut told = self.told();
        told.beats.push(request.details);
        let then = told.then.clone().filter(|_| told.beats.len() == THIRD);
        if let Some(Then::Back(place)) = &then {
            place.is_back(true);
        }
        ActivityTaskStatus {
            cancel_requested: matches!(then, Some(Then::Cancel)),
            ..ActivityTaskStatus::default()
        }
    }

    fn answer(&self, how: &str, with: Option<SmolStr>) {
        let answer = format!("{how} {}", with.unwrap_or_default());
        self.told().answers.push(answer);
    }
}

macro_rules! service {
    ($( $(#[$doc:meta])* $kind:ident $method:ident($request:ident) -> $answer:ty; )*) => {
        impl SwfService for Service {
            $(
                async fn $method(&self, request: $request) -> Result<$answer, ServiceError> {
                    service!(@ $method self, request)
                }
            )*
        }
    };
    (@ record_activity_task_heartbeat $self:ident, $request:ident) => {
        Ok($self.beat($request))
    };
    (@ respond_activity_task_completed $self:ident, $request:ident) => {
        Ok($self.answer("completed", $request.result))
    };
    (@ respond_activity_task_failed $self:ident, $request:ident) => {
        Ok($self.answer("failed", $request.reason))
    };
    (@ respond_activity_task_canceled $self:ident, $request:ident) => {
        Ok($self.answer("canceled", $request.details))
    };
    (@ $method:ident $self:ident, $request:ident) => {{
        drop($request);
        Err(ServiceError::Stopped)
    }};
}

for_each_operation!(service);

/// Says a text for some seconds, and then gives it back with its input.
#[derive(Clone, Debug, Default)]
struct Echo {
    text: String,
    seconds: u64,
}

impl Activity for Echo {
    fn definition() -> &'static ActivityDefinition {
        static DEFINITION: LazyLock<ActivityDefinition> =
            LazyLock::new(|| ActivityDefinition::new("echo", &[]));
        &DEFINITION
    }

    fn start(
        self: Arc<Self>,
        context: ActivityContext,
        input: &str,
    ) -> Result<RunningActivity, Failure> {
        let input = input.to_owned();
        Ok(RunningActivity::Async(Box::pin(async move {
            if self.seconds > 0 {
                context.heartbeat(&self.text);
                sleep(Duration::from_secs(self.seconds)).await;
                return Ok("said".into());
            }
            Ok(format!("{}{input}", self.text).into())
        })))
    }
}

/// Has a worker run the activity, and gives the answer.
async fn run(service: &Service, place: &Away, echo: Echo, input: &str) -> String {
    let registry = Registry::new().activity_with(echo);
    let worker = Worker::new(service.clone(), "domain".into(), registry)
        .heartbeat(Duration::from_secs(10))
        .jumbo(place.jumbo());
    let definition = Echo::definition();
    let task = ActivityTask {
        task_token: "token".into(),
        activity_id: "echo-1".into(),
        activity_type: ActivityType {
            name: definition.name.clone().into(),
            version: definition.version.clone().into(),
            ..ActivityType::default()
        },
        input: Some(input.into()),
        ..ActivityTask::default()
    };
    let (list, stop) = ("default".into(), Stop::new());
    let ran = timeout(PATIENCE, worker.run_task(task, &list, &stop)).await;
    ran.expect("the task is answered");
    let answers = std::mem::take(&mut service.told().answers);
    assert_eq!(answers.len(), 1, "{answers:?}");
    answers.concat()
}

fn long() -> String {
    "x".repeat(40_000)
}

/// A value at the place, which is away then.
async fn put(place: &Away, value: &str) -> String {
    place.is_back(true);
    let put = place.jumbo().encode(value, 100).await.unwrap();
    place.is_back(false);
    put.expect("it is long")
}

#[tokio::test(start_paused = true)]
async fn the_heart_beats_while_a_result_waits_for_its_place() {
    for answers in [true, false] {
        let (service, place) = (Service::default(), Away::new(answers));
        // A place that never answers is not waited for; the next attempt finds it.
        service.told().then = Some(match answers {
            true => Then::Back(place.clone()),
            false => Then::Cancel,
        });
        let echo = Echo {
            text: long(),
            ..Echo::default()
        };
        let answer = run(&service, &place, echo, "").await;
        match answers {
            true => {
                let signature = answer.strip_prefix("completed ").unwrap();
                let signature = Signature::parse(signature).expect("it is elsewhere");
                assert_eq!(signature.length(), 40_000);
            }
            false => assert_eq!(answer, "canceled "),
        }
        assert!(service.told().beats.len() >= THIRD);
    }
}

#[tokio::test(start_paused = true)]
async fn the_heart_beats_while_an_input_waits_for_its_place() {
    let (service, place) = (Service::default(), Away::new(true));
    let input = put(&place, &"y".repeat(200)).await;
    service.told().then = Some(Then::Back(place.clone()));
    let answer = run(&service, &place, Echo::default(), &input).await;
    assert_eq!(answer, format!("completed {}", "y".repeat(200)));
    assert!(service.told().beats.len() >= THIRD);

    place.is_back(false);
    let cancelled = Service::default();
    cancelled.told().then = Some(Then::Cancel);
    let answer = run(&cancelled, &place, Echo::default(), &input).await;
    assert_eq!(answer, "canceled ");
}

#[tokio::test(start_paused = true)]
async fn an_input_that_is_lost_fails_at_once() {
    let (service, place) = (Service::default(), Away::new(true));
    place.is_back(true);
    let input = "simpleflow+s3://values/735471c1-ac26-4c5d-a4ba-f85c7c5fb211 40000";
    let answer = run(&service, &place, Echo::default(), input).await;
    assert!(answer.starts_with("failed ActivityTask.input"), "{answer}");
    assert!(service.told().beats.is_empty());
}

#[tokio::test(start_paused = true)]
async fn details_that_cannot_be_put_elsewhere_go_with_a_later_beat() {
    for answers in [true, false] {
        let (service, place) = (Service::default(), Away::new(answers));
        service.told().then = Some(Then::Back(place.clone()));
        let echo = Echo {
            text: long(),
            seconds: 100,
        };
        assert_eq!(run(&service, &place, echo, "").await, "completed said");
        let beats = std::mem::take(&mut service.told().beats);
        assert!(beats[..THIRD].iter().all(Option::is_none), "{beats:?}");
        let details = beats.last().cloned().flatten().expect("it has details");
        assert!(Signature::parse(&details).is_some(), "{details}");
    }
}
