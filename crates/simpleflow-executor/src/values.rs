//! Values that are longer than their fields, on their way to the service and back.
//!
//! Which members hold values, and how long they may be, says the table of the
//! [model](simpleflow_model::values). Here each is put elsewhere before it is sent, or got from there
//! after it came, several at a time.

use std::time::Duration;

use futures::future::BoxFuture;
use futures::{FutureExt as _, StreamExt as _, TryStreamExt as _, stream};
use simpleflow_core::objects::{ObjectError, Problem};
use simpleflow_jumbo::{Jumbo, JumboError, Signature};
use simpleflow_model::values::{ValueField, Values};
use simpleflow_model::{HistoryEvent, SmolStr};
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

use crate::retry::Pauses;

/// How many values are on their way at once.
const CONCURRENT: usize = 8;

/// A value that cannot be written or read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}.{}: {source}", field.shape, field.name)]
pub struct ValueError {
    /// The member that holds it.
    pub field: &'static ValueField,
    /// Why.
    pub source: Box<JumboError>,
}

impl ValueError {
    /// Whether no other attempt can go better: the value is lost, or too long.
    pub fn is_final(&self) -> bool {
        self.source.is_lost() || self.source.is_too_long()
    }
}

/// How long somebody does not give up on values that cannot be written or read now.
#[derive(Clone, Copy)]
pub(crate) struct Patience<'a> {
    /// Who tries again does so until this; who does not leaves it to the [`Jumbo`], which has some
    /// patience of its own.
    again: Option<&'a CancellationToken>,
    /// When all is over, also an attempt that is under way.
    until: Option<Instant>,
}

impl<'a> Patience<'a> {
    /// That of who asks once.
    pub const ONCE: Self = Self {
        again: None,
        until: None,
    };

    /// That of who asks again until there is a stop.
    pub fn until_stop(stop: &'a CancellationToken) -> Self {
        Self {
            again: Some(stop),
            until: None,
        }
    }

    /// The same, with a limit from now on.
    pub fn at_most(self, limit: Duration) -> Self {
        Self {
            until: Some(Instant::now() + limit),
            ..self
        }
    }

    /// Tries until it goes well, or will not, or the patience is at its end. `late` is what is said
    /// of an attempt that did not end by then, when none before it did.
    async fn attempts<T, F: Future<Output = Result<T, JumboError>>>(
        self,
        operation: &str,
        attempt: impl Fn() -> F,
        late: impl FnOnce() -> JumboError,
    ) -> Result<T, JumboError> {
        let mut latest = None;
        let all = async {
            let mut pauses = Pauses::new();
            loop {
                let error = match attempt().await {
                    Err(error) if error.is_retryable() => error,
                    done => return done,
                };
                let Some(stop) = self.again else {
                    return Err(error);
                };
                latest = Some(error.clone());
                if !pauses.wait(operation, &error, stop).await {
                    return Err(error);
                }
            }
        };
        let Some(until) = self.until else {
            return all.await;
        };
        let ended = timeout_at(until, all).await;
        ended.unwrap_or_else(|_| Err(latest.unwrap_or_else(late)))
    }

    async fn write(
        self,
        jumbo: &Jumbo,
        text: &str,
        limit: usize,
    ) -> Result<Option<String>, JumboError> {
        let late = || JumboError::Write {
            length: text.chars().count(),
            source: no_answer(jumbo.place().unwrap_or_default(), String::new()),
        };
        self.attempts("encode", || jumbo.encode(text, limit), late)
            .await
    }

    async fn read(self, jumbo: &Jumbo, text: &str) -> Result<Option<SmolStr>, JumboError> {
        let late = || {
            let signature = Signature::parse(text);
            let (place, key) = signature
                .as_ref()
                .map_or_else(Default::default, |signature| {
                    (signature.place(), signature.key())
                });
            JumboError::Read {
                signature: text.to_owned(),
                source: no_answer(place, key),
            }
        };
        let read = self.attempts("decode", || jumbo.decode(text), late).await?;
        Ok(read.map(SmolStr::from))
    }
}

/// What is said of a place that took longer than somebody may wait.
fn no_answer(place: &str, key: String) -> ObjectError {
    ObjectError {
        place: place.to_owned(),
        key,
        problem: Problem::Unavailable("there is no answer in time".into()),
    }
}

/// Puts the values elsewhere that are longer than their fields, and what names them in their place.
/// They are there when this comes back. Without a `jumbo` nothing is done.
///
/// ```
/// use simpleflow_executor::{Jumbo, values};
/// use simpleflow_model::operation::SignalWorkflowExecution;
///
/// # futures::executor::block_on(async {
/// let jumbo = Jumbo::in_memory();
/// let long = format!("{:?}", "x".repeat(40_000));
/// let mut signal = SignalWorkflowExecution {
///     input: Some(long.clone().into()),
///     ..SignalWorkflowExecution::default()
/// };
/// values::encode(Some(&jumbo), &mut signal).await?;
/// assert!(signal.input.as_ref().is_some_and(|input| input.ends_with(" 40002")));
/// values::decode(Some(&jumbo), &mut signal).await?;
/// assert_eq!(signal.input.unwrap(), long);
/// # Ok::<_, simpleflow_executor::ValueError>(())
/// # }).unwrap();
/// ```
///
/// # Errors
/// [`ValueError`]: one is too long, or cannot be put where it belongs. Some may be replaced then.
pub async fn encode<T: Values + Send + ?Sized>(
    jumbo: Option<&Jumbo>,
    of: &mut T,
) -> Result<(), ValueError> {
    encode_patiently(jumbo, of, Patience::ONCE).await
}

/// The same for who does not give up at once while it may yet succeed.
///
/// # Errors
/// As [`encode`].
pub(crate) async fn encode_patiently<T: Values + Send + ?Sized>(
    jumbo: Option<&Jumbo>,
    of: &mut T,
    patience: Patience<'_>,
) -> Result<(), ValueError> {
    let Some(jumbo) = jumbo else { return Ok(()) };
    let is_long = |field: &ValueField, value: &SmolStr| value.len() > field.limit;
    let long = select(of, is_long);
    let write = long.into_iter().map(|(field, value)| {
        let write = async move {
            let sent = patience.write(jumbo, value, field.limit).await;
            replace(field, value, sent.map(|sent| sent.map(SmolStr::from)))
        };
        write.boxed()
    });
    all(write.collect()).await
}

/// Gets the values from where they are whose [signatures](simpleflow_jumbo::Signature) are in their
/// place. Without a `jumbo` nothing is done.
///
/// # Errors
/// [`ValueError`]: one is lost, or cannot be got. Some may be replaced then.
pub async fn decode<T: Values + Send + ?Sized>(
    jumbo: Option<&Jumbo>,
    of: &mut T,
) -> Result<(), ValueError> {
    decode_patiently(jumbo, of, Patience::ONCE).await
}

/// The same for who does not give up at once while it may yet succeed.
///
/// # Errors
/// As [`decode`].
pub(crate) async fn decode_patiently<T: Values + Send + ?Sized>(
    jumbo: Option<&Jumbo>,
    of: &mut T,
    patience: Patience<'_>,
) -> Result<(), ValueError> {
    let Some(jumbo) = jumbo else { return Ok(()) };
    all(reads(jumbo, select(of, may_be_elsewhere), patience)).await
}

/// The same for who shows values to people: those that cannot be got stay signatures, and are told.
pub async fn decode_each<T: Values + Send + ?Sized>(
    jumbo: Option<&Jumbo>,
    of: &mut T,
) -> Vec<ValueError> {
    let Some(jumbo) = jumbo else {
        return Vec::new();
    };
    let reads = reads(jumbo, select(of, may_be_elsewhere), Patience::ONCE);
    let read = stream::iter(reads).buffer_unordered(CONCURRENT);
    read.filter_map(async |read| read.err()).collect().await
}

/// The same for the events that code is about to see: not for what repeats its own decisions, which
/// it knows.
///
/// # Errors
/// As [`decode`].
pub(crate) async fn decode_for_code(
    jumbo: Option<&Jumbo>,
    events: &mut [HistoryEvent],
    patience: Patience<'_>,
) -> Result<(), ValueError> {
    let Some(jumbo) = jumbo else { return Ok(()) };
    all(reads(jumbo, elsewhere_for_code(events), patience)).await
}

/// Whether a value may have to be [decoded](decode).
pub(crate) fn is_elsewhere<T: Values + ?Sized>(jumbo: Option<&Jumbo>, of: &mut T) -> bool {
    jumbo.is_some() && !select(of, may_be_elsewhere).is_empty()
}

fn elsewhere_for_code(events: &mut [HistoryEvent]) -> Vec<Selected<'_>> {
    let mut elsewhere = Vec::new();
    for event in events {
        if !event.attributes.repeats_a_decision() {
            elsewhere.append(&mut select(event, may_be_elsewhere));
        }
    }
    elsewhere
}

/// How many characters a value may have whose field takes `limit`.
pub(crate) fn ceiling(jumbo: Option<&Jumbo>, limit: usize) -> usize {
    jumbo.map_or(limit, |jumbo| jumbo.ceiling(limit))
}

type Selected<'a> = (&'static ValueField, &'a mut SmolStr);

fn may_be_elsewhere(_: &ValueField, value: &SmolStr) -> bool {
    value.starts_with(simpleflow_jumbo::PREFIX)
}

fn select<T: Values + ?Sized>(
    of: &mut T,
    wanted: impl Fn(&ValueField, &SmolStr) -> bool,
) -> Vec<Selected<'_>> {
    let mut selected = Vec::new();
    of.each_value(&mut |field, value| {
        if wanted(field, value) {
            selected.push((field, value));
        }
    });
    selected
}

fn reads<'a>(
    jumbo: &'a Jumbo,
    elsewhere: Vec<Selected<'a>>,
    patience: Patience<'a>,
) -> Vec<Done<'a>> {
    let read = elsewhere.into_iter().map(|(field, value)| {
        let read = async move {
            let got = patience.read(jumbo, value).await;
            replace(field, value, got)
        };
        read.boxed()
    });
    read.collect()
}

/// A value that is on its way.
type Done<'a> = BoxFuture<'a, Result<(), ValueError>>;

/// Waits for all values, several at a time, or for the first that goes wrong.
async fn all(values: Vec<Done<'_>>) -> Result<(), ValueError> {
    stream::iter(values)
        .buffer_unordered(CONCURRENT)
        .try_collect()
        .await
}

fn replace(
    field: &'static ValueField,
    value: &mut SmolStr,
    with: Result<Option<SmolStr>, JumboError>,
) -> Result<(), ValueError> {
    match with {
        Ok(None) => Ok(()),
        Ok(Some(with)) => {
            *value = with;
            Ok(())
        }
        Err(source) => Err(ValueError {
            field,
            source: Box::new(source),
        }),
    }
}

#[cfg(test)]
mod tests {
    use simpleflow_model::event::WorkflowExecutionStarted;
    use simpleflow_model::operation::RespondActivityTaskCompleted;
    use simpleflow_model::{EventId, Timestamp};

    use super::*;
    use crate::away::{Away, DOWN};

    #[tokio::test(start_paused = true)]
    async fn a_place_that_is_away_is_given_up_when_the_patience_is_at_its_end() {
        let stop = CancellationToken::new();
        let limit = Duration::from_secs(30);
        for (answers, says) in [(true, DOWN), (false, "there is no answer in time")] {
            let jumbo = Away::new(answers).jumbo();
            let began = Instant::now();
            let patience = || Patience::until_stop(&stop).at_most(limit);
            let mut answer = RespondActivityTaskCompleted {
                result: Some("x".repeat(40_000).into()),
                ..RespondActivityTaskCompleted::default()
            };
            let written = encode_patiently(Some(&jumbo), &mut answer, patience()).await;
            let error = written.unwrap_err();
            assert!(error.to_string().contains(says), "{error}");
            assert!(!error.is_final());
            assert_eq!(began.elapsed(), limit);

            let signature = "simpleflow+s3://v/735471c1-ac26-4c5d-a4ba-f85c7c5fb211 40000";
            let started = WorkflowExecutionStarted {
                input: Some(signature.into()),
                ..WorkflowExecutionStarted::default()
            };
            let mut events = [HistoryEvent::new(
                EventId(1),
                Timestamp::from_millis(0),
                started,
            )];
            let read = decode_for_code(Some(&jumbo), &mut events, patience()).await;
            let error = read.unwrap_err().to_string();
            assert!(error.contains(says) && error.contains(signature), "{error}");
            assert_eq!(began.elapsed(), 2 * limit);
        }
    }
}
