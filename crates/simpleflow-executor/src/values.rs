//! Values that are longer than their fields, on their way to the service and back.
//!
//! Which members hold values, and how long they may be, says the table of the
//! [model](simpleflow_model::values). Here each is put elsewhere before it is sent, or got from there
//! after it came, several at a time.

use futures::future::BoxFuture;
use futures::{FutureExt as _, StreamExt as _, TryStreamExt as _, stream};
use simpleflow_jumbo::{Jumbo, JumboError};
use simpleflow_model::values::{ValueField, Values};
use simpleflow_model::{HistoryEvent, SmolStr};
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
    let Some(jumbo) = jumbo else { return Ok(()) };
    let is_long = |field: &ValueField, value: &SmolStr| value.len() > field.limit;
    let long = select(of, is_long);
    let write = long.into_iter().map(|(field, value)| {
        let write = async move {
            let sent = jumbo.encode(value, field.limit).await;
            replace(field, value, sent.map(|sent| sent.map(SmolStr::from)))
        };
        write.boxed()
    });
    all(write.collect()).await
}

/// The same for who does not give up while it may yet succeed, until there is a stop.
///
/// # Errors
/// As [`encode`].
pub(crate) async fn encode_persistently<T: Values + Send + ?Sized>(
    jumbo: Option<&Jumbo>,
    of: &mut T,
    stop: &CancellationToken,
) -> Result<(), ValueError> {
    let mut pauses = Pauses::new();
    loop {
        match encode(jumbo, of).await {
            Err(error) if error.source.is_retryable() => {
                if !pauses.wait("encode", &error, stop).await {
                    return Err(error);
                }
            }
            done => return done,
        }
    }
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
    let Some(jumbo) = jumbo else { return Ok(()) };
    read(jumbo, select(of, may_be_elsewhere)).await
}

/// The same for who shows values to people: those that cannot be got stay signatures, and are told.
pub async fn decode_each<T: Values + Send + ?Sized>(
    jumbo: Option<&Jumbo>,
    of: &mut T,
) -> Vec<ValueError> {
    let Some(jumbo) = jumbo else {
        return Vec::new();
    };
    let reads = reads(jumbo, select(of, may_be_elsewhere));
    let read = stream::iter(reads).buffer_unordered(CONCURRENT);
    read.filter_map(async |read| read.err()).collect().await
}

/// The same for the events that code is about to see: not for what repeats its own decisions, which
/// it knows. It does not give up while it may yet succeed, until there is a stop.
///
/// # Errors
/// As [`decode`].
pub(crate) async fn decode_for_code(
    jumbo: Option<&Jumbo>,
    events: &mut [HistoryEvent],
    stop: &CancellationToken,
) -> Result<(), ValueError> {
    let Some(jumbo) = jumbo else { return Ok(()) };
    let mut pauses = Pauses::new();
    loop {
        match read(jumbo, elsewhere_for_code(events)).await {
            Err(error) if error.source.is_retryable() => {
                if !pauses.wait("decode", &error, stop).await {
                    return Err(error);
                }
            }
            done => return done,
        }
    }
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

async fn read(jumbo: &Jumbo, elsewhere: Vec<Selected<'_>>) -> Result<(), ValueError> {
    all(reads(jumbo, elsewhere)).await
}

fn reads<'a>(jumbo: &'a Jumbo, elsewhere: Vec<Selected<'a>>) -> Vec<Done<'a>> {
    let read = elsewhere.into_iter().map(|(field, value)| {
        let read = async move {
            let got = jumbo.decode(value).await;
            replace(field, value, got.map(|got| got.map(SmolStr::from)))
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
